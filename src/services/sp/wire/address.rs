//! Where a server is, in all the ways people write it.

use std::net::Ipv6Addr;

/// A server: a host, and the port or the instance there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: Option<u16>,
    /// A named instance; its port is asked of the server's browser.
    pub instance: Option<String>,
}

/// Ways to a server that are no TCP, and their names.
const OTHER_WAYS: &[(&str, &str)] =
    &[("np:", "a named pipe"), ("lpc:", "shared memory"), ("admin:", "the dedicated way")];

impl Address {
    /// Reads `host`, `host:port`, `host,port`, `host\instance`, `host\instance,port`, each with `tcp:` in front or
    /// without, an IPv6 address in brackets or bare, `.` and `(local)`. The error says what is wrong.
    pub fn read(text: &str) -> Result<Address, String> {
        let text = text.trim();
        if text.contains('@') {
            return Err("an address holds no user and no password: they stand in `user` and `password`".into());
        }
        if let Some((way, named)) = OTHER_WAYS.iter().find(|(way, _)| starts(text, way)) {
            return Err(format!("`{way}` means {named}, and only TCP is spoken here: write host,port"));
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(format!("an address has no `{scheme}://`: write host, host:port or host\\instance"));
        }
        let text = if starts(text, "tcp:") { text[4..].trim() } else { text };
        if starts(text, "(localdb)") {
            return Err("LocalDB is reached by a pipe, and only TCP is spoken here: give it a TCP port".into());
        }
        let (rest, port) = match text.split_once(',') {
            Some((rest, port)) => (rest.trim(), Some(number(port)?)),
            None => (text, None),
        };
        let (place, instance) = match rest.split_once('\\') {
            Some((place, instance)) => (place.trim(), Some(instance.trim())),
            None => (rest, None),
        };
        let (host, colon_port) = host_and_port(place)?;
        if port.is_some() && colon_port.is_some() {
            return Err("there are two ports in it".into());
        }
        let host = if host == "." || host.eq_ignore_ascii_case("(local)") { "localhost" } else { host };
        if host.is_empty() {
            return Err("there is no host in it".into());
        }
        if host.contains(char::is_whitespace) || host.contains(['/', '@', ';', '=']) {
            return Err(format!("`{host}` is no name of a host"));
        }
        // The instance that has no name of its own.
        let instance = instance.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("MSSQLSERVER"));
        Ok(Address { host: host.to_owned(), port: port.or(colon_port), instance: instance.map(str::to_owned) })
    }

    /// As it is shown and as servers are told apart: `host:port`, `host\instance`.
    pub fn shown(&self) -> String {
        shown(&self.host, self.port, self.instance.as_deref())
    }
}

/// `host:port`, or `host\instance` where an instance has to be asked for its port.
pub fn shown(host: &str, port: Option<u16>, instance: Option<&str>) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    match (port, instance) {
        (Some(port), _) => format!("{host}:{port}"),
        (None, Some(instance)) => format!("{host}\\{instance}"),
        (None, None) => format!("{host}:1433"),
    }
}

fn starts(text: &str, with: &str) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

fn number(text: &str) -> Result<u16, String> {
    match text.trim().parse() {
        Ok(0) | Err(_) => Err(format!("`{}` is no port: it is a number from 1 to 65535", text.trim())),
        Ok(port) => Ok(port),
    }
}

fn host_and_port(text: &str) -> Result<(&str, Option<u16>), String> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    if let Some(inside) = text.strip_prefix('[') {
        let (host, rest) = inside.split_once(']').ok_or("a bracket is not closed")?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(number(port)?),
            None if rest.is_empty() => None,
            None => return Err(format!("`{rest}` stands behind the bracket")),
        };
        return Ok((host, port));
    }
    match text.split_once(':') {
        Some((host, port)) => Ok((host, Some(number(port)?))),
        None => Ok((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_however_it_is_written() {
        for (text, host, port, instance) in [
            ("srv1", "srv1", None, None),
            (" srv1 ", "srv1", None, None),
            ("srv1:1434", "srv1", Some(1434), None),
            ("srv1,1434", "srv1", Some(1434), None),
            ("tcp:srv1.company.ru, 1434", "srv1.company.ru", Some(1434), None),
            ("TCP:srv1", "srv1", None, None),
            ("srv1\\BILLING", "srv1", None, Some("BILLING")),
            ("srv1\\BILLING,1500", "srv1", Some(1500), Some("BILLING")),
            ("srv1\\MSSQLSERVER", "srv1", None, None),
            (".", "localhost", None, None),
            ("(local)\\SQLEXPRESS", "localhost", None, Some("SQLEXPRESS")),
            ("10.0.0.5,1433", "10.0.0.5", Some(1433), None),
            ("::1", "::1", None, None),
            ("[fe80::2]:1500", "fe80::2", Some(1500), None),
            ("[::1],1500", "::1", Some(1500), None),
            ("сервер:1433", "сервер", Some(1433), None),
        ] {
            let found = Address::read(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
            assert_eq!((found.host.as_str(), found.port, found.instance.as_deref()), (host, port, instance), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, why) in [
            ("", "no host"),
            (",1433", "no host"),
            ("srv1:0", "no port"),
            ("srv1:99999", "no port"),
            ("srv1,sql", "no port"),
            ("srv1:1,2", "two ports"),
            ("[::1", "not closed"),
            ("[::1]x", "behind the bracket"),
            ("np:\\\\srv1\\pipe\\sql\\query", "a named pipe"),
            ("(localdb)\\MSSQLLocalDB", "LocalDB"),
            ("mssql://srv1", "no `mssql://`"),
            ("srv 1", "no name of a host"),
            ("Server=srv1", "no name of a host"),
        ] {
            let wrong = Address::read(text).unwrap_err();
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
    }

    #[test]
    fn an_address_is_shown_as_it_can_be_read_again() {
        for text in ["srv1:1433", "srv1\\BILLING", "[::1]:1500"] {
            assert_eq!(Address::read(text).unwrap().shown(), text);
        }
        assert_eq!(Address::read("srv1\\BILLING,1500").unwrap().shown(), "srv1:1500");
    }
}
