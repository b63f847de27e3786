//! The user's own batch: sent as it is, in one request, so that later commands may use what earlier ones gave.

use std::collections::{BTreeSet, HashSet};

use serde_json::value::RawValue;

use super::Params;
use super::batches::BATCH;
use super::outcomes;
use super::portal::Portal;
use super::send::{Body, Request};
use crate::error::{Error, Kind, Result, Retry};
use crate::services::b24::wire::batch::{Answer, MOST, Said};
use crate::services::b24::wire::{batch as wire, check, errors, methods, query};

/// A command as it is sent: `crm.deal.get?ID=7`.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    text: String,
}

impl Command {
    /// `$result[name][ID]` in a value is what the command `name` gave.
    pub fn new(method: &str, params: Params) -> Result<Command> {
        methods::check_name(method)?;
        Ok(Command { text: query::command(method, &check::checked(method, params)?) })
    }

    /// A command already written as a query; sent exactly so.
    pub fn text(text: impl Into<String>) -> Result<Command> {
        let command = Command { text: text.into() };
        methods::check_name(command.method())?;
        Ok(command)
    }

    fn method(&self) -> &str {
        self.text.split_once('?').map_or(self.text.as_str(), |(method, _)| method)
    }
}

/// What became of one command.
#[derive(Debug)]
pub struct Told {
    pub name: String,
    /// `None` when it did not run, because an earlier one failed and the batch was to halt then.
    pub answer: Option<Result<Box<RawValue>>>,
    /// Of a list: all its rows, and where the next page starts.
    pub total: Option<u64>,
    pub next: Option<u64>,
}

impl Portal {
    /// At most fifty named commands, run in turn; the outcomes stand in their order. With `halt` the first that fails is
    /// the last that runs. The batch is repeated only when all its commands read.
    pub async fn call_batch(&self, halt: bool, commands: Vec<(String, Command)>) -> Result<Vec<Told>> {
        check_names(&commands)?;
        let changing: Vec<&(String, Command)> = commands.iter().filter(|(_, c)| methods::changes(c.method())).collect();
        let mut only_told = false;
        for (_, command) in &changing {
            only_told |= self.only_tells(&command.text, &Params::Null)?;
        }
        if only_told {
            let told = |(name, _): (String, Command)| Told {
                name,
                answer: Some(Ok(outcomes::nothing())),
                total: None,
                next: None,
            };
            return Ok(commands.into_iter().map(told).collect());
        }
        let changes = !changing.is_empty();
        let body =
            wire::body(halt, commands.iter().map(|(name, command)| (name.as_str().into(), command.text.as_str())));
        let keys: BTreeSet<String> =
            commands.iter().map(|(_, command)| command.method().to_ascii_lowercase()).collect();
        let bar = self.bar(BATCH, Some(commands.len()));
        let budget = &self.0.limits.budget;
        // Held until the answer is read: a probe that fails lets the next one go.
        let mut passed = Vec::new();
        for key in keys {
            passed.push(budget.take(&key).await);
        }
        self.0.counters.calls.add(commands.len());
        let mut request = Request::new(BATCH, Body::Json(&body), &bar);
        request.commands = commands.len();
        let envelope = self.ask_with(request, changes).await?;
        passed.into_iter().filter_map(|passed| passed.probing).for_each(|probing| probing.succeeded());
        let answer =
            Answer::read(envelope.result()).ok_or_else(|| {
                Error::new(Kind::Protocol, "b24.not_json", "batch: the answer is not that of a batch")
                    .retry(if changes { Retry::Unknown } else { Retry::Safe })
            })?;
        for (name, command) in &commands {
            if let Some(spent) = answer.spent(name) {
                budget.spent(&command.method().to_ascii_lowercase(), spent);
            }
        }
        let ran = ran_until(halt, &commands, &answer);
        let told = |(place, (name, command)): (usize, (String, Command))| told(name, &command, &answer, place < ran);
        Ok(commands.into_iter().enumerate().map(told).collect())
    }
}

/// How many of the commands must have run: all of them, or with `halt` those up to the last one that has a word.
fn ran_until(halt: bool, commands: &[(String, Command)], answer: &Answer<'_>) -> usize {
    let said = |(name, _): &(String, Command)| !matches!(answer.of(name), Said::Nothing);
    let failed = commands.iter().any(|(name, _)| matches!(answer.of(name), Said::Failed(_)));
    match halt && failed {
        true => commands.iter().rposition(said).map_or(0, |last| last + 1),
        false => commands.len(),
    }
}

fn told(name: String, command: &Command, answer: &Answer<'_>, must_have_run: bool) -> Told {
    let (answer, total, next) = match answer.of(&name) {
        Said::Done { result, total, next } => (Some(outcomes::json(command.method(), result)), total, next),
        Said::Failed(fault) => (Some(Err(errors::error(command.method(), None, &fault))), None, None),
        Said::Nothing if must_have_run => (Some(Err(no_word(command.method()))), None, None),
        Said::Nothing => (None, None, None),
    };
    Told { name, answer, total, next }
}

/// The portal's answer leaves out a command that it must have come to.
fn no_word(method: &str) -> Error {
    let error = Error::new(Kind::Protocol, "b24.no_answer", format!("{method}: the portal's answer leaves it out"));
    match methods::changes(method) {
        true => {
            error.retry(Retry::Unknown).hint("it may have been carried out: look in the portal before repeating it")
        }
        false => error.retry(Retry::Safe).hint("try again"),
    }
}

fn check_names(commands: &[(String, Command)]) -> Result<()> {
    let wrong = |message: String| Error::input("b24.wrong_batch", message);
    if commands.is_empty() {
        return Err(wrong("the batch has no commands".into()).hint("give at least one command"));
    }
    if commands.len() > MOST {
        return Err(wrong(format!("a batch holds at most {MOST} commands, not {}", commands.len()))
            .hint("use call with a list of items: it makes as many batches as are needed"));
    }
    let mut seen = HashSet::new();
    for (name, _) in commands {
        if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong(format!("`{name}` cannot be the name of a command: the portal loses numbers"))
                .hint("begin the name with a letter, such as `c1`"));
        }
        if !seen.insert(name.as_str()) {
            return Err(wrong(format!("two commands are called `{name}`")).hint("give each its own name"));
        }
    }
    Ok(())
}
