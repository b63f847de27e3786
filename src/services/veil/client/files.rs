//! Files of the library and ISO images: sent to a data pool, fetched from it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::Options;
use super::call::{Asked, How, Reply};
use super::controller::Controller;
use super::tasks::Waiting;
use crate::core::progress::Bar;
use crate::error::{Error, Kind, Result, Retry};
use crate::services::veil::table::{Entity, Verb};
use crate::services::veil::wire::answer::Answer;
use crate::services::veil::wire::errors;
use crate::services::veil::wire::request::Request;

/// The slowest line over which a file is sent or fetched, in bytes a second.
const SLOWEST: u64 = 100_000;

/// How long a file of this size may take: the bound for answers would cut a large one off in the middle.
fn by_size(bytes: u64) -> Duration {
    Duration::from_secs(300 + bytes / SLOWEST)
}

/// Bytes that are read and sent at once.
const PIECE: usize = 256 * 1024;

impl Controller {
    /// Sends a file to a data pool; gives the object's JSON. `None` when it was only told of.
    pub async fn upload(
        &self,
        entity: &'static Entity,
        datapool: &str,
        path: &Path,
        name: &str,
    ) -> Result<Option<String>> {
        let options =
            Options::from_iter([("datapool".to_owned(), json!(datapool)), ("filename".to_owned(), json!(name))]);
        // A file that is not there is not announced.
        let file = tokio::fs::File::open(path).await.map_err(|error| unreadable(path, &error))?;
        let size = file.metadata().await.map_err(|error| unreadable(path, &error))?.len();
        let Some(made) = self.announce(entity, options).await? else { return Ok(None) };
        let told = made.get("upload_url").and_then(Value::as_str).ok_or_else(|| no_address(entity, "upload_url"))?;
        let url = self.0.address.told(told).ok_or_else(|| elsewhere(entity, told))?;
        let bar = self.bar(&format!("{name} to the controller"), Some(size as usize));
        let boundary = format!("pult-{}", uuid::Uuid::new_v4().simple());
        let (head, tail) = multipart(&boundary, name);
        let length = head.len() as u64 + size + tail.len() as u64;
        let token = self.token().await?;
        let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"))
            .map_err(|_| no_address(entity, "upload_url"))?;
        let mut headers = self.headers(Some(&token))?;
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        let body = reqwest::Body::wrap_stream(pieces(file, head, tail, bar));
        let sent = self.0.http.client()?.post(url).headers(headers).timeout(by_size(length)).body(body).send().await;
        let response =
            sent.map_err(|error| self.0.http.broken(&format!("{}.upload", entity.word), &self.shown(), error))?;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap_or_default();
        let answer = Answer::new(status, Vec::new(), text);
        if !answer.success() {
            return Err(errors::error(&format!("{}.upload", entity.word), &upload_request(told), &answer, false));
        }
        let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
        self.until_active(entity, id).await.map(Some)
    }

    /// Has the controller fetch a file from an address; gives the object's JSON. `None` when it was only told of.
    pub async fn fetch(&self, entity: &'static Entity, datapool: &str, from: &str) -> Result<Option<String>> {
        let options = Options::from_iter([("datapool".to_owned(), json!(datapool)), ("url".to_owned(), json!(from))]);
        let Some(made) = self.announce(entity, options).await? else { return Ok(None) };
        // A file of the library is fetched when this is sent; an image by itself.
        if let Some(told) = made.get("upload_url").and_then(Value::as_str).filter(|_| entity.word == "library") {
            let path = self.0.address.told(told).ok_or_else(|| elsewhere(entity, told))?;
            let request = upload_request(path.path());
            self.ask(&format!("{}.fetch", entity.word), &request, &How::default(), false).await?;
        }
        let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
        self.until_active(entity, id).await.map(Some)
    }

    /// Fetches a file of a data pool; the number of bytes. What is there already is replaced only when all has come.
    pub async fn download(&self, entity: &'static Entity, id: &str, path: &Path) -> Result<u64> {
        let what = format!("{}.download", entity.word);
        let request = Request { verb: Verb::Put, ..Request::get(format!("{}/{id}/download/", entity.path)) };
        let answer = self.ask(&what, &request, &How::default(), false).await?;
        let told = answer.json().get("download_url").and_then(Value::as_str).map(str::to_owned);
        let told = told.ok_or_else(|| no_address(entity, "download_url"))?;
        let url = self.0.address.told(&told).ok_or_else(|| elsewhere(entity, &told))?;
        let broken = |error| self.0.http.broken(&what, &self.shown(), error);
        let size = self.info(entity, id, &How::default()).await?.json().get("size").and_then(Value::as_u64);
        let patience = by_size(size.unwrap_or(0));
        let response = self.0.http.client()?.get(url).timeout(patience).send().await.map_err(broken)?;
        if !response.status().is_success() {
            let answer = Answer::new(response.status().as_u16(), Vec::new(), response.text().await.unwrap_or_default());
            return Err(errors::error(&what, &request, &answer, false));
        }
        let bar = self.bar("from the controller", response.content_length().map(|length| length as usize));
        let partial = Partial::beside(path);
        let written = written(response, &partial.0, &bar).await;
        let size = written.map_err(|error| unwritable(path, &error))?.map_err(broken)?;
        tokio::fs::rename(&partial.0, path).await.map_err(|error| unwritable(path, &error))?;
        Ok(size)
    }

