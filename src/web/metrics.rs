//! Counters of the service, and their text for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::board::{Board, Ended, word};
use super::limits::Streams;

/// Upper bounds of what a request may take, in seconds.
const REQUEST: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The same for a step: from seconds to hours.
const STEP: &[f64] = &[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0];

pub struct Metrics {
    since: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By method, route and status.
    requests: BTreeMap<(&'static str, &'static str, u16), u64>,
    /// By method and route.
    durations: BTreeMap<(&'static str, &'static str), Histogram>,
    /// Ended ones, by state.
    runs: BTreeMap<String, u64>,
    /// Ended ones, by stage and state.
    steps: BTreeMap<(String, String), u64>,
    /// By stage.
    step_seconds: BTreeMap<String, Histogram>,
}

struct Histogram {
    bounds: &'static [f64],
    /// One more than there are bounds: what is longer than all of them.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Histogram {
        Histogram { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    fn add(&mut self, value: f64) {
        let place = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.counts[place] += 1;
        self.sum += value;
    }

    fn write(&self, out: &mut String, name: &str, labels: &str) {
        let mut count = 0;
        let bounds = self.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, own) in bounds.zip(&self.counts) {
            count += own;
            line(out, &format!("{name}_bucket"), &format!("{labels},le=\"{bound}\""), count);
        }
        line(out, &format!("{name}_sum"), labels, self.sum);
        line(out, &format!("{name}_count"), labels, count);
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    pub fn new() -> Metrics {
        Metrics { since: Instant::now(), inner: Mutex::default() }
    }

    pub fn request(&self, method: &'static str, route: &'static str, status: u16, took: Duration) {
        let mut inner = self.lock();
        *inner.requests.entry((method, route, status)).or_default() += 1;
        inner.durations.entry((method, route)).or_insert_with(|| Histogram::new(REQUEST)).add(took.as_secs_f64());
    }

    pub fn ended(&self, ended: &Ended) {
        let mut inner = self.lock();
        match ended {
            Ended::Run(state) => *inner.runs.entry(word(state)).or_default() += 1,
            Ended::Step { stage, state, seconds } => {
                *inner.steps.entry((stage.clone(), word(state))).or_default() += 1;
                if let Some(seconds) = seconds {
                    let histogram = inner.step_seconds.entry(stage.clone());
                    histogram.or_insert_with(|| Histogram::new(STEP)).add(*seconds);
                }
            }
        }
    }

    /// All of it, in the text form 0.0.4.
    pub fn text(&self, board: &Board, streams: &Streams) -> String {
        let mut out = String::new();
        head(&mut out, "pult_build_info", "gauge", "The program that answers.");
        line(&mut out, "pult_build_info", &label("version", env!("CARGO_PKG_VERSION")), 1);
        let started =
            SystemTime::now().checked_sub(self.since.elapsed()).and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        head(&mut out, "process_start_time_seconds", "gauge", "When it started, in seconds since 1970.");
        line(&mut out, "process_start_time_seconds", "", started.unwrap_or_default().as_secs_f64());
        head(&mut out, "pult_event_streams", "gauge", "Streams of events that are open.");
        line(&mut out, "pult_event_streams", "", streams.open());
        head(&mut out, "pult_runs_under_way", "gauge", "Runs that have not ended.");
        let states = board.states();
        for state in ["running", "waiting"] {
            line(
                &mut out,
                "pult_runs_under_way",
                &label("state", state),
                states.get(state).copied().unwrap_or_default(),
            );
        }
        self.counted(&mut out);
        out
    }

    fn counted(&self, out: &mut String) {
        let inner = self.lock();
        head(out, "pult_runs_total", "counter", "Runs that have ended, by how.");
        for (state, count) in &inner.runs {
            line(out, "pult_runs_total", &label("state", state), count);
        }
        head(out, "pult_steps_total", "counter", "Steps that have ended, by stage and how.");
        for ((stage, state), count) in &inner.steps {
            line(out, "pult_steps_total", &format!("{},{}", label("stage", stage), label("state", state)), count);
        }
        head(out, "pult_step_seconds", "histogram", "How long procedures took.");
        for (stage, histogram) in &inner.step_seconds {
            histogram.write(out, "pult_step_seconds", &label("stage", stage));
        }
        head(out, "pult_http_requests_total", "counter", "Requests answered.");
        for ((method, route, status), count) in &inner.requests {
            let labels = format!("{},{},status=\"{status}\"", label("method", method), label("route", route));
            line(out, "pult_http_requests_total", &labels, count);
        }
        head(out, "pult_http_request_seconds", "histogram", "Time until an answer began.");
        for ((method, route), histogram) in &inner.durations {
            let labels = format!("{},{}", label("method", method), label("route", route));
            histogram.write(out, "pult_http_request_seconds", &labels);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// Writing into a text cannot fail.

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = match labels {
        "" => writeln!(out, "{name} {value}"),
        labels => writeln!(out, "{name}{{{labels}}} {value}"),
    };
}

fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::sp::client::run::{RunState, StepState};

    #[test]
    fn what_was_counted_is_told_in_the_form_of_prometheus() {
        let metrics = Metrics::new();
        metrics.request("GET", "/api/status", 200, Duration::from_micros(700));
        metrics.request("GET", "/api/status", 200, Duration::from_secs(60));
        metrics.request("GET", "/api/status", 401, Duration::from_millis(2));
        metrics.ended(&Ended::Run(RunState::Failed));
        let step = Ended::Step { stage: "pr\"ep".into(), state: StepState::TimedOut, seconds: Some(20.0) };
        metrics.ended(&step);
        let text = metrics.text(&Board::new(), &Streams::new(1));
        for line in [
            "pult_http_requests_total{method=\"GET\",route=\"/api/status\",status=\"200\"} 2",
            "pult_http_requests_total{method=\"GET\",route=\"/api/status\",status=\"401\"} 1",
            "pult_http_request_seconds_bucket{method=\"GET\",route=\"/api/status\",le=\"0.001\"} 1",
            "pult_http_request_seconds_bucket{method=\"GET\",route=\"/api/status\",le=\"30\"} 2",
            "pult_http_request_seconds_bucket{method=\"GET\",route=\"/api/status\",le=\"+Inf\"} 3",
            "pult_http_request_seconds_count{method=\"GET\",route=\"/api/status\"} 3",
            "pult_runs_total{state=\"failed\"} 1",
            "pult_runs_under_way{state=\"running\"} 0",
            "pult_steps_total{stage=\"pr\\\"ep\",state=\"timed_out\"} 1",
            "pult_step_seconds_bucket{stage=\"pr\\\"ep\",le=\"60\"} 1",
            "pult_event_streams 0",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in:\n{text}");
        }
        let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        assert_eq!(names.len(), 9, "{names:?}");
    }
}
