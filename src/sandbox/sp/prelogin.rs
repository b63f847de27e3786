//! The first exchange: who is there, and whether to encrypt.

use super::bytes::{Bytes, Malformed, Read};
use super::knobs::Encryption;
use super::tokens::BUILD;

mod option {
    pub const VERSION: u8 = 0;
    pub const ENCRYPTION: u8 = 1;
    pub const INSTANCE: u8 = 2;
    pub const THREAD: u8 = 3;
    pub const MARS: u8 = 4;
    pub const TRACE: u8 = 5;
    pub const END: u8 = 0xFF;
}

/// What is said of encryption. The two highest bits are about certificates of clients, which nobody here asks for.
mod says {
    pub const OFF: u8 = 0;
    pub const ON: u8 = 1;
    pub const NOT_SUPPORTED: u8 = 2;
    pub const REQUIRED: u8 = 3;
    pub const MASK: u8 = 0x3F;
}

/// What is encrypted after the first exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    Nothing,
    Login,
    Everything,
    /// The client has no TLS and the server insists.
    Impossible,
}

/// What a client says first.
#[derive(Debug, PartialEq)]
pub struct Prelogin {
    encryption: u8,
    /// Which of the options it gave, in its order.
    options: Vec<u8>,
}

impl Prelogin {
    pub fn read(body: &[u8]) -> Read<Prelogin> {
        let mut heads = Bytes::new(body);
        let mut prelogin = Prelogin { encryption: says::NOT_SUPPORTED, options: Vec::new() };
        loop {
            let option = heads.u8()?;
            if option == option::END {
                break;
            }
            let (offset, length) = (usize::from(heads.u16_be()?), usize::from(heads.u16_be()?));
            let value = body.get(offset..offset + length).ok_or(Malformed("an option lies outside its message"))?;
            if option == option::ENCRYPTION {
                prelogin.encryption = value.first().ok_or(Malformed("an option is empty"))? & says::MASK;
            }
            prelogin.options.push(option);
        }
        match prelogin.options.first() {
            Some(&option::VERSION) => Ok(prelogin),
            _ => Err(Malformed("the version is not the first option")),
        }
    }

    /// What to answer about encryption, and what follows from it.
    pub fn agree(&self, knob: Encryption) -> (u8, Agreed) {
        use Agreed::{Everything, Impossible, Login, Nothing};
        match (knob, self.encryption) {
            (Encryption::Off, _) => (says::NOT_SUPPORTED, Nothing),
            (Encryption::Login | Encryption::On, says::NOT_SUPPORTED) => (says::NOT_SUPPORTED, Nothing),
            (Encryption::Required, says::NOT_SUPPORTED) => (says::REQUIRED, Impossible),
            (Encryption::Login, says::OFF) => (says::OFF, Login),
            (Encryption::On | Encryption::Required, says::OFF) => (says::REQUIRED, Everything),
            (_, _) => (says::ON, Everything),
        }
    }

    /// The answer: the version and what is answered about encryption, and of the rest what was asked for.
    pub fn answer(&self, encryption: u8) -> Vec<u8> {
        let version = [BUILD[0], BUILD[1], BUILD[2], BUILD[3], 0, 0];
        let mut options: Vec<(u8, &[u8])> = vec![(option::VERSION, &version)];
        let encryption = [encryption];
        options.push((option::ENCRYPTION, &encryption));
        for (option, value) in
            [(option::INSTANCE, &[0][..]), (option::THREAD, &[]), (option::MARS, &[0]), (option::TRACE, &[])]
        {
            if self.options.contains(&option) {
                options.push((option, value));
            }
        }
        let (mut heads, mut values) = (Vec::new(), Vec::new());
        for (option, value) in &options {
            let offset = (options.len() * 5 + 1 + values.len()) as u16;
            heads.push(*option);
            heads.extend(offset.to_be_bytes());
            heads.extend((value.len() as u16).to_be_bytes());
            values.extend_from_slice(value);
        }
        heads.push(option::END);
        heads.extend(values);
        heads
    }
}
