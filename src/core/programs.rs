//! Where a program is that somebody names.

use std::path::{Path, PathBuf};

/// What the name of a program may end with, unsaid.
const ENDINGS: &[&str] = if cfg!(windows) { &["", ".exe", ".com", ".cmd", ".bat"] } else { &[""] };

/// A program by its path, or by its name on the search path.
pub fn locate(name: &str) -> Option<PathBuf> {
    let in_folder = |folder: &Path| {
        let mut files = ENDINGS.iter().map(|ending| folder.join(format!("{name}{ending}")));
        files.find(|file| is_program(file))
    };
    if name.is_empty() || name.contains(['/', '\\']) {
        return Some(name).filter(|name| !name.is_empty()).and_then(|_| in_folder(Path::new("")));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|folder| folder.is_absolute()).find_map(|folder| in_folder(&folder))
}

/// Whether the system may run this file as it is.
#[cfg(unix)]
pub fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Whether the system may run this file as it is.
#[cfg(not(unix))]
pub fn is_program(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    ["exe", "com", "cmd", "bat"].contains(&ending.as_str()) && file.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_on_the_path_and_by_its_own() {
        let python = if cfg!(windows) { "python" } else { "python3" };
        let found = locate(python).unwrap();
        assert!(found.is_absolute() && is_program(&found));
        assert_eq!(locate(found.to_str().unwrap()), Some(found));
        assert_eq!((locate("no such program"), locate(""), locate("./no-such")), (None, None, None));
    }
}
