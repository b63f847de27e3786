//! JSON texts.

use rhai::plugin::*;
use rhai::{Dynamic, NativeCallContext};

use crate::error::Error;
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;

#[export_module]
pub mod json {
    /// The value that a JSON text stands for.
    ///
    /// Objects become maps, `null` becomes `()`. No digit is lost: a number that neither an integer of 64 bits nor a
    /// fraction holds exactly becomes a text. Throws `json.broken` with the line and the column.
    ///
    /// ```rhai
    /// let deal = json::parse(`{"ID": 7, "OWNER": null, "BIG": 123456789012345678901234}`);
    /// assert_eq(deal.ID, 7);
    /// assert_eq(deal.OWNER, ());
    /// assert_eq(deal.BIG, "123456789012345678901234");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parse(call: NativeCallContext, text: &str) -> Thrown<Dynamic> {
        convert::from_json(text).or_else(|error| {
            let error = match text.trim_start().as_bytes().first() {
                None => Error::input("json.broken", "not JSON: the text is empty"),
                Some(b'<') => error.hint("the text begins with `<`: it is a page (HTML or XML), not JSON"),
                Some(_) => error,
            };
            throw(&call, error)
        })
    }

    /// A value as JSON text in one line.
    ///
    /// Takes everything that has a JSON form, `Rows` included; a decimal and a time become texts. Throws `json.no_form`
    /// with the path of the part that has none, such as a function.
    ///
    /// ```rhai
    /// assert_eq(json::text(#{ID: 7, TAGS: ["a", ()]}), `{"ID":7,"TAGS":["a",null]}`);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn text(call: NativeCallContext, value: Dynamic) -> Thrown<String> {
        convert::to_value(&value).map(|value| value.to_string()).or_else(|error| throw(&call, error))
    }

    /// A value as JSON text for people: indented, a line for each field.
    ///
    /// ```rhai
    /// assert_eq(json::pretty([1]), "[\n  1\n]");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pretty(call: NativeCallContext, value: Dynamic) -> Thrown<String> {
        convert::to_value(&value).map(|value| format!("{value:#}")).or_else(|error| throw(&call, error))
    }
}
