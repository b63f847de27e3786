//! The connections to one server: kept, lent, and never more than allowed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{Connection, Identity, Timeouts};
use crate::error::Result;
use crate::services::rac::table::{Version, WRITING};

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
    /// The version that the server took when it was asked as usual, and when it was asked for the newest. A record has
    /// more fields in a newer version, and what is read must not depend on which connection happens to be free.
    usual: Option<Version>,
    newest: Option<Version>,
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
    /// `versions`: what is asked for to read, the first wish first. What is written back is written in the newest whatever is
    /// wished: an older one would lose what it does not carry.
    pub fn new(address: String, versions: Vec<Version>, timeouts: Timeouts, most: usize) -> Pool {
        Pool { address, versions, timeouts, at_once: Arc::new(Semaphore::new(most)), shelf: Mutex::default(), most }
    }

    /// A connection for this identity; with `newest`, one of the newest version that the server and we know.
    pub async fn lend(&self, identity: &Identity, newest: bool) -> Result<Lent> {
        // The semaphore is never closed.
        let permit = self.at_once.clone().acquire_owned().await.ok();
        if let Some(connection) = self.take(identity, newest) {
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

    /// A kept connection that serves.
    fn take(&self, identity: &Identity, newest: bool) -> Option<Connection> {
        let mut shelf = self.shelf();
        shelf.idle.retain(|connection| connection.used.elapsed() < STALE && !connection.is_spent());
        let wanted = if newest { shelf.newest } else { shelf.usual };
        let serves = |kept: &Connection| kept.identity == *identity && Some(kept.version) == wanted;
        let found = shelf.idle.iter().rposition(serves)?;
        Some(shelf.idle.remove(found))
    }

    async fn open(&self, identity: &Identity, newest: bool) -> Result<Connection> {
        let known = self.shelf().newest;
        let versions = match (newest, known) {
            (false, _) => &self.versions[..],
            (true, None) => WRITING,
            (true, Some(known)) => &WRITING[WRITING.iter().position(|version| *version == known).unwrap_or(0)..],
        };
        let connection = Connection::open(&self.address, versions, identity.clone(), self.timeouts).await?;
        let mut shelf = self.shelf();
        *(if newest { &mut shelf.newest } else { &mut shelf.usual }) = Some(connection.version);
        drop(shelf);
        Ok(connection)
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
