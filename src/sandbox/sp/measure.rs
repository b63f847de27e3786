//! `sandbox.rows`: as many rows of ten types as are wanted, made straight into bytes, for measurements.

use super::codepage;
use super::shape::Shape;
use super::sql::out::Column;
use super::sql::value::Type;

/// Days from 1900-01-01 to 2020-01-01, and from 0001-01-01.
const DAY_1900: i32 = 43_829;
const DAY_1: i32 = 737_424;
/// Rows a day: one a second.
const DAY: u64 = 86_400;

/// The columns, none of them ever NULL but all of them declared so that they might be.
pub fn columns() -> Vec<Column> {
    let decimal = Type::Decimal { precision: 18, scale: 2 };
    [
        ("id", Type::Int),
        ("big", Type::BigInt),
        ("amount", decimal),
        ("money", Type::Money),
        ("name", Type::NVarChar(Some(50))),
        ("note", Type::VarChar(Some(50))),
        ("created", Type::DateTime),
        ("changed", Type::DateTime2(7)),
        ("flag", Type::Bit),
        ("code", Type::Guid),
    ]
    .map(|(name, kind)| Column::new(name, kind))
    .into()
}

/// Makes rows; texts that all of them share are made once.
#[derive(Debug)]
pub struct Rows {
    columns: Vec<usize>,
    fixed: Vec<bool>,
    name: Vec<u8>,
    note: Vec<u8>,
}

impl Rows {
    /// Rows of these columns, numbers from 0, as they were described.
    pub fn new(columns: Vec<usize>, shapes: &[Shape]) -> Rows {
        let fixed = shapes.iter().map(|shape| shape.fixed).collect();
        let name = "Абонент ".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let note = "лицевой счёт № ".chars().map(codepage::byte).collect();
        Rows { columns, fixed, name, note }
    }

    /// The row of this number, from 0.
    pub fn put(&self, number: u64, out: &mut Vec<u8>) {
        out.push(0xD1);
        for (&column, &fixed) in self.columns.iter().zip(&self.fixed) {
            self.cell(column, fixed, number, out);
        }
    }

    fn cell(&self, column: usize, fixed: bool, number: u64, out: &mut Vec<u8>) {
        let id = number as u32 + 1;
        match column {
            0 => plain(out, fixed, id.to_le_bytes()),
            1 => plain(out, fixed, ((number + 1) * 1_000_000_007).to_le_bytes()),
            2 => {
                // Every third one is negative.
                out.extend_from_slice(&[9, u8::from(number % 3 != 2)]);
                out.extend_from_slice(&(number * 101 + 99).to_le_bytes());
            }
            3 => {
                let units = number * 12_345;
                let (high, low) = ((units >> 32) as u32, units as u32);
                plain(out, fixed, ((u64::from(low) << 32) | u64::from(high)).to_le_bytes());
            }
            4 => {
                let (digits, from) = digits(id);
                let digits = &digits[from..];
                out.extend_from_slice(&((self.name.len() + digits.len() * 2) as u16).to_le_bytes());
                out.extend_from_slice(&self.name);
                digits.iter().for_each(|&digit| out.extend_from_slice(&[digit, 0]));
            }
            5 => {
                let (digits, from) = digits(id);
                let digits = &digits[from..];
                out.extend_from_slice(&((self.note.len() + digits.len()) as u16).to_le_bytes());
                out.extend_from_slice(&self.note);
                out.extend_from_slice(digits);
            }
            6 => {
                let (day, second) = (number / DAY % 10_000, number % DAY);
                let ticks = second * 300 + number % 300;
                plain(out, fixed, ((ticks << 32) | (day + DAY_1900 as u64)).to_le_bytes());
            }
            7 => {
                let (day, second) = (number / DAY % 10_000, number % DAY);
                let ticks = second * 10_000_000 + number % 10_000_000;
                out.push(8);
                out.extend_from_slice(&((day + DAY_1 as u64) << 40 | ticks).to_le_bytes());
            }
            8 => plain(out, fixed, [number as u8 & 1]),
            _ => {
                out.push(16);
                out.extend_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
    }
}

fn plain<const N: usize>(out: &mut Vec<u8>, fixed: bool, bytes: [u8; N]) {
    if !fixed {
        out.push(N as u8);
    }
    out.extend_from_slice(&bytes);
}

/// The decimal digits of a number: an array, and where in it they begin.
fn digits(mut number: u32) -> ([u8; 10], usize) {
    let (mut digits, mut at) = ([0; 10], 10);
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return (digits, at);
        }
    }
}
