//! One request, sent until it has an answer or an outcome: waits for its turn, follows a moved portal, renews tokens.
//! Repeats only what was surely not carried out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::portal::Portal;
use crate::core::limiter::Lane;
use crate::core::progress::Bar;
use crate::error::{Error, Kind, Result, Retry};
use crate::services::b24::wire::envelope::{Bad, Envelope};
use crate::services::b24::wire::{address, batch, errors, query};

/// A portal moves once, perhaps twice; more is a loop.
const MOST_MOVES: u32 = 3;
/// Refusals of one request for the rate, each after its own wait in the line.
const MOST_REFUSALS: u32 = 60;
/// One answer, unpacked; a full batch of the widest rows is some tens of megabytes.
const LARGEST_ANSWER: usize = 1 << 30;

pub(super) enum Body<'a> {
    Json(&'a Value),
    /// A query string.
    Form(&'a str),
}

pub(super) struct Request<'a> {
    pub method: &'a str,
    pub body: Body<'a>,
    pub version_3: bool,
    /// How many commands the server has to work through.
    pub commands: usize,
    /// REST 3.0 carries a change with the same key out once.
    pub once: Option<&'a str>,
    pub bar: &'a Bar,
    pub announced: Option<Announced<'a>>,
    /// Holds an error once it has become pointless to send this.
    pub called_off: Option<watch::Receiver<Option<Error>>>,
    /// Asked right before sending; when it says no, the outcome is [`HELD`].
    pub still: Option<&'a (dyn Fn() -> bool + Sync)>,
}

/// What the bar says while requests wait for the portal's rate.
pub const AT_THE_LIMIT: &str = "as fast as the portal's limit allows";

/// Shorter waits are not told.
pub const NOTICED: Duration = Duration::from_millis(100);

/// The code of a request that was not sent, because while it waited for its turn the time of all its methods ran out.
pub(super) const HELD: &str = "b24.held";

