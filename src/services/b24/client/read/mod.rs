//! A list read by its ids: many batches side by side, none of which can lose or double a row while others change the
//! list, put out in the order of the ids.
//!
//! Every id belongs to one range, and a range is done when the portal has shown all rows of it. So a fault costs what it
//! spoilt and nothing else, and what was put out up to an id is never asked for again.

mod fetch;
mod opening;
mod query;
mod ranges;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use self::fetch::{Fetched, Job, Run};
pub use self::fetch::{NO_ORDER, out_of_order};
use self::opening::Beginning;
pub use self::opening::{Unfit, first_pages};
pub use self::query::Query;
use self::ranges::{Piece, Range, Ready, Room};
use super::portal::Portal;
use super::send::{AT_THE_LIMIT, NOTICED};
use crate::core::progress::Bar;
use crate::core::rows::Chunk;
use crate::error::{Error, Result};

/// Requests under way and prepared; the limits decide how many really are.
const MOST_UNDER_WAY: usize = 300;
/// Batches of an unknown list that go at once, together with the looks at where its rows are, so that the portal's rate
/// is not left unused meanwhile.
const AT_ONCE: usize = 3;
/// Requests that follow each other faster than so many seconds need not be cut to end together.
const NOTICEABLE: f64 = 0.05;
/// Expectations that are wrong by this part of the rows are none to rely on.
const ASTRAY: f64 = 0.1;
/// Rows in a batch, full pages each.
const BATCHFUL: f64 = 2500.0;

/// How much may be read ahead of whoever uses the rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ahead {
    /// The whole list: it is kept anyway.
    Everything,
    /// About so many bytes, under way or waiting.
    Bytes(usize),
}

/// Rows of neighbouring ids: all rows above the block before it, up to `upto`.
#[derive(Debug)]
pub struct Block {
    pub rows: Chunk,
    pub upto: u64,
}

/// A list under way.
pub struct Reader {
    job: Arc<Job>,
    ready: Ready,
    /// What is beyond the horizon.
    beyond: Option<Range>,
    ahead: Ahead,
    under_way: FuturesUnordered<BoxFuture<'static, Fetched>>,
    /// Rows that requests under way are expected to bring.
    coming: f64,
    /// Pages that they are expected to leave over.
    back: f64,
    done: BTreeMap<u64, Run>,
    delivered: u64,
    end: u64,
    /// By how many rows the expectations were wrong.
    astray: f64,
    /// Rows and bytes so far.
    rows: usize,
    bytes: usize,
    failed: Option<Error>,
    /// Since when a request waits for the portal's rate, and when to look whether it may go.
    turn: Option<(Instant, Instant)>,
}

impl Reader {
    /// Asks for the beginning of the list; [`Unfit`] when it turns out that it cannot be read by ids.
    pub async fn open(
        portal: &Portal,
        query: Query,
        bar: Bar,
        ahead: Ahead,
    ) -> Result<std::result::Result<Reader, Unfit>> {
        let (delivered, page) = (query.low, query.page);
        let job = Arc::new(Job {
            portal: portal.clone(),
            query,
            bar,
            queue: Default::default(),
            page: AtomicU64::new(page),
            chains: AtomicBool::new(true),
            repeats: AtomicU64::new(0),
        });
        let beginning = match job.begin().await? {
            Ok(beginning) => beginning,
            Err(unfit) => return Ok(Err(unfit)),
        };
        let mut reader = Reader {
            job,
            ready: Ready::default(),
            beyond: None,
            ahead,
            under_way: FuturesUnordered::new(),
            coming: 0.0,
            back: 0.0,
            done: BTreeMap::new(),
            delivered,
            end: beginning.end,
            astray: 0.0,
            rows: 0,
            bytes: 0,
            failed: None,
            turn: None,
        };
        reader.start(beginning);
        Ok(Ok(reader))
    }

    fn start(&mut self, beginning: Beginning) {
        if let Some((whole, at)) = beginning.waiting {
            self.under_way.push(Box::pin(self.job.clone().late(whole, at)));
        }
        self.take(beginning.fetched);
        let Some(rest) = beginning.rest else { return };
        if self.ahead != Ahead::Everything {
            self.beyond = Some(rest);
            return;
        }
        let windows = (rest.hi - rest.lo) as f64 / (self.job.page() as f64 * self.most() as f64);
        // Dense ends do not tell what lies between them; where that would cost more than is free, a look is cheaper.
        let is_wide = windows > self.free() as f64;
        let is_large = rest.rows > 4.0 * BATCHFUL;
        if is_large && (beginning.uneven || is_wide) {
            let (below, above) = rest.clone().split(self.at_once(&rest));
            self.ready.push(above);
            self.ready.look(self.looks(), self.job.page());
            self.ready.push(below);
        } else {
            self.ready.push(rest);
        }
    }

