//! `pult run`, and a script on standard input.

use std::io::Read;
use std::path::Path;

use super::Global;
use super::setup::Setup;
use crate::error::{Error, Kind};
use crate::script::imports::{read_script, text_of};
use crate::script::report::Report;
use crate::script::session::source_name;

pub fn file(global: &Global, script: &Path, args: Vec<String>) -> Result<u8, Box<Report>> {
    let text = read_script(script)?;
    run(global, script.parent(), &source_name(script), &text, args)
}

pub fn standard_input(global: &Global) -> Result<u8, Box<Report>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| {
        Error::new(Kind::Usage, "script.unreadable", format!("standard input cannot be read: {error}"))
    })?;
    let text = text_of(bytes, "standard input")?;
    run(global, None, "standard input", &text, Vec::new())
}

fn run(global: &Global, folder: Option<&Path>, name: &str, text: &str, args: Vec<String>) -> Result<u8, Box<Report>> {
    let setup = Setup::new(global, folder)?;
    let ended = setup.run(args, |session| session.run(name, text).map(drop))?;
    match setup.host.exit_code() {
        Some(code) => Ok(code),
        None => ended.map(|()| 0),
    }
}
