//! Values as bytes, by the reference and apart from our client's own codec, so that neither hides the other's slips.

use super::row::{Cell, MARK, Row};
use crate::services::rac::table::{Slot, Version, Wire};

/// Why bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unreadable {
    Cut,
    NotText,
    TooLong,
}

pub type Read<T> = Result<T, Unreadable>;

/// Bytes not read yet.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Unreadable::Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unreadable::Cut)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub fn byte(&mut self) -> Read<u8> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub fn short(&mut self) -> Read<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// Seven bits a byte, the low ones first.
    pub fn size(&mut self) -> Read<usize> {
        self.groups(0, 0)
    }

    /// As `size`, but the first byte has six bits and says whether there is anything.
    pub fn nullable_size(&mut self) -> Read<Option<usize>> {
        let first = self.byte()?;
        if first & 0x80 != 0 {
            return Ok(None);
        }
        let low = usize::from(first & 0x3f);
        if first & 0x40 == 0 { Ok(Some(low)) } else { self.groups(low, 6).map(Some) }
    }

    fn groups(&mut self, mut total: usize, mut shift: u32) -> Read<usize> {
        loop {
            let byte = self.byte()?;
            if shift > 28 {
                return Err(Unreadable::TooLong);
            }
            total |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok(total);
            }
        }
    }

    pub fn text(&mut self) -> Read<&'a str> {
        let length = self.nullable_size()?.unwrap_or(0);
        std::str::from_utf8(self.bytes(length)?).map_err(|_| Unreadable::NotText)
    }

    /// How many things follow; each takes a byte at least.
    fn count(&mut self) -> Read<usize> {
        let count = self.size()?;
        if count > self.0.len() { Err(Unreadable::Cut) } else { Ok(count) }
    }

    pub fn cells(&mut self, slots: &'static [Slot], version: Version) -> Read<Vec<Cell>> {
        slots
            .iter()
            .map(|slot| if slot.is_in(version) { self.cell(slot, version) } else { Ok(Cell::first(slot)) })
            .collect()
    }

    fn cell(&mut self, slot: &Slot, version: Version) -> Read<Cell> {
        Ok(match slot.wire {
            Wire::Bool => Cell::Int((self.byte()? != 0).into()),
            Wire::Byte => Cell::Int(self.byte()?.into()),
            Wire::Short => Cell::Int(self.short()?.into()),
            Wire::Int => Cell::Int(i32::from_be_bytes(self.array()?).into()),
            Wire::Long | Wire::Time => Cell::Int(i64::from_be_bytes(self.array()?)),
            Wire::Double => Cell::Double(f64::from_be_bytes(self.array()?)),
            Wire::Uuid => Cell::Id(self.array()?),
            Wire::Text => Cell::Text(self.text()?.to_owned()),
            Wire::Auth => Cell::Auth(self.byte()? != 0, self.byte()? != 0),
            Wire::Ports => Cell::Ports(self.many(|reader| {
                let high = reader.short()?;
                Ok((reader.short()?, high))
            })?),
            Wire::Uuids => Cell::Ids(self.many(Reader::array)?),
            Wire::Many(record) => {
                Cell::Rows(self.many(|reader| Ok(Row { record, cells: reader.cells(record.slots, version)? }))?)
            }
            Wire::One(record) => Cell::Row(Row { record, cells: self.cells(record.slots, version)? }),
        })
    }

    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.count()?;
        (0..count).map(|_| one(self)).collect()
    }
}

pub fn put_size(out: &mut Vec<u8>, mut size: usize) {
    while size > 0x7f {
        out.push(size as u8 & 0x7f | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
}

pub fn put_nullable_size(out: &mut Vec<u8>, size: usize) {
    if size > 0x3f {
        out.push(size as u8 & 0x3f | 0x40);
        put_size(out, size >> 6);
    } else {
        out.push(size as u8);
    }
}

/// No map, no endpoint, no cause.
pub const NULL: u8 = 0x80;

pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_nullable_size(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub fn put_row(out: &mut Vec<u8>, row: &Row, version: Version) {
    put_cells(out, row.record.slots, &row.cells, version);
}

pub fn put_cells(out: &mut Vec<u8>, slots: &[Slot], cells: &[Cell], version: Version) {
    for (slot, cell) in slots.iter().zip(cells) {
        if slot.is_in(version) {
            put_cell(out, slot.wire, cell, version);
        }
    }
}

fn put_cell(out: &mut Vec<u8>, wire: Wire, cell: &Cell, version: Version) {
    match cell {
        Cell::Int(n) => put_int(out, wire, *n),
        Cell::Double(n) => out.extend_from_slice(&n.to_be_bytes()),
        Cell::Id(id) => out.extend_from_slice(id),
        Cell::Text(text) => put_text(out, text),
        Cell::Secret(_) => put_text(out, MARK),
        Cell::Auth(password, system) => out.extend_from_slice(&[(*password).into(), (*system).into()]),
        Cell::Row(row) => put_row(out, row, version),
        Cell::Rows(rows) => {
            put_size(out, rows.len());
            rows.iter().for_each(|row| put_row(out, row, version));
        }
        Cell::Ids(ids) => {
            put_size(out, ids.len());
            ids.iter().for_each(|id| out.extend_from_slice(id));
        }
        Cell::Ports(ports) => {
            put_size(out, ports.len());
            for (low, high) in ports {
                out.extend_from_slice(&high.to_be_bytes());
                out.extend_from_slice(&low.to_be_bytes());
            }
        }
    }
}

fn put_int(out: &mut Vec<u8>, wire: Wire, n: i64) {
    match wire {
        Wire::Bool => out.push((n != 0).into()),
        Wire::Byte => out.push(n as u8),
        Wire::Short => out.extend_from_slice(&(n as u16).to_be_bytes()),
        Wire::Int => out.extend_from_slice(&(n.clamp(i32::MIN.into(), i32::MAX.into()) as i32).to_be_bytes()),
        _ => out.extend_from_slice(&n.to_be_bytes()),
    }
}
