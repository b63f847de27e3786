//! The simulator against the reference: a small client of its own, and what it sees.

mod faults;
mod identities;
mod refusals;
mod state;
mod wire;
mod world;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::bytes::{Reader, put_cells, put_nullable_size, put_size, put_text};
use super::row::{Cell, Id, Row};
use super::{Knobs, RasServer};
use crate::services::rac::table::{CLUSTER, Message, Record, Reply, SESSION, Version, message};

const GREETING: [u8; 8] = [0x1c, 0x53, 0x57, 0x50, 1, 0, 1, 0];
/// A map with `connect.timeout`, an int of 2000.
const CONNECT: &[u8] = b"\x01\x16\x01\x0fconnect.timeout\x04\x00\x00\x07\xd0";

/// What a server said to a message.
#[derive(Debug)]
enum Said {
    Void,
    /// The number and the body.
    Message(u8, Vec<u8>),
    /// The class without its service, and the text.
    Exception(String, String),
}

impl Said {
    #[track_caller]
    fn void(self) {
        assert!(matches!(self, Said::Void), "{self:?}");
    }

    #[track_caller]
    fn exception(self) -> (String, String) {
        match self {
            Said::Exception(class, text) => (class, text),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refused(self, class: &str, text: &str) {
        assert_eq!(self.exception(), (class.to_owned(), text.to_owned()));
    }

    #[track_caller]
    fn body(self) -> Vec<u8> {
        match self {
            Said::Message(_, body) => body,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn id(self) -> Id {
        self.body().try_into().unwrap()
    }

    #[track_caller]
    fn rows(self, record: &'static Record, version: Version) -> Vec<Row> {
        let body = self.body();
        let mut reader = Reader(&body);
        let count = reader.size().unwrap();
        let rows = (0..count).map(|_| Row { record, cells: reader.cells(record.slots, version).unwrap() }).collect();
        assert!(reader.0.is_empty(), "{} bytes are left over", reader.0.len());
        rows
    }

    #[track_caller]
    fn row(self, record: &'static Record, version: Version) -> Row {
        let body = self.body();
        let mut reader = Reader(&body);
        let row = Row { record, cells: reader.cells(record.slots, version).unwrap() };
        assert!(reader.0.is_empty(), "{} bytes are left over", reader.0.len());
        row
    }
}

struct Client {
    stream: TcpStream,
    endpoint: usize,
    version: Version,
}

impl Client {
    /// Greets and connects, without an endpoint.
    async fn raw(server: &RasServer) -> Client {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(&[&GREETING, CONNECT].concat()).await.unwrap();
        let mut client = Client { stream, endpoint: 0, version: 0 };
        assert_eq!(client.packet().await.unwrap(), (2, vec![0x80]));
        client
    }

    async fn open(server: &RasServer, version: Version) -> Client {
        let mut client = Client::raw(server).await;
        client.endpoint(version).await;
        client
    }

    /// Opens an endpoint and talks on it from now on.
    async fn endpoint(&mut self, version: Version) {
        let (kind, payload) = self.ask_for(&format!("{version}.0")).await;
        assert_eq!(kind, 12, "{payload:?}");
        let mut reader = Reader(&payload);
        assert_eq!(reader.text().unwrap(), "v8.service.Admin.Cluster");
        assert_eq!(reader.text().unwrap(), format!("{version}.0"));
        self.endpoint = reader.nullable_size().unwrap().unwrap();
        assert_eq!(reader.0, [0x80]);
        self.version = version;
    }

    async fn ask_for(&mut self, version: &str) -> (u8, Vec<u8>) {
        let mut payload = Vec::new();
        put_text(&mut payload, "v8.service.Admin.Cluster");
        put_text(&mut payload, version);
        payload.push(0x80);
        self.send(11, &payload).await;
        self.packet().await.unwrap()
    }

    async fn send(&mut self, kind: u8, payload: &[u8]) {
        let mut bytes = vec![kind];
        put_size(&mut bytes, payload.len());
        bytes.extend(payload);
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// The next packet; nothing when the connection ended.
    async fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let kind = self.stream.read_u8().await.ok()?;
        let (mut length, mut shift) = (0usize, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some((kind, payload))
    }

    async fn say(&mut self, id: u8, body: &[u8]) {
        let mut payload = Vec::new();
        put_nullable_size(&mut payload, self.endpoint);
        payload.extend([0, 0, 1, id]);
        payload.extend(body);
        self.send(14, &payload).await;
    }

    async fn heard(&mut self) -> Option<Said> {
        let (kind, payload) = self.packet().await?;
        assert_eq!(kind, 14, "{payload:?}");
        let mut reader = Reader(&payload);
        assert_eq!(reader.nullable_size().unwrap(), Some(self.endpoint));
        assert_eq!(reader.short().unwrap(), 0);
        Some(match reader.byte().unwrap() {
            0 => {
                assert!(reader.0.is_empty());
                Said::Void
            }
            1 => Said::Message(reader.byte().unwrap(), reader.0.to_vec()),
            255 => {
                let class = reader.text().unwrap();
                let class = class.strip_prefix("v8.service.Admin.Cluster").unwrap_or(class).to_owned();
                let text = reader.text().unwrap().to_owned();
                assert_eq!(reader.0, [0, 0x80]);
                Said::Exception(class, text)
            }
            kind => panic!("{kind}"),
        })
    }

    /// Asks with raw bytes.
    async fn bytes(&mut self, id: u8, body: &[u8]) -> Said {
        self.say(id, body).await;
        self.heard().await.expect("the connection ended")
    }

    /// Asks as the table lays the message out.
    async fn ask(&mut self, id: u8, cells: &[Cell]) -> Said {
        let message: &Message = message(id).unwrap();
        let mut body = Vec::new();
        put_cells(&mut body, message.body, cells, self.version);
        let said = self.bytes(id, &body).await;
        match (&said, message.reply) {
            (Said::Exception(..), _) | (Said::Void, Reply::Void) => {}
            (Said::Message(answer, _), reply) => assert!(*answer == message.answer && !matches!(reply, Reply::Void)),
            (said, reply) => panic!("{said:?} for {reply:?}"),
        }
        said
    }

    /// What a message lists.
    async fn list(&mut self, id: u8, cells: &[Cell]) -> Vec<Row> {
        let Some(Message { reply: Reply::Many(record), .. }) = message(id) else { panic!("{id}") };
        self.ask(id, cells).await.rows(record, self.version)
    }

    async fn info(&mut self, id: u8, cells: &[Cell]) -> Row {
        let Some(Message { reply: Reply::One(record), .. }) = message(id) else { panic!("{id}") };
        self.ask(id, cells).await.row(record, self.version)
    }

    /// The first cluster.
    async fn cluster(&mut self) -> Id {
        self.ask(11, &[]).await.rows(&CLUSTER, self.version)[0].id("cluster")
    }

    async fn sessions(&mut self, cluster: Id) -> Vec<Row> {
        self.ask(65, &[cluster.into()]).await.rows(&SESSION, self.version)
    }
}

async fn start(change: impl FnOnce(&mut Knobs)) -> RasServer {
    let mut knobs = Knobs::default();
    change(&mut knobs);
    RasServer::start(knobs).await.unwrap()
}
