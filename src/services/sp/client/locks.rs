//! Application locks at the target, so that two installations do not run the same procedure at the same moment.
//!
//! They belong to a session of their own, one for each run, which asks without waiting and again after a pause: a request
//! that waited would keep the other steps' locks from being asked for. When that session is lost, so are the locks, and
//! every step that relied on one is told.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout};

use super::driver::{Connection, Event, Param, Place, Request, Value};
use super::message::SqlError;
use super::site::Site;
use crate::core::rows::{Field, Rows};
use crate::error::{Error, Kind, Result};

/// Pauses between two asks.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// The session is looked at so often while locks are held.
const PULSE: Duration = Duration::from_secs(5);

/// An answer about locks takes no longer; if it does, the session is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server shows so many characters of a lock's name.
const SHOWN: usize = 32;

/// From this severity on a server ends the session.
const FATAL: i64 = 20;

/// Not allowed to see other sessions.
const NO_PERMISSION: [i64; 4] = [229, 297, 300, 371];

const HOLDER: &str = "SELECT s.session_id, s.login_name, s.host_name, s.program_name FROM sys.dm_tran_locks AS l \
     JOIN sys.dm_exec_sessions AS s ON s.session_id = l.request_session_id WHERE l.resource_type = N'APPLICATION' \
     AND l.resource_database_id = DB_ID() AND l.request_status = N'GRANT' \
     AND CHARINDEX(@part, l.resource_description) > 0";

/// The locks of one run.
pub(super) struct Locks {
    site: Site,
    program: String,
    patience: Duration,
    session: Mutex<Option<Box<dyn Connection>>>,
    /// How many steps hold each.
    held: std::sync::Mutex<HashMap<String, usize>>,
    /// How often the session was lost.
    lost: watch::Sender<u64>,
}

/// A lock that is held: of which session.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    resource: String,
    session: u64,
}

