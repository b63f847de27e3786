//! Plain SQL: texts and procedures that a script gives.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::driver::{Answer, Connection, Driver, Event, Place, Request, Value};
use super::message::Message;
use super::pool::{Lease, Pool};
use super::way::{self, Way};
use crate::core::context::Context;
use crate::core::rows::Rows;
use crate::core::stats::Counters;
use crate::core::stream::{Pages, RowStream};
use crate::error::{Error, Kind, Result, Retry};
use crate::render::tame;
use crate::services::sp::wire::{errors, literal};
use crate::settings::Settings;

/// How long plain SQL may take where nobody said otherwise.
const USUAL: f64 = 3600.0;
const LONGEST: f64 = 1e7;
const CONNECTIONS: i64 = 8;
const MOST_CONNECTIONS: i64 = 1000;
/// Pages that a stream may be ahead of its reader.
const AHEAD: usize = 2;
/// The longest text that a dry run shows, in characters.
const SHOWN: usize = 1000;

/// Plain SQL over one connection of `pult.toml`; cheap to clone.
#[derive(Clone)]
pub struct Sql(Arc<Inner>);

struct Inner {
    way: Way,
    pool: Pool,
    context: Context,
    counters: Arc<Counters>,
    read_only: bool,
    timeout: Duration,
    origin: String,
}

/// How something is to be done.
#[derive(Clone, Debug, Default)]
pub struct How {
    pub timeout: Option<Duration>,
}

/// What came of a request.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub sets: Vec<Rows>,
    /// Rows touched, of each statement that touched any.
    pub affected: Vec<u64>,
    pub messages: Vec<Message>,
    /// Values of OUT parameters, by name.
    pub out: Vec<(String, Value)>,
    pub return_code: Option<i32>,
}

/// A request under way, held outside of the wait for it: whoever gives the wait up lets [`Call::leave`] end it at the
/// server.
#[derive(Default)]
pub struct Call(Mutex<Option<Lease>>);

impl Call {
    /// Tells the server to leave what was not waited for to its end, so that the connection can be used again.
    pub async fn leave(&self) {
        if let Some(mut lease) = self.0.lock().await.take()
            && lease.connection.cancel().await.is_ok()
            && lease.connection.is_clean()
        {
            lease.give_back();
        }
    }
}

impl Sql {
    /// Reads the settings; connects to nothing.
    pub fn open(settings: &Settings, context: &Context, driver: Arc<dyn Driver>) -> Result<Sql> {
        let most = settings.integer("max_connections").unwrap_or(CONNECTIONS);
        if !(1..=MOST_CONNECTIONS).contains(&most) {
            return Err(settings.wrong("max_connections", format!("{most} is not within 1 and {MOST_CONNECTIONS}")));
        }
        let timeout = settings.number("timeout").unwrap_or(USUAL).clamp(0.001, LONGEST);
        let way = Way::read(settings)?;
        Ok(Sql(Arc::new(Inner {
            pool: Pool::new(driver, most as usize),
            context: context.clone(),
            counters: context.counters("sp"),
            read_only: settings.flag("read_only"),
            timeout: Duration::from_secs_f64(timeout),
            origin: settings.origin.clone(),
            way,
        })))
    }

    /// The way that the settings tell.
    pub fn way(&self) -> &Way {
        &self.0.way
    }

    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// A text with parameters.
    pub async fn query(&self, call: &Call, place: &Place, request: Request, how: &How) -> Result<Outcome> {
        if self.is_only_told(&request)? {
            return Ok(Outcome::default());
        }
        loop {
            let lease = self.0.pool.take(place).await?;
            let was_used = lease.is_used;
            match self.run(call, lease, &request, how).await {
                // A kept connection may have been lost while nobody looked; reading harms nobody.
                Err(error) if was_used && error.code() == "sp.lost" && reads(&request) => {}
                done => return done,
            }
        }
    }

    /// Rows page after page. The connection is closed when the stream is dropped before its end.
    pub fn stream(&self, place: &Place, request: Request, how: &How) -> Result<RowStream> {
        let is_told = self.is_only_told(&request)?;
        let (sql, place) = (self.clone(), place.clone());
        let timeout = how.timeout.unwrap_or(self.0.timeout);
        Ok(RowStream::start(self.0.context.runtime(), AHEAD, move |pages| async move {
            if is_told {
                return;
            }
            if let Err(error) = sql.send(&place, &request, timeout, &pages).await {
                // Nobody listens any more when this fails.
                let _ = pages.send(Err(error)).await;
            }
        }))
    }

    /// Whether the request is only to be told of. Refuses what may change something where nothing may be changed.
    fn is_only_told(&self, request: &Request) -> Result<bool> {
        if reads(request) {
            return Ok(false);
        }
        if self.0.read_only {
            let message = format!("this may change something, and {} is read-only: {}", self.0.origin, shown(request));
            return Err(Error::new(Kind::Refused, "sp.read_only", message).hint(
                "only one plain SELECT is sure to read; remove `read_only` from the connection, or use another one",
            ));
        }
        Ok(self.0.context.only_tells(|| format!("sp: {}", shown(request))))
    }

