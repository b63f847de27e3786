//! A writer that nobody waits for: whoever reads slowly, or not at all, holds no robot up.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::time::Duration;

/// Lines that wait for their reader.
const WAITING: usize = 1024;

/// How long the end waits for the reader of the last lines.
const LAST: Duration = Duration::from_secs(1);

/// Each piece that is written whole is a line. What does not fit is left out, and its reader is told how much.
pub struct Unhurried {
    /// None at the end.
    lines: Option<SyncSender<Vec<u8>>>,
    /// Closed when the last line is written.
    written: Receiver<()>,
    left_out: u64,
}

impl Unhurried {
    pub fn new(mut to: impl Write + Send + 'static) -> Unhurried {
        let (lines, waiting) = sync_channel::<Vec<u8>>(WAITING);
        let (end, written) = channel::<()>();
        std::thread::spawn(move || {
            for line in waiting {
                // Whoever does not want to hear more is not told more.
                let _ = to.write_all(&line).and_then(|()| to.flush());
            }
            drop(end);
        });
        Unhurried { lines: Some(lines), written, left_out: 0 }
    }

    fn give(&mut self, line: Vec<u8>) -> bool {
        let Some(lines) = &self.lines else { return false };
        match lines.try_send(line) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

impl Write for Unhurried {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.left_out > 0 && self.give(format!("{} lines are left out here\n", self.left_out).into_bytes()) {
            self.left_out = 0;
        }
        if self.left_out > 0 || !self.give(bytes.to_vec()) {
            self.left_out += 1;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Unhurried {
    fn drop(&mut self) {
        self.lines = None;
        // It ends by the other side's end; a reader that is stuck is not waited for any longer.
        let _ = self.written.recv_timeout(LAST);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Condvar, Mutex};

    use super::*;

    /// Takes nothing before it is told to.
    #[derive(Clone, Default)]
    struct Slow(Arc<Taken>);

    #[derive(Default)]
    struct Taken {
        goes: Mutex<bool>,
        bell: Condvar,
        bytes: Mutex<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            drop(self.0.bell.wait_while(self.0.goes.lock().unwrap(), |goes| !*goes).unwrap());
            self.0.bytes.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Slow {
        fn go(&self) {
            *self.0.goes.lock().unwrap() = true;
            self.0.bell.notify_all();
        }

        fn lines(&self) -> Vec<String> {
            String::from_utf8(self.0.bytes.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
        }
    }

    #[test]
    fn what_is_written_is_there_at_the_end() {
        let slow = Slow::default();
        slow.go();
        let mut writer = Unhurried::new(slow.clone());
        (0..100).for_each(|number| writer.write_all(format!("{number}\n").as_bytes()).unwrap());
        drop(writer);
        assert_eq!(slow.lines(), (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn a_reader_that_stands_still_is_not_waited_for_and_is_told_what_it_missed() {
        let slow = Slow::default();
        let mut writer = Unhurried::new(slow.clone());
        (0..5000).for_each(|number| writer.write_all(format!("{number}\n").as_bytes()).unwrap());
        slow.go();
        while slow.lines().len() < WAITING {
            std::thread::yield_now();
        }
        writer.write_all(b"last\n").unwrap();
        drop(writer);
        let lines = slow.lines();
        assert_eq!(lines.last().unwrap(), "last");
        // More than once where the reader begins late.
        let told: Vec<usize> =
            lines.iter().filter_map(|line| line.strip_suffix(" lines are left out here")?.parse().ok()).collect();
        assert!(!told.is_empty());
        assert_eq!(told.iter().sum::<usize>() + lines.len() - told.len() - 1, 5000, "{told:?}");
    }
}
