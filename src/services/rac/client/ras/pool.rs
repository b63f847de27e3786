//! The connections to one server: kept, lent, and never more than allowed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{Connection, Identity, Timeouts};
use crate::error::Result;
use crate::services::rac::table::{NEWEST, VERSIONS, Version};

/// After a longer rest somebody between may have forgotten the connection without a word.
const STALE: Duration = Duration::from_secs(60);

pub struct Pool {
    address: String,
    versions: Vec<Version>,
    timeouts: Timeouts,
    at_once: Arc<Semaphore>,
    shelf: Mutex<Shelf>,
    most: usize,
}

#[derive(Default)]
struct Shelf {
    /// The last one used is the last one here.
    idle: Vec<Connection>,
    /// The server has refused the newest version once, and is not asked for it again.
    newest_refused: bool,
}

/// A connection that nobody else uses. It goes back to the shelf only by [`Pool::give_back`]: whatever ends otherwise
/// ends the connection, since nobody knows what would come from it next.
pub struct Lent {
    pub connection: Connection,
    /// It has lain on the shelf, so the server may have lost it since.
    pub is_kept: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Pool {
    /// `versions`: what is asked for, the first wish first.
    pub fn new(address: String, versions: Vec<Version>, timeouts: Timeouts, most: usize) -> Pool {
        Pool { address, versions, timeouts, at_once: Arc::new(Semaphore::new(most)), shelf: Mutex::default(), most }
    }

    /// A connection for this identity; with `newest`, one of the newest version if the server has it.
    pub async fn lend(&self, identity: &Identity, newest: bool) -> Result<Lent> {
        // The semaphore is never closed.
        let permit = self.at_once.clone().acquire_owned().await.ok();
        let (kept, newest) = self.take(identity, newest);
        if let Some(connection) = kept {
            return Ok(Lent { connection, is_kept: true, _permit: permit });
        }
        let connection = self.open(identity, newest).await?;
        Ok(Lent { connection, is_kept: false, _permit: permit })
    }

    /// A fresh connection in place of a lent one.
    pub async fn again(&self, lent: Lent, newest: bool) -> Result<Lent> {
        let Lent { connection, _permit, .. } = lent;
        let identity = connection.identity.clone();
        drop(connection);
        let connection = self.open(&identity, newest).await?;
        Ok(Lent { connection, is_kept: false, _permit })
    }

    pub fn give_back(&self, lent: Lent) {
        let mut shelf = self.shelf();
        shelf.idle.push(lent.connection);
        if shelf.idle.len() > self.most {
            shelf.idle.remove(0);
        }
    }

    /// A kept connection that serves, and whether the newest version is still to be wished for.
    fn take(&self, identity: &Identity, newest: bool) -> (Option<Connection>, bool) {
        let mut shelf = self.shelf();
        shelf.idle.retain(|connection| connection.used.elapsed() < STALE && !connection.is_spent());
        let newest = newest && !shelf.newest_refused && self.may_be_newest();
        let serves = |kept: &Connection| kept.identity == *identity && (!newest || kept.version == NEWEST);
        let found = shelf.idle.iter().rposition(serves);
        (found.map(|at| shelf.idle.remove(at)), newest)
    }

    /// Whether the settings leave the choice of version to us.
    fn may_be_newest(&self) -> bool {
        self.versions.first() == Some(&VERSIONS[0])
    }

    async fn open(&self, identity: &Identity, newest: bool) -> Result<Connection> {
        let wished = newest && self.may_be_newest();
        let versions: Vec<Version> =
            wished.then_some(NEWEST).into_iter().chain(self.versions.iter().copied()).collect();
        let connection = Connection::open(&self.address, &versions, identity.clone(), self.timeouts).await?;
        if connection.newest_refused {
            self.shelf().newest_refused = true;
        }
        Ok(connection)
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
