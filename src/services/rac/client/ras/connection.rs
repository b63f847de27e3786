//! One connection with one endpoint: opening, versions, authentication, a request and its answer.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::{Error, Kind, Result, Retry};
use crate::services::rac::table::{Version, WRITING};
use crate::services::rac::wire::codec::{Malformed, Uuid, hex};
use crate::services::rac::wire::errors;
use crate::services::rac::wire::packet;

/// An answer of a hundred thousand sessions is a fifth of this.
const LARGEST: usize = 256 << 20;
/// A server that has not greeted within this time is none, however long its answers may take.
const GREETING: Duration = Duration::from_secs(60);
/// How much room is made before bytes have come, whatever length was announced.
const TRUSTED: usize = 1 << 20;
/// Bytes of a strange answer that are shown.
const SHOWN: usize = 16;

#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    pub answer: Duration,
}

/// Who asks. Authentication belongs to an endpoint, so an endpoint serves one of these.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// User and password, of each kind.
    pub agent: Option<(String, String)>,
    pub cluster: Option<(String, String)>,
    pub infobase: Option<(String, String)>,
}

/// What an endpoint has authenticated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proven {
    Agent,
    Cluster(Uuid),
    Infobase(Uuid),
}

pub struct Connection {
    stream: TcpStream,
    address: String,
    received: BytesMut,
    endpoint: usize,
    /// The server has closed the endpoint, so nothing more can be asked on it.
    is_closed: bool,
    pub version: Version,
    pub identity: Identity,
    pub proven: HashSet<Proven>,
    /// Its platform has been asked for and is no later one than those whose records are known.
    pub is_of_known_platform: bool,
    /// A request is on its way: what is sent now would stand in the middle of it.
    is_asking: bool,
    pub used: Instant,
    timeouts: Timeouts,
}

impl Connection {
    /// Connects, and opens an endpoint with the first of these versions that the server takes.
    pub async fn open(
        address: &str,
        versions: &[Version],
        identity: Identity,
        timeouts: Timeouts,
    ) -> Result<Connection> {
        let stream = match timeout(timeouts.connect, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(unreachable(address, &error.to_string()).caused_by(error)),
            Err(_) => {
                let waited = format!("no connection within {} s", timeouts.connect.as_secs_f64());
                return Err(unreachable(address, &waited));
            }
        };
        // Requests are small and waited for: holding them back to fill a segment costs more than it saves.
        stream.set_nodelay(true).map_err(|error| unreachable(address, &error.to_string()))?;
        let mut connection = Connection {
            stream,
            address: address.to_owned(),
            received: BytesMut::new(),
            endpoint: 0,
            is_closed: false,
            version: 0,
            identity,
            proven: HashSet::new(),
            is_of_known_platform: false,
            is_asking: false,
            used: Instant::now(),
            timeouts,
        };
        match timeout(timeouts.answer.min(GREETING), connection.begin(versions)).await {
            Ok(begun) => begun.map(|()| connection),
            Err(_) => Err(connection.stranger("it says nothing")),
        }
    }

    async fn begin(&mut self, versions: &[Version]) -> Result<()> {
        let milliseconds = i32::try_from(self.timeouts.connect.as_millis()).unwrap_or(i32::MAX);
        self.send(&packet::connect(milliseconds)).await?;
        while self.received.is_empty() {
            if matches!(self.stream.read_buf(&mut self.received).await, Ok(0) | Err(_)) {
                return Err(self.stranger("it closed the connection"));
            }
        }
        // Whatever else it speaks, its length would mean something else.
        if self.received[0] != packet::CONNECT_ACK {
            let said: String = String::from_utf8_lossy(&self.received).chars().take(SHOWN).collect();
            return Err(self.stranger(&format!("it says {said:?} ({})", hex(&self.received, SHOWN))));
        }
        self.packet().await?;
        let mut left = versions.to_vec();
        let mut refused = Vec::new();
        while !left.is_empty() {
            let asked = left.remove(0);
            self.send(&packet::endpoint_open(asked)).await?;
            match self.packet().await? {
                (packet::ENDPOINT_OPEN_ACK, payload) => return self.opened(&payload),
                (packet::ENDPOINT_FAILURE, payload) => {
                    refused.push(asked);
                    left = self.others(&payload, &refused, left)?;
                }
                (kind, payload) => {
                    return Err(
                        self.protocol(format!("packet {kind:02x} {} instead of an endpoint", hex(&payload, SHOWN)))
                    );
                }
            }
        }
        Err(self.no_version("it took none of the versions that are known"))
    }

    /// What to ask for next, after the server refused a version: the highest known one that it names, else the next of
    /// the list.
    fn others(&self, payload: &[u8], refused: &[Version], left: Vec<Version>) -> Result<Vec<Version>> {
        let failure = packet::endpoint_failure(payload).map_err(|malformed| self.malformed(&malformed))?;
        let supported = packet::supported(&failure);
        if supported.is_empty() {
            return Ok(left);
        }
        // A server may name what it refuses all the same.
        let usable = |version: &Version| WRITING.contains(version) && !refused.contains(version);
        let mut common: Vec<Version> = supported.iter().copied().filter(usable).collect();
        // The wish stands first: newer ones are for those who ask for them, or for servers that know nothing else.
        let wished = |version: &Version| left.iter().position(|wish| wish == version).unwrap_or(usize::MAX);
        common.sort_by_key(|version| (wished(version), std::cmp::Reverse(*version)));
        match common.is_empty() {
            true => {
                let listed: Vec<String> = supported.iter().map(|version| packet::version_text(*version)).collect();
                Err(self.no_version(&format!("it speaks {}", listed.join(", "))))
            }
            false => Ok(common),
        }
    }

