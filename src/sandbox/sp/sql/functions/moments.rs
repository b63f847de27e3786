//! Functions of dates and times.

use super::{Function, integer, text};
use crate::sandbox::sp::sql::eval::Env;
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::moment::{DAY, Moment, SECOND, civil, day, days_of_month, month_name, now, weekday_name};
use crate::sandbox::sp::sql::value::{Type, Value};

const DATETIME2: fn(&[Type]) -> Type = |_| Type::DateTime2(7);
const DATETIME: fn(&[Type]) -> Type = |_| Type::DateTime;
const INT: fn(&[Type]) -> Type = |_| Type::Int;

pub const FUNCTIONS: &[Function] = &[
    Function { name: "GETDATE", arguments: (0, 0), kind: DATETIME, run: current },
    Function { name: "GETUTCDATE", arguments: (0, 0), kind: DATETIME, run: current },
    Function { name: "CURRENT_TIMESTAMP", arguments: (0, 0), kind: DATETIME, run: current },
    Function { name: "SYSDATETIME", arguments: (0, 0), kind: DATETIME2, run: precise },
    Function { name: "SYSUTCDATETIME", arguments: (0, 0), kind: DATETIME2, run: precise },
    Function { name: "SYSDATETIMEOFFSET", arguments: (0, 0), kind: |_| Type::DateTimeOffset(7), run: with_offset },
    Function { name: "DATEADD", arguments: (3, 3), kind: shifted_kind, run: shifted },
    Function { name: "DATEDIFF", arguments: (3, 3), kind: INT, run: between },
    Function { name: "DATEDIFF_BIG", arguments: (3, 3), kind: |_| Type::BigInt, run: between_big },
    Function { name: "DATEPART", arguments: (2, 2), kind: INT, run: part },
    Function { name: "DATENAME", arguments: (2, 2), kind: |_| Type::NVarChar(Some(30)), run: part_name },
    Function { name: "YEAR", arguments: (1, 1), kind: INT, run: |env, values| named_part(env, "year", &values[0]) },
    Function { name: "MONTH", arguments: (1, 1), kind: INT, run: |env, values| named_part(env, "month", &values[0]) },
    Function { name: "DAY", arguments: (1, 1), kind: INT, run: |env, values| named_part(env, "day", &values[0]) },
    Function { name: "EOMONTH", arguments: (1, 2), kind: |_| Type::Date, run: end_of_month },
    Function { name: "DATEFROMPARTS", arguments: (3, 3), kind: |_| Type::Date, run: from_parts },
    Function { name: "DATETIMEFROMPARTS", arguments: (7, 7), kind: DATETIME, run: datetime_from_parts },
    Function { name: "ISDATE", arguments: (1, 1), kind: INT, run: is_date },
];

fn current(_: &Env, _: &[Value]) -> Answer<Value> {
    Ok(now().as_kind(Type::DateTime).unwrap_or(Value::Null))
}

fn precise(_: &Env, _: &[Value]) -> Answer<Value> {
    Ok(now().as_kind(Type::DateTime2(7)).unwrap_or(Value::Null))
}

fn with_offset(_: &Env, _: &[Value]) -> Answer<Value> {
    let moment = Moment { offset: Some(0), ..now() };
    Ok(moment.as_kind(Type::DateTimeOffset(7)).unwrap_or(Value::Null))
}

/// A part of a date, by any of its names.
fn part_of(name: &str, function: &str) -> Answer<&'static str> {
    const PARTS: [(&str, &[&str]); 14] = [
        ("year", &["year", "yy", "yyyy"]),
        ("quarter", &["quarter", "qq", "q"]),
        ("month", &["month", "mm", "m"]),
        ("dayofyear", &["dayofyear", "dy", "y"]),
        ("day", &["day", "dd", "d"]),
        ("week", &["week", "wk", "ww"]),
        ("weekday", &["weekday", "dw", "w"]),
        ("hour", &["hour", "hh"]),
        ("minute", &["minute", "mi", "n"]),
        ("second", &["second", "ss", "s"]),
        ("millisecond", &["millisecond", "ms"]),
        ("microsecond", &["microsecond", "mcs"]),
        ("nanosecond", &["nanosecond", "ns"]),
        ("iso_week", &["iso_week", "isowk", "isoww"]),
    ];
    let name = name.to_ascii_lowercase();
    let found = PARTS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(part, _)| *part);
    found.ok_or_else(|| {
        let text = format!("'{name}' is not a recognized {function} option.");
        failure::failure(155, 15, 1, text).reach(failure::Reach::Scope)
    })
}

