//! Texts without what nobody else may read: what is known to be a secret, and what looks like one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secret;

/// Words behind which a secret stands.
const NAMES: &[&str] =
    &["password", "passwd", "pwd", "secret", "token", "api_key", "api-key", "apikey", "guid", "webhook", "пароль"];

/// Headers whose lines are left out whole, and their names with them.
const HEADERS: &[&str] = &["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// Words before a credential.
const SCHEMES: &[&str] = &["basic ", "bearer "];

/// A credential is at least so long: "basic things" is none.
const CREDENTIAL: usize = 12;

/// The text with secrets masked, header lines left out, and values of telling names replaced.
pub fn redacted(text: &str) -> String {
    let masked = secret::mask(text);
    let lines = masked.lines().map(|line| match is_header(line) {
        true => secret::MASK.to_owned(),
        false => without_values(&without_users(&without_credentials(line))),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// ASCII alone is folded, so that places stay the same.
fn is_header(line: &str) -> bool {
    let low = line.to_ascii_lowercase();
    HEADERS.iter().any(|name| {
        low.match_indices(name).any(|(at, _)| {
            let behind = low[at + name.len()..].trim_start_matches(['"', '\'', ' ']);
            behind.starts_with([':', '=', ','])
        })
    })
}

fn without_credentials(line: &str) -> String {
    let mut shown = line.to_owned();
    for scheme in SCHEMES {
        let mut from = 0;
        while let Some(at) = shown[from..].to_ascii_lowercase().find(scheme) {
            let begin = from + at + scheme.len();
            let length = shown[begin..].find(|c: char| !(c.is_ascii_alphanumeric() || "+/=-_.".contains(c)));
            let end = length.map_or(shown.len(), |length| begin + length);
            if end - begin >= CREDENTIAL {
                shown.replace_range(from + at..end, secret::MASK);
                from += at + secret::MASK.len();
            } else {
                from = begin;
            }
        }
    }
    shown
}

/// `http://user:password@host`: what stands before the host is replaced.
fn without_users(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let begin = at + "://".len();
        let place = &rest[begin..];
        let end = place.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(place.len());
        shown.push_str(&rest[..begin]);
        let host = place[..end].rfind('@');
        if host.is_some() {
            shown.push_str(secret::MASK);
        }
        let host = host.unwrap_or(0);
        shown.push_str(&place[host..end]);
        rest = &place[end..];
    }
    shown + rest
}

/// `password = "x"`, `"token": "x"`, `pwd=x&…`: the value is replaced.
fn without_values(line: &str) -> String {
    let mut shown = line.to_owned();
    for name in NAMES {
        let mut from = 0;
        while let Some(at) = shown[from..].to_ascii_lowercase().find(name) {
            let behind = from + at + name.len();
            let rest = &shown[behind..];
            let to_sign = rest.len() - rest.trim_start_matches(['"', '\'', ' ']).len();
            if !rest[to_sign..].starts_with([':', '=']) {
                from = behind;
                continue;
            }
            let value = &rest[to_sign + 1..];
            let quote = value.len() - value.trim_start_matches([' ', '\\']).len();
            let quoted = value[quote..].chars().next().filter(|c| matches!(c, '"' | '\''));
            let begin = behind + to_sign + 1 + quote + quoted.map_or(0, char::len_utf8);
            let length = match quoted {
                Some(quote) => shown[begin..].find(quote),
                None => shown[begin..].find(|c: char| c.is_whitespace() || ",;&)}]".contains(c)),
            };
            let end = length.map_or(shown.len(), |length| begin + length);
            shown.replace_range(begin..end, secret::MASK);
            from = begin + secret::MASK.len();
        }
    }
    shown
}

/// All ways in which a secret may be written, in lower case.
pub fn spellings(secret: &str) -> Vec<String> {
    let low = secret.to_lowercase();
    let bare = low.replace('-', "");
    let encoded = |text: &str| STANDARD.encode(text).trim_end_matches('=').to_lowercase();
    let upper = secret.to_uppercase();
    let with_colon = format!("{secret}:");
    let mut all = vec![low.clone(), encoded(secret), encoded(&low), encoded(&upper), encoded(&with_colon)];
    // The last letters of these depend on what follows.
    for spelling in all.iter_mut().skip(1) {
        spelling.pop();
    }
    if bare.len() >= CREDENTIAL {
        all.push(bare);
    }
    all
}

/// What of these spellings, or of a header, still stands in a text.
pub fn leaks(text: &str, spellings: &[String]) -> bool {
    let low = text.to_lowercase();
    spellings.iter().any(|spelling| low.contains(spelling.as_str())) || text.lines().any(is_header)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "5e5e0001-1111-2222-3333-444455556666";

    #[test]
    fn what_looks_like_a_secret_is_replaced() {
        for (line, shown) in [
            ("Authorization: Basic NWU1ZTAwMDE=", "***"),
            ("> {\"authorization\": \"Basic abc\"}", "***"),
            ("sent Basic NWU1ZTAwMDEtMTExMQ== to it", "sent *** to it"),
            ("basic things stay", "basic things stay"),
            ("password = \"two words\", x", "password = \"***\", x"),
            ("{\"Token\": \"abc\", \"n\": 1}", "{\"Token\": \"***\", \"n\": 1}"),
            ("login?pwd=geheim&x=1", "login?pwd=***&x=1"),
            ("by http://me:geheim@proxy:3128/x and http://a@b", "by http://***@proxy:3128/x and http://***@b"),
            ("the password is kept", "the password is kept"),
            ("Пароль: секрет", "Пароль: секрет"),
            ("пароль: секрет", "пароль: ***"),
            ("guid = { env = \"X\" }", "guid = *** env = \"X\" }"),
        ] {
            assert_eq!(redacted(line), format!("{shown}\n"), "{line}");
        }
    }

    #[test]
    fn a_guid_is_found_however_it_is_written() {
        let spellings = spellings(GUID);
        let header = STANDARD.encode(GUID);
        let colon = STANDARD.encode(format!("{GUID}:"));
        for text in [GUID, &GUID.to_uppercase(), &GUID.replace('-', ""), &header, &colon, "Authorization: x"] {
            assert!(leaks(&format!("a {text} b"), &spellings), "{text}");
        }
        assert!(!leaks("nothing of the kind 5e5e0001-1111", &spellings));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in ".{0,200}", name in "(password|token|basic |пароль|http://)[ :=\"'@]{0,3}.{0,20}") {
            let shown = redacted(&format!("{text}{name}"));
            proptest::prop_assert!(!shown.is_empty());
        }
    }
}
