//! Files inside strings: scripts and the library behind `import`, any file where a function takes a path.

use std::path::Path;

use super::{Offer, Offers};
use crate::repl::calls::Call;
use crate::repl::names::Names;
use crate::repl::text::Piece;
use crate::script::imports::Imports;

/// A folder with more entries is not listed whole.
const MOST: usize = 500;

/// Whether the string `at` is an argument that names a file.
pub fn are_wanted(pieces: &[Piece<'_>], at: usize, names: &Names) -> bool {
    Call::around(pieces, at, names).is_some_and(|call| {
        let is_path = |name: &str| matches!(name, "path" | "file" | "folder" | "from" | "to");
        call.param().is_some_and(|param| match call.module.as_str() {
            "fs" => param.holds == "text" && is_path(&param.name),
            _ => matches!(param.name.as_str(), "path" | "file" | "folder"),
        })
    })
}

/// Files and folders; `quote` ends the string behind a file.
pub fn any(written: &str, here: &Path, quote: &str) -> Offers {
    let (folder, name) = split(written);
    let offers = entries(&here.join(folder), name).map(|(name, is_folder)| match is_folder {
        true => Offer::plain(format!("{name}/")),
        false => Offer::ending(&name, quote),
    });
    Offers { from: folder.len(), offers: offers.collect() }
}

/// Scripts without their extension, folders, and the library.
pub fn imports(written: &str, root: &Path, quote: &str) -> Offers {
    let (folder, name) = split(written);
    if folder == "stdlib/" {
        let names = Imports::library().filter_map(|(path, _)| path.strip_prefix(folder).map(str::to_owned));
        let names = names.filter(|found| found.starts_with(name));
        return Offers { from: folder.len(), offers: names.map(|name| Offer::ending(&name, quote)).collect() };
    }
    let scripts = entries(&root.join(folder), name).filter_map(|(name, is_folder)| match is_folder {
        true => Some(Offer::plain(format!("{name}/"))),
        false => name.strip_suffix(".rhai").map(|name| Offer::ending(name, quote)),
    });
    let library = (folder.is_empty() && "stdlib/".starts_with(name)).then(|| Offer::plain("stdlib/"));
    Offers { from: folder.len(), offers: scripts.chain(library).collect() }
}

/// The folder, with its slash, and the beginning of the name in it.
fn split(written: &str) -> (&str, &str) {
    written.split_at(written.rfind(['/', '\\']).map_or(0, |slash| slash + 1))
}

/// Names that begin so, and whether they are folders. Hidden ones only when asked for.
fn entries(folder: &Path, begins: &str) -> impl Iterator<Item = (String, bool)> + use<> {
    let begins = begins.to_owned();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path().is_dir())))
        .filter(move |(name, _)| name.starts_with(&begins) && (name.starts_with('.') <= begins.starts_with('.')))
        .take(MOST)
}
