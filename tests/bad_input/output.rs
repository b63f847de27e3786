//! Outputs that somebody closed, or that take nothing any more.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::program::{Ended, Program, all_of, pult, run};

/// Reads one line, then closes the pipe, as `head -1` does.
fn one_line_of(program: Program) -> (String, Ended) {
    let mut running = program.start();
    let mut line = String::new();
    BufReader::with_capacity(64, running.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (line, running.ended(all_of(std::io::empty())))
}

#[test]
fn a_reader_that_goes_away_ends_the_script() {
    let endless = "loop { print(\"line\") }";
    for (name, program, first) in [
        ("run", run(endless), "line"),
        ("standard input", pult(&[]).input(endless), "line"),
        ("eval", pult(&["eval", endless]), "line"),
        ("in `try`", run("loop { try { loop { print(\"line\") } } catch { } }"), "line"),
        ("in parallel", run("parallel([1, 2], 2, |x| { loop { print(\"line\") } })"), "line"),
        ("between waits", run("loop { print(\"line\"); sleep(0.01) }"), "line"),
    ] {
        let (line, ended) = one_line_of(program);
        println!("── {name}: exit {:?} after {:?}\n{}", ended.code, ended.took, ended.err);
        assert!(line.starts_with(first), "{name}: {line}");
        assert_eq!(ended.code, Some(1), "{name}: {}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{name}: {}", ended.err);
        assert!(ended.err.contains("standard output was closed"), "{name}: {}", ended.err);
    }
}

#[test]
fn a_reader_that_is_gone_before_the_first_line_is_told_of() {
    for args in [&["docs"][..], &["eval", "1"], &["sandbox"], &["sandbox", "--knobs"], &["init"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut program = pult(args);
        program.command().stdout(Stdio::from(writer));
        let ended = program.start_as_it_is().ended(all_of(std::io::empty()));
        assert_eq!(ended.code, Some(1), "{args:?}: {}", ended.err);
        assert_eq!(ended.err, "pult: standard output was closed by its reader; the work ended there\n", "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_is_full_is_told() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for (name, mut program) in [
        ("run", run("print(1)")),
        ("eval", pult(&["eval", "1"])),
        ("docs", pult(&["docs"])),
        ("check", pult(&["check", "a.rhai"]).file("a.rhai", "1")),
    ] {
        program.command().stdout(Stdio::from(full()));
        let ended = program.start_as_it_is().ended(all_of(std::io::empty()));
        ended.fails(name, 1, &["standard output cannot be written", "No space left", "check the disk"]);
    }
}

#[test]
fn closed_standard_errors_harm_nobody() {
    let mut program = run("sleep(0.2); log::info(\"x\"); print(1); throw \"x\"");
    let command = program.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stderr.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(1), &b"1\n"[..]));
}
