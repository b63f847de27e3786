//! How fields compare: numbers as numbers whatever their form, the rest as text, nothing before something.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use crate::core::rows::Field;

/// A value to sort by, made once for each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    Nothing,
    Flag(bool),
    Number(Decimal),
    /// A number too large or too small for an exact one.
    Float(f64),
    Text(Box<str>),
}

impl Key {
    pub fn of(field: Field<'_>) -> Key {
        match field {
            Field::Null => Key::Nothing,
            Field::Flag(flag) => Key::Flag(flag),
            Field::Integer(n) => Key::Number(n.into()),
            Field::Number(n) => Decimal::try_from(n).map_or(Key::Float(n), Key::Number),
            Field::Text(text) => match number(text) {
                Some(n) => Key::Number(n),
                None => Key::Text(text.into()),
            },
            Field::Json(text) => Key::Text(text.into()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Key::Nothing => 0,
            Key::Flag(_) => 1,
            Key::Number(_) | Key::Float(_) => 2,
            Key::Text(_) => 3,
        }
    }
}

/// A text that is a plain number, as portals send their ids and money.
pub fn number(text: &str) -> Option<Decimal> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || first == b'-') {
        return None;
    }
    text.parse().ok()
}

pub fn compare(a: &Key, b: &Key) -> Ordering {
    match (a, b) {
        (Key::Flag(a), Key::Flag(b)) => a.cmp(b),
        (Key::Number(a), Key::Number(b)) => a.cmp(b),
        (Key::Text(a), Key::Text(b)) => a.cmp(b),
        (Key::Float(a), Key::Float(b)) => a.total_cmp(b),
        (Key::Float(a), Key::Number(_)) => {
            if *a < 0.0 {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (Key::Number(_), Key::Float(_)) => compare(b, a).reverse(),
        _ => a.rank().cmp(&b.rank()),
    }
}

/// A field as the text of a cell.
pub fn cell_text(field: Field<'_>) -> std::borrow::Cow<'_, str> {
    match field {
        Field::Null => "".into(),
        Field::Flag(flag) => if flag { "true" } else { "false" }.into(),
        Field::Integer(n) => n.to_string().into(),
        Field::Number(n) => n.to_string().into(),
        Field::Text(text) | Field::Json(text) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_numbers_even_when_they_came_as_texts() {
        let fields = [
            Field::Text("10"),
            Field::Text("9"),
            Field::Null,
            Field::Text("а"),
            Field::Number(9.5),
            Field::Integer(-1),
        ];
        let mut keys: Vec<Key> = fields.into_iter().map(Key::of).collect();
        keys.sort_by(compare);
        let shown: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        assert_eq!(shown, ["Nothing", "Number(-1)", "Number(9)", "Number(9.5)", "Number(10)", "Text(\"а\")"]);
    }
}
