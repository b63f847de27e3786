//! The driver: tiberius.
//!
//! Texts with parameters are calls of `sp_executesql` by name, so that parameters keep the names that people gave them and
//! settings that a text makes end with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use tiberius::{Client, Command, CommandItem, QueryItem, ResultMetadata};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_util::compat::Compat;
use tracing::{Dispatch, dispatcher};

use super::cell;
use super::driver::{Answer, Connection, Driver, Event, Place, Request, Value};
use super::login;
use super::message::Message;
use super::messages::{Heard, Said, ear, listening};
use crate::core::rows::{Builder, Rows};
use crate::error::{Error, Result};
use crate::services::sp::wire::columns;
use crate::services::sp::wire::errors::{self, Told};

pub(super) type Wire = Client<Compat<TcpStream>>;

/// Rows that are handed over together.
const PAGE: usize = 1000;
/// A page is handed over with fewer rows when the server is silent for so long.
const PATIENCE: Duration = Duration::from_millis(50);
/// Nobody waits longer for the end of what was cancelled.
const CANCEL: Duration = Duration::from_secs(5);
/// From this severity on the server has ended the connection.
const FATAL: u8 = 20;

/// Connects by tiberius.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tds;

impl Driver for Tds {
    fn connect<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Box<dyn Connection>>> {
        async move {
            let heard = Arc::new(Heard::default());
            let ear = ear(&heard, false);
            let client = listening(&ear, login::log_in(place)).await?;
            heard.logged_in();
            let mut session = Session { client, heard, ear, number: None, state: State::Idle };
            session.number = session.ask_number().await?;
            Ok(Box::new(session) as Box<dyn Connection>)
        }
        .boxed()
    }
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// An answer has not been read to its end.
    Busy,
    /// Of no use any more.
    Broken,
}

struct Session {
    client: Wire,
    heard: Arc<Heard>,
    ear: Dispatch,
    number: Option<u16>,
    state: State,
}

impl Session {
    /// `@@SPID`, by which administrators and other sessions know this one.
    async fn ask_number(&mut self) -> Result<Option<u16>> {
        let job = async { self.client.simple_query("SELECT @@SPID").await?.into_row().await };
        let row = match listening(&self.ear, job).await {
            // What only speaks like SQL Server may not know it.
            Err(tiberius::error::Error::Server(_)) => None,
            asked => asked.map_err(failure)?,
        };
        self.heard.take();
        let first = row.as_ref().and_then(|row| row.cells().next());
        Ok(match first.map(|(_, data)| cell::value(data)).transpose()? {
            Some(Value::Integer(n)) => u16::try_from(n).ok(),
            _ => None,
        })
    }

    /// Runs a request that has no answer to be read.
    async fn manage(&mut self, what: Transaction) -> Result<()> {
        self.usable()?;
        self.state = State::Busy;
        let job = async {
            match what {
                Transaction::Begin => self.client.begin_transaction().await,
                Transaction::Commit => self.client.commit_transaction().await,
                Transaction::Rollback => self.client.rollback_transaction().await,
            }
        };
        let done = listening(&self.ear, job).await;
        self.heard.take();
        self.state = after(done.as_ref().err());
        done.map_err(failure)
    }

    fn usable(&self) -> Result<()> {
        match self.state {
            State::Idle => Ok(()),
            // What was left in the middle has to be cancelled first.
            State::Busy | State::Broken => Err(errors::lost("an earlier request was left in the middle")),
        }
    }
}

/// What is done with a transaction.
enum Transaction {
    Begin,
    Commit,
    Rollback,
}

/// How a session stands after a request.
fn after(error: Option<&tiberius::error::Error>) -> State {
    match error {
        None => State::Idle,
        Some(tiberius::error::Error::Server(told)) if told.class() < FATAL => State::Idle,
        Some(_) => State::Broken,
    }
}

impl Connection for Session {
    fn run<'a>(&'a mut self, request: &'a Request) -> BoxFuture<'a, Result<Box<dyn Answer + 'a>>> {
        async move {
            self.usable()?;
            self.state = State::Busy;
            self.heard.take();
            let counts = matches!(request, Request::Batch(_));
            let ear = if counts { ear(&self.heard, true) } else { self.ear.clone() };
            let items = items(&mut self.client, request).inspect_err(|_| self.state = State::Idle)?;
            let heard = &*self.heard;
            let running = Running {
                items,
                heard,
                ear,
                state: &mut self.state,
                is_call: matches!(request, Request::Procedure { .. }),
                ready: VecDeque::new(),
                page: Page::default(),
                pause: Box::pin(tokio::time::sleep(PATIENCE)),
                end: None,
                errors: 0,
            };
            Ok(Box::new(running) as Box<dyn Answer + 'a>)
        }
        .boxed()
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<()>> {
        async move {
            match self.state {
                State::Idle => return Ok(()),
                State::Broken => return Err(errors::lost("an earlier request failed")),
                State::Busy => {}
            }
            self.state = State::Broken;
            let job = listening(&self.ear, self.client.cancel_query());
            let done = tokio::time::timeout(CANCEL, job).await;
            self.heard.take();
            match done {
                Ok(Ok(())) => {
                    self.state = State::Idle;
                    Ok(())
                }
                // Also when the answer had arrived already: the driver cannot find the beginning of the next one then.
                Ok(Err(error)) => Err(errors::lost(&error.to_string())),
                Err(_) => Err(errors::lost("it does not acknowledge that a request is cancelled")),
            }
        }
        .boxed()
    }

    fn begin(&mut self) -> BoxFuture<'_, Result<()>> {
        self.manage(Transaction::Begin).boxed()
    }

