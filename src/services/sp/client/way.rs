//! The way to a server, as the settings of a connection tell it: over a catalogue's, or alone.

use std::path::PathBuf;
use std::time::Duration;

use super::driver::{Encrypt, Login, Place, Trust};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::services::sp::wire::address::{self, Address};
use crate::services::sp::wire::connection_string::{self, Said};
use crate::settings::Settings;

/// Nobody waits longer for a connection.
const LONGEST: f64 = 3600.0;
const USUAL_CONNECT: f64 = 15.0;
const PROGRAM: &str = "pult";

/// Words of the setting `encrypt`.
const ENCRYPT: &[(&str, Encrypt)] = &[
    ("off", Encrypt::Off),
    ("login", Encrypt::Login),
    ("on", Encrypt::On),
    ("required", Encrypt::Required),
    ("strict", Encrypt::Strict),
];

/// How much is encrypted, by the word of settings and catalogues.
pub fn encrypt(word: &str) -> Option<Encrypt> {
    ENCRYPT.iter().find(|(known, _)| *known == word).map(|(_, meant)| *meant)
}

/// What the settings say; what they leave out comes from a catalogue, or is the usual.
#[derive(Clone, Debug)]
pub struct Way {
    address: Option<Address>,
    database: Option<String>,
    login: Option<Login>,
    encrypt: Option<Encrypt>,
    trust: Option<Trust>,
    connect_timeout: Option<Duration>,
    program: Option<String>,
    read_only: bool,
    /// Where the settings stand, for messages.
    origin: String,
}

impl Way {
    /// Reads the settings; connects to nothing. Errors name the setting and where it stands.
    pub fn read(settings: &Settings) -> Result<Way> {
        let said = said(settings)?;
        let address = match settings.text("address") {
            Some(text) => Some(Address::read(text).map_err(|wrong| settings.wrong("address", wrong))?),
            None => said.server.clone(),
        };
        let word = settings.text("encrypt").or(said.encrypt);
        let connect_timeout = settings.number("connect_timeout").or(said.connect_timeout.map(f64::from));
        Ok(Way {
            address,
            database: settings.text("database").map(str::to_owned).or(said.database.clone()),
            login: login(settings, &said)?,
            encrypt: word.and_then(encrypt),
            trust: trust(settings, &said),
            connect_timeout: connect_timeout.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.1, LONGEST))),
            program: settings.text("program").map(str::to_owned).or(said.program.clone()),
            read_only: settings.flag("read_only") || said.read_only == Some(true),
            origin: settings.origin.clone(),
        })
    }

    /// The database that the settings name.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// A catalogue's place with what the settings say put over it. Its database stays.
    pub fn over(&self, mut place: Place) -> Place {
        if let Some(address) = &self.address {
            (place.host, place.port) = (address.host.clone(), address.port);
            place.instance = address.instance.clone();
        }
        if let Some(login) = &self.login {
            place.login = login.clone();
        }
        place.encrypt = self.encrypt.unwrap_or(place.encrypt);
        if let Some(trust) = &self.trust {
            place.trust = trust.clone();
        }
        place.connect_timeout = self.connect_timeout.unwrap_or(place.connect_timeout);
        if let Some(program) = &self.program {
            place.program = program.clone();
        }
        place.read_only |= self.read_only;
        place
    }

    /// The place of the settings alone. Errors: an address or a login is missing.
    pub fn place(&self) -> Result<Place> {
        let Some(address) = &self.address else {
            let hint = "set it to the server, such as \"srv1:1433\", or give a `connection_string`";
            return Err(self.missing("address").hint(hint));
        };
        let Some(login) = &self.login else {
            return Err(self.missing("user").hint("set `user` and `password`, or `integrated = true` on Windows"));
        };
        Ok(Place {
            host: address.host.clone(),
            port: address.port,
            instance: address.instance.clone(),
            database: self.database.clone(),
            login: login.clone(),
            encrypt: self.encrypt.unwrap_or_default(),
            trust: self.trust.clone().unwrap_or_default(),
            connect_timeout: self.connect_timeout.unwrap_or(Duration::from_secs_f64(USUAL_CONNECT)),
            program: self.program.clone().unwrap_or_else(|| PROGRAM.to_owned()),
            read_only: self.read_only,
        })
    }

    fn missing(&self, name: &str) -> Error {
        Settings::new(self.origin.clone()).wrong(name, "it is missing")
    }

    /// What whoever uses this connection should know: that anybody may stand between.
    pub fn warning(&self) -> Option<String> {
        let address = self.address.as_ref()?;
        let host = address.host.as_str();
        let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let why = match (self.encrypt, &self.trust) {
            _ if is_here => return None,
            (Some(Encrypt::Off), _) => "nothing is encrypted, the password included",
            (Some(Encrypt::Login), _) => "only the login is encrypted",
            (_, Some(Trust::Any)) => "`insecure` is set, so nobody knows whether this is the server",
            _ => return None,
        };
        Some(format!(
            "{}: {why}: whoever stands between {} and this computer can read and change what is sent; use `encrypt = \
             \"required\"` and set `ca` to the company's certificates instead",
            self.origin,
            address.shown()
        ))
    }
}

