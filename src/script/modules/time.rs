//! Moments in time.

use jiff::civil::{self, DateTime, Weekday};
use jiff::fmt::{strtime, temporal::Pieces};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};
use rhai::plugin::*;
use rhai::{Map, NativeCallContext};

use crate::error::{Error, Result, did_you_mean};
use crate::script::bridge::{Thrown, throw};
use crate::script::options::Options;
use crate::script::values;

const UNITS: [&str; 6] = ["year", "month", "week", "day", "hour", "minute"];
const PARTS: [&str; 7] = ["years", "months", "weeks", "days", "hours", "minutes", "seconds"];
/// As people write dates in Russia.
const DOTTED: [&str; 3] = ["%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y"];

fn not_a_time(text: &str) -> Error {
    Error::input("time.not_a_time", format!("{text:?} is not a date or a time")).hint(
        "write it as 2026-11-21, 2026-11-21 23:44, 2026-11-21T23:44:00+03:00 or 21.11.2026 23:44, or name its form: \
         time::parse(text, \"%d/%m/%y\")",
    )
}

fn too_far() -> Error {
    Error::input("time.too_far", "the result lies outside the years -9999 to 9999")
}

fn local(time: DateTime) -> Result<Zoned> {
    time.to_zoned(TimeZone::system()).map_err(|_| too_far())
}

/// A moment in one of the usual forms; without an offset it is in the zone of this computer.
pub fn parsed(text: &str) -> Result<Zoned> {
    let trimmed = text.trim();
    // SQL Server puts a space before the offset: `2019-07-12 15:43:09.9430000 +03:00`.
    let joined = trimmed.rsplit_once(' ').filter(|(time, offset)| offset.starts_with(['+', '-']) && time.contains(':'));
    let joined = joined.map(|(time, offset)| format!("{time}{offset}"));
    let Ok(pieces) = Pieces::parse(joined.as_deref().unwrap_or(trimmed)) else {
        let dotted = DOTTED.iter().find_map(|form| DateTime::strptime(form, trimmed).ok());
        let dotted = dotted.or_else(|| civil::Date::strptime(DOTTED[2], trimmed).ok().map(|date| date.at(0, 0, 0, 0)));
        return dotted.ok_or_else(|| not_a_time(text)).and_then(local);
    };
    let time = pieces.date().to_datetime(pieces.time().unwrap_or(civil::Time::midnight()));
    match (pieces.to_numeric_offset(), pieces.to_time_zone()) {
        // The offset says which moment is meant, the zone in brackets how it is shown.
        (Some(offset), Ok(zone)) => {
            let moment = offset.to_timestamp(time).map_err(|_| too_far())?;
            Ok(moment.to_zoned(zone.unwrap_or_else(|| TimeZone::fixed(offset))))
        }
        (None, Ok(Some(zone))) => time.to_zoned(zone).map_err(|_| too_far()),
        (None, Ok(None)) => local(time),
        (_, Err(_)) => Err(not_a_time(text)),
    }
}

/// What a clock of this zone shows when it is what the text says; without an offset the text says that itself.
pub fn clock(text: &str, zone: &TimeZone) -> Result<DateTime> {
    let has_offset = Pieces::parse(text.trim()).is_ok_and(|pieces| pieces.offset().is_some());
    let moment = parsed(text)?;
    Ok(if has_offset { moment.with_time_zone(zone.clone()).datetime() } else { moment.datetime() })
}

fn parsed_by(text: &str, form: &str) -> Result<Zoned> {
    let wrong = |error: jiff::Error| {
        Error::input("time.not_a_time", format!("{text:?} does not have the form {form:?}: {error}"))
            .hint("%Y year, %m month, %d day, %H hour, %M minute, %S second, %z offset")
    };
    let parts = strtime::parse(form, text).map_err(wrong)?;
    if parts.offset().is_some() || parts.iana_time_zone().is_some() {
        return parts.to_zoned().map_err(wrong);
    }
    match parts.hour() {
        Some(_) => parts.to_datetime().map_err(wrong).and_then(local),
        None => parts.to_date().map_err(wrong).and_then(|date| local(date.at(0, 0, 0, 0))),
    }
}

