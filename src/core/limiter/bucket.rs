//! The leaky bucket: each request adds one, the level falls by a fixed number each second, above the brim the server
//! refuses.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::budget::Budget;
use super::shared::{News, Shared};

/// How fast a server's bucket drains and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests the bucket holds before the server refuses.
    pub holds: f64,
    /// Requests a second it drains.
    pub drains: f64,
}

impl Rate {
    /// How far below the brim to stay. The server's level may fall once a second in whole steps, so it can stand up to
    /// `drains` above a level that falls smoothly (less one: the brim itself is still allowed); and requests do not
    /// arrive at the distances at which they were sent: a quarter of a second is allowed for that.
    fn margin(self) -> f64 {
        ((self.drains - 1.0).max(0.0) + self.drains / 4.0).min(self.holds / 2.0)
    }

    pub(super) fn usable(self) -> f64 {
        (self.holds - self.margin()).max(1.0)
    }
}

/// Counts at the moment of sending, under one lock; whoever must wait is let go one by one, in order of arrival.
#[derive(Debug)]
pub struct Bucket {
    level: Mutex<Level>,
    /// Held by the one who is next. Fair: waiters get it in the order they came.
    next: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Level {
    rate: Rate,
    level: f64,
    at: Instant,
    /// Refusals since the last request that was let in: the server may count them, so the level may stand higher.
    refusals: u32,
    /// Slower rates that scripts asked for and still hold, in requests a second.
    slower: Vec<(u64, f64)>,
    last_sent: Option<Instant>,
    marks: u64,
    /// What those who share the server do not know yet.
    news: News,
}

impl Level {
    fn drain(&mut self, now: Instant) {
        self.level = (self.level - (now - self.at).as_secs_f64() * self.rate.drains).max(0.0);
        self.at = now;
    }

    /// How long until one more request may go.
    fn wait(&mut self, now: Instant) -> Duration {
        self.drain(now);
        let over = self.level + 1.0 - self.rate.usable();
        let mut wait = Duration::from_secs_f64((over / self.rate.drains).max(0.0));
        if let (Some(slowest), Some(last)) = (self.slowest(), self.last_sent) {
            wait = wait.max((last + Duration::from_secs_f64(1.0 / slowest)).saturating_duration_since(now));
        }
        wait
    }

    fn slowest(&self) -> Option<f64> {
        self.slower.iter().map(|(_, rate)| *rate).reduce(f64::min)
    }
}

impl Bucket {
    pub fn new(rate: Rate) -> Bucket {
        Bucket {
            level: Mutex::new(Level {
                rate,
                level: 0.0,
                at: Instant::now(),
                refusals: 0,
                slower: Vec::new(),
                last_sent: None,
                marks: 0,
                news: News::default(),
            }),
            next: tokio::sync::Mutex::new(()),
        }
    }

    fn level(&self) -> std::sync::MutexGuard<'_, Level> {
        self.level.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits until a request may go, and counts it. Returns how long it waited since the one before it went: added up
    /// over all requests that is the time lost to the limit. Dropping the future gives the turn to the next one and
    /// counts nothing.
    pub async fn take(&self) -> Duration {
        self.take_among(None).await
    }

