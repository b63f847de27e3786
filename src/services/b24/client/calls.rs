//! Single calls, and many calls of one or of several methods.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Params;
use super::batches::{BATCH, Command, Commands, Part};
use super::outcomes::{self, Answer, Outcomes};
use super::portal::Portal;
use super::send::{Body, Request};
use crate::core::progress::Bar;
use crate::error::{Error, Kind, Result, Retry};
use crate::services::b24::wire::envelope::{self, Envelope};
use crate::services::b24::wire::{check, errors, methods};

impl Portal {
    /// One call, not in a batch, so that its parameters arrive as JSON. `item` or `task` around the result is taken off.
    pub async fn call(&self, method: &str, params: Params) -> Result<Box<RawValue>> {
        methods::check_name(method)?;
        let params = check::checked(method, params)?;
        if methods::changes(method) && self.only_tells(method, &params)? {
            return Ok(outcomes::nothing());
        }
        let envelope = self.ask(method, &params, &self.bar(method, None)).await?;
        outcomes::json(method, envelope::unwrapped(envelope.result()))
    }

    /// The whole answer (`result`, `total`, `next`, `time`) to parameters sent exactly as given, `batch` included.
    pub async fn raw(&self, method: &str, params: Params) -> Result<Box<RawValue>> {
        let changes = match method.eq_ignore_ascii_case(BATCH) {
            true => batch_changes(&params),
            false => {
                methods::check_name(method)?;
                methods::changes(method)
            }
        };
        if changes && self.only_tells(method, &params)? {
            return Ok(outcomes::nothing());
        }
        let bar = self.bar(method, None);
        let request = Request::new(method, Body::Json(&params), &bar);
        let envelope = self.ask_with(request, changes).await?;
        outcomes::json(method, &envelope.into_text())
    }

    /// A call of REST 3.0; its `result`. `batch` takes a list of `{method, query}`. A change carries a key by which the
    /// portal recognizes its repetition, so it is repeated like any other call.
    pub async fn v3(&self, method: &str, params: Params) -> Result<Box<RawValue>> {
        let is_batch = method.eq_ignore_ascii_case(BATCH);
        if !is_batch {
            methods::check_name(method)?;
        }
        let changes = if is_batch { batch_changes(&params) } else { methods::changes(method) };
        if changes && self.only_tells(method, &params)? {
            return Ok(outcomes::nothing());
        }
        let key = changes.then(once);
        let bar = self.bar(method, None);
        let mut request = Request::new(method, Body::Json(&params), &bar);
        request.version_3 = true;
        request.once = key.as_deref();
        let envelope = self.ask_with(request, changes).await?;
        outcomes::json(method, envelope.result())
    }

    /// How many rows a list has, without reading them.
    pub async fn count(&self, method: &str, params: Params) -> Result<u64> {
        methods::check_name(method)?;
        let mut params = check::checked(method, params)?;
        if methods::changes(method) {
            return Err(no_count(method));
        }
        if let (Some(family), Params::Null | Params::Object(_)) = (methods::family(method), &params)
            && !family.filter_id.is_empty()
            && check::parameter(&params, "select").is_none()
        {
            // Rows are not wanted; narrow ones cost the portal least.
            super::lists::set(&mut params, "select", serde_json::json!([family.filter_id]));
        }
        let envelope = self.ask(method, &params, &self.bar(method, None)).await?;
        envelope.total.ok_or_else(|| no_count(method))
    }

    /// One method for many items, in batches. A single item goes alone. The answers stand in the order of the items.
    pub async fn call_many(&self, method: &str, items: Vec<Params>) -> Result<Outcomes> {
        methods::check_name(method)?;
        if items.len() == 1 {
            let mut answers = Vec::with_capacity(1);
            for item in items {
                match self.call(method, item).await {
                    Err(error) if error.code() == "b24.read_only" => return Err(error),
                    answer => answers.push(answer.map(Answer::Json)),
                }
            }
            return Ok(Outcomes { ids: None, answers });
        }
        self.call_each(items.into_iter().map(|item| (method.to_owned(), item)).collect()).await
    }

