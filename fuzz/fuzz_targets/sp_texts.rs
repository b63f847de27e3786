//! What people write for SQL Server: catalogues, addresses, connection strings, statements that are read lightly.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pult::services::sp::catalogue::Catalogue;
use pult::services::sp::wire::{address, connection_string, literal, value};

fuzz_target!(|text: &str| {
    if let Ok(catalogue) = Catalogue::read(text, "fuzz") {
        let _ = (catalogue.every_step().len(), catalogue.valid_codes());
    }
    if let Ok(address) = address::Address::read(text) {
        let _ = address.shown();
    }
    let _ = (connection_string::read(text), literal::only_reads(text), literal::leaves_something(text));
    let _ = (value::digits(text), value::bytes(text));
});