fn zone_named(name: &str) -> Result<TimeZone> {
    if name.eq_ignore_ascii_case("local") {
        return Ok(TimeZone::system());
    }
    TimeZone::get(name).or_else(|_| {
        // `+03:00` is read as it stands at the end of a time.
        let offset =
            Pieces::parse(&format!("2000-01-01T00:00{name}")).ok().and_then(|pieces| pieces.to_numeric_offset());
        offset.map(TimeZone::fixed).ok_or_else(|| {
            let names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
            let cities = names.iter().map(|name| name.rsplit('/').next().unwrap_or(name));
            let near = did_you_mean(name, names.iter().map(String::as_str).chain(cities));
            Error::input("time.zone", format!("there is no time zone {name:?}")).hint(near.unwrap_or_else(|| {
                "write a name such as \"Europe/Moscow\", an offset such as \"+03:00\", \"UTC\" or \"local\"".into()
            }))
        })
    })
}

fn span(parts: &Map) -> Result<Span> {
    let options = Options::read(parts, &PARTS)?;
    let mut span = Span::new();
    for name in PARTS {
        let Some(n) = options.integer(name)? else { continue };
        let added = match name {
            "years" => span.try_years(n),
            "months" => span.try_months(n),
            "weeks" => span.try_weeks(n),
            "days" => span.try_days(n),
            "hours" => span.try_hours(n),
            "minutes" => span.try_minutes(n),
            _ => span.try_seconds(n),
        };
        span = added.map_err(|_| too_far())?;
    }
    Ok(span)
}

/// Parts of opposite signs are added one after the other, the largest first.
fn added(moment: &Zoned, parts: &Map) -> Result<Zoned> {
    span(parts)?;
    let mut moment = moment.clone();
    for name in PARTS {
        if let Some(n) = parts.get(name) {
            let one = Map::from([(name.into(), n.clone())]);
            moment = moment.checked_add(span(&one)?).map_err(|_| too_far())?;
        }
    }
    Ok(moment)
}

fn start(moment: &Zoned, unit: &str) -> Result<Zoned> {
    let date = moment.date();
    let midnight = |date: civil::Date| date.to_datetime(civil::Time::midnight());
    let time = match unit {
        "year" => midnight(date.first_of_year()),
        "month" => midnight(date.first_of_month()),
        "week" => {
            let back = i64::from(date.weekday().since(Weekday::Monday));
            midnight(date.checked_sub(back.days()).map_err(|_| too_far())?)
        }
        "day" => midnight(date),
        "hour" => date.at(moment.hour(), 0, 0, 0),
        "minute" => date.at(moment.hour(), moment.minute(), 0, 0),
        _ => {
            let near = did_you_mean(unit, UNITS);
            return Err(Error::input("time.unit", format!("{unit:?} is no unit of time"))
                .hint(near.unwrap_or_else(|| format!("the units are {}", UNITS.join(", ")))));
        }
    };
    time.to_zoned(moment.time_zone().clone()).map_err(|_| too_far())
}

fn formatted(moment: &Zoned, form: &str) -> Result<String> {
    strtime::format(form, moment).map_err(|error| {
        Error::input("time.form", format!("{form:?} cannot be used as a form: {error}"))
            .hint("%Y year, %m month, %d day, %H hour, %M minute, %S second, %z offset; %% is a percent sign")
    })
}

fn given(call: &NativeCallContext<'_>, moment: Result<Zoned>) -> Thrown<values::Moment> {
    moment.map(values::Moment).or_else(|error| throw(call, error))
}

fn name_of(zone: &TimeZone) -> String {
    match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => zone.to_fixed_offset().map_or_else(|_| "local".to_owned(), |offset| offset.to_string()),
    }
}

#[export_module]
pub mod times {
    pub type Moment = values::Moment;

    /// This moment, in the zone of this computer.
    ///
    /// ```rhai
    /// assert(time::now() >= time::today());
    /// ```
    pub fn now() -> Moment {
        values::Moment(Zoned::now())
    }