    /// Many calls of any methods, in batches. The answers stand in the order of the calls. A call that is wrong in
    /// itself fails alone; nothing at all, or a connection that may not do this, is an error of the whole.
    pub async fn call_each(&self, calls: Vec<(String, Params)>) -> Result<Outcomes> {
        let Some((first, _)) = calls.first() else {
            return Err(Error::input("b24.nothing_to_do", "the list of calls is empty")
                .hint("check that the list has items before calling"));
        };
        let bar = self.bar(first, Some(calls.len()));
        let mut answers: Vec<Option<Result<Answer>>> = Vec::with_capacity(calls.len());
        let (mut commands, mut places) = (Vec::new(), Vec::new());
        let mut makers: BTreeMap<String, Commands> = BTreeMap::new();
        for (place, (method, params)) in calls.into_iter().enumerate() {
            answers.push(None);
            match methods::check_name(&method).and_then(|()| check::checked(&method, params)) {
                Err(error) => answers[place] = Some(Err(error)),
                Ok(params) if methods::changes(&method) && self.only_tells(&method, &params)? => {
                    answers[place] = Some(Ok(Answer::Json(outcomes::nothing())));
                }
                Ok(params) => {
                    let maker = makers.entry(method).or_insert_with_key(|method| Commands::of(method));
                    commands.push(maker.command(&params));
                    places.push(place);
                }
            }
        }
        let found = self.run(&commands, &bar, &|at, part: Part<'_>| self.plain(&commands[at], part)).await;
        for (place, answer) in places.into_iter().zip(found) {
            answers[place] = Some(answer);
        }
        Ok(Outcomes { ids: None, answers: answers.into_iter().flatten().collect() })
    }

    /// A command's result as it is, without `item` or `task` around it.
    pub(super) fn plain(&self, command: &Command, part: Part<'_>) -> Result<Answer> {
        outcomes::json(&command.method, envelope::unwrapped(part.result)).map(Answer::Json)
    }

    /// One call with its answer; a reading one is repeated after faults.
    pub(super) async fn ask(&self, method: &str, params: &Params, bar: &Bar) -> Result<Envelope> {
        self.ask_with(Request::new(method, Body::Json(params), bar), methods::changes(method)).await
    }

    /// `changes`: not to be repeated once it may have been carried out, unless a key goes with it. The key is that of
    /// this call: somebody who repeats the call itself has another one, so the last error warns of a change all the same.
    pub(super) async fn ask_with(&self, mut request: Request<'_>, changes: bool) -> Result<Envelope> {
        let key = request.method.to_ascii_lowercase();
        let budget = &self.0.limits.budget;
        let mut failures = 0;
        loop {
            if let Some(until) = budget.closed_until(&key) {
                self.note_closed(request.bar, &key, until);
            }
            let passed = budget.take(&key).await;
            self.0.counters.waited(passed.waited);
            self.0.counters.calls.add(1);
            let error = match self.deliver(&mut request).await {
                Ok(envelope) => {
                    match (envelope.spent, passed.probing) {
                        (Some(spent), _) => budget.spent(&key, spent),
                        (None, Some(probing)) => probing.succeeded(),
                        (None, None) => {}
                    }
                    return Ok(envelope);
                }
                Err(error) => error,
            };
            if error.code() == "b24.OPERATION_TIME_LIMIT" {
                self.0.counters.refusals.add(1);
                budget.refused(&key);
                continue;
            }
            failures += 1;
            let repeats = error.may_retry() == Retry::Unknown && (!changes || request.once.is_some());
            let pause = self.patience().pause(failures).filter(|_| repeats);
            let Some(pause) = pause else {
                return Err(if changes { errors::of_change(error) } else { errors::of_reading(error) });
            };
            request.bar.note("the portal did not answer properly; trying again");
            self.0.counters.repeats.add(1);
            tokio::time::sleep(pause).await;
        }
    }
}

pub(super) fn no_count(method: &str) -> Error {
    Error::new(Kind::Input, "b24.no_total", format!("{method} does not tell how many rows there are"))
        .hint("read the list with get_all and count its rows")
}

/// Whether a batch may change something: any of its commands, in any of the shapes that the two versions take.
fn batch_changes(params: &Params) -> bool {
    let commands: Vec<&serde_json::Value> = match check::parameter(params, "cmd").unwrap_or(params) {
        Params::Array(list) => list.iter().collect(),
        Params::Object(map) => map.values().collect(),
        _ => return true,
    };
    let method = |command: &serde_json::Value| match command {
        Params::String(text) => text.split('?').next().map(str::to_owned),
        Params::Object(map) => map.get("method").and_then(|method| method.as_str()).map(str::to_owned),
        _ => None,
    };
    commands.into_iter().any(|command| method(command).is_none_or(|method| methods::changes(&method)))
}

/// A key for one change.
fn once() -> String {
    uuid::Uuid::new_v4().to_string()
}
