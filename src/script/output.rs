//! What a script prints: masked, out of the way of progress bars, and stopped when nobody reads it any more.

use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::core::progress::Progress;
use crate::error::{Error, Kind, Result};
use crate::secret;

/// Where printed lines go.
#[derive(Clone)]
pub struct Output(Arc<Inner>);

struct Inner {
    progress: Progress,
    to: Mutex<Box<dyn Write + Send>>,
    /// Somebody is watching: every line is shown at once.
    live: AtomicBool,
    /// Columns that a table may take.
    width: Option<u16>,
    colour: bool,
}

impl Output {
    /// Standard output.
    pub fn standard(progress: Progress, colour: bool) -> Output {
        let live = std::io::stdout().is_terminal();
        let width = live.then(|| console::Term::stdout().size().1);
        Output::new(Box::new(BufWriter::new(std::io::stdout())), progress, live, width, colour)
    }

    /// Standard error, every line at once.
    pub fn standard_error(progress: Progress) -> Output {
        Output::new(Box::new(std::io::stderr()), progress, true, None, false)
    }

    /// Anywhere else, as to no terminal.
    pub fn to(writer: Box<dyn Write + Send>) -> Output {
        Output::new(writer, Progress::new(false), false, None, false)
    }

    fn new(writer: Box<dyn Write + Send>, progress: Progress, live: bool, width: Option<u16>, colour: bool) -> Output {
        Output(Arc::new(Inner { progress, to: Mutex::new(writer), live: live.into(), width, colour }))
    }

    /// How wide a table may be; nobody's terminal has no limit.
    pub fn width(&self) -> Option<u16> {
        // The window may have changed since.
        self.0.width.map(|_| console::Term::stdout().size().1)
    }

    /// From now on every line is shown at once: whoever reads must have it even when this process is killed.
    pub fn show_at_once(&self) {
        self.0.live.store(true, Ordering::Relaxed);
    }

    pub fn colour(&self) -> bool {
        self.0.colour
    }

    pub fn line(&self, text: &str) -> Result<()> {
        let text = secret::mask(text);
        self.0
            .progress
            .suspend(|| {
                let mut to = self.0.to.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                to.write_all(text.as_bytes())?;
                to.write_all(b"\n")?;
                if self.0.live.load(Ordering::Relaxed) { to.flush() } else { Ok(()) }
            })
            .map_err(unwritable)
    }

    /// Shows what is held back; to be called before a wait and at the end.
    pub fn flush(&self) -> Result<()> {
        let mut to = self.0.to.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        to.flush().map_err(unwritable)
    }
}

/// The code where the reader of the output went away, as `head` does.
pub const CLOSED: &str = "output.closed";

/// Why standard output cannot be written.
pub fn unwritable(error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::BrokenPipe => {
            Error::new(Kind::File, CLOSED, "standard output was closed by its reader; the work ended there")
                .hint("whatever had been sent before has happened")
        }
        _ => Error::new(Kind::File, "output.failed", format!("standard output cannot be written: {error}"))
            .hint("check the disk or the program that reads the output"),
    }
}
