//! What a portal answers, for the tests.

use serde_json::{Map, Value, json};

pub use crate::core::tests::server::{Reply, Seen, Server};

impl Seen {
    /// The last part of the path.
    pub fn method(&self) -> &str {
        self.path.split('?').next().unwrap().rsplit('/').next().unwrap()
    }

    /// The commands of a batch, by name.
    pub fn commands(&self) -> Vec<(String, String)> {
        let body = self.json();
        let commands = body["cmd"].as_object().unwrap();
        commands.iter().map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned())).collect()
    }
}

impl Server {
    pub fn webhook(&self) -> String {
        format!("http://{}/rest/1/t0pS3cretCode/", self.address)
    }
}

pub fn ok(result: Value) -> Reply {
    Reply::Text(200, json!({ "result": result, "time": {} }).to_string())
}

pub fn fails(status: u16, code: &str, text: &str) -> Reply {
    Reply::Text(status, json!({ "error": code, "error_description": text }).to_string())
}

/// What a command gives: a result, or a code and a text.
pub type Given = Result<Value, (&'static str, &'static str)>;

/// Answers a batch, command by command; `None` leaves a command out.
pub fn batch(seen: &Seen, answer: impl Fn(&str) -> Option<Given>) -> Reply {
    let (mut results, mut errors) = (Map::new(), Map::new());
    for (name, command) in seen.commands() {
        match answer(&command) {
            Some(Ok(result)) => drop(results.insert(name, result)),
            Some(Err((code, text))) => {
                errors.insert(name, json!({ "error": code, "error_description": text }));
            }
            None => {}
        }
    }
    let maybe_list = |map: Map<String, Value>| if map.is_empty() { json!([]) } else { Value::Object(map) };
    ok(
        json!({ "result": maybe_list(results), "result_error": maybe_list(errors), "result_total": [], "result_next": [], "result_time": [] }),
    )
}
