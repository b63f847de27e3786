//! Commands as messages: which one, with which values, after which authentication.

use std::borrow::Cow;

use bytes::Bytes;

use super::connection::{Connection, Identity, Proven};
use super::pool::{Lent, Pool};
use crate::error::{Error, Kind, Result, Retry};
use crate::services::rac::client::Call;
use crate::services::rac::table::{
    self, Answer, Message, Opt, Record, Reply, Slot, VERSIONS, Version, Way, Who, Wire, message,
};
use crate::services::rac::wire::codec::{self, Reader, Value};
use crate::services::rac::wire::errors;
use crate::services::rac::wire::packet::{self, Body};
use crate::services::rac::wire::shape::Given;

/// The native transport to one server.
pub struct Ras {
    pool: Pool,
}

/// What a server answered: the bytes, and how to read them.
#[derive(Debug)]
pub struct Answered {
    pub message: &'static Message,
    pub version: Version,
    /// Nothing for a void answer.
    pub body: Bytes,
    /// What is kept of the records: the values of these slots must be these.
    pub only: Vec<(&'static str, Value<'static>)>,
}

impl Ras {
    pub fn new(pool: Pool) -> Ras {
        Ras { pool }
    }

    /// Carries a call out. `exactly` as the utility would: without conditions that it does not know.
    pub async fn run(&self, call: &Call, exactly: bool) -> Result<Answered> {
        let newest = wants_newest(call);
        let mut lent = self.pool.lend(&identity(call), newest).await?;
        let changes = call.command.changes();
        let has_proof = !lent.connection.proven.is_empty();
        let mut outcome = carry_out(&mut lent.connection, call, exactly).await;
        let is_forgotten = lent.connection.is_closed() && !changes;
        if lent.is_kept && (is_forgotten || outcome.as_ref().is_err_and(|error| stale(error, changes, has_proof))) {
            lent = self.pool.again(lent, newest).await?;
            outcome = carry_out(&mut lent.connection, call, exactly).await;
        }
        self.finish(lent, changes, outcome)
    }

    /// A connection is kept after an answer, be it a refusal; after anything else nobody knows what it would say next.
    fn finish(&self, lent: Lent, changes: bool, outcome: Result<Answered>) -> Result<Answered> {
        match outcome {
            Ok(answered) => {
                self.pool.give_back(lent);
                Ok(answered)
            }
            Err(error) if is_connections(&error) => Err(match changes {
                true => error,
                false => error.retry(Retry::Safe),
            }),
            Err(error) => {
                self.pool.give_back(lent);
                Err(error)
            }
        }
    }
}

/// Whether the connection failed rather than the call.
fn is_connections(error: &Error) -> bool {
    matches!(error.code(), "rac.connection_lost" | "rac.malformed_answer" | "rac.no_answer")
}

/// Whether a kept connection may be at fault, so that a fresh one is worth trying: it was lost before a question that
/// changes nothing, or it authenticated before the administrators were others. Without such a proof a refusal is meant:
/// asking again would count as another wrong password.
fn stale(error: &Error, changes: bool, has_proof: bool) -> bool {
    (error.code() == "rac.connection_lost" && !changes) || (error.kind() == Kind::Auth && has_proof)
}

fn identity(call: &Call) -> Identity {
    let of = |who| call.credentials(who).map(|(user, password)| (user.to_owned(), password.to_owned()));
    Identity { agent: of(Who::Agent), cluster: of(Who::Cluster), infobase: of(Who::Infobase) }
}

/// Whether the version asked for by default could not carry the call, or would lose a part of the record that it writes
/// back: a server fills with defaults what the version of the one who writes does not know.
fn wants_newest(call: &Call) -> bool {
    let is_newer = |slot: &&Slot| slot.since > VERSIONS[0];
    match call.command.way {
        Way::Edit { write, .. } => {
            message(write).and_then(written).is_some_and(|record| record.slots.iter().any(|slot| is_newer(&slot)))
        }
        Way::Create { write } => message(write).is_some_and(|message| {
            let record = written(message).map_or(&[][..], |record| record.slots);
            message.body.iter().chain(record).filter(is_newer).any(|slot| call.given(slot.name).is_some())
        }),
        Way::Ask(_) | Way::Operate { .. } => false,
    }
}