    fn commit(&mut self) -> BoxFuture<'_, Result<()>> {
        self.manage(Transaction::Commit).boxed()
    }

    fn rollback(&mut self) -> BoxFuture<'_, Result<()>> {
        self.manage(Transaction::Rollback).boxed()
    }

    fn session(&self) -> Option<u16> {
        self.number
    }

    fn is_clean(&self) -> bool {
        let left = self.heard.left();
        self.state == State::Idle && !left.transaction && !left.elsewhere
    }
}

/// What an answer consists of, whichever way it was asked for.
enum Item {
    Columns(ResultMetadata),
    Row(tiberius::Row),
    Affected(u64),
    Out(String, tiberius::ColumnData<'static>),
    Returned(i32),
}

impl From<CommandItem> for Item {
    fn from(item: CommandItem) -> Item {
        match item {
            CommandItem::Metadata(columns) => Item::Columns(columns),
            CommandItem::Row(row) => Item::Row(row),
            CommandItem::RowsAffected(count) => Item::Affected(count),
            CommandItem::ReturnValue(out) => {
                Item::Out(out.name().trim_start_matches('@').to_owned(), out.data().clone())
            }
            // Signed on the wire, and not with the driver.
            CommandItem::ReturnStatus(code) => Item::Returned(code as i32),
        }
    }
}

impl From<QueryItem> for Item {
    fn from(item: QueryItem) -> Item {
        match item {
            QueryItem::Metadata(columns) => Item::Columns(columns),
            QueryItem::Row(row) => Item::Row(row),
        }
    }
}

/// The request, not yet sent: it is when the first item is asked for.
fn items<'a>(client: &'a mut Wire, request: &'a Request) -> Result<BoxStream<'a, tiberius::Result<Item>>> {
    let command = match request {
        Request::Batch(sql) => {
            let asked = async move { client.simple_query(sql.as_str()).await };
            return Ok(asked.try_flatten_stream().map_ok(Item::from).boxed());
        }
        Request::Procedure { name, params } => {
            let mut command = Command::new(name.as_str());
            for param in params {
                let at = format!("@{}", param.name);
                match param.out {
                    true => command.bind_out_param(at, Bound(cell::sent_out(&param.value)?)),
                    false => command.bind_param(at, Bound(cell::sent(&param.value)?.0)),
                }
            }
            command
        }
        Request::Text { sql, params } => {
            let mut command = Command::new("sp_executesql");
            let mut declared = String::new();
            let mut values = Vec::with_capacity(params.len());
            for param in params {
                let (data, kind) = cell::sent(&param.value)?;
                let comma = if declared.is_empty() { "" } else { "," };
                declared.push_str(&format!("{comma}@{} {kind}", param.name));
                values.push((format!("@{}", param.name), data));
            }
            command.bind_param("", sql.as_str());
            if !params.is_empty() {
                command.bind_param("", declared);
            }
            values.into_iter().for_each(|(name, data)| command.bind_param(name, Bound(data)));
            command
        }
    };
    Ok(command.exec(client).try_flatten_stream().map_ok(Item::from).boxed())
}

/// A value that is in the driver's form already.
struct Bound<'a>(tiberius::ColumnData<'a>);

impl<'a> tiberius::IntoSql<'a> for Bound<'a> {
    fn into_sql(self) -> tiberius::ColumnData<'a> {
        self.0
    }
}

/// The rows that are being gathered.
#[derive(Default)]
struct Page {
    names: Vec<String>,
    /// Which columns hold money.
    money: Vec<bool>,
    rows: Builder,
    scratch: String,
    /// A result set is being read: the next count is that of its rows.
    is_open: bool,
    /// Since when the first of these rows waits.
    waits: bool,
}

impl Page {
    fn begin(&mut self, set: &ResultMetadata) {
        self.names = columns::names(set.columns().iter().map(tiberius::Column::name));
        self.money = set.columns().iter().map(|column| cell::is_money(column.column_type())).collect();
        self.rows = Builder::new();
        self.is_open = true;
    }

    fn push(&mut self, row: &tiberius::Row) -> Result<()> {
        let has_names = self.rows.same_names();
        for (at, (_, data)) in row.cells().enumerate() {
            if !has_names {
                self.rows.name(self.names.get(at).map_or("", String::as_str));
            }
            cell::push(&mut self.rows, data, self.money.get(at).copied().unwrap_or(false), &mut self.scratch)?;
        }
        self.rows.end_row();
        Ok(())
    }

