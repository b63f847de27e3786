//! The event stream: who listens to what, and what they are told; its frames come and go here.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::ids::Id;
use super::kind::Kind;
use super::out::Want;
use super::sim::Sim;
use super::world::World;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    Created,
    Updated,
    Deleted,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            What::Created => "CREATED",
            What::Updated => "UPDATED",
            What::Deleted => "DELETED",
        }
    }
}

/// One who listens.
struct Feed {
    number: u64,
    /// The channels, as they were asked for.
    channels: Vec<(Kind, String)>,
    out: UnboundedSender<String>,
}

#[derive(Default)]
pub struct Feeds {
    list: Vec<Feed>,
    next: u64,
}

impl Feeds {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Everybody is cut off.
    pub fn clear(&mut self) {
        self.list.clear();
    }
}

impl World {
    /// Tells those who listen.
    pub fn feed(&mut self, kind: Kind, id: Id, what: What) {
        if !self.feeds.list.iter().any(|feed| feed.channels.iter().any(|(of, _)| *of == kind)) {
            return;
        }
        let mut object = Vec::new();
        if !super::show::object(self, kind, id, &Want::default(), &mut object) {
            return;
        }
        let object = String::from_utf8_lossy(&object);
        // One who does not read is not waited for.
        self.feeds.list.retain(|feed| !feed.out.is_closed());
        for feed in &self.feeds.list {
            if let Some((_, channel)) = feed.channels.iter().find(|(of, _)| *of == kind) {
                let frame = format!(
                    r#"{{"msg_type":"data","resource":{},"event":"{}","id":"{id}","object":{object}}}"#,
                    Value::from(channel.as_str()),
                    what.word()
                );
                feed.out.send(frame).ok();
            }
        }
    }

    fn listens(&mut self) -> (u64, UnboundedReceiver<String>) {
        let (out, frames) = unbounded_channel();
        self.feeds.next += 1;
        let number = self.feeds.next;
        self.feeds.list.push(Feed { number, channels: Vec::new(), out });
        self.counters.ws_connections += 1;
        self.counters.ws_open += 1;
        self.wake();
        (number, frames)
    }

    fn leaves(&mut self, number: u64) {
        self.feeds.list.retain(|feed| feed.number != number);
        self.counters.ws_open = self.counters.ws_open.saturating_sub(1);
    }

    /// `add /domains/` or `delete /domains/`; the reply.
    fn asked(&mut self, number: u64, frame: &str) -> Option<String> {
        self.counters.ws_frames_received += 1;
        let (word, channel) = frame.trim().split_once(' ').unwrap_or((frame.trim(), ""));
        let kind = Kind::of_channel(channel);
        let feed = self.feeds.list.iter_mut().find(|feed| feed.number == number)?;
        let is_good = match (word, kind) {
            ("add", Some(kind)) => {
                feed.channels.retain(|(of, _)| *of != kind);
                feed.channels.push((kind, channel.to_owned()));
                true
            }
            ("delete", Some(kind)) => {
                feed.channels.retain(|(of, _)| *of != kind);
                true
            }
            _ => false,
        };
        Some(json!({"msg_type": "control", "error": !is_good, "resource": channel}).to_string())
    }
}

/// Leaves the list also when the connection is dropped.
struct Seat<'a>(&'a Sim, u64);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.world().leaves(self.1);
    }
}

/// Speaks over a connection that has become an event stream.
pub async fn speak(sim: &Sim, stream: impl AsyncRead + AsyncWrite + Unpin, is_known: bool) {
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    if !is_known {
        // Whoever asks is told over the stream, then it ends.
        let frame = json!({"msg_type": "control", "error": true, "detail": "token error"}).to_string();
        if socket.send(Message::text(frame)).await.is_ok() {
            socket.close(None).await.ok();
        }
        return;
    }
    let (number, mut frames) = sim.world().listens();
    let seat = Seat(sim, number);
    let breaks = {
        let mut world = sim.world();
        let strikes = world.strikes("ws_breaks", |faults| &mut faults.ws_breaks);
        strikes.then_some(world.knobs.faults.ws_frames)
    };
    let mut sent = 0;
    loop {
        if breaks.is_some_and(|after| sent >= after) {
            break;
        }
        let frame = tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => Some(frame),
                None => break,
            },
            said = socket.next() => match said {
                Some(Ok(Message::Text(said))) => sim.world().asked(number, said.as_str()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => None,
            },
        };
        if let Some(frame) = frame {
            if socket.send(Message::text(frame)).await.is_err() {
                break;
            }
            sent += 1;
            sim.world().counters.ws_frames_sent += 1;
        }
    }
    drop(seat);
}
