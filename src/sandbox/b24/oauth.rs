//! The authorization server: codes, access and refresh tokens.

use super::cell::scalar_text;
use super::knobs::Knobs;
use super::params::get;
use crate::sandbox::mix::mix;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Tokens and codes in force.
pub struct Oauth {
    /// Access tokens and when they end, unix seconds. Ended ones stay, to be answered `expired_token`.
    access: HashMap<String, f64>,
    refresh: HashSet<String>,
    codes: HashSet<String>,
    issued: u64,
    seed: u64,
}

/// Tokens and codes remembered; the oldest need not be told apart, so all go when there are too many.
const MOST: usize = 10_000;

/// Why an access token is not accepted.
#[derive(Debug, PartialEq)]
pub enum Refused {
    Expired,
    Unknown,
}

/// What the portal says of itself in the server's answers.
pub struct Portal<'a> {
    /// `http://127.0.0.1:PORT`
    pub base: &'a str,
    pub user: u64,
}

impl Oauth {
    /// The tokens the knobs begin with.
    pub fn new(knobs: &Knobs, now: f64) -> Oauth {
        Oauth {
            access: HashMap::from([(knobs.access_token.clone(), now + knobs.token_life)]),
            refresh: HashSet::from([knobs.refresh_token.clone()]),
            codes: HashSet::from([knobs.auth_code.clone()]),
            issued: 0,
            seed: knobs.seed,
        }
    }

    /// Whether an access token is good.
    pub fn check(&self, token: &str, now: f64) -> Result<(), Refused> {
        match self.access.get(token) {
            Some(end) if now < *end => Ok(()),
            Some(_) => Err(Refused::Expired),
            None => Err(Refused::Unknown),
        }
    }

    /// Ends all access tokens now; refresh tokens stay good.
    pub fn expire(&mut self) {
        self.access.values_mut().for_each(|end| *end = 0.0);
    }

    /// A new authorization code, as `/oauth/authorize/` hands out.
    pub fn code(&mut self) -> String {
        let code = self.token("code");
        if self.codes.len() >= MOST {
            self.codes.clear();
        }
        self.codes.insert(code.clone());
        code
    }

    fn token(&mut self, kind: &str) -> String {
        self.issued += 1;
        format!("{kind}{:016x}{:04x}", mix(self.seed ^ self.issued << 32), self.issued)
    }

    /// `/oauth/token/`: status and answer.
    pub fn exchange(&mut self, params: &Value, knobs: &Knobs, now: f64, portal: &Portal) -> (u16, Value) {
        let param = |name| get(params, name).map(|value| scalar_text(value).into_owned()).unwrap_or_default();
        if param("client_id") != knobs.client_id || param("client_secret") != knobs.client_secret {
            return refused("invalid_client", "Invalid client credentials");
        }
        let good = match param("grant_type").as_str() {
            "authorization_code" => self.codes.remove(&param("code")),
            // The old refresh token dies when it is replaced.
            "refresh_token" => self.refresh.remove(&param("refresh_token")),
            _ => return refused("invalid_request", "Invalid grant_type"),
        };
        if !good {
            return refused("invalid_grant", "Invalid grant");
        }
        let (access, refresh) = (self.token("a"), self.token("r"));
        if self.access.len() >= MOST {
            self.access.clear();
        }
        self.access.insert(access.clone(), now + knobs.token_life);
        self.refresh.insert(refresh.clone());
        let domain = portal.base.split_once("//").map_or(portal.base, |(_, domain)| domain);
        let answer = json!({
            "access_token": access, "refresh_token": refresh, "expires": (now + knobs.token_life) as i64,
            "expires_in": knobs.token_life as i64, "client_endpoint": format!("{}/rest/", portal.base),
            "server_endpoint": format!("{}/rest/", portal.base), "domain": domain, "member_id": "sandbox0member0id",
            "scope": "crm,task,user,lists,im,disk", "status": "L", "user_id": portal.user,
        });
        (200, answer)
    }
}

fn refused(code: &str, text: &str) -> (u16, Value) {
    (400, json!({"error": code, "error_description": text}))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTAL: Portal = Portal { base: "http://127.0.0.1:5", user: 1 };

    fn ask(oauth: &mut Oauth, grant: &str, name: &str, value: &str) -> (u16, Value) {
        let knobs = Knobs::default();
        let params = json!({"grant_type": grant, name: value, "client_id": knobs.client_id, "client_secret": knobs.client_secret});
        oauth.exchange(&params, &knobs, 1000.0, &PORTAL)
    }

    #[test]
    fn a_refresh_token_is_good_once() {
        let mut oauth = Oauth::new(&Knobs::default(), 0.0);
        assert_eq!(oauth.check("sandbox-access", 3599.0), Ok(()));
        assert_eq!(oauth.check("sandbox-access", 3600.0), Err(Refused::Expired));
        assert_eq!(oauth.check("other", 0.0), Err(Refused::Unknown));
        let (status, first) = ask(&mut oauth, "refresh_token", "refresh_token", "sandbox-refresh");
        assert_eq!((status, &first["expires_in"]), (200, &json!(3600)));
        assert_eq!(oauth.check(first["access_token"].as_str().unwrap(), 1001.0), Ok(()));
        assert_eq!(ask(&mut oauth, "refresh_token", "refresh_token", "sandbox-refresh").1["error"], "invalid_grant");
        let again = ask(&mut oauth, "refresh_token", "refresh_token", first["refresh_token"].as_str().unwrap());
        assert_eq!(again.0, 200);
    }

    #[test]
    fn a_code_is_exchanged_once_and_clients_are_checked() {
        let mut oauth = Oauth::new(&Knobs::default(), 0.0);
        assert_eq!(ask(&mut oauth, "authorization_code", "code", "sandbox-code").0, 200);
        assert_eq!(ask(&mut oauth, "authorization_code", "code", "sandbox-code").1["error"], "invalid_grant");
        let (status, answer) = oauth.exchange(&json!({"client_id": "x"}), &Knobs::default(), 0.0, &PORTAL);
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_client")));
    }
}