/// The record that a message writes.
fn written(message: &'static Message) -> Option<&'static Record> {
    message.body.iter().find_map(|slot| match slot.wire {
        Wire::One(record) => Some(record),
        _ => None,
    })
}

async fn carry_out(to: &mut Connection, call: &Call, exactly: bool) -> Result<Answered> {
    authenticate(to, call).await?;
    if call.command.changes() {
        grant_access(to, call).await?;
    }
    match call.command.way {
        Way::Ask(_) => {
            let message = call.question().ok_or_else(|| unknown(call))?;
            let values = body(call, message, to.version, None)?;
            let mut answered = ask(to, message, &values).await?;
            answered.only = conditions(call, message, exactly);
            Ok(answered)
        }
        Way::Edit { read, write } => {
            let (read, write) = (known(call, read)?, known(call, write)?);
            refuse_to_lose(to, call).await?;
            let values = body(call, read, to.version, None)?;
            let found = ask(to, read, &values).await?;
            let Some((record, _)) = found.record() else { return Err(unknown(call)) };
            let mut reader = Reader::new(&found.body);
            let mut values = reader.record(record, to.version).map_err(|malformed| to.malformed(&malformed))?;
            keeps(call, record, to.version, &values, reader.rest().len())?;
            put(call, record, to.version, &mut values)?;
            let values = body(call, write, to.version, Some(values))?;
            ask(to, write, &values).await
        }
        Way::Create { write } => {
            let write = known(call, write)?;
            let record = written(write).ok_or_else(|| unknown(call))?;
            let mut values = codec::fresh(record, to.version);
            put(call, record, to.version, &mut values)?;
            let values = body(call, write, to.version, Some(values))?;
            ask(to, write, &values).await
        }
        Way::Operate { kind, argument } => super::storage::operate(to, call, kind, argument).await,
    }
}

/// Sends what this call's authentication needs and the endpoint has not sent yet. The utility does the same, with empty
/// texts where there are no credentials.
async fn authenticate(to: &mut Connection, call: &Call) -> Result<()> {
    if let Some(credentials) = call.credentials(Who::Agent).filter(|_| call.knows(Who::Agent)) {
        prove(to, Proven::Agent, Some(credentials)).await?;
    }
    let Some(Given::Id(cluster)) = call.given("cluster") else { return Ok(()) };
    if call.knows(Who::Cluster) {
        prove(to, Proven::Cluster(*cluster), call.credentials(Who::Cluster)).await?;
    }
    let credentials = call.credentials(Who::Infobase);
    // A list of everything is asked for without an infobase's user, by the utility as well.
    if call.knows(Who::Infobase) && (credentials.is_some() || !lists_all(call)) {
        prove(to, Proven::Infobase(*cluster), credentials).await?;
    }
    Ok(())
}

/// Whether a list is wanted that no infobase limits.
fn lists_all(call: &Call) -> bool {
    matches!(call.command.answer, Answer::Many(_)) && call.given("infobase").is_none()
}

async fn prove(to: &mut Connection, what: Proven, credentials: Option<(&str, &str)>) -> Result<()> {
    if to.proven.contains(&what) {
        return Ok(());
    }
    let (user, password) = credentials.unwrap_or_default();
    let (id, cluster) = match what {
        Proven::Agent => (table::AUTHENTICATE_AGENT, None),
        Proven::Cluster(cluster) => (table::AUTHENTICATE_CLUSTER, Some(cluster)),
        Proven::Infobase(cluster) => (table::AUTHENTICATE_INFOBASE, Some(cluster)),
    };
    let texts = [user, password].map(|text| Value::Text(Cow::Borrowed(text)));
    let values: Vec<Value<'_>> = cluster.map(Value::Uuid).into_iter().chain(texts).collect();
    if let Some(message) = message(id) {
        ask(to, message, &values).await?;
        to.proven.insert(what);
    }
    Ok(())
}

/// Sends one message and reads what came back as far as to know that it answers this.
pub(super) async fn ask(to: &mut Connection, message: &'static Message, values: &[Value<'_>]) -> Result<Answered> {
    let request = packet::request(to.endpoint(), message, values, to.version);
    let payload = to.ask(&request).await?;
    let (endpoint, body) = packet::message(&payload).map_err(|malformed| to.malformed(&malformed))?;
    let wrong = |what: String| Err(to.malformed(&codec::Malformed { what: message.name, at: 0, reason: what }));
    let body = match (body, message.reply) {
        (Body::Exception(exception), _) => {
            // As it came, for whoever must repeat it to the letter.
            let text = exception.text.to_string();
            return Err(errors::from_exception(&exception.class, &text).detail("text", text));
        }
        _ if endpoint != to.endpoint() => return wrong(format!("an answer for endpoint {endpoint}")),
        (Body::Void, Reply::Void) => Bytes::new(),
        (Body::Message(id, rest), reply) if id == message.answer && !matches!(reply, Reply::Void) => {
            payload.slice_ref(rest)
        }
        (Body::Void, _) => return wrong("an empty answer".into()),
        (Body::Message(id, _), _) => return wrong(format!("the answer {id} to the question {}", message.id)),
    };
    Ok(Answered { message, version: to.version, body, only: Vec::new() })
}

