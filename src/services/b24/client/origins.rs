//! Adds that make no record twice: each record carries a key in one of its fields, and when the answer to its add was lost,
//! it is looked up by that key before it is added again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Params;
use super::outcomes::{Answer, Outcomes, json as answer_of};
use super::portal::Portal;
use super::sorting::bare;
use super::types::camel;
use crate::error::{Error, Kind, Result};
use crate::render::export::columns::Holds;
use crate::services::b24::wire::methods::{self, Family};
use crate::services::b24::wire::{check, envelope};

/// Keys in one look-up: fewer than a page has rows, so that a full page shows that the filter was not heeded.
const KEYS: usize = 40;
const PAGE: usize = 50;
/// The one list with `id` whose records are found again.
const ITEMS: &str = "crm.item.list";
/// An add without an answer may still be under way at the portal; so much time it gets before somebody looks.
const SETTLES: Duration = Duration::from_secs(5);
/// How often what was not found is added again.
const ROUNDS: usize = 5;

/// Where the records of a method are found again.
struct Origin {
    list: String,
    family: Family,
    /// The field with the key.
    field: String,
    /// What a list and a get of such records take besides: `entityTypeId`.
    kind: Map<String, Value>,
}

impl Origin {
    /// Rows with `id` are those of `crm.item.list`, whose add answers with the whole record and takes names in both ways
    /// of writing.
    fn is_item(&self) -> bool {
        self.family.answer_id == "id"
    }

    fn is_field(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.field) || self.is_item() && bare(name) == bare(&self.field)
    }

    /// Parameters of this kind of records.
    fn with(&self, params: Value) -> Params {
        let mut all = self.kind.clone();
        if let Value::Object(params) = params {
            all.extend(params);
        }
        Value::Object(all)
    }
}

