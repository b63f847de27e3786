//! Whatever a program under the name of `rac` prints: as each kind of answer, and as an error. What is read as records
//! keeps every value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pult::services::rac::table::{Answer, COUNTER, SESSION, SUMMARY, TRANSFER};
use pult::services::rac::wire::errors::{Exit, from_exception, from_utility};
use pult::services::rac::wire::parse::{Printed, Style, answer};

const ANSWERS: [Answer; 7] = [
    Answer::Nothing,
    Answer::Text,
    Answer::Id("cluster"),
    Answer::One(&SUMMARY),
    Answer::Many(&SESSION),
    Answer::Many(&COUNTER),
    Answer::Columns(&TRANSFER),
];

fuzz_target!(|text: &str| {
    let zone = jiff::tz::TimeZone::UTC;
    for expected in &ANSWERS {
        let typed = answer(text, expected, Style::Typed(&zone));
        let raw = answer(text, expected, Style::Raw);
        assert_eq!(typed.is_ok(), raw.is_ok());
        if let (Ok(Printed::Rows(typed)), Ok(Printed::Rows(raw))) = (typed, raw) {
            assert_eq!(typed.len(), raw.len());
            for (typed, raw) in typed.iter().zip(raw.iter()) {
                assert_eq!(typed.fields().count(), raw.fields().count());
            }
        }
    }
    let _ = from_utility(text, Exit::Code(255));
    let _ = from_exception(text, text);
});