    /// This moment in a zone: a name such as `"Europe/Moscow"`, an offset such as `"+03:00"`, `"UTC"` or `"local"`.
    ///
    /// Throws `time.zone` when there is no such zone.
    ///
    /// ```rhai
    /// assert_eq(time::now("UTC").zone, "UTC");
    /// ```
    #[rhai_fn(name = "now", return_raw)]
    pub fn now_in(call: NativeCallContext, zone: &str) -> Thrown<Moment> {
        given(&call, zone_named(zone).map(|zone| Timestamp::now().to_zoned(zone)))
    }

    /// The beginning of today, in the zone of this computer.
    ///
    /// ```rhai
    /// assert_eq(time::today().hour, 0);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn today(call: NativeCallContext) -> Thrown<Moment> {
        given(&call, start(&Zoned::now(), "day"))
    }

    /// The moment that a text names: ISO 8601 with or without an offset, a date alone, or `21.11.2026 23:44`.
    ///
    /// Without an offset it is taken as local time, a date alone as its beginning. Throws `time.not_a_time`.
    ///
    /// ```rhai
    /// let closed = time::parse("2026-11-21T23:44:00+03:00");
    /// assert_eq(closed.hour, 23);
    /// assert_eq(time::parse("21.11.2026 23:44").day, 21);
    /// assert_eq(time::parse("2026-11-21").minute, 0);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parse(call: NativeCallContext, text: &str) -> Thrown<Moment> {
        given(&call, parsed(text))
    }

    /// The moment that a text of this form names (`%Y` year, `%m` month, `%d` day, `%H` hour, `%M` minute, `%S` second,
    /// `%z` offset).
    ///
    /// Without an offset it is taken as local time. Throws `time.not_a_time`.
    ///
    /// ```rhai
    /// assert_eq(time::parse("11/21/26", "%m/%d/%y").year, 2026);
    /// ```
    #[rhai_fn(name = "parse", return_raw)]
    pub fn parse_by(call: NativeCallContext, text: &str, form: &str) -> Thrown<Moment> {
        given(&call, parsed_by(text, form))
    }

    /// The moment so many seconds after the beginning of 1970 (UTC), in the zone of this computer.
    ///
    /// ```rhai
    /// assert_eq(time::from_unix(0).in_zone("UTC").year, 1970);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn from_unix(call: NativeCallContext, seconds: i64) -> Thrown<Moment> {
        let moment = Timestamp::from_second(seconds).map_err(|_| too_far());
        given(&call, moment.map(|moment| moment.to_zoned(TimeZone::system())))
    }

    /// The name of this computer's time zone.
    ///
    /// ```rhai
    /// assert(time::zone().len() > 0);
    /// ```
    pub fn zone() -> String {
        name_of(&TimeZone::system())
    }

    /// The moment as a text of this form; the same as `moment.format(form)`.
    ///
    /// ```rhai
    /// assert_eq(time::format(time::parse("2026-11-21 23:44"), "%d.%m.%Y"), "21.11.2026");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn format(call: NativeCallContext, moment: Moment, form: &str) -> Thrown<String> {
        formatted(&moment.0, form).or_else(|error| throw(&call, error))
    }

    /// The moment so much later or, with negative numbers, earlier; the same as `moment.add(parts)`.
    ///
    /// ```rhai
    /// let end = time::add(time::parse("2026-01-31"), #{months: 1});
    /// assert_eq(end.day, 28);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn add(call: NativeCallContext, moment: Moment, parts: Map) -> Thrown<Moment> {
        given(&call, added(&moment.0, &parts))
    }

    /// The beginning of the year, month, week, day, hour or minute; the same as `moment.start_of(unit)`.
    ///
    /// ```rhai
    /// assert_eq(time::start_of(time::parse("2026-11-21 23:44"), "month").day, 1);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn start_of(call: NativeCallContext, moment: Moment, unit: &str) -> Thrown<Moment> {
        given(&call, start(&moment.0, unit))
    }

    /// The same moment as a clock in another zone shows it; the same as `moment.in_zone(zone)`.
    ///
    /// ```rhai
    /// assert_eq(time::in_zone(time::parse("2026-11-21T23:44:00+03:00"), "UTC").hour, 20);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn in_zone(call: NativeCallContext, moment: Moment, zone: &str) -> Thrown<Moment> {
        given(&call, zone_named(zone).map(|zone| moment.0.with_time_zone(zone)))
    }
}

