//! Whole lists: by their ids where the method can ([`read`](super::read)), else the first page, then all further pages
//! side by side by their offsets, put back in the list's order.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use super::Params;
use super::batches::{Commands, Part};
use super::outcomes::{self, All, Answer};
use super::pieces::by_offsets;
use super::portal::Portal;
use super::read::{Ahead, NO_ORDER, Unfit, out_of_order};
use super::sorting::Order;
use crate::core::json;
use crate::core::progress::Bar;
use crate::core::rows::{Builder, Chunk, Field, Rows};
use crate::error::{Error, Kind, Result};
use crate::services::b24::wire::check;
use crate::services::b24::wire::envelope::{self, Envelope};
use crate::services::b24::wire::methods::{self, Family, Pages, Sort};

/// More rows than any portal has; a larger total is a broken one.
const MOST_ROWS: u64 = 100_000_000;

/// Sets a parameter behind the others.
pub(super) fn set(params: &mut Params, name: &str, value: Params) {
    if let Params::Null = params {
        *params = json!({});
    }
    if let Params::Object(map) = params {
        map.insert(name.to_owned(), value);
    }
}

impl Portal {
    /// A whole list: sorted by id, oldest first, unless the parameters say otherwise or the method cannot. What is not a
    /// list is given as it is.
    pub async fn get_all(&self, method: &str, params: Params) -> Result<All> {
        methods::check_name(method)?;
        let params = check::checked(method, params)?;
        let mut warnings = check::whole_list(method, &params)?;
        if methods::changes(method) && self.only_tells(method, &params)? {
            return Ok(All { answer: Answer::Json(outcomes::nothing()), warnings });
        }
        let family = methods::family(method);
        self.tell_plan(method, &params).await;
        let bar = self.bar(method, None);
        let unfit = match &family {
            Some(family) => match self.by_ids(method, &params, family, &bar).await? {
                Ok(rows) => {
                    self.0.counters.rows.add(rows.len());
                    return Ok(All { answer: Answer::Rows(rows), warnings });
                }
                Err(unfit) => Some(unfit),
            },
            None => None,
        };
        let reading = Reading { portal: self, method, params: sorted(params, family.as_ref()), family, bar };
        let mut answer = reading.all(&mut warnings).await?;
        if let (Answer::Rows(rows), Some(Unfit(why))) = (&answer, unfit)
            && rows.len() > 50
        {
            warnings.push(by_offsets(method, &why));
        }
        if let Answer::Rows(rows) = &mut answer {
            if let Some(unique) = without_repeats(rows, family.map_or("ID", |family| family.answer_id)) {
                let twice = rows.len() - unique.len();
                warnings.push(format!(
                    "{twice} rows came twice, since the list changed while it was read; others may be missing: \
                     `stream` reads a list that changes without a gap"
                ));
                *rows = unique;
            }
            self.0.counters.rows.add(rows.len());
        }
        warnings.iter().for_each(|warning| reading.bar.note(warning.as_str()));
        Ok(All { answer, warnings })
    }

    /// The whole list by its ids, in the user's order; or why that cannot be.
    async fn by_ids(
        &self,
        method: &str,
        params: &Params,
        family: &Family,
        bar: &Bar,
    ) -> Result<std::result::Result<Rows, Unfit>> {
        let order = match Order::of(params, family) {
            Ok(order) => order,
            Err(why) => return Ok(Err(Unfit(why))),
        };
        let mut reader = match self.reader(method, params, family, bar, (0, Ahead::Everything)).await? {
            Ok(reader) => reader,
            Err(unfit) => return Ok(Err(unfit)),
        };
        let mut chunks = Vec::new();
        while let Some(block) = reader.next().await {
            match block {
                Ok(block) => chunks.push(Arc::new(block.rows)),
                // It turned out late: nobody has seen a row yet.
                Err(error) if error.code() == NO_ORDER => return Ok(Err(out_of_order())),
                Err(error) => return Err(error),
            }
        }
        Ok(order.apply(&Rows::new(chunks)).map_err(Unfit))
    }
}

