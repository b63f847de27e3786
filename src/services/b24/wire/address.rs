//! Where a portal is and how a caller is known to it: a webhook, whose path is the whole authorization, or OAuth.

use reqwest::Url;

use crate::secret::{self, MASK, Secret};

/// What every message about a wrong webhook shows.
pub const WEBHOOK_SHAPE: &str = "https://portal.bitrix24.ru/rest/1/code/";

/// A code shorter than this cannot be one, and would not be masked either.
const SHORTEST_CODE: usize = 4;

/// The owner's number and the code of a webhook.
#[derive(Clone, Debug)]
struct Owner {
    user: String,
    code: Secret,
}

/// The address of a portal. Printing it shows no secret.
#[derive(Clone, Debug)]
pub struct Address {
    /// Scheme, host and port.
    base: Url,
    /// Absent with OAuth, where a token goes with the parameters.
    owner: Option<Owner>,
}

impl Address {
    /// Reads a webhook as people paste it: spaces around it do not matter, nor does a missing slash at the end. The
    /// error says what is wrong, and never quotes the code. Plain http is for this computer, or for `insecure`.
    pub fn webhook(text: &str, insecure: bool) -> Result<Address, String> {
        let base = base(text.trim(), insecure)?;
        let segments: Vec<&str> = base.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let owner = match segments[..] {
            [rest, ..] if rest != "rest" => return Err("its path must begin with /rest/".into()),
            [_, user, ..] if user.is_empty() || !user.bytes().all(|b| b.is_ascii_digit()) => {
                return Err("after /rest/ there must be the number of its owner".into());
            }
            [_, user, code] if code.len() >= SHORTEST_CODE && code.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                secret::hide(&format!("{user}/{code}"));
                Owner { user: user.to_owned(), code: Secret::new(code) }
            }
            [_, _, _] => return Err("its code is made of letters and digits, at least four of them".into()),
            [_, _, code, ..] => {
                secret::hide(code);
                return Err("there is more after the code: leave the method's name out".into());
            }
            _ => return Err("the owner's number or the code is missing from its path".into()),
        };
        Ok(Address { base: only_base(base), owner: Some(owner) })
    }

    /// The address of a portal that is called with OAuth tokens: `https://portal.bitrix24.ru`.
    pub fn portal(text: &str, insecure: bool) -> Result<Address, String> {
        let base = base(text.trim(), insecure)?;
        match base.path() {
            "" | "/" => Ok(Address { base: only_base(base), owner: None }),
            _ => Err("expected the portal alone, as https://portal.bitrix24.ru, without a path".into()),
        }
    }

    /// One name for the portal, whichever webhook leads to it.
    pub fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The address of a method; `/rest/api/…` for REST 3.0.
    pub fn method(&self, base: &Url, method: &str, version_3: bool) -> Url {
        let mut url = base.clone();
        let api = if version_3 { "api/" } else { "" };
        match &self.owner {
            Some(owner) => url.set_path(&format!("/rest/{api}{}/{}/{method}", owner.user, owner.code.expose())),
            None => url.set_path(&format!("/rest/{api}{method}")),
        }
        url
    }

    /// The user and the code of a webhook.
    pub fn owner(&self) -> Option<(&str, &str)> {
        self.owner.as_ref().map(|owner| (owner.user.as_str(), owner.code.expose()))
    }

    /// For messages: the path's secrets masked.
    pub fn shown(&self) -> String {
        let origin = self.base.as_str().trim_end_matches('/');
        match self.owner {
            Some(_) => format!("{origin}/rest/{MASK}/{MASK}/"),
            None => format!("{origin}/rest/"),
        }
    }
}

/// Where a portal sends its callers after it has moved: the new scheme, host and port, or what is wrong with them. The
/// secret path is repeated there, so the new place has to be as safe as the old one, and has to be REST.
pub fn moved(from: &Url, location: &str, insecure: bool) -> Result<Url, String> {
    let to = from.join(location).map_err(|_| "it redirects to something that is no address".to_owned())?;
    checked(&to, insecure).map_err(|wrong| format!("it redirects to {}: {wrong}", origin(&to)))?;
    if to.path() != from.path() {
        return Err(format!("it redirects to a page of {} that is not its REST", origin(&to)));
    }
    Ok(only_base(to))
}

fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}

