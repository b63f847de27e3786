//! A call of the table, as a request: names become those of the protocol, values its texts.

use serde_json::{Map, Value};

use super::address::part;
use super::request::{Request, Whose};
use super::{answer, date, words};
use crate::error::{Error, Result, did_you_mean};
use crate::services::robot::table::{Call, Holds, Param};

/// What is given with a call: a map whose order is kept.
pub type Options = Map<String, Value>;

/// The file that goes with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The field it goes in.
    pub field: String,
    pub path: String,
}

/// The request of a call about this thing (a GUID or a name), with these parameters in the order of the table. An option
/// that is null counts as not given.
pub fn request(call: &'static Call, about: Option<&str>, options: &Options) -> Result<(Request, Option<Attached>)> {
    if let Some(name) = options.keys().find(|name| !call.params.iter().any(|param| param.name == name.as_str())) {
        let known: Vec<&str> = call.params.iter().map(|param| param.name).collect();
        let hint =
            did_you_mean(name, known.iter().copied()).unwrap_or_else(|| format!("it takes {}", known.join(", ")));
        return Err(Error::input("options.unknown", format!("{}: there is no option `{name}`", call.name)).hint(hint));
    }
    let path = match (call.about, about.map(str::trim)) {
        (true, Some(about)) if !about.is_empty() => format!("{}/{}", call.path, part(about)),
        (true, _) => return Err(missing(call, "a GUID or a name")),
        (false, _) => call.path.to_owned(),
    };
    let (mut fields, mut attached) = (Vec::new(), None);
    for param in call.params {
        let Some(value) = options.get(param.name).filter(|value| !value.is_null()) else {
            if param.needed {
                return Err(missing(call, &format!("`{}`", param.name)));
            }
            continue;
        };
        let text = written(param, value).map_err(|wanted| {
            Error::input("options.type", format!("{}: `{}` takes {wanted}", call.name, param.name))
                .detail("given", crate::secret::mask(&value.to_string()).into_owned())
        })?;
        match param.holds {
            Holds::File => attached = Some(Attached { field: param.wire.to_owned(), path: text }),
            _ => fields.push((param.wire.to_owned(), text)),
        }
    }
    let takes = fields.iter().any(|(name, value)| name == "take" && value == "1");
    let request = Request {
        what: format!("robot.{}", call.name.trim_start_matches("robot.")),
        verb: call.verb,
        path,
        fields,
        whose: Whose::Account,
        changes: call.changes || takes,
    };
    Ok((request, attached))
}

fn missing(call: &Call, what: &str) -> Error {
    Error::input("options.missing", format!("{}: {what} is missing", call.name))
}

/// A value as the request holds it; else what is wanted.
fn written(param: &Param, value: &Value) -> Result<String, String> {
    let text = || match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let day = || text().and_then(|text| date::read(&text));
    let read = match param.holds {
        Holds::Text | Holds::File => text().ok_or("a text"),
        Holds::Number => answer::number(value).map(|number| number.to_string()).ok_or("a whole number"),
        Holds::Flag => answer::number(value).map(|number| i64::from(number != 0).to_string()).ok_or("true or false"),
        Holds::Date => day().map(date::written).ok_or("a moment, or a text such as \"2026-03-08 14:05:09\""),
        Holds::FilterDate => day().map(date::in_filter).ok_or("a moment, or a text such as \"2026-03-08 14:05:09\""),
        Holds::Unix => date::unix(value).map(|at| at.to_string()).ok_or("a moment, or seconds since 1970"),
        Holds::Tags => tags(value).ok_or("a text or a list of texts without `;`"),
        Holds::Json => Ok(match value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        }),
        Holds::Word(known) => return word(known, value),
    };
    read.map_err(str::to_owned)
}

fn word(known: &[&'static str], value: &Value) -> Result<String, String> {
    let by_word = value.as_str().filter(|word| !word.is_empty()).and_then(|word| words::number(known, word));
    let number = by_word.or_else(|| answer::number(value).filter(|_| !value.is_boolean()));
    number.map(|number| number.to_string()).ok_or_else(|| {
        let known: Vec<String> =
            known.iter().filter(|word| !word.is_empty()).map(|word| format!("\"{word}\"")).collect();
        format!("one of {}", known.join(", "))
    })
}

fn tags(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            let tags: Option<Vec<&str>> =
                list.iter().map(|tag| tag.as_str().filter(|tag| !tag.contains(';'))).collect();
            Some(tags?.join(";"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::robot::table::call;

    fn told(name: &str, about: Option<&str>, options: Value) -> Result<String> {
        request(call(name).unwrap(), about, options.as_object().unwrap()).map(|(request, _)| request.told())
    }

    #[test]
    fn options_become_the_fields_of_the_examples() {
        let options = json!({
            "params": { "file": "счёт.xml" }, "queue": "Q", "name": "inv-17", "tags": ["a", "b"], "priority": "high",
            "deadline": "2026-03-08T14:05:09+03:00", "retries": 2, "comment": null
        });
        assert_eq!(
            told("task.create", None, options).unwrap(),
            "POST /api/task/create Name=inv-17 QueueGuid=Q Deadline=2026-03-08 14:05:09 Retries=2 Tags=a;b \
             Parameters={\"file\":\"счёт.xml\"} Priority=2"
        );
        let options = json!({ "status": "new", "take": true, "created_from": "2026-03-08" });
        assert_eq!(
            told("task.find", Some("счёт/1"), options).unwrap(),
            "POST /api/task/filter/read/%D1%81%D1%87%D1%91%D1%82%2F1 status=0 created_from=08.03.2026 00:00:00 take=1"
        );
        assert_eq!(told("log.purge", None, json!({ "time": 17 })).unwrap(), "DELETE /api/log/purge Time=17");
        assert_eq!(
            told("queue.create", None, json!({ "name": "q", "unique": false })).unwrap(),
            "POST /api/queue/create Name=q UniqueTasks=0"
        );
    }

    #[test]
    fn what_cannot_be_sent_is_told() {
        for (name, about, options, says) in [
            ("task.create", None, json!({ "name": "a" }), "`queue` is missing"),
            ("task.create", None, json!({ "nme": "a" }), "there is no option `nme`"),
            ("queue.read", None, json!({}), "a GUID or a name is missing"),
            ("queue.read", Some(" "), json!({}), "a GUID or a name is missing"),
            ("task.update", None, json!({ "guid": "a", "status": "done" }), "`status` takes one of \"new\""),
            ("task.update", None, json!({ "guid": "a", "deadline": "soon" }), "takes a moment"),
            ("task.tag", None, json!({ "guid": "a", "tags": ["a;b"] }), "takes a text or a list"),
        ] {
            let error = told(name, about, options).unwrap_err();
            assert!(error.message().contains(says), "{error}");
        }
    }

    #[test]
    fn finding_a_task_changes_it_only_when_it_is_taken() {
        let changes = |options: Value| {
            request(call("task.find").unwrap(), Some("q"), options.as_object().unwrap()).unwrap().0.changes
        };
        assert!(changes(json!({ "take": true })) && !changes(json!({ "take": false })) && !changes(json!({})));
    }
}
