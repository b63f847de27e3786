//! `pult.toml`: which systems there are, how to reach them, and what scripts may touch.
//!
//! One file is read, never several merged. All its mistakes are reported at once, each with its place. A secret that is
//! not there (an environment variable that is not set, say) hurts only the connection that wants it, and only when that
//! connection is used. `read` takes the file apart (`serve` its section of people), `veil` hides secrets in the text that is shown with a mistake,
//! `refer` follows `{ env = … }` and its like, `init` writes the first file.

mod file;
mod init;
mod keyring;
mod read;
mod refer;
mod serve;
#[cfg(test)]
mod tests;
mod veil;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Fault, Kind, Result, did_you_mean};
use crate::settings::{Given, Setting, Settings};

pub use init::commented;
pub use serve::{Person, Serve};

use read::{Document, Section, Source};
use refer::Surroundings;

/// What the file is called where nobody says otherwise.
pub const FILE_NAME: &str = "pult.toml";

/// The connection that is meant where none is named.
const MAIN: &str = "main";

/// A service as the configuration knows it: its section and what its connections may be told.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub service: &'static str,
    pub settings: &'static [Setting],
}

/// What `pult.toml` says. The default is what is known without a file: nothing.
#[derive(Clone, Debug, Default)]
pub struct Config {
    path: Option<PathBuf>,
    connections: Vec<Connection>,
    serve: Serve,
    folders: Vec<PathBuf>,
    warnings: Vec<Fault>,
}

#[derive(Clone, Debug)]
struct Connection {
    service: String,
    name: String,
    settings: Settings,
    /// Settings that refer to something which is not there.
    problems: BTreeMap<&'static str, Fault>,
}

/// A fault whose text has not been made fit to be shown yet.
#[derive(Debug)]
struct Mistake {
    span: Range<usize>,
    message: String,
    hint: Option<String>,
}

impl Mistake {
    fn new(span: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake { span, message: message.into(), hint: None }
    }

    fn hint(self, hint: impl Into<Option<String>>) -> Mistake {
        Mistake { hint: hint.into(), ..self }
    }
}

/// The file as it appears in messages.
struct Shown<'a> {
    path: &'a Path,
    text: Arc<str>,
}

impl Shown<'_> {
    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    fn fault(&self, mistake: Mistake) -> Fault {
        Fault {
            source: self.path.display().to_string(),
            text: self.text.clone(),
            span: mistake.span,
            message: mistake.message,
            hint: mistake.hint,
        }
    }

    fn faults(&self, mistakes: Vec<Mistake>) -> Vec<Fault> {
        mistakes.into_iter().map(|mistake| self.fault(mistake)).collect()
    }
}

impl Config {
    /// The file to read: the one given; else `pult.toml` in the script's folder, in the current folder, in the user's
    /// configuration folder, whichever is there first. A file that was given is not looked at here: [`Config::load`]
    /// says what is wrong with it.
    pub fn find(explicit: Option<&Path>, script_folder: Option<&Path>) -> Option<PathBuf> {
        let places =
            [script_folder.map(Path::to_owned), Some(PathBuf::new()), dirs::config_dir().map(|d| d.join("pult"))];
        explicit.map(Path::to_owned).or_else(|| first_file(places.into_iter().flatten()))
    }

    /// Reads a file whole. The errors are `config.unreadable`, `config.not_utf8`, `config.invalid` (with a fault for
    /// every mistake in the file) and `config.unknown_profile`.
    pub fn load(path: &Path, known: &[Known], profile: Option<&str>) -> Result<Config> {
        Config::load_in(path, known, profile, &|name| std::env::var_os(name))
    }

