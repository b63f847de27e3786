//! A connection to an Orchestrator: one request, one answer, and what an answer means. Nothing is repeated here.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};

use super::gone::{Gone, noted};
use super::here::Whereabouts;
use super::shapes::Level;
use super::trouble::code;
use crate::core::context::Context;
use crate::core::http::{Http, Waits, Words};
use crate::core::progress::Bar;
use crate::core::stats::Counters;
use crate::error::{Error, Kind, Result, Retry};
use crate::secret::{self, Secret};
use crate::services::robot::NAME;
use crate::services::robot::wire::address::{Address, followed};
use crate::services::robot::wire::answer::{self, Wrong};
use crate::services::robot::wire::request::{Request, Verb, Whose, levels};
use crate::services::robot::wire::{date, form, header};
use crate::settings::Settings;

/// What is said of an Orchestrator that gives no answer.
pub const WORDS: Words = Words {
    server: "Orchestrator",
    unusable: "robot.http",
    certificate: code::CERTIFICATE,
    unreachable: code::UNREACHABLE,
    timeout: code::TIMEOUT,
    broken_off: code::BROKEN_OFF,
};

/// A list of thousands of tasks is some megabytes.
const LARGEST_ANSWER: usize = 64 << 20;
const MOST_MOVES: u32 = 5;
/// The longest line that a dry run shows of a call, in characters.
const SHOWN: usize = 1000;

/// One robot at one Orchestrator; cheap to clone.
#[derive(Clone)]
pub struct Client(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub address: Address,
    pub origin: String,
    pub read_only: bool,
    pub insecure: bool,
    pub http: Http,
    pub guid: Secret,
    pub api_key: Option<Secret>,
    pub context: Context,
    pub counters: Arc<Counters>,
    pub whereabouts: Whereabouts,
    pub levels: Vec<(Level, i64)>,
    pub take_by: TakeBy,
    /// The Orchestrator has no filter that takes a task.
    pub has_no_filter: AtomicBool,
    /// Addresses of this host that refused PUT and took POST.
    pub by_post: Mutex<HashSet<String>>,
}

/// How a task is taken into work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakeBy {
    /// By the filter where there is one, else by [`TakeBy::LastTask`].
    Auto,
    Filter,
    /// By looking, changing, and looking whose change it was.
    LastTask,
}

/// An answer of any status.
pub(super) struct Answered {
    pub status: u16,
    pub body: Vec<u8>,
    /// How long the Orchestrator asks to wait.
    pub after: Option<Duration>,
    /// It came from another path than the one that was asked, after a redirection.
    pub elsewhere: bool,
}

impl Answered {
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn is_no_route(&self) -> bool {
        self.status == 405 || (self.status == 404 && answer::is_no_route(&self.body))
    }

    fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..)
    }
}

/// Robots that reach their Orchestrators in the same way do so through one client: certificates of the system are read once,
/// and a connection serves whoever comes next.
fn shared(settings: &Settings, context: &Context, waits: Waits, is_loopback: bool) -> Result<Http> {
    let (ca, proxy, insecure) = (settings.text("ca"), settings.text("proxy"), settings.flag("insecure"));
    let (answer, connect) = (settings.number("timeout"), settings.number("connect_timeout"));
    let way = format!("{NAME} {ca:?} {proxy:?} {insecure} {answer:?} {connect:?} {is_loopback}");
    let own = Http::new(settings, &WORDS, waits, is_loopback)?;
    let shared = context.shared(&way, || own);
    Ok((*shared).clone())
}

