//! Dates and times as texts: the styles of CONVERT.

use super::{Moment, SECOND, civil};
use crate::sandbox::sp::sql::value::Type;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// `January` for 1.
pub fn month_name(month: u32) -> &'static str {
    MONTHS.get(month.wrapping_sub(1) as usize).copied().unwrap_or_default()
}

/// The weekday of a day since 0001-01-01, which was a Monday.
pub fn weekday_name(days: i32) -> &'static str {
    DAYS.get(days.rem_euclid(7) as usize).copied().unwrap_or_default()
}

/// A moment of this type in this style; none where the style does not exist.
pub fn shown(moment: Moment, kind: Type, style: Option<i32>) -> Option<String> {
    let scale = match kind {
        Type::Time(scale) | Type::DateTime2(scale) | Type::DateTimeOffset(scale) => usize::from(scale),
        _ => 3,
    };
    let is_old = matches!(kind, Type::DateTime | Type::SmallDateTime);
    let style = style.unwrap_or(if is_old { 0 } else { 121 });
    let (date, time) = patterns(style)?;
    let offset = match (kind, moment.offset) {
        (Type::DateTimeOffset(_), Some(minutes)) if matches!(style, 20 | 21 | 120 | 121 | 126) => {
            let sign = if minutes < 0 { '-' } else { '+' };
            let gap = if style == 126 { "" } else { " " };
            format!("{gap}{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
        }
        _ => String::new(),
    };
    let written = match kind {
        Type::Date => filled(date, moment, scale),
        Type::Time(_) => filled(time, moment, scale),
        _ => {
            let gap = if style == 126 { "T" } else { " " };
            let gap = if date.is_empty() || time.is_empty() { "" } else { gap };
            format!("{}{gap}{}{offset}", filled(date, moment, scale), filled(time, moment, scale))
        }
    };
    Some(written)
}

/// What date and time look like in a style.
fn patterns(style: i32) -> Option<(&'static str, &'static str)> {
    Some(match style {
        0 | 100 => ("MMM dD yyyy", "hH:mmAM"),
        1 => ("MM/dd/yy", ""),
        2 => ("yy.MM.dd", ""),
        3 => ("dd/MM/yy", ""),
        4 => ("dd.MM.yy", ""),
        5 => ("dd-MM-yy", ""),
        8 | 24 | 108 => ("", "HH:mm:ss"),
        9 | 109 => ("MMM dD yyyy", "hH:mm:ss:fAM"),
        12 => ("yyMMdd", ""),
        13 | 113 => ("dd MMM yyyy", "HH:mm:ss:f"),
        14 | 114 => ("", "HH:mm:ss:f"),
        20 | 120 => ("yyyy-MM-dd", "HH:mm:ss"),
        21 | 25 | 121 => ("yyyy-MM-dd", "HH:mm:ss.f"),
        23 => ("yyyy-MM-dd", ""),
        101 => ("MM/dd/yyyy", ""),
        102 => ("yyyy.MM.dd", ""),
        103 => ("dd/MM/yyyy", ""),
        104 => ("dd.MM.yyyy", ""),
        105 => ("dd-MM-yyyy", ""),
        106 => ("dd MMM yyyy", ""),
        107 => ("MMM dd, yyyy", ""),
        110 => ("MM-dd-yyyy", ""),
        111 => ("yyyy/MM/dd", ""),
        112 => ("yyyyMMdd", ""),
        126 | 127 => ("yyyy-MM-dd", "HH:mm:ss.f"),
        _ => return None,
    })
}

/// Puts the parts of a moment into a pattern.
fn filled(pattern: &str, moment: Moment, scale: usize) -> String {
    let (year, month, day) = civil(moment.days);
    let seconds = moment.ticks / SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let behind = format!("{:07}", moment.ticks % SECOND);
    let behind = behind.get(..scale).unwrap_or_default();
    let parts = [
        ("yyyy", format!("{year:04}")),
        ("yy", format!("{:02}", year % 100)),
        ("MMM", month_name(month).get(..3).unwrap_or_default().to_owned()),
        ("MM", format!("{month:02}")),
        ("dd", format!("{day:02}")),
        ("dD", format!("{day:>2}")),
        ("HH", format!("{hour:02}")),
        ("hH", format!("{twelve:>2}")),
        ("mm", format!("{minute:02}")),
        ("ss", format!("{second:02}")),
        ("f", behind.to_owned()),
        ("AM", if hour < 12 { "AM" } else { "PM" }.to_owned()),
    ];
    let (mut text, mut rest) = (String::new(), pattern);
    while let Some(first) = rest.chars().next() {
        match parts.iter().find(|(sign, _)| rest.starts_with(sign)) {
            Some((sign, part)) => {
                text.push_str(part);
                rest = &rest[sign.len()..];
            }
            None => {
                text.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    // A whole second has no point behind it.
    text.trim_end_matches('.').to_owned()
}
