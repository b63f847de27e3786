//! The folders below which scripts may read and write files.

use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Kind, Result};

#[derive(Clone, Debug)]
pub struct Folders {
    /// What relative paths are relative to: the folder where `pult` was started.
    base: PathBuf,
    allowed: Vec<PathBuf>,
}

impl Folders {
    /// `allowed` besides `base` itself.
    pub fn new(base: PathBuf, allowed: impl IntoIterator<Item = PathBuf>) -> Folders {
        let mut folders: Vec<PathBuf> = std::iter::once(base.clone()).chain(allowed).map(|path| real(&path)).collect();
        folders.dedup();
        Folders { base, allowed: folders }
    }

    /// The real path behind what a script wrote, if it lies below a permitted folder.
    pub fn resolve(&self, path: &str) -> Result<PathBuf> {
        let full = real(&self.base.join(path));
        if self.allowed.iter().any(|folder| full.starts_with(folder)) {
            return Ok(full);
        }
        let folders: Vec<String> = self.allowed.iter().map(|folder| folder.display().to_string()).collect();
        Err(Error::new(Kind::File, "fs.not_permitted", format!("`{path}` is outside the folders a script may use"))
            .hint(format!("permitted: {}; add its folder to `[fs] allow` in pult.toml", folders.join(", "))))
    }
}

/// The path with links followed as far as it exists and without `.` and `..`.
fn real(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut existing = plain(path);
    loop {
        if let Ok(found) = dunce::canonicalize(&existing) {
            return missing.iter().rev().fold(found, |path, part| path.join(part));
        }
        match (existing.file_name().map(ToOwned::to_owned), existing.parent().map(Path::to_path_buf)) {
            (Some(name), Some(parent)) => {
                missing.push(name);
                existing = parent;
            }
            _ => return plain(path),
        }
    }
}

/// Without `.` and `..`, whatever the links on the way.
pub fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_a_permitted_folder_is_reached() {
        let root = tempfile::tempdir().unwrap();
        let (base, other) = (root.path().join("base"), root.path().join("other"));
        std::fs::create_dir_all(&base).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        let folders = Folders::new(base.clone(), []);
        assert!(folders.resolve("new/report.csv").is_ok());
        assert!(folders.resolve("../other/x").is_err());
        assert!(folders.resolve(&other.join("x").to_string_lossy()).is_err());
        assert!(Folders::new(base.clone(), [other.clone()]).resolve("../other/x").is_ok());
        // A link inside does not lead outside.
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&other, base.join("link")).unwrap();
            assert!(folders.resolve("link/x").is_err());
        }
    }
}
