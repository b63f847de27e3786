//! Who an endpoint says it is.

use std::collections::HashMap;

use super::row::{Cell, Id, Row};
use super::texts::Fail;

type Pair = (String, String);

/// What was said on one endpoint.
#[derive(Default)]
pub struct Identity {
    agent: Option<Pair>,
    clusters: HashMap<Id, Pair>,
    /// Pairs are added, not replaced: an endpoint may know users of several infobases.
    users: Vec<Pair>,
}

/// More pairs than anybody has infobases are not kept.
const MOST_PAIRS: usize = 1000;

impl Identity {
    /// Message 8.
    pub fn agent(&mut self, pair: Pair, admins: &[Row]) -> Result<(), Fail> {
        self.agent = Some(pair);
        self.is_agent_admin(admins).inspect_err(|_| self.agent = None)
    }

    /// Message 9.
    pub fn cluster(&mut self, cluster: Id, pair: Pair, admins: &[Row]) -> Result<(), Fail> {
        self.clusters.insert(cluster, pair);
        let outcome = self.is_cluster_admin(cluster, admins);
        if outcome.is_err() {
            self.clusters.remove(&cluster);
        }
        outcome
    }

    /// Message 10: whether the pair is right shows when an infobase is touched.
    pub fn infobase(&mut self, pair: Pair) {
        if !self.users.contains(&pair) && self.users.len() < MOST_PAIRS {
            self.users.push(pair);
        }
    }

    pub fn is_agent_admin(&self, admins: &[Row]) -> Result<(), Fail> {
        if knows(self.agent.as_ref(), admins) { Ok(()) } else { Err(Fail::AgentAdmin) }
    }

    pub fn is_cluster_admin(&self, cluster: Id, admins: &[Row]) -> Result<(), Fail> {
        if knows(self.clusters.get(&cluster), admins) { Ok(()) } else { Err(Fail::ClusterAdmin) }
    }

    /// Whether a user of infobases with these credentials was named; everybody is when there are none.
    pub fn is_user(&self, wanted: Option<(&str, &str)>) -> bool {
        wanted.is_none_or(|(user, password)| self.users.iter().any(|pair| pair.0 == user && pair.1 == password))
    }
}

/// Whether these credentials are an administrator's; nobody is asked where there are none.
fn knows(pair: Option<&Pair>, admins: &[Row]) -> bool {
    let is = |admin: &Row, (user, password): &Pair| {
        is_called(admin, user) && has_password(admin) && admin.text("pwd") == password
    };
    admins.is_empty() || pair.is_some_and(|pair| admins.iter().any(|admin| is(admin, pair)))
}

/// Whether this is the administrator's name; letters of both cases are the same.
pub fn is_called(admin: &Row, name: &str) -> bool {
    admin.text("name").to_lowercase() == name.to_lowercase()
}

/// Whether an administrator may come with a password.
pub fn has_password(admin: &Row) -> bool {
    matches!(admin.get("auth"), Some(Cell::Auth(true, _)))
}
