//! From what an agent says of itself to what is written and shown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::health::seen::{Histogram, Job, Seen};
use super::lines::{Change, Lines, Note};
use crate::services::robot::client::agent::{Agent, BUCKETS, Counts};

/// When a robot has last changed its state.
#[derive(Clone)]
pub struct Changed(Arc<Mutex<Instant>>);

impl Changed {
    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn since(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// From now on every change of state, and whatever the agent has to say, is a line.
pub fn watch(agent: &Agent, lines: &Arc<Lines>) -> Changed {
    let changed = Changed(Arc::new(Mutex::new(Instant::now())));
    let (told, at) = (lines.clone(), changed.clone());
    agent.watch(Arc::new(move |turn| {
        at.now();
        told.tell(&Change { robot: &turn.robot, old: turn.old, event: &turn.event, new: turn.new, job: &turn.job });
    }));
    let (robot, lines) = (agent.name().to_owned(), lines.clone());
    agent.listen(Arc::new(move |line| {
        lines.note(&Note { robot: &robot, level: line.level, text: &line.text, job: &line.job });
    }));
    changed
}

/// The robot as it is shown outside; whether its algorithm gets on is not known here.
pub fn seen(agent: &Agent, changed: &Changed) -> Seen {
    let now = agent.snapshot();
    let ended = Counts::RESULTS.iter().zip(now.counts.results).map(|(status, count)| (status.word(), count));
    Seen {
        robot: now.robot,
        state: now.state.to_owned(),
        state_seconds: changed.since().as_secs_f64(),
        job: now.job.map(|(guid, name)| Job {
            guid,
            name,
            seconds: now.since.unwrap_or_default().as_secs_f64(),
            percent: now.progress.as_ref().map(|(percent, _)| *percent),
            doing: now.progress.map(|(_, doing)| doing),
        }),
        locked: now.is_locked,
        alive: true,
        heartbeat_age: now.last_good.map(|age| age.as_secs_f64()),
        interval: now.interval.as_secs_f64(),
        sent: now.counts.beats_sent,
        failed: now.counts.beats_failed,
        retries: now.counts.postponed,
        ended: ended.collect(),
        durations: Histogram {
            buckets: BUCKETS.iter().copied().zip(now.counts.times).collect(),
            count: now.counts.times.iter().sum(),
            sum: now.counts.time.as_secs_f64(),
        },
        outbox: now.outbox.unwrap_or_default() as u64,
        dead: now.counts.dead,
        kills: now.counts.kills,
        kill_seconds: now.counts.kill_time.as_secs_f64(),
        last_kill_seconds: now.counts.last_kill.map(|time| time.as_secs_f64()),
    }
}

/// So long by the agent's clock, as it passes.
pub fn real(agent: &Agent, time: Duration) -> Duration {
    agent.timing().scale(time.as_secs_f64())
}

/// One line for `systemctl status`.
pub fn summary(robots: &[Seen]) -> String {
    let busy = robots.iter().filter(|seen| seen.job.is_some()).count();
    let troubled: Vec<&str> =
        robots.iter().filter(|seen| seen.trouble().is_some()).map(|seen| seen.robot.as_str()).collect();
    let mut text = format!("{} robots, {busy} at work", robots.len());
    if !troubled.is_empty() {
        text.push_str(&format!("; not ready: {}", troubled.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_those_that_are_not_ready() {
        let well = Seen { locked: true, heartbeat_age: Some(1.0), interval: 10.0, ..Seen::default() };
        let busy = Seen { job: Some(Job::default()), ..well.clone() };
        let lost = Seen { robot: "lost".into(), ..Seen::default() };
        assert_eq!(summary(&[well, busy, lost]), "3 robots, 1 at work; not ready: lost");
    }
}
