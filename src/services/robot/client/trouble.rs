//! What an error of the Orchestrator means for the one who has to go on.

use std::time::Duration;

use crate::error::Error;

/// The codes of errors that calls of an Orchestrator end with.
pub mod code {
    /// No connection.
    pub const UNREACHABLE: &str = "robot.unreachable";
    /// A certificate that is not trusted.
    pub const CERTIFICATE: &str = "robot.certificate";
    /// No answer in time: what was asked may have been done.
    pub const TIMEOUT: &str = "robot.timeout";
    /// The connection broke before the answer was complete: what was asked may have been done.
    pub const BROKEN_OFF: &str = "robot.broken_off";
    /// 408, 425, 429 or 5xx. The detail `after` is how many seconds the Orchestrator asked to wait.
    pub const BUSY: &str = "robot.busy";
    /// Something that cannot be an answer: HTML, half of a JSON.
    pub const ANSWER: &str = "robot.answer";
    /// 401 or 403.
    pub const UNAUTHORISED: &str = "robot.unauthorised";
    /// 101: no robot has this GUID.
    pub const UNKNOWN: &str = "robot.unknown";
    /// 404: no such job, queue, task.
    pub const NOT_FOUND: &str = "robot.not_found";
    /// Any other 4xx: said no for good.
    pub const REFUSED: &str = "robot.refused";
    /// A redirection to another host, or from https to http.
    pub const REDIRECTED: &str = "robot.redirected";
    /// A file of this computer cannot be read or written.
    pub const FILE: &str = "robot.file";
    /// Another process of this computer is this robot.
    pub const LOCKED: &str = "robot.locked";
    /// Journal or outbox cannot be written.
    pub const JOURNAL: &str = "robot.journal";
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Try again, at the earliest after so long.
    Transient(Option<Duration>),
    /// Nothing will be accepted before somebody puts the credentials right.
    Auth,
    /// The way there is wrong: its certificate, or it leads to another host. Nothing is sent before somebody puts that right.
    Way,
    /// The GUID is wrong, or the robot was deleted.
    Unknown,
    /// This one will never be accepted; others may.
    Permanent,
    /// Not the Orchestrator's: a file, a mistake in what was given.
    Own,
}

impl Trouble {
    pub fn of(error: &Error) -> Trouble {
        match error.code() {
            code::BUSY => {
                let after = error.details().iter().find(|(name, _)| *name == "after");
                Trouble::Transient(after.and_then(|(_, after)| after.as_f64()).map(Duration::from_secs_f64))
            }
            code::UNREACHABLE | code::TIMEOUT | code::BROKEN_OFF | code::ANSWER => Trouble::Transient(None),
            code::CERTIFICATE | code::REDIRECTED => Trouble::Way,
            code::UNAUTHORISED => Trouble::Auth,
            code::UNKNOWN => Trouble::Unknown,
            code::NOT_FOUND | code::REFUSED => Trouble::Permanent,
            _ => Trouble::Own,
        }
    }
}
