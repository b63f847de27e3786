//! What an error of a server or of the way to it means, and what to do about it.

use std::io::ErrorKind;

use crate::error::{Error, Kind, Retry};

/// An error as a server tells it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told<'a> {
    pub number: u32,
    pub severity: u8,
    pub state: u8,
    pub message: &'a str,
    pub procedure: &'a str,
    /// Of the procedure, or of the text that was sent.
    pub line: u32,
    pub server: &'a str,
}

/// What a number means.
struct Known {
    number: u32,
    kind: Kind,
    /// Nothing of it was done: the same may be tried again.
    again: bool,
    hint: &'static str,
}

const fn known(number: u32, kind: Kind, hint: &'static str) -> Known {
    Known { number, kind, again: false, hint }
}

const fn again(number: u32, hint: &'static str) -> Known {
    Known { number, kind: Kind::Refused, again: true, hint }
}

/// Further errors than these are [`Kind::Refused`] and have no hint: the server's words say what is wrong.
const KNOWN: &[Known] = &[
    known(102, Kind::Input, "the text is not what SQL Server understands: look at the line that it names"),
    known(137, Kind::Input, "give it among the parameters: sp.query(sql, #{ name: value }) is @name in the text"),
    known(156, Kind::Input, "the text is not what SQL Server understands: look at the line that it names"),
    known(201, Kind::Input, "give it in the map: sp.exec(name, #{ parameter: value })"),
    known(
        207,
        Kind::NotFound,
        "look the columns up: sp.query(\"SELECT * FROM sys.columns WHERE object_id = OBJECT_ID(@t)\", #{ t: … })",
    ),
    known(208, Kind::NotFound, "the name may need its schema, or the table lies in another database: #{ database: … }"),
    known(229, Kind::Auth, "have an administrator grant it: GRANT … TO the login that this connection uses"),
    known(230, Kind::Auth, "have an administrator grant it: GRANT … TO the login that this connection uses"),
    known(
        233,
        Kind::Unavailable,
        "the server ended the connection while logging in: too many connections, or it does not take this way of encryption",
    ),
    known(
        241,
        Kind::Input,
        "send dates as moments (time::parse(…)) or as \"yyyymmdd\": other texts depend on the login's language",
    ),
    known(
        242,
        Kind::Input,
        "send dates as moments (time::parse(…)) or as \"yyyymmdd\": other texts depend on the login's language",
    ),
    known(262, Kind::Auth, "have an administrator grant it to the login that this connection uses"),
    known(297, Kind::Auth, "have an administrator grant it to the login that this connection uses"),
    known(300, Kind::Auth, "have an administrator grant it to the login that this connection uses"),
    known(911, Kind::NotFound, "sp.query(\"SELECT name FROM sys.databases\") lists those that there are"),
    known(916, Kind::Auth, "the login has no user in that database: CREATE USER … FOR LOGIN … there"),
    known(
        2812,
        Kind::NotFound,
        "the name may need its schema, or the procedure lies in another database: #{ database: … }",
    ),
    known(
        4060,
        Kind::Auth,
        "check the name of the database (the setting `database`), and that this login has a user in it",
    ),
    known(8144, Kind::Input, "leave out what the procedure does not know: EXEC sp_help shows its parameters"),
    known(8145, Kind::Input, "check the spelling: EXEC sp_help shows the procedure's parameters"),
    known(8146, Kind::Input, "call it without parameters"),
    known(
        18452,
        Kind::Auth,
        "log in as a user of SQL Server (`user`, `password`), or on Windows with `integrated = true`",
    ),
    known(
        18456,
        Kind::Auth,
        "check `user` and `password`; the server's own log says more (state 5 no such login, 8 wrong password)",
    ),
    known(18470, Kind::Auth, "an administrator has disabled the login: ALTER LOGIN … ENABLE"),
    known(18486, Kind::Auth, "an administrator can unlock it: ALTER LOGIN … WITH PASSWORD = … UNLOCK"),
    known(18487, Kind::Auth, "the password has to be changed with the server's own tools first"),
    known(18488, Kind::Auth, "the password has to be changed with the server's own tools first"),
    again(1205, "another session was in the way and this one was chosen to give up: run it again"),
    again(1222, "another session holds the lock: EXEC sp_who2 shows who; run it again later"),
    again(3960, "the rows were changed meanwhile by another session: run it again"),
    known(40_197, Kind::Unavailable, "the service is being moved: try again in a minute"),
    known(40_501, Kind::Limit, "the service is busy: try again in ten seconds"),
    known(40_613, Kind::Unavailable, "the database is not available at the moment: try again in a minute"),
];

