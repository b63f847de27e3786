//! Runs, plans and checks as scripts have them: maps, and rows where there are many of a kind.

use rhai::{Array, Dynamic, EvalAltResult, Map, NativeCallContext};
use serde::Serialize;
use serde_json::Value;

use crate::core::json::too_large;
use crate::core::rows::{Builder, Field, Rows};
use crate::error::{Error, Kind, Result, Retry};
use crate::script::bridge::{error_map, thrown};
use crate::script::convert;
use crate::services::sp::client::plan::Plan;
use crate::services::sp::client::run::{Check, Order, Run, RunState, Step, StepState};

/// Columns of the steps of a run, what people look at first.
const STEPS: &[&str] = &[
    "number",
    "stage",
    "entity",
    "code",
    "state",
    "seconds",
    "rows",
    "return_code",
    "attempts",
    "estimate",
    "error",
    "note",
    "database",
    "server",
    "statement",
    "started",
    "ended",
    "after",
    "locks",
    "repeatable",
    "messages",
];
/// Of the steps of a plan.
const PLANNED: &[&str] = &[
    "number",
    "stage",
    "entity",
    "code",
    "server",
    "database",
    "statement",
    "estimate",
    "after",
    "locks",
    "repeatable",
];
const CHECKS: &[&str] = &["check", "entity", "code", "before", "after", "warning"];
/// Of a list of runs.
const RUNS: &[&str] = &[
    "id", "state", "name", "codes", "month", "year", "by", "started", "seconds", "done", "steps", "reason", "ended",
    "estimate", "resumed",
];

/// Rows of values that are alike, with these columns: what a value lacks is `()`.
fn table<T: Serialize>(items: impl IntoIterator<Item = T>, columns: &[&str]) -> Result<Rows> {
    let mut rows = Builder::new();
    for item in items {
        let item = serde_json::to_value(item).map_err(|error| Error::input("sp.run", error.to_string()))?;
        for column in columns {
            rows.name(column);
            let nested;
            let field = match item.get(column).unwrap_or(&Value::Null) {
                Value::Null => Field::Null,
                Value::Bool(flag) => Field::Flag(*flag),
                Value::Number(number) => match number.as_i64() {
                    Some(n) => Field::Integer(n),
                    None => Field::Number(rounded(number.as_f64().unwrap_or_default())),
                },
                Value::String(text) => Field::Text(text),
                other => {
                    nested = other.to_string();
                    Field::Json(&nested)
                }
            };
            rows.push(field).map_err(|_| too_large())?;
        }
        rows.end_row();
    }
    if rows.is_empty() {
        return Ok(Rows::none(columns.iter().copied()));
    }
    Ok(rows.finish().into())
}

fn text(given: Option<&str>) -> Dynamic {
    given.map_or(Dynamic::UNIT, Into::into)
}

/// Seconds to the millisecond: more digits are noise.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn number(given: Option<f64>) -> Dynamic {
    given.map_or(Dynamic::UNIT, |seconds| rounded(seconds).into())
}

fn order(order: &Order) -> Map {
    let codes: Array = order.codes.iter().map(|code| code.as_str().into()).collect();
    Map::from([
        ("name".into(), text(order.name.as_deref())),
        ("codes".into(), codes.into()),
        ("month".into(), order.month.map_or(Dynamic::UNIT, |month| i64::from(month).into())),
        ("year".into(), order.year.map_or(Dynamic::UNIT, |year| i64::from(year).into())),
        ("undated_only".into(), order.undated_only.into()),
        ("checks".into(), order.checks.into()),
        ("wait".into(), order.wait.into()),
    ])
}

