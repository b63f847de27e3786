//! Connection strings, as ADO.NET and ODBC write them: `Server=tcp:srv1,1433;Database=bill_ab;User Id=sync;Password=…`.

use super::address::Address;
use crate::error::did_you_mean;
use crate::secret::Secret;

/// What a connection string says; what it does not say is `None`.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub server: Option<Address>,
    pub database: Option<String>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub integrated: Option<bool>,
    /// A word of the setting `encrypt`.
    pub encrypt: Option<&'static str>,
    /// Any certificate is believed.
    pub insecure: Option<bool>,
    /// In seconds.
    pub connect_timeout: Option<u32>,
    pub program: Option<String>,
    pub read_only: Option<bool>,
}

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    Server,
    Port,
    Database,
    User,
    Password,
    Integrated,
    Encrypt,
    Insecure,
    Timeout,
    Program,
    Intent,
    /// It says nothing that matters here.
    Nothing,
}

/// Keys in lower case and without spaces and underscores, as drivers spell them.
const KEYS: &[(&str, Key)] = &[
    ("server", Key::Server),
    ("datasource", Key::Server),
    ("addr", Key::Server),
    ("address", Key::Server),
    ("networkaddress", Key::Server),
    ("port", Key::Port),
    ("database", Key::Database),
    ("initialcatalog", Key::Database),
    ("userid", Key::User),
    ("uid", Key::User),
    ("user", Key::User),
    ("username", Key::User),
    ("password", Key::Password),
    ("pwd", Key::Password),
    ("integratedsecurity", Key::Integrated),
    ("trustedconnection", Key::Integrated),
    ("encrypt", Key::Encrypt),
    ("trustservercertificate", Key::Insecure),
    ("connecttimeout", Key::Timeout),
    ("connectiontimeout", Key::Timeout),
    ("logintimeout", Key::Timeout),
    ("timeout", Key::Timeout),
    ("applicationname", Key::Program),
    ("app", Key::Program),
    ("applicationintent", Key::Intent),
    ("driver", Key::Nothing),
    ("provider", Key::Nothing),
    ("pooling", Key::Nothing),
    ("minpoolsize", Key::Nothing),
    ("maxpoolsize", Key::Nothing),
    ("persistsecurityinfo", Key::Nothing),
    ("multipleactiveresultsets", Key::Nothing),
    ("marsconnection", Key::Nothing),
    ("multisubnetfailover", Key::Nothing),
    ("workstationid", Key::Nothing),
    ("wsid", Key::Nothing),
    ("packetsize", Key::Nothing),
    ("columnencryption", Key::Nothing),
    ("columnencryptionsetting", Key::Nothing),
    ("commandtimeout", Key::Nothing),
    ("autotranslate", Key::Nothing),
    ("ansinpw", Key::Nothing),
    ("regional", Key::Nothing),
    ("tdsversion", Key::Nothing),
    ("clientcharset", Key::Nothing),
];

/// Reads a connection string. The error says what is wrong and never shows a value.
pub fn read(text: &str) -> Result<Said, String> {
    if let Some((scheme, _)) = text.split_once("://").filter(|(scheme, _)| !scheme.contains(['=', ';'])) {
        let shape = "Server=host,port;Database=…;User Id=…;Password=…";
        return Err(format!("a URL ({scheme}://) is no connection string; write {shape}"));
    }
    let mut said = Said::default();
    let mut port = None;
    for (name, value) in pairs(text)? {
        let plain = name.to_lowercase().replace([' ', '_'], "");
        let key = KEYS.iter().find(|(known, _)| *known == plain).map(|(_, key)| *key);
        let key = key.ok_or_else(|| {
            let near = did_you_mean(&plain, KEYS.iter().map(|(known, _)| *known));
            format!("the key `{name}` is unknown{}", near.map(|near| format!("; {near}")).unwrap_or_default())
        })?;
        take(&mut said, &mut port, key, &name, value)?;
    }
    if let (Some(port), Some(server)) = (port, &mut said.server) {
        server.port.get_or_insert(port);
    }
    Ok(said)
}

fn take(said: &mut Said, port: &mut Option<u16>, key: Key, name: &str, value: String) -> Result<(), String> {
    let whole = |value: &str| value.trim().parse().map_err(|_| format!("`{name}`: no whole number"));
    match key {
        Key::Server => {
            said.server = Some(Address::read(&value).map_err(|wrong| format!("`{name}`: {wrong}"))?);
        }
        Key::Port => *port = Some(value.trim().parse().map_err(|_| format!("`{name}`: no port"))?),
        Key::Database => said.database = Some(value),
        Key::User => said.user = Some(value),
        Key::Password => said.password = Some(Secret::new(value)),
        Key::Integrated => said.integrated = Some(flag(name, &value)?),
        Key::Encrypt => said.encrypt = Some(encrypt(name, &value)?),
        Key::Insecure => said.insecure = Some(flag(name, &value)?),
        Key::Timeout => said.connect_timeout = Some(whole(&value)?),
        Key::Program => said.program = Some(value),
        Key::Intent => said.read_only = Some(value.trim().eq_ignore_ascii_case("readonly")),
        Key::Nothing => {}
    }
    Ok(())
}

