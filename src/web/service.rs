//! The service itself: what all requests share, the runs that it drives, and its end.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, Request};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper::body::Body as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::answer::{Refusal, Reply};
use super::board::{Board, is_over};
use super::desk::{Desk, Work};
use super::limits::{Rates, Streams};
use super::log::{AccessLog, Line};
use super::metrics::Metrics;
use super::options::{OnStop, Options};
use super::{cors, routes};
use crate::error::{Error, Kind, Result};
use crate::services::sp::client::run::{Happened, Run};

/// How often runs of other processes are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long runs that were cancelled have for their end.
const FAREWELL: Duration = Duration::from_secs(30);

/// What every answer bears: the page needs nothing from elsewhere, and nobody else may frame or sniff it.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// How far the service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Serving,
    /// Nothing is begun any more; what goes on comes to its end.
    Stopping,
    /// Nothing goes on any more.
    Ended,
}

/// What all requests share.
pub struct App {
    pub desk: Arc<dyn Desk>,
    pub board: Board,
    pub options: Options,
    pub rates: Rates,
    pub streams: Arc<Streams>,
    pub metrics: Metrics,
    pub phase: watch::Sender<Phase>,
    /// When the target's server was last asked, and what it said.
    pub reached: tokio::sync::Mutex<Option<(Instant, Result<()>)>>,
    runs: Mutex<JoinSet<()>>,
    ended: mpsc::UnboundedSender<Over>,
    /// Tells the person who runs the program.
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

/// A run that has been driven to its end, as it ended where that is known.
struct Over {
    id: String,
    run: Option<Run>,
    done: oneshot::Sender<()>,
}

pub struct Service {
    app: Arc<App>,
    router: TowerToHyperService<axum::Router>,
    log: AccessLog,
    headers: Vec<(HeaderName, HeaderValue)>,
    watchers: Mutex<JoinSet<()>>,
}

/// What the outer part of the service learns of a request from the inner one.
#[derive(Clone, Default)]
pub struct Seen {
    pub route: Option<&'static str>,
    pub user: Option<String>,
}

/// From which address a request comes.
#[derive(Clone, Copy)]
pub struct From(pub IpAddr);

impl App {
    /// Begins a run in a task of the service, which goes on whether or not whoever asked waits for the answer.
    pub async fn begin(
        self: &Arc<App>,
        work: impl Future<Output = Result<Box<dyn Work>>> + Send + 'static,
    ) -> std::result::Result<Run, Refusal> {
        let (told, answer) = oneshot::channel();
        {
            let mut runs = lock(&self.runs);
            // Looked at under the lock: what is put in before the end begins is waited for there.
            if *self.phase.borrow() != Phase::Serving {
                return Err(Refusal::stopping());
            }
            while runs.try_join_next().is_some() {}
            runs.spawn(self.clone().driven(work.boxed(), told));
        }
        let broken = |_| Error::new(Kind::Stopped, "serve.broken", "the run could not be begun");
        Ok(answer.await.map_err(broken)??)
    }

    async fn driven(
        self: Arc<App>,
        work: BoxFuture<'static, Result<Box<dyn Work>>>,
        told: oneshot::Sender<Result<Run>>,
    ) {
        let work = match work.await {
            Ok(work) => work,
            // Whoever asked may have gone away.
            Err(error) => return drop(told.send(Err(error))),
        };
        let run = work.run();
        let id = run.id.clone();
        self.board.begin(run.clone());
        drop(told.send(Ok(run)));
        let ended = match AssertUnwindSafe(work.drive()).catch_unwind().await {
            Ok(run) => Some(run),
            Err(_) => {
                (self.tell)(&format!("run {id} broke off; this is a mistake in pult"));
                self.desk.find(id.clone()).await.ok().flatten().filter(|run| is_over(run.state))
            }
        };
        // Told behind everything that the engine has told of it before. The listener lives as long as runs do.
        let (done, is_done) = oneshot::channel();
        if self.ended.send(Over { id, run: ended, done }).is_ok() {
            drop(is_done.await);
        }
    }

    /// Passes on what the engine tells, and looks after runs of other processes.
    async fn listen(self: Arc<App>, mut ended: mpsc::UnboundedReceiver<Over>) {
        let mut events = self.desk.follow();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok((_, event)) => self.happened(&event),
                    Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up().await,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                over = ended.recv() => {
                    let Some(Over { id, run, done }) = over else { return };
                    // Of events that were missed the run itself tells.
                    while let Ok((_, event)) = events.try_recv() {
                        self.happened(&event);
                    }
                    self.board.end(&id, run).iter().for_each(|ended| self.metrics.ended(ended));
                    // Whoever waited may have been stopped meanwhile.
                    let _ = done.send(());
                }
                _ = look.tick() => self.look().await,
            }
        }
    }

    fn happened(&self, event: &Happened) {
        if let Some(ended) = self.board.happened(event) {
            self.metrics.ended(&ended);
        }
    }

    /// After events were missed: our runs as they stand.
    async fn catch_up(&self) {
        for id in self.board.own() {
            if let Ok(Some(run)) = self.desk.find(id).await {
                self.board.renew(run);
            }
        }
    }

    async fn look(&self) {
        // A history that cannot be read is told by /readyz, and by every answer that needs it.
        let Ok(runs) = self.desk.under_way().await else { return };
        let gone = self.board.foreigners().into_iter().filter(|id| !runs.iter().any(|run| run.id == *id));
        for id in gone.collect::<Vec<_>>() {
            if let Ok(Some(run)) = self.desk.find(id).await {
                self.board.foreign(run);
            }
        }
        runs.into_iter().filter(|run| !is_over(run.state)).for_each(|run| self.board.foreign(run));
    }
}