    async fn run(&self, call: &Call, lease: Lease, request: &Request, how: &How) -> Result<Outcome> {
        let timeout = how.timeout.unwrap_or(self.0.timeout);
        let mut slot = call.0.lock().await;
        let lease = slot.insert(lease);
        let mut outcome = Outcome::default();
        self.0.counters.requests.add(1);
        let job = self.gather(lease.connection.as_mut(), request, &mut outcome);
        let done = match tokio::time::timeout(timeout, job).await {
            Ok(done) => done,
            Err(_) => {
                // A connection that does not come back from it is closed below.
                let _ = lease.connection.cancel().await;
                Err(errors::timeout(timeout.as_secs_f64()))
            }
        };
        if let Some(lease) = slot.take().filter(|lease| lease.connection.is_clean() && !leaves_something(request)) {
            lease.give_back();
        }
        done.map(|()| outcome)
    }

    async fn gather(&self, connection: &mut dyn Connection, request: &Request, outcome: &mut Outcome) -> Result<()> {
        let mut answer = connection.run(request).await?;
        // The pages of the set that is being read, and its columns.
        let mut open: Option<(Vec<String>, Vec<Rows>)> = None;
        let done = loop {
            match answer.next().await {
                Ok(Some(Event::Columns(columns))) => {
                    outcome.sets.extend(open.replace((columns, Vec::new())).map(whole));
                }
                Ok(Some(Event::Rows(rows))) => {
                    self.0.counters.rows.add(rows.len());
                    open.get_or_insert_default().1.push(rows);
                }
                Ok(Some(Event::Affected(count))) => outcome.affected.push(count),
                Ok(Some(Event::Message(message))) => {
                    self.0.context.say(&tame(&message.text));
                    keep(&mut outcome.messages, message);
                }
                Ok(Some(Event::Out(name, value))) => outcome.out.push((name, value)),
                Ok(Some(Event::Returned(code))) => outcome.return_code = Some(code),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        outcome.sets.extend(open.map(whole));
        // What was said before it went wrong is often the reason.
        done.map_err(|error| match outcome.messages.is_empty() {
            true => error,
            false => {
                let said: Vec<&str> = outcome.messages.iter().map(|message| message.text.as_str()).collect();
                error.detail("messages", said)
            }
        })
    }

    async fn send(&self, place: &Place, request: &Request, timeout: Duration, pages: &Pages) -> Result<()> {
        let mut lease = self.0.pool.take(place).await?;
        self.0.counters.requests.add(1);
        let bar = self.0.context.progress().start("rows", None);
        let mut sets = 0;
        {
            let mut answer = lease.connection.run(request).await?;
            while let Some(event) = next(answer.as_mut(), timeout).await? {
                match event {
                    Event::Columns(_) => sets += 1,
                    Event::Rows(rows) => {
                        if sets > 1 {
                            return Err(several("a stream"));
                        }
                        self.0.counters.rows.add(rows.len());
                        bar.add(rows.len() as u64);
                        if pages.send(Ok(rows)).await.is_err() {
                            return Ok(());
                        }
                    }
                    Event::Message(message) => self.0.context.say(&tame(&message.text)),
                    Event::Affected(_) | Event::Out(..) | Event::Returned(_) => {}
                }
            }
        }
        if lease.connection.is_clean() && !leaves_something(request) {
            lease.give_back();
        }
        Ok(())
    }
}

/// So many lines that a server says in one call are kept.
const MESSAGES: usize = 2000;

fn keep(messages: &mut Vec<Message>, mut message: Message) {
    if messages.len() == MESSAGES {
        message.text = "… what the server says from here on is not kept".to_owned();
    }
    if messages.len() <= MESSAGES {
        messages.push(message);
    }
}

/// The next event, for which nobody waits longer than this.
async fn next(answer: &mut dyn Answer, timeout: Duration) -> Result<Option<Event>> {
    match tokio::time::timeout(timeout, answer.next()).await {
        Ok(event) => event,
        Err(_) => Err(errors::timeout(timeout.as_secs_f64()).retry(Retry::Unknown)),
    }
}

/// What has to be said where one result set is wanted and more came.
pub fn several(what: &str) -> Error {
    Error::input("sp.several_sets", format!("there are several result sets, and {what} has one"))
        .hint("sp.sets(sql, params) gives all of them")
}

fn whole((columns, pages): (Vec<String>, Vec<Rows>)) -> Rows {
    match pages.is_empty() {
        true => Rows::none(columns),
        false => Rows::joined(&pages),
    }
}

/// Whether a request is sure to change nothing.
fn reads(request: &Request) -> bool {
    match request {
        Request::Text { sql, .. } => literal::only_reads(sql),
        Request::Procedure { .. } | Request::Batch(_) => false,
    }
}

/// Whether a request may leave something in its session.
fn leaves_something(request: &Request) -> bool {
    match request {
        Request::Text { sql, .. } => literal::leaves_something(sql),
        Request::Procedure { name, .. } => literal::leaves_something(name),
        Request::Batch(_) => true,
    }
}

/// A request as a person would write it.
pub fn shown(request: &Request) -> String {
    let text = match request {
        Request::Procedure { name, params } => literal::call(name, params),
        Request::Text { sql, params } if params.is_empty() => sql.clone(),
        Request::Text { sql, params } => {
            let params: Vec<String> =
                params.iter().map(|param| format!("@{} = {}", param.name, literal::literal(&param.value))).collect();
            format!("{sql} [{}]", params.join(", "))
        }
        Request::Batch(sql) => sql.clone(),
    };
    let text = crate::secret::mask(&text);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// A server as it is shown.
pub fn server(place: &Place) -> String {
    way::shown(place)
}