fn only_base(mut url: Url) -> Url {
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn base(text: &str, insecure: bool) -> Result<Url, String> {
    if text.is_empty() {
        return Err("it is empty".into());
    }
    let url = Url::parse(text).map_err(|_| "it is no complete address".to_owned())?;
    checked(&url, insecure)?;
    match url.query().or(url.fragment()) {
        Some(_) => Err("an address without `?` and `#` is expected".into()),
        None => Ok(url),
    }
}

fn checked(url: &Url, insecure: bool) -> Result<(), String> {
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) || insecure => {}
        "http" => return Err("it must begin with https://, or everybody on the way reads the code".into()),
        _ => return Err("it must begin with https://".into()),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("the portal's name is missing".into());
    }
    match url.username().is_empty() && url.password().is_none() {
        true => Ok(()),
        false => Err("an address without a user name is expected".into()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_read_as_people_paste_it_and_shown_without_its_secrets() {
        for text in
            ["https://my.bitrix24.ru/rest/17/k3yOfTheHouse/", "  https://my.bitrix24.ru/rest/17/k3yOfTheHouse\n"]
        {
            let address = Address::webhook(text, false).unwrap();
            let base = address.base().clone();
            assert_eq!(
                address.method(&base, "crm.deal.list", false).as_str(),
                "https://my.bitrix24.ru/rest/17/k3yOfTheHouse/crm.deal.list"
            );
            assert_eq!(
                address.method(&base, "tasks.task.list", true).path(),
                "/rest/api/17/k3yOfTheHouse/tasks.task.list"
            );
            assert_eq!(address.shown(), "https://my.bitrix24.ru/rest/***/***/");
            assert_eq!(address.host(), "my.bitrix24.ru");
            assert!(!format!("{address:?}").contains("k3yOf"), "{address:?}");
        }
        assert_eq!(secret::mask("GET /rest/17/k3yOfTheHouse/x"), "GET /rest/***/x");
    }

    #[test]
    fn a_wrong_webhook_is_refused_without_quoting_its_code() {
        for (text, wrong) in [
            ("", "empty"),
            ("my.bitrix24.ru", "complete address"),
            ("my.bitrix24.ru/rest/1/s3cretcode/", "complete address"),
            ("ftp://my.bitrix24.ru/rest/1/s3cretcode/", "https://"),
            ("http://my.bitrix24.ru/rest/1/s3cretcode/", "everybody on the way"),
            ("https://my.bitrix24.ru", "missing"),
            ("https://my.bitrix24.ru/", "missing"),
            ("https://my.bitrix24.ru/rest/1/", "missing"),
            ("https://my.bitrix24.ru/rest/s3cretcode/1/", "number of its owner"),
            ("https://my.bitrix24.ru/crm/1/s3cretcode/", "/rest/"),
            ("https://my.bitrix24.ru/rest/1/s3cretcode/profile.json", "leave the method"),
            ("https://my.bitrix24.ru/rest/1/s3cret code/", "letters and digits"),
            ("https://my.bitrix24.ru/rest/1/s3cretcode/?auth=1", "without `?`"),
            ("https://me:s3cretcode@my.bitrix24.ru/rest/1/s3cretcode/", "user name"),
        ] {
            let message = Address::webhook(text, false).unwrap_err();
            assert!(message.contains(wrong), "{text}: {message}");
            assert!(!message.contains("s3cret"), "{text}: {message}");
        }
    }

    #[test]
    fn plain_http_is_for_this_computer() {
        for text in
            ["http://127.0.0.1:8080/rest/1/code1/", "http://[::1]/rest/1/code1", "http://localhost/rest/1/code1"]
        {
            assert!(Address::webhook(text, false).unwrap().is_loopback(), "{text}");
        }
        let address = Address::webhook("http://box.local/rest/1/code1/", true).unwrap();
        assert_eq!(address.shown(), "http://box.local/rest/***/***/");
        assert_eq!(Address::portal("https://my.bitrix24.ru", false).unwrap().shown(), "https://my.bitrix24.ru/rest/");
        assert!(Address::portal("https://my.bitrix24.ru/rest/1/abcd", false).is_err());
    }

    #[test]
    fn a_moved_portal_is_followed_to_the_same_path_of_a_safe_place() {
        let from = Url::parse("https://old.bitrix24.ru/rest/1/code1/crm.deal.list").unwrap();
        let to = moved(&from, "https://new.bitrix24.ru/rest/1/code1/crm.deal.list", false).unwrap();
        assert_eq!(to.as_str(), "https://new.bitrix24.ru/");
        assert!(moved(&from, "http://new.bitrix24.ru/rest/1/code1/crm.deal.list", false).is_err());
        assert!(moved(&from, "/auth/?login=yes", false).is_err());
    }
}
