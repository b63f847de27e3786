//! Packets of the protocol: the opening, endpoints, messages, exceptions; written and read by both ends.

use std::borrow::Cow;

use super::codec::{Malformed, Reader, Value, Writer};
use crate::services::rac::table::{Message, Version};

/// What a client says first: magic, protocol, codec. No answer comes, and no packet is around it.
pub const NEGOTIATE: [u8; 8] = [0x1c, 0x53, 0x57, 0x50, 1, 0, 1, 0];
/// The service whose endpoints are opened.
pub const SERVICE: &str = "v8.service.Admin.Cluster";

pub const CONNECT: u8 = 1;
pub const CONNECT_ACK: u8 = 2;
pub const DISCONNECT: u8 = 4;
pub const ENDPOINT_OPEN: u8 = 11;
pub const ENDPOINT_OPEN_ACK: u8 = 12;
pub const ENDPOINT_CLOSE: u8 = 13;
pub const ENDPOINT_MESSAGE: u8 = 14;
pub const ENDPOINT_FAILURE: u8 = 15;
pub const KEEP_ALIVE: u8 = 16;

/// Kinds of messages.
pub const VOID: u8 = 0;
pub const MESSAGE: u8 = 1;
pub const EXCEPTION: u8 = 255;

/// How deep causes of causes are read.
const DEEPEST: usize = 16;

