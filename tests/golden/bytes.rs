//! Recorded bytes: decoded and printed they are the utility's text; decoded and encoded they are themselves.

use std::path::Path;

use pult::services::rac::table::{self, Message, Reply, Version};
use pult::services::rac::wire::packet::{self, Body};
use pult::services::rac::wire::print::Printer;
use pult::services::rac::wire::{Reader, Writer};

use super::{files, folder};

/// Recorded as hexadecimal text.
fn hex(path: &Path) -> Vec<u8> {
    let text: String = std::fs::read_to_string(path).unwrap().split_whitespace().collect();
    assert!(text.len().is_multiple_of(2), "{}: half a byte", path.display());
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The version that the endpoint was opened with, and the last message; a recording may be that message alone. Later
/// utilities ask for the version of the agent after what they were asked for themselves: that is not what is meant.
fn last_message(name: &str, bytes: &[u8]) -> (Version, Vec<u8>) {
    if bytes.first() != Some(&packet::CONNECT_ACK) {
        return (11, bytes.to_vec());
    }
    let (mut version, mut last, mut rest) = (11, Vec::new(), bytes);
    while let Some((kind, length, head)) = packet::head(rest).unwrap() {
        let payload = &rest[head..head + length];
        match kind {
            packet::ENDPOINT_OPEN_ACK => {
                version = packet::version_of(&packet::endpoint_opened(payload).unwrap().0).unwrap();
            }
            packet::ENDPOINT_MESSAGE => {
                let is_version = matches!(packet::message(payload).unwrap().1, Body::Message(136, _));
                if !is_version || last.is_empty() || name.contains("version") {
                    last = payload.to_vec();
                }
            }
            _ => {}
        }
        rest = &rest[head + length..];
    }
    assert!(rest.is_empty(), "the recording ends within a packet");
    (version, last)
}

/// What the utility prints for this answer, and the answer written again.
fn printed(message: &'static Message, version: Version, body: &[u8], name: &str) -> (String, Vec<u8>) {
    let mut reader = Reader::new(body);
    let (mut text, mut again) = (String::new(), Writer::new());
    match message.reply {
        Reply::Many(record) | Reply::One(record) => {
            let many = matches!(message.reply, Reply::Many(_));
            let licenses = match record.name {
                "session" => Some(&table::SESSION_LICENSES),
                "process" => Some(&table::PROCESS_LICENSES),
                _ => None,
            };
            let licenses = licenses.filter(|_| name.contains("licenses"));
            let printer = Printer::new(record, licenses, version);
            let count = if many { reader.count().unwrap() } else { 1 };
            if many {
                again.size(count);
            }
            for _ in 0..count {
                let values = reader.record(record, version).unwrap();
                match record.name {
                    "directory for transfer" => printer.print_columns(&values, &mut text),
                    _ => printer.print(&values, &mut text),
                }
                again.slots(record.slots, &values, version);
            }
            if record.name == "directory for transfer" && count > 0 {
                text.push('\n');
            }
        }
        Reply::Text => {
            let said = reader.text().unwrap();
            text = format!("{said}\n");
            again.text(&said);
        }
        Reply::Uuid => {
            let id = reader.uuid().unwrap();
            text = format!("{id}\n");
            again.raw(&id.0);
        }
        Reply::Bool => {
            again.byte(reader.byte().unwrap());
        }
        Reply::Void => {}
    }
    assert_eq!(reader.rest(), [0u8; 0], "{name}: bytes are left over");
    (text, again.into_bytes())
}

#[test]
fn answers_are_decoded_to_the_last_byte_and_printed_to_the_letter() {
    let Some(folder) = folder("ras") else { return };
    let (mut compared, mut decoded, mut refusals) = (0, 0, 0);
    for (name, path) in files(&folder, "_response.hex") {
        let (version, payload) = last_message(&name, &hex(&path));
        let expected = std::fs::read_to_string(folder.join(format!("{name}_rac.out"))).ok();
        match packet::message(&payload).unwrap().1 {
            Body::Exception(exception) => {
                assert!(!exception.class.is_empty() && !exception.text.is_empty(), "{name}");
                assert_eq!(expected.unwrap_or_default(), "", "{name}");
                refusals += 1;
            }
            Body::Message(id, body) => {
                let message =
                    table::answered_by(id).unwrap_or_else(|| panic!("{name}: no request is answered with {id}"));
                let (text, again) = printed(message, version, body, &name);
                assert_eq!(again, body, "{name}: written again");
                match expected {
                    // The utility prints only the id's line of what it has created.
                    Some(expected) if matches!(message.reply, Reply::Uuid) => {
                        assert!(expected.is_empty() || expected.ends_with(&format!(" : {text}")), "{name}");
                        compared += 1;
                    }
                    // The utility failed, or prints nothing of what it was told.
                    Some(expected) if expected.is_empty() && !text.is_empty() => decoded += 1,
                    Some(expected) => {
                        assert_eq!(text, expected, "{name}: printed");
                        compared += 1;
                    }
                    None => decoded += 1,
                }
            }
            Body::Void => decoded += 1,
        }
    }
    println!("{compared} answers compared with what the utility printed, {decoded} decoded alone, {refusals} refusals");
}

#[test]
fn requests_are_written_as_they_were_recorded() {
    let Some(folder) = folder("ras") else { return };
    let mut compared = 0;
    for (name, path) in files(&folder, "_request.hex") {
        let recorded = hex(&path);
        let (endpoint, Body::Message(id, body)) = packet::message(&recorded).unwrap() else {
            panic!("{name} is no request")
        };
        let message = table::message(id).unwrap_or_else(|| panic!("{name}: no request has the number {id}"));
        // A recording does not say its version: one of those known fits to the last byte.
        let fits = std::iter::once(11).chain(table::WRITING.iter().copied()).find_map(|version| {
            let mut reader = Reader::new(body);
            let values = reader.slots(message.body, version).ok()?;
            reader.rest().is_empty().then_some((version, values))
        });
        let (version, values) = fits.unwrap_or_else(|| panic!("{name}: {} does not fit", message.name));
        assert_eq!(packet::request(endpoint, message, &values, version), recorded, "{name}");
        compared += 1;
    }
    println!("{compared} requests written again");
}
