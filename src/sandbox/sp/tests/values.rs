//! Types and values byte for byte, as MS-TDS has them.

use crate::sandbox::sp::bytes::Bytes;
use crate::sandbox::sp::incoming::{Refusal, typed_value};
use crate::sandbox::sp::shape::Shape;
use crate::sandbox::sp::sql::value::{Type, Value};
use crate::sandbox::sp::version::Version;

/// Description and value of a nullable column.
fn bytes(kind: Type, value: &Value) -> (Vec<u8>, Vec<u8>) {
    let shape = Shape::new(kind, true, Version::V7_4);
    let (mut described, mut put) = (Vec::new(), Vec::new());
    shape.describe(&mut described);
    shape.put(value, &mut put).unwrap();
    (described, put)
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// A type with a value, how it is described and how it is sent.
type Known = (Type, fn() -> Value, &'static str, &'static str);

/// `~` is the collation.
const KNOWN: &[Known] = &[
    (Type::Bit, || Value::Bit(true), "68 01", "01 01"),
    (Type::TinyInt, || Value::TinyInt(255), "26 01", "01 FF"),
    (Type::SmallInt, || Value::SmallInt(-2), "26 02", "02 FEFF"),
    (Type::Int, || Value::Int(7), "26 04", "04 07000000"),
    (Type::BigInt, || Value::BigInt(-1), "26 08", "08 FFFFFFFFFFFFFFFF"),
    (Type::Real, || Value::Real(1.5), "6D 04", "04 0000C03F"),
    (Type::Float, || Value::Float(1.5), "6D 08", "08 000000000000F83F"),
    // 1.00 and -123.45
    (Type::Decimal { precision: 18, scale: 2 }, || decimal(100, 18, 2), "6C 09 12 02", "09 01 6400000000000000"),
    (Type::Decimal { precision: 5, scale: 2 }, || decimal(-12345, 5, 2), "6C 05 05 02", "05 00 39300000"),
    (Type::Decimal { precision: 28, scale: 0 }, || decimal(1, 28, 0), "6C 0D 1C 00", "0D 01 010000000000000000000000"),
    (
        Type::Decimal { precision: 38, scale: 0 },
        || decimal(1, 38, 0),
        "6C 11 26 00",
        "11 01 01000000000000000000000000000000",
    ),
    // 1.0000, the higher half first
    (Type::Money, || Value::Money(10_000), "6E 08", "08 00000000 10270000"),
    (Type::Money, || Value::Money(-1), "6E 08", "08 FFFFFFFF FFFFFFFF"),
    (Type::Money, || Value::Money(1 << 32), "6E 08", "08 01000000 00000000"),
    (Type::SmallMoney, || Value::SmallMoney(10_000), "6E 04", "04 10270000"),
    (Type::NVarChar(Some(5)), || Value::text("аб"), "E7 0A00 ~", "0400 30043104"),
    (Type::NVarChar(Some(5)), || Value::text(""), "E7 0A00 ~", "0000"),
    (Type::NVarChar(None), || Value::text("а"), "E7 FFFF ~", "0200000000000000 02000000 3004 00000000"),
    (Type::NVarChar(None), || Value::text(""), "E7 FFFF ~", "0000000000000000 00000000"),
    (Type::NChar(2), || Value::text("a "), "EF 0400 ~", "0400 61002000"),
    (Type::VarChar(Some(10)), || Value::Char("аё№€日".into()), "A7 0A00 ~", "0500 E0B8B9883F"),
    (Type::VarChar(None), || Value::Char("а".into()), "A7 FFFF ~", "0100000000000000 01000000 E0 00000000"),
    (Type::Char(3), || Value::Char("abc".into()), "AF 0300 ~", "0300 616263"),
    (Type::VarBinary(Some(4)), || Value::Binary(vec![1, 2]), "A5 0400", "0200 0102"),
    (Type::VarBinary(None), || Value::Binary(vec![1]), "A5 FFFF", "0100000000000000 01000000 01 00000000"),
    (Type::Binary(1), || Value::Binary(vec![9]), "AD 0100", "0100 09"),
    (
        Type::Guid,
        || Value::Guid(*b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF"),
        "24 10",
        "10 33221100 5544 7766 8899AABBCCDDEEFF",
    ),
    // 2026-11-22
    (Type::Date, || Value::Date(739_941), "28", "03 654A0B"),
    (Type::Time(7), || Value::Time { ticks: 1, scale: 7 }, "29 07", "05 0100000000"),
    (Type::Time(0), || Value::Time { ticks: 36_000_000_000, scale: 0 }, "29 00", "03 100E00"),
    (Type::Time(3), || Value::Time { ticks: 10_000, scale: 3 }, "29 03", "04 01000000"),
    (Type::DateTime, || Value::DateTime { days: 1, ticks: 300 }, "6F 08", "08 01000000 2C010000"),
    (Type::SmallDateTime, || Value::SmallDateTime { days: 1, minutes: 60 }, "6F 04", "04 0100 3C00"),
    (Type::DateTime2(7), || Value::DateTime2 { days: 739_941, ticks: 2, scale: 7 }, "2A 07", "08 0200000000 654A0B"),
    (
        Type::DateTimeOffset(0),
        || Value::DateTimeOffset { days: 0, ticks: 10_000_000, scale: 0, minutes: 180 },
        "2B 00",
        "08 010000 000000 B400",
    ),
    (Type::Xml, || Value::Xml("<a/>".into()), "F1 00", "0800000000000000 08000000 3C0061002F003E00 00000000"),
];

fn decimal(digits: i128, precision: u8, scale: u8) -> Value {
    Value::Decimal { digits, precision, scale }
}

fn known(text: &str) -> Vec<u8> {
    hex(&text.replace('~', "1904D00000"))
}

#[test]
fn every_type_is_described_and_sent_as_the_protocol_has_it() {
    for (kind, value, described, put) in KNOWN {
        assert_eq!(bytes(*kind, &value()), (known(described), known(put)), "{kind}");
    }
}

#[test]
fn every_type_comes_back_as_it_went() {
    for (kind, value, described, put) in KNOWN {
        let sent = [known(described), known(put)].concat();
        let mut left = Bytes::new(&sent);
        let value = match value() {
            // Not all characters are in the code page.
            Value::Char(text) => Value::Char(text.replace('日', "?")),
            value => value,
        };
        assert_eq!(typed_value(&mut left).unwrap(), (*kind, value), "{kind}");
        assert!(left.is_empty(), "{kind}");
    }
}

#[test]
fn null_has_a_form_in_every_type() {
    for (kind, _, described, _) in KNOWN {
        let (_, null) = bytes(*kind, &Value::Null);
        let expected = match kind {
            Type::NVarChar(None) | Type::VarChar(None) | Type::VarBinary(None) | Type::Xml => "FFFFFFFFFFFFFFFF",
            Type::NVarChar(_) | Type::NChar(_) | Type::VarChar(_) | Type::Char(_) => "FFFF",
            Type::VarBinary(_) | Type::Binary(_) => "FFFF",
            _ => "00",
        };
        assert_eq!(null, hex(expected), "{kind}");
        let sent = [known(described), null].concat();
        assert_eq!(typed_value(&mut Bytes::new(&sent)).unwrap(), (*kind, Value::Null));
    }
}

#[test]
fn numbers_that_are_never_null_go_without_a_length() {
    let fixed = |kind, value| {
        let shape = Shape::new(kind, false, Version::V7_4);
        let mut out = Vec::new();
        shape.describe(&mut out);
        shape.put(&value, &mut out).unwrap();
        out
    };
    assert_eq!(fixed(Type::Int, Value::Int(7)), hex("38 07000000"));
    assert_eq!(fixed(Type::Bit, Value::Bit(false)), hex("32 00"));
    assert_eq!(fixed(Type::DateTime, Value::DateTime { days: 1, ticks: 2 }), hex("3D 01000000 02000000"));
    // These have no form without one.
    assert_eq!(fixed(Type::Date, Value::Date(1)), hex("28 03 010000"));
}

#[test]
fn long_types_of_old_carry_a_pointer() {
    let (described, put) = bytes(Type::NText, &Value::text("а"));
    assert_eq!(described, known("63 FEFFFF7F ~"));
    assert_eq!((put.len(), put[0], &put[25..]), (31, 16, &hex("02000000 3004")[..]));
    assert_eq!(bytes(Type::Text, &Value::Char("a".into())).0, known("23 FFFFFF7F ~"));
    assert_eq!(bytes(Type::Image, &Value::Null), (hex("22 FFFFFF7F"), hex("00")));
    // A parameter has none.
    let sent = known("63 FEFFFF7F ~ 02000000 3004");
    assert_eq!(typed_value(&mut Bytes::new(&sent)).unwrap(), (Type::NText, Value::text("а")));
}

#[test]
fn a_variant_carries_its_type() {
    let variant = |value| bytes(Type::Variant, &value);
    assert_eq!(variant(Value::Int(7)), (hex("62 491F0000"), hex("06000000 38 00 07000000")));
    assert_eq!(variant(Value::text("а")).1, known("0B000000 E7 07 ~ 0200 3004"));
    assert_eq!(variant(decimal(1, 9, 2)).1, hex("09000000 6C 02 09 02 01 01000000"));
    assert_eq!(variant(Value::Null).1, hex("00000000"));
    for value in [Value::Int(7), Value::text("а"), decimal(1, 9, 2), Value::Date(5), Value::Binary(vec![1])] {
        let (described, put) = variant(value.clone());
        let sent = [described, put].concat();
        let found = typed_value(&mut Bytes::new(&sent)).unwrap();
        assert_eq!(found, (Type::Variant, Value::Variant(Box::new(value))));
    }
}

#[test]
fn types_that_an_older_client_does_not_know_are_replaced() {
    let older = |kind, value: Value, version| {
        let shape = Shape::new(kind, true, Version(version));
        let (mut described, mut put) = (Vec::new(), Vec::new());
        shape.describe(&mut described);
        shape.put(&value, &mut put).unwrap();
        (described, put)
    };
    let text = |text: &str| {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [(bytes.len() as u16).to_le_bytes().to_vec(), bytes].concat()
    };
    assert_eq!(older(Type::Date, Value::Date(739_941), 0x7209_0002), (known("E7 1400 ~"), text("2026-11-22")));
    let at = Value::DateTime2 { days: 0, ticks: 5, scale: 7 };
    assert_eq!(older(Type::DateTime2(7), at.clone(), 0x7100_0001).1, text("0001-01-01 00:00:00.0000005"));
    assert_eq!(older(Type::DateTime2(7), at, 0x730A_0003).0, hex("2A 07"));
    assert_eq!(older(Type::NVarChar(None), Value::Null, 0x7100_0001), (known("63 FEFFFF7F ~"), hex("00")));
    assert_eq!(older(Type::VarBinary(None), Value::Null, 0x7100_0001).0, hex("22 FFFFFF7F"));
}

#[test]
fn what_cannot_be_a_value_is_refused() {
    for sent in [
        "26 03 03 000000",
        "26 04 03 000000",
        "6C 05 27 00 05 01 01000000",
        "6C 05 05 06 05 01 01000000",
        "6C 11 26 00 11 01 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        "E7 FFFF 1904D00000 0400000000000000 FFFFFFFF 00",
        "E7 411F 1904D00000 0000",
        "AD FFFF 0000",
        "28 03 FFFFFF",
        "29 08 05 0000000000",
        "29 07 05 FFFFFFFFFF",
        "3D 00000000 FFFFFFFF",
        "62 491F0000 06000000 62 00 00000000",
        "62 491F0000 FFFFFFFF 38 00",
        "99",
        "",
    ] {
        let refused = typed_value(&mut Bytes::new(&hex(sent)));
        assert!(matches!(refused, Err(Refusal::Malformed(_))), "{sent}: {refused:?}");
    }
    // A table, a type of the CLR.
    assert_eq!(typed_value(&mut Bytes::new(&hex("F3 00 00 00"))), Err(Refusal::Unsupported(0xF3)));
    assert_eq!(typed_value(&mut Bytes::new(&hex("F0 00 00 00"))), Err(Refusal::Unsupported(0xF0)));
}

#[test]
fn types_of_old_and_untyped_nulls_are_taken() {
    let taken = |sent: &str| typed_value(&mut Bytes::new(&hex(sent))).unwrap();
    assert_eq!(taken("1F").1, Value::Null);
    assert_eq!(taken("27 05 02 E0E1"), (Type::VarChar(Some(5)), Value::Char("аб".into())));
    assert_eq!(taken("25 05 FF"), (Type::VarBinary(Some(5)), Value::Null));
    assert_eq!(taken("38 07000000"), (Type::Int, Value::Int(7)));
    assert_eq!(taken("3F 05 09 02 05 01 64000000"), (Type::Decimal { precision: 9, scale: 2 }, decimal(100, 9, 2)));
    // UTF-8, by its collation; a length that is not known before.
    assert_eq!(taken("A7 0A00 0904D00400 0200 D0B0").1, Value::Char("а".into()));
    let chunks = "E7 FFFF 1904D00000 FEFFFFFFFFFFFFFF 02000000 3004 02000000 3104 00000000";
    assert_eq!(taken(chunks), (Type::NVarChar(None), Value::text("аб")));
    // A schema before an xml.
    assert_eq!(taken("F1 01 00 00 0000 FFFFFFFFFFFFFFFF"), (Type::Xml, Value::Null));
}
