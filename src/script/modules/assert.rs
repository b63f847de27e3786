//! What scripts and their tests claim to be so.

use rhai::plugin::*;
use rhai::{Array, Dynamic, EvalAltResult, FnPtr, Map, NativeCallContext};

use crate::core::rows::{Row, Rows};
use crate::error::{Error, Kind};
use crate::script::bridge::{Thrown, throw};
use crate::script::modules::numbers::exact;
use crate::script::values::{Moment, Ordered};
use crate::script::{convert, report};
use crate::services;

/// Longer values are cut in a report; the first difference is named apart.
const LONGEST: usize = 400;

fn failed(message: impl Into<String>) -> Error {
    Error::new(Kind::Script, "assert.failed", message)
}

/// A value in the terms of lists and maps, so that rows compare with what they hold.
fn plain(value: &Dynamic) -> Dynamic {
    if let Some(rows) = value.read_lock::<Rows>() {
        return rows.iter().map(|row| convert::from_row(&row).into()).collect::<Array>().into();
    }
    if let Some(row) = value.read_lock::<Row>() {
        return convert::from_row(&row).into();
    }
    if let Some(ordered) = value.read_lock::<Ordered>() {
        return ordered
            .fields()
            .iter()
            .map(|(name, value)| (name.as_str().into(), value.clone()))
            .collect::<Map>()
            .into();
    }
    if let Ok(letter) = value.as_char() {
        return letter.to_string().into();
    }
    if let Some(held) = services::plain(value) {
        return plain(&held);
    }
    value.flatten_clone()
}

/// Where two values first differ, or nothing when they are equal.
fn difference(call: &NativeCallContext<'_>, found: &Dynamic, expected: &Dynamic, path: &str) -> Option<Difference> {
    let (found, expected) = (plain(found), plain(expected));
    let here = || Some(Difference { path: path.to_owned(), found: shown(&found), expected: shown(&expected) });
    if let (Some(left), Some(right)) = (found.read_lock::<Array>(), expected.read_lock::<Array>()) {
        let inner = left.iter().zip(right.iter()).enumerate();
        let inner = inner.into_iter().find_map(|(at, (l, r))| difference(call, l, r, &format!("{path}[{at}]")));
        return inner.or_else(|| {
            let (found, expected) = (format!("{} elements", left.len()), format!("{} elements", right.len()));
            (left.len() != right.len()).then(|| Difference { path: path.to_owned(), found, expected })
        });
    }
    if let (Some(left), Some(right)) = (found.read_lock::<Map>(), expected.read_lock::<Map>()) {
        let absent = || "no such field".to_owned();
        let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let inner = left.iter().find_map(|(name, value)| match right.get(name) {
            Some(other) => difference(call, value, other, &inside(name)),
            None => Some(Difference { path: inside(name), found: shown(value), expected: absent() }),
        });
        return inner.or_else(|| {
            let (name, value) = right.iter().find(|(name, _)| !left.contains_key(*name))?;
            Some(Difference { path: inside(name), found: absent(), expected: shown(value) })
        });
    }
    if is_number(&found) && is_number(&expected) {
        let equal = match (exact(&found), exact(&expected)) {
            (Some(left), Some(right)) => left == right,
            // Too large for a decimal, or no number at all.
            _ => found.as_float().ok() == expected.as_float().ok(),
        };
        return if equal { None } else { here() };
    }
    if let (Some(left), Some(right)) = (found.read_lock::<Moment>(), expected.read_lock::<Moment>()) {
        return if *left == *right { None } else { here() };
    }
    if found.is_unit() && expected.is_unit() {
        return None;
    }
    let equal = found.type_id() == expected.type_id()
        && call.call_native_fn::<bool>("==", (found.clone(), expected.clone())).unwrap_or(false);
    if equal { None } else { here() }
}

fn is_number(value: &Dynamic) -> bool {
    value.is_int() || value.is_float() || value.is_decimal()
}

struct Difference {
    path: String,
    found: String,
    expected: String,
}