/// The newest platform whose records are known to the last field.
const PLATFORM: [u32; 3] = [8, 5, 1];

/// Records have grown in later platforms: written back without what is not known here, they would lose it. A server that
/// does not say what it is, is not a later one.
async fn refuse_to_lose(to: &mut Connection, call: &Call) -> Result<()> {
    if to.is_of_known_platform {
        return Ok(());
    }
    let said = match ask(to, known(call, table::AGENT_VERSION)?, &[]).await {
        Ok(answered) => answered.text()?,
        Err(error) if is_connections(&error) => return Err(error.retry(Retry::Safe)),
        Err(_) => String::new(),
    };
    let parts: Vec<u32> = said.split('.').map_while(|part| part.parse().ok()).collect();
    if parts.iter().take(PLATFORM.len()).gt(PLATFORM.iter()) {
        let message = format!(
            "{}: the server is {said}; what its records have gained since 8.5.1 would be lost when one is written back",
            call.name()
        );
        return Err(Error::new(Kind::Refused, "rac.too_new", message)
            .hint("set transport = \"utility\" on the connection: the server's own rac knows all of the record"));
    }
    to.is_of_known_platform = true;
    Ok(())
}

/// The values of a request: its record, what was given, what flags decide.
fn body<'v>(
    call: &Call,
    message: &'static Message,
    version: Version,
    mut record: Option<Vec<Value<'v>>>,
) -> Result<Vec<Value<'v>>> {
    let slots = message.body.iter().filter(|slot| slot.is_in(version));
    let value = |slot: &'static Slot| {
        if let Wire::One(_) = slot.wire {
            return Ok(Value::One(record.take().unwrap_or_default()));
        }
        if let Some(pick) = call.command.pick.as_ref().filter(|pick| pick.slot == slot.name) {
            let flag = pick.flags.iter().find(|(flag, _)| call.given(flag).is_some());
            return Ok(Value::Int(flag.map_or(pick.otherwise, |(_, number)| *number)));
        }
        match call.given(slot.name) {
            Some(given) => given.value(slot, version).map_err(|reason| unfit(call, slot.name, &reason)),
            None => Ok(Value::first(slot, version)),
        }
    };
    slots.map(value).collect()
}

/// Puts what was given into a record. What the version cannot carry is refused rather than forgotten.
fn put(call: &Call, record: &'static Record, version: Version, values: &mut [Value<'_>]) -> Result<()> {
    for (option, given) in call.all_given() {
        if option.selects || !settable(call, option, record) {
            continue;
        }
        match record.slots(version).zip(values.iter_mut()).find(|(slot, _)| slot.name == option.called) {
            Some((slot, value)) => {
                *value = given.value(slot, version).map_err(|reason| unfit(call, option.called, &reason))?;
            }
            None => return Err(too_old(call, option, version, record.slot(option.called).is_some())),
        }
    }
    Ok(())
}

