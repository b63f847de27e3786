//! A simulated Orchestrator of Sherpa RPA on a loopback address.
//!
//! Built from `reference/robot.md`: heartbeats, jobs and their status, queues and tasks, resources, triggers, messages,
//! storage; forms, JSON and parts alike; plain HTTP and TLS on one port; a clock that can be put forward; faults by route,
//! count, chance and time. [`Knobs`] has every switch; `/_sandbox/…` steers it and tells what happened, `/` shows it.

mod asked;
mod assets;
mod call;
mod certificate;
mod clock;
mod control;
mod counters;
mod cron;
mod faults;
mod fields;
mod groups;
mod guid;
mod jobs;
mod knobs;
mod logs;
mod multipart;
mod page;
mod processes;
mod queues;
mod robots;
mod routes;
mod schedules;
mod seed;
mod shape;
mod sim;
mod site;
mod state;
mod storage;
mod table;
mod tasks;
#[cfg(test)]
mod tests;
mod things;
mod view;
mod watch;
mod world;

pub use knobs::{Absent, Knobs, Late, Which};

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::sandbox::http::{Bounds, serve};

/// A running Orchestrator; dropping it closes the listener and every connection.
pub struct Orchestrator {
    address: SocketAddr,
    sim: Arc<sim::Sim>,
    listener: JoinHandle<()>,
}

impl Orchestrator {
    /// Binds 127.0.0.1 at the knobs' port (0 takes a free one) and serves inside the current tokio runtime.
    pub async fn start(knobs: Knobs) -> std::io::Result<Orchestrator> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, knobs.port)).await?;
        let address = listener.local_addr()?;
        let bounds = Bounds { connections: knobs.max_connections, head: knobs.max_head };
        let sim = Arc::new(sim::Sim::new(knobs));
        let listener = tokio::spawn(serve(listener, sim.clone(), bounds));
        Ok(Orchestrator { address, sim, listener })
    }

    /// `http://127.0.0.1:PORT`; TLS is spoken at the same port.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The GUID of the first robot, which is its password as well.
    pub fn guid(&self) -> String {
        seed::FIRST.to_owned()
    }

    /// The account's key.
    pub fn api_key(&self) -> String {
        self.sim.world().knobs.api_key.clone()
    }

    /// How many times faster than ours its clock runs.
    pub fn speed(&self) -> f64 {
        self.sim.world().clock.speed()
    }

    /// The certificates of its TLS side, in PEM, the expired one and that of another host among them: who trusts these
    /// goes by what else is wrong. Made when first asked for.
    pub fn certificate(&self) -> Result<&str, &str> {
        self.sim.certificates().map(|certificates| certificates.pem.as_str())
    }
}

impl Drop for Orchestrator {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
