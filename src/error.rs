//! One error for the whole program: what happened, what to do about it, and whether it may be tried again.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of fault it is. Decides the exit code; scripts see it as `err.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line is wrong.
    Usage,
    /// `pult.toml` or a connection is wrong or missing.
    Config,
    /// The script does not compile.
    Compile,
    /// A function was called with something it cannot use. Nothing was sent.
    Input,
    /// The script threw.
    Script,
    /// A file could not be read or written.
    File,
    /// The outside system does not know who is calling.
    Auth,
    /// The outside system understood and said no.
    Refused,
    /// The outside system has no such thing.
    NotFound,
    /// A limit of the outside system is used up.
    Limit,
    /// The outside system could not be reached, or broke down.
    Unavailable,
    /// The outside system answered something that cannot be its answer.
    Protocol,
    /// Some of many things succeeded; what succeeded and what failed is in the details.
    Partial,
    /// It took longer than was allowed.
    Timeout,
    /// Somebody stopped it.
    Stopped,
}

/// Each kind with its word and the exit code of a program that ends with it, in the order of [`Kind`].
const KINDS: &[(Kind, &str, u8)] = &[
    (Kind::Usage, "usage", 2),
    (Kind::Config, "config", 2),
    (Kind::Compile, "compile", 3),
    (Kind::Input, "input", 1),
    (Kind::Script, "script", 1),
    (Kind::File, "file", 1),
    (Kind::Auth, "auth", 4),
    (Kind::Refused, "refused", 4),
    (Kind::NotFound, "not_found", 4),
    (Kind::Limit, "limit", 4),
    (Kind::Unavailable, "unavailable", 4),
    (Kind::Protocol, "protocol", 4),
    (Kind::Partial, "partial", 4),
    (Kind::Timeout, "timeout", 1),
    (Kind::Stopped, "stopped", 130),
];

impl Kind {
    /// As scripts see it.
    pub fn word(self) -> &'static str {
        KINDS[self as usize].1
    }

    /// The kind behind a word, for error maps that scripts catch and throw again.
    pub fn from_word(word: &str) -> Option<Kind> {
        KINDS.iter().find(|(_, known, _)| *known == word).map(|(kind, ..)| *kind)
    }

    /// The exit code of a program that ends with this fault.
    pub fn exit_code(self) -> u8 {
        KINDS[self as usize].2
    }
}

/// Whether the same call may be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It would fail in the same way.
    Useless,
    /// It was not carried out, or changes nothing: repeat at will.
    Safe,
    /// It may have been carried out although no answer arrived: look before repeating.
    Unknown,
}

/// One place in a text where something is wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The file's name, as people know it.
    pub source: String,
    pub text: Arc<str>,
    /// Bytes of `text`.
    pub span: Range<usize>,
    pub message: String,
    pub hint: Option<String>,
}

#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Cow<'static, str>,
    kind: Kind,
    message: String,
    hint: Option<String>,
    retry: Retry,
    status: Option<u16>,
    details: Vec<(&'static str, Value)>,
    faults: Vec<Fault>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// `code` is stable and starts with the name of its area: `b24.QUERY_LIMIT_EXCEEDED`, `config.unknown_key`.
    pub fn new(kind: Kind, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            code: code.into(),
            kind,
            message: message.into(),
            hint: None,
            retry: Retry::Useless,
            status: None,
            details: Vec::new(),
            faults: Vec::new(),
            source: None,
        }))
    }

    pub fn input(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Error {
        Error::new(Kind::Input, code, message)
    }

    pub fn stopped() -> Error {
        Error::new(Kind::Stopped, "stopped", "stopped")
    }

    /// The next action, as one sentence.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    pub fn retry(mut self, retry: Retry) -> Error {
        self.0.retry = retry;
        self
    }

    /// The status of an HTTP answer.
    pub fn status(mut self, status: u16) -> Error {
        self.0.status = Some(status);
        self
    }

    /// A further field that scripts can read from the caught error.
    pub fn detail(mut self, name: &'static str, value: impl Into<Value>) -> Error {
        self.0.details.push((name, value.into()));
        self
    }

    pub fn faults(mut self, faults: Vec<Fault>) -> Error {
        self.0.faults = faults;
        self
    }

    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        self.0.source = Some(Arc::new(source));
        self
    }

    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// Whether the code is one of our own, with nothing in it that a server said.
    pub fn is_own_code(&self) -> bool {
        matches!(self.0.code, Cow::Borrowed(_))
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    pub fn may_retry(&self) -> Retry {
        self.0.retry
    }

    pub fn http_status(&self) -> Option<u16> {
        self.0.status
    }

    pub fn details(&self) -> &[(&'static str, Value)] {
        &self.0.details
    }

    pub fn all_faults(&self) -> &[Fault] {
        &self.0.faults
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        match &self.0.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// At most three of `known` that `word` may have been meant to be, nearest first. Short words need to be nearer, and
/// where one is near, much farther ones are left out.
pub fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let allowed = match word.chars().count() {
        0..=5 => 1,
        6..=11 => 2,
        _ => 3,
    };
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let distance = strsim::damerau_levenshtein(&word, &name.to_lowercase());
            let begins = word.len() >= 3 && name.to_lowercase().starts_with(&word);
            match distance {
                _ if begins => Some((allowed, name)),
                // Something of the word must be left, or every single letter is near every other.
                distance if distance <= allowed && distance < word.chars().count() => Some((distance, name)),
                _ => None,
            }
        })
        .collect();
    found.sort();
    found.dedup();
    let nearest = found.first().map_or(0, |(distance, _)| *distance);
    found.retain(|(distance, _)| *distance <= nearest + 1);
    found.truncate(3);
    found.into_iter().map(|(_, name)| name).collect()
}

/// "did you mean a, b or c?", or nothing when no name is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names = near(word, known);
    let (last, rest) = names.split_last()?;
    let rest: Vec<String> = rest.iter().map(|name| format!("`{name}`")).collect();
    Some(match rest.is_empty() {
        true => format!("did you mean `{last}`?"),
        false => format!("did you mean {} or `{last}`?", rest.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_few_and_near() {
        let known = ["get_all", "get_by_id", "call", "call_batch", "slow"];
        assert_eq!(near("get_al", known), ["get_all"]);
        assert_eq!(near("cal", known), ["call", "call_batch"]);
        assert!(near("delete", known).is_empty());
        assert_eq!(did_you_mean("get_al", known).unwrap(), "did you mean `get_all`?");
        assert_eq!(did_you_mean("zzz", known), None);
        assert_eq!(did_you_mean("x", ["y", "_"]), None);
    }

    #[test]
    fn kinds_stand_in_their_own_order_and_survive_their_words() {
        for (place, (kind, word, _)) in KINDS.iter().enumerate() {
            assert_eq!((*kind as usize, kind.word(), Kind::from_word(word)), (place, *word, Some(*kind)));
        }
        assert_eq!(KINDS.len(), Kind::Stopped as usize + 1);
    }
}
