//! Texts as bytes in the encoding of the terminal that the utility was made for.

use crate::core::code_page::{CP866, CP1251, CodePage};

/// How output is encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Encoding {
    Utf8,
    /// The OEM page of Russian Windows.
    Cp866,
    /// The ANSI page of Russian Windows.
    Cp1251,
}

/// Names by which an encoding may be asked for.
pub const NAMES: &[(&str, Encoding)] = &[
    ("utf-8", Encoding::Utf8),
    ("utf8", Encoding::Utf8),
    ("cp866", Encoding::Cp866),
    ("oem", Encoding::Cp866),
    ("cp1251", Encoding::Cp1251),
    ("ansi", Encoding::Cp1251),
];

/// What Windows writes for characters that a page lacks, where something is near enough.
const NEAR: &[(char, u8)] = &[
    ('«', b'"'),
    ('»', b'"'),
    ('“', b'"'),
    ('”', b'"'),
    ('„', b'"'),
    ('‘', b'\''),
    ('’', b'\''),
    ('–', b'-'),
    ('—', b'-'),
    ('…', b'.'),
    ('©', b'c'),
];
/// And what where nothing is.
const NOTHING_NEAR: u8 = b'?';

impl Encoding {
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Cp866 => text.chars().map(|c| byte(&CP866, c)).collect(),
            Encoding::Cp1251 => text.chars().map(|c| byte(&CP1251, c)).collect(),
        }
    }
}

fn byte(page: &CodePage, c: char) -> u8 {
    let near = || NEAR.iter().find(|(known, _)| *known == c).map(|(_, near)| *near);
    page.byte(c).or_else(near).unwrap_or(NOTHING_NEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_the_russian_pages() {
        assert_eq!(Encoding::Cp866.encode("Ошибка ё №"), b"\x8e\xe8\xa8\xa1\xaa\xa0 \xf1 \xfc");
        assert_eq!(Encoding::Cp1251.encode("Ошибка ё №"), b"\xce\xf8\xe8\xe1\xea\xe0 \xb8 \xb9");
        assert_eq!(Encoding::Cp866.encode("«x» — ©…"), b"\"x\" - c.");
        assert_eq!(Encoding::Cp866.encode("中"), b"?");
    }
}
