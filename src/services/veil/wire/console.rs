//! Where a machine's screen can be seen, as the controller tells it: one address with everything in its query.

use percent_encoding::percent_decode_str;

/// What is needed to look at a screen. Absent parts are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Console {
    /// As the controller gave it: a path there.
    pub url: String,
    pub host: String,
    pub password: String,
    pub path: String,
    pub token: String,
}

impl Console {
    /// Reads an address such as `/no-vnc/vnc.html?host=H&password=P&path=websockify?token=T`.
    pub fn read(url: &str) -> Console {
        let mut console = Console { url: url.to_owned(), ..Console::default() };
        let Some((_, query)) = url.split_once('?') else { return console };
        for pair in query.split('&') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let value = decoded(value);
            match name {
                "host" => console.host = value,
                "password" => console.password = value,
                "path" => console.path = value,
                _ => {}
            }
        }
        if let Some((_, token)) = console.path.split_once("websockify?token=") {
            console.token = token.to_owned();
        }
        console
    }

    /// Whether there is enough to connect with.
    pub fn valid(&self) -> bool {
        !(self.host.is_empty() || self.password.is_empty() || self.token.is_empty())
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_give_host_password_and_token() {
        for url in [
            "/no-vnc/vnc.html?host=10.0.0.1&password=p%2Bq&path=websockify?token=abc",
            "/spice-html5/spice_auto.html?host=10.0.0.1&password=p%2Bq&path=websockify%3Ftoken%3Dabc",
        ] {
            let console = Console::read(url);
            let found = (console.host.as_str(), console.password.as_str(), console.token.as_str());
            assert_eq!(found, ("10.0.0.1", "p+q", "abc"));
            assert!(console.valid());
        }
    }

    #[test]
    fn what_is_missing_makes_it_useless() {
        for url in [
            "/no-vnc/vnc.html",
            "/no-vnc/vnc.html?host=h&password=p&path=websockify",
            "/no-vnc/vnc.html?password=p&path=websockify?token=t",
        ] {
            assert!(!Console::read(url).valid(), "{url}");
        }
        assert_eq!(
            Console::read("x?token=t&valid=1"),
            Console { url: "x?token=t&valid=1".into(), ..Console::default() }
        );
    }
}
