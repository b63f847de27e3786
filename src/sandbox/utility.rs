//! A `rac` beside the simulated administration server: this very program under that name, for wrappers of the utility.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A private folder with the utility in it; both are removed in the end.
pub struct Utility {
    folder: PathBuf,
    path: PathBuf,
}

#[cfg(windows)]
const NAME: &str = "rac.exe";
#[cfg(not(windows))]
const NAME: &str = "rac";

impl Utility {
    /// Links this program under the utility's name, or copies it where links do not reach.
    pub fn place(program: &Path) -> io::Result<Utility> {
        let folder = private_folder()?;
        // From here on the folder goes away even if the rest fails.
        let utility = Utility { path: folder.join(NAME), folder };
        if std::fs::hard_link(program, &utility.path).is_err() {
            std::fs::copy(program, &utility.path)?;
        }
        Ok(utility)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Utility {
    fn drop(&mut self) {
        // Windows keeps a program that still runs; nothing can be done about that here.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A new folder for temporary files that nobody else may look into.
fn private_folder() -> io::Result<PathBuf> {
    const TRIES: u32 = 100;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    for number in 0..TRIES {
        let name = format!("pult-sandbox-{}-{:x}", std::process::id(), now.wrapping_add(number));
        let folder = std::env::temp_dir().join(name);
        match create(&folder) {
            // Somebody was faster: another name may be free.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(folder),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(unix)]
fn create(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(folder)
}

/// The folder for temporary files is the user's own there.
#[cfg(not(unix))]
fn create(folder: &Path) -> io::Result<()> {
    std::fs::create_dir(folder)
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
