//! TOML with places: sections whose keys are asked for one by one, and everything that is wrong with what was found.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::error::{Error, Fault, Kind, did_you_mean};

type Key<'i> = Spanned<DeString<'i>>;
type Value<'i> = Spanned<DeValue<'i>>;

/// Bytes of the text.
pub(super) type Place = Range<usize>;

/// A text and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub text: String,
    pub place: Place,
}

/// Collects what is wrong.
pub(super) struct Faults<'t> {
    origin: &'t str,
    text: &'t str,
    found: RefCell<Vec<(Place, String, Option<String>)>>,
}

impl<'t> Faults<'t> {
    pub fn new(text: &'t str, origin: &'t str) -> Faults<'t> {
        Faults { origin, text, found: RefCell::default() }
    }

    pub fn add(&self, place: &Place, message: impl Into<String>, hint: impl Into<Option<String>>) {
        // A parser's place may be behind the end, or inside a letter.
        let boundary = |at: usize| (0..=at.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at));
        let end = boundary(place.end).unwrap_or_default();
        let start = boundary(place.start.min(end)).unwrap_or_default();
        self.found.borrow_mut().push((start..end, message.into(), hint.into()));
    }

    /// A word that should have been one of these.
    pub fn unknown<'a>(&self, word: &Word, what: &str, known: impl IntoIterator<Item = &'a str>) {
        let known: Vec<&str> = known.into_iter().collect();
        let hint = did_you_mean(&word.text, known.iter().copied()).unwrap_or_else(|| listed(&known));
        self.add(&word.place, format!("there is no {what} `{}`", word.text), hint);
    }

    pub fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// Everything that was wrong, in the order of the file.
    pub fn into_error(self) -> Option<Error> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(place, ..)| (place.start, place.end));
        found.dedup_by(|one, other| (&one.0, &one.1) == (&other.0, &other.1));
        let count = match found.len() {
            0 => return None,
            1 => "a mistake".to_owned(),
            several => format!("{several} mistakes"),
        };
        let text: Arc<str> = self.text.into();
        let fault =
            |(span, message, hint)| Fault { source: self.origin.to_owned(), text: text.clone(), span, message, hint };
        let message = format!("{} has {count}", self.origin);
        let error = Error::new(Kind::Config, "sp.catalogue", message);
        Some(error.faults(found.into_iter().map(fault).collect()))
    }
}

fn listed(known: &[&str]) -> String {
    const SHOWN: usize = 12;
    match known.len() {
        0 => "there is none at all".to_owned(),
        few if few <= SHOWN => format!("known here: {}", known.join(", ")),
        _ => format!("known here: {}, …", known[..SHOWN].join(", ")),
    }
}

/// One table of the file.
pub(super) struct Section<'a, 'i> {
    pub place: Place,
    table: &'a DeTable<'i>,
    faults: &'a Faults<'a>,
    /// Keys that were asked for: all others are unknown.
    asked: RefCell<Vec<&'static str>>,
}

impl<'a, 'i> Section<'a, 'i> {
    pub fn new(place: Place, table: &'a DeTable<'i>, faults: &'a Faults<'a>) -> Section<'a, 'i> {
        Section { place, table, faults, asked: RefCell::default() }
    }

    /// Where a key's value stands; the section itself when it is not there.
    pub fn place_of(&self, key: &str) -> Place {
        self.table.get(key).map_or_else(|| self.place.clone(), Spanned::span)
    }

    fn value(&self, key: &'static str) -> Option<&'a Value<'i>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key)
    }

    pub fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    fn wrong<T>(&self, key: &str, value: &Value, expected: &str) -> Option<T> {
        let message = format!("`{key}`: expected {expected}, found {}", named(value));
        self.faults.add(&value.span(), message, quotes(value));
        None
    }

    pub fn missing<T>(&self, key: &str) -> Option<T> {
        self.faults.add(&self.place, format!("`{key}` is missing here"), None);
        None
    }

