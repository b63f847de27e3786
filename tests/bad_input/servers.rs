//! Servers that are not what a client hopes for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::program::CODE;

/// Answers every request with the same bytes, then closes the connection.
pub struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    /// `answer` is sent as it is; an empty one is no answer, and the connection stays open.
    pub fn raw(answer: impl Into<Vec<u8>>) -> Server {
        let answer = answer.into();
        Server::each(Some, answer)
    }

    pub fn answering(status: &str, kind: &str, body: &str) -> Server {
        Server::raw(http(status, kind, body))
    }

    /// `open` makes of a connection what requests are read from.
    fn each<S: Read + Write + Send + 'static>(
        open: impl Fn(TcpStream) -> Option<S> + Send + 'static,
        answer: Vec<u8>,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<AtomicUsize>::default();
        let count = asked.clone();
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                let Some(stream) = open(stream) else { continue };
                let mut stream = BufReader::new(stream);
                if read(&mut stream).is_err() {
                    continue;
                }
                count.fetch_add(1, Ordering::Relaxed);
                match answer.is_empty() {
                    true => silent.push(stream),
                    // The client may have gone.
                    false => drop(stream.get_mut().write_all(&answer)),
                }
            }
        });
        Server { address, asked }
    }

    pub fn webhook(&self) -> String {
        format!("http://{}/rest/1/{CODE}/", self.address)
    }

    /// How many requests came.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// A portal that answers 7 to everything, over TLS, with a certificate of its own.
pub struct Secure {
    server: Server,
    /// The certificate.
    pub pem: String,
}

impl Secure {
    pub fn start(name: &str, until_year: i32) -> Secure {
        let mut params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(until_year, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let config = Arc::new(config);
        let open = move |stream: TcpStream| Some(StreamOwned::new(ServerConnection::new(config.clone()).ok()?, stream));
        let server = Server::each(open, http("200 OK", "application/json", "{\"result\":7}").into());
        Secure { server, pem: made.pem() }
    }

    pub fn webhook(&self) -> String {
        format!("https://localhost:{}/rest/1/{CODE}/", self.server.address.port())
    }
}

pub fn http(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// A request to its end.
fn read(stream: &mut impl BufRead) -> std::io::Result<()> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = head.to_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    std::io::copy(&mut stream.take(length.unwrap_or(0)), &mut std::io::sink()).map(drop)
}

/// An address on this computer where nobody listens.
pub fn nobody() -> String {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}/rest/1/{CODE}/")
}
