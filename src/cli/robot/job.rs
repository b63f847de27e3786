//! `pult robot job SCRIPT`: a Rhai script as the job of a robot. Started by an agent's supervisor, not by people.

use std::path::Path;

use crate::cli::Global;
use crate::cli::setup::Setup;
use crate::core::tree;
use crate::error::{Error, Kind};
use crate::script::imports::read_script;
use crate::script::report::Report;
use crate::script::session::source_name;
use crate::secret;
use crate::services::robot::client::jobs::inside::{FILE, Inside, STOPPED};
use crate::services::robot::client::jobs::order;
use crate::services::robot::client::work::How;

/// As shells tell of a program that was asked to end.
const ASKED_TO: u8 = 143;

pub fn job(global: &Global, script: &Path) -> Result<u8, Box<Report>> {
    tree::die_with_parent();
    let Some(file) = std::env::var_os(FILE) else {
        return Err(Error::new(Kind::Usage, "robot.no_job", format!("this is no job: {FILE} is not set"))
            .hint("run a script by hand with `pult run`")
            .into());
    };
    let inside = Inside::open(Path::new(&file))?;
    let ended = run(global, script);
    let how = match &ended {
        // A code of the script's own choice says all.
        Ok(_) => None,
        Err(report) if report.code == STOPPED => Some(How::Stopped),
        Err(report) if report.code == "script.max_operations" => {
            Some(How::Limit(format!("operations: {} are allowed", global.max_operations)))
        }
        Err(report) => Some(How::Thrown(secret::mask(&report.brief()).into_owned())),
    };
    if let Some(how) = &how {
        // Without the file the exit code still tells that it failed.
        let _ = order::write(&inside.files().ending(), how);
    }
    match (ended, how) {
        (Err(_), Some(How::Stopped)) => Ok(ASKED_TO),
        (ended, _) => ended,
    }
}

fn run(global: &Global, script: &Path) -> Result<u8, Box<Report>> {
    let text = read_script(script)?;
    let setup = Setup::new(global, script.parent())?;
    setup.host.output.show_at_once();
    let ended = setup.run(Vec::new(), |session| session.run(&source_name(script), &text).map(drop))?;
    match setup.host.exit_code() {
        Some(code) => Ok(code),
        None => ended.map(|()| 0),
    }
}
