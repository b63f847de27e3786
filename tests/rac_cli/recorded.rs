//! Servers' recorded bytes, played back to the program: it must print what the real utility printed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use pult::services::rac::table::{Command, Mode, Opt, Takes, commands};
use pult::services::rac::wire::packet::{self, Body};

use crate::program::{FAILED, Ran, pult, run};

const ID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

/// Type and payload of each packet.
type Packets = Vec<(u8, Vec<u8>)>;

fn folder() -> PathBuf {
    std::env::var_os("PULT_GOLDEN").map_or_else(|| "../shared/golden".into(), PathBuf::from).join("ras")
}

/// The packets that these bytes are; nothing if these bytes are not packets from the first on.
fn packets(bytes: &[u8]) -> Option<Packets> {
    let mut packets = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (kind, length, head) = packet::head(rest).ok()??;
        packets.push((kind, rest.get(head..head + length)?.to_vec()));
        rest = &rest[head + length..];
    }
    packets.first().is_some_and(|(kind, _)| *kind == packet::CONNECT_ACK).then_some(packets)
}

/// Answers each packet of one client with the next recorded one.
fn play(listener: &TcpListener, packets: &[(u8, Vec<u8>)]) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut negotiate = [0; 8];
    stream.read_exact(&mut negotiate).unwrap();
    for (kind, payload) in packets {
        if next_packet(&mut stream).is_none() {
            return;
        }
        stream.write_all(&packet::packet(*kind, payload)).unwrap();
    }
}

fn next_packet(stream: &mut TcpStream) -> Option<()> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    loop {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
        if let Some((_, length, _)) = packet::head(&bytes).unwrap() {
            return stream.read_exact(&mut vec![0; length]).ok();
        }
    }
}

/// The command whose name a recording begins with, and what else the name says.
fn command(name: &str) -> Option<(&'static Mode, &'static Command, String)> {
    let found = commands().filter_map(|(mode, command)| {
        let rest = name.strip_prefix(&mode.script_name(command))?;
        Some((mode, command, rest.to_owned()))
    });
    found.max_by_key(|(_, command, _)| command.words.len())
}

/// The command line for it: what is required, and what the recording's name adds.
fn arguments(mode: &'static Mode, command: &'static Command, rest: &str) -> Vec<String> {
    let mut args: Vec<String> =
        std::iter::once(mode.name).chain(command.words.iter().copied()).map(Into::into).collect();
    let wanted = |opt: &Opt| opt.is_required || rest.contains(opt.name) || opt.name == "agent-user";
    for opt in mode.options(command).filter(|opt| wanted(opt)) {
        args.push(match opt.takes {
            Takes::Flag => format!("--{}", opt.name),
            Takes::Id(_) => format!("--{}={ID}", opt.name),
            _ => format!("--{}=x", opt.name),
        });
    }
    args
}

fn run_against(packets: &[(u8, Vec<u8>)], mut args: Vec<String>) -> Ran {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    args.insert(0, "rac".into());
    args.push(listener.local_addr().unwrap().to_string());
    std::thread::scope(|scope| {
        scope.spawn(|| play(&listener, packets));
        run(pult(), &args.iter().map(String::as_str).collect::<Vec<_>>(), &[])
    })
}

/// The text of the exception that a recording ends with.
fn exception(packets: &[(u8, Vec<u8>)]) -> Option<String> {
    let (_, payload) = packets.last()?;
    match packet::message(payload).ok()?.1 {
        Body::Exception(exception) => Some(exception.text.to_string()),
        _ => None,
    }
}

fn recordings(folder: &Path) -> Vec<(String, Packets)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix("_response.hex") else { continue };
        let text: Vec<u8> = std::fs::read(&path).unwrap().into_iter().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        if let Some(packets) = packets(&text.chunks(2).map(byte).collect::<Vec<u8>>()) {
            found.push((name.to_owned(), packets));
        }
    }
    found.sort();
    found
}

#[test]
fn what_real_servers_said_is_printed_as_the_real_utility_printed_it() {
    let folder = folder();
    if !folder.is_dir() {
        println!("skipped: there is no {}", folder.display());
        return;
    }
    let mut compared = 0;
    for (name, packets) in recordings(&folder) {
        let fails = name.strip_prefix("error_");
        let Some((mode, command, rest)) = command(fails.unwrap_or(&name)) else { continue };
        let ran = run_against(&packets, arguments(mode, command, &rest));
        if fails.is_some() {
            let text = exception(&packets).unwrap_or_else(|| panic!("{name} ends in no exception"));
            assert_eq!((ran.out(), ran.err(), ran.code), ("", format!("{text}\n").as_str(), FAILED), "{name}");
        } else {
            let printed = std::fs::read_to_string(folder.join(format!("{name}_rac.out"))).unwrap();
            assert_eq!((ran.out(), ran.err(), ran.code), (printed.as_str(), "", Some(0)), "{name}");
        }
        compared += 1;
    }
    println!("{compared} recordings compared");
    assert!(compared > 0, "no recording in {}", folder.display());
}
