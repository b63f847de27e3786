//! A client in raw bytes, for what no driver shows.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::driver::server;
use crate::sandbox::sp::{Encryption, Knobs, SqlServer};

pub const NEW: u32 = 0x7400_0004;
pub const OLD: u32 = 0x7100_0001;

pub fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The headers of a request in a transaction.
pub fn headers(transaction: u64) -> Vec<u8> {
    [&[22, 0, 0, 0, 18, 0, 0, 0, 2, 0][..], &transaction.to_le_bytes(), &[1, 0, 0, 0]].concat()
}

/// A login as a client sends it.
pub struct Asked {
    pub version: u32,
    pub packet: u32,
    pub user: &'static str,
    pub password: &'static str,
    pub database: &'static str,
    pub integrated: bool,
    /// Features with what is told of each, without the end.
    pub features: Option<Vec<u8>>,
}

impl Default for Asked {
    fn default() -> Self {
        let (user, password) = ("sa", "Sandbox-1");
        Asked { version: NEW, packet: 4096, user, password, database: "", integrated: false, features: None }
    }
}

impl Asked {
    fn bytes(&self) -> Vec<u8> {
        let password = wide(self.password).iter().map(|byte| byte.rotate_left(4) ^ 0xA5).collect();
        let feature = self.features.as_ref().map(|_| vec![0; 4]).unwrap_or_default();
        let texts: [Vec<u8>; 9] = [
            wide("host"),
            wide(self.user),
            password,
            wide("raw"),
            vec![],
            feature,
            wide("lib"),
            vec![],
            wide(self.database),
        ];
        let mut head = vec![0; 4];
        head.extend(self.version.to_le_bytes());
        head.extend(self.packet.to_le_bytes());
        head.extend([0; 12]);
        let (second, third) = (u8::from(self.integrated) << 7, u8::from(self.features.is_some()) << 4);
        head.extend([0, second, 0, third, 0, 0, 0, 0, 0, 0, 0, 0]);
        let mut data = Vec::new();
        let mut extension = 0;
        for (at, text) in texts.iter().enumerate() {
            head.extend((94 + data.len() as u16).to_le_bytes());
            // Only the extension is counted in bytes.
            head.extend((if at == 5 { text.len() } else { text.len() / 2 } as u16).to_le_bytes());
            if at == 5 {
                extension = data.len();
            }
            data.extend(text);
        }
        head.resize(94, 0);
        if let Some(features) = &self.features {
            let at = 94 + data.len() as u32;
            data[extension..extension + 4].copy_from_slice(&at.to_le_bytes());
            data.extend(features);
            data.push(0xFF);
        }
        head.extend(data);
        let length = head.len() as u32;
        head[..4].copy_from_slice(&length.to_le_bytes());
        head
    }
}

pub struct Raw(pub TcpStream);

impl Raw {
    pub async fn open(server: &SqlServer) -> Raw {
        Raw(TcpStream::connect(server.address()).await.unwrap())
    }

    /// Logs in without encryption.
    pub async fn login(server: &SqlServer, asked: Asked) -> (Raw, Vec<u8>) {
        let mut raw = Raw::open(server).await;
        raw.prelogin(2).await;
        raw.send(0x10, 1, &asked.bytes()).await;
        let answer = raw.answer().await;
        (raw, answer)
    }

    pub async fn send(&mut self, kind: u8, status: u8, body: &[u8]) {
        let [high, low] = (body.len() as u16 + 8).to_be_bytes();
        let packet = [&[kind, status, high, low, 0, 0, 1, 0][..], body].concat();
        self.0.write_all(&packet).await.unwrap();
    }

    /// The kind of encryption that is answered.
    pub async fn prelogin(&mut self, encryption: u8) -> Vec<u8> {
        let options = [0, 0, 16, 0, 6, 1, 0, 22, 0, 1, 4, 0, 23, 0, 1, 0xFF, 11, 0, 0, 0, 0, 0, encryption, 1];
        self.send(0x12, 1, &options).await;
        self.answer().await
    }

    pub async fn batch(&mut self, transaction: u64, text: &str) -> Vec<u8> {
        self.send(0x01, 1, &[headers(transaction), wide(text)].concat()).await;
        self.answer().await
    }