    /// Into how many parts an unknown list is divided to see where its rows are: half a batch. Each part costs about
    /// half a page at its end.
    fn looks(&self) -> usize {
        self.most().div_ceil(2)
    }

    /// Up to which id an unknown list is read without looking: so that the batches are full together with the looks.
    fn at_once(&self, rest: &Range) -> u64 {
        let pages = (AT_ONCE * (self.most() - 1)).saturating_sub(self.looks()).max(1);
        rest.lo.saturating_add(((pages as u64 * self.job.page()) as f64 / rest.density().max(1e-12)) as u64)
    }

    /// The next rows; `None` after the last. A fault that stays is the last word.
    pub async fn next(&mut self) -> Option<Result<Block>> {
        loop {
            if let Some(block) = self.deliverable() {
                return Some(Ok(block));
            }
            if let Some(error) = self.failed.take() {
                self.delivered = self.end;
                self.done.clear();
                self.under_way.clear();
                return Some(Err(error));
            }
            if self.delivered >= self.end {
                return None;
            }
            self.step().await;
        }
    }

    /// Goes on reading while nobody asks for rows; ends when there is nothing to wait for.
    pub async fn work(&mut self) {
        while self.failed.is_none() && self.delivered < self.end {
            self.prepare();
            if self.under_way.is_empty() && self.ready.next_held().is_none() && self.turn.is_none() {
                break;
            }
            self.step().await;
        }
        std::future::pending().await
    }

    /// The rows that follow those put out last, when they have come.
    fn deliverable(&mut self) -> Option<Block> {
        while let Some(run) = self.done.remove(&self.delivered) {
            self.delivered = run.hi;
            if !run.rows.is_empty() {
                return Some(Block { rows: run.rows, upto: run.hi });
            }
        }
        None
    }

    /// Sends what may be sent, and takes one answer.
    async fn step(&mut self) {
        self.prepare();
        let held = self.ready.next_held();
        let look = held.into_iter().chain(self.turn.map(|(_, turn)| turn)).min();
        tokio::select! {
            Some(fetched) = self.under_way.next(), if !self.under_way.is_empty() => self.take(fetched),
            () = self.job.queue.gone.notified(), if !self.under_way.is_empty() => {}
            () = tokio::time::sleep_until(look.unwrap_or_else(Instant::now)), if look.is_some() => {}
            else => {
                // Ranges are lost only by a mistake of this program.
                self.failed = Some(fetch::no_order(&self.job.query.method));
            }
        }
    }

    fn most(&self) -> usize {
        self.job.portal.size(&self.job.query.key)
    }

    /// Requests that may go at once.
    fn free(&self) -> usize {
        let limits = &self.job.portal.0.limits;
        // A third of what is free is kept in reserve, so that this much fills the lanes.
        let lanes = ((limits.lanes.open() * 1.5) as usize).saturating_sub(self.under_way.len());
        limits.bucket.free().saturating_sub(self.job.queue.len()).min(lanes)
    }

    /// What is known when batches are cut.
    fn room(&self) -> Room {
        let (free, page, most) = (self.free(), self.job.page(), self.most());
        let chains = self.job.chains.load(Ordering::Relaxed);
        let limits = &self.job.portal.0.limits;
        let gap = Some(limits.bucket.gap()).filter(|gap| *gap >= NOTICEABLE);
        let step = limits.lanes.pace().zip(gap).map_or(f64::INFINITY, |(pace, gap)| gap / pace.max(1e-6));
        let running = self.under_way.len();
        let room = Room { free, scarce: false, running, most, page, chains, ending: false, step, batches: 0.0 };
        // Where only a look is next, the rest comes after it.
        let pages = self.ready.pages(room).max(self.ready.rows() / page as f64) + self.coming / page as f64;
        let room = room.expecting(pages);
        // Where rows lie in heaps, nobody knows which batch is the last.
        let is_foreseen = self.beyond.is_none() && self.astray <= self.rows as f64 * ASTRAY;
        Room { ending: room.ending && is_foreseen, ..room }
    }

