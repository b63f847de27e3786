//! Bodies of requests: read whole within a bound of size and of time.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use futures_util::stream::unfold;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::answer::{Refusal, Reply};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the rest of a body that is too long is taken and thrown away. A client that sends all before it reads
/// would otherwise find the connection reset instead of the answer.
const LINGER: Duration = Duration::from_secs(5);

/// Why there is no body, and what is left of it.
pub struct TooLong(Body);

/// The body, or why there is none; a refusal of one that is too long takes the rest along.
pub async fn whole(mut body: Body, limit: usize) -> Result<Bytes, (Refusal, Option<TooLong>)> {
    let until = Instant::now() + PATIENCE;
    let mut read = Vec::new();
    loop {
        let frame = match timeout_at(until, body.frame()).await {
            Ok(None) => return Ok(read.into()),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                return Err((refusal(StatusCode::BAD_REQUEST, "input.body", "the body broke off"), None));
            }
            Err(_) => return Err((refusal(StatusCode::REQUEST_TIMEOUT, "limit.time", "the body took too long"), None)),
        };
        let data = frame.into_data().unwrap_or_default();
        if read.len() + data.len() > limit {
            let message = format!("the body is longer than {limit} bytes");
            return Err((refusal(StatusCode::PAYLOAD_TOO_LARGE, "limit.body", &message), Some(TooLong(body))));
        }
        read.extend_from_slice(&data);
    }
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Refusal {
    Refusal::new(status, code, message)
}

impl TooLong {
    /// The answer, sent at once, and ended when the client has sent what it wanted to, or for long enough.
    pub fn lingering(self, reply: Reply) -> Reply {
        let (mut parts, body) = reply.into_parts();
        parts.headers.remove(CONTENT_LENGTH);
        let pieces = unfold((Some(body), self.0), |(body, mut rest)| async move {
            match body {
                Some(body) => {
                    // It was made of bytes that are there.
                    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                    Some((Ok::<_, Infallible>(bytes), (None, rest)))
                }
                None => {
                    let until = Instant::now() + LINGER;
                    // The clock is looked at each time: what always has more to give would never let a timer run.
                    while Instant::now() < until && matches!(timeout_at(until, rest.frame()).await, Ok(Some(Ok(_)))) {}
                    None
                }
            }
        });
        Reply::from_parts(parts, Body::from_stream(pieces))
    }
}
