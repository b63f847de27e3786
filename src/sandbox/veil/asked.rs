//! A request as it came, taken apart.

use bytes::Bytes;
use hyper::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::call::{Call, Fail, fail};
use super::routes::Verb;
use super::text::{Lang, text};
use crate::sandbox::http::Peer;

pub struct Asked {
    /// None for verbs the API does not know.
    pub verb: Option<Verb>,
    pub word: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    /// Scheme and host.
    base: String,
    pub lang: Lang,
    pub authorization: String,
    content_type: String,
    body: Bytes,
    target: String,
}

impl Asked {
    pub fn read(peer: Peer, request: &hyper::Request<Bytes>) -> Asked {
        let header = |name: &str| text_of(request.headers(), name);
        let scheme = if peer.tls { "https" } else { "http" };
        let query = request.uri().query().unwrap_or_default();
        Asked {
            verb: [Verb::Get, Verb::Post, Verb::Put].into_iter().find(|verb| verb.word() == request.method().as_str()),
            word: request.method().as_str().to_owned(),
            path: request.uri().path().to_owned(),
            query: query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect(),
            base: format!("{scheme}://{}", header("host")),
            lang: Lang::read(&header("accept-language")),
            authorization: header("authorization"),
            content_type: header("content-type"),
            body: request.body().clone(),
            target: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
        }
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Where the same is with a slash at the end.
    pub fn with_slash(&self) -> String {
        match self.target.split_once('?') {
            Some((path, query)) => format!("{path}/?{query}"),
            None => format!("{}/", self.target),
        }
    }

    /// Address and query, without tokens, for the log.
    pub fn logged(&self) -> String {
        if self.param("token").is_some() { self.path.clone() } else { self.target.clone() }
    }

    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// The body as a map of fields; none is an empty one.
    pub fn fields(&self) -> Result<Map<String, Value>, Fail> {
        if self.verb == Some(Verb::Get) || self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err(fail(400, "invalid", text("Invalid data. Expected a dictionary.", "Ожидался словарь."))),
            Err(error) => {
                let (en, ru) = (format!("JSON parse error - {error}"), format!("Ошибка разбора JSON - {error}"));
                Err(fail(400, "parse_error", text(en, ru)))
            }
        }
    }

    pub fn call(&self, id: Option<&str>, body: Map<String, Value>, user: usize) -> Call {
        Call {
            id: id.map(str::to_owned),
            query: self.query.clone(),
            body,
            lang: self.lang,
            user,
            url: format!("{}{}", self.base, self.path),
            bytes: self.body.clone(),
            content_type: self.content_type.clone(),
        }
    }
}

fn text_of(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn pair(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    (decode(name), decode(value))
}
