//! The service over real connections: bad heads, slow ones, huge bodies, and the end of it all.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{PORTAL, Stage};
use crate::web::listen::{Patient, bind, serve};
use crate::web::options::OnStop;

struct Running {
    stage: Stage,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<bool>,
}

impl Running {
    async fn new(stage: Stage) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, service) = (listener.local_addr().unwrap(), stage.service.clone());
        let (stop, stopped) = oneshot::channel();
        let served =
            tokio::spawn(async move { serve(service, listener, OnStop::Finish, async { drop(stopped.await) }).await });
        Running { stage, address, stop, served }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Everything that comes until the other side closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut text)).await.expect("it closes");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn what_is_no_http_and_what_is_too_long_is_refused() {
    let running = Running::new(Stage::new()).await;
    for (sent, status) in [
        ("hello\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(40_000)), "HTTP/1.1 4"),
        (format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(40_000)), "HTTP/1.1 431"),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200)), "HTTP/1.1 431"),
    ] {
        let mut stream = running.connect().await;
        // The other side may have had enough before all is sent.
        let _ = stream.write_all(sent.as_bytes()).await;
        let text = rest(stream).await;
        assert!(text.starts_with(status), "{status}: {text}");
    }
}

#[tokio::test]
async fn a_body_of_a_hundred_megabytes_gets_its_answer() {
    let running = Running::new(Stage::new()).await;
    let mut stream = running.connect().await;
    let size = 100 << 20;
    let head = format!(
        "POST /api/runs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {PORTAL}\r\ncontent-type: application/json\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // As a client that sends all before it reads.
    let piece = vec![b' '; 1 << 20];
    for _ in 0..100 {
        stream.write_all(&piece).await.unwrap();
    }
    let text = rest(stream).await;
    assert!(text.starts_with("HTTP/1.1 413") && text.contains("limit.body"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends_is_given_up() {
    let running = Running::new(Stage::new()).await;
    let mut stream = running.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    let mut text = Vec::new();
    let start = tokio::time::Instant::now();
    let _ = tokio::time::timeout(Duration::from_secs(120), stream.read_to_end(&mut text)).await.expect("it closes");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_is_given_up() {
    let (ours, mut theirs) = tokio::io::duplex(16);
    let mut ours = Patient::new(ours, Duration::from_secs(60));
    let start = tokio::time::Instant::now();
    let error = ours.write_all(&[0; 100]).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (std::io::ErrorKind::TimedOut, 60));
    // Who takes something now and then is not.
    let mut taken = [0; 16];
    theirs.read_exact(&mut taken).await.unwrap();
    ours.write_all(&[0; 16]).await.unwrap();
}

#[tokio::test]
async fn stopping_waits_for_the_run_and_ends_streams_and_idle_connections() {
    let running = Running::new(Stage::new()).await;
    running.stage.desk.gate.send_replace(false);
    let id = running.stage.start().await;
    let mut follower = running.connect().await;
    let request = format!("GET /api/runs/{id}/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {PORTAL}\r\n\r\n");
    follower.write_all(request.as_bytes()).await.unwrap();
    let idle = running.connect().await;
    let mut begun = [0; 64];
    follower.read_exact(&mut begun).await.unwrap();
    running.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    // Until the run has ended, one can ask; each connection carries one request.
    let mut late = TcpStream::connect(running.address).await.unwrap();
    late.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let ready = rest(late).await;
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(!running.served.is_finished());
    running.stage.desk.gate.send_replace(true);
    let address = running.address;
    assert!(running.served.await.unwrap());
    assert!(TcpStream::connect(address).await.is_err());
    let told = rest(follower).await;
    assert!(told.contains("\"state\":\"ok\"") && told.contains("event: end"), "{told}");
    assert_eq!(rest(idle).await, "");
}

#[tokio::test]
async fn a_place_that_is_taken_or_no_place_is_named() {
    let taken = bind("127.0.0.1:0").await.unwrap();
    let place = taken.local_addr().unwrap().to_string();
    let error = bind(&place).await.unwrap_err();
    assert!(error.message().starts_with(&format!("cannot listen on {place}: ")), "{error:?}");
    assert!(error.hint_text().unwrap().contains("--listen"));
    assert!(bind("nowhere").await.unwrap_err().hint_text().unwrap().contains("127.0.0.1:8080"));
}