impl<'a> Request<'a> {
    pub fn new(method: &'a str, body: Body<'a>, bar: &'a Bar) -> Request<'a> {
        Request {
            method,
            body,
            version_3: false,
            commands: 1,
            once: None,
            bar,
            announced: None,
            called_off: None,
            still: None,
        }
    }
}

/// Requests that are prepared and not counted by the bucket yet.
#[derive(Default)]
pub(super) struct Queue {
    count: AtomicUsize,
    /// One of them has gone.
    pub gone: Notify,
}

impl Queue {
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// One of them.
pub(super) struct Announced<'a>(&'a Queue);

impl<'a> Announced<'a> {
    pub fn one(queue: &'a Queue) -> Announced<'a> {
        queue.count.fetch_add(1, Ordering::Relaxed);
        Announced(queue)
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
        self.0.gone.notify_one();
    }
}

/// What came back.
struct Received {
    status: u16,
    location: Option<String>,
    text: String,
}

enum Attempt {
    Answered(Envelope),
    /// Try again at once: the portal has moved.
    Moved,
    Failed(Error),
}

impl Portal {
    /// The answer to a request. An error tells by [`Retry`] whether the request may have been carried out.
    pub(super) async fn deliver(&self, request: &mut Request<'_>) -> Result<Envelope> {
        let (mut moves, mut refusals, mut failures, mut renewed) = (0, 0, 0, false);
        loop {
            let token = match &self.0.tokens {
                Some(tokens) => Some(tokens.current().await?),
                None => None,
            };
            let error = match self.attempt(request, token.as_ref().map(|token| token.access())).await {
                Attempt::Answered(envelope) => return Ok(envelope),
                Attempt::Moved if moves < MOST_MOVES => {
                    moves += 1;
                    continue;
                }
                Attempt::Moved => {
                    let message = format!("{}: the portal redirects in a circle", request.method);
                    return Err(Error::new(Kind::Protocol, "b24.moved", message).hint("check the portal's address"));
                }
                Attempt::Failed(error) => error,
            };
            match (error.code(), &self.0.tokens, &token) {
                ("b24.QUERY_LIMIT_EXCEEDED" | "b24.too_many", ..) => {
                    self.0.limits.bucket.refused();
                    self.0.counters.refusals.add(1);
                    refusals += 1;
                    if refusals >= MOST_REFUSALS {
                        return Err(error);
                    }
                    request.bar.note("the portal asks for fewer requests; waiting");
                }
                ("b24.expired_token" | "b24.invalid_token", Some(tokens), Some(token)) if !renewed => {
                    renewed = true;
                    tokens.renew(token).await?;
                }
                ("b24.expired_token" | "b24.invalid_token", Some(_), _) if renewed => {
                    return Err(error.retry(Retry::Useless).hint("a fresh token was refused as well: log in again"));
                }
                ("b24.unreachable", ..) => {
                    failures += 1;
                    let Some(pause) = self.patience().pause(failures) else { return Err(error) };
                    request.bar.note("the portal cannot be reached; trying again");
                    self.0.counters.repeats.add(1);
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(error),
            }
        }
    }

    async fn attempt(&self, request: &mut Request<'_>, token: Option<&str>) -> Attempt {
        let limits = &self.0.limits;
        let mut called_off = request.called_off.clone();
        let _lane = tokio::select! {
            biased;
            error = called_off_by(&mut called_off) => return Attempt::Failed(error),
            lane = self.turn(request) => lane,
        };
        request.announced = None;
        if request.still.is_some_and(|still| !still()) {
            limits.bucket.give_back();
            let held = Error::new(Kind::Limit, HELD, "not sent: the method's time at the portal is used up");
            return Attempt::Failed(held.retry(Retry::Safe));
        }
        self.0.counters.requests.add(1);
        let began = Instant::now();
        let received = match self.post(request, token).await {
            Ok(received) => received,
            Err(error) => {
                if error.may_retry() == Retry::Unknown {
                    limits.lanes.broke_down();
                }
                return Attempt::Failed(error);
            }
        };
        if let Some(location) = received.location.as_deref().filter(|_| (301..=308).contains(&received.status)) {
            return self.follow(request, location);
        }
        match read(request.method, received) {
            Ok(envelope) => {
                limits.bucket.accepted();
                limits.lanes.went_well(request.commands, began.elapsed());
                self.0.proven.store(true, Ordering::Relaxed);
                Attempt::Answered(envelope)
            }
            Err(error) => {
                if error.may_retry() == Retry::Unknown {
                    limits.lanes.broke_down();
                }
                if error.code() != "b24.not_json" {
                    self.0.proven.store(true, Ordering::Relaxed);
                }
                Attempt::Failed(error)
            }
        }
    }

    /// Waits for the portal's lanes and for its bucket.
    async fn turn(&self, request: &Request<'_>) -> Lane<'_> {
        let limits = &self.0.limits;
        let lane = limits.lanes.enter(request.commands as f64 / batch::MOST as f64).await;
        let mut turn = std::pin::pin!(limits.take());
        let waited = match tokio::time::timeout(NOTICED, &mut turn).await {
            Ok(waited) => waited,
            Err(_) => {
                request.bar.note(AT_THE_LIMIT);
                turn.await
            }
        };
        self.0.counters.waited(waited);
        lane
    }

    async fn post(&self, request: &Request<'_>, token: Option<&str>) -> Result<Received> {
        let moved = self.0.moved.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        let base = moved.as_ref().unwrap_or_else(|| self.0.address.base());
        let mut url = self.0.address.method(base, request.method, request.version_3);
        let (kind, body) = match &request.body {
            Body::Json(params) => ("application/json", with_token(params, token, &mut url)),
            Body::Form(query) => ("application/x-www-form-urlencoded", form_with_token(query, token)),
        };
        let client = self.0.http.client()?;
        let mut post = client.post(url).header(CONTENT_TYPE, kind).header(ACCEPT, "application/json").body(body);
        if let Some(key) = request.once {
            post = post.header("Idempotency-Key", key);
        }
        let place = self.shown();
        let failed = |error| self.0.http.broken(request.method, &place, error);
        let mut response = post.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut bytes = Vec::with_capacity(response.content_length().unwrap_or(0).min(1 << 24) as usize);
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Error::new(
                    Kind::Protocol,
                    "b24.too_large",
                    format!("{}: the answer is too large", request.method),
                )
                .retry(Retry::Unknown)
                .hint("select fewer fields, or narrow the filter"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let text =
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Ok(Received { status, location, text })
    }

    /// Remembers where the portal has moved to.
    fn follow(&self, request: &Request<'_>, location: &str) -> Attempt {
        let mut moved = self.0.moved.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let base = moved.as_ref().unwrap_or_else(|| self.0.address.base());
        let from = self.0.address.method(base, request.method, request.version_3);
        match address::moved(&from, location, self.0.insecure) {
            Ok(to) => {
                *moved = Some(to);
                Attempt::Moved
            }
            Err(wrong) => Attempt::Failed(
                Error::new(Kind::Protocol, "b24.moved", format!("{}: {wrong}", self.shown()))
                    .hint("open the portal in a browser, and set its new address in the settings"),
            ),
        }
    }
}

/// Ends with the error that calls a request off; never, when nothing can.
async fn called_off_by(error: &mut Option<watch::Receiver<Option<Error>>>) -> Error {
    if let Some(error) = error
        && let Ok(error) = error.wait_for(Option::is_some).await
        && let Some(error) = &*error
    {
        return error.clone();
    }
    std::future::pending().await
}

fn read(method: &str, received: Received) -> Result<Envelope> {
    let status = received.status;
    match Envelope::read(received.text) {
        Ok(envelope) if status < 400 => Ok(envelope),
        Ok(envelope) => Err(errors::unreadable(method, status, envelope.result(), false)),
        Err(Bad::Fault(fault)) => Err(errors::error(method, Some(status), &fault)),
        Err(Bad::Torn(text)) => Err(errors::unreadable(method, status, &text, true)),
        Err(Bad::Strange(text)) => Err(errors::unreadable(method, status, &text, false)),
    }
}

/// The body, with the token as its last member; a list has no place for it, so there it goes into the address.
fn with_token(params: &Value, token: Option<&str>, url: &mut reqwest::Url) -> String {
    let mut body = query::body(params);
    let Some(token) = token else { return body };
    if !body.ends_with('}') {
        url.query_pairs_mut().append_pair("auth", token);
        return body;
    }
    body.pop();
    if body.len() > 1 {
        body.push(',');
    }
    body.push_str(&format!("\"auth\":{}}}", Value::from(token)));
    body
}

fn form_with_token(form: &str, token: Option<&str>) -> String {
    match token {
        Some(token) => {
            let auth = query::query(&serde_json::json!({ "auth": token }));
            if form.is_empty() { auth } else { format!("{form}&{auth}") }
        }
        None => form.to_owned(),
    }
}
