//! A simulated controller of ECP VeiL on a loopback address.
//!
//! Built from `reference/veil.md`: objects with lists and full forms, tasks that move with the clock, locks, power,
//! clones, the guest agent, files, tags, backups, snapshots, events, the event stream, plain HTTP and TLS on one port.
//! [`Knobs`] has every switch; `/_sandbox/counters`, `/_sandbox/knobs` and their like watch and steer it over HTTP.

mod asked;
mod call;
mod certificate;
mod control;
mod counters;
mod create;
mod feed;
mod form;
mod guest;
mod hardware;
mod ids;
mod keys;
mod kind;
mod knobs;
mod list;
mod login;
mod media;
mod out;
mod power;
mod routes;
mod seed;
mod show;
mod show_hardware;
mod show_more;
mod sim;
mod site;
mod snapshots;
mod swagger;
mod table;
mod tags;
mod task_calls;
mod tasks;
#[cfg(test)]
mod tests;
mod text;
mod things;
mod tokens;
mod upgrade;
mod world;

pub use knobs::{Faults, Knobs};

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::sandbox::http::{Bounds, serve};

/// A running controller; dropping it closes the listener and every connection.
pub struct Controller {
    address: SocketAddr,
    token: String,
    sim: Arc<sim::Sim>,
    listener: JoinHandle<()>,
}

impl Controller {
    /// Binds 127.0.0.1 at the knobs' port (0 takes a free one) and serves inside the current tokio runtime.
    pub async fn start(knobs: Knobs) -> std::io::Result<Controller> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, knobs.port)).await?;
        let address = listener.local_addr()?;
        let token = format!("jwt {}", tokens::robot(&knobs));
        let bounds = Bounds { connections: knobs.max_connections, head: knobs.max_head };
        let sim = Arc::new(sim::Sim::new(knobs));
        let served = sim.clone();
        let listener = tokio::spawn(async move {
            tokio::select! { () = serve(listener, served.clone(), bounds) => {} () = served.pulse() => {} }
        });
        Ok(Controller { address, token, sim, listener })
    }

    /// `127.0.0.1:PORT`, for plain HTTP and TLS alike.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// An integration token, with the word before it.
    pub fn token(&self) -> String {
        self.token.clone()
    }

    /// The token of somebody who may only read.
    pub fn read_only_token(&self) -> String {
        format!("jwt {}", tokens::reader(&self.sim.world().knobs))
    }

    /// The certificate of its TLS side, in PEM; it is its own authority. Made when first asked for.
    pub fn certificate(&self) -> Result<&str, &str> {
        self.sim.certificate().map(|certificate| certificate.pem.as_str())
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