/// The parameters, with the order by id where the method has one and the user gave none.
fn sorted(mut params: Params, family: Option<&Family>) -> Params {
    let has = |name: &str| check::parameter(&params, name).is_some();
    if params.is_array() || ["order", "sort", "element_order"].iter().any(|name| has(name)) {
        return params;
    }
    match family.map(|family| family.sort) {
        Some(Sort::Order(id)) => set(&mut params, "order", json!({ id: "ASC" })),
        Some(Sort::Element(id)) => set(&mut params, "ELEMENT_ORDER", json!({ id: "ASC" })),
        Some(Sort::Pair(id)) => {
            set(&mut params, "sort", json!(id));
            set(&mut params, "order", json!("ASC"));
        }
        Some(Sort::No) | None => {}
    }
    params
}

/// One page: its rows, and where the portal says the next one starts.
pub(super) struct Page {
    pub chunk: Chunk,
    pub next: Option<u64>,
}

/// The rows of a result; `None` when it holds no list.
pub(super) fn page(result: &str, next: Option<u64>, family: Option<&Family>) -> Result<Option<Page>> {
    let Some(list) = envelope::list_in(result, family) else { return Ok(None) };
    let mut rows = Builder::new();
    json::read_rows(&list, &mut rows)?;
    Ok(Some(Page { chunk: rows.finish(), next }))
}

/// A page that must be one, since the page before it was.
fn further_page(method: &str, part: &Part<'_>, family: Option<&Family>) -> Result<Page> {
    match page(part.result, part.next, family)? {
        Some(page) => Ok(page),
        None if part.result == "null" => Ok(Page { chunk: Chunk::default(), next: None }),
        None => {
            let message = format!("{method}: a page of the list came back as something else");
            Err(Error::new(Kind::Protocol, "b24.no_list", message)
                .hint("try again; if it stays, read the list with call"))
        }
    }
}

struct Reading<'a> {
    portal: &'a Portal,
    method: &'a str,
    params: Params,
    family: Option<Family>,
    bar: Bar,
}

