//! What a client sends to the simulated SQL Server: taken or refused, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| pult::sandbox::sp::read_anything(bytes));
