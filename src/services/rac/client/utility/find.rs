//! Where the utility lies: as the settings say, or the newest in the usual folders.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

#[cfg(windows)]
const PROGRAM: &str = "rac.exe";
#[cfg(not(windows))]
const PROGRAM: &str = "rac";

/// A folder's place below another: names, `*` for any, and this for the name of a version.
const VERSION: &str = "8.*";

/// Where 1C's installers put it, the preferred first. Windows calls its folders so in every language; programs are kept
/// on another drive where the first one is small.
#[cfg(windows)]
const USUAL: &[(&str, &[&str])] = &[
    ("C:\\Program Files\\1cv8", &[VERSION, "bin"]),
    ("C:\\Program Files (x86)\\1cv8", &[VERSION, "bin"]),
    ("D:\\Program Files\\1cv8", &[VERSION, "bin"]),
    ("D:\\Program Files (x86)\\1cv8", &[VERSION, "bin"]),
    ("E:\\Program Files\\1cv8", &[VERSION, "bin"]),
    ("E:\\Program Files (x86)\\1cv8", &[VERSION, "bin"]),
];
#[cfg(not(windows))]
const USUAL: &[(&str, &[&str])] = &[
    ("/opt/1cv8/x86_64", &[VERSION]),
    ("/opt/1cv8/arm64", &[VERSION]),
    ("/opt/1cv8/i386", &[VERSION]),
    ("/opt/1C", &["v8.*", "*"]),
];

/// Where it may lie below a folder that somebody has named.
const BELOW: &[&[&str]] = &[&[], &["bin"], &[VERSION], &[VERSION, "bin"], &["*", VERSION]];

/// A utility, and the version that its path tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    pub version: Vec<u32>,
}

/// The utility that is meant: a path, a folder, a version, the name of a command; without a word, the newest.
pub fn find(wanted: Option<&str>) -> Result<PathBuf> {
    find_in(wanted, &usual())
}

fn usual() -> Vec<(PathBuf, &'static [&'static str])> {
    USUAL.iter().map(|(root, below)| (PathBuf::from(root), *below)).collect()
}

fn find_in(wanted: Option<&str>, usual: &[(PathBuf, &[&str])]) -> Result<PathBuf> {
    let Some(wanted) = wanted.map(str::trim).filter(|wanted| !wanted.is_empty()) else {
        return newest(search(usual), &[]).ok_or_else(|| nowhere(usual));
    };
    let path = Path::new(wanted);
    if let Some(version) = version(wanted).filter(|_| !path.exists()) {
        let found = search(usual);
        return newest(found.clone(), &version).ok_or_else(|| no_version(wanted, &found, usual));
    }
    if path.is_dir() {
        let below: Vec<(PathBuf, &[&str])> = BELOW.iter().map(|below| (path.to_owned(), *below)).collect();
        return newest(search(&below), &[]).ok_or_else(|| {
            missing(format!("there is no {PROGRAM} in {wanted}"))
                .hint(format!("set `utility` to the folder that holds {PROGRAM}, such as {}", example().display()))
        });
    }
    let is_name = path.components().count() == 1 && !wanted.ends_with(['/', '\\']);
    // The system looks for a bare name among its commands.
    if path.is_file() || is_name {
        return Ok(path.to_owned());
    }
    Err(missing(format!("{wanted} does not exist")).hint(format!(
        "set `utility` to the path of {PROGRAM}, its folder or a version, or leave it out to use the newest"
    )))
}

/// The numbers of a version: `8.3.27.1688`, or only its beginning.
fn version(text: &str) -> Option<Vec<u32>> {
    let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    numbers.filter(|numbers| numbers.len() > 1)
}

/// All utilities below these folders, in the order of the folders.
fn search(places: &[(PathBuf, &[&str])]) -> Vec<Found> {
    let mut found = Vec::new();
    for (root, below) in places {
        descend(root, below, &[], &mut found);
    }
    found
}

fn descend(folder: &Path, below: &[&str], known: &[u32], found: &mut Vec<Found>) {
    let Some((name, rest)) = below.split_first() else {
        let path = folder.join(PROGRAM);
        if path.is_file() {
            found.push(Found { path, version: known.to_vec() });
        }
        return;
    };
    if !name.contains('*') {
        return descend(&folder.join(name), rest, known, found);
    }
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|found| fits(found, name))
        .collect();
    names.sort();
    for name in names {
        let version = version(name.trim_start_matches('v')).unwrap_or_else(|| known.to_vec());
        descend(&folder.join(name), rest, &version, found);
    }
}

fn fits(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => !name.starts_with('.'),
        Some(begin) => name.starts_with(begin) && version(name.trim_start_matches('v')).is_some(),
        None => name == pattern,
    }
}