/// From this severity on the server ends the connection.
const FATAL: u8 = 20;
/// The server has run out of something: memory, disk, locks.
const RESOURCES: u8 = 17;

/// An error of a server: `sp.<number>`, with `number`, `severity`, `state`, `procedure`, `line_of_procedure`, `server`.
pub fn told(told: Told<'_>) -> Error {
    let known = KNOWN.iter().find(|known| known.number == told.number);
    let kind = match known {
        Some(known) => known.kind,
        None if told.severity >= FATAL => Kind::Unavailable,
        None if told.severity == RESOURCES => Kind::Limit,
        None => Kind::Refused,
    };
    let mut error = Error::new(kind, format!("sp.{}", told.number), told.message)
        .detail("number", told.number)
        .detail("severity", told.severity)
        .detail("state", told.state);
    if !told.procedure.is_empty() {
        error = error.detail("procedure", told.procedure);
    }
    if told.line > 0 {
        error = error.detail("line_of_procedure", told.line);
    }
    if !told.server.is_empty() {
        error = error.detail("server", told.server);
    }
    match known {
        Some(known) if known.again => error.hint(known.hint).retry(Retry::Safe),
        Some(known) => error.hint(known.hint),
        None => error,
    }
}

/// Why there is no connection to a place.
pub fn unreachable(place: &str, kind: ErrorKind, text: &str) -> Error {
    let (what, hint) = match kind {
        ErrorKind::ConnectionRefused => (
            "nobody listens there".to_owned(),
            "check the port; the server's TCP/IP has to be switched on in SQL Server Configuration Manager",
        ),
        ErrorKind::TimedOut => (
            "it does not answer".to_owned(),
            "check the address and the firewall; `connect_timeout` is how long it is waited for",
        ),
        ErrorKind::ConnectionReset
        | ErrorKind::UnexpectedEof
        | ErrorKind::BrokenPipe
        | ErrorKind::ConnectionAborted => (
            "it ended the connection at once".to_owned(),
            "something else may listen at this port, or the server does not take this way of encryption: try another `encrypt`",
        ),
        _ => (text.to_owned(), "check the address: host, host:port or host\\instance"),
    };
    Error::new(Kind::Unavailable, "sp.unreachable", format!("{place} cannot be reached: {what}"))
        .hint(hint)
        .retry(Retry::Safe)
}

/// A connection that went away. Whether the request was carried out, nobody knows.
pub fn lost(text: &str) -> Error {
    Error::new(
        Kind::Unavailable,
        "sp.lost",
        format!("the connection to the server was lost: {}", text.trim_end_matches('.')),
    )
    .hint("the server was restarted, or something on the way ended it; look at what was done before it is repeated")
    .retry(Retry::Unknown)
}

/// What a driver says when the server stops talking.
pub fn is_end(text: &str) -> bool {
    text.contains("No more packets in the wire")
}

/// What is wrong with a certificate: how the driver says it, what it means.
const CERTIFICATE: &[(&str, &str)] = &[
    ("UnknownIssuer", "nobody who is trusted has signed it"),
    ("NotValidForName", "it was made for another name"),
    ("not valid for name", "it was made for another name"),
    ("NotValidYet", "it is not valid yet"),
    ("not valid yet", "it is not valid yet"),
    ("Expired", "it has expired"),
    ("expired", "it has expired"),
    ("Revoked", "it was revoked"),
    ("CaUsedAsEndEntity", "it is that of a certification authority"),
    ("UnsupportedCertVersion", "it is of an old kind"),
    ("BadSignature", "its signature is wrong"),
    ("certificate", "it is rejected"),
];

/// A TLS connection that did not come about.
pub fn tls(place: &str, text: &str) -> Error {
    let Some((mark, meant)) = CERTIFICATE.iter().find(|(mark, _)| text.contains(mark)) else {
        return Error::new(Kind::Unavailable, "sp.tls", format!("{place}: no encrypted connection comes about: {text}")).hint(
            "the server may know nothing newer than TLS 1.0: have it updated, or set `encrypt = \"off\"` in a network that you trust",
        );
    };
    let hint = match mark.to_lowercase().contains("name") {
        true => {
            "use the name that the certificate was made for as the address, or set `insecure = true` in a network that you trust"
        }
        false => {
            "set `ca` to a file with the certificate of whoever signed it, or `insecure = true` in a network that you trust"
        }
    };
    Error::new(
        Kind::Unavailable,
        "sp.certificate",
        format!("{place}: the server's certificate is not trusted: {meant}"),
    )
    .hint(hint)
}

