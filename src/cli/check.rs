//! `pult check`: reads scripts without running them.

use std::path::{Path, PathBuf};

use super::setup::Setup;
use super::{Global, eprint_line, fail, print_line};
use crate::render::snippet::{self, Place, Snippet};
use crate::script::check::check as faults_of;
use crate::script::imports::read_script;
use crate::script::report::Report;
use crate::script::session::source_name;

/// The exit code for scripts that compile and have faults all the same.
const FAULTY: u8 = 1;

pub fn check(global: &Global, scripts: &[PathBuf]) -> Result<u8, Box<Report>> {
    let mut worst = 0;
    for script in scripts {
        worst = worst.max(match one(global, script) {
            Ok(code) => code,
            Err(report) => fail(&report, global.style()),
        });
    }
    Ok(worst)
}

fn one(global: &Global, script: &Path) -> Result<u8, Box<Report>> {
    let text = read_script(script)?;
    let name = source_name(script);
    let setup = Setup::new(global, script.parent())?;
    let faults = setup.with_session(Vec::new(), |session| faults_of(&session, &name, &text))??;
    for fault in &faults {
        let place = Place::of(fault);
        let hint = fault.hint.as_deref();
        let snippet = Snippet { code: "check", message: &fault.message, hint, place: Some(&place) };
        eprint_line(&snippet::draw(&snippet, global.style()));
    }
    if faults.is_empty() {
        print_line(&format!("{}: good", script.display()))?;
        return Ok(0);
    }
    Ok(FAULTY)
}
