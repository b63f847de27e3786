//! Values as bytes, by the slots of the table, both ways.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::services::rac::table::{Record, Slot, Version, Wire};

/// The most bytes of one text: more is no text of an administrator.
const LONGEST_TEXT: usize = 16 << 20;

/// An id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    pub const NIL: Uuid = Uuid([0; 16]);
    /// Characters of its text.
    pub const LENGTH: usize = 36;

    pub fn is_nil(&self) -> bool {
        *self == Uuid::NIL
    }

    /// Lower case, with hyphens.
    pub fn text(self, to: &mut [u8; Uuid::LENGTH]) -> &str {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut at = 0;
        for (byte, place) in self.0.iter().zip(0..) {
            if matches!(place, 4 | 6 | 8 | 10) {
                to[at] = b'-';
                at += 1;
            }
            to[at] = DIGITS[usize::from(byte >> 4)];
            to[at + 1] = DIGITS[usize::from(byte & 15)];
            at += 2;
        }
        std::str::from_utf8(to).unwrap_or_default()
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; Uuid::LENGTH]))
    }
}

impl FromStr for Uuid {
    type Err = ();

    fn from_str(text: &str) -> Result<Uuid, ()> {
        let bytes = text.as_bytes();
        if bytes.len() != Uuid::LENGTH || [8, 13, 18, 23].iter().any(|at| bytes[*at] != b'-') {
            return Err(());
        }
        let mut digits = bytes.iter().filter(|byte| **byte != b'-').map(|byte| (*byte as char).to_digit(16));
        let mut uuid = [0; 16];
        for byte in &mut uuid {
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else { return Err(()) };
            *byte = (high << 4 | low) as u8;
        }
        if digits.next().is_some() { Err(()) } else { Ok(Uuid(uuid)) }
    }
}

/// One value of a message. Texts are those of the message where that is possible.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Bool(bool),
    Int(i64),
    Double(f64),
    /// Ticks of 0.1 ms since the year 1; 0 is no date.
    Time(i64),
    Uuid(Uuid),
    Text(Cow<'a, str>),
    /// (low, high) of each.
    Ports(Vec<(u16, u16)>),
    Uuids(Vec<Uuid>),
    Auth {
        password: bool,
        os: bool,
    },
    One(Vec<Value<'a>>),
    Many(Vec<Vec<Value<'a>>>),
}

impl Value<'_> {
    /// The value of a slot of which nothing was said.
    pub fn first(slot: &Slot, version: Version) -> Value<'static> {
        match slot.wire {
            Wire::Bool => Value::Bool(slot.first != 0),
            Wire::Byte | Wire::Short | Wire::Int | Wire::Long => Value::Int(slot.first),
            Wire::Double => Value::Double(slot.first as f64),
            Wire::Time => Value::Time(0),
            Wire::Uuid => Value::Uuid(Uuid::NIL),
            Wire::Text => Value::Text(Cow::Borrowed("")),
            Wire::Ports => Value::Ports(Vec::new()),
            Wire::Uuids => Value::Uuids(Vec::new()),
            Wire::Auth => Value::Auth { password: slot.first & 1 != 0, os: slot.first & 2 != 0 },
            Wire::Many(_) => Value::Many(Vec::new()),
            Wire::One(record) => Value::One(fresh(record, version)),
        }
    }

    /// Independent of the message it came from.
    pub fn into_owned(self) -> Value<'static> {
        let all = |values: Vec<Value<'_>>| values.into_iter().map(Value::into_owned).collect();
        match self {
            Value::Bool(flag) => Value::Bool(flag),
            Value::Int(n) => Value::Int(n),
            Value::Double(n) => Value::Double(n),
            Value::Time(ticks) => Value::Time(ticks),
            Value::Uuid(uuid) => Value::Uuid(uuid),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Ports(ports) => Value::Ports(ports),
            Value::Uuids(uuids) => Value::Uuids(uuids),
            Value::Auth { password, os } => Value::Auth { password, os },
            Value::One(values) => Value::One(all(values)),
            Value::Many(records) => Value::Many(records.into_iter().map(all).collect()),
        }
    }
}

/// A new record, in the order of its slots.
pub fn fresh(record: &Record, version: Version) -> Vec<Value<'static>> {
    record.slots(version).map(|slot| Value::first(slot, version)).collect()
}

/// Why bytes are not what they should be: what was read, at which byte, and what is wrong.
#[derive(Debug, PartialEq)]
pub struct Malformed {
    pub what: &'static str,
    pub at: usize,
    pub reason: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.what, self.at, self.reason)
    }
}

type Read<T> = Result<T, Malformed>;

