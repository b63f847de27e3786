//! Connections: how many, how patient, and how they end.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep};

use super::options::OnStop;
use super::service::{Phase, Service};
use crate::error::{Error, Kind, Result};

/// Connections held at once; more wait to be accepted.
const MOST: usize = 512;

/// Longest head of a request in bytes.
const HEAD: usize = 16 << 10;

/// How long the head of a request may take, and a connection may rest between two of them.
const HEADER: Duration = Duration::from_secs(20);

/// How long a client may take nothing of what it was sent.
const STUCK: Duration = Duration::from_secs(60);

/// How long requests have for their end after everything else has ended.
const LEAVE: Duration = Duration::from_secs(5);

/// Listens on `host:port`. The error is `serve.listen`.
pub async fn bind(place: &str) -> Result<TcpListener> {
    TcpListener::bind(place).await.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program listens there: choose another port with --listen, or 0 for any"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need rights of their own: choose a higher one with --listen"
            }
            io::ErrorKind::AddrNotAvailable => "this machine has no such address: 127.0.0.1 or 0.0.0.0 are usual",
            _ => "write it as address:port, such as 127.0.0.1:8080, in `listen` of [serve] or with --listen",
        };
        Error::new(Kind::Usage, "serve.listen", format!("cannot listen on {place}: {error}")).hint(hint)
    })
}

/// Serves until `stop`, then brings everything to its end: until the runs have ended, they can still be looked at and
/// cancelled. False when some runs that were cancelled did not end.
pub async fn serve(
    service: Arc<Service>,
    listener: TcpListener,
    on_stop: OnStop,
    stop: impl Future<Output = ()>,
) -> bool {
    let mut connections = JoinSet::new();
    tokio::select! {
        () = accept(&service, &listener, &mut connections) => {}
        () = stop => {}
    }
    let all_ended = tokio::select! {
        () = accept(&service, &listener, &mut connections) => false,
        all_ended = service.stop(on_stop) => all_ended,
    };
    drop(listener);
    let leave = async { while connections.join_next().await.is_some() {} };
    drop(tokio::time::timeout(LEAVE, leave).await);
    connections.shutdown().await;
    all_ended
}

/// Does not end.
async fn accept(service: &Arc<Service>, listener: &TcpListener, connections: &mut JoinSet<()>) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        // Only a closed semaphore refuses a permit, and this one is never closed.
        let Ok(permit) = places.clone().acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will come back.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let service = service.clone();
        connections.spawn(async move {
            connection(service, stream, peer).await;
            drop(permit);
        });
    }
}

async fn connection(service: Arc<Service>, stream: TcpStream, peer: SocketAddr) {
    // Small answers must not wait for the acknowledgement of earlier ones; one that waits is late, not wrong.
    stream.set_nodelay(true).ok();
    let mut phase = service.phase();
    // Who comes while the service finishes has one request.
    let comes_late = *phase.borrow() != Phase::Serving;
    let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let service = service.clone();
        async move { Ok::<_, std::convert::Infallible>(service.answer(peer.ip(), request.map(Body::new)).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(!comes_late)
        .header_read_timeout(HEADER)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(Patient::new(stream, STUCK)), answer);
    let mut served = pin!(served);
    // How a connection ended is the client's business.
    tokio::select! {
        ended = served.as_mut() => return drop(ended),
        () = leaving(&mut phase), if !comes_late => served.as_mut().graceful_shutdown(),
    }
    drop(served.await);
}

async fn leaving(phase: &mut watch::Receiver<Phase>) {
    drop(phase.wait_for(|phase| *phase != Phase::Serving).await);
}

/// A connection that is given up when the other side takes nothing for too long.
pub struct Patient<S> {
    stream: S,
    patience: Duration,
    /// Set while something waits to be taken.
    until: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub fn new(stream: S, patience: Duration) -> Patient<S> {
        Patient { stream, patience, until: None }
    }

    fn weigh<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.until = None;
            return poll;
        }
        let until =
            self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + self.patience)));
        ready!(until.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.weigh(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.weigh(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        self.weigh(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
