//! From a file to its text, or to a sentence about why there is none.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::text_file;

/// The text of a configuration file, without the mark that Windows' Notepad writes at the start.
pub(super) fn text(path: &Path) -> Result<String> {
    if path.is_dir() {
        return Err(unreadable(path, "is a folder, not a file").hint("name the file in it"));
    }
    let bytes = std::fs::read(path).map_err(|error| refused(path, error))?;
    decoded(path, bytes)
}

pub(super) fn decoded(path: &Path, bytes: Vec<u8>) -> Result<String> {
    text_file::decode(bytes).map_err(|wrong| {
        let error = Error::new(Kind::Config, "config.not_utf8", format!("{} {}", path.display(), wrong.why));
        let error = error.hint(wrong.hint);
        if let Some(line) = wrong.line { error.detail("line", line) } else { error }
    })
}

/// The folder of a file, absolute, so that it stays the same when the current folder changes.
pub(super) fn folder(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn unreadable(path: &Path, why: &str) -> Error {
    Error::new(Kind::Config, "config.unreadable", format!("{} {why}", path.display()))
}

fn refused(path: &Path, error: io::Error) -> Error {
    let answer = match error.kind() {
        io::ErrorKind::NotFound => unreadable(path, "does not exist").hint("look at --config, or run `pult init`"),
        io::ErrorKind::PermissionDenied => {
            unreadable(path, "may not be read").hint("give your user the right to read it")
        }
        _ => unreadable(path, &format!("cannot be read: {error}")).hint("check the path, and the disk behind it"),
    };
    answer.caused_by(error)
}
