//! Filters of lists: prefixes, lists of values, groups with `logic`; the part about ids is kept apart as a window.

use super::cell::{Cell, Type, scalar_text};
use super::params::children;
use super::schema::Kind;
use super::world::Row;
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Contains,
    NotContains,
    Like,
    NotLike,
}

/// The prefixes of field names, longest first.
const PREFIXES: &[(&str, Op)] = &[
    ("!=%", Op::NotLike),
    ("!%=", Op::NotLike),
    ("!%", Op::NotContains),
    ("!@", Op::Ne),
    ("!=", Op::Ne),
    ("<>", Op::Ne),
    (">=", Op::Ge),
    ("<=", Op::Le),
    ("=%", Op::Like),
    ("%=", Op::Like),
    ("%", Op::Contains),
    ("@", Op::Eq),
    ("=", Op::Eq),
    ("!", Op::Ne),
    (">", Op::Gt),
    ("<", Op::Lt),
];

/// A condition.
#[derive(Clone, Debug)]
pub enum Test {
    /// A column against one or several values; several make IN of `=` and NOT IN of `!=`.
    One { column: usize, op: Op, to: Vec<Cell<'static>> },
    /// All of the conditions, or any.
    Group { any: bool, tests: Vec<Test> },
}

/// Conditions that all hold; those on the id as bounds and a list.
#[derive(Clone, Debug)]
pub struct Filter {
    pub tests: Vec<Test>,
    /// Smallest and largest id, both included.
    pub low: u64,
    pub high: u64,
    /// Only these ids, rising.
    pub only: Option<Vec<u64>>,
}

/// A field name that the entity does not have.
#[derive(Debug, PartialEq)]
pub struct UnknownField(pub String);

impl Default for Filter {
    fn default() -> Self {
        Filter { tests: Vec::new(), low: 0, high: u64::MAX, only: None }
    }
}

impl Filter {
    /// Reads the `filter` parameter. An unknown field is left out, as old CRM does, or refused when `strict`.
    pub fn read(kind: Kind, filter: Option<&Value>, strict: bool) -> Result<Filter, UnknownField> {
        let mut result = Filter::default();
        if let Some(filter) = filter {
            for test in read_group(kind, filter, strict, 0)? {
                result.push(test);
            }
        }
        Ok(result)
    }

    /// Adds a condition.
    pub fn push(&mut self, test: Test) {
        match test {
            Test::One { column: 0, op, to } if to.iter().all(|cell| cell.number().is_some() || cell.is_empty()) => {
                self.narrow(op, to)
            }
            Test::Group { any: false, tests } => tests.into_iter().for_each(|test| self.push(test)),
            other => self.tests.push(other),
        }
    }

    /// Takes a condition on the id into the window.
    fn narrow(&mut self, op: Op, to: Vec<Cell<'static>>) {
        // PHP casts an empty bound to 0: a chain whose reference did not resolve reads from the start again.
        let ids = || to.iter().map(|cell| cell.number().unwrap_or(0).max(0) as u64);
        let first = ids().next().unwrap_or(0);
        match op {
            Op::Gt => self.low = self.low.max(first.saturating_add(1)),
            Op::Ge => self.low = self.low.max(first),
            Op::Lt if first == 0 => self.only = Some(Vec::new()),
            Op::Lt => self.high = self.high.min(first - 1),
            Op::Le => self.high = self.high.min(first),
            Op::Eq => {
                let mut ids: Vec<u64> =
                    ids().filter(|id| self.only.as_ref().is_none_or(|only| only.contains(id))).collect();
                ids.sort_unstable();
                ids.dedup();
                self.only = Some(ids);
            }
            _ => self.tests.push(Test::One { column: 0, op, to }),
        }
    }

    /// Whether a row that lies in the window fulfils the other conditions.
    pub fn accepts(&self, row: &Row) -> bool {
        self.tests.iter().all(|test| test.holds(row))
    }

