//! `Rows`: what scripts can do with many rows, without copying them.

use rhai::plugin::*;
use rhai::{Array, Dynamic, FnPtr, Map, NativeCallContext};

use crate::core::order::compare;
use crate::core::rows::{self as held, Builder, Field};
use crate::error::{Error, Kind};
use crate::render::export::text;
use crate::render::table;
use crate::script::bridge::{Thrown, host, throw};
use crate::script::convert;
use crate::script::rows::keys::{groups, keys, known_column, total, valued};

/// So many rows are shown when nobody said how many.
const SHOWN: i64 = 20;

/// The rows for which `f(row)` is true.
fn kept(call: &NativeCallContext<'_>, rows: &held::Rows, f: &FnPtr) -> Thrown<held::Rows> {
    let mut kept = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        if f.call_within_context::<bool>(call, (row,))? {
            kept.push(at);
        }
    }
    Ok(rows.pick(kept))
}

fn no_row(at: i64, len: usize) -> Error {
    let error = |message: String| Error::input("rows.no_row", message);
    match len {
        0 => error(format!("there is no row {at}: there are no rows at all")).hint("first() gives () then"),
        len => error(format!("there is no row {at}: there are {len}"))
            .hint(format!("the first is 0, the last is {} or -1", len - 1)),
    }
}

fn sorted(call: &NativeCallContext<'_>, rows: &held::Rows, by: &Dynamic, descending: bool) -> Thrown<held::Rows> {
    let keys = keys(call, rows, by)?;
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| {
        let ordering = compare(&keys[a], &keys[b]);
        if descending { ordering.reverse() } else { ordering }
    });
    Ok(rows.pick(order))
}

fn built(call: &NativeCallContext<'_>, items: &[Dynamic], columns: Option<&[String]>) -> Thrown<held::Rows> {
    let mut builder = Builder::new();
    for item in items {
        convert::push_row(&mut builder, item, columns).or_else(|error| throw(call, error))?;
    }
    Ok(builder.finish().into())
}

fn names(call: &NativeCallContext<'_>, columns: &Array) -> Thrown<Vec<String>> {
    let name = |column: &Dynamic| match column.read_lock::<ImmutableString>() {
        Some(name) => Ok(name.to_string()),
        None => throw(call, Error::input("rows.columns", "column names are texts")),
    };
    columns.iter().map(name).collect()
}

#[export_module]
pub mod rows {
    pub type Rows = held::Rows;
    pub type Row = held::Row;

    /// Rows made of a list of maps. Columns stand in the order of the alphabet, because maps have no order.
    ///
    /// ```rhai
    /// let deals = rows([#{TITLE: "A", ID: 1}]);
    /// assert_eq(deals.columns(), ["ID", "TITLE"]);
    /// assert_eq(deals[0].TITLE, "A");
    /// ```
    #[rhai_fn(name = "rows", return_raw)]
    pub fn rows_of(call: NativeCallContext, items: Array) -> Thrown<Rows> {
        built(&call, &items, None)
    }

    /// Rows made of a list of maps, with these columns in this order.
    #[rhai_fn(name = "rows", return_raw)]
    pub fn rows_with(call: NativeCallContext, items: Array, columns: Array) -> Thrown<Rows> {
        let columns = names(&call, &columns)?;
        built(&call, &items, Some(&columns))
    }

    /// The number of rows.
    #[rhai_fn(name = "len", get = "len", pure)]
    pub fn len(rows: &mut Rows) -> i64 {
        rows.len() as i64
    }

    /// Whether there are no rows.
    #[rhai_fn(pure)]
    pub fn is_empty(rows: &mut Rows) -> bool {
        rows.is_empty()
    }

    /// The names of the columns, in the server's order.
    #[rhai_fn(name = "columns", get = "columns", pure)]
    pub fn columns(rows: &mut Rows) -> Array {
        rows.columns().iter().map(|name| name.to_string().into()).collect()
    }

    /// The row at this place; the first is 0, the last is -1.
    #[rhai_fn(index_get, return_raw, pure)]
    pub fn index(call: NativeCallContext, rows: &mut Rows, at: i64) -> Thrown<Row> {
        let place = if at < 0 { at + rows.len() as i64 } else { at };
        match usize::try_from(place).ok().and_then(|place| rows.get(place)) {
            Some(row) => Ok(row),
            None => throw(&call, no_row(at, rows.len())),
        }
    }

