//! Dates and times as SQL Server counts them, written as it shows them: to the last digit that a column holds.

use jiff::civil::{Date, DateTime};

/// Days from 0001-01-01 to 1900-01-01, from where `datetime` counts.
pub const DAYS_TO_1900: i64 = 693_595;
/// Days from 0001-01-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_162;
/// The last day there is, 9999-12-31.
const LAST_DAY: i64 = 3_652_058;

/// Year, month and day of a day that is counted from 0001-01-01. A day beyond the calendar is its nearest end.
fn civil(days: i64) -> (u32, u32, u32) {
    // Years that begin in March put the leap day at their end.
    let from_march = days.clamp(0, LAST_DAY) + 306;
    let (era, of_era) = (from_march / 146_097, from_march % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as u32, month as u32, day as u32)
}

/// So many digits, with zeros in front.
fn digits(text: &mut String, mut number: u64, count: usize) {
    let mut place = [b'0'; 20];
    for digit in place[..count].iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    // Digits are always UTF-8.
    text.push_str(std::str::from_utf8(&place[..count]).unwrap_or_default());
}

/// `2019-07-12`, of days from 0001-01-01.
pub fn date(text: &mut String, days: i64) {
    let (year, month, day) = civil(days);
    digits(text, u64::from(year), 4);
    text.push('-');
    digits(text, u64::from(month), 2);
    text.push('-');
    digits(text, u64::from(day), 2);
}

/// `15:43:09.9430000`: parts of a second, of which there are ten to the power of `scale` in one.
pub fn time(text: &mut String, parts: u64, scale: u8) {
    let scale = scale.min(9);
    let one = 10u64.pow(u32::from(scale));
    let seconds = parts / one;
    digits(text, seconds / 3600, 2);
    text.push(':');
    digits(text, seconds / 60 % 60, 2);
    text.push(':');
    digits(text, seconds % 60, 2);
    if scale > 0 {
        text.push('.');
        digits(text, parts % one, usize::from(scale));
    }
}

/// A `datetime`: days from 1900-01-01 and three-hundredths of a second, shown to the millisecond.
pub fn datetime(text: &mut String, days: i64, ticks: u64) {
    date(text, days + DAYS_TO_1900);
    text.push(' ');
    time(text, (ticks * 10 + 1) / 3, 3);
}

/// A `smalldatetime`: days from 1900-01-01 and minutes.
pub fn smalldatetime(text: &mut String, days: u16, minutes: u16) {
    date(text, i64::from(days) + DAYS_TO_1900);
    text.push(' ');
    time(text, u64::from(minutes) * 60, 0);
}

/// A `datetime2`: days from 0001-01-01 and parts of a second.
pub fn datetime2(text: &mut String, days: i64, parts: u64, scale: u8) {
    date(text, days);
    text.push(' ');
    time(text, parts, scale);
}

/// A `datetimeoffset`, which travels as UTC and its offset in minutes: `2019-07-12 15:43:09.9430000 +03:00`.
pub fn datetimeoffset(text: &mut String, days: i64, parts: u64, scale: u8, minutes: i16) {
    let scale = scale.min(9);
    let one = 10i64.pow(u32::from(scale));
    let day = 86_400 * one;
    let shifted = (parts as i64).saturating_add(i64::from(minutes) * 60 * one);
    datetime2(text, days + shifted.div_euclid(day), shifted.rem_euclid(day) as u64, scale);
    text.push(' ');
    text.push(if minutes < 0 { '-' } else { '+' });
    let minutes = u64::from(minutes.unsigned_abs());
    digits(text, minutes / 60, 2);
    text.push(':');
    digits(text, minutes % 60, 2);
}

/// Days from 0001-01-01; days before it are it.
pub fn days(date: Date) -> u32 {
    let since = date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
    u32::try_from(since + DAYS_TO_1970).unwrap_or_default()
}

/// Ten-millionths of a second since midnight.
pub fn ticks(moment: DateTime) -> u64 {
    let seconds = [(moment.hour(), 3600), (moment.minute(), 60), (moment.second(), 1)];
    let seconds: u64 = seconds.into_iter().map(|(count, each)| count.unsigned_abs() as u64 * each).sum();
    seconds * 10_000_000 + u64::from(moment.subsec_nanosecond().unsigned_abs()) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(write: impl FnOnce(&mut String)) -> String {
        let mut text = String::new();
        write(&mut text);
        text
    }

    #[test]
    fn moments_are_shown_as_management_studio_shows_them() {
        assert_eq!(shown(|text| datetime(text, 0, 0)), "1900-01-01 00:00:00.000");
        // datetime knows thousandths that end in 0, 3 and 7 only.
        for (ticks, end) in [(1, "003"), (2, "007"), (3, "010"), (299, "997")] {
            assert_eq!(shown(|text| datetime(text, 0, ticks)), format!("1900-01-01 00:00:00.{end}"));
        }
        assert_eq!(shown(|text| datetime(text, -53_690, 25_919_999)), "1753-01-01 23:59:59.997");
        assert_eq!(shown(|text| smalldatetime(text, 43_656, 943)), "2019-07-12 15:43:00");
        assert_eq!(shown(|text| datetime2(text, 737_251, 565_899_430_001, 7)), "2019-07-12 15:43:09.9430001");
        assert_eq!(shown(|text| datetime2(text, 737_251, 56_589, 0)), "2019-07-12 15:43:09");
        assert_eq!(shown(|text| time(text, 8_639_999, 2)), "23:59:59.99");
        assert_eq!(shown(|text| date(text, 0)), "0001-01-01");
        assert_eq!(shown(|text| date(text, LAST_DAY)), "9999-12-31");
    }

    #[test]
    fn an_offset_moves_the_clock_and_the_day() {
        let evening = 23 * 36_000_000_000;
        assert_eq!(shown(|text| datetimeoffset(text, 737_251, evening, 7, 180)), "2019-07-13 02:00:00.0000000 +03:00");
        assert_eq!(shown(|text| datetimeoffset(text, 737_251, 0, 0, -330)), "2019-07-11 18:30:00 -05:30");
    }

    #[test]
    fn what_a_server_cannot_mean_is_no_panic() {
        for days in [i64::from(i32::MIN), i64::from(i32::MAX), -1] {
            shown(|text| datetime(text, days, u64::from(u32::MAX)));
            shown(|text| datetimeoffset(text, days, u64::MAX / 2, 200, i16::MIN));
        }
    }

    proptest::proptest! {
        #[test]
        fn every_day_is_that_of_the_calendar(day in 0..=LAST_DAY) {
            let (year, month, number) = civil(day);
            let date = Date::new(year as i16, month as i8, number as i8).unwrap();
            proptest::prop_assert_eq!(i64::from(days(date)), day);
        }

        #[test]
        fn a_moment_survives_its_numbers(seconds in 0..86_400i64, nanos in 0..10_000_000i32) {
            let midnight = DateTime::constant(2019, 7, 12, 0, 0, 0, nanos * 100);
            let moment = midnight.saturating_add(jiff::SignedDuration::from_secs(seconds));
            let text = shown(|text| datetime2(text, i64::from(days(moment.date())), ticks(moment), 7));
            proptest::prop_assert_eq!(text.replace(' ', "T").parse::<DateTime>().unwrap(), moment);
        }
    }
}
