//! The life of a connection: first exchange, encryption, login, requests until the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Server;
use super::answer::{Answer, info};
use super::bytes::Malformed;
use super::hub::{Call, Client, Hub, now};
use super::knobs::Encryption;
use super::login::Login;
use super::packet::{Framer, Lost, Message, Messages, kind, status};
use super::perform::{Desk, Reset, logged};
use super::prelogin::{Agreed, Prelogin};
use super::request::Request;
use super::sql::Session;
use super::sql::out::{Out, Sink, Stop};
use super::version::Version;

/// The first byte of a connection that begins with TLS.
const HANDSHAKE: u8 = 0x16;
/// How long a client may take to log in.
const PATIENCE: Duration = Duration::from_secs(60);
/// A client that is not logged in yet sends no longer message, in bytes.
const LONGEST_LOGIN: usize = 128 << 10;
/// Records of TLS are no longer, so packets within it are not either.
const LARGEST_ENCRYPTED: usize = 16_383;

/// What requests and answers go over.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

type Reading = ReadHalf<Box<dyn Wire>>;
type Writing = WriteHalf<Box<dyn Wire>>;

/// A connection that has spoken of encryption: the rest of it, and whether that is encrypted.
struct Opened {
    wire: Box<dyn Wire>,
    encrypted: bool,
    /// The login, where it was read on the way.
    login: Option<Message>,
}

/// Serves a connection until one of both ends it.
pub async fn serve(stream: TcpStream, server: Arc<Server>) {
    let drops = server.hub.drops();
    // Whatever ends a connection here has been told to the client where it can be told.
    if let Ok(Ok(entered)) = tokio::time::timeout(PATIENCE, enter(stream, &server)).await {
        entered.requests(&server, drops).await;
    }
}

async fn enter(stream: TcpStream, server: &Arc<Server>) -> Result<Entered, Lost> {
    stream.set_nodelay(true)?;
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(Lost::Gone);
    }
    let opened = if first == [HANDSHAKE] { open_strict(stream, server).await? } else { open(stream, server).await? };
    let (reading, writing) = tokio::io::split(opened.wire);
    let mut messages = Messages::new(reading, LONGEST_LOGIN);
    let message = match opened.login {
        Some(message) => message,
        None => messages.next().await?,
    };
    if message.kind != kind::LOGIN {
        return Err(Malformed("a login was expected").into());
    }
    let login = Login::read(&message.body)?;
    let mut answer = Answer::new(writing, login.agreed().unwrap_or(Version::V7_1));
    match admit(&login, server, opened.encrypted, &mut answer).await {
        Some(seat) => {
            messages.allow(server.hub.knobs().max_request);
            Ok(Entered { messages, answer, seat })
        }
        None => {
            // What was told has to arrive before the connection ends.
            answer.finish().await.ok();
            answer.shut().await;
            Err(Lost::Gone)
        }
    }
}

/// TLS first, everything else in it.
async fn open_strict(stream: TcpStream, server: &Server) -> Result<Opened, Lost> {
    let mut tls = server.certificate()?.strict(stream).await?;
    let message = Messages::new(&mut tls, LONGEST_LOGIN).next().await?;
    let prelogin = read_prelogin(&message)?;
    // Nothing is left to agree on.
    let (says, _) = prelogin.agree(Encryption::Required);
    write(&mut tls, prelogin.answer(says)).await?;
    Ok(Opened { wire: Box::new(tls), encrypted: true, login: None })
}

async fn open(mut stream: TcpStream, server: &Server) -> Result<Opened, Lost> {
    let knob = server.hub.knobs().encryption;
    let message = Messages::new(&mut stream, LONGEST_LOGIN).next().await?;
    if message.kind == kind::LOGIN && knob != Encryption::Required {
        // A client so old that it says nothing before.
        return Ok(Opened { wire: Box::new(stream), encrypted: false, login: Some(message) });
    }
    let prelogin = read_prelogin(&message)?;
    let (says, agreed) = prelogin.agree(knob);
    write(&mut stream, prelogin.answer(says)).await?;
    match agreed {
        Agreed::Impossible => Err(Lost::Gone),
        Agreed::Nothing => Ok(Opened { wire: Box::new(stream), encrypted: false, login: None }),
        Agreed::Everything => {
            let tls = server.certificate()?.within(stream).await?;
            Ok(Opened { wire: Box::new(tls), encrypted: true, login: None })
        }
        Agreed::Login => {
            let mut tls = server.certificate()?.within(stream).await?;
            let login = Messages::new(&mut tls, LONGEST_LOGIN).next().await?;
            let (wrapped, _) = tls.into_inner();
            Ok(Opened { wire: Box::new(wrapped.into_inner()), encrypted: false, login: Some(login) })
        }
    }
}

