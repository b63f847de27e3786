//! How a program that runs for long is asked to stop: by signals, by the console, by the end of its input.

use std::io::Read;

use crate::error::{Error, Kind, Result};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A person: Ctrl-C.
    Interrupt,
    /// Whoever started the program: SIGTERM, the end of its input; on Windows Ctrl-Break, a closed window, the end of the
    /// session.
    Terminate,
}

/// Listens from the moment it is made, so that nothing asked meanwhile is missed.
pub struct Stop {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
    #[cfg(windows)]
    pressed: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    broken: tokio::signal::windows::CtrlBreak,
    #[cfg(windows)]
    closed: tokio::signal::windows::CtrlClose,
    #[cfg(windows)]
    shut: tokio::signal::windows::CtrlShutdown,
}

impl Stop {
    #[cfg(unix)]
    pub fn new() -> Result<Stop> {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = |kind| signal(kind).map_err(failed);
        Ok(Stop { signals: [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?] })
    }

    #[cfg(windows)]
    pub fn new() -> Result<Stop> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Stop {
            pressed: ctrl_c().map_err(failed)?,
            broken: ctrl_break().map_err(failed)?,
            closed: ctrl_close().map_err(failed)?,
            shut: ctrl_shutdown().map_err(failed)?,
        })
    }

    /// Ends when somebody asks: SIGTERM or Ctrl-C; on Windows also Ctrl-Break, a closed window, the end of the session.
    #[cfg(unix)]
    pub async fn asked(&mut self) -> Asked {
        let [terminate, interrupt] = &mut self.signals;
        tokio::select! {
            _ = terminate.recv() => Asked::Terminate,
            _ = interrupt.recv() => Asked::Interrupt,
        }
    }

    /// Ends when somebody asks: Ctrl-C, Ctrl-Break, a closed window, the end of the session.
    #[cfg(windows)]
    pub async fn asked(&mut self) -> Asked {
        tokio::select! {
            _ = self.pressed.recv() => Asked::Interrupt,
            _ = self.broken.recv() => Asked::Terminate,
            _ = self.closed.recv() => Asked::Terminate,
            _ = self.shut.recv() => Asked::Terminate,
        }
    }

    /// The same, or when standard input closes, where that counts.
    pub async fn asked_or_eof(&mut self, until_eof: bool) -> Asked {
        let end_of_input = async {
            match until_eof {
                // What was read is of no interest, and neither is why nothing more comes.
                true => drop(end_of_input().await),
                false => std::future::pending().await,
            }
        };
        tokio::select! { asked = self.asked() => asked, () = end_of_input => Asked::Terminate }
    }
}

/// Told when standard input has closed. A thread of its own reads: nobody can call it back from there, and the program
/// must be able to end without it.
fn end_of_input() -> tokio::sync::oneshot::Receiver<()> {
    let (closed, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock().by_ref(), &mut std::io::sink());
        let _ = closed.send(());
    });
    told
}

fn failed(error: std::io::Error) -> Error {
    Error::new(Kind::Usage, "stop.signals", format!("signals cannot be listened for: {error}"))
}
