//! Secrets: where they come from, and the list of what must never be shown.
//!
//! A secret is put on the list at the moment it is read, before anybody can hold it. Everything that leaves the
//! program for a person (standard output, standard error, logs, reports, the REPL) passes through [`mask`].

use std::borrow::Cow;
use std::sync::RwLock;

use secrecy::{ExposeSecret, SecretString};

/// What stands where a secret was.
pub const MASK: &str = "***";

/// Shorter texts are not masked: `1` or `abc` would tear holes into everything else that is printed.
const SHORTEST: usize = 4;

/// Shorter parts of a path are ordinary words.
const LONG_PART: usize = 8;

static KNOWN: RwLock<Vec<SecretString>> = RwLock::new(Vec::new());

/// A text that cannot be printed by accident.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text and puts it on the list of what is masked.
    pub fn new(text: impl Into<String>) -> Secret {
        let text = text.into();
        hide(&text);
        hide_parts(&text);
        Secret(SecretString::from(text))
    }

    /// The text itself, for the one line that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

/// Masks this text from now on, wherever it would be shown.
pub fn hide(text: &str) {
    if text.len() < SHORTEST {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    // As it stands in JSON, in quotes and in CSV, too: a password with a quote or a backslash looks otherwise there.
    let (json, quoted) = (serde_json::Value::from(text).to_string(), format!("{text:?}"));
    for form in [text, &json[1..json.len() - 1], &quoted[1..quoted.len() - 1]] {
        for form in [form.to_owned(), form.replace('"', "\"\"")] {
            if !known.iter().any(|secret| secret.expose_secret() == form) {
                known.push(SecretString::from(form));
            }
        }
    }
    // The longest first, so that a secret which contains another is masked whole.
    known.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
}

/// All that is masked, for a process of ours that shows what others print: to be handed over where nobody else reads.
pub fn known() -> Vec<String> {
    let known = KNOWN.read().unwrap_or_else(|poisoned| poisoned.into_inner());
    known.iter().map(|secret| secret.expose_secret().to_owned()).collect()
}

/// An address that is secret is so by its path: its longer parts are masked one by one as well.
fn hide_parts(address: &str) {
    let Some((_, behind)) = address.split_once("://") else { return };
    let path = behind.split(['?', '#']).next().unwrap_or(behind);
    path.split('/').skip(1).filter(|part| part.len() >= LONG_PART).for_each(hide);
}

/// Masks the password of an address that holds one: `scheme://user:password@host`.
pub fn hide_login(address: &str) {
    let Some((_, behind)) = address.split_once("://") else { return };
    // The last @: whoever does not know that one in a password is to be encoded has it masked all the same.
    if let Some((_, password)) = behind.rsplit_once('@').and_then(|(login, _)| login.split_once(':')) {
        hide(password);
    }
}

/// The text with every known secret replaced.
pub fn mask(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut shown = Cow::Borrowed(text);
    for secret in known.iter() {
        if shown.contains(secret.expose_secret()) {
            shown = Cow::Owned(shown.replace(secret.expose_secret(), MASK));
        }
    }
    shown
}

/// The text with every known secret replaced by as many stars, for texts in which places are counted.
pub fn blot(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut shown = Cow::Borrowed(text);
    for secret in known.iter().map(ExposeSecret::expose_secret) {
        if shown.contains(secret) {
            shown = Cow::Owned(shown.replace(secret, &"*".repeat(secret.len())));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_as_a_secret_is_not_shown() {
        let secret = Secret::new("k7f3hq9x");
        assert_eq!(mask("https://portal/rest/1/k7f3hq9x/profile"), "https://portal/rest/1/***/profile");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.expose(), "k7f3hq9x");
    }

    #[test]
    fn a_secret_is_known_in_quotes_too() {
        hide("qu\"ote\\back\u{1}slash");
        assert_eq!(mask(r#"{"p":"qu\"ote\\back\u0001slash"}"#), r#"{"p":"***"}"#);
        assert_eq!(mask(&format!("{:?}", "qu\"ote\\back\u{1}slash")), "\"***\"");
    }

    #[test]
    fn the_code_inside_a_secret_address_is_secret_by_itself() {
        Secret::new("https://company.example/rest/17/pq3kd81mzx/");
        assert_eq!(mask("rest 17 pq3kd81mzx company.example"), "rest 17 *** company.example");
    }

    #[test]
    fn the_password_inside_an_address_is_secret() {
        hide_login("redis://:p4ss@w/rd@store:6379/1");
        hide_login("http://store:8080/");
        assert_eq!(mask("reddis://:p4ss@w/rd@store:6379/1"), "reddis://:***@store:6379/1");
        assert_eq!(mask("store:8080"), "store:8080");
    }

    #[test]
    fn a_longer_secret_is_masked_before_the_one_inside_it() {
        hide("inner-word");
        hide("outer-inner-word-outer");
        assert_eq!(mask("x outer-inner-word-outer y"), "x *** y");
        assert!(known().contains(&"inner-word".to_owned()));
    }
}
