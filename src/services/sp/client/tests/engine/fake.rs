//! A server that does what a test tells it, and writes down what it was asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep};

use crate::core::rows::{Builder, Field, Rows};
use crate::error::{Error, Kind, Result};
use crate::services::sp::client::driver::{Answer, Connection, Driver, Event, Param, Place, Request, Value};
use crate::services::sp::client::message::Message;

/// What a procedure does when it is called.
#[derive(Clone, Debug)]
pub struct Act {
    pub takes: Duration,
    pub says: Vec<String>,
    pub ends: End,
}

#[derive(Clone, Debug)]
pub enum End {
    Returns(i32),
    Raises {
        number: i64,
        severity: i64,
    },
    /// The connection is lost.
    Lost,
    Never,
}

impl Act {
    pub fn takes(ms: u64) -> Act {
        Act { takes: Duration::from_millis(ms), says: Vec::new(), ends: End::Returns(0) }
    }

    pub fn ends(ends: End) -> Act {
        Act { ends, ..Act::takes(10) }
    }

    pub fn raises(number: i64) -> Act {
        Act::ends(End::Raises { number, severity: 16 })
    }
}

type Plot = dyn Fn(&str, u32) -> Act + Send + Sync;

/// Cheap to clone.
#[derive(Clone)]
pub struct Fake(Arc<Core>);

struct Core {
    /// What a procedure does at its nth call.
    plot: Box<Plot>,
    state: Mutex<State>,
    began: Instant,
}

#[derive(Default)]
pub struct State {
    /// Milliseconds from the beginning, and what happened.
    pub log: Vec<(u128, String)>,
    calls: HashMap<String, u32>,
    /// Application locks, with the session that has each.
    pub locks: HashMap<String, Owner>,
    pub sessions: u16,
    /// So many of the next connections fail.
    pub refuses: usize,
    /// Commits lose the connection.
    pub commits_lost: usize,
    /// Nobody may see other sessions.
    pub blind: bool,
    /// Sessions that are gone although their client does not know.
    pub dead: Vec<u16>,
    pub programs: Vec<String>,
    /// The answer of checks.
    pub newest: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Owner {
    pub session: u16,
    pub program: String,
}

impl Fake {
    pub fn new(plot: impl Fn(&str, u32) -> Act + Send + Sync + 'static) -> Fake {
        Fake(Arc::new(Core { plot: Box::new(plot), state: Mutex::default(), began: Instant::now() }))
    }

    /// Every procedure takes 10 ms.
    pub fn quick() -> Fake {
        Fake::new(|_, _| Act::takes(10))
    }

    pub fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    fn log(&self, what: impl Into<String>) {
        let at = self.0.began.elapsed().as_millis();
        self.state().log.push((at, what.into()));
    }

    /// The procedures that were called, in this order.
    pub fn calls(&self) -> Vec<String> {
        let state = self.state();
        let calls = state.log.iter().filter_map(|(_, what)| what.strip_prefix("call "));
        calls.map(str::to_owned).collect()
    }

    /// Everything that happened.
    pub fn all(&self) -> Vec<String> {
        self.state().log.iter().map(|(_, what)| what.clone()).collect()
    }

    /// When a call began, in milliseconds.
    pub fn began(&self, call: &str) -> u128 {
        let state = self.state();
        let found = state.log.iter().find(|(_, what)| what.strip_prefix("call ").is_some_and(|w| w.contains(call)));
        found.unwrap_or_else(|| panic!("{call} was not called: {:?}", state.log)).0
    }

    /// How many calls with this word were under way at once, at most.
    pub fn most_at_once(&self, word: &str) -> usize {
        let (mut now, mut most) = (0_usize, 0);
        for (_, what) in &self.state().log {
            match what.split_once(' ') {
                Some(("call", call)) if call.contains(word) => now += 1,
                Some(("done", call)) if call.contains(word) => now -= 1,
                _ => {}
            }
            most = most.max(now);
        }
        most
    }

    /// Somebody else takes a lock, or gives it back.
    pub fn other_takes(&self, lock: &str) {
        let owner = Owner { session: 99, program: "pult 20260101-000000000-beef olga".to_owned() };
        self.state().locks.insert(lock.to_owned(), owner);
    }

    pub fn other_gives_back(&self, lock: &str) {
        self.state().locks.remove(lock);
    }

