//! `pult init`: a commented configuration and a first script.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::print_line;
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::script::report::Report;
use crate::services;

const FIRST_SCRIPT: &str = include_str!("first.rhai");

pub fn init(folder: &Path) -> Result<u8, Box<Report>> {
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let config = folder.join(config::FILE_NAME);
    let script = folder.join("first.rhai");
    for path in [&config, &script] {
        if path.exists() {
            let error = Error::new(Kind::Usage, "init.exists", format!("{} is there already", path.display()));
            Err(error.hint("nothing was changed; move it away first, or name another folder"))?;
        }
    }
    write_new(&config, &config::commented(&services::known()))?;
    write_new(&script, FIRST_SCRIPT)?;
    print_line(&format!("written: {} and {}", config.display(), script.display()))?;
    print_line(&format!("try it without any server: pult run --sandbox {}", script.display()))?;
    Ok(0)
}

/// Writes a file that must not exist yet: somebody else's work is not overwritten even when it appears just now.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::File, "init.failed", format!("{} cannot be written: {error}", path.display()))
        .hint("check the folder's permissions, or name another folder")
}
