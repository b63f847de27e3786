//! One batch of pieces: asked for, and its pages taken as far as they hold together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::time::Instant;

use super::opening::Unfit;
use super::query::Query;
use super::ranges::{Piece, Range};
use crate::core::json;
use crate::core::limiter::Passed;
use crate::core::progress::Bar;
use crate::core::rows::{Builder, Chunk, Field};
use crate::error::{Error, Kind, Result, Retry};
use crate::services::b24::client::Portal;
use crate::services::b24::client::batches::{BATCH, BREATH};
use crate::services::b24::client::send::{Announced, Body, HELD, Queue, Request};
use crate::services::b24::wire::batch as wire;
use crate::services::b24::wire::batch::{Answer, Said};
use crate::services::b24::wire::envelope::{self, Envelope};
use crate::services::b24::wire::errors::{self, Fault};

/// What all batches of one list share.
pub struct Job {
    pub portal: Portal,
    pub query: Query,
    pub bar: Bar,
    pub queue: Queue,
    /// Rows on a full page, as the portal has shown.
    pub page: AtomicU64,
    /// Whether a command's reference to the one before it is understood.
    pub chains: AtomicBool,
    pub repeats: AtomicU64,
}

/// Rows of all ids above `lo` up to `hi`.
#[derive(Debug)]
pub struct Run {
    pub lo: u64,
    pub hi: u64,
    pub rows: Chunk,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Rows that were expected of it.
    pub expected: f64,
    /// Pages that it was expected to leave over.
    pub expected_rest: f64,
    /// By how many rows the densities that were expected were wrong.
    pub astray: f64,
    pub runs: Vec<Run>,
    /// What the pages did not reach.
    pub left: Vec<Range>,
    /// What was turned away because of a limit.
    pub later: Vec<(Instant, Range)>,
    /// What came to nothing and may be tried again.
    pub failed: Vec<(Range, Error)>,
    /// What makes everything else pointless.
    pub fatal: Option<Error>,
}

/// How a page's rows stand to what was asked for.
#[derive(Debug, PartialEq)]
pub enum Page {
    /// There may be more above this id.
    Full(u64),
    Last,
    /// They are not in the order of their ids, or not those asked for.
    Wrong,
}

impl Job {
    pub fn page(&self) -> u64 {
        self.page.load(Ordering::Relaxed)
    }

    /// Reads the pieces; ranges that are not read to their end come back.
    pub async fn fetch(self: Arc<Job>, pieces: Vec<Piece>) -> Fetched {
        let expected = pieces.iter().map(|piece| piece.range.rows).sum();
        let expected_rest = pieces.iter().map(|piece| piece.rest(self.page())).sum();
        let mut fetched = Fetched { expected, expected_rest, ..Fetched::default() };
        let (names, texts) = self.commands(&pieces);
        // A chain that is alone in its batch need not go on behind a fault.
        let halt = pieces.len() == 1 && pieces[0].pages > 1;
        let commands = names.iter().map(|name| name.as_str().into()).zip(texts.iter().map(String::as_str));
        let body = wire::body(halt, commands);
        let envelope = match self.send(&body, texts.len()).await {
            Ok(envelope) => envelope,
            Err(error) => {
                self.all_failed(pieces, texts.len(), error, &mut fetched);
                return fetched;
            }
        };
        let Some(answer) = Answer::read(envelope.result()) else {
            let error = Error::new(Kind::Protocol, "b24.not_json", "batch: the answer is not that of a batch");
            self.all_failed(pieces, texts.len(), error.retry(Retry::Unknown), &mut fetched);
            return fetched;
        };
        self.learn(&envelope, &answer, &names);
        self.take(pieces, &names, &answer, envelope.result().len(), &mut fetched);
        fetched
    }

    fn commands(&self, pieces: &[Piece]) -> (Vec<String>, Vec<String>) {
        let (mut names, mut texts) = (Vec::new(), Vec::new());
        for piece in pieces {
            let mut low = piece.range.lo.to_string();
            for _ in 0..piece.pages {
                let name = format!("c{}", names.len());
                texts.push(self.query.rows(&low, piece.range.hi));
                low = self.query.last_of(&name, self.page());
                names.push(name);
            }
        }
        (names, texts)
    }

    /// Sends a batch when the portal's limits let it.
    pub async fn send(&self, body: &serde_json::Value, commands: usize) -> Result<Envelope> {
        let limits = &self.portal.0.limits;
        let announced = Announced::one(&self.queue);
        // Held until the answer is read: a probe that fails lets the next one go.
        let passed = [self.pass(BATCH).await, self.pass(&self.query.key).await];
        self.portal.0.counters.calls.add(commands);
        let open = |key: &str| limits.budget.closed_until(key).is_none();
        let still = || open(BATCH) && open(&self.query.key);
        let mut request = Request::new(BATCH, Body::Json(body), &self.bar);
        request.commands = commands;
        request.announced = Some(announced);
        request.still = Some(&still);
        let envelope = self.portal.deliver(&mut request).await?;
        passed.into_iter().filter_map(|passed| passed.probing).for_each(|probing| probing.succeeded());
        self.note_repeats();
        Ok(envelope)
    }

