//! What texts of the script language cannot do by themselves.

use std::fmt::Write;

use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map, NativeCallContext};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::error::{Error, Kind, Result};
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;
use crate::script::modules::numbers::exact;
use crate::script::options::Options;

/// A text longer than this is a mistake in the script rather than a wish.
const LONGEST: usize = 64 * 1024 * 1024;
/// As many digits after the point as an exact number can have.
const MOST_DIGITS: i64 = 28;
/// What RFC 3986 leaves as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const LATIN: [(char, &str); 33] = [
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ё', "yo"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('й', "y"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "kh"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "shch"),
    ('ъ', ""),
    ('ы', "y"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "yu"),
    ('я', "ya"),
];

enum Side {
    Left,
    Right,
    Both,
}

fn too_long(count: i64) -> Error {
    Error::input("text.length", format!("{count} characters are not possible"))
        .hint("0 or more, and less than 60 million")
}

fn length(count: i64) -> Result<usize> {
    usize::try_from(count).ok().filter(|count| *count <= LONGEST).ok_or_else(|| too_long(count))
}

fn padded(value: &Dynamic, width: i64, fill: &Dynamic, side: Side) -> Result<String> {
    let fill = fill.to_string();
    let mut letters = fill.chars();
    let (Some(fill), None) = (letters.next(), letters.next()) else {
        return Err(Error::input("text.fill", format!("{fill:?} cannot fill a text")).hint("write one character"));
    };
    let text = value.to_string();
    let missing = length(width)?.saturating_sub(text.chars().count());
    let left = match side {
        Side::Left => missing,
        Side::Right => 0,
        Side::Both => missing / 2,
    };
    let fill = |n| std::iter::repeat_n(fill, n);
    Ok(fill(left).chain(text.chars()).chain(fill(missing - left)).collect())
}

/// Whether a text has the form of a pattern with `*` and `?`, whatever the case.
fn alike(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let (mut at, mut of) = (0, 0);
    // Where the last star stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((of, at));
                of += 1;
            }
            Some(&letter) if letter == '?' || letter == text[at] => {
                at += 1;
                of += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = taken + 1;
                    of = place + 1;
                }
                None => return false,
            },
        }
    }
    pattern[of..].iter().all(|&letter| letter == '*')
}

/// An exact number with its thousands apart.
fn grouped(number: Decimal, thousands: &str, point: &str) -> String {
    let text = number.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut shown = String::new();
    if number.is_sign_negative() && !number.is_zero() {
        shown.push('-');
    }
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            shown.push_str(thousands);
        }
        shown.push(digit);
    }
    if !fraction.is_empty() {
        shown.push_str(point);
        shown.push_str(fraction);
    }
    shown
}

fn rounded(value: &Dynamic, digits: Option<i64>) -> Result<Decimal> {
    let shown = || match value.is_string() {
        true => format!("{:?}", value.to_string()),
        false => convert::type_name(value).to_owned(),
    };
    let number = exact(value).ok_or_else(|| {
        Error::input("text.no_number", format!("{} is not a number", shown()))
            .hint("give a number, or its digits as text")
    })?;
    let Some(digits) = digits else { return Ok(number) };
    match u32::try_from(digits) {
        Ok(count) if digits <= MOST_DIGITS => {
            let mut number = number.round_dp_with_strategy(count, RoundingStrategy::MidpointAwayFromZero);
            number.rescale(count);
            Ok(number)
        }
        _ => {
            Err(Error::input("text.digits", format!("{digits} digits after the point are not possible"))
                .hint("0 to 28"))
        }
    }
}

fn of_count<'a>(n: i64, one: &'a str, few: &'a str, many: &'a str) -> &'a str {
    let n = n.unsigned_abs();
    match (n % 10, n % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

fn latin(text: &str) -> String {
    let mut latin = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let lower = letter.to_lowercase().next().unwrap_or(letter);
        match LATIN.iter().find(|(cyrillic, _)| *cyrillic == lower) {
            None => latin.push(letter),
            Some((_, word)) if lower == letter => latin.push_str(word),
            // `Щука` is `Shchuka`, `ЩУКА` is `SHCHUKA`.
            Some((_, word)) if letters.peek().is_some_and(|next| next.is_uppercase()) => {
                latin.push_str(&word.to_uppercase())
            }
            Some((_, word)) => latin.push_str(&first_large(word)),
        }
    }
    latin
}

