//! `/_sandbox/…`: counters, log, knobs, checksums, without authorization and outside all limits; and the OAuth pages.

use super::cell::scalar_text;
use super::http::{Outcome, Request};
use super::oauth::Portal;
use super::params::{get, read_json, read_query};
use super::php;
use super::schema::Kind;
use super::sim::Sim;
use serde_json::{Value, json};
use std::sync::PoisonError;

/// Entities of `checksum`.
const ENTITIES: &[(&str, Kind)] = &[
    ("deal", Kind::Deal),
    ("lead", Kind::Lead),
    ("contact", Kind::Contact),
    ("company", Kind::Company),
    ("invoice", Kind::Invoice),
    ("item", Kind::Item128),
    ("task", Kind::Task),
    ("user", Kind::User),
    ("product", Kind::Product),
    ("activity", Kind::Activity),
    ("element", Kind::Element),
    ("elapsed", Kind::Elapsed),
];

/// Answers a control request.
pub fn answer(sim: &Sim, request: &Request) -> Outcome {
    let Ok(body) = read_json(&request.body) else { return wrong(400, "the body is not JSON") };
    let what = request.path.trim_start_matches("/_sandbox/").trim_end_matches('/');
    match (request.is_post, what) {
        (false, "counters") => told(serde_json::to_value(&*sim.counters())),
        (false, "log") => told(serde_json::to_value(sim.log().lines())),
        (false, "knobs") => told(serde_json::to_value(&*sim.knobs())),
        (false, "checksum") => checksum(sim, request),
        (true, "knobs") => change(sim, &body),
        (true, "changes") => match get(&body, "per_second").and_then(Value::as_f64) {
            Some(rate) => change(sim, &json!({"changes_per_second": rate})),
            None => wrong(400, "per_second is missing"),
        },
        (true, "expire-tokens") => {
            sim.oauth().expire();
            told(Ok(json!({"ok": true})))
        }
        (true, "reset") => {
            sim.reset_counters();
            if get(&body, "data").and_then(Value::as_bool) == Some(true) {
                sim.reset_data();
            }
            told(Ok(json!({"ok": true})))
        }
        _ => wrong(404, "GET counters, log, knobs, checksum; POST knobs, changes, expire-tokens, reset"),
    }
}

fn told(value: serde_json::Result<Value>) -> Outcome {
    match value {
        Ok(value) => Outcome::json(200, value.to_string().into_bytes()),
        Err(error) => wrong(500, &error.to_string()),
    }
}

fn wrong(status: u16, text: &str) -> Outcome {
    Outcome::json(status, json!({"error": text}).to_string().into_bytes())
}

fn change(sim: &Sim, changes: &Value) -> Outcome {
    match sim.knobs().merged(changes) {
        Ok(knobs) => {
            sim.set_knobs(knobs);
            told(serde_json::to_value(&*sim.knobs()))
        }
        Err(error) => wrong(400, &error),
    }
}

fn checksum(sim: &Sim, request: &Request) -> Outcome {
    sim.disturb();
    let query = Value::Object(read_query(request.query.as_bytes()).unwrap_or_default());
    let name = get(&query, "entity").map(scalar_text).unwrap_or_default();
    match ENTITIES.iter().find(|(known, _)| *known == name) {
        Some((_, kind)) => told(Ok(sim.world.read().unwrap_or_else(PoisonError::into_inner).checksum(*kind))),
        None => wrong(
            400,
            &format!("entity is one of {}", ENTITIES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")),
        ),
    }
}

/// `/oauth/token/`
pub fn token(sim: &Sim, params: &Value) -> Outcome {
    let knobs = sim.knobs();
    let portal = Portal { base: &sim.base, user: knobs.user };
    let (status, answer) = sim.oauth().exchange(params, &knobs, sim.now(), &portal);
    if status == 200 {
        sim.counters().tokens_issued += 1;
    }
    let mut body = Vec::new();
    php::value(&mut body, &answer);
    Outcome::json(status, body)
}

/// `/oauth/authorize/`: the user agrees at once and comes back with a code.
pub fn authorize(sim: &Sim, params: &Value) -> Outcome {
    let knobs = sim.knobs();
    let param = |name| get(params, name).map(|value| scalar_text(value).into_owned()).unwrap_or_default();
    if param("client_id") != knobs.client_id {
        return wrong(400, "invalid_client");
    }
    let code = sim.oauth().code();
    let domain = sim.base.trim_start_matches("http://");
    let back = param("redirect_uri");
    let state = percent_encoding::utf8_percent_encode(&param("state"), percent_encoding::NON_ALPHANUMERIC).to_string();
    let query = format!(
        "code={code}&state={state}&domain={domain}&member_id=sandbox0member0id&scope=crm,task,user&server_domain={domain}"
    );
    if back.is_empty() {
        return told(Ok(
            json!({"code": code, "domain": domain, "member_id": "sandbox0member0id", "scope": "crm,task,user", "server_domain": domain}),
        ));
    }
    Outcome::found(format!("{back}{}{query}", if back.contains('?') { '&' } else { '?' }))
}
