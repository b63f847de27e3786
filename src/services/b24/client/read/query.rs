//! The question for a part of a list: its rows between two ids, oldest first, and nothing counted.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::services::b24::client::Params;
use crate::services::b24::wire::check;
use crate::services::b24::wire::methods::{self, Family, Pages};
use crate::services::b24::wire::query;

/// Above every id.
pub const NO_END: u64 = u64::MAX;

/// A list, and which part of it the user wants.
pub struct Query {
    pub method: Arc<str>,
    /// The method in lower case: the key of limits.
    pub key: Arc<str>,
    pub family: Family,
    /// The method and what is filtered by: lists that are alike in this are likely to be alike in size.
    pub alike: String,
    /// Rows above this id, up to that one.
    pub low: u64,
    pub high: u64,
    /// Rows on a full page, as the table has it.
    pub page: u64,
    /// The user's parameters without an order and without bounds of the id, then `start=-1`.
    base: String,
    /// `filter[>ID]=` and `filter[<=ID]=` as they are sent.
    above: String,
    up_to: String,
    rising: String,
    falling: String,
    /// A call that fails for want of an id, to be completed by one.
    guard: Option<String>,
}

impl Query {
    /// The list read by ids, or why that cannot be.
    pub fn new(method: &str, params: &Params, family: &Family) -> Result<Query, String> {
        if !family.goes_by_id() {
            return Err("the method has no filter by id".to_owned());
        }
        let mut map = match params {
            Value::Null => Map::new(),
            Value::Object(map) => map.clone(),
            _ => return Err("the parameters stand by place".to_owned()),
        };
        let page = match family.pages {
            Pages::Start(page) => page,
            _ => 50,
        };
        map.retain(|name, _| !["order", "start"].iter().any(|own| name.eq_ignore_ascii_case(own)));
        select_too(&mut map, family.filter_id);
        let name = map.keys().find(|name| name.eq_ignore_ascii_case("filter")).cloned().unwrap_or("filter".to_owned());
        let (low, high) = match map.get_mut(&name) {
            Some(Value::Object(filter)) => bounds(filter, family.filter_id)?,
            _ => (0, NO_END),
        };
        let alike = match map.get(&name) {
            Some(Value::Object(filter)) => {
                filter.keys().fold(method.to_ascii_lowercase(), |all, key| all + "|" + key.as_str())
            }
            _ => method.to_ascii_lowercase(),
        };
        map.insert("start".to_owned(), json!(-1));
        let id = family.filter_id;
        let part = |params: Value| query::query(&params);
        Ok(Query {
            method: method.into(),
            key: method.to_ascii_lowercase().into(),
            family: *family,
            alike,
            low,
            high,
            page,
            base: part(Value::Object(map)),
            above: part(json!({ &name: { format!(">{id}"): "" } })),
            up_to: part(json!({ &name: { format!("<={id}"): "" } })),
            rising: part(json!({ "order": { id: "ASC" } })),
            falling: part(json!({ "order": { id: "DESC" } })),
            guard: guard(method, family, params),
        })
    }

    /// The first rows above `low` (an id, or a reference to one), none above `high`.
    pub fn rows(&self, low: &str, high: u64) -> String {
        self.command(&self.rising, low, high)
    }

    /// The last rows, newest first.
    pub fn last(&self, low: u64, high: u64) -> String {
        self.command(&self.falling, &low.to_string(), high)
    }

    fn command(&self, order: &str, low: &str, high: u64) -> String {
        let mut text = format!("{}?{}&{order}&{}{low}", self.method, self.base, self.above);
        if high != NO_END {
            text.push_str(&format!("&{}{high}", self.up_to));
        }
        text
    }

    /// The id of the last row of a command's full page, inside the same batch.
    pub fn last_of(&self, command: &str, page: u64) -> String {
        let wrapper = match self.family.wrapper {
            "" => String::new(),
            wrapper => format!("[{wrapper}]"),
        };
        format!("$result[{command}]{wrapper}[{}][{}]", page.saturating_sub(1), self.family.answer_id)
    }

    /// A command that fails when the page of that command is not full, so that a batch that is to halt goes no further.
    pub fn guard(&self, command: &str, page: u64) -> Option<String> {
        Some(format!("{}{}", self.guard.as_ref()?, self.last_of(command, page)))
    }
}