fn first_large(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn random_id() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::new(Kind::Script, "text.random", "the system gives no random numbers"))?;
    // Version 4, variant 1.
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex = hex(&bytes);
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn spaced(call: &NativeCallContext<'_>, value: &Dynamic, digits: Option<i64>, options: &Map) -> Thrown<String> {
    let number = Options::read(options, &["thousands", "point"]).and_then(|options| {
        let thousands = options.text("thousands")?.unwrap_or_else(|| " ".into());
        let point = options.text("point")?.unwrap_or_else(|| ".".into());
        Ok(grouped(rounded(value, digits)?, &thousands, &point))
    });
    number.or_else(|error| throw(call, error))
}

#[export_module]
pub mod texts {
    /// The value as a text of at least `width` characters, filled with spaces on its left.
    ///
    /// ```rhai
    /// assert_eq(text::pad_left(7, 3), "  7");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pad_left(call: NativeCallContext, value: Dynamic, width: i64) -> Thrown<String> {
        padded(&value, width, &' '.into(), Side::Left).or_else(|error| throw(&call, error))
    }

    /// The same, filled with another character.
    ///
    /// ```rhai
    /// assert_eq(text::pad_left(7, 3, "0"), "007");
    /// ```
    #[rhai_fn(name = "pad_left", return_raw)]
    pub fn pad_left_with(call: NativeCallContext, value: Dynamic, width: i64, fill: Dynamic) -> Thrown<String> {
        padded(&value, width, &fill, Side::Left).or_else(|error| throw(&call, error))
    }

    /// The value as a text of at least `width` characters, filled with spaces on its right.
    ///
    /// ```rhai
    /// assert_eq(text::pad_right("Имя", 5) + "|", "Имя  |");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pad_right(call: NativeCallContext, value: Dynamic, width: i64) -> Thrown<String> {
        padded(&value, width, &' '.into(), Side::Right).or_else(|error| throw(&call, error))
    }

    /// The same, filled with another character.
    ///
    /// ```rhai
    /// assert_eq(text::pad_right("Итого", 8, "."), "Итого...");
    /// ```
    #[rhai_fn(name = "pad_right", return_raw)]
    pub fn pad_right_with(call: NativeCallContext, value: Dynamic, width: i64, fill: Dynamic) -> Thrown<String> {
        padded(&value, width, &fill, Side::Right).or_else(|error| throw(&call, error))
    }

    /// The value in the middle of a text of at least `width` characters.
    ///
    /// ```rhai
    /// assert_eq(text::center("ок", 6), "  ок  ");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn center(call: NativeCallContext, value: Dynamic, width: i64) -> Thrown<String> {
        padded(&value, width, &' '.into(), Side::Both).or_else(|error| throw(&call, error))
    }

    /// The same, filled with another character.
    ///
    /// ```rhai
    /// assert_eq(text::center("ок", 6, "-"), "--ок--");
    /// ```
    #[rhai_fn(name = "center", return_raw)]
    pub fn center_with(call: NativeCallContext, value: Dynamic, width: i64, fill: Dynamic) -> Thrown<String> {
        padded(&value, width, &fill, Side::Both).or_else(|error| throw(&call, error))
    }

    /// The text `n` times in a row.
    ///
    /// ```rhai
    /// assert_eq(text::repeat("ab", 3), "ababab");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn repeat(call: NativeCallContext, text: &str, n: i64) -> Thrown<String> {
        let count = length(n).and_then(|count| match count.saturating_mul(text.len()) <= LONGEST {
            true => Ok(count),
            false => Err(too_long(n.saturating_mul(text.len() as i64))),
        });
        count.map(|count| text.repeat(count)).or_else(|error| throw(&call, error))
    }

    /// The lines of a text as a list, without their line ends (`\n` or `\r\n`).
    ///
    /// ```rhai
    /// assert_eq(text::lines("one\r\ntwo\n"), ["one", "two"]);
    /// ```
    pub fn lines(text: &str) -> Array {
        text.lines().map(Into::into).collect()
    }

    /// The words of a text as a list: what stands between spaces, tabs and line ends.
    ///
    /// ```rhai
    /// assert_eq(text::words("  Анна  Петровна "), ["Анна", "Петровна"]);
    /// ```
    pub fn words(text: &str) -> Array {
        text.split_whitespace().map(Into::into).collect()
    }

    /// The elements of a list as one text, with a separator between them.
    ///
    /// ```rhai
    /// assert_eq(text::join([7, "b", true], ", "), "7, b, true");
    /// ```
    pub fn join(list: Array, separator: &str) -> String {
        list.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
    }

    /// The text with its first letter large.
    ///
    /// ```rhai
    /// assert_eq(text::capitalize("сделка"), "Сделка");
    /// ```
    pub fn capitalize(text: &str) -> String {
        first_large(text)
    }

    /// The first `length` characters, the last of them `…` when there are more.
    ///
    /// ```rhai
    /// assert_eq(text::cut("Поставка", 5), "Пост…");
    /// assert_eq(text::cut("Пост", 5), "Пост");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn cut(call: NativeCallContext, text: &str, length: i64) -> Thrown<String> {
        let most = super::length(length).or_else(|error| throw(&call, error))?;
        if text.chars().nth(most).is_none() {
            return Ok(text.to_owned());
        }
        let kept = text.chars().take(most.saturating_sub(1));
        Ok(kept.chain((most > 0).then_some('…')).collect())
    }

    /// Whether the whole text has the form of a pattern: `*` stands for anything, `?` for one character; large and
    /// small letters are the same.
    ///
    /// ```rhai
    /// assert(text::like("Отчёт_2026.CSV", "отчёт_*.csv"));
    /// assert(!text::like("report.csv.bak", "*.csv"));
    /// ```
    pub fn like(text: &str, pattern: &str) -> bool {
        alike(text, pattern)
    }

    /// A number with its thousands apart and all the digits it has.
    ///
    /// Texts count as the numbers they spell, and no digit is lost. Throws `text.no_number`.
    ///
    /// ```rhai
    /// assert_eq(text::number("1234567.50"), "1 234 567.50");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn number(call: NativeCallContext, value: Dynamic) -> Thrown<String> {
        spaced(&call, &value, None, &Map::new())
    }

    /// The same with so many digits after the point; halves are rounded away from zero.
    ///
    /// ```rhai
    /// assert_eq(text::number(decimal("1234.565"), 2), "1 234.57");
    /// assert_eq(text::number(5, 2), "5.00");
    /// ```
    #[rhai_fn(name = "number", return_raw)]
    pub fn number_digits(call: NativeCallContext, value: Dynamic, digits: i64) -> Thrown<String> {
        spaced(&call, &value, Some(digits), &Map::new())
    }

    /// The same with options: `thousands` (what stands between them) and `point` (what stands before the fraction).
    ///
    /// ```rhai
    /// assert_eq(text::number(1234.5, 2, #{thousands: ".", point: ","}), "1.234,50");
    /// ```
    #[rhai_fn(name = "number", return_raw)]
    pub fn number_with(call: NativeCallContext, value: Dynamic, digits: i64, options: Map) -> Thrown<String> {
        spaced(&call, &value, Some(digits), &options)
    }

    /// The English word for so many: `one` for 1, else `many`.
    ///
    /// ```rhai
    /// assert_eq(text::plural(1, "deal", "deals"), "deal");
    /// assert_eq(text::plural(5, "deal", "deals"), "deals");
    /// ```
    pub fn plural(n: i64, one: &str, many: &str) -> String {
        (if n.unsigned_abs() == 1 { one } else { many }).to_owned()
    }

    /// The Russian word for so many: as with 1, with 2, with 5.
    ///
    /// ```rhai
    /// assert_eq(text::plural(21, "сделка", "сделки", "сделок"), "сделка");
    /// assert_eq(text::plural(3, "сделка", "сделки", "сделок"), "сделки");
    /// assert_eq(text::plural(12, "сделка", "сделки", "сделок"), "сделок");
    /// ```
    #[rhai_fn(name = "plural")]
    pub fn plural_russian(n: i64, one: &str, two: &str, five: &str) -> String {
        of_count(n, one, two, five).to_owned()
    }

    /// Russian letters written with Latin ones; everything else stays.
    ///
    /// ```rhai
    /// assert_eq(text::latin("Щука и Юла"), "Shchuka i Yula");
    /// ```
    pub fn latin(text: &str) -> String {
        super::latin(text)
    }

    /// A random id (UUID version 4).
    ///
    /// ```rhai
    /// assert_eq(text::uuid().len(), 36);
    /// assert(text::uuid() != text::uuid());
    /// ```
    #[rhai_fn(return_raw)]
    pub fn uuid(call: NativeCallContext) -> Thrown<String> {
        random_id().or_else(|error| throw(&call, error))
    }

    /// The text as base64.
    ///
    /// ```rhai
    /// assert_eq(text::to_base64("user:пароль"), "dXNlcjrQv9Cw0YDQvtC70Yw=");
    /// ```
    pub fn to_base64(text: &str) -> String {
        STANDARD.encode(text)
    }

    /// The text behind base64.
    ///
    /// Throws `text.base64` when it is none, or when its bytes are not UTF-8 text.
    ///
    /// ```rhai
    /// assert_eq(text::from_base64("0JTQsA=="), "Да");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn from_base64(call: NativeCallContext, text: &str) -> Thrown<String> {
        let wrong = |why: &str| Error::input("text.base64", why);
        let bytes = STANDARD.decode(text.trim()).or_else(|_| throw(&call, wrong("the text is not base64")))?;
        String::from_utf8(bytes).or_else(|_| throw(&call, wrong("the bytes behind the base64 are not UTF-8 text")))
    }

    /// The text as it may stand inside an address: everything but letters, digits and `-_.~` as `%XX`.
    ///
    /// ```rhai
    /// assert_eq(text::url_encode("a b&c=Я"), "a%20b%26c%3D%D0%AF");
    /// ```
    pub fn url_encode(text: &str) -> String {
        utf8_percent_encode(text, RESERVED).to_string()
    }

    /// The text behind the `%XX` of an address.
    ///
    /// Throws `text.url` when its bytes are not UTF-8 text.
    ///
    /// ```rhai
    /// assert_eq(text::url_decode("%D0%AF%20b"), "Я b");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn url_decode(call: NativeCallContext, text: &str) -> Thrown<String> {
        match percent_decode_str(text).decode_utf8() {
            Ok(decoded) => Ok(decoded.into_owned()),
            Err(_) => throw(&call, Error::input("text.url", "the bytes behind the `%XX` are not UTF-8 text")),
        }
    }

    /// The SHA-256 of a text (of its UTF-8 bytes), as 64 small hexadecimal digits.
    ///
    /// ```rhai
    /// assert(text::sha256("abc").starts_with("ba7816bf8f01cfea"));
    /// ```
    pub fn sha256(text: &str) -> String {
        hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (text, pattern, fits) in [
            ("abc", "a*c", true),
            ("abc", "a?c", true),
            ("abc", "*", true),
            ("", "*", true),
            ("", "?", false),
            ("abcabd", "*ab?", true),
            ("ЁЛКА", "ёл*", true),
            ("abc", "ab", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaab", "*a*a*a*a*a*c", false),
        ] {
            assert_eq!(alike(text, pattern), fits, "{text} {pattern}");
        }
    }

    #[test]
    fn numbers_are_exact_and_grouped() {
        let shown = |text: &str| grouped(text.parse().unwrap(), " ", ".");
        assert_eq!(shown("-1234567890123456789.01"), "-1 234 567 890 123 456 789.01");
        assert_eq!(shown("100"), "100");
        assert_eq!(rounded(&"-0.004".into(), Some(2)).unwrap().to_string(), "0.00");
        assert_eq!(grouped(rounded(&"2.5".into(), Some(0)).unwrap(), " ", "."), "3");
        assert!(rounded(&"x".into(), None).is_err() && rounded(&1_i64.into(), Some(-1)).is_err());
    }

    #[test]
    fn an_id_has_its_version_and_variant() {
        let id = random_id().unwrap();
        assert!(alike(&id, "????????-????-4???-????-????????????") && "89ab".contains(&id[19..20]), "{id}");
    }
}
