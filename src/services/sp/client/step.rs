//! One step: its lock, its connection, its transaction, its tries; and whatever end it comes to.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::driver::{Connection, Event, Place, Request};
use super::engine::{Running, Seat};
use super::live::{LEAVE, Live, leave};
use super::locks::{Hold, Locks, answered};
use super::message::SqlError;
use super::plan::{Call, RETURN};
use super::resume::COMMIT_UNKNOWN;
use super::run::{StepError, StepState};
use super::stamp::{now, seconds};
use crate::core::retry::Schedule;
use crate::core::rows::Field;
use crate::error::{Error, Kind, Result};

/// What the steps of a run share.
pub(super) struct Crew<'a> {
    running: &'a Running,
    pub locks: Locks,
    program: String,
    /// Connections that nothing is done with, by database: kept for the run.
    idle: Mutex<HashMap<String, Vec<Box<dyn Connection>>>>,
}

impl<'a> Crew<'a> {
    pub fn new(running: &'a Running, locks: Locks, program: String) -> Crew<'a> {
        Crew { running, locks, program, idle: Mutex::default() }
    }

    fn live(&self) -> &Live {
        &self.running.live
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<Box<dyn Connection>>>> {
        self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Keeps a connection for the next step; what it has in it, nobody has to see to any more.
    fn put_back(&self, mut lease: Lease<'_>, database: &str) {
        if let Some(connection) = lease.connection.take().filter(|connection| connection.is_clean()) {
            self.idle().entry(database.to_owned()).or_default().push(connection);
        }
    }

    async fn connect(&self, database: &str) -> Result<Box<dyn Connection>> {
        let place = Place { program: self.program.clone(), ..self.running.site.place(Some(database))? };
        self.running.site.0.driver.connect(&place).await
    }
}

/// A connection that is in use; when its user is dropped, the run keeps it for its farewell.
struct Lease<'a> {
    live: &'a Live,
    connection: Option<Box<dyn Connection>>,
    in_transaction: bool,
}

impl Lease<'_> {
    fn connection(&mut self) -> Result<&mut (dyn Connection + 'static)> {
        match &mut self.connection {
            Some(connection) => Ok(&mut **connection),
            None => Err(lost("the connection was given up")),
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.live.leave_behind(connection, self.in_transaction);
        }
    }
}

/// How a try ended that was not good.
struct Failure {
    state: StepState,
    error: Option<Error>,
    /// The request has no answer yet: the server has to be told.
    cut: bool,
    seconds: Option<f64>,
}

impl Failure {
    fn failed(error: Error) -> Failure {
        Failure { state: StepState::Failed, error: Some(error), cut: false, seconds: None }
    }

    fn cut(state: StepState, error: Option<Error>) -> Failure {
        Failure { state, error, cut: true, seconds: None }
    }

