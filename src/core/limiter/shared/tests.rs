//! Several processes at one server, each with limits of its own over one ledger. The clock is the real one: it is what
//! processes have in common.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::core::limiter::{Limits, Spent};
use crate::core::state::State;

const RATE: Rate = Rate { holds: 40.0, drains: 100.0 };

/// The server's side: how often it would have refused.
struct Server(Mutex<(f64, std::time::Instant, usize)>);

impl Server {
    fn comes(&self) {
        let mut state = self.0.lock().unwrap();
        let (level, at, refused) = &mut *state;
        *level = (*level - at.elapsed().as_secs_f64() * RATE.drains).max(0.0) + 1.0;
        *at = std::time::Instant::now();
        *refused += usize::from(*level > RATE.holds);
    }
}

/// Sends so many requests by each; seconds and refusals.
async fn send(limits: Vec<Limits>, each: usize) -> (f64, usize) {
    let server = Arc::new(Server(Mutex::new((0.0, std::time::Instant::now(), 0))));
    let began = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for limits in limits {
        let server = server.clone();
        senders.spawn(async move {
            for _ in 0..each {
                limits.take().await;
                server.comes();
            }
        });
    }
    senders.join_all().await;
    let refused = server.0.lock().unwrap().2;
    (began.elapsed().as_secs_f64(), refused)
}

fn through(ledger: impl Ledger + 'static) -> Limits {
    let shared = Shared::new("portal".into(), Box::new(ledger), Box::new(|_| ()));
    Limits::new(RATE, 480.0).shared(shared)
}

#[tokio::test(flavor = "multi_thread")]
async fn four_processes_keep_one_limit_through_the_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let process = || through(FileLedger::beside(&State::at(folder.path().join("state.db"))).unwrap());
    let (took, refused) = send((0..4).map(|_| process()).collect(), 60).await;
    let floor = (240.0 - RATE.usable()) / RATE.drains;
    assert_eq!(refused, 0);
    assert!(took >= floor * 0.99 && took < floor * 4.0, "{took} s, the floor is {floor} s");
}

/// A store for one test, where the program is installed.
struct Store(Child, u16);

