//! Answers of the Orchestrator: JSON in strings in JSON, keys of any case, numbers as texts, `[]` for nothing.

use serde_json::{Map, Value};

use super::shapes::{JobStatus, Pulse, Taken};

/// So much of an answer that cannot be read is told.
const TOLD: usize = 200;
/// A JSON text in a JSON text in a JSON text.
const LEVELS: usize = 3;

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It cannot be the Orchestrator's.
    Answer(String),
    /// Code 101.
    UnknownRobot(String),
}

/// A JSON value of a body; `None` for everything else, an empty body among it.
pub fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_str(text(body).trim()).ok()
}

/// The text of a body, without the mark of its byte order.
pub fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).trim_start_matches('\u{feff}').to_owned()
}

/// The beginning of a body, for people; secrets are masked before it is cut.
pub fn beginning(body: &[u8]) -> String {
    let text = text(body);
    let shown = crate::secret::mask(text.trim());
    let mut end = shown.len().min(TOLD);
    while !shown.is_char_boundary(end) {
        end -= 1;
    }
    shown[..end].to_owned()
}

/// A key without what differs from server to server: case, underscores, spaces around it.
fn bare(key: &str) -> impl Iterator<Item = char> {
    key.trim().chars().filter(|&letter| letter != '_').flat_map(char::to_lowercase)
}

/// The value of a key, however it is spelt. A spelling without a fault wins.
pub fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let object = object.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(key, _)| bare(key).eq(bare(name))).map(|(_, value)| value))
}

/// The first of these keys that has a value other than null.
pub fn first<'a>(object: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| field(object, name).filter(|value| !value.is_null()))
}

/// A whole number, also as a text or as true and false.
pub fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| whole(text.parse().ok()?))
        }
        Value::Bool(flag) => Some(i64::from(*flag)),
        _ => None,
    }
}

fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// A text, also where a number came; empty for null and everything else.
pub fn words(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// What stands in a text that is JSON, up to three levels of it; every other value as it is. The error is what the text
/// is no JSON for.
fn opened(value: &Value) -> Result<Value, String> {
    let mut value = value.clone();
    for _ in 0..LEVELS {
        let Value::String(text) = &value else { break };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(Value::Null);
        }
        value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    }
    Ok(value)
}

/// A part of an answer that is to be an object: `Null` for null, for an empty text and for PHP's empty list.
fn part(answer: &Value, name: &str) -> Result<Value, (Value, String)> {
    let Some(given) = field(answer, name) else { return Ok(Value::Null) };
    match opened(given) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(Value::Null) => Ok(Value::Null),
        Ok(Value::Array(list)) if list.is_empty() => Ok(Value::Null),
        Ok(_) => Err((given.clone(), format!("`{name}` is no object"))),
        Err(why) => Err((given.clone(), format!("`{name}` is no JSON: {why}"))),
    }
}

/// The parameters of a task: a map where they are one, `Null` where there are none, else what they are. A text in it that
/// is JSON is read.
pub fn params(task: &Value) -> Value {
    let Some(given) = field(task, "parameters") else { return Value::Null };
    match opened(given) {
        // PHP writes an empty map as an empty list.
        Ok(Value::Array(list)) if list.is_empty() => Value::Object(Map::new()),
        Ok(value) => value,
        Err(_) => given.clone(),
    }
}

/// The answer to a heartbeat.
pub fn pulse(body: &[u8]) -> Result<Pulse, Wrong> {
    let (raw, code) = coded(body, "HeartbeatErrorCode")?;
    let has_job = match field(&raw, "HasNewJob") {
        None | Some(Value::Null) => false,
        Some(value) => match number(value) {
            Some(count) => count != 0,
            None if words(Some(value)).is_empty() && value.is_string() => false,
            None => return Err(Wrong::Answer("`HasNewJob` is no number".into())),
        },
    };
    Ok(Pulse { code, text: words(field(&raw, "ErrorText")), has_job, raw })
}

