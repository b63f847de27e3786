//! Whatever an Orchestrator answers: heartbeats, jobs, records, lists; addresses, dates, calendars, the old settings file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pult::services::robot::wire::address::{Address, part};
use pult::services::robot::wire::calendar::Calendar;
use pult::services::robot::wire::{answer, date, form, header, old, request};

fuzz_target!(|body: &[u8]| {
    if let Ok(pulse) = answer::pulse(body) {
        let _ = (pulse.asked(), pulse.has_job);
    }
    if let Ok(Some(taken)) = answer::taken(body) {
        assert!(taken.guid.trim() == taken.guid && taken.name.trim() == taken.name);
    }
    if let Ok(Some(record)) = answer::object(body) {
        let _ = (answer::job_status(&record), answer::params(&record), answer::field(&record, "guid"));
    }
    let _ = (answer::list(body).map(|list| list.len()), answer::made(body), answer::is_no_route(body));
    assert!(answer::beginning(body).len() <= 200 && answer::complaint(body).chars().count() <= 501);
    if let Ok(old) = old::read(body) {
        assert!(header::guid(&old.guid).is_some() && Address::read(&old.address).is_ok());
    }
    let text = answer::text(body);
    let _ = (date::read(&text), date::retry_after(&text, Some(&text), jiff::Timestamp::UNIX_EPOCH));
    let _ = (header::authorization(&text), header::guid(&text), request::levels(&text));
    if let Ok(calendar) = Calendar::read(&text) {
        let _ = calendar.next_working(jiff::civil::date(2026, 11, 22));
    }
    if let Ok(address) = Address::read(&text) {
        let _ = (address.shown(), address.at(&text), address.path_of(&text), address.at(&part(&text)));
    }
    let fields = [("Имя".to_owned(), text)];
    let body = form::encoded(&fields);
    assert!(body.is_ascii() && !body.contains([' ', '\n']));
});
