//! Requests of a client that is logged in: who runs them, and what the server itself answers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json};
use tokio::io::AsyncWrite;

use super::answer::Answer;
use super::incoming::Refusal;
use super::request::{Call, Procedure, Request, Transaction, What};
use super::spelling;
use super::sql::Session;
use super::sql::out::{Out, Sink, Stop};
use super::sql::value::{Parameter, Type, Value};

/// The server's own procedures, by the numbers that clients may call them by.
const OWN: [(u16, &str); 15] = [
    (1, "sp_cursor"),
    (2, "sp_cursoropen"),
    (3, "sp_cursorprepare"),
    (4, "sp_cursorexecute"),
    (5, "sp_cursorprepexec"),
    (6, "sp_cursorunprepare"),
    (7, "sp_cursorfetch"),
    (8, "sp_cursoroption"),
    (9, "sp_cursorclose"),
    (10, "sp_executesql"),
    (11, "sp_prepare"),
    (12, "sp_execute"),
    (13, "sp_prepexec"),
    (14, "sp_prepexecrpc"),
    (15, "sp_unprepare"),
];

/// A session with what the server keeps beside it.
pub struct Desk {
    pub session: Session,
    /// Statements by their handles.
    prepared: BTreeMap<i32, Statement>,
    next_handle: i32,
}

/// A prepared statement.
#[derive(Clone)]
struct Statement {
    text: String,
    declarations: String,
}

/// Statements that a session may keep prepared.
const MOST_PREPARED: usize = 10_000;

/// How a session is made new before a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    No,
    All,
    KeepingTransaction,
}

impl Desk {
    pub fn new(session: Session) -> Desk {
        Desk { session, prepared: BTreeMap::new(), next_handle: 1 }
    }

    /// Answers a request as a whole. May be dropped at any moment.
    pub async fn answer<W: AsyncWrite + Unpin + Send>(
        &mut self,
        request: Result<Request, Refusal>,
        reset: Reset,
        latency: Duration,
        answer: &mut Answer<W>,
    ) -> Result<(), Stop> {
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        self.reset(reset, answer);
        match request {
            Ok(request) if request.transaction != u64::MAX && request.transaction != answer.transaction => {
                let text =
                    "New request is not allowed to start because it should come with valid transaction descriptor.";
                answer.fail(3989, 16, 1, text);
            }
            Ok(request) => self.perform(request.what, answer).await?,
            Err(Refusal::Unsupported(kind)) => {
                answer.fail(8057, 16, 1, format!("Data type 0x{kind:02X} is not supported by this simulator."));
            }
            Err(Refusal::Malformed(why)) => {
                let text = "The incoming tabular data stream (TDS) protocol stream is incorrect";
                answer.fail(4002, 16, 1, format!("{text}: {}.", why.0));
                return Err(Stop::Disconnect);
            }
        }
        answer.finish().await
    }

    fn reset<W: AsyncWrite + Unpin + Send>(&mut self, reset: Reset, answer: &mut Answer<W>) {
        if reset == Reset::No {
            return;
        }
        self.session.reset(reset == Reset::KeepingTransaction);
        self.prepared.clear();
        if reset == Reset::All {
            answer.transaction = 0;
        }
        answer.tokens().session_reset();
        if self.session.database() != answer.database {
            let old = std::mem::replace(&mut answer.database, self.session.database().to_owned());
            let new = answer.database.clone();
            answer.tokens().changed_text(1, &new, &old);
        }
    }

    async fn perform<W: AsyncWrite + Unpin + Send>(&mut self, what: What, answer: &mut Answer<W>) -> Result<(), Stop> {
        match what {
            What::Batch(text) => self.session.batch(&text, answer).await,
            What::Calls(calls) => {
                for call in calls {
                    answer.begin_call();
                    self.call(call, answer).await?;
                    answer.end_call();
                }
                Ok(())
            }
            What::Transaction(asked) => self.transaction(asked, answer).await,
            What::Bulk => {
                answer.fail(4834, 16, 1, "You do not have permission to use the bulk load statement.");
                Ok(())
            }
        }
    }

