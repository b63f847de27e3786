//! Packets: the type, the length, the payload; and those that the server sends.

use super::bytes::{NULL, Reader, Unreadable, put_nullable_size, put_row, put_size, put_text};
use super::row::{Id, Row};
use crate::services::rac::table::Version;

/// What a client says first: a magic number, the versions of protocol and codec.
pub const MAGIC: [u8; 4] = [0x1c, b'S', b'W', b'P'];
pub const GREETING: usize = 8;

pub const CONNECT: u8 = 1;
pub const CONNECT_ACK: u8 = 2;
pub const DISCONNECT: u8 = 4;
pub const ENDPOINT_OPEN: u8 = 11;
pub const ENDPOINT_OPEN_ACK: u8 = 12;
pub const ENDPOINT_CLOSE: u8 = 13;
pub const ENDPOINT_MESSAGE: u8 = 14;
pub const ENDPOINT_FAILURE: u8 = 15;
pub const KEEP_ALIVE: u8 = 16;

pub const VOID: u8 = 0;
pub const MESSAGE: u8 = 1;
pub const EXCEPTION: u8 = 255;

/// No client has more to say at once.
const MOST: usize = 64 << 20;

/// The type and the place of the payload of the packet that these bytes begin with, when it is there whole.
pub fn whole(bytes: &[u8]) -> Result<Option<(u8, std::ops::Range<usize>)>, Unreadable> {
    let mut reader = Reader(bytes);
    let head = reader.byte().and_then(|kind| Ok((kind, reader.size()?)));
    match head {
        Err(Unreadable::Cut) => Ok(None),
        Err(error) => Err(error),
        Ok((_, length)) if length > MOST => Err(Unreadable::TooLong),
        Ok((kind, length)) => {
            let start = bytes.len() - reader.0.len();
            Ok((reader.0.len() >= length).then_some((kind, start..start + length)))
        }
    }
}

/// A packet that is being written: room for its head stays before the payload, so that nothing is copied.
pub struct Packet {
    kind: u8,
    bytes: Vec<u8>,
    start: usize,
}

/// A type and a length of five bytes at most.
const ROOM: usize = 6;

impl Packet {
    pub fn new(kind: u8) -> Packet {
        Packet { kind, bytes: vec![0; ROOM], start: ROOM }
    }

    /// These very bytes.
    pub fn raw(bytes: &[u8]) -> Packet {
        Packet { kind: 0, bytes: bytes.to_vec(), start: 0 }
    }

    /// An answer on an endpoint, up to its kind.
    pub fn answer(endpoint: usize, kind: u8) -> Packet {
        let mut packet = Packet::new(ENDPOINT_MESSAGE);
        put_nullable_size(&mut packet.bytes, endpoint);
        packet.bytes.extend_from_slice(&[0, 0, kind]);
        packet
    }

    pub fn byte(mut self, byte: u8) -> Packet {
        self.bytes.push(byte);
        self
    }

    pub fn text(mut self, text: &str) -> Packet {
        put_text(&mut self.bytes, text);
        self
    }

    pub fn id(mut self, id: Id) -> Packet {
        self.bytes.extend_from_slice(&id);
        self
    }

    pub fn row(mut self, row: &Row, version: Version) -> Packet {
        put_row(&mut self.bytes, row, version);
        self
    }

    pub fn rows<'a>(mut self, rows: impl ExactSizeIterator<Item = &'a Row>, version: Version) -> Packet {
        put_size(&mut self.bytes, rows.len());
        for row in rows {
            put_row(&mut self.bytes, row, version);
        }
        self
    }

    pub fn endpoint(mut self, endpoint: usize) -> Packet {
        put_nullable_size(&mut self.bytes, endpoint);
        self
    }

    /// A class and a message, no trace, and what caused it.
    pub fn trouble(self, class: &str, message: &str, cause: Option<(&str, &str)>) -> Packet {
        let packet = self.text(class).text(message).byte(0);
        match cause {
            None => packet.byte(NULL),
            Some((class, message)) => packet.trouble(class, message, None),
        }
    }

    pub fn payload(&self) -> &[u8] {
        &self.bytes[ROOM..]
    }

    /// Puts another byte into the payload, if it is as long as that.
    pub fn spoil(&mut self, at: usize, other: impl Fn(u8) -> u8) {
        if let Some(byte) = self.bytes.get_mut(ROOM + at) {
            *byte = other(*byte);
        }
    }

    pub fn length(&self) -> usize {
        self.payload().len()
    }

    /// With its head, in which the length may be said to be another.
    pub fn sealed(mut self, length: usize) -> Packet {
        let mut head = vec![self.kind];
        put_size(&mut head, length);
        self.start = ROOM - head.len();
        self.bytes[self.start..ROOM].copy_from_slice(&head);
        self
    }

    /// All that is to be sent.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}
