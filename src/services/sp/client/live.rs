//! A run under way, as all who have to do with it share it: how it stands, who wants it to end, what it has left behind.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::broadcast;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::driver::Connection;
use super::history::History;
use super::message::Message;
use super::run::{Check, Happened, Run, RunState, Step};
use crate::core::context::Context;

/// Nobody waits longer for a server to leave a request.
pub(super) const LEAVE: Duration = Duration::from_secs(4);

/// So many lines that a server says in one step are kept.
const MESSAGES: usize = 2000;

/// Events that somebody who follows may be behind.
const BEHIND: usize = 4096;

/// Events of all runs, numbered.
pub(super) struct Events {
    sender: broadcast::Sender<(u64, Arc<Happened>)>,
    last: Mutex<u64>,
}

impl Events {
    pub fn new() -> Events {
        Events { sender: broadcast::Sender::new(BEHIND), last: Mutex::new(0) }
    }

    pub fn follow(&self) -> broadcast::Receiver<(u64, Arc<Happened>)> {
        self.sender.subscribe()
    }

    fn tell(&self, happened: Happened) {
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *last += 1;
        // Nobody has to listen.
        let _ = self.sender.send((*last, Arc::new(happened)));
    }
}

/// A connection whose request was dropped where it stood.
struct Left {
    connection: Box<dyn Connection>,
    in_transaction: bool,
}

pub(super) struct Live {
    pub id: String,
    run: Mutex<Run>,
    pub cancel: CancellationToken,
    /// Connections of steps whose future was dropped.
    left: Mutex<Vec<Left>>,
    history: Arc<History>,
    events: Arc<Events>,
    context: Context,
}

impl Live {
    pub fn new(run: Run, history: Arc<History>, events: Arc<Events>, context: Context) -> Live {
        let cancel = CancellationToken::new();
        Live { id: run.id.clone(), run: Mutex::new(run), cancel, left: Mutex::default(), history, events, context }
    }

    fn lock(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// As it stands.
    pub fn run(&self) -> Run {
        self.lock().clone()
    }

    pub fn look<T>(&self, look: impl FnOnce(&Run) -> T) -> T {
        look(&self.lock())
    }

    /// Changes a step and tells those who follow; the history is told by [`Live::step`].
    pub fn shown_step(&self, at: usize, change: impl FnOnce(&mut Step)) -> Option<Step> {
        let step = {
            let mut run = self.lock();
            let step = run.steps.get_mut(at)?;
            change(step);
            step.clone()
        };
        self.events.tell(Happened::Step { run: self.id.clone(), step: Box::new(step.clone()) });
        Some(step)
    }

    /// Changes a step, records it, and tells those who follow. The error is the history's.
    pub fn step(&self, at: usize, change: impl FnOnce(&mut Step)) -> crate::error::Result<()> {
        match self.shown_step(at, change) {
            Some(step) => self.history.put_step(&self.id, &step),
            None => Ok(()),
        }
    }

    /// The same where nothing can be done when it is not recorded.
    pub fn note_step(&self, at: usize, change: impl FnOnce(&mut Step)) {
        let recorded = self.step(at, change);
        self.recorded(recorded);
    }

    /// Changes the run itself, records it, and tells those who follow.
    pub fn change(&self, change: impl FnOnce(&mut Run)) {
        let run = {
            let mut run = self.lock();
            change(&mut run);
            run.clone()
        };
        let recorded = self.history.put_run(&run);
        self.events.tell(Happened::Run { run: run.id, state: run.state, reason: run.reason, seconds: run.seconds });
        self.recorded(recorded);
    }

    /// Tells that there is a run, as it was recorded.
    pub fn tell_begin(&self) {
        let (state, reason) = self.look(|run| (run.state, run.reason.clone()));
        self.events.tell(Happened::Run { run: self.id.clone(), state, reason, seconds: None });
    }

    /// Keeps what the server said in a step.
    pub fn message(&self, at: usize, message: Message) {
        let (kept, number) = {
            let mut run = self.lock();
            let Some(step) = run.steps.get_mut(at) else { return };
            let mut message = message;
            match step.messages.len() {
                n if n > MESSAGES => return,
                MESSAGES => message.text = "… what the server says from here on is not kept".to_owned(),
                _ => {}
            }
            step.messages.push(message.clone());
            (message, step.number)
        };
        self.recorded(self.history.put_message(&self.id, number, &kept));
        self.events.tell(Happened::Message { run: self.id.clone(), step: number, message: kept });
    }

    /// Takes in the answer to a check: `after` beside a `before` that was there already.
    pub fn check(&self, check: Check) {
        let check = {
            let mut run = self.lock();
            let about = |check: &Check| (check.check.clone(), check.entity.clone(), check.code.clone());
            match run.checks.iter_mut().find(|known| about(known) == about(&check)) {
                Some(known) => {
                    known.after = check.after;
                    known.warning = check.warning.or(known.warning.take());
                    known.clone()
                }
                None => {
                    run.checks.push(check.clone());
                    check
                }
            }
        };
        self.events.tell(Happened::Check { run: self.id.clone(), check });
    }

    /// A run goes on when its history cannot be written, for the servers do; whoever runs the program is told.
    fn recorded(&self, recorded: crate::error::Result<()>) {
        if let Err(error) = recorded {
            self.context.warn(&format!("run {}: {}", self.id, error.message()));
        }
    }

    /// Keeps a connection whose request was dropped, for [`Live::leave`].
    pub fn leave_behind(&self, connection: Box<dyn Connection>, in_transaction: bool) {
        let mut left = self.left.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        left.push(Left { connection, in_transaction });
    }

    /// Has the servers leave what was dropped, and rolls it back.
    pub async fn leave(&self) {
        let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        let leaving = left.into_iter().map(|mut left| async move {
            leave(&mut *left.connection, left.in_transaction).await;
        });
        join_all(leaving).await;
    }

    /// Whether it has come to an end.
    pub fn is_over(&self) -> bool {
        self.look(|run| !super::history::is_live(run.state))
    }

    pub fn state(&self) -> RunState {
        self.look(|run| run.state)
    }
}

/// Attention, then rollback; a connection that does not answer is of no use, and its server undoes by itself what it left
/// open.
pub(super) async fn leave(connection: &mut dyn Connection, in_transaction: bool) {
    let leaving = async {
        connection.cancel().await?;
        match in_transaction {
            true => connection.rollback().await,
            false => Ok(()),
        }
    };
    let _ = timeout(LEAVE, leaving).await;
}