#[export_module]
pub mod moment {
    pub type Moment = values::Moment;

    /// The year, such as 2026.
    #[rhai_fn(get = "year", pure)]
    pub fn year(moment: &mut Moment) -> i64 {
        moment.0.year().into()
    }

    /// The month, 1 to 12.
    #[rhai_fn(get = "month", pure)]
    pub fn month(moment: &mut Moment) -> i64 {
        moment.0.month().into()
    }

    /// The day of the month, 1 to 31.
    #[rhai_fn(get = "day", pure)]
    pub fn day(moment: &mut Moment) -> i64 {
        moment.0.day().into()
    }

    /// The hour, 0 to 23.
    #[rhai_fn(get = "hour", pure)]
    pub fn hour(moment: &mut Moment) -> i64 {
        moment.0.hour().into()
    }

    /// The minute, 0 to 59.
    #[rhai_fn(get = "minute", pure)]
    pub fn minute(moment: &mut Moment) -> i64 {
        moment.0.minute().into()
    }

    /// The second, 0 to 59.
    #[rhai_fn(get = "second", pure)]
    pub fn second(moment: &mut Moment) -> i64 {
        moment.0.second().into()
    }

    /// The day of the week: 1 is Monday, 7 is Sunday.
    #[rhai_fn(get = "weekday", pure)]
    pub fn weekday(moment: &mut Moment) -> i64 {
        moment.0.weekday().to_monday_one_offset().into()
    }

    /// The name of the zone, or its offset when it has no name.
    #[rhai_fn(get = "zone", pure)]
    pub fn zone(moment: &mut Moment) -> String {
        name_of(moment.0.time_zone())
    }

    /// Whole seconds since the beginning of 1970 (UTC).
    ///
    /// ```rhai
    /// assert_eq(time::parse("1970-01-01T00:01:00Z").unix(), 60);
    /// ```
    #[rhai_fn(pure)]
    pub fn unix(moment: &mut Moment) -> i64 {
        moment.0.timestamp().as_second()
    }

