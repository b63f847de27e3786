//! What can be told to be wrong with parameters before they are sent.

use serde_json::{Map, Value};

use super::methods::{Sort, family, is_positional};
use crate::error::{Error, Result};

fn wrong(message: String) -> Error {
    Error::input("b24.wrong_parameter", message)
}

/// The parameters as they are sent: unchanged, but for an `order` written as a list of pairs, which becomes the map that
/// the portal wants. Names are compared without regard to case, as the portal does.
pub fn checked(method: &str, params: Value) -> Result<Value> {
    match params {
        Value::Null | Value::Array(_) => Ok(params),
        Value::Object(mut map) => {
            for (name, value) in &mut map {
                check_one(method, name, value)?;
            }
            Ok(Value::Object(map))
        }
        other => Err(wrong(format!("{method}: the parameters are {}, not a map", named(&other)))
            .hint("give the parameters as a map of names and values")),
    }
}

fn check_one(method: &str, name: &str, value: &mut Value) -> Result<()> {
    // The portal would ignore it and answer with everything.
    if name.starts_with(['<', '>', '=', '!', '@', '%']) {
        return Err(wrong(format!("{method}: `{name}` is a condition and stands beside the filter, not in it"))
            .hint(format!("write filter: #{{ \"{name}\": … }}")));
    }
    if let Some(meant) = misspelt(method, name) {
        return Err(wrong(format!("{method}: there is no parameter `{name}`, and the portal would say nothing of it"))
            .hint(format!("did you mean `{meant}`? `raw` sends parameters exactly as given")));
    }
    let expected = match name.to_ascii_uppercase().as_str() {
        "SELECT" => match value {
            Value::Array(_) => return Ok(()),
            _ => "a list of field names",
        },
        "FILTER" => match value {
            Value::Object(_) => return Ok(()),
            Value::Array(list) if list.is_empty() => return Ok(()),
            _ => "a map of conditions, such as {\">ID\": 100}",
        },
        "FIELDS" => match value {
            Value::Object(_) => return Ok(()),
            Value::Array(list) if list.is_empty() => return Ok(()),
            _ => "a map of fields and their values",
        },
        "ORDER" => match value {
            Value::Object(_) => return Ok(()),
            Value::String(_) if sorts_by_text(method) => return Ok(()),
            Value::Array(pairs) => match in_order(pairs) {
                Some(map) => {
                    *value = Value::Object(map);
                    return Ok(());
                }
                None => "a map, or a list of pairs of a field and ASC or DESC",
            },
            _ => "a map of fields and directions, such as {\"ID\": \"ASC\"}",
        },
        "START" | "LIMIT" => match value {
            Value::Number(number) if number.is_i64() || number.is_u64() => return Ok(()),
            // `$result[…]` inside a batch.
            Value::String(text) if text.parse::<i64>().is_ok() || text.starts_with('$') => return Ok(()),
            _ => "a whole number",
        },
        _ => return Ok(()),
    };
    Err(wrong(format!("{method}: `{name}` is {}, not {expected}", named(value)))
        .hint(format!("give `{name}` as {expected}")))
}

/// The parameter of lists that a name is a slip of: a portal ignores what it does not know, and a list without its
/// filter is a list of everything.
fn misspelt(method: &str, name: &str) -> Option<&'static str> {
    const OF_LISTS: [&str; 3] = ["filter", "select", "order"];
    let name = name.to_ascii_lowercase();
    let is_slip = |meant: &&str| {
        let distance = strsim::damerau_levenshtein(&name, meant);
        distance == 1 || distance == 2 && name.len() >= 5
    };
    let is_list = method.to_ascii_lowercase().ends_with(".list");
    OF_LISTS.into_iter().filter(|_| is_list && !OF_LISTS.contains(&name.as_str())).find(is_slip)
}

/// Methods that sort by two texts, `sort` and `order`, or that this table does not know.
fn sorts_by_text(method: &str) -> bool {
    !matches!(family(method).map(|family| family.sort), Some(Sort::Order(_) | Sort::Element(_)))
}

/// `[["DATE", "DESC"], ["ID", "ASC"]]` as an ordered map.
fn in_order(pairs: &[Value]) -> Option<Map<String, Value>> {
    pairs
        .iter()
        .map(|pair| match pair.as_array()?.as_slice() {
            [Value::String(field), direction @ Value::String(_)] => Some((field.clone(), direction.clone())),
            _ => None,
        })
        .collect()
}

fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// The value of a parameter, whatever the case of its name.
pub fn parameter<'a>(params: &'a Value, name: &str) -> Option<&'a Value> {
    params.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// What a reader of whole lists should know about these parameters, and what makes it impossible.
pub fn whole_list(method: &str, params: &Value) -> Result<Vec<String>> {
    if parameter(params, "start").is_some() {
        return Err(wrong(format!("{method}: `start` is set by get_all itself"))
            .hint("leave `start` out, or use call to get one page"));
    }
    let mut warnings = Vec::new();
    if parameter(params, "limit").is_some() {
        warnings.push(format!("{method}: `limit` does not shorten what get_all reads, and most methods ignore it"));
    }
    let filter = parameter(params, "filter").and_then(Value::as_object);
    for (name, _) in filter.into_iter().flatten().filter(|(_, value)| value.is_null()) {
        warnings.push(format!(
            "{method}: the filter `{name}` is empty (null); the portal may take that as no condition at all"
        ));
    }
    Ok(warnings)
}

/// Refuses an id among the parameters of a call that sets it itself.
pub fn no_id(method: &str, id_parameter: &str, params: &Value) -> Result<()> {
    match params {
        Value::Array(_) if !is_positional(method) => {
            Err(wrong(format!("{method}: the parameters are a list, not a map"))
                .hint("give the parameters as a map; the id is added to it"))
        }
        params if parameter(params, id_parameter).is_some() => {
            Err(wrong(format!("{method}: `{id_parameter}` stands among the parameters as well"))
                .hint("get_by_id sets it itself, from the list of ids"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn common_parameters_of_a_wrong_kind_are_refused() {
        for (params, message) in [
            (json!({"select": null}), "`select` is empty, not a list"),
            (json!({"SELECT": "ID"}), "`SELECT` is a text, not a list"),
            (json!({"Filter": 3}), "`Filter` is a number, not a map"),
            (json!({"filter": [1]}), "`filter` is a list, not a map"),
            (json!({"order": "ID"}), "`order` is a text, not a map"),
            (json!({"order": ["ID"]}), "`order` is a list, not a map, or a list of pairs"),
            (json!({"start": "x"}), "`start` is a text, not a whole number"),
            (json!({"limit": 1.5}), "`limit` is a number, not a whole number"),
            (json!({"fields": "x"}), "`fields` is a text, not a map"),
            (json!("x"), "the parameters are a text, not a map"),
        ] {
            let error = checked("crm.deal.list", params.clone()).unwrap_err();
            assert!(error.message().contains(message), "{params}: {error}");
            assert!(error.hint_text().is_some());
        }
    }

    #[test]
    fn good_parameters_stay_as_they_are() {
        for params in [
            json!(null),
            json!({}),
            json!([8, {"x": null}]),
            json!({"select": [], "filter": [], "start": -1, "order": {"ID": "DESC"}, "whatever": true}),
            json!({"start": "$result[a][next]"}),
        ] {
            assert_eq!(checked("crm.deal.list", params.clone()).unwrap(), params);
        }
        assert!(checked("user.get", json!({"sort": "ID", "order": "ASC"})).is_ok());
        let pairs = checked("crm.deal.list", json!({"order": [["DATE", "DESC"], ["ID", "ASC"]]})).unwrap();
        assert_eq!(pairs.to_string(), r#"{"order":{"DATE":"DESC","ID":"ASC"}}"#);
    }

    #[test]
    fn whole_lists_have_their_own_rules() {
        assert!(whole_list("m", &json!({"START": 0})).is_err());
        assert_eq!(whole_list("m", &json!({"limit": 5, "filter": {"ID": null, "X": 1}})).unwrap().len(), 2);
        assert!(whole_list("m", &json!([1])).unwrap().is_empty());
        assert!(no_id("crm.deal.get", "ID", &json!({"id": 4})).is_err());
        assert!(no_id("crm.deal.get", "ID", &json!([4])).is_err());
        assert!(no_id("task.elapseditem.getlist", "TASKID", &json!([{}])).is_ok());
    }
}
