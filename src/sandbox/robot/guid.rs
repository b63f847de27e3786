//! GUIDs made from a seed, and other numbers that follow from it.

use crate::sandbox::mix::mix;

/// Whether this is 36 characters of hexadecimal digits and hyphens in their places, in any case.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The GUID with this number in a seed's series, shaped as random ones are, in lower case.
pub fn guid(seed: u64, number: u64) -> String {
    let high = mix(mix(seed) ^ number);
    let low = mix(high ^ number.rotate_left(32));
    let bits = u128::from(high) << 64 | u128::from(low);
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    let digits = format!("{bits:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_of_a_seed_are_guids_and_the_same_each_time() {
        let one = guid(1, 1);
        assert!(is_guid(&one) && is_guid(&one.to_uppercase()));
        assert_eq!((one == guid(1, 1), one == guid(1, 2), one == guid(2, 1), &one[14..15]), (true, false, false, "4"));
        assert!(!is_guid(&one[1..]) && !is_guid("жжжжжжжж-жжжж-жжжж") && !is_guid(&one.replace('-', "0")));
    }
}
