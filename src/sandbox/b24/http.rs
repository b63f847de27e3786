//! The listener: connections, their bounds, requests and answers as bytes.

use super::control;
use super::params::{read_json, read_query};
use super::sim::Sim;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::service::service_fn;
use hyper::{Method, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// A request as the portal sees it.
pub struct Request {
    pub source: IpAddr,
    pub is_post: bool,
    pub path: String,
    pub query: String,
    pub content_type: String,
    /// The header `Idempotency-Key`.
    pub key: Option<String>,
    pub body: Bytes,
}

/// An answer.
pub struct Page {
    pub status: u16,
    pub content_type: &'static str,
    pub location: Option<String>,
    /// `Idempotent-Replayed: true`
    pub replayed: bool,
    pub body: Vec<u8>,
}

/// How a request ends.
pub enum Outcome {
    Answer(Page),
    /// The connection is reset.
    Reset,
}

impl Outcome {
    /// A JSON answer.
    pub fn json(status: u16, body: Vec<u8>) -> Outcome {
        Outcome::Answer(Page {
            status,
            content_type: "application/json; charset=utf-8",
            location: None,
            replayed: false,
            body,
        })
    }

    /// A page a gateway would send.
    pub fn html(status: u16, body: String) -> Outcome {
        Outcome::Answer(Page {
            status,
            content_type: "text/html",
            location: None,
            replayed: false,
            body: body.into_bytes(),
        })
    }

    /// 302 to another address.
    pub fn found(location: String) -> Outcome {
        Outcome::Answer(Page {
            status: 302,
            content_type: "text/html",
            location: Some(location),
            replayed: false,
            body: Vec::new(),
        })
    }
}

/// Accepts connections until it is dropped, and all of them with it.
pub async fn serve(listener: TcpListener, sim: Arc<Sim>, max_head: usize) {
    let mut connections = JoinSet::new();
    let held = Arc::new(Semaphore::new(sim.knobs().max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    loop {
        // Only a closed semaphore refuses a permit, and this one is never closed.
        let Ok(permit) = held.clone().acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will come back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        sim.counters().connections += 1;
        let sim = sim.clone();
        connections.spawn(async move {
            connection(stream, peer.ip(), sim, max_head).await;
            drop(permit);
        });
    }
}

async fn connection(stream: TcpStream, source: IpAddr, sim: Arc<Sim>, max_head: usize) {
    // Small answers must not wait for the acknowledgement of earlier ones.
    let nodelay = stream.set_nodelay(true);
    if nodelay.is_err() {
        return;
    }
    let reset = Arc::new(AtomicBool::new(false));
    let wire = Wire { stream, reset: reset.clone() };
    let service = service_fn(move |request| {
        let (sim, reset) = (sim.clone(), reset.clone());
        async move { respond(&sim, source, request, &reset).await }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(60))
        .max_buf_size(max_head.max(8192))
        .serve_connection(TokioIo::new(wire), service)
        .await;
    // A client that went away, or a reset that was asked for: neither is of interest.
    drop(served);
}

/// How many requests are worked on at this moment; leaves with the request, also when the client goes away.
struct Active<'a>(&'a Sim);

impl<'a> Active<'a> {
    fn enter(sim: &'a Sim) -> Active<'a> {
        let mut counters = sim.counters();
        counters.active += 1;
        counters.max_active = counters.max_active.max(counters.active);
        Active(sim)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        let mut counters = self.0.counters();
        counters.active = counters.active.saturating_sub(1);
    }
}

async fn respond(
    sim: &Sim,
    source: IpAddr,
    request: hyper::Request<Incoming>,
    reset: &AtomicBool,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut outcome = match Limited::new(body, sim.knobs().max_body).collect().await {
        Ok(body) => {
            let request = Request {
                source,
                is_post: head.method == Method::POST,
                path: head.uri.path().to_owned(),
                query: head.uri.query().unwrap_or_default().to_owned(),
                content_type: header("content-type").unwrap_or_default(),
                key: header("idempotency-key"),
                body: body.to_bytes(),
            };
            match head.method {
                Method::GET | Method::POST => routed(sim, request).await,
                _ => Outcome::html(405, "405 Not Allowed".to_owned()),
            }
        }
        Err(error) if error.is::<LengthLimitError>() => Outcome::html(413, "413 Request Entity Too Large".to_owned()),
        Err(_) => Outcome::Reset,
    };
    if let Outcome::Answer(page) = &mut outcome {
        return built(std::mem::replace(
            page,
            Page { status: 200, content_type: "", location: None, replayed: false, body: Vec::new() },
        ));
    }
    reset.store(true, Ordering::Relaxed);
    Err(io::ErrorKind::ConnectionReset.into())
}

fn built(page: Page) -> io::Result<Response<Full<Bytes>>> {
    let mut response = Response::builder().status(page.status).header(CONTENT_TYPE, page.content_type);
    if let Some(location) = page.location {
        response = response.header(LOCATION, location);
    }
    if page.replayed {
        response = response.header("Idempotent-Replayed", "true");
    }
    response.body(Full::new(Bytes::from(page.body))).map_err(io::Error::other)
}

async fn routed(sim: &Sim, request: Request) -> Outcome {
    if request.path.starts_with("/_sandbox/") {
        return control::answer(sim, &request);
    }
    let active = Active::enter(sim);
    let outcome = match request.path.trim_end_matches('/') {
        "/oauth/token" => control::token(sim, &form(&request)),
        "/oauth/authorize" => control::authorize(sim, &form(&request)),
        path if path.starts_with("/rest/") => sim.rest(request).await,
        _ => Outcome::html(404, "404 Not Found".to_owned()),
    };
    drop(active);
    outcome
}

/// Query and body of an authorization request; what cannot be read is left out.
fn form(request: &Request) -> Value {
    let mut all = read_query(request.query.as_bytes()).unwrap_or_default();
    if request.content_type.contains("json") {
        if let Ok(Value::Object(map)) = read_json(&request.body) {
            all.extend(map);
        }
    } else {
        all.extend(read_query(&request.body).unwrap_or_default());
    }
    Value::Object(all)
}

/// A connection that can be reset: closed with RST, without a good-bye.
struct Wire {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // Without the option the close is an ordinary one: still no answer.
            self.stream.set_zero_linger().ok();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
