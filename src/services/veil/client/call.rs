//! A call of the table, made: names become ids, a change may become a task.

use serde_json::Value;
use serde_json::value::RawValue;

use super::Options;
use super::controller::{Controller, told};
use super::names::Found;
use crate::core::rows::{Builder, Rows};
use crate::error::{Error, Kind, Result};
use crate::services::veil::table::{Call, Entity, Gives, Holds, Known, Usual, entity};
use crate::services::veil::wire::answer::Answer;
use crate::services::veil::wire::console::Console;
use crate::services::veil::wire::request::{About, Request, request};
use crate::services::veil::wire::task::TaskState;

/// How a call is made.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// How often it is sent at most; otherwise as the connection says.
    pub tries: Option<u32>,
    /// Only tell what would be sent.
    pub dry_run: bool,
    /// Have the controller do the work inside the request, or not, where that differs from the table.
    pub at_once: Option<bool>,
}

/// A call with everything that its caller gave.
#[derive(Clone, Debug)]
pub struct Asked {
    pub entity: &'static Entity,
    pub call: &'static Call,
    /// The object that it is about: an id or a name.
    pub about: Option<String>,
    pub options: Options,
    pub how: How,
}

impl Asked {
    /// As people know it: `domain.start`.
    pub fn named(&self) -> String {
        format!("{}.{}", self.entity.word, self.call.name)
    }
}

/// What a call gave.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Work that goes on; with the ids of what it makes, where they are known already.
    Task {
        task: TaskState,
        entity: Option<String>,
        made: Vec<String>,
    },
    /// Work that was done inside the request: what it gave, as JSON.
    Done {
        text: String,
        made: Vec<String>,
    },
    /// A value, as JSON.
    Json(Box<RawValue>),
    Rows(Rows),
    /// An object of an entity: its id and itself, as JSON.
    Object {
        entity: &'static str,
        text: String,
    },
    Console(Console),
    Flag(bool),
    /// It was only told of: verb, path and body.
    Told(String),
    /// The session is a dry run: told already.
    Held,
}

impl Controller {
    /// Makes a call of the table.
    pub async fn call(&self, asked: Asked) -> Result<Reply> {
        let what = asked.named();
        let (request, made) = self.prepared(&asked).await?;
        if asked.how.dry_run && request.changes {
            return Ok(Reply::Told(told(&request)));
        }
        if self.only_tells(&what, &request)? {
            return Ok(Reply::Held);
        }
        let assumed = asked.call.known == Known::Assumed || asked.entity.known == Known::Assumed;
        self.0.counters.calls.add(1);
        if let (Gives::Rows, Some(kind)) = (asked.call.gives, entity(request.path.trim_end_matches('/'))) {
            return self.rows_of(kind, request.query).await.map(Reply::Rows);
        }
        if asked.call.gives == Gives::Works {
            let (answer, _) = self.deliver(&what, &request, &asked.how).await?;
            return Ok(Reply::Flag(answer.status == 200));
        }
        let answer =
            self.ask(&what, &request, &asked.how, assumed).await.map_err(|error| about_power(asked.call, error))?;
        reply(asked.call, &what, answer, made)
    }

    /// The request of a call, its names looked up; and the ids of what it will make.
    pub(super) async fn prepared(&self, asked: &Asked) -> Result<(Request, Vec<String>)> {
        let mut options = asked.options.clone();
        self.resolve(asked.call, &mut options).await?;
        let found = match &asked.about {
            Some(about) if asked.call.needs_object() => Some(self.about(asked, about, &mut options).await?),
            _ => None,
        };
        let about = found.as_ref().map(|found| About { id: &found.id, name: found.name.as_deref() });
        let at_once = asked.how.at_once.unwrap_or(asked.call.at_once);
        let request = request(asked.entity, asked.call, about, &options)?.waits(at_once).keyed();
        let made = request.body.as_ref().and_then(|body| body.get("domains_ids")).and_then(Value::as_array);
        let made = made.into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect();
        Ok((request, made))
    }

    /// The object of a call, with what the call needs to know of it.
    async fn about(&self, asked: &Asked, about: &str, options: &mut Options) -> Result<Found> {
        let mut found = self.find(asked.entity, about).await?;
        let wants_name = asked
            .call
            .params
            .iter()
            .any(|param| param.usual == Usual::Name && options.get(param.name).is_none_or(Value::is_null));
        if wants_name && found.name.is_none() {
            found.name = self.object(asked.entity, &found.id).await?.name;
        }
        if asked.call.option("cdrom").is_some() && options.get("cdrom").is_none_or(Value::is_null) {
            options.insert("cdrom".into(), self.first_drive(&found).await?.into());
        }
        Ok(found)
    }

    /// The first CD drive of a machine.
    async fn first_drive(&self, domain: &Found) -> Result<String> {
        let request = Request::get(format!("domains/{}/all-content/", domain.id));
        let answer = self.ask("domain.all_content", &request, &How::default(), false).await?;
        let drive = answer.json().pointer("/cdroms/0/id").and_then(Value::as_str).map(str::to_owned);
        drive.ok_or_else(|| {
            Error::new(Kind::NotFound, "veil.no_drive", format!("{} has no CD drive", domain.shown()))
                .hint("give it one in the web interface, or name one with `cdrom`")
        })
    }