fn read_prelogin(message: &Message) -> Result<Prelogin, Malformed> {
    match message.kind {
        kind::PRELOGIN => Prelogin::read(&message.body),
        _ => Err(Malformed("a client begins with something else")),
    }
}

async fn write(wire: &mut (impl AsyncWrite + Unpin), mut body: Vec<u8>) -> Result<(), Lost> {
    let mut framed = Vec::new();
    Framer::new().frame(&mut body, true, &mut framed);
    wire.write_all(&framed).await?;
    Ok(wire.flush().await?)
}

/// Looks at a login and answers it. `None` when it is refused.
async fn admit(login: &Login, server: &Arc<Server>, encrypted: bool, answer: &mut Answer<Writing>) -> Option<Seat> {
    let hub = &server.hub;
    if login.agreed().is_none() {
        answer.fail(17_805, 20, 3, "The protocol of the client is too old: TDS 7.1 is the oldest that is spoken here.");
        return None;
    }
    if login.integrated {
        let text =
            "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.";
        answer.fail(18_452, 14, 1, text);
        return None;
    }
    let is_known = {
        let knobs = hub.knobs();
        login.user.eq_ignore_ascii_case(&knobs.user) && login.password == knobs.password
    };
    let failed = format!("Login failed for user '{}'.", login.user);
    if !is_known || hub.strikes(|knobs| &mut knobs.refuse_login) {
        answer.fail(18_456, 14, 1, failed);
        return None;
    }
    let spid = hub.enter(Client {
        spid: 0,
        login: login.user.clone(),
        database: login.database.clone(),
        host: login.host.clone(),
        program: login.program.clone(),
        encrypted,
        since: now(),
        status: "sleeping",
    });
    answer.set_spid(spid);
    let session = match Session::new(server.world().clone(), spid, &login.user, &login.database) {
        Ok(session) => session,
        Err(said) => {
            hub.leave(spid);
            answer.error(&said);
            answer.fail(18_456, 14, 1, failed);
            return None;
        }
    };
    let seat = Seat { desk: Desk::new(session), hub: hub.clone(), spid, login: login.user.clone() };
    welcome(login, encrypted, &seat, answer).await.ok()?;
    Some(seat)
}

/// What a client is told that has come in.
async fn welcome(login: &Login, encrypted: bool, seat: &Seat, answer: &mut Answer<Writing>) -> Result<(), Stop> {
    answer.database = "master".to_owned();
    answer.put(Out::Database(seat.desk.session.database().to_owned())).await?;
    let language = if login.language.is_empty() { "us_english" } else { &login.language };
    let tokens = answer.tokens();
    tokens.collation();
    tokens.changed_text(2, language, "");
    tokens.info(&info(5703, 1, format!("Changed language setting to {language}.")));
    tokens.login_acknowledged();
    let packet = if encrypted { login.packet.min(LARGEST_ENCRYPTED) } else { login.packet };
    tokens.packet_size(packet);
    if let Some(features) = login.known_features().filter(|_| tokens.version.has_features()) {
        tokens.features(&features);
    }
    answer.finish().await?;
    answer.set_packet(packet);
    Ok(())
}

/// A session and its place among the others; both are left when the connection ends, however it does.
struct Seat {
    desk: Desk,
    hub: Arc<Hub>,
    spid: u16,
    login: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.session.left();
        self.hub.leave(self.spid);
    }
}

/// A client that is logged in.
struct Entered {
    messages: Messages<Reading>,
    answer: Answer<Writing>,
    seat: Seat,
}

/// How a request ended.
enum Ending {
    /// The answer has been written.
    Answered,
    /// The client wants no more of it.
    Attention,
    /// The server ends the connection; what was told so far may still be sent.
    Disconnect,
    Gone,
}

