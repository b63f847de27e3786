//! Whatever a portal answers: an envelope, a list inside it, the parts of a batch.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pult::services::b24::wire::envelope::{Entries, Envelope, list_in, unwrapped};

fuzz_target!(|text: &str| {
    if let Ok(envelope) = Envelope::read(text.to_owned()) {
        let result = envelope.result();
        let _ = list_in(result, None);
        let _ = Entries::of(unwrapped(result)).0.len();
    }
});