    /// The packet that comes next: its head and its body.
    pub async fn packet(&mut self) -> Option<([u8; 8], Vec<u8>)> {
        let mut head = [0; 8];
        self.0.read_exact(&mut head).await.ok()?;
        assert_eq!((head[0], head[7]), (4, 0));
        let mut body = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]])) - 8];
        self.0.read_exact(&mut body).await.ok()?;
        Some((head, body))
    }

    /// The whole answer; empty when the connection has ended.
    pub async fn answer(&mut self) -> Vec<u8> {
        let mut whole = Vec::new();
        for number in 1..u8::MAX {
            let Some((head, body)) = self.packet().await else { break };
            assert_eq!(head[6], number);
            whole.extend(body);
            if head[1] == 1 {
                break;
            }
        }
        whole
    }

    pub async fn is_closed(&mut self) -> bool {
        let closed = tokio::time::timeout(Duration::from_secs(5), self.0.read(&mut [0])).await;
        matches!(closed, Ok(Ok(0) | Err(_)))
    }
}

pub fn has(answer: &[u8], part: &[u8]) -> bool {
    answer.windows(part.len()).any(|window| window == part)
}

/// The end of an answer: a DONE token of this status.
pub fn done(status: u8) -> Vec<u8> {
    vec![0xFD, status, 0]
}

async fn plain() -> SqlServer {
    server(|knobs: &mut Knobs| knobs.encryption = Encryption::Off).await
}

#[tokio::test]
async fn the_first_answer_says_the_version_and_what_to_encrypt() {
    for (knob, asked, answered) in [
        (Encryption::Off, 0, 2),
        (Encryption::Off, 1, 2),
        (Encryption::Login, 0, 0),
        (Encryption::Login, 1, 1),
        (Encryption::Login, 2, 2),
        (Encryption::Login, 3, 1),
        (Encryption::On, 0, 3),
        (Encryption::On, 2, 2),
        (Encryption::Required, 0, 3),
        (Encryption::Required, 2, 3),
    ] {
        let server = server(|knobs| knobs.encryption = knob).await;
        let answer = Raw::open(&server).await.prelogin(asked).await;
        // Version, encryption, MARS: the options that were given.
        let expected = [0, 0, 16, 0, 6, 1, 0, 22, 0, 1, 4, 0, 23, 0, 1, 0xFF, 16, 0, 0x10, 0x27, 0, 0, answered, 0];
        assert_eq!(answer, expected, "{knob:?} {asked}");
    }
}

#[tokio::test]
async fn a_login_is_told_everything_that_a_server_tells() {
    let server = plain().await;
    let (mut raw, answer) = Raw::login(&server, Asked { packet: 8000, ..Asked::default() }).await;
    assert!(has(&answer, &wide("Changed database context to 'master'.")));
    assert!(has(&answer, &[&[0xAD, 50, 0, 1, 0x74, 0, 0, 4, 20][..], &wide("Microsoft SQL Server")].concat()));
    assert!(has(&answer, &[&[4, 4][..], &wide("8000"), &[4], &wide("4096")].concat()));
    assert_eq!(answer[answer.len() - 13..][..3], done(0));
    // From then on packets are that long.
    let text = format!("SELECT N'{}'", "x".repeat(3000));
    raw.send(0x01, 1, &[headers(0), wide(&text)].concat()).await;
    let (head, _) = raw.packet().await.unwrap();
    assert!(u16::from_be_bytes([head[2], head[3]]) > 6000);
    // The number of the session.
    assert_eq!(u16::from_be_bytes([head[4], head[5]]), server.hub().clients()[0].spid);
}

#[tokio::test]
async fn features_are_acknowledged_where_they_are_there() {
    let server = plain().await;
    let features = Some(vec![1, 0, 0, 0, 0, 0x0A, 0, 0, 0, 0]);
    let (_, answer) = Raw::login(&server, Asked { features, ..Asked::default() }).await;
    assert!(has(&answer, &[0xAE, 0x0A, 1, 0, 0, 0, 1, 0xFF, 0xFD, 0, 0]));
    let (_, answer) = Raw::login(&server, Asked { features: Some(vec![]), ..Asked::default() }).await;
    assert!(has(&answer, &[0xAE, 0xFF, 0xFD, 0, 0]));
    let (_, answer) = Raw::login(&server, Asked::default()).await;
    assert!(!has(&answer, &[0xAE, 0xFF]));
}

