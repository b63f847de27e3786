//! The simulated Orchestrator, and questions to it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use pult::sandbox::Settings;
use pult::sandbox::robot::Orchestrator;
use serde_json::{Value, json};

/// What takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Statuses of jobs, as both sides number them.
pub const PENDING: i64 = 1;
pub const ABORTING: i64 = 2;
pub const ABORTED: i64 = 3;
pub const SUCCESS: i64 = 4;
pub const FAILED: i64 = 5;
pub const STOPPING: i64 = 6;
pub const STOPPED: i64 = 7;
pub const RUNS: i64 = 8;

/// Whether nothing comes after it.
pub fn is_final(status: i64) -> bool {
    [ABORTED, SUCCESS, FAILED, STOPPED].contains(&status)
}

/// A request as the simulator remembers it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Seconds of the simulator's clock since it began.
    pub at: f64,
    /// `heartbeat`, `consume`, `update`, `log`, or the address of another call.
    pub route: String,
    pub method: String,
    pub fields: Value,
    /// The HTTP status it was answered with; 0 where it was not.
    pub status: i64,
    pub answer: Value,
}

impl Asked {
    fn of(line: &Value) -> Asked {
        let answer = text(&line["answer"]);
        let answer = serde_json::from_str(answer.trim_start_matches('\u{feff}')).unwrap_or(Value::String(answer));
        let route = match text(&line["route"]).as_str() {
            "robot/heartbeat" => "heartbeat".into(),
            "robot/consumeNextJob" => "consume".into(),
            "job/update" => "update".into(),
            "log/create" => "log".into(),
            other => other.to_owned(),
        };
        Asked {
            at: number(&line["seconds"]),
            route,
            method: text(&line["method"]),
            fields: line["fields"].clone(),
            status: number(&line["status"]) as i64,
            answer,
        }
    }

    /// A field of the form, whatever its name's case.
    pub fn field(&self, name: &str) -> String {
        let fields = self.fields.as_object().into_iter().flatten();
        fields
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| text(value))
            .next()
            .unwrap_or_default()
    }

    /// What the answer to a heartbeat asked for.
    pub fn code(&self) -> i64 {
        number(&self.answer["HeartbeatErrorCode"]) as i64
    }

    /// `heartbeat 2`, `consume`, `update 8`, `log`.
    pub fn word(&self) -> String {
        match self.route.as_str() {
            "heartbeat" | "update" => format!("{} {}", self.route, self.field("status")),
            route => route.to_owned(),
        }
    }
}

/// A number that may stand in a text.
pub fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The simulator, in this process.
pub struct Sim {
    orchestrator: Orchestrator,
    _runtime: tokio::runtime::Runtime,
}

impl Sim {
    pub fn start(changes: &[String]) -> Sim {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let knobs = Settings::parse(changes).unwrap().robot;
        let orchestrator = runtime.block_on(Orchestrator::start(knobs)).unwrap();
        Sim { orchestrator, _runtime: runtime }
    }

    /// `http://127.0.0.1:PORT`
    pub fn address(&self) -> String {
        self.orchestrator.address().to_string()
    }

    /// The simulator's own, as PEM.
    pub fn certificate(&self) -> String {
        self.orchestrator.certificate().unwrap().to_string()
    }

    /// `127.0.0.1:PORT`
    pub fn place(&self) -> String {
        self.address().trim_start_matches("http://").to_owned()
    }

    /// A question to the simulator about itself.
    pub fn look(&self, what: &str) -> Value {
        self.exchange(&format!("GET /_sandbox/{what} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n"))
    }

    /// A word to the simulator.
    pub fn tell(&self, what: &str, body: Value) -> Value {
        let body = body.to_string();
        self.exchange(&format!(
            "POST /_sandbox/{what} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn exchange(&self, request: &str) -> Value {
        let mut stream = TcpStream::connect(self.place()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{request}\n{answer}");
        serde_json::from_str(body).unwrap_or(Value::Null)
    }

    /// A job for the first robot.
    pub fn job(&self, name: &str) -> String {
        self.job_with(name, json!({}))
    }

    /// A job with these further words.
    pub fn job_with(&self, name: &str, more: Value) -> String {
        let mut body = json!({ "version": name });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        text(&self.tell("job", body)["guid"])
    }

    pub fn stop(&self, job: &str) {
        self.tell("stop", json!({ "job": job }));
    }

    pub fn abort(&self, job: &str) {
        self.tell("abort", json!({ "job": job }));
    }

    /// From now on this goes wrong: `fault("update", "status", json!({"status": 503, "times": 3}))`.
    pub fn fault(&self, route: &str, kind: &str, more: Value) {
        let mut body = json!({ "route": route, "kind": kind });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.tell("fault", body);
    }

    /// All goes well again.
    pub fn mend(&self) {
        self.tell("faults", json!({}));
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked_of("log")
    }

    fn asked_of(&self, what: &str) -> Vec<Asked> {
        self.look(what).as_array().unwrap().iter().map(Asked::of).collect()
    }

    /// The three calls of the framework in their order.
    pub fn story(&self) -> Vec<String> {
        let is_framework = |asked: &&Asked| ["heartbeat", "consume", "update"].contains(&asked.route.as_str());
        self.asked().iter().filter(is_framework).map(Asked::word).collect()
    }

    pub fn beats(&self) -> Vec<Asked> {
        self.asked_of("log?route=heartbeat")
    }

    pub fn working(&self) -> Vec<Asked> {
        self.beats().into_iter().filter(|beat| beat.field("status") == "3").collect()
    }

    /// The statuses that a job has had, from the first one.
    pub fn passage(&self, job: &str) -> Vec<i64> {
        let found = self.look(&format!("job?guid={job}"));
        found["history"].as_array().unwrap().iter().map(|step| number(&step["to"]) as i64).collect()
    }

    pub fn status(&self, job: &str) -> i64 {
        self.passage(job).last().copied().unwrap_or_default()
    }

    /// What robots have told: the level's number and the text, one a line.
    pub fn messages(&self) -> String {
        let told = self.look("messages");
        let lines = told.as_array().unwrap().iter();
        lines.map(|line| format!("{}: {}\n", text(&line["level"]), text(&line["text"]))).collect()
    }

    /// What of the invariants did not hold; once all agents have ended.
    pub fn broken(&self) -> Vec<String> {
        self.look("broken?over=1").as_array().unwrap().iter().map(text).collect()
    }

    /// Until it is so.
    #[track_caller]
    pub fn until(&self, what: &str, mut is_so: impl FnMut(&Sim) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < PATIENCE, "never: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[track_caller]
    pub fn until_status(&self, job: &str, status: i64) {
        self.until(&format!("status {status}"), |sim| {
            let now = sim.status(job);
            assert!(now == status || !is_final(now), "status {now} instead of {status}");
            now == status
        });
    }

    /// Until the answer to a heartbeat carried this code.
    #[track_caller]
    pub fn until_told(&self, code: i64) {
        self.until(&format!("code {code}"), |sim| sim.beats().iter().any(|beat| beat.code() == code));
    }
}
