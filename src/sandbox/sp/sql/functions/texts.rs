//! Functions of texts.

use super::{Function, MANY, integer, like_first, long_text_kind, text, text_kind};
use crate::sandbox::sp::sql::convert::{as_float, sized};
use crate::sandbox::sp::sql::eval::Env;
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::out::Said;
use crate::sandbox::sp::sql::raise::formatted;
use crate::sandbox::sp::sql::value::{Type, Value};

/// The longest text that is not `max`.
const SHORT: usize = 8000;

/// The most characters that a text may have here.
const LONGEST: usize = 16 << 20;

pub const FUNCTIONS: &[Function] = &[
    Function { name: "LEN", arguments: (1, 1), kind: |_| Type::Int, run: length },
    Function { name: "DATALENGTH", arguments: (1, 1), kind: |_| Type::Int, run: bytes },
    Function { name: "LEFT", arguments: (2, 2), kind: text_kind, run: left },
    Function { name: "RIGHT", arguments: (2, 2), kind: text_kind, run: right },
    Function { name: "SUBSTRING", arguments: (3, 3), kind: part_kind, run: part },
    Function { name: "REPLACE", arguments: (3, 3), kind: long_text_kind, run: replace },
    Function { name: "REPLICATE", arguments: (2, 2), kind: long_text_kind, run: replicate },
    Function { name: "SPACE", arguments: (1, 1), kind: |_| Type::VarChar(Some(8000)), run: space },
    Function { name: "STUFF", arguments: (4, 4), kind: long_text_kind, run: stuff },
    Function { name: "REVERSE", arguments: (1, 1), kind: text_kind, run: reverse },
    Function { name: "UPPER", arguments: (1, 1), kind: text_kind, run: upper },
    Function { name: "LOWER", arguments: (1, 1), kind: text_kind, run: lower },
    Function { name: "LTRIM", arguments: (1, 1), kind: text_kind, run: trim_left },
    Function { name: "RTRIM", arguments: (1, 1), kind: text_kind, run: trim_right },
    Function { name: "TRIM", arguments: (1, 1), kind: text_kind, run: trim },
    Function { name: "CHARINDEX", arguments: (2, 3), kind: |_| Type::Int, run: index },
    Function { name: "PATINDEX", arguments: (2, 2), kind: |_| Type::Int, run: pattern_index },
    Function { name: "CONCAT", arguments: (2, MANY), kind: concat_kind, run: concat },
    Function { name: "CONCAT_WS", arguments: (3, MANY), kind: concat_kind, run: concat_with },
    Function { name: "STR", arguments: (1, 3), kind: |_| Type::VarChar(Some(8000)), run: number_text },
    Function { name: "ASCII", arguments: (1, 1), kind: |_| Type::Int, run: ascii },
    Function { name: "UNICODE", arguments: (1, 1), kind: |_| Type::Int, run: unicode },
    Function { name: "CHAR", arguments: (1, 1), kind: |_| Type::Char(1), run: character },
    Function { name: "NCHAR", arguments: (1, 1), kind: |_| Type::NChar(1), run: unicode_character },
    Function { name: "QUOTENAME", arguments: (1, 2), kind: |_| Type::NVarChar(Some(258)), run: quoted },
    Function { name: "FORMATMESSAGE", arguments: (1, MANY), kind: |_| Type::NVarChar(Some(2048)), run: message },
];

/// Does something to a text; NULL stays NULL.
fn changed(env: &Env, values: &[Value], change: impl FnOnce(&str) -> String) -> Answer<Value> {
    Ok(text(env, &values[0])?.map_or(Value::Null, |text| like_first(values, change(&text))))
}

fn length(env: &Env, values: &[Value]) -> Answer<Value> {
    if let Value::Binary(bytes) = &values[0] {
        return Ok(Value::Int(bytes.len() as i32));
    }
    Ok(text(env, &values[0])?
        .map_or(Value::Null, |text| Value::Int(text.trim_end_matches(' ').encode_utf16().count() as i32)))
}

