//! One structured line for each change of a robot's state: to standard error, and into a file that is kept short.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::json;

use crate::error::{Error, Kind, Result};
use crate::secret;
use crate::services::robot::client::shapes::Level;

/// A file that is longer is put aside.
const LONGEST: u64 = 10 << 20;

/// How many are kept besides the one that is written: FILE.1 is the youngest.
const KEPT: usize = 5;

/// Longest text of an event, in characters: an error's message may hold a page of a proxy.
const EVENT: usize = 1000;

/// The circle of a robot that waits for work.
const IDLE: [&str; 2] = ["IDLE_HB", "NO_JOB"];

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    #[default]
    Text,
    Json,
}

/// One change of state.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    pub robot: &'a str,
    pub old: &'a str,
    pub event: &'a str,
    pub new: &'a str,
    /// Empty when there is none.
    pub job: &'a str,
}

/// What an agent has to say beside that.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    pub robot: &'a str,
    pub level: Level,
    pub text: &'a str,
    /// Empty when it belongs to none.
    pub job: &'a str,
}

/// How much of it a person is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Nothing,
    /// The circle of waiting is shown when it begins.
    Changes,
    Everything,
}

/// Where lines go.
pub struct Lines {
    form: Form,
    shown: Shown,
    inner: Mutex<Inner>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    file: Option<Rotated>,
    /// Robots whose waiting has been shown.
    waiting: HashMap<String, bool>,
}

impl Lines {
    /// To this writer (standard error), and into the file where one is named. The error is `robot.log`.
    pub fn new(form: Form, shown: Shown, out: Box<dyn Write + Send>, file: Option<&Path>) -> Result<Lines> {
        let file = file.map(|path| Rotated::open(path, LONGEST)).transpose()?;
        Ok(Lines { form, shown, inner: Mutex::new(Inner { out, file, waiting: HashMap::new() }) })
    }

    /// Writes the line. What cannot be written stays unwritten: a full disk must not hold a robot up.
    pub fn tell(&self, change: &Change) {
        let line = self.form.line(Timestamp::now(), change);
        let mut inner = self.lock();
        let news = inner.is_news(change);
        if self.shown == Shown::Everything || self.shown == Shown::Changes && news {
            let _ = inner.out.write_all(line.as_bytes());
        }
        if let Some(file) = &mut inner.file {
            file.write(&line);
        }
    }

    /// Writes a line that is no change of state. A person is shown warnings and what is graver in any case.
    pub fn note(&self, note: &Note) {
        let line = self.form.noted(Timestamp::now(), note);
        let is_grave = !matches!(note.level, Level::Info | Level::Debug);
        let mut inner = self.lock();
        if is_grave || self.shown == Shown::Everything {
            let _ = inner.out.write_all(line.as_bytes());
        }
        if let Some(file) = &mut inner.file {
            file.write(&line);
        }
    }

    /// What is still to be shown is; nothing that comes later.
    pub fn show_no_more(&self) {
        self.lock().out = Box::new(std::io::sink());
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether this is anything but one more turn of waiting.
    fn is_news(&mut self, change: &Change) -> bool {
        let idle = IDLE.contains(&change.old) && IDLE.contains(&change.new);
        let shown = self.waiting.entry(change.robot.to_owned()).or_default();
        let before = std::mem::replace(shown, idle);
        !(idle && before)
    }
}

impl Form {
    /// With its line end, masked.
    fn line(self, at: Timestamp, change: &Change) -> String {
        let event: String = change.event.chars().take(EVENT).collect();
        let line = match self {
            Form::Text => text(at, change, &event),
            Form::Json => json!({
                "time": format!("{at:.3}"),
                "robot": change.robot,
                "old": change.old,
                "event": event,
                "new": change.new,
                "job": change.job,
            })
            .to_string(),
        };
        secret::mask(&line).into_owned() + "\n"
    }

    /// The same of a note: `2026-11-22T13:00:00.123Z main warning: the disk is full job=5c1e…`
    fn noted(self, at: Timestamp, note: &Note) -> String {
        let text: String = note.text.chars().take(EVENT).collect();
        let level = note.level.word();
        let line = match self {
            Form::Text => {
                let line = format!("{at:.3} {} {level}: {}", one_line(note.robot), one_line(&text));
                with_job(line, note.job)
            }
            Form::Json => json!({
                "time": format!("{at:.3}"),
                "robot": note.robot,
                "level": level,
                "text": text,
                "job": note.job,
            })
            .to_string(),
        };
        secret::mask(&line).into_owned() + "\n"
    }
}

/// `2026-11-22T13:00:00.123Z main IDLE_HB -> CONSUME (there is a job) job=5c1e…`
fn text(at: Timestamp, change: &Change, event: &str) -> String {
    let mut line = format!("{at:.3} {} {} -> {}", one_line(change.robot), change.old, change.new);
    // Writing into a text cannot fail.
    if !event.is_empty() {
        let _ = write!(line, " ({})", one_line(event));
    }
    with_job(line, change.job)
}

fn with_job(line: String, job: &str) -> String {
    match job {
        "" => line,
        job => format!("{line} job={}", one_line(job)),
    }
}

/// What came from outside may hold line ends and control characters; one change is one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A file that is put aside when it is long.
struct Rotated {
    path: PathBuf,
    /// None between two tries to open it.
    file: Option<File>,
    length: u64,
    longest: u64,
}

impl Rotated {
    fn open(path: &Path, longest: u64) -> Result<Rotated> {
        let mut rotated = Rotated { path: path.to_owned(), file: None, length: 0, longest };
        rotated.reopen().map_err(|error| {
            Error::new(Kind::Config, "robot.log", format!("the log {} cannot be written: {error}", path.display()))
                .hint("check --log: the folder has to exist, and you need the right to write there")
        })?;
        Ok(rotated)
    }

