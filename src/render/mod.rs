//! What a person or another program gets to see: tables, files, reports.

pub mod export;
pub mod snippet;
pub mod table;

use std::borrow::Cow;

/// Whether a character drives a terminal, or turns the text after it around, rather than being seen.
pub fn is_wild(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with a sign of as many bytes in place of every such character, line ends and tabs apart: what a server sent
/// must not drive anybody's terminal, and places in the text stay where they are.
pub fn tame(text: &str) -> Cow<'_, str> {
    let drives = |c: char| is_wild(c) && !matches!(c, '\n' | '\t');
    if !text.contains(drives) {
        return Cow::Borrowed(text);
    }
    let sign = |c: char| match c.len_utf8() {
        _ if !drives(c) => c,
        1 => '?',
        2 => '¿',
        _ => char::REPLACEMENT_CHARACTER,
    };
    Cow::Owned(text.chars().map(sign).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_made_visible_and_nothing_moves() {
        assert_eq!(tame("a\x1b[2J\tб\n"), "a?[2J\tб\n");
        assert_eq!(tame("\u{9b}31m \u{202e}"), "¿31m \u{fffd}");
        assert_eq!(tame("\x1b\u{9b}\u{202e}").len(), "\x1b\u{9b}\u{202e}".len());
        assert!(matches!(tame("Поставка\n"), Cow::Borrowed(_)));
    }
}
