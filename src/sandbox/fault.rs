//! What the switches of simulators have in common: faults by chance or by count, and changes merged key by key.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One kind of fault: by chance, or for the next few requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Chance from 0 to 1 for each request, or whatever else the fault befalls.
    pub probability: f64,
    /// Hits the next N of them for certain, counting down.
    pub next: u64,
}

impl Fault {
    /// Whether it strikes now; `draw` is 64 random bits.
    pub fn strikes(&mut self, draw: impl FnOnce() -> u64) -> bool {
        if self.next > 0 {
            self.next -= 1;
            return true;
        }
        self.probability > 0.0 && ((draw() >> 11) as f64) < self.probability * (1u64 << 53) as f64
    }
}

/// These switches with the given changes merged in, key by key. The error says which key is wrong.
pub fn merged<T: Serialize + DeserializeOwned>(switches: &T, changes: &Value) -> Result<T, String> {
    let mut all = serde_json::to_value(switches).map_err(|error| error.to_string())?;
    merge(&mut all, changes);
    serde_json::from_value(all).map_err(|error| error.to_string())
}

fn merge(into: &mut Value, changes: &Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (key, change) in changes {
                merge(into.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
        (into, change) => *into = change.clone(),
    }
}
