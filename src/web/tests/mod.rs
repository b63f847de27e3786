//! The service, asked as its callers ask.

mod compat;
mod desk;
mod document;
mod doors;
mod runs;
mod sockets;
mod streams;

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::Value;

use super::answer::Reply;
use super::options::Options;
use super::service::Service;
use desk::{Fake, Shared};

/// Who may start runs.
pub const PORTAL: &str = "portal-token-0123456789";
/// Who may only read.
pub const SCREEN: &str = "screen-token-0123456789";

/// A service over an engine that does as the test says.
pub struct Stage {
    pub desk: Arc<Fake>,
    pub service: Arc<Service>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Stage {
    pub fn new() -> Stage {
        Stage::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Options)) -> Stage {
        let desk = Fake::new();
        let mut options = Options::new().unwrap();
        assert!(options.people.admit("portal", PORTAL, true) && options.people.admit("screen", SCREEN, false));
        options.rate = 0.0;
        change(&mut options);
        let service = Service::new(Arc::new(Shared(desk.clone())), options, |_| {}).unwrap();
        Stage { desk, service }
    }

    /// The answer to a request, its body unread.
    pub async fn reply(&self, request: Request<Body>) -> Reply {
        self.service.answer(IpAddr::from([127, 0, 0, 1]), request).await
    }

    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.reply(request).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(request("GET", path, Some(PORTAL), "")).await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask(request("POST", path, Some(PORTAL), body)).await
    }

    /// Starts a payment run and gives its id.
    pub async fn start(&self) -> String {
        let answer = self.post("/api/runs", r#"{"name":"payment","code":"0c06","month":7,"year":2019}"#).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a run has ended, and gives it.
    pub async fn ended(&self, id: &str) -> Value {
        for _ in 0..500 {
            let run = self.get(&format!("/api/runs/{id}")).await.json();
            if !matches!(run["state"].as_str(), Some("running" | "waiting")) && !self.service.app().board.is_running() {
                return run;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("{id} does not end");
    }
}

pub fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body(Body::from(body.to_owned())).unwrap()
}
