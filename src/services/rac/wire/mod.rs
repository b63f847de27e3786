//! Bytes of the protocol and texts of the utility; pure.

pub mod codec;
pub mod encoding;
pub mod errors;
pub mod packet;
pub mod parse;
pub mod print;
pub mod shape;

pub use codec::{Reader, Uuid, Value, Writer};
