//! Requests and answers as bytes, and who answers which address.

use super::control;
use super::params::{read_json, read_query};
use super::sim::Sim;
use crate::sandbox::http::{Ending, Peer, Site};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::{Method, Response};
use serde_json::Value;
use std::net::IpAddr;

/// A request as the portal sees it.
pub struct Request {
    pub source: IpAddr,
    pub is_post: bool,
    pub path: String,
    pub query: String,
    pub content_type: String,
    /// The header `Idempotency-Key`.
    pub key: Option<String>,
    pub body: Bytes,
}

/// An answer.
pub struct Page {
    pub status: u16,
    pub content_type: &'static str,
    pub location: Option<String>,
    /// `Idempotent-Replayed: true`
    pub replayed: bool,
    pub body: Vec<u8>,
}

/// How a request ends.
pub enum Outcome {
    Answer(Page),
    /// The connection is reset.
    Reset,
}

impl Outcome {
    /// A JSON answer.
    pub fn json(status: u16, body: Vec<u8>) -> Outcome {
        Outcome::Answer(Page {
            status,
            content_type: "application/json; charset=utf-8",
            location: None,
            replayed: false,
            body,
        })
    }

    /// A page a gateway would send.
    pub fn html(status: u16, body: String) -> Outcome {
        Outcome::Answer(Page {
            status,
            content_type: "text/html",
            location: None,
            replayed: false,
            body: body.into_bytes(),
        })
    }

    /// 302 to another address.
    pub fn found(location: String) -> Outcome {
        Outcome::Answer(Page {
            status: 302,
            content_type: "text/html",
            location: Some(location),
            replayed: false,
            body: Vec::new(),
        })
    }
}

/// How many requests are worked on at this moment; leaves with the request, also when the client goes away.
struct Active<'a>(&'a Sim);

impl<'a> Active<'a> {
    fn enter(sim: &'a Sim) -> Active<'a> {
        let mut counters = sim.counters();
        counters.active += 1;
        counters.max_active = counters.max_active.max(counters.active);
        Active(sim)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        let mut counters = self.0.counters();
        counters.active = counters.active.saturating_sub(1);
    }
}

impl Site for Sim {
    fn connected(&self) {
        self.counters().connections += 1;
    }

    fn max_body(&self) -> usize {
        self.knobs().max_body
    }

    fn too_large(&self) -> Ending<Sim> {
        ending(Outcome::html(413, "413 Request Entity Too Large".to_owned()))
    }

    async fn answer(&self, peer: Peer, request: hyper::Request<Bytes>) -> Ending<Sim> {
        let (head, body) = request.into_parts();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let request = Request {
            source: peer.ip,
            is_post: head.method == Method::POST,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            content_type: header("content-type").unwrap_or_default(),
            key: header("idempotency-key"),
            body,
        };
        ending(match head.method {
            Method::GET | Method::POST => routed(self, request).await,
            _ => Outcome::html(405, "405 Not Allowed".to_owned()),
        })
    }
}

/// The outcome as the listener sends it. A header that cannot be sent, from a `moved_to` that is no address, resets.
fn ending(outcome: Outcome) -> Ending<Sim> {
    let Outcome::Answer(page) = outcome else { return Ending::Reset };
    let mut response = Response::builder().status(page.status).header(CONTENT_TYPE, page.content_type);
    if let Some(location) = page.location {
        response = response.header(LOCATION, location);
    }
    if page.replayed {
        response = response.header("Idempotent-Replayed", "true");
    }
    response.body(Full::new(Bytes::from(page.body))).map_or(Ending::Reset, Ending::Answer)
}

async fn routed(sim: &Sim, request: Request) -> Outcome {
    if request.path.starts_with("/_sandbox/") {
        return control::answer(sim, &request);
    }
    let active = Active::enter(sim);
    let outcome = match request.path.trim_end_matches('/') {
        "/oauth/token" => control::token(sim, &form(&request)),
        "/oauth/authorize" => control::authorize(sim, &form(&request)),
        path if path.starts_with("/rest/") => sim.rest(request).await,
        _ => Outcome::html(404, "404 Not Found".to_owned()),
    };
    drop(active);
    outcome
}

/// Query and body of an authorization request; what cannot be read is left out.
fn form(request: &Request) -> Value {
    let mut all = read_query(request.query.as_bytes()).unwrap_or_default();
    if request.content_type.contains("json") {
        if let Ok(Value::Object(map)) = read_json(&request.body) {
            all.extend(map);
        }
    } else {
        all.extend(read_query(&request.body).unwrap_or_default());
    }
    Value::Object(all)
}
