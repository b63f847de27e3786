//! Identifiers: 128 bits, made from a seed, written as the API writes them.

use std::fmt;

use crate::sandbox::mix::mix;

/// A UUID; users, whose ids are whole numbers, keep the number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u128);

impl Id {
    /// With hyphens or without, in any case.
    pub fn parse(text: &str) -> Option<Id> {
        let bare: String = text.chars().filter(|&c| c != '-').collect();
        let is_id = bare.len() == 32 && matches!(text.len(), 32 | 36) && bare.bytes().all(|b| b.is_ascii_hexdigit());
        is_id.then(|| u128::from_str_radix(&bare, 16).ok()).flatten().map(Id)
    }

    /// The id with this number in a series of a seed, shaped as random ones are.
    pub fn seeded(seed: u64, series: u64, number: u64) -> Id {
        let high = mix(mix(seed ^ (series << 56)) ^ number);
        let low = mix(high ^ number.rotate_left(32));
        let bits = u128::from(high) << 64 | u128::from(low);
        Id(bits & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62)
    }

    /// 64 random bits that stay with the id.
    pub fn draw(self) -> u64 {
        mix((self.0 >> 64) as u64 ^ self.0 as u64)
    }

    pub fn print(self, into: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for place in 0..32 {
            if matches!(place, 8 | 12 | 16 | 20) {
                into.push(b'-');
            }
            into.push(DIGITS[(self.0 >> (124 - place * 4) & 15) as usize]);
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(36);
        self.print(&mut bytes);
        out.write_str(&String::from_utf8_lossy(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = Id::seeded(1, 2, 3);
        let text = id.to_string();
        assert_eq!((text.len(), &text[14..15]), (36, "4"));
        assert_eq!(Id::parse(&text), Some(id));
        assert_eq!(Id::parse(&text.replace('-', "").to_uppercase()), Some(id));
        assert_eq!(Id::parse(&text[1..]), None);
        assert_eq!(Id::parse("жжжжжжжж-жжжж-жжжж"), None);
        assert_ne!(Id::seeded(1, 2, 4), id);
    }
}
