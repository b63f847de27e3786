//! Values that stand elsewhere: `{ env = … }`, `{ file = … }`, `{ keyring = … }`.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

use crate::secret::Secret;
use crate::settings::{Given, Setting, Type};

use super::keyring;
use super::read::{Reference, Source};

/// A message and perhaps a hint.
type Problem = (String, Option<String>);

/// Nobody's password is longer; what is longer is the wrong file.
const LONGEST: u64 = 64 * 1024;

/// What references are followed in.
pub(super) struct Surroundings<'a> {
    /// Where relative paths begin.
    pub folder: &'a Path,
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
}

/// The value itself, as its setting wants it.
pub(super) fn resolve(source: Source, setting: &Setting, surroundings: &Surroundings) -> Result<Given, Problem> {
    let text = match source {
        Source::Here(given) => return Ok(given),
        Source::Reference(Reference::Env(name)) => variable(&name, surroundings)?,
        Source::Reference(Reference::File(path)) => contents(&surroundings.folder.join(path))?,
        Source::Reference(Reference::Keyring { service, user }) => keyring::password(&service, &user)?,
    };
    // What was found is not shown, whatever the setting: the name may have been that of a secret.
    fitting(text, setting.holds).ok_or_else(|| {
        let hint = format!("it should be as in: {}", setting.example);
        (format!("what was found is not {}", setting.holds.named()), Some(hint))
    })
}

/// What is unwise about a reference although it can be followed.
pub(super) fn warning(reference: &Reference, surroundings: &Surroundings) -> Option<Problem> {
    match reference {
        Reference::File(path) => open_to_all(&surroundings.folder.join(path)),
        Reference::Env(_) | Reference::Keyring { .. } => None,
    }
}

fn variable(name: &str, surroundings: &Surroundings) -> Result<String, Problem> {
    let value = (surroundings.environment)(name);
    let hint = || Some(format!("set {name} before pult starts"));
    match value.map(OsString::into_string) {
        None => Err((format!("the environment variable {name} is not set"), hint())),
        Some(Ok(text)) if text.is_empty() => Err((format!("the environment variable {name} is empty"), hint())),
        Some(Ok(text)) => Ok(text),
        Some(Err(_)) => Err((format!("the environment variable {name} is not valid text"), hint())),
    }
}

/// The text of a file, without the line end that editors and `echo` leave behind it.
fn contents(path: &Path) -> Result<String, Problem> {
    let hint = "check the path (it begins where pult.toml is) and what is in the file";
    let wrong = |why: &str| (format!("the file {} {why}", path.display()), Some(hint.to_owned()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(wrong("is too long for a secret"));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
    let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
    match text.is_empty() {
        true => Err(wrong("is empty")),
        false => Ok(text.to_owned()),
    }
}

#[cfg(unix)]
fn open_to_all(path: &Path) -> Option<Problem> {
    use std::os::unix::fs::PermissionsExt;

    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o004 != 0).then(|| {
        (format!("everybody can read {}", path.display()), Some(format!("run `chmod o-rwx {}`", path.display())))
    })
}

#[cfg(not(unix))]
fn open_to_all(_path: &Path) -> Option<Problem> {
    None
}

/// A text from outside the file, which has only texts, as what the setting holds.
fn fitting(text: String, holds: Type) -> Option<Given> {
    let given = match holds {
        Type::Secret => Given::Secret(Secret::new(text)),
        Type::Text | Type::Choice(_) => Given::Text(text),
        Type::Flag => Given::Flag(text.trim().parse().ok()?),
        Type::Integer => Given::Integer(text.trim().parse().ok()?),
        Type::Number | Type::Seconds => Given::Number(text.trim().parse().ok()?),
    };
    given.fit(holds).ok()
}
