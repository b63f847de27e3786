//! The prompt without a terminal: what lasts from line to line, and what help says.

use std::sync::Arc;

use super::help;
use super::lines::Lines;
use crate::config::Config;
use crate::core::context::Context;
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::render::snippet::Style;
use crate::script::bridge::Host;
use crate::script::folders::Folders;
use crate::script::output::Output;
use crate::script::session::{Options, Session};
use crate::services::Connections;

/// Lines over a session of their own, in this folder.
pub fn lines(root: &std::path::Path) -> (tokio::runtime::Runtime, Lines) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let context = Context::new(runtime.handle().clone(), Progress::new(false), State::in_memory(), None);
    let output = Output::to(Box::new(std::io::sink()));
    let host = Host::new(context, output, Folders::new(root.to_owned(), []), Connections::new(Config::default()));
    let options = Options { root: root.to_owned(), ..Options::default() };
    (runtime, Lines::new(Session::new(Arc::new(host), &options)))
}

/// What the line shows, or its report.
fn says(lines: &mut Lines, text: &str) -> String {
    match lines.run(text) {
        Ok(done) => done.note.unwrap_or_else(|| done.value.to_string()),
        Err(report) => report.draw(Style::default()),
    }
}

/// Each line with what it says; a report only has to hold the text.
fn talk(script: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("robot.rhai"), "fn greet(name) { `hello ${name}` }").unwrap();
    std::fs::write(folder.path().join("broken.rhai"), "fn f() {").unwrap();
    let (_runtime, mut lines) = lines(folder.path());
    for (text, expected) in script {
        let said = says(&mut lines, text);
        let as_expected = match expected.strip_prefix('…') {
            Some(part) => said.contains(part),
            None => said == *expected,
        };
        assert!(as_expected, "{text}\n{said}");
    }
}

#[test]
fn variables_functions_and_closures_last() {
    talk(&[
        ("let a = 2", ""),
        ("fn twice(x) { x * 2 }", ""),
        ("twice(a)", "4"),
        ("let add = |x| x + a", ""),
        ("add.call(3)", "5"),
        ("fn four() { twice(2) }", ""),
        ("four()", "4"),
        ("fn twice(x) { x * 20 }", ""),
        ("four()", "40"),
        ("let a = 7; a", "7"),
        ("fn fact(n) { if n < 2 { 1 } else { n * fact(n - 1) } } fact(5)", "120"),
        ("let базы = 3; базы + 1", "4"),
        ("const LIMIT = 5", ""),
        ("LIMIT = 6", "…`LIMIT` is a constant"),
        ("let list = [1]", ""),
        ("let push = || list.push(2)", ""),
        ("push.call()", ""),
        ("list", "[1, 2]"),
    ]);
}

#[test]
fn the_last_value_is_at_hand() {
    talk(&[
        ("_", ""),
        ("20 + 1", "21"),
        ("_ * 2", "42"),
        ("let b = _", ""),
        ("_ + b", "84"),
        ("switch 5 { 1 => 2, _ => _ + 1 }", "85"),
        ("\"_\" + `_${_}_`", "__85_"),
        ("1 + no_such", "…no_such"),
        ("_", "__85_"),
        ("[1, 2]", "[1, 2]"),
        ("let copy = _; copy.push(3); _", "[1, 2]"),
        ("_.len() + copy.len()", "5"),
        ("#{a: 1}", "#{\"a\": 1}"),
        ("_.a", "1"),
    ]);
}

#[test]
fn imports_last_and_are_seen_by_functions() {
    talk(&[
        ("import \"robot\" as robot", ""),
        ("robot::greet(\"you\")", "hello you"),
        ("fn g() { robot::greet(\"me\") }", ""),
        ("g()", "hello me"),
        ("let path = \"robot\"; import path as other; other::greet(1)", "…`other` lasts for this line only"),
        ("import \"broken\" as b", "…broken.rhai"),
        ("import \"missing\" as m", "…cannot import `missing`"),
        ("m::f()", "…there is no module `m`"),
    ]);
}

#[test]
fn a_line_that_fails_leaves_no_name_behind() {
    talk(&[
        ("let a = 1", ""),
        ("let a = 2; let b = 3; fn f() { 1 } import \"robot\" as r; throw \"no\"", "…no"),
        ("a", "1"),
        ("b", "…there is no variable `b`"),
        ("f()", "…there is no function `f`"),
        ("r::greet(1)", "…there is no module `r`"),
        ("let done = []; for n in 0..3 { done.push(n) }", ""),
        ("for n in 3..9 { if n == 5 { throw \"five\" } done.push(n) }", "…five"),
        ("done.len()", "5"),
        ("let x = 5 5", "…repl:"),
        ("sleep(1 + )", "…"),
    ]);
}

#[test]
fn a_fault_is_shown_in_the_line_that_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let (_runtime, mut lines) = lines(folder.path());
    says(&mut lines, "fn f(x) {\n    let базы = x;\n    базы.no_field\n}");
    says(&mut lines, "let _x = 1");
    let said = says(&mut lines, "f(#{a: 1})");
    for part in ["repl:1:3", "no_field", "in `f`, called (repl:3:1:1)"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let said = says(&mut lines, "fn g() { _x } g()");
    assert!(said.contains("functions do not see the variables around them"), "{said}");
    let said = says(&mut lines, "_ + no_such");
    assert!(said.contains("_ + no_such"), "{said}");
}

#[test]
fn a_loaded_script_stays_and_clearing_forgets_it() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("my.rhai");
    std::fs::write(
        &script,
        "#!/usr/bin/env -S pult run\n/// Adds.\nfn total_of(a, b) { a + b }\nlet base = total_of(1, 2);",
    )
    .unwrap();
    let (_runtime, mut lines) = lines(folder.path());
    lines.load(&script).unwrap().unwrap();
    assert_eq!(says(&mut lines, "total_of(base, 1)"), "4");
    assert!(help::about("total_of", lines.names(), 100).contains("total_of(a, b)\n    Adds."));
    assert!(lines.load(&folder.path().join("none.rhai")).is_err());
    lines.clear();
    assert!(says(&mut lines, "total_of(1, 1)").contains("there is no function `total_of`"));
    assert!(says(&mut lines, "base").contains("there is no variable `base`"));
}

#[test]
fn help_tells_what_is_known_under_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let (_runtime, mut lines) = lines(folder.path());
    says(&mut lines, "let table = rows([#{a: 1}])");
    for (name, parts) in [
        ("", &["Variables", "Commands", ":load FILE", "Ctrl-D", "table  Rows"][..]),
        ("sleep", &["sleep(seconds: integer)", "sleep(seconds: number)", "Waits so many seconds"]),
        ("sleep()", &["Waits so many seconds"]),
        ("Rows", &["The type Rows", "filter(f)", "The rows for which"]),
        ("table", &["table: Rows", "filter(f)"]),
        ("table.filter", &["Rows.filter(f: function) -> Rows", "The rows for which `f(row)` is true."]),
        ("Rows.len", &["Rows.len() -> integer"]),
        ("slep", &["nothing is known about `slep`; did you mean `sleep`"]),
        (":load", &[":load FILE\n    runs a script"]),
        ("switch", &["a word of the language"]),
        ("zzzzzz", &["? alone lists what there is"]),
    ] {
        let text = help::about(name, lines.names(), 100);
        for part in parts {
            assert!(text.contains(part), "?{name}: {part}\n{text}");
        }
    }
    assert!(!help::about("abs", lines.names(), 100).contains("i16"));
}
