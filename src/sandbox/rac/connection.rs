//! One connection: packets in, packets out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::bytes::{NULL, Reader};
use super::identity::Identity;
use super::knobs::Knobs;
use super::packet::{self, Packet};
use super::sim::{Endpoint, Harm, Sim};
use super::texts::Fail;
use crate::services::rac::table::{Version, WRITING};

const SERVICE: &str = "v8.service.Admin.Cluster";
/// The class of the cause when a service, or its version, is not served.
const UNSUPPORTED: &str = "v8.service.UnsupportedService";
/// Answers that wait to be sent; who sends more before reading has to wait.
const WAITING: usize = 64;

/// Something to send.
struct Out {
    packet: Packet,
    /// Between two bytes; all at once otherwise.
    pause: Option<Duration>,
    is_last: bool,
}

/// What a packet leads to.
enum Step {
    Nothing,
    Send(Out),
    End,
}

fn send(packet: Packet) -> Step {
    let length = packet.length();
    Step::Send(Out { packet: packet.sealed(length), pause: None, is_last: false })
}

/// Serves a connection until either side ends it.
pub async fn serve(stream: TcpStream, sim: Arc<Sim>) {
    // Answers are small and awaited.
    let _ = stream.set_nodelay(true);
    let _open = Open::new(sim.clone());
    let (read, write) = stream.into_split();
    let (to, from) = mpsc::channel(WAITING);
    let speaking = speak(write, from, sim.clone());
    tokio::pin!(speaking);
    let talk = Talk { sim, endpoints: BTreeMap::new(), opened: 0, is_connected: false, messages: 0 };
    tokio::select! {
        () = listen(read, talk, to) => speaking.await,
        () = &mut speaking => {}
    }
}

/// Counts a connection for as long as it is open.
struct Open(Arc<Sim>);

impl Open {
    fn new(sim: Arc<Sim>) -> Open {
        let mut counters = sim.counters();
        counters.connections += 1;
        counters.active += 1;
        counters.most_active = counters.most_active.max(counters.active);
        drop(counters);
        Open(sim)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counters().active -= 1;
    }
}

async fn listen(mut read: OwnedReadHalf, mut talk: Talk, to: mpsc::Sender<(Instant, Out)>) {
    let mut buffer: Vec<u8> = Vec::with_capacity(4096);
    let mut is_greeted = false;
    loop {
        match read.read_buf(&mut buffer).await {
            Ok(count) if count > 0 => talk.sim.counters().bytes_received += count as u64,
            _ => return,
        }
        let arrived = Instant::now();
        let mut at = 0;
        if !is_greeted {
            match greeting(&buffer, &talk.sim) {
                Greeting::Partial => continue,
                Greeting::Wrong(answer) => {
                    let _ = to.send((arrived, answer)).await;
                    return;
                }
                Greeting::Right => (is_greeted, at) = (true, packet::GREETING),
            }
        }
        loop {
            let (kind, place) = match packet::whole(&buffer[at..]) {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(_) => return,
            };
            let payload = &buffer[at + place.start..at + place.end];
            match talk.packet(kind, payload) {
                Step::Nothing => {}
                Step::End => return,
                Step::Send(out) => {
                    let due = arrived + Duration::from_secs_f64(talk.sim.knobs().latency_ms.max(0.0) / 1000.0);
                    if to.send((due, out)).await.is_err() {
                        return;
                    }
                }
            }
            at += place.end;
        }
        buffer.drain(..at);
    }
}

enum Greeting {
    Partial,
    Right,
    /// With what is said before the connection is closed.
    Wrong(Out),
}

