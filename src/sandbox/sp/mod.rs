//! A simulated SQL Server on a loopback address: the protocol (TDS 7.1 to 8.0) and a small T-SQL behind it.
//!
//! Built from MS-TDS and `reference/stored-procedures.md`: every kind of encryption, batches and calls of procedures,
//! types in both directions, transactions, attention, messages and errors, the procedures and checks of the catalogue
//! with a state behind them. [`Knobs`] has every switch; `EXEC sandbox.knobs`, `sandbox.calls` and their like watch and
//! steer it from within.

mod answer;
mod bytes;
mod codepage;
mod connection;
mod hub;
mod incoming;
mod knobs;
mod login;
mod measure;
mod packet;
mod perform;
mod prelogin;
mod request;
mod shape;
mod spelling;
pub mod sql;
#[cfg(test)]
mod tests;
mod tls;
mod tokens;
mod version;
mod world;

pub use hub::{Call, Client, Hub};
pub use knobs::{Encryption, Failure, Knobs};

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use sql::World;
use tls::Certificate;

/// A running server; dropping it closes the listener and every connection.
pub struct SqlServer {
    address: SocketAddr,
    server: Arc<Server>,
    listener: JoinHandle<()>,
}

/// What connections share.
struct Server {
    hub: Arc<Hub>,
    world: OnceLock<Arc<World>>,
    certificate: OnceLock<Result<Certificate, String>>,
}

impl Server {
    /// The databases, made when somebody first connects: most who start a sandbox never ask for them.
    fn world(&self) -> &Arc<World> {
        self.world.get_or_init(|| Arc::new(World::new(self.hub.clone())))
    }

    /// The certificate, made when first asked for.
    fn certificate(&self) -> io::Result<&Certificate> {
        self.certificate.get_or_init(Certificate::new).as_ref().map_err(|error| io::Error::other(error.as_str()))
    }
}

impl SqlServer {
    /// Binds 127.0.0.1 at the knobs' port (0 takes a free one) and serves inside the current tokio runtime.
    pub async fn start(knobs: Knobs) -> io::Result<SqlServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, knobs.port)).await?;
        let address = listener.local_addr()?;
        let most = knobs.max_connections;
        let hub = Arc::new(Hub::new(knobs));
        let server = Arc::new(Server { hub, world: OnceLock::new(), certificate: OnceLock::new() });
        let listener = tokio::spawn(accept(listener, server.clone(), most));
        Ok(SqlServer { address, server, listener })
    }

    /// Where it listens: `127.0.0.1:1433`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The login that it knows.
    pub fn user(&self) -> String {
        self.server.hub.knobs().user.clone()
    }

    /// The password of that login: a word of the sandbox, not a secret.
    pub fn password(&self) -> String {
        self.server.hub.knobs().password.clone()
    }

    /// The certificate in PEM; it is its own authority. Made when first asked for.
    pub fn certificate(&self) -> io::Result<&str> {
        Ok(&self.server.certificate()?.pem)
    }

    /// Switches, log and clients, for tests that look at what it was asked.
    pub fn hub(&self) -> &Hub {
        &self.server.hub
    }
}

impl Drop for SqlServer {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Reads bytes as everything that a client can send, and forgets them: for tests of what nobody would send.
pub fn read_anything(bytes: &[u8]) {
    let Some((&kind, body)) = bytes.split_first() else { return };
    let message = packet::Message { kind, status: 1, body: body.to_vec() };
    // Whether it is taken or refused does not matter, only that it is one of them.
    for version in [version::Version::V7_4, version::Version::V7_1] {
        request::Request::read(&message, version).ok();
    }
    prelogin::Prelogin::read(body).ok();
    login::Login::read(body).ok();
}

async fn accept(listener: TcpListener, server: Arc<Server>, most: usize) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                // One too many is sent away without a word, as by a server that has no more workers.
                Ok((stream, _)) if connections.len() < most => {
                    connections.spawn(connection::serve(stream, server.clone()));
                }
                Ok(_) => {}
                // Too many files are open, say: a moment later there may be room again.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            // Those that have ended are let go of.
            Some(_) = connections.join_next() => {}
        }
    }
}