/// Refuses to write a record back as another than was read: with fields missing that a server has and nobody here
/// knows, or with a text that is not UTF-8 and was read as what can be shown of it.
fn keeps(call: &Call, record: &Record, version: Version, values: &[Value<'_>], unknown: usize) -> Result<()> {
    let lost = |code: &'static str, message: String, hint: &str| {
        Err(Error::new(Kind::Protocol, code, format!("{}: {message}", call.name()))
            .hint(format!("{hint}set transport = \"utility\" on the connection: 1C's own rac can do it")))
    };
    if unknown > 0 {
        let message =
            format!("the server's {} has {unknown} bytes more than is known, which would be lost", record.name);
        return lost("rac.unknown_fields", message, "");
    }
    let is_changed = |(slot, value): &(&Slot, &Value<'_>)| {
        matches!(value, Value::Text(Cow::Owned(_))) && call.given(slot.name).is_none()
    };
    match record.slots(version).zip(values).find(is_changed) {
        None => Ok(()),
        Some((slot, _)) => {
            let message = format!("`{}` holds a text that is not UTF-8, which would be lost", slot.name);
            lost("rac.bad_text", message, "give it anew in the same call, or ")
        }
    }
}

/// Whether the option is a part of the record, rather than one that says which record, or how.
fn settable(call: &Call, option: &Opt, record: &Record) -> bool {
    let picked =
        call.command.pick.as_ref().is_some_and(|pick| pick.flags.iter().any(|(flag, _)| *flag == option.called));
    let in_body =
        |id: u8| message(id).is_some_and(|message| message.body.iter().any(|slot| slot.name == option.called));
    let aside = match call.command.way {
        Way::Edit { read, write } => in_body(read) || in_body(write),
        Way::Create { write } => in_body(write),
        _ => true,
    };
    let is_key = record.slots.first().is_some_and(|slot| slot.name == option.called && matches!(slot.wire, Wire::Uuid));
    let is_credential = [Who::Agent, Who::Cluster, Who::Infobase]
        .iter()
        .any(|who| table::credentials(*who).iter().any(|known| known.name == option.name));
    !(picked || aside || is_key || is_credential || option.name == "access")
}

/// `--access` of a profile's lists is a flag of the profile itself: it is read, changed and written back.
async fn grant_access(to: &mut Connection, call: &Call) -> Result<()> {
    let Some(Given::Number(access)) = call.given("access") else { return Ok(()) };
    let (Some(Given::Id(cluster)), Some(Given::Text(profile))) = (call.given("cluster"), call.given("profile")) else {
        return Ok(());
    };
    let (Some(kind), version) = (call.command.words.get(1), to.version) else { return Ok(()) };
    let (read, write) = (known(call, table::PROFILES)?, known(call, table::CHANGE_PROFILE)?);
    refuse_to_lose(to, call).await?;
    let found = ask(to, read, &[Value::Uuid(*cluster)]).await?;
    let record = &table::PROFILE;
    let mut reader = Reader::new(&found.body);
    let count = reader.count().map_err(|malformed| to.malformed(&malformed))?;
    for _ in 0..count {
        let mut values = reader.record(record, version).map_err(|malformed| to.malformed(&malformed))?;
        let named = |name: &str| record.slots(version).position(|slot| slot.name == name);
        if matches!(named("name").map(|at| &values[at]), Some(Value::Text(name)) if name == profile) {
            if let Some(at) = named(kind) {
                values[at] = Value::Bool(*access != 0);
            }
            keeps(call, record, version, &values, 0)?;
            ask(to, write, &[Value::Uuid(*cluster), Value::One(values)]).await?;
            return Ok(());
        }
    }
    Err(Error::new(Kind::NotFound, "rac.profile_not_found", format!("there is no security profile {profile}"))
        .hint("rac::profile_list() lists them"))
}

