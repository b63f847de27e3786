//! The time budget: each method may use so many seconds of the server's time in a sliding window. The server tells how
//! many are used and when the oldest leave; above the limit it refuses that method and no other.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::Instant;

/// How long to stay away after a refusal that carries no time.
const BLIND_WAIT: Duration = Duration::from_secs(7);

/// What an answer said about the time used: seconds in the current window (a running total, not the cost of one call),
/// and when the oldest of them leave, in seconds of unix time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    pub seconds: f64,
    pub resets_at: Option<f64>,
}

/// A method (or the batch as a whole, where the server bills it) and what is known of its use.
#[derive(Debug, Default)]
struct Account {
    spent: f64,
    resets_at: Option<Instant>,
    /// Closed until this moment. Afterwards one call goes ahead to see.
    closed_until: Option<Instant>,
    /// The number of the probe under way.
    probing: Option<u64>,
    /// Those who share the server do not know yet whether it is closed.
    is_news: bool,
}

impl Account {
    fn close(&mut self, until: Option<Instant>) {
        self.is_news |= until.is_some() || self.closed_until.is_some();
        self.closed_until = until;
    }
}

/// The budgets of all methods of one server.
#[derive(Debug)]
pub struct Budget {
    limit: f64,
    accounts: Mutex<HashMap<String, Account>>,
    probes: AtomicU64,
    changed: Notify,
}

/// What a caller may do now.
#[derive(Debug)]
pub enum Turn<'a> {
    Go,
    /// Go alone, the others wait for what the server says.
    Probe(Probing<'a>),
    /// Not before this moment.
    Wait(Instant),
    /// Somebody is probing; wait for the outcome.
    Watch,
}

/// A probe under way. Dropped without a word from the server (a network fault, a stopped script), it lets the next one
/// probe.
#[derive(Debug)]
pub struct Probing<'a> {
    budget: &'a Budget,
    method: String,
    number: u64,
}

impl Probing<'_> {
    /// The call went through, and its answer did not speak of time: the method is open.
    pub fn succeeded(self) {
        if let Some(account) = self.budget.accounts().get_mut(&self.method)
            && account.probing == Some(self.number)
        {
            account.close(None);
        }
    }
}

impl Drop for Probing<'_> {
    fn drop(&mut self) {
        if let Some(account) = self.budget.accounts().get_mut(&self.method)
            && account.probing == Some(self.number)
        {
            account.probing = None;
        }
        self.budget.changed.notify_waiters();
    }
}

/// The permission that [`Budget::take`] gives; to be held until the answer is read.
#[derive(Debug)]
pub struct Passed<'a> {
    pub waited: Duration,
    pub probing: Option<Probing<'a>>,
}

impl Budget {
    /// `limit` in seconds; infinite where the server has no such limit that is known.
    pub fn new(limit: f64) -> Budget {
        Budget { limit, accounts: Mutex::default(), probes: AtomicU64::new(0), changed: Notify::new() }
    }

    /// Seconds that a method may use in a window.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    fn accounts(&self) -> std::sync::MutexGuard<'_, HashMap<String, Account>> {
        self.accounts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What a call of this method may do now.
    pub fn turn(&self, method: &str) -> Turn<'_> {
        let mut accounts = self.accounts();
        let Some(account) = accounts.get_mut(method) else { return Turn::Go };
        match account.closed_until {
            None => Turn::Go,
            Some(_) if account.probing.is_some() => Turn::Watch,
            Some(until) if until > Instant::now() => Turn::Wait(until),
            Some(_) => {
                let number = self.probes.fetch_add(1, Ordering::Relaxed);
                account.probing = Some(number);
                Turn::Probe(Probing { budget: self, method: method.to_owned(), number })
            }
        }
    }

    /// Waits until a call of this method may go.
    pub async fn take(&self, method: &str) -> Passed<'_> {
        let began = Instant::now();
        loop {
            let changed = self.changed.notified();
            match self.turn(method) {
                Turn::Go => return Passed { waited: began.elapsed(), probing: None },
                Turn::Probe(probing) => return Passed { waited: began.elapsed(), probing: Some(probing) },
                Turn::Wait(until) => tokio::select! {
                    () = tokio::time::sleep_until(until) => {}
                    () = changed => {}
                },
                // The outcome may have come between the two lines above.
                Turn::Watch => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                },
            }
        }
    }

    /// When the method is open again, while it is closed.
    pub fn closed_until(&self, method: &str) -> Option<Instant> {
        self.accounts().get(method)?.closed_until.filter(|until| *until > Instant::now())
    }

    /// The server said how much of the window is used.
    pub fn spent(&self, method: &str, spent: Spent) {
        let resets_at = spent.resets_at.map(from_unix);
        let mut accounts = self.accounts();
        let account = accounts.entry(method.to_owned()).or_default();
        account.spent = spent.seconds;
        account.resets_at = resets_at.or(account.resets_at);
        account.probing = None;
        let until =
            (spent.seconds >= self.limit).then(|| account.resets_at.unwrap_or_else(|| Instant::now() + BLIND_WAIT));
        account.close(until);
        drop(accounts);
        self.changed.notify_waiters();
    }

    /// The server refused the method for this reason; its word stands above our sums.
    pub fn refused(&self, method: &str) {
        let now = Instant::now();
        let mut accounts = self.accounts();
        let account = accounts.entry(method.to_owned()).or_default();
        account.probing = None;
        account.close(Some(match account.resets_at {
            Some(resets_at) if resets_at > now => resets_at,
            _ => now + BLIND_WAIT,
        }));
        drop(accounts);
        self.changed.notify_waiters();
    }
}

