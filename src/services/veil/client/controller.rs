//! A connection: its settings, its HTTP client, what it remembers.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::cache::Cache;
use super::token::Token;
use crate::core::context::Context;
use crate::core::http::{Http, Waits, Words};
use crate::core::progress::Bar;
use crate::core::stats::Counters;
use crate::error::{Error, Kind, Result};
use crate::services::veil::wire::address::Address;
use crate::services::veil::wire::request::Request;
use crate::settings::Settings;

/// What is said of a controller that gives no answer.
const WORDS: Words = Words {
    server: "controller",
    unusable: "veil.http",
    certificate: "veil.certificate",
    unreachable: "veil.unreachable",
    timeout: "veil.no_answer",
    broken_off: "veil.broken_off",
};

/// The longest line that a dry run shows of a call, in characters.
const SHOWN: usize = 1000;

/// One controller; cheap to clone.
#[derive(Clone)]
pub struct Controller(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub address: Address,
    pub origin: String,
    pub read_only: bool,
    pub insecure: bool,
    pub http: Http,
    pub token: Token,
    pub context: Context,
    pub counters: Arc<Counters>,
    pub cache: Cache,
    /// It has answered: what goes wrong now is likely to pass.
    pub proven: AtomicBool,
    pub tries: u32,
    /// Statuses after which the user wants a request sent again.
    pub retry_statuses: Vec<u16>,
    pub headers: HeaderMap,
    pub params: Vec<(String, String)>,
    pub page: u64,
    /// The longest address, where the user has set one.
    pub longest_url: Option<usize>,
    pub task_timeout: Duration,
    /// Whether tasks are followed by the event stream.
    pub follows: bool,
    /// The controller has no event stream, or none that can be used.
    pub has_no_events: AtomicBool,
}

impl Controller {
    /// Reads the settings; makes no connection.
    pub fn open(settings: &Settings, context: &Context) -> Result<Controller> {
        let address = match settings.text("address") {
            Some(text) => Address::read(text).map_err(|wrong| settings.wrong("address", wrong))?,
            None => {
                return Err(settings
                    .wrong("address", "it is missing")
                    .hint("set it to the controller's name or address, such as \"veil.company.ru\""));
            }
        };
        let http = Http::new(settings, &WORDS, Waits { answer: 300.0, connect: 15.0 }, address.is_loopback())?;
        Ok(Controller(Arc::new(Inner {
            origin: settings.origin.clone(),
            read_only: settings.flag("read_only"),
            insecure: settings.flag("insecure"),
            token: Token::open(settings)?,
            context: context.clone(),
            counters: context.counters("veil"),
            cache: Cache::new(Duration::from_secs_f64(settings.number("cache").unwrap_or(0.0).clamp(0.0, 86_400.0))),
            proven: AtomicBool::new(false),
            tries: number(settings, "tries", 5, 1, 100)? as u32,
            retry_statuses: statuses(settings)?,
            headers: headers(settings)?,
            params: params(settings),
            page: number(settings, "page", 1000, 1, 100_000)? as u64,
            longest_url: match settings.has("url_max_length") {
                true => Some(number(settings, "url_max_length", 6000, 200, 1_000_000)? as usize),
                false => None,
            },
            task_timeout: Duration::from_secs_f64(settings.number("task_timeout").unwrap_or(3600.0).clamp(0.1, 1e7)),
            follows: !settings.has("stream") || settings.flag("stream"),
            has_no_events: AtomicBool::new(false),
            address,
            http,
        })))
    }

    /// `host` or `host:port`.
    pub fn shown(&self) -> String {
        self.0.address.shown()
    }

    /// How long a task is waited for, unless a call says otherwise.
    pub fn task_timeout(&self) -> Duration {
        self.0.task_timeout
    }

    /// What whoever uses this connection should know: that anybody may stand between.
    pub fn warning(&self) -> Option<String> {
        let (origin, place) = (&self.0.origin, self.shown());
        let why = match (self.0.address.is_loopback(), self.0.insecure, self.0.address.is_plain()) {
            (true, ..) | (_, false, false) => return None,
            (_, _, true) => "the connection is not encrypted",
            (_, true, _) => "`insecure` is set, so nobody knows whether this is the controller",
        };
        Some(format!(
            "{origin}: {why}: whoever stands between {place} and this computer reads the token and can change what is \
             sent; use https:// and set `ca` to the company's certificates instead"
        ))
    }

    /// Whether the request is only to be told of. Refuses changes on a connection that may only read.
    pub(super) fn only_tells(&self, what: &str, request: &Request) -> Result<bool> {
        if !request.changes {
            return Ok(false);
        }
        if self.0.read_only {
            let message = format!("{what} changes something, and {} is read-only", self.0.origin);
            return Err(Error::new(Kind::Refused, "veil.read_only", message)
                .hint("remove `read_only` from the connection, or use another one"));
        }
        Ok(self.0.context.only_tells(|| format!("veil: {}", told(request))))
    }

    pub(super) fn bar(&self, label: &str, total: Option<usize>) -> Bar {
        self.0.context.progress().start(label, total.map(|total| total as u64))
    }
}

/// Verb, path and body of a request, its secrets masked.
pub(super) fn told(request: &Request) -> String {
    let told = request.told();
    let told = crate::secret::mask(&told);
    match told.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &told[..end]),
        None => told.into_owned(),
    }
}

fn number(settings: &Settings, name: &str, usual: i64, least: i64, most: i64) -> Result<i64> {
    match settings.integer(name).unwrap_or(usual) {
        number if (least..=most).contains(&number) => Ok(number),
        number => Err(settings.wrong(name, format!("{number} is not between {least} and {most}"))),
    }
}

fn statuses(settings: &Settings) -> Result<Vec<u16>> {
    let given = settings.text("retry_statuses").unwrap_or_default();
    let statuses = given.split(',').map(str::trim).filter(|status| !status.is_empty());
    let read = statuses.map(|status| status.parse::<u16>().ok().filter(|status| (400..600).contains(status)));
    read.collect::<Option<Vec<u16>>>().ok_or_else(|| {
        settings.wrong("retry_statuses", format!("\"{given}\" is no list of statuses")).hint("write it as \"401,403\"")
    })
}

fn headers(settings: &Settings) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let wrong = |name: &str| {
        settings.wrong(name, "it cannot be sent").hint("write each header as `Name: value`, in a line of its own")
    };
    let language = settings.text("language").unwrap_or("en");
    headers.insert(reqwest::header::ACCEPT_LANGUAGE, HeaderValue::from_str(language).map_err(|_| wrong("language"))?);
    if let Some(given) = settings.secret("headers") {
        for line in given.expose().lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or_else(|| wrong("headers"))?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong("headers"))?;
            let mut value = HeaderValue::from_str(value.trim()).map_err(|_| wrong("headers"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    if let Some(cookies) = settings.secret("cookies") {
        let mut value = HeaderValue::from_str(cookies.expose().trim()).map_err(|_| wrong("cookies"))?;
        value.set_sensitive(true);
        headers.insert(reqwest::header::COOKIE, value);
    }
    Ok(headers)
}

fn params(settings: &Settings) -> Vec<(String, String)> {
    let given = settings.text("params").unwrap_or_default();
    let pairs = given.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}
