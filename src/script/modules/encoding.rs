//! Bytes of files as text: UTF-8, and the two other forms in which programs on Windows write.

use crate::core::code_page::CP1251;
use crate::error::{Error, Kind, Result, did_you_mean};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    #[default]
    Utf8,
    Cp1251,
    /// Little-endian unless the byte order mark says otherwise.
    Utf16,
}

const NAMES: &[(&str, Encoding)] = &[
    ("utf-8", Encoding::Utf8),
    ("utf8", Encoding::Utf8),
    ("cp1251", Encoding::Cp1251),
    ("windows-1251", Encoding::Cp1251),
    ("utf-16", Encoding::Utf16),
    ("utf16", Encoding::Utf16),
];

impl Encoding {
    pub fn named(name: &str) -> Result<Encoding> {
        let lower = name.to_lowercase();
        NAMES.iter().find(|(known, _)| *known == lower).map(|(_, encoding)| *encoding).ok_or_else(|| {
            let near = did_you_mean(&lower, NAMES.iter().map(|(known, _)| *known));
            Error::input("fs.encoding", format!("`{name}` is no encoding known here"))
                .hint(near.unwrap_or_else(|| "write \"utf-8\", \"cp1251\" or \"utf-16\"".into()))
        })
    }

    /// The text of a file named `path`, without its byte order mark.
    pub fn decode(self, bytes: Vec<u8>, path: &str) -> Result<String> {
        let text = match self {
            Encoding::Utf8 => utf8(bytes, path)?,
            Encoding::Cp1251 => CP1251.decode(&bytes),
            Encoding::Utf16 => utf16(&bytes, path)?,
        };
        Ok(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        })
    }

    pub fn encode(self, text: &str) -> Result<Vec<u8>> {
        match self {
            Encoding::Utf8 => Ok(text.as_bytes().to_vec()),
            Encoding::Cp1251 => text.chars().map(byte).collect(),
            Encoding::Utf16 => {
                Ok(std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect())
            }
        }
    }
}

fn byte(letter: char) -> Result<u8> {
    CP1251.byte(letter).ok_or_else(|| {
        Error::input("fs.encoding", format!("`{letter}` cannot be written in cp1251"))
            .hint("write the file as \"utf-8\", or replace that character first")
    })
}

fn utf8(bytes: Vec<u8>, path: &str) -> Result<String> {
    let is_utf16 = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let other = if is_utf16 { "utf-16" } else { "cp1251" };
        Error::new(Kind::File, "fs.not_utf8", format!("`{path}` is not UTF-8 text (line {line})"))
            .hint(format!("if it is a text saved by a Windows program, add #{{encoding: \"{other}\"}}"))
    })
}

fn utf16(bytes: &[u8], path: &str) -> Result<String> {
    let big = bytes.starts_with(&[0xFE, 0xFF]);
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|&pair| if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) });
    let text: std::result::Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| rest.is_empty()).ok_or_else(|| {
        Error::new(Kind::File, "fs.not_utf16", format!("`{path}` is not UTF-16 text")).hint("leave the encoding out")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_cp1251_survives() {
        for byte in 0..=255_u8 {
            let text = Encoding::Cp1251.decode(vec![byte], "x").unwrap();
            assert_eq!(Encoding::Cp1251.encode(&text).unwrap(), [byte], "{byte:x}");
        }
        assert_eq!(Encoding::Cp1251.decode(vec![0xCF, 0xF0, 0xE8, 0xE2, 0xE5, 0xF2, 0xB9], "x").unwrap(), "Привет№");
        assert!(Encoding::Cp1251.encode("😀").is_err());
    }

    #[test]
    fn utf16_is_read_in_both_orders_and_named_in_the_hint() {
        let little = Encoding::Utf16.encode("Да\n").unwrap();
        assert_eq!(Encoding::Utf16.decode(little.clone(), "x").unwrap(), "Да\n");
        let big: Vec<u8> = little.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
        assert_eq!(Encoding::Utf16.decode(big, "x").unwrap(), "Да\n");
        let error = Encoding::Utf8.decode(little, "x").unwrap_err();
        assert!(error.hint_text().unwrap().contains("utf-16"));
        assert!(Encoding::Utf16.decode(vec![1, 2, 3], "x").is_err());
    }

    #[test]
    fn a_file_that_is_not_utf8_names_the_line() {
        let error = Encoding::Utf8.decode(b"one\ntwo\n\xcf\xf0".to_vec(), "a.csv").unwrap_err();
        assert_eq!(error.message(), "`a.csv` is not UTF-8 text (line 3)");
    }
}
