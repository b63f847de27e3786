//! The six routes of the service that this one replaces, with its texts: its callers match on them.
//!
//! Refusals are texts with status 200, in the old order of checking. Where the old service was wrong (all of 2018 was
//! refused, month 77 was not; a missing field was an error 500) the answer is what it should have been.

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::answer::{Outcome, Refusal, json_reply, plain};
use super::board::word;
use super::order::{is_in, is_open};
use super::routes::{Call, Who};
use crate::services::sp::catalogue::{Catalogue, Title};
use crate::services::sp::client::run::Order;

const RUNNING: &str = "Synchronization is running.";
const NOT_RUNNING: &str = "Synchronization is not running.";
const STARTED: &str = "Synchronization was started.";
const BUSY: &str = "Thread is busy, try again later.";
const NO_JSON: &str = "The body is not a JSON object.";
const NO_TOKEN: &str = "Authorization token is needed.";
const WRONG_TOKEN: &str = "Invalid token value.";
const NO_USER: &str = "User is not specified.";
const WRONG_USER: &str = "Invalid user value.";
const NO_CODE: &str = "Code is not specified.";
const NO_NAME: &str = "Name is not specified.";
const NO_DATE: &str = "Date is not specified: month and year are needed.";
const READ_ONLY: &str = "This token only reads.";

/// The old callers show descriptions to people who read Russian.
const LANGUAGE: &str = "ru";

/// Longest name of a caller's own that is recorded.
const LONGEST_USER: usize = 60;

pub async fn sync_status(call: Call) -> Outcome {
    let text = if call.app.board.is_running() { RUNNING } else { NOT_RUNNING };
    Ok(plain(StatusCode::OK, text))
}

pub async fn valid_codes(call: Call) -> Outcome {
    Ok(json_reply(StatusCode::OK, &titles(call.app.desk.catalogue().valid_codes())))
}

pub async fn valid_names(call: Call) -> Outcome {
    let names = call.app.desk.catalogue().valid_names(call.param("code"));
    Ok(json_reply(StatusCode::OK, &names.map(titles)))
}

fn titles(known: Vec<(&str, &Title)>) -> Map<String, Value> {
    known.into_iter().map(|(key, title)| (key.to_owned(), title.text(LANGUAGE).into())).collect()
}

pub async fn is_dated(call: Call) -> Outcome {
    let text = match call.app.desk.catalogue().is_dated(call.param("name")) {
        Some(true) => "True",
        Some(false) => "False",
        None => "None",
    };
    Ok(plain(StatusCode::OK, text))
}

pub async fn data_source_sync(call: Call) -> Outcome {
    sync(call, Of::DataSource).await
}

pub async fn entity_sync(call: Call) -> Outcome {
    sync(call, Of::Entity).await
}

#[derive(Clone, Copy, PartialEq)]
enum Of {
    DataSource,
    Entity,
}

async fn sync(call: Call, of: Of) -> Outcome {
    let (by, order) = match asked(&call, of) {
        Ok(asked) => asked,
        Err(text) => return Ok(plain(StatusCode::OK, &text)),
    };
    let (desk, app) = (call.app.desk.clone(), call.app.clone());
    match app.begin(async move { desk.run(order, by).await }).await {
        Ok(run) => {
            let mut reply = plain(StatusCode::OK, STARTED);
            let place = HeaderValue::from_str(&format!("/api/runs/{}", run.id));
            reply.headers_mut().extend(place.ok().map(|place| (LOCATION, place)));
            Ok(reply)
        }
        Err(refusal) => told(refusal),
    }
}

/// What the engine refuses: a text where a caller can do something about it.
fn told(refusal: Refusal) -> Outcome {
    match refusal.status() {
        StatusCode::CONFLICT => Ok(plain(StatusCode::OK, BUSY)),
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::NOT_FOUND => Ok(plain(StatusCode::OK, refusal.message())),
        status => Ok(plain(status, refusal.message())),
    }
}

