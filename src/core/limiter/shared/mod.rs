//! What several processes know together of one server: how full its bucket is, and which methods it has closed.
//!
//! Every request that is counted asks the ledger once, and tells it in the same breath what this process has learnt. When
//! the ledger is away this process counts alone, and asks again after a while.

mod file;
mod redis;

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

pub use file::FileLedger;
pub use redis::RedisLedger;

use super::bucket::Rate;
use crate::error::Result;

/// While the ledger is away it is asked so often.
const AGAIN: Duration = Duration::from_secs(5);

/// A ledger answers within this time, or counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a process tells the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// Requests that were counted and did not go.
    pub given_back: f64,
    /// Requests that went while the ledger could not be asked, and are in the server's bucket still.
    pub unasked: f64,
    /// The server refused: its bucket is at least so full.
    pub at_least: f64,
    /// Methods that the server has closed, and until when in seconds of unix time; zero: it is open again.
    pub closed: Vec<(String, f64)>,
}

impl News {
    /// What is told later than this.
    fn and(self, later: News) -> News {
        let mut closed = self.closed;
        closed.extend(later.closed);
        News {
            given_back: self.given_back + later.given_back,
            unasked: self.unasked.max(later.unasked),
            at_least: self.at_least.max(later.at_least),
            closed,
        }
    }
}

/// What a process is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// How long until a request may go; when it is zero, one was counted.
    pub wait: Duration,
    /// How full the bucket is, with that request.
    pub level: f64,
    /// All methods that are closed, by the words of all processes, with the moments of unix time.
    pub closed: Vec<(String, f64)>,
}

/// Where processes write down what they know. Each call is one step that no other one comes between.
pub trait Ledger: Send + Sync {
    /// Takes in the news, and counts one request if it may go at this moment.
    fn take<'a>(&'a self, server: &'a str, rate: Rate, news: &'a News) -> BoxFuture<'a, Result<Told>>;
}

/// One server in a ledger.
pub struct Shared {
    server: String,
    ledger: Box<dyn Ledger>,
    warn: Box<dyn Fn(&str) + Send + Sync>,
    away: Mutex<Away>,
}

#[derive(Default)]
struct Away {
    until: Option<Instant>,
    /// What could not be told yet.
    news: News,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({})", self.server)
    }
}

impl Shared {
    /// `warn` is told when the ledger goes away, and when it is back.
    pub fn new(server: String, ledger: Box<dyn Ledger>, warn: Box<dyn Fn(&str) + Send + Sync>) -> Shared {
        Shared { server, ledger, warn, away: Mutex::default() }
    }

    fn away(&self) -> std::sync::MutexGuard<'_, Away> {
        self.away.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Asks the ledger; None while it is away. `own`: how full the requests of this process alone have made the bucket.
    pub(super) async fn take(&self, rate: Rate, news: News, own: f64) -> Option<Told> {
        let news = {
            let mut away = self.away();
            let news = std::mem::take(&mut away.news).and(news);
            match away.until {
                Some(until) if Instant::now() < until => {
                    // What was not counted there is not to be given back there.
                    away.news = News { given_back: 0.0, ..news };
                    return None;
                }
                // `own` knows already of what was given back.
                Some(_) => News { unasked: own, given_back: 0.0, ..news },
                None => news,
            }
        };
        let mut untold = Untold { shared: self, news };
        let told = tokio::time::timeout(PATIENCE, self.ledger.take(&self.server, rate, &untold.news)).await;
        let news = std::mem::take(&mut untold.news);
        let failed = match told {
            Ok(Ok(told)) => {
                if self.away().until.take().is_some() {
                    (self.warn)(&format!("the limits of {} are shared again", self.server));
                }
                return Some(told);
            }
            Ok(Err(error)) => error.message().to_owned(),
            Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        };
        self.keep(news);
        let mut away = self.away();
        if away.until.replace(Instant::now() + AGAIN).is_none() {
            drop(away);
            let server = &self.server;
            (self.warn)(&format!("the limits of {server} are counted by this process alone for now: {failed}"));
        }
        None
    }

    /// Tells it the next time. It may have arrived all the same, so what was given back is left out: to count one too many
    /// is harmless, and one too few is not.
    fn keep(&self, news: News) {
        let mut away = self.away();
        away.news = std::mem::take(&mut away.news).and(News { given_back: 0.0, ..news });
    }
}

/// News on their way. When nobody waits for the answer any longer, they are told again.
struct Untold<'a> {
    shared: &'a Shared,
    news: News,
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        let news = std::mem::take(&mut self.news);
        if news != News::default() {
            self.shared.keep(news);
        }
    }
}

/// The step itself, for ledgers that are written here: the level that was, seconds ago. Gives the level that is to be kept and
/// what to tell.
fn step(level: f64, ago: f64, rate: Rate, news: &News) -> (f64, Duration) {
    let level = (level - ago.max(0.0) * rate.drains).max(0.0);
    let level = (level + news.unasked - news.given_back).max(news.at_least).max(0.0);
    let over = level + 1.0 - rate.usable();
    match over > 0.0 {
        true => (level, Duration::from_secs_f64(over / rate.drains)),
        false => (level + 1.0, Duration::ZERO),
    }
}

#[cfg(test)]
mod tests;
