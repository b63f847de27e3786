//! From a file to its text, or to a sentence about why there is none.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

const SAVE_AS: &str = "save it as UTF-8 (in Notepad: Save as, Encoding: UTF-8)";

/// The text of a configuration file, without the mark that Windows' Notepad writes at the start.
pub(super) fn text(path: &Path) -> Result<String> {
    if path.is_dir() {
        return Err(unreadable(path, "is a folder, not a file"));
    }
    let bytes = std::fs::read(path).map_err(|error| refused(path, error))?;
    decoded(path, bytes)
}

pub(super) fn decoded(path: &Path, bytes: Vec<u8>) -> Result<String> {
    // UTF-16 of plain Latin text is valid UTF-8 with zeros in it, so it is looked for first.
    if looks_like_utf16(&bytes) {
        let message = format!("{} is saved as UTF-16", path.display());
        return Err(Error::new(Kind::Config, "config.not_utf8", message).hint(SAVE_AS));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => Err(not_utf8(path, error.as_bytes(), error.utf8_error().valid_up_to())),
    }
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
        _ => unreadable(path, &format!("cannot be read: {error}")),
    };
    answer.caused_by(error)
}

fn looks_like_utf16(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().filter(|&&byte| byte == 0).count();
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || zeros > bytes.len() / 4
}

fn not_utf8(path: &Path, bytes: &[u8], at: usize) -> Error {
    let line = 1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count();
    let place = format!("{} is not UTF-8: see byte {at}, in line {line}", path.display());
    let message = match looks_like_cp1251(bytes) {
        true => format!("{place}; it looks like Windows-1251"),
        false => place,
    };
    Error::new(Kind::Config, "config.not_utf8", message).hint(SAVE_AS).detail("byte", at).detail("line", line)
}

/// In Windows-1251 the Russian letters are C0..FF, and Ё and ё stand apart.
fn looks_like_cp1251(bytes: &[u8]) -> bool {
    let high = || bytes.iter().filter(|byte| !byte.is_ascii());
    let letters = high().filter(|&&byte| byte >= 0xc0 || byte == 0xa8 || byte == 0xb8).count();
    letters * 10 >= high().count() * 9
}
