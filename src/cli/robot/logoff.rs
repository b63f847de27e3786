//! Logging off from Windows when there is no more work: when that is done, and by what.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What speaks for and against it.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// A robot's settings ask for it.
    pub wanted: bool,
    /// `--once`: whoever waits for work never has no more of it.
    pub once: bool,
    /// All robots ended for want of work.
    pub all_fine: bool,
    /// Somebody asked the agent to end.
    pub asked_to_leave: bool,
    pub dry_run: bool,
}

/// What follows of the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    No,
    /// It was wanted, and why it is not done.
    NotNow(&'static str),
    LogOff,
}

impl Facts {
    pub fn decide(self) -> Decision {
        match self {
            Facts { wanted: false, .. } | Facts { once: false, .. } => Decision::No,
            Facts { asked_to_leave: true, .. } => Decision::NotNow("the agent was asked to end"),
            Facts { all_fine: false, .. } => Decision::NotNow("not every robot ended well"),
            Facts { dry_run: true, .. } => Decision::NotNow("this is a dry run"),
            _ => Decision::LogOff,
        }
    }
}

/// What logs off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Windows' own program, or the one of the command line.
    Program(PathBuf, &'static [&'static str]),
    /// There is nothing to log off from.
    Nowhere,
}

impl Way {
    /// This system's, or the program that the command line names.
    pub fn new(program: Option<PathBuf>) -> Way {
        match program {
            Some(program) => Way::Program(program, &[]),
            None if cfg!(windows) => Way::Program(system_program(), &["/l"]),
            None => Way::Nowhere,
        }
    }

    /// Asks for it once; what is to be told to the person.
    pub fn go(&self) -> Result<&'static str, String> {
        let (program, arguments) = match self {
            Way::Nowhere => return Ok("log off: only Windows has it; nothing was done"),
            Way::Program(program, arguments) => (program, arguments),
        };
        let done = Command::new(program).args(*arguments).stdin(Stdio::null()).stdout(Stdio::null()).status();
        let shown = program.display();
        match done {
            Ok(status) if status.success() => Ok("log off: requested"),
            Ok(status) => Err(format!("log off: {shown} failed ({status})")),
            Err(error) => Err(format!("log off: {shown} cannot be run: {error}")),
        }
    }
}

/// By its full path: a program of this name in the current folder must not be run instead.
fn system_program() -> PathBuf {
    let root = std::env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    root.join("System32").join("shutdown.exe")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Facts = Facts { wanted: true, once: true, all_fine: true, asked_to_leave: false, dry_run: false };

    #[test]
    fn everything_has_to_speak_for_it() {
        assert_eq!(ALL.decide(), Decision::LogOff);
        assert_eq!(Facts { wanted: false, ..ALL }.decide(), Decision::No);
        assert_eq!(Facts { once: false, ..ALL }.decide(), Decision::No);
        for facts in
            [Facts { all_fine: false, ..ALL }, Facts { asked_to_leave: true, ..ALL }, Facts { dry_run: true, ..ALL }]
        {
            assert!(matches!(facts.decide(), Decision::NotNow(_)), "{facts:?}");
        }
    }

    #[cfg(not(windows))]
    #[test]
    fn elsewhere_it_is_said_that_nothing_is_done() {
        assert_eq!(Way::new(None).go(), Ok("log off: only Windows has it; nothing was done"));
        assert_eq!(Way::new(Some("true".into())).go(), Ok("log off: requested"));
        assert!(Way::new(Some("false".into())).go().unwrap_err().contains("failed"));
    }
}
