//! Texts as bytes in the encoding of the terminal that the utility was made for.

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

/// The characters of the bytes from 80 on.
const CP866: &str = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√№¤■\u{a0}";
const CP1251: &str = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{98}™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя";

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
            Encoding::Cp866 => text.chars().map(|c| byte(CP866, c)).collect(),
            Encoding::Cp1251 => text.chars().map(|c| byte(CP1251, c)).collect(),
        }
    }
}

fn byte(page: &str, c: char) -> u8 {
    if c.is_ascii() {
        return c as u8;
    }
    // There are 128 of them.
    let own = page.chars().position(|known| known == c).map(|at| 0x80 + at as u8);
    let near = || NEAR.iter().find(|(known, _)| *known == c).map(|(_, near)| *near);
    own.or_else(near).unwrap_or(NOTHING_NEAR)
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
        assert_eq!((CP866.chars().count(), CP1251.chars().count()), (128, 128));
    }
}
