//! A connection: its settings, its limits, its HTTP client.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use reqwest::Url;

use super::Params;
use super::auth::Tokens;
use super::auth::mark;
use crate::core::context::Context;
use crate::core::http::{Http, Waits, Words};
use crate::core::limiter::{FileLedger, Ledger, Limits, Rate, RedisLedger, Shared, Slowed};
use crate::core::progress::Bar;
use crate::core::retry::Schedule;
use crate::core::stats::Counters;
use crate::error::{Error, Kind, Result};
use crate::secret;
use crate::services::b24::wire::address::{Address, WEBHOOK_SHAPE};
use crate::services::b24::wire::{batch, errors};
use crate::settings::Settings;

/// What is said of a portal that gives no answer.
const WORDS: Words = Words {
    server: "portal",
    unusable: "b24.http",
    certificate: "b24.certificate",
    unreachable: "b24.unreachable",
    timeout: "b24.timeout",
    broken_off: "b24.broken_off",
};

/// The longest line that a dry run shows of a call, in characters.
const SHOWN: usize = 500;

/// One portal; cheap to clone.
#[derive(Clone)]
pub struct Portal(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub address: Address,
    /// Where the portal has moved to since.
    pub moved: RwLock<Option<Url>>,
    pub insecure: bool,
    pub read_only: bool,
    pub origin: String,
    pub http: Http,
    pub tokens: Option<Tokens>,
    pub context: Context,
    pub limits: Arc<Limits>,
    pub counters: Arc<Counters>,
    /// It has given a proper answer: what goes wrong now is likely to pass.
    pub proven: AtomicBool,
    /// How many commands of a method (in lower case) a batch may hold, where that is fewer than usual.
    pub sizes: Mutex<HashMap<String, usize>>,
    /// Whether lists were large when they were last read.
    pub large: Mutex<HashMap<String, bool>>,
}

impl Portal {
    /// Reads the settings; makes no connection.
    pub fn open(settings: &Settings, context: &Context) -> Result<Portal> {
        let insecure = settings.flag("insecure");
        let address = address(settings, insecure)?;
        let http = Http::new(settings, &WORDS, Waits { answer: 65.0, connect: 15.0 }, address.is_loopback())?;
        let tokens = match settings.has("webhook") {
            true => None,
            false => Some(Tokens::open(settings, &address, http.clone(), context)?),
        };
        let (rate, seconds) = limits(settings)?;
        let server = format!("b24:{}", address.host());
        let shared = shared(settings, context, &server, rate)?;
        let limits = context.limits(&server, || {
            let limits = Limits::new(rate, seconds);
            match shared {
                Some(shared) => limits.shared(shared),
                None => limits,
            }
        });
        Ok(Portal(Arc::new(Inner {
            address,
            moved: RwLock::default(),
            insecure,
            read_only: settings.flag("read_only"),
            origin: settings.origin.clone(),
            http,
            tokens,
            context: context.clone(),
            limits,
            counters: context.counters("b24"),
            proven: AtomicBool::new(false),
            sizes: Mutex::default(),
            large: Mutex::default(),
        })))
    }

    /// The portal's address, its secrets masked.
    pub fn shown(&self) -> String {
        self.0.address.shown()
    }

    /// The portal and who calls it, without a secret: what others see there may differ.
    pub(super) fn seen_by(&self) -> String {
        let who = match (self.0.address.owner(), &self.0.tokens) {
            (Some((user, code)), _) => mark(&format!("{user} {code}")),
            (None, Some(tokens)) => tokens.who(),
            (None, None) => String::new(),
        };
        format!("{} {who}", self.0.address.host())
    }

    /// What whoever uses this connection should know: that anybody may stand between.
    pub fn warning(&self) -> Option<String> {
        let (origin, place) = (&self.0.origin, self.shown());
        self.0.insecure.then(|| {
            format!(
                "{origin}: `insecure` is set, so nobody knows whether {place} is the portal: whoever stands between \
                 reads the webhook and can change what is sent; set `ca` to the company's certificates instead"
            )
        })
    }

    /// At most so many requests a second to this portal, evenly and without a burst, until the guard is dropped.
    pub fn slow(&self, per_second: f64) -> Result<Slowed> {
        match per_second.is_finite() && per_second > 0.0 {
            true => Ok(self.0.limits.bucket.slow(per_second)),
            false => {
                Err(Error::input("b24.wrong_rate", format!("slow: {per_second} is no number of requests a second"))
                    .hint("give a number above zero, such as 0.5"))
            }
        }
    }

    /// Whether the call is only to be told of. Refuses changes on a connection that may only read.
    pub(super) fn only_tells(&self, method: &str, params: &Params) -> Result<bool> {
        if self.0.read_only {
            let message = format!("{method} may change something, and {} is read-only", self.0.origin);
            return Err(Error::new(Kind::Refused, "b24.read_only", message)
                .hint("remove `read_only` from the connection, or use another one"));
        }
        Ok(self.0.context.only_tells(|| {
            let params = if params.is_null() { String::new() } else { format!(" {params}") };
            secret::mask(&errors::shortened(&format!("b24: {method}{params}"), SHOWN)).into_owned()
        }))
    }

