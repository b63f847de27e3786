//! Exit codes of an agent: what its errors mean for whoever started it.

use crate::error::{Error, Kind};
use crate::script::report::Report;
use crate::services::robot::client::trouble::code;

/// All work done, or none there.
pub const FINE: u8 = 0;
/// The command line, `pult.toml` or the algorithm's text is wrong.
pub const CONFIG: u8 = 2;
/// The Orchestrator does not know this robot, or does not let it in.
pub const UNKNOWN: u8 = 3;
/// Another process is this robot.
pub const LOCKED: u8 = 4;
/// No Orchestrator, or one whose certificate is not trusted.
pub const UNREACHABLE: u8 = 5;
/// Anything else.
pub const INTERNAL: u8 = 6;
/// Ended by Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// From harmless to grave: with several robots, the gravest is the program's.
const GRAVITY: [u8; 7] = [FINE, INTERRUPTED, UNREACHABLE, UNKNOWN, LOCKED, CONFIG, INTERNAL];

/// What the codes of errors mean.
const CODES: &[(&str, u8)] = &[
    (code::UNKNOWN, UNKNOWN),
    (code::UNAUTHORISED, UNKNOWN),
    (code::LOCKED, LOCKED),
    (code::UNREACHABLE, UNREACHABLE),
    (code::CERTIFICATE, UNREACHABLE),
    (code::TIMEOUT, UNREACHABLE),
    (code::BROKEN_OFF, UNREACHABLE),
    (code::BUSY, UNREACHABLE),
    (code::ANSWER, UNREACHABLE),
    (code::REDIRECTED, UNREACHABLE),
];

/// The exit code of one that ended with an error of this code and kind.
pub fn of(code: &str, kind: Kind) -> u8 {
    let known = CODES.iter().find(|(known, _)| *known == code).map(|(_, exit)| *exit);
    known.unwrap_or(match kind {
        Kind::Usage | Kind::Config | Kind::Compile => CONFIG,
        Kind::Stopped => INTERRUPTED,
        _ => INTERNAL,
    })
}

pub fn of_error(error: &Error) -> u8 {
    of(error.code(), error.kind())
}

pub fn of_report(report: &Report) -> u8 {
    of(&report.code, report.kind)
}

/// The gravest of these; 0 of none.
pub fn worst(codes: impl IntoIterator<Item = u8>) -> u8 {
    let gravity = |code: &u8| GRAVITY.iter().position(|known| known == code).unwrap_or(GRAVITY.len());
    codes.into_iter().max_by_key(gravity).unwrap_or(FINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_end_with_the_code_of_the_table() {
        for (code, kind, exit) in [
            (code::UNKNOWN, Kind::NotFound, 3),
            (code::UNAUTHORISED, Kind::Auth, 3),
            (code::LOCKED, Kind::Refused, 4),
            (code::CERTIFICATE, Kind::Unavailable, 5),
            (code::JOURNAL, Kind::File, 6),
            ("config.missing", Kind::Config, 2),
            ("script.syntax", Kind::Compile, 2),
            ("script.thrown", Kind::Script, 6),
            ("stopped", Kind::Stopped, 130),
        ] {
            assert_eq!(of(code, kind), exit, "{code}");
        }
    }

    #[test]
    fn of_several_the_gravest_counts() {
        assert_eq!((worst([]), worst([0, 0]), worst([0, 130]), worst([5, 3, 0]), worst([6, 2])), (0, 0, 130, 3, 6));
    }
}
