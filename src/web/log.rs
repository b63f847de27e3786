//! The access log: a line for each request, written by a thread of its own so that a slow disk holds nobody up.
//!
//! Queries are left out whole: somebody may have put a token there. What is written is masked besides.

use std::fs::File;
use std::io::Write;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::secret;

/// Lines that wait to be written at most; more are counted instead.
const WAITING: usize = 4096;

/// Longest part of a path that is written.
const LONGEST: usize = 300;

/// Where lines go. Dropping it writes what is left.
pub struct AccessLog {
    lines: Option<SyncSender<String>>,
    writer: Option<JoinHandle<()>>,
    lost: AtomicU64,
}

/// One request, answered.
pub struct Line<'a> {
    pub address: IpAddr,
    pub user: Option<&'a str>,
    pub method: &'a str,
    pub path: &'a str,
    pub status: u16,
    /// None of an answer that is still going on.
    pub bytes: Option<u64>,
    pub took: Duration,
}

impl AccessLog {
    /// Nothing is written.
    pub fn none() -> AccessLog {
        AccessLog { lines: None, writer: None, lost: AtomicU64::new(0) }
    }

    /// Appends to a file, or writes to standard error where that is named `-`. The error `serve.access_log` says why
    /// the file cannot be opened.
    pub fn at(place: &str) -> Result<AccessLog> {
        match place {
            "-" => Ok(AccessLog::to(std::io::stderr())),
            path => {
                let file = File::options().create(true).append(true).open(Path::new(path)).map_err(|error| {
                    Error::new(
                        Kind::File,
                        "serve.access_log",
                        format!("the access log {path} cannot be written: {error}"),
                    )
                    .hint("check `access_log` in [serve]")
                })?;
                Ok(AccessLog::to(file))
            }
        }
    }

    pub fn to(out: impl Write + Send + 'static) -> AccessLog {
        let (lines, waiting) = sync_channel(WAITING);
        let writer = std::thread::Builder::new().name("access-log".into()).spawn(move || write(waiting, out)).ok();
        AccessLog { lines: Some(lines), writer, lost: AtomicU64::new(0) }
    }

    pub fn tell(&self, line: &Line) {
        let Some(lines) = &self.lines else { return };
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let mut text = line.text();
        if lost > 0 {
            text.push_str(&format!("({lost} lines before this one were lost: the log was written too slowly)\n"));
        }
        if lines.try_send(text).is_err() {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(writer) = self.writer.take() {
            // It ends when it has written what waits; a panic of its own has been told by itself.
            drop(writer.join());
        }
    }
}

/// A disk that is full costs lines, not the service.
fn write(lines: Receiver<String>, mut out: impl Write) {
    for line in lines {
        let _ = out.write_all(line.as_bytes());
    }
}

impl Line<'_> {
    /// `2026-11-22T09:40:57.123Z 127.0.0.1 portal "GET /api/status" 200 153 0.4ms`
    fn text(&self) -> String {
        let at = jiff::Timestamp::now();
        let bytes = self.bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
        let path: String = self.path.chars().take(LONGEST).flat_map(char::escape_default).collect();
        let user: String = self.user.unwrap_or("-").chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
        let line = format!(
            "{at:.3} {} {user} \"{} {path}\" {} {bytes} {:.1}ms\n",
            self.address,
            self.method,
            self.status,
            self.took.as_secs_f64() * 1000.0
        );
        secret::mask(&line).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(path: &str) -> Line<'_> {
        let address = IpAddr::from([127, 0, 0, 1]);
        let took = Duration::from_micros(1240);
        Line { address, user: Some("Анна К"), method: "GET", path, status: 200, bytes: Some(5), took }
    }

    #[test]
    fn a_line_is_one_line_and_has_no_secret() {
        secret::hide("path-with-a-token");
        let text = line("/a\"b\nc/path-with-a-token").text();
        let (_, told) = text.split_once(' ').unwrap();
        assert_eq!(told, "127.0.0.1 Анна_К \"GET /a\\\"b\\nc/***\" 200 5 1.2ms\n");
    }

    #[test]
    fn a_log_that_is_not_written_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log").display().to_string();
        let log = AccessLog::at(&path).unwrap();
        (0..10).for_each(|_| log.tell(&line("/")));
        drop(log);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 10);
        let (stuck, held) = std::sync::mpsc::channel::<()>();
        struct Stuck(std::sync::mpsc::Receiver<()>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                let _ = self.0.recv();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let log = AccessLog::to(Stuck(held));
        (0..2 * WAITING).for_each(|_| log.tell(&line("/")));
        assert!(log.lost.load(Ordering::Relaxed) > WAITING as u64 - 10);
        drop(stuck);
    }

    #[test]
    fn a_log_that_cannot_be_opened_is_named() {
        let error = AccessLog::at("/nowhere/at/all/access.log").err().unwrap();
        assert!(error.message().contains("/nowhere/at/all/access.log"), "{error}");
    }
}
