//! Any call of the Orchestrator: by its name in the table, or by verb and path.

use rhai::plugin::*;
use rhai::{Dynamic, Map, NativeCallContext};
use serde_json::{Value, json};

use super::given;
use crate::core::rows::Rows;
use crate::error::{Error, Result};
use crate::script::bridge::{Thrown, throw, wait};
use crate::script::convert;
use crate::services::robot::client::{Reply, Verb};
use crate::services::robot::table::{CALLS, Gives, Known};

fn value(reply: Reply) -> Result<Dynamic> {
    Ok(match reply {
        Reply::Held | Reply::Done => Dynamic::UNIT,
        Reply::Guid(guid) => guid.into(),
        Reply::Object(record) => record.map_or(Dynamic::UNIT, |record| convert::from_value(&record)),
        Reply::List(list) => Dynamic::from(given::table(&list)?),
    })
}

/// The calls of the table, a row each.
fn described() -> Result<Rows> {
    let calls = CALLS.iter().map(|call| {
        let options: Vec<String> = call
            .params
            .iter()
            .map(|param| if param.needed { format!("{}*", param.name) } else { param.name.into() })
            .collect();
        let about = if call.about { "about*" } else { "" };
        let options: Vec<&str> = [about].into_iter().chain(options.iter().map(String::as_str)).collect();
        let gives = match call.gives {
            Gives::Guid => "GUID",
            Gives::Object => "map",
            Gives::List => "Rows",
            Gives::Nothing => "",
        };
        let described = call.known == Known::Described;
        json!({
            "name": call.name, "verb": call.verb.word(), "path": call.path,
            "options": options.join(" ").trim(), "gives": gives, "described": described,
        })
    });
    given::table(&calls.collect::<Vec<Value>>())
}

fn raw(call: &NativeCallContext<'_>, robot: &super::Robot, verb: &str, path: &str, fields: &Map) -> Thrown<Dynamic> {
    let api = robot.api(call)?;
    let Some(verb) = Verb::from_word(verb) else {
        let error = Error::input("robot.verb", format!("`{verb}` is no verb"));
        return throw(call, error.hint("write robot.call(\"GET\", \"/api/…\"), or POST, PUT, DELETE"));
    };
    let fields = given::options(call, fields)?;
    let fields = fields.into_iter().map(|(name, value)| {
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text,
            Value::Bool(flag) => i64::from(flag).to_string(),
            other => other.to_string(),
        };
        (name, text)
    });
    let answer = wait(call, api.raw(verb, path, fields.collect()))?;
    Ok(convert::from_value(&answer))
}

/// Calls in scripts.
#[export_module]
pub mod calls {
    pub type Robot = super::super::Robot;

    /// Makes a call of `robot.calls()` by its name: a GUID, a map, Rows or `()`, as the table says.
    ///
    /// What it is about (a GUID or a name) is `about`; the other options are those of the table.
    ///
    /// ```rhai
    /// let queue = robot.call("queue.read", #{ about: "invoices" });
    /// assert_eq(queue.name, "invoices");
    /// ```
    #[rhai_fn(name = "call$", return_raw, pure)]
    pub fn call_known(call: NativeCallContext, robot: &mut Robot, name: &str, options: Map) -> Thrown<Dynamic> {
        let api = robot.api(&call)?;
        let mut options = given::options(&call, &options)?;
        let about = given::own_text(&mut options, "about").or_else(|error| throw(&call, error))?;
        wait(&call, async { value(api.call(name, about.as_deref(), &options).await?) })
    }

    /// Makes any call: its answer as a value, or as a text where it is no JSON.
    ///
    /// ```rhai
    /// assert_eq(robot.call("GET", "/api/queue/read/invoices").name, "invoices");
    /// ```
    #[rhai_fn(name = "call$", return_raw, pure)]
    pub fn call(call: NativeCallContext, robot: &mut Robot, verb: &str, path: &str) -> Thrown<Dynamic> {
        raw(&call, robot, verb, path, &Map::new())
    }

    /// Makes any call with these fields: in the address for GET and DELETE, else as a form. Lists and maps become JSON.
    ///
    /// ```rhai
    /// let made = robot.call("POST", "/api/queue/create", #{ Name: "raw", UniqueTasks: false });
    /// robot.call("DELETE", `/api/queue/delete/${made.guid}`);
    /// ```
    #[rhai_fn(name = "call$", return_raw, pure)]
    pub fn call_with(
        call: NativeCallContext,
        robot: &mut Robot,
        verb: &str,
        path: &str,
        fields: Map,
    ) -> Thrown<Dynamic> {
        raw(&call, robot, verb, path, &fields)
    }

    /// The calls that `robot.call(name, #{…})` knows: Rows with name, verb, path, options (`*`: needed), what they give,
    /// and whether a page describes them.
    ///
    /// ```rhai
    /// assert(robot.calls().len() > 50);
    /// ```
    #[rhai_fn(name = "calls", return_raw, pure)]
    pub fn all_calls(call: NativeCallContext, _robot: &mut Robot) -> Thrown<Rows> {
        described().or_else(|error| throw(&call, error))
    }
}
