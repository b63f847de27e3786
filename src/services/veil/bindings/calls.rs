//! One call of the table, made for a handle; and what its reply is in a script.

use rhai::{Dynamic, Map, NativeCallContext};

use super::Veil;
use super::given::{self, OF_CHANGE, OF_READING};
use super::kinds;
use super::thing::Thing;
use super::work;
use crate::error::Result;
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;
use crate::services::veil::client::{Asked, Console, Reply, UnderWay};
use crate::services::veil::table::{Call, Gives, entity};

/// Makes a call with what stands before its options, and with options.
pub fn run(
    call: &NativeCallContext<'_>,
    thing: &Thing,
    does: &'static Call,
    placed: &[Dynamic],
    options: &Map,
) -> Thrown<Dynamic> {
    let what = format!("{}.{}", thing.entity().word, does.name);
    let known = (if does.changes() { OF_CHANGE } else { OF_READING }, "throw");
    let (own, general) = given::options(call, thing.veil(), &what, does, placed, options, known)?;
    if does.needs_object() && thing.about().is_none() {
        return throw(call, thing.no_object(does.name));
    }
    let controller = thing.veil().controller(call)?;
    if does.changes() {
        thing.forget();
    }
    let under_way = UnderWay::default();
    let job = async {
        let about = match does.needs_object() {
            true => Some(thing.found(&controller).await?.id),
            false => None,
        };
        let asked = Asked { entity: thing.entity(), call: does, about, options: own, how: general.how.clone() };
        let reply = controller.call(asked).await?;
        let Reply::Task { task, entity, made } = reply else { return Ok(Got::Reply(Box::new(reply))) };
        let id = task.id.clone();
        let begun = work::begun_by(thing, task, entity, made);
        if general.wait == Some(true) {
            work::to_its_end(&begun, &controller, &id, &general, &under_way).await?;
        }
        Ok(Got::Task(begun))
    };
    let got = work::wait_or_end(call, &controller, &under_way, job)?;
    match got {
        Got::Task(task) => Ok(kinds::handle(task)),
        Got::Reply(reply) => value(thing, does, *reply).or_else(|error| throw(call, error)),
    }
}

enum Got {
    Task(Thing),
    Reply(Box<Reply>),
}

/// A reply as a script gets it.
fn value(thing: &Thing, does: &'static Call, reply: Reply) -> Result<Dynamic> {
    Ok(match reply {
        Reply::Task { task, entity, made } => kinds::handle(work::begun_by(thing, task, entity, made)),
        Reply::Done { text, made } => kinds::handle(work::done(thing.veil(), &text, made)),
        Reply::Json(text) => convert::from_json(text.get())?,
        Reply::Rows(rows) => Dynamic::from(rows),
        Reply::Object { entity: word, text } => object(thing, does, word, &text)?,
        Reply::Console(console) => screen(&console).into(),
        Reply::Flag(flag) => flag.into(),
        Reply::Told(told) => told.into(),
        Reply::Held => Dynamic::UNIT,
    })
}

/// The object that a call gave: the one that it was about, or another.
fn object(thing: &Thing, does: &'static Call, word: &str, text: &str) -> Result<Dynamic> {
    if word == thing.entity().word && does.needs_object() {
        thing.take_in(text)?;
        return Ok(kinds::handle(thing.clone()));
    }
    made(thing.veil(), word, text)
}

/// A handle of an object that came as JSON.
pub fn made(veil: &Veil, word: &str, text: &str) -> Result<Dynamic> {
    let fields = convert::from_json(text)?.try_cast::<Map>().unwrap_or_default();
    let entity = entity(word).unwrap_or_else(|| kinds::first());
    Ok(kinds::handle(Thing::of_fields(veil, entity, fields, true)))
}

fn screen(console: &Console) -> Map {
    let kind = if console.url.contains("spice") { "SPICE" } else { "VNC" };
    let texts = [
        ("type", kind),
        ("url", &console.url),
        ("host", &console.host),
        ("password", &console.password),
        ("path", &console.path),
        ("token", &console.token),
    ];
    let mut map: Map = texts.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    map.insert("valid".into(), console.valid().into());
    map
}

/// What the engine is told that a call gives.
pub fn gives(does: &Call) -> &'static str {
    match does.gives {
        Gives::Task => "VeilTask",
        Gives::Object(word) => entity(word).map_or("Dynamic", |entity| entity.type_name),
        Gives::Rows => "Rows",
        Gives::Console => "Map",
        Gives::Works | Gives::Says(_) => "bool",
        Gives::Data | Gives::Field(_) => "Dynamic",
    }
}