    async fn transaction<W: AsyncWrite + Unpin + Send>(
        &mut self,
        asked: Transaction,
        answer: &mut Answer<W>,
    ) -> Result<(), Stop> {
        let then = match asked {
            Transaction::Begin { isolation, name } => Some((isolation, name)),
            Transaction::Commit { name, then } => {
                self.session.commit(&name, answer).await?;
                then
            }
            Transaction::Rollback { name, then } => {
                self.session.rollback(&name, answer).await?;
                then
            }
            Transaction::Save { name } => return self.session.save(&name, answer).await,
            Transaction::Distributed => {
                answer.fail(8501, 16, 3, "MSDTC on server 'SANDBOX' is unavailable.");
                return Ok(());
            }
        };
        match then {
            Some((isolation, name)) if answer.first_error().is_none() => {
                self.session.begin(isolation, &name, answer).await
            }
            _ => Ok(()),
        }
    }

    async fn call<W: AsyncWrite + Unpin + Send>(&mut self, call: Call, answer: &mut Answer<W>) -> Result<(), Stop> {
        let mut given = call.parameters.into_iter();
        match own(&call.procedure) {
            Some("sp_executesql") => match (text(given.next()), text(given.next())) {
                (Some(text), declarations) => {
                    answer.shift = 2;
                    let declarations = declarations.unwrap_or_default();
                    self.session.execute_sql(&text, &declarations, given.collect(), answer).await
                }
                _ => wrong(answer, "sp_executesql"),
            },
            Some("sp_prepare") => {
                given.next();
                let (declarations, text) = (text(given.next()), text(given.next()));
                let Some(text) = text else { return wrong(answer, "sp_prepare") };
                let handle = self.prepare(Statement { text, declarations: declarations.unwrap_or_default() });
                answer.put(Out::Return(0)).await?;
                tell_handle(handle, answer).await
            }
            Some("sp_execute") => {
                let handle = given.next().and_then(|handle| handle.value.as_integer()).unwrap_or_default();
                let Some(statement) = self.prepared.get(&(handle as i32)).cloned() else {
                    return unknown_handle(answer, handle);
                };
                answer.shift = 1;
                self.session.execute_sql(&statement.text, &statement.declarations, given.collect(), answer).await
            }
            Some("sp_prepexec") => {
                given.next();
                let (declarations, text) = (text(given.next()), text(given.next()));
                let Some(text) = text else { return wrong(answer, "sp_prepexec") };
                let statement = Statement { text, declarations: declarations.unwrap_or_default() };
                let handle = self.prepare(statement.clone());
                answer.shift = 3;
                self.session.execute_sql(&statement.text, &statement.declarations, given.collect(), answer).await?;
                tell_handle(handle, answer).await
            }
            Some("sp_unprepare") => {
                let handle = given.next().and_then(|handle| handle.value.as_integer()).unwrap_or_default();
                match self.prepared.remove(&(handle as i32)) {
                    Some(_) => answer.put(Out::Return(0)).await,
                    None => unknown_handle(answer, handle),
                }
            }
            Some(other) => {
                answer.fail(40510, 16, 1, format!("'{other}' is not supported: this simulator has no cursors by RPC."));
                Ok(())
            }
            None => match call.procedure {
                Procedure::Named(name) => self.session.call(&name, given.collect(), answer).await,
                Procedure::Number(number) => {
                    answer.fail(2812, 16, 62, format!("Could not find stored procedure '{number}'."));
                    Ok(())
                }
            },
        }
    }

    fn prepare(&mut self, statement: Statement) -> i32 {
        if self.prepared.len() == MOST_PREPARED {
            self.prepared.pop_first();
        }
        let handle = self.next_handle;
        self.next_handle = handle.wrapping_add(1).max(1);
        self.prepared.insert(handle, statement);
        handle
    }
}