    /// Whether an id lies in the window.
    pub fn in_window(&self, id: u64) -> bool {
        self.low <= id && id <= self.high
    }
}

fn read_group(kind: Kind, group: &Value, strict: bool, depth: usize) -> Result<Vec<Test>, UnknownField> {
    const DEEPEST: usize = 16;
    let mut tests = Vec::new();
    let members: Vec<(Cow<str>, &Value)> = match group {
        Value::Object(map) => map.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(number, value)| (Cow::Owned(number.to_string()), value)).collect()
        }
        _ => return Ok(tests),
    };
    for (key, value) in members {
        if key.eq_ignore_ascii_case("logic") {
            continue;
        }
        if key.bytes().all(|b| b.is_ascii_digit()) {
            if depth < DEEPEST {
                let any = is_any(value);
                let inner = read_group(kind, value, strict, depth + 1)?;
                tests.push(Test::Group { any, tests: inner });
            }
        } else if let Some(test) = read_one(kind, &key, value, strict)? {
            tests.push(test);
        }
    }
    if depth == 0 && is_any(group) {
        tests = vec![Test::Group { any: true, tests }];
    }
    Ok(tests)
}

fn is_any(group: &Value) -> bool {
    let Value::Object(map) = group else { return false };
    map.iter().any(|(key, value)| key.eq_ignore_ascii_case("logic") && scalar_text(value).eq_ignore_ascii_case("or"))
}

fn read_one(kind: Kind, key: &str, value: &Value, strict: bool) -> Result<Option<Test>, UnknownField> {
    let found = PREFIXES.iter().find_map(|(prefix, op)| Some((key.strip_prefix(prefix)?, *op)));
    let (name, op) = found.unwrap_or((key, Op::Eq));
    let Some(column) = kind.column(name) else {
        return if strict { Err(UnknownField(name.to_owned())) } else { Ok(None) };
    };
    Ok(Some(test(kind, column, op, value)))
}

/// A condition on a column.
pub fn test(kind: Kind, column: usize, op: Op, value: &Value) -> Test {
    let by_text = matches!(op, Op::Contains | Op::NotContains | Op::Like | Op::NotLike);
    let column_type = kind.columns()[column].kind;
    let as_text = by_text || matches!(column_type, Type::Multi | Type::Json);
    let read = |value: &Value| if as_text { Type::Text.read(value) } else { column_type.read(value) };
    let to: Vec<Cell> = match value {
        Value::Object(_) | Value::Array(_) => children(value).map(read).collect(),
        single => vec![read(single)],
    };
    Test::One { column, op, to }
}

impl Test {
    /// Whether the row fulfils it.
    pub fn holds(&self, row: &Row) -> bool {
        match self {
            Test::Group { any: true, tests } => tests.iter().any(|test| test.holds(row)),
            Test::Group { any: false, tests } => tests.iter().all(|test| test.holds(row)),
            Test::One { column, op, to } => compare(&row.cell(*column), *op, to),
        }
    }
}

