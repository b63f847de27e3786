//! An answer on its way to the client: tokens, packets, and no more of either in memory than the client takes.

use futures_util::future::BoxFuture;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::measure::Rows;
use super::packet::Framer;
use super::shape::{Misfit, Shape};
use super::sql::out::{Out, Said, Sink, Stop};
use super::tokens::{Done, Ended, Tokens, done};
use super::version::Version;

/// Bytes that are put together before the client gets them.
const LOAD: usize = 32 << 10;
/// The code of a call in DONE.
const EXECUTE: u16 = 0xE0;

/// Writes answers, one after another.
pub struct Answer<W> {
    io: W,
    tokens: Tokens,
    framer: Framer,
    /// Packets that are not written yet, from `written` on.
    framed: Vec<u8>,
    written: usize,
    /// A DONE that waits: only what comes next tells whether anything does.
    held: Option<Done>,
    shapes: Vec<Shape>,
    /// An error was told since the last DONE.
    failed: bool,
    /// The first error of the answer.
    first_error: Option<i32>,
    /// Whether the last packet of the answer is made.
    is_whole: bool,
    /// Parameters of the call that stand before those of the statement.
    pub shift: u16,
    /// The database of the session.
    pub database: String,
    /// The transaction of the session; 0 is none.
    pub transaction: u64,
}

impl<W: AsyncWrite + Unpin + Send> Answer<W> {
    pub fn new(io: W, version: Version) -> Answer<W> {
        Answer {
            io,
            tokens: Tokens::new(version),
            framer: Framer::new(),
            framed: Vec::new(),
            written: 0,
            held: None,
            shapes: Vec::new(),
            failed: false,
            first_error: None,
            is_whole: false,
            shift: 0,
            database: String::new(),
            transaction: 0,
        }
    }

    pub fn version(&self) -> Version {
        self.tokens.version
    }

    /// The number of the session stands in every packet.
    pub fn set_spid(&mut self, spid: u16) {
        self.framer.spid = spid;
    }

    /// From the next packet on they have this size.
    pub fn set_packet(&mut self, size: usize) {
        self.framer.size = size;
    }

    /// A new answer begins.
    pub fn begin(&mut self) {
        (self.failed, self.first_error, self.is_whole) = (false, None, false);
        self.shift = 0;
        self.shapes.clear();
    }

    /// The first error that was told since the answer began.
    pub fn first_error(&self) -> Option<i32> {
        self.first_error
    }

    /// Tokens that nobody's statement tells.
    pub fn tokens(&mut self) -> &mut Tokens {
        self.release();
        &mut self.tokens
    }

    /// An error of the server's own.
    pub fn fail(&mut self, number: i32, severity: u8, state: u8, text: impl Into<String>) {
        let said = Said { number, severity, state, text: text.into(), procedure: String::new(), line: 1 };
        self.error(&said);
    }

    pub fn error(&mut self, said: &Said) {
        self.failed = true;
        self.first_error.get_or_insert(said.number);
        self.tokens().error(said);
    }

    /// What waited is not the last.
    fn release(&mut self) {
        if let Some(mut held) = self.held.take() {
            held.status |= done::MORE;
            self.tokens.done(held);
        }
    }

    fn hold(&mut self, ended: Ended, command: u16, count: Option<u64>) {
        self.release();
        let status = if std::mem::take(&mut self.failed) { done::ERROR } else { 0 };
        self.held = Some(Done { ended, status, command, count });
    }

    /// The next of several calls begins.
    pub fn begin_call(&mut self) {
        self.release();
        self.shift = 0;
    }

    /// The client thought better of its request before it was whole.
    pub fn call_off(&mut self) {
        self.failed = true;
    }

    /// The end of a call, if the call has not told it already.
    pub fn end_call(&mut self) {
        let has_ended = self.held.is_some_and(|held| held.ended == Ended::Procedure);
        if !has_ended || self.failed {
            self.hold(Ended::Procedure, EXECUTE, None);
        }
    }

    /// The end of everything, and of the answer.
    pub async fn finish(&mut self) -> Result<(), Stop> {
        if !self.is_whole {
            if self.held.is_none() || self.failed {
                self.hold(Ended::Statement, 0, None);
            }
            if let Some(last) = self.held.take() {
                self.tokens.done(last);
            }
            self.seal();
        }
        self.drain().await
    }

    /// Acknowledges an attention: what is told already stays told. It may have ended the transaction.
    pub async fn interrupt(&mut self, transaction_is_over: bool) -> Result<(), Stop> {
        // An answer that was whole before keeps its end; the acknowledgement is another one then.
        self.release();
        self.failed = false;
        if transaction_is_over && self.transaction != 0 {
            self.tokens.rolled_back(std::mem::take(&mut self.transaction));
        }
        self.tokens.done(Done { ended: Ended::Statement, status: done::ATTENTION, command: 0, count: None });
        self.seal();
        self.drain().await
    }