impl Reading<'_> {
    async fn all(&self, warnings: &mut Vec<String>) -> Result<Answer> {
        let pages = self.family.map_or(Pages::Start(50), |family| family.pages);
        let first = self.portal.ask(self.method, &self.at(pages, 0), &self.bar).await?;
        let Some(page) = page(first.result(), first.next, self.family.as_ref())? else {
            return outcomes::json(self.method, first.result()).map(Answer::Json);
        };
        self.bar.add(page.chunk.len() as u64);
        let total = first.total.filter(|total| *total >= page.chunk.len() as u64);
        if total.is_some_and(|total| total > MOST_ROWS) {
            let message = format!("{}: the portal speaks of {} rows", self.method, total.unwrap_or_default());
            return Err(Error::new(Kind::Protocol, "b24.wrong_total", message).hint("narrow the filter and try again"));
        }
        let mut chunks = Vec::new();
        match pages {
            Pages::Own => {
                if page.next.is_some() || total.is_some_and(|total| total > page.chunk.len() as u64) {
                    warnings
                        .push("only its first page was read; ask for more with the method's own parameters".to_owned());
                }
                return Ok(Answer::Rows(page.chunk.into()));
            }
            Pages::Start(size) => self.by_offset(size, total, page, first, &mut chunks).await?,
            Pages::Nav | Pages::Number => self.by_number(pages, page, &mut chunks).await?,
        }
        let rows = Rows::new(chunks);
        if let Some(total) = total.filter(|total| *total != rows.len() as u64) {
            warnings.push(format!(
                "{} rows were read and the portal spoke of {total}; the list changed while it was read",
                rows.len()
            ));
        }
        Ok(Answer::Rows(rows))
    }

    /// The parameters of a page; the first asks for nothing special.
    fn at(&self, pages: Pages, number: u64) -> Params {
        let mut params = self.params.clone();
        match pages {
            Pages::Start(size) if number > 0 => set(&mut params, "start", json!(number * size)),
            Pages::Number if number > 0 => set(&mut params, "page", json!(number + 1)),
            Pages::Nav => params = with_nav(params, number + 1),
            _ => {}
        }
        params
    }

    /// All pages that the total promises at once, then whatever was added behind them.
    async fn by_offset(
        &self,
        size: u64,
        total: Option<u64>,
        page: Page,
        first: Envelope,
        chunks: &mut Vec<Arc<Chunk>>,
    ) -> Result<()> {
        // Where pages have another size than the table knows, the portal tells.
        let size = page.next.filter(|next| *next > 0 && *next == page.chunk.len() as u64).unwrap_or(size);
        let read = page.chunk.len() as u64;
        let mut next = page.next;
        chunks.push(Arc::new(page.chunk));
        drop(first);
        if let Some(total) = total.filter(|total| *total > read && read == size) {
            self.bar.expect(total);
            let commands = Commands::of(self.method);
            let commands: Vec<_> = (1..total.div_ceil(size))
                .map(|number| commands.command(&self.at(Pages::Start(size), number)))
                .collect();
            let take = |_, part: Part<'_>| further_page(self.method, &part, self.family.as_ref());
            for page in self.portal.run(&commands, &self.bar, &take).await {
                let page = page?;
                next = page.next;
                chunks.push(Arc::new(page.chunk));
            }
        } else if next.is_none() && total.is_none() && read == size && self.family.is_some() {
            // No total and no word of a next page (crm.address.list): a full page may have another behind it.
            next = Some(size);
        }
        self.one_after_another(size, next, total.is_none(), chunks).await
    }

    /// Page after page from `start`, while the portal tells of a next one; with `blind` until a page is not full.
    async fn one_after_another(
        &self,
        size: u64,
        mut start: Option<u64>,
        blind: bool,
        chunks: &mut Vec<Arc<Chunk>>,
    ) -> Result<()> {
        let mut last = String::new();
        while let Some(from) = start.filter(|from| *from < MOST_ROWS) {
            let mut params = self.params.clone();
            set(&mut params, "start", json!(from));
            let envelope = self.portal.ask(self.method, &params, &self.bar).await?;
            // A method that ignores `start` gives the same page for ever.
            if envelope.result() == last {
                break;
            }
            let part = Part { result: envelope.result(), next: envelope.next };
            let page = further_page(self.method, &part, self.family.as_ref())?;
            let rows = page.chunk.len() as u64;
            self.bar.add(rows);
            start = match page.next {
                Some(next) => Some(next).filter(|next| *next > from),
                None => Some(from + size).filter(|_| blind && rows == size),
            };
            if rows > 0 {
                chunks.push(Arc::new(page.chunk));
            }
            last = envelope.result().to_owned();
        }
        Ok(())
    }

    /// Page number after page number, until one is not full or brings nothing new.
    async fn by_number(&self, pages: Pages, first: Page, chunks: &mut Vec<Arc<Chunk>>) -> Result<()> {
        let size = first.chunk.len();
        chunks.push(Arc::new(first.chunk));
        let mut last = String::new();
        for number in 1..MOST_ROWS / 50 {
            if size < 50 {
                break;
            }
            let envelope = self.portal.ask(self.method, &self.at(pages, number), &self.bar).await?;
            if envelope.result() == last {
                break;
            }
            let part = Part { result: envelope.result(), next: envelope.next };
            let page = further_page(self.method, &part, self.family.as_ref())?;
            let rows = page.chunk.len();
            self.bar.add(rows as u64);
            chunks.push(Arc::new(page.chunk));
            if rows < size {
                break;
            }
            last = envelope.result().to_owned();
        }
        Ok(())
    }
}

/// `task.elapseditem.getlist` takes TASKID, ORDER, FILTER, SELECT, PARAMS by place (TASKID may be left out); the page
/// stands in PARAMS.
fn with_nav(params: Params, number: u64) -> Params {
    let nav = json!({ "NAV_PARAMS": { "nPageSize": 50, "iNumPage": number } });
    let mut places: Vec<Params> = match params {
        Params::Array(places) => places,
        Params::Object(mut named) => {
            named.insert("PARAMS".to_owned(), nav);
            return Params::Object(in_place(named));
        }
        _ => Vec::new(),
    };
    let before = if places.first().is_some_and(|first| !first.is_object() && !first.is_array()) { 4 } else { 3 };
    if places.is_empty() {
        places.push(json!({ "ID": "asc" }));
    }
    while places.len() < before {
        places.push(json!([]));
    }
    places.truncate(before);
    places.push(nav);
    Params::Array(places)
}

