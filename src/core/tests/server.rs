//! A tiny HTTP server that answers what a test tells it to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub head: String,
    pub body: String,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub enum Reply {
    Text(u16, String),
    /// The same with further lines in its head, each with its end; a `Content-Type` among them is the only one.
    Headed(u16, String, String),
    Moved(String),
    /// Read, then gone without a word.
    Gone,
    /// Half of this body, then gone.
    Half(String),
    /// After so many milliseconds.
    Late(u64, String),
    /// Never.
    Silence,
}

pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// `answer` gets the number of the request, from 0, and the request.
    pub async fn start(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (answer, log) = (Arc::new(answer), seen.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, answer.clone(), log.clone()));
            }
        });
        Server { address, seen, _tasks: tasks }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

type Answering = dyn Fn(usize, &Seen) -> Reply + Send + Sync;

async fn serve(stream: TcpStream, answer: Arc<Answering>, log: Arc<Mutex<Vec<Seen>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(seen) = read(&mut stream).await {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(seen.clone());
            log.len() - 1
        };
        let (text, half) = match answer(number, &seen) {
            Reply::Text(status, body) => (head(status, "", body.len()) + body.as_str(), false),
            Reply::Headed(status, more, body) => (head(status, &more, body.len()) + body.as_str(), false),
            Reply::Late(wait, body) => {
                tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
                (head(200, "", body.len()) + body.as_str(), false)
            }
            Reply::Moved(to) => (head(302, &format!("Location: {to}\r\n"), 0), false),
            Reply::Half(body) => (head(200, "", body.len()) + &body[..body.len() / 2], true),
            Reply::Gone => return,
            Reply::Silence => std::future::pending().await,
        };
        if stream.write_all(text.as_bytes()).await.is_err() || half {
            return;
        }
    }
}

fn head(status: u16, more: &str, length: usize) -> String {
    let kind = if more.contains("Content-Type") { "" } else { "Content-Type: application/json\r\n" };
    format!("HTTP/1.1 {status} Told\r\n{kind}{more}Content-Length: {length}\r\n\r\n")
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let path = head.split(' ').nth(1)?.to_owned();
    let lower = head.to_lowercase();
    let length =
        lower.split("content-length: ").nth(1).map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen { path, head: lower, body: String::from_utf8(body).unwrap() })
}