/// Conditions on records that the message itself does not know.
fn conditions(call: &Call, message: &'static Message, exactly: bool) -> Vec<(&'static str, Value<'static>)> {
    let Reply::Many(record) = message.reply else { return Vec::new() };
    let known = |name: &str| message.body.iter().any(|slot| slot.name == name) || record.slot(name).is_none();
    let given = call.all_given().iter().filter(|(option, _)| !known(option.called));
    // The utility takes this one and prints every lock all the same.
    let given = given.filter(|(option, _)| !(exactly && option.name == "session"));
    let value = |given: &Given| match given {
        Given::Id(id) => Some(Value::Uuid(*id)),
        Given::Text(text) => Some(Value::Text(Cow::Owned(text.clone()))),
        _ => None,
    };
    given.filter_map(|(option, given)| Some((option.called, value(given)?))).collect()
}

pub(super) fn known(call: &Call, id: u8) -> Result<&'static Message> {
    message(id).ok_or_else(|| unknown(call))
}

fn unknown(call: &Call) -> Error {
    Error::new(Kind::Refused, "rac.only_utility", format!("{}: nobody knows how the protocol says this", call.name()))
        .hint("set transport = \"utility\" on the connection: 1C's own rac can do it")
}

fn unfit(call: &Call, name: &str, reason: &str) -> Error {
    Error::input("rac.wrong_option", format!("{}: `{}`: {reason}", call.name(), name.replace('-', "_")))
}

fn too_old(call: &Call, option: &Opt, version: Version, is_known: bool) -> Error {
    let name = option.script_name();
    let message = match is_known {
        true => {
            format!("{}: version {version}.0 of the protocol, which the server speaks, has no `{name}`", call.name())
        }
        false => format!("{}: nobody knows how the protocol says `{name}`", call.name()),
    };
    Error::new(Kind::Refused, "rac.too_old", message)
        .hint("leave it out, or set transport = \"utility\" to ask through the server's own rac")
}

impl Answered {
    /// Whether the answer is a list, or one record.
    pub fn record(&self) -> Option<(&'static Record, bool)> {
        match self.message.reply {
            Reply::Many(record) => Some((record, true)),
            Reply::One(record) => Some((record, false)),
            _ => None,
        }
    }

    /// How many records are announced.
    pub fn count(&self) -> usize {
        match self.record() {
            Some((_, true)) => Reader::new(&self.body).count().unwrap_or(0),
            Some((_, false)) => 1,
            None => 0,
        }
    }

    /// Calls with the values of each record that is wanted.
    pub fn each(&self, mut take: impl FnMut(&[Value<'_>]) -> Result<()>) -> Result<()> {
        let Some((record, many)) = self.record() else { return Ok(()) };
        let wrong = |malformed: codec::Malformed| {
            let message = format!("the answer to {} cannot be read: {malformed}", self.message.name);
            Error::new(Kind::Protocol, "rac.malformed_answer", message).retry(Retry::Safe).hint(
                "set transport = \"utility\" to ask through 1C's own rac, and tell the authors the server's version",
            )
        };
        let place = |name: &str| record.slots(self.version).position(|slot| slot.name == name);
        let only: Vec<(usize, &Value<'_>)> =
            self.only.iter().filter_map(|(name, value)| Some((place(name)?, value))).collect();
        let mut reader = Reader::new(&self.body);
        let count = if many { reader.count().map_err(wrong)? } else { 1 };
        let slots: Vec<&'static Slot> = record.slots(self.version).collect();
        let mut values = Vec::with_capacity(slots.len());
        for _ in 0..count {
            values.clear();
            reader.slots_into(&slots, self.version, &mut values).map_err(wrong)?;
            if only.iter().all(|(at, value)| values[*at] == **value) {
                take(&values)?;
            }
        }
        Ok(())
    }

    /// The id that was made, or the text that was said.
    pub fn text(&self) -> Result<String> {
        let mut reader = Reader::new(&self.body);
        let text = match self.message.reply {
            Reply::Uuid => reader.uuid().map(|id| id.to_string()),
            _ => reader.text().map(Cow::into_owned),
        };
        text.map_err(|malformed| {
            let message = format!("the answer to {} cannot be read: {malformed}", self.message.name);
            Error::new(Kind::Protocol, "rac.malformed_answer", message).hint("tell the authors the server's version")
        })
    }
}
