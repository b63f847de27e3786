//! `pult robot bundle`: what support needs, in a folder, without a secret.

mod redact;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::place::place_of;
use super::{doctor, exit, meant, status};
use crate::cli::setup::Setup;
use crate::cli::{Global, fail, print_line};
use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};
use crate::script::report::Report;
use crate::services::robot::client::journal::Journal;
use crate::services::robot::client::place::Place;
use crate::services::robot::{NAME, SETTINGS};
use crate::settings::{COMMON, Given, Settings};

/// Of a log or an output, so many bytes at the end are taken.
const TAIL: u64 = 256 << 10;

/// Outputs of so many jobs are taken, the youngest.
const OUTPUTS: usize = 5;

/// Ended jobs that are listed.
const HISTORY: u32 = 200;

#[derive(Args, Debug)]
pub struct Options {
    /// The folder to write; it must not exist yet.
    folder: PathBuf,
    /// Robots of pult.toml; all of them when none is named.
    names: Vec<String>,
    /// The file with the lines of changes of state (`pult robot --log FILE`).
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// A file of the bundle.
struct Page {
    name: String,
    text: String,
}

pub fn bundle(global: &Global, options: &Options) -> Result<u8, Box<Report>> {
    let written = || -> Result<u8, Box<Report>> {
        let setup = Setup::new(global, None)?;
        let config = setup.host.connections.config();
        let names = meant(config, &options.names)?;
        let mut pages = vec![about(config)];
        let mut secrets = Vec::new();
        for name in &names {
            let settings = match config.connection(NAME, name) {
                Ok(settings) => settings,
                // What is missing is what support wants to know.
                Err(error) => {
                    pages.push(page(name, "settings.toml", format!("{error}\n")));
                    continue;
                }
            };
            secrets.extend(settings.all().filter_map(|(_, given)| match given {
                Given::Secret(secret) => Some(secret.expose().to_owned()),
                _ => None,
            }));
            pages.extend(robot(name, settings, &setup));
        }
        if let Some(log) = &options.log {
            pages.push(Page { name: "robot.log".into(), text: tail(log).unwrap_or_else(|why| why) });
        }
        setup.leave();
        write(&options.folder, &pages, &secrets)?;
        print_line(&format!("written: {} files in {}", pages.len(), options.folder.display()))?;
        Ok(exit::FINE)
    };
    Ok(written().unwrap_or_else(|report| {
        fail(&report, global.style());
        exit::of_report(&report)
    }))
}

/// Program, computer, time.
fn about(config: &Config) -> Page {
    let path = config.path().map_or("no pult.toml".into(), |path| path.display().to_string());
    let text = format!(
        "pult {}\n{} {}\nconfiguration: {path}\nwritten: {:.0}\nworkers: {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        Timestamp::now(),
        std::thread::available_parallelism().map_or(0, usize::from),
    );
    Page { name: "about.txt".into(), text }
}

/// A page of one robot.
fn page(robot: &str, what: &str, text: String) -> Page {
    let word: String = robot.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    Page { name: format!("{word}-{what}"), text }
}

/// Everything of one robot. What cannot be had is told in its place.
fn robot(name: &str, settings: &Settings, setup: &Setup) -> Vec<Page> {
    let context = &setup.host.context;
    let page = |what: &str, text: String| page(name, what, text);
    let findings = setup.runtime().block_on(doctor::look(name, settings, context, false));
    let doctor = findings.iter().map(doctor::Finding::text).collect::<Vec<_>>().join("\n");
    let known = status::look(name, settings, context);
    let known = known.and_then(|known| {
        serde_json::to_string_pretty(&known).map_err(|error| Error::new(Kind::File, "robot.bundle", error.to_string()))
    });
    let mut pages = vec![
        page("settings.toml", told(name, settings)),
        page("doctor.txt", doctor),
        page("status.json", known.unwrap_or_else(|error| error.to_string())),
    ];
    match place_of(name, settings, context) {
        Ok(place) => {
            pages.push(page("journal.txt", journal(&place).unwrap_or_else(|error| error.to_string())));
            let outputs = outputs(&place).into_iter();
            pages.extend(outputs.map(|(job, text)| page(&format!("output-{job}.log"), text)));
        }
        Err(error) => pages.push(page("journal.txt", error.to_string())),
    }
    pages
}

/// The settings without their secrets.
fn told(name: &str, settings: &Settings) -> String {
    let mut text = config::title(NAME, name) + "\n";
    for setting in SETTINGS.iter().chain(COMMON) {
        let given = settings.all().find(|(name, _)| *name == setting.name);
        let line = given.map(|(name, given)| match given {
            Given::Secret(_) => format!("# {name} is set\n"),
            Given::Text(text) => format!("{name} = {text:?}\n"),
            Given::Flag(flag) => format!("{name} = {flag}\n"),
            Given::Integer(number) => format!("{name} = {number}\n"),
            Given::Number(number) => format!("{name} = {number}\n"),
        });
        text.push_str(&line.unwrap_or_default());
    }
    text
}

fn journal(place: &Place) -> Result<String> {
    if !place.state.exists() {
        return Ok("there is no journal yet\n".into());
    }
    let journal = Journal::open(&place.state, &place.robot)?;
    let mut text = format!("{}\n\nunfinished:\n", place.state.display());
    for record in journal.unfinished()? {
        text.push_str(&format!(
            "{} {} {} announced={} begun={} {:?} {:?} {}\n",
            record.guid,
            record.name,
            record.phase.word(),
            record.announced,
            record.begun,
            record.asks,
            record.ending,
            record.reason
        ));
    }
    text.push_str("\nended:\n");
    for closed in journal.history(HISTORY)? {
        let at = Timestamp::from_millisecond(closed.at).map(|at| format!("{at:.0}")).unwrap_or_default();
        text.push_str(&format!("{at} {} {} {} {}\n", closed.guid, closed.name, closed.status.word(), closed.reason));
    }
    text.push_str("\nrefused for good:\n");
    for (what, body, why) in journal.dead_letters()? {
        text.push_str(&format!("{what}: {why}: {body}\n"));
    }
    text.push_str(&format!("\nto deliver: {}\nset aside: {}\n", journal.depth()?, journal.aside()?.len()));
    Ok(text)
}

/// Ends of the outputs of the last jobs, by the folders of these.
fn outputs(place: &Place) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(place.jobs()).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let file = entry.path().join("output.log");
            let at = file.metadata().and_then(|known| known.modified()).ok()?;
            Some((at, entry.file_name().to_string_lossy().into_owned(), file))
        })
        .collect();
    found.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    let read = |(_, job, file): (_, String, PathBuf)| (job, tail(&file).unwrap_or_else(|why| why));
    found.into_iter().take(OUTPUTS).map(read).collect()
}

