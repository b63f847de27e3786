//! Rows as bytes and back, for files of our own: what is unpacked is what was packed, to the last digit.
//!
//! A row is the number of its shape (a new one stands before its first row, with its names) and its cells, each a mark
//! and a value; numbers of bytes and places are written in groups of seven bits.

use std::sync::Arc;

use jiff::tz::{Offset, TimeZone};

use crate::core::clock;
use crate::core::rows::{Builder, Chunk, Field, Rows, Shape};

const NULL: u8 = 0;
const NO: u8 = 1;
const YES: u8 = 2;
const INTEGER: u8 = 3;
const NUMBER: u8 = 4;
const TEXT: u8 = 5;
const JSON: u8 = 6;
const MOMENT: u8 = 7;

/// Appends the rows to `to`. Of a moment's zone its difference from UTC at that moment is kept.
pub fn pack(rows: &Rows, to: &mut Vec<u8>) {
    let mut shapes: Vec<Arc<Shape>> = Vec::new();
    size(to, rows.len());
    for row in rows.iter() {
        let shape = row.shape();
        match shapes.iter().rposition(|known| Arc::ptr_eq(known, shape)) {
            Some(known) => size(to, known + 1),
            None => {
                size(to, 0);
                size(to, shape.names().len());
                shape.names().for_each(|name| text(to, name));
                shapes.push(shape.clone());
            }
        }
        row.fields().for_each(|(_, field)| cell(to, field));
    }
}

fn cell(to: &mut Vec<u8>, field: Field<'_>) {
    match field {
        Field::Null => to.push(NULL),
        Field::Flag(flag) => to.push(if flag { YES } else { NO }),
        Field::Integer(n) => {
            to.push(INTEGER);
            to.extend_from_slice(&n.to_le_bytes());
        }
        Field::Number(n) => {
            to.push(NUMBER);
            to.extend_from_slice(&n.to_bits().to_le_bytes());
        }
        Field::Text(value) => {
            to.push(TEXT);
            text(to, value);
        }
        Field::Json(value) => {
            to.push(JSON);
            text(to, value);
        }
        Field::Moment { at, zone } => {
            to.push(MOMENT);
            to.extend_from_slice(&at.to_le_bytes());
            to.extend_from_slice(&clock::moment(at, zone).offset().seconds().to_le_bytes());
        }
    }
}

fn text(to: &mut Vec<u8>, value: &str) {
    size(to, value.len());
    to.extend_from_slice(value.as_bytes());
}

fn size(to: &mut Vec<u8>, mut n: usize) {
    while n >= 0x80 {
        to.push(n as u8 | 0x80);
        n >>= 7;
    }
    to.push(n as u8);
}

/// The rows that [`pack`] wrote; `None` when these bytes are something else.
pub fn unpack(bytes: &[u8]) -> Option<Chunk> {
    let mut from = Reader(bytes);
    let mut shapes: Vec<Vec<&str>> = Vec::new();
    let mut last = None;
    let mut rows = Builder::new();
    let count = from.size()?;
    for _ in 0..count {
        let shape = match from.size()? {
            0 => {
                let names = from.size()?;
                shapes.push((0..names).map(|_| from.text()).collect::<Option<_>>()?);
                shapes.len() - 1
            }
            known => known - 1,
        };
        let names = shapes.get(shape)?;
        let is_same = last == Some(shape) && rows.same_names();
        for name in names {
            if !is_same {
                rows.name(name);
            }
            from.cell(&mut rows)?;
        }
        last = Some(shape);
        rows.end_row();
    }
    from.0.is_empty().then(|| rows.finish())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn size(&mut self) -> Option<usize> {
        let mut n = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let [byte] = self.array()?;
            n |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(n);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let n = self.size()?;
        std::str::from_utf8(self.take(n)?).ok()
    }

    fn cell(&mut self, rows: &mut Builder) -> Option<()> {
        let [mark] = self.array()?;
        let zone;
        let field = match mark {
            NULL => Field::Null,
            NO => Field::Flag(false),
            YES => Field::Flag(true),
            INTEGER => Field::Integer(i64::from_le_bytes(self.array()?)),
            NUMBER => Field::Number(f64::from_bits(u64::from_le_bytes(self.array()?))),
            TEXT => Field::Text(self.text()?),
            JSON => Field::Json(self.text()?),
            MOMENT => {
                let at = i64::from_le_bytes(self.array()?);
                zone = TimeZone::fixed(Offset::from_seconds(i32::from_le_bytes(self.array()?)).ok()?);
                Field::Moment { at, zone: &zone }
            }
            _ => return None,
        };
        rows.push(field).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::core::tests::rows::{made, rows_of, shown};

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(table in vec(vec(proptest::option::of(made()), 0..5), 0..20)) {
            let rows = rows_of(&table);
            let mut bytes = Vec::new();
            pack(&rows, &mut bytes);
            prop_assert_eq!(shown(&Rows::from(unpack(&bytes).unwrap())), shown(&rows));
            // Nothing less is the same.
            bytes.pop();
            prop_assert!(unpack(&bytes).is_none());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..64)) {
            let _ = unpack(&bytes);
        }
    }
}
