//! Scripts that are no scripts, or that go too far.

use crate::program::{all_fail, eval, pult, run};

fn check(script: impl AsRef<[u8]>) -> crate::program::Program {
    pult(&["check", "script.rhai"]).file("script.rhai", script)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn almost_nothing() {
    for (name, text) in [
        ("zero bytes", ""),
        ("a byte order mark", "\u{feff}"),
        ("only a shebang", "#!/usr/bin/env -S pult run"),
        ("a shebang and a line end", "#!/usr/bin/env -S pult run\r\n"),
        ("a byte order mark and a shebang", "\u{feff}#!/usr/bin/env -S pult run\n"),
        ("a comment that does not end", "/* what"),
        ("blanks", " \t\r\n"),
    ] {
        run(text).ended().works(name, "");
        pult(&[]).input(text).ended().works(&format!("{name}, on standard input"), "");
    }
}

#[test]
fn files_that_are_no_scripts() {
    let beside = || pult(&["run", "reprot.rhai"]).file("report.rhai", "1").file("other.rhai", "1");
    all_fail([
        ("a folder", pult(&["run", "x"]).folder("x"), 2, &["x is a folder, not a script", "name a file inside it"][..]),
        ("a missing script", beside(), 2, &["reprot.rhai", "did you mean `report`?"]),
        ("a missing script and nothing near", pult(&["run", "a/b.rhai"]), 2, &["a/b.rhai"]),
        (
            "a missing script to check",
            pult(&["check", "reprot.rhai"]).file("report.rhai", "1"),
            2,
            &["did you mean `report`?"],
        ),
        (
            "a file of Windows-1251",
            run(b"let x = 1;\n// \xcf\xf0\xe8\xe2\xe5\xf2\nprint(x)"),
            2,
            &["script.rhai", "not UTF-8", "line 2", "Windows-1251", "save it as UTF-8"],
        ),
        ("a file of UTF-16", run(utf16("\u{feff}print(\"да\")")), 2, &["script.rhai", "UTF-16", "save it as UTF-8"]),
        ("a file of UTF-16 without its mark", run(utf16("print(1)\nprint(2)\n")), 2, &["UTF-16", "save it as UTF-8"]),
        ("a check of Windows-1251", check(b"// \xcf\xf0"), 2, &["not UTF-8"]),
        (
            "Windows-1251 on standard input",
            pult(&[]).input(b"1;\n\xcf\xf0"),
            2,
            &["standard input", "not UTF-8", "line 2"],
        ),
        (
            "UTF-16 on standard input",
            pult(&[]).input(utf16("\u{feff}print(1)")),
            2,
            &["standard input is saved as UTF-16"],
        ),
        (
            "a program in place of a script",
            run(std::fs::read(env!("CARGO_BIN_EXE_pult")).unwrap()),
            2,
            &["is a program, not a text"],
        ),
    ]);
}

#[cfg(unix)]
#[test]
fn a_script_that_may_not_be_read() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;

    let program = run("print(1)");
    let path = program.place("script.rhai");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // To root nothing is forbidden.
    if std::fs::read(&path).is_err() {
        program.ended().fails("a script that may not be read", 2, &["script.rhai", "permission"]);
    }
    let mut odd = pult(&["run"]);
    odd.command().arg(std::ffi::OsStr::from_bytes(b"\xcf\xf0.rhai"));
    odd.ended().fails("a name that is no text", 2, &["there is no file"]);
}

