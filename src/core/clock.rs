//! A wall clock as a number: milliseconds from the beginning of 1970 as that clock shows it, whatever its zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

/// What the clock shows; the nearest there is beyond the years -9999 and 9999.
pub fn shown(at: i64) -> DateTime {
    DateTime::constant(1970, 1, 1, 0, 0, 0, 0).saturating_add(SignedDuration::from_millis(at))
}

/// Milliseconds of what a clock shows.
pub fn of(time: DateTime) -> i64 {
    let since = time.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    // Twenty thousand years fit.
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The moment at which the clock of a zone shows it.
pub fn moment(at: i64, zone: &TimeZone) -> Zoned {
    let zoned = shown(at).to_zoned(zone.clone());
    // The last hours of the year 9999 are beyond what an instant can say.
    zoned.unwrap_or_else(|_| if at < 0 { Timestamp::MIN } else { Timestamp::MAX }.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_survives_being_a_number() {
        let time: DateTime = "2026-02-26T03:32:24".parse().unwrap();
        assert_eq!(shown(of(time)), time);
        assert_eq!(of(time), 1_772_076_744_000);
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        assert_eq!(moment(of(time), &zone).timestamp().to_string(), "2026-02-26T00:32:24Z");
    }

    #[test]
    fn what_no_clock_shows_is_the_end_of_time() {
        assert_eq!((shown(i64::MAX), shown(i64::MIN)), (DateTime::MAX, DateTime::MIN));
        for at in [i64::MIN, i64::MAX, of(DateTime::MAX), of(DateTime::MIN)] {
            for hours in [-20, 0, 20] {
                moment(at, &TimeZone::fixed(jiff::tz::offset(hours)));
            }
        }
    }
}
