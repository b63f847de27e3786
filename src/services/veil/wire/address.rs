//! Where a controller is and how a caller is known to it.

use std::ops::Deref;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::core::root::Root;

/// A controller: scheme, host and port, and perhaps a path in front of `/api/`.
#[derive(Clone, Debug)]
pub struct Address(Root);

impl Deref for Address {
    type Target = Root;

    fn deref(&self) -> &Root {
        &self.0
    }
}

impl Address {
    /// Reads an address as people write it: with a scheme or without, a name of one label, an IPv6 address. The error
    /// says what is wrong.
    pub fn read(text: &str) -> Result<Address, String> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("https".to_owned(), text),
        };
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(format!("a controller is reached by https:// or http://, not by {scheme}://"));
        }
        if rest.is_empty() {
            return Err("there is no host in it".into());
        }
        // A bare IPv6 address has colons of its own.
        let bare = rest.split('/').next().unwrap_or(rest);
        let rest = match bare.parse::<std::net::Ipv6Addr>() {
            Ok(_) => format!("[{bare}]{}", &rest[bare.len()..]),
            Err(_) => rest.to_owned(),
        };
        Root::read(&format!("{scheme}://{rest}"), "set `user` and `password`").map(Address)
    }

    /// `https://host/api/…`; a path that begins with a slash is the whole one.
    pub fn api(&self, path: &str) -> Url {
        let path = match path.strip_prefix('/') {
            Some(whole) => whole.to_owned(),
            None => format!("api/{path}"),
        };
        self.at(&path)
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.url().clone();
        let whole = format!("{}{}", self.url().path(), percent_decode_str(path).decode_utf8_lossy());
        url.set_path(&whole);
        url
    }

    /// An address that an answer tells: absolute at this controller, or a path there. `None` for another host: no token
    /// goes there, and no file comes from there.
    pub fn told(&self, told: &str) -> Option<Url> {
        let url = self.url().join(told).ok()?;
        let same = url.host_str() == self.url().host_str()
            && url.port_or_known_default() == self.url().port_or_known_default();
        (same && url.scheme() == self.url().scheme()).then_some(url)
    }

    /// Where events come from.
    pub fn events(&self, token: &str) -> Url {
        let mut url = self.at("ws/");
        url.query_pairs_mut().append_pair("token", token);
        url
    }
}

/// The token without its word: `jwt eyJ…` and `eyJ…` are the same. The error never quotes it.
pub fn token(text: &str) -> Result<&str, String> {
    let text = text.trim();
    let bare = match text.split_once(char::is_whitespace) {
        Some((word, rest)) if word.eq_ignore_ascii_case("jwt") => rest.trim(),
        Some((word, _)) if word.eq_ignore_ascii_case("bearer") => {
            return Err("it begins with `Bearer`, and a controller knows only `jwt`".into());
        }
        Some(_) => return Err("there is a space in it".into()),
        None => text,
    };
    match bare {
        "" => Err("it is empty".into()),
        bare if bare.eq_ignore_ascii_case("jwt") => Err("there is nothing behind its word".into()),
        bare if bare.contains(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii()) => {
            Err("it contains something that no token has: a space, a line end or a letter outside ASCII".into())
        }
        bare => Ok(bare),
    }
}

/// When a token runs out, in seconds since 1970, if it says so.
pub fn expires(token: &str) -> Option<i64> {
    use base64::Engine;
    let claims = token.split('.').nth(1)?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice::<serde_json::Value>(&claims).ok()?.get("exp")?.as_i64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (written, expected) in [
            ("192.168.11.115", "https://192.168.11.115/api/domains/"),
            ("ya.ru:8888", "https://ya.ru:8888/api/domains/"),
            ("controller", "https://controller/api/domains/"),
            ("http://localhost:80/", "http://localhost/api/domains/"),
            ("https://veil.company.ru/api/", "https://veil.company.ru/api/domains/"),
            ("veil.company.ru/first", "https://veil.company.ru/first/api/domains/"),
            ("::1", "https://[::1]/api/domains/"),
            ("[::1]:444", "https://[::1]:444/api/domains/"),
        ] {
            assert_eq!(Address::read(written).unwrap().api("domains/").as_str(), expected, "{written}");
        }
        for wrong in ["", "https://", "ftp://a", "u:p@a", "a?b=1", "a b"] {
            assert!(Address::read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Address::read("a").unwrap().api("/auth/").as_str(), "https://a/auth/");
    }

    #[test]
    fn what_an_answer_tells_stays_at_the_controller() {
        let address = Address::read("veil:8443").unwrap();
        assert_eq!(address.told("/upload/1?t=2").unwrap().as_str(), "https://veil:8443/upload/1?t=2");
        for other in ["https://elsewhere/1", "https://veil:9443/1", "http://veil:8443/1", "https://veil/1"] {
            assert!(address.told(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_token_may_have_its_word_or_not() {
        assert_eq!(token("jwt eyJ0"), Ok("eyJ0"));
        assert_eq!(token(" JWT  eyJ0 "), Ok("eyJ0"));
        assert_eq!(token("eyJ0"), Ok("eyJ0"));
        for wrong in ["", "jwt ", "Bearer eyJ0", "a b", "токен"] {
            assert!(token(wrong).is_err(), "{wrong}");
        }
        assert_eq!(expires("e30.eyJleHAiOjE3MDB9.x"), Some(1700));
        assert_eq!(expires("eyJ0"), None);
    }
}