/// The answer to the question for a job; `None` when there is none after all.
pub fn taken(body: &[u8]) -> Result<Option<Taken>, Wrong> {
    let (answer, code) = coded(body, "ConsumeJobErrorCode")?;
    match code {
        0 => Ok(Some(read(&answer))),
        102 => Ok(None),
        code => Err(Wrong::Answer(format!("code {code}: {}", words(field(&answer, "ErrorText"))))),
    }
}

/// An object with a code, which is not 101.
fn coded(body: &[u8], name: &str) -> Result<(Value, i64), Wrong> {
    let answer = json(body).ok_or_else(|| Wrong::Answer("it is no JSON".into()))?;
    let answer = opened(&answer).map_err(|_| Wrong::Answer("it is no object".into()))?;
    if !answer.is_object() {
        return Err(Wrong::Answer("it is no object".into()));
    }
    let code = field(&answer, name).ok_or_else(|| Wrong::Answer(format!("`{name}` is missing")))?;
    let code = number(code).ok_or_else(|| Wrong::Answer(format!("`{name}` is no number")))?;
    match code {
        101 => Err(Wrong::UnknownRobot(words(field(&answer, "ErrorText")))),
        code => Ok((answer, code)),
    }
}

fn read(answer: &Value) -> Taken {
    let mut unreadable = None;
    let mut kept = |read: Result<Value, (Value, String)>| {
        read.unwrap_or_else(|(given, why)| {
            unreadable.get_or_insert(why);
            given
        })
    };
    let job = kept(part(answer, "Job"));
    let process_version = kept(part(answer, "ProcessVersion"));
    let task = kept(part(answer, "Task"));
    let params = match &task {
        // What is no JSON may be wanted as it is.
        Value::Object(_) => params(&task),
        other => other.clone(),
    };
    Taken {
        guid: words(field(&job, "GUID")).trim().to_owned(),
        name: words(field(&process_version, "Name")).trim().to_owned(),
        version: words(field(&process_version, "GUID")).trim().to_owned(),
        job,
        process_version,
        task,
        params,
        unreadable,
    }
}

/// One object of an answer that tells of one: by itself, in a list of one, or below `data`. `None` for an empty answer.
pub fn object(body: &[u8]) -> Result<Option<Value>, Wrong> {
    if text(body).trim().is_empty() {
        return Ok(None);
    }
    let value = json(body).ok_or_else(|| Wrong::Answer("it is no JSON".into()))?;
    let value = opened(&value).map_err(|_| Wrong::Answer("it is no object".into()))?;
    one(value)
}

fn one(value: Value) -> Result<Option<Value>, Wrong> {
    match value {
        Value::Null => Ok(None),
        Value::Object(map) if map.is_empty() => Ok(None),
        Value::Object(ref map) => match (map.len(), map.get("data")) {
            (1..=3, Some(data @ (Value::Object(_) | Value::Array(_)))) => one(data.clone()),
            _ => Ok(Some(value)),
        },
        Value::Array(mut list) if list.len() < 2 => list.pop().map_or(Ok(None), one),
        _ => Err(Wrong::Answer("it is no object".into())),
    }
}

/// The objects of an answer that tells of several: a list, or one below `data`, `list`, `items` or `rows`.
pub fn list(body: &[u8]) -> Result<Vec<Value>, Wrong> {
    if text(body).trim().is_empty() {
        return Ok(Vec::new());
    }
    let value = json(body).ok_or_else(|| Wrong::Answer("it is no JSON".into()))?;
    match opened(&value).map_err(|_| Wrong::Answer("it is no list".into()))? {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => Ok(list),
        Value::Object(map) if map.is_empty() => Ok(Vec::new()),
        value @ Value::Object(_) => match first(&value, &["data", "list", "items", "rows", "tasks"]) {
            Some(Value::Array(list)) => Ok(list.clone()),
            _ => Ok(vec![value]),
        },
        _ => Err(Wrong::Answer("it is no list".into())),
    }
}

