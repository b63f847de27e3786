//! Waiting for locks.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Flow, Session};
use crate::sandbox::sp::sql::failure::{self, Needs};
use crate::sandbox::sp::sql::locks::{Asked, Lock, Owner, Resource};
use crate::sandbox::sp::world::World;

/// What waiting for a lock gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    AtOnce,
    Later,
    TimedOut,
    Deadlock,
}

/// A place in the queue, left when the wait ends in whatever way.
struct Queued<'a> {
    world: &'a World,
    spid: u16,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.world.state().locks.unqueue(self.spid);
        self.world.freed.notify_waiters();
    }
}

/// Waits for a lock, for ever without a limit.
pub async fn acquire(world: &World, wanted: &Lock, limit: Option<Duration>) -> Got {
    match world.state().locks.take(wanted) {
        Asked::Granted => return Got::AtOnce,
        Asked::Deadlock => return Got::Deadlock,
        Asked::Blocked => {}
    }
    let until = limit.map(|limit| Instant::now() + limit);
    let _queued = Queued { world, spid: wanted.spid };
    loop {
        let freed = world.freed.notified();
        tokio::pin!(freed);
        freed.as_mut().enable();
        {
            let mut state = world.state();
            match state.locks.take(wanted) {
                Asked::Granted => return Got::Later,
                Asked::Deadlock => return Got::Deadlock,
                Asked::Blocked => state.locks.queue(wanted),
            }
        }
        match until {
            None => freed.await,
            Some(until) => {
                if timeout_at(until, freed).await.is_err() {
                    return Got::TimedOut;
                }
            }
        }
    }
}

impl Session {
    /// LOCK_TIMEOUT; none is for ever.
    pub(in crate::sandbox::sp::sql) fn lock_timeout(&self) -> Option<Duration> {
        u64::try_from(self.own.options.lock_timeout).ok().map(Duration::from_millis)
    }

    /// Waits for a table that a statement cannot go on without.
    pub(in crate::sandbox::sp::sql) async fn wait_for_table(&mut self, needs: Needs) -> Flow<()> {
        let owner = if needs.keeps { Owner::Transaction } else { Owner::Statement };
        let (spid, resource) = (self.own.spid, Resource::Table(needs.table));
        let wanted = Lock { spid, resource, mode: needs.mode, owner, times: 0 };
        match acquire(&self.world, &wanted, self.lock_timeout()).await {
            Got::AtOnce | Got::Later => Ok(()),
            Got::TimedOut => Err(failure::lock_timeout().into()),
            Got::Deadlock => Err(failure::deadlock(spid, 51).into()),
        }
    }

    pub(in crate::sandbox::sp::sql) fn free_statement_locks(&mut self) {
        self.world.state().locks.free(self.own.spid, |owner| owner == Owner::Statement);
        self.world.freed.notify_waiters();
    }
}
