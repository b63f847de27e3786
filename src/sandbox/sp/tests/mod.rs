//! The server as its clients meet it.

mod anything;
mod driver;
mod raw;
mod tokens;
mod values;
