//! Days and times: the calendar, and the parts that a date or a time is made of.

mod read;
mod show;

use std::time::{SystemTime, UNIX_EPOCH};

pub use read::{Format, Unread, read};
pub use show::{month_name, shown, weekday_name};

use super::value::{Type, Value};

/// Days from 0001-01-01 to 1900-01-01, and to 1970-01-01.
pub const DAY_1900: i32 = 693_595;
const DAY_1970: i32 = 719_162;

/// Days from 0001-01-01 to 9999-12-31, 1753-01-01 and 2079-06-06.
pub const LAST_DAY: i32 = 3_652_058;
pub const DAY_1753: i32 = 639_905;
const DAY_2079: i32 = DAY_1900 + 65_535;

/// Ticks of 100 ns in a second and in a day.
pub const SECOND: u64 = 10_000_000;
pub const DAY: u64 = 86_400 * SECOND;

/// A day and a time; an offset in minutes where there is one. Day and time are those of the clock on the wall there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since 0001-01-01.
    pub days: i32,
    /// 100 ns since midnight.
    pub ticks: u64,
    pub offset: Option<i16>,
}

/// Year, month and day of a day since 0001-01-01.
pub fn civil(days: i32) -> (i32, u32, u32) {
    // Days since 0000-03-01, so that a leap day is the last one of its year.
    let shifted = i64::from(days) + 306;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as u32, day as u32)
}

/// The day of a date, from 0001-01-01 to 9999-12-31.
pub fn day(year: i32, month: u32, day: u32) -> Option<i32> {
    let is_real = (1..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1;
    if !is_real || day > days_of_month(year, month) {
        return None;
    }
    let shifted = i64::from(year) - i64::from(month <= 2);
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let month = i64::from(month);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 306;
    i32::try_from(days).ok()
}

pub fn days_of_month(year: i32, month: u32) -> u32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Now by the clock of the machine, in UTC: the zone of this server.
pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let days = (since.as_secs() / 86_400) as i32 + DAY_1970;
    let ticks = since.as_secs() % 86_400 * SECOND + u64::from(since.subsec_nanos() / 100);
    Moment { days, ticks, offset: None }
}

/// The moment of Unix seconds.
pub fn of_unix(seconds: f64) -> Moment {
    let ticks = (seconds.max(0.0) * SECOND as f64) as u64;
    Moment { days: (ticks / DAY) as i32 + DAY_1970, ticks: ticks % DAY, offset: None }
}

impl Moment {
    /// Day and time of a value that has any.
    pub fn of(value: &Value) -> Option<Moment> {
        let at = |days, ticks| Some(Moment { days, ticks, offset: None });
        match value {
            &Value::Date(days) => at(days, 0),
            &Value::Time { ticks, .. } => at(DAY_1900, ticks),
            &Value::DateTime { days, ticks } => at(days + DAY_1900, ticks_of_datetime(ticks)),
            &Value::SmallDateTime { days, minutes } => at(i32::from(days) + DAY_1900, u64::from(minutes) * 60 * SECOND),
            &Value::DateTime2 { days, ticks, .. } => at(days, ticks),
            &Value::DateTimeOffset { days, ticks, minutes, .. } => {
                let moment =
                    Moment { days, ticks, offset: None }.plus_ticks(i128::from(minutes) * 60 * i128::from(SECOND));
                Some(Moment { offset: Some(minutes), ..moment? })
            }
            Value::Variant(inner) => Moment::of(inner),
            _ => None,
        }
    }

    /// As a value of this type, rounded to what it can hold; none outside its range.
    pub fn as_kind(self, kind: Type) -> Option<Value> {
        match kind {
            Type::Date => Some(Value::Date(self.days)),
            Type::Time(scale) => {
                let ticks = rounded(self.ticks, scale) % DAY;
                Some(Value::Time { ticks, scale })
            }
            Type::DateTime => {
                let parts = (self.ticks * 3 + 50_000) / 100_000;
                let (days, ticks) = (self.days + (parts / 25_920_000) as i32, (parts % 25_920_000) as u32);
                (DAY_1753..=LAST_DAY).contains(&days).then_some(Value::DateTime { days: days - DAY_1900, ticks })
            }
            Type::SmallDateTime => {
                let minutes = (self.ticks + 30 * SECOND) / (60 * SECOND);
                let days = self.days + (minutes / 1440) as i32;
                let is_in = (DAY_1900..=DAY_2079).contains(&days);
                is_in.then_some(Value::SmallDateTime {
                    days: (days - DAY_1900) as u16,
                    minutes: (minutes % 1440) as u16,
                })
            }
            Type::DateTime2(scale) => {
                let ticks = rounded(self.ticks, scale);
                let days = self.days + (ticks / DAY) as i32;
                (days <= LAST_DAY).then_some(Value::DateTime2 { days, ticks: ticks % DAY, scale })
            }
            Type::DateTimeOffset(scale) => {
                let minutes = self.offset.unwrap_or_default();
                let rounded = Moment { ticks: 0, ..self }.plus_ticks(i128::from(rounded(self.ticks, scale)))?;
                let utc = rounded.plus_ticks(-i128::from(minutes) * 60 * i128::from(SECOND))?;
                Some(Value::DateTimeOffset { days: utc.days, ticks: utc.ticks, scale, minutes })
            }
            _ => None,
        }
    }

    /// So much later; none outside of the calendar.
    pub fn plus_ticks(self, ticks: i128) -> Option<Moment> {
        let all = i128::from(self.days) * i128::from(DAY) + i128::from(self.ticks) + ticks;
        let days = i32::try_from(all.div_euclid(i128::from(DAY))).ok()?;
        let ticks = all.rem_euclid(i128::from(DAY)) as u64;
        (0..=LAST_DAY).contains(&days).then_some(Moment { days, ticks, ..self })
    }

    /// So many months later, on the last day of the month where it is shorter.
    pub fn plus_months(self, months: i64) -> Option<Moment> {
        let (year, month, date) = civil(self.days);
        let all = i64::from(year).checked_mul(12)?.checked_add(i64::from(month) - 1)?.checked_add(months)?;
        let year = i32::try_from(all.div_euclid(12)).ok()?;
        let month = all.rem_euclid(12) as u32 + 1;
        let days = day(year, month, date.min(days_of_month(year, month)))?;
        Some(Moment { days, ..self })
    }

    /// The same moment as UTC tells it.
    pub fn utc(self) -> Moment {
        let minutes = i128::from(self.offset.unwrap_or_default());
        self.plus_ticks(-minutes * 60 * i128::from(SECOND)).unwrap_or(self)
    }
}

/// 100 ns from the thirds of 10 ms that datetime counts.
fn ticks_of_datetime(parts: u32) -> u64 {
    // Shown and converted with whole milliseconds: .000, .003, .007.
    let millis = (u64::from(parts) * 10 + 1) / 3;
    millis * 10_000
}

fn rounded(ticks: u64, scale: u8) -> u64 {
    let unit = 10u64.pow(u32::from(7 - scale.min(7)));
    (ticks + unit / 2) / unit * unit
}