fn greeting(bytes: &[u8], sim: &Sim) -> Greeting {
    let last = |bytes: &[u8]| Out { packet: Packet::raw(bytes), pause: None, is_last: true };
    if sim.knobs().faults.stranger {
        return Greeting::Wrong(last(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    }
    let known = bytes.len().min(packet::MAGIC.len());
    if bytes[..known] != packet::MAGIC[..known] {
        return Greeting::Wrong(last(b""));
    }
    if bytes.len() < packet::GREETING { Greeting::Partial } else { Greeting::Right }
}

async fn speak(mut write: OwnedWriteHalf, mut from: mpsc::Receiver<(Instant, Out)>, sim: Arc<Sim>) {
    while let Some((due, out)) = from.recv().await {
        if due > Instant::now() {
            sleep_until(due).await;
        }
        let bytes = out.packet.bytes();
        let sent = match out.pause {
            None => write.write_all(bytes).await,
            Some(pause) => dribble(&mut write, bytes, pause).await,
        };
        sim.counters().bytes_sent += bytes.len() as u64;
        if sent.is_err() || out.is_last {
            break;
        }
    }
    let _ = write.shutdown().await;
}

async fn dribble(write: &mut OwnedWriteHalf, bytes: &[u8], pause: Duration) -> std::io::Result<()> {
    for byte in bytes {
        write.write_all(std::slice::from_ref(byte)).await?;
        sleep(pause).await;
    }
    Ok(())
}

/// What was said on one connection so far.
struct Talk {
    sim: Arc<Sim>,
    endpoints: BTreeMap<usize, Endpoint>,
    opened: usize,
    is_connected: bool,
    messages: u64,
}

impl Talk {
    fn packet(&mut self, kind: u8, payload: &[u8]) -> Step {
        match kind {
            packet::CONNECT => {
                self.is_connected = true;
                send(Packet::new(packet::CONNECT_ACK).byte(NULL))
            }
            packet::KEEP_ALIVE => {
                self.sim.counters().keep_alives += 1;
                Step::Nothing
            }
            packet::DISCONNECT => {
                self.sim.counters().disconnects += 1;
                Step::End
            }
            // Nothing else is understood before the greeting is over, and nothing that only a server says.
            packet::ENDPOINT_OPEN if self.is_connected => self.open(payload),
            packet::ENDPOINT_CLOSE if self.is_connected => self.close(payload),
            packet::ENDPOINT_MESSAGE if self.is_connected => self.message(payload),
            _ => Step::End,
        }
    }

    fn open(&mut self, payload: &[u8]) -> Step {
        let mut reader = Reader(payload);
        // A map follows, which nobody has anything to say in.
        let (Ok(service), Ok(version)) = (reader.text(), reader.text()) else { return Step::End };
        let knobs = self.sim.knobs();
        if service != SERVICE {
            return self.refuse(service, version, &format!("Unknown service {service}"));
        }
        // The newest first, as real servers name them.
        let taken: Vec<Version> = WRITING.iter().copied().filter(|major| knobs.versions.contains(major)).collect();
        let Some(major) = taken.iter().copied().find(|major| format!("{major}.0") == version) else {
            let taken: Vec<String> = taken.iter().map(|major| format!("{major}.0")).collect();
            let told = format!("service={SERVICE} version={version} supported=[{}]", taken.join(","));
            return self.refuse(service, version, &told);
        };
        self.opened += 1;
        let number = self.opened;
        self.endpoints.insert(number, Endpoint { number, version: major, identity: Identity::default() });
        self.sim.counters().endpoints_opened += 1;
        let ack = Packet::new(packet::ENDPOINT_OPEN_ACK).text(service).text(version);
        send(ack.endpoint(number).byte(NULL))
    }

    fn refuse(&self, service: &str, version: &str, told: &str) -> Step {
        self.sim.counters().versions_refused += 1;
        let head = Packet::new(packet::ENDPOINT_FAILURE).text(service).text(version).endpoint(0);
        send(head.trouble(UNSUPPORTED, "The endpoint cannot be opened", Some((UNSUPPORTED, told))))
    }

    fn close(&mut self, payload: &[u8]) -> Step {
        if let Ok(Some(number)) = Reader(payload).nullable_size()
            && self.endpoints.remove(&number).is_some()
        {
            self.sim.counters().endpoints_closed += 1;
        }
        Step::Nothing
    }

    fn message(&mut self, payload: &[u8]) -> Step {
        let mut reader = Reader(payload);
        let Ok(Some(number)) = reader.nullable_size() else { return Step::End };
        let Some(endpoint) = self.endpoints.get_mut(&number) else {
            let head = Packet::new(packet::ENDPOINT_FAILURE).text(SERVICE).text("").endpoint(number);
            return send(head.trouble("swp.UnknownEndpoint", &format!("There is no endpoint {number}"), None));
        };
        let knobs = self.sim.knobs();
        let head = (reader.short(), reader.byte(), reader.byte());
        let (Ok(0), Ok(packet::MESSAGE), Ok(id)) = head else {
            // A server that finds no number takes it for something that only administrators may do.
            let fail = if matches!(head, (Ok(0), Ok(_), _)) { Fail::AgentAdmin } else { Fail::Cut };
            return send(self.sim.exception(number, &fail, &knobs));
        };
        self.messages += 1;
        let harm = self.sim.harm(id, &knobs);
        let faults = &knobs.faults;
        let answer = match harm {
            Some(Harm::Close) => return Step::End,
            Some(Harm::Exception) => {
                let fail = Fail::Ordered(faults.exception_class.clone(), faults.exception_text.clone());
                self.sim.exception(number, &fail, &knobs)
            }
            _ => self.sim.answer(endpoint, id, reader.0, &knobs),
        };
        let is_last = faults.messages_until_closed > 0 && self.messages >= faults.messages_until_closed;
        match harmed(answer, harm, &knobs) {
            Step::Send(out) => Step::Send(Out { is_last: out.is_last || is_last, ..out }),
            Step::Nothing if is_last => Step::End,
            step => step,
        }
    }
}

/// An answer with what befalls it.
fn harmed(mut answer: Packet, harm: Option<Harm>, knobs: &Knobs) -> Step {
    let length = answer.length();
    let out = |packet: Packet| Out { packet, pause: None, is_last: false };
    Step::Send(match harm {
        Some(Harm::CloseAfter | Harm::Close) => return Step::End,
        Some(Harm::Hang) => return Step::Nothing,
        Some(Harm::Cut) => {
            let sealed = answer.sealed(length);
            let half = sealed.bytes().len() / 2;
            Out { is_last: true, ..out(Packet::raw(&sealed.bytes()[..half])) }
        }
        Some(Harm::Slow) => {
            Out { pause: Some(Duration::from_millis(knobs.faults.slow_ms)), ..out(answer.sealed(length)) }
        }
        Some(Harm::Longer) => out(answer.sealed(length + 7)),
        Some(Harm::Shorter) => out(answer.sealed(length / 2)),
        Some(Harm::Huge) => out(answer.sealed(1 << 30)),
        Some(Harm::More) => out(answer.text("more").sealed(length + 5)),
        Some(Harm::Kind) => {
            answer.spoil(KIND, |_| 77);
            out(answer.sealed(length))
        }
        Some(Harm::Number) => {
            answer.spoil(KIND + 1, |number| number.wrapping_add(3));
            out(answer.sealed(length))
        }
        Some(Harm::Text) => {
            if let Some(at) = cyrillic(answer.payload()) {
                answer.spoil(at, |_| 0xff);
            }
            out(answer.sealed(length))
        }
        Some(Harm::Exception) | None => out(answer.sealed(length)),
    })
}

/// Where an answer's kind stands when its endpoint has a number below 64.
const KIND: usize = 3;

/// Where two Russian letters stand side by side, past the head.
fn cyrillic(payload: &[u8]) -> Option<usize> {
    let is_first = |byte: u8| matches!(byte, 0xd0 | 0xd1);
    let is_letter = |pair: &[u8]| is_first(pair[0]) && matches!(pair[1], 0x80..=0xbf);
    payload.windows(4).position(|four| is_letter(&four[..2]) && is_letter(&four[2..]))
}
