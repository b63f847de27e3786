//! The user's order of a list: what it says, and rows put into it after they were read by their ids.

use jiff::Timestamp;
use serde_json::Value;

use super::Params;
use crate::core::order::{self, Key};
use crate::core::rows::{Field, Row, Rows};
use crate::services::b24::wire::check;
use crate::services::b24::wire::methods::Family;

/// How a list is to be sorted.
#[derive(Debug, PartialEq)]
pub(super) enum Order {
    ById,
    ByIdFalling,
    /// By these fields; true: falling.
    By(Vec<(String, bool)>),
}

impl Order {
    /// The order that the parameters name; oldest first when they name none. Or why rows cannot be put into it
    /// afterwards.
    pub fn of(params: &Params, family: &Family) -> Result<Order, String> {
        let Some(Value::Object(order)) = check::parameter(params, "order") else { return Ok(Order::ById) };
        let falls = |way: &Value| way.as_str().is_some_and(|way| way.trim().to_ascii_lowercase().starts_with("desc"));
        let fields: Vec<(String, bool)> = order.iter().map(|(name, way)| (name.clone(), falls(way))).collect();
        match fields.first() {
            None => return Ok(Order::ById),
            Some((name, falls)) if name.eq_ignore_ascii_case(family.filter_id) => {
                return Ok(if *falls { Order::ByIdFalling } else { Order::ById });
            }
            Some(_) => {}
        }
        match fields.iter().find(|(name, _)| !is_selected(params, name)) {
            Some((name, _)) => Err(format!("it is to be sorted by `{name}`, which is not in `select`")),
            None => Ok(Order::By(fields)),
        }
    }

    /// The rows, which are sorted by id, in this order; or why that cannot be. Numbers and dates go by their value,
    /// everything else as texts without regard to case, as portals compare; what is equal stays sorted by id.
    pub fn apply(&self, rows: &Rows) -> Result<Rows, String> {
        let fields = match self {
            Order::ById => return Ok(rows.clone()),
            Order::ByIdFalling => return Ok(rows.pick((0..rows.len()).rev())),
            Order::By(_) if rows.len() < 2 => return Ok(rows.clone()),
            Order::By(fields) => fields,
        };
        let mut columns = Vec::with_capacity(fields.len());
        for (name, falls) in fields {
            let wanted = bare(name);
            let column = rows.columns().iter().find(|column| bare(column) == wanted);
            let column = column.ok_or_else(|| format!("it is to be sorted by `{name}`, which its rows do not have"))?;
            columns.push((keys(rows, column), *falls));
        }
        let mut places: Vec<usize> = (0..rows.len()).collect();
        places.sort_by(|a, b| {
            let compared = columns.iter().map(|(keys, falls)| {
                let compared = order::compare(&keys[*a], &keys[*b]);
                if *falls { compared.reverse() } else { compared }
            });
            compared.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        Ok(rows.pick(places))
    }
}

/// `CREATED_DATE` in questions is `createdDate` in answers.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

fn is_selected(params: &Params, name: &str) -> bool {
    // Fields of the portal's own come only when they are asked for.
    let is_own = name.to_ascii_uppercase().starts_with("UF_");
    let all = if is_own { "UF_*" } else { "*" };
    let Some(Value::Array(select)) = check::parameter(params, "select") else { return !is_own };
    if select.is_empty() {
        return !is_own;
    }
    select.iter().filter_map(Value::as_str).any(|field| field == all || bare(field) == bare(name))
}

/// What a column is compared by.
fn keys(rows: &Rows, column: &str) -> Vec<Key> {
    let is_nothing = |row: &Row| matches!(row.get(column), None | Some(Field::Null | Field::Text("")));
    let all =
        |test: &dyn Fn(Field<'_>) -> bool| rows.iter().all(|row| is_nothing(&row) || row.get(column).is_some_and(test));
    let numbers = all(&|field| match field {
        Field::Text(text) => order::number(text).is_some(),
        Field::Integer(_) | Field::Number(_) => true,
        _ => false,
    });
    let moments = !numbers && all(&|field| matches!(field, Field::Text(text) if moment(text).is_some()));
    let key = |row: Row| match row.get(column) {
        _ if is_nothing(&row) => Key::Nothing,
        Some(Field::Text(text)) if moments => moment(text).map_or(Key::Nothing, |at| Key::Moment(at, 0)),
        Some(field) if numbers => Key::of(field),
        Some(field) => Key::Text(order::cell_text(field).to_lowercase().into()),
        None => Key::Nothing,
    };
    rows.iter().map(key).collect()
}

/// A date as portals write them: `2026-05-14T10:26:32+03:00`.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|_| text.len() >= 19)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::json::read_rows;
    use crate::core::rows::Builder;
    use crate::services::b24::wire::methods;

    fn of(params: Value) -> Result<Order, String> {
        Order::of(&params, &methods::family("crm.deal.list").unwrap())
    }

    #[test]
    fn an_order_is_read_and_told_when_it_cannot_be_kept() {
        let by = |fields: &[(&str, bool)]| {
            Order::By(fields.iter().map(|(name, falls)| (name.to_string(), *falls)).collect())
        };
        assert_eq!(of(json!({})), Ok(Order::ById));
        assert_eq!(of(json!({"ORDER": {"id": "desc", "TITLE": "ASC"}})), Ok(Order::ByIdFalling));
        assert_eq!(of(json!({"order": {"TITLE": "DESC", "ID": "ASC"}})), Ok(by(&[("TITLE", true), ("ID", false)])));
        assert!(of(json!({"order": {"TITLE": "DESC"}, "select": ["ID"]})).unwrap_err().contains("`TITLE`"));
        assert!(of(json!({"order": {"UF_X": "DESC"}, "select": ["*"]})).is_err());
        assert!(of(json!({"order": {"UF_X": "DESC"}})).is_err());
        assert!(of(json!({"order": {"UF_X": "DESC"}, "select": ["*", "UF_*"]})).is_ok());
    }

    #[test]
    fn rows_are_sorted_as_a_portal_does() {
        let mut rows = Builder::new();
        let list = json!([
            {"id": 1, "money": "9.50", "createdDate": "2026-05-14T10:00:00+03:00", "title": "б"},
            {"id": 2, "money": "10.00", "createdDate": "2026-05-14T09:00:00+01:00", "title": "А"},
            {"id": 3, "money": null, "createdDate": "2026-05-14T09:30:00+03:00", "title": "9"},
            {"id": 4, "money": "10", "createdDate": "", "title": "10"},
        ]);
        read_rows(&list.to_string(), &mut rows).unwrap();
        let rows = Rows::from(rows.finish());
        let sorted = |name: &str, falls| {
            let sorted = Order::By(vec![(name.to_owned(), falls)]).apply(&rows)?;
            Ok::<_, String>(
                sorted.iter().map(|row| format!("{:?}", row.get("id").unwrap())[8..9].to_owned()).collect::<String>(),
            )
        };
        assert_eq!(sorted("MONEY", false).unwrap(), "3124");
        assert_eq!(sorted("MONEY", true).unwrap(), "2413");
        assert_eq!(sorted("CREATED_DATE", false).unwrap(), "4312");
        assert_eq!(sorted("TITLE", false).unwrap(), "4321");
        assert!(sorted("STAGE", false).unwrap_err().contains("rows do not have"));
        assert_eq!(Order::ByIdFalling.apply(&rows).unwrap().get(0).unwrap().get("id"), Some(Field::Integer(4)));
    }
}
