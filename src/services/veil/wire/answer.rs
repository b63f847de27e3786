//! Answers: what came back, whatever it was.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::errors::{self, Fault};
use super::task::TaskState;

/// The placeholder of the Python client for an error without a number.
pub const UNKNOWN_CODE: i64 = 50_000;

/// An answer of any status. Reading it never fails.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The JSON text; `{}` where the answer was no JSON, as a page of a proxy is.
    text: String,
    is_json: bool,
    is_empty: bool,
}

/// One page of a list.
#[derive(Deserialize)]
pub struct Page<'a> {
    #[serde(default)]
    pub count: u64,
    #[serde(default)]
    pub next: Option<String>,
    #[serde(default)]
    pub previous: Option<String>,
    #[serde(borrow)]
    pub results: &'a RawValue,
}

#[derive(Deserialize)]
struct Accepted {
    #[serde(rename = "_task", default)]
    task: Option<Box<RawValue>>,
    #[serde(default)]
    entity: Option<String>,
}

impl Answer {
    pub fn new(status: u16, headers: Vec<(String, String)>, text: String) -> Answer {
        let named = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let is_text_of_json = named.is_none_or(|(_, kind)| kind.to_ascii_lowercase().contains("json"));
        let is_json = is_text_of_json && serde_json::from_str::<&RawValue>(text.trim()).is_ok();
        let is_empty = text.trim().is_empty();
        let text = if is_json { text } else { "{}".to_owned() };
        Answer { status, headers, text, is_json, is_empty }
    }

    /// Whether the controller did what was asked, or began to.
    pub fn success(&self) -> bool {
        matches!(self.status, 200 | 201 | 202 | 204)
    }

    /// Whether somebody else answered well in the controller's place: with something that is no JSON.
    pub fn is_page_of_a_proxy(&self) -> bool {
        self.success() && !self.is_json && !self.is_empty
    }

    /// Whether it was JSON.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The object of a plain good answer; `{}` for everything else.
    pub fn value(&self) -> &str {
        match self.status == 200 && self.is_object() {
            true => &self.text,
            false => "{}",
        }
    }

    fn is_object(&self) -> bool {
        self.text.trim_start().starts_with('{')
    }

    /// The page, if this is one.
    pub fn page(&self) -> Option<Page<'_>> {
        (self.status == 200 && self.is_object()).then(|| serde_json::from_str(&self.text).ok()).flatten()
    }

    /// The task that was begun.
    pub fn task(&self) -> Option<TaskState> {
        let accepted = self.accepted().filter(|_| self.status == 202)?;
        TaskState::read(accepted.task?.get())
    }

    /// The new object's id, where a call that makes one tells it at once.
    pub fn entity(&self) -> Option<String> {
        self.accepted()?.entity
    }

    fn accepted(&self) -> Option<Accepted> {
        self.is_object().then(|| serde_json::from_str(&self.text).ok()).flatten()
    }

    /// What was wrong, in whichever of its shapes the server said so.
    pub fn faults(&self) -> Vec<Fault> {
        match self.success() {
            true => Vec::new(),
            false => errors::faults(&self.json()),
        }
    }

    /// 0 for a good answer; the server's number; [`UNKNOWN_CODE`] where it tells none.
    pub fn error_code(&self) -> i64 {
        match self.success() {
            true => 0,
            false => self.faults().first().and_then(Fault::number).unwrap_or(UNKNOWN_CODE),
        }
    }

    pub fn error_detail(&self) -> Option<String> {
        self.faults().into_iter().next().map(|fault| fault.detail).filter(|detail| !detail.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer::new(status, vec![("content-type".into(), "application/json".into())], text.into())
    }

    #[test]
    fn an_object_is_a_value_and_no_page() {
        let good = answer(200, r#"{"id":"1","status":"ACTIVE"}"#);
        assert_eq!(
            (good.value(), good.error_code(), good.error_detail()),
            (r#"{"id":"1","status":"ACTIVE"}"#, 0, None)
        );
        assert!(good.page().is_none() && good.success() && good.task().is_none());
    }

    #[test]
    fn a_page_is_a_page_and_its_whole_is_the_value() {
        let text = r#"{"count":3,"next":"http://a/?offset=1","previous":null,"results":[{"id":"1"}]}"#;
        let page = answer(200, text);
        let read = page.page().unwrap();
        assert_eq!((read.count, read.next.as_deref(), read.previous.is_none()), (3, Some("http://a/?offset=1"), true));
        assert_eq!((read.results.get(), page.value()), (r#"[{"id":"1"}]"#, text));
        assert!(answer(404, text).page().is_none());
    }

    #[test]
    fn only_an_accepted_answer_has_a_task() {
        let text = r#"{"entity":"7","_task":{"id":"90","name":"Creating","status":"IN_PROGRESS","progress":0}}"#;
        let accepted = answer(202, text);
        assert_eq!((accepted.task().unwrap().id, accepted.entity().as_deref()), ("90".to_owned(), Some("7")));
        assert_eq!(accepted.value(), "{}");
        assert!(answer(200, text).task().is_none());
        assert!(answer(202, r#"{"_task":null}"#).task().is_none());
    }

    #[test]
    fn numbers_of_errors_are_read_where_there_are_any() {
        for (text, code, detail) in [
            (r#"{"errors":[{"detail":"no such","code":"50004"}]}"#, 50_004, Some("no such")),
            (r#"{"errors":[{"detail":"expired","code":"invalid"}]}"#, 50_000, Some("expired")),
            (r#"{"errors":[{"detail":"x","code":null}]}"#, 50_000, Some("x")),
            (r#"[1,2]"#, 50_000, None),
            (r#""text""#, 50_000, Some("text")),
            ("{", 50_000, None),
        ] {
            let bad = answer(400, text);
            assert_eq!((bad.error_code(), bad.error_detail().as_deref()), (code, detail), "{text}");
            assert!(!bad.success() && bad.value() == "{}");
        }
    }

    #[test]
    fn a_page_of_a_proxy_is_an_empty_object() {
        let html = Answer::new(503, vec![("Content-Type".into(), "text/html".into())], "<html>".into());
        assert_eq!((html.text(), html.is_json(), html.error_code()), ("{}", false, 50_000));
    }
}