impl Client {
    /// Reads the settings; makes no connection.
    pub fn open(settings: &Settings, context: &Context) -> Result<Client> {
        let missing = |name: &str, hint: &str| settings.wrong(name, "it is missing").hint(hint.to_owned());
        let address = settings
            .text("address")
            .ok_or_else(|| missing("address", "set it to scheme, host and port, such as \"http://192.168.1.111:4500\""))
            .and_then(|text| Address::read(text).map_err(|wrong| settings.wrong("address", wrong)))?;
        let guid = settings
            .secret("guid")
            .ok_or_else(|| missing("guid", "copy the robot's GUID from the Orchestrator's page of robots"))
            .and_then(|guid| key(settings, "guid", guid))?;
        let api_key = settings.secret("api_key").map(|given| key(settings, "api_key", given)).transpose()?;
        let numbers = levels(settings.text("log_levels").unwrap_or_default());
        let waits = Waits { answer: 15.0, connect: 5.0 };
        Ok(Client(Arc::new(Inner {
            origin: settings.origin.clone(),
            read_only: settings.flag("read_only"),
            insecure: settings.flag("insecure"),
            http: shared(settings, context, waits, address.is_loopback())?,
            guid,
            api_key,
            context: context.clone(),
            counters: context.counters(NAME),
            whereabouts: Whereabouts::new(settings, context, address.host(), address.port()),
            levels: numbers.map_err(|wrong| settings.wrong("log_levels", wrong))?,
            take_by: match settings.text("take_by") {
                Some("filter") => TakeBy::Filter,
                Some("last_task") => TakeBy::LastTask,
                _ => TakeBy::Auto,
            },
            has_no_filter: AtomicBool::new(false),
            by_post: Mutex::default(),
            address,
        })))
    }

    /// Scheme, host and port.
    pub fn address(&self) -> &str {
        self.0.address.text()
    }

    /// Whether the Orchestrator runs on this computer, as the simulator does.
    pub fn is_loopback(&self) -> bool {
        self.0.address.is_loopback()
    }

    /// Who this robot is: a credential.
    pub fn guid(&self) -> &Secret {
        &self.0.guid
    }

    /// What whoever uses this connection should know at every start: that anybody may stand between.
    pub fn warning(&self) -> Option<String> {
        let inner = &self.0;
        (inner.insecure && !inner.address.is_plain()).then(|| {
            format!(
                "{}: `insecure` is set, so nobody knows whether {} is the Orchestrator: whoever stands between can read the \
                 robot's GUID and send it work; set `ca` to the company's certificates instead",
                inner.origin,
                inner.address.shown()
            )
        })
    }

    /// Whether the request is only to be told of. Refuses changes on a connection that may only read.
    pub(super) fn only_tells(&self, request: &Request) -> Result<bool> {
        if !request.changes {
            return Ok(false);
        }
        if self.0.read_only {
            let message = format!("{} changes something, and {} is read-only", request.what, self.0.origin);
            return Err(Error::new(Kind::Refused, "robot.read_only", message)
                .hint("remove `read_only` from the connection, or use another one"));
        }
        Ok(self.0.context.only_tells(|| format!("{NAME}: {}", told(request))))
    }

    /// A bar that shows how far many calls are.
    pub fn bar(&self, label: &str, total: usize) -> Bar {
        self.0.context.progress().start(label, Some(total as u64))
    }

    /// How long an answer is waited for, unless a call takes longer.
    pub(super) fn timeout(&self) -> Duration {
        self.0.http.timeout()
    }

    /// The body of a good answer.
    pub(super) async fn ask(&self, request: &Request, timeout: Duration) -> Result<Answered> {
        self.ask_noted(request, timeout, &Gone::default()).await
    }

    /// The same; notes when the request went out.
    pub(super) async fn ask_noted(&self, request: &Request, timeout: Duration, gone: &Gone) -> Result<Answered> {
        self.0.counters.calls.add(1);
        let first = self.verb(request);
        let mut answered = self.follow(request, first, timeout, gone).await?;
        let other = if first == request.verb { request.verb.other() } else { Some(request.verb) };
        if let Some(other) = other.filter(|_| answered.is_no_route()) {
            let second = self.follow(request, other, timeout, gone).await?;
            if !second.is_no_route() {
                if !second.is_passing() {
                    self.remember(request, other);
                }
                answered = second;
            }
        }
        if answered.is_good() { Ok(answered) } else { Err(self.refusal(request, &answered)) }
    }

    fn verb(&self, request: &Request) -> Verb {
        let by_post = self.0.by_post.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match by_post.contains(&request.path) {
            true => Verb::Post,
            false => request.verb,
        }
    }