    fn reopen(&mut self) -> std::io::Result<()> {
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        let file = options.open(&self.path)?;
        self.length = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    fn write(&mut self, line: &str) {
        if self.length > 0 && self.length + line.len() as u64 > self.longest {
            self.put_aside();
        }
        if self.file.is_none() && self.reopen().is_err() {
            return;
        }
        if let Some(file) = &mut self.file
            && file.write_all(line.as_bytes()).is_ok()
        {
            self.length += line.len() as u64;
        }
    }

    /// The oldest goes. What cannot be renamed is written on: a long file is better than a lost line.
    fn put_aside(&mut self) {
        // Windows renames no file that is open.
        self.file = None;
        let numbered = |number: usize| PathBuf::from(format!("{}.{number}", self.path.display()));
        for number in (1..KEPT).rev() {
            let _ = std::fs::rename(numbered(number), numbered(number + 1));
        }
        let _ = std::fs::rename(&self.path, numbered(1));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Kept {
        fn lines(&self) -> Vec<String> {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
        }
    }

    fn change<'a>(old: &'a str, new: &'a str, event: &'a str) -> Change<'a> {
        Change { robot: "main", old, event, new, job: "" }
    }

    #[test]
    fn a_change_is_one_line_without_secrets_in_both_forms() {
        secret::hide("11112222-3333-4444-5555-666677778888");
        let event = "asked by 11112222-3333-4444-5555-666677778888\nand more";
        let change = Change { job: "j-1", ..change("RUN", "RUN.stopping", event) };
        let at: Timestamp = "2026-11-22T13:00:00.1239Z".parse().unwrap();
        assert_eq!(
            Form::Text.line(at, &change),
            "2026-11-22T13:00:00.123Z main RUN -> RUN.stopping (asked by *** and more) job=j-1\n"
        );
        let line = Form::Json.line(at, &change);
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        let known = json!({"time": "2026-11-22T13:00:00.123Z", "robot": "main", "old": "RUN",
            "event": "asked by ***\nand more", "new": "RUN.stopping", "job": "j-1"});
        assert_eq!(read, known);
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[test]
    fn waiting_is_shown_once_and_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (path, out) = (folder.path().join("robot.log"), Kept::default());
        let lines = Lines::new(Form::Text, Shown::Changes, Box::new(out.clone()), Some(&path)).unwrap();
        lines.tell(&change("DRAIN", "IDLE_HB", ""));
        for _ in 0..3 {
            lines.tell(&change("IDLE_HB", "NO_JOB", "no work"));
            lines.tell(&change("NO_JOB", "IDLE_HB", "10 s are over"));
        }
        lines.tell(&change("IDLE_HB", "CONSUME", "a job"));
        lines.tell(&change("IDLE_HB", "NO_JOB", "no work"));
        let shown: Vec<String> =
            out.lines().iter().map(|line| line.split(' ').skip(2).collect::<Vec<_>>().join(" ")).collect();
        let known = [
            "DRAIN -> IDLE_HB",
            "IDLE_HB -> NO_JOB (no work)",
            "IDLE_HB -> CONSUME (a job)",
            "IDLE_HB -> NO_JOB (no work)",
        ];
        assert_eq!(shown, known);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 9);
    }

    #[test]
    fn warnings_are_shown_and_everything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (path, out) = (folder.path().join("robot.log"), Kept::default());
        let lines = Lines::new(Form::Text, Shown::Nothing, Box::new(out.clone()), Some(&path)).unwrap();
        let note = |level, text| lines.note(&Note { robot: "main", level, text, job: "" });
        note(Level::Debug, "a detail");
        note(Level::Warning, "the disk\nis full");
        assert_eq!(out.lines().len(), 1);
        assert!(out.lines()[0].ends_with(" main warning: the disk is full"), "{:?}", out.lines());
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_long_file_is_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("robot.log");
        let mut file = Rotated::open(&path, 10).unwrap();
        for number in 0..9 {
            file.write(&format!("line {number}\n"));
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("robot.log"), read("robot.log.1"), read("robot.log.5")),
            ("line 8\n".into(), "line 7\n".into(), "line 3\n".into())
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1 + KEPT);
    }

    #[test]
    fn a_log_that_cannot_be_opened_is_named() {
        let path = Path::new("/nowhere/at/all/robot.log");
        let error = Lines::new(Form::Text, Shown::Nothing, Box::new(Kept::default()), Some(path)).err().unwrap();
        assert!(error.message().contains("/nowhere/at/all/robot.log"), "{error}");
    }
}
