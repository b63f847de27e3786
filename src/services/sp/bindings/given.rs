//! What scripts give: parameters, options, names.

use std::time::Duration;

use rhai::{Array, Dynamic, Map};

use super::value;
use crate::core::rows::Row;
use crate::error::{Error, Result};
use crate::script::convert;
use crate::script::options::Options;
use crate::services::sp::client::driver::{Param, Request};
use crate::services::sp::client::sql::How;

/// The longest time that anybody means.
const LONGEST: f64 = 1e7;

/// Parameters: a map or a row by their names, a list by their places (`@P1`, `@P2`), `()` for none.
pub fn params(given: &Dynamic) -> Result<Vec<Param>> {
    if given.is_unit() {
        return Ok(Vec::new());
    }
    if let Some(map) = given.read_lock::<Map>() {
        return map.iter().map(|(name, value)| value::param(name, value)).collect();
    }
    if let Some(items) = given.read_lock::<Array>() {
        return items.iter().enumerate().map(|(at, item)| value::param(&format!("P{}", at + 1), item)).collect();
    }
    if let Some(row) = given.read_lock::<Row>() {
        return row.fields().map(|(name, field)| value::param(name, &convert::from_field(field))).collect();
    }
    Err(Error::input("sp.parameters", format!("{} cannot be the parameters", convert::type_name(given)))
        .hint("give a map, #{ name: value } for @name, or a list for @P1, @P2"))
}

/// A text and its parameters.
pub fn text(sql: &str, given: &Dynamic) -> Result<Request> {
    let params = params(given)?;
    match params.iter().find(|param| param.out) {
        Some(param) => Err(Error::input("sp.out", format!("@{}: only a procedure has OUT parameters", param.name))
            .hint("call it by sp.exec(name, #{ … }), or select the value in the text")),
        None if sql.trim().is_empty() => Err(Error::input("sp.no_text", "there is no SQL in the text")),
        None => Ok(Request::Text { sql: sql.to_owned(), params }),
    }
}

/// A text as it stands; with parameters it is one that they travel beside.
pub fn batch(sql: &str, given: &Dynamic) -> Result<Request> {
    match text(sql, given)? {
        Request::Text { sql, params } if params.is_empty() => Ok(Request::Batch(sql)),
        with_params => Ok(with_params),
    }
}

/// A call of a procedure by its name.
pub fn procedure(name: &str, given: &Dynamic) -> Result<Request> {
    let name = name.trim();
    let is_call =
        name.to_ascii_lowercase().split_whitespace().next().is_some_and(|word| word == "exec" || word == "execute");
    if name.is_empty() || is_call {
        return Err(Error::input("sp.procedure", format!("`{name}` is not the name of a procedure")).hint(
            "write sp.exec(\"schema.procedure\", #{ parameter: value }); a text with EXEC goes by sp.batch(text)",
        ));
    }
    if given.is_array() {
        return Err(Error::input("sp.parameters", "a procedure takes its parameters by their names")
            .hint("write sp.exec(name, #{ parameter: value })"));
    }
    Ok(Request::Procedure { name: name.to_owned(), params: params(given)? })
}

/// The options of plain SQL, and the database that they name.
pub fn how(map: &Map) -> Result<(How, Option<String>)> {
    let options = Options::read(map, &["database", "timeout"])?;
    let database = options.text("database")?.map(|name| name.to_string());
    Ok((How { timeout: seconds(map, "timeout")? }, database))
}

fn seconds(map: &Map, name: &str) -> Result<Option<Duration>> {
    let Some(value) = map.get(name).filter(|value| !value.is_unit()) else { return Ok(None) };
    let found = value.as_float().or_else(|_| value.as_int().map(|whole| whole as f64));
    match found {
        Ok(found) if found > 0.0 && found <= LONGEST => Ok(Some(Duration::from_secs_f64(found))),
        _ => Err(Error::input("options.value", format!("the option `{name}` cannot be {value}"))
            .hint("it is a number of seconds above 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_by_name_or_by_place() {
        let map = Map::from([("b".into(), 2_i64.into()), ("@a".into(), 1_i64.into())]);
        let names = |given: Dynamic| params(&given).unwrap().into_iter().map(|param| param.name).collect::<Vec<_>>();
        assert_eq!(names(map.into()), ["a", "b"]);
        assert_eq!(names(Dynamic::from_array(vec![1_i64.into(), 2_i64.into()])), ["P1", "P2"]);
        assert!(names(Dynamic::UNIT).is_empty());
        assert_eq!(params(&7_i64.into()).unwrap_err().code(), "sp.parameters");
    }

    #[test]
    fn what_is_asked_for_in_the_wrong_way_says_the_right_one() {
        assert!(procedure("EXEC dbo.p", &Dynamic::UNIT).unwrap_err().hint_text().unwrap().contains("sp.batch"));
        assert!(procedure("dbo.p", &Dynamic::from_array(vec![])).unwrap_err().hint_text().unwrap().contains("#{"));
        assert_eq!(text("  ", &Dynamic::UNIT).unwrap_err().code(), "sp.no_text");
        assert!(matches!(batch("PRINT 1", &Map::new().into()), Ok(Request::Batch(_))));
        let map = Map::from([("timeout".into(), 0_i64.into())]);
        assert_eq!(how(&map).unwrap_err().code(), "options.value");
        assert!(
            how(&Map::from([("timout".into(), 1_i64.into())])).unwrap_err().hint_text().unwrap().contains("`timeout`")
        );
    }
}