/// Whether a driver says that the server does not encrypt as much as was asked for.
pub fn is_unencrypted(text: &str) -> bool {
    text.contains("does not allow the requested encryption level")
}

/// A server that does not encrypt as much as is asked for.
pub fn unencrypted(place: &str) -> Error {
    let message = format!("{place}: the server does not encrypt the connection as it has to be here");
    Error::new(Kind::Refused, "sp.encryption", message)
        .hint("set `encrypt = \"login\"` to encrypt the password alone, or \"off\" for nothing at all, in a network that you trust")
}

/// Something came that cannot be an answer of SQL Server.
pub fn garbled(text: &str) -> Error {
    Error::new(Kind::Protocol, "sp.protocol", format!("the server's answer cannot be read: {text}"))
        .hint("check that the address is that of SQL Server, and its port")
        .retry(Retry::Unknown)
}

/// It took longer than was allowed; the server was told to leave it.
pub fn timeout(seconds: f64) -> Error {
    Error::new(Kind::Timeout, "sp.timeout", format!("no end after {seconds} s; the server was told to stop"))
        .hint("allow more with #{ timeout: seconds } or `timeout` of the connection")
        .retry(Retry::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_server_keep_their_words_and_get_a_kind() {
        for (number, severity, kind, may_retry) in [
            (18_456, 14, Kind::Auth, Retry::Useless),
            (2812, 16, Kind::NotFound, Retry::Useless),
            (208, 16, Kind::NotFound, Retry::Useless),
            (8145, 16, Kind::Input, Retry::Useless),
            (1205, 13, Kind::Refused, Retry::Safe),
            (1222, 16, Kind::Refused, Retry::Safe),
            (3960, 16, Kind::Refused, Retry::Safe),
            (229, 14, Kind::Auth, Retry::Useless),
            (50_000, 16, Kind::Refused, Retry::Useless),
            (50_000, 20, Kind::Unavailable, Retry::Useless),
            (701, 17, Kind::Limit, Retry::Useless),
        ] {
            let error = told(Told { number, severity, message: "Слова сервера.", ..Told::default() });
            assert_eq!(
                (error.kind(), error.may_retry(), error.message()),
                (kind, may_retry, "Слова сервера."),
                "{number}"
            );
            assert_eq!(error.code(), format!("sp.{number}"));
        }
    }

    #[test]
    fn details_say_where_it_happened() {
        let error =
            told(Told { number: 50_000, severity: 16, state: 3, message: "m", procedure: "p", line: 7, server: "S" });
        let details: Vec<String> = error.details().iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            details,
            ["number=50000", "severity=16", "state=3", "procedure=\"p\"", "line_of_procedure=7", "server=\"S\""]
        );
    }

    #[test]
    fn no_number_is_listed_twice() {
        let mut numbers: Vec<u32> = KNOWN.iter().map(|known| known.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), KNOWN.len());
    }

    #[test]
    fn faults_of_the_way_say_what_to_set() {
        let refused = unreachable("srv1:1433", ErrorKind::ConnectionRefused, "");
        assert!(refused.hint_text().unwrap().contains("Configuration Manager"));
        assert!(unreachable("srv1:1433", ErrorKind::ConnectionReset, "").hint_text().unwrap().contains("`encrypt`"));
        let certificate = tls(
            "srv1:1433",
            "the server's certificate was rejected during the TLS handshake: invalid peer certificate: UnknownIssuer. To connect \
             anyway you can: (1) trust …",
        );
        assert_eq!(
            certificate.message(),
            "srv1:1433: the server's certificate is not trusted: nobody who is trusted has signed it"
        );
        assert!(certificate.hint_text().unwrap().contains("`ca`"));
        let old = tls("srv1:1433", "received fatal alert: ProtocolVersion");
        assert!((old.code(), old.hint_text().unwrap().contains("TLS 1.0")) == ("sp.tls", true));
    }
}