/// The GUID of what was made: `{"guid": …}`, a bare text, or a list with either.
pub fn made(body: &[u8]) -> Result<String, Wrong> {
    let missing = || Wrong::Answer("it tells no GUID".into());
    let guid = match json(body).ok_or_else(missing)? {
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(value) => words(field(&value, "guid")),
            Err(_) => text,
        },
        value => match one(value)? {
            Some(Value::String(text)) => text,
            Some(value) => words(field(&value, "guid")),
            None => String::new(),
        },
    };
    let guid = guid.trim();
    if guid.is_empty() { Err(missing()) } else { Ok(guid.to_owned()) }
}

/// The status of a job's record.
pub fn job_status(record: &Value) -> Result<JobStatus, Wrong> {
    let status = field(record, "status").ok_or_else(|| Wrong::Answer("`status` is missing".into()))?;
    let known = number(status).and_then(JobStatus::from_number);
    let known = known.or_else(|| JobStatus::from_word(&words(Some(status)).trim().to_lowercase().replace(' ', "_")));
    known.ok_or_else(|| Wrong::Answer(format!("no job has the status {status}")))
}

/// What an answer of failure says in words: `message`, `ErrorText`, `error`; secrets are masked. Empty where it says
/// nothing.
pub fn complaint(body: &[u8]) -> String {
    let said = match json(body) {
        Some(Value::String(text)) => text,
        Some(value) => match first(&value, &["ErrorText", "message", "error", "errors", "detail"]) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        },
        None => String::new(),
    };
    let said = crate::secret::mask(said.trim()).into_owned();
    said.char_indices().nth(500).map_or_else(|| said.clone(), |(end, _)| format!("{}…", &said[..end]))
}

/// Whether it is a page for people.
pub fn is_page(body: &[u8]) -> bool {
    text(body).trim_start().starts_with('<')
}

