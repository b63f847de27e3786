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
/// Batches to have under way while each waits for the rate; the last so many are cut to end together.
const PIPE: usize = 6;
/// Pages by windows for each page of a chain: dearer, but surer, while requests are free; hardly so when they are scarce.
const DEARER: f64 = 1.3;
const HARDLY: f64 = 1.02;
/// Pages that a chain gets beyond those it is expected to need where it should leave nothing over.
const SURPLUS: f64 = 1.0;
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

    /// Parts of the same width, except that it is a multiple of `step`, where they are wider than that.
    fn into_parts(self, parts: usize, step: u64) -> Vec<Range> {
        let (mut rest, mut all) = (self, Vec::with_capacity(parts));
        for left in (2..=parts as u64).rev() {
            let width = (rest.hi - rest.lo) / left;
            let at = rest.lo + if width > step { width - width % step } else { width };
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

impl Piece {
    /// Pages that it is expected to leave over.
    pub fn rest(&self, page: u64) -> f64 {
        (self.range.rows / page as f64 - self.pages as f64).max(0.0)
    }
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
    /// All that is to come, under way or waiting, is so little that nothing should be left over any more.
    pub ending: bool,
    /// Commands that the portal carries out between two requests at its rate.
    pub step: f64,
    /// Full batches that are to come, under way or waiting.
    pub batches: f64,
}

impl Room {
    /// The same, with so many pages to come.
    pub fn expecting(self, pages: f64) -> Room {
        let batches = pages / self.most as f64;
        let requests = batches.ceil() as usize;
        let scarce = requests > self.free;
        Room { scarce, ending: scarce && requests <= PIPE, batches, ..self }
    }

    /// How many chains are to go on side by side: as many as may; but where the rate will decide how long it takes, only
    /// twice as many as keep up with it, since each part costs about half a page at its end.
    fn at_once(self) -> usize {
        let most = self.free.max(PIPE.saturating_sub(self.running));
        let beyond = self.batches - self.free as f64;
        match beyond > 0.0 && self.step.is_finite() {
            true => {
                let enough = 2.0 * self.most as f64 / self.step * self.batches / beyond;
                most.min((enough.max(PIPE as f64) as usize).saturating_sub(self.running))
            }
            false => most,
        }
    }
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

    /// Whether there are places to look at: what is found there decides how the rest is read.
    pub fn has_looks(&self) -> bool {
        self.ranges.values().any(|range| range.look)
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
        let size = match room.scarce {
            true if room.ending => first_of_last(pages, room.most, room.step),
            true => room.most,
            false => batch::packet_size(pages, room.most, LEAST.min(room.most), room.free).max(1),
        };
        let looks = self.ranges.values().filter(|range| range.look).count();
        self.spread((pages - looks).div_ceil(size).min(room.at_once()), room);
        size
    }

    /// The next batch, from the lowest ids on.
    pub fn cut(&mut self, size: usize, room: Room) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut left = size;
        while left > 0 {
            let Some(range) = self.next_for(left, room) else { break };
            let costs = Costs::of(&range, room, room.scarce);
            if costs.by_windows {
                left -= self.windows(range, room.page, left, &mut pieces);
                continue;
            }
            let pages = costs.chain.min(left).max(1);
            left -= pages;
            let range = if room.ending && pages < costs.chain { self.fitting(range, pages, room.page) } else { range };
            pieces.push(Piece { range, pages });
        }
        pieces
    }

    /// The range that goes into what is left of a batch: the lowest, or a look where only a part of that one would fit.
    fn next_for(&mut self, left: usize, room: Room) -> Option<Range> {
        let first = self.ranges.values().next()?;
        let costs = Costs::of(first, room, room.scarce);
        let fits = costs.by_windows || costs.chain <= left || left == room.most;
        let look = || self.ranges.values().find(|range| range.look).map(|range| range.lo);
        let lo = if fits { first.lo } else { look().unwrap_or(first.lo) };
        self.ranges.remove(&lo)
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

    /// The part of a range that so many pages surely hold; the rest goes on waiting, instead of coming back when it is
    /// the last there is.
    fn fitting(&mut self, range: Range, pages: usize, page: u64) -> Range {
        let rows = (pages as f64 - SURPLUS).max(0.5) * page as f64;
        let at = range.lo.saturating_add((rows / range.density().max(1e-12)).max(1.0) as u64);
        let (part, rest) = range.split(at);
        self.push(rest);
        part
    }

    /// Divides ranges that are to be read by chains, the larger into more parts, until there are so many. What is only
    /// looked at is no work that could be divided.
    fn spread(&mut self, wanted: usize, room: Room) {
        let worked = || self.ranges.values().filter(|range| !range.look);
        if worked().count() >= wanted {
            return;
        }
        let costs = |range: &Range| Costs::of(range, room, room.scarce);
        let total: f64 = worked().map(|range| costs(range).expected).sum();
        let parts = |range: &Range| match costs(range) {
            costs if costs.by_windows || range.look => 1,
            costs => (costs.expected / total * wanted as f64).round().min(costs.expected / LEAST as f64) as usize,
        };
        let divided: Vec<(u64, usize)> =
            self.ranges.iter().map(|(lo, range)| (*lo, parts(range))).filter(|(_, parts)| *parts > 1).collect();
        for (lo, parts) in divided {
            if let Some(range) = self.ranges.remove(&lo) {
                range.into_parts(parts, room.page).into_iter().for_each(|part| self.push(part));
            }
        }
    }

    /// Divides everything into so many parts, of which one page each is read first.
    pub fn look(&mut self, parts: usize, page: u64) {
        for (_, range) in std::mem::take(&mut self.ranges) {
            for part in range.into_parts(parts, page) {
                self.push(Range { look: true, ..part });
            }
        }
    }
}

/// How many of the last pages go into the next batch. Each batch goes a turn later than the one before it, so it gets less
/// to do, and all of them end at about the same time; that may cost one request more.
fn first_of_last(pages: usize, most: usize, step: f64) -> usize {
    let fewest = pages.div_ceil(most).max(1);
    let size = |last: usize, back: usize| most.min(last.saturating_add((back as f64 * step) as usize));
    let ways = (fewest..=fewest + 1).filter_map(|batches| {
        let holds = |last: &usize| (0..batches).map(|back| size(*last, back)).sum::<usize>() >= pages;
        let last = (1..=most).find(holds)?;
        Some((batches as f64 * step + last as f64, size(last, batches - 1)))
    });
    ways.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(most, |(_, first)| first)
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
            (false, true) if room.ending => (expected + SURPLUS).ceil(),
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

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Room = Room {
        free: 45,
        scarce: false,
        running: 0,
        most: 50,
        page: 50,
        chains: true,
        ending: false,
        step: 25.0,
        batches: 4.0,
    };
    const SCARCE: Room = Room { free: 0, scarce: true, ..FREE };

    fn ready(ranges: &[(u64, u64, f64)]) -> Ready {
        let mut ready = Ready::default();
        ranges.iter().for_each(|(lo, hi, rows)| ready.push(Range::new(*lo, *hi, *rows)));
        ready
    }

    /// All batches that are cut of it in one round.
    fn batches(mut ready: Ready, room: Room) -> Vec<Vec<Piece>> {
        let size = ready.divide(room);
        let mut batches = Vec::new();
        while !ready.is_empty() {
            batches.push(ready.cut(size, room));
        }
        batches
    }

    fn ids_are_whole(batches: &[Vec<Piece>], lo: u64, hi: u64) {
        let mut ranges: Vec<&Range> = batches.iter().flatten().map(|piece| &piece.range).collect();
        ranges.sort_by_key(|range| range.lo);
        assert_eq!((ranges[0].lo, ranges[ranges.len() - 1].hi), (lo, hi));
        assert!(ranges.windows(2).all(|pair| pair[0].hi == pair[1].lo));
    }

    #[test]
    fn dense_ids_are_read_by_windows_of_a_page() {
        let batches = batches(ready(&[(7, 10_000, 9_000.0)]), FREE);
        ids_are_whole(&batches, 7, 10_000);
        assert!(batches.iter().flatten().all(|piece| piece.pages == 1 && piece.range.hi - piece.range.lo <= 50));
    }

    #[test]
    fn thin_ids_are_read_by_chains_side_by_side_while_requests_are_free() {
        let batches = batches(ready(&[(0, 100_000, 10_000.0)]), FREE);
        ids_are_whole(&batches, 0, 100_000);
        assert!((25..=45).contains(&batches.len()), "{}", batches.len());
        // A little more than the pages that are expected.
        let pages: usize = batches.iter().flatten().map(|piece| piece.pages).sum();
        assert!((220..=280).contains(&pages), "{pages}");
    }

    #[test]
    fn scarce_requests_are_full_and_a_chain_leaves_over_what_it_must() {
        let mut ready = ready(&[(0, 1_000_000, 100_000.0)]);
        let size = ready.divide(SCARCE);
        let batch = ready.cut(size, SCARCE);
        assert_eq!((size, batch.len(), batch[0].pages), (50, 1, 50));
        let rest = batch[0].rest(50);
        assert!(rest > 100.0, "{rest}");
        let left = batch[0].range.above(50_000, 2_500);
        assert!((0.045..0.055).contains(&left.density()), "{left:?}");
    }

    #[test]
    fn the_last_batches_leave_nothing_over_and_end_together() {
        let ending = Room { ending: true, ..SCARCE };
        let mut ready = ready(&[(0, 100_000, 5_000.0)]);
        let mut sizes = Vec::new();
        while !ready.is_empty() {
            let size = ready.divide(ending);
            let batch = ready.cut(size, ending);
            assert!(batch.iter().all(|piece| piece.rest(50) == 0.0), "{batch:?}");
            sizes.push(batch.iter().map(|piece| piece.pages).sum::<usize>());
        }
        assert_eq!(sizes[0], 50);
        assert!(sizes.windows(2).all(|pair| pair[0] >= pair[1]), "{sizes:?}");
        for (pages, step, first) in [(7, 25.0, 7), (50, 25.0, 38), (60, 25.0, 43), (100, 25.0, 50)] {
            assert_eq!(first_of_last(pages, 50, step), first, "{pages} {step}");
        }
        // Where requests are further apart than the longest of them takes, only their number counts.
        assert_eq!((first_of_last(60, 50, 500.0), first_of_last(60, 50, f64::INFINITY)), (50, 50));
    }

    #[test]
    fn looks_do_not_hinder_the_division_of_what_is_read_at_once() {
        let mut ready = ready(&[(100_000, 1_000_000, 90_000.0)]);
        ready.look(25, 50);
        ready.push(Range::new(0, 100_000, 10_000.0));
        ready.divide(Room { free: 45, ..SCARCE });
        assert_eq!(ready.ranges.values().filter(|range| !range.look).count(), 4);
    }

    #[test]
    fn without_references_each_page_stands_for_itself() {
        let batches = batches(ready(&[(0, 100_000, 1_000.0)]), Room { chains: false, ..FREE });
        ids_are_whole(&batches, 0, 100_000);
        assert!(batches.iter().flatten().all(|piece| piece.pages == 1));
    }

    #[test]
    fn a_look_is_one_page_of_each_part() {
        let mut ready = ready(&[(0, 48_000_000, 1e6)]);
        ready.look(48, 50);
        let size = ready.divide(SCARCE);
        let batch = ready.cut(size, SCARCE);
        assert_eq!(batch.len(), 48);
        assert!(batch.iter().all(|piece| piece.pages == 1) && ready.is_empty());
    }

    #[test]
    fn what_is_held_comes_back_at_its_moment() {
        let mut ready = Ready::default();
        let now = Instant::now();
        ready.hold(now + std::time::Duration::from_secs(1), Range::new(0, 10, 1.0));
        ready.release(now);
        assert!(ready.is_empty() && ready.rows() == 1.0);
        ready.release(ready.next_held().unwrap());
        assert!(!ready.is_empty() && ready.next_held().is_none());
    }
}
