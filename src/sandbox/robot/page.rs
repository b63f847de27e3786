//! An answer before it is sent.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::call::Fail;
use crate::sandbox::http::{Drip, Ending, Site};

pub struct Page {
    pub status: u16,
    pub kind: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    pub drip: Option<Drip>,
}

/// What a proxy says when there is nothing behind it.
const HTML: &str = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body><center><h1>502 Bad \
                    Gateway</h1></center><hr><center>nginx</center></body></html>\n";

impl Page {
    pub fn text(status: u16, kind: &str, body: impl Into<Bytes>) -> Page {
        Page { status, kind: kind.to_owned(), headers: Vec::new(), body: body.into(), drip: None }
    }

    pub fn json(status: u16, value: &Value) -> Page {
        Page::text(status, "application/json", value.to_string())
    }

    pub fn html(status: u16) -> Page {
        Page::text(status, "text/html; charset=UTF-8", HTML)
    }

    pub fn fail(fail: &Fail) -> Page {
        let mut page = Page::json(fail.status, &json!({"message": fail.message}));
        if fail.status == 401 {
            page.headers.push(("WWW-Authenticate", "Basic realm=\"Orchestrator\"".to_owned()));
        }
        page
    }

    pub fn file(name: &str, content: Bytes) -> Page {
        let mut page = Page::text(200, "application/octet-stream", content);
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        page.headers.push(("Content-Disposition", format!("attachment; filename*=UTF-8''{name}")));
        page
    }

    /// Pieces of so many bytes; all of it at once when there is no pause.
    pub fn drip(&mut self, piece: usize, pause: Duration) {
        self.drip = Some(Drip { piece, pause, cut: None });
    }

    /// So many bytes, and then a reset.
    pub fn cut(&mut self, bytes: usize) {
        self.drip = Some(Drip { piece: usize::MAX, pause: Duration::ZERO, cut: Some(bytes) });
    }

    /// A header that cannot be sent resets.
    pub fn ending<S: Site>(self) -> Ending<S> {
        let mut response = Response::builder().status(self.status).header(CONTENT_TYPE, self.kind);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let Ok(response) = response.body(Full::new(self.body)) else { return Ending::Reset };
        match self.drip {
            None => Ending::Answer(response),
            Some(drip) => Ending::Dripped(response, drip),
        }
    }
}
