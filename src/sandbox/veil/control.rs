//! `/_sandbox/…`: counters, log and knobs, without a token and outside all faults.

use serde_json::{Value, json};

use super::asked::Asked;
use super::routes::Verb;
use super::sim::Sim;
use super::site::Page;

/// Answers a control request.
pub fn answer(sim: &Sim, asked: &Asked) -> Page {
    let Ok(body) = asked.fields() else { return wrong(400, "the body is not a map in JSON") };
    let what = asked.path.trim_start_matches("/_sandbox/").trim_end_matches('/');
    match (asked.verb, what) {
        (Some(Verb::Get), "counters") => told(serde_json::to_value(&sim.world().counters)),
        (Some(Verb::Get), "log") => told(serde_json::to_value(sim.world().log.lines())),
        (Some(Verb::Get), "knobs") => told(serde_json::to_value(&sim.world().knobs)),
        (Some(Verb::Post), "knobs") => change(sim, &Value::Object(body)),
        (Some(Verb::Post), "expire-tokens") => {
            sim.world().tokens.expire();
            told(Ok(json!({"ok": true})))
        }
        (Some(Verb::Post), "break-streams") => {
            sim.world().feeds.clear();
            told(Ok(json!({"ok": true})))
        }
        (Some(Verb::Post), "reset") => {
            if body.get("data").and_then(Value::as_bool) == Some(true) {
                sim.reset_data();
            }
            let mut world = sim.world();
            let (active, ws_open) = (world.counters.active, world.counters.ws_open);
            world.counters = super::counters::Counters { active, max_active: active, ws_open, ..Default::default() };
            world.log.clear();
            told(Ok(json!({"ok": true})))
        }
        _ => wrong(404, "GET counters, log, knobs; POST knobs, expire-tokens, break-streams, reset"),
    }
}

fn told(value: serde_json::Result<Value>) -> Page {
    match value {
        Ok(value) => Page::value(200, &value),
        Err(error) => wrong(500, &error.to_string()),
    }
}

fn wrong(status: u16, text: &str) -> Page {
    Page::value(status, &json!({"error": text}))
}

fn change(sim: &Sim, changes: &Value) -> Page {
    let mut world = sim.world();
    match world.knobs.merged(changes) {
        Ok(knobs) => {
            world.knobs = knobs;
            told(serde_json::to_value(&world.knobs))
        }
        Err(error) => wrong(400, &error),
    }
}
