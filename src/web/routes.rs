//! What is served, as a table: the router and the OpenAPI document are both made of it.

use std::sync::Arc;
use std::time::Instant;

use axum::RequestExt;
use axum::extract::{Query, RawPathParams, Request};
use axum::http::header::{ACCEPT_LANGUAGE, ALLOW, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodFilter, on};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::answer::{Outcome, Refusal, Reply};
use super::api::{catalogue, health, page, runs};
use super::auth::{Person, bearer};
use super::body::whole;
use super::limits::Caller;
use super::service::{App, From, Seen};
use super::{compat, events, openapi};
use crate::error::did_you_mean;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Open,
    /// Who has a token; everybody, where `reading = "anyone"`.
    Read,
    /// Who has a token that allows it.
    Start,
    /// The old service's own way: the token is in the body, and a refusal is a text.
    InBody,
}

/// What a parameter of a query holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Text,
    /// A whole number from 1 to this.
    UpTo(u64),
    /// One of these words.
    Word(&'static [&'static str]),
}

#[derive(Clone, Copy)]
pub struct Param {
    pub name: &'static str,
    pub holds: Holds,
    pub is_needed: bool,
    pub about: &'static str,
}

const fn optional(name: &'static str, holds: Holds, about: &'static str) -> Param {
    Param { name, holds, is_needed: false, about }
}

const fn needed(name: &'static str, about: &'static str) -> Param {
    Param { name, holds: Holds::Text, is_needed: true, about }
}

