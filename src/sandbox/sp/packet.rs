//! Packets: requests are put together of them, answers are cut into them.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::bytes::Malformed;

/// Bytes before the body of each packet.
pub const HEAD: usize = 8;
/// The size of packets that nobody has agreed on another one for.
pub const USUAL: usize = 4096;
/// No client may ask for larger packets.
pub const LARGEST: usize = 32_767;

/// What packets are about.
pub mod kind {
    pub const BATCH: u8 = 0x01;
    pub const RPC: u8 = 0x03;
    pub const ANSWER: u8 = 0x04;
    pub const ATTENTION: u8 = 0x06;
    pub const BULK: u8 = 0x07;
    pub const TRANSACTION: u8 = 0x0E;
    pub const LOGIN: u8 = 0x10;
    pub const PRELOGIN: u8 = 0x12;
}

/// Bits of a packet's status.
pub mod status {
    /// The last packet of the message.
    pub const LAST: u8 = 0x01;
    /// The client thinks better of it: the message is not to be acted on.
    pub const IGNORE: u8 = 0x02;
    /// The session is made new first.
    pub const RESET: u8 = 0x08;
    /// The same, but for its transaction.
    pub const RESET_KEEPING_TRANSACTION: u8 = 0x10;
}

/// A whole message of a client.
#[derive(Debug, PartialEq)]
pub struct Message {
    pub kind: u8,
    /// Bits of the first packet, and IGNORE of the last.
    pub status: u8,
    pub body: Vec<u8>,
}

/// Why there are no more messages.
#[derive(Debug)]
pub enum Lost {
    /// The connection is closed or broken.
    Gone,
    /// What came is no message.
    Malformed(Malformed),
}

impl From<io::Error> for Lost {
    fn from(_: io::Error) -> Lost {
        Lost::Gone
    }
}

impl From<Malformed> for Lost {
    fn from(malformed: Malformed) -> Lost {
        Lost::Malformed(malformed)
    }
}

/// What a client sends, message after message.
pub struct Messages<R> {
    io: R,
    /// Bytes that are no whole packet yet.
    buffer: BytesMut,
    /// The message so far.
    partial: Option<Message>,
    /// Largest body of a message in bytes.
    most: usize,
}

impl<R: AsyncRead + Unpin> Messages<R> {
    pub fn new(io: R, most: usize) -> Messages<R> {
        Messages { io, buffer: BytesMut::new(), partial: None, most }
    }

    pub fn allow(&mut self, most: usize) {
        self.most = most;
    }

    /// The next message. May be dropped at any moment: nothing that was read is lost.
    pub async fn next(&mut self) -> Result<Message, Lost> {
        loop {
            if let Some(message) = self.whole()? {
                return Ok(message);
            }
            if self.io.read_buf(&mut self.buffer).await? == 0 {
                return Err(Lost::Gone);
            }
        }
    }

    /// Reads on to the end of the connection and forgets it.
    pub async fn skip(&mut self) {
        while self.io.read_buf(&mut self.buffer).await.is_ok_and(|more| more > 0) {
            self.buffer.clear();
        }
    }

    /// Takes whole packets out of the buffer, until one ends a message.
    fn whole(&mut self) -> Result<Option<Message>, Malformed> {
        while let Some(&[kind, status, high, low, ..]) = self.buffer.first_chunk::<HEAD>() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if !(HEAD..=LARGEST + 1).contains(&length) {
                return Err(Malformed("a packet has an impossible length"));
            }
            if self.buffer.len() < length {
                self.buffer.reserve(length - self.buffer.len());
                return Ok(None);
            }
            let mut packet = self.buffer.split_to(length);
            packet.advance(HEAD);
            if let Some(message) = self.add(kind, status, &packet)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    fn add(&mut self, kind: u8, status: u8, body: &[u8]) -> Result<Option<Message>, Malformed> {
        let mut message = match self.partial.take() {
            // An attention in the middle of a request calls it off.
            _ if kind == kind::ATTENTION => return Ok(Some(Message { kind, status, body: Vec::new() })),
            Some(message) if message.kind != kind => return Err(Malformed("a packet is not of the message begun")),
            Some(message) => message,
            None => Message { kind, status, body: Vec::new() },
        };
        if message.body.len() + body.len() > self.most {
            return Err(Malformed("a request is too long"));
        }
        message.body.extend_from_slice(body);
        if status & status::LAST == 0 {
            self.partial = Some(message);
            return Ok(None);
        }
        message.status |= status & status::IGNORE;
        Ok(Some(message))
    }
}

/// Cuts an answer into packets.
#[derive(Debug)]
pub struct Framer {
    /// Bytes of a packet with its head.
    pub size: usize,
    pub spid: u16,
    number: u8,
}

impl Framer {
    pub fn new() -> Framer {
        Framer { size: USUAL, spid: 0, number: 0 }
    }