    fn cancelled() -> Failure {
        Failure::cut(StepState::Cancelled, None)
    }
}

type Tried<T> = std::result::Result<T, Failure>;

/// What a good call told.
#[derive(Default)]
struct Told {
    rows: Option<u64>,
    code: Option<i32>,
}

/// Carries out a step, with as many tries as the catalogue allows; its end is in the run.
pub(super) async fn carry_out(crew: &Crew<'_>, at: usize, seat: &Seat) {
    if let Err(failure) = tries(crew, at, seat).await {
        end(crew.live(), at, failure);
    }
}

async fn tries(crew: &Crew<'_>, at: usize, seat: &Seat) -> Tried<()> {
    let live = crew.live();
    let retry = &crew.running.site.catalogue().retry;
    let schedule = Schedule { tries: retry.attempts, first: retry.backoff, longest: retry.backoff_max };
    let mut tries = 0;
    loop {
        tries += 1;
        let Err(failure) = under_lock(crew, at, seat).await else { return Ok(()) };
        let pause = schedule.pause(tries).filter(|_| may_repeat(crew, at, &failure));
        let Some(pause) = pause else { return Err(failure) };
        let why = failure.error.as_ref().map_or("", Error::message);
        let note = format!("try {} of {} in {:.0} s, after: {why}", tries + 1, retry.attempts, pause.as_secs_f64());
        live.note_step(at, |step| {
            step.state = StepState::Pending;
            step.note = Some(crate::secret::mask(&note).into_owned());
        });
        seat.leave();
        let pause = async {
            sleep(pause).await;
            seat.take().await;
        };
        if live.cancel.run_until_cancelled(pause).await.is_none() {
            return Err(Failure::cancelled());
        }
    }
}

async fn under_lock(crew: &Crew<'_>, at: usize, seat: &Seat) -> Tried<()> {
    let hold = hold(crew, at, seat).await?;
    let tried = attempt(crew, at, hold.as_ref()).await;
    if let Some(hold) = hold {
        crew.locks.free(hold).await;
    }
    tried
}

/// The lock of a step, where it has one. A step that has to wait for it leaves its place to others meanwhile; whoever has a
/// place never waits for a lock, so that no two wait for each other.
async fn hold(crew: &Crew<'_>, at: usize, seat: &Seat) -> Tried<Option<Hold>> {
    let live = crew.live();
    let Some(lock) = live.look(|run| run.steps[at].locks.first().cloned()) else { return Ok(None) };
    let waiting = |note: &str| {
        seat.leave();
        drop(live.shown_step(at, |step| step.note = Some(note.to_owned())));
    };
    let held = async {
        let hold = crew.locks.hold(&lock, waiting).await;
        seat.take().await;
        hold
    };
    match live.cancel.run_until_cancelled(held).await {
        Some(Ok(hold)) => Ok(Some(hold)),
        Some(Err(error)) => Err(Failure::failed(error)),
        None => Err(Failure::cancelled()),
    }
}

/// Whether a step that failed like this may be tried again: only one that does no harm twice, and only after what the
/// catalogue lists. What never reached the server may always.
fn may_repeat(crew: &Crew<'_>, at: usize, failure: &Failure) -> bool {
    let Some(error) = failure.error.as_ref().filter(|_| failure.state == StepState::Failed) else { return false };
    let retry = &crew.running.site.catalogue().retry;
    let (repeatable, begun) = crew.live().look(|run| {
        let step = &run.steps[at];
        (step.repeatable, step.state != StepState::Pending)
    });
    let listed = match SqlError::of(error) {
        Some(server) => retry.on_errors.contains(&server.number),
        None => retry.on_disconnect && [LOST, LOCK_LOST, COMMIT_UNKNOWN].contains(&error.code()),
    };
    // Time does not heal a certificate.
    let heals = !["sp.certificate", "sp.tls"].contains(&error.code());
    let unreached = !begun && heals && retry.on_disconnect && error.kind() == Kind::Unavailable;
    unreached || listed && repeatable
}

async fn attempt(crew: &Crew<'_>, at: usize, hold: Option<&Hold>) -> Tried<()> {
    let live = crew.live();
    let call = crew.running.call(at);
    let database = live.look(|run| run.steps[at].database.clone());
    let ready = timeout(call.timeout, ready(crew, &database, call));
    let mut lease = match live.cancel.run_until_cancelled(ready).await {
        Some(Ok(Ok(lease))) => lease,
        Some(Ok(Err(error))) => return Err(Failure::failed(error)),
        Some(Err(_)) => return Err(Failure::cut(StepState::TimedOut, Some(too_long(call)))),
        None => return Err(Failure::cancelled()),
    };
    let recorded = live.step(at, |step| {
        step.state = StepState::Running;
        step.attempts += 1;
        step.started = Some(now());
        (step.note, step.error) = (None, None);
    });
    let began = Instant::now();
    let done = match recorded {
        Ok(()) => tokio::select! {
            biased;
            done = work(&mut lease, live, at, call) => done.map_err(Failure::failed),
            () = live.cancel.cancelled() => Err(Failure::cancelled()),
            () = sleep(call.timeout) => Err(Failure::cut(StepState::TimedOut, Some(too_long(call)))),
            () = gone(crew, hold) => Err(Failure::cut(StepState::Failed, Some(lock_lost()))),
        },
        // What nobody could know of later is not begun.
        Err(error) => Err(Failure::failed(error)),
    };
    let lasted = seconds(began.elapsed());
    let done = match done {
        Ok(told) => commit(crew, &mut lease, at, hold).await.map(|()| told),
        failed => failed,
    };
    match done {
        Ok(told) => {
            live.note_step(at, |step| {
                step.state = StepState::Ok;
                step.ended = Some(now());
                step.seconds = Some(lasted);
                (step.rows, step.return_code) = (told.rows, told.code);
            });
            crew.put_back(lease, &database);
            Ok(())
        }
        Err(failure) => {
            undo(&mut lease, call, &failure).await;
            crew.put_back(lease, &database);
            Err(Failure { seconds: Some(lasted), ..failure })
        }
    }
}

/// A connection on which the call can be made: in a transaction, where it wants one. One that was kept may have been lost
/// meanwhile; then nothing has been done yet, and another one is made.
async fn ready<'a>(crew: &Crew<'a>, database: &str, call: &Call) -> Result<Lease<'a>> {
    let kept = crew.idle().get_mut(database).and_then(Vec::pop);
    let was_kept = kept.is_some();
    let connection = match kept {
        Some(connection) => connection,
        None => crew.connect(database).await?,
    };
    let mut lease = Lease { live: &crew.running.live, connection: Some(connection), in_transaction: call.transaction };
    if !call.transaction {
        return Ok(lease);
    }
    match lease.connection()?.begin().await {
        Ok(()) => Ok(lease),
        Err(_) if was_kept => {
            lease.connection = Some(crew.connect(database).await?);
            lease.connection()?.begin().await.inspect_err(|_| lease.connection = None)?;
            Ok(lease)
        }
        Err(error) => {
            lease.connection = None;
            Err(error)
        }
    }
}