    fn load_in(
        path: &Path,
        known: &[Known],
        profile: Option<&str>,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Config> {
        let text = file::text(path)?;
        let document = read::read(&text, known);
        document.hidden.mask();
        let shown = Shown { path, text: veil::veil(&text, &document.hidden).into() };
        if !document.mistakes.is_empty() {
            return Err(invalid(&shown, document.mistakes));
        }
        if let Some(profile) = profile.filter(|name| !document.profiles.iter().any(|known| known == name)) {
            return Err(unknown_profile(&shown, profile, &document.profiles));
        }
        let folder = file::folder(path);
        let surroundings = Surroundings { folder: &folder, environment };
        Ok(Config::assembled(document, profile, &shown, &surroundings))
    }

    /// The configuration a document without mistakes describes, with the profile's settings over the others.
    fn assembled(document: Document, profile: Option<&str>, shown: &Shown, surroundings: &Surroundings) -> Config {
        let mut config = Config {
            path: Some(shown.path.to_owned()),
            folders: document.allow.iter().map(|allowed| surroundings.folder.join(allowed)).collect(),
            warnings: shown.faults(document.warnings),
            ..Config::default()
        };
        let (general, special): (Vec<Section>, Vec<Section>) =
            document.sections.into_iter().partition(|section| section.profile.is_none());
        let chosen: Vec<Section> =
            special.into_iter().filter(|section| section.profile.as_deref() == profile).collect();
        for mut section in general {
            // What the profile replaces is not looked for: the variable of the other system need not be set.
            let kept = std::mem::take(&mut section.values).into_iter();
            let kept = kept.filter(|value| !chosen.iter().any(|other| other.replaces(&section, value.setting)));
            section.values = kept.collect();
            config.take(section, shown, surroundings);
        }
        for section in chosen {
            config.take(section, shown, surroundings);
        }
        let (serve, warnings) = Serve::assembled(document.serve, profile, shown, surroundings);
        config.serve = serve;
        config.warnings.extend(warnings);
        config
    }

    /// Takes one section: a new connection, or more settings of one that is there.
    fn take(&mut self, section: Section, shown: &Shown, surroundings: &Surroundings) {
        let origin = format!("{} in {}", section.title(), shown.name());
        let at = self.position(section.service, &section.name).unwrap_or_else(|| {
            self.add(section.service, &section.name, Settings::new(&origin));
            self.connections.len() - 1
        });
        for value in section.values {
            let name = value.setting.name;
            if let Source::Reference(reference) = &value.source {
                let warning = refer::warning(reference, surroundings);
                let warning = warning.map(|(message, hint)| Mistake::new(value.span.clone(), message).hint(hint));
                self.warnings.extend(warning.map(|mistake| shown.fault(mistake)));
            }
            let connection = &mut self.connections[at];
            match refer::resolve(value.source, value.setting, surroundings) {
                Ok(given) => connection.settings.put(value.setting, given, &origin),
                Err((message, hint)) => {
                    let message = format!("{origin}: `{name}`: {message}");
                    let fault = shown.fault(Mistake::new(value.span, message).hint(hint));
                    connection.problems.insert(name, fault);
                }
            }
        }
    }

    /// Puts a connection in, in place of one of the same name. The sandbox does so, and tests.
    pub fn add(&mut self, service: &str, name: &str, settings: Settings) {
        let connection =
            Connection { service: service.to_owned(), name: name.to_owned(), settings, problems: BTreeMap::new() };
        match self.position(service, name) {
            Some(at) => self.connections[at] = connection,
            None => self.connections.push(connection),
        }
    }

    fn position(&self, service: &str, name: &str) -> Option<usize> {
        self.connections.iter().position(|connection| connection.service == service && connection.name == name)
    }

    /// The connection of that name. The errors are `config.missing` and, where one of its settings refers to something
    /// that is not there, `config.unresolved`.
    pub fn connection(&self, service: &str, name: &str) -> Result<&Settings> {
        match self.position(service, name) {
            Some(at) => self.connections[at].usable(),
            None => Err(self.missing(service, name)),
        }
    }

    /// The connection that is meant where none is named: the one called `main`, else the only one. Which one is meant
    /// of several is not guessed (`config.ambiguous`). The other errors are those of [`Config::connection`].
    pub fn default_connection(&self, service: &str) -> Result<(&str, &Settings)> {
        let mut names = self.connections(service);
        let name = match (self.position(service, MAIN), names.next(), names.next()) {
            (Some(_), ..) => MAIN,
            (None, Some(only), None) => only,
            (None, Some(_), Some(_)) => return Err(self.ambiguous(service)),
            (None, None, _) => return Err(self.missing(service, MAIN)),
        };
        Ok((name, self.connection(service, name)?))
    }

    /// The names of a service's connections, in the order of the file; none when it is not configured.
    pub fn connections(&self, service: &str) -> impl Iterator<Item = &str> {
        let of_service = self.connections.iter().filter(move |connection| connection.service == service);
        of_service.map(|connection| connection.name.as_str())
    }

    /// What `[serve]` says; nothing where there is none. The error is `config.unresolved`.
    pub fn serve(&self) -> Result<&Serve> {
        self.serve.usable()
    }

    /// The file this was read from.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Folders that scripts may read and write besides their own. Absolute.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The connections as a file with their secrets in plain text: for one that nobody else can read, and that is gone with
    /// the program.
    pub fn written(&self) -> String {
        let section = |connection: &Connection| {
            let lines = connection.settings.all().map(|(name, given)| format!("{name} = {}\n", plain(given)));
            title(&connection.service, &connection.name) + "\n" + lines.collect::<String>().as_str()
        };
        self.connections.iter().map(section).collect::<Vec<_>>().join("\n")
    }

    /// What is not wrong, but should be otherwise: secrets in plain text, secrets in files that everybody can read.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    fn missing(&self, service: &str, name: &str) -> Error {
        let title = read::title(None, service, name);
        let error = |message| Error::new(Kind::Config, "config.missing", message);
        let Some(path) = &self.path else {
            return error(format!("{service} is not configured: there is no {title}, and no {FILE_NAME}"))
                .hint(format!("run `pult init` and fill in {title}, or try it with --sandbox"));
        };
        let others: Vec<&str> = self.connections(service).collect();
        let hint = match others.is_empty() {
            true => format!("add the section {title}"),
            false => did_you_mean(name, others.iter().copied())
                .unwrap_or_else(|| format!("connections of {service} there: {}", others.join(", "))),
        };
        error(format!("there is no {title} in {}", path.display())).hint(hint)
    }