    pub fn text(&self, key: &'static str) -> Option<Word> {
        let value = self.value(key)?;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some(Word { text: text.to_owned(), place: value.span() }),
            Some(_) => {
                self.faults.add(&value.span(), format!("`{key}` is empty"), None);
                None
            }
            None => self.wrong(key, value, "a text"),
        }
    }

    pub fn needed_text(&self, key: &'static str) -> Option<Word> {
        if !self.has(key) {
            return self.missing(key);
        }
        self.text(key)
    }

    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        value.get_ref().as_bool().or_else(|| self.wrong(key, value, "true or false"))
    }

    pub fn whole(&self, key: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.value(key)?;
        let Some(n) = integer(value) else { return self.wrong(key, value, "a whole number") };
        if !range.contains(&n) {
            let message = format!("`{key}`: {n} is not from {} to {}", range.start(), range.end());
            self.faults.add(&value.span(), message, None);
            return None;
        }
        Some(n)
    }

    pub fn number(&self, key: &'static str) -> Option<f64> {
        let value = self.value(key)?;
        number(value).filter(|n| *n >= 0.0).or_else(|| self.wrong(key, value, "a number that is not negative"))
    }

    /// Seconds as a number, or a text with a unit: `"90s"`, `"2m"`, `"1h"`, `"500ms"`.
    pub fn seconds(&self, key: &'static str) -> Option<Duration> {
        let value = self.value(key)?;
        let seconds = match value.get_ref().as_str() {
            Some(text) => with_unit(text),
            None => number(value),
        };
        let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        duration
            .filter(|duration| *duration <= LONGEST)
            .or_else(|| self.wrong(key, value, "seconds, or a text like \"90s\", \"2m\" or \"1h\""))
    }

    /// One of these words.
    pub fn choice<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let word = self.text(key)?;
        let found = words.iter().find(|(known, _)| *known == word.text).map(|(_, meant)| *meant);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
            let hint = did_you_mean(&word.text, known.iter().copied()).unwrap_or_else(|| listed(&known));
            self.faults.add(&word.place, format!("`{key}`: \"{}\" is not known", word.text), hint);
        }
        found
    }

    /// A list of texts; a single text is a list of one.
    pub fn texts(&self, key: &'static str) -> Option<Vec<Word>> {
        let value = self.value(key)?;
        if value.get_ref().is_str() {
            return Some(self.text(key).into_iter().collect());
        }
        let Some(list) = value.get_ref().as_array() else { return self.wrong(key, value, "a text or a list of texts") };
        Some(list.iter().filter_map(|item| self.word(key, item)).collect())
    }

    fn word(&self, key: &str, value: &Value) -> Option<Word> {
        let text = value.get_ref().as_str().filter(|text| !text.is_empty());
        let word = text.map(|text| Word { text: text.to_owned(), place: value.span() });
        word.or_else(|| self.wrong(key, value, "a list of texts"))
    }

    /// A list of lists of texts.
    pub fn lists(&self, key: &'static str) -> Option<Vec<Vec<Word>>> {
        let value = self.value(key)?;
        let Some(lists) = value.get_ref().as_array() else { return self.wrong(key, value, "a list of lists") };
        let list = |value: &Value| match value.get_ref().as_array() {
            Some(list) => Some(list.iter().filter_map(|item| self.word(key, item)).collect()),
            None => self.wrong(key, value, "a list of lists"),
        };
        Some(lists.iter().filter_map(list).collect())
    }

    pub fn integers(&self, key: &'static str) -> Option<Vec<i64>> {
        let value = self.value(key)?;
        let Some(list) = value.get_ref().as_array() else { return self.wrong(key, value, "a list of whole numbers") };
        let one = |value: &Value| integer(value).or_else(|| self.wrong(key, value, "a list of whole numbers"));
        Some(list.iter().filter_map(one).collect())
    }

    /// Whether the value is a text and not, say, a list.
    pub fn is_text(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| value.get_ref().is_str())
    }

    pub fn section(&self, key: &'static str) -> Option<Section<'a, 'i>> {
        let value = self.value(key)?;
        match value.get_ref().as_table() {
            Some(table) => Some(Section::new(value.span(), table, self.faults)),
            None => self.wrong(key, value, "a section"),
        }
    }

    /// Sections in a list: `[[stages]]`.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'a, 'i>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong::<()>(key, value, &format!("sections [[{key}]]"));
            return Vec::new();
        };
        let section = |value: &'a Value<'i>| match value.get_ref().as_table() {
            Some(table) => Some(Section::new(value.span(), table, self.faults)),
            None => self.wrong(key, value, "a section"),
        };
        list.iter().filter_map(section).collect()
    }

    /// All keys with the sections behind them, in the order of the file.
    pub fn members(&self) -> Vec<(Word, Section<'a, 'i>)> {
        let section = |(key, value): (Word, &'a Value<'i>)| match value.get_ref().as_table() {
            Some(table) => {
                let place = if value.span().is_empty() { key.place.clone() } else { value.span() };
                Some((key, Section::new(place, table, self.faults)))
            }
            None => self.wrong(&key.text, value, "a section, or a table in braces"),
        };
        self.entries().into_iter().filter_map(section).collect()
    }

    /// All keys with texts behind them.
    pub fn text_members(&self) -> Vec<(Word, Word)> {
        let text = |(key, value): (Word, &Value)| {
            let word = self.word(&key.text, value)?;
            Some((key, word))
        };
        self.entries().into_iter().filter_map(text).collect()
    }

    /// All keys with whole numbers behind them.
    pub fn whole_members(&self) -> Vec<(Word, i64)> {
        let whole = |(key, value): (Word, &Value)| match integer(value).filter(|n| (1..=1200).contains(n)) {
            Some(n) => Some((key, n)),
            None => self.wrong(&key.text, value, "a whole number above 0"),
        };
        self.entries().into_iter().filter_map(whole).collect()
    }

    /// All keys with one number, or two from and to, behind them.
    pub fn span_members(&self) -> Vec<(Word, (f64, f64))> {
        let span = |(key, value): (Word, &Value)| {
            let two = value.get_ref().as_array().map(|list| list.iter().map(number).collect::<Vec<_>>());
            let span = match two.as_deref() {
                Some([Some(from), Some(to)]) => Some((*from, *to)),
                Some(_) => None,
                None => number(value).map(|n| (n, n)),
            };
            match span.filter(|(from, to)| 0.0 <= *from && from <= to) {
                Some(span) => Some((key, span)),
                None => self.wrong(&key.text, value, "seconds: one number, or [from, to]"),
            }
        };
        self.entries().into_iter().filter_map(span).collect()
    }

    fn entries(&self) -> Vec<(Word, &'a Value<'i>)> {
        let word = |key: &Key| Word { text: key.get_ref().as_ref().to_owned(), place: key.span() };
        let mut entries: Vec<_> = self.table.iter().map(|(key, value)| (word(key), value)).collect();
        entries.sort_by_key(|(key, _)| key.place.start);
        entries
    }

    /// To be called when everything has been asked for.
    pub fn end(&self) {
        let asked = self.asked.borrow();
        for (key, _) in self.entries() {
            if !asked.contains(&key.text.as_str()) {
                let mut known: Vec<&str> = asked.clone();
                known.sort_unstable();
                known.dedup();
                let hint = did_you_mean(&key.text, known.iter().copied()).unwrap_or_else(|| listed(&known));
                self.faults.add(&key.place, format!("unknown key `{}`", key.text), hint);
            }
        }
    }
}