/// The first argument, which the parser has made of a bare word.
fn given_part(values: &[Value], function: &str) -> Answer<&'static str> {
    part_of(values[0].as_text().unwrap_or_default(), function)
}

/// A date or time, also out of a text or a number.
fn moment(env: &Env, value: &Value) -> Answer<Option<Moment>> {
    if let Some(moment) = Moment::of(value) {
        return Ok(Some(moment));
    }
    let kind = if value.as_text().is_some() { Type::DateTimeOffset(7) } else { Type::DateTime };
    let value = env.convert(value.clone(), kind)?;
    Ok(Moment::of(&value))
}

fn ticks_of(part: &str) -> Option<i128> {
    let ticks = match part {
        "week" => 7 * DAY,
        "day" | "weekday" | "dayofyear" => DAY,
        "hour" => 3600 * SECOND,
        "minute" => 60 * SECOND,
        "second" => SECOND,
        "millisecond" => SECOND / 1000,
        "microsecond" => SECOND / 1_000_000,
        _ => return None,
    };
    Some(i128::from(ticks))
}

fn shifted_kind(kinds: &[Type]) -> Type {
    match kinds.get(2) {
        Some(kind) if kind.family() == crate::sandbox::sp::sql::value::Family::Moment => *kind,
        _ => Type::DateTime,
    }
}

fn shifted(env: &Env, values: &[Value]) -> Answer<Value> {
    let part = given_part(values, "dateadd")?;
    let (Some(number), Some(start)) = (integer(env, &values[1])?, moment(env, &values[2])?) else {
        return Ok(Value::Null);
    };
    let kind = shifted_kind(&[Type::Int, Type::Int, values[2].kind()]);
    let moved = match part {
        "year" => number.checked_mul(12).and_then(|months| start.plus_months(months)),
        "quarter" => number.checked_mul(3).and_then(|months| start.plus_months(months)),
        "month" => start.plus_months(number),
        "nanosecond" => start.plus_ticks(i128::from(number) / 100),
        part => ticks_of(part).and_then(|ticks| start.plus_ticks(ticks * i128::from(number))),
    };
    moved.and_then(|moment| moment.as_kind(kind)).ok_or_else(|| {
        let text = format!("Adding a value to a '{}' column caused an overflow.", kind.name());
        failure::failure(517, 16, 1, text)
    })
}

/// How many boundaries of a part lie between two moments.
fn boundaries(env: &Env, values: &[Value]) -> Answer<Option<i128>> {
    let part = given_part(values, "datediff")?;
    let (Some(from), Some(to)) = (moment(env, &values[1])?, moment(env, &values[2])?) else { return Ok(None) };
    let (from, to) = (from.utc(), to.utc());
    let months = |moment: Moment| {
        let (year, month, _) = civil(moment.days);
        i128::from(year) * 12 + i128::from(month) - 1
    };
    let all = |moment: Moment| i128::from(moment.days) * i128::from(DAY) + i128::from(moment.ticks);
    Ok(Some(match part {
        "year" => months(to).div_euclid(12) - months(from).div_euclid(12),
        "quarter" => months(to).div_euclid(3) - months(from).div_euclid(3),
        "month" => months(to) - months(from),
        // Weeks begin on Sunday whatever DATEFIRST says.
        "week" => i128::from((to.days + 1).div_euclid(7) - (from.days + 1).div_euclid(7)),
        "nanosecond" => (all(to) - all(from)) * 100,
        part => {
            let ticks = ticks_of(part).unwrap_or(1);
            all(to).div_euclid(ticks) - all(from).div_euclid(ticks)
        }
    }))
}

fn between(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(count) = boundaries(env, values)? else { return Ok(Value::Null) };
    i32::try_from(count).map(Value::Int).map_err(|_| {
        let text = "The datediff function resulted in an overflow. The number of dateparts separating two date/time \
                    instances is too large. Try to use datediff with a less precise datepart.";
        failure::failure(535, 16, 0, text)
    })
}

fn between_big(env: &Env, values: &[Value]) -> Answer<Value> {
    let count = boundaries(env, values)?;
    Ok(count.and_then(|count| i64::try_from(count).ok()).map_or(Value::Null, Value::BigInt))
}