/// What other processes say and are told of the same server's budget: moments of unix time, zero for what is open.
impl Budget {
    pub(super) fn news(&self) -> Vec<(String, f64)> {
        let mut accounts = self.accounts();
        let news = accounts.iter_mut().filter_map(|(method, account)| {
            let is_news = std::mem::take(&mut account.is_news);
            is_news.then(|| (method.clone(), account.closed_until.map_or(0.0, to_unix)))
        });
        news.collect()
    }

    pub(super) fn learn(&self, closed: &[(String, f64)]) {
        let mut accounts = self.accounts();
        for (method, until) in closed {
            let account = accounts.entry(method.clone()).or_default();
            // What is known here comes from the server itself, and later.
            if account.closed_until.is_none() && !account.is_news {
                account.closed_until = Some(from_unix(*until - HALF));
            }
        }
    }
}

/// Added to a moment of the server's, which gives whole seconds.
const HALF: f64 = 0.5;

fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn to_unix(at: Instant) -> f64 {
    unix_now() + at.saturating_duration_since(Instant::now()).as_secs_f64()
}

/// A moment of the server's clock on ours; one that has passed already is now.
fn from_unix(seconds: f64) -> Instant {
    let ahead = (seconds - unix_now()).clamp(0.0, 86_400.0);
    // Half a second more, so that the first call does not come too early.
    Instant::now() + Duration::from_secs_f64(ahead + HALF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn in_seconds(seconds: f64) -> Option<f64> {
        Some(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() + seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_method_over_its_limit_waits_for_the_reset_and_others_go_on() {
        let budget = Budget::new(480.0);
        budget.spent("crm.deal.list", Spent { seconds: 481.0, resets_at: in_seconds(300.0) });
        assert!(budget.take("crm.lead.list").await.waited.is_zero());
        let waited = budget.take("crm.deal.list").await.waited;
        assert!((299.0..302.0).contains(&waited.as_secs_f64()), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_wait_one_goes_to_see_and_the_rest_follow_its_answer() {
        let budget = Arc::new(Budget::new(480.0));
        budget.spent("m", Spent { seconds: 480.0, resets_at: in_seconds(60.0) });
        let gone = Arc::new(Mutex::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..5 {
            let (budget, gone) = (budget.clone(), gone.clone());
            tasks.spawn(async move {
                let _passed = budget.take("m").await;
                *gone.lock().unwrap() += 1;
                // The answer takes longer than this test.
                tokio::time::sleep(Duration::from_secs(300)).await;
            });
        }
        tokio::time::sleep(Duration::from_secs(62)).await;
        assert_eq!(*gone.lock().unwrap(), 1);
        // Still over: everybody waits for the next reset, then one goes again.
        budget.spent("m", Spent { seconds: 500.0, resets_at: in_seconds(30.0) });
        tokio::time::sleep(Duration::from_secs(32)).await;
        assert_eq!(*gone.lock().unwrap(), 2);
        budget.spent("m", Spent { seconds: 10.0, resets_at: in_seconds(600.0) });
        tasks.join_all().await;
        assert_eq!(*gone.lock().unwrap(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_without_a_time_waits_a_few_seconds_and_probes() {
        let budget = Budget::new(480.0);
        budget.refused("batch");
        let passed = budget.take("batch").await;
        assert_eq!(passed.waited.as_secs(), BLIND_WAIT.as_secs());
        assert!(matches!(budget.turn("batch"), Turn::Watch));
        passed.probing.unwrap().succeeded();
        assert!(matches!(budget.turn("batch"), Turn::Go));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_dropped_lets_the_next_one_probe() {
        let budget = Budget::new(480.0);
        budget.refused("m");
        drop(budget.take("m").await);
        let second = budget.take("m").await;
        assert!(second.probing.is_some() && second.waited.is_zero());
        // A word of the server while a probe is out ends it; the old guard then harms no newer probe.
        budget.refused("m");
        let third = budget.take("m").await;
        drop(second);
        assert!(matches!(budget.turn("m"), Turn::Watch));
        drop(third);
    }
}
