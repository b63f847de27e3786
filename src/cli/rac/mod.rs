//! `pult rac`, and this program under the name `rac`: in place of the utility of the platform.

mod encode;
mod help;
mod manner;
mod parse;
mod run;
mod texts;

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use manner::Manner;
use parse::{Asked, Fault};

use crate::error::{Error, Kind};
use crate::script::report::Report;
use crate::secret;

/// The name under which this program is the utility, and the word after `pult`.
pub const NAME: &str = "rac";

/// The utility's arguments, when it is the utility that is asked for.
pub fn asked(args: &[OsString]) -> Option<&[OsString]> {
    match args {
        [program, rest @ ..] if is_named(program) => Some(rest),
        [_, word, rest @ ..] if word == NAME => Some(rest),
        _ => None,
    }
}

/// Whether a program of this path is called `rac` or `rac.exe`, in any case.
fn is_named(program: &OsStr) -> bool {
    let name = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or_default().to_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name) == NAME
}

/// Flags of ours before the word: the utility knows none of them, and `--dry-run` must not be lost.
pub fn not_first() -> Box<Report> {
    Error::new(Kind::Usage, "usage.rac", "`rac` takes the options of the utility alone")
        .hint("write `pult rac …`, with nothing between; a script with `rac::` takes --sandbox and --dry-run")
        .into()
}

/// Does what is asked, as the utility would. A failure has nothing on standard output.
pub fn main(args: &[OsString]) -> ExitCode {
    let (manner, wrong) = Manner::of_process();
    let done = wrong.map_or_else(|| answer(args, &manner), Err);
    match done.and_then(|text| print(&text, &manner)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // The utility writes its messages in the terminal's encoding. Nobody can be told when that fails.
            let _ = std::io::stderr().write_all(&manner.errors(&format!("{}\n", secret::mask(&message))));
            // -1, of which Unix keeps 255; an `ExitCode` has no way to say it to Windows.
            std::process::exit(-1)
        }
    }
}

/// What is to be printed, or the message of the failure.
fn answer(args: &[OsString], manner: &Manner) -> Result<String, String> {
    match parse::parse(args) {
        Ok(Asked::Version) => Ok(format!("{}\n", manner.version)),
        Ok(Asked::Help(mode)) => Ok(help::help(mode, manner)),
        Ok(Asked::Call { address, call }) => run::run(&address, *call, manner),
        Err(Fault(what)) => Err(format!("{}: {what}", manner.language.of(texts::NOT_UNDERSTOOD))),
    }
}

/// Writes all at once. Nothing is masked here: no server tells a password, and a table in which a word is missing
/// because somebody's password is that word would break the scripts that read it.
fn print(text: &str, manner: &Manner) -> Result<(), String> {
    let mut out = std::io::stdout();
    match out.write_all(&manner.output(text)).and_then(|()| out.flush()) {
        // Whoever reads has read enough.
        Err(closed) if closed.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(format!("{}: {error}", manner.language.of(texts::NOT_WRITTEN))),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_decides() {
        let asked = |line: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            asked(&args).map(|rest| rest.len())
        };
        assert_eq!(asked("/opt/1cv8/x86_64/8.3.27.1936/rac cluster list"), Some(2));
        assert_eq!(asked("RAC.EXE cluster list"), Some(2));
        assert_eq!(asked("pult rac --help"), Some(1));
        assert_eq!(asked("pult run rac"), None);
        assert_eq!(asked("tractor rac"), Some(0));
        assert_eq!(asked("rac.old x"), None);
    }
}
