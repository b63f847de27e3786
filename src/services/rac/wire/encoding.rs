//! The bytes that the utility prints, as text.

use std::borrow::Cow;

use crate::core::code_page::{CP866, CP1251};

/// How a utility encodes its output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8 where it is that, else the console of Windows.
    #[default]
    Auto,
    Utf8,
    Cp866,
    Cp1251,
}

const NAMES: &[(&str, Encoding)] =
    &[("auto", Encoding::Auto), ("utf-8", Encoding::Utf8), ("cp866", Encoding::Cp866), ("cp1251", Encoding::Cp1251)];

impl Encoding {
    pub fn named(name: &str) -> Option<Encoding> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, encoding)| *encoding)
    }

    /// The text; what is not of the encoding is shown as such, since one bad name must not hide a thousand good ones.
    pub fn decode(self, bytes: Vec<u8>) -> String {
        match self {
            Encoding::Auto => String::from_utf8(bytes).unwrap_or_else(|error| CP866.decode(error.as_bytes())),
            Encoding::Utf8 => match String::from_utf8_lossy(&bytes) {
                Cow::Borrowed(text) => text.to_owned(),
                Cow::Owned(text) => text,
            },
            Encoding::Cp866 => CP866.decode(&bytes),
            Encoding::Cp1251 => CP1251.decode(&bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_known_from_the_console_of_windows() {
        let cases: [(Encoding, &[u8], &str); 5] = [
            (Encoding::Auto, "Сеанс ё".as_bytes(), "Сеанс ё"),
            (Encoding::Auto, b"\x91\xa5\xa0\xad\xe1 \xf1", "Сеанс ё"),
            (Encoding::Cp866, b"\x91\xa5\xa0\xad\xe1", "Сеанс"),
            (Encoding::Cp1251, b"\xd1\xe5\xe0\xed\xf1", "Сеанс"),
            (Encoding::Utf8, b"a\xffb", "a\u{fffd}b"),
        ];
        for (encoding, bytes, text) in cases {
            assert_eq!(encoding.decode(bytes.to_vec()), text, "{encoding:?}");
        }
        assert_eq!(Encoding::named("cp1251"), Some(Encoding::Cp1251));
    }
}
