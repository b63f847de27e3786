//! Dates and times out of texts, as a server with a given DATEFORMAT reads them.

use super::{DAY_1900, Moment, SECOND, day};

/// The order of day, month and year where a text does not tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Mdy,
    Dmy,
    Ymd,
    Ydm,
    Myd,
    Dym,
}

impl Format {
    pub const ALL: [(&'static str, Format); 6] = [
        ("mdy", Format::Mdy),
        ("dmy", Format::Dmy),
        ("ymd", Format::Ymd),
        ("ydm", Format::Ydm),
        ("myd", Format::Myd),
        ("dym", Format::Dym),
    ];

    /// `mdy` and the like.
    pub fn name(self) -> &'static str {
        Format::ALL.iter().find(|(_, format)| *format == self).map_or("mdy", |(name, _)| name)
    }

    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, format)| *format)
    }
}

/// Why a text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It does not look like one.
    Strange,
    /// It looks like one, but there is no such day or hour.
    OutOfRange,
}

/// Reads a date, a time or both. Older types (`is_old`: datetime, smalldatetime) read `yyyy-mm-dd` by the format, too.
pub fn read(text: &str, format: Format, is_old: bool) -> Result<Moment, Unread> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Moment { days: DAY_1900, ticks: 0, offset: None });
    }
    if text.len() > 60 || !text.is_ascii() {
        return Err(Unread::Strange);
    }
    let text = text.to_ascii_lowercase();
    let (text, is_iso) = match text.split_once('t') {
        Some((date, time))
            if date.ends_with(|c: char| c.is_ascii_digit()) && time.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            (format!("{date} {time}"), true)
        }
        _ => (text, false),
    };
    let (text, offset) = without_offset(&text)?;
    let (date, time) = parted(text);
    let days = match date.is_empty() {
        true => DAY_1900,
        false => read_date(&date, format, is_old && !is_iso)?,
    };
    let ticks = if time.is_empty() { 0 } else { read_time(&time)? };
    Ok(Moment { days, ticks, offset })
}

/// `+03:00` or `z` at the end, in minutes.
fn without_offset(text: &str) -> Result<(&str, Option<i16>), Unread> {
    if let Some(rest) = text.strip_suffix('z') {
        return Ok((rest.trim_end(), Some(0)));
    }
    let Some(at) = text.rfind(['+', '-']) else { return Ok((text, None)) };
    let (rest, offset) = text.split_at(at);
    if !rest.contains(':') {
        return Ok((text, None));
    }
    let (hours, minutes) = offset[1..].split_once(':').ok_or(Unread::Strange)?;
    let number = |text: &str| text.parse::<i16>().map_err(|_| Unread::Strange);
    let all = number(hours)? * 60 + number(minutes)?;
    if all > 14 * 60 {
        return Err(Unread::OutOfRange);
    }
    Ok((rest.trim_end(), Some(if offset.starts_with('-') { -all } else { all })))
}

/// The words of the date, and those of the time: what has a colon, and am and pm.
fn parted(text: &str) -> (String, String) {
    let (mut date, mut time) = (Vec::new(), Vec::new());
    let words: Vec<&str> = text.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let is_half = matches!(*word, "am" | "pm");
        let has_half = word.ends_with("am") || word.ends_with("pm");
        let before_half = words.get(at + 1).is_some_and(|next| matches!(*next, "am" | "pm"));
        let is_hour = (has_half || before_half) && word.starts_with(|c: char| c.is_ascii_digit());
        if word.contains(':') || is_half || is_hour {
            time.push(*word);
        } else {
            date.push(*word);
        }
    }
    (date.join(" "), time.concat())
}

/// Years of two digits belong to 1950 to 2049.
fn full_year(digits: &str) -> Option<i32> {
    let year: i32 = digits.parse().ok()?;
    match digits.len() {
        1 | 2 => Some(if year < 50 { 2000 + year } else { 1900 + year }),
        4 => Some(year),
        _ => None,
    }
}

