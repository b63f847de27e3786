//! What the portal's errors mean and what a person does about them.

use super::methods;
use crate::error::{Error, Kind, Retry};

/// An error as the portal words it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fault {
    /// May be empty: old CRM methods give a text only.
    pub code: String,
    pub text: String,
    /// REST 3.0: the fields that are wrong, and why.
    pub fields: Vec<(String, String)>,
}

struct Known {
    code: &'static str,
    kind: Kind,
    retry: Retry,
    hint: &'static str,
}

const fn known(code: &'static str, kind: Kind, retry: Retry, hint: &'static str) -> Known {
    Known { code, kind, retry, hint }
}

const RIGHTS: &str = "give the webhook (or the application) this right, or its owner access to the data, in the portal";
const LOOK_FIRST: &str = "it may have been done: look in the portal before repeating it";

/// From `bitrix24/b24restdocs`; the order has no meaning.
const KNOWN: &[Known] = &[
    known(
        "QUERY_LIMIT_EXCEEDED",
        Kind::Limit,
        Retry::Safe,
        "too many requests a second: check `plan` in the settings, or whether another program uses this portal from here",
    ),
    known(
        "OPERATION_TIME_LIMIT",
        Kind::Limit,
        Retry::Safe,
        "the method's time of ten minutes is used up: wait, select fewer fields, or narrow the filter",
    ),
    known(
        "OVERLOAD_LIMIT",
        Kind::Limit,
        Retry::Useless,
        "REST is switched off for this portal: write to Bitrix24 support",
    ),
    known("INTERNAL_SERVER_ERROR", Kind::Unavailable, Retry::Unknown, LOOK_FIRST),
    known("ERROR_UNEXPECTED_ANSWER", Kind::Unavailable, Retry::Unknown, LOOK_FIRST),
    known(
        "ERROR_BATCH_METHOD_NOT_ALLOWED",
        Kind::Refused,
        Retry::Useless,
        "this method goes into no batch: use call for it",
    ),
    known(
        "ERROR_BATCH_LENGTH_EXCEEDED",
        Kind::Refused,
        Retry::Useless,
        "a batch holds at most 50 commands: make several",
    ),
    known(
        "expired_token",
        Kind::Auth,
        Retry::Safe,
        "set client_id, client_secret and refresh_token, so that it can be renewed",
    ),
    known("invalid_token", Kind::Auth, Retry::Useless, "log in again and set a new access_token and refresh_token"),
    known("NO_AUTH_FOUND", Kind::Auth, Retry::Useless, "check the webhook: it may have been deleted or mistyped"),
    known(
        "INVALID_CREDENTIALS",
        Kind::Auth,
        Retry::Useless,
        "check the webhook, and that its owner still works here and has the rights for this method",
    ),
    known("insufficient_scope", Kind::Refused, Retry::Useless, RIGHTS),
    known(
        "user_access_error",
        Kind::Refused,
        Retry::Useless,
        "the owner of the webhook may not use this application: ask the portal's administrator",
    ),
    known(
        "ACCESS_DENIED",
        Kind::Refused,
        Retry::Useless,
        "check the owner's rights, and that the portal's plan includes REST",
    ),
    known(
        "INVALID_REQUEST",
        Kind::Refused,
        Retry::Useless,
        "the portal wants another address: begin the webhook with https://",
    ),
    known(
        "ERROR_METHOD_NOT_FOUND",
        Kind::NotFound,
        Retry::Useless,
        "check the method's name, and that the webhook has the right for its module",
    ),
    known(
        "ERROR_MANIFEST_IS_NOT_AVAILABLE",
        Kind::NotFound,
        Retry::Useless,
        "this portal does not offer it: check its edition and modules",
    ),
    known("PORTAL_DELETED", Kind::Refused, Retry::Useless, "the portal is closed: check the address in the settings"),
    known("NOT_FOUND", Kind::NotFound, Retry::Useless, "check the id: there is no such thing, or it may not be seen"),
    known(
        "ERROR_NOT_FOUND",
        Kind::NotFound,
        Retry::Useless,
        "check the id: there is no such thing, or it may not be seen",
    ),
    known("INVALID_ID", Kind::Refused, Retry::Useless, "give an id, a whole number above zero"),
    known("ERROR_ARGUMENT", Kind::Refused, Retry::Useless, "compare the parameters with the method's documentation"),
    known("ERROR_CORE", Kind::Refused, Retry::Useless, "the text is the portal's: correct what it names"),
    known(
        "invalid_grant",
        Kind::Auth,
        Retry::Useless,
        "log in again: the refresh_token is no longer valid (it lives 180 days)",
    ),
    known("invalid_client", Kind::Auth, Retry::Useless, "check client_id and client_secret"),
    known("invalid_scope", Kind::Refused, Retry::Useless, RIGHTS),
    known("invalid_request", Kind::Auth, Retry::Useless, "check client_id, client_secret and refresh_token"),
    known("PAYMENT_REQUIRED", Kind::Refused, Retry::Useless, "the application is not paid for on this portal"),
];

