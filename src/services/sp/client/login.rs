//! From a place to a session that is logged in.

use std::io::ErrorKind;

use tiberius::error::Error as E;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, SqlBrowser};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncWriteCompatExt;

use super::driver::{Encrypt, Login, Place, Trust};
use super::tds::{Wire, of_server};
use super::way;
use crate::error::{Error, Kind, Result, Retry};
use crate::services::sp::wire::errors;

/// Bytes of a packet: what Microsoft's own drivers ask for.
const PACKET: u32 = 8000;
/// A server may send a client elsewhere so often.
const ROUTES: usize = 3;

/// Connects and logs in; gives up when the place's time is over.
pub async fn log_in(place: &Place) -> Result<Wire> {
    let shown = way::shown(place);
    let job = tried(place, &shown);
    match tokio::time::timeout(place.connect_timeout, job).await {
        Ok(done) => done,
        Err(_) => Err(errors::unreachable(&shown, ErrorKind::TimedOut, "")),
    }
}

/// The ways of encryption to try, the best first.
fn levels(encrypt: Encrypt) -> &'static [EncryptionLevel] {
    match encrypt {
        Encrypt::Off => &[EncryptionLevel::NotSupported],
        Encrypt::Login => &[EncryptionLevel::Off],
        Encrypt::On => &[EncryptionLevel::On, EncryptionLevel::Off, EncryptionLevel::NotSupported],
        Encrypt::Required => &[EncryptionLevel::Required],
        Encrypt::Strict => &[EncryptionLevel::Strict],
    }
}

async fn tried(place: &Place, shown: &str) -> Result<Wire> {
    let levels = levels(place.encrypt);
    for (at, level) in levels.iter().enumerate() {
        match routed(place, *level, shown).await {
            // The login alone is asked of servers that cannot do even that; they break off.
            Err(Failed::Unencrypted | Failed::Broken(_)) if at > 0 && at + 1 < levels.len() => {}
            Err(Failed::Unencrypted) if at + 1 < levels.len() => {}
            Err(failed) => return Err(failed.told(shown)),
            Ok(client) => return Ok(client),
        }
    }
    Err(errors::unencrypted(shown))
}

/// Why a connection did not come about.
enum Failed {
    /// The server does not encrypt as much as that.
    Unencrypted,
    /// In the middle of it, because of the way of encryption perhaps.
    Broken(E),
    Told(Error),
}

impl Failed {
    fn told(self, shown: &str) -> Error {
        match self {
            Failed::Unencrypted => errors::unencrypted(shown),
            Failed::Broken(error) => meant(shown, error),
            Failed::Told(error) => error,
        }
    }
}

/// Follows a server that sends the client to another one.
async fn routed(place: &Place, level: EncryptionLevel, shown: &str) -> Result<Wire, Failed> {
    let mut place = place.clone();
    for _ in 0..ROUTES {
        let config = config(&place, level).map_err(Failed::Told)?;
        let stream = reach(&place, &config).await.map_err(|error| Failed::Told(meant(shown, error)))?;
        match Client::connect(config, stream.compat_write()).await {
            Ok(client) => return Ok(client),
            Err(E::Routing { host, port }) => {
                place = Place { host, port: Some(port), instance: None, ..place };
            }
            Err(E::Protocol(text)) if errors::is_unencrypted(&text) => return Err(Failed::Unencrypted),
            Err(error @ (E::Io { .. } | E::Protocol(_) | E::Tls(_))) => return Err(Failed::Broken(error)),
            Err(error) => return Err(Failed::Told(meant(shown, error))),
        }
    }
    let text = "it sends the client from one server to another without end";
    Err(Failed::Told(errors::unreachable(shown, ErrorKind::Other, text)))
}

async fn reach(place: &Place, config: &Config) -> tiberius::Result<TcpStream> {
    let stream = match (&place.instance, place.port) {
        // The server's browser knows the port of an instance.
        (Some(_), None) => TcpStream::connect_named(config).await?,
        (_, port) => TcpStream::connect((place.host.as_str(), port.unwrap_or(1433))).await?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn config(place: &Place, level: EncryptionLevel) -> Result<Config> {
    let mut config = Config::new();
    config.host(&place.host);
    match (&place.instance, place.port) {
        (Some(instance), None) => config.instance_name(instance),
        (_, port) => config.port(port.unwrap_or(1433)),
    }
    if let Some(database) = &place.database {
        config.database(database);
    }
    config.application_name(&place.program);
    config.readonly(place.read_only);
    config.packet_size(PACKET);
    config.encryption(level);
    trust(&mut config, &place.trust)?;
    config.authentication(method(&place.login)?);
    // Long steps are silent, and times are kept where a timeout can cancel at the server.
    config.command_timeout(None);
    config.handshake_timeout(None);
    // A text that was cut in the middle of a character must not cost the whole answer.
    config.lossy_utf16_decoding(true);
    Ok(config)
}

fn trust(config: &mut Config, trust: &Trust) -> Result<()> {
    match trust {
        Trust::System => {}
        Trust::Any => config.trust_cert(),
        Trust::Ca(path) => {
            let bytes = std::fs::read(path).map_err(|error| {
                let message = format!("`ca`: {} cannot be read: {error}", path.display());
                Error::new(Kind::Config, "config.wrong_value", message).hint("give a file in PEM")
            })?;
            config.trust_cert_ca_bundle(bytes);
        }
    }
    Ok(())
}

fn method(login: &Login) -> Result<AuthMethod> {
    match login {
        Login::User { user, password } => Ok(AuthMethod::sql_server(user, password.expose())),
        #[cfg(windows)]
        Login::Integrated => Ok(AuthMethod::Integrated),
        #[cfg(not(windows))]
        Login::Integrated => Err(Error::new(Kind::Config, "sp.integrated", "`integrated` works on Windows alone")
            .hint("set `user` and `password`: a login of SQL Server itself")),
    }
}

/// What went wrong before there was a session.
fn meant(shown: &str, error: E) -> Error {
    match error {
        E::Server(told) => of_server(&told),
        E::Tls(text) => errors::tls(shown, &text),
        E::Io { kind, message } => errors::unreachable(shown, kind, &message),
        E::Conversion(text) if text.contains("SQL browser") || text.contains("instance") => {
            Error::new(Kind::Unavailable, "sp.no_instance", format!("{shown}: nobody tells the port of this instance"))
                .hint("start the service SQL Server Browser (UDP 1434), or give the port: host,port")
                .retry(Retry::Safe)
        }
        E::Protocol(text) if errors::is_end(&text) => errors::unreachable(shown, ErrorKind::UnexpectedEof, ""),
        other => errors::garbled(&other.to_string()),
    }
}
