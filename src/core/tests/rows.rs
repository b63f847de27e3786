//! Rows of any kind, for property tests.

use jiff::tz::{Offset, TimeZone};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::core::rows::{Builder, Field, Row, Rows};

/// A cell that lives by itself, for property tests.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    Null,
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Json(String),
    /// Milliseconds and minutes east.
    Moment(i64, i16),
}

pub fn made() -> impl Strategy<Value = Made> {
    prop_oneof![
        Just(Made::Null),
        any::<bool>().prop_map(Made::Flag),
        any::<i64>().prop_map(Made::Integer),
        (-1_000_000_000i64..1_000_000_000).prop_map(|n| Made::Number(n as f64 / 1000.0)),
        "\\PC{0,12}".prop_map(Made::Text),
        "[ -~\t\r\n\"';<>&_x0-9]{0,12}".prop_map(Made::Text),
        vec(0u8..100, 0..4).prop_map(|list| Made::Json(format!("{list:?}"))),
        (-2_000_000_000_000i64..4_000_000_000_000, -720i16..840).prop_map(|(at, east)| Made::Moment(at, east)),
    ]
}

/// Rows of columns `c0`, `c1`, … of which each row has some.
pub fn rows_of(table: &[Vec<Option<Made>>]) -> Rows {
    let mut rows = Builder::new();
    for row in table {
        for (at, cell) in row.iter().enumerate() {
            let Some(cell) = cell else { continue };
            rows.name(&format!("c{at}"));
            push(&mut rows, cell);
        }
        rows.end_row();
    }
    rows.finish().into()
}

fn push(rows: &mut Builder, cell: &Made) {
    let zone;
    let field = match cell {
        Made::Null => Field::Null,
        Made::Flag(flag) => Field::Flag(*flag),
        Made::Integer(n) => Field::Integer(*n),
        Made::Number(n) => Field::Number(*n),
        Made::Text(text) => Field::Text(text),
        Made::Json(text) => Field::Json(text),
        Made::Moment(at, east) => {
            zone = TimeZone::fixed(Offset::from_seconds(i32::from(*east) * 60).unwrap());
            Field::Moment { at: *at, zone: &zone }
        }
    };
    rows.push(field).unwrap();
}

/// Every row with its names and values, as text.
pub fn shown(rows: &Rows) -> Vec<String> {
    let row = |row: Row| row.fields().map(|(name, field)| format!("{name}={field:?}")).collect::<Vec<_>>().join(" ");
    rows.iter().map(row).collect()
}