    /// A server that opens another version than it was asked for is believed where reading that one is safe.
    fn opened(&mut self, payload: &[u8]) -> Result<()> {
        let (text, endpoint) = packet::endpoint_opened(payload).map_err(|malformed| self.malformed(&malformed))?;
        let version = packet::version_of(&text).filter(|version| WRITING.contains(version));
        self.version = version.ok_or_else(|| self.no_version(&format!("it opened {text}")))?;
        self.endpoint = endpoint;
        Ok(())
    }

    pub fn endpoint(&self) -> usize {
        self.endpoint
    }

    /// Whether the server has closed the endpoint.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether the server has closed the connection, or sent what nobody asked for.
    pub fn is_spent(&self) -> bool {
        self.is_closed
            || !self.received.is_empty()
            || !matches!(self.stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends the body of a request and gives the payload of its answer. Whoever gets an error that is not the server's
    /// own must drop the connection.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Bytes> {
        let longest = self.timeouts.answer;
        self.is_asking = true;
        let answer = timeout(longest, async {
            self.send(&packet::packet(packet::ENDPOINT_MESSAGE, request)).await?;
            loop {
                match self.packet().await? {
                    (packet::ENDPOINT_MESSAGE, payload) => return Ok(payload),
                    (packet::KEEP_ALIVE, _) => {}
                    (packet::ENDPOINT_FAILURE, payload) => {
                        self.is_closed = true;
                        let failure = packet::endpoint_failure(&payload).map_err(|error| self.malformed(&error))?;
                        let text = failure.text.to_string();
                        return Err(errors::from_exception(&failure.class, &text).detail("text", text));
                    }
                    (kind, payload) => {
                        return Err(
                            self.protocol(format!("packet {kind:02x} {} instead of an answer", hex(&payload, SHOWN)))
                        );
                    }
                }
            }
        });
        let answer = answer.await.unwrap_or_else(|_| {
            let message = format!("{}: no answer within {} s", self.address, longest.as_secs_f64());
            Err(Error::new(Kind::Timeout, "rac.no_answer", message)
                .retry(Retry::Unknown)
                .hint("raise `timeout`, or look whether the cluster is overloaded"))
        });
        self.used = Instant::now();
        self.is_asking = answer.is_err();
        answer
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.map_err(|error| self.cut(error))
    }

    /// The next packet: its type and what it holds.
    async fn packet(&mut self) -> Result<(u8, Bytes)> {
        loop {
            let head = packet::head(&self.received).map_err(|malformed| self.malformed(&malformed))?;
            if let Some((kind, length, head)) = head {
                if length > LARGEST {
                    return Err(self.protocol(format!("a packet of {length} bytes is announced")));
                }
                if self.received.len() >= head + length {
                    self.received.advance(head);
                    return Ok((kind, self.received.split_to(length).freeze()));
                }
                // What has come already is as good as announced: room doubles, and nothing is moved often.
                let trusted = TRUSTED.max(self.received.len());
                self.received.reserve((head + length - self.received.len()).min(trusted));
            }
            if self.stream.read_buf(&mut self.received).await.map_err(|error| self.cut(error))? == 0 {
                let within = if self.received.is_empty() { "" } else { " in the middle of a message" };
                let closed = io::Error::new(io::ErrorKind::UnexpectedEof, format!("closed{within}"));
                return Err(self.cut(closed));
            }
        }
    }

    fn cut(&self, error: io::Error) -> Error {
        let message = format!("{}: the connection was lost: {error}", self.address);
        Error::new(Kind::Unavailable, "rac.connection_lost", message)
            .retry(Retry::Unknown)
            .hint("look whether the administration server has been stopped or restarted")
            .caused_by(error)
    }

    pub fn malformed(&self, malformed: &Malformed) -> Error {
        self.protocol(malformed.to_string())
    }

    fn protocol(&self, what: String) -> Error {
        Error::new(Kind::Protocol, "rac.malformed_answer", format!("{}: cannot be read: {what}", self.address))
            .retry(Retry::Unknown)
            .hint("set transport = \"utility\" to ask through 1C's own rac, and tell the authors the server's version")
    }

    fn no_version(&self, what: &str) -> Error {
        let known: Vec<String> = WRITING.iter().rev().map(|version| packet::version_text(*version)).collect();
        let message = format!("{}: no common version of the protocol: {what}", self.address);
        Error::new(Kind::Protocol, "rac.unknown_version", message).hint(format!(
            "known here are {}; set transport = \"utility\" to ask through 1C's own rac",
            known.join(", ")
        ))
    }

    fn stranger(&self, what: &str) -> Error {
        Error::new(Kind::Protocol, "rac.not_ras", format!("{} is no administration server: {what}", self.address)).hint(
            "the port is that of ras, usually 1545; 1540 is the agent's and 1541 the cluster's, and neither answers here",
        )
    }
}

impl Drop for Connection {
    /// Says goodbye where that costs nothing; the server sees the connection end in any case.
    fn drop(&mut self) {
        if self.endpoint > 0 && !self.is_asking {
            let _ = self.stream.try_write(&packet::endpoint_close(self.endpoint));
        }
    }
}

fn unreachable(address: &str, why: &str) -> Error {
    Error::new(
        Kind::Unavailable,
        "rac.unreachable",
        format!("the administration server {address} cannot be reached: {why}"),
    )
    .retry(Retry::Safe)
    .hint("look whether ras runs there (`ras cluster --port=1545`) and whether a firewall stands between")
}
