//! Calls of the table and any other call.

use serde_json::Value;

use super::http::Client;
use super::trouble::code;
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::services::robot::table::{self, Call, Gives, Known};
use crate::services::robot::wire::answer::{self, Wrong};
use crate::services::robot::wire::call::{self, Options};
use crate::services::robot::wire::form::Fields;
use crate::services::robot::wire::header;
use crate::services::robot::wire::request::{Request, Verb, Whose};

/// What a call gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It was only told of, in a dry run.
    Held,
    /// What was made.
    Guid(String),
    /// `None` where the Orchestrator has nothing.
    Object(Option<Value>),
    List(Vec<Value>),
    Done,
}

/// The call of this name, as `task.create`.
pub fn known(name: &str) -> Result<&'static Call> {
    table::call(name).ok_or_else(|| {
        let names = table::CALLS.iter().map(|call| call.name);
        Error::input("robot.no_call", format!("there is no call `{name}`")).hint(
            did_you_mean(name, names).unwrap_or_else(|| "robot.calls() lists them; others go by verb and path".into()),
        )
    })
}

impl Client {
    /// Makes a call of the table about this thing (a GUID or a name) with these options.
    pub async fn call(&self, name: &str, about: Option<&str>, options: &Options) -> Result<Reply> {
        let call = known(name)?;
        let (request, attached) = call::request(call, about, options)?;
        if self.only_tells(&request)? {
            return Ok(Reply::Held);
        }
        let answered = match &attached {
            Some(file) => self.upload(&request, file).await,
            None => self.ask(&request, self.timeout()).await,
        };
        let answered = answered.map_err(|error| about_assumed(call, error))?;
        let read = match call.gives {
            Gives::Nothing => return self.delivered(&request, &answered).map(|()| Reply::Done),
            Gives::Guid => answer::made(&answered.body).map(Reply::Guid),
            Gives::Object => answer::object(&answered.body).map(Reply::Object),
            Gives::List => answer::list(&answered.body).map(Reply::List),
        };
        read.map_err(|wrong| self.wrong(&request, wrong, &answered.body))
    }

    /// What was made; `None` in a dry run.
    pub async fn make(&self, name: &str, options: &Options) -> Result<Option<String>> {
        match self.call(name, None, options).await? {
            Reply::Guid(guid) => Ok(Some(guid)),
            _ => Ok(None),
        }
    }

    /// The record of a thing.
    pub async fn record(&self, name: &str, about: &str) -> Result<Value> {
        match self.call(name, Some(about), &Options::new()).await? {
            Reply::Object(Some(record)) => Ok(record),
            _ => {
                let message = format!("robot.{name}: {} has no `{about}`", self.address());
                Err(Error::new(Kind::NotFound, code::NOT_FOUND, message))
            }
        }
    }

    pub async fn list(&self, name: &str, about: Option<&str>, options: &Options) -> Result<Vec<Value>> {
        match self.call(name, about, options).await? {
            Reply::List(list) => Ok(list),
            Reply::Object(one) => Ok(one.into_iter().collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// The GUID of a thing of this kind that is named by its GUID or by its name.
    pub async fn guid_of(&self, kind: &str, about: &str) -> Result<String> {
        if let Some(guid) = header::guid(about) {
            return Ok(guid);
        }
        let found = self.record(&format!("{kind}.read"), about).await;
        let missing = match found {
            Ok(record) => return self.guid_in(kind, &record),
            Err(error) if matches!(error.code(), code::NOT_FOUND | code::REFUSED) => error,
            Err(error) => return Err(error),
        };
        // Servers that take no names have perhaps a list.
        let list = format!("{kind}.list");
        if table::call(&list).is_none_or(|call| call.about) {
            return Err(missing);
        }
        let is_it = |one: &&Value| answer::words(answer::field(one, "name")) == about;
        match self.list(&list, None, &Options::new()).await {
            Ok(all) => all.iter().find(is_it).map_or(Err(missing), |found| self.guid_in(kind, found)),
            Err(_) => Err(missing.hint("give its GUID: this Orchestrator may take no names here")),
        }
    }

    fn guid_in(&self, kind: &str, record: &Value) -> Result<String> {
        let guid = answer::words(answer::field(record, "guid"));
        if guid.is_empty() {
            let message = format!("robot.{kind}.read: {} tells no GUID", self.address());
            return Err(Error::new(Kind::Protocol, code::ANSWER, message));
        }
        Ok(guid)
    }

    /// Any call: its JSON, or its text where it is none. GET alone is taken for a call that changes nothing. In a dry run
    /// nothing is sent, and the answer is `Null`.
    pub async fn raw(&self, verb: Verb, path: &str, fields: Fields) -> Result<Value> {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let what = format!("robot.call {} {path}", verb.word());
        let request = Request { what, verb, path, fields, whose: Whose::Account, changes: verb != Verb::Get };
        if self.only_tells(&request)? {
            return Ok(Value::Null);
        }
        let answered = self.ask(&request, self.timeout()).await?;
        Ok(answer::json(&answered.body).unwrap_or_else(|| match answer::text(&answered.body) {
            text if text.trim().is_empty() => Value::Null,
            text => text.into(),
        }))
    }

    /// An answer that a call cannot have.
    pub(super) fn odd(&self, what: &str, why: &str, record: &Value) -> Error {
        let request = Request {
            what: what.to_owned(),
            verb: Verb::Get,
            path: String::new(),
            fields: Fields::new(),
            whose: Whose::Account,
            changes: false,
        };
        self.wrong(&request, Wrong::Answer(why.to_owned()), record.to_string().as_bytes())
    }
}

/// Nobody has described the call that failed.
fn about_assumed(call: &Call, error: Error) -> Error {
    match call.known == Known::Assumed && matches!(error.code(), code::NOT_FOUND | code::REFUSED) {
        true => error.hint(format!(
            "no page describes {} {}: this Orchestrator may spell it otherwise; its Swagger page tells, and robot.call(verb, path, #{{…}}) makes any call",
            call.verb.word(),
            call.path
        )),
        false => error,
    }
}
