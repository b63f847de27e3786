//! The utility transport: one process of 1C's `rac` for each call.
//!
//! Passwords reach the utility as arguments, since it has no other way; nothing here ever shows them.

mod answers;
mod arguments;
mod find;
mod process;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

pub use answers::{named, read};
pub use arguments::{Argument, arguments};
use process::{Ended, Trouble, collect, exit};

use super::Call;
use crate::error::{Error, Kind, Result, Retry};
use crate::services::rac::wire::encoding::Encoding;
use crate::services::rac::wire::errors;
use crate::services::rac::wire::parse;
use crate::settings::Settings;

/// Seconds.
const TIMEOUT: f64 = 60.0;
/// Processes at once.
const PROCESSES: usize = 8;
/// A process that was killed is waited for no longer.
const DYING: Duration = Duration::from_secs(2);

/// A `rac` that is installed here.
#[derive(Debug)]
pub struct Utility {
    program: PathBuf,
    encoding: Encoding,
    timeout: Duration,
    /// As many as may run at once.
    turns: Semaphore,
}

impl Utility {
    /// Reads the settings and finds the program; starts nothing.
    pub fn open(settings: &Settings) -> Result<Utility> {
        let most = settings.integer("connections").and_then(|most| usize::try_from(most).ok());
        let timeout = settings.number("timeout").unwrap_or(TIMEOUT);
        Ok(Utility {
            program: find::find(settings.text("utility"))?,
            encoding: settings.text("encoding").and_then(Encoding::named).unwrap_or_default(),
            timeout: Duration::try_from_secs_f64(timeout).unwrap_or(Duration::MAX),
            turns: Semaphore::new(most.unwrap_or(PROCESSES).clamp(1, Semaphore::MAX_PERMITS)),
        })
    }

    /// Carries a call out as it stands, and gives what the utility printed.
    pub async fn ask(&self, address: &str, call: &Call) -> Result<String> {
        let outcome = self.run(address, &arguments(call)).await;
        match call.command.changes() {
            true => outcome,
            false => outcome.map_err(harmless),
        }
    }

    /// Runs the utility with these arguments.
    pub async fn run(&self, address: &str, arguments: &[Argument]) -> Result<String> {
        // Nobody closes it.
        let _turn = self.turns.acquire().await.ok();
        let mut child = self.start(address, arguments).map_err(|error| self.not_started(&error))?;
        match tokio::time::timeout(self.timeout, collect(&mut child)).await {
            Ok(Ok(ended)) => self.ended(ended, arguments),
            Ok(Err(trouble)) => {
                kill(&mut child).await;
                Err(self.trouble(&trouble))
            }
            Err(_) => {
                kill(&mut child).await;
                Err(self.too_slow())
            }
        }
    }

    fn start(&self, address: &str, arguments: &[Argument]) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.arg(address).args(arguments.iter().map(Argument::expose));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(windows)]
        command.creation_flags(CREATE_NO_WINDOW);
        command.spawn()
    }

    /// What a process that has ended said.
    fn ended(&self, ended: Ended, arguments: &[Argument]) -> Result<String> {
        let said = self.encoding.decode(ended.said);
        let said = arguments.iter().fold(said, |said, argument| argument.mask_in(&said));
        let printed = self.encoding.decode(ended.printed);
        if ended.status.success() {
            return match errors::known(&said).filter(|_| printed.trim().is_empty()) {
                Some(error) => Err(error),
                None => Ok(printed),
            };
        }
        if said.trim().is_empty() && parse::is_help(&printed) {
            return Err(parse::foreign(&printed));
        }
        Err(errors::from_utility(&said, exit(ended.status)).detail("utility", self.shown()))
    }

    fn shown(&self) -> String {
        self.program.display().to_string()
    }

    fn not_started(&self, error: &std::io::Error) -> Error {
        /// What the systems say of a file that is no program of theirs.
        const NO_PROGRAM: i32 = if cfg!(windows) { 193 } else { 8 };
        let program = self.shown();
        let (code, why, hint) = match error.kind() {
            std::io::ErrorKind::NotFound => (
                "rac.no_utility",
                "is not there".to_owned(),
                "set `utility` to the path of rac, its folder or a version, or leave it out to use the newest",
            ),
            std::io::ErrorKind::PermissionDenied => (
                "rac.not_executable",
                "may not be executed".to_owned(),
                "give the file the right to be executed (chmod +x), or set `utility` to another one",
            ),
            _ if error.raw_os_error() == Some(NO_PROGRAM) => (
                "rac.not_executable",
                "is no program that this computer runs".to_owned(),
                "set `utility` to the rac of this system",
            ),
            _ => ("rac.not_started", format!("could not be started: {error}"), "try again, or check `utility`"),
        };
        Error::new(Kind::Config, code, format!("the utility {program} {why}")).retry(Retry::Safe).hint(hint)
    }

    fn trouble(&self, trouble: &Trouble) -> Error {
        match trouble {
            Trouble::TooLarge => {
                Error::new(Kind::Limit, "rac.too_large", "rac printed more than any list of a cluster is long")
                    .hint("ask for less at once, and check `utility` in the settings: it may name another program")
            }
            Trouble::Read(error) => {
                Error::new(Kind::Unavailable, "rac.not_read", format!("what rac prints cannot be read: {error}"))
            }
        }
        .retry(Retry::Unknown)
    }

    fn too_slow(&self) -> Error {
        let seconds = self.timeout.as_secs_f64();
        Error::new(Kind::Timeout, "rac.no_answer", format!("rac did not end within {seconds} s, and was stopped"))
            .retry(Retry::Unknown)
            .hint("raise `timeout` in the settings, or see what holds up the administration server")
    }
}

/// No console appears for a moment.
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// A call that changes nothing may be made again, however it ended.
fn harmless(error: Error) -> Error {
    if error.may_retry() == Retry::Unknown { error.retry(Retry::Safe) } else { error }
}

/// Ends a process, and waits until the system has cleared it away.
async fn kill(child: &mut Child) {
    // It may have ended by itself in this moment; else whatever holds it, nobody waits longer.
    let _ = tokio::time::timeout(DYING, child.kill()).await;
}