    /// Names among the options become ids.
    async fn resolve(&self, call: &'static Call, options: &mut Options) -> Result<()> {
        for param in call.options() {
            let Some(value) = options.get_mut(param.name) else { continue };
            let (word, many) = match param.holds {
                Holds::Of(word) => (word, false),
                Holds::ManyOf(word) => (word, true),
                _ => continue,
            };
            *value = self.ids_of(word, value.take(), many).await?;
        }
        if let Some(Value::String(action)) = options.get_mut("action")
            && let Some(known) = crate::services::veil::table::words::group_action(action)
        {
            *action = known.to_owned();
        }
        Ok(())
    }

    /// A raw call: any answer, whatever its status. A change carries its key.
    pub async fn raw(&self, request: Request, how: &How) -> Result<Option<Answer>> {
        let what = format!("{} {}", request.verb_word(), request.path);
        let request = request.waits(how.at_once.unwrap_or(false)).keyed();
        if self.only_tells(&what, &request)? {
            return Ok(None);
        }
        self.0.counters.calls.add(1);
        self.deliver(&what, &request, how).await.map(|(answer, _)| Some(answer))
    }

    /// The same, and an answer that is no success is an error.
    pub async fn raw_good(&self, request: Request, how: &How) -> Result<Option<Answer>> {
        let what = format!("{} {}", request.verb_word(), request.path);
        let request = request.waits(how.at_once.unwrap_or(false)).keyed();
        if self.only_tells(&what, &request)? {
            return Ok(None);
        }
        self.0.counters.calls.add(1);
        self.ask(&what, &request, how, false).await.map(Some)
    }

    /// The controller's own description of everything that it offers: an OpenAPI document.
    pub async fn swagger(&self) -> Result<Answer> {
        let request = Request::get("swagger/").with("format", "openapi");
        let answer = self.ask("swagger", &request, &How::default(), false).await?;
        match answer.json().get("paths") {
            Some(_) => Ok(answer),
            None => Err(Error::new(Kind::Protocol, "veil.no_swagger", "the controller gave no description of itself")
                .hint("open /api/swagger/ in a browser: it may be switched off")),
        }
    }
}

/// A machine that is switched so already refuses to be.
fn about_power(call: &Call, error: Error) -> Error {
    let instead = match call.name {
        "start" | "resume" => "ensure_on() starts only what is not on",
        "shutdown" => {
            "ensure_off() shuts down only what is not off; force: true switches off without asking the system"
        }
        _ => return error,
    };
    match (error.code(), error.hint_text()) {
        ("veil.refused", None) => error.hint(instead),
        _ => error,
    }
}

fn reply(call: &Call, what: &str, answer: Answer, made: Vec<String>) -> Result<Reply> {
    if let Some(task) = answer.task() {
        let entity = answer.entity();
        return Ok(Reply::Task { task, entity, made });
    }
    match call.gives {
        Gives::Task => Ok(Reply::Done { text: answer.text().to_owned(), made }),
        Gives::Object(entity) => Ok(Reply::Object { entity, text: answer.text().to_owned() }),
        Gives::Data => Ok(Reply::Json(raw(answer.text().to_owned()))),
        Gives::Field(name) => field(what, &answer, name),
        Gives::Rows => rows(&answer).map(Reply::Rows),
        Gives::Console => Ok(Reply::Console(console(&answer))),
        Gives::Works => Ok(Reply::Flag(answer.status == 200)),
        Gives::Says(word) => {
            let said = answer.json().pointer("/guest-exec/out-data").and_then(Value::as_str).map(str::to_owned);
            Ok(Reply::Flag(said.is_some_and(|said| said.trim() == word)))
        }
    }
}

/// JSON text that was read once already.
fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn field(what: &str, answer: &Answer, name: &str) -> Result<Reply> {
    let found = answer.json().get(name).map(|value| raw(value.to_string()));
    found.map(Reply::Json).ok_or_else(|| {
        Error::new(Kind::Protocol, "veil.no_field", format!("{what}: there is no `{name}` in the answer"))
            .hint("use veil.get(…) or veil.post(…) to see the whole answer")
    })
}

/// The rows of a page, or of a bare list.
pub(super) fn rows(answer: &Answer) -> Result<Rows> {
    let mut builder = Builder::new();
    match answer.page() {
        Some(page) => crate::core::json::read_rows(page.results.get(), &mut builder)?,
        None if answer.text().trim_start().starts_with('[') => {
            crate::core::json::read_rows(answer.text(), &mut builder)?;
        }
        None => {
            return Err(Error::new(Kind::Protocol, "veil.no_list", "the controller gave something else than a list"));
        }
    }
    Ok(builder.finish().into())
}

/// `spice_url` or `vnc_url`, whichever is there.
fn console(answer: &Answer) -> Console {
    let json = answer.json();
    let url = ["spice_url", "vnc_url"].iter().find_map(|name| json.get(name).and_then(Value::as_str));
    Console::read(url.unwrap_or_default())
}