    /// The sessions that hold locks are lost.
    pub fn kill_lock_holders(&self) {
        let mut state = self.state();
        let owners: Vec<u16> = state.locks.drain().map(|(_, owner)| owner.session).collect();
        state.dead.extend(owners);
    }
}

impl Driver for Fake {
    fn connect<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Box<dyn Connection>>> {
        async move {
            let database = place.database.clone().unwrap_or_default();
            let session = {
                let mut state = self.state();
                if state.refuses > 0 {
                    state.refuses -= 1;
                    return Err(Error::new(Kind::Unavailable, "sp.unreachable", "no connection"));
                }
                state.sessions += 1;
                state.programs.push(place.program.clone());
                state.sessions
            };
            self.log(format!("connect {database}"));
            let program = place.program.clone();
            let session = Session { fake: self.clone(), session, database, program, open: false, under_way: None };
            Ok(Box::new(session) as Box<dyn Connection>)
        }
        .boxed()
    }
}

struct Session {
    fake: Fake,
    session: u16,
    database: String,
    program: String,
    /// In a transaction.
    open: bool,
    under_way: Option<String>,
}

fn raised(number: i64, severity: i64) -> Error {
    let error = Error::new(Kind::Refused, format!("sp.{number}"), format!("error {number} of the server"));
    let error = error.detail("number", number).detail("severity", severity).detail("state", 1);
    error.detail("procedure", "dbo.inner").detail("line_of_procedure", 12)
}

fn lost() -> Error {
    Error::new(Kind::Unavailable, "sp.lost", "the connection was lost")
}

fn row(cells: &[(&str, Field)]) -> Event {
    let mut builder = Builder::new();
    for (name, field) in cells {
        builder.name(name);
        builder.push(*field).unwrap();
    }
    builder.end_row();
    Event::Rows(Rows::from(builder.finish()))
}

impl Session {
    fn check(&self) -> Result<()> {
        match self.fake.state().dead.contains(&self.session) {
            true => Err(lost()),
            false => Ok(()),
        }
    }

    /// The answer of what every server knows; `None` for a procedure of the site.
    fn own(&self, request: &Request) -> Option<Result<Vec<Event>>> {
        let text = |params: &[Param], name: &str| {
            let found = params.iter().find(|param| param.name == name);
            found.and_then(|param| if let Value::Text(text) = &param.value { Some(text.clone()) } else { None })
        };
        let fake = &self.fake;
        match request {
            Request::Procedure { name, params } if name == "sp_getapplock" => {
                let resource = text(params, "Resource").unwrap();
                assert_eq!(text(params, "LockOwner").as_deref(), Some("Session"));
                let mut state = fake.state();
                let owner = Owner { session: self.session, program: self.program.clone() };
                let code = match state.locks.get(&resource) {
                    Some(other) if other.session != self.session => -1,
                    _ => {
                        state.locks.insert(resource, owner);
                        0
                    }
                };
                Some(Ok(vec![Event::Returned(code)]))
            }
            Request::Procedure { name, params } if name == "sp_releaseapplock" => {
                fake.state().locks.remove(&text(params, "Resource").unwrap());
                Some(Ok(vec![Event::Returned(0)]))
            }
            Request::Text { sql, params } if sql.contains("APPLOCK_MODE") => {
                let state = fake.state();
                let owner = state.locks.get(&text(params, "resource").unwrap());
                let mine = owner.is_some_and(|owner| owner.session == self.session);
                Some(Ok(vec![row(&[("mode", Field::Text(if mine { "Exclusive" } else { "NoLock" }))])]))
            }
            Request::Text { sql, .. } if sql.contains("dm_tran_locks") && fake.state().blind => {
                Some(Err(raised(300, 14)))
            }
            Request::Text { sql, params } if sql.contains("dm_tran_locks") => {
                let part = text(params, "part").unwrap();
                let state = fake.state();
                let found = state.locks.iter().filter(|(name, _)| format!("0:[{name}]:(1a2b)").contains(&part));
                let told = found.map(|(_, owner)| {
                    row(&[
                        ("session_id", Field::Integer(owner.session.into())),
                        ("login_name", Field::Text("sync")),
                        ("host_name", Field::Text("SRV2")),
                        ("program_name", Field::Text(&owner.program)),
                    ])
                });
                Some(Ok(told.collect()))
            }
            Request::Text { sql, .. } if sql.starts_with("SELECT TOP(1)") => {
                fake.log(format!("look {}", self.database));
                let newest = fake.state().newest.clone();
                Some(Ok(vec![row(&[("x", newest.as_deref().map_or(Field::Null, Field::Text))])]))
            }
            Request::Batch(sql) => {
                fake.log(format!("batch {sql}"));
                Some(Ok(Vec::new()))
            }
            _ => None,
        }
    }
}

/// `procedure value, value`.
fn shown(request: &Request) -> String {
    let (name, params) = match request {
        Request::Procedure { name, params } => (name.clone(), params),
        Request::Text { sql, params } => (sql.clone(), params),
        Request::Batch(sql) => return sql.clone(),
    };
    let value = |param: &Param| match &param.value {
        Value::Text(text) => text.clone(),
        Value::Integer(n) => n.to_string(),
        other => format!("{other:?}"),
    };
    let values: Vec<String> = params.iter().map(value).collect();
    format!("{name} {}", values.join(", ")).trim_end().to_owned()
}

impl Connection for Session {
    fn run<'a>(&'a mut self, request: &'a Request) -> BoxFuture<'a, Result<Box<dyn Answer + 'a>>> {
        async move {
            self.check()?;
            let told = match self.own(request) {
                Some(told) => Told { session: self, events: told?.into(), act: None },
                None => {
                    let call = shown(request);
                    let name = call.split(' ').next().unwrap_or_default().to_owned();
                    self.fake.log(format!("call {call}"));
                    let nth = {
                        let mut state = self.fake.state();
                        let count = state.calls.entry(name).or_default();
                        *count += 1;
                        *count
                    };
                    let act = (self.fake.0.plot)(&call, nth);
                    self.under_way = Some(call);
                    let says = act.says.iter().map(|text| {
                        Event::Message(Message { at: "2026-01-01T00:00:00Z".to_owned(), text: text.clone() })
                    });
                    let events = says.collect();
                    let is_text = matches!(request, Request::Text { .. });
                    Told { session: self, events, act: Some((act, is_text)) }
                }
            };
            Ok(Box::new(told) as Box<dyn Answer + 'a>)
        }
        .boxed()
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<()>> {
        async move {
            self.check()?;
            let call = self.under_way.take();
            self.fake.log("attention");
            if let Some(call) = call {
                self.fake.log(format!("done {call}"));
            }
            Ok(())
        }
        .boxed()
    }

    fn begin(&mut self) -> BoxFuture<'_, Result<()>> {
        async move {
            self.check()?;
            assert!(!self.open, "a transaction in a transaction");
            self.open = true;
            Ok(())
        }
        .boxed()
    }

