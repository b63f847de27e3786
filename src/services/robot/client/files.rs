//! Files: sent with the fields of a call, and fetched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::http::{Answered, Client};
use super::trouble::code;
use crate::core::progress::Bar;
use crate::error::{Error, Kind, Result};
use crate::services::robot::wire::address::part;
use crate::services::robot::wire::answer;
use crate::services::robot::wire::call::Attached;
use crate::services::robot::wire::form;
use crate::services::robot::wire::request::{Request, Verb, Whose};

/// The slowest line over which a file is sent or fetched, in bytes a second.
const SLOWEST: u64 = 50_000;
/// Bytes that are read and sent at once.
const PIECE: usize = 256 * 1024;
/// A file that comes inside JSON is held whole.
const LARGEST_HELD: usize = 256 << 20;

impl Client {
    /// How long a file of this size may take.
    fn by_size(&self, bytes: u64) -> Duration {
        self.timeout() + Duration::from_secs(30 + bytes / SLOWEST)
    }

    /// A request with a file: sent once, by its own verb, to where the settings say.
    pub(super) async fn upload(&self, request: &Request, attached: &Attached) -> Result<Answered> {
        let path = Path::new(&attached.path);
        let file = tokio::fs::File::open(path).await.map_err(|error| unreadable(path, &error))?;
        let size = file.metadata().await.map_err(|error| unreadable(path, &error))?.len();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let boundary = format!("pult-{}", uuid::Uuid::new_v4().simple());
        let (head, tail) = form::around(&boundary, &request.fields, &attached.field, &name);
        let length = head.len() as u64 + size + tail.len() as u64;
        let bar = self.0.context.progress().start(format!("{name} to the Orchestrator"), Some(size));
        let body = reqwest::Body::wrap_stream(pieces(file, head, tail, bar));
        let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"))
            .map_err(|_| Error::new(Kind::File, "robot.file", "the file cannot be sent"))?;
        let mut headers = self.headers(request.whose)?;
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        let client = self.0.http.client()?;
        let url = self.0.address.at(&request.path);
        let sending = if request.verb == Verb::Put { client.put(url) } else { client.post(url) };
        let timeout = self.by_size(length);
        self.0.counters.calls.add(1);
        self.0.counters.requests.add(1);
        let sent = sending.headers(headers).timeout(timeout).body(body).send().await;
        let (answered, _) = self.received(request, timeout, sent).await?;
        if answered.is_good() { Ok(answered) } else { Err(self.refusal(request, &answered)) }
    }

    /// Keeps a stored file, by its GUID, here; its size.
    pub async fn download_file(&self, guid: &str, to: &Path) -> Result<u64> {
        self.download("robot.download", &format!("/api/files/read/{}", part(guid)), to).await
    }

    /// Keeps what lies at an address here; its size. The answer is the content itself, or JSON that holds it in Base64 under
    /// `content` or `file`, or the path where it lies under `url` or `path`. What is there already is replaced only when
    /// all has come.
    async fn download(&self, what: &str, address: &str, to: &Path) -> Result<u64> {
        let request = Request {
            what: what.to_owned(),
            verb: Verb::Get,
            path: address.to_owned(),
            fields: Vec::new(),
            whose: Whose::Account,
            changes: false,
        };
        let response = self.fetched(&request).await?;
        let is_json = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(is_json);
        if !is_json {
            return self.kept(&request, response, to).await;
        }
        let timeout = self.by_size(response.content_length().unwrap_or(0));
        let (answered, _) = self.received(&request, timeout, Ok(response)).await?;
        let record = answer::object(&answered.body).ok().flatten().unwrap_or_default();
        if let Some(content) = content(&record) {
            let partial = Partial::beside(to);
            tokio::fs::write(&partial.0, &content).await.map_err(|error| unwritable(to, &error))?;
            tokio::fs::rename(&partial.0, to).await.map_err(|error| unwritable(to, &error))?;
            return Ok(content.len() as u64);
        }
        let place = answer::words(answer::first(&record, &["url", "path", "link", "download_url"]));
        let place = self.0.address.path_of(&place).filter(|place| *place != request.path);
        let place = place.ok_or_else(|| self.odd(what, "there is no content in it, and no address here", &record))?;
        let request = Request { path: place, ..request };
        let response = self.fetched(&request).await?;
        self.kept(&request, response, to).await
    }