/// What is in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    None,
    Text,
    Html,
    Asset,
    Events,
    /// JSON of a schema of the document.
    Json(&'static str),
    /// JSON that is described by its schema's text.
    Many(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
}

type Handler = fn(Call) -> BoxFuture<'static, Outcome>;

pub struct Route {
    pub verb: Verb,
    pub path: &'static str,
    pub access: Access,
    /// Under which heading of the document it stands.
    pub tag: &'static str,
    pub about: &'static str,
    pub query: &'static [Param],
    /// The schema of its body.
    pub body: Option<&'static str>,
    pub status: u16,
    pub content: Content,
    handler: Handler,
}

/// A line of the table.
const fn get(path: &'static str, access: Access, tag: &'static str, about: &'static str, handler: Handler) -> Route {
    let (query, body, content) = (&[], None, Content::None);
    Route { verb: Verb::Get, path, access, tag, about, query, body, status: 200, content, handler }
}

const fn post(path: &'static str, access: Access, tag: &'static str, about: &'static str, handler: Handler) -> Route {
    Route { verb: Verb::Post, ..get(path, access, tag, about, handler) }
}

impl Route {
    const fn takes(self, query: &'static [Param]) -> Route {
        Route { query, ..self }
    }

    const fn reads(self, body: &'static str) -> Route {
        Route { body: Some(body), ..self }
    }

    const fn gives(self, status: u16, content: Content) -> Route {
        Route { status, content, ..self }
    }
}

use Access::{InBody, Open, Read, Start};
use Content::{Asset, Events, Html, Json, Many, Text};

/// Runs of one entity, of one data source.
const OF: [Param; 2] =
    [optional("name", Holds::Text, "Of this entity."), optional("code", Holds::Text, "Of this data source.")];

const STATES: &[&str] = &["waiting", "running", "ok", "failed", "cancelled", "interrupted"];

/// Everything that is served.
pub static ROUTES: &[Route] = &[
    post("/api/runs", Start, "runs", "Starts a run of an entity, or of whole data sources.", |call| {
        Box::pin(runs::start(call))
    })
    .reads("Order")
    .gives(202, Json("Run")),
    get("/api/runs", Read, "runs", "The history, newest first, without steps.", |call| Box::pin(runs::list(call)))
        .takes(&[
            optional("limit", Holds::UpTo(500), "At most so many; 50 when left out."),
            optional("state", Holds::Word(STATES), "In this state."),
            OF[0],
            OF[1],
            optional("before", Holds::Text, "Older than the run of this id: the next page."),
        ])
        .gives(200, Json("Runs")),
    get("/api/runs/{id}", Read, "runs", "A run with its steps.", |call| Box::pin(runs::one(call)))
        .gives(200, Json("Run")),
    get("/api/runs/{id}/events", Read, "runs", "What happens in a run, live.", |call| Box::pin(events::of_run(call)))
        .gives(200, Events),
    post("/api/runs/{id}/cancel", Start, "runs", "Cancels a run.", |call| Box::pin(runs::cancel(call)))
        .gives(202, Json("Cancelled")),
    post("/api/runs/{id}/resume", Start, "runs", "Goes on with a run at its first step that is not done.", |call| {
        Box::pin(runs::resume(call))
    })
    .reads("Resume")
    .gives(202, Json("Run")),
    post("/api/plan", Read, "runs", "The steps that an order would take; runs nothing.", |call| {
        Box::pin(runs::plan(call))
    })
    .reads("Order")
    .gives(200, Json("Plan")),
    get("/api/status", Read, "runs", "What is under way.", |call| Box::pin(runs::status(call)))
        .gives(200, Json("Status")),
    get("/api/events", Read, "runs", "What happens in all runs, live.", |call| Box::pin(events::of_all(call)))
        .gives(200, Events),
    get("/api/durations", Read, "runs", "How long runs of the history took, oldest first.", |call| {
        Box::pin(runs::durations(call))
    })
    .takes(&OF)
    .gives(200, Many("Duration")),
    get("/api/checks", Read, "runs", "Newest modification times of an entity, asked now.", |call| {
        Box::pin(runs::checks(call))
    })
    .takes(&[needed("name", "The entity."), needed("code", "The data source.")])
    .gives(200, Many("Check")),
    get("/api/catalogue", Read, "catalogue", "The catalogue, and the months that may be asked for.", |call| {
        Box::pin(catalogue::about(call))
    })
    .gives(200, Json("Catalogue")),
    get("/api/codes", Read, "catalogue", "The data sources.", |call| Box::pin(catalogue::codes(call)))
        .gives(200, Many("Code")),
    get("/api/codes/{code}/names", Read, "catalogue", "The entities of a data source.", |call| {
        Box::pin(catalogue::names(call))
    })
    .gives(200, Many("Name")),
    get("/api/names/{name}", Read, "catalogue", "An entity.", |call| Box::pin(catalogue::name(call)))
        .gives(200, Json("Entity")),
    get("/api/whoami", Read, "service", "Who is calling.", |call| Box::pin(health::whoami(call)))
        .gives(200, Json("Caller")),
    get("/api/openapi.json", Open, "service", "This document.", |call| Box::pin(openapi::document(call)))
        .gives(200, Json("Document")),
    get("/healthz", Open, "service", "Whether the process is alive.", |call| Box::pin(health::alive(call)))
        .gives(200, Json("Health")),
    get("/readyz", Open, "service", "Whether it can work.", |call| Box::pin(health::ready(call)))
        .gives(200, Json("Health")),
    get("/metrics", Read, "service", "Counters for Prometheus.", |call| Box::pin(health::metrics(call)))
        .gives(200, Text),
    get("/sync_status", Read, "compatible", "The old service's status.", |call| Box::pin(compat::sync_status(call)))
        .gives(200, Text),
    get("/valid_codes", Read, "compatible", "The old service's list of codes.", |call| {
        Box::pin(compat::valid_codes(call))
    })
    .gives(200, Json("Titles")),
    get(
        "/{code}/valid_names",
        Read,
        "compatible",
        "The old service's list of names; null for an unknown code.",
        |call| Box::pin(compat::valid_names(call)),
    )
    .gives(200, Json("Titles")),
    get("/{name}/is_dated", Read, "compatible", "True, False, or None for an unknown name.", |call| {
        Box::pin(compat::is_dated(call))
    })
    .gives(200, Text),
    post("/data_source_sync", InBody, "compatible", "The old service's start of a whole source.", |call| {
        Box::pin(compat::data_source_sync(call))
    })
    .reads("OldOrder")
    .gives(200, Text),
    post("/entity_sync", InBody, "compatible", "The old service's start of one entity.", |call| {
        Box::pin(compat::entity_sync(call))
    })
    .reads("OldOrder")
    .gives(200, Text),
    get("/", Open, "page", "The page for people.", |call| Box::pin(page::index(call))).gives(200, Html),
    get("/assets/{*file}", Open, "page", "What the page is made of.", |call| Box::pin(page::asset(call)))
        .gives(200, Asset),
];

/// A request that has been let in.
pub struct Call {
    pub app: Arc<App>,
    pub caller: Caller,
    pub who: Option<Who>,
    pub headers: HeaderMap,
    pub body: Bytes,
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

/// A person who is known by a token.
#[derive(Clone)]
pub struct Who {
    pub user: String,
    pub may_start: bool,
}

impl Who {
    pub fn of(person: &Person) -> Who {
        Who { user: person.user.clone(), may_start: person.may_start }
    }
}

impl Call {
    /// A part of the path.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query; one that is empty is none.
    pub fn query(&self, name: &str) -> Option<&str> {
        let given = self.query.iter().find(|(known, value)| known == name && !value.is_empty());
        given.map(|(_, value)| value.as_str())
    }

    /// The id of the event after which a follower wants to go on.
    pub fn last_event(&self) -> Option<&str> {
        self.headers.get("last-event-id")?.to_str().ok()
    }

    /// The language of titles: what the caller prefers, of those there are.
    pub fn language(&self) -> &'static str {
        let asked = self.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let known =
            asked.split(',').map(str::trim).find_map(|tag| ["ru", "en"].into_iter().find(|l| tag.starts_with(l)));
        known.unwrap_or("en")
    }

    /// The user, of a route that lets in nobody without a token.
    pub fn user(&self) -> String {
        self.who.as_ref().map(|who| who.user.clone()).unwrap_or_default()
    }

    /// The body as JSON: an empty one is an empty object.
    pub fn json(&self) -> Result<Value, Refusal> {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if self.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        if !kind.eq_ignore_ascii_case("application/json") {
            let message = "the body has to be JSON";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "input.type", message)
                .hint("send the header Content-Type: application/json"));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Refusal::new(StatusCode::BAD_REQUEST, "input.json", format!("the body is not JSON: {error}"))
        })
    }
}

