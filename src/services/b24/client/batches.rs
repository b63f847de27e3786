//! Many commands in batches. Each command has its own outcome; repeated is only what failed in passing or was left
//! without a word, and never a change that may have been carried out.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::portal::Portal;
use super::send::{Announced, Body, HELD, Queue, Request};
use crate::core::batch::{self, Reply};
use crate::core::limiter::{Probing, Turn};
use crate::core::progress::Bar;
use crate::error::{Error, Kind, Result, Retry};
use crate::services::b24::wire::batch::{Answer, MOST, Said};
use crate::services::b24::wire::envelope::Envelope;
use crate::services::b24::wire::errors::{self, Fault};
use crate::services::b24::wire::{batch as wire, methods, query};

/// A batch does not become smaller than this to spread commands over more requests.
const LEAST: usize = 5;
/// Free requests beyond this do not make batches smaller: only so many are under way at once.
const SPREAD: usize = 75;
/// The commands of one batch, in bytes; portals refuse bodies of some megabytes.
const LARGEST: usize = 1 << 20;
/// When to look again after somebody else's probe of a closed method.
const GLANCE: Duration = Duration::from_millis(500);
/// When to look again after a command was refused for the rate inside a batch that was let in.
pub(super) const BREATH: Duration = Duration::from_secs(1);
/// The key of the time budget under which some portals bill whole batches.
pub(super) const BATCH: &str = "batch";

/// One command of a batch.
pub(super) struct Command {
    pub method: Arc<str>,
    /// The method in lower case: the key of limits.
    pub key: Arc<str>,
    pub query: String,
    pub changes: bool,
}

impl Command {
    fn text(&self) -> String {
        match self.query.is_empty() {
            true => self.method.to_string(),
            false => format!("{}?{}", self.method, self.query),
        }
    }
}

/// Makes commands of one method.
pub(super) struct Commands {
    method: Arc<str>,
    key: Arc<str>,
    changes: bool,
}

impl Commands {
    pub fn of(method: &str) -> Commands {
        Commands { method: method.into(), key: method.to_ascii_lowercase().into(), changes: methods::changes(method) }
    }

    pub fn command(&self, params: &super::Params) -> Command {
        Command {
            method: self.method.clone(),
            key: self.key.clone(),
            query: query::query(params),
            changes: self.changes,
        }
    }
}

/// What a command's answer holds.
pub(super) struct Part<'a> {
    /// JSON text.
    pub result: &'a str,
    pub next: Option<u64>,
}

/// Commands under way.
struct Job<'a, Read> {
    portal: &'a Portal,
    commands: &'a [Command],
    bar: &'a Bar,
    read: &'a Read,
    /// Batches that are cut and not yet counted by the bucket.
    announced: Queue,
    /// What makes every further request pointless.
    fatal: watch::Sender<Option<Error>>,
    /// Methods (in lower case) that go into no batch.
    alone: Mutex<HashSet<Arc<str>>>,
}

type Replies<T> = Vec<(usize, Reply<T>)>;

impl Portal {
    /// Runs the commands; `read` makes something of the answer of the command at this place.
    pub(super) async fn run<T, Read>(&self, commands: &[Command], bar: &Bar, read: &Read) -> Vec<Result<T>>
    where
        Read: Fn(usize, Part<'_>) -> Result<T>,
    {
        let job = Job {
            portal: self,
            commands,
            bar,
            read,
            announced: Queue::default(),
            fatal: watch::Sender::new(None),
            alone: Mutex::default(),
        };
        let job = &job;
        let cut = |waiting: &[usize]| job.cut(waiting);
        let send = |packet| {
            let announced = Announced::one(&job.announced);
            job.send(packet, announced)
        };
        batch::run(commands.len(), self.patience(), cut, send, |_| bar.add(1)).await
    }
}

impl Portal {
    /// The portal says that the time of this method is used up. Until when.
    pub(super) fn close(&self, bar: &Bar, key: &str) -> Instant {
        let budget = &self.0.limits.budget;
        budget.refused(key);
        let until = budget.closed_until(key).unwrap_or_else(|| Instant::now() + BREATH);
        self.note_closed(bar, key, until);
        until
    }

    pub(super) fn note_closed(&self, bar: &Bar, key: &str, until: Instant) {
        let seconds = until.saturating_duration_since(Instant::now()).as_secs();
        bar.note(format!("{key}: its time at the portal is used up; on again in {seconds} s"));
    }
}

impl<Read> Job<'_, Read> {
    fn alone(&self) -> std::sync::MutexGuard<'_, HashSet<Arc<str>>> {
        self.alone.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// How many of the waiting commands the next batch takes.
    fn cut(&self, waiting: &[usize]) -> usize {
        let alone = self.alone();
        let goes_alone = |place: &usize| alone.contains(&self.commands[*place].key);
        if waiting.first().is_some_and(goes_alone) {
            return 1;
        }
        let free = self.portal.0.limits.bucket.free().min(SPREAD);
        let free = free.saturating_sub(self.announced.len());
        let first = &waiting[..waiting.len().min(MOST)];
        let most = first.iter().map(|place| self.portal.size(&self.commands[*place].key)).min().unwrap_or(MOST);
        let size = batch::packet_size(waiting.len(), most, LEAST, free);
        let mut bytes = 0;
        let fits = |place: &&usize| {
            bytes += self.commands[**place].query.len();
            bytes <= LARGEST && !goes_alone(place)
        };
        waiting.iter().take(size).take_while(fits).count().max(1)
    }
}