impl Portal {
    /// One add for each item, as `call_many` does it. `field` is a text field of the record that holds a key: that of the
    /// item, or one that is made here. What had no answer is looked up by it, and only what is not there is added again.
    /// One request more at the beginning, which tells whether there is such a field.
    pub async fn add_once(&self, method: &str, mut items: Vec<Params>, field: &str) -> Result<Outcomes> {
        let origin = self.origin(method, &items, field).await?;
        let keys = items.iter_mut().map(|item| mark(item, &origin)).collect::<Result<Vec<String>>>()?;
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
            let (there, lost): (Vec<usize>, _) =
                unknown.into_iter().partition(|place| found.contains_key(&keys[*place]));
            let ids = there.iter().map(|place| found[&keys[*place]].as_str()).collect();
            for (place, answer) in there.into_iter().zip(self.added(&origin, method, ids).await) {
                // One that cannot be read now is looked up once more.
                if answer.is_ok() {
                    outcomes.answers[place] = answer;
                }
            }
            let repeated: Vec<Params> = lost.iter().map(|place| items[*place].clone()).collect();
            if repeated.is_empty() {
                continue;
            }
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

    async fn origin(&self, method: &str, items: &[Params], field: &str) -> Result<Origin> {
        methods::check_name(method)?;
        let branch = method.len().checked_sub(4).filter(|at| method[*at..].eq_ignore_ascii_case(".add"));
        let list = branch.map(|at| format!("{}.list", &method[..at]));
        let found = list.and_then(|list| methods::family(&list).map(|family| (list, family)));
        // Of what other adds answer with, nothing is known.
        let is_known = |list: &str, family: &Family| family.answer_id == "ID" || list.eq_ignore_ascii_case(ITEMS);
        let Some((list, family)) = found.filter(|(list, family)| is_known(list, family)) else {
            return Err(wrong(format!("records of {method} cannot be found again by a field"))
                .hint("use `origin` for adds such as crm.deal.add and crm.item.add"));
        };
        let mut origin = Origin { list, family, field: field.to_uppercase(), kind: Map::new() };
        if origin.is_item() {
            origin.kind = kind_of(method, items)?;
        }
        let types = self.types(&origin.list, &Value::Object(origin.kind.clone())).await?;
        let names = if origin.is_item() { vec![field.to_owned(), camel(field)] } else { vec![origin.field.clone()] };
        let name = names.into_iter().find(|name| types.get(name) == Some(&Holds::Text));
        origin.field = name.ok_or_else(|| {
            wrong(format!("{method}: its records have no text field {field}"))
                .hint("ORIGIN_ID is made for it; a text field of your own (UF_CRM_…) does as well")
        })?;
        Ok(origin)
    }

    /// The ids of the records that are there, by their keys.
    async fn look_up(&self, origin: &Origin, keys: &[&str]) -> Result<HashMap<String, String>> {
        let (id, field) = (origin.family.filter_id, &origin.field);
        let calls = keys.chunks(KEYS).map(|keys| {
            let filter = json!({ format!("@{field}"): keys });
            let params = json!({ "select": [id, field], "filter": filter, "order": { id: "ASC" }, "start": -1 });
            (origin.list.clone(), origin.with(params))
        });
        let mut found = HashMap::new();
        for answer in self.call_each(calls.collect()).await?.answers {
            let Answer::Json(text) = answer? else { return Err(unheeded(origin)) };
            let list = envelope::list_in(text.get(), Some(&origin.family)).ok_or_else(|| unheeded(origin))?;
            let rows: Vec<Map<String, Value>> = serde_json::from_str(&list).map_err(|_| unheeded(origin))?;
            if rows.len() >= PAGE {
                return Err(unheeded(origin));
            }
            for row in rows {
                let (key, id) = (text_of(row.get(field)), text_of(row.get(origin.family.answer_id)));
                if !keys.contains(&key.as_str()) || id.parse::<u64>().is_err() {
                    return Err(unheeded(origin));
                }
                found.entry(key).or_insert(id);
            }
        }
        Ok(found)
    }

    /// What the adds of these records would have answered.
    async fn added(&self, origin: &Origin, method: &str, ids: Vec<&str>) -> Vec<Result<Answer>> {
        if !origin.is_item() {
            return ids.into_iter().map(|id| answer_of(method, id).map(Answer::Json)).collect();
        }
        let get = format!("{}get", origin.list.trim_end_matches("list"));
        let calls = ids.iter().map(|id| (get.clone(), origin.with(json!({ "id": id })))).collect();
        match self.call_each(calls).await {
            Ok(outcomes) => outcomes.answers,
            Err(error) => ids.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

/// The kind that all items are of.
fn kind_of(method: &str, items: &[Params]) -> Result<Map<String, Value>> {
    let kinds: Vec<&Value> = items.iter().filter_map(|item| check::parameter(item, "entityTypeId")).collect();
    let Some(kind) = kinds.first().filter(|_| kinds.len() == items.len()) else {
        return Err(wrong(format!("{method}: an item has no entityTypeId")).hint("give each one: 2 for deals"));
    };
    if kinds.iter().any(|other| text_of(Some(other)) != text_of(Some(kind))) {
        return Err(wrong(format!("{method}: the items are of several kinds"))
            .hint("add those of one entityTypeId in one call"));
    }
    Ok(Map::from_iter([("entityTypeId".to_owned(), (*kind).clone())]))
}

/// The key of an item, which gets one if it has none.
fn mark(item: &mut Params, origin: &Origin) -> Result<String> {
    let fields = item.as_object_mut().and_then(|item| {
        let name = item.keys().find(|name| name.eq_ignore_ascii_case("fields")).cloned();
        item.get_mut(&name?)?.as_object_mut()
    });
    let Some(fields) = fields else {
        return Err(wrong("an item has no map `fields`".to_owned()).hint("write #{ fields: #{ TITLE: \"…\" } }"));
    };
    let name = fields.keys().find(|name| origin.is_field(name)).cloned();
    let name = name.unwrap_or_else(|| origin.field.clone());
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
        let family = methods::family("crm.deal.list").unwrap();
        let origin = Origin { list: "crm.deal.list".into(), family, field: "ORIGIN_ID".into(), kind: Map::new() };
        let mark = |item: &mut Params| mark(item, &origin);
        let mut own = json!({ "FIELDS": { "origin_id": 17 } });
        assert_eq!(mark(&mut own).unwrap(), "17");
        assert_eq!(own, json!({ "FIELDS": { "origin_id": "17" } }));
        let mut none = json!({ "fields": {} });
        let key = mark(&mut none).unwrap();
        assert!(key.len() == 36 && none["fields"]["ORIGIN_ID"] == json!(key));
        for wrong in [json!({}), json!([1]), json!({ "fields": [] })] {
            assert_eq!(mark(&mut wrong.clone()).unwrap_err().code(), "b24.origin");
        }
    }
}
