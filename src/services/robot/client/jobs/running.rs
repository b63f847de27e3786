//! A job under way, as the agent sees it: a supervisor at the other end of two pipes.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout_at};

use super::order::{Errand, KILL, STOP, Told, not_started};
use crate::core::tree::{self, Started};
use crate::error::{Error, Kind, Result};
use crate::services::robot::client::work::{Ending, Event, How, Running};

/// A supervisor that has not told of an end so long after the order to kill is killed itself.
const PATIENCE: Duration = Duration::from_secs(12);

/// Between two rounds of that.
const ROUND: Duration = Duration::from_millis(10);
const ROUNDS: usize = 200;

pub(super) struct Process {
    /// None when the job never began.
    supervisor: Option<Supervisor>,
    ended: Option<Ending>,
    began: std::time::Instant,
    /// When the supervisor must be over.
    until: Option<Instant>,
}

struct Supervisor {
    child: Child,
    orders: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
    started: Option<Started>,
}

impl Process {
    /// A job that cannot be begun.
    pub fn never(why: String) -> Process {
        Process { supervisor: None, ended: Some(not_started(why)), began: std::time::Instant::now(), until: None }
    }

    /// Starts a supervisor and hands it its errand.
    pub async fn begin(program: &Path, errand: &Errand) -> Result<Process> {
        let failed = |error: std::io::Error| {
            let message = format!("the supervisor of jobs does not start: {}: {error}", program.display());
            Error::new(Kind::File, "robot.supervisor", message)
        };
        let mut command = Command::new(program);
        command.args(["robot", "supervise"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C at the agent's terminal is for the agent.
        #[cfg(unix)]
        command.process_group(0);
        #[cfg(windows)]
        command.creation_flags(CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP);
        let mut child = command.spawn().map_err(failed)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let Some((mut orders, told)) = pipes else { return Err(failed(std::io::Error::other("no pipes"))) };
        let mut line = serde_json::to_vec(errand).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        orders.write_all(&line).await.map_err(failed)?;
        let started = child.id().and_then(Started::of);
        let supervisor = Supervisor { child, orders, told: BufReader::new(told).lines(), started };
        Ok(Process { supervisor: Some(supervisor), ended: None, began: std::time::Instant::now(), until: None })
    }

    async fn order(&mut self, word: &str) -> Result<()> {
        if let Some(supervisor) = &mut self.supervisor {
            // One that is gone tells so by its other pipe.
            let _ = supervisor.orders.write_all(format!("{word}\n").as_bytes()).await;
        }
        Ok(())
    }

    /// The next thing that the supervisor tells; `None` when it is gone, or silent for too long.
    async fn hear(&mut self) -> Option<Told> {
        let until = self.until;
        let supervisor = self.supervisor.as_mut()?;
        loop {
            let line = supervisor.told.next_line();
            let line = match until {
                Some(until) => timeout_at(until, line).await.ok()?,
                None => line.await,
            };
            let told = serde_json::from_str(&line.ok()??).ok();
            if let Some(Told::Started(started)) = told {
                supervisor.started = Some(started);
            } else if told.is_some() {
                return told;
            }
        }
    }

    /// Clears up behind a supervisor that did not tell of an end. Can be repeated when it was dropped half way.
    async fn clear(&mut self) -> Ending {
        let started = self.supervisor.as_ref().and_then(|supervisor| supervisor.started.clone());
        if let Some(started) = started {
            for _ in 0..ROUNDS {
                if tree::kill_once(&started) == 0 {
                    break;
                }
                sleep(ROUND).await;
            }
        }
        let how = if self.until.is_some() { How::Killed } else { How::Orphaned };
        let tail = vec!["pult: the job's supervisor is gone; the job was killed".to_owned()];
        Ending { how, observed: false, took: self.began.elapsed(), tail }
    }

    async fn event(&mut self) -> Event {
        let ending = match self.ended.take() {
            Some(ending) => ending,
            None => match self.hear().await {
                Some(Told::Logged | Told::Started(_)) => return Event::Logged,
                Some(Told::Progress(progress)) => return Event::Progress(progress.percent, progress.text),
                Some(Told::Ended(ending)) => {
                    self.ended = Some(ending);
                    self.leave().await;
                    self.ended.take().unwrap_or_else(|| not_started("its end was told twice"))
                }
                None => {
                    let ending = self.clear().await;
                    self.ended = Some(ending.clone());
                    ending
                }
            },
        };
        // Asked again, it says the same.
        self.ended = Some(ending.clone());
        Event::Ended(ending)
    }

    /// Waits for the supervisor, which has nothing more to do.
    async fn leave(&mut self) {
        if let Some(supervisor) = &mut self.supervisor {
            let until = Instant::now() + Duration::from_secs(1);
            drop(timeout_at(until, supervisor.child.wait()).await);
        }
    }
}

#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;
#[cfg(windows)]
const CREATE_NEW_PROCESS_GROUP: u32 = 0x0200;

impl Running for Process {
    fn next(&mut self) -> BoxFuture<'_, Event> {
        self.event().boxed()
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<()>> {
        self.order(STOP).boxed()
    }

    fn kill(&mut self) -> BoxFuture<'_, Result<()>> {
        self.until.get_or_insert_with(|| Instant::now() + PATIENCE);
        self.order(KILL).boxed()
    }
}
