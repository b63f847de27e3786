//! The certificate of a simulator as a file, for clients that are told whom to trust.

use std::io;
use std::path::{Path, PathBuf};

use super::folder::Folder;

/// A file in a folder of its own; both are removed in the end.
pub struct Certificate {
    path: PathBuf,
    _folder: Folder,
}

impl Certificate {
    /// Under the name of the simulator: `veil-ca.pem`.
    pub fn place(simulator: &str, pem: &str) -> io::Result<Certificate> {
        let folder = Folder::new()?;
        let path = folder.path().join(format!("{simulator}-ca.pem"));
        std::fs::write(&path, pem)?;
        Ok(Certificate { path, _folder: folder })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}
