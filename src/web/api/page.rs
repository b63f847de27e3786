//! The page for people: files inside the program, each with a tag by which a browser asks whether it has changed.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use include_dir::{Dir, include_dir};

use crate::web::answer::{Outcome, Refusal};
use crate::web::routes::Call;

static PAGE: Dir = include_dir!("$CARGO_MANIFEST_DIR/src/web/page");

const INDEX: &str = "index.html";

/// What a file is, by its ending.
const KINDS: &[(&str, &str)] = &[
    (".html", "text/html; charset=utf-8"),
    (".js", "text/javascript; charset=utf-8"),
    (".css", "text/css; charset=utf-8"),
    (".svg", "image/svg+xml"),
];

/// One tag for all of the page: its files change together, with the program.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let mut all = digest::Context::new(&digest::SHA256);
    PAGE.files().for_each(|file| all.update(file.contents()));
    let digest: String = all.finish().as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digest}\"")
});

/// `GET /`
pub async fn index(call: Call) -> Outcome {
    sent(INDEX, &call.headers)
}

/// `GET /assets/{*file}`
pub async fn asset(call: Call) -> Outcome {
    sent(call.param("file"), &call.headers)
}

fn sent(path: &str, headers: &HeaderMap) -> Outcome {
    let kind = KINDS.iter().find(|(ending, _)| path.ends_with(ending)).map(|(_, kind)| *kind);
    let (Some(file), Some(kind)) = (PAGE.get_file(path), kind) else {
        return Err(Refusal::not_found("the page has no such file"));
    };
    let asked = headers.get_all(IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let is_known = asked
        .flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == *TAG);
    let mut reply = Response::new(if is_known { Body::empty() } else { Body::from(file.contents()) });
    if is_known {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
    }
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply.headers_mut().extend(HeaderValue::from_str(&TAG).ok().map(|tag| (ETAG, tag)));
    Ok(reply)
}
