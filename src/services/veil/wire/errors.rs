//! What a server says when it refuses: many shapes, one list.

use serde_json::{Map, Value};

use super::answer::Answer;
use super::request::Request;
use crate::error::{Error, Kind, Retry};

/// One thing that was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    pub detail: String,
    /// Digits, or a word.
    pub code: Option<String>,
    pub key: Option<String>,
    /// The field that was wrong, where it is said so.
    pub field: Option<String>,
}

impl Fault {
    pub fn number(&self) -> Option<i64> {
        self.code.as_deref()?.parse().ok()
    }

    fn shown(&self) -> String {
        match &self.field {
            Some(field) => format!("{field}: {}", self.detail),
            None => self.detail.clone(),
        }
    }
}

/// Fields of an object that speaks of itself, not of somebody's input.
const OWN: &[&str] = &["detail", "code", "msg_key", "errors"];

/// Reads every known shape.
pub fn faults(body: &Value) -> Vec<Fault> {
    match body {
        Value::Object(map) => match map.get("errors") {
            Some(Value::Array(errors)) => errors.iter().flat_map(faults).collect(),
            Some(errors) => faults(errors),
            None if OWN.iter().any(|own| map.contains_key(*own)) => vec![described(map)],
            None => map.iter().filter(|(name, _)| !OWN.contains(&name.as_str())).flat_map(of_field).collect(),
        },
        // A dictionary as Python prints it, inside a JSON text.
        Value::String(text) => match from_python(text) {
            Some(value @ (Value::Object(_) | Value::Array(_))) => faults(&value),
            _ if text.is_empty() => Vec::new(),
            _ => vec![Fault { detail: text.clone(), ..Fault::default() }],
        },
        _ => Vec::new(),
    }
}

fn described(map: &Map<String, Value>) -> Fault {
    Fault {
        detail: map.get("detail").map(words).unwrap_or_default(),
        code: text_of(map, "code"),
        key: text_of(map, "msg_key"),
        field: None,
    }
}

fn of_field((field, said): (&String, &Value)) -> Vec<Fault> {
    let fault = |said: &Value| Fault { detail: words(said), field: Some(field.clone()), ..Fault::default() };
    match said {
        Value::Array(all) => all.iter().map(fault).collect(),
        Value::Null => Vec::new(),
        other => vec![fault(other)],
    }
}

fn text_of(map: &Map<String, Value>, name: &str) -> Option<String> {
    map.get(name).filter(|value| !value.is_null()).map(words).filter(|text| !text.is_empty())
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(all) => all.iter().map(words).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

/// A Python literal as JSON: other quotes, other words.
fn from_python(text: &str) -> Option<Value> {
    let mut json = String::with_capacity(text.len());
    let mut letters = text.trim().chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '\'' | '"' => json.push_str(&Value::from(quoted(&mut letters, c)?).to_string()),
            c if c.is_alphabetic() => {
                let mut word = String::from(c);
                while let Some(c) = letters.next_if(|c| c.is_alphanumeric()) {
                    word.push(c);
                }
                json.push_str(match word.as_str() {
                    "None" | "null" => "null",
                    "True" | "true" => "true",
                    "False" | "false" => "false",
                    // ErrorDetail(string='…', code='…') and the like are no literals.
                    _ => return None,
                });
            }
            other => json.push(other),
        }
    }
    serde_json::from_str(&json).ok()
}

fn quoted(letters: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match letters.next()? {
            '\\' => match letters.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                other => text.push(other),
            },
            c if c == quote => return Some(text),
            c => text.push(c),
        }
    }
}

/// What an answer that is no success means. `assumed` says that nobody has seen this path at a real controller.
pub fn error(what: &str, request: &Request, answer: &Answer, assumed: bool) -> Error {
    let faults = answer.faults();
    let said: Vec<String> = faults.iter().map(Fault::shown).filter(|said| !said.is_empty()).collect();
    let number = faults.first().and_then(Fault::number);
    let meaning = meaning(answer, number, &said, assumed);
    let mut message = format!("{what}: {}", meaning.message);
    if !said.is_empty() {
        message.push_str(&format!(": {}", shortened(&said.join("; "))));
    }
    let mut error = Error::new(meaning.kind, meaning.code, message).status(answer.status).retry(meaning.retry(request));
    if let Some(hint) = meaning.hint {
        error = error.hint(hint);
    }
    if let Some(first) = faults.first() {
        error = error.detail("detail", first.detail.clone());
        if let Some(code) = &first.code {
            error = error.detail("server_code", code.clone());
        }
        if let Some(field) = &first.field {
            error = error.detail("field", field.clone());
        }
    }
    error.detail("request", format!("{} {}", request.verb_word(), request.path))
}

struct Meaning {
    kind: Kind,
    code: &'static str,
    message: String,
    hint: Option<String>,
    /// Whether the work may have been done, or begun.
    carried_out: CarriedOut,
}

#[derive(Clone, Copy)]
enum CarriedOut {
    No,
    /// And it would not be, however often it is asked.
    Never,
    Perhaps,
}

impl Meaning {
    fn retry(&self, request: &Request) -> Retry {
        match (self.carried_out, request.changes) {
            (CarriedOut::Never, _) => Retry::Useless,
            (CarriedOut::No, _) | (CarriedOut::Perhaps, false) => Retry::Safe,
            (CarriedOut::Perhaps, true) => Retry::Unknown,
        }
    }
}

/// The server's number for an address that it does not know.
const NO_ADDRESS: i64 = 50_004;

