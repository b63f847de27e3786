//! Lines of the utility's output put together to records: one pass, no copies.
//!
//! Records of one output repeat the same keys, so a line is first compared with the key that stood in this place of
//! the record before; only what differs is looked at closely.

use std::collections::HashMap;

use memchr::memchr;

use super::same_key;
use crate::services::rac::table::{Line, Record, Shape};

/// One line of a record, with the lines that continue it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair<'a> {
    /// Which of [`Scanner::key`] it is.
    pub key: usize,
    /// As it was printed after `: `, line breaks and all.
    pub value: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    Pair(Pair<'a>),
    /// The record is over.
    End {
        /// An empty line, or the next record, says so; else the output just stopped.
        closed: bool,
        /// It had the keys of the record before it, in their order.
        same: bool,
    },
}

/// A text begins like nothing that the utility prints of records.
#[derive(Debug)]
pub struct Foreign;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    /// Of this key; the value begins at this byte.
    Key(usize, usize),
    Blank,
    /// No `key : value`.
    Other,
    /// No line at all.
    End,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Pair { key: usize, value: usize },
    End { closed: bool, then: Option<(usize, usize)> },
    Nothing,
}

struct Key<'a> {
    name: &'a str,
    /// What the table says of it.
    line: Option<&'static Line>,
    /// The line up to its colon.
    prefix: &'a str,
    /// The last record in which it stood somewhere unexpected.
    record: usize,
}

pub struct Scanner<'a> {
    text: &'a str,
    next: Next,
    keys: Vec<Key<'a>>,
    by_name: HashMap<&'a str, usize>,
    /// The keys of the record before, in their order.
    order: Vec<usize>,
    /// How many of these this record has repeated, while it repeats them.
    following: Option<usize>,
    /// The keys of this record once it has left that order.
    own: Vec<usize>,
    /// Counts records.
    record: usize,
    first: usize,
    /// Where the colons of this record stand.
    column: usize,
    /// Up to where quotes of a value were counted, and whether their number was odd.
    quotes: Option<(usize, bool)>,
    /// Keys are padded to one column: a line whose colon is elsewhere is no key.
    is_aligned: bool,
    expected: &'static Record,
}