#[tokio::test]
async fn old_clients_get_short_forms_and_need_no_headers() {
    let server = plain().await;
    let (mut raw, answer) = Raw::login(&server, Asked { version: OLD, ..Asked::default() }).await;
    assert!(has(&answer, &[0xAD, 50, 0, 1, 0x71, 0, 0, 1]));
    raw.send(0x01, 1, &wide("SELECT 1")).await;
    let answer = raw.answer().await;
    assert_eq!(answer[answer.len() - 9..], [0xFD, 0x10, 0, 0xC1, 0, 1, 0, 0, 0]);
}

#[tokio::test]
async fn clients_that_are_too_old_or_of_windows_are_told_so() {
    let server = plain().await;
    let (mut raw, answer) = Raw::login(&server, Asked { version: 0x7000_0000, ..Asked::default() }).await;
    assert!(has(&answer, &wide("TDS 7.1 is the oldest")) && raw.is_closed().await);
    let (mut raw, answer) = Raw::login(&server, Asked { integrated: true, ..Asked::default() }).await;
    assert!(has(&answer, &wide("cannot be used with Integrated authentication")) && raw.is_closed().await);
    assert!(has(&answer, &[0x14, 0x48, 0, 0]));
}

#[tokio::test]
async fn an_attention_stops_what_runs_and_is_acknowledged_when_nothing_does() {
    let server = plain().await;
    let (mut raw, _) = Raw::login(&server, Asked::default()).await;
    raw.send(0x01, 1, &[headers(0), wide("WAITFOR DELAY '00:01:00'")].concat()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.hub().clients()[0].status, "running");
    raw.send(0x06, 1, &[]).await;
    assert_eq!(raw.answer().await, [0xFD, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    raw.send(0x06, 1, &[]).await;
    assert_eq!(raw.answer().await[..3], done(0x20));
    // In the middle of a request that is not whole yet.
    raw.send(0x01, 0, &headers(0)).await;
    raw.send(0x06, 1, &[]).await;
    assert_eq!(raw.answer().await[..3], done(0x20));
    // Called off by its own last packet.
    raw.send(0x01, 0, &headers(0)).await;
    raw.send(0x01, 3, &wide("SELECT 1")).await;
    assert_eq!(raw.answer().await[..3], done(2));
    let answer = raw.batch(0, "SELECT 1").await;
    assert!(has(&answer, &[0xFD, 0x10, 0, 0xC1, 0, 1]));
    assert_eq!(server.hub().calls()[0].outcome, "attention");
}

#[tokio::test]
async fn a_session_is_made_new_when_the_status_says_so() {
    let server = plain().await;
    let (mut raw, _) = Raw::login(&server, Asked::default()).await;
    raw.send(0x01, 0x09, &[headers(0), wide("SELECT 1")].concat()).await;
    let answer = raw.answer().await;
    assert_eq!(answer[..6], [0xE3, 3, 0, 18, 0, 0]);
    raw.send(0x01, 0x11, &[headers(0), wide("SELECT 1")].concat()).await;
    assert_eq!(raw.answer().await[..6], [0xE3, 3, 0, 18, 0, 0]);
    assert_eq!(raw.batch(0, "SELECT 1").await[0], 0x81);
}

#[tokio::test]
async fn transactions_of_the_protocol_have_a_number_that_requests_must_name() {
    let server = plain().await;
    let (mut raw, _) = Raw::login(&server, Asked::default()).await;
    raw.send(0x0E, 1, &[headers(0), vec![5, 0, 0, 0]].concat()).await;
    let answer = raw.answer().await;
    assert_eq!(answer[..5], [0xE3, 11, 0, 8, 8]);
    let number = u64::from_le_bytes(answer[5..13].try_into().unwrap());
    assert!(number != 0 && answer[13..15] == [0, 0xFD]);
    assert!(has(&raw.batch(0, "SELECT 1").await, &[0x95, 0x0F, 0, 0]));
    assert_eq!(raw.batch(number, "SELECT 1").await[0], 0x81);
    // The end of this one is the beginning of the next.
    raw.send(0x0E, 1, &[headers(number), vec![7, 0, 0, 1, 2, 0]].concat()).await;
    let answer = raw.answer().await;
    assert_eq!(answer[..6], [0xE3, 11, 0, 9, 0, 8]);
    assert_eq!(answer[14..19], [0xE3, 11, 0, 8, 8]);
    let next = u64::from_le_bytes(answer[19..27].try_into().unwrap());
    assert!(has(&raw.batch(number, "SELECT 1").await, &[0x95, 0x0F, 0, 0]));
    raw.send(0x0E, 1, &[headers(next), vec![8, 0, 0, 0]].concat()).await;
    assert_eq!(raw.answer().await[..6], [0xE3, 11, 0, 10, 0, 8]);
    assert_eq!(raw.batch(0, "SELECT 1").await[0], 0x81);
    // Distributed ones are not there.
    raw.send(0x0E, 1, &[headers(0), vec![0, 0, 0, 0]].concat()).await;
    assert!(has(&raw.answer().await, &wide("MSDTC")));
}

/// A call by number with parameters as they are.
fn call(number: u8, parameters: &[&[u8]]) -> Vec<u8> {
    [&[0xFF, 0xFF, number, 0, 0, 0][..], &parameters.concat()].concat()
}

fn text(text: &str) -> Vec<u8> {
    let text = wide(text);
    let length = (text.len() as u16).to_le_bytes();
    [&[0, 0, 0xE7, 0x40, 0x1F, 0x19, 4, 0xD0, 0, 0][..], &length, &text].concat()
}

fn number(number: i32) -> Vec<u8> {
    [&[0, 0, 0x26, 4, 4][..], &number.to_le_bytes()].concat()
}

const OUT_HANDLE: [u8; 5] = [0, 1, 0x26, 4, 0];
const NONE: [u8; 12] = [0, 0, 0xE7, 0x40, 0x1F, 0x19, 4, 0xD0, 0, 0, 0xFF, 0xFF];

#[tokio::test]
async fn several_calls_in_one_request_are_answered_one_after_another() {
    let server = plain().await;
    let (mut raw, _) = Raw::login(&server, Asked::default()).await;
    let select = call(10, &[&text("SELECT 1")]);
    raw.send(0x03, 1, &[headers(0), select.clone(), vec![0xFF], select].concat()).await;
    let answer = raw.answer().await;
    // Each has the end of its statement, its return code and its own end; only the last end is the last.
    let inside = [0xFF, 0x11, 0, 0xC1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x79, 0, 0, 0, 0];
    let ends = |status| [&inside[..], &[0xFE, status, 0, 0xE0, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    assert!(has(&answer, &ends(1)) && answer.ends_with(&ends(0)), "{answer:02X?}");
}

#[tokio::test]
async fn statements_are_prepared_executed_and_forgotten() {
    let server = plain().await;
    let (mut raw, _) = Raw::login(&server, Asked::default()).await;
    raw.send(0x03, 1, &[headers(0), call(11, &[&OUT_HANDLE, &NONE, &text("SELECT 1")])].concat()).await;
    let answer = raw.answer().await;
    let handle = [0xAC, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x26, 4, 4, 1, 0, 0, 0];
    assert!(has(&answer, &handle), "{answer:02X?}");
    raw.send(0x03, 1, &[headers(0), call(12, &[&number(1)])].concat()).await;
    assert_eq!(raw.answer().await[0], 0x81);
    raw.send(0x03, 1, &[headers(0), call(15, &[&number(1)])].concat()).await;
    assert_eq!(raw.answer().await[..5], [0x79, 0, 0, 0, 0]);
    raw.send(0x03, 1, &[headers(0), call(12, &[&number(1)])].concat()).await;
    let answer = raw.answer().await;
    assert!(has(&answer, &wide("Could not find prepared statement with handle 1.")));
    assert_eq!(answer[answer.len() - 13..][..3], [0xFE, 2, 0]);
    raw.send(0x03, 1, &[headers(0), call(13, &[&OUT_HANDLE, &NONE, &text("SELECT 1")])].concat()).await;
    let answer = raw.answer().await;
    assert!(answer[0] == 0x81 && has(&answer, &[0x26, 4, 4, 2, 0, 0, 0, 0xFE, 0, 0]), "{answer:02X?}");
}

#[tokio::test]
async fn what_is_not_there_is_refused_and_the_connection_goes_on() {
    let server = plain().await;
    let (mut raw, _) = Raw::login(&server, Asked::default()).await;
    raw.send(0x03, 1, &[headers(0), call(2, &[&OUT_HANDLE])].concat()).await;
    assert!(has(&raw.answer().await, &wide("'sp_cursoropen' is not supported")));
    raw.send(0x03, 1, &[headers(0), call(12, &[&[0, 0, 0xF3, 0, 0, 0]])].concat()).await;
    assert!(has(&raw.answer().await, &wide("Data type 0xF3")));
    raw.send(0x07, 1, &[0x81, 0, 0]).await;
    assert!(has(&raw.answer().await, &wide("bulk load")));
    assert_eq!(raw.batch(0, "SELECT 1").await[0], 0x81);
}

#[tokio::test]
async fn what_makes_no_sense_ends_the_connection_with_the_reason() {
    let server = plain().await;
    for (kind, body) in [
        (0x01, vec![9, 0, 0, 0, 1]),
        (0x01, [headers(0), vec![1]].concat()),
        (0x03, [headers(0), vec![0xFF]].concat()),
        (0x03, [headers(0), call(10, &[&[0, 0, 0xE7, 0xFF]])].concat()),
        (0x0E, [headers(0), vec![77, 0]].concat()),
        (0x33, vec![]),
    ] {
        let (mut raw, _) = Raw::login(&server, Asked::default()).await;
        raw.send(kind, 1, &body).await;
        let answer = raw.answer().await;
        assert!(has(&answer, &wide("protocol stream is incorrect")), "{kind:02X} {body:02X?}: {answer:02X?}");
        assert!(raw.is_closed().await);
    }
    // A packet that cannot be one.
    let (mut raw, _) = Raw::login(&server, Asked::default()).await;
    raw.0.write_all(&[1, 1, 0, 3, 0, 0, 0, 0]).await.unwrap();
    assert!(has(&raw.answer().await, &wide("impossible length")));
    // Before the login nothing is explained.
    for sent in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x12, 1, 0, 9, 0, 0, 0, 0, 0], &[0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]] {
        let mut raw = Raw::open(&server).await;
        raw.0.write_all(sent).await.unwrap();
        raw.0.shutdown().await.unwrap();
        assert!(raw.0.read_to_end(&mut Vec::new()).await.map_or(true, |more| more < 20), "{sent:02X?}");
    }
}

#[tokio::test]
async fn a_request_may_not_grow_without_an_end() {
    let server = server(|knobs| (knobs.encryption, knobs.max_request) = (Encryption::Off, 10_000)).await;
    let (mut raw, _) = Raw::login(&server, Asked::default()).await;
    for _ in 0..6 {
        raw.send(0x01, 0, &[0x20; 2000]).await;
    }
    assert!(has(&raw.answer().await, &wide("a request is too long")));
    assert!(raw.is_closed().await);
}

#[tokio::test]
async fn connections_are_bounded_and_end_with_the_server() {
    let server = server(|knobs| (knobs.encryption, knobs.max_connections) = (Encryption::Off, 2)).await;
    let (mut first, _) = Raw::login(&server, Asked::default()).await;
    let (mut second, _) = Raw::login(&server, Asked::default()).await;
    assert!(Raw::open(&server).await.is_closed().await);
    server.hub().drop_connections();
    assert!(first.is_closed().await && second.is_closed().await);
    let (mut third, _) = Raw::login(&server, Asked::default()).await;
    drop(server);
    assert!(third.is_closed().await);
}

#[tokio::test]
async fn a_client_that_reads_slowly_makes_the_server_wait() {
    let server = plain().await;
    let (mut raw, _) = Raw::login(&server, Asked::default()).await;
    raw.send(0x01, 1, &[headers(0), wide("SELECT TOP (1000000) * FROM sandbox.rows")].concat()).await;
    let mut start = [0; 9];
    raw.0.read_exact(&mut start).await.unwrap();
    assert_eq!((start[0], start[8]), (4, 0x81));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.hub().clients()[0].status, "running");
    // It still listens; what was on its way comes first.
    raw.send(0x06, 1, &[]).await;
    let mut read = Vec::new();
    while !read.ends_with(&[0xFD, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) {
        assert!(raw.0.read_buf(&mut read).await.unwrap() > 0);
    }
    assert!(read.len() < 64 << 20, "{}", read.len());
    assert_eq!(raw.batch(0, "SELECT 1").await[0], 0x81);
}