    /// The same where other processes share the server; they are asked when nothing here is in the way.
    pub(super) async fn take_among(&self, others: Option<(&Shared, &Budget)>) -> Duration {
        let began = Instant::now();
        let _turn = self.next.lock().await;
        loop {
            let wait = {
                let wait = self.level().wait(Instant::now());
                match others.filter(|_| wait.is_zero()) {
                    Some((shared, budget)) => self.ask(shared, budget).await,
                    None => wait,
                }
            };
            if wait.is_zero() {
                let mut level = self.level();
                let now = Instant::now();
                level.drain(now);
                level.level += 1.0;
                let before = level.last_sent.replace(now);
                return now - before.map_or(began, |before| before.max(began));
            }
            // The server may teach us a higher level meanwhile, so look again afterwards. At least a millisecond:
            // the timer cannot do less, and rounding must not make this spin.
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    /// How long the others have this process wait.
    async fn ask(&self, shared: &Shared, budget: &Budget) -> Duration {
        let (rate, news, own) = {
            let mut level = self.level();
            level.drain(Instant::now());
            let news = News { closed: budget.news(), ..std::mem::take(&mut level.news) };
            (level.rate, news, level.level)
        };
        // While nobody can be asked, this process counts alone.
        let Some(told) = shared.take(rate, news, own).await else { return Duration::ZERO };
        budget.learn(&told.closed);
        let mut level = self.level();
        level.drain(Instant::now());
        // The request that was just counted there is counted here by the caller.
        let counted = if told.wait.is_zero() { 1.0 } else { 0.0 };
        level.level = level.level.max(told.level - counted).min(rate.usable() - 1.0).max(0.0);
        told.wait
    }

    /// A request that was counted did not go after all.
    pub fn give_back(&self) {
        let mut level = self.level();
        level.level = (level.level - 1.0).max(0.0);
        level.news.given_back += 1.0;
    }

    /// The server refused a request as one too many: its bucket is fuller than ours.
    pub fn refused(&self) {
        let mut level = self.level();
        let now = Instant::now();
        level.drain(now);
        level.refusals += 1;
        // Requests in flight are refused together; only their number beyond a handful tells that refusals count too.
        let counted = f64::from(level.refusals.saturating_sub(10).min(50));
        let brim = level.rate.holds + counted;
        level.level = level.level.max(brim);
        level.news.at_least = level.news.at_least.max(brim);
    }

    /// A request was let in.
    pub fn accepted(&self) {
        self.level().refusals = 0;
    }

    /// Requests that could go at this moment without waiting.
    pub fn free(&self) -> usize {
        let mut level = self.level();
        level.drain(Instant::now());
        match level.slower.is_empty() {
            true => (level.rate.usable() - level.level).max(0.0) as usize,
            false => 0,
        }
    }

    /// How long until one more request may go; who waits already is before it.
    pub fn next_in(&self) -> Duration {
        self.level().wait(Instant::now())
    }

    /// Seconds between two requests when the burst is spent.
    pub fn gap(&self) -> f64 {
        let level = self.level();
        1.0 / level.slowest().map_or(level.rate.drains, |slowest| slowest.min(level.rate.drains))
    }

    /// How long it takes at least until so many more requests have gone.
    pub fn floor(&self, requests: u64) -> Duration {
        let mut level = self.level();
        level.drain(Instant::now());
        let over = level.level + requests as f64 - level.rate.usable();
        let mut seconds = (over / level.rate.drains).max(0.0);
        if let Some(slowest) = level.slowest() {
            seconds = seconds.max(requests.saturating_sub(1) as f64 / slowest);
        }
        Duration::from_secs_f64(seconds.min(1e9))
    }

    /// At most this many requests a second, evenly and without a burst, while the guard is held.
    pub fn slow(self: &std::sync::Arc<Self>, per_second: f64) -> Slowed {
        let mut level = self.level();
        level.marks += 1;
        let mark = level.marks;
        level.slower.push((mark, per_second));
        Slowed { bucket: self.clone(), mark }
    }
}

/// Keeps a bucket slow until dropped.
#[derive(Debug)]
pub struct Slowed {
    bucket: std::sync::Arc<Bucket>,
    mark: u64,
}

impl Drop for Slowed {
    fn drop(&mut self) {
        let mut level = self.bucket.level();
        level.slower.retain(|(mark, _)| *mark != self.mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const STANDARD: Rate = Rate { holds: 50.0, drains: 2.0 };

    /// The server's side, as the documentation describes it: `smooth` or once a second in whole steps.
    struct Server {
        rate: Rate,
        steps: bool,
        counts_refusals: bool,
        began: Instant,
        state: Mutex<(f64, f64)>,
        refusals: Mutex<u32>,
    }

    impl Server {
        fn new(rate: Rate, steps: bool, counts_refusals: bool) -> Arc<Server> {
            Arc::new(Server {
                rate,
                steps,
                counts_refusals,
                began: Instant::now(),
                state: Mutex::new((0.0, 0.0)),
                refusals: Mutex::new(0),
            })
        }

        fn lets_in(&self) -> bool {
            let mut state = self.state.lock().unwrap();
            let (level, at) = &mut *state;
            // A phase of its own, so that its steps do not fall together with the client's start.
            let mut now = self.began.elapsed().as_secs_f64() + 0.37;
            if self.steps {
                now = now.floor();
            }
            *level = (*level - (now - *at) * self.rate.drains).max(0.0);
            *at = now;
            let fits = *level + 1.0 <= self.rate.holds;
            if fits || self.counts_refusals {
                *level += 1.0;
            }
            if !fits {
                *self.refusals.lock().unwrap() += 1;
            }
            fits
        }
    }

    /// Sends `requests` as fast as the bucket lets them, all at once; returns (seconds, refusals).
    async fn run(bucket: Arc<Bucket>, server: Arc<Server>, requests: usize) -> (f64, u32) {
        let began = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..requests {
            let (bucket, server) = (bucket.clone(), server.clone());
            tasks.spawn(async move {
                loop {
                    bucket.take().await;
                    if server.lets_in() {
                        return bucket.accepted();
                    }
                    bucket.refused();
                }
            });
        }
        tasks.join_all().await;
        let refusals = *server.refusals.lock().unwrap();
        (began.elapsed().as_secs_f64(), refusals)
    }

    #[tokio::test(start_paused = true)]
    async fn two_hundred_requests_take_the_documented_floor_and_none_is_refused() {
        for (rate, steps) in [(STANDARD, false), (STANDARD, true), (Rate { holds: 250.0, drains: 5.0 }, true)] {
            let requests = rate.holds as usize + 150;
            let floor = 150.0 / rate.drains;
            let (seconds, refusals) = run(Arc::new(Bucket::new(rate)), Server::new(rate, steps, false), requests).await;
            assert_eq!(refusals, 0, "{rate:?} in steps: {steps}");
            assert!(seconds <= floor + rate.margin() / rate.drains + 0.1, "{seconds} s over a floor of {floor} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_filled_by_somebody_else_is_learnt_from_the_first_refusals() {
        for counts_refusals in [false, true] {
            let server = Server::new(STANDARD, false, counts_refusals);
            for _ in 0..50 {
                assert!(server.lets_in());
            }
            let bucket = Arc::new(Bucket::new(STANDARD));
            // Eight at once, as the lanes would let them.
            let (seconds, refusals) = run(bucket, server, 8).await;
            assert!(refusals <= 16, "{refusals} refusals, counted by the server: {counts_refusals}");
            assert!(seconds < 12.0, "{seconds} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiters_go_one_by_one_in_the_order_they_came() {
        let bucket = Arc::new(Bucket::new(Rate { holds: 2.0, drains: 1.0 }));
        let order = Arc::new(Mutex::new(Vec::new()));
        let began = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..4 {
            let (bucket, order) = (bucket.clone(), order.clone());
            tasks.spawn(async move {
                bucket.take().await;
                order.lock().unwrap().push((n, began.elapsed().as_secs()));
            });
            tokio::task::yield_now().await;
        }
        tasks.join_all().await;
        let order = order.lock().unwrap().clone();
        assert_eq!(order.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert!(order.windows(2).skip(1).all(|pair| pair[1].1 > pair[0].1), "{order:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_who_gives_up_costs_nobody_anything() {
        let bucket = Bucket::new(Rate { holds: 1.0, drains: 0.5 });
        bucket.take().await;
        let began = Instant::now();
        assert!(tokio::time::timeout(Duration::from_millis(10), bucket.take()).await.is_err());
        bucket.take().await;
        assert!(began.elapsed() <= Duration::from_millis(2010), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_given_back_can_be_taken_at_once_and_waits_are_not_counted_twice() {
        let bucket = Arc::new(Bucket::new(Rate { holds: 1.0, drains: 1.0 }));
        bucket.take().await;
        assert_eq!(bucket.next_in().as_secs_f64().round(), 1.0);
        bucket.give_back();
        assert!(bucket.next_in().is_zero());
        assert_eq!(bucket.floor(11).as_secs_f64().round(), 10.0);
        assert!(bucket.take().await.is_zero());
        let (first, second) = tokio::join!(bucket.take(), bucket.take());
        assert_eq!((first + second).as_secs_f64().round(), 2.0);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_spaces_requests_evenly_and_ends_with_its_guard() {
        let bucket = Arc::new(Bucket::new(STANDARD));
        let began = Instant::now();
        let slowed = bucket.slow(0.5);
        assert_eq!(bucket.free(), 0);
        for _ in 0..3 {
            bucket.take().await;
        }
        assert_eq!(began.elapsed().as_secs(), 4);
        drop(slowed);
        assert!(bucket.free() > 40);
        bucket.take().await;
        assert_eq!(began.elapsed().as_secs(), 4);
    }
}
