//! Which status a job gets: from how it ended, and what it was asked for. Pure.

use super::journal::Asks;
use super::shapes::{JobStatus, Level};
use super::work::{Ending, How};

/// In [`Asks`]: the operator wanted it. Anything else there is a sentence.
pub const OPERATOR: &str = "operator";

/// What is said of a job that the agent's own end, or that of the computer, took along.
pub const INTERRUPTED: &str = "interrupted by restart";

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub status: JobStatus,
    /// One sentence; empty when there is nothing to say.
    pub reason: String,
}

impl Verdict {
    /// How grave the line is that tells the reason.
    pub fn level(&self) -> Level {
        match self.status {
            JobStatus::Failed => Level::Error,
            JobStatus::Success => Level::Warning,
            _ => Level::Info,
        }
    }
}

/// `always`: a job that ends well after a request to stop counts as stopped, whether it noticed the request or not.
pub fn judge(ending: &Ending, asks: &Asks, always: bool) -> Verdict {
    let is_asked = asks.stop.is_some() || asks.kill.is_some();
    let (status, reason) = match &ending.how {
        How::Returned if asks.stop.is_some() && (ending.observed || always) => stopped(asks),
        How::Returned => (JobStatus::Success, String::new()),
        How::Stopped if is_asked => stopped(asks),
        How::Stopped => failed("it ended as if it had been asked to stop, and nobody had asked"),
        How::Exited(status) => failed(format!("exit code {status}")),
        How::Signal(signal) => failed(format!("ended by signal {signal}")),
        How::Thrown(message) => failed(message),
        How::Limit(limit) => failed(format!("limit exceeded: {limit}")),
        How::Killed => killed(asks.kill.as_deref()),
        How::Orphaned => failed(INTERRUPTED),
        How::NotStarted(why) => never_began(asks, why),
    };
    let is_own = !matches!(ending.how, How::Killed | How::Orphaned | How::NotStarted(_));
    Verdict { status, reason: if is_own { too_late(reason, asks) } else { reason } }
}

fn failed(reason: impl Into<String>) -> (JobStatus, String) {
    (JobStatus::Failed, reason.into())
}

fn stopped(asks: &Asks) -> (JobStatus, String) {
    let reason = match asks.stop.as_deref() {
        Some(OPERATOR) | None => "stopped on the operator's request".to_owned(),
        Some(why) => format!("stopped: {why}"),
    };
    (JobStatus::Stopped, reason)
}

fn killed(why: Option<&str>) -> (JobStatus, String) {
    match why {
        Some(OPERATOR) => (JobStatus::Aborted, "aborted on the operator's request".into()),
        Some(why) => failed(why),
        None => failed("killed by somebody else"),
    }
}

fn never_began(asks: &Asks, why: &str) -> (JobStatus, String) {
    match (asks.kill.as_deref(), asks.stop.as_deref()) {
        (Some(OPERATOR), _) => (JobStatus::Aborted, "aborted before it began".into()),
        (_, Some(OPERATOR)) => (JobStatus::Stopped, "stopped before it began".into()),
        _ => failed(format!("not started: {why}")),
    }
}

/// A job that ended by itself although it was being killed.
fn too_late(reason: String, asks: &Asks) -> String {
    let late = match asks.kill.as_deref() {
        None => return reason,
        Some(OPERATOR) => "the request to abort came too late: it had ended by itself",
        Some(_) => "it ended by itself in the moment in which it was to be killed",
    };
    match reason.is_empty() {
        true => late.into(),
        false => format!("{reason}; {late}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ending(how: How, observed: bool) -> Ending {
        Ending { how, observed, took: Duration::ZERO, tail: Vec::new() }
    }

    fn asks(stop: &str, kill: &str) -> Asks {
        let given = |why: &str| Some(why.to_owned()).filter(|why| !why.is_empty());
        Asks { stop: given(stop), kill: given(kill) }
    }

    /// The table of results, line by line: how, observed, why to stop, why killed; the status, a part of the reason.
    #[test]
    fn every_end_has_its_status() {
        use JobStatus::{Aborted, Failed, Stopped, Success};
        let thrown = || How::Thrown("no such file (line 3)".into());
        let missing = || How::NotStarted("there is no script `x`".into());
        #[rustfmt::skip]
        let table = [
            (How::Returned, false, "", "", Success, ""),
            (How::Returned, true, OPERATOR, "", Stopped, "operator"),
            (How::Returned, false, OPERATOR, "", Success, ""),
            (How::Returned, true, "", "", Success, ""),
            (How::Returned, true, "the agent is shut down", "", Stopped, "shut down"),
            (How::Exited(3), false, "", "", Failed, "exit code 3"),
            (How::Signal(11), false, "", "", Failed, "signal 11"),
            (How::Limit("memory of 64 MB".into()), false, "", "", Failed, "memory of 64 MB"),
            (thrown(), false, "", "", Failed, "line 3"),
            (How::Stopped, true, OPERATOR, "", Stopped, "operator"),
            (How::Stopped, true, "", "", Failed, "nobody had asked"),
            (thrown(), true, OPERATOR, "", Failed, "line 3"),
            (How::Killed, false, "", OPERATOR, Aborted, "operator"),
            (How::Killed, false, OPERATOR, OPERATOR, Aborted, "operator"),
            (How::Killed, false, "", "the agent was shut down", Failed, "shut down"),
            (How::Killed, false, "", "time limit of 5 s", Failed, "time limit"),
            (How::Killed, false, OPERATOR, "it did not stop in time", Failed, "in time"),
            (How::Killed, false, "", "", Failed, "somebody else"),
            // It ended by itself before the kill took effect.
            (How::Returned, false, "", OPERATOR, Success, "too late"),
            (How::Exited(1), false, "", OPERATOR, Failed, "exit code 1; the request to abort came too late"),
            (How::Returned, true, OPERATOR, OPERATOR, Stopped, "too late"),
            (How::Returned, false, "", "time limit of 5 s", Success, "by itself"),
            (missing(), false, "", "", Failed, "no script `x`"),
            (missing(), false, "", OPERATOR, Aborted, "before it began"),
            (missing(), false, OPERATOR, "", Stopped, "before it began"),
            (missing(), false, OPERATOR, OPERATOR, Aborted, "before it began"),
            (How::Orphaned, false, "", "", Failed, INTERRUPTED),
            (How::Orphaned, false, OPERATOR, "", Failed, INTERRUPTED),
        ];
        for (how, observed, stop, kill, status, reason) in table {
            let case = format!("{how:?}, observed: {observed}, stop: {stop}, kill: {kill}");
            let verdict = judge(&ending(how, observed), &asks(stop, kill), false);
            assert_eq!(verdict.status, status, "{case}");
            assert!(
                verdict.reason.contains(reason) && verdict.reason.is_empty() == reason.is_empty(),
                "{case}: {verdict:?}"
            );
        }
    }

    /// Test 27, the other choice.
    #[test]
    fn whoever_wants_it_counts_every_good_end_after_a_stop_as_stopped() {
        let verdict = |how: How, stop: &str| judge(&ending(how, false), &asks(stop, ""), true).status;
        assert_eq!(verdict(How::Returned, OPERATOR), JobStatus::Stopped);
        assert_eq!(verdict(How::Returned, ""), JobStatus::Success);
        assert_eq!(verdict(How::Exited(1), OPERATOR), JobStatus::Failed);
    }
}
