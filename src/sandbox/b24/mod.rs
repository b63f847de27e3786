//! A simulated Bitrix24 portal on a loopback address.
//!
//! Built from `reference/bitrix24.md`: webhook and OAuth addresses, PHP-shaped JSON, pages, filters, `batch` with
//! references, the rate bucket and the operating-time budget, faults on request, REST 3.0 for tasks. Rows follow from a
//! seed, so a hundred thousand deals cost nothing until they are asked for. [`Knobs`] has every switch;
//! `/_sandbox/counters`, `/_sandbox/knobs` and their like watch and steer it over HTTP.

mod answer;
mod batch;
mod cell;
mod control;
mod counters;
mod crud;
mod filter;
mod http;
mod ids;
mod knobs;
mod limits;
mod list;
mod methods;
mod oauth;
mod params;
mod php;
mod rest;
mod run;
mod schema;
mod schema_crm;
mod schema_other;
mod seed;
mod sim;
mod single;
mod table;
mod tasks;
#[cfg(test)]
mod tests;
mod v3;
mod views;
mod words;
mod world;

pub use crate::sandbox::fault::Fault;
pub use knobs::{Faults, Knobs, Rows};

use crate::sandbox::http::{Bounds, serve};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running portal; dropping it closes the listener and every connection.
pub struct Portal {
    address: SocketAddr,
    webhook: String,
    listener: JoinHandle<()>,
}

impl Portal {
    /// Binds 127.0.0.1 at the knobs' port (0 takes a free one) and serves inside the current tokio runtime.
    pub async fn start(knobs: Knobs) -> std::io::Result<Portal> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, knobs.port)).await?;
        let address = listener.local_addr()?;
        let webhook = format!("http://{address}/rest/{}/{}/", knobs.user, knobs.code);
        let bounds = Bounds { connections: knobs.max_connections, head: knobs.max_head };
        let sim = Arc::new(sim::Sim::new(knobs, format!("http://{address}")));
        let listener = tokio::spawn(serve(listener, sim, bounds));
        Ok(Portal { address, webhook, listener })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The webhook's base address, with a slash at the end.
    pub fn webhook(&self) -> String {
        self.webhook.clone()
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