pub fn router(app: &Arc<App>) -> axum::Router {
    let mut router = axum::Router::new();
    for route in ROUTES {
        let app = app.clone();
        let filter = match route.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
        };
        let handler = move |request: Request| async move {
            let mut seen = Seen { route: Some(route.path), user: None };
            let outcome = dispatch(&app, route, request, &mut seen).await;
            let mut reply = outcome.unwrap_or_else(Refusal::into_reply);
            reply.extensions_mut().insert(seen);
            reply
        };
        router = router.route(route.path, on(filter, handler));
    }
    router.fallback(nothing_there).method_not_allowed_fallback(not_so)
}

async fn nothing_there() -> Reply {
    let refusal =
        Refusal::not_found("there is nothing at this address").hint("GET /api/openapi.json tells what there is");
    refusal.into_reply()
}

/// The router adds which methods there are.
async fn not_so(request: Request) -> Reply {
    let message = format!("{} is not possible here", request.method());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", message)
        .hint(format!("the header {ALLOW} names what is"))
        .into_reply()
}

async fn dispatch(app: &Arc<App>, route: &Route, mut request: Request, seen: &mut Seen) -> Outcome {
    let params = match route.path.contains('{') {
        true => path(&mut request).await?,
        false => Vec::new(),
    };
    let (parts, body) = request.into_parts();
    let (caller, who) = admit(app, route, &parts)?;
    seen.user = who.as_ref().map(|who| who.user.clone());
    let query = query(route, &parts)?;
    let body = match route.body {
        None => Bytes::new(),
        Some(_) => match whole(body, app.options.body_limit).await {
            Ok(body) => body,
            Err((refusal, None)) => return Err(refusal),
            Err((refusal, Some(rest))) => return Ok(rest.lingering(refusal.into_reply())),
        },
    };
    (route.handler)(Call { app: app.clone(), caller, who, headers: parts.headers, body, params, query }).await
}