    /// The rows so far, if there are any.
    fn take(&mut self) -> Option<Event> {
        self.waits = false;
        let rows = std::mem::replace(&mut self.rows, Builder::new());
        (!rows.is_empty()).then(|| Event::Rows(Rows::from(rows.finish())))
    }
}

/// An answer that arrives.
struct Running<'a> {
    items: BoxStream<'a, tiberius::Result<Item>>,
    heard: &'a Heard,
    ear: Dispatch,
    state: &'a mut State,
    is_call: bool,
    /// What is handed over next.
    ready: VecDeque<Event>,
    page: Page,
    pause: std::pin::Pin<Box<Sleep>>,
    /// How it ended, once everything before is handed over.
    end: Option<Result<()>>,
    /// How many errors the server has told; the first is the end.
    errors: usize,
}

impl Answer for Running<'_> {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Event>>> {
        std::future::poll_fn(|context| self.poll(context)).boxed()
    }
}

impl Running<'_> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Event>>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Poll::Ready(Ok(Some(event)));
            }
            match &self.end {
                Some(Ok(())) => return Poll::Ready(Ok(None)),
                Some(Err(_)) => {
                    return Poll::Ready(self.end.replace(Ok(())).unwrap_or(Ok(())).map(|()| None));
                }
                None => {}
            }
            let ear = self.ear.clone();
            let read = dispatcher::with_default(&ear, || self.read(context));
            if let Poll::Ready(read) = read {
                if let Err(error) = read {
                    // The rest of the answer is of no use.
                    self.end = Some(Err(error));
                }
                continue;
            }
            if self.ready.is_empty() {
                return Poll::Pending;
            }
        }
    }

    /// Reads until there is something to hand over, or nothing more for now.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            let polled = self.items.poll_next_unpin(context);
            if self.heard.any() {
                self.hear();
            }
            match polled {
                Poll::Pending => return self.rest(context),
                Poll::Ready(Some(Ok(Item::Row(row)))) => {
                    self.page.push(&row)?;
                    if self.page.rows.len() >= PAGE {
                        self.flush();
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(Some(Ok(item))) => self.take(item)?,
                Poll::Ready(Some(Err(error))) => {
                    self.flush();
                    *self.state = after(Some(&error));
                    self.end = Some(Err(failure(error)));
                }
                Poll::Ready(None) => {
                    self.flush();
                    *self.state = State::Idle;
                    self.end = Some(Ok(()));
                }
            }
            if !self.ready.is_empty() || self.end.is_some() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Nothing comes for now: rows that wait for others wait a little longer.
    fn rest(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.page.rows.is_empty() {
            return Poll::Pending;
        }
        if !self.page.waits {
            self.page.waits = true;
            self.pause.as_mut().reset(Instant::now() + PATIENCE);
        }
        if self.pause.as_mut().poll_unpin(context).is_ready() {
            self.flush();
        }
        Poll::Pending
    }

    fn take(&mut self, item: Item) -> Result<()> {
        self.flush();
        match item {
            Item::Columns(set) => {
                self.page.begin(&set);
                self.ready.push_back(Event::Columns(self.page.names.clone()));
            }
            Item::Affected(count) => self.counted(count),
            Item::Out(name, data) => self.ready.push_back(Event::Out(name, cell::value(&data)?)),
            Item::Returned(code) if self.is_call => self.ready.push_back(Event::Returned(code)),
            Item::Returned(_) | Item::Row(_) => {}
        }
        Ok(())
    }

    /// The count of a result set is that of its rows, and nothing was touched by what counts none.
    fn counted(&mut self, count: u64) {
        let of_set = std::mem::take(&mut self.page.is_open);
        if !of_set && count > 0 {
            self.ready.push_back(Event::Affected(count));
        }
    }

    /// What was heard meanwhile; the rows before it come first.
    fn hear(&mut self) {
        self.flush();
        for said in self.heard.take() {
            match said {
                Said::Info(text) => self.ready.push_back(Event::Message(message(text))),
                Said::Done(count) => self.counted(count),
                Said::Error { number, text } => {
                    self.errors += 1;
                    if self.errors > 1 {
                        self.ready.push_back(Event::Message(message(format!("error {number}: {text}"))));
                    }
                }
            }
        }
    }

    fn flush(&mut self) {
        self.ready.extend(self.page.take());
    }
}

fn message(text: String) -> Message {
    Message { at: jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(), text }
}

/// A failure on a connection that stood.
pub(super) fn failure(error: tiberius::error::Error) -> Error {
    use tiberius::error::Error as E;
    match error {
        E::Server(told) => of_server(&told),
        E::Io { message, .. } | E::Tls(message) => errors::lost(&message),
        other if errors::is_end(&other.to_string()) => errors::lost("it was closed"),
        other => errors::garbled(&other.to_string()),
    }
}

pub(super) fn of_server(told: &tiberius::error::TokenError) -> Error {
    errors::told(Told {
        number: told.code(),
        severity: told.class(),
        state: told.state(),
        message: told.message(),
        procedure: told.procedure(),
        line: told.line(),
        server: told.server(),
    })
}