impl Locks {
    /// Connects when the first lock is asked for.
    pub fn new(site: Site, program: String) -> Locks {
        let patience = site.catalogue().timeouts.lock;
        let (session, held, lost) = (Mutex::default(), std::sync::Mutex::default(), watch::Sender::new(0));
        Locks { site, program, patience, session, held, lost }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<String, usize>> {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn lose(&self) {
        self.held().clear();
        self.lost.send_modify(|times| *times += 1);
    }

    /// Asks the session. Whoever is dropped meanwhile takes the session along.
    async fn ask(&self, request: &Request) -> Result<Answered> {
        let mut slot = self.session.lock().await;
        self.ask_in(&mut slot, request).await
    }

    async fn ask_in(&self, slot: &mut Option<Box<dyn Connection>>, request: &Request) -> Result<Answered> {
        let mut session = match slot.take() {
            Some(session) => session,
            None => {
                if !self.held().is_empty() {
                    self.lose();
                }
                self.connect().await?
            }
        };
        let done = timeout(PATIENCE, answered(&mut *session, request)).await;
        let done = done.unwrap_or_else(|_| {
            Err(Error::new(Kind::Timeout, "sp.timeout", "the session that holds the locks does not answer"))
        });
        // Where the server has said no, the session is as good as before.
        let is_good = |error: &Error| SqlError::of(error).is_some_and(|error| error.severity < FATAL);
        match &done {
            Err(error) if !is_good(error) => self.lose(),
            _ => *slot = Some(session),
        }
        done
    }

    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let place = Place { program: self.program.clone(), ..self.site.place(None)? };
        self.site.0.driver.connect(&place).await
    }

    /// Waits until a lock is granted; `waiting` is told who has it. Errors: `sp.locked` when that takes too long, and those
    /// of the connection.
    pub async fn hold(&self, resource: &str, mut waiting: impl FnMut(&str)) -> Result<Hold> {
        let until = Instant::now() + self.patience;
        let mut pause = FIRST;
        let mut holder = Holder::default();
        loop {
            if let Some(hold) = self.try_hold(resource).await? {
                return Ok(hold);
            }
            if holder.is_stale() {
                holder = self.holder(resource).await;
                waiting(&format!("waits for the lock {resource}, {}", holder.text));
            }
            if Instant::now() + pause > until {
                let message = format!(
                    "the lock {resource} was not free within {} s: {}",
                    self.patience.as_secs_f64(),
                    self.holder(resource).await.text
                );
                let error = Error::new(Kind::Refused, "sp.locked", message);
                return Err(error.hint("wait for the other run, or raise `lock` in [timeouts] of the catalogue"));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    async fn try_hold(&self, resource: &str) -> Result<Option<Hold>> {
        let mut slot = self.session.lock().await;
        let hold = || Hold { resource: resource.to_owned(), session: *self.lost.borrow() };
        // Another step of this run may have it: the same session may, too.
        if let Some(count) = self.held().get_mut(resource).filter(|_| slot.is_some()) {
            *count += 1;
            return Ok(Some(hold()));
        }
        match self.ask_in(&mut slot, &get(resource)).await?.code {
            0 | 1 => {
                self.held().insert(resource.to_owned(), 1);
                Ok(Some(hold()))
            }
            // Timed out, cancelled, victim of a deadlock.
            -3..=-1 => Ok(None),
            other => {
                let message = format!("sp_getapplock refused the lock {resource}: it returned {other}");
                Err(Error::new(Kind::Refused, "sp.lock", message))
            }
        }
    }

    /// Whether a lock is still held, as the server sees it.
    pub async fn is_held(&self, hold: &Hold) -> bool {
        if hold.session != *self.lost.borrow() {
            return false;
        }
        let mode = self.ask(&mode(&hold.resource)).await;
        hold.session == *self.lost.borrow() && mode.is_ok_and(|told| told.is_exclusive())
    }

    /// Ends when a lock is lost.
    pub async fn lost(&self, hold: &Hold) {
        let mut lost = self.lost.subscribe();
        // The sender lives as long as this borrow.
        let _ = lost.wait_for(|times| *times != hold.session).await;
    }

    /// Gives a lock back; nobody can help it when that fails, and the end of the session does the same.
    pub async fn free(&self, hold: Hold) {
        if hold.session != *self.lost.borrow() {
            return;
        }
        let last = {
            let mut held = self.held();
            match held.get_mut(&hold.resource) {
                Some(count) if *count > 1 => {
                    *count -= 1;
                    false
                }
                Some(_) => held.remove(&hold.resource).is_some(),
                None => false,
            }
        };
        if last {
            let _ = self.ask(&release(&hold.resource)).await;
        }
    }

    /// Looks after the session as long as it is polled.
    pub async fn keep(&self) {
        loop {
            sleep(PULSE).await;
            let one = self.held().keys().next().cloned();
            if let Some(resource) = one {
                let told = self.ask(&mode(&resource)).await;
                // It may have been given back meanwhile.
                if told.is_ok_and(|told| !told.is_exclusive()) && self.held().contains_key(&resource) {
                    self.lose();
                }
            }
        }
    }

    /// Who has a lock, in words.
    async fn holder(&self, resource: &str) -> Holder {
        let shown: String = resource.chars().take(SHOWN).collect();
        let part = Param { name: "part".to_owned(), value: Value::Text(format!("[{shown}]")), out: false };
        let request = Request::Text { sql: HOLDER.to_owned(), params: vec![part] };
        let told = self.ask(&request).await;
        Holder::new(match told {
            Ok(told) => match told.rows.iter().flat_map(described).collect::<Vec<_>>() {
                holders if holders.is_empty() => "which somebody has just given back".to_owned(),
                holders => format!("held by {}", holders.join(" or ")),
            },
            Err(error) if SqlError::of(&error).is_some_and(|error| NO_PERMISSION.contains(&error.number)) => {
                "held by a session that cannot be named without the permission VIEW SERVER STATE".to_owned()
            }
            Err(error) => format!("held by a session that cannot be named: {}", error.message()),
        })
    }
}

/// Who held a lock when that was asked.
#[derive(Default)]
struct Holder {
    text: String,
    asked: Option<Instant>,
}

impl Holder {
    fn new(text: String) -> Holder {
        Holder { text, asked: Some(Instant::now()) }
    }

    fn is_stale(&self) -> bool {
        self.asked.is_none_or(|asked| asked.elapsed() >= PULSE)
    }
}

fn text(name: &str, value: &str) -> Param {
    Param { name: name.to_owned(), value: Value::Text(value.to_owned()), out: false }
}

fn get(resource: &str) -> Request {
    let params = vec![
        text("Resource", resource),
        text("LockMode", "Exclusive"),
        text("LockOwner", "Session"),
        Param { name: "LockTimeout".to_owned(), value: Value::Integer(0), out: false },
    ];
    Request::Procedure { name: "sp_getapplock".to_owned(), params }
}

fn release(resource: &str) -> Request {
    let params = vec![text("Resource", resource), text("LockOwner", "Session")];
    Request::Procedure { name: "sp_releaseapplock".to_owned(), params }
}

fn mode(resource: &str) -> Request {
    let sql = "SELECT APPLOCK_MODE(N'public', @resource, N'Session') AS mode".to_owned();
    Request::Text { sql, params: vec![text("resource", resource)] }
}

/// What came of a short request.
pub(super) struct Answered {
    /// The return code of a call.
    code: i32,
    pub rows: Vec<Rows>,
}

impl Answered {
    fn is_exclusive(&self) -> bool {
        let mut rows = self.rows.iter().flat_map(Rows::iter);
        rows.any(|row| matches!(row.get("mode"), Some(Field::Text("Exclusive"))))
    }
}

/// An answer, whole.
pub(super) async fn answered(session: &mut dyn Connection, request: &Request) -> Result<Answered> {
    let mut answer = session.run(request).await?;
    let mut told = Answered { code: 0, rows: Vec::new() };
    while let Some(event) = answer.next().await? {
        match event {
            Event::Returned(code) => told.code = code,
            Event::Rows(rows) => told.rows.push(rows),
            _ => {}
        }
    }
    Ok(told)
}

/// `session 57 (sync at SRV, pult 2026… ivan)` for each row.
fn described(rows: &Rows) -> Vec<String> {
    let text = |field: Option<Field>| match field {
        Some(Field::Text(text)) => text.trim().to_owned(),
        Some(Field::Integer(n)) => n.to_string(),
        _ => "?".to_owned(),
    };
    let one = |row: crate::core::rows::Row| {
        let of = |name: &str| text(row.get(name));
        format!("session {} ({} at {}, {})", of("session_id"), of("login_name"), of("host_name"), of("program_name"))
    };
    rows.iter().map(one).collect()
}
