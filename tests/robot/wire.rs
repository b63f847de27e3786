//! What stands between agent and Orchestrator and sees the very bytes, and Orchestrators that answer what a test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub when: Instant,
    /// `POST /api/robot/heartbeat`
    pub target: String,
    pub head: String,
    pub body: String,
}

impl Heard {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    }

    /// The fields of the form in their order, decoded.
    pub fn fields(&self) -> Vec<(String, String)> {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
        };
        let pairs = self.body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
    }

    pub fn field(&self, name: &str) -> Option<String> {
        self.fields().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// All that was heard.
pub type Ear = Arc<Mutex<Vec<Heard>>>;

/// A request to its end; nothing when the other side has closed.
fn hear(stream: &mut impl BufRead) -> Option<Heard> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length =
        head.to_lowercase().split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let target = head.lines().next()?.rsplit_once(' ')?.0.to_owned();
    Some(Heard { when: Instant::now(), target, head, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Passes everything on to the simulator and remembers what the agent sent.
pub struct Proxy {
    pub address: String,
    heard: Ear,
}

impl Proxy {
    pub fn to(place: String) -> Proxy {
        Proxy::on(TcpListener::bind("127.0.0.1:0").unwrap(), place)
    }

    /// On a port that somebody has waited for.
    pub fn on(listener: TcpListener, place: String) -> Proxy {
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard = Ear::default();
        let ear = heard.clone();
        std::thread::spawn(move || {
            for agent in listener.incoming().flatten() {
                let (place, ear) = (place.clone(), ear.clone());
                std::thread::spawn(move || pass(agent, &place, &ear));
            }
        });
        Proxy { address, heard }
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

/// One connection of an agent, to its end. Whoever closes first ends it for both.
fn pass(agent: TcpStream, place: &str, ear: &Ear) -> Option<()> {
    let mut server = TcpStream::connect(place).ok()?;
    let (mut back, mut from) = (agent.try_clone().ok()?, server.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut back);
        let _ = back.shutdown(std::net::Shutdown::Both);
    });
    let mut agent = BufReader::new(agent);
    while let Some(heard) = hear(&mut agent) {
        let whole = format!("{}{}", heard.head, heard.body);
        ear.lock().unwrap().push(heard);
        server.write_all(whole.as_bytes()).ok()?;
    }
    server.shutdown(std::net::Shutdown::Both).ok()
}

/// Answers each request as the test says.
pub struct Stub {
    pub place: SocketAddr,
    heard: Ear,
}

/// What a stub answers with: the whole bytes; nothing at all to hang up.
pub type Reply = Vec<u8>;

impl Stub {
    pub fn start(answer: impl Fn(&Heard, &[Heard]) -> Reply + Send + Sync + 'static) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        let heard = Ear::default();
        let (ear, answer) = (heard.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (ear, answer) = (ear.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Some(one) = hear(&mut stream) {
                        let before = ear.lock().unwrap().clone();
                        let reply = answer(&one, &before);
                        ear.lock().unwrap().push(one);
                        if reply.is_empty() || stream.get_mut().write_all(&reply).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Stub { place, heard }
    }

    pub fn address(&self) -> String {
        format!("http://{}", self.place)
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The targets in their order, without lines of the log.
    pub fn story(&self) -> Vec<String> {
        let heard = self.heard();
        let words = heard.iter().map(|one| one.target.rsplit('/').next().unwrap_or_default().to_owned());
        words.filter(|word| word != "create").collect()
    }
}

pub fn http(status: &str, body: &str) -> Reply {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

pub fn ok(body: &str) -> Reply {
    http("200 OK", body)
}

pub fn beat(code: i64, has_job: i64) -> Reply {
    ok(&format!("{{\"HeartbeatErrorCode\":{code},\"ErrorText\":\"\",\"HasNewJob\":{has_job}}}"))
}

/// Two of them, at least so far apart.
#[track_caller]
pub fn are_apart(earlier: Instant, later: Instant, least: Duration) {
    // What a loaded machine delivers late was sent in time.
    let slack = Duration::from_millis(60);
    let apart = later - earlier;
    assert!(apart + slack >= least, "{apart:?} apart, not {least:?}");
}
