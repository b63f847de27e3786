//! Hides secrets in the text of a file that is shown with its mistakes.
//!
//! What is shown is what is known to be harmless, not the other way round: the value of a misspelled `webhok` is a secret
//! too, and so may be anything in a line that the parser could not take apart.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::secret;
use crate::settings::{COMMON, Type};

use super::Known;
use super::read::{REFERENCES, is_variable};
use super::serve;

/// What may stand behind a value without being one.
const CLOSING: [char; 4] = ['}', ']', ' ', '\t'];

/// Places of a text that are not shown.
#[derive(Default)]
pub(super) struct Hidden {
    spans: Vec<Range<usize>>,
    /// What stands in these places by the name of a secret.
    secrets: Vec<String>,
}

impl Hidden {
    pub(super) fn add(&mut self, span: Range<usize>) {
        self.spans.push(span);
    }

    pub(super) fn add_secret(&mut self, text: &str) {
        self.secrets.push(text.to_owned());
    }

    /// Puts what was found on the list of what is masked in every output.
    pub(super) fn mask(&self) {
        self.secrets.iter().for_each(|text| secret::hide(text));
    }

    /// Hides every text in a table that is not in one of the open places.
    pub(super) fn leaves(&mut self, table: &DeTable, open: &[Range<usize>]) {
        for value in table.values() {
            self.leaf(value, open);
        }
    }

    fn leaf(&mut self, value: &Spanned<DeValue>, open: &[Range<usize>]) {
        match value.get_ref() {
            DeValue::Table(table) => self.leaves(table, open),
            DeValue::Array(values) => values.iter().for_each(|value| self.leaf(value, open)),
            DeValue::String(_) if !open.contains(&value.span()) => self.add(value.span()),
            _ => {}
        }
    }

    /// Looks for secrets line by line, for what the parser does not see: comments, and what it could not take apart.
    pub(super) fn lines(&mut self, text: &str, rules: &Rules) {
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            // Where the parser saw everything, only comments are left to look at.
            let from = if rules.broken { Some(0) } else { find(line, '#') };
            if let Some(from) = from {
                let written = line[from..].trim_start();
                self.pair(start + line.len() - written.len(), written.trim_end(), rules);
            }
            start += line.len();
        }
    }

    /// `name = value`, at a byte of the text. The value may be a table of further pairs.
    fn pair(&mut self, at: usize, written: &str, rules: &Rules) {
        let Some(equals) = find(written, '=') else {
            return self.loose(at, written, rules);
        };
        let before = written[..equals].trim_end().trim_end_matches(['"', '\'']);
        let in_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let name = before.rsplit(|c: char| !in_name(c)).next().unwrap_or_default();
        if may_be_secret(before) || rules.broken && !before.chars().all(|c| in_name(c) || " \t.#[]{}".contains(c)) {
            self.add(at..at + equals);
        }
        let value = written[equals + 1..].trim_start();
        let at = at + written.len() - value.len();
        if let Some(inside) = value.strip_prefix('{') {
            return self.pairs(at + 1, inside, rules);
        }
        let first = first(value);
        let harmless = match name {
            "env" => is_variable(value[..first].trim_matches(['"', '\''])),
            _ => rules.open(name) || (!rules.secret(name) && is_plain(&value[..first])),
        };
        if rules.secret(name) {
            let text = if first > 0 { &value[..first] } else { value };
            self.add_secret(text.trim_matches(['"', '\'']));
        }
        let shown = if harmless { first } else { 0 };
        let rest = value[shown..].trim_start();
        let at = at + value.len() - rest.len();
        if !harmless {
            self.add(at..at + rest.len());
        } else if rest.starts_with('#') {
            self.pair(at, rest, rules);
        } else if !rest.trim_matches(CLOSING).is_empty() {
            self.add(at..at + rest.len());
        }
    }

    /// Something without a value.
    fn loose(&mut self, at: usize, written: &str, rules: &Rules) {
        let is_header = written.starts_with('[') && !may_be_secret(written);
        let hide = match written.strip_prefix('#') {
            // Prose is shown; a comment with quotes or an address in it may be a setting that is switched off.
            Some(_) => may_be_secret(written),
            None => rules.broken && !is_header && !rules.open(written) && !written.trim_matches(CLOSING).is_empty(),
        };
        if hide {
            self.add(at..at + written.len());
        }
    }

    fn pairs(&mut self, mut at: usize, mut written: &str, rules: &Rules) {
        while let Some(comma) = find(written, ',') {
            self.pair(at, &written[..comma], rules);
            written = &written[comma + 1..];
            at += comma + 1;
        }
        self.pair(at, written, rules);
    }
}

/// What decides whether a place is shown.
pub(super) struct Rules {
    /// Names whose values are harmless.
    open: Vec<&'static str>,
    secret: Vec<&'static str>,
    /// Whether the parser could not take the whole file apart.
    broken: bool,
}

impl Rules {
    pub(super) fn new(known: &[Known], broken: bool) -> Rules {
        let all = || known.iter().flat_map(|known| known.settings).chain(serve::SETTINGS).chain(COMMON);
        let secret: Vec<&str> = all().filter(|setting| setting.holds == Type::Secret).map(|s| s.name).collect();
        let open = all().map(|setting| setting.name).chain(REFERENCES).chain(["allow"]);
        Rules { open: open.filter(|name| !secret.contains(name)).collect(), secret, broken }
    }

    fn open(&self, name: &str) -> bool {
        self.open.contains(&name)
    }

    fn secret(&self, name: &str) -> bool {
        self.secret.contains(&name)
    }
}

/// Whether prose has something in it that looks like a value.
fn may_be_secret(prose: &str) -> bool {
    prose.contains(['"', '\'']) || prose.contains("://")
}

/// The first place of a character outside quotes.
fn find(text: &str, wanted: char) -> Option<usize> {
    let mut inside = None;
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match inside {
            Some(quote) if c == quote => inside = None,
            Some('"') if c == '\\' => drop(characters.next()),
            Some(_) => {}
            None if c == wanted => return Some(at),
            None if c == '"' || c == '\'' => inside = Some(c),
            None => {}
        }
    }
    None
}

/// The bytes of the first value in a text: a quoted one, or a word. None of a list, or of what is not closed: there is
/// no telling what else is in it.
fn first(text: &str) -> usize {
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].find(quote).map_or(0, |end| end + 2),
        Some('[') => 0,
        _ => text.find([' ', '\t', ',', '}', '#', '"', '\'']).unwrap_or(text.len()),
    }
}

/// A number, or true or false.
fn is_plain(word: &str) -> bool {
    matches!(word, "true" | "false") || word.parse::<f64>().is_ok()
}

/// The text with the hidden places starred out. Quotes and line ends stay, and so does the place of every byte.
pub(super) fn veil(text: &str, hidden: &Hidden) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut spans = hidden.spans.clone();
    spans.sort_by_key(|span| span.start);
    let mut spans = spans.into_iter().peekable();
    let mut until = 0;
    for (at, c) in text.char_indices() {
        while let Some(span) = spans.next_if(|span| span.start <= at) {
            until = until.max(span.end);
        }
        match c {
            '"' | '\'' | '\r' | '\n' => shown.push(c),
            _ if at < until => (0..c.len_utf8()).for_each(|_| shown.push('*')),
            _ => shown.push(c),
        }
    }
    shown
}
