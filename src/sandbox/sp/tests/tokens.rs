//! Tokens byte for byte, as MS-TDS has them, for old clients and new ones.

use crate::sandbox::sp::shape::Misfit;
use crate::sandbox::sp::sql::out::{Column, Said};
use crate::sandbox::sp::sql::value::{Type, Value};
use crate::sandbox::sp::tokens::{Done, Ended, Tokens, done};
use crate::sandbox::sp::version::Version;

fn told(version: u32, tell: impl FnOnce(&mut Tokens)) -> Vec<u8> {
    let mut tokens = Tokens::new(Version(version));
    tell(&mut tokens);
    tokens.bytes
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

const OLD: u32 = 0x7100_0001;
const NEW: u32 = 0x7400_0004;

#[test]
fn a_message_has_its_line_in_two_bytes_or_four() {
    let said = Said { number: 50000, severity: 16, state: 3, text: "нет".into(), procedure: "p".into(), line: 7 };
    let body = |line: &[u8]| {
        let head = [&[0x50, 0xC3, 0, 0, 3, 16, 3, 0][..], &wide("нет"), &[7], &wide("SANDBOX"), &[1], &wide("p")];
        let body = [head.concat(), line.to_vec()].concat();
        [&[0xAA, body.len() as u8, 0][..], &body].concat()
    };
    assert_eq!(told(OLD, |tokens| tokens.error(&said)), body(&[7, 0]));
    assert_eq!(told(NEW, |tokens| tokens.error(&said)), body(&[7, 0, 0, 0]));
    assert_eq!(told(NEW, |tokens| tokens.info(&said))[0], 0xAB);
    let long = Said { text: "ы".repeat(100_000), ..said };
    let bytes = told(NEW, |tokens| tokens.error(&long));
    assert_eq!(usize::from(u16::from_le_bytes([bytes[1], bytes[2]])), bytes.len() - 3);
}

#[test]
fn an_end_counts_in_four_bytes_or_eight() {
    let done = Done { ended: Ended::Inside, status: done::MORE, command: 0xC1, count: Some(5) };
    assert_eq!(told(OLD, |tokens| tokens.done(done)), [0xFF, 0x11, 0, 0xC1, 0, 5, 0, 0, 0]);
    assert_eq!(told(NEW, |tokens| tokens.done(done)), [0xFF, 0x11, 0, 0xC1, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
    let none = Done { count: None, ..done };
    assert_eq!(told(OLD, |tokens| tokens.done(none)), [0xFF, 1, 0, 0xC1, 0, 0, 0, 0, 0]);
}

#[test]
fn columns_say_what_they_are() {
    let columns =
        [Column { nullable: false, identity: true, ..Column::new("id", Type::Int) }, Column::new("", Type::Text)];
    let old = [
        &[0x81, 2, 0, 0, 0, 0x18, 0, 0x38, 2][..],
        &wide("id"),
        &[0, 0, 9, 0, 0x23, 0xFF, 0xFF, 0xFF, 0x7F, 0x19, 4, 0xD0, 0, 0, 0, 0, 0],
    ];
    assert_eq!(told(OLD, |tokens| drop(tokens.columns(&columns))), old.concat());
    let new = [
        &[0x81, 2, 0, 0, 0, 0, 0, 0x18, 0, 0x38, 2][..],
        &wide("id"),
        &[0, 0, 0, 0, 9, 0, 0x23, 0xFF, 0xFF, 0xFF, 0x7F, 0x19, 4, 0xD0, 0, 0, 1, 0, 0, 0],
    ];
    assert_eq!(told(NEW, |tokens| drop(tokens.columns(&columns))), new.concat());
}

#[test]
fn rows_with_many_nulls_say_so_in_a_bitmap() {
    let columns: Vec<Column> = (0..9).map(|_| Column::new("", Type::TinyInt)).collect();
    let row = |version, values: &[Value]| {
        let mut tokens = Tokens::new(Version(version));
        let shapes = tokens.columns(&columns);
        tokens.bytes.clear();
        tokens.row(&shapes, values).map(|()| tokens.bytes)
    };
    let mut values = vec![Value::Null; 9];
    values[3] = Value::TinyInt(5);
    assert_eq!(row(NEW, &values), Ok(vec![0xD2, 0b1111_0111, 1, 1, 5]));
    assert_eq!(row(0x7209_0002, &values), Ok(vec![0xD1, 0, 0, 0, 1, 5, 0, 0, 0, 0, 0]));
    // Two NULLs take as much as the bitmap.
    let mut values = vec![Value::TinyInt(1); 9];
    (values[0], values[8]) = (Value::Null, Value::Null);
    assert_eq!(row(NEW, &values).unwrap()[0], 0xD1);
    assert_eq!(row(NEW, &values[..8]), Err(Misfit));
    values[1] = Value::text("a");
    assert_eq!(row(NEW, &values), Err(Misfit));
}

#[test]
fn out_values_and_return_codes() {
    assert_eq!(told(NEW, |tokens| tokens.return_status(-3)), [0x79, 0xFD, 0xFF, 0xFF, 0xFF]);
    let value = |tokens: &mut Tokens| tokens.return_value(2, "@o", Type::Int, &Value::Int(7)).unwrap();
    let old = [&[0xAC, 2, 0, 2][..], &wide("@o"), &[1, 0, 0, 0, 0, 0x26, 4, 4, 7, 0, 0, 0]];
    assert_eq!(told(OLD, value), old.concat());
    let new = [&[0xAC, 2, 0, 2][..], &wide("@o"), &[1, 0, 0, 0, 0, 0, 0, 0x26, 4, 4, 7, 0, 0, 0]];
    assert_eq!(told(NEW, value), new.concat());
}

#[test]
fn what_is_another_now() {
    let database = [&[0xE3, 9, 0, 1, 2][..], &wide("ab"), &[1], &wide("m")];
    assert_eq!(told(NEW, |tokens| tokens.changed_text(1, "ab", "m")), database.concat());
    assert_eq!(told(NEW, Tokens::collation), [0xE3, 8, 0, 7, 5, 0x19, 4, 0xD0, 0, 0, 0]);
    assert_eq!(told(NEW, |tokens| tokens.began(7)), [0xE3, 11, 0, 8, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(told(NEW, |tokens| tokens.committed(7)), [0xE3, 11, 0, 9, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(told(NEW, |tokens| tokens.rolled_back(7)), [0xE3, 11, 0, 10, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(told(NEW, Tokens::session_reset), [0xE3, 3, 0, 18, 0, 0]);
    let acknowledged = told(NEW, Tokens::login_acknowledged);
    assert_eq!(acknowledged[..8], [0xAD, 50, 0, 1, 0x74, 0, 0, 4]);
    assert_eq!(acknowledged[acknowledged.len() - 4..], [16, 0, 0x10, 0x27]);
    assert_eq!(told(NEW, |tokens| tokens.features(&[(10, &[1])])), [0xAE, 10, 1, 0, 0, 0, 1, 0xFF]);
}