/// The call for one thing beside a list, where it is known to be there.
fn guard(method: &str, family: &Family, params: &Params) -> Option<String> {
    family.by_ids?;
    let (scope, _) = method.rsplit_once('.')?;
    let get = format!("{scope}.get");
    let mut given = Map::new();
    if let Some(kind) = check::parameter(params, "entityTypeId") {
        given.insert("entityTypeId".to_owned(), kind.clone());
    }
    given.insert(methods::id_parameter(&get).to_owned(), json!(""));
    Some(format!("{get}?{}", query::query(&Value::Object(given))))
}

/// Takes the user's bounds of the id out of a filter: (above this, up to that).
fn bounds(filter: &mut Map<String, Value>, id: &str) -> Result<(u64, u64), String> {
    let any = |(name, value): (&String, &Value)| {
        name.eq_ignore_ascii_case("logic") && value.as_str().is_some_and(|logic| logic.eq_ignore_ascii_case("or"))
    };
    if filter.iter().any(any) {
        // One more condition must not become one more alternative.
        let all = std::mem::take(filter);
        filter.insert("0".to_owned(), Value::Object(all));
        return Ok((0, NO_END));
    }
    let (mut low, mut high) = (0, NO_END);
    let mut wrong = None;
    filter.retain(|name, value| {
        let operator = [">=", "<=", ">", "<"].into_iter().find(|operator| name.starts_with(operator));
        let Some(operator) = operator.filter(|operator| name[operator.len()..].eq_ignore_ascii_case(id)) else {
            return true;
        };
        let Some(bound) = whole(value) else {
            wrong = Some(format!("the filter `{name}` is no whole number"));
            return true;
        };
        match operator {
            ">" => low = low.max(bound.max(0) as u64),
            ">=" => low = low.max((bound.max(1) - 1) as u64),
            "<" => high = high.min((bound.max(1) - 1) as u64),
            _ => high = high.min(bound.max(0) as u64),
        }
        false
    });
    match wrong {
        Some(wrong) => Err(wrong),
        None => Ok((low, high)),
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The id among the selected fields.
fn select_too(params: &mut Map<String, Value>, id: &str) {
    let select = params.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("select"));
    if let Some((_, Value::Array(fields))) = select
        && !fields.is_empty()
        && !fields.iter().filter_map(|field| field.as_str()).any(|field| field == "*" || field.eq_ignore_ascii_case(id))
    {
        fields.push(json!(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(method: &str, params: Value) -> Result<Query, String> {
        Query::new(method, &params, &methods::family(method).unwrap())
    }

    #[test]
    fn a_part_of_a_list_is_asked_for_beside_the_users_conditions() {
        let deals =
            query("crm.deal.list", json!({"FILTER": {"A": 1, ">=id": "10", "<ID": 100}, "select": ["A"]})).unwrap();
        assert_eq!((deals.low, deals.high), (9, 99));
        assert_eq!(
            deals.rows("9", 59),
            "crm.deal.list?FILTER[A]=1&select[0]=A&select[1]=ID&start=-1&order[ID]=ASC&FILTER[%3EID]=9&FILTER[%3C%3DID]=59"
        );
        assert_eq!(deals.last_of("c1", 50), "$result[c1][49][ID]");
        assert_eq!(deals.guard("c1", 50).unwrap(), "crm.deal.get?ID=$result[c1][49][ID]");
        let items =
            query("crm.item.list", json!({"entityTypeId": 128, "filter": {"logic": "OR", "0": {"a": 1}}})).unwrap();
        let last = items.last(0, NO_END);
        assert!(last.contains("filter[0][logic]=OR&filter[0][0][a]=1&"), "{last}");
        assert!(last.ends_with("&order[id]=DESC&filter[%3Eid]=0"), "{last}");
        assert_eq!(items.guard("c1", 50).unwrap(), "crm.item.get?entityTypeId=128&id=$result[c1][items][49][id]");
        assert!(query("crm.stagehistory.list", json!({})).unwrap().guard("c1", 50).is_none());
    }

    #[test]
    fn what_cannot_be_read_by_ids_says_why() {
        assert!(query("user.get", json!({})).err().unwrap().contains("no filter by id"));
        assert!(query("crm.deal.list", json!({"filter": {">ID": "x"}})).err().unwrap().contains("`>ID`"));
        assert!(query("crm.deal.list", json!([1])).is_err());
        let kept = query("crm.deal.list", json!({"filter": {"@ID": [1, 2], "!ID": 5}})).unwrap();
        assert!(kept.rows("0", NO_END).contains("filter[%40ID][0]=1"));
    }
}
