//! Adds that make no record twice: each record carries a key in one of its fields, and when the answer to its add was lost,
//! it is looked up by that key before it is added again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Params;
use super::outcomes::{Answer, Outcomes, json as answer_of};
use super::portal::Portal;
use crate::error::{Error, Kind, Result};
use crate::render::export::columns::Holds;
use crate::services::b24::wire::methods;

/// Keys in one look-up: fewer than a page has rows, so that a full page shows that the filter was not heeded.
const KEYS: usize = 40;
const PAGE: usize = 50;
/// An add without an answer may still be under way at the portal; so much time it gets before somebody looks.
const SETTLES: Duration = Duration::from_secs(5);
/// How often what was not found is added again.
const ROUNDS: usize = 5;

/// Where the records of a method are found again.
struct Origin {
    list: String,
    /// The field with the key.
    field: String,
}

impl Portal {
    /// One add for each item, as `call_many` does it. `field` is a text field of the record that holds a key: that of the
    /// item, or one that is made here. What had no answer is looked up by it, and only what is not there is added again.
    /// One request more at the beginning, which tells whether there is such a field.
    pub async fn add_once(&self, method: &str, mut items: Vec<Params>, field: &str) -> Result<Outcomes> {
        let origin = self.origin(method, field).await?;
        let keys = items.iter_mut().map(|item| mark(item, &origin.field)).collect::<Result<Vec<String>>>()?;
        let mut seen = HashSet::new();
        if let Some(twice) = keys.iter().find(|key| !seen.insert(key.as_str())) {
            return Err(
                wrong(format!("two items have `{twice}` in {}", origin.field)).hint("give each a key of its own")
            );
        }
        let mut outcomes = self.call_many(method, items.clone()).await?;
        for _ in 0..ROUNDS {
            let unknown = outcomes.unknown();
            if unknown.is_empty() {
                break;
            }
            tokio::time::sleep(SETTLES).await;
            let asked: Vec<&str> = unknown.iter().map(|place| keys[*place].as_str()).collect();
            // Where nobody can look, nothing is added again: their outcome stays unknown, and the error says so.
            let Ok(found) = self.look_up(&origin, &asked).await else { break };
            let mut lost = Vec::new();
            for place in unknown {
                match found.get(&keys[place]) {
                    Some(id) => outcomes.answers[place] = answer_of(method, id).map(Answer::Json),
                    None => lost.push(place),
                }
            }
            if lost.is_empty() {
                break;
            }
            let repeated = lost.iter().map(|place| items[*place].clone()).collect();
            // What was answered before is not thrown away for an error of all these.
            let Ok(again) = self.call_many(method, repeated).await else { break };
            for (place, answer) in lost.into_iter().zip(again.answers) {
                outcomes.answers[place] = answer;
            }
        }
        Ok(outcomes)
    }

    /// The same for one record.
    pub async fn add_one_once(&self, method: &str, item: Params, field: &str) -> Result<Answer> {
        let outcomes = self.add_once(method, vec![item], field).await?;
        let answer = outcomes.answers.into_iter().next();
        answer.unwrap_or_else(|| Err(Error::new(Kind::Protocol, "b24.no_answer", format!("{method}: no answer"))))
    }

    async fn origin(&self, method: &str, field: &str) -> Result<Origin> {
        methods::check_name(method)?;
        let branch = method.len().checked_sub(4).filter(|at| method[*at..].eq_ignore_ascii_case(".add"));
        let list = branch.map(|at| format!("{}.list", &method[..at]));
        // Where rows have `id`, an add answers with more than the id.
        let is_known = |list: &String| methods::family(list).is_some_and(|family| family.answer_id == "ID");
        let Some(list) = list.filter(is_known) else {
            return Err(wrong(format!("records of {method} cannot be found again by a field"))
                .hint("use `origin` for adds such as crm.deal.add"));
        };
        let field = field.to_uppercase();
        match self.types(&list, &Value::Null).await?.get(&field) {
            Some(Holds::Text) => Ok(Origin { list, field }),
            _ => Err(wrong(format!("{method}: its records have no text field {field}"))
                .hint("ORIGIN_ID is made for it; a text field of your own (UF_CRM_…) does as well")),
        }
    }

    /// The ids of the records that are there, by their keys.
    async fn look_up(&self, origin: &Origin, keys: &[&str]) -> Result<HashMap<String, String>> {
        let calls = keys.chunks(KEYS).map(|keys| {
            let filter = json!({ format!("@{}", origin.field): keys });
            let params =
                json!({ "select": ["ID", origin.field], "filter": filter, "order": { "ID": "ASC" }, "start": -1 });
            (origin.list.clone(), params)
        });
        let mut found = HashMap::new();
        for answer in self.call_each(calls.collect()).await?.answers {
            let Answer::Json(text) = answer? else { return Err(unheeded(origin)) };
            let rows: Vec<Map<String, Value>> = serde_json::from_str(text.get()).map_err(|_| unheeded(origin))?;
            if rows.len() >= PAGE {
                return Err(unheeded(origin));
            }
            for row in rows {
                let (key, id) = (text_of(row.get(&origin.field)), text_of(row.get("ID")));
                if !keys.contains(&key.as_str()) || id.parse::<u64>().is_err() {
                    return Err(unheeded(origin));
                }
                found.entry(key).or_insert(id);
            }
        }
        Ok(found)
    }
}

/// The key of an item, which gets one if it has none.
fn mark(item: &mut Params, field: &str) -> Result<String> {
    let fields = item.as_object_mut().and_then(|item| {
        let name = item.keys().find(|name| name.eq_ignore_ascii_case("fields")).cloned();
        item.get_mut(&name?)?.as_object_mut()
    });
    let Some(fields) = fields else {
        return Err(wrong("an item has no map `fields`".to_owned()).hint("write #{ fields: #{ TITLE: \"…\" } }"));
    };
    let name = fields.keys().find(|name| name.eq_ignore_ascii_case(field)).cloned();
    let name = name.unwrap_or_else(|| field.to_owned());
    let given = text_of(fields.get(&name));
    let key = if given.is_empty() { uuid::Uuid::new_v4().to_string() } else { given };
    fields.insert(name, Value::String(key.clone()));
    Ok(key)
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn wrong(message: String) -> Error {
    Error::input("b24.origin", message)
}

fn unheeded(origin: &Origin) -> Error {
    let message = format!("{}: the portal does not find records by {}", origin.list, origin.field);
    Error::new(Kind::Protocol, "b24.origin", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_keeps_its_key_or_gets_one() {
        let mut own = json!({ "FIELDS": { "origin_id": 17 } });
        assert_eq!(mark(&mut own, "ORIGIN_ID").unwrap(), "17");
        assert_eq!(own, json!({ "FIELDS": { "origin_id": "17" } }));
        let mut none = json!({ "fields": {} });
        let key = mark(&mut none, "ORIGIN_ID").unwrap();
        assert!(key.len() == 36 && none["fields"]["ORIGIN_ID"] == json!(key));
        for wrong in [json!({}), json!([1]), json!({ "fields": [] })] {
            assert_eq!(mark(&mut wrong.clone(), "ORIGIN_ID").unwrap_err().code(), "b24.origin");
        }
    }
}
