//! Streams of events (server-sent events): of one run, or of all.
//!
//! A stream holds a place in the sequence and nothing else. It is fed when its reader has taken what it was given, so a
//! slow one holds up nobody; one whose place is not kept any more is told so, and given the run as it stands.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures_util::stream::unfold;
use tokio::sync::watch;

use super::answer::{Outcome, Refusal, Reply};
use super::board::{Found, frame, text};
use super::limits::Stream;
use super::routes::Call;
use super::service::{App, Phase};
use crate::error::Result;
use crate::services::sp::client::run::Run;

/// How often something is said where nothing happens: proxies close what is silent for a minute.
pub const SILENCE: Duration = Duration::from_secs(15);

/// How long a browser waits before it connects again, in milliseconds.
const AGAIN: &str = "retry: 2000\n\n";

/// `GET /api/runs/{id}/events`
pub async fn of_run(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let (snapshot, place) = whole(&call.app, &id).await?;
    let Some(run) = snapshot else { return Err(Refusal::not_found(format!("there is no run {id}"))) };
    let is_live = call.app.board.snapshot(&id).0.is_some();
    let resumed = call.last_event().and_then(|id| call.app.board.place(id));
    let begin = match resumed.map(|place| (place, call.app.board.after(place, Some(&id)))) {
        // Tells a browser's EventSource to stay away.
        Some((_, Found::Events(frames, _))) if frames.is_empty() && !is_live => return Ok(empty()),
        Some((place, Found::Events(..))) => Begin { place, said: String::new() },
        _ => Begin { place, said: frame(Some(&call.app.board.id(place)), "run", &text(&run)) },
    };
    follow(&call, Some(id), begin)
}

/// `GET /api/events`
pub async fn of_all(call: Call) -> Outcome {
    let resumed = call.last_event().and_then(|id| call.app.board.place(id));
    let begin = match resumed.filter(|place| matches!(call.app.board.after(*place, None), Found::Events(..))) {
        Some(place) => Begin { place, said: String::new() },
        None => status(&call.app),
    };
    follow(&call, None, begin)
}

/// Where a stream begins, and what it says first.
struct Begin {
    place: u64,
    said: String,
}

fn status(app: &App) -> Begin {
    let (status, place) = app.board.status();
    Begin { place, said: frame(Some(&app.board.id(place)), "status", &String::from_utf8_lossy(&status)) }
}

/// A run as it stands, and the place in the sequence to which that belongs: of one that is over, no event behind that
/// place tells anything new.
async fn whole(app: &App, id: &str) -> Result<(Option<Run>, u64)> {
    match app.board.snapshot(id) {
        (Some(run), place) => Ok((Some(run), place)),
        (None, place) => Ok((app.desk.find(id.to_owned()).await?, place)),
    }
}

fn follow(call: &Call, run: Option<String>, begin: Begin) -> Outcome {
    let Some(permit) = call.app.streams.enter(call.caller) else {
        let message = "there are too many streams of events";
        return Err(Refusal::too_many("limit.streams", message, Duration::from_secs(5)).hint("close one first"));
    };
    let follower = Follower {
        happening: call.app.board.watch(),
        phase: call.app.phase.subscribe(),
        app: call.app.clone(),
        place: begin.place,
        run,
        is_over: false,
        _permit: permit,
    };
    let first = Bytes::from(format!("{AGAIN}{}", begin.said));
    let body = unfold((follower, Some(first)), |(mut follower, first)| async move {
        let piece = match first {
            Some(first) => first,
            None => follower.next().await?,
        };
        Some((Ok::<_, std::convert::Infallible>(piece), (follower, None)))
    });
    let mut reply = Response::new(Body::from_stream(body));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would keep events until it has many.
    reply.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(reply)
}

fn empty() -> Reply {
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

/// One who reads a stream.
struct Follower {
    app: Arc<App>,
    /// None for the events of all runs.
    run: Option<String>,
    place: u64,
    happening: watch::Receiver<u64>,
    phase: watch::Receiver<Phase>,
    is_over: bool,
    _permit: Stream,
}

impl Follower {
    /// What is to be sent next; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.is_over {
            self.happening.mark_unchanged();
            match self.app.board.after(self.place, self.run.as_deref()) {
                Found::Lost => return Some(self.again().await),
                Found::Events(frames, place) if !frames.is_empty() => {
                    self.place = place;
                    return Some(frames.into());
                }
                Found::Events(_, place) => self.place = place,
            }
            if self.has_ended() {
                self.is_over = true;
                return Some(frame(Some(&self.app.board.id(self.place)), "end", "{}").into());
            }
            tokio::select! {
                changed = self.happening.changed() => changed.ok()?,
                () = tokio::time::sleep(SILENCE) => return Some(Bytes::from_static(b": nothing new\n\n")),
                stopped = self.phase.wait_for(|phase| *phase == Phase::Ended) => {
                    drop(stopped);
                    return None;
                }
            }
        }
        None
    }

    /// Whether nothing more can be told of the run.
    fn has_ended(&self) -> bool {
        let Some(run) = &self.run else { return false };
        let (live, last) = self.app.board.snapshot(run);
        live.is_none() && last == self.place
    }

    /// For a reader whose place was lost: that it was, and how things stand.
    async fn again(&mut self) -> Bytes {
        let begin = match &self.run {
            None => status(&self.app),
            Some(run) => match whole(&self.app, run).await {
                Ok((Some(run), place)) => {
                    Begin { place, said: frame(Some(&self.app.board.id(place)), "run", &text(&run)) }
                }
                // The history cannot be read just now: the reader asks again by itself.
                Ok((None, _)) | Err(_) => {
                    self.is_over = true;
                    Begin { place: self.place, said: String::new() }
                }
            },
        };
        self.place = begin.place;
        format!("{}{}", frame(None, "lagged", "{}"), begin.said).into()
    }
}
