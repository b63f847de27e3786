//! The first request for a list: its first pages and its last one. A list of up to 47 pages is complete with it.
//!
//! What a batch costs is known before what it brings: all its commands run, one after another. So the pages behind the
//! first are asked for together with guards, calls that fail where a page before them was not full and thereby halt the
//! batch: a short list costs three commands. And the first pages of a long list are worth waiting for, but not idly:
//! when the answer takes its time, a second request of two commands asks where the list ends, and the rest is on its way
//! before the first pages have come.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::fetch::{Fetched, Job, Page, Run, id, no_order, out_of_order};
use super::query::{NO_END, Query};
use super::ranges::Range;
use crate::core::json;
use crate::core::rows::Builder;
use crate::error::{Error, Kind, Result, Retry};
use crate::services::b24::client::batches::{BATCH, BREATH};
use crate::services::b24::wire::batch::{self as wire, Answer, Said};
use crate::services::b24::wire::envelope;
use crate::services::b24::wire::errors;

/// Pages in the first request where guards bound its cost, and where nothing does.
const GUARDED: usize = 47;
const UNGUARDED: usize = 4;
/// After which pages guards stand.
const GUARDS: [usize; 2] = [0, 5];
/// An answer that takes longer than this gets company.
const HEDGE: Duration = Duration::from_millis(80);
/// So many requests must be free for that.
const SPARE: usize = 20;
/// Fewer rows than this may as well be on the first pages, where nobody knows exactly how many ids these hold.
const MUCH: f64 = 500.0;
/// How often a portal may say that it has no time before the list's first rows.
const WAITS: u32 = 50;

/// What the first request told.
pub struct First {
    /// The rows above the query's lower bound, up to `at`.
    rows: Builder,
    at: u64,
    /// There are no more.
    complete: bool,
    /// The highest id.
    end: u64,
    /// How many of the ids hold a row at either end.
    low_density: f64,
    high_density: f64,
}

/// What the last page told.
struct Last {
    highest: u64,
    lowest: u64,
    rows: usize,
    /// How many of the ids between them hold a row.
    density: f64,
}

/// Why a list cannot be read by its ids after all.
pub struct Unfit(pub String);

/// The beginning of a list.
pub struct Beginning {
    pub fetched: Fetched,
    /// What is left, up to the last id.
    pub rest: Option<Range>,
    /// The first pages, where they are still under way: up to this id.
    pub waiting: Option<(Waiting, u64)>,
    pub end: u64,
    /// The densities at both ends differ.
    pub uneven: bool,
}

pub type Waiting = futures_util::future::BoxFuture<'static, Result<std::result::Result<First, Unfit>>>;

type Told = std::result::Result<First, Unfit>;

/// The pages that the first request brings of a list that was not read before.
pub fn first_pages(query: &Query) -> usize {
    if query.guard("c0", 1).is_some() { GUARDED } else { UNGUARDED }
}

impl Job {
    /// Reads the beginning of the list, and where it ends.
    pub async fn begin(self: &Arc<Job>) -> Result<std::result::Result<Beginning, Unfit>> {
        let large = self.remembered();
        let pages = if large == Some(true) { 1 } else { first_pages(&self.query) };
        let mut whole: Waiting = Box::pin(self.clone().first(pages));
        let hedged = pages == GUARDED && large.is_none() && self.portal.0.limits.bucket.free() >= SPARE;
        let told = match hedged {
            false => whole.await?,
            true => {
                tokio::select! {
                    biased;
                    told = &mut whole => told?,
                    probed = self.probe() => match probed {
                        Some(first) if first.complete => Ok(first),
                        Some(first) => match self.ahead(&first) {
                            Some(at) => return Ok(Ok(self.without_the_first(first, whole, at))),
                            None => whole.await?,
                        },
                        None => whole.await?,
                    },
                }
            }
        };
        Ok(told.map(|first| self.beginning(first)))
    }

    /// After a while, the first and the last page alone. Nothing when that fails: it is not needed.
    async fn probe(self: &Arc<Job>) -> Option<First> {
        tokio::time::sleep(HEDGE).await;
        let limits = &self.portal.0.limits;
        if limits.bucket.free() < SPARE || limits.budget.closed_until(&self.query.key).is_some() {
            return None;
        }
        self.clone().first(1).await.ok()?.ok()
    }

    /// Up to which id the first request's pages surely come, when there is much behind it.
    fn ahead(&self, first: &First) -> Option<u64> {
        let pages = (GUARDED - 1) as f64 * 0.95;
        let ids = pages * self.page() as f64 / first.low_density.max(1e-9);
        let at = first.at.saturating_add(ids.min(1e15) as u64);
        let behind = first.end.saturating_sub(at) as f64 * (first.low_density + first.high_density) / 2.0;
        (behind > MUCH).then_some(at)
    }