fn bytes(_: &Env, values: &[Value]) -> Answer<Value> {
    let length = match &values[0] {
        Value::Null => return Ok(Value::Null),
        Value::Text(text) | Value::Xml(text) => text.encode_utf16().count() * 2,
        Value::Char(text) => text.chars().count(),
        Value::Binary(bytes) => bytes.len(),
        other => other.kind().bytes().max(0) as usize,
    };
    Ok(Value::Int(length as i32))
}

/// The characters from one place to another.
fn characters(text: &str, from: usize, count: usize) -> String {
    text.chars().skip(from).take(count).collect()
}

fn negative_length(function: &str) -> failure::Failure {
    failure::failure(537, 16, 3, format!("Invalid length parameter passed to the {function} function."))
}

fn left(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(count) = integer(env, &values[1])? else { return Ok(Value::Null) };
    let count = usize::try_from(count).map_err(|_| negative_length("LEFT or SUBSTRING"))?;
    changed(env, values, |text| characters(text, 0, count))
}

fn right(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(count) = integer(env, &values[1])? else { return Ok(Value::Null) };
    let count = usize::try_from(count).map_err(|_| negative_length("RIGHT"))?;
    changed(env, values, |text| {
        let all = text.chars().count();
        characters(text, all.saturating_sub(count), all)
    })
}

fn part_kind(kinds: &[Type]) -> Type {
    match kinds.first() {
        Some(Type::VarBinary(length)) => Type::VarBinary(*length),
        Some(Type::Binary(length)) => Type::VarBinary(Some(*length)),
        _ => text_kind(kinds),
    }
}

fn part(env: &Env, values: &[Value]) -> Answer<Value> {
    let (Some(from), Some(count)) = (integer(env, &values[1])?, integer(env, &values[2])?) else {
        return Ok(Value::Null);
    };
    if count < 0 {
        return Err(negative_length("LEFT or SUBSTRING"));
    }
    // What lies before the first character counts.
    let end = from.saturating_add(count).max(1) as usize;
    let from = from.max(1) as usize;
    let count = end.saturating_sub(from);
    if let Value::Binary(bytes) = &values[0] {
        return Ok(Value::Binary(bytes.iter().copied().skip(from - 1).take(count).collect()));
    }
    changed(env, values, |text| characters(text, from - 1, count))
}

