//! What comes after the login: texts, calls of procedures, transactions.

use super::bytes::{Bytes, Malformed, Read, utf16};
use super::incoming::{Refusal, typed_value};
use super::packet::{Message, kind};
use super::sql::value::Parameter;
use super::version::Version;

/// The server takes no more of them in one call.
const MOST_PARAMETERS: usize = 2100;

/// A request and the transaction that its client believes to be in.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// 0 is none.
    pub transaction: u64,
    pub what: What,
}

#[derive(Debug, PartialEq)]
pub enum What {
    Batch(String),
    Calls(Vec<Call>),
    Transaction(Transaction),
    /// Rows to insert, which no statement here asks for.
    Bulk,
}

/// A call of a procedure.
#[derive(Debug, PartialEq)]
pub struct Call {
    pub procedure: Procedure,
    /// Whether the client wants no description of the columns.
    pub parameters: Vec<Parameter>,
}

#[derive(Debug, PartialEq)]
pub enum Procedure {
    Named(String),
    /// One of the server's own.
    Number(u16),
}

/// What a client asks of its transaction without a statement.
#[derive(Debug, PartialEq)]
pub enum Transaction {
    Begin {
        isolation: u8,
        name: String,
    },
    Commit {
        name: String,
        then: Option<(u8, String)>,
    },
    Rollback {
        name: String,
        then: Option<(u8, String)>,
    },
    Save {
        name: String,
    },
    /// Of a distributed transaction.
    Distributed,
}

impl Request {
    /// Reads a message of a kind that is a request.
    pub fn read(message: &Message, version: Version) -> Result<Request, Refusal> {
        let mut bytes = Bytes::new(&message.body);
        if message.kind == kind::BULK {
            return Ok(Request { transaction: 0, what: What::Bulk });
        }
        let transaction = if version.is_7_2() { headers(&mut bytes)? } else { None };
        let what = match message.kind {
            kind::BATCH => What::Batch(text(bytes.rest())?),
            kind::RPC => What::Calls(calls(&mut bytes, version)?),
            kind::TRANSACTION => What::Transaction(transaction_request(&mut bytes)?),
            _ => return Err(Malformed("there is no such kind of message").into()),
        };
        // A client without the header means the transaction that there is.
        Ok(Request { transaction: transaction.unwrap_or(u64::MAX), what })
    }
}

fn text(bytes: &[u8]) -> Read<String> {
    if bytes.len() % 2 == 1 {
        return Err(Malformed("half a character ends the text"));
    }
    Ok(utf16(bytes))
}

/// The headers before a request; of them only the transaction matters.
fn headers(bytes: &mut Bytes<'_>) -> Read<Option<u64>> {
    let inside = |length: u32, own: usize| usize::try_from(length).ok().and_then(|length| length.checked_sub(own));
    let wrong = Malformed("the headers of a request have an impossible length");
    let total = inside(bytes.u32()?, 4).ok_or(wrong)?;
    let mut headers = Bytes::new(bytes.take(total)?);
    let mut transaction = None;
    while !headers.is_empty() {
        let length = inside(headers.u32()?, 4).ok_or(wrong)?;
        let mut header = Bytes::new(headers.take(length)?);
        // Others are about notifications and traces.
        if header.u16()? == 2 {
            transaction = Some(header.u64()?);
        }
    }
    Ok(transaction)
}

/// Calls, one after another with a mark between them.
fn calls(bytes: &mut Bytes<'_>, version: Version) -> Result<Vec<Call>, Refusal> {
    let mut calls = Vec::new();
    while !bytes.is_empty() {
        let procedure = match bytes.u16()? {
            0xFFFF => Procedure::Number(bytes.u16()?),
            length => Procedure::Named(bytes.utf16(length.into())?),
        };
        // Recompilation and descriptions of columns left out: neither changes what is told here.
        bytes.u16()?;
        let parameters = parameters(bytes, version)?;
        calls.push(Call { procedure, parameters });
        if bytes.is_empty() {
            break;
        }
        bytes.u8()?;
    }
    if calls.is_empty() { Err(Malformed("a call of nothing").into()) } else { Ok(calls) }
}

/// Whether a byte where a parameter may begin is the mark between two calls.
fn is_mark(byte: u8, version: Version) -> bool {
    if version.is_7_2() { byte >= 0xFE } else { byte == 0x80 }
}

fn parameters(bytes: &mut Bytes<'_>, version: Version) -> Result<Vec<Parameter>, Refusal> {
    let mut parameters = Vec::new();
    while bytes.peek().is_some_and(|byte| !is_mark(byte, version)) {
        if parameters.len() == MOST_PARAMETERS {
            return Err(Malformed("a call has more than 2100 parameters").into());
        }
        let name = bytes.b_varchar()?;
        let status = bytes.u8()?;
        let (kind, value) = typed_value(bytes)?;
        parameters.push(Parameter { name, kind, value, output: status & 1 != 0, default: status & 2 != 0 });
    }
    Ok(parameters)
}

fn transaction_request(bytes: &mut Bytes<'_>) -> Read<Transaction> {
    Ok(match bytes.u16()? {
        5 => Transaction::Begin { isolation: bytes.u8()?, name: bytes.b_varchar()? },
        7 => Transaction::Commit { name: bytes.b_varchar()?, then: next(bytes)? },
        8 => Transaction::Rollback { name: bytes.b_varchar()?, then: next(bytes)? },
        9 => Transaction::Save { name: bytes.b_varchar()? },
        0 | 1 | 6 => Transaction::Distributed,
        _ => return Err(Malformed("there is no such request about a transaction")),
    })
}

/// A transaction that is to begin when the one before has ended.
fn next(bytes: &mut Bytes<'_>) -> Read<Option<(u8, String)>> {
    match bytes.u8()? & 1 {
        0 => Ok(None),
        _ => Ok(Some((bytes.u8()?, bytes.b_varchar()?))),
    }
}