    /// The first row, or `()` when there is none.
    #[rhai_fn(pure)]
    pub fn first(rows: &mut Rows) -> Dynamic {
        rows.get(0).map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// The last row, or `()` when there is none.
    #[rhai_fn(pure)]
    pub fn last(rows: &mut Rows) -> Dynamic {
        rows.len().checked_sub(1).and_then(|at| rows.get(at)).map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// The first `n` rows.
    #[rhai_fn(pure)]
    pub fn take(rows: &mut Rows, n: i64) -> Rows {
        rows.pick(0..rows.len().min(n.max(0) as usize))
    }

    /// All but the first `n` rows.
    #[rhai_fn(pure)]
    pub fn skip(rows: &mut Rows, n: i64) -> Rows {
        rows.pick(rows.len().min(n.max(0) as usize)..rows.len())
    }

    /// A list of Rows of at most `n` rows each, for work in portions.
    ///
    /// ```rhai
    /// let all = rows([#{ID: 1}, #{ID: 2}, #{ID: 3}]);
    /// assert_eq(all.chunks(2).map(|part| part.column("ID")), [[1, 2], [3]]);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn chunks(call: NativeCallContext, rows: &mut Rows, n: i64) -> Thrown<Array> {
        match usize::try_from(n) {
            Ok(n @ 1..) => {
                Ok((0..rows.len()).step_by(n).map(|at| Dynamic::from(rows.pick(at..rows.len().min(at + n)))).collect())
            }
            _ => throw(&call, Error::input("rows.chunks", format!("portions of {n} rows are not possible"))),
        }
    }

    /// The rows for which `f(row)` is true.
    ///
    /// ```rhai
    /// let deals = rows([#{ID: "1", STAGE_ID: "WON"}, #{ID: "2", STAGE_ID: "NEW"}]);
    /// assert_eq(deals.filter(|deal| deal.STAGE_ID == "WON").column("ID"), ["1"]);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn filter(call: NativeCallContext, rows: &mut Rows, f: FnPtr) -> Thrown<Rows> {
        let rows = rows.clone();
        kept(&call, &rows, &f)
    }

    /// The first row for which `f(row)` is true, or `()`.
    #[rhai_fn(return_raw, pure)]
    pub fn find(call: NativeCallContext, rows: &mut Rows, f: FnPtr) -> Thrown<Dynamic> {
        for row in rows.clone() {
            if f.call_within_context::<bool>(&call, (row.clone(),))? {
                return Ok(Dynamic::from(row));
            }
        }
        Ok(Dynamic::UNIT)
    }

