//! An agent in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sim::PATIENCE;

/// What programs say, line by line, while they run.
#[derive(Clone, Default)]
pub struct Said(Arc<Mutex<String>>);

impl Said {
    pub fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn listen(&self, from: impl Read + Send + 'static) -> JoinHandle<()> {
        let said = self.clone();
        std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                said.0.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        })
    }
}

/// `pult`, under way. Killed when dropped.
pub struct Agent {
    child: Child,
    pub said: Said,
    readers: Vec<JoinHandle<()>>,
}

/// How a program ended.
pub struct Ended {
    /// Absent after a signal.
    pub code: Option<i32>,
    /// Both outputs.
    pub said: String,
}

impl Agent {
    pub fn start(mut command: Command, said: Said) -> Agent {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let readers = vec![said.listen(child.stdout.take().unwrap()), said.listen(child.stderr.take().unwrap())];
        Agent { child, said, readers }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it without a word of warning; its children are told nothing.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        crate::processes::signal(self.id(), name);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ends(mut self) -> Ended {
        let began = Instant::now();
        while self.is_running() {
            assert!(began.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        let code = self.child.wait().unwrap().code();
        let readers = std::mem::take(&mut self.readers);
        // A child that is left holds the pipe; that is found elsewhere.
        let deadline = Instant::now() + Duration::from_secs(5);
        while readers.iter().any(|reader| !reader.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ended { code, said: self.said.text() }
    }

    /// Waits for an end with this exit code.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> String {
        let ended = self.ends();
        assert_eq!(ended.code, Some(code), "{}", ended.said);
        ended.said
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