/// A state's word.
fn word(state: RunState) -> String {
    serde_json::to_value(state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A whole run.
pub fn whole(run: &Run) -> Result<Map> {
    Ok(Map::from([
        ("id".into(), run.id.as_str().into()),
        ("state".into(), word(run.state).into()),
        ("order".into(), order(&run.order).into()),
        ("by".into(), run.by.as_str().into()),
        ("started".into(), run.started.as_str().into()),
        ("ended".into(), text(run.ended.as_deref())),
        ("seconds".into(), number(run.seconds)),
        ("estimate".into(), number(run.estimate)),
        ("reason".into(), text(run.reason.as_deref())),
        ("resumed".into(), i64::from(run.resumed).into()),
        ("steps".into(), Dynamic::from(table(&run.steps, STEPS)?)),
        ("checks".into(), Dynamic::from(checks(&run.checks)?)),
    ]))
}

pub fn checks(checks: &[Check]) -> Result<Rows> {
    table(checks, CHECKS)
}

/// What would be done.
pub fn plan(plan: &Plan) -> Result<Map> {
    let notes: Array = plan.notes.iter().map(|note| note.as_str().into()).collect();
    Ok(Map::from([
        ("order".into(), order(&plan.order).into()),
        ("steps".into(), Dynamic::from(table(&plan.steps, PLANNED)?)),
        ("estimate".into(), number(plan.estimate)),
        ("notes".into(), notes.into()),
    ]))
}

/// What a dry run gives in place of a run: nothing has happened.
pub fn held(held: &Plan) -> Result<Map> {
    let mut map = plan(held)?;
    map.insert("id".into(), Dynamic::UNIT);
    map.insert("state".into(), "planned".into());
    map.insert("checks".into(), Dynamic::from(checks(&[])?));
    for name in ["by", "started", "ended", "seconds", "reason"] {
        map.insert(name.into(), Dynamic::UNIT);
    }
    let steps: Vec<&Step> = held.steps.iter().collect();
    map.insert("steps".into(), Dynamic::from(table(steps, STEPS)?));
    Ok(map)
}

/// Runs in short.
pub fn list(runs: &[Run]) -> Result<Rows> {
    let short = runs.iter().map(|run| {
        let done = run.steps.iter().filter(|step| step.state == StepState::Ok).count();
        serde_json::json!({
            "id": run.id, "state": run.state, "name": run.order.name, "codes": run.order.codes.join(" "),
            "month": run.order.month, "year": run.order.year, "by": run.by, "started": run.started, "ended": run.ended,
            "seconds": run.seconds, "estimate": run.estimate, "done": done, "steps": run.steps.len(),
            "resumed": run.resumed, "reason": run.reason,
        })
    });
    table(short, RUNS)
}

/// A run that did not succeed, as an error with the whole of it in `run`.
pub fn failed(call: &NativeCallContext<'_>, run: &Run) -> Box<EvalAltResult> {
    let error = failure(run);
    let position = call.call_position();
    let mut map = error_map(&error, position);
    match whole(run) {
        Ok(whole) => drop(map.insert("run".into(), whole.into())),
        Err(error) => return thrown(error, position),
    }
    Box::new(EvalAltResult::ErrorRuntime(map.into(), position))
}

/// Why it did not succeed: the first step that went wrong, in the server's words.
fn failure(run: &Run) -> Error {
    let wrong = |step: &&Step| !matches!(step.state, StepState::Ok | StepState::Pending | StepState::Skipped);
    let step = run.steps.iter().find(wrong);
    let code = match run.state {
        RunState::Cancelled => "sp.run_cancelled",
        RunState::Interrupted => "sp.run_interrupted",
        _ => "sp.run_failed",
    };
    let what = match run.state {
        RunState::Cancelled => "was cancelled",
        RunState::Interrupted => "was interrupted",
        _ => "failed",
    };
    let Some(step) = step else {
        let why = run.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        return Error::new(Kind::Refused, code, format!("run {} {what}{why}", run.id)).hint(hint(run, None));
    };
    let of = step.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
    let why = step.error.as_ref().map_or_else(
        || step.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default(),
        |error| format!(": {}", error.message),
    );
    let message = format!("run {} {what} in {} of {}{of}{why}", run.id, step.stage, step.entity);
    let mut error = Error::new(Kind::Refused, code, message)
        .hint(hint(run, step.error.as_ref().and_then(|error| error.hint.as_deref())))
        .retry(Retry::Useless)
        .detail("stage", step.stage.clone())
        .detail("entity", step.entity.clone())
        .detail("code", step.code.clone());
    if let Some(told) = &step.error {
        error = error.detail("cause", told.code.clone());
        if let Some(server) = &told.server {
            error = error
                .detail("number", server.number)
                .detail("severity", server.severity)
                .detail("state", server.state)
                .detail("procedure", server.procedure.clone())
                .detail("line_of_procedure", server.line);
        }
    }
    error
}

fn hint(run: &Run, why: Option<&str>) -> String {
    let again = format!("sp.resume(\"{}\") goes on where it ended", run.id);
    match why {
        Some(why) => format!("{why}; then {again}"),
        None => again,
    }
}

/// A month or a year of a script; `()` for none.
pub fn period(name: &str, given: &Dynamic) -> Result<Option<i64>> {
    if given.is_unit() {
        return Ok(None);
    }
    given.as_int().map(Some).map_err(|_| {
        let what = convert::type_name(given);
        Error::input("sp.order", format!("`{name}` is a whole number, not {what}"))
            .hint("write the month and the year as numbers: sp.entity_sync(\"payment\", \"0c06\", 7, 2019)")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::order::cell_text;

    fn run(state: &str) -> Run {
        let step = |number: u32, stage: &str, state: &str, more: Value| {
            let mut step = json!({
                "number": number, "stage": stage, "entity": "payment", "server": "dcdb", "database": "ab",
                "statement": "EXECUTE dbo.p", "locks": ["a"], "after": [], "repeatable": true, "state": state,
                "attempts": 1, "messages": [{ "at": "2026-11-22T10:00:00+03:00", "text": "готово" }]
            });
            for (name, value) in more.as_object().into_iter().flatten() {
                step[name] = value.clone();
            }
            step
        };
        let error = json!({
            "code": "sp.50000", "message": "не сошлось", "hint": "look at the sums",
            "server": { "number": 50_000, "severity": 16, "state": 3, "message": "не сошлось", "procedure": "p", "line": 7 }
        });
        serde_json::from_value(json!({
            "id": "r1", "order": { "name": "payment", "codes": ["0c06"], "month": 7, "year": 2019 }, "by": "ivan",
            "state": state, "started": "2026-11-22T10:00:00+03:00", "checks": [],
            "steps": [
                step(1, "prep", "ok", json!({ "code": "0c06", "seconds": 1.23456 })),
                step(2, "crude", "failed", json!({ "error": error })),
                step(3, "heap", "skipped", json!({ "note": "crude failed" })),
            ]
        }))
        .unwrap()
    }

    #[test]
    fn steps_are_rows_in_which_nothing_is_missing() {
        let map = whole(&run("failed")).unwrap();
        assert!(
            map["reason"].is_unit()
                && map["order"].clone().cast::<Map>()["name"].clone().into_string().unwrap() == "payment"
        );
        let steps = map["steps"].clone().cast::<Rows>();
        assert_eq!(steps.columns().len(), STEPS.len());
        let cells: Vec<String> =
            steps.get(0).unwrap().fields().take(7).map(|(_, field)| cell_text(field).into_owned()).collect();
        assert_eq!(cells, ["1", "prep", "payment", "0c06", "ok", "1.235", ""]);
        assert_eq!(steps.get(1).unwrap().get("code"), Some(Field::Null));
        let checks = map["checks"].clone().cast::<Rows>();
        assert_eq!(checks.columns().len(), CHECKS.len());
    }

    #[test]
    fn a_run_that_failed_says_where_and_why_and_how_to_go_on() {
        let error = failure(&run("failed"));
        assert_eq!((error.code(), error.message()), ("sp.run_failed", "run r1 failed in crude of payment: не сошлось"));
        assert_eq!(error.hint_text(), Some("look at the sums; then sp.resume(\"r1\") goes on where it ended"));
        let detail =
            |name: &str| error.details().iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        assert_eq!((detail("number").as_deref(), detail("cause").as_deref()), (Some("50000"), Some("\"sp.50000\"")));
        assert_eq!(failure(&run("cancelled")).code(), "sp.run_cancelled");
    }

    #[test]
    fn a_list_of_runs_tells_how_far_each_is() {
        let rows = list(&[run("failed")]).unwrap();
        let row = rows.get(0).unwrap();
        assert_eq!((row.get("done"), row.get("steps")), (Some(Field::Integer(1)), Some(Field::Integer(3))));
        assert_eq!(list(&[]).unwrap().columns().len(), RUNS.len());
    }
}
