//! Names of connections inside `connect("…")`.

use crate::repl::calls::Call;
use crate::repl::names::Names;
use crate::repl::text::Piece;

pub fn offers(pieces: &[Piece<'_>], at: usize, names: &Names) -> Option<Vec<String>> {
    let call = Call::around(pieces, at, names).filter(|call| call.name == "connect" && call.argument == 0)?;
    Some(names.service_of(&call)?.connections.clone())
}