    /// No wait any more; what had to be repeated stays to be seen.
    fn note_repeats(&self) {
        self.bar.note(match self.repeats.load(Ordering::Relaxed) {
            0 => String::new(),
            repeats => format!("{repeats} calls repeated after faults"),
        });
    }

    async fn pass(&self, key: &str) -> Passed<'_> {
        let budget = &self.portal.0.limits.budget;
        if let Some(until) = budget.closed_until(key) {
            self.portal.note_closed(&self.bar, key, until);
        }
        let passed = budget.take(key).await;
        self.portal.0.counters.waited(passed.waited);
        passed
    }

    /// Takes what the answer says of the time budget, and that a batch of this size is not too large.
    pub fn learn(&self, envelope: &Envelope, answer: &Answer<'_>, names: &[String]) {
        let budget = &self.portal.0.limits.budget;
        if let Some(spent) = envelope.spent {
            budget.spent(BATCH, spent);
        }
        // A running total: the last one is the latest.
        if let Some(spent) = names.iter().rev().find_map(|name| answer.spent(name)) {
            budget.spent(&self.query.key, spent);
        }
        self.portal.grow(&self.query.key, names.len());
    }

    /// The pages of the pieces; neighbouring ones together.
    fn take(&self, pieces: Vec<Piece>, names: &[String], answer: &Answer<'_>, bytes: usize, fetched: &mut Fetched) {
        let mut names = names.iter();
        let mut open: Option<(u64, u64, Builder)> = None;
        for Piece { range, pages } in pieces {
            let (lo, mut builder) = match open.take() {
                Some((lo, hi, builder)) if hi == range.lo => (lo, builder),
                other => {
                    self.close(other, fetched);
                    let mut builder = Builder::new();
                    // As a portal's rows usually are: half of the text is names.
                    builder.reserve(self.page() as usize * pages, 0, bytes / 3);
                    (range.lo, builder)
                }
            };
            let before = builder.len();
            let mine: Vec<&String> = names.by_ref().take(pages).collect();
            let to = self.take_piece(&range, &mine, answer, &mut builder, fetched);
            let rows = builder.len() - before;
            fetched.astray += (range.density() * (to.at - range.lo) as f64 - rows as f64).abs();
            if let Some(left) = to.left(&range, rows) {
                fetched.left.push(left);
            }
            open = Some((lo, to.at, builder));
        }
        self.close(open, fetched);
    }

    fn close(&self, open: Option<(u64, u64, Builder)>, fetched: &mut Fetched) {
        if let Some((lo, hi, builder)) = open.filter(|(lo, hi, _)| lo < hi) {
            fetched.runs.push(Run { lo, hi, rows: builder.finish() });
        }
    }

    /// The pages of one piece, up to the first that is not full or did not come.
    fn take_piece(
        &self,
        range: &Range,
        names: &[&String],
        answer: &Answer<'_>,
        builder: &mut Builder,
        fetched: &mut Fetched,
    ) -> Reached {
        let mut at = range.lo;
        for (number, name) in names.iter().enumerate() {
            let found = match answer.of(name) {
                Said::Done { result, .. } => self.page_in(result, at, range.hi, builder),
                Said::Failed(fault) => {
                    self.refused(range, at, &fault, names.len() - number, fetched);
                    return Reached { at, more: false };
                }
                Said::Nothing => {
                    let message = format!("{}: the batch came back without a word about it", self.query.method);
                    let error = Error::new(Kind::Protocol, "b24.no_answer", message).retry(Retry::Safe);
                    self.fails(rest(range, at), error, names.len() - number, fetched);
                    return Reached { at, more: false };
                }
            };
            match found {
                Ok(Page::Last) => return Reached { at: range.hi, more: false },
                Ok(Page::Full(last)) => at = last,
                // The portal did not understand the reference: from now on each page has its own bounds.
                Ok(Page::Wrong) if number > 0 => {
                    self.chains.store(false, Ordering::Relaxed);
                    return Reached { at, more: true };
                }
                Ok(Page::Wrong) => {
                    fetched.fatal = Some(no_order(&self.query.method));
                    return Reached { at, more: false };
                }
                Err(error) => {
                    fetched.fatal = Some(error);
                    return Reached { at, more: false };
                }
            }
        }
        Reached { at, more: true }
    }

    /// A page's rows behind the others, if they are what was asked for: rising ids above `lo`, none above `hi`.
    pub fn page_in(&self, result: &str, lo: u64, hi: u64, rows: &mut Builder) -> Result<Page> {
        let list = match envelope::list_in(result, Some(&self.query.family)) {
            Some(list) => list,
            None if result == "null" => return Ok(Page::Last),
            None => {
                let message = format!("{}: a page of the list came back as something else", self.query.method);
                return Err(Error::new(Kind::Protocol, "b24.no_list", message)
                    .hint("try again; if it stays, read the list with call"));
            }
        };
        let first = rows.len();
        json::read_rows(&list, rows)?;
        let mut last = lo;
        for row in first..rows.len() {
            match rows.get(row, self.query.family.answer_id).and_then(id) {
                Some(id) if id > last && id <= hi => last = id,
                _ => {
                    rows.truncate(first);
                    return Ok(Page::Wrong);
                }
            }
        }
        let full = (rows.len() - first) as u64 >= self.page() && last < hi;
        Ok(if full { Page::Full(last) } else { Page::Last })
    }

    /// What becomes of the rest of a piece when one of its commands was refused.
    fn refused(&self, range: &Range, at: u64, fault: &Fault, commands: usize, fetched: &mut Fetched) {
        let error = errors::error(&self.query.method, None, fault);
        let counters = &self.portal.0.counters;
        match error.code() {
            "b24.OPERATION_TIME_LIMIT" => {
                counters.refusals.add(1);
                let until = self.portal.close(&self.bar, &self.query.key);
                fetched.later.push((until, rest(range, at)));
            }
            "b24.QUERY_LIMIT_EXCEEDED" => {
                counters.refusals.add(1);
                fetched.later.push((Instant::now() + BREATH, rest(range, at)));
            }
            // The same question about other ids was answered, so it is not the question that is wrong.
            _ if error.kind() == Kind::Auth => fetched.fatal = Some(error),
            _ => self.fails(rest(range, at), errors::of_reading(error), commands, fetched),
        }
    }

    fn fails(&self, range: Range, error: Error, commands: usize, fetched: &mut Fetched) {
        self.portal.0.counters.repeats.add(commands);
        self.repeats.fetch_add(commands as u64, Ordering::Relaxed);
        self.note_repeats();
        fetched.failed.push((range, error));
    }

    /// What becomes of the pieces when the request as a whole failed.
    fn all_failed(&self, pieces: Vec<Piece>, commands: usize, error: Error, fetched: &mut Fetched) {
        let ranges = pieces.into_iter().map(|piece| piece.range);
        if error.code() == HELD {
            return fetched.later.extend(ranges.map(|range| (Instant::now(), range)));
        }
        let is_too_much = matches!(error.http_status(), Some(504 | 413)) || error.code() == "b24.timeout";
        if is_too_much {
            self.portal.halve(&self.query.key, commands);
        }
        if error.code() == "b24.OPERATION_TIME_LIMIT" {
            self.portal.0.counters.refusals.add(1);
            let until = self.portal.close(&self.bar, BATCH);
            return fetched.later.extend(ranges.map(|range| (until, range)));
        }
        let passes = match error.may_retry() {
            Retry::Unknown => true,
            Retry::Safe => is_too_much && commands > 1,
            Retry::Useless => false,
        };
        let error = errors::of_reading(error);
        if !passes {
            fetched.fatal = Some(error);
            return;
        }
        let each = commands / ranges.len().max(1);
        ranges.for_each(|range| self.fails(range, error.clone(), each, fetched));
    }
}

/// How far the pages of a piece came.
struct Reached {
    at: u64,
    /// Whether they ended although there may be more rows.
    more: bool,
}

impl Reached {
    fn left(&self, range: &Range, rows: usize) -> Option<Range> {
        (self.more && self.at < range.hi).then(|| Range { fails: 0, ..range.above(self.at, rows) })
    }
}

/// A range without what has come of it.
fn rest(range: &Range, at: u64) -> Range {
    Range { look: false, ..range.clone().split(at).1 }
}

/// The id of a row.
pub fn id(field: Field<'_>) -> Option<u64> {
    match field {
        Field::Integer(id) => u64::try_from(id).ok(),
        Field::Text(id) => id.parse().ok(),
        _ => None,
    }
}

/// That rows did not come in the order of their ids.
pub const NO_ORDER: &str = "b24.no_order";

pub fn out_of_order() -> Unfit {
    Unfit("its rows do not come in the order of their ids".to_owned())
}

pub fn no_order(method: &str) -> Error {
    let message = format!("{method}: the rows do not come in the order of their ids");
    Error::new(Kind::Protocol, NO_ORDER, message).hint("read the list with get_all instead")
}