/// Nobody waits for longer.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

fn with_unit(text: &str) -> Option<f64> {
    let text = text.trim();
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let (number, unit) = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    number.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0).map(|n| n * unit)
}

fn integer(value: &Value) -> Option<i64> {
    let n = value.get_ref().as_integer()?;
    i64::from_str_radix(n.as_str(), n.radix()).ok()
}

fn number(value: &Value) -> Option<f64> {
    let float = || value.get_ref().as_float().and_then(|n| n.as_str().parse::<f64>().ok());
    integer(value).map(|n| n as f64).or_else(float).filter(|n| n.is_finite())
}

fn named(value: &Value) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// The commonest wrong type: quotes too many.
fn quotes(value: &Value) -> Option<String> {
    let text = value.get_ref().as_str()?;
    let bare = text.parse::<f64>().is_ok() || text.parse::<bool>().is_ok();
    bare.then(|| format!("write {text} without quotes"))
}

/// Mistakes of form, as the parser puts them.
pub(super) fn parse<'t>(text: &'t str, faults: &Faults<'t>) -> Spanned<DeTable<'t>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut lines = Vec::new();
    for error in errors {
        let place = error.span().unwrap_or(0..0);
        let before = text.as_bytes().get(..place.start).unwrap_or(text.as_bytes());
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        // What follows in the same line is an echo.
        if !lines.contains(&line) {
            lines.push(line);
            faults.add(&place, error.message(), None);
        }
    }
    root
}
