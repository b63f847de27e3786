//! Connections that are kept: found again by server, database and login, bounded for each server.
//!
//! The driver cannot ask a server to reset a session, so a connection is only kept when nothing was left in it; whoever is
//! in doubt throws it away, which costs the next one a login and nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::driver::{Connection, Driver, Login, Place, Request};
use super::way;
use crate::error::{Error, Result};

/// A connection that nobody used for longer is looked at before it is used again.
const FRESH: Duration = Duration::from_secs(2);
/// Nobody waits longer for that look.
const LOOK: Duration = Duration::from_secs(5);
/// A connection that nobody used for longer is closed.
const KEPT: Duration = Duration::from_secs(300);

/// The connections of one opened connection of `pult.toml`; cheap to clone.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    driver: Arc<dyn Driver>,
    /// Connections to a server, those that rest included.
    most: usize,
    servers: Mutex<HashMap<String, Server>>,
}

struct Server {
    gate: Arc<Semaphore>,
    resting: Vec<Resting>,
}

/// A connection that waits for its next use.
struct Resting {
    key: String,
    connection: Box<dyn Connection>,
    since: Instant,
}

/// A connection in use. Dropped, it is closed; [`Lease::give_back`] keeps it.
pub struct Lease {
    pub connection: Box<dyn Connection>,
    /// It was used before, and may have been lost since.
    pub is_used: bool,
    server: String,
    key: String,
    pool: Pool,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// At most so many connections to a server.
    pub fn new(driver: Arc<dyn Driver>, most: usize) -> Pool {
        Pool(Arc::new(Inner { driver, most: most.max(1), servers: Mutex::default() }))
    }

    fn servers(&self) -> MutexGuard<'_, HashMap<String, Server>> {
        self.0.servers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits until there is room at the server, then gives a kept connection or a new one.
    pub async fn take(&self, place: &Place) -> Result<Lease> {
        let (server, key) = (way::shown(place), key(place));
        let gate = self.gate(&server);
        let permit = gate.acquire_owned().await.map_err(|_| Error::stopped())?;
        while let Some(mut found) = self.resting(&server, &key) {
            if found.since.elapsed() < FRESH || answers(found.connection.as_mut()).await {
                let Resting { connection, .. } = found;
                return Ok(Lease { connection, is_used: true, server, key, pool: self.clone(), _permit: permit });
            }
        }
        self.make_room(&server);
        let connection = self.0.driver.connect(place).await?;
        Ok(Lease { connection, is_used: false, server, key, pool: self.clone(), _permit: permit })
    }

    /// How many connections to a server rest.
    pub fn at_rest(&self, place: &Place) -> usize {
        self.servers().get(&way::shown(place)).map_or(0, |server| server.resting.len())
    }

    fn gate(&self, server: &str) -> Arc<Semaphore> {
        let mut servers = self.servers();
        let fresh = || Server { gate: Arc::new(Semaphore::new(self.0.most)), resting: Vec::new() };
        servers.entry(server.to_owned()).or_insert_with(fresh).gate.clone()
    }

    /// The connection used last, which is the least likely to be lost.
    fn resting(&self, server: &str, key: &str) -> Option<Resting> {
        let mut servers = self.servers();
        let resting = &mut servers.get_mut(server)?.resting;
        resting.retain(|resting| resting.since.elapsed() < KEPT);
        let at = resting.iter().rposition(|resting| resting.key == key)?;
        Some(resting.remove(at))
    }

    /// Closes what rests too long in the way: all connections together stay within the bound.
    fn make_room(&self, server: &str) {
        let mut servers = self.servers();
        let Some(server) = servers.get_mut(server) else { return };
        let in_use = self.0.most.saturating_sub(server.gate.available_permits());
        let room = self.0.most.saturating_sub(in_use);
        let too_many = server.resting.len().saturating_sub(room);
        server.resting.drain(..too_many);
    }
}

impl Lease {
    /// Keeps the connection for the next use. To be called when nothing was left in its session.
    pub fn give_back(self) {
        let Lease { connection, server, key, pool, .. } = self;
        if let Some(server) = pool.servers().get_mut(&server) {
            server.resting.push(Resting { key, connection, since: Instant::now() });
        }
    }
}

/// What a connection is found again by. One pool knows no login under two passwords.
fn key(place: &Place) -> String {
    let user = match &place.login {
        Login::User { user, .. } => user.as_str(),
        Login::Integrated => "",
    };
    format!("{}\0{user}", place.database.as_deref().unwrap_or_default())
}

/// Whether a connection is still there.
async fn answers(connection: &mut dyn Connection) -> bool {
    let request = Request::Batch("SELECT 1".into());
    let look = async {
        let mut answer = connection.run(&request).await?;
        while answer.next().await?.is_some() {}
        Ok::<(), Error>(())
    };
    matches!(tokio::time::timeout(LOOK, look).await, Ok(Ok(())))
}