/// The head of a packet: its type and the length of what follows, and how many bytes the head takes. Nothing while
/// bytes are missing.
pub fn head(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, Malformed> {
    // A type byte, and a size of at most five bytes.
    let mut reader = Reader::new(bytes);
    let Ok(kind) = reader.byte() else { return Ok(None) };
    match reader.size() {
        Ok(length) => Ok(Some((kind, length, reader.position()))),
        Err(_) if bytes.len() < 7 => Ok(None),
        Err(malformed) => Err(malformed),
    }
}

/// A whole packet.
pub fn packet(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.byte(kind).size(payload.len()).raw(payload);
    writer.into_bytes()
}

/// What a client sends first, in one write.
pub fn connect(timeout_ms: i32) -> Vec<u8> {
    let mut map = Writer::new();
    // One entry; 4 says that its value is an int.
    map.nullable_size(1).text("connect.timeout").byte(4).int(timeout_ms);
    let mut bytes = NEGOTIATE.to_vec();
    bytes.extend(packet(CONNECT, map.bytes()));
    bytes
}

/// `11.0`.
pub fn version_text(version: Version) -> String {
    format!("{version}.0")
}

/// The major number of `11.0`.
pub fn version_of(text: &str) -> Option<Version> {
    text.trim().split('.').next()?.parse().ok()
}

pub fn endpoint_open(version: Version) -> Vec<u8> {
    let mut payload = Writer::new();
    payload.text(SERVICE).text(&version_text(version)).null();
    packet(ENDPOINT_OPEN, payload.bytes())
}

pub fn endpoint_close(endpoint: usize) -> Vec<u8> {
    packet(ENDPOINT_CLOSE, Writer::new().nullable_size(endpoint).bytes())
}

/// The version that a server opened the endpoint with, and the endpoint's number.
pub fn endpoint_opened(payload: &[u8]) -> Result<(String, usize), Malformed> {
    let mut reader = Reader::new(payload);
    reader.text()?;
    let version = reader.text()?.into_owned();
    Ok((version, reader.nullable_size()?.unwrap_or(0)))
}

/// The body of a request: a message of this number with these values, on this endpoint.
pub fn request(endpoint: usize, message: &Message, values: &[Value<'_>], version: Version) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.nullable_size(endpoint).short(0).byte(MESSAGE).byte(message.id).slots(message.body, values, version);
    writer.into_bytes()
}

/// What a message is.
#[derive(Debug, PartialEq)]
pub enum Body<'a> {
    Void,
    /// The number, and the bytes after it.
    Message(u8, &'a [u8]),
    Exception(Exception<'a>),
}

/// A refusal, as the server words it.
#[derive(Debug, Default, PartialEq)]
pub struct Exception<'a> {
    pub class: Cow<'a, str>,
    pub text: Cow<'a, str>,
    pub trace: Vec<Cow<'a, str>>,
    pub cause: Option<Box<Exception<'a>>>,
}

impl<'a> Exception<'a> {
    fn read(reader: &mut Reader<'a>, deep: usize) -> Result<Exception<'a>, Malformed> {
        let (class, text) = (reader.text()?, reader.text()?);
        let trace = (0..reader.count()?).map(|_| reader.text()).collect::<Result<_, _>>()?;
        // A server that says no more than this has said enough.
        let more = matches!(reader.rest().first(), Some(first) if *first != 0x80) && deep < DEEPEST;
        let cause = if more { Some(Box::new(Exception::read(reader, deep + 1)?)) } else { None };
        Ok(Exception { class, text, trace, cause })
    }

    pub fn write(&self, to: &mut Writer) {
        to.text(&self.class).text(&self.text).size(self.trace.len());
        for line in &self.trace {
            to.text(line);
        }
        match &self.cause {
            Some(cause) => cause.write(to),
            None => {
                to.null();
            }
        }
    }

    /// The exception and its causes, from the outside in.
    pub fn chain(&self) -> impl Iterator<Item = &Exception<'a>> {
        std::iter::successors(Some(self), |exception| exception.cause.as_deref())
    }
}

/// The endpoint of a message, and what it is.
pub fn message(payload: &[u8]) -> Result<(usize, Body<'_>), Malformed> {
    let mut reader = Reader::new(payload);
    let endpoint = reader.nullable_size()?.unwrap_or(0);
    let format = reader.short()?;
    if format != 0 {
        return Err(Malformed { what: "message", at: reader.position(), reason: format!("unknown format {format}") });
    }
    let body = match reader.byte()? {
        VOID => Body::Void,
        MESSAGE => Body::Message(reader.byte()?, reader.rest()),
        EXCEPTION => Body::Exception(Exception::read(&mut reader, 0)?),
        kind => {
            return Err(Malformed { what: "message", at: reader.position(), reason: format!("unknown kind {kind}") });
        }
    };
    Ok((endpoint, body))
}

/// Why a server would not open an endpoint, or closed one.
pub fn endpoint_failure(payload: &[u8]) -> Result<Exception<'_>, Malformed> {
    let mut reader = Reader::new(payload);
    reader.text()?;
    reader.text()?;
    reader.nullable_size()?;
    Exception::read(&mut reader, 0)
}

/// The versions in `supported=[3.0, 4.0]`, wherever in the texts it stands.
pub fn supported(failure: &Exception<'_>) -> Vec<Version> {
    let texts = failure.chain().flat_map(|exception| std::iter::once(&exception.text).chain(&exception.trace));
    let lists = texts.filter_map(|text| text.split_once("supported=")?.1.split(']').next());
    let versions = lists.flat_map(|list| list.split(|c: char| !c.is_ascii_digit() && c != '.'));
    versions.filter_map(version_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::rac::table;

    #[test]
    fn the_opening_is_what_the_utility_sends() {
        let bytes = connect(2000);
        assert_eq!(bytes[..8], NEGOTIATE);
        assert_eq!(bytes[8..], *b"\x01\x16\x01\x0fconnect.timeout\x04\x00\x00\x07\xd0");
        assert_eq!(endpoint_open(11), *b"\x0b\x1f\x18v8.service.Admin.Cluster\x0411.0\x80");
        assert_eq!(endpoint_close(1), [0x0d, 1, 1]);
    }

    #[test]
    fn requests_are_those_of_the_samples() {
        let clusters = request(1, table::message(table::CLUSTERS).unwrap(), &[], 11);
        assert_eq!(packet(ENDPOINT_MESSAGE, &clusters), [0x0e, 5, 1, 0, 0, 1, 0x0b]);

        let cluster = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".parse().unwrap();
        let values = [Value::Uuid(cluster), Value::Text("adm".into()), Value::Text("пароль".into())];
        let message = table::message(table::AUTHENTICATE_CLUSTER).unwrap();
        let bytes = packet(ENDPOINT_MESSAGE, &request(1, message, &values, 11));
        assert_eq!(bytes[..7], [0x0e, 0x26, 1, 0, 0, 1, 9]);
        assert_eq!(bytes[23..], *b"\x03adm\x0c\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c");
    }

    #[test]
    fn exceptions_are_read_with_their_causes() {
        let payload = b"\x01\x00\x00\xff\x28v8.service.Admin.Cluster#ClusterNotFound\x0aNo cluster\x00\x80";
        let (endpoint, Body::Exception(exception)) = message(payload).unwrap() else { unreachable!() };
        assert_eq!(
            (endpoint, &*exception.class, &*exception.text),
            (1, "v8.service.Admin.Cluster#ClusterNotFound", "No cluster")
        );
        assert_eq!(exception.cause, None);
    }

    #[test]
    fn the_versions_that_a_server_knows_are_in_what_it_says() {
        let failure = Exception {
            cause: Some(Box::new(Exception {
                text: "UnsupportedService supported=[9.0, 10.0]".into(),
                ..Exception::default()
            })),
            ..Exception::default()
        };
        assert_eq!(supported(&failure), [9, 10]);
        assert!(supported(&Exception::default()).is_empty());
    }

    #[test]
    fn heads_wait_for_their_bytes() {
        assert_eq!(head(&[]), Ok(None));
        assert_eq!(head(&[14, 0x80]), Ok(None));
        assert_eq!(head(&[14, 0x84, 1, 9]), Ok(Some((14, 132, 3))));
        assert!(head(&[14, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err());
    }
}
