//! Code pages of Russian Windows: one byte for each character.

/// The characters of 0x80 to 0xFF; below them is ASCII.
#[derive(Debug)]
pub struct CodePage(&'static str);

/// Files of Windows. 0x98 stands for nothing there.
pub static CP1251: CodePage = CodePage(
    "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{98}™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕї\
     АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя",
);

/// The console of Windows.
pub static CP866: CodePage = CodePage(
    "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
     рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√№¤■\u{a0}",
);

impl CodePage {
    pub fn decode(&self, bytes: &[u8]) -> String {
        let mut high = ['\0'; 128];
        for (place, letter) in high.iter_mut().zip(self.0.chars()) {
            *place = letter;
        }
        let letter = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { high[usize::from(byte & 0x7f)] };
        bytes.iter().map(letter).collect()
    }

    /// The byte of a character, if it has one.
    pub fn byte(&self, letter: char) -> Option<u8> {
        if letter.is_ascii() {
            return u8::try_from(letter).ok();
        }
        let place = self.0.chars().position(|known| known == letter)?;
        u8::try_from(place + 0x80).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        for page in [&CP866, &CP1251] {
            assert_eq!(page.0.chars().count(), 128);
            for byte in 0..=255_u8 {
                let text = page.decode(&[byte]);
                assert_eq!(text.chars().map(|letter| page.byte(letter)).collect::<Vec<_>>(), [Some(byte)], "{byte:x}");
            }
            assert_eq!(page.byte('中'), None);
        }
    }

    #[test]
    fn words_are_what_windows_writes() {
        assert_eq!(CP866.decode(b"\x8e\xe8\xa8\xa1\xaa\xa0 \xf1 \xfc"), "Ошибка ё №");
        assert_eq!(CP1251.decode(&[0xCF, 0xF0, 0xE8, 0xE2, 0xE5, 0xF2, 0xB9]), "Привет№");
    }
}
