//! One request and its answer, and who carries it out.

use super::identity::Identity;
use super::knobs::{Knobs, credentials};
use super::row::{Cell, Id, NIL, Row};
use super::texts::Fail;
use super::world::{Cluster, Ground, World, own_id};
use super::{agent, clusters, infobases, limits, profiles, rules, servers, sessions, storages};
use crate::services::rac::table::Message;

/// A request that was read.
pub struct Ask<'a> {
    pub message: &'static Message,
    pub knobs: &'a Knobs,
    pub who: &'a mut Identity,
    body: std::vec::IntoIter<Cell>,
}

pub enum Answer<'w> {
    Void,
    Text(String),
    Id(Id),
    Bool(bool),
    One(&'w Row),
    Many(Vec<&'w Row>),
    /// Put together for this answer.
    Made(Vec<Row>),
}

pub type Outcome<'w> = Result<Answer<'w>, Fail>;
/// What carries out a message about a cluster.
pub type Act = for<'w> fn(&'w mut Cluster, &mut Ground, &mut Ask<'_>) -> Outcome<'w>;
/// Such by the names of their messages.
pub type Acts = &'static [(&'static str, Act)];

const ACTS: [Acts; 8] = [
    clusters::ACTS,
    servers::ACTS,
    infobases::ACTS,
    sessions::ACTS,
    rules::ACTS,
    profiles::ACTS,
    limits::ACTS,
    storages::ACTS,
];

impl<'a> Ask<'a> {
    pub fn new(message: &'static Message, knobs: &'a Knobs, who: &'a mut Identity, body: Vec<Cell>) -> Ask<'a> {
        Ask { message, knobs, who, body: body.into_iter() }
    }

    // The table says what a body holds, in this order; what it does not hold is empty.

    pub fn id(&mut self) -> Id {
        match self.body.next() {
            Some(Cell::Id(id)) => id,
            _ => NIL,
        }
    }

    pub fn text(&mut self) -> String {
        match self.body.next() {
            Some(Cell::Text(text) | Cell::Secret(text)) => text,
            _ => String::new(),
        }
    }

    pub fn int(&mut self) -> i64 {
        match self.body.next() {
            Some(Cell::Int(n)) => n,
            _ => 0,
        }
    }

    pub fn row(&mut self) -> Result<Row, Fail> {
        match self.body.next() {
            Some(Cell::Row(row)) => Ok(row),
            _ => Err(Fail::Cut),
        }
    }

    /// Whether a user who may do this to the infobase was named.
    pub fn may_touch(&self, base: &Row) -> Result<(), Fail> {
        match self.who.is_user(credentials(&self.knobs.infobase_user)) {
            true => Ok(()),
            false => Err(Fail::Rights(base.text("name").to_owned())),
        }
    }
}

impl World {
    /// Carries out a request.
    pub fn answer(&mut self, ask: &mut Ask<'_>) -> Outcome<'_> {
        match agent::act(ask.message.name) {
            Some(act) => act(self, ask),
            None => self.in_cluster(ask),
        }
    }

    fn in_cluster(&mut self, ask: &mut Ask<'_>) -> Outcome<'_> {
        let name = ask.message.name;
        if name == "register cluster admin" {
            ask.who.is_agent_admin(&self.agent_admins)?;
        }
        let (cluster, ground) = self.cluster(ask.id())?;
        if name != "cluster info" {
            ask.who.is_cluster_admin(cluster.id, &cluster.admins)?;
        }
        match ACTS.iter().copied().flatten().find(|(known, _)| *known == name) {
            Some((_, act)) => act(cluster, ground, ask),
            None => Err(Fail::Unknown(ask.message.id)),
        }
    }
}

/// One of these by its id.
pub fn one(rows: &[Row], id: Id, fail: Fail) -> Outcome<'_> {
    super::world::row_of(rows, id).map(Answer::One).ok_or(fail)
}

/// One of these by its name.
pub fn named<'w>(rows: impl IntoIterator<Item = &'w Row>, name: &str, fail: Fail) -> Outcome<'w> {
    rows.into_iter().find(|row| row.text("name") == name).map(Answer::One).ok_or(fail)
}

/// Puts a written record in the place of that with its id, or leaves it to the caller when it has none.
pub fn change<'w>(rows: impl IntoIterator<Item = &'w mut Row>, written: &Row) -> Option<Id> {
    let id = own_id(written);
    let row = rows.into_iter().find(|row| own_id(row) == id)?;
    row.change(written.clone());
    Some(id)
}