    async fn fetched(&self, request: &Request) -> Result<reqwest::Response> {
        let timeout = self.by_size(LARGEST_HELD as u64);
        self.0.counters.calls.add(1);
        self.0.counters.requests.add(1);
        let sending = self.0.http.client()?.get(self.0.address.at(&request.path));
        let sent = sending.headers(self.headers(request.whose)?).timeout(timeout).send().await;
        let place = self.0.address.shown();
        let response = sent.map_err(|error| self.0.http.broken_within(timeout, &request.what, &place, error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (answered, _) = self.received(request, timeout, Ok(response)).await?;
        Err(self.refusal(request, &answered))
    }

    async fn kept(&self, request: &Request, mut response: reqwest::Response, to: &Path) -> Result<u64> {
        let name = to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let bar = self.0.context.progress().start(format!("{name} from the Orchestrator"), response.content_length());
        let partial = Partial::beside(to);
        let timeout = self.by_size(LARGEST_HELD as u64);
        let place = self.0.address.shown();
        let mut file = tokio::fs::File::create(&partial.0).await.map_err(|error| unwritable(to, &error))?;
        let mut size = 0;
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| self.0.http.broken_within(timeout, &request.what, &place, error))?;
            let Some(chunk) = chunk else { break };
            file.write_all(&chunk).await.map_err(|error| unwritable(to, &error))?;
            size += chunk.len() as u64;
            bar.add(chunk.len() as u64);
        }
        file.sync_all().await.map_err(|error| unwritable(to, &error))?;
        drop(file);
        tokio::fs::rename(&partial.0, to).await.map_err(|error| unwritable(to, &error))?;
        Ok(size)
    }
}

fn is_json(kind: &str) -> bool {
    kind.to_ascii_lowercase().contains("json")
}

/// The bytes of a file that a record holds.
fn content(record: &Value) -> Option<Vec<u8>> {
    use base64::Engine;
    let text = answer::words(answer::first(record, &["content", "file", "data", "process_file"]));
    let text = text.trim();
    let read = base64::engine::general_purpose::STANDARD.decode(text).ok();
    read.filter(|_| !text.is_empty())
}

/// Where a file is written until it is whole; removed when it never becomes so.
struct Partial(PathBuf);

impl Partial {
    fn beside(path: &Path) -> Partial {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", uuid::Uuid::new_v4().simple()));
        Partial(path.with_file_name(name))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It is gone when it has become the file itself.
        let _ = std::fs::remove_file(&self.0);
    }
}

type Piece = std::io::Result<bytes::Bytes>;

/// The body piece by piece, so that a large file is never held whole.
fn pieces(file: tokio::fs::File, head: Vec<u8>, tail: Vec<u8>, bar: Bar) -> impl futures_util::Stream<Item = Piece> {
    let middle = futures_util::stream::unfold((file, bar), |(mut file, bar)| async move {
        let mut piece = bytes::BytesMut::with_capacity(PIECE);
        match file.read_buf(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                bar.add(read as u64);
                Some((Ok(piece.freeze()), (file, bar)))
            }
            Err(error) => Some((Err(error), (file, bar))),
        }
    });
    let (head, tail) = ([Ok(head.into())], [Ok(tail.into())]);
    futures_util::stream::iter(head).chain(middle).chain(futures_util::stream::iter(tail))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::File, code::FILE, format!("{} cannot be read: {error}", path.display()))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::File, code::FILE, format!("{} cannot be written: {error}", path.display()))
}