impl<T, Read> Job<'_, Read>
where
    Read: Fn(usize, Part<'_>) -> Result<T>,
{
    async fn send(&self, packet: Vec<usize>, announced: Announced<'_>) -> Replies<T> {
        if let Some(error) = &*self.fatal.borrow() {
            return packet.into_iter().map(|place| (place, Reply::Failed(error.clone()))).collect();
        }
        let single = packet.first().is_some_and(|place| self.alone().contains(&self.commands[*place].key));
        let (mut go, mut replies, probes) = self.admitted(packet, single);
        if single && go.len() > 1 {
            // It was cut before an answer told that this method goes alone.
            replies.extend(go.drain(1..).map(|place| (place, Reply::Later(Instant::now()))));
        }
        if go.is_empty() {
            return replies;
        }
        let counters = &self.portal.0.counters;
        counters.calls.add(go.len());
        let answered = match single {
            true => self.send_alone(go[0], announced).await,
            false => self.send_batch(&go, announced).await,
        };
        match answered {
            Ok(answered) => {
                if replies.is_empty() {
                    self.bar.note("");
                }
                replies.extend(answered);
                probes.into_iter().for_each(Probing::succeeded);
            }
            Err(error) => replies.extend(self.failed(&go, single, error)),
        }
        let again = replies.iter().filter(|(_, reply)| matches!(reply, Reply::Again(_))).count();
        counters.repeats.add(again);
        replies
    }

    /// Which commands may go now; the others wait for their method's time. Of a method that is being probed, one goes.
    fn admitted(&self, packet: Vec<usize>, single: bool) -> (Vec<usize>, Replies<T>, Vec<Probing<'_>>) {
        let budget = &self.portal.0.limits.budget;
        let (mut go, mut held, mut probes) = (Vec::with_capacity(packet.len()), Vec::new(), Vec::new());
        let glance = Instant::now() + GLANCE;
        let mut room = usize::MAX;
        if !single {
            match budget.turn(BATCH) {
                Turn::Go => {}
                Turn::Probe(probing) => {
                    probes.push(probing);
                    room = 1;
                }
                turn => {
                    let until = self.wait(BATCH, &turn, glance);
                    return (go, packet.into_iter().map(|place| (place, Reply::Later(until))).collect(), probes);
                }
            }
        }
        // Until when commands of a closed method wait; `None` for an open one.
        let mut closed: HashMap<&str, Option<Instant>> = HashMap::new();
        for place in packet {
            let key: &str = &self.commands[place].key;
            if room == 0 {
                held.push((place, Reply::Later(glance)));
                continue;
            }
            let until = *closed.entry(key).or_insert_with(|| match budget.turn(key) {
                Turn::Go => None,
                Turn::Probe(probing) => {
                    probes.push(probing);
                    Some(Instant::now())
                }
                turn => Some(self.wait(key, &turn, glance)),
            });
            match until {
                // This command is the probe; those after it wait for its outcome.
                Some(until) if until <= Instant::now() => {
                    closed.insert(key, Some(glance));
                    go.push(place);
                    room = room.saturating_sub(1);
                }
                Some(until) => held.push((place, Reply::Later(until))),
                None => {
                    go.push(place);
                    room = room.saturating_sub(1);
                }
            }
        }
        (go, held, probes)
    }

    /// Until when to wait, told to whoever watches.
    fn wait(&self, key: &str, turn: &Turn<'_>, glance: Instant) -> Instant {
        match turn {
            Turn::Wait(until) => {
                self.portal.note_closed(self.bar, key, *until);
                *until
            }
            _ => glance,
        }
    }

    async fn send_batch(&self, go: &[usize], announced: Announced<'_>) -> Result<Replies<T>> {
        let texts: Vec<String> = go.iter().map(|place| self.commands[*place].text()).collect();
        let named = texts.iter().enumerate().map(|(n, text)| (format!("c{n}").into(), text.as_str()));
        let body = wire::body(false, named);
        drop(texts);
        let budget = &self.portal.0.limits.budget;
        let open = |key: &str| budget.closed_until(key).is_none();
        let still = || open(BATCH) && go.iter().any(|place| open(&self.commands[*place].key));
        let mut request = Request::new(BATCH, Body::Json(&body), self.bar);
        request.commands = go.len();
        request.announced = Some(announced);
        request.called_off = Some(self.fatal.subscribe());
        request.still = Some(&still);
        let envelope = self.portal.deliver(&mut request).await?;
        let answer = Answer::read(envelope.result()).ok_or_else(|| {
            Error::new(Kind::Protocol, "b24.not_json", "batch: the answer is not that of a batch").retry(Retry::Unknown)
        })?;
        self.learn(go, &envelope, &answer);
        Ok(go.iter().enumerate().map(|(n, place)| (*place, self.reply(*place, answer.of(&format!("c{n}"))))).collect())
    }

    /// Takes what the answer says of the time budget, and that a batch of this size is not too large.
    fn learn(&self, go: &[usize], envelope: &Envelope, answer: &Answer<'_>) {
        let budget = &self.portal.0.limits.budget;
        if let Some(spent) = envelope.spent {
            budget.spent(BATCH, spent);
        }
        // A running total: the last command of each method has the latest.
        let mut latest = HashMap::new();
        for (n, place) in go.iter().enumerate() {
            let key: &str = &self.commands[*place].key;
            let spent = answer.spent(&format!("c{n}"));
            let known = latest.entry(key).or_insert(spent);
            *known = spent.or(*known);
        }
        for (key, spent) in latest {
            self.portal.grow(key, go.len());
            if let Some(spent) = spent {
                budget.spent(key, spent);
            }
        }
    }

    /// A call of its own, for methods that go into no batch. As a form it carries exactly what the batch would have.
    async fn send_alone(&self, place: usize, announced: Announced<'_>) -> Result<Replies<T>> {
        let command = &self.commands[place];
        let mut request = Request::new(&command.method, Body::Form(&command.query), self.bar);
        request.announced = Some(announced);
        request.called_off = Some(self.fatal.subscribe());
        let envelope = self.portal.deliver(&mut request).await?;
        if let Some(spent) = envelope.spent {
            self.portal.0.limits.budget.spent(&command.key, spent);
        }
        let part = Part { result: envelope.result(), next: envelope.next };
        let reply = (self.read)(place, part).map_or_else(Reply::Failed, Reply::Done);
        Ok(vec![(place, reply)])
    }

    /// What a batch's answer says of one command.
    fn reply(&self, place: usize, said: Said<'_>) -> Reply<T> {
        let command = &self.commands[place];
        match said {
            Said::Done { result, next, .. } => {
                (self.read)(place, Part { result, next }).map_or_else(Reply::Failed, Reply::Done)
            }
            Said::Failed(fault) => self.refused(command, &fault),
            Said::Nothing => {
                let message = format!("{}: the batch came back without a word about it", command.method);
                let error = Error::new(Kind::Protocol, "b24.no_answer", message).retry(Retry::Unknown);
                again(command, error.hint("try again; if it stays, use call for it"))
            }
        }
    }

    fn refused(&self, command: &Command, fault: &Fault) -> Reply<T> {
        let error = errors::error(&command.method, None, fault);
        match error.code() {
            "b24.OPERATION_TIME_LIMIT" => {
                self.portal.0.counters.refusals.add(1);
                Reply::Later(self.portal.close(self.bar, &command.key))
            }
            "b24.QUERY_LIMIT_EXCEEDED" => {
                self.portal.0.counters.refusals.add(1);
                Reply::Later(Instant::now() + BREATH)
            }
            "b24.ERROR_BATCH_METHOD_NOT_ALLOWED" => {
                self.alone().insert(command.key.clone());
                Reply::Later(Instant::now())
            }
            _ => again(command, error),
        }
    }

    /// What becomes of the commands of a request that failed as a whole.
    fn failed(&self, go: &[usize], single: bool, error: Error) -> Replies<T> {
        if error.code() == HELD {
            return go.iter().map(|place| (*place, Reply::Later(Instant::now()))).collect();
        }
        let keys: HashSet<&str> = go.iter().map(|place| &*self.commands[*place].key).collect();
        let is_too_much = matches!(error.http_status(), Some(504 | 413)) || error.code() == "b24.timeout";
        if is_too_much {
            keys.iter().for_each(|key| self.portal.halve(key, go.len()));
        }
        let alone = go.first().filter(|_| single);
        if error.code() == "b24.OPERATION_TIME_LIMIT" {
            self.portal.0.counters.refusals.add(1);
            let until = self.portal.close(self.bar, alone.map_or(BATCH, |place| &self.commands[*place].key));
            return go.iter().map(|place| (*place, Reply::Later(until))).collect();
        }
        let passes = match error.may_retry() {
            Retry::Unknown => true,
            Retry::Safe => is_too_much && go.len() > 1,
            Retry::Useless => false,
        };
        // A single method's refusal says nothing of the others.
        if !passes && !is_too_much && alone.is_none() {
            self.fatal.send_replace(Some(error.clone()));
        }
        let reply = |place: &usize| match passes {
            true => again(&self.commands[*place], error.clone()),
            false => Reply::Failed(error.clone()),
        };
        go.iter().map(|place| (*place, reply(place))).collect()
    }
}

/// A fault after which the command may have run: a reading one is repeated, a changing one is not.
fn again<T>(command: &Command, error: Error) -> Reply<T> {
    if command.changes {
        return match error.may_retry() {
            Retry::Safe => Reply::Again(error),
            _ => Reply::Failed(errors::of_change(error)),
        };
    }
    let error = errors::of_reading(error);
    match error.may_retry() {
        Retry::Safe => Reply::Again(error),
        _ => Reply::Failed(error),
    }
}
