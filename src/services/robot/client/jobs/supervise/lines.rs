//! Bytes that a program prints, as lines of text.

use std::borrow::Cow;

use super::output::beginning;
use crate::core::code_page::{CP866, CP1251};
use crate::secret;

/// Longer lines are cut.
const LONGEST: usize = 16 * 1024;
/// So much more of them is kept: a secret that the cut would have divided is seen as a whole, and masked.
const BEHIND: usize = 1024;

/// Cuts what comes in pieces into lines, holding at most one of them.
#[derive(Default)]
pub struct Lines {
    open: Vec<u8>,
    /// Bytes of the open line that were left out.
    cut: u64,
}

impl Lines {
    /// Takes a piece and hands out each line that it completes.
    pub fn take(&mut self, piece: &[u8], mut each: impl FnMut(&str)) {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.keep(&rest[..end]);
            rest = &rest[end + 1..];
            self.close(&mut each);
        }
        self.keep(rest);
    }

    /// Hands out what stands behind the last end of a line.
    pub fn end(&mut self, mut each: impl FnMut(&str)) {
        if !self.open.is_empty() {
            self.close(&mut each);
        }
    }

    fn keep(&mut self, part: &[u8]) {
        let fits = part.len().min(LONGEST + BEHIND - self.open.len());
        self.open.extend_from_slice(&part[..fits]);
        self.cut += (part.len() - fits) as u64;
    }

    fn close(&mut self, each: &mut impl FnMut(&str)) {
        let bytes = self.open.strip_suffix(b"\r").unwrap_or(&self.open);
        let text = match self.cut {
            0 => text(bytes),
            cut => {
                let masked = text(whole(bytes));
                let masked = secret::mask(&masked);
                let shown = beginning(&masked, masked.len().saturating_sub(BEHIND));
                Cow::Owned(format!("{shown} … ({} bytes more)", cut + BEHIND as u64))
            }
        };
        each(&text);
        self.open.clear();
        self.cut = 0;
    }
}

/// Without the beginning of a letter at the end, which a cut leaves.
fn whole(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

/// UTF-8, or what a Russian Windows writes. Nobody says in which of its two code pages that is: the one in which the letters
/// look more like words is taken, the console's when they look the same.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let (console, files) = (CP866.decode(bytes), CP1251.decode(bytes));
            Cow::Owned(if strange(&files) < strange(&console) { files } else { console })
        }
    }
}

/// How much of a text no Russian would write: signs for frames, rare letters, capitals behind small letters.
fn strange(text: &str) -> usize {
    let is_usual = |c: char| c.is_ascii() || matches!(c, 'А'..='я' | 'ё' | 'Ё' | '№' | '«' | '»' | '–' | '—' | '…');
    let odd = text.chars().filter(|&c| !is_usual(c)).count();
    let mut before = ' ';
    let mut torn = 0;
    for letter in text.chars() {
        torn += usize::from(before.is_lowercase() && letter.is_uppercase());
        before = letter;
    }
    2 * odd + torn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.take(piece, |line| found.push(line.to_owned()));
        }
        lines.end(|line| found.push(line.to_owned()));
        found
    }

    #[test]
    fn pieces_become_lines_wherever_they_are_cut() {
        let text = "one\r\nдва\n\nthree".as_bytes();
        for at in 0..text.len() {
            assert_eq!(lines(&[&text[..at], &text[at..]]), ["one", "два", "", "three"], "{at}");
        }
        assert_eq!(lines(&[b"x\n"]), ["x"]);
        assert!(lines(&[]).is_empty());
    }

    #[test]
    fn a_line_without_an_end_does_not_grow() {
        let mut text = "й".repeat(LONGEST).into_bytes();
        text.insert(0, b'x');
        text.push(b'\n');
        let mut open = Lines::default();
        let mut found = Vec::new();
        for _ in 0..3 {
            text.chunks(1000).for_each(|piece| open.take(piece, |line| found.push(line.to_owned())));
            assert!(open.open.capacity() <= 3 * LONGEST);
        }
        assert_eq!(found.len(), 3);
        let cut = text.len() - 1 - LONGEST;
        assert!(found[0].starts_with("xйй") && found[0].ends_with(&format!("й … ({cut} bytes more)")), "{cut}");
    }

    #[test]
    fn a_secret_is_not_divided_by_the_cut() {
        secret::hide("a-secret-at-the-end-of-a-long-line");
        for before in (LONGEST - 40..LONGEST + 5).chain(LONGEST + BEHIND - 40..LONGEST + BEHIND + 5) {
            let text = format!("{}a-secret-at-the-end-of-a-long-line{}\n", "x".repeat(before), "y".repeat(3000));
            let found = lines(&[text.as_bytes()]);
            assert!(!found[0].contains("a-se"), "{before}");
        }
    }

    #[test]
    fn both_code_pages_of_a_russian_windows_are_read() {
        let encode = |page: &crate::core::code_page::CodePage, text: &str| -> Vec<u8> {
            text.chars().map(|letter| page.byte(letter).unwrap()).collect()
        };
        for text in ["Ошибка: файл не найден", "Счёт № 17 проведён", "готово", "ОШИБКА", "Привет, мир!", "я"]
        {
            for page in [&CP866, &CP1251] {
                assert_eq!(lines(&[&encode(page, text)]), [text], "{page:?}");
            }
        }
        assert_eq!(lines(&["Ошибка".as_bytes()]), ["Ошибка"]);
    }
}