/// The call itself, to the end of its answer.
async fn work(lease: &mut Lease<'_>, live: &Live, at: usize, call: &Call) -> Result<Told> {
    let mut answer = lease.connection()?.run(&call.request).await?;
    let mut told = Told::default();
    let is_text = matches!(call.request, Request::Text { .. });
    while let Some(event) = answer.next().await? {
        match event {
            Event::Message(message) => live.message(at, message),
            Event::Affected(rows) => *told.rows.get_or_insert(0) += rows,
            // A text tells the code of the procedure in it by itself.
            Event::Returned(code) if !is_text => told.code = Some(code),
            Event::Rows(rows) if is_text => {
                let code = rows.get(0).and_then(|row| match row.get(RETURN) {
                    Some(Field::Integer(code)) => i32::try_from(code).ok(),
                    _ => None,
                });
                told.code = code.or(told.code);
            }
            _ => {}
        }
    }
    if !call.succeeds.with(told.code) {
        let code = told.code.unwrap_or_default();
        let error = Error::new(Kind::Refused, "sp.return_code", format!("the procedure returned {code}"));
        return Err(error.hint("`return_codes` of the stage says which codes mean success"));
    }
    Ok(told)
}

/// Commits what was done, under the lock that it was done under.
async fn commit(crew: &Crew<'_>, lease: &mut Lease<'_>, at: usize, hold: Option<&Hold>) -> Tried<()> {
    let call = crew.running.call(at);
    if !call.transaction {
        return Ok(());
    }
    if let Some(hold) = hold
        && !crew.locks.is_held(hold).await
    {
        return Err(Failure::failed(lock_lost()));
    }
    // Should the process end now, nobody will know whether it was committed: that has to be on record.
    crew.live().step(at, |step| step.state = StepState::Committing).map_err(Failure::failed)?;
    let committing = async {
        let connection = lease.connection()?;
        let done = timeout(LONGEST_COMMIT.min(call.timeout), connection.commit()).await;
        done.unwrap_or_else(|_| Err(lost("the server did not answer")))
    };
    match committing.await {
        Ok(()) => {
            lease.in_transaction = false;
            Ok(())
        }
        // The server has said no.
        Err(error) if SqlError::of(&error).is_some_and(|error| error.number == NOTHING_TO_COMMIT) => {
            let hint = "the procedure ends transactions by itself: say `transaction = false` in its stage or rule";
            Err(Failure::failed(error.hint(hint)))
        }
        Err(error) if SqlError::of(&error).is_some() => Err(Failure::failed(error)),
        Err(error) => {
            lease.connection = None;
            let message = format!("nobody knows whether it was committed: {}", error.message());
            let unknown = Error::new(Kind::Unavailable, COMMIT_UNKNOWN, message);
            Err(Failure::failed(unknown.hint("look at the data before it is done again")))
        }
    }
}

