//! Tokens: who may come in, and until when.

use std::collections::HashMap;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::call::{Fail, fail};
use super::knobs::Knobs;
use super::seed::{READER, ROBOT};
use super::text::text;
use super::things::Person;

struct Token {
    user: usize,
    issued: f64,
    uses: u64,
    is_expired: bool,
}

#[derive(Default)]
pub struct Tokens {
    known: HashMap<String, Token>,
    /// How many were issued by logins.
    issued: u64,
}

/// The integration token as it is without the word before it.
pub fn robot(knobs: &Knobs) -> String {
    if knobs.token.is_empty() { signed(knobs.seed, 5, "robot", 0) } else { knobs.token.clone() }
}

/// The token whose owner may only read.
pub fn reader(knobs: &Knobs) -> String {
    if knobs.read_only_token.is_empty() { signed(knobs.seed, 6, "auditor", 0) } else { knobs.read_only_token.clone() }
}

/// A JSON web token with the claims that real ones have.
fn signed(seed: u64, user: i64, name: &str, number: u64) -> String {
    const UNTIL: i64 = 4_102_444_800;
    let claims =
        json!({"user_id": user, "username": name, "exp": UNTIL, "sso": false, "orig_iat": 1_660_000_000 + number});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "HS256"})), part(&claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &seed.to_be_bytes());
    let sign = hmac::sign(&key, head.as_bytes());
    format!("{head}.{}", URL_SAFE_NO_PAD.encode(sign.as_ref()))
}

impl Tokens {
    pub fn new(knobs: &Knobs, now: f64) -> Tokens {
        let mut tokens = Tokens::default();
        tokens.add(robot(knobs), ROBOT, now);
        tokens.add(reader(knobs), READER, now);
        tokens
    }

    fn add(&mut self, token: String, user: usize, now: f64) {
        self.known.insert(token, Token { user, issued: now, uses: 0, is_expired: false });
    }

    /// A new one, for somebody who logged in.
    pub fn issue(&mut self, knobs: &Knobs, user: usize, person: &Person, now: f64) -> String {
        self.issued += 1;
        let token = signed(knobs.seed, person.number, &person.name, self.issued);
        self.add(token.clone(), user, now);
        token
    }

    /// All that were issued until now are old.
    pub fn expire(&mut self) {
        self.known.values_mut().for_each(|token| token.is_expired = true);
    }

    /// Whose token stands in a header `Authorization`.
    pub fn check(&mut self, header: &str, knobs: &Knobs, now: f64) -> Result<usize, Fail> {
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        if header.is_empty() || !scheme.eq_ignore_ascii_case("jwt") {
            let why = text("Authentication credentials were not provided.", "Учетные данные не были предоставлены.");
            return Err(fail(401, "not_authenticated", why));
        }
        self.check_bare(token.trim(), knobs, now)
    }

    /// The same of a token without the word before it.
    pub fn check_bare(&mut self, token: &str, knobs: &Knobs, now: f64) -> Result<usize, Fail> {
        let Some(known) = self.known.get_mut(token) else {
            return Err(fail(401, "invalid", text("Error decoding signature.", "Ошибка декодирования подписи.")));
        };
        known.uses += 1;
        let is_old = knobs.token_life > 0.0 && now > known.issued + knobs.token_life;
        let is_worn = knobs.token_requests > 0 && known.uses > knobs.token_requests;
        if known.is_expired || is_old || is_worn {
            return Err(fail(401, "invalid", text("Signature has expired.", "Срок действия подписи истёк.")));
        }
        Ok(known.user)
    }
}
