//! The prompt as a person meets it: keys go into a pseudo-terminal, and what is then on its screen is read.
#![cfg(unix)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// So long something may take to appear; what takes that long has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const PROMPT: &str = "sandbox>";

const UP: &str = "\x1b[A";
const TAB: &str = "\t";
const ENTER: &str = "\r";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";

/// A terminal with `pult --sandbox` at its other end.
struct Terminal {
    keys: File,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    program: Child,
    folder: TempDir,
}

impl Terminal {
    fn open() -> Terminal {
        Terminal::open_in(tempfile::tempdir().unwrap())
    }

    /// In this folder, which is the home of the user as well.
    fn open_in(folder: TempDir) -> Terminal {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(60, 100)).unwrap();
        let program = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_pult"))
            .arg("--sandbox")
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path().join("config"))
            .env("XDG_DATA_HOME", folder.path().join("data"))
            .env("XDG_STATE_HOME", folder.path().join("state"))
            .env("TERM", "xterm-256color")
            .spawn(pts)
            .unwrap();
        let keys = File::from(OwnedFd::from(pty));
        let mut reader = keys.try_clone().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The other end is gone when reading fails.
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(60, 100, 0);
        let mut terminal = Terminal { keys, output, screen, program, folder };
        terminal.wait("the prompt", |screen| last_line(screen) == PROMPT);
        terminal
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line and waits until it is done; gives what appeared below it.
    fn line(&mut self, text: &str) -> String {
        // A clear screen first, so that nothing older is taken for the answer.
        self.press("\x0c");
        self.wait("a clear screen", |screen| screen.trim_end() == PROMPT);
        self.press(text);
        self.press(ENTER);
        self.wait(text, |screen| last_line(screen) == PROMPT && screen.trim_end() != PROMPT)
    }

    /// Drops what was typed so far.
    fn drop_line(&mut self) {
        self.press(CTRL_C);
        self.wait("an empty prompt", |screen| last_line(screen) == PROMPT);
    }

    /// Waits for something on the screen.
    fn wait(&mut self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let screen = self.screen.screen().contents();
            if is_there(&screen) {
                return screen;
            }
            let left = PATIENCE.saturating_sub(began.elapsed());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("waited in vain for {what}; on the screen is\n{screen}"),
                Err(RecvTimeoutError::Disconnected) => panic!("pult ended before {what}; on the screen is\n{screen}"),
            }
        }
    }

    fn wait_for(&mut self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Leaves by Ctrl-D; gives the exit code and the folder.
    fn leave(mut self) -> (Option<i32>, TempDir) {
        self.press(CTRL_D);
        let code = self.program.wait().unwrap().code();
        (code, self.folder)
    }
}

fn last_line(screen: &str) -> &str {
    screen.trim_end().lines().last().unwrap_or_default().trim_end()
}

