//! What runs a script: a table by the endings of file names.

use std::path::{Path, PathBuf};

use crate::core::programs;
use crate::settings::Settings;

/// The scripts that this program runs itself.
pub const RHAI: &str = "rhai";

/// Programs that may run a kind of scripts, each with what stands before the script; the first that is there is taken.
type Programs = &'static [(&'static str, &'static [&'static str])];

struct Interpreter {
    /// The endings of its scripts.
    endings: &'static [&'static str],
    /// The setting that names another program.
    setting: Option<&'static str>,
    windows: Programs,
    unix: Programs,
}

const POWERSHELL: &[&str] = &["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"];

/// A program without a name is the file itself.
const ITSELF: Programs = &[("", &[])];

const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        endings: &["py", "pyw"],
        setting: Some("python"),
        windows: &[("py", &["-3"]), ("python", &[]), ("python3", &[])],
        unix: &[("python3", &[]), ("python", &[])],
    },
    Interpreter { endings: &["os"], setting: Some("oscript"), windows: &[("oscript", &[])], unix: &[("oscript", &[])] },
    Interpreter {
        endings: &["ps1"],
        setting: Some("powershell"),
        windows: &[("pwsh", POWERSHELL), ("powershell", POWERSHELL)],
        unix: &[("pwsh", POWERSHELL)],
    },
    Interpreter {
        endings: &["sh"],
        setting: Some("shell"),
        windows: &[("bash", &[]), ("sh", &[])],
        unix: &[("sh", &[])],
    },
    Interpreter { endings: &["js", "mjs"], setting: None, windows: &[("node", &[])], unix: &[("node", &[])] },
    Interpreter { endings: &["vbs"], setting: None, windows: &[("cscript", &["//NoLogo", "//B"])], unix: &[] },
    Interpreter { endings: &["exe", "com", "bat", "cmd"], setting: None, windows: ITSELF, unix: &[] },
];

/// All endings but that of our own scripts, in the order in which they are looked for.
pub fn extensions() -> impl Iterator<Item = &'static str> {
    INTERPRETERS.iter().flat_map(|interpreter| interpreter.endings.iter().copied())
}

/// Whether scripts of other languages end so.
pub fn is_known(ending: &str) -> bool {
    of(ending).is_some()
}

fn of(ending: &str) -> Option<&'static Interpreter> {
    INTERPRETERS.iter().find(|known| known.endings.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// A program, and what stands before the script's own file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub program: PathBuf,
    pub before: Vec<String>,
    /// Whether the file follows as an argument; else it is the program.
    pub takes_file: bool,
}

/// How to run a script of another language, or what is missing.
pub fn way(script: &Path, settings: &Settings) -> Result<Way, String> {
    let ending = script.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let Some(interpreter) = of(ending) else { return itself(script) };
    let programs = if cfg!(windows) { interpreter.windows } else { interpreter.unix };
    if let Some(setting) = interpreter.setting
        && let Some(named) = settings.text(setting)
    {
        let program = programs::locate(named);
        // Whatever the program is called, its scripts want the same before them.
        let like =
            programs.iter().filter(|(name, _)| *name != "py").map(|(_, before)| *before).next().unwrap_or_default();
        return match program {
            Some(program) => {
                Ok(Way { program, before: like.iter().map(|word| (*word).into()).collect(), takes_file: true })
            }
            None => Err(format!("`{setting}` names {named}, which is not there")),
        };
    }
    for (name, before) in programs {
        match name.is_empty() {
            true => return itself(script),
            false => {
                if let Some(program) = programs::locate(name) {
                    return Ok(Way {
                        program,
                        before: before.iter().map(|word| (*word).into()).collect(),
                        takes_file: true,
                    });
                }
            }
        }
    }
    let names: Vec<&str> = programs.iter().map(|(name, _)| *name).collect();
    let hint = interpreter.setting.map(|setting| format!("; the setting `{setting}` names one")).unwrap_or_default();
    Err(match names.is_empty() {
        true => format!("nothing runs .{ending} on this system"),
        false => format!("nothing to run .{ending} with: {} is not on the path{hint}", names.join(" or ")),
    })
}

/// A file that the system runs by itself.
fn itself(script: &Path) -> Result<Way, String> {
    match programs::is_program(script) {
        true => Ok(Way { program: script.to_path_buf(), before: Vec::new(), takes_file: false }),
        false if cfg!(windows) => Err(format!("{} is no script of a known kind", script.display())),
        false => Err(format!("{} is no script of a known kind, and is not executable (chmod +x)", script.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::robot::SETTINGS;
    use crate::settings::Given;

    fn with(name: &str, value: &str) -> Settings {
        let mut settings = Settings::new("test");
        settings.set(SETTINGS, name, Given::Text(value.into())).unwrap();
        settings
    }

    #[test]
    fn each_kind_has_its_program_and_a_setting_names_another() {
        let python = way(Path::new("x.py"), &Settings::default()).unwrap();
        assert!(python.takes_file && python.program.is_absolute());
        let named = way(Path::new("X.PYW"), &with("python", python.program.to_str().unwrap())).unwrap();
        assert_eq!((named.program, named.before.len()), (python.program.clone(), 0));
        let powershell = way(Path::new("x.ps1"), &with("powershell", python.program.to_str().unwrap())).unwrap();
        assert_eq!(powershell.before.last().unwrap(), "-File");
        let error = way(Path::new("x.os"), &with("oscript", "no-such-oscript")).unwrap_err();
        assert!(error.contains("oscript") && error.contains("no-such-oscript"), "{error}");
        let error = way(Path::new("x.os"), &Settings::default()).unwrap_err();
        assert!(error.contains("the setting `oscript`"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_an_ending_must_be_executable() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("job");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        let error = way(&file, &Settings::default()).unwrap_err();
        assert!(error.contains("chmod +x"), "{error}");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(way(&file, &Settings::default()).unwrap().program, file);
        assert!(way(Path::new("x.bat"), &Settings::default()).unwrap_err().contains("nothing runs .bat"));
    }
}
