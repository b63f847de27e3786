//! Faults that befall requests: by route, by count, by chance, for some time. `/_sandbox/fault` adds them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fields::Fields;
use crate::sandbox::mix::mix;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The connection is reset; nothing is done. On route `*` TLS connections are closed before their handshake.
    Refuse,
    /// The connection is reset after `bytes` of the answer's body.
    Reset,
    /// No answer comes; after `seconds`, when they are given, the connection is reset.
    Hang,
    /// The answer comes `seconds` later.
    Delay,
    /// It is done, and the connection is reset without an answer.
    Drop,
    /// It is done twice; the answer is the last one.
    Duplicate,
    /// The answer has this `status`, and `retry_after`.
    Status,
    /// A page of HTML with status 200, or with `status`.
    Html,
    /// An empty body.
    Empty,
    /// `body` is the answer, with `status` (200) and `content_type`.
    Body,
    /// `fields` are put over those of the answer, and those of `unset` are taken out.
    Set,
    /// The answer is cut after `bytes`, or in the middle.
    Truncated,
    /// Values of other kinds than expected.
    WrongTypes,
    /// Numbers as texts.
    TextNumbers,
    /// A byte order mark before the answer.
    Bom,
    /// The answer comes in pieces of `bytes` (8), `seconds` (1) apart.
    Drip,
    /// `knobs` are put over those of the simulator for this request.
    Knobs,
    /// TLS connections are met with the expired certificate (route `*`).
    Expired,
    /// TLS connections are met with the certificate of another host (route `*`).
    WrongHost,
    /// To `to`: `other` (this server under another name), `same`, or an address; with `status` (307).
    Redirect,
}

impl Kind {
    /// Whether the request is carried out, unless the fault says otherwise.
    fn is_applied(self) -> bool {
        !matches!(self, Kind::Refuse | Kind::Hang | Kind::Status | Kind::Redirect)
    }

