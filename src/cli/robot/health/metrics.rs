//! Robots in numbers, in the text form of Prometheus.

use std::fmt::{Display, Write};

use super::seen::Seen;

/// A number of each robot.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    /// Nothing where there is no such number yet.
    of: fn(&Seen) -> Option<f64>,
}

const fn metric(name: &'static str, kind: &'static str, help: &'static str, of: fn(&Seen) -> Option<f64>) -> Metric {
    Metric { name, kind, help, of }
}

const METRICS: &[Metric] = &[
    metric("pult_robot_up", "gauge", "Whether the robot's algorithm gets on.", |seen| {
        Some(f64::from(u8::from(seen.alive)))
    }),
    metric("pult_robot_ready", "gauge", "Whether the robot can take work.", |seen| {
        Some(f64::from(u8::from(seen.trouble().is_none())))
    }),
    metric("pult_robot_working", "gauge", "Whether a job is under way.", |seen| {
        Some(f64::from(u8::from(seen.job.is_some())))
    }),
    metric("pult_robot_heartbeats_sent_total", "counter", "Heartbeats sent.", |seen| Some(seen.sent as f64)),
    metric("pult_robot_heartbeats_failed_total", "counter", "Heartbeats without a good answer.", |seen| {
        Some(seen.failed as f64)
    }),
    metric("pult_robot_heartbeat_age_seconds", "gauge", "Time since the last good heartbeat.", |seen| {
        seen.heartbeat_age
    }),
    metric("pult_robot_retries_total", "counter", "Deliveries that were tried again.", |seen| {
        Some(seen.retries as f64)
    }),
    metric("pult_robot_outbox_depth", "gauge", "Statuses and lines that wait to be delivered.", |seen| {
        Some(seen.outbox as f64)
    }),
    metric("pult_robot_dead_letters_total", "counter", "What the Orchestrator will never accept.", |seen| {
        Some(seen.dead as f64)
    }),
    metric("pult_robot_kills_total", "counter", "Jobs that were killed.", |seen| Some(seen.kills as f64)),
    metric(
        "pult_robot_kill_seconds_total",
        "counter",
        "Time from the wish to kill a job to its last process gone, all of them together.",
        |seen| Some(seen.kill_seconds),
    ),
    metric("pult_robot_kill_seconds_last", "gauge", "The same of the last one.", |seen| seen.last_kill_seconds),
];

/// All of it, in the text form 0.0.4.
pub fn text(robots: &[Seen]) -> String {
    let mut out = String::new();
    head(&mut out, "pult_build_info", "gauge", "The program that answers.");
    line(&mut out, "pult_build_info", &label("version", env!("CARGO_PKG_VERSION")), 1);
    for metric in METRICS {
        head(&mut out, metric.name, metric.kind, metric.help);
        for seen in robots {
            if let Some(value) = (metric.of)(seen) {
                line(&mut out, metric.name, &label("robot", &seen.robot), value);
            }
        }
    }
    head(&mut out, "pult_robot_jobs_total", "counter", "Jobs that have ended, by their status.");
    for seen in robots {
        for (status, count) in &seen.ended {
            let labels = format!("{},{}", label("robot", &seen.robot), label("status", status));
            line(&mut out, "pult_robot_jobs_total", &labels, count);
        }
    }
    head(&mut out, "pult_robot_job_seconds", "histogram", "How long jobs took.");
    robots.iter().for_each(|seen| durations(&mut out, seen));
    out
}

fn durations(out: &mut String, seen: &Seen) {
    let (robot, histogram) = (label("robot", &seen.robot), &seen.durations);
    let mut below = 0;
    for (bound, count) in &histogram.buckets {
        below += count;
        line(out, "pult_robot_job_seconds_bucket", &format!("{robot},le=\"{bound}\""), below);
    }
    line(out, "pult_robot_job_seconds_bucket", &format!("{robot},le=\"+Inf\""), histogram.count);
    line(out, "pult_robot_job_seconds_sum", &robot, histogram.sum);
    line(out, "pult_robot_job_seconds_count", &robot, histogram.count);
}

// Writing into a text cannot fail.

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: impl Display) {
    let _ = writeln!(out, "{name}{{{labels}}} {value}");
}

fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::robot::health::seen::{Histogram, Job};

    #[test]
    fn robots_are_told_in_the_form_of_prometheus() {
        let main = Seen {
            robot: "main".into(),
            locked: true,
            alive: true,
            job: Some(Job::default()),
            heartbeat_age: Some(2.5),
            interval: 10.0,
            sent: 7,
            failed: 1,
            ended: vec![("success", 3), ("failed", 0)],
            durations: Histogram { buckets: vec![(1.0, 2), (10.0, 1)], count: 4, sum: 123.5 },
            outbox: 2,
            last_kill_seconds: Some(0.25),
            ..Seen::default()
        };
        let text = text(&[main, Seen { robot: "qu\"ote".into(), ..Seen::default() }]);
        for line in [
            "pult_robot_ready{robot=\"main\"} 1",
            "pult_robot_ready{robot=\"qu\\\"ote\"} 0",
            "pult_robot_working{robot=\"main\"} 1",
            "pult_robot_heartbeats_sent_total{robot=\"main\"} 7",
            "pult_robot_heartbeats_failed_total{robot=\"main\"} 1",
            "pult_robot_heartbeat_age_seconds{robot=\"main\"} 2.5",
            "pult_robot_outbox_depth{robot=\"main\"} 2",
            "pult_robot_kill_seconds_last{robot=\"main\"} 0.25",
            "pult_robot_jobs_total{robot=\"main\",status=\"success\"} 3",
            "pult_robot_job_seconds_bucket{robot=\"main\",le=\"1\"} 2",
            "pult_robot_job_seconds_bucket{robot=\"main\",le=\"10\"} 3",
            "pult_robot_job_seconds_bucket{robot=\"main\",le=\"+Inf\"} 4",
            "pult_robot_job_seconds_sum{robot=\"main\"} 123.5",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in:\n{text}");
        }
        assert!(!text.contains("heartbeat_age_seconds{robot=\"qu"));
    }
}