/// Reads values from the bytes of one message.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What is being read, for errors.
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0, what: "message" }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub fn position(&self) -> usize {
        self.at
    }

    fn wrong<T>(&self, reason: impl Into<String>) -> Read<T> {
        Err(Malformed { what: self.what, at: self.at, reason: reason.into() })
    }

    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let left = self.bytes.len() - self.at;
        if count > left {
            return self.wrong(format!("needs {count} more bytes, and {left} are left"));
        }
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn byte(&mut self) -> Read<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn short(&mut self) -> Read<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn int(&mut self) -> Read<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub fn long(&mut self) -> Read<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub fn uuid(&mut self) -> Read<Uuid> {
        Ok(Uuid(self.array()?))
    }

    /// Seven bits a byte, low group first.
    pub fn size(&mut self) -> Read<usize> {
        self.groups(0, 0)
    }

    fn groups(&mut self, mut size: u64, mut shift: u32) -> Read<usize> {
        loop {
            let byte = self.byte()?;
            if shift > 28 {
                return self.wrong("a size of more than 32 bits");
            }
            size |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok(size as usize);
            }
        }
    }

    /// A size that may be absent: the first byte has six bits of it.
    pub fn nullable_size(&mut self) -> Read<Option<usize>> {
        let first = self.byte()?;
        match (first & 0x80 != 0, first & 0x40 != 0) {
            (true, _) => Ok(None),
            (false, false) => Ok(Some(usize::from(first))),
            (false, true) => self.groups(u64::from(first & 0x3f), 6).map(Some),
        }
    }

    /// An absent text is an empty one. What is not UTF-8 in it is shown as such, since one bad name must not hide a
    /// thousand good ones.
    pub fn text(&mut self) -> Read<Cow<'a, str>> {
        let Some(length) = self.nullable_size()? else { return Ok(Cow::Borrowed("")) };
        if length > LONGEST_TEXT {
            return self.wrong(format!("a text of {length} bytes"));
        }
        Ok(String::from_utf8_lossy(self.take(length)?))
    }

    /// How many follow. None is smaller than a byte, so the rest bounds the count.
    pub fn count(&mut self) -> Read<usize> {
        let count = self.size()?;
        if count > self.rest().len() {
            return self.wrong(format!("a list of {count} in {} bytes", self.rest().len()));
        }
        Ok(count)
    }

    pub fn value(&mut self, wire: Wire, version: Version) -> Read<Value<'a>> {
        Ok(match wire {
            Wire::Bool => Value::Bool(self.byte()? != 0),
            Wire::Byte => Value::Int(i64::from(self.byte()?)),
            Wire::Short => Value::Int(i64::from(self.short()?)),
            Wire::Int => Value::Int(i64::from(self.int()?)),
            Wire::Long => Value::Int(self.long()?),
            Wire::Double => Value::Double(f64::from_be_bytes(self.array()?)),
            Wire::Time => Value::Time(self.long()?),
            Wire::Uuid => Value::Uuid(self.uuid()?),
            Wire::Text => Value::Text(self.text()?),
            Wire::Ports => Value::Ports(self.list(|reader| {
                let high = reader.short()?;
                Ok((reader.short()?, high))
            })?),
            Wire::Uuids => Value::Uuids(self.list(Reader::uuid)?),
            Wire::Auth => Value::Auth { password: self.byte()? != 0, os: self.byte()? != 0 },
            Wire::One(record) => Value::One(self.record(record, version)?),
            Wire::Many(record) => Value::Many(self.list(|reader| reader.record(record, version))?),
        })
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Reader<'a>) -> Read<T>) -> Read<Vec<T>> {
        (0..self.count()?).map(|_| read(self)).collect()
    }

    /// The values of these slots that this version carries, in their order.
    pub fn slots(&mut self, slots: &'static [Slot], version: Version) -> Read<Vec<Value<'a>>> {
        let carried: Vec<&'static Slot> = slots.iter().filter(|slot| slot.is_in(version)).collect();
        let mut values = Vec::with_capacity(carried.len());
        self.slots_into(&carried, version, &mut values)?;
        Ok(values)
    }

    /// The values of all these slots, behind those that are there.
    pub fn slots_into(&mut self, slots: &[&'static Slot], version: Version, values: &mut Vec<Value<'a>>) -> Read<()> {
        for slot in slots {
            self.what = slot.name;
            values.push(self.value(slot.wire, version)?);
        }
        Ok(())
    }

    pub fn record(&mut self, record: &'static Record, version: Version) -> Read<Vec<Value<'a>>> {
        self.slots(record.slots, version)
    }
}

/// Writes values, growing one buffer.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn new() -> Writer {
        Writer::default()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub fn raw(&mut self, bytes: &[u8]) -> &mut Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn byte(&mut self, byte: u8) -> &mut Writer {
        self.0.push(byte);
        self
    }

    pub fn short(&mut self, n: u16) -> &mut Writer {
        self.raw(&n.to_be_bytes())
    }

    pub fn int(&mut self, n: i32) -> &mut Writer {
        self.raw(&n.to_be_bytes())
    }

    pub fn long(&mut self, n: i64) -> &mut Writer {
        self.raw(&n.to_be_bytes())
    }

    pub fn size(&mut self, mut size: usize) -> &mut Writer {
        while size > 0x7f {
            self.byte(size as u8 | 0x80);
            size >>= 7;
        }
        self.byte(size as u8)
    }

    pub fn nullable_size(&mut self, size: usize) -> &mut Writer {
        match size {
            0..=0x3f => self.byte(size as u8),
            _ => self.byte(size as u8 & 0x3f | 0x40).size(size >> 6),
        }
    }

    pub fn null(&mut self) -> &mut Writer {
        self.byte(0x80)
    }

    pub fn text(&mut self, text: &str) -> &mut Writer {
        self.nullable_size(text.len()).raw(text.as_bytes())
    }

    /// Numbers that do not fit are cut: what options give is checked before.
    pub fn value(&mut self, wire: Wire, value: &Value<'_>, version: Version) -> &mut Writer {
        match (wire, value) {
            (Wire::Bool, Value::Bool(flag)) => self.byte(u8::from(*flag)),
            (Wire::Bool | Wire::Byte, Value::Int(n)) => self.byte(*n as u8),
            (Wire::Short, Value::Int(n)) => self.short(*n as u16),
            (Wire::Int, Value::Int(n)) => self.int(*n as i32),
            (Wire::Int, Value::Bool(flag)) => self.int(i32::from(*flag)),
            (Wire::Long, Value::Int(n)) | (Wire::Time, Value::Time(n)) => self.long(*n),
            (Wire::Double, Value::Double(n)) => self.raw(&n.to_be_bytes()),
            (Wire::Uuid, Value::Uuid(uuid)) => self.raw(&uuid.0),
            (Wire::Text, Value::Text(text)) => self.text(text),
            (Wire::Ports, Value::Ports(ports)) => {
                ports.iter().fold(self.size(ports.len()), |to, (low, high)| to.short(*high).short(*low))
            }
            (Wire::Uuids, Value::Uuids(uuids)) => uuids.iter().fold(self.size(uuids.len()), |to, uuid| to.raw(&uuid.0)),
            (Wire::Auth, Value::Auth { password, os }) => self.byte(u8::from(*password)).byte(u8::from(*os)),
            (Wire::One(record), Value::One(values)) => self.slots(record.slots, values, version),
            (Wire::Many(record), Value::Many(records)) => {
                records.iter().fold(self.size(records.len()), |to, values| to.slots(record.slots, values, version))
            }
            // Values are made by the slot's own kind; whoever mixes them up finds it out in the first test.
            (wire, value) => unreachable!("{value:?} is not written as {wire:?}"),
        }
    }

    /// These values, in the order of the slots that this version carries.
    pub fn slots(&mut self, slots: &[Slot], values: &[Value<'_>], version: Version) -> &mut Writer {
        let carried = slots.iter().filter(|slot| slot.is_in(version));
        carried.zip(values).fold(self, |to, (slot, value)| to.value(slot.wire, value, version))
    }
}

/// Bytes as people compare them, for messages about what a server sent.
pub fn hex(bytes: &[u8], most: usize) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(most) {
        if write!(text, "{byte:02x} ").is_err() {
            break;
        }
    }
    if bytes.len() > most {
        text.push('…');
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_the_protocol_writes_them() {
        let sizes: &[(usize, &[u8])] = &[
            (5, &[5]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (132, &[0x84, 1]),
            (300, &[0xac, 2]),
            (16384, &[0x80, 0x80, 1]),
        ];
        for (size, bytes) in sizes {
            assert_eq!(Writer::new().size(*size).bytes(), *bytes);
            assert_eq!(Reader::new(bytes).size().unwrap(), *size);
        }
        let nullable: &[(usize, &[u8])] = &[
            (5, &[5]),
            (63, &[0x3f]),
            (64, &[0x40, 1]),
            (65, &[0x41, 1]),
            (100, &[0x64, 1]),
            (128, &[0x40, 2]),
            (1000, &[0x68, 0x0f]),
            (8191, &[0x7f, 0x7f]),
            (8192, &[0x40, 0x80, 1]),
            (20000, &[0x60, 0xb8, 2]),
        ];
        for (size, bytes) in nullable {
            assert_eq!(Writer::new().nullable_size(*size).bytes(), *bytes);
            assert_eq!(Reader::new(bytes).nullable_size().unwrap(), Some(*size));
        }
        assert_eq!(Reader::new(&[0x80]).nullable_size().unwrap(), None);
        assert_eq!(Reader::new(&[0x80]).text().unwrap(), "");
    }

    #[test]
    fn lengths_that_lie_are_refused_before_anything_is_kept_for_them() {
        let text = Reader::new(&[0x7f, 0xff, 0xff, 0xff, 0x0f]).text();
        assert!(text.unwrap_err().reason.contains("a text of"));
        let count = Reader::new(&[0xff, 0xff, 0x7f, 1, 2]).count();
        assert!(count.unwrap_err().reason.contains("a list of 2097151 in 2 bytes"));
        assert!(Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80]).size().is_err());
        assert_eq!(
            Reader::new(&[3, b'a']).text().unwrap_err().to_string(),
            "message at byte 1: needs 3 more bytes, and 1 are left"
        );
    }

    #[test]
    fn ids_read_as_they_are_written() {
        let uuid: Uuid = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".parse().unwrap();
        assert_eq!(uuid.to_string(), "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
        assert_eq!(uuid.0[0], 0x0f);
        for wrong in [
            "",
            "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1fя",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1-0",
        ] {
            assert!(wrong.parse::<Uuid>().is_err(), "{wrong}");
        }
    }

    use proptest::prelude::*;

    use crate::services::rac::table::{MESSAGES, NEWEST, Reply};

    /// Any value that fits the slot.
    fn any_value(wire: Wire, version: Version) -> BoxedStrategy<Value<'static>> {
        let records = |record: &'static Record| {
            let slots: Vec<_> = record.slots(version).map(|slot| any_value(slot.wire, version)).collect();
            slots.boxed()
        };
        match wire {
            Wire::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
            Wire::Byte => any::<u8>().prop_map(|n| Value::Int(n.into())).boxed(),
            Wire::Short => any::<u16>().prop_map(|n| Value::Int(n.into())).boxed(),
            Wire::Int => any::<i32>().prop_map(|n| Value::Int(n.into())).boxed(),
            Wire::Long => any::<i64>().prop_map(Value::Int).boxed(),
            Wire::Double => (-1e9..1e9).prop_map(Value::Double).boxed(),
            Wire::Time => any::<i64>().prop_map(Value::Time).boxed(),
            Wire::Uuid => any::<[u8; 16]>().prop_map(|id| Value::Uuid(Uuid(id))).boxed(),
            Wire::Text => ".{0,200}".prop_map(|text| Value::Text(Cow::Owned(text))).boxed(),
            Wire::Ports => prop::collection::vec(any::<(u16, u16)>(), 0..4).prop_map(Value::Ports).boxed(),
            Wire::Uuids => prop::collection::vec(any::<[u8; 16]>().prop_map(Uuid), 0..4).prop_map(Value::Uuids).boxed(),
            Wire::Auth => any::<(bool, bool)>().prop_map(|(password, os)| Value::Auth { password, os }).boxed(),
            Wire::One(record) => records(record).prop_map(Value::One).boxed(),
            Wire::Many(record) => prop::collection::vec(records(record), 0..3).prop_map(Value::Many).boxed(),
        }
    }

    /// A record or the body of a request, a version, and values that fit.
    fn any_values() -> impl Strategy<Value = (&'static [Slot], Version, Vec<Value<'static>>)> {
        let slots = MESSAGES.iter().flat_map(|message| {
            let record = match message.reply {
                Reply::One(record) | Reply::Many(record) => record.slots,
                _ => &[],
            };
            [message.body, record]
        });
        let slots: Vec<&'static [Slot]> = slots.filter(|slots| !slots.is_empty()).collect();
        (prop::sample::select(slots), prop::sample::select(vec![3, 4, 5, 6, 7, 8, 9, 10, 11, NEWEST])).prop_flat_map(
            |(slots, version)| {
                let values: Vec<_> =
                    slots.iter().filter(|slot| slot.is_in(version)).map(|slot| any_value(slot.wire, version)).collect();
                (Just(slots), Just(version), values)
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_to_the_last_byte((slots, version, values) in any_values()) {
            let mut writer = Writer::new();
            writer.slots(slots, &values, version);
            let mut reader = Reader::new(writer.bytes());
            prop_assert_eq!(reader.slots(slots, version).unwrap(), values);
            prop_assert!(reader.rest().is_empty());
        }

        #[test]
        fn any_beginning_of_a_record_is_refused_not_misread((slots, version, values) in any_values(), cut in 0.0..1.0f64) {
            let mut writer = Writer::new();
            writer.slots(slots, &values, version);
            let kept = (writer.bytes().len() as f64 * cut) as usize;
            let read = Reader::new(&writer.bytes()[..kept]).slots(slots, version);
            prop_assert!(read.is_err() || kept == writer.bytes().len());
        }
    }
}
