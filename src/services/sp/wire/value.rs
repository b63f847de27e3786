//! Values as SQL Server shows them, without a digit lost.

use std::fmt::Write;

/// An exact number: its digits as a whole number, and how many of them stand behind the point.
pub fn decimal(text: &mut String, digits: i128, scale: u8) {
    if digits < 0 {
        text.push('-');
    }
    let from = text.len();
    // Writing into a string cannot fail.
    let _ = match u64::try_from(digits.unsigned_abs()) {
        // 128 bits are slow to divide, and hardly ever needed.
        Ok(small) => write!(text, "{small}"),
        Err(_) => write!(text, "{}", digits.unsigned_abs()),
    };
    let scale = usize::from(scale);
    let count = text.len() - from;
    if count <= scale {
        text.insert_str(from, &"0".repeat(scale + 1 - count));
    }
    if scale > 0 {
        text.insert(text.len() - scale, '.');
    }
}

/// The digits and the scale of a number's text, with a sign or without; `None` for what is no exact number, or has more
/// than the 38 digits that a server holds.
pub fn digits(text: &str) -> Option<(i128, u8)> {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let whole = whole.trim_start_matches('0');
    let is_number = [whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let nothing = unsigned.is_empty() || unsigned == ".";
    if nothing || !is_number || whole.len() + fraction.len() > 38 {
        return None;
    }
    let joined = format!("0{whole}{fraction}").parse::<i128>().ok()?;
    Some((if is_negative { -joined } else { joined }, fraction.len() as u8))
}

/// `money`, which the driver hands over divided by ten thousand, as a float: exact up to 450 thousand million and for some
/// amounts beyond. `None` where several amounts give the same float: digits are never guessed.
#[must_use]
pub fn money(text: &mut String, amount: f64) -> Option<()> {
    let near = (amount * 10_000.0).round();
    if near.is_nan() || near.abs() >= 9e18 {
        return None;
    }
    let near = near as i64;
    let mut meant = (near - 2..=near + 2).filter(|parts| *parts as f64 / 10_000.0 == amount);
    let parts = meant.next()?;
    if meant.next().is_some() {
        return None;
    }
    decimal(text, parts.into(), 4);
    Some(())
}

/// `real` in its shortest form that is still that number, as a float: 0.1 is not 0.10000000149011612.
pub fn real(scratch: &mut String, number: f32) -> f64 {
    scratch.clear();
    let _ = write!(scratch, "{number}");
    scratch.parse().unwrap_or_else(|_| f64::from(number))
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// `0x00FF`.
pub fn binary(text: &mut String, bytes: &[u8]) {
    text.reserve(2 + bytes.len() * 2);
    text.push_str("0x");
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

/// The bytes of `0x00FF`, in either case; a digit in front may be missing, as in SQL.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let values: Option<Vec<u8>> = digits.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let mut values = values?;
    if values.len() % 2 == 1 {
        values.insert(0, 0);
    }
    Some(values.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// `6F9619FF-8B86-D011-B42D-00C04FC964FF`, of the bytes in the order of the text.
pub fn guid(text: &mut String, bytes: &[u8; 16]) {
    let mut shown = [b'-'; 36];
    let mut at = 0;
    for (number, byte) in bytes.iter().enumerate() {
        // There is a hyphen before these.
        at += usize::from(matches!(number, 4 | 6 | 8 | 10));
        shown[at] = HEX[usize::from(byte >> 4)];
        shown[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    // Hexadecimal digits are always UTF-8.
    text.push_str(std::str::from_utf8(&shown).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(write: impl FnOnce(&mut String)) -> String {
        let mut text = String::from("|");
        write(&mut text);
        text
    }

    #[test]
    fn exact_numbers_keep_every_digit() {
        for (digits, scale, expected) in [
            (0, 0, "|0"),
            (0, 4, "|0.0000"),
            (5, 2, "|0.05"),
            (-5, 2, "|-0.05"),
            (12_345, 2, "|123.45"),
            (-100, 2, "|-1.00"),
            (99_999_999_999_999_999_999_999_999_999_999_999_999, 38, "|0.99999999999999999999999999999999999999"),
            (i128::MIN, 0, "|-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(shown(|text| decimal(text, digits, scale)), expected);
        }
    }

    #[test]
    fn money_has_four_places_and_is_never_guessed() {
        let money_of = |amount: f64| {
            let mut text = String::new();
            money(&mut text, amount).map(|()| text)
        };
        assert_eq!(money_of(19_999.99).unwrap(), "19999.9900");
        assert_eq!(money_of(-0.0001).unwrap(), "-0.0001");
        assert_eq!(money_of(214_748.364_7).unwrap(), "214748.3647");
        assert_eq!(money_of(450_359_962_737.049_5).unwrap(), "450359962737.0495");
        assert_eq!(money_of(8_000_000_000_000.0), None);
        assert_eq!(money_of(922_337_203_685_477.5), None);
        assert_eq!(money_of(f64::NAN), None);
    }

    #[test]
    fn bytes_and_guids_are_upper_case() {
        assert_eq!(shown(|text| binary(text, &[0, 255, 16])), "|0x00FF10");
        assert_eq!(shown(|text| binary(text, &[])), "|0x");
        let bytes = *b"\x6f\x96\x19\xff\x8b\x86\xd0\x11\xb4\x2d\x00\xc0\x4f\xc9\x64\xff";
        assert_eq!(shown(|text| guid(text, &bytes)), "|6F9619FF-8B86-D011-B42D-00C04FC964FF");
        assert_eq!(super::bytes("0x0fF"), Some(vec![0, 255]));
        assert_eq!(super::bytes("0x"), Some(vec![]));
        assert_eq!((super::bytes("00ff"), super::bytes("0xzz")), (None, None));
    }

    #[test]
    fn a_real_is_as_short_as_it_was_written() {
        let mut scratch = String::new();
        for number in [0.1, 3.4e38, -1.5, 16_777_216.0] {
            assert_eq!(real(&mut scratch, number).to_string().parse::<f32>().unwrap(), number);
        }
        assert_eq!(real(&mut scratch, 0.1), 0.1);
    }

    #[test]
    fn what_is_no_exact_number_is_none() {
        for text in ["", "-", ".", "1e5", "12a", "1.2.3", "--1", "123456789012345678901234567890123456789"] {
            assert_eq!(digits(text), None, "{text}");
        }
        assert_eq!(digits("-.5"), Some((-5, 1)));
        assert_eq!(digits("+007.10"), Some((710, 2)));
    }

    proptest::proptest! {
        #[test]
        fn an_exact_number_survives_its_text(number in -10i128.pow(37)..10i128.pow(37), scale in 0..=37u8) {
            let mut text = String::new();
            decimal(&mut text, number, scale);
            proptest::prop_assert_eq!(digits(&text), Some((number, scale)));
        }

        #[test]
        fn money_survives_the_float(parts in -(1i64 << 52)..(1i64 << 52)) {
            let mut text = String::new();
            money(&mut text, parts as f64 / 1e4).unwrap();
            proptest::prop_assert_eq!(digits(&text), Some((i128::from(parts), 4)));
        }

        #[test]
        fn bytes_survive_their_text(given: Vec<u8>) {
            let mut text = String::new();
            binary(&mut text, &given);
            proptest::prop_assert_eq!(bytes(&text), Some(given));
        }
    }
}
