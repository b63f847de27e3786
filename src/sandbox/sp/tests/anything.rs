//! Whatever a client sends, it is taken or refused; nothing panics, and nothing is kept that was not sent.

use proptest::prelude::*;

use crate::sandbox::sp::bytes::Bytes;
use crate::sandbox::sp::incoming::typed_value;
use crate::sandbox::sp::packet::{Message, kind};
use crate::sandbox::sp::read_anything;
use crate::sandbox::sp::request::Request;
use crate::sandbox::sp::version::Version;

/// Random bytes in which the numbers that matter to the protocol are frequent.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![any::<u8>(), prop::sample::select(vec![0, 1, 2, 4, 8, 0x26, 0xE7, 0xA7, 0xFE, 0xFF, 0x6C, 0x62])];
    prop::collection::vec(byte, 0..300)
}

/// Headers that are right, so that what is behind them is read at all.
fn headed(body: &[u8]) -> Vec<u8> {
    [&[22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0][..], body].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn as_a_request(body in bytes(), of in prop::sample::select(vec![kind::BATCH, kind::RPC, kind::TRANSACTION, 0x42])) {
        for body in [headed(&body), body] {
            for version in [Version::V7_4, Version(0x7100_0001)] {
                let message = Message { kind: of, status: 1, body: body.clone() };
                let read = format!("{:?}", Request::read(&message, version));
                // A number of calls or a length that was only claimed takes no memory.
                prop_assert!(read.len() < 200_000);
            }
        }
    }

    #[test]
    fn as_a_value(body in bytes()) {
        typed_value(&mut Bytes::new(&body)).ok();
    }

    #[test]
    fn as_anything(body in bytes()) {
        read_anything(&body);
        let mut long = [&[0x10, 0x2C, 1, 0, 0][..], &body].concat();
        long.resize(301, 0xFF);
        read_anything(&long);
    }
}
