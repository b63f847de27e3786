//! Runs the program as a user would, and holds what must be true of all it says.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The code of every webhook here.
pub const CODE: &str = "k3yOfTheHouse77";
/// Every token and password here begins with this.
pub const TOKEN: &str = "t0kenOfTheHouse";

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run of `pult` in a folder of its own, which is the home of its user as well.
pub struct Program {
    folder: TempDir,
    command: Command,
    input: Vec<u8>,
}

pub fn pult(args: &[&str]) -> Program {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pult"));
    command.args(args).current_dir(folder.path()).env("HOME", folder.path()).env("NO_PROXY", "*");
    command.env("RUST_BACKTRACE", "0");
    for (name, place) in [("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("APPDATA", "config")] {
        command.env(name, folder.path().join(place));
    }
    command.env("LOCALAPPDATA", folder.path().join("data"));
    Program { folder, command, input: Vec::new() }
}

/// `pult eval --sandbox CODE`
pub fn eval(code: &str) -> Program {
    pult(&["eval", "--sandbox", code])
}

/// `pult run script.rhai` with this in it.
pub fn run(script: impl AsRef<[u8]>) -> Program {
    pult(&["run", "script.rhai"]).file("script.rhai", script)
}

impl Program {
    /// Puts a file into the folder.
    pub fn file(self, name: &str, text: impl AsRef<[u8]>) -> Program {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    pub fn folder(self, name: &str) -> Program {
        std::fs::create_dir(self.folder.path().join(name)).unwrap();
        self
    }

    pub fn place(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn env(mut self, name: &str, value: &str) -> Program {
        self.command.env(name, value);
        self
    }

    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Program {
        self.input = bytes.as_ref().to_vec();
        self
    }

    /// A `pult.toml` with one portal.
    pub fn portal(self, webhook: &str, settings: &str) -> Program {
        let config = format!("[b24.main]\nwebhook = {{ env = \"B24_WEBHOOK\" }}\n{settings}\n");
        self.file("pult.toml", config).env("B24_WEBHOOK", webhook)
    }

    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Begins, with the output and the errors to be read.
    pub fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.start_as_it_is()
    }

    /// The same with whatever the command was given as its outputs.
    pub fn start_as_it_is(mut self) -> Running {
        let mut child = self.command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut keys = child.stdin.take().unwrap();
        let input = self.input;
        // It may end without having read everything.
        std::thread::spawn(move || drop(keys.write_all(&input)));
        let err = all_of(child.stderr.take().unwrap());
        Running { child, err, began: Instant::now(), _folder: self.folder }
    }

    /// Runs to the end.
    pub fn ended(self) -> Ended {
        let mut running = self.start();
        let out = all_of(running.child.stdout.take().unwrap());
        running.ended(out)
    }
}

pub struct Running {
    pub child: Child,
    err: JoinHandle<String>,
    began: Instant,
    _folder: TempDir,
}

impl Running {
    pub fn ended(mut self, out: JoinHandle<String>) -> Ended {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break Some(status);
            }
            if self.began.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = self.began.elapsed();
        Ended { code: status.and_then(|s| s.code()), out: out.join().unwrap(), err: self.err.join().unwrap(), took }
    }
}

/// All that comes out, even bytes that are no text.
pub fn all_of(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What a run left behind.
pub struct Ended {
    /// Absent when it had to be killed, or died of a signal.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

impl Ended {
    /// What is wrong with the end of a run that should have failed with this code, saying all of this.
    pub fn complaints(&self, code: i32, says: &[&str]) -> String {
        let mut wrong = self.always();
        if self.code != Some(code) {
            let _ = writeln!(wrong, "the exit code is {:?}, not {code}", self.code);
        }
        // A report without a next step leaves its reader alone; only what a script throws itself may have none. The
        // last words are those of a wrong command line.
        let steps = ["help: ", "script.thrown", "For more information, try '--help'."];
        if !steps.iter().any(|step| self.err.contains(step)) {
            wrong.push_str("no next step\n");
        }
        self.missing(says, &mut wrong);
        wrong
    }

    /// The same for one that should have gone well, with these words on standard output.
    pub fn complaints_of_good(&self, prints: &str) -> String {
        let mut wrong = self.always();
        if self.code != Some(0) {
            let _ = writeln!(wrong, "the exit code is {:?}, not 0", self.code);
        }
        if self.out.trim_end() != prints {
            let _ = writeln!(wrong, "printed {:?}, not {prints:?}", self.out);
        }
        wrong
    }

    /// What must not be in any output.
    fn always(&self) -> String {
        let mut wrong = String::new();
        let both = format!("{}{}", self.out, self.err);
        if self.code.is_none() {
            let _ = writeln!(wrong, "it did not end by itself within {:?}", self.took);
        }
        for bad in ["panicked", "memory allocation", "overflowed its stack", CODE, TOKEN] {
            if both.contains(bad) {
                let _ = writeln!(wrong, "there is {bad:?} in the output");
            }
        }
        if both.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
            wrong.push_str("there are control characters in the output\n");
        }
        wrong
    }

    /// Lines are broken to fit a window; how is of no interest here.
    fn missing(&self, says: &[&str], wrong: &mut String) {
        let words: Vec<&str> = self.err.split_whitespace().filter(|word| !matches!(*word, "│" | "·")).collect();
        let said = words.join(" ");
        for what in says {
            if !said.contains(what) {
                let _ = writeln!(wrong, "{what:?} is not said");
            }
        }
    }

    fn shown(&self, name: &str) -> String {
        let code = self.code.map_or("killed".to_owned(), |code| code.to_string());
        let (out, err) = (shortened(&self.out), shortened(&self.err));
        format!("\n── {name}: exit {code} after {:?}\n{out}{err}", self.took)
    }

    /// Fails with all there is to see.
    #[track_caller]
    pub fn fails(&self, name: &str, code: i32, says: &[&str]) {
        let (shown, wrong) = (self.shown(name), self.complaints(code, says));
        println!("{shown}");
        assert!(wrong.is_empty(), "{shown}\n{wrong}");
    }

    #[track_caller]
    pub fn works(&self, name: &str, prints: &str) {
        let (shown, wrong) = (self.shown(name), self.complaints_of_good(prints));
        println!("{shown}");
        assert!(wrong.is_empty(), "{shown}\n{wrong}");
    }
}

/// A page of it, for people.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(3000) {
        Some((end, _)) => format!("{}\n[…]\n", &text[..end]),
        None => text.to_owned(),
    }
}

/// A name, a run, its exit code and what standard error must say.
pub type Case<'a> = (&'a str, Program, i32, &'a [&'a str]);

/// Runs all, then tells of every one that ended otherwise than it should.
#[track_caller]
pub fn all_fail<'a>(cases: impl IntoIterator<Item = Case<'a>>) {
    let mut failures = String::new();
    for (name, program, code, says) in cases {
        let ended = program.ended();
        let (shown, wrong) = (ended.shown(name), ended.complaints(code, says));
        println!("{shown}");
        if !wrong.is_empty() {
            let _ = writeln!(failures, "{shown}>> {}", wrong.trim_end().replace('\n', "\n>> "));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}