    /// Whether `f(row)` is true for at least one row.
    #[rhai_fn(return_raw, pure)]
    pub fn any(call: NativeCallContext, rows: &mut Rows, f: FnPtr) -> Thrown<bool> {
        for row in rows.clone() {
            if f.call_within_context::<bool>(&call, (row,))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether `f(row)` is true for every row.
    #[rhai_fn(return_raw, pure)]
    pub fn all(call: NativeCallContext, rows: &mut Rows, f: FnPtr) -> Thrown<bool> {
        for row in rows.clone() {
            if !f.call_within_context::<bool>(&call, (row,))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A list of what `f(row)` gives for each row.
    #[rhai_fn(return_raw, pure)]
    pub fn map(call: NativeCallContext, rows: &mut Rows, f: FnPtr) -> Thrown<Array> {
        rows.clone().into_iter().map(|row| f.call_within_context::<Dynamic>(&call, (row,))).collect()
    }

    /// Calls `f(row)` for each row.
    #[rhai_fn(return_raw, pure)]
    pub fn each(call: NativeCallContext, rows: &mut Rows, f: FnPtr) -> Thrown<()> {
        rows.clone().into_iter().try_for_each(|row| f.call_within_context::<Dynamic>(&call, (row,)).map(drop))
    }

    /// One value made of all rows: `f(sum, row)` is called for each row with what it gave for the row before, the first
    /// time with `first`.
    ///
    /// ```rhai
    /// let deals = rows([#{PRICE: 2}, #{PRICE: 5}]);
    /// assert_eq(deals.reduce(|sum, deal| sum + deal.PRICE, 0), 7);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn reduce(call: NativeCallContext, rows: &mut Rows, f: FnPtr, first: Dynamic) -> Thrown<Dynamic> {
        rows.clone().into_iter().try_fold(first, |sum, row| f.call_within_context::<Dynamic>(&call, (sum, row)))
    }

    /// The rows in rising order of a column, or of what a function says of a row. Numbers sort as numbers, even when
    /// the server sends them as texts; equal rows keep their order.
    ///
    /// ```rhai
    /// let deals = rows([#{ID: "10"}, #{ID: "9"}]);
    /// assert_eq(deals.sort_by("ID").column("ID"), ["9", "10"]);
    /// assert_eq(deals.sort_by(|deal| deal.ID, "desc").column("ID"), ["10", "9"]);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn sort_by(call: NativeCallContext, rows: &mut Rows, by: Dynamic) -> Thrown<Rows> {
        let rows = rows.clone();
        sorted(&call, &rows, &by, false)
    }

    /// The same in the order `"asc"` or `"desc"`.
    #[rhai_fn(name = "sort_by", return_raw, pure)]
    pub fn sort_by_order(call: NativeCallContext, rows: &mut Rows, by: Dynamic, order: &str) -> Thrown<Rows> {
        let rows = rows.clone();
        match order.to_ascii_lowercase().as_str() {
            "asc" => sorted(&call, &rows, &by, false),
            "desc" => sorted(&call, &rows, &by, true),
            _ => throw(
                &call,
                Error::input("rows.order", format!("`{order}` is not an order")).hint("write \"asc\" or \"desc\""),
            ),
        }
    }

    /// The rows in the opposite order.
    #[rhai_fn(pure)]
    pub fn reverse(rows: &mut Rows) -> Rows {
        rows.pick((0..rows.len()).rev())
    }

    /// A map from each value of a column (or of a function of the row) to the rows that have it. Keys are texts:
    /// `groups["7"]`.
    ///
    /// ```rhai
    /// let deals = rows([#{ID: "1", OWNER_ID: 7}, #{ID: "2", OWNER_ID: 7}]);
    /// assert_eq(deals.group_by("OWNER_ID")["7"].len(), 2);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn group_by(call: NativeCallContext, rows: &mut Rows, by: Dynamic) -> Thrown<Map> {
        let rows = rows.clone();
        let groups = groups(&call, &rows, &by)?;
        Ok(groups.into_iter().map(|(name, places)| (name.into(), Dynamic::from(rows.pick(places)))).collect())
    }

    /// How many rows have each value of a column (or of a function of the row): rows `value`, `count`, the most
    /// frequent first.
    ///
    /// ```rhai
    /// let deals = rows([#{STAGE_ID: "NEW"}, #{STAGE_ID: "WON"}, #{STAGE_ID: "WON"}]);
    /// let stages = deals.count_by("STAGE_ID");
    /// assert_eq(stages[0].value, "WON");
    /// assert_eq(stages[0].count, 2);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn count_by(call: NativeCallContext, rows: &mut Rows, by: Dynamic) -> Thrown<Rows> {
        let rows = rows.clone();
        let mut groups = groups(&call, &rows, &by)?;
        groups.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
        let mut builder = Builder::new();
        for (name, places) in groups {
            builder.name("value");
            let pushed = builder.push(Field::Text(&name));
            builder.name("count");
            let pushed = pushed.and_then(|()| builder.push(Field::Integer(places.len() as i64)));
            pushed.or_else(|_| throw(&call, crate::core::json::too_large()))?;
            builder.end_row();
        }
        Ok(builder.finish().into())
    }