    /// The moment as a text of this form (`%Y` year, `%m` month, `%d` day, `%H` hour, `%M` minute, `%S` second, `%z`
    /// offset).
    ///
    /// Names of months and days (`%B`, `%A`) are English. `a - b` of two moments is the seconds between them, `a < b`
    /// compares them. Throws `time.form` when the form cannot be used.
    ///
    /// ```rhai
    /// assert_eq(time::parse("2026-11-21 23:44").format("%d.%m.%Y %H:%M"), "21.11.2026 23:44");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn format(call: NativeCallContext, moment: &mut Moment, form: &str) -> Thrown<String> {
        formatted(&moment.0, form).or_else(|error| throw(&call, error))
    }

    /// The moment so much later or, with negative numbers, earlier.
    ///
    /// The parts are `years`, `months`, `weeks`, `days`, `hours`, `minutes` and `seconds`, whole numbers, added in this
    /// order. A day too large for its month becomes the last one. Throws `options.unknown` for another name.
    ///
    /// ```rhai
    /// let deadline = time::parse("2026-11-21 23:44").add(#{days: 1, hours: -2});
    /// assert_eq(deadline.format("%d %H"), "22 21");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn add(call: NativeCallContext, moment: &mut Moment, parts: Map) -> Thrown<Moment> {
        given(&call, added(&moment.0, &parts))
    }

    /// The beginning of the `"year"`, `"month"`, `"week"` (Monday), `"day"`, `"hour"` or `"minute"`.
    ///
    /// Throws `time.unit` for another unit.
    ///
    /// ```rhai
    /// let day = time::parse("2026-11-21 23:44");
    /// assert_eq(day.start_of("week").day, 16);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn start_of(call: NativeCallContext, moment: &mut Moment, unit: &str) -> Thrown<Moment> {
        given(&call, start(&moment.0, unit))
    }

    /// The same moment as a clock in another zone shows it.
    ///
    /// Throws `time.zone` when there is no such zone.
    ///
    /// ```rhai
    /// let noon = time::parse("2026-11-21T12:00:00Z");
    /// assert_eq(noon.in_zone("Europe/Moscow").hour, 15);
    /// assert_eq(noon.in_zone("+05:30").minute, 30);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn in_zone(call: NativeCallContext, moment: &mut Moment, zone: &str) -> Thrown<Moment> {
        given(&call, zone_named(zone).map(|zone| moment.0.with_time_zone(zone)))
    }

    /// The seconds from `earlier` to this moment, with fractions: `a - b`. Moments are compared by `a < b`, `a == b` and
    /// the like.
    ///
    /// ```rhai
    /// let begin = time::parse("2026-11-21 10:00");
    /// let end = begin.add(#{minutes: 2});
    /// assert_eq(end - begin, 120.0);
    /// assert(begin < end);
    /// ```
    #[rhai_fn(name = "-", pure)]
    pub fn minus(moment: &mut Moment, earlier: Moment) -> f64 {
        moment.0.duration_since(&earlier.0).as_secs_f64()
    }

    #[rhai_fn(name = "==", pure)]
    pub fn same(moment: &mut Moment, other: Moment) -> bool {
        *moment == other
    }

    #[rhai_fn(name = "!=", pure)]
    pub fn other(moment: &mut Moment, other: Moment) -> bool {
        *moment != other
    }

    #[rhai_fn(name = "<", pure)]
    pub fn before(moment: &mut Moment, other: Moment) -> bool {
        *moment < other
    }

    #[rhai_fn(name = "<=", pure)]
    pub fn not_after(moment: &mut Moment, other: Moment) -> bool {
        *moment <= other
    }

    #[rhai_fn(name = ">", pure)]
    pub fn after(moment: &mut Moment, other: Moment) -> bool {
        *moment > other
    }

    #[rhai_fn(name = ">=", pure)]
    pub fn not_before(moment: &mut Moment, other: Moment) -> bool {
        *moment >= other
    }

    /// The moment as `2026-11-21T23:44:00+03:00`, as most systems want it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(moment: &mut Moment) -> String {
        moment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_and_systems_write_is_read() {
        let civil = civil::date(2026, 11, 21).at(23, 44, 0, 0);
        for text in [
            "2026-11-21T23:44:00",
            "2026-11-21 23:44:00",
            "2026-11-21 23:44",
            "21.11.2026 23:44",
            " 21.11.2026 23:44:00 ",
        ] {
            let moment = parsed(text).unwrap();
            assert_eq!((moment.datetime(), moment.time_zone()), (civil, &TimeZone::system()), "{text}");
        }
        for text in [
            "2026-11-21T20:44:00Z",
            "2026-11-21T23:44:00+03:00",
            "2026-11-21T23:44:00+0300",
            "2026-11-21T23:44:00+03:00[Europe/Moscow]",
        ] {
            assert_eq!(parsed(text).unwrap().timestamp().to_string(), "2026-11-21T20:44:00Z", "{text}");
        }
        assert_eq!(parsed("2026-11-21").unwrap().datetime(), civil::date(2026, 11, 21).at(0, 0, 0, 0));
        assert_eq!(parsed("21.11.2026").unwrap().datetime(), civil::date(2026, 11, 21).at(0, 0, 0, 0));
        for text in ["", "tomorrow", "2026-02-30", "31.02.2026", "2026-11-21 25:00", "21.11.2026 23:44 x"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn parts_of_opposite_signs_can_be_mixed() {
        let moment = parsed("2026-11-21T10:00:00Z").unwrap();
        let parts = Map::from([("days".into(), 1_i64.into()), ("hours".into(), (-2_i64).into())]);
        assert_eq!(added(&moment, &parts).unwrap().timestamp().to_string(), "2026-11-22T08:00:00Z");
        assert!(added(&moment, &Map::from([("years".into(), i64::MAX.into())])).is_err());
        let error = added(&moment, &Map::from([("day".into(), 1_i64.into())])).unwrap_err();
        assert!(error.hint_text().unwrap().contains("`days`"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}", form in "[%a-zA-Z. -]{0,12}") {
            let _ = parsed(&text);
            let _ = parsed_by(&text, &form);
            let _ = formatted(&Zoned::now(), &form);
            let _ = zone_named(&text);
        }
    }
}