/// Names mean nothing to such a method, places do: all of them, in their order.
fn in_place(mut named: serde_json::Map<String, Params>) -> serde_json::Map<String, Params> {
    let mut take = |name: &str| {
        let key = named.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()?;
        named.shift_remove(&key)
    };
    let mut placed = serde_json::Map::new();
    if let Some(task) = take("TASKID") {
        placed.insert("TASKID".into(), task);
    }
    for name in ["ORDER", "FILTER", "SELECT", "PARAMS"] {
        placed.insert(name.into(), take(name).unwrap_or_else(|| json!([])));
    }
    placed
}

/// The rows without those whose id came on an earlier page; `None` when there are none such, or no key: rows have no id,
/// or one page holds an id twice, which no change under way can do.
fn without_repeats(rows: &Rows, id: &str) -> Option<Rows> {
    const PAGE: usize = 50;
    let (mut numbers, mut texts) = (HashMap::new(), HashMap::new());
    let mut keep = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let page = place / PAGE;
        let before = match row.get(id)? {
            Field::Integer(number) => numbers.insert(number, page),
            Field::Text(text) => texts.insert(text.to_owned(), page),
            _ => return None,
        };
        match before {
            None => keep.push(place),
            Some(before) if before == page => return None,
            Some(_) => {}
        }
    }
    (keep.len() < rows.len()).then(|| rows.pick(keep))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_by_id_comes_behind_and_only_where_it_is_wanted() {
        let with = |method: &str, params: Params| sorted(params, methods::family(method).as_ref()).to_string();
        assert_eq!(with("crm.deal.list", json!({"filter": {"A": 1}})), r#"{"filter":{"A":1},"order":{"ID":"ASC"}}"#);
        assert_eq!(with("crm.item.list", json!({"entityTypeId": 2})), r#"{"entityTypeId":2,"order":{"id":"ASC"}}"#);
        assert_eq!(with("crm.deal.list", json!({"ORDER": {"X": "DESC"}})), r#"{"ORDER":{"X":"DESC"}}"#);
        assert_eq!(with("user.get", Params::Null), r#"{"sort":"ID","order":"ASC"}"#);
        assert_eq!(with("lists.element.get", json!({"B": 1})), r#"{"B":1,"ELEMENT_ORDER":{"ID":"ASC"}}"#);
        assert_eq!(with("crm.address.list", Params::Null), "null");
        assert_eq!(with("crm.deal.fields", json!({})), "{}");
    }

    #[test]
    fn the_page_of_a_positional_list_stands_in_its_place() {
        let nav = |params: Params| with_nav(params, 2).to_string();
        let page = r#"{"NAV_PARAMS":{"nPageSize":50,"iNumPage":2}}"#;
        assert_eq!(nav(Params::Null), format!(r#"[{{"ID":"asc"}},[],[],{page}]"#));
        assert_eq!(nav(json!([8])), format!("[8,[],[],[],{page}]"));
        assert_eq!(nav(json!([8, {"ID": "desc"}, {"A": 1}])), format!(r#"[8,{{"ID":"desc"}},{{"A":1}},[],{page}]"#));
        assert_eq!(
            nav(json!({"filter": {"A": 1}, "TASKID": 8})),
            format!(r#"{{"TASKID":8,"ORDER":[],"FILTER":{{"A":1}},"SELECT":[],"PARAMS":{page}}}"#)
        );
    }

    #[test]
    fn rows_that_came_twice_are_kept_once_in_their_order() {
        let read = |text: &str| Rows::from(page(text, None, None).unwrap().unwrap().chunk);
        let list = |ids: &[u64]| {
            let rows: Vec<Params> = ids.iter().map(|id| json!({ "ID": id.to_string() })).collect();
            read(&json!(rows).to_string())
        };
        // The second page begins with the last row of the first, and with row 1 once more.
        let ids: Vec<u64> = (1..=50).chain([50, 51, 1, 52]).collect();
        let unique = without_repeats(&list(&ids), "ID").unwrap();
        let kept: Vec<String> = unique.iter().map(|row| format!("{:?}", row.get("ID").unwrap())).collect();
        let expected: Vec<String> = (1..=52).map(|id| format!("Text(\"{id}\")")).collect();
        assert_eq!(kept, expected);
        assert!(without_repeats(&list(&[3, 1, 3]), "ID").is_none());
        assert!(without_repeats(&read(r#"[{"ID":"3"},{"ID":"1"}]"#), "ID").is_none());
        assert!(without_repeats(&read(r#"[{"A":"3"},{"A":"3"}]"#), "ID").is_none());
    }
}
