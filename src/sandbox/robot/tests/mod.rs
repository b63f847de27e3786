//! The Orchestrator as clients meet it: stories told over HTTP, written from the reference.

mod faults;
mod invariants;
mod main_loop;
mod rest;

use base64::Engine;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::seed::FIRST;
use super::{Knobs, Orchestrator};

/// An Orchestrator and somebody who asks it.
struct Story {
    orchestrator: Orchestrator,
    client: Client,
    base: String,
}

async fn story(change: impl FnOnce(&mut Knobs)) -> Story {
    let mut knobs = Knobs::default();
    change(&mut knobs);
    let orchestrator = Orchestrator::start(knobs).await.unwrap();
    let base = orchestrator.address();
    let redirect = reqwest::redirect::Policy::none();
    // It trusts nobody: to read the system's certificates takes longer than most stories.
    let client = Client::builder().no_proxy().redirect(redirect).tls_certs_only([]).build().unwrap();
    Story { orchestrator, client, base }
}

/// The header as robots send it: the bare GUID.
fn basic(guid: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(guid))
}

/// Name and value pairs as a form.
fn form(fields: &[(&str, &str)]) -> String {
    let code = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    fields.iter().map(|(name, value)| format!("{name}={}", code(value))).collect::<Vec<_>>().join("&")
}

impl Story {
    fn request(&self, verb: Method, path: &str, guid: &str) -> RequestBuilder {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/{path}") };
        self.client.request(verb, format!("{}{path}", self.base)).header("Authorization", basic(guid))
    }

    /// Status and body; a body that is no JSON is a text.
    async fn said(request: RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// A form of the first robot.
    async fn form(&self, verb: Method, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        self.form_of(FIRST, verb, path, fields).await
    }

    async fn form_of(&self, guid: &str, verb: Method, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let request = self.request(verb, path, guid).header("Content-Type", "application/x-www-form-urlencoded");
        Story::said(request.body(form(fields))).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        self.form(Method::POST, path, fields).await
    }

    async fn put(&self, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        self.form(Method::PUT, path, fields).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        Story::said(self.request(Method::GET, path, FIRST)).await
    }

    /// A heartbeat of a robot.
    async fn beat_of(&self, guid: &str, status: &str, job: &str) -> Value {
        let fields = [
            ("RobotGUID", guid),
            ("Machine", "RPA-01"),
            ("IP", "10.0.0.7"),
            ("MAC", "AA-BB-CC-DD-EE-FF"),
            ("Status", status),
            ("JobGUID", job),
            ("JobName", ""),
            ("JobType", "1"),
        ];
        self.form_of(guid, Method::POST, "robot/heartbeat", &fields).await.1
    }

    async fn beat(&self, status: &str, job: &str) -> Value {
        self.beat_of(FIRST, status, job).await
    }

    async fn consume(&self) -> Value {
        self.post("robot/consumeNextJob", &[("RobotGUID", FIRST), ("Status", "2")]).await.1
    }

    /// Takes a job that has to be there; its GUID.
    async fn taken(&self) -> String {
        let answer = self.consume().await;
        assert_eq!(answer["ConsumeJobErrorCode"], 0, "{answer}");
        inner(&answer["Job"])["GUID"].as_str().unwrap().to_owned()
    }

    async fn update(&self, job: &str, status: i64) -> (u16, Value) {
        self.put("job/update", &[("guid", job), ("status", &status.to_string())]).await
    }

    /// A control call that has to go well.
    async fn control(&self, what: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}/_sandbox/{what}", self.base)).body(body.to_string());
        let (status, said) = Story::said(request).await;
        assert_eq!(status, 200, "{what}: {said}");
        said
    }

    async fn look(&self, what: &str) -> Value {
        let (status, said) = Story::said(self.client.get(format!("{}/_sandbox/{what}", self.base))).await;
        assert_eq!(status, 200, "{what}: {said}");
        said
    }

    /// A job for the first robot; its GUID.
    async fn job(&self, version: &str) -> String {
        self.control("job", json!({"version": version})).await["guid"].as_str().unwrap().to_owned()
    }

    async fn status(&self, job: &str) -> i64 {
        self.look(&format!("job?guid={job}")).await["status"].as_i64().unwrap()
    }

    /// The statuses that a job has had.
    async fn history(&self, job: &str) -> Vec<i64> {
        let shown = self.look(&format!("job?guid={job}")).await;
        shown["history"].as_array().unwrap().iter().map(|step| step["to"].as_i64().unwrap()).collect()
    }

    async fn advance(&self, seconds: f64) {
        self.control("advance", json!({"seconds": seconds})).await;
    }

    async fn broken(&self) -> Vec<String> {
        serde_json::from_value(self.look("broken?over=1").await).unwrap()
    }
}

/// JSON in a text.
fn inner(text: &Value) -> Value {
    serde_json::from_str(text.as_str().unwrap_or_else(|| panic!("no text: {text}"))).unwrap()
}