    pub fn word(self) -> String {
        serde_json::to_value(self).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Whether a request's route is the one that is meant: `*`, one of four short names, the beginning of an address.
pub fn is_route(meant: &str, route: &str) -> bool {
    let whole = match meant {
        "*" => return true,
        "heartbeat" => "robot/heartbeat",
        "consume" => "robot/consumeNextJob",
        "update" => "job/update",
        "log" => "log/create",
        other => other.trim_matches('/'),
    };
    route.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// One fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `heartbeat`, `consume`, `update`, `log`, the beginning of an address below `/api/` (`queue`, `task/filter`), or `*`.
    #[serde(default = "every")]
    pub route: String,
    pub kind: Kind,
    /// So many times, and then no more.
    #[serde(default)]
    pub times: Option<u64>,
    /// Chance from 0 to 1 for each request.
    #[serde(default)]
    pub probability: Option<f64>,
    /// For so many seconds from now on.
    #[serde(default)]
    pub for_seconds: Option<f64>,
    /// Lets the first so many requests pass.
    #[serde(default)]
    pub skip: u64,
    /// Only requests whose fields are these: `{"status": 8}`.
    #[serde(default)]
    pub when: Map<String, Value>,
    /// Only requests of the robot with this GUID.
    #[serde(default)]
    pub robot: String,
    /// Whether the request is carried out; by itself it is where an answer with 2xx follows, or none at all.
    #[serde(default)]
    pub applied: Option<bool>,
    #[serde(default)]
    pub status: Option<u16>,
    /// The header `Retry-After`, seconds or a date.
    #[serde(default)]
    pub retry_after: Option<Value>,
    #[serde(default)]
    pub seconds: Option<f64>,
    #[serde(default)]
    pub bytes: Option<usize>,
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub content_type: Option<String>,
    #[serde(default)]
    pub fields: Map<String, Value>,
    #[serde(default)]
    pub unset: Vec<String>,
    #[serde(default)]
    pub to: Option<String>,
    #[serde(default)]
    pub knobs: Map<String, Value>,
    /// When it ends.
    #[serde(skip)]
    until: Option<f64>,
    /// How many requests it looked at; so that chance is the same each time.
    #[serde(skip)]
    looked: u64,
    /// Which of all faults it is; so that the chances of two are not the same.
    #[serde(skip)]
    number: u64,
}

fn every() -> String {
    "*".to_owned()
}

impl Fault {
    pub fn is_applied(&self) -> bool {
        self.applied.unwrap_or_else(|| self.kind.is_applied())
    }

    /// Whether the caller gets the whole answer, and in time as far as one can say.
    pub fn is_harmless(&self) -> bool {
        matches!(self.kind, Kind::Duplicate | Kind::Bom | Kind::TextNumbers | Kind::Knobs)
    }

    /// Whether whoever asks takes it that there is no use in asking again: a refusal for good, or an answer that says well
    /// and is not true.
    pub fn is_last_word(&self) -> bool {
        const ASK_AGAIN: [u16; 6] = [401, 403, 405, 408, 425, 429];
        let usual = if self.kind == Kind::Status { 500 } else { 200 };
        let status = self.status.unwrap_or(usual);
        let answers = matches!(self.kind, Kind::Status | Kind::Html | Kind::Empty | Kind::Body | Kind::Set);
        let is_refusal = (400..500).contains(&status) && !ASK_AGAIN.contains(&status);
        answers && (is_refusal || ((200..300).contains(&status) && !self.is_applied()))
    }

    fn is_tls(&self) -> bool {
        matches!(self.kind, Kind::Expired | Kind::WrongHost)
    }

    fn is_about(&self, route: &str, robot: &str, fields: &Fields) -> bool {
        let is_route = is_route(&self.route, route);
        let is_robot = self.robot.is_empty() || self.robot.eq_ignore_ascii_case(robot);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        is_route && is_robot && self.when.iter().all(|(name, value)| fields.text(name) == Some(text(value)))
    }

    /// Whether it strikes; its place among the faults and the seed decide about chance.
    fn strikes(&mut self, seed: u64, now: f64) -> bool {
        self.looked += 1;
        if self.until.is_some_and(|until| now > until) || self.looked <= self.skip || self.times == Some(0) {
            return false;
        }
        if let Some(probability) = self.probability {
            let draw = mix(mix(seed ^ self.number << 32) ^ mix(self.looked)) >> 11;
            if draw as f64 >= probability * (1u64 << 53) as f64 {
                return false;
            }
        }
        if let Some(times) = &mut self.times {
            *times -= 1;
        }
        true
    }

    fn is_spent(&self, now: f64) -> bool {
        self.times == Some(0) || self.until.is_some_and(|until| now > until)
    }
}

/// All faults, the oldest first.
pub struct Faults {
    all: Vec<Fault>,
    seed: u64,
    added: u64,
}

impl Faults {
    pub fn new(seed: u64) -> Faults {
        Faults { all: Vec::new(), seed, added: 0 }
    }

    pub fn add(&mut self, mut fault: Fault, now: f64) {
        fault.until = fault.for_seconds.map(|seconds| now + seconds);
        self.all.retain(|old| !old.is_spent(now));
        self.added += 1;
        fault.number = self.added;
        self.all.push(fault);
    }

    pub fn clear(&mut self) {
        self.all.clear();
    }

    pub fn all(&self) -> &[Fault] {
        &self.all
    }

    /// What befalls this request: all delays, and the first of the others.
    pub fn struck(&mut self, route: &str, robot: &str, fields: &Fields, now: f64) -> Vec<Fault> {
        let mut struck: Vec<Fault> = Vec::new();
        let mut has_other = false;
        for fault in &mut self.all {
            let is_delay = fault.kind == Kind::Delay;
            if fault.is_tls() || (has_other && !is_delay) || !fault.is_about(route, robot, fields) {
                continue;
            }
            if fault.strikes(self.seed, now) {
                has_other |= !is_delay;
                struck.push(fault.clone());
            }
        }
        struck
    }

    /// What a TLS connection is met with, when it is not the usual: closed (`Refuse`), or another certificate.
    pub fn handshake(&mut self, now: f64) -> Option<Kind> {
        let seed = self.seed;
        let about = |fault: &&mut Fault| {
            let is_all = fault.route == "*" && fault.robot.is_empty() && fault.when.is_empty();
            is_all && (fault.is_tls() || fault.kind == Kind::Refuse)
        };
        self.all.iter_mut().filter(about).find_map(|fault| fault.strikes(seed, now).then_some(fault.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(value: Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    fn strikes(faults: &mut Faults, route: &str, form: &str, now: f64) -> Vec<Kind> {
        let mut fields = Fields::default();
        fields.add_form(form);
        faults.struck(route, "r", &fields, now).iter().map(|fault| fault.kind).collect()
    }

    #[test]
    fn faults_are_bound_to_routes_counts_fields_and_times() {
        let mut faults = Faults::new(1);
        faults.add(
            fault(json!({"route": "update", "kind": "status", "times": 1, "skip": 1, "when": {"status": 8}})),
            0.0,
        );
        faults.add(fault(json!({"route": "*", "kind": "delay", "for_seconds": 5})), 0.0);
        faults.add(fault(json!({"route": "task", "kind": "drop"})), 0.0);
        assert_eq!(strikes(&mut faults, "job/update", "Status=8", 1.0), [Kind::Delay]);
        assert_eq!(strikes(&mut faults, "job/update", "Status=4", 1.0), [Kind::Delay]);
        assert_eq!(strikes(&mut faults, "job/update", "Status=8", 1.0), [Kind::Status, Kind::Delay]);
        assert_eq!(strikes(&mut faults, "job/update", "Status=8", 6.0), []);
        assert_eq!(strikes(&mut faults, "task/filter/read", "", 6.0), [Kind::Drop]);
        assert_eq!(strikes(&mut faults, "tasks", "", 6.0), []);
        assert!(serde_json::from_value::<Fault>(json!({"kind": "drop", "chance": 1})).is_err());
    }

    #[test]
    fn chance_is_the_same_each_time_and_about_what_was_asked_for() {
        let run = |seed| {
            let mut faults = Faults::new(seed);
            faults.add(fault(json!({"kind": "drop", "probability": 0.25})), 0.0);
            (0..1000).map(|_| !strikes(&mut faults, "x", "", 0.0).is_empty()).collect::<Vec<_>>()
        };
        let count = run(1).iter().filter(|&&hit| hit).count();
        assert!((180..320).contains(&count), "{count}");
        assert_eq!((run(1) == run(1), run(1) == run(2)), (true, false));
    }
}
