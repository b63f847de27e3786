//! TEMPORARY
use std::sync::Arc;
use std::time::Duration;
use super::health::seen::Seen;
use super::lines::{Change, Lines};
use crate::services::robot::client::agent::Agent;

pub fn watch(agent: &Agent, lines: &Arc<Lines>) {
    let lines = lines.clone();
    agent.watch(Arc::new(move |turn| {
        lines.tell(&Change { robot: &turn.robot, old: turn.old, event: &turn.event, new: turn.new, job: &turn.job });
    }));
}
pub fn seen(name: &str, _agent: &Agent) -> Seen { Seen { robot: name.to_owned(), ..Seen::default() } }
pub fn real(_agent: &Agent, time: Duration) -> Duration { time }
pub fn grace(_agent: &Agent) -> Duration { Duration::from_secs(30) }
pub fn summary(_seen: &[Seen]) -> String { String::new() }