/// Leaves nothing behind of a try: what is under way is left, what was done is rolled back. A connection that has not
/// answered in time, or that was lost, is given up; its server rolls back by itself.
async fn undo(lease: &mut Lease<'_>, call: &Call, failure: &Failure) {
    let in_transaction = std::mem::take(&mut lease.in_transaction);
    let Some(connection) = &mut lease.connection else { return };
    if failure.cut {
        leave(&mut **connection, in_transaction).await;
        lease.connection = None;
        return;
    }
    let is_there = failure.error.as_ref().is_none_or(|error| match SqlError::of(error) {
        Some(error) => error.severity < FATAL,
        None => {
            // That was another connection.
            error.code() == LOCK_LOST || !matches!(error.kind(), Kind::Unavailable | Kind::Protocol | Kind::Timeout)
        }
    });
    let is_good =
        is_there && timeout(LEAVE, roll_back(&mut **connection, call, in_transaction)).await.unwrap_or_default();
    if !is_good {
        lease.connection = None;
    }
}

/// Whether the connection can be used again after it.
async fn roll_back(connection: &mut dyn Connection, call: &Call, in_transaction: bool) -> bool {
    if let Some(cleanup) = &call.cleanup {
        // It is only sent because it may help.
        let _ = answered(connection, &Request::Batch(cleanup.clone())).await;
    }
    if !in_transaction {
        return true;
    }
    // The server may have rolled back already.
    let was_undone = |error: &Error| SqlError::of(error).is_some_and(|error| error.number == NO_TRANSACTION);
    connection.rollback().await.map_or_else(|error| was_undone(&error), |()| true)
}

async fn gone(crew: &Crew<'_>, hold: Option<&Hold>) {
    match hold {
        Some(hold) => crew.locks.lost(hold).await,
        None => std::future::pending().await,
    }
}

/// Records how a step ended that was not good.
fn end(live: &Live, at: usize, failure: Failure) {
    live.note_step(at, |step| {
        step.state = failure.state;
        step.ended = Some(now());
        step.seconds = failure.seconds.or(step.seconds);
        step.note = None;
        step.error = failure.error.as_ref().map(told);
    });
}

/// An error as it is kept, without what nobody may see.
fn told(error: &Error) -> StepError {
    let mask = |text: &str| crate::secret::mask(text).into_owned();
    let server = SqlError::of(error).map(|server| SqlError { message: mask(&server.message), ..server });
    let hint = error.hint_text().map(mask);
    StepError { code: error.code().to_owned(), message: mask(error.message()), hint, server }
}

/// From this severity on a server ends the connection.
const FATAL: i64 = 20;
/// How long a server may take for a COMMIT, which cannot be taken back; longer than that, its outcome is unknown.
const LONGEST_COMMIT: Duration = Duration::from_secs(300);
/// COMMIT without a transaction.
const NOTHING_TO_COMMIT: i64 = 3902;
/// ROLLBACK without a transaction.
const NO_TRANSACTION: i64 = 3903;
/// The code of a lost connection.
const LOST: &str = "sp.lost";

/// The code of a lost lock.
const LOCK_LOST: &str = "sp.lock_lost";

fn lost(why: &str) -> Error {
    Error::new(Kind::Unavailable, LOST, format!("the connection was lost: {why}"))
}

fn lock_lost() -> Error {
    let message = "the connection that held the application lock was lost: it was undone";
    Error::new(Kind::Unavailable, LOCK_LOST, message)
}

fn too_long(call: &Call) -> Error {
    let message = format!("it took longer than {} s and was stopped", call.timeout.as_secs_f64());
    let error = Error::new(Kind::Timeout, "sp.timeout", message);
    error.hint("raise `timeout` of its entity, rule or stage in the catalogue")
}