    pub(super) fn bar(&self, method: &str, total: Option<usize>) -> Bar {
        self.0.context.progress().start(method, total.map(|total| total as u64))
    }

    /// A portal that never answered is given up sooner: its address is likelier to be wrong than its network.
    pub(super) fn patience(&self) -> Schedule {
        match self.0.proven.load(Ordering::Relaxed) {
            true => Schedule::default(),
            false => Schedule { tries: 2, ..Schedule::default() },
        }
    }

    /// How many commands of this method (in lower case) one batch may hold.
    pub(super) fn size(&self, key: &str) -> usize {
        self.sizes().get(key).copied().unwrap_or(batch::MOST)
    }

    /// The server gave up on a batch of `of` commands.
    pub(super) fn halve(&self, key: &str, of: usize) {
        let mut sizes = self.sizes();
        let size = sizes.entry(key.to_owned()).or_insert(batch::MOST);
        *size = (*size).min(of / 2).max(1);
    }

    /// A batch of `of` commands went well: the next may hold one more.
    pub(super) fn grow(&self, key: &str, of: usize) {
        let mut sizes = self.sizes();
        if let Some(size) = sizes.get_mut(key)
            && of >= *size
        {
            *size += 1;
            if *size >= batch::MOST {
                sizes.remove(key);
            }
        }
    }

    fn sizes(&self) -> std::sync::MutexGuard<'_, HashMap<String, usize>> {
        self.0.sizes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn address(settings: &Settings, insecure: bool) -> Result<Address> {
    if let Some(webhook) = settings.secret("webhook") {
        if settings.has("portal") {
            return Err(settings.wrong("portal", "there is a webhook already; give one of the two"));
        }
        return Address::webhook(webhook.expose(), insecure).map_err(|wrong| {
            settings
                .wrong("webhook", wrong)
                .hint(format!("copy it from the portal whole; it looks like {WEBHOOK_SHAPE}"))
        });
    }
    match settings.text("portal") {
        Some(portal) => Address::portal(portal, insecure).map_err(|wrong| settings.wrong("portal", wrong)),
        None => Err(settings.wrong("webhook", "it is missing").hint(format!(
            "set it to the address of an incoming webhook, {WEBHOOK_SHAPE}, or set `portal` and the OAuth tokens"
        ))),
    }
}

/// Those who share the portal's limits: nobody where it has none.
fn shared(settings: &Settings, context: &Context, server: &str, rate: Rate) -> Result<Option<Shared>> {
    let ledger: Option<Box<dyn Ledger>> = match settings.text("limits").unwrap_or("file") {
        "alone" => None,
        "file" => FileLedger::beside(context.state()).map(|ledger| Box::new(ledger) as _),
        address if address.starts_with("redis://") => {
            let ledger = RedisLedger::at(address).map_err(|why| settings.wrong("limits", why))?;
            Some(Box::new(ledger))
        }
        other => {
            let error = settings.wrong("limits", format!("{other} is no place to share limits in"));
            return Err(
                error.hint("write \"file\", \"alone\" or an address such as \"redis://host:6379\", without TLS")
            );
        }
    };
    let warning = context.clone();
    let warn = Box::new(move |text: &str| warning.warn(text));
    Ok(ledger.filter(|_| rate.drains < UNLIMITED).map(|ledger| Shared::new(server.to_owned(), ledger, warn)))
}

/// A rate that is none.
const UNLIMITED: f64 = 1e9;

/// The rate and the seconds of operating time of the plan, or of the settings beside it.
fn limits(settings: &Settings) -> Result<(Rate, f64)> {
    let unlimited = Rate { holds: UNLIMITED, drains: UNLIMITED };
    let (mut rate, seconds) = match settings.text("plan") {
        Some("enterprise") => (Rate { holds: 250.0, drains: 5.0 }, 480.0),
        Some("box") => (unlimited, f64::INFINITY),
        _ => (Rate { holds: 50.0, drains: 2.0 }, 480.0),
    };
    for (name, field) in [("requests_per_second", &mut rate.drains), ("burst", &mut rate.holds)] {
        if let Some(number) = settings.number(name) {
            if !(number.is_finite() && number > 0.0) {
                return Err(settings.wrong(name, format!("{number} is not above zero")));
            }
            *field = number;
        }
    }
    // A box that was told one of the two keeps a burst that fits it.
    if settings.has("requests_per_second") && !settings.has("burst") && rate.holds == unlimited.holds {
        rate.holds = rate.drains * 25.0;
    }
    Ok((rate, settings.number("operating_limit").unwrap_or(seconds)))
}
