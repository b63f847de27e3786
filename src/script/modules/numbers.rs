//! Exact numbers, and maps that keep their order.

use rhai::plugin::*;
use rhai::{Array, Dynamic, NativeCallContext};
use rust_decimal::Decimal;

use crate::error::Error;
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;
use crate::script::values;

fn no_pairs() -> Error {
    Error::input("ordered.pairs", "expected a list of pairs")
        .hint("write ordered([[\"DATE\", \"DESC\"], [\"ID\", \"ASC\"]])")
}

fn pair(item: &Dynamic) -> Option<(ImmutableString, Dynamic)> {
    let pair = item.read_lock::<Array>()?;
    match pair.as_slice() {
        [name, value] => Some((name.clone().into_immutable_string().ok()?, value.clone())),
        _ => None,
    }
}

/// The exact number that a value is or, as a text, spells.
pub fn exact(value: &Dynamic) -> Option<Decimal> {
    match (value.as_int(), value.as_float()) {
        (Ok(n), _) => Some(Decimal::from(n)),
        (_, Ok(n)) => Decimal::try_from(n).ok(),
        _ => match value.read_lock::<ImmutableString>() {
            Some(text) => text.trim().parse().ok().or_else(|| Decimal::from_scientific(text.trim()).ok()),
            None => value.as_decimal().ok(),
        },
    }
}

#[export_module]
pub mod numbers {
    pub type Ordered = values::Ordered;

    /// An exact decimal number from a text such as `"19999.99"` (as portals send money), a whole number or a fraction.
    ///
    /// Decimals are added, compared (`==`, `<`, `>=`, …) and multiplied with decimals and whole numbers. `x.round(2)` rounds
    /// halves to the even digit, `round_half_up(2)`, `round_half_down(2)`, `round_up(2)` and `round_down(2)` as they say;
    /// `floor`, `ceiling` and `to_int()` leave no fraction, `to_float()` makes a number.
    ///
    /// ```rhai
    /// let vat = decimal("19999.99") * 20 / 120;
    /// assert_eq(vat.round_half_up(2), decimal("3333.33"));
    /// assert_eq(decimal("0.125").round(2), decimal("0.12"));
    /// assert_eq(decimal("0.125").round_half_up(2), decimal("0.13"));
    /// assert_eq(decimal("2.9").to_int(), 2);
    /// assert(decimal("0.3") > decimal("0.25"));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn decimal(call: NativeCallContext, value: Dynamic) -> Thrown<Decimal> {
        exact(&value).map_or_else(
            || {
                let shown = match value.is_string() {
                    true => format!("\"{value}\""),
                    false => convert::type_name(&value).to_owned(),
                };
                throw(
                    &call,
                    Error::input("decimal.none", format!("{shown} is not a decimal number"))
                        .hint("write the digits with a point: \"19999.99\""),
                )
            },
            Ok,
        )
    }

    /// A map that keeps its order, from a list of pairs: `ordered([["DATE", "DESC"], ["ID", "ASC"]])`. Maps written
    /// `#{…}` sort their names; where a server means something by the order, pass this instead.
    ///
    /// ```rhai
    /// let order = ordered([["DATE", "DESC"], ["ID", "ASC"]]);
    /// assert_eq(json::text(order), `{"DATE":"DESC","ID":"ASC"}`);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn ordered(call: NativeCallContext, pairs: Array) -> Thrown<Ordered> {
        let fields: Option<Vec<_>> = pairs.iter().map(pair).collect();
        fields.map(Ordered::new).ok_or(()).or_else(|()| throw(&call, no_pairs()))
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(map: &mut Ordered) -> String {
        convert::to_value(&Dynamic::from(map.clone())).map(|value| value.to_string()).unwrap_or_default()
    }
}
