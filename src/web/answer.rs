//! Answers: JSON, texts, and refusals with the status that fits.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::board::text;
use crate::error::{Error, Kind};
use crate::secret;

pub type Reply = Response<Body>;

/// What a handler gives.
pub type Outcome = std::result::Result<Reply, Refusal>;

const JSON: &str = "application/json; charset=utf-8";

/// A value as JSON, with secrets masked.
pub fn json_reply(status: StatusCode, value: &impl Serialize) -> Reply {
    json_bytes(status, text(value).into())
}

/// JSON that is written already.
pub fn json_bytes(status: StatusCode, bytes: Bytes) -> Reply {
    reply(status, JSON, bytes)
}

pub fn plain(status: StatusCode, text: &str) -> Reply {
    reply(status, "text/plain; charset=utf-8", secret::mask(text).into_owned().into())
}

pub fn reply(status: StatusCode, kind: &'static str, bytes: Bytes) -> Reply {
    let mut reply = Response::new(Body::from(bytes));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// Why a request was not done.
#[derive(Debug)]
pub struct Refusal(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    code: String,
    message: String,
    hint: Option<String>,
    /// By name of the field that is wrong.
    fields: Vec<(String, String)>,
    /// The run that is in the way.
    run: Option<String>,
    headers: Vec<(HeaderName, String)>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: impl Into<String>, message: impl Into<String>) -> Refusal {
        let (code, message) = (code.into(), message.into());
        let (hint, fields, run, headers) = (None, Vec::new(), None, Vec::new());
        Refusal(Box::new(Inner { status, code, message, hint, fields, run, headers }))
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Refusal {
        self.0.hint = Some(hint.into());
        self
    }

    pub fn not_found(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// Fields that are wrong, each with what is wrong with it.
    pub fn fields(fields: Vec<(String, String)>) -> Refusal {
        let message = match fields.as_slice() {
            [(_, only)] => only.clone(),
            several => several.iter().map(|(_, wrong)| wrong.as_str()).collect::<Vec<_>>().join("; "),
        };
        let mut refusal = Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "input.fields", message);
        refusal.0.fields = fields;
        refusal
    }

    /// Without a token, or with one that is nobody's.
    pub fn unknown(is_given: bool) -> Refusal {
        let (code, message, challenge) = match is_given {
            false => ("auth.needed", "a token is needed", "Bearer realm=\"pult\""),
            true => ("auth.wrong", "this token is nobody's", "Bearer realm=\"pult\", error=\"invalid_token\""),
        };
        Refusal::new(StatusCode::UNAUTHORIZED, code, message)
            .hint("send the header Authorization: Bearer TOKEN")
            .header(WWW_AUTHENTICATE, challenge)
    }

    /// To be tried again after so long.
    pub fn too_many(code: &'static str, message: &str, wait: std::time::Duration) -> Refusal {
        let seconds = wait.as_secs_f64().ceil().max(1.0);
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, code, message).header(RETRY_AFTER, format!("{seconds:.0}"))
    }

    pub fn stopping() -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "service.stopping", "the service is stopping")
            .hint("try again when it is back")
            .header(RETRY_AFTER, "30")
    }

    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Refusal {
        self.0.headers.push((name, value.into()));
        self
    }

    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn into_reply(self) -> Reply {
        let Inner { status, code, message, hint, fields, run, headers } = *self.0;
        let mut body = Map::new();
        body.insert("error".into(), code.into());
        body.insert("message".into(), message.into());
        body.extend(hint.map(|hint| ("hint".to_owned(), Value::from(hint))));
        body.extend(run.map(|run| ("run".to_owned(), Value::from(run))));
        if !fields.is_empty() {
            body.insert("fields".into(), fields.into_iter().map(|(name, wrong)| (name, json!(wrong))).collect());
        }
        let mut reply = json_reply(status, &body);
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                reply.headers_mut().insert(name, value);
            }
        }
        reply
    }
}

impl From<Error> for Refusal {
    /// What the engine, or a server behind it, did not do.
    fn from(error: Error) -> Refusal {
        let detail = |name: &str| error.details().iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        let mut refusal = Refusal::new(status(&error), error.code(), error.message());
        refusal.0.hint = error.hint_text().map(str::to_owned);
        refusal.0.run = detail("run").and_then(Value::as_str).map(str::to_owned);
        let fields = detail("fields").and_then(Value::as_object).into_iter().flatten();
        refusal.0.fields =
            fields.map(|(name, wrong)| (name.clone(), wrong.as_str().unwrap_or_default().into())).collect();
        refusal
    }
}

/// The status for an error: ours is told from that of a server behind us by its code, which there is a number.
fn status(error: &Error) -> StatusCode {
    let code = error.code().strip_prefix("sp.").unwrap_or_default();
    let of_server = code.starts_with(|c: char| c.is_ascii_digit());
    match error.kind() {
        Kind::Refused if code == "read_only" => StatusCode::FORBIDDEN,
        Kind::Input => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound if !of_server => StatusCode::NOT_FOUND,
        Kind::Refused if !of_server => StatusCode::CONFLICT,
        Kind::Limit | Kind::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Kind::NotFound | Kind::Refused | Kind::Auth | Kind::Unavailable | Kind::Protocol | Kind::Partial => {
            StatusCode::BAD_GATEWAY
        }
        Kind::Usage | Kind::Config | Kind::Compile | Kind::Script | Kind::File => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_server_is_not_told_as_our_own() {
        let status = |kind, code: &'static str| Refusal::from(Error::new(kind, code, "x")).status().as_u16();
        assert_eq!(status(Kind::Refused, "sp.busy"), 409);
        assert_eq!(status(Kind::Refused, "sp.50000"), 502);
        assert_eq!(status(Kind::NotFound, "sp.run"), 404);
        assert_eq!(status(Kind::NotFound, "sp.2812"), 502);
        assert_eq!(status(Kind::Auth, "sp.18456"), 502);
        assert_eq!(status(Kind::Timeout, "sp.timeout"), 504);
        assert_eq!(status(Kind::Input, "sp.order"), 422);
        assert_eq!(status(Kind::File, "state.failed"), 500);
    }

    #[test]
    fn the_run_in_the_way_and_the_wrong_fields_are_told() {
        let busy = Error::new(Kind::Refused, "sp.busy", "x").detail("run", "r1");
        assert_eq!(Refusal::from(busy).0.run.as_deref(), Some("r1"));
        let wrong =
            Error::new(Kind::Input, "sp.order", "x").detail("fields", json!({ "month": "there is no month 77" }));
        assert_eq!(Refusal::from(wrong).0.fields, [("month".to_owned(), "there is no month 77".to_owned())]);
    }
}
