//! Who is calling: tokens and what they allow.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hmac, rand};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::error::{Error, Kind, Result};

/// Somebody with a token.
#[derive(Debug, PartialEq)]
pub struct Person {
    pub user: String,
    /// Otherwise reads only.
    pub may_start: bool,
    /// Place in the list, by which the person's requests are counted.
    pub number: usize,
}

/// The people who may call. Of their tokens only digests are kept, with a key of this process.
pub struct People {
    key: hmac::Key,
    known: Vec<(hmac::Tag, Person)>,
}

impl People {
    /// The error is `runtime.random`: the system gives no random numbers.
    pub fn new() -> Result<People> {
        let failed = |_| Error::new(Kind::Usage, "runtime.random", "the system gives no random numbers");
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new()).map_err(failed)?;
        Ok(People { key, known: Vec::new() })
    }

    /// Lets somebody in. False where the token is another one's already: then nobody could tell who is calling.
    pub fn admit(&mut self, user: &str, token: &str, may_start: bool) -> bool {
        let number = self.known.len();
        let is_new = self.find(token).is_none();
        if is_new {
            let person = Person { user: user.to_owned(), may_start, number };
            self.known.push((hmac::sign(&self.key, token.as_bytes()), person));
        }
        is_new
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whose token this is. Digests of all are compared, each in the same time whether it fits or not, so that time
    /// tells nothing of a token.
    pub fn find(&self, token: &str) -> Option<&Person> {
        let given = hmac::sign(&self.key, token.as_bytes());
        let mut found = None;
        for (known, person) in &self.known {
            if verify_slices_are_equal(known.as_ref(), given.as_ref()).is_ok() {
                found = Some(person);
            }
        }
        found
    }
}

/// The token of `Authorization: Bearer TOKEN`; an empty one where the header says something else.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let written = headers.get(AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, token) = written.split_once(' ').unwrap_or((written, ""));
    Some(if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_who_it_is_and_no_two_share_one() {
        let mut people = People::new().unwrap();
        assert!(people.admit("portal", "a-token-of-16-bytes", true));
        assert!(people.admit("screen", "another-token-16-by", false));
        assert!(!people.admit("thief", "a-token-of-16-bytes", true));
        assert_eq!(people.find("a-token-of-16-bytes").map(|person| person.user.as_str()), Some("portal"));
        assert_eq!(people.find("another-token-16-by").map(|person| person.may_start), Some(false));
        for wrong in ["", "a", "a-token-of-16-byte", "a-token-of-16-bytes ", "А-token-of-16-bytes"] {
            assert_eq!(people.find(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_header_of_another_scheme_is_a_wrong_token_and_not_none() {
        let of = |text: &'static str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, text.parse().unwrap())]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("bearer  abc").as_deref(), Some("abc"));
        assert_eq!(of("Basic abc").as_deref(), Some(""));
        assert_eq!(of("abc").as_deref(), Some(""));
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
