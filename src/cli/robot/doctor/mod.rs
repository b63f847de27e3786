//! `pult robot doctor`: could this robot work? Step by step, with what to do where it could not.

mod here;
mod there;

use clap::Args;

use super::{exit, robots};
use crate::cli::setup::Setup;
use crate::cli::{Global, fail, print_line};
use crate::core::context::Context;
use crate::error::{Error, Result};
use crate::script::report::Report;
use crate::services::robot::NAME;
use crate::settings::Settings;

#[derive(Args, Debug)]
pub struct Options {
    /// A robot of pult.toml; all of them when none is named.
    names: Vec<String>,
    /// Send a heartbeat as well. The Orchestrator shows the robot as ready then, although nobody takes its work.
    #[arg(long)]
    heartbeat: bool,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Fine,
    /// It works, but not as it should.
    Unwise,
    /// A robot could not work; the exit code says why.
    Wrong(u8),
    /// Not looked at, because something before it went wrong.
    Skipped,
}

impl Mark {
    fn word(self) -> &'static str {
        match self {
            Mark::Fine => "ok",
            Mark::Unwise => "warning",
            Mark::Wrong(_) => "FAILED",
            Mark::Skipped => "skipped",
        }
    }
}

/// One step.
#[derive(Clone, Debug)]
pub struct Finding {
    pub what: &'static str,
    pub mark: Mark,
    pub said: String,
    /// What to do about it.
    pub next: Option<String>,
}

impl Finding {
    fn new(what: &'static str, mark: Mark, said: impl Into<String>) -> Finding {
        Finding { what, mark, said: said.into(), next: None }
    }

    fn fine(what: &'static str, said: impl Into<String>) -> Finding {
        Finding::new(what, Mark::Fine, said)
    }

    fn unwise(what: &'static str, said: impl Into<String>, next: impl Into<String>) -> Finding {
        Finding { next: Some(next.into()), ..Finding::new(what, Mark::Unwise, said) }
    }

    fn wrong(what: &'static str, code: u8, said: impl Into<String>, next: impl Into<String>) -> Finding {
        Finding { next: Some(next.into()), ..Finding::new(what, Mark::Wrong(code), said) }
    }

    fn of(what: &'static str, error: &Error) -> Finding {
        let next = error.hint_text().map(str::to_owned);
        Finding { next, ..Finding::new(what, Mark::Wrong(exit::of_error(error)), error.message()) }
    }

    /// One or two lines.
    pub fn text(&self) -> String {
        let line = format!("  {:<8} {:<12} {}", self.mark.word(), self.what, self.said);
        match &self.next {
            Some(next) => format!("{line}\n{:24}{next}", ""),
            None => line,
        }
    }
}

/// The exit code of all that was found.
pub fn code(findings: &[Finding]) -> u8 {
    exit::worst(findings.iter().map(|finding| match finding.mark {
        Mark::Wrong(code) => code,
        _ => exit::FINE,
    }))
}

pub fn doctor(global: &Global, options: &Options) -> Result<u8, Box<Report>> {
    let looked = || -> Result<u8, Box<Report>> {
        let setup = Setup::new(global, None)?;
        let config = setup.host.connections.config();
        let mut all = Vec::new();
        for name in robots(config, &options.names)? {
            print_line(&format!("{name}:"))?;
            let settings = config.connection(NAME, &name)?;
            let found = setup.runtime().block_on(look(&name, settings, &setup.host.context, options.heartbeat));
            found.iter().try_for_each(|finding| print_line(&finding.text()))?;
            all.extend(found);
        }
        let code = code(&all);
        print_line(match code {
            exit::FINE => "all is well",
            _ => "a robot could not work like this",
        })?;
        setup.leave();
        Ok(code)
    };
    Ok(looked().unwrap_or_else(|report| {
        fail(&report, global.style());
        exit::of_report(&report)
    }))
}

/// All steps for one robot, first those of this computer, then the way to the Orchestrator.
pub async fn look(name: &str, settings: &Settings, context: &Context, heartbeat: bool) -> Vec<Finding> {
    let mut found = here::look(name, settings, context);
    found.extend(there::look(settings, context, heartbeat).await);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_what_to_do_next() {
        let finding = Finding::wrong("tcp", exit::UNREACHABLE, "10.0.0.1:4500 refuses", "is the Orchestrator running?");
        let known =
            "  FAILED   tcp          10.0.0.1:4500 refuses\n                        is the Orchestrator running?";
        assert_eq!(finding.text(), known);
        let findings = [finding, Finding::fine("dns", "x"), Finding::unwise("clock", "late", "set it")];
        assert_eq!((code(&findings), code(&findings[1..])), (5, 0));
    }
}
