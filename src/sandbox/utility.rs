//! A `rac` beside the simulated administration server: this very program under that name, for wrappers of the utility.

use std::io;
use std::path::{Path, PathBuf};

use super::folder::Folder;

/// A private folder with the utility in it; both are removed in the end.
pub struct Utility {
    _folder: Folder,
    path: PathBuf,
}

#[cfg(windows)]
const NAME: &str = "rac.exe";
#[cfg(not(windows))]
const NAME: &str = "rac";

impl Utility {
    /// Links this program under the utility's name, or copies it where links do not reach.
    pub fn place(program: &Path) -> io::Result<Utility> {
        let folder = Folder::new()?;
        let utility = Utility { path: folder.path().join(NAME), _folder: folder };
        if std::fs::hard_link(program, &utility.path).is_err() {
            std::fs::copy(program, &utility.path)?;
        }
        Ok(utility)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_utility_is_this_program_and_goes_with_its_folder() {
        let program = std::env::current_exe().unwrap();
        let utility = Utility::place(&program).unwrap();
        let path = utility.path().to_owned();
        assert!(path.ends_with(NAME));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), std::fs::metadata(&program).unwrap().len());
        let other = Utility::place(&program).unwrap();
        assert_ne!(other.path(), path);
        drop(utility);
        assert!(!path.exists() && !path.parent().unwrap().exists());
        assert!(other.path().exists());
        assert!(Utility::place(Path::new("/no/such/program")).is_err());
    }
}