    fn commit(&mut self) -> BoxFuture<'_, Result<()>> {
        async move {
            self.check()?;
            if self.fake.state().commits_lost > 0 {
                self.fake.state().commits_lost -= 1;
                self.fake.state().dead.push(self.session);
                return Err(lost());
            }
            assert!(std::mem::take(&mut self.open), "there is nothing to commit");
            self.fake.log("commit");
            Ok(())
        }
        .boxed()
    }

    fn rollback(&mut self) -> BoxFuture<'_, Result<()>> {
        async move {
            self.check()?;
            assert!(self.under_way.is_none(), "a request is under way");
            if !std::mem::take(&mut self.open) {
                return Err(raised(3903, 16));
            }
            self.fake.log("rollback");
            Ok(())
        }
        .boxed()
    }

    fn session(&self) -> Option<u16> {
        Some(self.session)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let session = self.session;
        self.fake.state().locks.retain(|_, owner| owner.session != session);
        if let Some(call) = self.under_way.take() {
            self.fake.log(format!("done {call}"));
            self.fake.log("left in the middle");
        } else if self.open {
            self.fake.log("left in a transaction");
        }
    }
}

struct Told<'a> {
    session: &'a mut Session,
    events: VecDeque<Event>,
    /// And whether a text called it.
    act: Option<(Act, bool)>,
}

impl Answer for Told<'_> {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Event>>> {
        async move {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let Some((act, is_text)) = self.act.clone() else { return Ok(None) };
            sleep(act.takes).await;
            if matches!(act.ends, End::Never) {
                std::future::pending::<()>().await;
            }
            self.act = None;
            let call = self.session.under_way.take().unwrap_or_default();
            self.session.fake.log(format!("done {call}"));
            self.session.check()?;
            match act.ends {
                End::Returns(code) if is_text => {
                    self.events.push_back(row(&[("pult_return", Field::Integer(code.into()))]));
                    Ok(Some(Event::Affected(3)))
                }
                End::Returns(code) => {
                    self.events.push_back(Event::Returned(code));
                    Ok(Some(Event::Affected(3)))
                }
                End::Raises { number, severity } => {
                    // A victim of a deadlock has been rolled back.
                    if number == 1205 {
                        self.session.open = false;
                    }
                    if severity >= 20 {
                        self.session.fake.state().dead.push(self.session.session);
                    }
                    Err(raised(number, severity))
                }
                End::Lost | End::Never => {
                    self.session.fake.state().dead.push(self.session.session);
                    Err(lost())
                }
            }
        }
        .boxed()
    }
}