    fn without_the_first(&self, first: First, whole: Waiting, at: u64) -> Beginning {
        self.remember(true);
        let density = (first.low_density + first.high_density) / 2.0;
        Beginning {
            fetched: Fetched::default(),
            rest: Some(Range::new(at, first.end, density * (first.end - at) as f64)),
            waiting: Some((whole, at)),
            end: first.end,
            uneven: first.uneven(),
        }
    }

    fn beginning(&self, first: First) -> Beginning {
        let (end, uneven) = (first.end, first.uneven());
        let density = (first.low_density + first.high_density) / 2.0;
        let at = if first.complete { first.end } else { first.at };
        let rest = (at < end).then(|| Range::new(at, end, density * (end - at) as f64));
        self.remember(rest.is_some());
        let mut fetched = Fetched::default();
        if self.query.low < at {
            fetched.runs.push(Run { lo: self.query.low, hi: at, rows: first.rows.finish() });
        }
        Beginning { fetched, rest, waiting: None, end, uneven }
    }

    /// The first pages when they come late: what they have up to `at`, and what they lack.
    pub async fn late(self: Arc<Job>, whole: Waiting, at: u64) -> Fetched {
        let low = self.query.low;
        let mut fetched = Fetched::default();
        match whole.await {
            Ok(Ok(mut first)) => {
                let within = |row: usize| first.rows.get(row, self.query.family.answer_id).and_then(id) <= Some(at);
                let kept = (0..first.rows.len()).rposition(within).map_or(0, |row| row + 1);
                first.rows.truncate(kept);
                let to = if first.complete { at } else { first.at.min(at) };
                if to < at {
                    fetched.left.push(Range::new(to, at, first.low_density * (at - to) as f64));
                }
                if low < to {
                    fetched.runs.push(Run { lo: low, hi: to, rows: first.rows.finish() });
                }
            }
            Ok(Err(_)) => fetched.fatal = Some(no_order(&self.query.method)),
            Err(error) => fetched.fatal = Some(error),
        }
        fetched
    }

    /// The last page and so many first ones, asked for until they come.
    async fn first(self: Arc<Job>, pages: usize) -> Result<Told> {
        let (mut failures, mut waits) = (0, 0);
        loop {
            let error = match self.first_once(pages).await {
                Ok(told) => return Ok(told),
                Err(error) => errors::of_reading(error),
            };
            let until = match error.code() {
                "b24.OPERATION_TIME_LIMIT" => Some(self.portal.close(&self.bar, &self.query.key)),
                "b24.QUERY_LIMIT_EXCEEDED" => Some(Instant::now() + BREATH),
                _ => None,
            };
            if let Some(until) = until.filter(|_| waits < WAITS) {
                waits += 1;
                self.portal.0.counters.refusals.add(1);
                tokio::time::sleep_until(until).await;
                continue;
            }
            failures += 1;
            let pause = self.portal.patience().pause(failures).filter(|_| error.may_retry() == Retry::Safe);
            let Some(pause) = pause.filter(|_| error.code() != "b24.unreachable") else { return Err(error) };
            self.portal.0.counters.repeats.add(1);
            self.bar.note("the portal did not answer properly; trying again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn first_once(&self, pages: usize) -> Result<Told> {
        let (page, query) = (self.page(), &self.query);
        let pages = pages.min(self.portal.size(&query.key).saturating_sub(1)).max(1);
        let mut names = vec!["last".to_owned()];
        let mut texts = vec![query.last(query.low, query.high)];
        let mut low = query.low.to_string();
        let mut guarded = false;
        for number in 0..pages {
            let name = format!("c{number}");
            texts.push(query.rows(&low, query.high));
            low = query.last_of(&name, page);
            if let Some(guard) = query.guard(&name, page).filter(|_| GUARDS.contains(&number) && number + 1 < pages) {
                names.extend([name, format!("g{number}")]);
                texts.push(guard);
                guarded = true;
            } else {
                names.push(name);
            }
        }
        let commands = names.iter().map(|name| name.as_str().into()).zip(texts.iter().map(String::as_str));
        let envelope = match self.send(&wire::body(guarded, commands), texts.len()).await {
            Ok(envelope) => envelope,
            Err(error) => {
                if matches!(error.http_status(), Some(504 | 413)) || error.code() == "b24.timeout" {
                    self.portal.halve(&query.key, texts.len());
                }
                if error.code() == "b24.OPERATION_TIME_LIMIT" {
                    self.portal.0.limits.budget.refused(BATCH);
                }
                return Err(error);
            }
        };
        let not_a_batch = || Error::new(Kind::Protocol, "b24.not_json", "batch: the answer is not that of a batch");
        let answer = Answer::read(envelope.result()).ok_or_else(|| not_a_batch().retry(Retry::Unknown))?;
        self.learn(&envelope, &answer, &names);
        let last = match self.last_page(&answer)? {
            Ok(last) => last,
            Err(unfit) => return Ok(Err(unfit)),
        };
        self.first_pages(&answer, pages, &last)
    }

    /// What a command of the first request gave.
    fn said<'a>(&self, answer: &Answer<'a>, name: &str) -> Result<std::result::Result<&'a str, Unfit>> {
        match answer.of(name) {
            Said::Done { result, .. } => Ok(Ok(result)),
            Said::Failed(fault) => match errors::error(&self.query.method, None, &fault) {
                error if error.code() == "b24.ERROR_BATCH_METHOD_NOT_ALLOWED" => {
                    Ok(Err(Unfit("the method goes into no batch".to_owned())))
                }
                error => Err(error),
            },
            Said::Nothing => {
                let message = format!("{}: the batch came back without a word about it", self.query.method);
                Err(Error::new(Kind::Protocol, "b24.no_answer", message).retry(Retry::Unknown))
            }
        }
    }

