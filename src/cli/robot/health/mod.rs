//! The health address: /live, /ready, /state and /metrics over HTTP, for probes and monitoring.
//!
//! There is no authorisation and nothing secret. Nobody can change anything here.

mod metrics;
pub mod seen;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::error::{Error, Kind, Result};
use crate::secret;
use seen::Seen;

/// Connections at once; more wait.
const MOST: usize = 16;

/// Longest head of a request in bytes.
const HEAD: usize = 8 << 10;

/// How long the head of a request may take, and a connection may rest.
const HEADER: Duration = Duration::from_secs(10);

/// A connection ends after so long, whatever happens on it.
const LONGEST: Duration = Duration::from_secs(60);

/// The robots as they are now.
pub type View = Arc<dyn Fn() -> Vec<Seen> + Send + Sync>;

/// Listens on `ADDRESS:PORT`; without an address, on this computer alone. The error is `robot.health`.
pub async fn bind(place: &str) -> Result<TcpListener> {
    let place = full(place);
    TcpListener::bind(&place).await.map_err(|error| {
        Error::new(Kind::Usage, "robot.health", format!("cannot listen on {place}: {error}"))
            .hint("write --health 127.0.0.1:9090 with a port that is free, or port 0 for any")
    })
}

/// `9090` and `:9090` mean this computer.
pub fn full(place: &str) -> String {
    match place.strip_prefix(':').unwrap_or(place) {
        port if port.parse::<u16>().is_ok() => format!("127.0.0.1:{port}"),
        _ => place.to_owned(),
    }
}

/// What a person should know of this address.
pub fn warning(address: SocketAddr) -> Option<String> {
    let open = !address.ip().is_loopback();
    open.then(|| format!("{address} is open to other computers: anybody may see robots and names of jobs there"))
}

/// Answers until dropped.
pub async fn serve(listener: TcpListener, view: View) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        // Only a closed semaphore refuses a permit, and this one is never closed.
        let Ok(permit) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will come back.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let view = view.clone();
        tokio::spawn(async move {
            // How a connection ended is the client's business.
            let _ = timeout(LONGEST, connection(stream, view)).await;
            drop(permit);
        });
    }
}

async fn connection(stream: TcpStream, view: View) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), &view);
        async move { Ok::<_, Infallible>(answer) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), answer);
    let _ = pin!(served).await;
}

fn answer(method: &Method, path: &str, view: &View) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = shaped(StatusCode::METHOD_NOT_ALLOWED, JSON, json!({ "error": "only GET" }).to_string());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let mut steps = path.trim_matches('/').splitn(2, '/');
    let (what, name) = (steps.next().unwrap_or_default(), steps.next());
    let mut robots = view();
    if let Some(name) = name {
        robots.retain(|seen| seen.robot == name);
    }
    match what {
        _ if name.is_some() && robots.is_empty() => not_found("there is no such robot"),
        "live" => verdict("live", &robots, |seen| (!seen.alive).then(|| "its algorithm does not get on".to_owned())),
        "ready" => verdict("ready", &robots, Seen::trouble),
        "state" => {
            let state = json!({ "program": concat!("pult/", env!("CARGO_PKG_VERSION")), "robots": robots });
            shaped(StatusCode::OK, JSON, state.to_string())
        }
        "metrics" => shaped(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics::text(&robots)),
        _ => not_found("there are /live, /ready, /state and /metrics; /live/NAME, /ready/NAME for one robot"),
    }
}

const JSON: &str = "application/json";

/// 200 when nothing is wrong with any robot, else 503 and what.
fn verdict(word: &str, robots: &[Seen], wrong: impl Fn(&Seen) -> Option<String>) -> Response<Full<Bytes>> {
    let wrong: Vec<Value> = robots
        .iter()
        .filter_map(|seen| Some(json!({ "robot": seen.robot, "state": seen.state, "why": wrong(seen)? })))
        .collect();
    let (status, good) = match wrong.is_empty() {
        true => (StatusCode::OK, true),
        false => (StatusCode::SERVICE_UNAVAILABLE, false),
    };
    shaped(status, JSON, json!({ word: good, "wrong": wrong }).to_string())
}

fn not_found(why: &str) -> Response<Full<Bytes>> {
    shaped(StatusCode::NOT_FOUND, JSON, json!({ "error": why }).to_string())
}

fn shaped(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let body = secret::mask(&body).into_owned();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn robots() -> View {
        let main = Seen {
            robot: "main".into(),
            locked: true,
            alive: true,
            heartbeat_age: Some(1.0),
            interval: 10.0,
            ..Seen::default()
        };
        let late = Seen { robot: "late".into(), heartbeat_age: Some(31.0), ..main.clone() };
        Arc::new(move || vec![main.clone(), late.clone()])
    }

    /// Status and body, over a real connection.
    async fn ask(request: &str) -> (u16, String) {
        let listener = bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, robots()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        serving.abort();
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    #[tokio::test]
    async fn one_that_was_not_heard_for_three_intervals_is_not_ready() {
        let (status, body) = ask("GET /ready").await;
        let read: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &read["ready"], &read["wrong"][0]["robot"]), (503, &json!(false), &json!("late")));
        assert_eq!(ask("GET /ready/main").await.0, 200);
        assert_eq!(ask("GET /ready/late").await.0, 503);
        assert_eq!(ask("GET /ready/nobody").await.0, 404);
        assert_eq!(ask("GET /live").await.0, 200);
    }

    #[tokio::test]
    async fn states_and_metrics_are_there_to_be_read_alone() {
        let (status, body) = ask("GET /state").await;
        let read: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &read["robots"][1]["heartbeat_age"]), (200, &json!(31.0)));
        let (status, body) = ask("GET /metrics").await;
        assert!(status == 200 && body.contains("pult_robot_ready{robot=\"late\"} 0"), "{body}");
        assert_eq!(ask("POST /state").await.0, 405);
        assert_eq!(ask("GET /").await.0, 404);
    }

    #[test]
    fn an_address_without_a_host_is_this_computer() {
        assert_eq!(
            ["9090", ":9090", "0.0.0.0:1", "[::1]:1"].map(full),
            ["127.0.0.1:9090", "127.0.0.1:9090", "0.0.0.0:1", "[::1]:1"]
        );
        assert!(warning("0.0.0.0:1".parse().unwrap()).is_some() && warning("[::1]:1".parse().unwrap()).is_none());
    }
}
