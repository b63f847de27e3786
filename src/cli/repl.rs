//! `pult` at a terminal.

use super::Global;
use super::setup::Setup;
use crate::repl;
use crate::script::report::Report;

pub fn repl(global: &Global) -> Result<u8, Box<Report>> {
    let setup = Setup::new(global, None)?;
    let options = repl::Options {
        history: dirs::data_local_dir().map(|folder| folder.join("pult").join("history.txt")),
        colour: global.style().colour,
        banner: !global.quiet,
        sandbox: setup.sandbox.as_ref().map(|sandbox| sandbox.addresses()).unwrap_or_default(),
    };
    Ok(setup.with_session(Vec::new(), |session| repl::run(session, options))?)
}
