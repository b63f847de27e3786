//! Runs the program as scripts run the utility.

use std::path::Path;
use std::process::{Command, Output};

/// What a run printed, said and ended with.
#[derive(Debug, PartialEq)]
pub struct Ran {
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    pub code: Option<i32>,
}

impl Ran {
    pub fn out(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    pub fn err(&self) -> &str {
        std::str::from_utf8(&self.err).unwrap()
    }
}

/// What failure ends with.
pub const FAILED: Option<i32> = Some(if cfg!(windows) { -1 } else { 255 });

pub fn pult() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_pult"))
}

/// A run of this program with these arguments in this environment, which has nothing else of ours. Unless told
/// otherwise it is that of English Linux.
pub fn run(program: &Path, args: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PULT_")) {
        command.env_remove(name);
    }
    command.envs([("PULT_RAC_LANG", "en"), ("PULT_RAC_ENCODING", "utf-8"), ("PULT_RAC_NEWLINE", "lf")]);
    let Output { status, stdout, stderr } = command.args(args).envs(env.iter().copied()).output().unwrap();
    Ran { out: stdout, err: stderr, code: status.code() }
}

/// `pult rac` with these words and the arguments behind them.
pub fn rac(line: &str) -> Ran {
    rac_in(line, &[])
}

pub fn rac_in(line: &str, env: &[(&str, &str)]) -> Ran {
    let args: Vec<&str> = ["rac"].into_iter().chain(line.split(' ').filter(|arg| !arg.is_empty())).collect();
    run(pult(), &args, env)
}
