//! Lists: one page as the controller gives it, or all rows page after page, without losing one when others remove objects
//! meanwhile.
//!
//! A page is asked for a few rows before the place where the last one ended. When its first row is known already, nothing
//! has slipped through; when it is not, objects before it are gone, and the reading goes back until it meets what it
//! knows. Rows that come twice are left out.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::json;

use super::Options;
use super::call::How;
use super::controller::Controller;
use crate::core::rows::{Builder, Chunk, Row, Rows};
use crate::core::stream::{Pages, RowStream};
use crate::error::{Error, Kind, Result};
use crate::services::veil::table::{Entity, Known};
use crate::services::veil::wire::answer::Answer;
use crate::services::veil::wire::request::{Request, list_query};

/// Pages read ahead of the reader.
const AHEAD: usize = 2;
/// Rows by which pages overlap.
const OVERLAP: u64 = 5;
/// The longest address for which ids are put together.
const LONGEST_URL: usize = 6000;
/// Characters of an address beside its ids.
const BESIDE_IDS: usize = 1000;
/// A UUID and its comma, which takes three characters in an address.
const ID_LENGTH: usize = 39;

/// A request of a list, narrowed by everything but its place.
struct List {
    entity: &'static Entity,
    query: Vec<(String, String)>,
    /// How many rows the user wants, and from where.
    wanted: Option<u64>,
    from: u64,
}

impl List {
    fn new(entity: &'static Entity, options: &Options) -> Result<List> {
        let mut query = list_query(entity, options)?;
        query.retain(|(name, _)| name != "limit" && name != "offset");
        let (wanted, from) = (number(options, "limit")?, number(options, "offset")?.unwrap_or(0));
        Ok(List { entity, query, wanted, from })
    }

    fn what(&self) -> String {
        format!("{}.list", self.entity.word)
    }

    /// Whether nobody has seen such a list at a real controller.
    fn is_assumed(&self) -> bool {
        self.entity.known == Known::Assumed
    }

    /// Rows are told apart by their ids, so these come along whatever fields are wanted.
    fn with_ids(mut self) -> List {
        let fields = self.query.iter_mut().find(|(name, _)| name == "fields");
        if let Some((_, fields)) = fields.filter(|(_, fields)| !fields.split(',').any(|field| field == "id")) {
            fields.insert_str(0, "id,");
        }
        self
    }

    fn request(&self, limit: Option<u64>, offset: u64) -> Request {
        let mut request = Request::get(format!("{}/", self.entity.path));
        request.query = self.query.clone();
        if let Some(limit) = limit {
            request = request.with("limit", limit.to_string());
        }
        if offset > 0 {
            request = request.with("offset", offset.to_string());
        }
        request
    }
}

/// A number of rows; a negative one is a slip, and must not mean all of them.
fn number(options: &Options, name: &str) -> Result<Option<u64>> {
    match options.get(name).filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or_else(|| {
            Error::input("veil.number", format!("`{name}` is a number of rows, not {value}")).hint("give 0 or more")
        }),
    }
}

/// A page as rows.
struct Page {
    rows: Rows,
    is_last: bool,
    /// Rows of the whole list.
    count: u64,
}

impl Controller {
    /// One page, exactly as the controller gives it: without `limit`, its usual hundred rows.
    pub async fn page(&self, entity: &'static Entity, options: &Options, how: &How) -> Result<Answer> {
        let list = List::new(entity, options)?;
        let answer = self.ask(&list.what(), &list.request(list.wanted, list.from), how, list.is_assumed()).await?;
        self.0.counters.calls.add(1);
        Ok(answer)
    }

    /// How many there are.
    pub async fn count(&self, entity: &'static Entity, options: &Options) -> Result<u64> {
        let list = List::new(entity, options)?;
        let mut count = 0;
        for part in self.split(&list) {
            let answer = self.ask(&list.what(), &part.request(Some(1), 0), &How::default(), list.is_assumed()).await?;
            count += answer.page().ok_or_else(|| no_page(&list.what()))?.count;
        }
        let count = count.saturating_sub(list.from);
        Ok(list.wanted.map_or(count, |wanted| wanted.min(count)))
    }

    /// All rows, page after page, while they are used.
    pub fn stream(&self, entity: &'static Entity, options: &Options) -> Result<RowStream> {
        let list = List::new(entity, options)?.with_ids();
        let controller = self.clone();
        Ok(RowStream::start(self.0.context.runtime(), AHEAD, move |pages| async move {
            if let Err(error) = controller.send_all(list, &pages).await {
                // Nobody listens any more when this fails.
                let _ = pages.send(Err(error)).await;
            }
        }))
    }

    /// All rows at once.
    pub async fn rows(&self, entity: &'static Entity, options: &Options) -> Result<Rows> {
        self.all(List::new(entity, options)?.with_ids()).await
    }

    /// All rows that a query leaves.
    pub(super) async fn rows_of(&self, entity: &'static Entity, query: Vec<(String, String)>) -> Result<Rows> {
        self.all(List { entity, query, wanted: None, from: 0 }).await
    }

    async fn all(&self, list: List) -> Result<Rows> {
        let bar = self.bar(&list.what(), None);
        let mut found: Option<Rows> = None;
        let parts = self.split(&list);
        let mut reading = Reading::new(self, &parts);
        while let Some(rows) = reading.next().await? {
            bar.add(rows.len() as u64);
            found = Some(match found {
                Some(before) => before.and(&rows),
                None => rows,
            });
        }
        Ok(found.unwrap_or_default())
    }

