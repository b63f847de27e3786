//! The T-SQL of the simulated SQL Server: a small honest interpreter. What it supports behaves as on the real server;
//! what it does not is refused with an error that says so.
//!
//! A batch goes `lexer` → `parse` → a flat list of instructions (`code`) → `session`, which runs them one after another
//! and waits where a server waits. Values never wait: `eval` and `query` work on the locked world at once.

pub mod failure;
mod lexer;
pub mod out;
pub mod value;

pub use out::{Column, Out, Said, Sink, Stop, command};
pub use value::{Parameter, Type, Value};

mod trivial;
pub use trivial::{Session, World};
