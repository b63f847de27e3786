//! Colours of the line that is being typed. They change nothing but colours: the width stays.

use crate::repl::names::Names;
use crate::repl::text::{KEYWORDS, Kind, Piece, closes, opens, pieces};

const KEYWORD: &str = "\x1b[35m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const COMMENT: &str = "\x1b[2m";
const KNOWN: &str = "\x1b[34m";
const COMMAND: &str = "\x1b[1m";
const BRACKET: &str = "\x1b[1;4m";
const PLAIN: &str = "\x1b[0m";

/// The line with colours. `cursor` is where brackets are matched, or nothing for the last picture of a line.
pub fn line(text: &str, cursor: Option<usize>, names: &Names) -> String {
    let begun = text.trim_start();
    let indent = text.len() - begun.len();
    let head = match begun.chars().next() {
        Some(':') => indent + begun.find(char::is_whitespace).unwrap_or(begun.len()),
        Some('?') => indent + 1,
        _ => 0,
    };
    let (head, rest) = text.split_at(head);
    let pieces = pieces(rest);
    let pair = cursor.and_then(|cursor| cursor.checked_sub(head.len())).and_then(|cursor| pair(&pieces, cursor));
    let mut drawn = String::with_capacity(text.len() * 2);
    if !head.is_empty() {
        drawn.extend([COMMAND, head, PLAIN]);
    }
    let mut from = 0;
    for (at, piece) in pieces.iter().enumerate() {
        drawn.push_str(&rest[from..piece.start]);
        from = piece.end();
        match colour(&pieces, at, pair, names) {
            Some(colour) => drawn.extend([colour, piece.text, PLAIN]),
            None => drawn.push_str(piece.text),
        }
    }
    drawn + &rest[from..]
}

/// A hint, dim but for the parameter that comes next.
pub fn hint(text: &str) -> String {
    let [begin, end] = super::hint::MARKS;
    let marked = text.replace(begin, &format!("{begin}{PLAIN}")).replace(end, &format!("{COMMENT}{end}"));
    format!("{COMMENT}{marked}{PLAIN}")
}

pub fn prompt(text: &str) -> String {
    format!("{COMMAND}{text}{PLAIN}")
}

pub fn dim(text: &str) -> String {
    format!("{COMMENT}{text}{PLAIN}")
}

fn colour(pieces: &[Piece<'_>], at: usize, pair: Option<(usize, usize)>, names: &Names) -> Option<&'static str> {
    let piece = &pieces[at];
    match piece.kind {
        Kind::Text => Some(TEXT),
        Kind::Number => Some(NUMBER),
        Kind::Comment => Some(COMMENT),
        Kind::Word if KEYWORDS.contains(&piece.text) => Some(KEYWORD),
        Kind::Word => is_known(pieces, at, names).then_some(KNOWN),
        Kind::Sign => pair.filter(|pair| pair.0 == at || pair.1 == at).map(|_| BRACKET),
    }
}

fn is_known(pieces: &[Piece<'_>], at: usize, names: &Names) -> bool {
    let name = pieces[at].text;
    let next = |sign: &str| pieces.get(at + 1).is_some_and(|next| next.is(sign));
    match at.checked_sub(1).map(|before| &pieces[before]) {
        Some(sign) if sign.is(".") || sign.is("?.") || sign.is("::") => names.every(name).next().is_some(),
        _ if next("::") => names.modules().any(|module| module == name),
        _ if next("(") => names.named(name).next().is_some(),
        _ => names.value(name).is_some(),
    }
}

/// The bracket at the cursor or before it, and its partner.
fn pair(pieces: &[Piece<'_>], cursor: usize) -> Option<(usize, usize)> {
    let is_bracket = |piece: &Piece<'_>| opens(piece) || closes(piece);
    let under = pieces.iter().position(|piece| piece.start == cursor && is_bracket(piece));
    let at = under.or_else(|| pieces.iter().position(|piece| piece.end() == cursor && is_bracket(piece)))?;
    let partner = match closes(&pieces[at]) {
        true => super::text::opener(pieces, at)?,
        false => {
            let mut depth = 0usize;
            (at..pieces.len()).find(|&close| {
                depth += usize::from(opens(&pieces[close]));
                depth -= usize::from(closes(&pieces[close]));
                depth == 0
            })?
        }
    };
    Some((at, partner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_nothing_but_colours() {
        for text in ["let x = \"a\" + 1; // b", ":time f(`a ${1} b`)", "?print", "  [1, (2)]  ", "/* базы", ""] {
            for cursor in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
                let drawn = line(text, Some(cursor), &Names::default());
                assert_eq!(console::strip_ansi_codes(&drawn), text);
            }
        }
    }

    #[test]
    fn a_bracket_is_shown_with_its_partner_and_not_with_one_in_a_string() {
        let drawn = line("f(\")\")", Some(6), &Names::default());
        assert_eq!(drawn.matches(BRACKET).count(), 2);
        assert!(drawn.contains("\x1b[32m\")\"\x1b[0m"), "{drawn:?}");
        assert_eq!(line("f(", Some(2), &Names::default()).matches(BRACKET).count(), 0);
    }
}