    async fn announce(&self, entity: &'static Entity, options: Options) -> Result<Option<Value>> {
        let call = entity.call("create").ok_or_else(|| no_address(entity, "create"))?;
        match self.call(Asked { entity, call, about: None, options, how: How::default() }).await? {
            Reply::Held | Reply::Told(_) => Ok(None),
            Reply::Object { text, .. } | Reply::Done { text, .. } => {
                Ok(Some(serde_json::from_str(&text).unwrap_or_default()))
            }
            Reply::Task { task, entity: id, .. } => {
                self.well(&task.id).await?;
                let id = id.or_else(|| task.of_class(entity.class).next().map(str::to_owned));
                let id = id.ok_or_else(|| no_address(entity, "entity"))?;
                let request = Request::get(format!("{}/{id}/", entity.path));
                let answer = self.ask(&format!("{}.info", entity.word), &request, &How::default(), false).await?;
                Ok(Some(answer.json()))
            }
            _ => Err(no_address(entity, "id")),
        }
    }

    /// The object once it is whole.
    async fn until_active(&self, entity: &'static Entity, id: &str) -> Result<String> {
        let began = Instant::now();
        let waiting = Waiting::new(self.task_timeout());
        let mut pause = Duration::from_millis(200);
        loop {
            self.0.cache.forget();
            let request = Request::get(format!("{}/{id}/", entity.path));
            let answer = self.ask(&format!("{}.info", entity.word), &request, &How::default(), false).await?;
            match answer.json().get("status").and_then(Value::as_str) {
                Some("ACTIVE") => return Ok(answer.text().to_owned()),
                Some("FAILED") => {
                    let message = format!("{}: the controller could not take the file {id}", entity.word);
                    return Err(
                        Error::new(Kind::Refused, "veil.file_failed", message).hint("veil.events() may say why")
                    );
                }
                _ if began.elapsed() > waiting.timeout => {
                    let message =
                        format!("{}: the file {id} is not whole after {} s", entity.word, waiting.timeout.as_secs());
                    return Err(Error::new(Kind::Timeout, "veil.file_timeout", message).retry(Retry::Unknown));
                }
                _ => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}

fn upload_request(path: &str) -> Request {
    Request { verb: Verb::Post, changes: true, ..Request::get(path) }
}

/// What stands before and behind the file's bytes.
fn multipart(boundary: &str, name: &str) -> (Vec<u8>, Vec<u8>) {
    let name: String = name.chars().map(|c| if c == '"' || c.is_control() { '_' } else { c }).collect();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: \
         application/octet-stream\r\n\r\n"
    );
    (head.into_bytes(), format!("\r\n--{boundary}--\r\n").into_bytes())
}

/// The whole body piece by piece: nobody holds an image in memory.
fn pieces(
    file: tokio::fs::File,
    head: Vec<u8>,
    tail: Vec<u8>,
    bar: Bar,
) -> impl futures_util::Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static {
    let middle = futures_util::stream::unfold((file, bar), |(mut file, bar)| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                bar.add(read as u64);
                Some((Ok(piece), (file, bar)))
            }
            Err(error) => Some((Err(error), (file, bar))),
        }
    });
    futures_util::stream::once(std::future::ready(Ok(head)))
        .chain(middle)
        .chain(futures_util::stream::once(std::future::ready(Ok(tail))))
}

/// A file that is not whole yet: it goes away unless it was renamed, also when the wait for it is dropped.
struct Partial(PathBuf);

impl Partial {
    /// Under a name that nobody else has.
    fn beside(path: &Path) -> Partial {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Partial(path.with_file_name(format!(".{name}.{}.part", uuid::Uuid::new_v4().simple())))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // There is none when all went well.
        drop(std::fs::remove_file(&self.0));
    }
}

/// The answer's body in a file: what the disk says, and then what the network says.
async fn written(
    mut response: reqwest::Response,
    path: &Path,
    bar: &Bar,
) -> std::io::Result<std::result::Result<u64, reqwest::Error>> {
    let mut file = tokio::fs::File::create(path).await?;
    let mut size = 0;
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                file.write_all(&chunk).await?;
                size += chunk.len() as u64;
                bar.add(chunk.len() as u64);
            }
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        }
    }
    file.flush().await?;
    Ok(Ok(size))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::File, "veil.file", format!("{} cannot be read: {error}", path.display()))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::File, "veil.file", format!("{} cannot be written: {error}", path.display()))
        .hint("check the folder and the space on the disk")
}

fn no_address(entity: &Entity, field: &str) -> Error {
    Error::new(Kind::Protocol, "veil.no_field", format!("{}: the controller tells no `{field}`", entity.word))
}

fn elsewhere(entity: &Entity, told: &str) -> Error {
    Error::new(Kind::Protocol, "veil.moved", format!("{}: the controller names another server: {told}", entity.word))
        .hint("no token is sent there; set `address` to the name that the controller uses for itself")
}