    fn ambiguous(&self, service: &str) -> Error {
        let names: Vec<&str> = self.connections(service).collect();
        let message = format!("{service} has several connections and none is called `{MAIN}`: {}", names.join(", "));
        let hint = format!("name one: {service}.connect(\"{}\"), or call one of them `{MAIN}`", names[0]);
        Error::new(Kind::Config, "config.ambiguous", message).hint(hint).detail("connections", names)
    }
}

/// A value as it stands in the file, a secret as well.
fn plain(given: &Given) -> toml::Value {
    match given {
        Given::Text(text) => text.as_str().into(),
        Given::Secret(secret) => secret.expose().into(),
        Given::Flag(flag) => (*flag).into(),
        Given::Integer(n) => (*n).into(),
        Given::Number(n) => (*n).into(),
    }
}

impl Connection {
    fn usable(&self) -> Result<&Settings> {
        let mut problems = self.problems.values();
        let Some(first) = problems.next() else {
            return Ok(&self.settings);
        };
        let message = match problems.len() {
            0 => first.message.clone(),
            more => format!("{} (and {more} more)", first.message),
        };
        let error = Error::new(Kind::Config, "config.unresolved", message);
        let error = first.hint.iter().fold(error, |error, hint| error.hint(hint));
        Err(error.faults(self.problems.values().cloned().collect()))
    }
}

/// A section's title as it stands in the file: `[robot.main]`.
pub fn title(service: &str, name: &str) -> String {
    read::title(None, service, name)
}

fn first_file(folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    folders.map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file())
}

fn invalid(shown: &Shown, mistakes: Vec<Mistake>) -> Error {
    let count = match mistakes.len() {
        1 => "a mistake".to_owned(),
        several => format!("{several} mistakes"),
    };
    let message = format!("{} has {count}", shown.name());
    Error::new(Kind::Config, "config.invalid", message).faults(shown.faults(mistakes))
}

fn unknown_profile(shown: &Shown, profile: &str, known: &[String]) -> Error {
    let hint = did_you_mean(profile, known.iter().map(String::as_str)).unwrap_or_else(|| match known.is_empty() {
        true => format!("the file has no profiles; sections [profiles.{profile}.SERVICE.CONNECTION] would make it"),
        false => format!("profiles there: {}", known.join(", ")),
    });
    let message = format!("{} has no profile `{profile}`", shown.path.display());
    Error::new(Kind::Config, "config.unknown_profile", message).hint(hint).detail("profiles", known.to_vec())
}
