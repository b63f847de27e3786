//! What stands in the utility's output where an answer should: its help, an error, or the words of another program.

use crate::error::{Error, Kind, Retry};
use crate::services::rac::wire::errors;

/// Marks of the help, in both languages.
const HELP: &[&str] = &["Remote Administrative Client Utility", "--help | -h", "--version | -v", "\trac ["];

/// As much of it as a message shows.
const SHOWN: usize = 200;

/// Whether this is the utility's help.
pub fn is_help(text: &str) -> bool {
    HELP.iter().any(|mark| text.contains(mark))
}

/// The error for an output that is no answer.
pub fn foreign(text: &str) -> Error {
    let bare = text.trim_start_matches('\u{feff}').trim();
    if bare.is_empty() {
        return Error::new(Kind::Protocol, "rac.no_answer", "rac printed nothing where an answer was due")
            .retry(Retry::Unknown)
            .hint("look whether the command was carried out, before repeating it");
    }
    if is_help(bare) {
        return Error::new(Kind::Refused, "rac.help_printed", "the utility printed its help instead of an answer")
            .hint("this version of it does not know the command: set `utility` to a newer one, or leave it out");
    }
    if let Some(error) = errors::known(bare) {
        return error;
    }
    let shown: String = bare.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let more = if bare.chars().nth(SHOWN).is_some() { "…" } else { "" };
    Error::new(Kind::Protocol, "rac.not_rac", format!("this is not what rac prints: {shown}{more}"))
        .retry(Retry::Unknown)
        .hint("check `utility` in the settings: it may name another program")
}
