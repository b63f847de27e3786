//! JSON of any kind into rows and into script values: never a panic, and what was read can be written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pult::core::json::read_rows;
use pult::core::rows::{Builder, Rows};
use pult::render::export;
use pult::script::convert;

fuzz_target!(|text: &str| {
    let mut builder = Builder::new();
    if read_rows(text, &mut builder).is_ok() {
        let rows: Rows = builder.finish().into();
        let mut written = Vec::new();
        export::json(&mut written, &rows).expect("a vector takes everything");
        serde_json_is(&written);
    }
    if let Ok(value) = convert::from_json(text) {
        convert::to_value(&value).expect("what came from JSON has a JSON form");
    }
});

/// What was written must be JSON again.
fn serde_json_is(written: &[u8]) {
    let text = std::str::from_utf8(written).expect("JSON is UTF-8");
    read_rows(text, &mut Builder::new()).expect("what was written can be read");
}
