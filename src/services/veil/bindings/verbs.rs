//! Requests of a script's own: `veil.get(path)`, `veil.post(path, body)`, `veil.try_put(path)`.

use rhai::{Dynamic, Map, Module, NativeCallContext};
use serde_json::Value;

use super::answer::VeilAnswer;
use super::kinds::{self, described};
use super::{Veil, given, work};
use crate::script::bridge::{Thrown, throw, wait};
use crate::script::convert;
use crate::services::veil::client::{How, Options, Request};
use crate::services::veil::table::{Entity, Verb, entity};

/// One of them, with every number of arguments that makes sense.
pub struct Ask {
    pub name: &'static str,
    verb: Verb,
    /// Gives the whole answer, whatever its status, in place of its data.
    whole: bool,
    pub help: &'static str,
}

pub static ASKS: [Ask; 6] = [
    Ask {
        name: "get",
        verb: Verb::Get,
        whole: false,
        help: "What a path answers, behind `/api/`. Errors are thrown.\n\nIn a query lists are joined by commas, true and \
               false become 1 and 0.\n\n```rhai\nassert(veil.get(\"controllers/base-version/\").version.starts_with(\"4.\
               \"));\n```",
    },
    Ask {
        name: "post",
        verb: Verb::Post,
        whole: false,
        help: "Sends a POST. An accepted change gives a task.\n\nThe body is sent as it is written, with a key by which the \
               controller knows a repetition.\n\n```rhai\nlet off = veil.domains(#{ power_state: \"OFF\", template: false \
               }).first();\nveil.post(`domains/${off.id}/start/`, #{ force: false }).wait();\n```",
    },
    Ask { name: "put", verb: Verb::Put, whole: false, help: "Sends a PUT. An accepted change gives a task." },
    Ask {
        name: "try_get",
        verb: Verb::Get,
        whole: true,
        help: "The whole answer to a GET, whatever its status. Only what has no answer is thrown.\n\n```rhai\nlet answer = \
               veil.try_get(\"domains/00000000-0000-0000-0000-000000000001/\");\nassert_eq(answer.status_code, \
               404);\n```",
    },
    Ask {
        name: "try_post",
        verb: Verb::Post,
        whole: true,
        help: "The whole answer to a POST, whatever its status. Only what has no answer is thrown.",
    },
    Ask {
        name: "try_put",
        verb: Verb::Put,
        whole: true,
        help: "The whole answer to a PUT, whatever its status. Only what has no answer is thrown.",
    },
];

pub fn register(module: &mut Module) {
    type Call<'a> = NativeCallContext<'a>;
    const VEIL: &str = "veil: &mut Veil";
    const PATH: &str = "path: &str";
    for ask in &ASKS {
        let described = |more: &[&str]| {
            let params: Vec<&str> = [VEIL, PATH].into_iter().chain(more.iter().copied()).collect();
            described(ask.name, &params, "Dynamic")
        };
        described(&[]).set_into_module(module, |call: Call<'_>, veil: &mut Veil, path: &str| {
            ask.send(&call, veil, path, &Dynamic::UNIT, &Map::new())
        });
        if ask.verb == Verb::Get {
            described(&["query: Map"]).set_into_module(
                module,
                |call: Call<'_>, veil: &mut Veil, path: &str, query: Map| {
                    ask.send(&call, veil, path, &Dynamic::UNIT, &query)
                },
            );
            continue;
        }
        described(&["body"]).set_into_module(module, |call: Call<'_>, veil: &mut Veil, path: &str, body: Dynamic| {
            ask.send(&call, veil, path, &body, &Map::new())
        });
        described(&["body", "query: Map"]).set_into_module(
            module,
            |call: Call<'_>, veil: &mut Veil, path: &str, body: Dynamic, query: Map| {
                ask.send(&call, veil, path, &body, &query)
            },
        );
    }
}

impl Ask {
    fn send(
        &self,
        call: &NativeCallContext<'_>,
        veil: &Veil,
        path: &str,
        body: &Dynamic,
        query: &Map,
    ) -> Thrown<Dynamic> {
        let request = self.request(call, veil, path, body, query)?;
        let (controller, how) = (veil.controller(call)?, How::default());
        let answer = match self.whole {
            true => wait(call, controller.raw(request, &how))?,
            false => wait(call, controller.raw_good(request, &how))?,
        };
        // It was only told of.
        let Some(answer) = answer else { return Ok(Dynamic::UNIT) };
        if self.whole {
            let answer = VeilAnswer::new(veil, about(path), answer).or_else(|error| throw(call, error))?;
            return Ok(Dynamic::from(answer));
        }
        match answer.task() {
            Some(task) => Ok(kinds::handle(work::begun(veil, task, answer.entity(), Vec::new()))),
            None => convert::from_json(answer.text()).or_else(|error| throw(call, error)),
        }
    }

    fn request(
        &self,
        call: &NativeCallContext<'_>,
        veil: &Veil,
        path: &str,
        body: &Dynamic,
        query: &Map,
    ) -> Thrown<Request> {
        let parts = query.iter().map(|(name, value)| Ok((name.to_string(), given::plain(call, veil, value)?)));
        let query = parts.collect::<Thrown<Options>>()?;
        let body = Some(given::plain(call, veil, body)?).filter(|body| *body != Value::Null);
        Ok(Request::own(self.verb, path, &query, body))
    }
}

/// The entity that a path is about.
fn about(path: &str) -> Option<&'static Entity> {
    let path = path.trim_start_matches("/api/");
    entity(path.split(['/', '?']).next()?).filter(|entity| path.starts_with(entity.path))
}
