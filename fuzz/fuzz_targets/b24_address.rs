//! Whatever somebody writes as the address of a portal; the code in it never shows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pult::services::b24::wire::address::Address;

fuzz_target!(|text: &str| {
    for insecure in [false, true] {
        if let Ok(address) = Address::webhook(text, insecure) {
            let _ = address.shown();
        }
        let _ = Address::portal(text, insecure);
    }
});
