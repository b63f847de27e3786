//! A simulated administration server of 1C clusters (`ras`) on a loopback address.
//!
//! Built from `reference/ras-protocol.md` and `reference/rac.md`: several endpoints on a connection, the layouts of
//! versions 3.0 to 16.0, authentication, refusals as the real server words them, and a world that remembers
//! what was done to it. What there is to administer comes from the one table; bytes are read and written here, apart
//! from our client, so that neither hides the other's slips. [`Knobs`] has every switch, [`Counters`] what happened.

mod agent;
mod ask;
mod book;
mod bytes;
mod chance;
mod clusters;
mod connection;
mod counters;
mod identity;
mod infobases;
mod knobs;
mod limits;
mod packet;
mod people;
mod profiles;
mod row;
mod rules;
mod seed;
mod seed_rules;
mod servers;
mod session;
mod sessions;
mod sim;
mod storages;
#[cfg(test)]
mod tests;
mod texts;
mod words;
mod world;

pub use counters::Counters;
pub use knobs::{Fault, Faults, Knobs};
pub use texts::Language;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// A running server; dropping it closes the listener and every connection.
pub struct RasServer {
    address: SocketAddr,
    sim: Arc<sim::Sim>,
    listener: JoinHandle<()>,
}

impl RasServer {
    /// Binds 127.0.0.1 at the knobs' port (0 takes a free one) and serves inside the current tokio runtime.
    pub async fn start(knobs: Knobs) -> std::io::Result<RasServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, knobs.port)).await?;
        let address = listener.local_addr()?;
        let sim = Arc::new(sim::Sim::new(knobs));
        let listener = tokio::spawn(accept(listener, sim.clone()));
        Ok(RasServer { address, sim, listener })
    }

    /// Where it listens, as the utility takes it: `127.0.0.1:1545`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.sim.counters().clone()
    }

    /// Counts anew; connections that are open still are.
    pub fn reset_counters(&self) {
        let mut counters = self.sim.counters();
        let active = counters.active;
        *counters = Counters { active, most_active: active, ..Counters::default() };
    }

    pub fn knobs(&self) -> Knobs {
        (*self.sim.knobs()).clone()
    }

    /// Changes switches while it runs; those that are read at the start stay as they were.
    pub fn set_knobs(&self, knobs: Knobs) {
        self.sim.set_knobs(knobs);
    }
}

impl Drop for RasServer {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(listener: TcpListener, sim: Arc<sim::Sim>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection::serve(stream, sim.clone()))),
                // Too many files are open, say: a moment later there may be room again.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            },
            // Those that have ended are let go of.
            Some(_) = connections.join_next() => {}
        }
    }
}
