//! The switches of the server: encryption, durations, faults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::fault::{Fault, merged};

/// Every switch. Changed while it runs by `EXEC sandbox.knobs @changes = N'{…}'`, except where *at start* is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// *At start.* Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// *At start.* What the data and the chances are made from.
    pub seed: u64,
    /// The only login.
    pub user: String,
    pub password: String,
    /// What is agreed on before the login; strict encryption (TDS 8) is always answered.
    pub encryption: Encryption,
    /// How long a second of the table of durations takes, in seconds: 0.001 makes a millisecond of it.
    pub scale: f64,
    /// Milliseconds for each stage (`{"prep": 100}`) in place of the table of durations; `scale` does not count then.
    pub durations: BTreeMap<String, f64>,
    /// Milliseconds before every answer.
    pub latency_ms: f64,
    /// Milliseconds more for every procedure of the catalogue.
    pub slow_ms: f64,
    /// What procedures of the catalogue PRINT: `{stage}`, `{entity}` and `{code}` are filled in.
    pub messages: Vec<String>,
    /// Steps that fail.
    pub fail: Vec<Failure>,
    /// A procedure of the catalogue becomes a deadlock victim (1205).
    pub deadlock: Fault,
    /// The connection is lost in the middle of a procedure of the catalogue.
    pub drop: Fault,
    /// A procedure of the catalogue never ends; attention stops it.
    pub hang: Fault,
    /// A login is refused (18456) though it is right.
    pub refuse_login: Fault,
    /// *At start.* Connections held at once; more are refused.
    pub max_connections: usize,
    /// Largest request in bytes.
    pub max_request: usize,
    /// Calls kept in the log; the oldest go first.
    pub max_calls: usize,
}

/// What the server has to offer before the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// It has no certificate.
    Off,
    /// The client decides: the login alone or everything, but a client without TLS gets in too.
    Login,
    /// Everything, except with a client that has no TLS.
    On,
    /// Everything; a client that has no TLS is sent away.
    Required,
}

/// A step that fails. What is empty fits everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Failure {
    pub stage: String,
    pub entity: String,
    pub code: String,
    pub number: i32,
    pub severity: u8,
    pub state: u8,
    pub text: String,
    /// How often; 0 is always.
    pub times: u64,
}

impl Default for Failure {
    fn default() -> Self {
        let any = String::new;
        let text = "The step was told to fail.".to_owned();
        Failure { stage: any(), entity: any(), code: any(), number: 50000, severity: 16, state: 1, text, times: 1 }
    }
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs {
            port: 0,
            seed: 1,
            user: "sa".to_owned(),
            password: "Sandbox-1".to_owned(),
            encryption: Encryption::Login,
            scale: 0.001,
            durations: BTreeMap::new(),
            latency_ms: 0.0,
            slow_ms: 0.0,
            messages: Vec::new(),
            fail: Vec::new(),
            deadlock: Fault::default(),
            drop: Fault::default(),
            hang: Fault::default(),
            refuse_login: Fault::default(),
            max_connections: 1024,
            max_request: 64 << 20,
            max_calls: 10_000,
        }
    }
}

impl Knobs {
    /// These knobs with the given changes merged in, key by key. The error says which key is wrong.
    pub fn merged(&self, changes: &Value) -> Result<Knobs, String> {
        merged(self, changes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_merged_key_by_key_and_a_misspelt_one_is_named() {
        let knobs =
            Knobs::default().merged(&json!({"latency_ms": 5, "hang": {"next": 2}, "encryption": "off"})).unwrap();
        assert_eq!((knobs.latency_ms, knobs.hang.next, knobs.encryption), (5.0, 2, Encryption::Off));
        assert_eq!(knobs.user, "sa");
        let knobs = knobs.merged(&json!({"fail": [{"stage": "crude", "number": 547}]})).unwrap();
        assert_eq!((knobs.fail[0].stage.as_str(), knobs.fail[0].severity, knobs.fail[0].times), ("crude", 16, 1));
        let error = Knobs::default().merged(&json!({"latency": 5})).unwrap_err();
        assert!(error.contains("latency"), "{error}");
    }
}
