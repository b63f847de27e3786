//! The tokens of answers, byte for byte.

use super::codepage::COLLATION;
use super::packet::USUAL;
use super::shape::{Misfit, Shape};
use super::sql::out::{Column, Said};
use super::sql::value::{Type, Value};
use super::version::Version;

/// What the server calls itself in messages.
pub const SERVER: &str = "SANDBOX";
/// 16.0.4135: SQL Server 2022.
pub const BUILD: [u8; 4] = [16, 0, 0x10, 0x27];
/// Messages are no longer, in characters of UTF-16.
const LONGEST_MESSAGE: usize = 2047;

/// Bits of DONE.
pub mod done {
    pub const MORE: u16 = 0x01;
    pub const ERROR: u16 = 0x02;
    pub const COUNT: u16 = 0x10;
    pub const ATTENTION: u16 = 0x20;
}

/// Which statement has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Statement = 0xFD,
    Procedure = 0xFE,
    Inside = 0xFF,
}

/// A DONE token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    pub ended: Ended,
    pub status: u16,
    pub command: u16,
    pub count: Option<u64>,
}

/// Tokens that wait to be cut into packets.
#[derive(Debug)]
pub struct Tokens {
    pub version: Version,
    pub bytes: Vec<u8>,
}

impl Tokens {
    pub fn new(version: Version) -> Tokens {
        Tokens { version, bytes: Vec::new() }
    }

    fn u16(&mut self, number: u16) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn u32(&mut self, number: u32) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// A text after its length in characters, one byte; longer ones are cut.
    fn b_varchar(&mut self, text: &str) {
        let at = self.bytes.len();
        self.bytes.push(0);
        let count = self.utf16(text, 255);
        self.bytes[at] = count as u8;
    }

    fn us_varchar(&mut self, text: &str, most: usize) {
        let at = self.bytes.len();
        self.u16(0);
        let count = self.utf16(text, most);
        self.bytes[at..at + 2].copy_from_slice(&(count as u16).to_le_bytes());
    }

    fn utf16(&mut self, text: &str, most: usize) -> usize {
        let mut count = 0;
        for unit in text.encode_utf16().take(most) {
            self.bytes.extend_from_slice(&unit.to_le_bytes());
            count += 1;
        }
        count
    }

    /// A token whose length has two bytes.
    fn sized(&mut self, token: u8, put: impl FnOnce(&mut Tokens)) {
        self.bytes.push(token);
        self.u16(0);
        let at = self.bytes.len();
        put(self);
        // Texts within are cut, so it always fits.
        let length = (self.bytes.len() - at) as u16;
        self.bytes[at - 2..at].copy_from_slice(&length.to_le_bytes());
    }

    fn says(&mut self, token: u8, said: &Said) {
        self.sized(token, |tokens| {
            tokens.u32(said.number as u32);
            // Severity 10 is told as 0, as the server does for compatibility.
            let class = if said.severity == 10 { 0 } else { said.severity };
            tokens.bytes.extend([said.state, class]);
            tokens.us_varchar(&said.text, LONGEST_MESSAGE);
            tokens.b_varchar(SERVER);
            tokens.b_varchar(&said.procedure);
            match tokens.version.is_7_2() {
                true => tokens.u32(said.line),
                false => tokens.u16(said.line.try_into().unwrap_or(u16::MAX)),
            }
        });
    }

    pub fn error(&mut self, said: &Said) {
        self.says(0xAA, said);
    }

    pub fn info(&mut self, said: &Said) {
        self.says(0xAB, said);
    }

    /// Something about the connection is another now: 1 is the database, 2 the language, 4 the size of packets.
    pub fn changed_text(&mut self, what: u8, new: &str, old: &str) {
        self.sized(0xE3, |tokens| {
            tokens.bytes.push(what);
            tokens.b_varchar(new);
            tokens.b_varchar(old);
        });
    }

    fn changed_bytes(&mut self, what: u8, new: &[u8], old: &[u8]) {
        self.sized(0xE3, |tokens| {
            tokens.bytes.push(what);
            for bytes in [new, old] {
                tokens.bytes.push(bytes.len() as u8);
                tokens.bytes.extend_from_slice(bytes);
            }
        });
    }

    pub fn collation(&mut self) {
        self.changed_bytes(7, &COLLATION, &[]);
    }

    pub fn began(&mut self, transaction: u64) {
        self.changed_bytes(8, &transaction.to_le_bytes(), &[]);
    }

    pub fn committed(&mut self, transaction: u64) {
        self.changed_bytes(9, &[], &transaction.to_le_bytes());
    }

