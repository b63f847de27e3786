//! The running server's state: what its connections share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::ask::{Answer, Ask};
use super::bytes::{Reader, Unreadable};
use super::counters::Counters;
use super::identity::Identity;
use super::knobs::{Fault, Knobs};
use super::packet::{EXCEPTION, MESSAGE, Packet, VOID};
use super::texts::Fail;
use super::world::World;
use crate::services::rac::table::{
    AUTHENTICATE_AGENT, AUTHENTICATE_CLUSTER, AUTHENTICATE_INFOBASE, Message, Reply, Version, message,
};

/// A lock that outlives a panic of its holder: the state behind it is only data.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One administration server.
pub struct Sim {
    knobs: RwLock<Arc<Knobs>>,
    world: Mutex<World>,
    counters: Mutex<Counters>,
    /// How many messages each fault has seen, and how many of the next ones it has hit.
    faults: Mutex<BTreeMap<&'static str, (u64, u64)>>,
}

/// What a client opened.
pub struct Endpoint {
    pub number: usize,
    pub version: Version,
    pub identity: Identity,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Harm {
    Close,
    CloseAfter,
    Cut,
    Slow,
    Longer,
    Shorter,
    Huge,
    Kind,
    Number,
    Text,
    More,
    Hang,
    Exception,
}

impl Sim {
    pub fn new(knobs: Knobs) -> Sim {
        Sim {
            world: Mutex::new(super::seed::world(&knobs)),
            knobs: RwLock::new(Arc::new(knobs)),
            counters: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    pub fn knobs(&self) -> Arc<Knobs> {
        self.knobs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other switches from now on; faults count anew.
    pub fn set_knobs(&self, knobs: Knobs) {
        lock(&self.faults).clear();
        *self.knobs.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(knobs);
    }

    pub fn counters(&self) -> MutexGuard<'_, Counters> {
        lock(&self.counters)
    }

    /// What befalls the answer to this message.
    pub fn harm(&self, id: u8, knobs: &Knobs) -> Option<Harm> {
        let faults = &knobs.faults;
        if faults.message >= 0 && faults.message != i64::from(id) {
            return None;
        }
        let kinds: [(&'static str, &Fault, Harm); 13] = [
            ("close", &faults.close, Harm::Close),
            ("close_after", &faults.close_after, Harm::CloseAfter),
            ("cut", &faults.cut, Harm::Cut),
            ("slow", &faults.slow, Harm::Slow),
            ("longer", &faults.longer, Harm::Longer),
            ("shorter", &faults.shorter, Harm::Shorter),
            ("huge", &faults.huge, Harm::Huge),
            ("kind", &faults.kind, Harm::Kind),
            ("number", &faults.number, Harm::Number),
            ("text", &faults.text, Harm::Text),
            ("more", &faults.more, Harm::More),
            ("hang", &faults.hang, Harm::Hang),
            ("exception", &faults.exception, Harm::Exception),
        ];
        let mut wanted = kinds.into_iter().filter(|(_, fault, _)| **fault != Fault::default()).peekable();
        wanted.peek()?;
        let mut states = lock(&self.faults);
        let mut harm = None;
        for (name, fault, kind) in wanted {
            let (seen, hit) = states.entry(name).or_default();
            *seen += 1;
            let is_next = *hit < fault.next;
            if harm.is_none() && (is_next || (fault.every > 0 && seen.is_multiple_of(fault.every))) {
                *hit += u64::from(is_next);
                harm = Some((name, kind));
            }
        }
        let (name, kind) = harm?;
        *self.counters().faults.entry(name).or_default() += 1;
        Some(kind)
    }

    /// Carries out a message and writes its answer.
    pub fn answer(&self, endpoint: &mut Endpoint, id: u8, body: &[u8], knobs: &Knobs) -> Packet {
        {
            let mut counters = self.counters();
            *counters.messages.entry(id).or_default() += 1;
            let authenticates = [AUTHENTICATE_AGENT, AUTHENTICATE_CLUSTER, AUTHENTICATE_INFOBASE].contains(&id);
            counters.authentications += u64::from(authenticates);
        }
        let number = endpoint.number;
        match self.carry_out(endpoint, id, body, knobs) {
            Ok(packet) => packet,
            Err(fail) => self.exception(number, &fail, knobs),
        }
    }

    pub fn exception(&self, endpoint: usize, fail: &Fail, knobs: &Knobs) -> Packet {
        self.counters().exceptions += 1;
        Packet::answer(endpoint, EXCEPTION).trouble(&fail.class(), &fail.text(knobs.language), None)
    }

    fn carry_out(&self, endpoint: &mut Endpoint, id: u8, body: &[u8], knobs: &Knobs) -> Result<Packet, Fail> {
        let (number, version) = (endpoint.number, endpoint.version);
        let message = message(id).ok_or(Fail::Unknown(id))?;
        let body = read(message, body, version)?;
        let mut world = lock(&self.world);
        world.pass(knobs, &self.counters);
        let mut ask = Ask::new(message, knobs, &mut endpoint.identity, body);
        let answer = world.answer(&mut ask)?;
        if let Answer::Void = answer {
            return Ok(Packet::answer(number, VOID));
        }
        let packet = Packet::answer(number, MESSAGE).byte(message.answer);
        let is_one = matches!(message.reply, Reply::One(_));
        Ok(match answer {
            Answer::Void => packet,
            Answer::Text(text) => packet.text(&text),
            Answer::Id(id) => packet.id(id),
            Answer::Bool(is) => packet.byte(is.into()),
            Answer::One(row) => packet.row(row, version),
            Answer::Many(rows) => packet.rows(rows.into_iter(), version),
            Answer::Made(rows) if is_one => rows.iter().fold(packet, |packet, row| packet.row(row, version)),
            Answer::Made(rows) => packet.rows(rows.iter(), version),
        })
    }

    #[cfg(test)]
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

fn read(message: &Message, body: &[u8], version: Version) -> Result<Vec<super::row::Cell>, Fail> {
    // What follows is of a version that is not known here: real servers pass over it.
    Reader(body).cells(message.body, version).map_err(|error| match error {
        Unreadable::NotText => Fail::NotText,
        Unreadable::Cut | Unreadable::TooLong => Fail::Cut,
    })
}