/// The name of one of the server's own procedures, however it was called.
fn own(procedure: &Procedure) -> Option<&'static str> {
    let known = match procedure {
        Procedure::Number(number) => OWN.iter().find(|(known, _)| known == number),
        Procedure::Named(name) => {
            let bare = name.rsplit('.').next().unwrap_or(name).trim_start_matches('[').trim_end_matches(']');
            OWN.iter().find(|(_, known)| known.eq_ignore_ascii_case(bare))
        }
    };
    known.map(|(_, name)| *name)
}

fn text(parameter: Option<Parameter>) -> Option<String> {
    match parameter?.value {
        Value::Text(text) | Value::Char(text) => Some(text),
        _ => None,
    }
}

fn wrong<W: AsyncWrite + Unpin + Send>(answer: &mut Answer<W>, procedure: &str) -> Result<(), Stop> {
    answer.fail(214, 16, 2, "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.".to_owned());
    answer.fail(8144, 16, 2, format!("Procedure or function {procedure} has wrong arguments specified."));
    Ok(())
}

fn unknown_handle<W: AsyncWrite + Unpin + Send>(answer: &mut Answer<W>, handle: i64) -> Result<(), Stop> {
    answer.fail(8179, 16, 2, format!("Could not find prepared statement with handle {handle}."));
    Ok(())
}

async fn tell_handle<W: AsyncWrite + Unpin + Send>(handle: i32, answer: &mut Answer<W>) -> Result<(), Stop> {
    answer.shift = 0;
    let value = Value::Int(handle);
    answer.put(Out::OutParam { name: String::new(), ordinal: 0, kind: Type::Int, value }).await
}

/// What the log says of a request: its kind, its text, its parameters. Nothing of what steers the simulator.
pub fn logged(request: &Result<Request, Refusal>) -> Option<(&'static str, String, Json)> {
    let told = match &request.as_ref().ok()?.what {
        What::Batch(text) => ("batch", text.clone(), Json::Null),
        What::Calls(calls) => {
            let call = calls.first()?;
            let (skipped, kind) = match own(&call.procedure) {
                Some("sp_executesql") => (2, "sql"),
                Some("sp_prepexec") => (3, "sql"),
                _ => (0, "rpc"),
            };
            let name = match &call.procedure {
                Procedure::Named(name) => name.clone(),
                Procedure::Number(_) => own(&call.procedure).unwrap_or("?").to_owned(),
            };
            let statement = call.parameters.get(if skipped == 3 { 2 } else { 0 }).and_then(|text| text.value.as_text());
            let text = if kind == "sql" { statement.unwrap_or_default().to_owned() } else { name };
            (kind, text, parameters(&call.parameters[skipped.min(call.parameters.len())..]))
        }
        What::Transaction(asked) => {
            let word = match asked {
                Transaction::Begin { .. } => "begin transaction",
                Transaction::Commit { .. } => "commit transaction",
                Transaction::Rollback { .. } => "rollback transaction",
                Transaction::Save { .. } => "save transaction",
                Transaction::Distributed => "distributed transaction",
            };
            ("transaction", word.to_owned(), Json::Null)
        }
        What::Bulk => ("bulk", String::new(), Json::Null),
    };
    (!steers(&told.1)).then_some(told)
}

/// Whether a text calls a procedure that steers the simulator.
fn steers(text: &str) -> bool {
    let mut words = text.split_whitespace().map(|word| word.replace(['[', ']'], "").to_lowercase());
    match words.next().as_deref() {
        Some("exec" | "execute") => words.next().is_some_and(|name| name.contains("sandbox.")),
        Some(name) => name.starts_with("sandbox."),
        None => false,
    }
}

fn parameters(given: &[Parameter]) -> Json {
    let named = given.iter().enumerate().map(|(at, parameter)| {
        let name = if parameter.name.is_empty() { format!("@P{}", at + 1) } else { parameter.name.clone() };
        (name, spelling::json(&parameter.value))
    });
    Json::Object(named.collect::<Map<_, _>>())
}