    pub fn rolled_back(&mut self, transaction: u64) {
        self.changed_bytes(10, &[], &transaction.to_le_bytes());
    }

    pub fn session_reset(&mut self) {
        self.changed_bytes(18, &[], &[]);
    }

    pub fn packet_size(&mut self, size: usize) {
        self.changed_text(4, &size.to_string(), &USUAL.to_string());
    }

    pub fn login_acknowledged(&mut self) {
        self.sized(0xAD, |tokens| {
            // T-SQL.
            tokens.bytes.push(1);
            let version = tokens.version.0.to_be_bytes();
            tokens.bytes.extend(version);
            tokens.b_varchar("Microsoft SQL Server");
            tokens.bytes.extend(BUILD);
        });
    }

    /// Features that are there, each with what is told of it.
    pub fn features(&mut self, known: &[(u8, &[u8])]) {
        self.bytes.push(0xAE);
        for (feature, told) in known {
            self.bytes.push(*feature);
            self.u32(told.len() as u32);
            self.bytes.extend_from_slice(told);
        }
        self.bytes.push(0xFF);
    }

    pub fn done(&mut self, done: Done) {
        self.bytes.push(done.ended as u8);
        self.u16(done.status | if done.count.is_some() { done::COUNT } else { 0 });
        self.u16(done.command);
        let count = done.count.unwrap_or(0);
        match self.version.is_7_2() {
            true => self.bytes.extend(count.to_le_bytes()),
            false => self.u32(count.try_into().unwrap_or(u32::MAX)),
        }
    }

    pub fn return_status(&mut self, code: i32) {
        self.bytes.push(0x79);
        self.u32(code as u32);
    }

    /// The number that a type of one's own has: none here is.
    fn user_type(&mut self) {
        match self.version.is_7_2() {
            true => self.u32(0),
            false => self.u16(0),
        }
    }

    pub fn return_value(&mut self, ordinal: u16, name: &str, kind: Type, value: &Value) -> Result<(), Misfit> {
        let start = self.bytes.len();
        self.bytes.push(0xAC);
        self.u16(ordinal);
        self.b_varchar(name);
        // An OUTPUT parameter.
        self.bytes.push(1);
        self.user_type();
        self.u16(0);
        let shape = Shape::nullable(kind, self.version);
        shape.describe(&mut self.bytes);
        shape.put(value, &mut self.bytes).inspect_err(|_| self.bytes.truncate(start))
    }

    /// Describes the columns of a result set; rows are put by the shapes that come back.
    pub fn columns(&mut self, columns: &[Column]) -> Vec<Shape> {
        self.bytes.push(0x81);
        self.u16(columns.len().try_into().unwrap_or(u16::MAX));
        let mut shapes = Vec::with_capacity(columns.len());
        for column in columns {
            let shape = Shape::new(column.kind, column.nullable, self.version);
            self.user_type();
            // Whether it can be written to is not known.
            let identity = if column.identity { 0x10 } else { 0 };
            self.u16(0x08 | identity | u16::from(column.nullable));
            shape.describe(&mut self.bytes);
            if shape.names_table() {
                if self.version.is_7_2() {
                    self.bytes.push(1);
                }
                self.us_varchar("", 0);
            }
            self.b_varchar(&column.name);
            shapes.push(shape);
        }
        shapes
    }

    /// A row; where a bitmap of its NULLs is shorter than they are, it goes in that form.
    pub fn row(&mut self, shapes: &[Shape], values: &[Value]) -> Result<(), Misfit> {
        if shapes.len() != values.len() {
            return Err(Misfit);
        }
        let start = self.bytes.len();
        let nulls = shapes.iter().zip(values).filter(|(_, value)| value.is_null());
        let nulls: usize = nulls.map(|(shape, _)| shape.null_width()).sum();
        let is_compressed = self.version.has_null_bitmap() && nulls > shapes.len().div_ceil(8);
        self.bytes.push(if is_compressed { 0xD2 } else { 0xD1 });
        if is_compressed {
            let bitmap = self.bytes.len();
            self.bytes.resize(bitmap + shapes.len().div_ceil(8), 0);
            for (at, _) in values.iter().enumerate().filter(|(_, value)| value.is_null()) {
                self.bytes[bitmap + at / 8] |= 1 << (at % 8);
            }
        }
        for (shape, value) in shapes.iter().zip(values).filter(|(_, value)| !is_compressed || !value.is_null()) {
            shape.put(value, &mut self.bytes).inspect_err(|_| self.bytes.truncate(start))?;
        }
        Ok(())
    }
}
