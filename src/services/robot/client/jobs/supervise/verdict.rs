//! What the end of a process means, given what was done to it.

use std::process::ExitStatus;

use crate::services::robot::client::jobs::order::{self, Files};
use crate::services::robot::client::work::How;

/// Exit codes by which a program tells that it ended because it was asked to: those of SIGTERM and SIGINT in shells, and of
/// Ctrl-C and Ctrl-Break on Windows.
const STOPPED: [i32; 3] = [143, 130, 0xC000_013A_u32 as i32];

/// What ends programs that are asked to end.
const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;

/// Why we kill a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doom {
    Killed,
    Orphaned,
    Limit(String),
}

pub struct Verdict {
    /// A script of ours tells by a file how it ended.
    is_own: bool,
    asked: bool,
    /// The first reason counts.
    doom: Option<Doom>,
    status: Option<ExitStatus>,
}

impl Verdict {
    pub fn new(is_own: bool) -> Verdict {
        Verdict { is_own, asked: false, doom: None, status: None }
    }

    /// Notes that the job is asked to stop; false when that came before, or too late.
    pub fn ask(&mut self) -> bool {
        !self.is_over() && !std::mem::replace(&mut self.asked, true)
    }

    /// Notes that the job is to be killed, unless it is over.
    pub fn doom(&mut self, doom: Doom) {
        if !self.is_over() && self.doom.is_none() {
            self.doom = Some(doom);
        }
    }

    pub fn is_doomed(&self) -> bool {
        self.doom.is_some()
    }

    pub fn ended(&mut self, status: ExitStatus) {
        self.status.get_or_insert(status);
    }

    pub fn is_over(&self) -> bool {
        self.status.is_some()
    }

    /// How it ended, and whether it had noticed that it was to stop.
    pub fn judge(&self, files: &Files) -> (How, bool) {
        let observed = self.asked && files.observed().exists();
        let Some(status) = self.status else { return (How::Killed, observed) };
        if let Some(doom) = self.doom.as_ref().filter(|_| is_ours(status)) {
            let how = match doom {
                Doom::Killed => How::Killed,
                Doom::Orphaned => How::Orphaned,
                Doom::Limit(text) => How::Limit(text.clone()),
            };
            return (how, observed);
        }
        if self.is_own
            && let Some(how) = order::read::<How>(&files.ending())
        {
            let observed = observed || how == How::Stopped;
            return (how, observed);
        }
        match (status.code(), signal(status)) {
            (Some(0), _) => (How::Returned, observed),
            (Some(code), _) if self.asked && !self.is_own && STOPPED.contains(&code) => (How::Stopped, true),
            (Some(code), _) => (How::Exited(code), observed),
            (None, SIGTERM) if self.asked => (How::Stopped, true),
            (None, signal) => (How::Signal(signal), observed),
        }
    }
}

/// Whether this is what our killing looks like: a job that ended by itself a moment before did end so.
fn is_ours(status: ExitStatus) -> bool {
    // Windows gives what a job object kills no code of its own.
    cfg!(windows) || (status.code().is_none() && signal(status) == SIGKILL)
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> i32 {
    std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or_default()
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> i32 {
    0
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    /// The status of a process that exited, or was ended by a signal.
    fn exit(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    fn by_signal(signal: i32) -> ExitStatus {
        ExitStatus::from_raw(signal)
    }

    fn judged(is_own: bool, asked: bool, doom: Option<Doom>, status: ExitStatus) -> (How, bool) {
        let mut verdict = Verdict::new(is_own);
        if asked {
            verdict.ask();
        }
        if let Some(doom) = doom {
            verdict.doom(doom);
        }
        verdict.ended(status);
        verdict.judge(&Files { folder: "no such folder".into() })
    }

    #[test]
    fn the_end_of_a_process_has_one_meaning() {
        let limit = || Some(Doom::Limit("memory".into()));
        let table = [
            (judged(false, false, None, exit(0)), How::Returned, false),
            (judged(false, false, None, exit(3)), How::Exited(3), false),
            (judged(false, false, None, exit(143)), How::Exited(143), false),
            (judged(false, true, None, exit(143)), How::Stopped, true),
            (judged(false, true, None, exit(130)), How::Stopped, true),
            (judged(true, true, None, exit(130)), How::Exited(130), false),
            (judged(false, true, None, exit(0)), How::Returned, false),
            (judged(false, true, None, exit(1)), How::Exited(1), false),
            (judged(false, true, None, by_signal(15)), How::Stopped, true),
            (judged(false, false, None, by_signal(15)), How::Signal(15), false),
            (judged(false, false, None, by_signal(9)), How::Signal(9), false),
            (judged(false, false, Some(Doom::Killed), by_signal(9)), How::Killed, false),
            (judged(false, false, Some(Doom::Orphaned), by_signal(9)), How::Orphaned, false),
            (judged(false, false, limit(), by_signal(9)), How::Limit("memory".into()), false),
            // It ended before the blow fell.
            (judged(false, false, Some(Doom::Killed), exit(0)), How::Returned, false),
            (judged(false, false, Some(Doom::Orphaned), exit(0)), How::Returned, false),
            (judged(false, true, Some(Doom::Killed), exit(143)), How::Stopped, true),
        ];
        for (place, (judged, how, observed)) in table.into_iter().enumerate() {
            assert_eq!(judged, (how, observed), "line {place}");
        }
    }

    #[test]
    fn a_script_of_ours_tells_more_than_its_exit_code() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files { folder: folder.path().into() };
        order::write(&files.ending(), &How::Thrown("boom (line 3)".into())).unwrap();
        std::fs::write(files.observed(), "").unwrap();
        let mut own = Verdict::new(true);
        own.ask();
        own.ended(exit(1));
        assert_eq!(own.judge(&files), (How::Thrown("boom (line 3)".into()), true));
        let mut foreign = Verdict::new(false);
        foreign.ended(exit(1));
        assert_eq!(foreign.judge(&files), (How::Exited(1), false));
        let mut killed = Verdict::new(true);
        killed.doom(Doom::Killed);
        killed.doom(Doom::Orphaned);
        killed.ended(by_signal(9));
        assert_eq!(killed.judge(&files).0, How::Killed);
    }
}
