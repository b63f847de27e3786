//! The controller as clients meet it: stories told over HTTP.

mod faults;
mod lists;
mod machines;
mod media;
mod odd;
mod streams;
mod tasks;

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Controller, Knobs};

/// A controller and somebody with a token.
struct Story {
    controller: Controller,
    client: Client,
    token: String,
    base: String,
}

/// A controller whose tasks are over at once, unless the story says otherwise.
async fn story(change: impl FnOnce(&mut Knobs)) -> Story {
    let mut knobs = Knobs { task_ms: 5.0, agent_ms: 0.0, ..Knobs::default() };
    change(&mut knobs);
    let controller = Controller::start(knobs).await.unwrap();
    let (token, base) = (controller.token(), format!("http://{}", controller.address()));
    let redirect = reqwest::redirect::Policy::none();
    // It trusts nobody: to read the system's certificates takes longer than most stories.
    let client = Client::builder().no_proxy().redirect(redirect).tls_certs_only([]).build().unwrap();
    Story { controller, client, token, base }
}

impl Story {
    fn request(&self, verb: Method, path: &str) -> RequestBuilder {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/{path}") };
        self.client.request(verb, format!("{}{path}", self.base)).header("Authorization", &self.token)
    }

    /// Status and body.
    async fn said(request: RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        Story::said(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        Story::said(self.request(Method::POST, path).body(body.to_string())).await
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        Story::said(self.request(Method::PUT, path).body(body.to_string())).await
    }

    /// A read that has to go well.
    #[track_caller]
    fn good(&self, path: &str) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let (status, body) = self.get(path).await;
            assert_eq!(status, 200, "{place}: {body}");
            body
        }
    }

    /// A write that waits and has to go well.
    async fn done(&self, path: &str, body: Value) -> Value {
        let (status, said) = self.post(path, body).await;
        assert_eq!(status, 200, "{path}: {said}");
        said
    }

    async fn knobs(&self, changes: Value) {
        let (status, said) = self.post("/_sandbox/knobs", changes).await;
        assert_eq!(status, 200, "{said}");
    }

    async fn counters(&self) -> Value {
        self.good("/_sandbox/counters").await
    }

    /// The ids of a list.
    async fn ids(&self, path: &str) -> Vec<String> {
        let page = self.good(path).await;
        page["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    /// One machine that is off, and one that is on.
    async fn off(&self) -> String {
        self.ids("domains/?power_state=OFF&template=0&limit=1").await.remove(0)
    }

    async fn on(&self) -> String {
        self.ids("domains/?power_state=ON&limit=1").await.remove(0)
    }

    async fn template(&self) -> String {
        self.ids("domains/?template=1&limit=1").await.remove(0)
    }

    /// Waits until a task is over; the task.
    async fn over(&self, said: &Value) -> Value {
        let id = said["_task"]["id"].as_str().unwrap_or_else(|| panic!("no task: {said}")).to_owned();
        for _ in 0..500 {
            let task = self.good(&format!("tasks/{id}/")).await;
            if task["status"] != "IN_PROGRESS" {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the task does not end");
    }
}

fn error(body: &Value) -> &str {
    body["errors"][0]["detail"].as_str().unwrap_or_default()
}
