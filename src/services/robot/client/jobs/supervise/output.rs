//! What becomes of a job's output: a file, the Orchestrator's log, and the last lines for whoever asks why it failed.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::secret;
use crate::services::robot::client::shapes::Level;

/// As much is written into the file.
pub const FILE: u64 = 64 * 1024 * 1024;

/// As much goes to the Orchestrator for a job, and in one message.
pub const LOG: usize = 256 * 1024;
pub const MESSAGE: usize = 4 * 1024;

/// As many last lines are kept, each cut to so many bytes.
const LAST: usize = 50;
const LAST_LINE: usize = 1024;

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

impl Stream {
    fn level(self) -> Level {
        match self {
            Stream::Out => Level::Info,
            Stream::Err => Level::Warning,
        }
    }
}

/// Lines of one stream that are on their way to the Orchestrator.
#[derive(Default)]
struct Waiting {
    lines: VecDeque<String>,
}

impl Waiting {
    /// As many whole lines as fit into a message.
    fn message(&mut self) -> Option<String> {
        let mut text = self.lines.pop_front()?;
        while let Some(next) = self.lines.front().filter(|next| text.len() + 1 + next.len() <= MESSAGE) {
            text.push('\n');
            text.push_str(next);
            self.lines.pop_front();
        }
        Some(text)
    }
}

/// All of it, of bounded size however much is printed.
pub struct Output {
    file: Option<BufWriter<File>>,
    /// As much is written into it.
    room: u64,
    written: u64,
    /// Bytes and lines that found no place in the file.
    left_out: (u64, u64),
    /// None when nothing goes to the Orchestrator.
    log: Option<[Waiting; 2]>,
    logged: usize,
    /// Whether it was told that the rest is in the file alone.
    told: bool,
    last: VecDeque<String>,
}

impl Output {
    /// Into a new file.
    pub fn new(path: &Path, to_log: bool) -> std::io::Result<Output> {
        let file = Some(BufWriter::with_capacity(64 * 1024, File::create(path)?));
        let log = to_log.then(Default::default);
        Ok(Output {
            file,
            room: FILE,
            written: 0,
            left_out: (0, 0),
            log,
            logged: 0,
            told: false,
            last: VecDeque::new(),
        })
    }

    /// Takes a line.
    pub fn line(&mut self, stream: Stream, line: &str) {
        let line = secret::mask(line);
        self.keep(&line);
        self.store(&line);
        self.pass_on(stream, &line);
    }

    fn keep(&mut self, line: &str) {
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(beginning(line, LAST_LINE).to_owned());
    }

    fn store(&mut self, line: &str) {
        let size = line.len() as u64 + 1;
        // Once something is left out, all that follows is: a file with holes says nothing.
        if self.left_out.1 > 0 || self.written + size > self.room {
            self.left_out.0 += size;
            self.left_out.1 += 1;
            return;
        }
        let Some(file) = &mut self.file else { return };
        match file.write_all(line.as_bytes()).and_then(|()| file.write_all(b"\n")) {
            Ok(()) => self.written += size,
            // A full disk takes nothing more; the job goes on.
            Err(_) => self.file = None,
        }
    }

    fn pass_on(&mut self, stream: Stream, line: &str) {
        let Some(log) = &mut self.log else { return };
        if self.logged >= LOG {
            if !std::mem::replace(&mut self.told, true) {
                let text = format!("{} KB of output were sent; the rest is in the job's file output.log", LOG / 1024);
                log[Stream::Err as usize].lines.push_back(text);
            }
            return;
        }
        let line = beginning(line, MESSAGE);
        self.logged += line.len() + 1;
        log[stream as usize].lines.push_back(line.to_owned());
    }

    /// The next messages for the Orchestrator: one of each stream. What was printed so far is in the file afterwards.
    pub fn messages(&mut self) -> Vec<(Level, String)> {
        if let Some(file) = &mut self.file {
            // What cannot be written now cannot be later.
            let _ = file.flush();
        }
        let Some(log) = &mut self.log else { return Vec::new() };
        let both = [Stream::Out, Stream::Err].into_iter();
        both.filter_map(|stream| Some((stream.level(), log[stream as usize].message()?))).collect()
    }

    /// Ends the file, with a line that tells what is not in it, and gives the last lines.
    pub fn end(&mut self) -> Vec<String> {
        let (bytes, lines) = self.left_out;
        if lines > 0 {
            let text =
                format!("… {lines} further lines ({bytes} bytes) were cut: the file is full at {} MB", self.room >> 20);
            if let Some(file) = &mut self.file {
                let _ = writeln!(file, "{text}");
            }
            if let Some(log) = &mut self.log {
                log[Stream::Err as usize].lines.push_back(text);
            }
        }
        if let Some(mut file) = self.file.take() {
            let _ = file.flush();
        }
        self.last.drain(..).collect()
    }
}

/// At most so many bytes of a text, whole letters.
pub fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(folder: &tempfile::TempDir) -> Output {
        Output::new(&folder.path().join("output.log"), true).unwrap()
    }

    #[test]
    fn lines_go_into_the_file_and_in_messages_to_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut output = output(&folder);
        secret::hide("pa55word-of-output");
        output.line(Stream::Out, "one");
        output.line(Stream::Err, "bad pa55word-of-output");
        output.line(Stream::Out, "two");
        assert_eq!(output.messages(), [(Level::Info, "one\ntwo".into()), (Level::Warning, "bad ***".into())]);
        assert!(output.messages().is_empty());
        assert_eq!(output.end(), ["one", "bad ***", "two"]);
        assert_eq!(std::fs::read_to_string(folder.path().join("output.log")).unwrap(), "one\nbad ***\ntwo\n");
    }

    #[test]
    fn however_much_is_printed_little_is_kept_and_what_was_cut_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut output = output(&folder);
        output.room = 1 << 20;
        let line = "x".repeat(1023);
        let lines = 3 * 1024;
        let mut messages = Vec::new();
        for n in 0..lines {
            output.line(Stream::Out, &line);
            if n % 600 == 0 {
                messages.extend(output.messages());
            }
        }
        assert_eq!(output.end().len(), LAST);
        loop {
            let more = output.messages();
            if more.is_empty() {
                break;
            }
            messages.extend(more);
        }
        assert!(messages.iter().all(|(_, text)| text.len() <= MESSAGE));
        let sent: usize = messages.iter().map(|(_, text)| text.len()).sum();
        assert!(sent <= LOG + 2 * MESSAGE, "{sent}");
        let told = messages.into_iter().filter(|(level, _)| *level == Level::Warning);
        let told = told.map(|(_, text)| text).collect::<Vec<_>>().join("\n");
        assert!(told.contains("output.log") && told.contains(&format!("{} further lines", lines - 1024)), "{told}");
        let file = std::fs::read_to_string(folder.path().join("output.log")).unwrap();
        assert!(file.len() as u64 <= output.room + 200 && file.trim_end().ends_with("the file is full at 1 MB"));
    }
}