    /// Whether a batch may be cut now. While requests are scarce, only right before it can go, since until then more may
    /// become known; and only a full one, while something is under way that will leave a rest. Looks wait for nothing.
    fn may_cut(&mut self, room: Room) -> bool {
        if !room.scarce {
            self.turn = None;
            return true;
        }
        let is_full = self.ready.pages(room) >= room.most as f64;
        let waits = self.back >= 1.0 && !is_full && !self.ready.has_looks();
        if self.job.queue.len() > 0 || waits {
            self.turn = None;
            return false;
        }
        let now = Instant::now();
        let (since, turn) = *self.turn.get_or_insert_with(|| (now, now + self.job.portal.0.limits.bucket.next_in()));
        if turn > now {
            if turn - since >= NOTICED {
                self.job.bar.note(AT_THE_LIMIT);
            }
            return false;
        }
        self.turn = None;
        self.job.portal.0.counters.waited(now - since);
        true
    }

    /// Sends what may be sent: all that there is while requests are free, else one batch at a time.
    fn prepare(&mut self) {
        self.ready.release(Instant::now());
        self.come_nearer();
        while !self.ready.is_empty() && self.under_way.len() < MOST_UNDER_WAY {
            let room = self.room();
            if !self.may_cut(room) {
                break;
            }
            let size = self.ready.divide(room);
            for _ in 0..if room.scarce { 1 } else { room.free } {
                if self.ready.is_empty() {
                    break;
                }
                let pieces = self.ready.cut(size, room);
                self.send(pieces);
            }
        }
    }

    fn send(&mut self, pieces: Vec<Piece>) {
        self.coming += pieces.iter().map(|piece| piece.range.rows).sum::<f64>();
        self.back += pieces.iter().map(|piece| piece.rest(self.job.page())).sum::<f64>();
        let mut batch: BoxFuture<'static, Fetched> = Box::pin(self.job.clone().fetch(pieces));
        // From now on it counts as one that waits for its turn.
        self.under_way.push(match futures_util::FutureExt::now_or_never(&mut batch) {
            // A near portal may answer within that moment; it is taken like any other answer, in its turn.
            Some(fetched) => Box::pin(std::future::ready(fetched)),
            None => batch,
        });
    }

    /// Brings so much of what is beyond the horizon before it as may be under way.
    fn come_nearer(&mut self) {
        let Some(beyond) = self.beyond.take() else { return };
        let capacity = self.capacity();
        let outstanding =
            self.ready.rows() + self.coming + self.done.values().map(|run| run.rows.len() as f64).sum::<f64>();
        let part = capacity - outstanding;
        if part < capacity / 4.0 && outstanding > 0.0 {
            self.beyond = Some(beyond);
            return;
        }
        let ids = part / beyond.density().max(1e-12);
        let at = beyond.lo.saturating_add(ids.clamp(1.0, 1e18) as u64);
        let (near, far) = beyond.split(at);
        self.ready.push(near);
        self.beyond = Some(far).filter(|far| far.lo < far.hi);
    }

    /// How many rows may be read ahead.
    fn capacity(&self) -> f64 {
        match self.ahead {
            Ahead::Everything => f64::INFINITY,
            // While an answer is taken apart, its text and its rows are there at once.
            Ahead::Bytes(bytes) => match self.rows {
                0 => BATCHFUL,
                rows => bytes as f64 / (self.bytes as f64 / rows as f64 * 3.0),
            }
            .clamp(500.0, 100_000.0),
        }
    }

    fn take(&mut self, fetched: Fetched) {
        self.coming = (self.coming - fetched.expected).max(0.0);
        self.back = (self.back - fetched.expected_rest).max(0.0);
        self.astray += fetched.astray;
        for run in fetched.runs {
            self.rows += run.rows.len();
            self.bytes += run.rows.bytes();
            self.job.bar.add(run.rows.len() as u64);
            self.ready.learn(run.lo, run.hi, run.rows.len());
            if let Some(beyond) = &mut self.beyond {
                beyond.learn(run.lo, run.hi, run.rows.len());
            }
            self.done.insert(run.lo, run);
        }
        fetched.left.into_iter().for_each(|range| self.ready.push(range));
        fetched.later.into_iter().for_each(|(until, range)| self.ready.hold(until, range));
        for (mut range, error) in fetched.failed {
            range.fails += 1;
            match self.job.portal.patience().pause(range.fails) {
                Some(pause) => self.ready.hold(Instant::now() + pause, range),
                None => self.failed = Some(error),
            }
        }
        self.failed = self.failed.take().or(fetched.fatal);
        let expected =
            self.rows as f64 + self.ready.rows() + self.coming + self.beyond.as_ref().map_or(0.0, |range| range.rows);
        self.job.bar.expect(expected as u64);
    }
}
