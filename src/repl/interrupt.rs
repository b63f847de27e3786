//! Ctrl-C while a line runs. At the prompt the editor reads it as a key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::task::JoinHandle;

use crate::script::bridge::Host;

/// The exit code of a program that Ctrl-C ended.
const STOPPED: i32 = 130;

/// Listens until it is dropped.
pub struct Interrupts {
    line: Arc<Line>,
    listener: JoinHandle<()>,
}

#[derive(Default)]
struct Line {
    runs: AtomicBool,
    pressed: AtomicU8,
}

impl Interrupts {
    /// To be called after the editor was made: of two that want the signal the later one gets it.
    pub fn listen(host: &Arc<Host>) -> std::io::Result<Interrupts> {
        let line = Arc::new(Line::default());
        let runtime = host.context.runtime();
        let _inside = runtime.enter();
        #[cfg(unix)]
        let mut signals = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        #[cfg(windows)]
        let mut signals = tokio::signal::windows::ctrl_c()?;
        let (pressed, host) = (line.clone(), host.clone());
        let listener = runtime.spawn(async move {
            while signals.recv().await.is_some() {
                pressed.press(&host);
            }
        });
        Ok(Interrupts { line, listener })
    }

    /// Does the work of one line.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.line.pressed.store(0, Ordering::SeqCst);
        self.line.runs.store(true, Ordering::SeqCst);
        let done = work();
        self.line.runs.store(false, Ordering::SeqCst);
        done
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Line {
    fn press(&self, host: &Host) {
        if !self.runs.load(Ordering::SeqCst) {
            return;
        }
        match self.pressed.fetch_add(1, Ordering::SeqCst) {
            0 => host.stopper.stop(),
            1 => {
                host.stopper.stop();
                eprintln!("\nit does not stop yet; Ctrl-C once more leaves pult without waiting for it");
            }
            _ => std::process::exit(STOPPED),
        }
    }
}
