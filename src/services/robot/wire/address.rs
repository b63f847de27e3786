//! Where an Orchestrator is.

use std::ops::Deref;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use crate::core::root::Root;

/// What stands for itself in a part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// An Orchestrator: scheme, host and port, and perhaps a path in front of `/api/`.
#[derive(Clone, Debug)]
pub struct Address(Root);

impl Deref for Address {
    type Target = Root;

    fn deref(&self) -> &Root {
        &self.0
    }
}

impl Address {
    /// Reads an address with its scheme. The error says what is wrong.
    pub fn read(text: &str) -> Result<Address, String> {
        let text = text.trim();
        let Some((scheme, _)) = text.split_once("://") else {
            return Err("its scheme is missing: write http:// or https:// in front of the host".into());
        };
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(format!("an Orchestrator is reached by https:// or http://, not by {scheme}://"));
        }
        Root::read(text, "the robot is known by `guid`").map(Address)
    }

    /// The path that an answer tells, absolute or not, when it lies here.
    pub fn path_of(&self, told: &str) -> Option<String> {
        let url = self.url().join(told.trim()).ok().filter(|_| !told.trim().is_empty())?;
        let is_here = url.origin() == self.url().origin() && url.path().starts_with(self.url().path());
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        is_here.then(|| format!("/{}{query}", &url.path()[self.url().path().len()..]))
    }

    /// A path such as `/api/robot/heartbeat` here.
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.url().clone();
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        url.set_path(&format!("{}{}", self.url().path(), path.trim_start_matches('/')));
        url.set_query(query);
        url
    }
}

/// A name or a GUID as a part of a path, so that no letter of it means anything there.
pub fn part(name: &str) -> String {
    match name {
        // Two dots would be taken for the folder above, however they are written.
        "." | ".." => name.replace('.', "%252E"),
        name => utf8_percent_encode(name, PLAIN).to_string(),
    }
}

/// Where a redirection leads, when the one who is known here may follow it: to the same host, by the same scheme and
/// port, or from http to https.
pub fn followed(from: &Url, to: &str) -> Option<Url> {
    let url = from.join(to).ok()?;
    let same_host = url.host_str().is_some() && url.host_str() == from.host_str();
    let same_door = url.scheme() == from.scheme() && url.port_or_known_default() == from.port_or_known_default();
    let safer = from.scheme() == "http" && url.scheme() == "https";
    (same_host && (same_door || safer)).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (written, expected) in [
            ("http://192.168.1.111:4500", "http://192.168.1.111:4500/api/robot/heartbeat"),
            ("https://rpa.company.ru/", "https://rpa.company.ru/api/robot/heartbeat"),
            (" https://rpa.company.ru/api/ ", "https://rpa.company.ru/api/robot/heartbeat"),
            ("https://company.ru/rpa", "https://company.ru/rpa/api/robot/heartbeat"),
            ("HTTP://[::1]:4500", "http://[::1]:4500/api/robot/heartbeat"),
        ] {
            assert_eq!(Address::read(written).unwrap().at("/api/robot/heartbeat").as_str(), expected, "{written}");
        }
        for wrong in ["", "192.168.1.111:4500", "ftp://a", "http://", "http://u:p@a", "http://a?b=1", "http://a b"] {
            assert!(Address::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_same_host_is_followed() {
        let from = Url::parse("http://rpa:4500/api/job/update").unwrap();
        for to in ["/x/api/job/update", "https://rpa/api/job/update", "http://RPA:4500/y", "https://rpa:4500/"] {
            assert!(followed(&from, to).is_some(), "{to}");
        }
        for to in ["http://other:4500/api", "//other/", "http://rpa/", "http://rpa:4501/", "ftp://rpa/", "mailto:a"] {
            assert!(followed(&from, to).is_none(), "{to}");
        }
        let from = Url::parse("https://rpa/").unwrap();
        assert!(followed(&from, "http://rpa/").is_none(), "never back to http");
    }

    #[test]
    fn what_an_answer_tells_lies_here_or_nowhere() {
        let address = Address::read("http://rpa:4500/x").unwrap();
        assert_eq!(address.path_of("/x/files/1?a=b").as_deref(), Some("/files/1?a=b"));
        assert_eq!(address.path_of("http://rpa:4500/x/files/1").as_deref(), Some("/files/1"));
        for other in ["", "/y", "http://rpa/x/files/1", "https://rpa:4500/x/1", "//other/x/1", "ftp://rpa:4500/x/1"] {
            assert_eq!(address.path_of(other), None, "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_name_stays_one_part_of_the_path(name in "\\PC+") {
            let address = Address::read("http://rpa").unwrap();
            let url = address.at(&format!("/api/task/read/{}", part(&name)));
            let parts: Vec<&str> = url.path_segments().unwrap().collect();
            proptest::prop_assert_eq!(parts.len(), 4);
            proptest::prop_assert_eq!(url.query(), None);
            if !matches!(name.as_str(), "." | "..") {
                let back = percent_encoding::percent_decode_str(parts[3]).decode_utf8().unwrap();
                proptest::prop_assert_eq!(back, name);
            }
        }
    }
}
