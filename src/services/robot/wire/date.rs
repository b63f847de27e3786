//! Dates: `YYYY-MM-DD HH:MM:SS` without a zone in the protocol, `dd.MM.yyyy HH:mm:ss` in filters, and those of HTTP.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

/// The longest pause that an answer may ask for.
const LONGEST: Duration = Duration::from_secs(86_400);

/// A moment as the Orchestrator's clock shows it.
pub fn written(at: DateTime) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A moment as filters write it.
pub fn in_filter(at: DateTime) -> String {
    at.strftime("%d.%m.%Y %H:%M:%S").to_string()
}

/// A date of the Orchestrator: with a `T`, with parts of a second, with a zone (which is left out), or without a time.
pub fn read(text: &str) -> Option<DateTime> {
    let text = text.trim();
    if let Ok(at) = DateTime::strptime("%d.%m.%Y %H:%M:%S", text) {
        return Some(at);
    }
    if let Ok(date) = Date::strptime("%d.%m.%Y", text) {
        return Some(date.into());
    }
    text.trim_end_matches(['Z', 'z']).parse().ok()
}

/// Seconds since 1970 of a number, of a moment with its zone, or of one that this computer's clock shows.
pub fn unix(value: &serde_json::Value) -> Option<i64> {
    if let Some(seconds) = super::answer::number(value) {
        return Some(seconds);
    }
    let text = value.as_str()?.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_second());
    }
    let at = read(text)?.to_zoned(jiff::tz::TimeZone::system()).ok()?;
    Some(at.timestamp().as_second())
}

/// How long `Retry-After` asks to wait: seconds, or a date that is compared with the answer's own.
pub fn retry_after(value: &str, answered: Option<&str>, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)));
    }
    let until = moment(value)?;
    // This computer's clock may be wrong.
    let now = answered.and_then(moment).unwrap_or(now);
    let wait = u64::try_from(until.as_second() - now.as_second()).unwrap_or(0);
    Some(Duration::from_secs(wait).min(LONGEST))
}

fn moment(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text.trim()).ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn dates_are_read_as_servers_write_them() {
        let expected = date(2026, 3, 8).at(14, 5, 9, 0);
        for text in ["2026-03-08 14:05:09", "2026-03-08T14:05:09", " 2026-03-08T14:05:09Z ", "08.03.2026 14:05:09"] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in ["2026-03-08", "08.03.2026"] {
            assert_eq!(read(text), Some(date(2026, 3, 8).at(0, 0, 0, 0)), "{text}");
        }
        for text in ["", "0000-00-00 00:00:00", "2026-13-01", "soon"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(written(expected), "2026-03-08 14:05:09");
        assert_eq!(in_filter(expected), "08.03.2026 14:05:09");
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_a_date() {
        let now: Timestamp = "2026-03-08T14:00:00Z".parse().unwrap();
        let after = |value: &str, answered| retry_after(value, answered, now).map(|pause| pause.as_secs_f64());
        assert_eq!(after("120", None), Some(120.0));
        assert_eq!(after(" 0.5 ", None), Some(0.5));
        assert_eq!(after("Sun, 08 Mar 2026 14:01:30 GMT", None), Some(90.0));
        assert_eq!(after("Sun, 08 Mar 2026 13:00:00 GMT", None), Some(0.0));
        assert_eq!(after("Sun, 08 Mar 2026 18:00:10 GMT", Some("Sun, 08 Mar 2026 18:00:00 GMT")), Some(10.0));
        assert_eq!(after("1e300", None), Some(86_400.0));
        for wrong in ["", "-1", "soon", "inf", "nan"] {
            assert_eq!(after(wrong, None), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_date_that_is_written_is_read(seconds in 0i64..4_000_000_000) {
            let at = jiff::tz::TimeZone::UTC.to_datetime(Timestamp::from_second(seconds).unwrap());
            proptest::prop_assert_eq!(read(&written(at)), Some(at));
            proptest::prop_assert_eq!(read(&in_filter(at)), Some(at));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC*") {
            let _ = (read(&text), retry_after(&text, Some(&text), Timestamp::UNIX_EPOCH));
        }
    }
}