    /// Moves whole packets of the body into `framed`, and the rest with the mark of the end when this is the last of it.
    /// Without that at least a byte stays, so that there is something to put the mark on.
    pub fn frame(&mut self, body: &mut Vec<u8>, last: bool, framed: &mut Vec<u8>) {
        let most = self.size - HEAD;
        let mut left = body.as_slice();
        framed.reserve(left.len() + (left.len() / most + 1) * HEAD);
        while left.len() > most {
            let (packet, after) = left.split_at(most);
            self.packet(packet, 0, framed);
            left = after;
        }
        if last {
            self.packet(left, status::LAST, framed);
            self.number = 0;
            left = &[];
        }
        let taken = body.len() - left.len();
        body.drain(..taken);
    }

    /// Moves everything into `framed`, even where it fills no packet; the message goes on.
    pub fn frame_all(&mut self, body: &mut Vec<u8>, framed: &mut Vec<u8>) {
        self.frame(body, false, framed);
        if !body.is_empty() {
            self.packet(body, 0, framed);
            body.clear();
        }
    }

    fn packet(&mut self, body: &[u8], status: u8, framed: &mut Vec<u8>) {
        self.number = self.number.wrapping_add(1);
        // Packets are never longer than `LARGEST`.
        let [high, low] = ((body.len() + HEAD) as u16).to_be_bytes();
        let [spid_high, spid_low] = self.spid.to_be_bytes();
        framed.extend_from_slice(&[kind::ANSWER, status, high, low, spid_high, spid_low, self.number, 0]);
        framed.extend_from_slice(body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, status: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, status, 0, (body.len() + HEAD) as u8, 0, 0, 1, 0];
        bytes.extend_from_slice(body);
        bytes
    }

    async fn read(sent: &[u8]) -> (Vec<Message>, Lost) {
        let mut messages = Messages::new(sent, 100);
        let mut read = Vec::new();
        loop {
            match messages.next().await {
                Ok(message) => read.push(message),
                Err(lost) => return (read, lost),
            }
        }
    }

    #[tokio::test]
    async fn messages_are_put_together_of_packets_and_an_attention_calls_one_off() {
        let sent = [
            packet(kind::BATCH, status::RESET, b"ab"),
            packet(kind::BATCH, status::LAST, b"c"),
            packet(kind::RPC, 0, b"half"),
            packet(kind::ATTENTION, status::LAST, b""),
            packet(kind::RPC, status::LAST | status::IGNORE, b"no"),
        ];
        let (messages, lost) = read(&sent.concat()).await;
        let message = |kind, status, body: &[u8]| Message { kind, status, body: body.to_vec() };
        assert_eq!(messages[0], message(kind::BATCH, status::RESET, b"abc"));
        assert_eq!(messages[1].kind, kind::ATTENTION);
        assert_eq!(messages[2].status & status::IGNORE, status::IGNORE);
        assert!(messages.len() == 3 && matches!(lost, Lost::Gone));
    }

    #[tokio::test]
    async fn what_is_no_message_is_refused() {
        for sent in [
            vec![kind::BATCH, 1, 0, 7, 0, 0, 1, 0],
            vec![kind::BATCH, 1, 0xFF, 0xFF, 0, 0, 1, 0],
            [packet(kind::BATCH, 0, b"a"), packet(kind::RPC, 1, b"b")].concat(),
            [packet(kind::BATCH, 0, &[0; 90]), packet(kind::BATCH, 1, &[0; 90])].concat(),
        ] {
            let (messages, lost) = read(&sent).await;
            assert!(messages.is_empty() && matches!(lost, Lost::Malformed(_)), "{lost:?}");
        }
    }

    #[test]
    fn answers_are_cut_where_packets_are_full_and_the_last_one_is_marked() {
        let mut framer = Framer { size: 512, spid: 51, number: 0 };
        let (mut body, mut framed) = (vec![7; 504 * 2], Vec::new());
        framer.frame(&mut body, false, &mut framed);
        assert_eq!((body.len(), framed.len()), (504, 512));
        assert_eq!(framed[..HEAD], [4, 0, 2, 0, 0, 51, 1, 0]);
        framer.frame_all(&mut body, &mut framed);
        body.push(1);
        framer.frame(&mut body, true, &mut framed);
        assert_eq!(framed[1024..], [4, 1, 0, 9, 0, 51, 3, 0, 1]);
        assert!(body.is_empty());
    }
}