    fn remember(&self, request: &Request, verb: Verb) {
        let mut by_post = self.0.by_post.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match verb == request.verb {
            true => by_post.remove(&request.path),
            false => by_post.insert(request.path.clone()),
        };
    }

    /// Sends it, and once more to where this host has moved. The key goes nowhere else.
    async fn follow(&self, request: &Request, verb: Verb, timeout: Duration, gone: &Gone) -> Result<Answered> {
        let (mut url, mut verb, mut moves) = (self.0.address.at(&request.path), verb, 0);
        loop {
            let fields = if verb == request.verb || verb != Verb::Get { &request.fields[..] } else { &[] };
            let (mut answered, headers) = self.exchange(request, verb, url.clone(), fields, timeout, gone).await?;
            let to = headers.get(LOCATION).and_then(|to| to.to_str().ok());
            let Some(to) = to.filter(|_| matches!(answered.status, 301 | 302 | 303 | 307 | 308)) else {
                answered.elsewhere = moves > 0 && !url.path().ends_with(&request.path);
                return Ok(answered);
            };
            let Some(next) = followed(&url, to).filter(|_| moves < MOST_MOVES) else {
                return Err(self.moved(request, &url, to));
            };
            if answered.status == 303 {
                verb = Verb::Get;
            }
            (url, moves) = (next, moves + 1);
        }
    }

    async fn exchange(
        &self,
        request: &Request,
        verb: Verb,
        mut url: Url,
        fields: &[(String, String)],
        timeout: Duration,
        gone: &Gone,
    ) -> Result<(Answered, HeaderMap)> {
        let client = self.0.http.client()?;
        let in_query = matches!(verb, Verb::Get | Verb::Delete);
        if in_query && !fields.is_empty() {
            url.set_query(Some(&form::encoded(fields)));
        }
        let mut sending = match verb {
            Verb::Get => client.get(url),
            Verb::Post => client.post(url),
            Verb::Put => client.put(url),
            Verb::Delete => client.delete(url),
        };
        sending = sending.headers(self.headers(request.whose)?).timeout(timeout);
        if !in_query {
            sending = sending
                .header(CONTENT_TYPE, HeaderValue::from_static(form::KIND))
                .body(noted(form::encoded(fields), gone));
        }
        self.0.counters.requests.add(1);
        let sent = sending.send().await;
        self.received(request, timeout, sent).await
    }

