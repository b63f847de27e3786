//! Which ids are still to be read, and what the next batch asks for.
//!
//! Two ways to ask. Where ids are dense, by windows as wide as a page: more rows cannot be there, so each page is whole,
//! needs no other, and is repeated alone. Elsewhere by chains: pages that begin where the one before them ended, all
//! below the end of their range. What a chain did not reach is a range again.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::core::batch;

/// A batch does not become smaller than this to spread pages over more requests.
const LEAST: usize = 5;
/// Batches to have under way while each waits for the rate.
const PIPE: usize = 6;
/// Pages by windows for each page of a chain: dearer, but surer, while requests are free; hardly so when they are scarce.
const DEARER: f64 = 1.3;
const HARDLY: f64 = 1.02;
/// Ids that the density known so far weighs against a new measurement.
const INERTIA: f64 = 500.0;

/// Ids above `lo` up to `hi`.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    pub lo: u64,
    pub hi: u64,
    /// How many rows are expected there.
    pub rows: f64,
    /// How often it came back with a fault.
    pub fails: u32,
    /// A single page first, to see what is there.
    pub look: bool,
}

impl Range {
    pub fn new(lo: u64, hi: u64, rows: f64) -> Range {
        Range { lo, hi, rows: rows.min((hi - lo) as f64), fails: 0, look: false }
    }

    fn width(&self) -> f64 {
        (self.hi - self.lo) as f64
    }

    pub fn density(&self) -> f64 {
        self.rows / self.width().max(1.0)
    }

    /// What is left above `to`, after `rows` rows were found below it.
    pub fn above(&self, to: u64, rows: usize) -> Range {
        let density = mixed(self.density(), rows, to - self.lo, INERTIA.min(self.width()));
        Range { lo: to, rows: density * (self.hi - to) as f64, look: false, ..self.clone() }
    }

    /// So many rows were found in a part of its neighbourhood.
    pub fn learn(&mut self, lo: u64, hi: u64, rows: usize) {
        self.rows = mixed(self.density(), rows, hi.saturating_sub(lo), INERTIA) * self.width();
    }

    /// The part up to `at`, and the rest.
    pub fn split(self, at: u64) -> (Range, Range) {
        let at = at.clamp(self.lo, self.hi);
        let below = self.density() * (at - self.lo) as f64;
        let above = Range { lo: at, rows: self.rows - below, ..self.clone() };
        (Range { hi: at, rows: below, ..self }, above)
    }

    fn into_parts(self, parts: usize) -> Vec<Range> {
        let (mut rest, mut all) = (self, Vec::with_capacity(parts));
        for left in (2..=parts as u64).rev() {
            let at = rest.lo + (rest.hi - rest.lo) / left;
            let (part, above) = rest.split(at);
            all.push(part);
            rest = above;
        }
        all.push(rest);
        all
    }
}

/// A density after a measurement.
fn mixed(before: f64, rows: usize, span: u64, inertia: f64) -> f64 {
    (rows as f64 + before * inertia) / (span as f64 + inertia).max(1.0)
}

/// What a batch asks for: the rows of a range, by so many pages at most.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    pub range: Range,
    pub pages: usize,
}

/// What is known when a batch is cut.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Requests that may go without waiting.
    pub free: usize,
    /// All that is left needs more requests than are free: then every command counts, and what a chain leaves over is no
    /// loss.
    pub scarce: bool,
    /// Requests under way.
    pub running: usize,
    /// Commands in a batch.
    pub most: usize,
    /// Rows on a page.
    pub page: u64,
    /// Whether a command may refer to the one before it.
    pub chains: bool,
}

/// Ranges that wait for a batch.
#[derive(Debug, Default)]
pub struct Ready {
    ranges: BTreeMap<u64, Range>,
    held: Vec<(Instant, Range)>,
}

impl Ready {
    pub fn push(&mut self, range: Range) {
        if range.lo < range.hi {
            self.ranges.insert(range.lo, range);
        }
    }

    /// Not before this moment.
    pub fn hold(&mut self, until: Instant, range: Range) {
        self.held.push((until, range));
    }

    pub fn release(&mut self, now: Instant) {
        for (_, range) in self.held.extract_if(.., |(until, _)| *until <= now).collect::<Vec<_>>() {
            self.push(range);
        }
    }

