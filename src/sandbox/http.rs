//! The listener of simulators that speak HTTP: connections and their bounds, resets, TLS by the first byte.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::Response;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::{TlsAcceptor, rustls};

/// How long a connection may say nothing before its first byte or between two requests.
const SILENCE: Duration = Duration::from_secs(60);
/// The first byte of a TLS connection: a handshake record.
const HANDSHAKE: u8 = 0x16;

/// What goes on over a connection after it has stopped being HTTP.
pub type After<S> = Box<dyn FnOnce(Arc<S>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub ip: IpAddr,
    pub tls: bool,
}

/// How a request ends.
pub enum Ending<S> {
    Answer(Response<Full<Bytes>>),
    /// The answer comes bit by bit, or not to its end.
    Dripped(Response<Full<Bytes>>, Drip),
    /// The answer is sent, then the connection is something else: hyper's upgrade is in this future already.
    Upgrade(Response<Full<Bytes>>, After<S>),
    /// The connection is reset.
    Reset,
}

/// How an answer is sent that is not sent at once.
#[derive(Clone, Copy, Debug)]
pub struct Drip {
    /// Bytes sent at once.
    pub piece: usize,
    /// Between two pieces.
    pub pause: Duration,
    /// After so many bytes the connection is reset.
    pub cut: Option<usize>,
}

/// Bounds read once.
#[derive(Clone, Copy)]
pub struct Bounds {
    /// Connections held at once; more wait to be accepted.
    pub connections: usize,
    /// Largest request head in bytes.
    pub head: usize,
}

/// A simulated server behind the listener.
pub trait Site: Send + Sync + Sized + 'static {
    /// A connection was accepted.
    fn connected(&self);

    /// Largest request body in bytes.
    fn max_body(&self) -> usize;

    /// What TLS connections are met with; asked when the first of its bytes shows that a connection is one.
    fn tls(&self) -> Option<Arc<rustls::ServerConfig>> {
        None
    }

    /// Whether the first byte has to be looked at.
    const TLS: bool = false;

    /// The answer to a request whose body was larger than allowed.
    fn too_large(&self) -> Ending<Self>;

    fn answer(&self, peer: Peer, request: hyper::Request<Bytes>) -> impl Future<Output = Ending<Self>> + Send;
}

/// Accepts connections until it is dropped, and all of them with it.
pub async fn serve<S: Site>(listener: TcpListener, site: Arc<S>, bounds: Bounds) {
    let mut connections = JoinSet::new();
    let held = Arc::new(Semaphore::new(bounds.connections.clamp(1, Semaphore::MAX_PERMITS)));
    loop {
        // Only a closed semaphore refuses a permit, and this one is never closed.
        let Ok(permit) = held.clone().acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will come back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        site.connected();
        let site = site.clone();
        connections.spawn(async move {
            connection(stream, peer.ip(), site, bounds.head).await;
            drop(permit);
        });
    }
}

async fn connection<S: Site>(stream: TcpStream, ip: IpAddr, site: Arc<S>, max_head: usize) {
    // Small answers must not wait for the acknowledgement of earlier ones.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let reset = Arc::new(AtomicBool::new(false));
    let mut first = [0];
    if S::TLS && !matches!(tokio::time::timeout(SILENCE, stream.peek(&mut first)).await, Ok(Ok(1))) {
        return;
    }
    let wire = Wire { stream, reset: reset.clone() };
    if first != [HANDSHAKE] {
        return spoken(wire, Peer { ip, tls: false }, site, reset, max_head).await;
    }
    let Some(tls) = site.tls() else { return };
    // A client that does not trust the certificate goes away here.
    if let Ok(Ok(wire)) = tokio::time::timeout(SILENCE, TlsAcceptor::from(tls).accept(wire)).await {
        spoken(wire, Peer { ip, tls: true }, site, reset, max_head).await;
    }
}

/// Speaks HTTP over a connection, and what comes after it.
async fn spoken<S: Site>(
    wire: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    site: Arc<S>,
    reset: Arc<AtomicBool>,
    max_head: usize,
) {
    let after: Arc<Mutex<Option<After<S>>>> = Arc::default();
    let (next, owner) = (after.clone(), site.clone());
    let service = service_fn(move |request| {
        let (site, reset, next) = (site.clone(), reset.clone(), next.clone());
        async move {
            match whole(&*site, peer, request).await {
                Ending::Answer(response) => Ok(response.map(Either::Left)),
                Ending::Dripped(response, drip) => Ok(dripping(response, drip, reset).await.map(Either::Right)),
                Ending::Upgrade(response, after) => {
                    *lock(&next) = Some(after);
                    Ok(response.map(Either::Left))
                }
                Ending::Reset => {
                    reset.store(true, Ordering::Relaxed);
                    Err(io::Error::from(io::ErrorKind::ConnectionReset))
                }
            }
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SILENCE)
        .max_buf_size(max_head.max(8192))
        .serve_connection(TokioIo::new(wire), service)
        .with_upgrades()
        .await;
    // A client that went away, or a reset that was asked for: neither is of interest.
    drop(served);
    let after = lock(&after).take();
    if let Some(after) = after {
        after(owner).await;
    }
}

/// Reads the body and asks the site.
async fn whole<S: Site>(site: &S, peer: Peer, request: hyper::Request<Incoming>) -> Ending<S> {
    let (head, body) = request.into_parts();
    match Limited::new(body, site.max_body()).collect().await {
        Ok(body) => site.answer(peer, hyper::Request::from_parts(head, body.to_bytes())).await,
        Err(error) if error.is::<LengthLimitError>() => site.too_large(),
        Err(_) => Ending::Reset,
    }
}

/// An answer whose body comes as it is told.
async fn dripping(response: Response<Full<Bytes>>, drip: Drip, reset: Arc<AtomicBool>) -> Response<Dripping> {
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await;
    let left = body.to_bytes();
    let allowed = drip.cut.unwrap_or(usize::MAX);
    Response::from_parts(head, Dripping { left, allowed, drip, pause: None, reset })
}

/// A body that comes bit by bit.
struct Dripping {
    left: Bytes,
    /// How much more may go out.
    allowed: usize,
    drip: Drip,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
    reset: Arc<AtomicBool>,
}

/// What was sent before a reset has to leave this machine first.
const LEAVING: Duration = Duration::from_millis(20);

impl Body for Dripping {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        if self.allowed == 0 && self.drip.cut.is_some() {
            self.reset.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
        }
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let piece = self.drip.piece.max(1).min(self.left.len()).min(self.allowed);
        let piece = self.left.split_to(piece);
        self.allowed -= piece.len();
        let pause = if self.drip.cut.is_some() { LEAVING } else { self.drip.pause };
        self.pause = Some(Box::pin(tokio::time::sleep(pause)));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

/// A lock that outlives a panic of its holder: the state behind it is only data.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