fn number_of(part: &str, moment: Moment, first: u8) -> i64 {
    let (year, month, date) = civil(moment.days);
    let new_year = day(year, 1, 1).unwrap_or(moment.days);
    let seconds = moment.ticks / SECOND;
    // A Monday is day 0; the session says which day a week begins with.
    let weekday = |days: i32| i64::from((days - i32::from(first) + 1).rem_euclid(7)) + 1;
    match part {
        "year" => i64::from(year),
        "quarter" => i64::from((month - 1) / 3 + 1),
        "month" => i64::from(month),
        "day" => i64::from(date),
        "dayofyear" => i64::from(moment.days - new_year + 1),
        "week" => (i64::from(moment.days - new_year) + weekday(new_year) - 1) / 7 + 1,
        "iso_week" => {
            let thursday = moment.days - moment.days.rem_euclid(7) + 3;
            let (year, _, _) = civil(thursday);
            i64::from((thursday - day(year, 1, 1).unwrap_or(thursday)) / 7 + 1)
        }
        "weekday" => weekday(moment.days),
        "hour" => (seconds / 3600) as i64,
        "minute" => (seconds / 60 % 60) as i64,
        "second" => (seconds % 60) as i64,
        "millisecond" => (moment.ticks % SECOND / 10_000) as i64,
        "microsecond" => (moment.ticks % SECOND / 10) as i64,
        _ => (moment.ticks % SECOND * 100) as i64,
    }
}

fn named_part(env: &Env, part: &str, value: &Value) -> Answer<Value> {
    let moment = moment(env, value)?;
    Ok(moment.map_or(Value::Null, |moment| Value::Int(number_of(part, moment, env.own.options.date_first) as i32)))
}

fn part(env: &Env, values: &[Value]) -> Answer<Value> {
    named_part(env, given_part(values, "datepart")?, &values[1])
}

fn part_name(env: &Env, values: &[Value]) -> Answer<Value> {
    let part = given_part(values, "datename")?;
    let Some(moment) = moment(env, &values[1])? else { return Ok(Value::Null) };
    let (_, month, _) = civil(moment.days);
    Ok(Value::Text(match part {
        "month" => month_name(month).to_owned(),
        "weekday" => weekday_name(moment.days).to_owned(),
        part => number_of(part, moment, env.own.options.date_first).to_string(),
    }))
}

fn end_of_month(env: &Env, values: &[Value]) -> Answer<Value> {
    let months = values.get(1).map_or(Ok(Some(0)), |months| integer(env, months))?.unwrap_or(0);
    let Some(moment) = moment(env, &values[0])?.and_then(|moment| moment.plus_months(months)) else {
        return Ok(Value::Null);
    };
    let (year, month, _) = civil(moment.days);
    Ok(day(year, month, days_of_month(year, month)).map_or(Value::Null, Value::Date))
}

fn cannot_construct(kind: &str) -> failure::Failure {
    let text = format!("Cannot construct data type {kind}, some of the arguments have values which are not valid.");
    failure::failure(289, 16, 1, text)
}

/// The numbers of the arguments; none if one is NULL.
fn numbers(env: &Env, values: &[Value]) -> Answer<Option<Vec<i64>>> {
    let numbers = values.iter().map(|value| integer(env, value)).collect::<Answer<Vec<_>>>()?;
    Ok(numbers.into_iter().collect())
}

fn day_of(numbers: &[i64]) -> Option<i32> {
    let (year, month, date) = (*numbers.first()?, *numbers.get(1)?, *numbers.get(2)?);
    day(i32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(date).ok()?)
}

fn from_parts(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(numbers) = numbers(env, values)? else { return Ok(Value::Null) };
    day_of(&numbers).map(Value::Date).ok_or_else(|| cannot_construct("date"))
}

fn datetime_from_parts(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(numbers) = numbers(env, values)? else { return Ok(Value::Null) };
    let limits = [24, 60, 60, 1000];
    let is_clock = numbers[3..].iter().zip(limits).all(|(number, limit)| (0..limit).contains(number));
    let ticks = ((numbers[3] * 60 + numbers[4]) * 60 + numbers[5]) * SECOND as i64 + numbers[6] * 10_000;
    let days = day_of(&numbers).filter(|_| is_clock);
    let moment = days.map(|days| Moment { days, ticks: ticks as u64, offset: None });
    moment.and_then(|moment| moment.as_kind(Type::DateTime)).ok_or_else(|| cannot_construct("datetime"))
}

fn is_date(env: &Env, values: &[Value]) -> Answer<Value> {
    let is = text(env, &values[0])?.is_some_and(|text| env.convert(Value::Text(text), Type::DateTime).is_ok());
    Ok(Value::Int(i32::from(is)))
}