fn flag(name: &str, value: &str) -> Result<bool, String> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "sspi" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(format!("`{name}`: neither true nor false")),
    }
}

/// `false` is what drivers call a connection whose login alone is encrypted.
fn encrypt(name: &str, value: &str) -> Result<&'static str, String> {
    match value.trim().to_ascii_lowercase().as_str() {
        "strict" => Ok("strict"),
        "mandatory" => Ok("required"),
        "optional" => Ok("login"),
        value => flag(name, value).map(|on| if on { "required" } else { "login" }),
    }
}

/// Keys and values. A value may stand in `'…'`, `"…"` (a quote inside is doubled) or `{…}` (a `}` inside is doubled).
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
        if rest.is_empty() {
            return Ok(pairs);
        }
        let (name, behind) = rest.split_once('=').ok_or("something stands there without `=`")?;
        let name = name.trim();
        if name.contains(';') {
            return Err("something stands there without `=`".into());
        }
        let (value, behind) = value(name, behind.trim_start())?;
        pairs.push((name.to_owned(), value));
        rest = behind;
    }
}

/// A value, and what stands behind it.
fn value<'a>(name: &str, text: &'a str) -> Result<(String, &'a str), String> {
    let end = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => quote,
        Some('{') => '}',
        _ => {
            let (value, behind) = text.split_once(';').unwrap_or((text, ""));
            return Ok((value.trim_end().to_owned(), behind));
        }
    };
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != end {
            value.push(c);
        } else if chars.next_if(|(_, next)| *next == end).is_some() {
            value.push(end);
        } else {
            let behind = text[at + c.len_utf8()..].trim_start();
            return match behind.is_empty() || behind.starts_with(';') {
                true => Ok((value, behind)),
                false => Err(format!("`{name}`: something stands behind the closing {end}")),
            };
        }
    }
    Err(format!("`{name}`: the closing {end} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drivers_write_is_understood() {
        let said = read(
            "Server=tcp:srv1,1500;Initial Catalog=bill_ab;User ID=sync;Password='a;b''c=';Encrypt=yes;\
             TrustServerCertificate=True;Connect Timeout=7;Application Name=nightly;ApplicationIntent=ReadOnly;MARS_Connection=no",
        )
        .unwrap();
        assert_eq!(said.server.unwrap().shown(), "srv1:1500");
        assert_eq!((said.database.as_deref(), said.user.as_deref()), (Some("bill_ab"), Some("sync")));
        assert_eq!(said.password.unwrap().expose(), "a;b'c=");
        assert_eq!((said.encrypt, said.insecure, said.connect_timeout), (Some("required"), Some(true), Some(7)));
        assert_eq!((said.program.as_deref(), said.read_only), (Some("nightly"), Some(true)));
        let odbc =
            read("DRIVER={ODBC Driver 17 for SQL Server};SERVER=srv1\\B;UID=u;PWD={p}}w;d};Trusted_Connection=no;");
        let odbc = odbc.unwrap();
        assert_eq!(odbc.server.unwrap().shown(), "srv1\\B");
        assert_eq!((odbc.password.unwrap().expose(), odbc.integrated), ("p}w;d", Some(false)));
        assert_eq!(read("server=srv1;port=1500").unwrap().server.unwrap().port, Some(1500));
        assert_eq!(read("Server=.;Integrated Security=SSPI").unwrap().integrated, Some(true));
        for (word, meant) in
            [("False", "login"), ("optional", "login"), ("mandatory", "required"), ("Strict", "strict")]
        {
            assert_eq!(read(&format!("Encrypt={word}")).unwrap().encrypt, Some(meant));
        }
        assert!(read("").unwrap().server.is_none());
    }

    #[test]
    fn what_is_wrong_is_named_and_no_value_is_shown() {
        for (text, why) in [
            ("Servr=srv1", "did you mean `server`?"),
            ("Server=srv1;Password", "without `=`"),
            ("Server=srv1;Password='hush-hush", "the closing ' is missing"),
            ("Password='hush-hush'x", "behind the closing '"),
            ("Encrypt=hush-hush", "neither true nor false"),
            ("Connect Timeout=hush-hush", "no whole number"),
            ("Server=np:x", "a named pipe"),
            ("mssql+pymssql://u:hush-hush@srv1/db", "a URL (mssql+pymssql://)"),
        ] {
            let wrong = read(text).unwrap_err();
            assert!(wrong.contains(why) && !wrong.contains("hush-hush"), "{text}: {wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_value_survives_in_any_quotes(password in "\\PC*", database in "\\PC*") {
            let quoted = |value: &str, quote: char| format!("{quote}{}{quote}", value.replace(quote, &format!("{quote}{quote}")));
            let braced = format!("{{{}}}", password.replace('}', "}}"));
            for password_text in [quoted(&password, '"'), quoted(&password, '\''), braced] {
                let text = format!("Password = {password_text} ; Database={}", quoted(&database, '"'));
                let said = read(&text).unwrap();
                let found = said.password.unwrap();
                proptest::prop_assert_eq!(found.expose(), &password);
                proptest::prop_assert_eq!(said.database.unwrap(), database.clone());
            }
        }

        #[test]
        fn nothing_that_is_read_panics(text in "\\PC*") {
            let _ = (read(&text).is_ok(), Address::read(&text).is_ok());
        }
    }
}