    pub fn next_held(&self) -> Option<Instant> {
        self.held.iter().map(|(until, _)| *until).min()
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Rows that are expected.
    pub fn rows(&self) -> f64 {
        self.ranges.values().chain(self.held.iter().map(|(_, range)| range)).map(|range| range.rows).sum()
    }

    /// So many rows were found in a part: the range that follows it is likely to be alike.
    pub fn learn(&mut self, lo: u64, hi: u64, rows: usize) {
        if let Some((_, next)) = self.ranges.range_mut(hi..).next() {
            next.learn(lo, hi, rows);
        }
    }

    /// Commands that the ranges are expected to need.
    pub fn pages(&self, room: Room) -> f64 {
        self.ranges.values().map(|range| Costs::of(range, room, room.scarce).pages()).sum()
    }

    /// How many commands each of the next batches takes. Ranges are divided while there are fewer of them than can be
    /// under way at once.
    pub fn divide(&mut self, room: Room) -> usize {
        let pages = self.pages(room).ceil() as usize;
        let size = batch::packet_size(pages, room.most, LEAST.min(room.most), room.free).max(1);
        let at_once = room.free.max(PIPE.saturating_sub(room.running));
        self.spread(pages.div_ceil(size).min(at_once), room);
        size
    }

    /// The next batch, from the lowest ids on.
    pub fn cut(&mut self, size: usize, room: Room) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut left = size;
        while left > 0 {
            let Some((_, range)) = self.ranges.pop_first() else { break };
            let costs = Costs::of(&range, room, room.scarce);
            if costs.by_windows {
                left -= self.windows(range, room.page, left, &mut pieces);
                continue;
            }
            let pages = costs.chain.min(left).max(1);
            left -= pages;
            pieces.push(Piece { range, pages });
        }
        pieces
    }

    /// So many windows of the range; the rest goes on waiting.
    fn windows(&mut self, range: Range, page: u64, most: usize, pieces: &mut Vec<Piece>) -> usize {
        let mut rest = range;
        let mut made = 0;
        while made < most && rest.lo < rest.hi {
            let at = rest.lo.saturating_add(page);
            let (window, above) = rest.split(at);
            pieces.push(Piece { range: window, pages: 1 });
            rest = above;
            made += 1;
        }
        self.push(rest);
        made
    }

    /// Divides ranges that are to be read by chains, the larger into more parts, until there are so many.
    fn spread(&mut self, wanted: usize, room: Room) {
        if self.ranges.len() >= wanted {
            return;
        }
        let costs = |range: &Range| Costs::of(range, room, room.scarce);
        let total: f64 = self.ranges.values().map(|range| costs(range).expected).sum();
        let parts = |range: &Range| match costs(range) {
            costs if costs.by_windows || range.look => 1,
            costs => (costs.expected / total * wanted as f64).round().min(costs.expected / LEAST as f64) as usize,
        };
        let divided: Vec<(u64, usize)> =
            self.ranges.iter().map(|(lo, range)| (*lo, parts(range))).filter(|(_, parts)| *parts > 1).collect();
        for (lo, parts) in divided {
            if let Some(range) = self.ranges.remove(&lo) {
                range.into_parts(parts).into_iter().for_each(|part| self.push(part));
            }
        }
    }

    /// Divides everything into so many parts, of which one page each is read first.
    pub fn look(&mut self, parts: usize) {
        for (_, range) in std::mem::take(&mut self.ranges) {
            for part in range.into_parts(parts) {
                self.push(Range { look: true, ..part });
            }
        }
    }
}

/// What a range costs in either way.
struct Costs {
    by_windows: bool,
    /// Full pages.
    expected: f64,
    windows: f64,
    chain: usize,
}

impl Costs {
    fn of(range: &Range, room: Room, scarce: bool) -> Costs {
        let page = room.page as f64;
        let windows = (range.width() / page).ceil();
        let expected = range.rows / page;
        let factor = if scarce { HARDLY } else { DEARER };
        let by_windows = windows <= 1.0 || !range.look && windows <= (expected * factor).max(1.0);
        let chain = match (range.look || !room.chains, scarce) {
            (true, _) => 1.0,
            (false, true) => expected.ceil(),
            // A little more than expected, so that few need a second round.
            (false, false) => (expected * 1.1 + 1.0).ceil(),
        };
        Costs { by_windows, expected, windows, chain: chain.clamp(1.0, 1e9) as usize }
    }

    fn pages(&self) -> f64 {
        if self.by_windows { self.windows } else { self.chain as f64 }
    }
}
