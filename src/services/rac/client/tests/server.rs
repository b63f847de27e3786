//! A server that answers as a test tells it.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::services::rac::wire::Writer;
use crate::services::rac::wire::packet::{self, Exception};

/// What a test's server does with a packet.
pub enum Does {
    Sends(Vec<u8>),
    /// Sends this and closes the connection.
    Closes(Vec<u8>),
    SaysNothing,
}

/// Packets that arrived: (connection, type, payload).
type Got = Arc<Mutex<Vec<(usize, u8, Vec<u8>)>>>;

/// A server, and the packets that it got.
pub struct Played {
    pub address: String,
    pub got: Got,
}

impl Played {
    /// Versions that were asked for, in their order.
    pub fn versions(&self) -> Vec<String> {
        let got = self.got.lock().unwrap();
        let opened = got.iter().filter(|(_, kind, _)| *kind == packet::ENDPOINT_OPEN);
        // The name of the service is 24 bytes after its length.
        opened.map(|(.., payload)| String::from_utf8_lossy(&payload[26..payload.len() - 1]).into_owned()).collect()
    }

    /// Numbers of the messages that arrived, with their connections.
    pub fn messages(&self) -> Vec<(usize, u8)> {
        let got = self.got.lock().unwrap();
        let messages = got.iter().filter(|(_, kind, _)| *kind == packet::ENDPOINT_MESSAGE);
        messages.map(|(connection, _, payload)| (*connection, payload[4])).collect()
    }
}

/// Starts a server that answers the opening properly and every other packet by `answer(connection, type, payload)`.
pub async fn play(answer: impl Fn(usize, u8, &[u8]) -> Does + Send + Sync + 'static) -> Played {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let got = Got::default();
    let (answer, kept) = (Arc::new(answer), got.clone());
    tokio::spawn(async move {
        let mut connection = 0;
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, connection, answer.clone(), kept.clone()));
            connection += 1;
        }
    });
    Played { address, got }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    answer: Arc<impl Fn(usize, u8, &[u8]) -> Does>,
    got: Got,
) -> Option<()> {
    let mut bytes = vec![0; 8];
    stream.read_exact(&mut bytes).await.ok()?;
    assert_eq!(bytes, packet::NEGOTIATE);
    bytes.clear();
    loop {
        while let Some((kind, length, head)) =
            packet::head(&bytes).unwrap().filter(|(_, length, head)| bytes.len() >= head + length)
        {
            let payload = bytes[head..head + length].to_vec();
            bytes.drain(..head + length);
            got.lock().unwrap().push((connection, kind, payload.clone()));
            let does = match kind {
                packet::CONNECT => Does::Sends(packet::packet(packet::CONNECT_ACK, &[0x80])),
                packet::ENDPOINT_CLOSE => Does::SaysNothing,
                kind => answer(connection, kind, &payload),
            };
            match does {
                Does::Sends(bytes) => stream.write_all(&bytes).await.ok()?,
                Does::Closes(bytes) => {
                    stream.write_all(&bytes).await.ok()?;
                    return None;
                }
                Does::SaysNothing => {}
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// The acknowledgement of an endpoint of this version.
pub fn opened(version: &str) -> Does {
    let mut payload = Writer::new();
    payload.text(packet::SERVICE).text(version).nullable_size(1).null();
    Does::Sends(packet::packet(packet::ENDPOINT_OPEN_ACK, payload.bytes()))
}

/// The refusal of an endpoint, with this text in its cause.
pub fn refused(cause: &str) -> Does {
    let mut payload = Writer::new();
    payload.text(packet::SERVICE).text("").null();
    let cause = Exception { class: "UnsupportedService".into(), text: cause.to_owned().into(), ..Exception::default() };
    let failure = Exception { class: "EndpointFailure".into(), cause: Some(Box::new(cause)), ..Exception::default() };
    failure.write(&mut payload);
    Does::Sends(packet::packet(packet::ENDPOINT_FAILURE, payload.bytes()))
}

/// An answer of this number with this body.
pub fn message(id: u8, body: &[u8]) -> Does {
    let mut payload = Writer::new();
    payload.nullable_size(1).short(0).byte(packet::MESSAGE).byte(id).raw(body);
    Does::Sends(packet::packet(packet::ENDPOINT_MESSAGE, payload.bytes()))
}

pub fn void() -> Does {
    Does::Sends(packet::packet(packet::ENDPOINT_MESSAGE, &[1, 0, 0, packet::VOID]))
}

/// One cluster, as 11.0 lays it out.
pub fn one_cluster() -> Does {
    let mut body = vec![1];
    body.extend(b"\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78\x87\x96\xa5\xb4\xc3\xd2\xe1\xf0\x00\x00\x00\x3c\x04srv1");
    body.extend([0, 0, 0, 0, 6, 5, 0, 0, 0, 0, 0, 0, 0, 0]);
    body.extend(b"\x04Main");
    body.extend([0; 16]);
    body.extend([1, 0]);
    message(12, &body)
}