/// Whether an answer of 404 says that there is no such address, and not that there is no such object.
pub fn is_no_route(body: &[u8]) -> bool {
    let text = text(body).to_lowercase();
    let missing = ["not found", "could not be found", "not exist", "no such", "not defined", "no route"];
    (text.contains("route") && missing.iter().any(|word| text.contains(word)))
        || (text.contains("cannot put /") || text.contains("method not allowed"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bytes(value: Value) -> Vec<u8> {
        value.to_string().into_bytes()
    }

    #[test]
    fn a_heartbeat_is_read_in_all_its_spellings() {
        for body in [
            r#"{"HeartbeatErrorCode":0,"ErrorText":"","HasNewJob":1}"#,
            r#"{"HeartbeatErrorCode":"0","ErrorText":null,"HasNewJob":"1","ServerTime":[]}"#,
            "\u{feff}{\" heartbeaterrorcode \":0.0,\"has_new_job\":true}",
            r#""{\"HeartbeatErrorCode\":0,\"HasNewJob\":1}""#,
        ] {
            let pulse = pulse(body.as_bytes()).unwrap();
            assert_eq!((pulse.code, pulse.has_job, pulse.text.as_str()), (0, true, ""), "{body}");
        }
        let idle = pulse(br#"{"HeartbeatErrorCode":20,"ErrorText":"stop"}"#).unwrap();
        assert_eq!((idle.code, idle.has_job, idle.text.as_str()), (20, false, "stop"));
    }

    #[test]
    fn what_is_no_answer_to_a_heartbeat_is_told() {
        for body in ["", "[]", "{}", "<html>", "{\"HeartbeatErrorCode\":", "null", "0", "{\"HeartbeatErrorCode\":[]}"] {
            assert!(matches!(pulse(body.as_bytes()), Err(Wrong::Answer(_))), "{body}");
        }
        let unknown = pulse(br#"{"HeartbeatErrorCode":"101","ErrorText":"no robot","HasNewJob":1}"#);
        assert_eq!(unknown, Err(Wrong::UnknownRobot("no robot".into())));
    }

    fn three(job: Value, version: Value, key: &str, task: Value) -> Taken {
        let answer = json!({ "ConsumeJobErrorCode": 0, "Job": job, "ProcessVersion": version, key: task });
        taken(&bytes(answer)).unwrap().unwrap()
    }

    #[test]
    fn a_job_is_read_from_strings_and_from_objects() {
        let (job, version) = (json!({ "GUID": "J-1", "status": 1 }), json!({ "guid": "V-1", "Name": " import " }));
        let task = json!({ "guid": "T-1", "parameters": "{\"file\":\"a.xml\"}" });
        for key in ["Task", " Task ", "task"] {
            for in_text in [true, false] {
                let wrap = |value: &Value| if in_text { Value::String(value.to_string()) } else { value.clone() };
                let taken = three(wrap(&job), wrap(&version), key, wrap(&task));
                assert_eq!((&*taken.guid, &*taken.name, &*taken.version), ("J-1", "import", "V-1"));
                assert_eq!((taken.task, taken.params), (task.clone(), json!({ "file": "a.xml" })));
                assert_eq!(taken.unreadable, None);
            }
        }
    }

    #[test]
    fn a_job_without_a_task_has_none() {
        for task in [json!(null), json!(""), json!("null"), json!("[]"), json!([])] {
            let taken = three(json!("{\"GUID\":\"J\"}"), json!("{\"Name\":\"n\"}"), "Task", task.clone());
            assert_eq!((taken.task, taken.params, taken.unreadable), (Value::Null, Value::Null, None), "{task}");
        }
        assert_eq!(three(json!("{\"GUID\":\"J\"}"), json!({ "Name": "n" }), "Other", json!(1)).task, Value::Null);
    }

    #[test]
    fn what_cannot_be_read_of_a_job_is_told_and_the_rest_is_used() {
        let taken = three(json!("{\"GUID\":\"J\"}"), json!({ "Name": "n" }), "Task", json!("{oops"));
        assert_eq!((&*taken.guid, &*taken.name), ("J", "n"));
        assert!(taken.unreadable.unwrap().starts_with("`Task` is no JSON"));
        assert_eq!(taken.params, json!("{oops"));
        let taken = three(json!("[1]"), json!(7), "Task", json!(null));
        assert_eq!((&*taken.guid, &*taken.name), ("", ""));
        assert_eq!(taken.unreadable.unwrap(), "`Job` is no object");
        let nothing = super::taken(br#"{"ConsumeJobErrorCode":0,"Job":null}"#).unwrap().unwrap();
        assert_eq!((nothing.guid, nothing.unreadable), (String::new(), None));
    }

    #[test]
    fn other_codes_of_consume_give_no_job() {
        assert_eq!(taken(br#"{"ConsumeJobErrorCode":102,"Job":"{oops"}"#), Ok(None));
        assert!(matches!(taken(br#"{"ConsumeJobErrorCode":101}"#), Err(Wrong::UnknownRobot(_))));
        assert!(matches!(taken(br#"{"ConsumeJobErrorCode":7}"#), Err(Wrong::Answer(_))));
        assert!(matches!(taken(b"[]"), Err(Wrong::Answer(_))));
    }

    #[test]
    fn parameters_are_a_map_where_they_are_one() {
        for (given, expected) in [
            (json!({ "parameters": "{\"a\":1}" }), json!({ "a": 1 })),
            (json!({ "Parameters": { "a": 1 } }), json!({ "a": 1 })),
            (json!({ "parameters": "\"{\\\"a\\\":1}\"" }), json!({ "a": 1 })),
            (json!({ "parameters": "[]" }), json!({})),
            (json!({ "parameters": "" }), json!(null)),
            (json!({ "parameters": "plain words" }), json!("plain words")),
            (json!({}), json!(null)),
        ] {
            assert_eq!(params(&given), expected, "{given}");
        }
    }

    #[test]
    fn one_object_and_several_come_in_several_ways() {
        let record = json!({ "guid": "G", "status": "8" });
        for body in [record.clone(), json!([record]), json!({ "data": record }), json!(record.to_string())] {
            assert_eq!(object(&bytes(body.clone())), Ok(Some(record.clone())), "{body}");
            assert_eq!(made(&bytes(body)), Ok("G".into()));
        }
        for body in ["", "[]", "{}", "null", "\"\""] {
            assert_eq!(object(body.as_bytes()), Ok(None), "{body}");
            assert_eq!(list(body.as_bytes()), Ok(vec![]), "{body}");
            assert!(made(body.as_bytes()).is_err(), "{body}");
        }
        assert!(object(b"<html>").is_err() && object(b"7").is_err() && list(b"7").is_err());
        assert_eq!(list(br#"{"data":[{"a":1},{"a":2}],"total":2}"#).unwrap().len(), 2);
        assert_eq!(made(b"\"G\""), Ok("G".into()));
    }

    #[test]
    fn the_status_of_a_job_is_a_number_a_text_or_a_word() {
        for status in [json!(8), json!("8"), json!("In_Progress"), json!("in progress")] {
            assert_eq!(job_status(&json!({ "Status": status })), Ok(JobStatus::InProgress), "{status}");
        }
        assert!(job_status(&json!({ "status": 9 })).is_err() && job_status(&json!({})).is_err());
    }

    #[test]
    fn a_missing_route_is_not_a_missing_object() {
        for body in [
            r#"{"message":"The route api/job/update could not be found."}"#,
            r#"{"error":"Route not found"}"#,
            "No route found for \"PUT /api/job/update\"",
            "<pre>Cannot PUT /api/job/update</pre>",
        ] {
            assert!(is_no_route(body.as_bytes()), "{body}");
        }
        for body in ["", "[]", r#"{"error":"job not found"}"#, "<html>404 Not Found</html>"] {
            assert!(!is_no_route(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn an_answer_is_masked_before_it_is_cut() {
        crate::secret::hide("wire-answer-secret-0001");
        let body = format!("<html>{} wire-answer-secret-0001", "я".repeat(90));
        let shown = beginning(body.as_bytes());
        assert!(shown.len() <= TOLD && !shown.contains("wire-answer"), "{shown}");
        let body = json!({ "message": "robot wire-answer-secret-0001 is no robot" });
        assert_eq!(complaint(&bytes(body)), "robot *** is no robot");
    }

    proptest::proptest! {
        #[test]
        fn no_body_breaks_the_reader(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = (pulse(&body), taken(&body), object(&body), list(&body), made(&body));
            let _ = (complaint(&body), beginning(&body), is_no_route(&body));
        }

        #[test]
        fn a_job_survives_any_wrapping(guid in "[0-9a-f-]{1,36}", name in "[^ \"\\\\\\x00-\\x1f][^\\x00-\\x1f]{0,20}", upper: bool, levels in 0..3usize) {
            let name = name.trim().to_owned();
            let (key, pad) = if upper { ("GUID", " ") } else { ("guid", "") };
            let wrap = |value: Value| (0..levels).fold(value, |value, _| Value::String(value.to_string()));
            let answer = json!({
                "ConsumeJobErrorCode": if upper { json!("0") } else { json!(0) },
                format!("{pad}Job{pad}"): wrap(json!({ key: guid })),
                format!("{pad}ProcessVersion"): wrap(json!({ "Name": name })),
                "extra": [1, { "Job": 2 }],
            });
            let taken = taken(&bytes(answer)).unwrap().unwrap();
            proptest::prop_assert_eq!((taken.guid, taken.name, taken.unreadable), (guid, name, None));
        }
    }
}