    /// The whole of an answer, with its headers.
    pub(super) async fn received(
        &self,
        request: &Request,
        timeout: Duration,
        sent: reqwest::Result<reqwest::Response>,
    ) -> Result<(Answered, HeaderMap)> {
        let place = self.0.address.shown();
        let broken = |error| self.0.http.broken_within(timeout, &request.what, &place, error);
        let mut response = sent.map_err(broken)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(self.unreadable(request, "it is too large", &[]));
            }
            body.extend_from_slice(&chunk);
        }
        let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let after = header(RETRY_AFTER);
        let after = after.and_then(|after| date::retry_after(after, header(DATE), jiff::Timestamp::now()));
        Ok((Answered { status, body, after, elsewhere: false }, headers))
    }

    /// What every request says of its sender.
    pub(super) fn headers(&self, whose: Whose) -> Result<HeaderMap> {
        let key = match (whose, &self.0.api_key) {
            (Whose::Account, Some(key)) => key,
            _ => &self.0.guid,
        };
        let mut value = HeaderValue::from_str(&header::authorization(key.expose()))
            .map_err(|_| Error::new(Kind::Config, "robot.key", "the key cannot be sent"))?;
        value.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(headers)
    }

    /// What an answer of failure means.
    pub(super) fn refusal(&self, request: &Request, answered: &Answered) -> Error {
        let (status, place) = (answered.status, self.0.address.shown());
        let said = match answer::complaint(&answered.body) {
            said if said.is_empty() => String::new(),
            said => format!(": {said}"),
        };
        let what = &request.what;
        let error = match status {
            401 | 403 => {
                let name = if request.whose == Whose::Account && self.0.api_key.is_some() { "api_key" } else { "guid" };
                Error::new(Kind::Auth, code::UNAUTHORISED, format!("{what}: {place} does not let this robot in{said}"))
                    .hint(format!("check `{name}` in the settings, and the robot in the Orchestrator"))
            }
            // An Orchestrator that is being renewed has none of its addresses: that says nothing of the thing.
            404 if request.whose == Whose::Robot && (answered.is_no_route() || answer::is_page(&answered.body)) => {
                let message = format!("{what}: {place} has no such address now (404){said}");
                Error::new(Kind::Unavailable, code::BUSY, message)
                    .hint("it may be starting; or `address` leads to another server")
            }
            404 => Error::new(Kind::NotFound, code::NOT_FOUND, format!("{what}: {place} has no such thing{said}"))
                .hint("it may have been deleted; or `address` leads to another server"),
            _ if answered.is_passing() => {
                let kind = if status == 429 { Kind::Limit } else { Kind::Unavailable };
                let error = Error::new(kind, code::BUSY, format!("{what}: {place} cannot answer now ({status}){said}"))
                    .hint("try again later");
                match answered.after {
                    Some(after) => error.detail("after", after.as_secs_f64()),
                    None => error,
                }
            }
            400..500 => Error::new(Kind::Refused, code::REFUSED, format!("{what}: {place} says no ({status}){said}")),
            _ => return self.unreadable(request, &format!("its status is {status}"), &answered.body),
        };
        let retry = match (status, request.changes) {
            (425 | 429 | 503, _) => Retry::Safe,
            (408 | 500.., true) => Retry::Unknown,
            (408 | 500.., false) => Retry::Safe,
            _ => Retry::Useless,
        };
        error.status(status).retry(retry)
    }

    /// An answer that cannot be the Orchestrator's.
    pub(super) fn unreadable(&self, request: &Request, why: &str, body: &[u8]) -> Error {
        let message = format!("{}: the answer of {} cannot be read: {why}", request.what, self.0.address.shown());
        let retry = if request.changes { Retry::Unknown } else { Retry::Safe };
        Error::new(Kind::Protocol, code::ANSWER, secret::mask(&message).into_owned())
            .retry(retry)
            .detail("beginning", answer::beginning(body))
            .hint("`address` may lead to a proxy or another server; err.beginning holds the answer's first bytes")
    }

    pub(super) fn wrong(&self, request: &Request, wrong: Wrong, body: &[u8]) -> Error {
        match wrong {
            Wrong::Answer(why) => self.unreadable(request, &why, body),
            Wrong::UnknownRobot(text) => {
                let message = format!("{}: {} knows no robot with this GUID", request.what, self.0.address.shown());
                let message = if text.is_empty() { message } else { format!("{message}: {text}") };
                Error::new(Kind::NotFound, code::UNKNOWN, secret::mask(&message).into_owned())
                    .hint("check `guid` in the settings, and whether the robot still stands in the Orchestrator")
            }
        }
    }

    fn moved(&self, request: &Request, from: &Url, to: &str) -> Error {
        let place = self.0.address.shown();
        let to = from.join(to).ok().and_then(|to| Some(format!("{}://{}", to.scheme(), to.host_str()?)));
        let to = to.unwrap_or_else(|| "elsewhere".into());
        let message =
            format!("{}: {place} sends its callers to {to}, and the robot's GUID does not go there", request.what);
        Error::new(Kind::Refused, code::REDIRECTED, secret::mask(&message).into_owned())
            .hint("set `address` to where the Orchestrator is now, if that is true")
    }
}

/// A key as it is sent, and all its spellings masked.
fn key(settings: &Settings, name: &str, given: &Secret) -> Result<Secret> {
    let text = given.expose().trim();
    let text = header::guid(text).unwrap_or_else(|| text.to_owned());
    if text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(settings.wrong(name, "it is empty, or there is a space in it"));
    }
    header::spellings(&text).iter().for_each(|spelling| secret::hide(spelling));
    Ok(Secret::new(text))
}

/// Verb, path and fields of a request, its secrets masked.
pub(super) fn told(request: &Request) -> String {
    let told = request.told();
    let told = secret::mask(&told);
    match told.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &told[..end]),
        None => told.into_owned(),
    }
}