/// All of these stand on the screen, in this order.
fn holds(screen: &str, parts: &[&str]) {
    let mut rest = screen;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` is not there:\n{screen}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn values_tables_and_functions_of_several_lines() {
    let mut terminal = Terminal::open();
    holds(&terminal.line("20 + 1"), &["\n21\n"]);
    holds(&terminal.line("_ * 2"), &["\n42\n"]);
    holds(
        &terminal.line("rows([#{a: 1, city: \"Омск\"}, #{a: 2, city: \"Тула\"}])"),
        &["a", "city", "1", "Омск", "2", "Тула"],
    );
    terminal.press("fn add(a, b) {\r    a + b\r}\r");
    terminal.wait("the function", |screen| screen.contains("\n}\n") && last_line(screen) == PROMPT);
    holds(&terminal.line("add(40, 2)"), &["\n42\n"]);
    holds(&terminal.line("let x = 1; x.no_field"), &["repl:", "no_field"]);
    // What is typed while a line runs waits for its turn.
    terminal.press("let b = 5\rb + 100\rb + 200\r");
    holds(&terminal.wait("both", |screen| screen.contains("\n205\n") && last_line(screen) == PROMPT), &["\n105\n"]);
    assert_eq!(terminal.leave().0, Some(0));
}

#[test]
fn tab_completes_and_help_tells() {
    let mut terminal = Terminal::open();
    terminal.line("let table = rows([#{a: 1}])");
    terminal.press("table.sor");
    terminal.press(TAB);
    terminal.wait_for("table.sort_by(");
    // The hint stands behind the cursor.
    terminal.wait_for("‹by›");
    terminal.drop_line();
    terminal.press("table.to_");
    terminal.press(TAB);
    holds(&terminal.wait_for("to_json"), &["to_array", "to_csv", "to_json"]);
    terminal.drop_line();
    holds(&terminal.line("?sleep"), &["sleep(seconds: integer)", "Waits so many seconds"]);
    holds(&terminal.line("?slep"), &["did you mean `sleep`"]);
    holds(&terminal.line("?"), &["Commands", ":load FILE", "Ctrl-D"]);
    holds(&terminal.line(":type table.filter(|r| true)"), &["\nRows: a\n"]);
    holds(&terminal.line(":conections"), &["there is no command", "connections"]);
    holds(&terminal.line(":time sleep(0.01)"), &["s in native calls"]);
    assert_eq!(terminal.leave().0, Some(0));
}

#[test]
fn ctrl_c_stops_what_runs_and_the_prompt_goes_on() {
    let mut terminal = Terminal::open();
    for endless in ["loop {}", "sleep(1000)", "try { loop {} } catch { }", "parallel([1, 2], 2, |x| loop {})"] {
        terminal.press(endless);
        terminal.press(ENTER);
        terminal.wait_for(endless);
        // The key must reach the running line, not the prompt before it.
        std::thread::sleep(Duration::from_millis(300));
        terminal.press(CTRL_C);
        terminal.wait(endless, |screen| screen.contains("stopped") && last_line(screen) == PROMPT);
        holds(&terminal.line("1 + 1"), &["\n2\n"]);
    }
    // At the prompt the line is dropped.
    terminal.press("never run");
    terminal.wait_for("never run");
    terminal.drop_line();
    holds(&terminal.line("2 + 2"), &["\n4\n"]);
    assert_eq!(terminal.leave().0, Some(0));
}

#[test]
fn lines_are_there_in_the_next_session_but_no_secrets() {
    let mut terminal = Terminal::open();
    terminal.line("\"first\" + \"line\"");
    terminal.line("let password = \"hush\"");
    let (_, folder) = terminal.leave();
    let mut terminal = Terminal::open_in(folder);
    terminal.press(UP);
    let screen = terminal.wait_for("\"first\" + \"line\"");
    assert!(!screen.contains("hush"), "{screen}");
    terminal.drop_line();
    assert_eq!(terminal.leave().0, Some(0));
}

#[test]
fn exit_leaves_with_its_code() {
    let mut terminal = Terminal::open();
    terminal.press("exit(7)\r");
    assert_eq!(terminal.program.wait().unwrap().code(), Some(7));
}

#[test]
fn what_does_not_stop_can_be_left() {
    let mut terminal = Terminal::open();
    // Reading a pipe that nobody writes into has no end.
    let pipe = terminal.folder.path().join("pipe.rhai");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    terminal.press("import \"pipe\" as pipe\r");
    terminal.wait_for("as pipe");
    std::thread::sleep(Duration::from_millis(300));
    terminal.press(CTRL_C);
    std::thread::sleep(Duration::from_millis(300));
    terminal.press(CTRL_C);
    terminal.wait_for("Ctrl-C once more leaves pult");
    terminal.press(CTRL_C);
    assert_eq!(terminal.program.wait().unwrap().code(), Some(130));
}

#[test]
fn the_portal_object_is_completed_and_asked() {
    let mut terminal = Terminal::open();
    terminal.press("b24.ge");
    terminal.press(TAB);
    holds(&terminal.wait_for("get_by_id"), &["get_all", "get_by_id"]);
    terminal.drop_line();
    holds(&terminal.line("?b24"), &["b24 (B24)", "get_all("]);
    holds(&terminal.line("?b24.get_al"), &["did you mean `get_all`"]);
    holds(&terminal.line("b24.get_al(\"crm.deal.list\")"), &["B24 has no method `get_al`", "did you mean `get_all`"]);
    holds(&terminal.line("b24.call(\"crm.deal.get\", #{ID: 7})"), &["ID", "7", "TITLE"]);
    terminal.line("let deals = b24.get_all(\"crm.deal.list\", #{filter: #{\"<ID\": 100}})");
    holds(&terminal.line("deals.take(2)"), &["ID", "TITLE", "─┘"]);
    terminal.press("deals[0].TIT");
    terminal.press(TAB);
    terminal.wait_for("deals[0].TITLE");
    terminal.drop_line();
    holds(&terminal.line(":time b24.call(\"profile\")"), &["s in native calls", "b24: 1 request"]);
    holds(&terminal.line(":connections"), &["service", "b24", "main", "yes"]);
    holds(&terminal.line(":sandbox"), &["simulators", "b24", "http://127.0.0.1:"]);
    assert_eq!(terminal.leave().0, Some(0));
}
