//! The server as its clients meet it.

mod anything;
mod driver;
mod driver_calls;
mod faults;
mod raw;
mod tokens;
mod values;
