//! A session: what a client asks of it, one request after another.

mod call;
mod change;
mod define;
mod frames;
mod locking;
mod options;
mod run;
mod statement;
mod transaction;

pub use call::{Bound, Given};
pub use locking::{Got, acquire};

use std::sync::Arc;

use super::failure::Failure;
use super::moment::now;
use super::out::{Out, Said, Sink, Stop};
use super::own::{Capture, Destination, Own, What};
use super::parse;
use super::value::Parameter;
use crate::sandbox::sp::world::{Present, World};

/// Why a statement does not go on.
pub enum Trouble {
    Failed(Failure),
    Stop(Stop),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Failed(failure)
    }
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Trouble {
        Trouble::Stop(stop)
    }
}

/// What a statement gives.
pub type Flow<T> = Result<T, Trouble>;

/// A client that has logged in.
pub struct Session {
    pub(super) world: Arc<World>,
    pub(super) own: Own,
    pub(super) captures: Vec<Capture>,
}

impl Session {
    /// Lets somebody into a database; an empty name is master.
    ///
    /// # Errors
    /// 4060 for a database that does not exist.
    pub fn new(world: Arc<World>, spid: u16, login: &str, database: &str) -> Result<Session, Said> {
        let name = if database.is_empty() { "master" } else { database };
        let mut state = world.state();
        let Some(place) = state.database(name) else {
            let text = format!("Cannot open database \"{name}\" requested by the login. The login failed.");
            return Err(Said { number: 4060, severity: 11, state: 1, text, procedure: String::new(), line: 1 });
        };
        let present =
            Present { login: login.to_owned(), database: place, isolation: 2, lock_timeout: -1, ..Present::default() };
        state.present.insert(spid, present);
        drop(state);
        Ok(Session { world, own: Own::new(spid, login, place), captures: Vec::new() })
    }

    /// The database it is in.
    pub fn database(&self) -> String {
        let state = self.world.state();
        state.databases.get(self.own.database).map(|database| database.name.clone()).unwrap_or_default()
    }

    /// The transaction that is open; 0 is none.
    pub fn transaction(&self) -> u64 {
        self.own.transaction.as_ref().map_or(0, |transaction| transaction.id)
    }

    /// Runs a text.
    ///
    /// # Errors
    /// The client has gone, or the connection is to end.
    pub async fn batch(&mut self, text: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.begin_request(text);
        match parse::batch(text, self.own.options.is_on("QUOTED_IDENTIFIER")) {
            Ok(program) => {
                self.push_plain(What::Batch, Arc::new(program));
                self.run(sink).await?;
            }
            Err(failure) => self.refuse(failure, sink).await?,
        }
        self.end_request(sink).await
    }

    /// Runs a text with parameters, as sp_executesql does when a client calls it. OUTPUT values are numbered from 0.
    ///
    /// # Errors
    /// The client has gone, or the connection is to end.
    pub async fn execute_sql(
        &mut self,
        text: &str,
        declarations: &str,
        params: Vec<Parameter>,
        sink: &mut dyn Sink,
    ) -> Result<(), Stop> {
        self.begin_request(text);
        let given = given_by_client(params);
        if let Err(trouble) = self.push_text(text, declarations, given, true) {
            match trouble {
                Trouble::Failed(failure) => self.refuse(failure, sink).await?,
                Trouble::Stop(stop) => return Err(stop),
            }
        }
        self.run(sink).await?;
        self.end_request(sink).await
    }

    /// Calls a procedure by its name.
    ///
    /// # Errors
    /// The client has gone, or the connection is to end.
    pub async fn call(&mut self, procedure: &str, params: Vec<Parameter>, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.begin_request(procedure);
        let outcome = match parse::name(procedure) {
            Ok(name) => self.call_named(&name, given_by_client(params), None, true, sink).await,
            Err(_) => Err(super::failure::no_procedure(procedure).into()),
        };
        match outcome {
            Ok(()) => {}
            Err(Trouble::Failed(failure)) => self.failed(failure, 1, sink).await?,
            Err(Trouble::Stop(stop)) => return Err(stop),
        }
        self.run(sink).await?;
        self.end_request(sink).await
    }

    /// Tells an error of something that has not begun.
    async fn refuse(&mut self, failure: Failure, sink: &mut dyn Sink) -> Result<(), Stop> {
        let line = failure.line.unwrap_or(1);
        self.failed(failure, line, sink).await
    }