fn meaning(answer: &Answer, number: Option<i64>, said: &[String], assumed: bool) -> Meaning {
    use CarriedOut::{Never, No, Perhaps};
    let make = |kind, code, message: &str, hint: &str, carried_out| Meaning {
        kind,
        code,
        message: message.to_owned(),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
        carried_out,
    };
    let is_full = said.iter().any(|said| said.to_lowercase().contains("free space"));
    if number == Some(NO_ADDRESS) || (answer.status == 404 && (!answer.is_json() || assumed)) {
        let hint = match assumed {
            true => {
                "nobody has described this call, and its address here is a guess: look it up in veil.swagger(), and send \
                 it with veil.post(path, body)"
            }
            false => "veil.swagger() tells what this controller offers; an older one may lack it",
        };
        return make(Kind::NotFound, "veil.no_such_address", "the controller knows no such address", hint, Never);
    }
    match answer.status {
        401 => make(Kind::Auth, "veil.unauthorized", "the controller does not accept the token", NEW_TOKEN, Never),
        403 => make(
            Kind::Auth,
            "veil.forbidden",
            "this is not allowed to the token's owner",
            "give the user the role in Security → Users, or use another token",
            Never,
        ),
        404 => make(Kind::NotFound, "veil.not_found", "there is no such object", "it may have been removed", Never),
        408 | 504 | 599 => {
            make(Kind::Unavailable, "veil.timeout", "the controller did not answer its proxy in time", AGAIN, Perhaps)
        }
        418 => make(Kind::Unavailable, "veil.upgrading", "the controller is being upgraded", AGAIN, No),
        429 => make(Kind::Limit, "veil.too_many", "the controller is asked too much", AGAIN, No),
        503 => make(Kind::Unavailable, "veil.starting", "the controller is not ready; perhaps it starts", AGAIN, No),
        500.. => {
            let message = format!("the controller failed (status {})", answer.status);
            make(Kind::Unavailable, "veil.failed", &message, AGAIN, Perhaps)
        }
        301..=308 => make(
            Kind::Protocol,
            "veil.moved",
            "the controller sends elsewhere",
            "set `address` to where it sends, perhaps with https://",
            Never,
        ),
        _ if is_full => make(
            Kind::Refused,
            "veil.no_space",
            "the data pool is full",
            "remove what is not needed, or name another datapool",
            Never,
        ),
        _ => make(Kind::Refused, code(number), "the controller refuses", "", Never),
    }
}

/// Refusals that have a name of their own.
fn code(number: Option<i64>) -> &'static str {
    match number {
        Some(50_009) => "veil.locked",
        Some(50_010) => "veil.thin_clone",
        _ => "veil.refused",
    }
}

const AGAIN: &str = "try again later";
const NEW_TOKEN: &str = "make a new token in Security → Users and put it into the settings";

fn shortened(text: &str) -> String {
    const MOST: usize = 500;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_shape_of_a_refusal_is_read() {
        let one = |body: Value| {
            let fault = faults(&body).into_iter().next().unwrap_or_default();
            (fault.detail, fault.code, fault.field)
        };
        let text = |text: &str| text.to_owned();
        assert_eq!(
            one(json!({"errors": [{"detail": "no", "code": "50004", "msg_key": "k"}]})),
            (text("no"), Some(text("50004")), None)
        );
        assert_eq!(one(json!({"errors": {"detail": "no", "code": 7}})), (text("no"), Some(text("7")), None));
        assert_eq!(one(json!({"detail": "no"})), (text("no"), None, None));
        assert_eq!(one(json!({"verbose_name": ["taken"]})), (text("taken"), None, Some(text("verbose_name"))));
        assert_eq!(
            one(json!({"errors": [{"verbose_name": "taken"}]})),
            (text("taken"), None, Some(text("verbose_name")))
        );
        assert_eq!(
            one(json!("{'errors': [{'detail': 'Signature has expired.', 'code': 'invalid', 'x': None}]}")),
            (text("Signature has expired."), Some(text("invalid")), None)
        );
        assert_eq!(one(json!("just words")), (text("just words"), None, None));
        assert_eq!(one(json!("it's 'half")), (text("it's 'half"), None, None));
        assert!(faults(&json!([1, 2])).is_empty() && faults(&json!(null)).is_empty());
    }

    #[test]
    fn an_error_says_what_it_means_and_whether_to_try_again() {
        let answered = |status, body: Value| {
            Answer::new(status, vec![("content-type".into(), "application/json".into())], body.to_string())
        };
        let read = Request::get("domains/");
        let write = Request { changes: true, ..Request::get("domains/1/start/") };
        for (status, body, code, of_read, of_write) in [
            (401, json!("{'detail': 'Signature has expired.'}"), "veil.unauthorized", Retry::Useless, Retry::Useless),
            (404, json!({"errors": []}), "veil.not_found", Retry::Useless, Retry::Useless),
            (500, json!({"errors": [{"code": "50004"}]}), "veil.no_such_address", Retry::Useless, Retry::Useless),
            (500, json!({}), "veil.failed", Retry::Safe, Retry::Unknown),
            (418, json!({}), "veil.upgrading", Retry::Safe, Retry::Safe),
            (504, json!({}), "veil.timeout", Retry::Safe, Retry::Unknown),
            (400, json!({"errors": [{"code": "50009"}]}), "veil.locked", Retry::Useless, Retry::Useless),
            (
                400,
                json!({"errors": [{"detail": "Not enough free space."}]}),
                "veil.no_space",
                Retry::Useless,
                Retry::Useless,
            ),
        ] {
            let answer = answered(status, body);
            for (request, expected) in [(&read, of_read), (&write, of_write)] {
                let error = error("domain.start", request, &answer, false);
                assert_eq!((error.code(), error.may_retry()), (code, expected), "{status}");
            }
        }
    }
}
