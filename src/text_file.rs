//! Files that people write, as text: UTF-8, or a sentence about what it is instead.

/// What a person does about a file in another encoding.
const SAVE_AS: &str = "save it as UTF-8 (in Notepad: Save as, Encoding: UTF-8)";

/// Why bytes are no text.
#[derive(Debug, PartialEq)]
pub struct NotUtf8 {
    /// What is said of the file after its name: "is saved as UTF-16".
    pub why: String,
    /// What to do about it.
    pub hint: &'static str,
    /// Where it stops being UTF-8, from 1; absent for a file that is something else altogether.
    pub line: Option<usize>,
}

/// The text of a file, without the mark that Windows' Notepad writes at the start.
pub fn decode(bytes: Vec<u8>) -> Result<String, NotUtf8> {
    // UTF-16 of plain Latin text is valid UTF-8 with zeros in it, so it is looked for first.
    if looks_like_utf16(&bytes) {
        return Err(NotUtf8 { why: "is saved as UTF-16".into(), hint: SAVE_AS, line: None });
    }
    if bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"MZ") && bytes.contains(&0) {
        return Err(NotUtf8 { why: "is a program, not a text".into(), hint: "name a text file", line: None });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => Err(not_utf8(error.as_bytes(), error.utf8_error().valid_up_to())),
    }
}

/// Zeros fill every second byte of Latin text; a few alone are only bytes that do not belong there.
fn looks_like_utf16(bytes: &[u8]) -> bool {
    let (pairs, _) = bytes.as_chunks::<2>();
    let halves = pairs.iter().filter(|pair| (pair[0] == 0) != (pair[1] == 0)).count();
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || halves * 2 > pairs.len()
}

fn not_utf8(bytes: &[u8], at: usize) -> NotUtf8 {
    let line = 1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count();
    let place = format!("is not UTF-8: see byte {at}, in line {line}");
    let why = match looks_like_cp1251(bytes) {
        true => format!("{place}; it looks like Windows-1251"),
        false => place,
    };
    NotUtf8 { why, hint: SAVE_AS, line: Some(line) }
}

/// In Windows-1251 the Russian letters are C0..FF, and Ё and ё stand apart.
fn looks_like_cp1251(bytes: &[u8]) -> bool {
    let high = || bytes.iter().filter(|byte| !byte.is_ascii());
    let letters = high().filter(|&&byte| byte >= 0xc0 || byte == 0xa8 || byte == 0xb8).count();
    letters * 10 >= high().count() * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(bytes: &[u8]) -> String {
        decode(bytes.to_vec()).unwrap_err().why
    }

    #[test]
    fn other_encodings_are_named() {
        assert_eq!(why(b"one\n\xcf\xf0\xe8"), "is not UTF-8: see byte 4, in line 2; it looks like Windows-1251");
        assert_eq!(why(b"\x80\x81\x82"), "is not UTF-8: see byte 0, in line 1");
        for mark in ["\u{feff}", ""] {
            let units: Vec<u16> = format!("{mark}let x = 1;").encode_utf16().collect();
            assert_eq!(
                why(&units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>()),
                "is saved as UTF-16"
            );
            assert_eq!(
                why(&units.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<u8>>()),
                "is saved as UTF-16"
            );
        }
        assert_eq!(why(b"\x7fELF\x02\x01"), "is a program, not a text");
        assert_eq!(decode(vec![]).unwrap(), "");
        assert_eq!(decode(b"\xef\xbb\xbfx\0".to_vec()).unwrap(), "x\0");
    }
}
