//! Runs: start, look, cancel, resume.

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::services::sp::client::run::{Run, RunState};
use crate::web::answer::{Outcome, Refusal, Reply, json_bytes, json_reply};
use crate::web::board::short;
use crate::web::desk::{Filter, Unknown};
use crate::web::order;
use crate::web::routes::Call;

/// Runs of the history in an answer, where nobody says how many.
const USUAL: usize = 50;

/// Runs of which durations are told.
const DURATIONS: usize = 200;

/// `POST /api/runs`
pub async fn start(call: Call) -> Outcome {
    let order = order::read(&call.json()?, call.app.desk.catalogue())?;
    let (desk, by) = (call.app.desk.clone(), call.user());
    let run = call.app.begin(async move { desk.run(order, by).await }).await?;
    Ok(accepted(&run))
}

/// `POST /api/runs/{id}/resume`
pub async fn resume(call: Call) -> Outcome {
    let body = call.json()?;
    let fields = order::object(&body)?;
    let mut faults = Vec::new();
    order::unknown(fields, &["unknown"], &mut faults);
    let unknown = match fields.get("unknown") {
        None | Some(Value::Null) => Unknown::Refuse,
        Some(word) if word == "refuse" => Unknown::Refuse,
        Some(word) if word == "repeat" => Unknown::Repeat,
        Some(word) if word == "skip" => Unknown::Skip,
        Some(_) => {
            faults.push(("unknown".into(), "`unknown` has to be refuse, repeat or skip".into()));
            Unknown::Refuse
        }
    };
    if !faults.is_empty() {
        return Err(Refusal::fields(faults));
    }
    let (desk, by, id) = (call.app.desk.clone(), call.user(), call.param("id").to_owned());
    let run = call.app.begin(async move { desk.resume(id, by, unknown).await }).await?;
    Ok(accepted(&run))
}

fn accepted(run: &Run) -> Reply {
    let mut reply = json_reply(StatusCode::ACCEPTED, run);
    let place = HeaderValue::from_str(&format!("/api/runs/{}", run.id));
    reply.headers_mut().extend(place.ok().map(|place| (LOCATION, place)));
    reply
}

/// `POST /api/runs/{id}/cancel`
pub async fn cancel(call: Call) -> Outcome {
    let id = call.param("id");
    call.app.desk.cancel(id.to_owned()).await?;
    Ok(json_reply(StatusCode::ACCEPTED, &json!({ "id": id, "cancelling": true })))
}

/// `GET /api/runs/{id}`
pub async fn one(call: Call) -> Outcome {
    let id = call.param("id");
    let run = match call.app.board.snapshot(id).0 {
        Some(run) => Some(run),
        None => call.app.desk.find(id.to_owned()).await?,
    };
    let run = run.ok_or_else(|| Refusal::not_found(format!("there is no run {id}")))?;
    Ok(json_reply(StatusCode::OK, &run))
}

/// `GET /api/runs`
pub async fn list(call: Call) -> Outcome {
    let state = call.query("state").map(|word| serde_json::from_value::<RunState>(word.into())).transpose();
    let text = |name| call.query(name).map(str::to_owned);
    let filter = Filter {
        limit: call.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(USUAL),
        // The table of routes lets no other word pass.
        state: state.unwrap_or_default(),
        name: text("name"),
        code: text("code"),
        before: text("before"),
        without_steps: false,
    };
    let runs = call.app.desk.history(filter).await?;
    let runs: Vec<Value> = runs.iter().map(short).collect();
    Ok(json_reply(StatusCode::OK, &json!({ "runs": runs })))
}

/// `GET /api/status`: from memory, written once after each change.
pub async fn status(call: Call) -> Outcome {
    Ok(json_bytes(StatusCode::OK, call.app.board.status().0))
}

/// `POST /api/plan`
pub async fn plan(call: Call) -> Outcome {
    let order = order::read(&call.json()?, call.app.desk.catalogue())?;
    let plan = call.app.desk.plan(order).await?;
    Ok(json_reply(StatusCode::OK, &json!({ "steps": plan.steps, "estimate": plan.estimate, "notes": plan.notes })))
}

/// `GET /api/durations`
pub async fn durations(call: Call) -> Outcome {
    let text = |name| call.query(name).map(str::to_owned);
    let filter =
        Filter { limit: DURATIONS, name: text("name"), code: text("code"), without_steps: true, ..Filter::default() };
    let runs = call.app.desk.history(filter).await?;
    let ended = runs.iter().rev().filter(|run| run.seconds.is_some());
    let told = |run: &Run| json!({ "run": run.id, "started": run.started, "seconds": run.seconds, "state": run.state });
    Ok(json_reply(StatusCode::OK, &ended.map(told).collect::<Vec<Value>>()))
}

/// `GET /api/checks`
pub async fn checks(call: Call) -> Outcome {
    let catalogue = call.app.desk.catalogue();
    let (name, code) = (call.query("name").unwrap_or_default(), call.query("code").unwrap_or_default());
    if catalogue.code(code).is_none() {
        return Err(Refusal::not_found(format!("there is no code {code}")));
    }
    if !order::is_in(catalogue, name, code) {
        return Err(Refusal::not_found(format!("the data source {code} has no entity {name}")));
    }
    let checks = call.app.desk.check(name.to_owned(), code.to_owned()).await?;
    Ok(json_reply(StatusCode::OK, &checks))
}
