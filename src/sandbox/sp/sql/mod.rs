//! The T-SQL of the simulated SQL Server: a small honest interpreter. What it supports behaves as on the real server;
//! what it does not is refused with an error that says so.
//!
//! A batch goes `lexer` → `parse` → a flat list of instructions (`ast`) → `session`, which runs them one after another
//! and waits where a server waits. Values never wait: `eval`, `query` and `change` work on the locked world at once.

pub mod ast;
mod change;
mod compare;
mod convert;
mod decimal;
mod eval;
pub mod failure;
mod functions;
mod lexer;
pub mod locks;
pub mod moment;
pub mod out;
pub mod own;
mod parse;
mod procedures;
mod query;
mod raise;
mod session;
pub mod table;
#[cfg(test)]
mod tests;
pub mod value;
mod views;

pub use super::world::World;
pub use out::{Column, Out, Said, Sink, Stop, command};
pub use session::Session;
pub use value::{Parameter, Type, Value};