/// Who asks for what; or the text that refuses it.
fn asked(call: &Call, of: Of) -> Result<(String, Order), String> {
    let body: Value = serde_json::from_slice(&call.body).map_err(|_| NO_JSON.to_owned())?;
    let fields = body.as_object().ok_or(NO_JSON)?;
    let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let token = given("token").ok_or(NO_TOKEN)?;
    let person = token.as_str().and_then(|token| call.app.options.people.find(token)).ok_or(WRONG_TOKEN)?;
    let who = Who::of(person);
    let user = given("user").ok_or(NO_USER)?;
    let user = user.as_str().map(str::trim).filter(|user| !user.is_empty()).ok_or(WRONG_USER)?;
    if !who.may_start {
        return Err(READ_ONLY.into());
    }
    let order = ordered(&given, of, call.app.desk.catalogue())?;
    Ok((recorded(&who.user, user), order))
}

/// The user is whose token it is; what the caller says stands beside it.
fn recorded(user: &str, says: &str) -> String {
    let says: String = says.chars().filter(|c| !c.is_control()).take(LONGEST_USER).collect();
    if says == user { says } else { format!("{user} ({says})") }
}

fn ordered<'a>(given: &dyn Fn(&str) -> Option<&'a Value>, of: Of, catalogue: &Catalogue) -> Result<Order, String> {
    let code = given("code").ok_or(NO_CODE)?;
    let known = code.as_str().filter(|code| catalogue.code(code).is_some());
    let code = known.ok_or_else(|| format!("Invalid code value: {}.", shown(code)))?.to_owned();
    let name = given("name");
    let known = |name: &Value| name.as_str().and_then(|name| catalogue.entity(name));
    let entity =
        name.map(|name| known(name).ok_or_else(|| format!("Invalid name value: {}.", shown(name)))).transpose()?;
    let entity = if of == Of::Entity { Some(entity.ok_or(NO_NAME)?) } else { None };
    if let Some(entity) = entity.filter(|entity| !is_in(catalogue, &entity.name, &code)) {
        return Err(format!("Invalid name value: {} is not available for {code}.", entity.name));
    }
    let flag = given("undated_only").and_then(Value::as_bool).unwrap_or_default();
    let undated_only = flag && of == Of::DataSource;
    let is_dated = entity.map_or(!undated_only, |entity| entity.dated);
    let period = period(given, catalogue)?;
    if is_dated && period.is_none() {
        return Err(NO_DATE.into());
    }
    let (month, year) = period.filter(|_| is_dated).unzip();
    let name = entity.map(|entity| entity.name.clone());
    Ok(Order { name, codes: vec![code], month, year, undated_only, checks: true, ..Order::default() })
}

/// Month and year, if both are given; one alone counts for nothing, as it always did.
fn period<'a>(given: &dyn Fn(&str) -> Option<&'a Value>, catalogue: &Catalogue) -> Result<Option<(u32, i32)>, String> {
    for field in ["month", "year"] {
        if let Some(value) = given(field).filter(|value| value.as_i64().is_none()) {
            return Err(format!("Invalid {field} value: {} is not a whole number.", shown(value)));
        }
    }
    let number = |field| given(field).and_then(Value::as_i64);
    let (Some(month), Some(year)) = (number("month"), number("year")) else { return Ok(None) };
    let period = Option::zip(u32::try_from(month).ok(), i32::try_from(year).ok());
    let period = period.filter(|_| is_open(month, year, catalogue));
    period.map(Some).ok_or_else(|| format!("Invalid date value: {year}-{month:02}."))
}

/// A value as it stands in a text: a text without quotes, and nothing of endless length.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| word_or_json(value), str::to_owned);
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

fn word_or_json(value: &Value) -> String {
    let word = word(value);
    if word.is_empty() { value.to_string() } else { word }
}
