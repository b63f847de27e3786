//! A folder for temporary files that nobody else may look into; it goes with whoever asked for it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Removed with everything in it when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> io::Result<Folder> {
        private_folder().map(Folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Windows keeps a program that still runs; nothing can be done about that here.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

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
