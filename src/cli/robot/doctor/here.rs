//! What of a robot is on this computer: its lock, its journal, its scripts, and what runs them.

use std::path::Path;

use super::Finding;
use crate::cli::robot::exit;
use crate::cli::robot::place::{self, Holder, place_of};
use crate::core::context::Context;
use crate::error::Result;
use crate::services::robot::client::jobs::{Jobs, interpreter};
use crate::services::robot::client::journal::Journal;
use crate::services::robot::client::place::Place;
use crate::settings::Settings;

/// Less room than this on the disk of the journal is told: outbox and output logs are bounded, but not small.
const ROOM: u64 = 1 << 30;

/// And with less than this, nothing could be kept of a job.
const LEAST_ROOM: u64 = 64 << 20;

/// Languages of jobs, each with a script's name.
const LANGUAGES: &[(&str, &str)] =
    &[("python", "x.py"), ("oscript", "x.os"), ("powershell", "x.ps1"), ("shell", "x.sh")];

pub fn look(name: &str, settings: &Settings, context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    match place_of(name, settings, context) {
        Ok(place) => {
            found.push(lock(&place));
            found.extend(journal(&place));
            found.push(room(&place));
        }
        Err(error) => found.push(Finding::of("journal", &error)),
    }
    match Jobs::open(name, settings, context) {
        Ok(jobs) => {
            let scripts = scripts(jobs.scripts());
            let endings = endings(jobs.scripts());
            found.push(scripts);
            found.extend(LANGUAGES.iter().map(|(language, script)| interpreter(language, script, settings, &endings)));
        }
        Err(error) => found.push(Finding::of("scripts", &error)),
    }
    found
}

fn lock(place: &Place) -> Finding {
    match place::holder(place) {
        Holder::Nobody => Finding::fine("lock", "free: no agent runs as this robot"),
        Holder::Process(Some(pid)) => Finding::fine("lock", format!("held by process {pid}: an agent runs")),
        Holder::Process(None) => Finding::fine("lock", "held: an agent runs"),
        Holder::Unknown(why) => Finding::wrong(
            "lock",
            exit::INTERNAL,
            format!("{}: {why}", place.folder().display()),
            "see to it that the folder can be written, or set `state` to a file elsewhere",
        ),
    }
}

fn journal(place: &Place) -> Vec<Finding> {
    let written = |journal: &Journal| -> Result<(usize, usize, usize)> {
        let waits = journal.depth()?;
        Ok((waits, journal.dead_letters()?.len(), journal.aside()?.len()))
    };
    let opened = Journal::open(&place.state, &place.robot);
    match opened.and_then(|journal| written(&journal)) {
        Ok((waits, dead, aside)) => {
            let said = format!("{}; {waits} to deliver", place.state.display());
            let mut found = vec![Finding::fine("journal", said)];
            if dead > 0 {
                let said = format!("{dead} reports were refused for good by the Orchestrator");
                found.push(Finding::unwise("journal", said, "`pult robot status` lists them"));
            }
            if aside > 0 {
                let said = format!("{aside} damaged entries were set aside");
                found.push(Finding::unwise("journal", said, "the disk or the file system may be failing: look at it"));
            }
            found
        }
        Err(error) => vec![Finding::of("journal", &error)],
    }
}

fn room(place: &Place) -> Finding {
    // A folder that is not there yet will be made on the disk of the one above.
    let folder = place.state.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let shown = folder.display();
    match fs4::available_space(folder) {
        Ok(free) if free < LEAST_ROOM => {
            let said = format!("{} MB free at {shown}", free >> 20);
            Finding::wrong("disk", exit::INTERNAL, said, "make room: without a journal no job is taken")
        }
        Ok(free) if free < ROOM => {
            Finding::unwise("disk", format!("{} MB free at {shown}", free >> 20), "make room before it is full")
        }
        Ok(free) => Finding::fine("disk", format!("{} GB free at {shown}", free >> 30)),
        Err(error) => Finding::unwise("disk", format!("{shown}: {error}"), "look at the disk"),
    }
}

fn scripts(folder: &Path) -> Finding {
    match std::fs::read_dir(folder) {
        Ok(entries) => match entries.count() {
            0 => Finding::unwise("scripts", format!("{} is empty", folder.display()), "put the jobs' scripts there"),
            many => Finding::fine("scripts", format!("{}, {many} entries", folder.display())),
        },
        Err(error) => Finding::wrong(
            "scripts",
            exit::CONFIG,
            format!("{} cannot be read: {error}", folder.display()),
            "make the folder, or set `scripts` to where the jobs' scripts lie",
        ),
    }
}

/// The endings of files in a folder and in its folders.
fn endings(folder: &Path) -> Vec<String> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let below = entries(folder).filter(|path| path.is_dir()).flat_map(|path| entries(&path).collect::<Vec<_>>());
    let endings = entries(folder).chain(below).filter_map(|path| Some(path.extension()?.to_str()?.to_lowercase()));
    endings.collect()
}

/// One that is missing is a fault only where there are scripts for it.
fn interpreter(language: &'static str, script: &str, settings: &Settings, endings: &[String]) -> Finding {
    let ending = script.trim_start_matches("x.");
    match interpreter::way(Path::new(script), settings) {
        Ok(way) => Finding::fine(language, way.program.display().to_string()),
        Err(why) if endings.iter().any(|known| known == ending) => Finding::wrong(
            language,
            exit::CONFIG,
            why,
            format!("install it for all users, or set `{language}`: there are .{ending} scripts"),
        ),
        Err(_) => Finding::fine(language, format!("not installed, and there are no .{ending} scripts")),
    }
}
