//! `/ws/`: from a request to an event stream.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::asked::Asked;
use super::feed::speak;
use super::sim::Sim;
use super::site::Page;
use crate::sandbox::http::Ending;

/// The answer to a request for the event stream, and what comes after it.
pub fn upgraded(sim: &Sim, asked: &Asked, request: &mut hyper::Request<Bytes>) -> Ending<Sim> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_socket = header("upgrade").eq_ignore_ascii_case("websocket") && asked.word == "GET";
    let key = header("sec-websocket-key").to_owned();
    let mut world = sim.world();
    world.counters.asked(&asked.word, "/ws/");
    if world.strikes("ws_absent", |faults| &mut faults.ws_absent) {
        return Page::html(404, "<html><body><h1>404 Not Found</h1></body></html>").ending();
    }
    if !is_socket || key.is_empty() {
        return Page::html(400, "Can \"Upgrade\" only to \"WebSocket\".").ending();
    }
    let (knobs, now) = (world.knobs.clone(), world.now);
    let is_known = world.tokens.check_bare(asked.param("token").unwrap_or_default(), &knobs, now).is_ok();
    drop(world);
    let response = Response::builder()
        .status(101)
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Accept", derive_accept_key(key.as_bytes()))
        .body(Full::default());
    let Ok(response) = response else { return Ending::Reset };
    let upgrade = hyper::upgrade::on(request);
    Ending::Upgrade(
        response,
        Box::new(move |sim: std::sync::Arc<Sim>| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(async move {
                if let Ok(stream) = upgrade.await {
                    speak(&sim, TokioIo::new(stream), is_known).await;
                }
            })
        }),
    )
}
