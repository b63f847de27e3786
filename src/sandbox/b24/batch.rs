//! `batch`: up to 50 commands one after another, later ones may use earlier results.

use super::answer::{Answer, Fail, fail};
use super::limits::Spent;
use super::params::{get, read_query, whole};
use super::php;
use super::run::{Caller, Done, print_time};
use super::sim::Sim;
use serde_json::Value;

/// Most commands in one batch.
pub const MOST: usize = 50;

struct Finished {
    name: String,
    done: Result<(Answer, Done), Fail>,
}

impl Sim {
    /// Runs a batch; the answer holds the five maps.
    pub async fn batch(&self, caller: &mut Caller, params: &Value) -> Result<(Answer, Option<Spent>), Fail> {
        let knobs = caller.knobs.clone();
        let key = format!("{} batch", caller.subject);
        let as_a_whole = knobs.operating_bill_batch;
        if as_a_whole {
            self.within_budget(&key, &knobs)?;
        }
        self.counters().batches += 1;
        let halt = get(params, "halt")
            .is_some_and(|halt| whole(halt).is_some_and(|halt| halt != 0) || halt == true || halt == "Y");
        let mut finished: Vec<Finished> = Vec::new();
        let mut cost = 0.0;
        for (number, (name, command)) in commands(params).into_iter().enumerate() {
            let done = if number < MOST {
                self.nested(caller, &command, &finished, !as_a_whole).await
            } else {
                Err(fail(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded"))
            };
            let failed = done.is_err();
            cost += done.as_ref().map_or(0.0, |(_, done)| done.cost);
            finished.push(Finished { name, done });
            if failed && halt {
                break;
            }
        }
        if as_a_whole {
            self.bill(&key, cost, &knobs);
        }
        let spent = knobs.operating.then(|| self.spent(&key, &knobs));
        Ok((print(&finished, if as_a_whole { spent } else { None }), spent))
    }

    async fn nested(
        &self,
        caller: &mut Caller,
        command: &str,
        before: &[Finished],
        bill: bool,
    ) -> Result<(Answer, Done), Fail> {
        let (method, query) = command.split_once('?').unwrap_or((command, ""));
        let method = method.trim().trim_start_matches('/');
        let method = method.strip_suffix(".json").unwrap_or(method);
        if method.eq_ignore_ascii_case("batch") {
            return Err(fail(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage"));
        }
        let params = read_query(query.as_bytes()).map_err(|unreadable| fail(400, "INVALID_REQUEST", unreadable.0))?;
        let mut params = Value::Object(params);
        resolve(&mut params, caller.knobs.keep_unresolved, &|name, path| {
            let (answer, _) = before.iter().find(|one| one.name == name)?.done.as_ref().ok()?;
            answer.look(path)
        });
        let mut done = self.command(caller, method, &params, true, bill).await;
        let answer = std::mem::replace(&mut done.reply, Ok(Answer::default()))?;
        Ok((answer, done))
    }
}

/// Names and commands, from a map or a list.
fn commands(params: &Value) -> Vec<(String, String)> {
    let text = |command: &Value| command.as_str().unwrap_or_default().to_owned();
    match get(params, "cmd") {
        Some(Value::Object(map)) => map.iter().map(|(name, command)| (name.clone(), text(command))).collect(),
        Some(Value::Array(list)) => {
            list.iter().enumerate().map(|(number, command)| (number.to_string(), text(command))).collect()
        }
        _ => Vec::new(),
    }
}

/// Replaces `$result[name][0][ID]` where it is a parameter's whole value.
fn resolve(value: &mut Value, keep: bool, look: &dyn Fn(&str, &[&str]) -> Option<Value>) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|value| resolve(value, keep, look)),
        Value::String(text) if text.starts_with("$result[") => {
            let path: Vec<&str> =
                text["$result".len()..].split(']').filter_map(|part| part.strip_prefix('[')).collect();
            let found = path.split_first().and_then(|(name, path)| look(name, path));
            match found {
                Some(found) => *value = found,
                None if keep => {}
                None => text.clear(),
            }
        }
        _ => {}
    }
}

fn print(finished: &[Finished], whole: Option<Spent>) -> Answer {
    let mut answer = Answer::default();
    let out = &mut answer.body;
    let good: Vec<(&str, &(Answer, Done))> =
        finished.iter().filter_map(|one| Some((one.name.as_str(), one.done.as_ref().ok()?))).collect();
    let bad: Vec<(&str, &Fail)> =
        finished.iter().filter_map(|one| Some((one.name.as_str(), one.done.as_ref().err()?))).collect();
    let numbers = |pick: fn(&Answer) -> Option<u64>| -> Vec<(&str, u64)> {
        good.iter().filter_map(|(name, (answer, _))| Some((*name, pick(answer)?))).collect()
    };
    let (totals, nexts) = (numbers(|answer| answer.total), numbers(|answer| answer.next));
    out.reserve(good.iter().map(|(_, (answer, _))| answer.body.len() + 300).sum::<usize>() + 1000);
    out.extend(b"{\"result\":");
    php::members(out, good.len(), good.iter().copied(), |out, (answer, _)| out.extend(&answer.body));
    out.extend(b",\"result_error\":");
    php::members(out, bad.len(), bad.iter().copied(), |out, fail| fail.print(out));
    out.extend(b",\"result_total\":");
    php::members(out, totals.len(), totals.iter().copied(), |out, total| php::integer(out, total as i64));
    out.extend(b",\"result_next\":");
    php::members(out, nexts.len(), nexts.iter().copied(), |out, next| php::integer(out, next as i64));
    out.extend(b",\"result_time\":");
    php::members(out, good.len(), good.iter().copied(), |out, (_, done)| {
        print_time(out, done.started, done.finished, done.spent.or(whole));
    });
    out.push(b'}');
    answer
}
