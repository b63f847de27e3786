//! Lines for whoever looks after a script later: on standard error, apart from what it prints.

use std::fmt::Write;

use rhai::plugin::*;
use rhai::{Map, NativeCallContext};

use crate::render::tame;
use crate::script::bridge::{Thrown, host};
use crate::script::convert;

/// `2026-11-21T23:44:00.123+03:00 warn  text key=value`, always one line.
fn line(level: &str, text: &str, fields: &Map) -> String {
    let now = jiff::Zoned::now();
    let mut line = format!("{} {level:<5} {}", now.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z"), one_line(text));
    for (name, value) in fields {
        let shown = match value.is_map() || value.is_array() {
            true => convert::to_value(value).map_or_else(|_| value.to_string(), |value| value.to_string()),
            false => value.to_string(),
        };
        let plain =
            !shown.is_empty() && !shown.contains(|c: char| c.is_whitespace() || c.is_control() || "\"=".contains(c));
        // Writing into a string does not fail.
        let _ = if plain { write!(line, " {name}={shown}") } else { write!(line, " {name}={shown:?}") };
    }
    line
}

fn one_line(text: &str) -> String {
    tame(&text.replace('\r', "").replace('\n', "\\n")).into_owned()
}

fn write_line(call: &NativeCallContext<'_>, level: &str, text: &str, fields: &Map) -> Thrown<()> {
    // Work does not end because nobody reads its log.
    let _ = host(call).log.line(&line(level, text, fields));
    Ok(())
}

#[export_module]
pub mod log {
    /// Writes a line to standard error: something worth knowing happened.
    ///
    /// The line holds the time, the level and the text; secrets are masked.
    ///
    /// ```rhai
    /// log::info("export begins");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn info(call: NativeCallContext, text: &str) -> Thrown<()> {
        write_line(&call, "info", text, &Map::new())
    }

    /// The same with fields, which follow the text as `name=value`.
    ///
    /// ```rhai
    /// log::info("exported", #{deals: 1200, file: "deals.csv"});
    /// ```
    #[rhai_fn(name = "info", return_raw)]
    pub fn info_with(call: NativeCallContext, text: &str, fields: Map) -> Thrown<()> {
        write_line(&call, "info", text, &fields)
    }

    /// Writes a line to standard error: something is odd, and the script goes on.
    ///
    /// ```rhai
    /// log::warn("no phone, skipped");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn warn(call: NativeCallContext, text: &str) -> Thrown<()> {
        write_line(&call, "warn", text, &Map::new())
    }

    /// The same with fields, which follow the text as `name=value`.
    ///
    /// ```rhai
    /// log::warn("no phone, skipped", #{contact: 17});
    /// ```
    #[rhai_fn(name = "warn", return_raw)]
    pub fn warn_with(call: NativeCallContext, text: &str, fields: Map) -> Thrown<()> {
        write_line(&call, "warn", text, &fields)
    }

    /// Writes a line to standard error: something failed. The script goes on; `throw` ends it.
    ///
    /// ```rhai
    /// log::error("the portal refused the deal");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn error(call: NativeCallContext, text: &str) -> Thrown<()> {
        write_line(&call, "error", text, &Map::new())
    }

    /// The same with fields, which follow the text as `name=value`.
    ///
    /// ```rhai
    /// log::error("the portal refused the deal", #{deal: 7, code: "ACCESS_DENIED"});
    /// ```
    #[rhai_fn(name = "error", return_raw)]
    pub fn error_with(call: NativeCallContext, text: &str, fields: Map) -> Thrown<()> {
        write_line(&call, "error", text, &fields)
    }

    /// Writes a line to standard error, only with `--verbose`.
    ///
    /// ```rhai
    /// log::trace("page 3 of 20");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn trace(call: NativeCallContext, text: &str) -> Thrown<()> {
        trace_with(call, text, Map::new())
    }

    /// The same with fields, which follow the text as `name=value`.
    ///
    /// ```rhai
    /// log::trace("page", #{number: 3, rows: 50});
    /// ```
    #[rhai_fn(name = "trace", return_raw)]
    pub fn trace_with(call: NativeCallContext, text: &str, fields: Map) -> Thrown<()> {
        if !host(&call).verbose {
            return Ok(());
        }
        write_line(&call, "trace", text, &fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_its_fields_can_be_told_apart() {
        let mut fields = Map::new();
        fields.insert("deal".into(), 7_i64.into());
        fields.insert("name".into(), "Поставка \"А\"\nсрочно".into());
        let line = line("warn", "two\r\nlines", &fields);
        assert!(line.ends_with(r#" warn  two\nlines deal=7 name="Поставка \"А\"\nсрочно""#), "{line}");
    }
}
