//! The event stream: what happens at a controller, told as it happens, over a WebSocket.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::Upgraded;
use reqwest::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::controller::Controller;
use crate::core::rows::{Builder, Field, Rows};
use crate::core::stream::{Pages, RowStream};
use crate::error::{Error, Kind, Result, Retry, did_you_mean};

/// What can be listened to: the word, and the channel's own.
pub const CHANNELS: &[(&str, &str)] = &[
    ("domains", "/domains/"),
    ("tasks", "/tasks/"),
    ("nodes", "/nodes/"),
    ("clusters", "/clusters/"),
    ("data_pools", "/data-pools/"),
    ("resource_pools", "/resource_pools/"),
];

/// The longest wait for the stream to open.
const PATIENCE: Duration = Duration::from_secs(10);
/// A stream that broke off is opened again after this.
const REOPEN: Duration = Duration::from_secs(5);
const MOST_REOPENED: u32 = 5;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// The word of the channel.
    pub channel: String,
    /// `CREATED`, `UPDATED` or `DELETED`.
    pub event: String,
    pub id: String,
    /// The object, as JSON.
    pub object: String,
}

/// An open stream.
pub struct Events(Box<WebSocketStream<Upgraded>>);

#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(default)]
    msg_type: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    id: serde_json::Value,
    #[serde(default)]
    error: serde_json::Value,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
}

impl Controller {
    /// The stream of these channels; `None` where the controller has none, or is not to be asked for one.
    pub(super) async fn events_of(&self, channels: &[&str]) -> Result<Option<Events>> {
        if !self.0.follows || self.0.has_no_events.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let opened = tokio::time::timeout(PATIENCE, self.open_events(channels)).await;
        match opened {
            Ok(Ok(events)) => Ok(Some(events)),
            Ok(Err(error)) => {
                // A controller that cannot be reached may have one; a controller that says no has none.
                if error.kind() != Kind::Unavailable {
                    self.0.has_no_events.store(true, Ordering::Relaxed);
                }
                Err(error)
            }
            Err(_) => {
                // Somebody in between swallows it; every wait would wait for it again.
                self.0.has_no_events.store(true, Ordering::Relaxed);
                Err(Error::new(Kind::Unavailable, "veil.no_events", "the event stream does not open"))
            }
        }
    }

    async fn open_events(&self, channels: &[&str]) -> Result<Events> {
        let token = self.token().await?;
        let client = self.0.http.client()?;
        let key = HeaderValue::from_str(&generate_key()).map_err(|_| none("its key cannot be sent"))?;
        let opening = client
            .get(self.0.address.events(token.expose()))
            .headers(self.headers(None)?)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, key);
        let response = opening.send().await.map_err(|error| self.0.http.broken("events", &self.shown(), error))?;
        self.0.counters.requests.add(1);
        match response.status().as_u16() {
            101 => {}
            401 | 403 => {
                return Err(Error::new(
                    Kind::Auth,
                    "veil.unauthorized",
                    "events: the controller does not accept the token",
                ));
            }
            // It starts, or its proxy does not reach it: the stream may be there later.
            status @ 500.. => {
                let message = format!("events: the controller is not ready (status {status})");
                return Err(Error::new(Kind::Unavailable, "veil.starting", message).hint("try again later"));
            }
            status => return Err(none(&format!("status {status}"))),
        }
        let socket = response.upgrade().await.map_err(|error| self.0.http.broken("events", &self.shown(), error))?;
        let mut stream = Box::new(WebSocketStream::from_raw_socket(socket, Role::Client, None).await);
        for channel in channels {
            let path = CHANNELS.iter().find(|(word, _)| word == channel).map_or(*channel, |(_, path)| *path);
            stream.send(Message::text(format!("add {path}"))).await.map_err(|error| none(&error.to_string()))?;
        }
        Ok(Events(stream))
    }

    /// Everything that happens to these things, as rows `channel, event, id, object`, until nobody listens any more. A
    /// stream that breaks off is opened again, and what happened meanwhile is not told.
    pub fn watch(&self, channels: &[String]) -> Result<RowStream> {
        for channel in channels {
            if !CHANNELS.iter().any(|(word, _)| word == channel) {
                let words = || CHANNELS.iter().map(|(word, _)| *word);
                let hint = did_you_mean(channel, words())
                    .unwrap_or_else(|| format!("there are {}", words().collect::<Vec<_>>().join(", ")));
                return Err(Error::input("veil.channel", format!("nothing tells of `{channel}`")).hint(hint));
            }
        }
        let (controller, channels) = (self.clone(), channels.to_vec());
        Ok(RowStream::start(self.0.context.runtime(), 64, move |pages| async move {
            if let Err(error) = controller.send_events(&channels, &pages).await {
                // Nobody listens any more when this fails.
                let _ = pages.send(Err(error)).await;
            }
        }))
    }

    async fn send_events(&self, channels: &[String], pages: &Pages) -> Result<()> {
        let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
        let mut reopened = 0;
        loop {
            match self.open_events(&channels).await {
                Ok(mut events) => {
                    while let Some(event) = events.next().await {
                        reopened = 0;
                        if pages.send(Ok(row(&event?)?)).await.is_err() {
                            return Ok(());
                        }
                    }
                }
                // The first time it must open; a controller that went away may come back.
                Err(error) if reopened == 0 || error.kind() != Kind::Unavailable || reopened > MOST_REOPENED => {
                    return Err(error);
                }
                Err(_) => {}
            }
            reopened += 1;
            if reopened > MOST_REOPENED {
                return Err(none("it breaks off again and again"));
            }
            tokio::time::sleep(REOPEN).await;
        }
    }
}

impl Events {
    /// The next thing that happened; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        loop {
            let text = match self.0.next().await? {
                Ok(Message::Text(text)) => text,
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => continue,
            };
            if text.contains("token error") {
                return Some(Err(Error::new(
                    Kind::Auth,
                    "veil.unauthorized",
                    "events: the controller does not accept the token",
                )));
            }
            let Ok(sent) = serde_json::from_str::<Sent<'_>>(&text) else { continue };
            if sent.msg_type == "control" && sent.error == true {
                return Some(Err(none(&format!("it refuses {}", sent.resource))));
            }
            if sent.msg_type != "data" {
                continue;
            }
            let channel = CHANNELS.iter().find(|(_, path)| *path == sent.resource).map(|(word, _)| (*word).to_owned());
            return Some(Ok(Event {
                channel: channel.unwrap_or_else(|| sent.resource.trim_matches('/').to_owned()),
                event: sent.event,
                id: sent.id.as_str().map_or_else(|| sent.id.to_string(), str::to_owned),
                object: sent.object.map_or("{}", RawValue::get).to_owned(),
            }));
        }
    }
}

fn row(event: &Event) -> Result<Rows> {
    let mut builder = Builder::new();
    for (name, text) in [("channel", &event.channel), ("event", &event.event), ("id", &event.id)] {
        builder.name(name);
        builder.push(Field::Text(text)).map_err(|_| crate::core::json::too_large())?;
    }
    builder.name("object");
    builder.push(Field::Json(&event.object)).map_err(|_| crate::core::json::too_large())?;
    builder.end_row();
    Ok(builder.finish().into())
}

fn none(why: &str) -> Error {
    Error::new(Kind::NotFound, "veil.no_events", format!("the controller has no event stream: {why}"))
        .retry(Retry::Useless)
        .hint("tasks are followed by asking instead; set `stream = false` to ask from the beginning")
}
