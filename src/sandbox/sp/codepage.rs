//! The collation of the server, Cyrillic_General_CI_AS, and the bytes of varchar in it: code page 1251.

/// Language 0x0419, case and kana and width do not count; no sort order of old.
pub const COLLATION: [u8; 5] = [0x19, 0x04, 0xD0, 0x00, 0x00];

/// The upper half of code page 1251. 0x98 stands for nothing there.
const UPPER: [char; 128] = [
    'Ђ', 'Ѓ', '‚', 'ѓ', '„', '…', '†', '‡', '€', '‰', 'Љ', '‹', 'Њ', 'Ќ', 'Ћ', 'Џ', 'ђ', '‘', '’', '“', '”', '•', '–',
    '—', '\u{98}', '™', 'љ', '›', 'њ', 'ќ', 'ћ', 'џ', '\u{A0}', 'Ў', 'ў', 'Ј', '¤', 'Ґ', '¦', '§', 'Ё', '©', 'Є', '«',
    '¬', '\u{AD}', '®', 'Ї', '°', '±', 'І', 'і', 'ґ', 'µ', '¶', '·', 'ё', '№', 'є', '»', 'ј', 'Ѕ', 'ѕ', 'ї', 'А', 'Б',
    'В', 'Г', 'Д', 'Е', 'Ж', 'З', 'И', 'Й', 'К', 'Л', 'М', 'Н', 'О', 'П', 'Р', 'С', 'Т', 'У', 'Ф', 'Х', 'Ц', 'Ч', 'Ш',
    'Щ', 'Ъ', 'Ы', 'Ь', 'Э', 'Ю', 'Я', 'а', 'б', 'в', 'г', 'д', 'е', 'ж', 'з', 'и', 'й', 'к', 'л', 'м', 'н', 'о', 'п',
    'р', 'с', 'т', 'у', 'ф', 'х', 'ц', 'ч', 'ш', 'щ', 'ъ', 'ы', 'ь', 'э', 'ю', 'я',
];

/// The bit of a collation that says UTF-8.
const UTF8: u8 = 0x04;

/// The byte of a character; what the code page has not is a question mark, as the server puts it.
pub fn byte(character: char) -> u8 {
    match character {
        '\0'..='\x7F' => character as u8,
        // The letters lie in a row.
        'А'..='я' => 0xC0 + (character as u32 - 'А' as u32) as u8,
        _ => UPPER.iter().position(|known| *known == character).map_or(b'?', |at| 0x80 + at as u8),
    }
}

/// A text of a client in the collation that it names.
pub fn decoded(bytes: &[u8], collation: [u8; 5]) -> String {
    if collation[3] & UTF8 != 0 {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    bytes.iter().map(|&byte| if byte < 0x80 { byte as char } else { UPPER[usize::from(byte - 0x80)] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_there_and_back() {
        let text = "Счёт № 5 «Ёлка» — 100 €, Їжак";
        let bytes: Vec<u8> = text.chars().map(byte).collect();
        assert_eq!(bytes[..4], [0xD1, 0xF7, 0xB8, 0xF2]);
        assert_eq!(decoded(&bytes, COLLATION), text);
        assert_eq!("日".chars().map(byte).collect::<Vec<_>>(), [b'?']);
        assert_eq!(decoded("счёт".as_bytes(), [9, 4, 0xD0, 4, 0]), "счёт");
    }
}