    /// One row for each value of a column (or of a function of the row): the first that has it.
    ///
    /// ```rhai
    /// let deals = rows([#{ID: 1, OWNER_ID: 7}, #{ID: 2, OWNER_ID: 7}, #{ID: 3, OWNER_ID: 8}]);
    /// assert_eq(deals.distinct("OWNER_ID").column("ID"), [1, 3]);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn distinct(call: NativeCallContext, rows: &mut Rows, by: Dynamic) -> Thrown<Rows> {
        let rows = rows.clone();
        let groups = groups(&call, &rows, &by)?;
        Ok(rows.pick(groups.into_iter().map(|(_, places)| places[0])))
    }

    /// A map from each value of a column (or of a function of the row) to the last row that has it. Keys are texts:
    /// `found["7"]`.
    ///
    /// ```rhai
    /// let deals = rows([#{ID: "1", TITLE: "A"}, #{ID: "2", TITLE: "B"}]);
    /// assert_eq(deals.index_by("ID")["2"].TITLE, "B");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn index_by(call: NativeCallContext, rows: &mut Rows, by: Dynamic) -> Thrown<Map> {
        let rows = rows.clone();
        let groups = groups(&call, &rows, &by)?;
        let last = |places: &[usize]| places.last().and_then(|&at| rows.get(at)).map_or(Dynamic::UNIT, Dynamic::from);
        Ok(groups.into_iter().map(|(name, places)| (name.into(), last(&places))).collect())
    }

    /// The exact sum of a column (or of a function of the row). Texts count as the numbers they are, nothing and empty
    /// texts as zero; with fractions the result is a decimal.
    ///
    /// ```rhai
    /// let deals = rows([#{PRICE: "10.50"}, #{PRICE: "0.25"}, #{PRICE: ""}]);
    /// assert_eq(deals.sum("PRICE"), decimal("10.75"));
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn sum(call: NativeCallContext, rows: &mut Rows, by: Dynamic) -> Thrown<Dynamic> {
        let rows = rows.clone();
        total(&call, &rows, &by)
    }

    /// The row with the smallest value of a column (or of a function of the row), or `()`.
    #[rhai_fn(return_raw, pure)]
    pub fn min_by(call: NativeCallContext, rows: &mut Rows, by: Dynamic) -> Thrown<Dynamic> {
        let rows = rows.clone();
        let keys = keys(&call, &rows, &by)?;
        let least = valued(&keys).min_by(|&a, &b| compare(&keys[a], &keys[b]));
        Ok(least.and_then(|at| rows.get(at)).map_or(Dynamic::UNIT, Dynamic::from))
    }

    /// The row with the largest value of a column (or of a function of the row), or `()`.
    #[rhai_fn(return_raw, pure)]
    pub fn max_by(call: NativeCallContext, rows: &mut Rows, by: Dynamic) -> Thrown<Dynamic> {
        let rows = rows.clone();
        let keys = keys(&call, &rows, &by)?;
        let most = valued(&keys).max_by(|&a, &b| compare(&keys[a], &keys[b]));
        Ok(most.and_then(|at| rows.get(at)).map_or(Dynamic::UNIT, Dynamic::from))
    }

    /// The values of one column as a list; `()` where a row has no such field.
    #[rhai_fn(return_raw, pure)]
    pub fn column(call: NativeCallContext, rows: &mut Rows, name: &str) -> Thrown<Array> {
        let rows = rows.clone();
        known_column(&call, &rows, name)?;
        Ok(rows.iter().map(|row| row.get(name).map_or(Dynamic::UNIT, convert::from_field)).collect())
    }

    /// The same rows with only these columns, in this order.
    #[rhai_fn(return_raw, pure)]
    pub fn select(call: NativeCallContext, rows: &mut Rows, columns: Array) -> Thrown<Rows> {
        let rows = rows.clone();
        let columns = names(&call, &columns)?;
        let mut builder = Builder::new();
        for name in &columns {
            known_column(&call, &rows, name)?;
        }
        for row in rows.iter() {
            for name in &columns {
                builder.name(name);
                let pushed = builder.push(row.get(name).unwrap_or(Field::Null));
                pushed.or_else(|_| throw(&call, crate::core::json::too_large()))?;
            }
            builder.end_row();
        }
        Ok(builder.finish().into())
    }

    /// These rows, then those.
    #[rhai_fn(name = "+", pure)]
    pub fn and(rows: &mut Rows, more: Rows) -> Rows {
        rows.and(&more)
    }

    /// A list of maps: a copy, which takes memory.
    #[rhai_fn(pure)]
    pub fn to_array(rows: &mut Rows) -> Array {
        rows.iter().map(|row| convert::from_row(&row).into()).collect()
    }

    /// The rows as JSON text.
    #[rhai_fn(return_raw, pure)]
    pub fn to_json(call: NativeCallContext, rows: &mut Rows) -> Thrown<String> {
        let mut bytes = Vec::new();
        let written = text::json(&mut bytes, rows);
        match written.map(|()| String::from_utf8(bytes)) {
            Ok(Ok(text)) => Ok(text),
            _ => throw(&call, Error::new(Kind::Protocol, "json.broken", "a field is not JSON")),
        }
    }

    /// Prints the first 20 rows as a table.
    ///
    /// ```rhai
    /// b24.get_all("crm.deal.list", #{select: ["ID", "TITLE"]}).show();
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn show(call: NativeCallContext, rows: &mut Rows) -> Thrown<()> {
        let rows = rows.clone();
        print_table(&call, &rows, SHOWN)
    }

    /// Prints the first `n` rows as a table.
    #[rhai_fn(name = "show", return_raw, pure)]
    pub fn show_n(call: NativeCallContext, rows: &mut Rows, n: i64) -> Thrown<()> {
        let rows = rows.clone();
        print_table(&call, &rows, n)
    }

    #[rhai_fn(name = "to_string", pure)]
    pub fn shown(rows: &mut Rows) -> String {
        table::rows(rows, SHOWN as usize, None)
    }

    #[rhai_fn(name = "to_debug", pure)]
    pub fn counted(rows: &mut Rows) -> String {
        format!("{} rows", rows.len())
    }
}

fn print_table(call: &NativeCallContext<'_>, rows: &held::Rows, n: i64) -> Thrown<()> {
    let output = &host(call).output;
    let text = table::rows(rows, n.max(0) as usize, output.width());
    output.line(&text).or_else(|error| throw(call, error))
}