impl Service {
    /// `tell` speaks to the person who runs the program. Needs a runtime around it.
    pub fn new(
        desk: Arc<dyn Desk>,
        options: Options,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Arc<Service>> {
        let log = options.access_log.as_deref().map(AccessLog::at).transpose()?;
        let (ended, over) = mpsc::unbounded_channel();
        let app = Arc::new(App {
            desk,
            ended,
            board: Board::new(),
            rates: Rates::new(options.rate, options.burst),
            streams: Streams::new(options.streams),
            metrics: Metrics::new(),
            phase: watch::Sender::new(Phase::Serving),
            reached: tokio::sync::Mutex::default(),
            runs: Mutex::default(),
            tell: Box::new(tell),
            options,
        });
        let mut watchers = JoinSet::new();
        watchers.spawn(app.clone().listen(over));
        let known = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        Ok(Arc::new(Service {
            router: TowerToHyperService::new(routes::router(&app)),
            app,
            log: log.unwrap_or_else(AccessLog::none),
            headers: HEADERS.map(known).into(),
            watchers: Mutex::new(watchers),
        }))
    }

    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Answers one request from this address.
    pub async fn answer(&self, peer: IpAddr, mut request: Request<Body>) -> Reply {
        let start = Instant::now();
        let address = self.address(peer, request.headers());
        request.extensions_mut().insert(From(address));
        let method = method(request.method());
        let path = request.uri().path().to_owned();
        let origin = cors::allowed(&self.app.options.origins, request.headers());
        let mut reply = match cors::preflight(origin.as_ref(), &request) {
            Some(reply) => reply,
            None => match self.router.call(request).await {
                Ok(reply) => reply,
                Err(never) => match never {},
            },
        };
        let headers = reply.headers_mut();
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        cors::mark(origin, headers);
        let seen = reply.extensions_mut().remove::<Seen>().unwrap_or_default();
        let (status, took) = (reply.status().as_u16(), start.elapsed());
        self.app.metrics.request(method, seen.route.unwrap_or("other"), status, took);
        let bytes = length(&reply);
        let user = seen.user.as_deref();
        self.log.tell(&Line { address, user, method, path: &path, status, bytes, took });
        reply
    }

    /// Where a request comes from: what the proxy says, if it comes from the one that is believed.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if self.app.options.proxy.map(|proxy| proxy.to_canonical()) != Some(peer) {
            return peer;
        }
        // The last one is what the proxy itself saw; those before it are what it was told.
        let last = headers.get_all("x-forwarded-for").iter().next_back();
        let last = last.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
        last.map_or(peer, |address| address.to_canonical())
    }

    /// Begins no runs any more, and ends or cancels those that go on. False when some did not end in time.
    pub async fn stop(&self, on_stop: OnStop) -> bool {
        self.app.phase.send_replace(Phase::Stopping);
        let mut runs = std::mem::take(&mut *lock(&self.app.runs));
        let all_ended = match on_stop {
            OnStop::Finish => {
                while runs.join_next().await.is_some() {}
                true
            }
            OnStop::Cancel => tokio::time::timeout(FAREWELL, self.cancelled(&mut runs)).await.is_ok(),
        };
        runs.shutdown().await;
        self.app.phase.send_replace(Phase::Ended);
        let mut watchers = std::mem::take(&mut *lock(&self.watchers));
        watchers.shutdown().await;
        all_ended
    }

    /// Cancels until nothing goes on: a run may be just about to begin.
    async fn cancelled(&self, runs: &mut JoinSet<()>) {
        while !runs.is_empty() {
            for id in self.app.board.own() {
                // It may have ended meanwhile.
                drop(self.app.desk.cancel(id).await);
            }
            drop(tokio::time::timeout(Duration::from_millis(300), runs.join_next()).await);
        }
    }

    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.app.phase.subscribe()
    }

    /// How many runs are under way.
    pub fn busy(&self) -> usize {
        self.app.board.own().len()
    }
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

fn length(reply: &Reply) -> Option<u64> {
    let written = reply.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    written.or_else(|| reply.body().size_hint().exact())
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