impl<'a> Scanner<'a> {
    /// Nothing for a text without a record. `expected` helps where a continued text looks like a key.
    pub fn open(text: &'a str, expected: &'static Record) -> Result<Option<Scanner<'a>>, Foreign> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut scanner = Scanner {
            text,
            next: Next::Nothing,
            keys: Vec::new(),
            by_name: HashMap::new(),
            order: Vec::new(),
            following: Some(0),
            own: Vec::new(),
            record: 0,
            first: usize::MAX,
            column: 0,
            quotes: None,
            is_aligned: false,
            expected,
        };
        let at = scanner.past_blanks(0);
        match scanner.begins(at) {
            Found::Key(key, value) => {
                scanner.next = Next::Pair { key, value };
                Ok(Some(scanner))
            }
            Found::End => Ok(None),
            Found::Blank | Found::Other => Err(Foreign),
        }
    }

    /// The key of this number, as it was printed.
    pub fn key(&self, number: usize) -> &'a str {
        self.keys[number].name
    }

    /// What the table says of that key.
    pub fn line_of(&self, number: usize) -> Option<&'static Line> {
        self.keys[number].line
    }

    /// After the end of a record: its keys.
    pub fn keys_of_record(&self) -> &[usize] {
        &self.order
    }

    /// The bytes up to this line's feed, or to the end of the text.
    fn line_end(&self, at: usize) -> usize {
        memchr(b'\n', &self.text.as_bytes()[at..]).map_or(self.text.len(), |length| at + length)
    }

    /// The beginning of the first line from here on that is not empty.
    fn past_blanks(&self, mut at: usize) -> usize {
        while at < self.text.len() {
            let end = self.line_end(at);
            if !is_blank(&self.text[at..end]) {
                break;
            }
            at = (end + 1).min(self.text.len());
        }
        at
    }

    /// What stands at this place, if a record may begin there.
    fn begins(&mut self, at: usize) -> Found {
        if at == self.text.len() {
            return Found::End;
        }
        match self.split(at) {
            Some((name, colon, value)) => Found::Key(self.intern(name, &self.text[at..=colon]), value),
            None => Found::Other,
        }
    }

    /// What stands at this place inside a record; `so_far` is the value before it.
    fn inside(&mut self, at: usize, value: usize) -> Found {
        if at >= self.text.len() {
            return Found::End;
        }
        if let Some(&key) = self.following.and_then(|seen| self.order.get(seen)) {
            let prefix = self.keys[key].prefix;
            if self.text.as_bytes()[at..].starts_with(prefix.as_bytes()) {
                return Found::Key(key, self.value_at(at + prefix.len()));
            }
        }
        if is_blank(&self.text[at..self.line_end(at)]) {
            return Found::Blank;
        }
        let Some((name, colon, begin)) = self.split(at) else { return Found::Other };
        let in_column = colon - at == self.column;
        if !in_column && (self.is_aligned || self.line(name).is_none() || self.is_open(value, at)) {
            return Found::Other;
        }
        Found::Key(self.intern(name, &self.text[at..=colon]), begin)
    }

    /// Whether the value that begins here has, up to there, opened a quote and not closed it. Counts on from where it
    /// was asked last, so that a long text is not read again for each of its lines.
    fn is_open(&mut self, value: usize, to: usize) -> bool {
        let bytes = self.text.as_bytes();
        let (from, odd) = self.quotes.filter(|(from, _)| *from >= value).unwrap_or((value, false));
        let odd = odd ^ (bytes[from..to].iter().filter(|byte| **byte == b'"').count() % 2 == 1);
        self.quotes = Some((to, odd));
        odd && bytes.get(value) == Some(&b'"')
    }

    fn line(&self, name: &str) -> Option<&'static Line> {
        self.expected.lines.iter().find(|line| same_key(line.key, name))
    }

    /// The key of the line that begins here, the place of its colon, and that of its value.
    fn split(&self, at: usize) -> Option<(&'a str, usize, usize)> {
        let end = self.line_end(at);
        let colon = at + memchr(b':', &self.text.as_bytes()[at..end])?;
        let padded = &self.text[at..colon];
        let name = padded.trim_end_matches(' ');
        let follows = self.text[colon + 1..end].chars().next();
        let is_key = padded.len() > name.len() && is_name(name) && matches!(follows, None | Some(' ' | '\r'));
        is_key.then(|| (name, colon, self.value_at(colon + 1)))
    }

    /// A value begins after one blank.
    fn value_at(&self, after_colon: usize) -> usize {
        after_colon + usize::from(self.text.as_bytes().get(after_colon) == Some(&b' '))
    }

    fn intern(&mut self, name: &'a str, prefix: &'a str) -> usize {
        let next = self.keys.len();
        let key = *self.by_name.entry(name).or_insert(next);
        if key == next {
            let line = self.line(name);
            self.keys.push(Key { name, line, prefix, record: usize::MAX });
        } else {
            self.keys[key].prefix = prefix;
        }
        key
    }

    /// Whether this record has had this key.
    fn is_repeated(&self, key: usize) -> bool {
        match self.following {
            Some(seen) => self.order.get(seen) != Some(&key) && self.order[..seen].contains(&key),
            None => self.keys[key].record == self.record,
        }
    }

    /// Where the colon stood when this key was last looked at closely.
    fn column_of(&self, key: usize) -> usize {
        self.keys[key].prefix.len() - 1
    }

    /// Takes a key into the record.
    fn enter(&mut self, key: usize) {
        if self.following == Some(0) {
            self.first = key;
            self.column = self.column_of(key);
        }
        if let Some(seen) = self.following {
            if self.order.get(seen) == Some(&key) {
                self.following = Some(seen + 1);
                return;
            }
            self.following = None;
            self.own.clear();
            self.own.extend_from_slice(&self.order[..seen]);
            for &known in &self.own {
                self.keys[known].record = self.record;
            }
        }
        let (name, first) = (self.keys[key].name, self.keys[self.first].name);
        let is_padded = self.column > name.len() + 1;
        self.is_aligned |= self.column_of(key) == self.column && (is_padded || name.len() != first.len());
        self.own.push(key);
        self.keys[key].record = self.record;
    }

    /// Ends the record; true when it was like the one before.
    fn finish(&mut self) -> bool {
        self.record += 1;
        match self.following.replace(0) {
            Some(seen) if seen == self.order.len() => return true,
            Some(seen) => self.order.truncate(seen),
            None => std::mem::swap(&mut self.order, &mut self.own),
        }
        self.own.clear();
        false
    }

    /// The value of a key, from here up to whatever follows it.
    fn value(&mut self, key: usize, value: usize) -> &'a str {
        let mut end = self.line_end(value);
        self.next = loop {
            match self.inside(end + 1, value) {
                Found::Key(next, begin) if self.is_repeated(next) => {
                    break Next::End { closed: true, then: Some((next, begin)) };
                }
                Found::Key(key, value) => break Next::Pair { key, value },
                Found::End => break Next::End { closed: false, then: None },
                Found::Other => end = self.line_end(end + 1),
                Found::Blank => {
                    let at = self.past_blanks(end + 1);
                    match self.after_blank(key, value, at) {
                        Some(next @ Next::Pair { .. }) => {
                            // The empty lines are the value's own.
                            end = at - 1;
                            break next;
                        }
                        Some(next) => break next,
                        None => end = self.line_end(at),
                    }
                }
            }
        };
        let text = &self.text[value..end];
        text.strip_suffix('\r').unwrap_or(text)
    }

    /// What follows the empty lines after this value; nothing when the text goes on behind them.
    fn after_blank(&mut self, key: usize, value: usize, at: usize) -> Option<Next> {
        let shape = self.keys[key].line.map(|line| line.shape);
        let is_text = matches!(shape, Some(Shape::Text | Shape::Quoted) | None);
        let is_open = shape != Some(Shape::Text) && self.is_open(value, at);
        match self.begins(at) {
            Found::End => Some(Next::End { closed: !is_open, then: None }),
            Found::Key(next, begin) => {
                let in_column = self.column_of(next) == self.column;
                let is_key = in_column || !(self.is_aligned || self.keys[next].line.is_none() || is_open);
                let is_new = next == self.first || self.is_repeated(next) || !in_column;
                match (is_text, is_key) {
                    (true, false) => None,
                    // Records of one list begin alike: the text before ended with empty lines.
                    (true, true) if !is_new => Some(Next::Pair { key: next, value: begin }),
                    _ => Some(Next::End { closed: true, then: Some((next, begin)) }),
                }
            }
            Found::Blank | Found::Other => None,
        }
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        match self.next {
            Next::Pair { key, value } => {
                self.enter(key);
                Some(Step::Pair(Pair { key, value: self.value(key, value) }))
            }
            Next::End { closed, then } => {
                let same = self.finish();
                self.next = then.map_or(Next::Nothing, |(key, value)| Next::Pair { key, value });
                Some(Step::End { closed, same })
            }
            Next::Nothing => None,
        }
    }
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| matches!(byte, b' ' | b'\r' | b'\t'))
}

/// Letters, digits, hyphens; the utility has a blank in one.
fn is_name(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b' '))
}