/// Lets a caller in, or not: by token, by right, and by how often it has asked. Who has no token is counted by address,
/// a wrong token too, so that nobody tries many.
fn admit(app: &App, route: &Route, parts: &Parts) -> Result<(Caller, Option<Who>), Refusal> {
    let token = bearer(&parts.headers);
    let person = token.and_then(|token| app.options.people.find(token));
    let address = parts.extensions.get::<From>().map(|from| from.0);
    let stranger = address.map_or(Caller::Others, Caller::stranger);
    let caller = person.map_or(stranger, |person| Caller::Person(person.number));
    let busy = |wait| Refusal::too_many("limit.rate", "too many requests", wait);
    // Probes come often, and cost nothing.
    if !matches!(route.path, "/healthz" | "/readyz") {
        app.rates.take(caller, Instant::now()).map_err(busy)?;
    }
    let who = person.map(Who::of);
    match route.access {
        Access::Open | Access::InBody => Ok((caller, who)),
        Access::Read if app.options.anyone_reads && token.is_none() => Ok((caller, None)),
        Access::Read | Access::Start if who.is_none() => Err(Refusal::unknown(token.is_some())),
        Access::Start if who.as_ref().is_some_and(|who| !who.may_start) => Err(read_only()),
        Access::Read | Access::Start => Ok((caller, who)),
    }
}

fn read_only() -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "auth.read_only", "this token only reads")
        .hint("ask for one that stands below [serve.tokens]")
}

async fn path(request: &mut Request) -> Result<Vec<(String, String)>, Refusal> {
    let params = request.extract_parts::<RawPathParams>().await;
    let params = params.map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "input.path", "the path is not UTF-8"))?;
    Ok(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The parameters of the query, all of them known and of the right kind.
fn query(route: &Route, parts: &Parts) -> Result<Vec<(String, String)>, Refusal> {
    let wrong = |name: &str, message: String| {
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, "input.query", message);
        let known: Vec<&str> = route.query.iter().map(|param| param.name).collect();
        match did_you_mean(name, known.iter().copied()) {
            Some(hint) => refusal.hint(hint),
            None if known.is_empty() => refusal.hint("this address takes none"),
            None => refusal.hint(format!("known here: {}", known.join(", "))),
        }
    };
    let unreadable = |_| wrong("", "the query cannot be read".to_owned());
    let Query(given) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(unreadable)?;
    // The old service took whatever stood there, and so do pages.
    if matches!(route.tag, "compatible" | "page") {
        return Ok(given);
    }
    for (at, (name, value)) in given.iter().enumerate() {
        let Some(param) = route.query.iter().find(|param| param.name == name) else {
            return Err(wrong(name, "there is no such parameter".to_owned()));
        };
        if given[..at].iter().any(|(known, _)| known == name) {
            return Err(wrong(name, format!("`{name}` is given twice")));
        }
        let fits = match param.holds {
            _ if value.is_empty() => true,
            Holds::Text => true,
            Holds::UpTo(most) => value.parse().is_ok_and(|number: u64| (1..=most).contains(&number)),
            Holds::Word(words) => words.contains(&value.as_str()),
        };
        if !fits {
            let expected = match param.holds {
                Holds::Text => "a text".to_owned(),
                Holds::UpTo(most) => format!("a whole number from 1 to {most}"),
                Holds::Word(words) => format!("one of {}", words.join(", ")),
            };
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "input.query", format!("`{name}` has to be {expected}")));
        }
    }
    let is_missing =
        |param: &&Param| param.is_needed && !given.iter().any(|(name, value)| name == param.name && !value.is_empty());
    match route.query.iter().find(is_missing) {
        Some(param) => Err(Refusal::new(StatusCode::BAD_REQUEST, "input.query", format!("`{}` is needed", param.name))),
        None => Ok(given),
    }
}