impl Store {
    fn start(port: u16) -> Option<Store> {
        let port = match port {
            0 => std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(),
            port => port,
        };
        let mut command = Command::new("redis-server");
        let command =
            command.args(["--port", &port.to_string(), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
        let store = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Store(store, port))
    }

    fn process(&self) -> Limits {
        through(RedisLedger::at(&format!("redis://127.0.0.1:{}", self.1)).unwrap())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_processes_keep_one_limit_through_redis_and_go_on_when_it_is_gone() {
    let Some(store) = Store::start(0) else {
        return eprintln!("skipped: there is no redis-server on this computer");
    };
    let (took, refused) = send((0..4).map(|_| store.process()).collect(), 60).await;
    let floor = (240.0 - RATE.usable()) / RATE.drains;
    assert_eq!(refused, 0);
    assert!(took >= floor * 0.99 && took < floor * 4.0, "{took} s, the floor is {floor} s");
    let limits = store.process();
    limits.take().await;
    let port = store.1;
    drop(store);
    for _ in 0..20 {
        limits.take().await;
    }
    let again = Store::start(port).unwrap();
    tokio::time::sleep(AGAIN).await;
    limits.take().await;
    let told = RedisLedger::at(&format!("redis://127.0.0.1:{}", again.1)).unwrap();
    let told = told.take("portal", RATE, &News::default()).await.unwrap();
    assert!(told.level > 0.0, "what this process does is counted there again");
}

/// A ledger that can go away.
#[derive(Clone, Default)]
struct Gone(Arc<AtomicBool>, Arc<Mutex<Vec<News>>>);

impl Ledger for Gone {
    fn take<'a>(&'a self, _: &'a str, _: Rate, news: &'a News) -> BoxFuture<'a, Result<Told>> {
        Box::pin(async move {
            if self.0.load(Ordering::Relaxed) {
                return Err(crate::error::Error::new(crate::error::Kind::Unavailable, "limits.away", "gone"));
            }
            self.1.lock().unwrap().push(news.clone());
            Ok(Told::default())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_told_is_told_when_the_ledger_is_back() {
    let (ledger, said) = (Gone::default(), Arc::new(Mutex::new(Vec::new())));
    let warned = said.clone();
    let warn = Box::new(move |text: &str| warned.lock().unwrap().push(text.to_owned()));
    let slow = Rate { drains: 2.0, ..RATE };
    let limits = Limits::new(slow, 480.0).shared(Shared::new("portal".into(), Box::new(ledger.clone()), warn));
    limits.take().await;
    ledger.0.store(true, Ordering::Relaxed);
    limits.take().await;
    limits.bucket.give_back();
    limits.bucket.refused();
    ledger.0.store(false, Ordering::Relaxed);
    tokio::time::sleep(AGAIN).await;
    limits.take().await;
    let news = ledger.1.lock().unwrap()[1].clone();
    // What was given back while nobody was asked was never counted there.
    assert_eq!((news.given_back, news.at_least > 0.0), (0.0, true), "{news:?}");
    assert!(news.unasked > 0.0, "{news:?}");
    let said = said.lock().unwrap();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].ends_with("counted by this process alone for now: gone") && said[1].ends_with("shared again"));
}

/// A ledger that takes its time.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Vec<News>>>);

impl Ledger for Slow {
    fn take<'a>(&'a self, _: &'a str, _: Rate, news: &'a News) -> BoxFuture<'a, Result<Told>> {
        Box::pin(async move {
            self.0.lock().unwrap().push(news.clone());
            tokio::time::sleep(PATIENCE / 2).await;
            Ok(Told::default())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_being_told_when_somebody_gave_up_waiting_is_told_again() {
    let ledger = Slow::default();
    let limits =
        Limits::new(RATE, 480.0).shared(Shared::new("portal".into(), Box::new(ledger.clone()), Box::new(|_| ())));
    limits.bucket.refused();
    assert!(tokio::time::timeout(PATIENCE / 4, limits.take()).await.is_err());
    limits.take().await;
    limits.take().await;
    let news: Vec<bool> = ledger.0.lock().unwrap().iter().map(|news| news.at_least > 0.0).collect();
    assert_eq!(news, [true, true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_the_server_closed_for_one_process_is_closed_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let process = || through(FileLedger::beside(&State::at(folder.path().join("state.db"))).unwrap());
    let (one, other) = (process(), process());
    let resets_at = Some(super::file::now() + 60.0);
    one.budget.spent("crm.deal.list", Spent { seconds: 481.0, resets_at });
    one.take().await;
    assert_eq!(other.budget.closed_until("crm.deal.list"), None);
    other.take().await;
    let left = other.budget.closed_until("crm.deal.list").unwrap() - Instant::now();
    assert!((58.0..62.0).contains(&left.as_secs_f64()), "{left:?}");
    one.budget.spent("crm.deal.list", Spent { seconds: 3.0, resets_at });
    one.take().await;
    process().take().await;
    assert_eq!(one.budget.closed_until("crm.deal.list"), None);
}

#[test]
fn one_step_of_the_bucket() {
    let news = |given_back, at_least| News { given_back, at_least, ..News::default() };
    let unasked = News { unasked: 7.0, ..News::default() };
    let usable = RATE.usable();
    for (level, ago, told, expected) in [
        (0.0, 0.0, news(0.0, 0.0), (1.0, 0.0)),
        (10.0, 0.05, news(0.0, 0.0), (6.0, 0.0)),
        (10.0, 0.0, news(3.0, 0.0), (8.0, 0.0)),
        (10.0, 0.0, unasked, (18.0, 0.0)),
        (usable, 0.0, news(0.0, 0.0), (usable, 0.01)),
        (0.0, 0.0, news(0.0, 50.0), (50.0, (51.0 - usable) / 100.0)),
        // A clock that was put back drains nothing.
        (usable, -9.0, news(0.0, 0.0), (usable, 0.01)),
    ] {
        let (kept, wait) = step(level, ago, RATE, &told);
        let (wanted, waits) = expected;
        assert!(
            (kept - wanted).abs() < 1e-6 && (wait.as_secs_f64() - waits).abs() < 1e-6,
            "{level} {ago}: {kept} {wait:?}"
        );
    }
}