/// The newest of those whose version begins so; of equals the first.
fn newest(found: Vec<Found>, begin: &[u32]) -> Option<PathBuf> {
    let fitting = found.into_iter().enumerate().filter(|(_, one)| one.version.starts_with(begin));
    let best = fitting.max_by(|(at, one), (to, other)| (&one.version, Reverse(at)).cmp(&(&other.version, Reverse(to))));
    best.map(|(_, one)| one.path)
}

fn missing(message: String) -> Error {
    Error::new(Kind::Config, "rac.no_utility", message)
}

fn example() -> PathBuf {
    usual().first().map(|(root, below)| place(root, below)).unwrap_or_default()
}

fn place(root: &Path, below: &[&str]) -> PathBuf {
    below.iter().fold(root.to_owned(), |path, name| path.join(name))
}

fn nowhere(usual: &[(PathBuf, &[&str])]) -> Error {
    let places: Vec<String> =
        usual.iter().map(|(root, below)| place(root, below).join(PROGRAM).display().to_string()).collect();
    missing(format!("the utility rac was not found; looked for {}", places.join(", ")))
        .hint("set `utility` to its path, or leave out `transport`: the native one needs no utility")
}

fn no_version(wanted: &str, found: &[Found], usual: &[(PathBuf, &[&str])]) -> Error {
    if found.is_empty() {
        let nowhere = nowhere(usual);
        return missing(format!("version {wanted}: {}", nowhere.message()))
            .hint(nowhere.hint_text().unwrap_or_default().to_owned());
    }
    let versions: Vec<String> =
        found.iter().map(|one| one.version.iter().map(u32::to_string).collect::<Vec<_>>().join(".")).collect();
    missing(format!("there is no rac of version {wanted}"))
        .hint(format!("installed are {}; leave `utility` out to use the newest", versions.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(root: &Path, folders: &[&str]) {
        for folder in folders {
            std::fs::create_dir_all(root.join(folder)).unwrap();
            std::fs::write(root.join(folder).join(PROGRAM), "").unwrap();
        }
    }

    fn places(root: &Path) -> Vec<(PathBuf, &'static [&'static str])> {
        vec![
            (root.join("x86_64"), &[VERSION]),
            (root.join("i386"), &[VERSION]),
            (root.join("windows"), &[VERSION, "bin"]),
            (root.join("1C"), &["v8.*", "*"]),
        ]
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), &["1C/v8.3/x86_64", "x86_64/8.3.9.2233", "i386/8.3.27.1688", "x86_64/8.3.27.1688"]);
        install(root.path(), &["x86_64/8.3.21.1895", "x86_64/common", "windows/8.3.3.100/bin"]);
        let usual = places(root.path());
        let of = |wanted| find_in(wanted, &usual).unwrap().strip_prefix(root.path()).unwrap().to_owned();
        assert_eq!(of(None), Path::new("x86_64/8.3.27.1688").join(PROGRAM));
        assert_eq!(of(Some("8.3.9")), Path::new("x86_64/8.3.9.2233").join(PROGRAM));
        assert_eq!(of(Some("8.3.3.100")), Path::new("windows/8.3.3.100/bin").join(PROGRAM));
        let error = find_in(Some("8.3.2"), &usual).unwrap_err();
        assert!(error.hint_text().unwrap().contains("8.3.21.1895"), "{error:?}");
    }

    #[test]
    fn a_path_a_folder_and_a_name_are_taken_as_they_are() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), &["a/8.3.10.1", "a/8.3.9.1", "b", "c/bin"]);
        let of = |wanted: &Path| find_in(Some(wanted.to_str().unwrap()), &[]);
        assert_eq!(of(&root.path().join("a")).unwrap(), root.path().join("a/8.3.10.1").join(PROGRAM));
        assert_eq!(of(&root.path().join("b")).unwrap(), root.path().join("b").join(PROGRAM));
        assert_eq!(of(&root.path().join("c")).unwrap(), root.path().join("c/bin").join(PROGRAM));
        let file = root.path().join("b").join(PROGRAM);
        assert_eq!(of(&file).unwrap(), file);
        assert_eq!(of(Path::new("my-rac")).unwrap(), Path::new("my-rac"));
        let error = of(&root.path().join("d/e")).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("rac.no_utility", Kind::Config));
        std::fs::create_dir(root.path().join("empty")).unwrap();
        assert!(of(&root.path().join("empty")).unwrap_err().message().starts_with("there is no rac"));
    }

    #[test]
    fn when_there_is_none_the_places_are_told() {
        let root = tempfile::tempdir().unwrap();
        let error = find_in(None, &places(root.path())).unwrap_err();
        assert!(error.message().contains("x86_64") && error.message().contains("v8.*"), "{error}");
        assert!(error.hint_text().unwrap().contains("utility"));
        let of_version = find_in(Some("8.3"), &places(root.path())).unwrap_err();
        assert_eq!(of_version.message(), format!("version 8.3: {}", error.message()));
    }
}