/// A value such that a text can be told from a number.
fn shown(value: &Dynamic) -> String {
    let value = plain(value);
    if value.is_unit() {
        return "()".into();
    }
    if value.is_decimal() {
        return format!("decimal({value})");
    }
    if value.is_string() || value.is_map() || value.is_array() {
        let text = convert::to_value(&value).map_or_else(|_| format!("{value:?}"), |json| json.to_string());
        return match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
    }
    if value.is_int() || value.is_float() || value.is_bool() {
        return value.to_string();
    }
    format!("{} {value}", convert::type_name(&value))
}

#[export_module]
pub mod asserting {
    /// Ends the script with an error unless the condition is true.
    ///
    /// Throws `assert.failed`.
    ///
    /// ```rhai
    /// assert(2 + 2 == 4);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn assert(call: NativeCallContext, condition: bool) -> Thrown<()> {
        match condition {
            true => Ok(()),
            false => throw(&call, failed("what was asserted is not so")),
        }
    }

    /// Ends the script with this message unless the condition is true.
    ///
    /// Throws `assert.failed`.
    ///
    /// ```rhai
    /// let deals = [1, 2];
    /// assert(deals.len() < 100, "too many deals for one go");
    /// ```
    #[rhai_fn(name = "assert", return_raw)]
    pub fn assert_message(call: NativeCallContext, condition: bool, message: &str) -> Thrown<()> {
        match condition {
            true => Ok(()),
            false => throw(&call, failed(message)),
        }
    }

    /// Ends the script with an error that shows both values unless they are equal.
    ///
    /// Lists, maps, `Rows` and numbers of any form compare by what they hold. Throws `assert.failed`.
    ///
    /// ```rhai
    /// assert_eq([1, #{a: 2}], [1, #{a: 2.0}]);
    /// assert_eq(rows([#{ID: "7"}]), [#{ID: "7"}]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn assert_eq(call: NativeCallContext, found: Dynamic, expected: Dynamic) -> Thrown<()> {
        let Some(difference) = difference(&call, &found, &expected, "") else { return Ok(()) };
        let mut message = format!("not equal\n   found: {}\nexpected: {}", shown(&found), shown(&expected));
        if !difference.path.is_empty() {
            let Difference { path, found, expected } = difference;
            message.push_str(&format!("\nfirst at `{path}`: found {found}, expected {expected}"));
        }
        throw(&call, failed(message))
    }

    /// Calls `f()`, which must fail with the error `code`; gives the error as a map.
    ///
    /// The map has `error` (the code), `message`, `kind`, `hint`, `line` and what else the error tells. A thrown text
    /// has the code `script.thrown`. Throws `assert.failed` when `f()` succeeds or fails otherwise.
    ///
    /// ```rhai
    /// let err = assert_throws(|| json::parse("{"), "json.broken");
    /// assert(err.message.contains("line 1"));
    /// assert_throws(|| 1 / 0, "script.arithmetic");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn assert_throws(call: NativeCallContext, f: FnPtr, code: &str) -> Thrown<Map> {
        let error = match f.call_within_context::<Dynamic>(&call, ()) {
            Ok(value) => {
                let message =
                    format!("expected the error `{code}`, but nothing was thrown; the result is {}", shown(&value));
                return throw(&call, failed(message));
            }
            Err(error) => error,
        };
        // Stopping and `exit` are nobody's mistake.
        if matches!(error.unwrap_inner(), EvalAltResult::ErrorTerminated(..) | EvalAltResult::Exit(..)) {
            return Err(error);
        }
        let map = report::thrown_map(&error);
        match map.get("error").is_some_and(|found| found.is_string() && *found.to_string() == *code) {
            true => Ok(map),
            false => {
                let field = |name: &str| map.get(name).map(ToString::to_string).unwrap_or_default();
                let message = format!("expected the error `{code}`, found `{}`: {}", field("error"), field("message"));
                throw(&call, failed(message))
            }
        }
    }
}
