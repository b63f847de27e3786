//! What real 1C servers sent and the real utility printed, where those recordings are.
//!
//! They lie in the folder of `PULT_GOLDEN`, else in `../shared/golden`; without the folder nothing is compared, and the
//! tests say so.

mod bytes;
mod texts;

use std::path::{Path, PathBuf};

/// The folder of recordings.
fn folder(kind: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PULT_GOLDEN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/golden"), PathBuf::from);
    let folder = root.join(kind);
    if !folder.is_dir() {
        println!("skipped: there is no folder {}", folder.display());
        return None;
    }
    Some(folder)
}

/// The files of a folder whose names end so, as (name without the ending, path), sorted.
fn files(folder: &Path, ending: &str) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, PathBuf)> = entries
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned();
            Some((name, path))
        })
        .collect();
    files.sort();
    files
}
