//! Whatever an administration server, or a client of the simulator, sends: packets, messages, records, requests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pult::services::rac::table::{MESSAGES, PROCESS_LICENSES, Reply, SESSION_LICENSES, Version, answered_by, message};
use pult::services::rac::wire::packet::{self, Body};
use pult::services::rac::wire::print::Printer;
use pult::services::rac::wire::{Reader, Writer};

fuzz_target!(|data: &[u8]| {
    let Some((&version, data)) = data.split_first() else { return };
    let version = 3 + version % 14;
    let _ = packet::head(data);
    let _ = packet::endpoint_opened(data);
    if let Ok(failure) = packet::endpoint_failure(data) {
        let _ = packet::supported(&failure);
    }
    match packet::message(data) {
        Ok((_, Body::Message(id, body))) => {
            request(id, body, version);
            if let Some(message) = answered_by(id) {
                answer(message.reply, body, version);
            }
        }
        Ok((_, Body::Exception(exception))) => {
            let _ = exception.chain().count();
        }
        _ => {
            let at = usize::from(data.first().copied().unwrap_or(0)) % MESSAGES.len();
            answer(MESSAGES[at].reply, data.get(1..).unwrap_or_default(), version);
        }
    }
});

/// What is read of a request and written again reads as the same.
fn request(id: u8, body: &[u8], version: Version) {
    let Some(message) = message(id) else { return };
    if let Ok(values) = Reader::new(body).slots(message.body, version) {
        let mut again = Writer::new();
        again.slots(message.body, &values, version);
        let read = Reader::new(again.bytes()).slots(message.body, version).expect("what was written is read");
        assert_eq!(format!("{read:?}"), format!("{values:?}"));
    }
}

fn answer(reply: Reply, body: &[u8], version: Version) {
    let mut reader = Reader::new(body);
    let (record, count) = match reply {
        Reply::One(record) => (record, 1),
        Reply::Many(record) => match reader.count() {
            Ok(count) => (record, count),
            Err(_) => return,
        },
        _ => return,
    };
    let printers = [None, Some(&SESSION_LICENSES), Some(&PROCESS_LICENSES)];
    let printers = printers.map(|licenses| Printer::new(record, licenses.filter(|_| record.slot("licenses").is_some()), version));
    let mut text = String::new();
    for _ in 0..count.min(100) {
        let Ok(values) = reader.record(record, version) else { return };
        printers.iter().for_each(|printer| printer.print(&values, &mut text));
        if record.slots.len() > 1 {
            printers[0].print_columns(&values, &mut text);
        }
    }
}