fn folded(text: &str) -> Vec<char> {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

/// Where a text stands in another one, from 0; case does not count.
fn position(needle: &[char], hay: &[char], from: usize) -> Option<usize> {
    let last = hay.len().checked_sub(needle.len())?;
    (from..=last).find(|at| hay[*at..].starts_with(needle))
}

fn replace(env: &Env, values: &[Value]) -> Answer<Value> {
    let (hay, needle, with) = (text(env, &values[0])?, text(env, &values[1])?, text(env, &values[2])?);
    let (Some(hay), Some(needle), Some(with)) = (hay, needle, with) else { return Ok(Value::Null) };
    if needle.is_empty() {
        return Ok(like_first(values, hay));
    }
    let (letters, small, needle) = (hay.chars().collect::<Vec<_>>(), folded(&hay), folded(&needle));
    let (mut result, mut at) = (String::new(), 0);
    while let Some(found) = position(&needle, &small, at) {
        result.extend(&letters[at..found]);
        result.push_str(&with);
        at = found + needle.len();
        if result.len() > LONGEST {
            return Err(failure::no_memory());
        }
    }
    result.extend(&letters[at..]);
    Ok(like_first(values, result))
}

fn replicate(env: &Env, values: &[Value]) -> Answer<Value> {
    let (Some(piece), Some(times)) = (text(env, &values[0])?, integer(env, &values[1])?) else {
        return Ok(Value::Null);
    };
    let Ok(times) = usize::try_from(times) else { return Ok(Value::Null) };
    let is_max = piece.chars().count() > SHORT;
    let most = match (is_max, &values[0]) {
        (true, _) => LONGEST,
        (false, Value::Text(_)) => SHORT / 2,
        (false, _) => SHORT,
    };
    let count = piece.chars().count().max(1);
    if is_max && times.saturating_mul(count) > LONGEST {
        return Err(failure::no_memory());
    }
    let text: String = piece.chars().cycle().take(times.saturating_mul(count).min(most)).collect();
    Ok(like_first(values, if piece.is_empty() { String::new() } else { text }))
}

fn space(env: &Env, values: &[Value]) -> Answer<Value> {
    let count = integer(env, &values[0])?.and_then(|count| usize::try_from(count).ok());
    Ok(count.map_or(Value::Null, |count| Value::Char(" ".repeat(count.min(SHORT)))))
}

fn stuff(env: &Env, values: &[Value]) -> Answer<Value> {
    let (Some(from), Some(count)) = (integer(env, &values[1])?, integer(env, &values[2])?) else {
        return Ok(Value::Null);
    };
    let with = text(env, &values[3])?.unwrap_or_default();
    let Some(whole) = text(env, &values[0])? else { return Ok(Value::Null) };
    let letters: Vec<char> = whole.chars().collect();
    let is_inside = from >= 1 && from as usize <= letters.len() && count >= 0;
    if !is_inside {
        return Ok(Value::Null);
    }
    let from = from as usize - 1;
    let end = from.saturating_add(count as usize).min(letters.len());
    let parts = letters[..from].iter().copied().chain(with.chars()).chain(letters[end..].iter().copied());
    Ok(like_first(values, parts.collect()))
}

fn reverse(env: &Env, values: &[Value]) -> Answer<Value> {
    changed(env, values, |text| text.chars().rev().collect())
}

fn upper(env: &Env, values: &[Value]) -> Answer<Value> {
    changed(env, values, str::to_uppercase)
}

fn lower(env: &Env, values: &[Value]) -> Answer<Value> {
    changed(env, values, str::to_lowercase)
}

fn trim_left(env: &Env, values: &[Value]) -> Answer<Value> {
    changed(env, values, |text| text.trim_start_matches(' ').to_owned())
}

fn trim_right(env: &Env, values: &[Value]) -> Answer<Value> {
    changed(env, values, |text| text.trim_end_matches(' ').to_owned())
}

fn trim(env: &Env, values: &[Value]) -> Answer<Value> {
    changed(env, values, |text| text.trim_matches(' ').to_owned())
}

fn index(env: &Env, values: &[Value]) -> Answer<Value> {
    let (Some(needle), Some(hay)) = (text(env, &values[0])?, text(env, &values[1])?) else { return Ok(Value::Null) };
    let from = values.get(2).map_or(Ok(Some(1)), |from| integer(env, from))?.unwrap_or(1).max(1) as usize;
    let found = match needle.is_empty() {
        true => None,
        false => position(&folded(&needle), &folded(&hay), from - 1),
    };
    Ok(Value::Int(found.map_or(0, |at| at as i32 + 1)))
}

fn pattern_index(env: &Env, values: &[Value]) -> Answer<Value> {
    let (Some(pattern), Some(hay)) = (text(env, &values[0])?, text(env, &values[1])?) else { return Ok(Value::Null) };
    let rest = pattern.strip_prefix('%').unwrap_or(&pattern);
    let starts: Vec<usize> = hay.char_indices().map(|(at, _)| at).take(SHORT).collect();
    let starts = if pattern.starts_with('%') { &starts[..] } else { &starts[..starts.len().min(1)] };
    let found = starts.iter().position(|at| crate::sandbox::sp::sql::compare::like(&hay[*at..], rest, None));
    Ok(Value::Int(found.map_or(0, |at| at as i32 + 1)))
}

fn concat_kind(kinds: &[Type]) -> Type {
    let is_unicode = kinds.iter().any(|kind| kind.is_unicode());
    let most = if is_unicode { 4000 } else { 8000 };
    let length = kinds.iter().try_fold(0u32, |all, kind| match kind {
        Type::NVarChar(None) | Type::VarChar(None) | Type::NText | Type::Text => None,
        kind => Some(all + kind.length().map_or(40, u32::from)),
    });
    let length = length.map(|length| length.clamp(1, most) as u16);
    if is_unicode { Type::NVarChar(length) } else { Type::VarChar(length) }
}

fn joined(env: &Env, values: &[Value], between: &str) -> Answer<Value> {
    let mut parts = Vec::new();
    for value in values {
        match text(env, value)? {
            Some(text) => parts.push(text),
            None if between.is_empty() => {}
            None => {}
        }
    }
    let is_unicode = values.iter().any(|value| matches!(value, Value::Text(_)));
    if parts.iter().map(String::len).sum::<usize>() > LONGEST {
        return Err(failure::no_memory());
    }
    let text = parts.join(between);
    Ok(if is_unicode { Value::Text(text) } else { Value::Char(text) })
}

fn concat(env: &Env, values: &[Value]) -> Answer<Value> {
    joined(env, values, "")
}

fn concat_with(env: &Env, values: &[Value]) -> Answer<Value> {
    let between = text(env, &values[0])?.unwrap_or_default();
    joined(env, &values[1..], &between)
}

fn number_text(env: &Env, values: &[Value]) -> Answer<Value> {
    let number = env.convert(values[0].clone(), Type::Float)?;
    let Some(number) = as_float(&number) else { return Ok(Value::Null) };
    let argument = |at: usize, usual: i64| values.get(at).map_or(Ok(Some(usual)), |value| integer(env, value));
    let (Some(width), Some(places)) = (argument(1, 10)?, argument(2, 0)?) else { return Ok(Value::Null) };
    let (width, places) = (width.clamp(0, SHORT as i64) as usize, places.clamp(0, 16) as usize);
    let text = format!("{number:.places$}");
    let whole = text.split('.').next().unwrap_or_default().len();
    if whole > width {
        return Ok(Value::Char("*".repeat(width)));
    }
    let text = if text.len() > width {
        let places = width.saturating_sub(whole + 1);
        format!("{number:.places$}")
    } else {
        text
    };
    Ok(Value::Char(format!("{text:>width$}")))
}

fn ascii(env: &Env, values: &[Value]) -> Answer<Value> {
    let first = text(env, &values[0])?.and_then(|text| text.chars().next());
    Ok(first.map_or(Value::Null, |c| Value::Int(i32::from(crate::sandbox::sp::codepage::byte(c)))))
}

fn unicode(env: &Env, values: &[Value]) -> Answer<Value> {
    let first = text(env, &values[0])?.and_then(|text| text.encode_utf16().next());
    Ok(first.map_or(Value::Null, |unit| Value::Int(i32::from(unit))))
}

fn character(env: &Env, values: &[Value]) -> Answer<Value> {
    let byte = integer(env, &values[0])?.and_then(|number| u8::try_from(number).ok());
    let decoded = |byte: u8| crate::sandbox::sp::codepage::decoded(&[byte], crate::sandbox::sp::codepage::COLLATION);
    Ok(byte.map_or(Value::Null, |byte| Value::Char(decoded(byte))))
}

fn unicode_character(env: &Env, values: &[Value]) -> Answer<Value> {
    let c = integer(env, &values[0])?.and_then(|number| u32::try_from(number).ok()).and_then(char::from_u32);
    Ok(c.map_or(Value::Null, |c| Value::Text(c.to_string())))
}

fn quoted(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(name) = text(env, &values[0])? else { return Ok(Value::Null) };
    let sign = values.get(1).map_or(Ok(Some("[".to_owned())), |sign| text(env, sign))?.unwrap_or_default();
    let (open, close) = match sign.chars().next() {
        Some('\'') => ('\'', '\''),
        Some('"') => ('"', '"'),
        Some('(' | ')') => ('(', ')'),
        Some('{' | '}') => ('{', '}'),
        Some('[' | ']') => ('[', ']'),
        _ => return Ok(Value::Null),
    };
    let doubled = name.replace(close, &format!("{close}{close}"));
    Ok(if name.chars().count() > 128 { Value::Null } else { Value::Text(format!("{open}{doubled}{close}")) })
}

fn message(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(pattern) = text(env, &values[0])? else { return Ok(Value::Null) };
    let text = formatted(&pattern, &values[1..])?;
    Ok(Value::Text(sized(text, Type::NVarChar(Some(2048)))))
}

/// What ERROR_NUMBER and its like tell of an error that was caught.
pub fn of_caught<T>(env: &Env, tell: impl FnOnce(&Said) -> T) -> Option<T> {
    let caught = env.own.frames.iter().rev().find_map(|frame| frame.catches.last());
    caught.map(|caught| tell(&caught.said))
}