/// Codes for the texts of old CRM methods, which come with an empty code.
const NAMELESS: &[(&str, &str)] = &[
    ("not found", "NOT_FOUND"),
    ("не найден", "NOT_FOUND"),
    ("id is not defined", "INVALID_ID"),
    ("access denied", "ACCESS_DENIED"),
    ("доступ запрещ", "ACCESS_DENIED"),
];

fn look_up(code: &str) -> Option<&'static Known> {
    // `expired_token` and `EXPIRED_TOKEN` both occur; INVALID_REQUEST and invalid_request differ in meaning.
    KNOWN
        .iter()
        .find(|known| known.code == code)
        .or_else(|| KNOWN.iter().find(|known| known.code.eq_ignore_ascii_case(code)))
}

/// The portal's error as ours. `status` is absent for a command of a batch.
pub fn error(method: &str, status: Option<u16>, fault: &Fault) -> Error {
    let text = plain(&fault.text, 500);
    let code = match fault.code.trim() {
        "" => NAMELESS.iter().find(|(part, _)| text.to_lowercase().contains(part)).map_or("error", |(_, code)| code),
        code => code,
    };
    let known = look_up(code);
    let (kind, retry) = known.map_or_else(|| by_status(status), |known| (known.kind, known.retry));
    let said = if text.is_empty() { format!("the portal answered {code}") } else { text };
    let fields: String = fault.fields.iter().map(|(field, text)| format!("; {field}: {}", plain(text, 200))).collect();
    let mut error = Error::new(kind, format!("b24.{code}"), format!("{method}: {said}{fields}")).retry(retry);
    if let Some(status) = status {
        error = error.status(status);
    }
    match hint(code, method, known, kind) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn hint(code: &str, method: &str, known: Option<&Known>, kind: Kind) -> Option<String> {
    match (code, known) {
        ("ERROR_METHOD_NOT_FOUND", Some(known)) => Some(methods::near(method).unwrap_or_else(|| known.hint.to_owned())),
        (_, Some(known)) => Some(known.hint.to_owned()),
        (_, None) => match kind {
            Kind::Auth => Some("check the webhook or the tokens in the settings".into()),
            Kind::NotFound => Some("check the id and the method's name".into()),
            Kind::Unavailable => Some(LOOK_FIRST.into()),
            _ => Some("compare the parameters with the method's documentation".into()),
        },
    }
}

fn by_status(status: Option<u16>) -> (Kind, Retry) {
    match status {
        Some(401) => (Kind::Auth, Retry::Useless),
        Some(403) => (Kind::Refused, Retry::Useless),
        Some(404) => (Kind::NotFound, Retry::Useless),
        Some(413) => (Kind::Refused, Retry::Safe),
        Some(429) => (Kind::Limit, Retry::Safe),
        Some(500..) => (Kind::Unavailable, Retry::Unknown),
        _ => (Kind::Refused, Retry::Useless),
    }
}

/// An answer that is no JSON at all, or only the beginning of one.
pub fn unreadable(method: &str, status: u16, body: &str, torn: bool) -> Error {
    let good = (200..300).contains(&status);
    if torn && good {
        let message = format!("{method}: the answer breaks off after {} bytes", body.len());
        return Error::new(Kind::Unavailable, "b24.half_answer", message)
            .status(status)
            .retry(Retry::Unknown)
            .hint("the connection to the portal is bad: try again");
    }
    let shown = plain(body, 80);
    if status == 429 {
        // A gateway before the portal counts requests too.
        return Error::new(Kind::Limit, "b24.too_many", format!("{method}: too many requests"))
            .status(status)
            .retry(Retry::Safe)
            .hint("lower `requests_per_second` and `burst` in the settings");
    }
    let found = if shown.is_empty() { "nothing".to_owned() } else { format!("\"{shown}\"") };
    let message = format!("{method}: the portal answered with status {status} and no JSON: {found}");
    let (kind, retry, hint) = match status {
        500.. => (Kind::Unavailable, Retry::Unknown, "the portal has broken down for the moment: try again later"),
        413 => (Kind::Refused, Retry::Safe, "the parameters are too large for the portal: send fewer or shorter ones"),
        400..500 => {
            (Kind::Protocol, Retry::Useless, "check the address: this may be no Bitrix24 portal, or REST is not there")
        }
        _ => (
            Kind::Protocol,
            Retry::Unknown,
            "open the address in a browser: a proxy or a login page may stand before it",
        ),
    };
    Error::new(kind, "b24.not_json", message).status(status).retry(retry).hint(hint)
}

/// The error of a change: where it may have been done, the next step is to look.
pub fn of_change(error: Error) -> Error {
    match error.may_retry() {
        Retry::Unknown => error.hint(LOOK_FIRST),
        _ => error,
    }
}

/// The error of a call that changes nothing: it may always be repeated, and there is nothing to look for.
pub fn of_reading(error: Error) -> Error {
    let error = match error.may_retry() {
        Retry::Unknown => error.retry(Retry::Safe),
        _ => error,
    };
    match error.hint_text() {
        Some(LOOK_FIRST) => error.hint("the portal has broken down for the moment: try again later"),
        _ => error,
    }
}

/// A text without tags, in one line, of at most so many characters.
pub fn plain(text: &str, most: usize) -> String {
    let mut bare = String::new();
    let mut inside = false;
    // A page's tags may be long; a bounded part of it is enough.
    for letter in text.chars().take(most.saturating_mul(20)) {
        match letter {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                bare.push(' ');
            }
            letter if !inside => bare.push(letter),
            _ => {}
        }
    }
    shortened(&bare.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

/// A text of at most so many characters.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: &str, text: &str) -> Fault {
        Fault { code: code.into(), text: text.into(), fields: Vec::new() }
    }

    #[test]
    fn every_code_of_the_documentation_has_its_next_step() {
        for (status, code, kind, retry) in [
            (503, "QUERY_LIMIT_EXCEEDED", Kind::Limit, Retry::Safe),
            (429, "OPERATION_TIME_LIMIT", Kind::Limit, Retry::Safe),
            (503, "OVERLOAD_LIMIT", Kind::Limit, Retry::Useless),
            (500, "INTERNAL_SERVER_ERROR", Kind::Unavailable, Retry::Unknown),
            (500, "ERROR_UNEXPECTED_ANSWER", Kind::Unavailable, Retry::Unknown),
            (405, "ERROR_BATCH_METHOD_NOT_ALLOWED", Kind::Refused, Retry::Useless),
            (401, "expired_token", Kind::Auth, Retry::Safe),
            (401, "NO_AUTH_FOUND", Kind::Auth, Retry::Useless),
            (403, "insufficient_scope", Kind::Refused, Retry::Useless),
            (404, "ERROR_METHOD_NOT_FOUND", Kind::NotFound, Retry::Useless),
            (500, "PORTAL_DELETED", Kind::Refused, Retry::Useless),
            (400, "SOMETHING_NEW", Kind::Refused, Retry::Useless),
            (500, "SOMETHING_NEW", Kind::Unavailable, Retry::Unknown),
        ] {
            let error = error("crm.deal.add", Some(status), &fault(code, "the text"));
            assert_eq!((error.kind(), error.may_retry()), (kind, retry), "{code}");
            assert_eq!(error.code(), format!("b24.{code}"));
            assert_eq!(error.http_status(), Some(status));
            assert!(error.message().contains("the text") && error.hint_text().is_some(), "{error:?}");
        }
    }

    #[test]
    fn an_empty_code_gets_a_stable_one_from_its_text() {
        for (text, code) in [
            ("Not found", "b24.NOT_FOUND"),
            ("ID is not defined or invalid.", "b24.INVALID_ID"),
            ("Access denied.", "b24.ACCESS_DENIED"),
            ("Something else", "b24.error"),
        ] {
            assert_eq!(error("crm.deal.get", Some(400), &fault("", text)).code(), code);
        }
        assert_eq!(error("m", None, &fault("", "<b>Bad</b> field<br>X")).message(), "m: Bad field X");
    }

    #[test]
    fn the_next_step_depends_on_whether_something_may_have_changed() {
        let broken = || error("m", Some(500), &fault("INTERNAL_SERVER_ERROR", "broken"));
        assert_eq!(of_change(broken()).hint_text(), Some(LOOK_FIRST));
        let read = of_reading(broken());
        assert_eq!(read.may_retry(), Retry::Safe);
        assert!(read.hint_text().unwrap().contains("try again later"));
        let half = || unreadable("m", 200, "{", true);
        assert_eq!(of_change(half()).hint_text(), Some(LOOK_FIRST));
        assert!(of_reading(half()).hint_text().unwrap().contains("try again"));
        let refused = error("m", Some(400), &fault("ERROR_CORE", "no"));
        assert_eq!(of_change(refused.clone()).hint_text(), refused.hint_text());
    }

    #[test]
    fn a_page_instead_of_json_is_told_by_its_status_and_its_words() {
        let page = "<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>";
        let error = unreadable("crm.deal.list", 502, page, false);
        assert_eq!(
            error.message(),
            "crm.deal.list: the portal answered with status 502 and no JSON: \"502 Bad Gateway nginx\""
        );
        assert_eq!(error.kind(), Kind::Unavailable);
        assert_eq!(unreadable("m", 200, page, false).kind(), Kind::Protocol);
        assert_eq!(unreadable("m", 404, page, false).may_retry(), Retry::Useless);
        assert_eq!(unreadable("m", 200, "{\"result\":[", true).code(), "b24.half_answer");
        assert!(unreadable("m", 200, "", false).message().ends_with("no JSON: nothing"));
        assert_eq!(plain(&"ж".repeat(100), 80).chars().count(), 81);
    }
}