fn compare(cell: &Cell, op: Op, to: &[Cell<'static>]) -> bool {
    let first = to.first().unwrap_or(&Cell::Null);
    let ordered = |accept: fn(Ordering) -> bool| !matches!(cell, Cell::Null) && accept(cell.order(first));
    match op {
        Op::Eq => to.iter().any(|value| equal(cell, value)),
        Op::Ne => !to.iter().any(|value| equal(cell, value)),
        Op::Lt => ordered(Ordering::is_lt),
        Op::Le => ordered(Ordering::is_le),
        Op::Gt => ordered(Ordering::is_gt),
        Op::Ge => ordered(Ordering::is_ge),
        Op::Contains => to.iter().any(|value| contains(cell, value)),
        Op::NotContains => !to.iter().any(|value| contains(cell, value)),
        Op::Like => to.iter().any(|value| like(cell, value)),
        Op::NotLike => !to.iter().any(|value| like(cell, value)),
    }
}

fn equal(cell: &Cell, value: &Cell) -> bool {
    if value.is_empty() { cell.is_empty() } else { cell.order(value) == Ordering::Equal }
}

fn contains(cell: &Cell, part: &Cell) -> bool {
    cell.text().to_lowercase().contains(&part.text().to_lowercase())
}

/// SQL's LIKE: the caller sets `%` and `_` himself.
fn like(cell: &Cell, pattern: &Cell) -> bool {
    let text: Vec<char> = cell.text().to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.text().to_lowercase().chars().collect();
    let (mut at, mut wanted) = (0, 0);
    // Where to go on after the last `%` when what follows it does not fit.
    let mut retry = None;
    while at < text.len() {
        match pattern.get(wanted) {
            Some('%') => {
                retry = Some((wanted + 1, at));
                wanted += 1;
            }
            Some(c) if *c == '_' || *c == text[at] => {
                at += 1;
                wanted += 1;
            }
            _ => match &mut retry {
                Some((after, from)) => {
                    *from += 1;
                    (wanted, at) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern[wanted..].iter().all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    use super::super::knobs::Knobs;
    use super::super::world::World;
    use super::*;
    use serde_json::json;

    fn ids(filter: Value) -> Vec<u64> {
        let mut knobs = Knobs::default();
        knobs.rows.deals = 400;
        let world = World::new(&knobs);
        let filter = Filter::read(Kind::Deal, Some(&filter), false).unwrap();
        let all = world.table(Kind::Deal).upwards(0, 1000).into_iter();
        all.filter(|id| {
            filter.in_window(*id)
                && filter.only.as_ref().is_none_or(|only| only.contains(id))
                && filter.accepts(&world.row(Kind::Deal, *id))
        })
        .collect()
    }

    #[test]
    fn ids_are_bounded_and_listed() {
        let all = ids(json!({}));
        assert_eq!(all.len(), 400);
        assert_eq!(ids(json!({">=ID": all[10], "<ID": all[12].to_string()})), all[10..12]);
        assert_eq!(ids(json!({"@ID": [all[3], all[1], 999_999]})), [all[1], all[3]]);
        assert_eq!(ids(json!({"ID": [all[3].to_string()]})), [all[3]]);
        assert_eq!(ids(json!({"!@ID": all[2..].to_vec()})), all[..2]);
        assert_eq!(ids(json!({">ID": ""})), all, "an empty bound is 0");
        assert!(ids(json!({"=ID": "", })).is_empty());
    }

    #[test]
    fn fields_compare_by_their_kind() {
        let all = ids(json!({})).len();
        let cheap = ids(json!({"<OPPORTUNITY": "1000000"})).len();
        let dear = ids(json!({">=OPPORTUNITY": 1_000_000})).len();
        assert!(cheap > 0 && dear > 0);
        assert_eq!(cheap + dear, all);
        let early = ids(json!({"<DATE_CREATE": "2021-01-01"})).len();
        assert_eq!(early + ids(json!({">=DATE_CREATE": "01.01.2021 00:00:00"})).len(), all);
        assert!(early > 0 && early < all);
    }

    #[test]
    fn text_is_searched_without_regard_to_case() {
        let some = ids(json!({"%TITLE": "ПОСТАВКА"}));
        assert!(!some.is_empty());
        assert_eq!(some, ids(json!({"=%TITLE": "поставка%"})));
        assert_eq!(some.len() + ids(json!({"!%TITLE": "поставка"})).len(), 400);
        assert_eq!(ids(json!({"%=TITLE": "%№ 1_"})), ids(json!({">=ID": 10, "<=ID": 19})));
        assert!(ids(json!({"TITLE": "поставка"})).is_empty());
    }

    #[test]
    fn an_unknown_field_is_ignored_or_refused() {
        assert_eq!(ids(json!({"NO_SUCH": 5})).len(), 400);
        let refused = Filter::read(Kind::Deal, Some(&json!({">noSuch": 5})), true);
        assert_eq!(refused.unwrap_err(), UnknownField("noSuch".to_owned()));
    }

    #[test]
    fn groups_hold_all_or_any() {
        let won = ids(json!({"STAGE_ID": "WON"})).len();
        let lost = ids(json!({"STAGE_ID": "LOSE"})).len();
        let either = json!({"0": {"logic": "OR", "0": {"STAGE_ID": "WON"}, "1": {"=stageId": "LOSE"}}});
        assert_eq!(ids(either.clone()).len(), won + lost);
        assert_eq!(ids(json!({"logic": "OR", "0": {"STAGE_ID": "WON"}, "1": {"stageId": "LOSE"}})).len(), won + lost);
        let mut narrowed = either;
        narrowed["!STAGE_ID"] = json!(["WON"]);
        assert_eq!(ids(narrowed).len(), lost);
    }
}
