//! Which file a job is: its name comes from outside, and must lead nowhere but into the folder of scripts.

use std::path::{Path, PathBuf};

use super::interpreter::{self, RHAI};

/// Names of devices in every folder of Windows, with any extension.
const DEVICES: [&str; 8] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$", "CONFIG$"];

/// The same with a figure behind them.
const NUMBERED: [&str; 2] = ["COM", "LPT"];

/// What robots of the framework are published with.
const FRAMEWORK: &str = "robot";

/// No file system has longer names.
const LONGEST: usize = 255;

/// What is wrong with a name, if anything; asked before any file is looked at.
pub fn unsafe_name(name: &str) -> Option<&'static str> {
    let stem = name.split('.').next().unwrap_or_default().trim().to_uppercase();
    let figure = |rest: &str| {
        let mut letters = rest.chars();
        letters.next().is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c)) && letters.next().is_none()
    };
    let is_device =
        DEVICES.contains(&stem.as_str()) || NUMBERED.iter().any(|device| stem.strip_prefix(device).is_some_and(figure));
    match name {
        "" => Some("it is empty"),
        _ if name.len() > LONGEST => Some("it is too long for a file"),
        _ if name.chars().any(|c| matches!(c, '/' | '\\')) => Some("it has a separator of folders in it"),
        _ if name.contains(':') => Some("it has a colon in it"),
        _ if name.chars().any(char::is_control) => Some("it has a control character in it"),
        _ if name.chars().all(|c| c == '.') => Some("it leads out of the folder"),
        _ if name.ends_with(['.', ' ']) => Some("it ends with a dot or a space"),
        _ if is_device => Some("it is the name of a device"),
        _ => None,
    }
}

/// The file of the script with this name in a folder, or why there is none. The name must be safe.
pub fn find(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let candidates = candidates(folder, name);
    let Some(found) = candidates.iter().find(|candidate| candidate.is_file()) else {
        return Err(format!("there is no script `{name}` in {}; looked for {}", folder.display(), looked_for(name)));
    };
    // Links may lead to other files of the folder, but not out of it.
    let real = |path: &Path| dunce::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()));
    let (root, script) = (real(folder)?, real(found)?);
    match script.starts_with(&root) {
        true => Ok(script),
        false => Err(format!("the script `{name}` is a link that leads out of {}", folder.display())),
    }
}

/// The files it could be, the best first.
fn candidates(folder: &Path, name: &str) -> Vec<PathBuf> {
    let file = |name: &str| folder.join(name);
    let mut found = vec![file(name), file(&format!("{name}.{RHAI}"))];
    let is_foreign = |ending| interpreter::is_known(ending) || ending == FRAMEWORK;
    let foreign = name.rsplit_once('.').filter(|(stem, ending)| !stem.is_empty() && is_foreign(ending));
    found.extend(foreign.map(|(stem, _)| file(&format!("{stem}.{RHAI}"))));
    found.push(folder.join(name).join(format!("main.{RHAI}")));
    found.extend(interpreter::extensions().map(|ending| file(&format!("{name}.{ending}"))));
    found.extend(interpreter::extensions().map(|ending| folder.join(name).join(format!("main.{ending}"))));
    found
}

fn looked_for(name: &str) -> String {
    let endings: Vec<&str> = interpreter::extensions().collect();
    format!("{name}, {name}.{RHAI}, {name}/main.{RHAI}, and the same with {}", endings.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_be_a_way() {
        let evil = [
            "",
            ".",
            "..",
            "...",
            "../evil",
            "..\\..\\evil",
            "/etc/passwd",
            "C:\\x",
            "c:evil",
            "name:stream",
            "a\0b",
            "a\nb",
            "CON",
            "con",
            "nul.py",
            "COM1",
            "lpt9.rhai",
            "COM¹",
            "aux .py",
            "CONIN$",
            "evil.",
            "evil ",
            "..\\",
        ];
        for name in evil {
            assert!(unsafe_name(name).is_some(), "{name:?}");
        }
        let long = "щ".repeat(128);
        assert!(unsafe_name(&long).is_some());
        for name in
            ["invoice_import", "Счета 2.py", "..a", "a..b", "console", "COM", "COM12", "null", ".hidden", "com1x.rhai"]
        {
            assert_eq!(unsafe_name(name), None, "{name:?}");
        }
    }

    fn touch(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        dunce::canonicalize(path).unwrap()
    }

    #[test]
    fn the_first_that_is_there_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let order = ["job/main.py", "job.sh", "job.py", "job/main.rhai", "job.rhai"];
        for name in order {
            let path = touch(folder, name);
            assert_eq!(find(folder, "job").unwrap(), path, "{name}");
        }
        let rewritten = touch(folder, "old.rhai");
        assert_eq!(find(folder, "old.py").unwrap(), rewritten);
        // What was published under the framework's own ending.
        assert_eq!(find(folder, "old.robot").unwrap(), rewritten);
        let old = touch(folder, "old.py");
        assert_eq!(find(folder, "old.py").unwrap(), old);
        let error = find(folder, "none").unwrap_err();
        assert!(error.contains("none") && error.contains(".rhai") && error.contains("py"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out_of_the_folder() {
        let all = tempfile::tempdir().unwrap();
        let outside = touch(all.path(), "outside.py");
        let folder = all.path().join("scripts");
        let inside = touch(&folder, "real.py");
        std::os::unix::fs::symlink(&outside, folder.join("evil.py")).unwrap();
        std::os::unix::fs::symlink(&inside, folder.join("alias.py")).unwrap();
        std::os::unix::fs::symlink(all.path(), folder.join("up")).unwrap();
        assert!(find(&folder, "evil").unwrap_err().contains("leads out"));
        assert_eq!(find(&folder, "alias").unwrap(), inside);
        assert!(find(&folder, "up").is_err());
    }
}