    fn last_page(&self, answer: &Answer<'_>) -> Result<std::result::Result<Last, Unfit>> {
        let result = match self.said(answer, "last")? {
            Ok(result) => result,
            Err(unfit) => return Ok(Err(unfit)),
        };
        let family = &self.query.family;
        let Some(list) = envelope::list_in(result, Some(family)) else {
            return Ok(Err(Unfit("the method gives no list".to_owned())));
        };
        let mut rows = Builder::new();
        json::read_rows(&list, &mut rows)?;
        let mut ids: Vec<u64> = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            match rows.get(row, family.answer_id).and_then(id) {
                Some(id) if ids.last().is_none_or(|before| id < *before) => ids.push(id),
                _ => return Ok(Err(out_of_order())),
            }
        }
        Ok(match (ids.first(), ids.last()) {
            (Some(highest), Some(lowest)) if *lowest > self.query.low && *highest <= self.query.high => {
                let density = ids.len() as f64 / (highest - lowest + 1) as f64;
                Ok(Last { highest: *highest, lowest: *lowest, rows: ids.len(), density })
            }
            (None, _) => Ok(Last { highest: self.query.low, lowest: self.query.low, rows: 0, density: 1.0 }),
            _ => Err(Unfit("the portal does not heed the filter by id".to_owned())),
        })
    }

    fn first_pages(&self, answer: &Answer<'_>, pages: usize, last: &Last) -> Result<Told> {
        let (low, end) = (self.query.low, last.highest);
        let mut first =
            First { rows: Builder::new(), at: low, complete: false, end, low_density: 1.0, high_density: last.density };
        for number in 0..pages {
            let result = match (number, answer.of(&format!("c{number}"))) {
                (0, _) => match self.said(answer, "c0")? {
                    Ok(result) => result,
                    Err(unfit) => return Ok(Err(unfit)),
                },
                (_, Said::Done { result, .. }) => result,
                _ => break,
            };
            let before = first.rows.len();
            match self.page_in(result, first.at, self.query.high, &mut first.rows)? {
                Page::Full(last) => first.at = last,
                Page::Last => {
                    first.complete = true;
                    first.at = self.last_id(&first.rows).unwrap_or(low);
                }
                Page::Wrong if number == 0 => {
                    return Ok(Err(out_of_order()));
                }
                Page::Wrong => {
                    self.chains.store(false, Ordering::Relaxed);
                    break;
                }
            }
            // A page of another size than the table has: the last page tells whether there is more behind it.
            let rows = (first.rows.len() - before) as u64;
            if number == 0 && rows != self.page() && rows == last.rows as u64 && first.at < end {
                self.page.store(rows, Ordering::Relaxed);
                first.complete = false;
                break;
            }
            if first.complete {
                break;
            }
        }
        // The last page was read before the first ones. A short page is the end only when what was on the last one is on
        // those before it; a few rows less were removed meanwhile, or added.
        if first.complete && first.at < last.lowest {
            return Ok(Err(Unfit("its pages come with rows missing".to_owned())));
        }
        first.complete &= first.at >= end;
        // What was added since the last page was read may be on the first ones.
        first.end = end.max(first.at);
        if first.complete && self.query.high != NO_END {
            first.end = first.end.min(self.query.high);
        }
        let lowest = first.rows.get(0, self.query.family.answer_id).and_then(id).unwrap_or(low);
        first.low_density = first.rows.len() as f64 / (first.at.saturating_sub(lowest) + 1) as f64;
        Ok(Ok(first))
    }

    fn last_id(&self, rows: &Builder) -> Option<u64> {
        rows.get(rows.len().checked_sub(1)?, self.query.family.answer_id).and_then(id)
    }

    /// Whether a list by these conditions was large when it was read before.
    fn remembered(&self) -> Option<bool> {
        let large = self.portal.0.large.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        large.get(&self.query.alike).copied()
    }

    fn remember(&self, is_large: bool) {
        let mut large = self.portal.0.large.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        large.insert(self.query.alike.clone(), is_large);
    }
}

impl First {
    fn uneven(&self) -> bool {
        let ratio = self.low_density / self.high_density.max(1e-12);
        !(0.5..=2.0).contains(&ratio)
    }
}
