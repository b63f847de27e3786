//! What is asked for, checked against the catalogue before anything is begun: every field that is wrong is named.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::answer::Refusal;
use crate::error::did_you_mean;
use crate::services::sp::catalogue::{Catalogue, Period};
use crate::services::sp::client::run::Order;

const FIELDS: &[&str] = &["name", "code", "codes", "month", "year", "undated_only", "checks", "wait"];

/// What is wrong with which field.
type Faults = Vec<(String, String)>;

/// The order in a body. Of an entity that needs no month, one that is given is left out.
pub fn read(body: &Value, catalogue: &Catalogue) -> Result<Order, Refusal> {
    let fields = object(body)?;
    let mut faults = Faults::new();
    unknown(fields, FIELDS, &mut faults);
    let mut flag = |name: &str, usual: bool| match fields.get(name) {
        None | Some(Value::Null) => usual,
        Some(Value::Bool(flag)) => *flag,
        Some(_) => {
            faults.push((name.into(), format!("`{name}` has to be true or false")));
            false
        }
    };
    let (undated_only, checks, wait) = (flag("undated_only", false), flag("checks", true), flag("wait", false));
    let codes = codes(fields, catalogue, &mut faults);
    let name = name(fields, &codes, catalogue, &mut faults);
    if undated_only && name.is_some() {
        faults.push(("undated_only".into(), "`undated_only` is for whole data sources, not for one entity".into()));
    }
    let is_dated = match &name {
        Some(name) => catalogue.is_dated(name).unwrap_or_default(),
        None => !undated_only,
    };
    let (month, year) = (number(fields, "month", &mut faults), number(fields, "year", &mut faults));
    let period = if faults.iter().any(|(field, _)| field == "name") { None } else { Some((month, year)) };
    if let Some((month, year)) = period.filter(|_| is_dated || month.is_some() && year.is_some()) {
        date(month, year, name.as_deref(), catalogue, &mut faults);
    }
    if !faults.is_empty() {
        return Err(Refusal::fields(faults));
    }
    let (month, year) = if is_dated { (month, year) } else { (None, None) };
    let (month, year) = (month.and_then(|n| n.try_into().ok()), year.and_then(|n| n.try_into().ok()));
    Ok(Order { name, codes, month, year, undated_only, checks, wait })
}

/// The fields of a body that has to be an object.
pub fn object(body: &Value) -> Result<&Map<String, Value>, Refusal> {
    let refusal = || Refusal::new(StatusCode::BAD_REQUEST, "input.json", "the body has to be a JSON object");
    body.as_object().ok_or_else(refusal)
}

pub fn unknown(fields: &Map<String, Value>, known: &[&str], faults: &mut Faults) {
    for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
        let near = did_you_mean(name, known.iter().copied()).map(|near| format!("; {near}")).unwrap_or_default();
        faults.push((name.clone(), format!("there is no field `{name}`{near}")));
    }
}

fn codes(fields: &Map<String, Value>, catalogue: &Catalogue, faults: &mut Faults) -> Vec<String> {
    let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let (field, values) = match (given("code"), given("codes")) {
        (Some(_), Some(_)) => {
            faults.push(("codes".into(), "give `code` or `codes`, not both".into()));
            return Vec::new();
        }
        (Some(code), None) => ("code", vec![code]),
        (None, Some(Value::Array(codes))) if !codes.is_empty() => ("codes", codes.iter().collect()),
        (None, Some(_)) => {
            faults.push(("codes".into(), "`codes` has to be a list of codes".into()));
            return Vec::new();
        }
        (None, None) => {
            faults.push(("code".into(), "a code is needed".into()));
            return Vec::new();
        }
    };
    let mut codes = Vec::new();
    for value in values {
        match value.as_str() {
            None => faults.push((field.into(), "a code is a text".into())),
            Some(code) if catalogue.code(code).is_none() => {
                let near = did_you_mean(code, catalogue.codes().iter().map(|code| code.key.as_str()));
                let near = near.map(|near| format!("; {near}")).unwrap_or_default();
                faults.push((field.into(), format!("there is no code `{code}`{near}")));
            }
            Some(code) if codes.iter().any(|known| known == code) => {
                faults.push((field.into(), format!("the code `{code}` is given twice")));
            }
            Some(code) => codes.push(code.to_owned()),
        }
    }
    codes
}

fn name(fields: &Map<String, Value>, codes: &[String], catalogue: &Catalogue, faults: &mut Faults) -> Option<String> {
    let value = fields.get("name").filter(|value| !value.is_null())?;
    let entity = value.as_str().and_then(|name| catalogue.entity(name));
    let Some(entity) = entity else {
        let near = value
            .as_str()
            .and_then(|name| did_you_mean(name, catalogue.entities().iter().map(|entity| entity.name.as_str())));
        let near = near.map(|near| format!("; {near}")).unwrap_or_default();
        faults.push(("name".into(), format!("there is no entity {value}{near}").replace('"', "`")));
        return None;
    };
    for code in codes.iter().filter(|code| !is_in(catalogue, &entity.name, code)) {
        faults.push(("name".into(), format!("the data source `{code}` has no entity `{}`", entity.name)));
    }
    Some(entity.name.clone())
}

/// Whether a data source has an entity.
pub fn is_in(catalogue: &Catalogue, name: &str, code: &str) -> bool {
    catalogue.valid_names(code).is_some_and(|names| names.iter().any(|(known, _)| *known == name))
}

/// A whole number, or a fault: neither a text with one in it nor 7.5 is.
fn number(fields: &Map<String, Value>, name: &str, faults: &mut Faults) -> Option<i64> {
    let value = fields.get(name).filter(|value| !value.is_null())?;
    if value.as_i64().is_none() {
        faults.push((name.into(), format!("`{name}` has to be a whole number")));
    }
    value.as_i64()
}

fn date(month: Option<i64>, year: Option<i64>, name: Option<&str>, catalogue: &Catalogue, faults: &mut Faults) {
    let what = name.map_or_else(|| "a whole data source".to_owned(), |name| format!("`{name}`"));
    for (field, value) in [("month", month), ("year", year)] {
        if value.is_none() && !faults.iter().any(|(known, _)| known == field) {
            faults.push((field.into(), format!("{what} needs a {field}")));
        }
    }
    let (Some(month), Some(year)) = (month, year) else { return };
    let (first, last) = (catalogue.min_period, catalogue.last_period());
    match Period::new(year, month) {
        _ if !(1..=12).contains(&month) => faults.push(("month".into(), format!("there is no month {month}"))),
        Some(period) if (first..=last).contains(&period) => {}
        // Of a year that is good otherwise, the month is wrong.
        Some(period) if (i64::from(first.year)..=i64::from(last.year)).contains(&year) => {
            faults.push(("month".into(), format!("{period} is not within {first} and {last}")));
        }
        _ => faults.push(("year".into(), format!("the year {year} is not within {first} and {last}"))),
    }
}

/// Whether a month may be asked for.
pub fn is_open(month: i64, year: i64, catalogue: &Catalogue) -> bool {
    Period::new(year, month).is_some_and(|period| (catalogue.min_period..=catalogue.last_period()).contains(&period))
}
