//! What a portal says its fields hold, for files whose columns have types.

use serde_json::{Map, Value, json};

use super::Params;
use super::portal::Portal;
use crate::error::{Kind, Result};
use crate::render::export::columns::{Holds, Types};
use crate::services::b24::wire::check;
use crate::services::b24::wire::methods;

/// The words of field lists. What is not here is a text: `crm_status`, `enumeration`, `money` (`100|RUB`), `crm` (`D_5`).
const WORDS: &[(&str, Holds)] = &[
    ("integer", Holds::Integer),
    ("int", Holds::Integer),
    ("user", Holds::Integer),
    ("employee", Holds::Integer),
    ("crm_category", Holds::Integer),
    ("crm_company", Holds::Integer),
    ("crm_contact", Holds::Integer),
    ("crm_deal", Holds::Integer),
    ("crm_lead", Holds::Integer),
    ("crm_quote", Holds::Integer),
    ("iblock_element", Holds::Integer),
    ("iblock_section", Holds::Integer),
    ("double", Holds::Number),
    ("boolean", Holds::Flag),
    ("char", Holds::Flag),
    ("date", Holds::Day),
    ("datetime", Holds::Moment),
    ("crm_multifield", Holds::Json),
    ("array", Holds::Json),
    ("object", Holds::Json),
    ("file", Holds::Json),
];

impl Portal {
    /// What the columns of a list hold, as far as the portal's list of fields for it says so; nothing for a list that has
    /// none.
    pub async fn types(&self, method: &str, params: &Params) -> Result<Types> {
        let Some(fields) = fields_of(method) else { return Ok(Types::new()) };
        let mut asked = Map::new();
        if let Some(kind) = check::parameter(params, "entityTypeId") {
            asked.insert("entityTypeId".to_owned(), kind.clone());
        }
        match self.call(&fields, Value::Object(asked)).await {
            Ok(found) => Ok(types_in(&serde_json::from_str(found.get()).unwrap_or_default())),
            // The name is a guess for what we do not know, and not everybody may ask for it.
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Refused | Kind::Input) => Ok(Types::new()),
            Err(error) => Err(error),
        }
    }
}

/// The method that tells of the fields of a list's rows.
fn fields_of(method: &str) -> Option<String> {
    methods::family(method)?;
    let method = method.to_ascii_lowercase();
    let branch = method.strip_suffix(".list")?;
    match branch {
        "tasks.task" => Some("tasks.task.getFields".to_owned()),
        _ if branch.starts_with("crm.") => Some(format!("{branch}.fields")),
        _ if branch.starts_with("sale.") || branch.starts_with("catalog.") => Some(format!("{branch}.getFields")),
        _ => None,
    }
}

/// `{NAME: {type, isMultiple, …}}`, alone or under a key of its own.
fn types_in(result: &Value) -> Types {
    let is_field = |about: &Value| about.get("type").is_some_and(Value::is_string);
    let Value::Object(map) = result else { return Types::new() };
    if !map.values().any(is_field) {
        return map.values().next().filter(|_| map.len() == 1).map(types_in).unwrap_or_default();
    }
    let mut types = Types::new();
    for (name, about) in map {
        let Some(word) = about["type"].as_str() else { continue };
        let is_list = ["isMultiple", "MULTIPLE", "multiple"].iter().any(|key| is_yes(&about[*key]));
        let known = WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known));
        let holds = if is_list { Holds::Json } else { known.map_or(Holds::Text, |(_, holds)| *holds) };
        // Tasks have `RESPONSIBLE_ID` in the list of fields and `responsibleId` in their rows.
        types.insert(camel(name), holds);
        types.insert(name.clone(), holds);
    }
    types
}

fn is_yes(value: &Value) -> bool {
    *value == json!(true) || *value == json!("Y")
}

pub(super) fn camel(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty()).map(str::to_lowercase);
    let mut camel = words.next().unwrap_or_default();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_has_its_list_of_fields() {
        for (method, fields) in [
            ("crm.deal.list", Some("crm.deal.fields")),
            ("CRM.Item.List", Some("crm.item.fields")),
            ("tasks.task.list", Some("tasks.task.getFields")),
            ("sale.order.list", Some("sale.order.getFields")),
            ("user.get", None),
            ("crm.deal.get", None),
        ] {
            assert_eq!(fields_of(method).as_deref(), fields, "{method}");
        }
    }

    #[test]
    fn fields_are_found_alone_and_under_a_key() {
        let fields = json!({
            "ID": { "type": "integer" }, "CONTACT_IDS": { "type": "crm_contact", "isMultiple": true },
            "CREATED_DATE": { "type": "datetime" }, "STAGE_ID": { "type": "crm_status" }, "UF_X": { "type": "strange" },
        });
        for result in [fields.clone(), json!({ "fields": fields }), json!({ "order": { "fields": fields } })] {
            let types = types_in(&result);
            let of = |name: &str| types[name].name();
            assert_eq!((of("ID"), of("CONTACT_IDS"), of("STAGE_ID"), of("UF_X")), ("integer", "json", "text", "text"));
            assert_eq!((of("createdDate"), of("id")), ("datetime", "integer"));
        }
        for nothing in [json!([]), json!(null), json!({}), json!({ "a": [], "b": [] })] {
            assert!(types_in(&nothing).is_empty());
        }
    }
}