fn read_date(text: &str, format: Format, is_old: bool) -> Result<i32, Unread> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return read_digits(text);
    }
    if text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return read_with_month(text);
    }
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let [a, b, c] = parts[..] else { return Err(Unread::Strange) };
    let is_number = |part: &str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    if ![a, b, c].into_iter().all(is_number) {
        return Err(Unread::Strange);
    }
    let (year, month, date) = if a.len() == 4 {
        match format {
            // The older types take the order of the rest from the format.
            Format::Dmy | Format::Ydm | Format::Dym if is_old => (a, c, b),
            _ => (a, b, c),
        }
    } else {
        match format {
            Format::Mdy => (c, a, b),
            Format::Dmy => (c, b, a),
            Format::Ymd => (a, b, c),
            Format::Ydm => (a, c, b),
            Format::Myd => (b, a, c),
            Format::Dym => (b, c, a),
        }
    };
    let number = |part: &str| part.parse::<u32>().map_err(|_| Unread::Strange);
    let year = full_year(year).ok_or(Unread::Strange)?;
    day(year, number(month)?, number(date)?).ok_or(Unread::OutOfRange)
}

/// `20190701`, `190701`, `2019`.
fn read_digits(text: &str) -> Result<i32, Unread> {
    let (year, month, date) = match text.len() {
        8 => (&text[..4], &text[4..6], &text[6..]),
        6 => (&text[..2], &text[2..4], &text[4..]),
        4 => (text, "1", "1"),
        _ => return Err(Unread::Strange),
    };
    let number = |part: &str| part.parse::<u32>().map_err(|_| Unread::Strange);
    let year = full_year(year).ok_or(Unread::Strange)?;
    day(year, number(month)?, number(date)?).ok_or(Unread::OutOfRange)
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// `Jul 12 2019`, `12 July 2019`, `July 2019`.
fn read_with_month(text: &str) -> Result<i32, Unread> {
    let words = text.split([' ', ',', '-', '/', '.']).filter(|word| !word.is_empty());
    let (mut month, mut numbers) = (None, Vec::new());
    for word in words {
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            numbers.push(word);
        } else {
            let short = word.get(..3).ok_or(Unread::Strange)?;
            let found = MONTHS.iter().position(|name| *name == short).ok_or(Unread::Strange)?;
            month = Some(found as u32 + 1);
        }
    }
    let month = month.ok_or(Unread::Strange)?;
    let (date, year) = match numbers[..] {
        [year] if year.len() == 4 => ("1", year),
        [year, date] if year.len() == 4 => (date, year),
        [date, year] => (date, year),
        _ => return Err(Unread::Strange),
    };
    let year = full_year(year).ok_or(Unread::Strange)?;
    day(year, month, date.parse().map_err(|_| Unread::Strange)?).ok_or(Unread::OutOfRange)
}

/// `15:43:09.943`, `3:43pm`, in ticks of 100 ns.
fn read_time(text: &str) -> Result<u64, Unread> {
    let (clock, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(rest), _) => (rest, Some(0)),
        (_, Some(rest)) => (rest, Some(12)),
        _ => (text, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    if parts.len() > 4 || parts.len() == 1 && half.is_none() {
        return Err(Unread::Strange);
    }
    let number = |part: &str| part.parse::<u64>().map_err(|_| Unread::Strange);
    let hours = number(parts[0])?;
    let minutes = parts.get(1).map_or(Ok(0), |part| number(part))?;
    let (seconds, rest) = match parts.get(2) {
        None => (0, 0),
        Some(part) => {
            let (whole, behind) = part.split_once('.').unwrap_or((part, ""));
            (number(whole)?, behind_point(behind)?)
        }
    };
    // hh:mm:ss:mmm
    let millis = parts.get(3).map_or(Ok(0), |part| number(part))?;
    let hours = match half {
        None => hours,
        Some(_) if !(1..=12).contains(&hours) => return Err(Unread::OutOfRange),
        Some(half) => hours % 12 + half,
    };
    if hours > 23 || minutes > 59 || seconds > 59 || millis > 999 {
        return Err(Unread::OutOfRange);
    }
    Ok((hours * 3600 + minutes * 60 + seconds) * SECOND + rest + millis * 10_000)
}

fn behind_point(digits: &str) -> Result<u64, Unread> {
    if digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unread::Strange);
    }
    let seven: String = digits.chars().chain("0000000".chars()).take(7).collect();
    seven.parse().map_err(|_| Unread::Strange)
}