    fn begin_request(&mut self, text: &str) {
        let shown: String = text.chars().take(4000).collect();
        let mut state = self.world.state();
        if let Some(present) = state.present.get_mut(&self.own.spid) {
            present.request = Some(shown);
            present.request_since = Some(now());
        }
    }

    async fn end_request(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.captures.clear();
        let is_doomed = self.own.transaction.as_ref().is_some_and(|transaction| transaction.is_doomed);
        if is_doomed {
            let text = "Uncommittable transaction is detected at the end of the batch. The transaction is rolled back.";
            let failure = super::failure::failure(3998, 16, 1, text);
            self.tell_failure(&failure, 1, sink).await?;
            self.roll_back_all(sink).await?;
        }
        self.rest();
        Ok(())
    }

    /// Nothing is asked any more: what others see of it.
    fn rest(&mut self) {
        let mut state = self.world.state();
        let own = &self.own;
        state.locks.free(own.spid, |owner| owner == super::locks::Owner::Statement);
        if let Some(present) = state.present.get_mut(&own.spid) {
            present.request = None;
            present.database = own.database;
            present.open_transactions = own.transactions();
            present.isolation = own.options.isolation;
            present.lock_timeout = own.options.lock_timeout;
            present.language.clone_from(&own.options.language);
            own.options.date_format.name().clone_into(&mut present.date_format);
        }
        drop(state);
        self.world.freed.notify_waiters();
    }

    /// A request was given up in the middle: the client sent an attention. Its statement has done nothing; under
    /// XACT_ABORT the transaction is rolled back.
    pub fn interrupted(&mut self) {
        let aborts = self.own.options.is_on("XACT_ABORT");
        self.drop_frames();
        if aborts {
            self.undo_all();
        }
        self.rest();
    }

    /// sp_reset_connection: as after the login, but for the transaction where it is to be kept.
    pub fn reset(&mut self, keep_transaction: bool) {
        self.drop_frames();
        if !keep_transaction {
            self.undo_all();
        }
        let options = super::own::Options { isolation: self.own.options.isolation, ..Default::default() };
        self.own.options = options;
        self.own.temporary.clear();
        self.own.identity = None;
        self.own.error = 0;
        let mut state = self.world.state();
        state.locks.free(self.own.spid, |owner| owner == super::locks::Owner::Session);
        drop(state);
        self.rest();
    }

    /// The connection has gone: everything that is open is rolled back, every lock is free.
    pub fn left(&mut self) {
        self.drop_frames();
        self.undo_all();
        let mut state = self.world.state();
        state.locks.unqueue(self.own.spid);
        state.locks.free(self.own.spid, |_| true);
        state.present.remove(&self.own.spid);
        drop(state);
        self.world.freed.notify_waiters();
    }

    /// Tells something to the client, or to the INSERT … EXECUTE that is waiting for it.
    pub(super) async fn tell(&mut self, out: Out, sink: &mut dyn Sink) -> Result<(), Stop> {
        let depth = self.own.frames.len();
        let capture = self.captures.last_mut().filter(|capture| capture.is_for(depth));
        match (capture, out) {
            (Some(capture), Out::Row(row)) => {
                capture.rows.push(row);
                Ok(())
            }
            (Some(_), Out::Columns(_) | Out::Done { .. } | Out::Rows { .. }) => Ok(()),
            (_, out) => sink.put(out).await,
        }
    }

    /// The end of a statement.
    pub(super) async fn done(&mut self, count: Option<u64>, command: u16, sink: &mut dyn Sink) -> Result<(), Stop> {
        let inside = self.own.frame().is_none_or(|frame| frame.what != What::Batch);
        let count = count.filter(|_| !self.own.options.is_on("NOCOUNT"));
        if inside && count.is_none() && command != super::command::SELECT {
            return Ok(());
        }
        self.tell(Out::Done { count, command, inside }, sink).await
    }
}

impl Capture {
    fn is_for(&self, depth: usize) -> bool {
        self.is_native || depth > self.depth
    }
}

/// What a client gives by RPC; OUTPUT values go back to it.
fn given_by_client(params: Vec<Parameter>) -> Vec<Given> {
    let given = params.into_iter().enumerate().map(|(at, param)| Given {
        name: (!param.name.is_empty()).then(|| param.name.clone()),
        value: (!param.default).then_some(param.value),
        kind: param.kind,
        output: param.output.then_some(Destination::Client { name: param.name, ordinal: at as u16 }),
    });
    given.collect()
}
