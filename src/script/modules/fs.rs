//! Text files below the permitted folders.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rhai::plugin::*;
use rhai::{Array, Map, NativeCallContext};

use crate::core::json::too_large;
use crate::core::rows::{Builder, Field, Rows as HeldRows};
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::render::export;
use crate::script::bridge::{Thrown, host, throw};
use crate::script::modules::encoding::Encoding;
use crate::script::options::Options;
use crate::script::values::Moment;

fn resolved(call: &NativeCallContext<'_>, path: &str) -> Result<PathBuf> {
    host(call).folders.resolve(path)
}

/// What the system says about a path, in the words of scripts.
fn failed(path: &str, full: &Path, what: &str, error: &io::Error) -> Error {
    let said = |code: &'static str, why: &str| Error::new(Kind::File, code, format!("`{path}` {why}"));
    match error.kind() {
        _ if full.is_dir() => said("fs.folder", "is a folder, not a file").hint("name a file inside it"),
        io::ErrorKind::NotFound => said("fs.not_found", "does not exist").hint(near(full)),
        io::ErrorKind::PermissionDenied => said("fs.denied", &format!("cannot be {what}: the system refuses it"))
            .hint("check who may use the file, and whether another program holds it open"),
        _ => said("fs.failed", &format!("cannot be {what}: {error}")),
    }
}

fn near(full: &Path) -> String {
    let folder = full.parent().unwrap_or(full);
    if !folder.is_dir() {
        return format!("there is no folder {} either", folder.display());
    }
    let names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let name = full.file_name().unwrap_or_default().to_string_lossy();
    did_you_mean(&name, names.iter().map(String::as_str))
        .unwrap_or_else(|| format!("fs::list(\"…\") shows what there is; looked in {}", folder.display()))
}

pub fn bytes_of(call: &NativeCallContext<'_>, path: &str) -> Result<Vec<u8>> {
    let full = resolved(call, path)?;
    std::fs::read(&full).map_err(|error| failed(path, &full, "read", &error))
}

pub fn write_bytes(call: &NativeCallContext<'_>, path: &str, bytes: &[u8]) -> Result<()> {
    let full = resolved(call, path)?;
    export::write_whole(&full, |to| to.write_all(bytes)).map_err(|error| failed(path, &full, "written", &error))
}

fn appended(full: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = full.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::OpenOptions::new().append(true).create(true).open(full)?.write_all(text.as_bytes())
}

fn listed(path: &str, full: &Path) -> Result<HeldRows> {
    if full.is_file() {
        return Err(Error::new(Kind::File, "fs.file", format!("`{path}` is a file, not a folder"))
            .hint("fs::read gives what is in a file"));
    }
    let wrong = |error| failed_folder(path, full, &error);
    let mut entries = std::fs::read_dir(full).map_err(wrong)?.collect::<io::Result<Vec<_>>>().map_err(wrong)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    let mut rows = Builder::new();
    for entry in entries {
        // Gone since the folder was read, or a link to nowhere.
        let Ok(about) = std::fs::metadata(entry.path()) else { continue };
        let modified = about.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
        let modified = modified.map(|time| Moment(time.to_zoned(jiff::tz::TimeZone::system())).to_string());
        let fields = [
            ("name", Field::Text(&entry.file_name().to_string_lossy())),
            ("size", Field::Integer(if about.is_dir() { 0 } else { i64::try_from(about.len()).unwrap_or(i64::MAX) })),
            ("modified", modified.as_deref().map_or(Field::Null, Field::Text)),
            ("is_folder", Field::Flag(about.is_dir())),
        ]
        .map(|(name, field)| {
            rows.name(name);
            rows.push(field)
        });
        if fields.iter().any(std::result::Result::is_err) {
            return Err(too_large());
        }
        rows.end_row();
    }
    Ok(rows.finish().into())
}

fn failed_folder(path: &str, full: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => failed(path, full, "read", error),
        _ => Error::new(Kind::File, "fs.failed", format!("the folder `{path}` cannot be read: {error}")),
    }
}

#[export_module]
pub mod files {
    pub type Rows = HeldRows;