/// The end of a file from the beginning of a line, or why there is none.
fn tail(path: &Path) -> Result<String, String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        match length > TAIL {
            // A secret that is cut in two would not be known.
            true => Ok(bytes.split_off(bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1))),
            false => Ok(bytes),
        }
    };
    read()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes everything or nothing: the folder is not made when a secret is found in what would be written.
fn write(folder: &Path, pages: &[Page], secrets: &[String]) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(Kind::Usage, "robot.bundle", format!("{} cannot be written: {error}", folder.display()))
            .hint("name a folder that does not exist yet, where you may write")
    };
    let spellings: Vec<String> = secrets.iter().flat_map(|secret| redact::spellings(secret)).collect();
    let redacted: Vec<(&str, String)> =
        pages.iter().map(|page| (page.name.as_str(), redact::redacted(&page.text))).collect();
    if let Some((name, _)) =
        redacted.iter().find(|(name, text)| redact::leaks(name, &spellings) || redact::leaks(text, &spellings))
    {
        let safe = if redact::leaks(name, &spellings) { "a name" } else { name };
        let error =
            Error::new(Kind::Refused, "robot.bundle", format!("a secret would stand in {safe}: nothing was written"));
        return Err(error.hint("this is a fault of pult: please tell its makers which page it is"));
    }
    std::fs::create_dir(folder).map_err(failed)?;
    redacted.iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "b0b00001-1111-2222-3333-444455556666";

    fn page(name: &str, text: &str) -> Page {
        Page { name: name.into(), text: text.into() }
    }

    /// Test 78, the writing.
    #[test]
    fn a_bundle_has_no_secret_or_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("bundle");
        let secrets = vec![GUID.to_owned()];
        // A GUID in a spelling that nobody masks.
        let odd = page("output.log", &format!("robot {}", GUID.replace('-', "")));
        let error = write(&bundle, &[page("about.txt", "x"), odd], &secrets).unwrap_err();
        assert!(error.message().contains("output.log") && !bundle.exists(), "{error}");
        let text = format!("Authorization: Basic {GUID}\npassword = \"geheim\"\nall is well");
        write(&bundle, &[page("about.txt", &text)], &secrets).unwrap();
        let read = std::fs::read_to_string(bundle.join("about.txt")).unwrap();
        assert_eq!(read, "***\npassword = \"***\"\nall is well\n");
        assert!(write(&bundle, &[], &secrets).is_err(), "nothing is overwritten");
    }

    #[test]
    fn settings_are_told_without_their_secrets() {
        let mut settings = Settings::new("test");
        settings.set(SETTINGS, "guid", Given::Text(GUID.into())).unwrap();
        settings.set(SETTINGS, "address", Given::Text("http://a:1".into())).unwrap();
        assert_eq!(told("main", &settings), "[robot.main]\naddress = \"http://a:1\"\n# guid is set\n");
    }

    #[test]
    fn a_long_file_is_cut_at_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        std::fs::write(&path, "0123456789\n".repeat(40_000)).unwrap();
        let text = tail(&path).unwrap();
        assert!(text.len() as u64 <= TAIL && text.starts_with("0123456789\n"));
        assert!(tail(&folder.path().join("none")).is_err());
    }
}
