//! Whatever a controller answers: values, pages, tasks, faults in all their shapes, consoles; addresses and tokens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pult::services::veil::wire::address::{Address, expires, token};
use pult::services::veil::wire::answer::Answer;
use pult::services::veil::wire::console::Console;
use pult::services::veil::wire::task::TaskState;

fuzz_target!(|given: (u16, &str)| {
    let (status, text) = given;
    for status in [200, 202, 400, status] {
        let answer = Answer::new(status, Vec::new(), text.to_owned());
        let page = answer.page().map(|page| TaskState::read_all(page.results.get()).len());
        let _ = (page, answer.value(), answer.task(), answer.entity(), answer.faults(), answer.error_code());
    }
    let _ = Console::read(text).valid();
    if let Ok(address) = Address::read(text) {
        let _ = (address.shown(), address.api("domains/"), address.events("t"), address.told(text));
    }
    let _ = (token(text), expires(text));
});
