//! The login of a client: what it says of itself and asks for.

use super::bytes::{Bytes, Malformed, Read, utf16};
use super::packet::{LARGEST, USUAL};
use super::version::Version;

/// Bytes before the texts.
const HEAD: usize = 94;
/// Packets are at least this long.
const SMALLEST: usize = 512;
/// Features that a client may ask for, and this server has.
const UTF8: u8 = 0x0A;

/// What a client says of itself.
#[derive(Clone, PartialEq)]
pub struct Login {
    /// As asked for, see [`Version`].
    pub version: u32,
    /// Bytes of a packet, within what is possible.
    pub packet: usize,
    pub host: String,
    pub user: String,
    pub password: String,
    pub program: String,
    pub database: String,
    pub language: String,
    /// Whether it wants to come in as a user of Windows.
    pub integrated: bool,
    /// Features that it asks for, by their numbers; `None` when it knows nothing of features.
    pub features: Option<Vec<u8>>,
}

impl Login {
    pub fn read(body: &[u8]) -> Read<Login> {
        let mut bytes = Bytes::new(body);
        // A client may fill up with anything behind it.
        let length = usize::try_from(bytes.u32()?).unwrap_or(usize::MAX);
        let body = body.get(..length).ok_or(Malformed("the login is shorter than it says"))?;
        if length < HEAD {
            return Err(Malformed("the login is too short"));
        }
        let (version, asked) = (bytes.u32()?, bytes.u32()?);
        bytes.take(12)?;
        let [_, second, _, third] = bytes.array()?;
        let text = |at| field(body, at).map(utf16);
        let packet = if asked == 0 { USUAL } else { usize::try_from(asked).unwrap_or(LARGEST) };
        let features = if third & 0x10 == 0 { None } else { Some(features(body)?) };
        Ok(Login {
            version,
            packet: packet.clamp(SMALLEST, LARGEST),
            host: text(36)?,
            user: text(40)?,
            // Half-bytes are swapped and some bits turned round: it keeps nobody from reading along.
            password: utf16(&field(body, 44)?.iter().map(|byte| (byte ^ 0xA5).rotate_left(4)).collect::<Vec<_>>()),
            program: text(48)?,
            language: text(64)?,
            database: text(68)?,
            integrated: second & 0x80 != 0,
            features,
        })
    }

    /// What of the features is there, with what is told of each.
    pub fn known_features(&self) -> Option<Vec<(u8, &'static [u8])>> {
        let asked = self.features.as_ref()?;
        Some(asked.iter().filter(|feature| **feature == UTF8).map(|_| (UTF8, &[1][..])).collect())
    }

    /// What the server speaks with this client.
    pub fn agreed(&self) -> Option<Version> {
        Version::agreed(self.version)
    }
}

/// The bytes of a text whose place stands here: offset in bytes, length in characters.
fn field(body: &[u8], at: usize) -> Read<&[u8]> {
    let mut place = Bytes::new(body.get(at..).unwrap_or_default());
    let (offset, length) = (usize::from(place.u16()?), usize::from(place.u16()?) * 2);
    match length {
        // Some clients leave the place of an empty text empty.
        0 => Ok(&[]),
        length => body.get(offset..offset + length).ok_or(Malformed("a text lies outside the login")),
    }
}

/// The numbers of features; their place stands where the field of that name says.
fn features(body: &[u8]) -> Read<Vec<u8>> {
    let outside = Malformed("the features lie outside the login");
    let place = Bytes::new(body.get(56..).unwrap_or_default()).u16()?;
    let at = Bytes::new(body.get(usize::from(place)..).ok_or(outside)?).u32()?;
    let mut bytes = Bytes::new(body.get(usize::try_from(at).unwrap_or(usize::MAX)..).ok_or(outside)?);
    let mut features = Vec::new();
    loop {
        match bytes.u8()? {
            0xFF => return Ok(features),
            feature => {
                let length = bytes.u32()?;
                bytes.take(usize::try_from(length).unwrap_or(usize::MAX))?;
                features.push(feature);
            }
        }
    }
}