    async fn send_all(&self, list: List, pages: &Pages) -> Result<()> {
        let bar = self.bar(&list.what(), None);
        let parts = self.split(&list);
        let mut reading = Reading::new(self, &parts);
        while let Some(rows) = reading.next().await? {
            bar.add(rows.len() as u64);
            if pages.send(Ok(rows)).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The same list for as many ids at a time as an address can hold.
    fn split(&self, list: &List) -> Vec<List> {
        let longest = self.0.longest_url.unwrap_or(LONGEST_URL);
        let at_once = (longest.saturating_sub(BESIDE_IDS) / ID_LENGTH).max(1);
        let Some((_, ids)) = list.query.iter().find(|(name, _)| name == "ids") else {
            return vec![List { query: list.query.clone(), ..*list }];
        };
        let ids: Vec<&str> = ids.split(',').collect();
        let part = |ids: &[&str]| {
            let mut query = list.query.clone();
            query.iter_mut().filter(|(name, _)| name == "ids").for_each(|(_, value)| *value = ids.join(","));
            List { query, ..*list }
        };
        ids.chunks(at_once).map(part).collect()
    }
}

/// A list being read, part after part.
struct Reading<'a> {
    controller: &'a Controller,
    parts: &'a [List],
    part: usize,
    /// Rows known so far, by their ids.
    seen: HashSet<u64>,
    /// Where the next page of this part begins, if nothing has moved.
    next: u64,
    /// Rows to be left out still: of several parts no server knows the place in the whole.
    skip: u64,
    left: Option<u64>,
}

impl<'a> Reading<'a> {
    fn new(controller: &'a Controller, parts: &'a [List]) -> Reading<'a> {
        let (from, left) = parts.first().map_or((0, None), |list| (list.from, list.wanted));
        let (next, skip) = if parts.len() > 1 { (0, from) } else { (from, 0) };
        Reading { controller, parts, part: 0, seen: HashSet::new(), next, skip, left }
    }

    /// Where the reading of a part begins.
    fn begin(&self, list: &List) -> u64 {
        if self.parts.len() > 1 { 0 } else { list.from }
    }

    /// The next rows that are not known yet; `None` after the last ones.
    async fn next(&mut self) -> Result<Option<Rows>> {
        while let Some(list) = self.parts.get(self.part).filter(|_| self.left != Some(0)) {
            let (page, from) = self.page(list).await?;
            let length = page.rows.len() as u64;
            // Rows without ids cannot be told apart, so the place alone has to do.
            let mut fresh: Vec<usize> = (0..page.rows.len()).filter(|at| self.is_new(&page.rows, *at)).collect();
            // A server that says there is more, and gives only what is known, would never end.
            let is_stuck =
                fresh.is_empty() && (from + length <= self.next && self.next - from <= OVERLAP || from >= page.count);
            match page.is_last || is_stuck {
                true => {
                    self.part += 1;
                    self.next = 0;
                }
                false => self.next = from + length,
            }
            let skipped = fresh.len().min(self.skip as usize);
            self.skip -= skipped as u64;
            fresh.drain(..skipped);
            fresh.truncate(self.left.map_or(usize::MAX, |left| left as usize));
            if fresh.is_empty() {
                continue;
            }
            self.left = self.left.map(|left| left - fresh.len() as u64);
            self.controller.0.counters.rows.add(fresh.len());
            return Ok(Some(match fresh.len() == page.rows.len() {
                true => page.rows,
                false => page.rows.pick(fresh),
            }));
        }
        Ok(None)
    }

    fn is_new(&mut self, rows: &Rows, at: usize) -> bool {
        match rows.get(at).as_ref().and_then(key) {
            Some(key) => self.seen.insert(key),
            None => true,
        }
    }

    /// The page at the next place, begun early enough to meet a row that is known; and where it began.
    async fn page(&self, list: &List) -> Result<(Page, u64)> {
        let begin = self.begin(list);
        let mut overlap = if self.next == begin { 0 } else { OVERLAP };
        loop {
            let from = self.next.saturating_sub(overlap).max(begin);
            let back = self.next - from;
            let most = self.controller.0.page;
            let limit = self.left.map_or(most, |left| (left + self.skip).min(most)) + back;
            let page = self.fetch(list, limit, from).await?;
            let meets = match page.rows.get(0).as_ref().and_then(key) {
                Some(first) => self.seen.contains(&first),
                None => !page.rows.is_empty(),
            };
            if back == 0 || meets || from == begin {
                return Ok((page, from));
            }
            // So much is gone that nothing of what is known stands here any more.
            overlap = (overlap * 8).min(self.next - begin);
        }
    }

    async fn fetch(&self, list: &List, limit: u64, from: u64) -> Result<Page> {
        let what = list.what();
        let request = list.request(Some(limit), from);
        let answer = self.controller.ask(&what, &request, &How::default(), list.is_assumed()).await?;
        let page = answer.page().ok_or_else(|| no_page(&what))?;
        let mut builder = Builder::new();
        crate::core::json::read_rows(page.results.get(), &mut builder)?;
        let chunk: Chunk = builder.finish();
        let is_last = chunk.is_empty() || page.next.is_none();
        Ok(Page { rows: Rows::from(chunk), is_last, count: page.count })
    }
}

/// What tells a row from others.
fn key(row: &Row) -> Option<u64> {
    let id = super::names::text_of(row, "id")?;
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    Some(hasher.finish())
}

fn no_page(what: &str) -> Error {
    Error::new(Kind::Protocol, "veil.no_list", format!("{what}: the controller gave something else than a page"))
        .hint("veil.get(path) shows the answer as it is")
}

/// The options that name certain objects.
pub(super) fn of_ids(ids: &[String], fields: &[&str]) -> Options {
    Options::from_iter([("ids".to_owned(), json!(ids)), ("fields".to_owned(), json!(fields))])
}
