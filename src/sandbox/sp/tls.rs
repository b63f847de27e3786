//! Encryption: a certificate, and TLS whose handshake travels within packets.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::server::TlsStream;

use super::packet::{HEAD, USUAL, kind, status};

/// A certificate of the simulator's own, signed by itself, and what to meet clients with.
pub struct Certificate {
    pub pem: String,
    /// For the handshake within packets: nothing may follow it there, so it is TLS 1.2.
    within: Arc<ServerConfig>,
    /// For connections that begin with TLS.
    strict: Arc<ServerConfig>,
}

impl Certificate {
    /// For the names of this machine.
    pub fn new() -> Result<Certificate, String> {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).map_err(|error| error.to_string())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = |versions: &[&'static SupportedProtocolVersion]| {
            let key = rustls::pki_types::PrivatePkcs8KeyDer::from(signing_key.serialize_der());
            ServerConfig::builder_with_provider(provider.clone())
                .with_protocol_versions(versions)
                .and_then(|builder| {
                    builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key.into())
                })
                .map_err(|error| error.to_string())
        };
        let within = Arc::new(config(&[&rustls::version::TLS12])?);
        let mut strict = config(rustls::ALL_VERSIONS)?;
        strict.alpn_protocols = vec![b"tds/8.0".to_vec()];
        Ok(Certificate { pem: cert.pem(), within, strict: Arc::new(strict) })
    }

    /// TLS from the first byte on.
    pub async fn strict(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.strict.clone()).accept(stream).await
    }

    /// TLS whose handshake travels within packets and everything after it does not.
    pub async fn within(&self, stream: TcpStream) -> io::Result<TlsStream<Wrapped>> {
        let mut tls = TlsAcceptor::from(self.within.clone()).accept(Wrapped::new(stream)).await?;
        tls.flush().await?;
        tls.get_mut().0.bare = true;
        Ok(tls)
    }
}

/// A connection whose bytes are within packets until the handshake is over.
pub struct Wrapped {
    stream: TcpStream,
    bare: bool,
    /// The head of the packet that is being read.
    head: [u8; HEAD],
    head_read: usize,
    /// Bytes of its body that are still to come.
    left: usize,
    /// What was written since the last flush; then packets of it.
    out: Vec<u8>,
    packets: Vec<u8>,
    written: usize,
}

impl Wrapped {
    fn new(stream: TcpStream) -> Wrapped {
        let (out, packets) = (Vec::new(), Vec::new());
        Wrapped { stream, bare: false, head: [0; HEAD], head_read: 0, left: 0, out, packets, written: 0 }
    }

    /// The connection without TLS: only the login was encrypted.
    pub fn into_inner(self) -> TcpStream {
        self.stream
    }

    /// Reads heads of packets until there is a body to read; `false` at the end of the connection.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while self.left == 0 {
            let mut buffer = ReadBuf::new(&mut self.head[self.head_read..]);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            match buffer.filled().len() {
                0 => return Poll::Ready(Ok(false)),
                more => self.head_read += more,
            }
            if self.head_read == HEAD {
                let [kind, _, high, low, ..] = self.head;
                let length = usize::from(u16::from_be_bytes([high, low]));
                if kind != kind::PRELOGIN || length < HEAD {
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
                (self.head_read, self.left) = (0, length - HEAD);
            }
        }
        Poll::Ready(Ok(true))
    }

    fn wrap(&mut self) {
        let most = USUAL - HEAD;
        let count = self.out.len().div_ceil(most);
        for (at, body) in self.out.chunks(most).enumerate() {
            let [high, low] = ((body.len() + HEAD) as u16).to_be_bytes();
            let status = if at + 1 == count { status::LAST } else { 0 };
            self.packets.extend_from_slice(&[kind::PRELOGIN, status, high, low, 0, 0, at as u8, 0]);
            self.packets.extend_from_slice(body);
        }
        self.out.clear();
    }
}

impl AsyncRead for Wrapped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.bare {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        if !ready!(self.poll_head(cx))? {
            return Poll::Ready(Ok(()));
        }
        let most = self.left.min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let more = part.filled().len();
        buffer.advance(more);
        self.left -= more;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wrapped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.bare {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        self.out.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wrap();
        let this = &mut *self;
        while this.written < this.packets.len() {
            match ready!(Pin::new(&mut this.stream).poll_write(cx, &this.packets[this.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => this.written += more,
            }
        }
        this.packets.clear();
        this.written = 0;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
