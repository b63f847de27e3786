//! How the service is, and who is calling.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::json;

use crate::error::Result;
use crate::web::answer::{Outcome, json_reply, reply};
use crate::web::routes::Call;
use crate::web::service::{App, Phase};

/// How long an answer of the database is believed, and how long it is waited for.
const BELIEVED: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(5);

/// `GET /healthz`
pub async fn alive(_call: Call) -> Outcome {
    Ok(json_reply(StatusCode::OK, &json!({ "status": "ok" })))
}

/// `GET /readyz`: whether the history can be written and, where that is asked for, the target's server answers. The
/// catalogue was read at the start, or there would be no service.
pub async fn ready(call: Call) -> Outcome {
    let app = &call.app;
    let mut wrong = Vec::new();
    if *app.phase.borrow() != Phase::Serving {
        wrong.push("stopping");
    }
    if app.desk.is_ready().await.is_err() {
        wrong.push("history");
    }
    if app.options.ready_database && reached(app).await.is_err() {
        wrong.push("database");
    }
    match wrong.is_empty() {
        true => Ok(json_reply(StatusCode::OK, &json!({ "status": "ok" }))),
        // Why is not for everybody to read: the history's place, the server's name.
        false => Ok(json_reply(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not ready", "wrong": wrong }))),
    }
}

/// What the target's server said last; asked by one at a time, and seldom.
async fn reached(app: &App) -> Result<()> {
    let mut last = app.reached.lock().await;
    if let Some((at, said)) = &*last
        && at.elapsed() < BELIEVED
    {
        return said.clone();
    }
    let said = tokio::time::timeout(PATIENCE, app.desk.reach()).await;
    let said = said.unwrap_or_else(|_| Err(crate::error::Error::stopped()));
    *last = Some((Instant::now(), said.clone()));
    said
}

/// `GET /metrics`
pub async fn metrics(call: Call) -> Outcome {
    let text = call.app.metrics.text(&call.app.board, &call.app.streams);
    Ok(reply(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text.into()))
}

/// `GET /api/whoami`
pub async fn whoami(call: Call) -> Outcome {
    let user = call.who.as_ref().map(|who| who.user.as_str());
    let may_start = call.who.as_ref().is_some_and(|who| who.may_start);
    Ok(json_reply(StatusCode::OK, &json!({ "user": user, "may_start": may_start })))
}
