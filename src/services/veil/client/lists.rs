//! Lists: one page as the controller gives it, or all rows page after page, without losing one when others remove objects
//! meanwhile.
//!
//! A page is asked for a few rows before the place where the last one ended. When its first row is known already, nothing
//! has slipped through; when it is not, objects before it are gone, and the reading goes back until it meets what it
//! knows. Rows that come twice are left out.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::Options;
use super::call::How;
use super::controller::Controller;
use crate::core::rows::{Builder, Chunk, Row, Rows};
use crate::core::stream::{Pages, RowStream};
use crate::error::{Error, Kind, Result};
use crate::services::veil::table::Entity;
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
        let number = |name: &str| options.get(name).and_then(Value::as_u64);
        let mut query = list_query(entity, options)?;
        query.retain(|(name, _)| name != "limit" && name != "offset");
        Ok(List { entity, query, wanted: number("limit"), from: number("offset").unwrap_or(0) })
    }

    fn what(&self) -> String {
        format!("{}.list", self.entity.word)
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

/// A page as rows.
struct Page {
    rows: Rows,
    is_last: bool,
}

impl Controller {
    /// One page, exactly as the controller gives it: without `limit`, its usual hundred rows.
    pub async fn page(&self, entity: &'static Entity, options: &Options, how: &How) -> Result<Answer> {
        let list = List::new(entity, options)?;
        let answer = self.ask(&list.what(), &list.request(list.wanted, list.from), how, false).await?;
        self.0.counters.calls.add(1);
        Ok(answer)
    }

    /// How many there are.
    pub async fn count(&self, entity: &'static Entity, options: &Options) -> Result<u64> {
        let list = List::new(entity, options)?;
        let mut count = 0;
        for part in self.split(&list) {
            let answer = self.ask(&list.what(), &part.request(Some(1), 0), &How::default(), false).await?;
            count += answer.page().ok_or_else(|| no_page(&list.what()))?.count;
        }
        Ok(count)
    }

    /// All rows, page after page, while they are used.
    pub fn stream(&self, entity: &'static Entity, options: &Options) -> Result<RowStream> {
        let list = List::new(entity, options)?;
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
        let list = List::new(entity, options)?;
        let bar = self.bar(&list.what(), None);
        let mut found: Option<Rows> = None;
        for part in self.split(&list) {
            let mut reading = Reading::new(self, &part);
            while let Some(rows) = reading.next().await? {
                bar.add(rows.len() as u64);
                found = Some(match found {
                    Some(before) => before.and(&rows),
                    None => rows,
                });
            }
        }
        Ok(found.unwrap_or_default())
    }

    async fn send_all(&self, list: List, pages: &Pages) -> Result<()> {
        let bar = self.bar(&list.what(), None);
        for part in self.split(&list) {
            let mut reading = Reading::new(self, &part);
            while let Some(rows) = reading.next().await? {
                bar.add(rows.len() as u64);
                if pages.send(Ok(rows)).await.is_err() {
                    return Ok(());
                }
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

/// A list being read.
struct Reading<'a> {
    controller: &'a Controller,
    list: &'a List,
    /// Rows known so far, by their ids.
    seen: HashSet<u64>,
    /// Where the next page begins, if nothing has moved.
    next: u64,
    given: u64,
    is_over: bool,
}

impl<'a> Reading<'a> {
    fn new(controller: &'a Controller, list: &'a List) -> Reading<'a> {
        Reading { controller, list, seen: HashSet::new(), next: list.from, given: 0, is_over: false }
    }

    /// The next rows that are not known yet; `None` after the last ones.
    async fn next(&mut self) -> Result<Option<Rows>> {
        loop {
            let left = self.list.wanted.map(|wanted| wanted.saturating_sub(self.given));
            if self.is_over || left == Some(0) {
                return Ok(None);
            }
            let (page, from) = self.page(left).await?;
            self.is_over = page.is_last;
            // Rows without ids cannot be told apart, so the place alone has to do.
            let fresh: Vec<usize> = (0..page.rows.len()).filter(|at| self.is_new(&page.rows, *at)).collect();
            self.next = from + page.rows.len() as u64;
            let fresh = &fresh[..fresh.len().min(left.map_or(usize::MAX, |left| left as usize))];
            if fresh.is_empty() {
                continue;
            }
            self.given += fresh.len() as u64;
            self.controller.0.counters.rows.add(fresh.len());
            return Ok(Some(match fresh.len() == page.rows.len() {
                true => page.rows,
                false => page.rows.pick(fresh.iter().copied()),
            }));
        }
    }

    fn is_new(&mut self, rows: &Rows, at: usize) -> bool {
        match rows.get(at).as_ref().and_then(key) {
            Some(key) => self.seen.insert(key),
            None => true,
        }
    }

    /// The page at the next place, begun early enough to meet a row that is known; and where it began.
    async fn page(&self, left: Option<u64>) -> Result<(Page, u64)> {
        let mut overlap = if self.seen.is_empty() { 0 } else { OVERLAP };
        loop {
            let from = self.next.saturating_sub(overlap).max(self.list.from);
            let back = self.next - from;
            let limit = left.map_or(self.controller.0.page, |left| left.min(self.controller.0.page)) + back;
            let page = self.fetch(limit, from).await?;
            let meets = match page.rows.get(0).as_ref().and_then(key) {
                Some(first) => self.seen.contains(&first),
                None => !page.rows.is_empty(),
            };
            if back == 0 || meets || from == self.list.from {
                return Ok((page, from));
            }
            // So much is gone that nothing of what is known stands here any more.
            overlap = (overlap * 8).min(self.next - self.list.from);
        }
    }

    async fn fetch(&self, limit: u64, from: u64) -> Result<Page> {
        let what = self.list.what();
        let request = self.list.request(Some(limit), from);
        let answer = self.controller.ask(&what, &request, &How::default(), false).await?;
        let page = answer.page().ok_or_else(|| no_page(&what))?;
        let mut builder = Builder::new();
        crate::core::json::read_rows(page.results.get(), &mut builder)?;
        let chunk: Chunk = builder.finish();
        let reaches = from + chunk.len() as u64;
        let is_last = chunk.is_empty() || (page.next.is_none() && reaches >= page.count);
        Ok(Page { rows: Rows::from(chunk), is_last })
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