    /// The text of a file.
    ///
    /// The file lies below the folder where `pult` was started or one of `[fs] allow` in pult.toml, and holds UTF-8; a
    /// byte order mark is left out. Throws `fs.not_found`, `fs.folder`, `fs.denied`, `fs.not_permitted`, and
    /// `fs.not_utf8` with the line.
    ///
    /// ```rhai
    /// fs::write("note.txt", "Привет");
    /// assert_eq(fs::read("note.txt"), "Привет");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn read(call: NativeCallContext, path: &str) -> Thrown<String> {
        read_with(call, path, Map::new())
    }

    /// The same with the option `encoding`: `"utf-8"`, `"cp1251"` or `"utf-16"`.
    ///
    /// ```rhai
    /// fs::write("note.txt", "ok");
    /// assert_eq(fs::read("note.txt", #{encoding: "cp1251"}), "ok");
    /// ```
    #[rhai_fn(name = "read", return_raw)]
    pub fn read_with(call: NativeCallContext, path: &str, options: Map) -> Thrown<String> {
        let text = Options::read(&options, &["encoding"]).and_then(|options| {
            let encoding = options.text("encoding")?.map_or(Ok(Encoding::default()), |name| Encoding::named(&name))?;
            encoding.decode(bytes_of(&call, path)?, path)
        });
        text.or_else(|error| throw(&call, error))
    }

    /// The lines of a text file as a list, without their line ends.
    ///
    /// ```rhai
    /// fs::write("ids.txt", "7\r\n8\r\n");
    /// assert_eq(fs::lines("ids.txt"), ["7", "8"]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn lines(call: NativeCallContext, path: &str) -> Thrown<Array> {
        Ok(read(call, path)?.lines().map(Into::into).collect())
    }

    /// Writes a text into a file, replacing what was there; missing folders are made.
    ///
    /// The file is written under another name and renamed, so nobody ever sees half of it.
    ///
    /// ```rhai
    /// fs::write("out/report.txt", "done\n");
    /// assert(fs::exists("out/report.txt"));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn write(call: NativeCallContext, path: &str, text: &str) -> Thrown<()> {
        write_bytes(&call, path, text.as_bytes()).or_else(|error| throw(&call, error))
    }

    /// Adds a text at the end of a file, which is made when there is none.
    ///
    /// ```rhai
    /// fs::remove_if_there("journal.txt");
    /// fs::append("journal.txt", "one\n");
    /// fs::append("journal.txt", "two\n");
    /// assert_eq(fs::lines("journal.txt"), ["one", "two"]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn append(call: NativeCallContext, path: &str, text: &str) -> Thrown<()> {
        let done = resolved(&call, path)
            .and_then(|full| appended(&full, text).map_err(|error| failed(path, &full, "written", &error)));
        done.or_else(|error| throw(&call, error))
    }

    /// Whether there is such a file or folder.
    ///
    /// ```rhai
    /// assert(!fs::exists("no such file"));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn exists(call: NativeCallContext, path: &str) -> Thrown<bool> {
        resolved(&call, path).map(|full| full.exists()).or_else(|error| throw(&call, error))
    }

    /// What is in a folder: rows of `name`, `size` (bytes), `modified` (a text that `time::parse` reads) and
    /// `is_folder`, sorted by name.
    ///
    /// ```rhai
    /// fs::write("some/a.txt", "12345");
    /// assert_eq(fs::list("some")[0].size, 5);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn list(call: NativeCallContext, folder: &str) -> Thrown<Rows> {
        resolved(&call, folder).and_then(|full| listed(folder, &full)).or_else(|error| throw(&call, error))
    }

    /// Removes a file. Folders are never removed.
    ///
    /// Throws `fs.not_found` when there is none and `fs.folder` for a folder.
    ///
    /// ```rhai
    /// fs::write("old.txt", "");
    /// fs::remove("old.txt");
    /// assert(!fs::exists("old.txt"));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn remove(call: NativeCallContext, path: &str) -> Thrown<()> {
        let done = resolved(&call, path)
            .and_then(|full| std::fs::remove_file(&full).map_err(|error| failed(path, &full, "removed", &error)));
        done.or_else(|error| throw(&call, error))
    }

    /// Removes a file when there is one; whether there was one.
    ///
    /// ```rhai
    /// assert(!fs::remove_if_there("no such file"));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn remove_if_there(call: NativeCallContext, path: &str) -> Thrown<bool> {
        let there = resolved(&call, path).map(|full| full.exists()).or_else(|error| throw(&call, error))?;
        if there {
            remove(call, path)?;
        }
        Ok(there)
    }

    /// Makes a folder, and those around it; nothing happens when it is there.
    ///
    /// ```rhai
    /// fs::make_folder("exports/2026");
    /// assert(fs::exists("exports/2026"));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn make_folder(call: NativeCallContext, path: &str) -> Thrown<()> {
        let done = resolved(&call, path).and_then(|full| {
            std::fs::create_dir_all(&full).map_err(|error| match full.is_file() {
                true => Error::new(Kind::File, "fs.file", format!("`{path}` is a file")).hint("choose another name"),
                false => failed(path, &full, "made", &error),
            })
        });
        done.or_else(|error| throw(&call, error))
    }
}