impl Entered {
    async fn requests(mut self, server: &Server, mut drops: watch::Receiver<u64>) {
        let mut next = None;
        loop {
            let message = match next.take() {
                Some(message) => message,
                None => tokio::select! {
                    message = self.messages.next() => match message {
                        Ok(message) => message,
                        Err(Lost::Gone) => return,
                        Err(Lost::Malformed(why)) => return self.refuse(why).await,
                    },
                    _ = drops.changed() => return,
                },
            };
            self.answer.begin();
            let is_kept = match message.kind {
                kind::ATTENTION => self.answer.interrupt(false).await.is_ok(),
                _ if message.status & status::IGNORE != 0 => {
                    self.answer.call_off();
                    self.answer.finish().await.is_ok()
                }
                _ => self.request(server, message, &mut next, &mut drops).await,
            };
            if !is_kept {
                return;
            }
        }
    }

    /// Answers one request, with an ear to the client meanwhile. Whether the connection goes on.
    async fn request(
        &mut self,
        server: &Server,
        message: Message,
        next: &mut Option<Message>,
        drops: &mut watch::Receiver<u64>,
    ) -> bool {
        let request = Request::read(&message, self.answer.version());
        let logged = logged(&request);
        let reset = match message.status {
            bits if bits & status::RESET != 0 => Reset::All,
            bits if bits & status::RESET_KEEPING_TRANSACTION != 0 => Reset::KeepingTransaction,
            _ => Reset::No,
        };
        drop(message);
        let latency = Duration::from_secs_f64((server.hub.knobs().latency_ms / 1000.0).clamp(0.0, 3600.0));
        let (at, started, database) = (now(), Instant::now(), self.answer.database.clone());
        server.hub.update(self.seat.spid, |client| client.status = "running");
        let ending = {
            let mut answered = std::pin::pin!(self.seat.desk.answer(request, reset, latency, &mut self.answer));
            loop {
                tokio::select! {
                    biased;
                    message = self.messages.next(), if next.is_none() => match message {
                        Ok(message) if message.kind == kind::ATTENTION => break Ending::Attention,
                        // It has to wait, and so does everything behind it.
                        Ok(message) => *next = Some(message),
                        Err(_) => break Ending::Gone,
                    },
                    _ = drops.changed() => break Ending::Gone,
                    answered = &mut answered => break match answered {
                        Ok(()) => Ending::Answered,
                        Err(Stop::Disconnect) => Ending::Disconnect,
                        Err(Stop::Gone) => Ending::Gone,
                    },
                }
            }
        };
        if let Some((kind, text, parameters)) = logged {
            let outcome = match (&ending, self.answer.first_error()) {
                (Ending::Attention, _) => "attention".to_owned(),
                (_, Some(number)) => number.to_string(),
                (Ending::Answered, None) => "ok".to_owned(),
                (Ending::Disconnect | Ending::Gone, None) => "lost".to_owned(),
            };
            let (spid, login, seconds) = (self.seat.spid, self.seat.login.clone(), started.elapsed().as_secs_f64());
            server.hub.log(Call { at, spid, login, database, kind, text, parameters, seconds, outcome });
        }
        self.end(server, ending).await
    }

    /// What is left to do after a request. Whether the connection goes on.
    async fn end(&mut self, server: &Server, ending: Ending) -> bool {
        let database = &self.answer.database;
        server.hub.update(self.seat.spid, |client| {
            client.status = "sleeping";
            client.database.clone_from(database);
        });
        match ending {
            Ending::Answered => true,
            Ending::Attention => {
                self.seat.desk.session.interrupted();
                let is_over = self.seat.desk.session.transaction() == 0;
                self.answer.interrupt(is_over).await.is_ok()
            }
            Ending::Disconnect => {
                // A fault that is told of comes with its error; one that is not, without a word.
                if self.answer.first_error().is_some() {
                    self.answer.finish().await.ok();
                    self.answer.shut().await;
                }
                false
            }
            Ending::Gone => false,
        }
    }

    async fn refuse(mut self, why: Malformed) {
        self.answer.begin();
        let text = "The incoming tabular data stream (TDS) protocol stream is incorrect";
        self.answer.fail(4002, 16, 1, format!("{text}: {}.", why.0));
        self.answer.finish().await.ok();
        self.answer.shut().await;
        // A connection that is closed over unread bytes is reset, and the reason with it.
        tokio::time::timeout(Duration::from_millis(200), self.messages.skip()).await.ok();
    }
}