#[test]
fn scripts_that_go_too_far() {
    let brackets = "(".repeat(10_000) + "1" + &")".repeat(10_000);
    let lists = "[".repeat(10_000) + &"]".repeat(10_000);
    let blocks = "{".repeat(10_000) + &"}".repeat(10_000);
    let ifs = "if true { ".repeat(5_000) + &"}".repeat(5_000);
    let unclosed = "(".repeat(10_000);
    let nots = "!".repeat(20_000) + "true";
    let minuses = "- ".repeat(20_000) + "1";
    let sum = "1+".repeat(20_000) + "1";
    let dots = "x".to_owned() + &".a".repeat(20_000);
    let calls = "f(".repeat(10_000) + &")".repeat(10_000);
    let templates = "`${".repeat(3_000) + "1" + &"}`".repeat(3_000);
    let comments = "/*".repeat(10_000);
    let deep = &["nested too deep", "script.rhai:1:"][..];
    all_fail([
        (
            "a function that calls itself",
            run("fn f() { f() }\nf();"),
            1,
            &["too deep", "script.rhai:2:1", "calls itself"][..],
        ),
        (
            "two functions that call each other",
            run("fn f(x) { g(x) + 1 }\nfn g(x) { f(x) + 1 }\nf(1);"),
            1,
            &["too deep"],
        ),
        ("a closure that calls itself", run("let f = |x, g| call(g, x, g); call(f, 1, f);"), 1, &[]),
        ("deep brackets", run(&brackets), 3, deep),
        ("deep lists", run(&lists), 3, deep),
        ("deep blocks", run(&blocks), 3, deep),
        ("deep conditions", run(&ifs), 3, deep),
        ("deep calls", run(&calls), 3, deep),
        ("deep negations", run(&nots), 3, deep),
        ("deep minuses", run(&minuses), 3, deep),
        ("a long sum", run(&sum), 3, deep),
        ("a long chain", run(&dots), 3, deep),
        ("deep templates", run(&templates), 3, &[]),
        ("brackets that do not close", run(&unclosed), 3, &[]),
        ("deep brackets, on standard input", pult(&[]).input(&brackets), 3, &["nested too deep"]),
        ("deep brackets, in an expression", eval(&brackets), 3, &["nested too deep"]),
        ("a check of deep brackets", check(&brackets), 3, deep),
        ("a check of deep blocks", check(&blocks), 3, deep),
        ("deep JSON", eval("let s = \"\"; s.pad(100000, \"[\"); json::parse(s)"), 1, &["200 levels deep"]),
        ("a NUL", run("let x = 1;\0 print(x)"), 3, &["script.rhai:1:11", "invisible character", "U+0000"]),
        ("many NULs", run([0; 5000]), 3, &["invisible character", "U+0000"]),
        ("a space that is none", run("let x =\u{a0}1;"), 3, &["script.rhai:1:8", "U+00A0", "plain space"]),
        ("a space of no width", run("let x =\u{200b}1;"), 3, &["U+200B"]),
        ("text that turns around", run("let x = \u{202e}1;"), 3, &["U+202E"]),
        ("an import of itself", run("import \"script\" as s;"), 1, &["imports itself"]),
    ]);
    run(&comments).ended().works("comments in comments", "");
}

#[test]
fn one_long_line() {
    let good = format!("let x = [{}]; print(x.len())", "1,".repeat(2_500_000));
    run(&good).ended().works("a line of five megabytes", "2500000");
    let bad = format!("let x = [{}]; print(y)", "1,".repeat(2_500_000));
    let ended = run(&bad).ended();
    ended.fails(
        "a fault at the end of a line of five megabytes",
        1,
        &["no variable `y`", "from: script.rhai:1", "declare it"],
    );
    assert!(ended.err.len() < 2_000, "{} bytes", ended.err.len());
    let text = format!("let x = \"{}\"; print(x.len()); x.nope()", "ж".repeat(2_500_000));
    let ended = run(&text).ended();
    ended.fails("a long text", 1, &["`nope`", "from: script.rhai:1"]);
    assert!(ended.err.len() < 2_000, "{} bytes", ended.err.len());
    let thrown = run("let s = \"\"; s.pad(5000000, \"x\"); throw s").ended();
    thrown.fails("a thrown text of five megabytes", 1, &[]);
    assert!(thrown.err.len() < 10_000, "{} bytes", thrown.err.len());
}
