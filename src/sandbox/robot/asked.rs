//! A request as it came, taken apart.

use base64::Engine;
use bytes::Bytes;

use super::fields::Fields;
use super::guid::is_guid;
use super::routes::Verb;
use crate::sandbox::http::Peer;

pub struct Asked {
    /// None for verbs the API does not know.
    pub verb: Option<Verb>,
    pub word: String,
    pub path: String,
    pub query: String,
    pub host: String,
    pub tls: bool,
    pub authorization: String,
    pub content_type: String,
    pub body: Bytes,
}

impl Asked {
    pub fn read(peer: Peer, request: &hyper::Request<Bytes>) -> Asked {
        let header = |name: &str| {
            let value = request.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        Asked {
            verb: Verb::read(request.method().as_str()),
            word: request.method().as_str().to_owned(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            host: header("host"),
            tls: peer.tls,
            authorization: header("authorization"),
            content_type: header("content-type"),
            body: request.body().clone(),
        }
    }

    pub fn fields(&self) -> Result<Fields, String> {
        Fields::read(&self.query, &self.content_type, &self.body)
    }

    /// The GUID that the header holds, or what is wrong with the header. `guid:` and `user:guid`, as HTTP libraries make
    /// them, are no GUIDs.
    pub fn credential(&self) -> Result<String, &'static str> {
        let (scheme, coded) = self.authorization.split_once(' ').ok_or(match self.authorization.is_empty() {
            true => "there is no authorization",
            false => "the authorization has no scheme",
        })?;
        if !["Basic", "Bearer"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
            return Err("the authorization is neither Basic nor Bearer");
        }
        let decoded = base64::engine::general_purpose::STANDARD.decode(coded.trim());
        let text =
            decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or("the authorization is no Base64")?;
        match (is_guid(&text), text.contains(':')) {
            (true, _) => Ok(text.to_ascii_lowercase()),
            (false, true) => Err("a colon is encoded with the GUID"),
            (false, false) => Err("the authorization holds no GUID"),
        }
    }
}