/// How a place is told from others, and shown: `host:port`.
pub fn shown(place: &Place) -> String {
    address::shown(&place.host, place.port, place.instance.as_deref())
}

fn said(settings: &Settings) -> Result<Said> {
    match settings.secret("connection_string") {
        Some(text) => {
            connection_string::read(text.expose()).map_err(|wrong| settings.wrong("connection_string", wrong))
        }
        None => Ok(Said::default()),
    }
}

fn login(settings: &Settings, said: &Said) -> Result<Option<Login>> {
    let is_named = settings.has("user");
    if settings.flag("integrated") || (said.integrated == Some(true) && !is_named) {
        if is_named {
            return Err(settings.wrong("integrated", "there is a `user` already; give one of the two"));
        }
        return Ok(Some(Login::Integrated));
    }
    let user = settings.text("user").map(str::to_owned).or(said.user.clone());
    let Some(user) = user else { return Ok(None) };
    let password = settings.secret("password").cloned().or(said.password.clone());
    let password: Secret = password.ok_or_else(|| {
        settings.wrong("password", "it is missing").hint("the password of `user`, best as { env = \"SP_PASSWORD\" }")
    })?;
    Ok(Some(Login::User { user, password }))
}

fn trust(settings: &Settings, said: &Said) -> Option<Trust> {
    match settings.text("ca") {
        _ if settings.flag("insecure") => Some(Trust::Any),
        Some(path) => Some(Trust::Ca(PathBuf::from(path))),
        None if settings.has("insecure") => Some(Trust::System),
        None => said.insecure.map(|any| if any { Trust::Any } else { Trust::System }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::sp::SETTINGS;
    use crate::settings::Given;

    fn way(pairs: &[(&str, &str)]) -> Result<Way> {
        let mut settings = Settings::new("[sp.main]");
        for (name, text) in pairs {
            let given = match *text {
                "true" | "false" => Given::Flag(*text == "true"),
                text => Given::Text(text.into()),
            };
            settings.set(SETTINGS, name, given).unwrap();
        }
        Way::read(&settings)
    }

    #[test]
    fn settings_win_over_the_connection_string_and_both_over_a_catalogue() {
        let string =
            "Server=srv1,1500;Database=a;User Id=u;Password=hush-hush;Encrypt=strict;TrustServerCertificate=true";
        let place = way(&[("connection_string", string)]).unwrap().place().unwrap();
        assert_eq!((shown(&place).as_str(), place.database.as_deref()), ("srv1:1500", Some("a")));
        assert_eq!((place.encrypt, place.trust.clone()), (Encrypt::Strict, Trust::Any));
        let way =
            way(&[("connection_string", string), ("address", "srv2\\B"), ("encrypt", "login"), ("insecure", "false")]);
        let way = way.unwrap();
        assert_eq!(shown(&way.place().unwrap()), "srv2\\B");
        let over = way.over(Place { database: Some("hcs".into()), ..place });
        assert_eq!((shown(&over).as_str(), over.database.as_deref()), ("srv2\\B", Some("hcs")));
        assert_eq!((over.encrypt, over.trust), (Encrypt::Login, Trust::System));
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        let place = |pairs: &[(&str, &str)]| way(pairs).and_then(|way| way.place()).unwrap_err();
        for (error, expected) in [
            (place(&[]), "[sp.main]: `address`: it is missing"),
            (place(&[("address", "srv1")]), "[sp.main]: `user`: it is missing"),
            (place(&[("address", "srv1"), ("user", "u")]), "[sp.main]: `password`: it is missing"),
            (place(&[("address", "srv1:x")]), "[sp.main]: `address`: `x` is no port: it is a number from 1 to 65535"),
            (
                place(&[("user", "u"), ("integrated", "true")]),
                "[sp.main]: `integrated`: there is a `user` already; give one of the two",
            ),
            (
                place(&[("connection_string", "nonsense")]),
                "[sp.main]: `connection_string`: something stands there without `=`",
            ),
        ] {
            assert_eq!(error.message(), expected);
        }
    }

    #[test]
    fn a_connection_that_anybody_can_read_is_warned_of() {
        let warning = |pairs: &[(&str, &str)]| way(pairs).unwrap().warning();
        assert_eq!(warning(&[("address", "srv1")]), None);
        assert_eq!(warning(&[("address", "127.0.0.1"), ("insecure", "true")]), None);
        assert!(warning(&[("address", "srv1"), ("insecure", "true")]).unwrap().contains("`insecure` is set"));
        assert!(warning(&[("address", "srv1"), ("encrypt", "off")]).unwrap().contains("password included"));
    }
}
