//! A robot as it is shown outside: in /state, in the metrics, in what is told of its health.

use serde::Serialize;

/// Without anything secret. Times are seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Seen {
    pub robot: String,
    /// Of the agent's state machine.
    pub state: String,
    /// How long it has been in this state.
    pub state_seconds: f64,
    /// The job under way.
    pub job: Option<Job>,
    /// This process holds the robot's lock.
    pub locked: bool,
    /// Its algorithm gets on.
    pub alive: bool,
    /// Since the last heartbeat that was answered well; none when there was none.
    pub heartbeat_age: Option<f64>,
    /// Usual time between two heartbeats.
    pub interval: f64,
    pub sent: u64,
    pub failed: u64,
    pub retries: u64,
    /// Ended jobs, by their status.
    pub ended: Vec<(&'static str, u64)>,
    pub durations: Histogram,
    /// What waits to be delivered.
    pub outbox: u64,
    /// What will never be accepted.
    pub dead: u64,
    /// Jobs that were killed.
    pub kills: u64,
    /// From the wish to kill a job to its last process gone: of all of them together, and of the last.
    pub kill_seconds: f64,
    pub last_kill_seconds: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Job {
    pub guid: String,
    pub name: String,
    /// Since it was handed out.
    pub seconds: f64,
    /// What it says of its progress.
    pub percent: Option<f64>,
    pub doing: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Histogram {
    /// Upper bounds, and how many lay under each and above the one before.
    pub buckets: Vec<(f64, u64)>,
    /// All of them, those above the last bound too.
    pub count: u64,
    pub sum: f64,
}

/// So many intervals without a good heartbeat, and a robot is not ready.
const MISSED: f64 = 3.0;

impl Seen {
    /// Why this robot is not ready to take work; nothing when it is.
    pub fn trouble(&self) -> Option<String> {
        if !self.locked {
            return Some("its lock is not held by this process".into());
        }
        match self.heartbeat_age {
            None => Some("no heartbeat was answered yet".into()),
            Some(age) if age > MISSED * self.interval => Some(format!("the last good heartbeat was {age:.0} s ago")),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_robot_is_ready_while_it_holds_its_lock_and_was_heard_lately() {
        let seen = Seen { locked: true, heartbeat_age: Some(29.0), interval: 10.0, ..Seen::default() };
        assert_eq!(seen.trouble(), None);
        for broken in [
            Seen { locked: false, ..seen.clone() },
            Seen { heartbeat_age: None, ..seen.clone() },
            Seen { heartbeat_age: Some(31.0), ..seen },
        ] {
            assert!(broken.trouble().is_some(), "{broken:?}");
        }
    }
}