    /// Ends the connection after what was written.
    pub async fn shut(&mut self) {
        // Who has gone already does not mind.
        self.io.shutdown().await.ok();
    }

    fn seal(&mut self) {
        self.framer.frame(&mut self.tokens.bytes, true, &mut self.framed);
        self.is_whole = true;
    }

    /// Writes what is in packets. May be dropped at any moment, and goes on from there.
    async fn drain(&mut self) -> Result<(), Stop> {
        while self.written < self.framed.len() {
            match self.io.write(&self.framed[self.written..]).await {
                Ok(0) | Err(_) => return Err(Stop::Gone),
                Ok(more) => self.written += more,
            }
        }
        self.framed.clear();
        self.written = 0;
        self.io.flush().await.map_err(|_| Stop::Gone)
    }

    /// Gives the client everything that was told so far.
    async fn flush(&mut self) -> Result<(), Stop> {
        self.release();
        self.framer.frame_all(&mut self.tokens.bytes, &mut self.framed);
        self.drain().await
    }

    async fn unload(&mut self) -> Result<(), Stop> {
        self.framer.frame(&mut self.tokens.bytes, false, &mut self.framed);
        self.drain().await
    }

    async fn rows(&mut self, count: u64, columns: Vec<usize>) -> Result<(), Stop> {
        self.release();
        let rows = Rows::new(columns, &self.shapes);
        for number in 0..count {
            rows.put(number, &mut self.tokens.bytes);
            if self.tokens.bytes.len() >= LOAD {
                self.unload().await?;
            }
        }
        Ok(())
    }

    /// Takes what needs no waiting.
    fn take(&mut self, out: Out) -> Result<(), Misfit> {
        match out {
            Out::Done { count, command, inside } => {
                self.hold(if inside { Ended::Inside } else { Ended::Statement }, command, count);
            }
            Out::Return(code) => {
                self.tokens().return_status(code);
                self.hold(Ended::Procedure, EXECUTE, None);
            }
            // These stand before the end of their procedure.
            Out::OutParam { name, ordinal, kind, value } => {
                if self.held.is_some_and(|held| held.ended != Ended::Procedure) {
                    self.release();
                }
                self.tokens.return_value(ordinal + self.shift, &name, kind, &value)?;
            }
            out => {
                self.release();
                self.told(out)?;
            }
        }
        Ok(())
    }

    /// What goes out as it comes.
    fn told(&mut self, out: Out) -> Result<(), Misfit> {
        match out {
            Out::Row(values) => self.tokens.row(&self.shapes, &values)?,
            Out::Columns(columns) => self.shapes = self.tokens.columns(&columns),
            Out::Info(said) => self.tokens.info(&said),
            Out::Error(said) => self.error(&said),
            Out::Database(name) => {
                let old = std::mem::replace(&mut self.database, name);
                self.tokens.changed_text(1, &self.database, &old);
                self.tokens.info(&info(5701, 2, format!("Changed database context to '{}'.", self.database)));
            }
            Out::Language(name) => {
                self.tokens.changed_text(2, &name, &name);
                self.tokens.info(&info(5703, 1, format!("Changed language setting to {name}.")));
            }
            Out::Began(transaction) => {
                self.transaction = transaction;
                self.tokens.began(transaction);
            }
            Out::Committed(transaction) => {
                self.transaction = 0;
                self.tokens.committed(transaction);
            }
            Out::RolledBack(transaction) => {
                self.transaction = 0;
                self.tokens.rolled_back(transaction);
            }
            Out::Done { .. } | Out::Return(_) | Out::OutParam { .. } | Out::Rows { .. } | Out::Flush => {}
        }
        Ok(())
    }

    /// A row that does not fit its columns is a slip of the simulator's own; whoever sees it should tell.
    fn misfit(&mut self) -> Stop {
        self.fail(
            596,
            20,
            1,
            "The simulator made a value that its column cannot hold. This is a fault of the simulator.",
        );
        Stop::Disconnect
    }
}

/// A message of the server's own.
pub fn info(number: i32, state: u8, text: String) -> Said {
    Said { number, severity: 10, state, text, procedure: String::new(), line: 1 }
}

impl<W: AsyncWrite + Unpin + Send> Sink for Answer<W> {
    fn put(&mut self, out: Out) -> BoxFuture<'_, Result<(), Stop>> {
        match out {
            Out::Flush => return Box::pin(self.flush()),
            Out::Rows { count, columns } => return Box::pin(self.rows(count, columns)),
            out => {
                if self.take(out).is_err() {
                    return Box::pin(std::future::ready(Err(self.misfit())));
                }
            }
        }
        if self.tokens.bytes.len() < LOAD {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(self.unload())
    }
}
