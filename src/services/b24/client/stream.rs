//! A list as a stream: page after page, held back while nobody reads.

use serde_json::json;

use super::Params;
use super::lists::{self, set};
use super::portal::Portal;
use crate::core::rows::{Chunk, Field, Rows};
use crate::core::stream::{Pages as Sender, RowStream};
use crate::error::{Error, Kind, Result};
use crate::services::b24::wire::check;
use crate::services::b24::wire::methods::{self, Family, Pages};

/// Pages read ahead of the reader.
const AHEAD: usize = 2;

impl Portal {
    /// The rows of a list, read while they are used. By id (`>ID`, `start=-1`, which neither loses nor doubles a row
    /// when others change the list, and costs the portal no count) unless the parameters name an order or the method
    /// cannot; then by offset. A `select` without the id gets it as well.
    pub fn stream(&self, method: &str, params: Params) -> Result<RowStream> {
        methods::check_name(method)?;
        let params = check::checked(method, params)?;
        check::whole_list(method, &params)?;
        let family = methods::family(method)
            .filter(|_| !methods::changes(method))
            .ok_or_else(|| Error::input("b24.no_list", format!("{method} gives no list")).hint("use call for it"))?;
        if params.is_array() || !matches!(family.pages, Pages::Start(_)) {
            return Err(Error::input("b24.no_list", format!("{method} cannot be read page after page"))
                .hint("use get_all for it"));
        }
        let ordered = check::parameter(&params, "order").is_some();
        let (portal, method) = (self.clone(), method.to_owned());
        Ok(RowStream::start(self.0.context.runtime(), AHEAD, move |pages| async move {
            let read = match family.goes_by_id() && !ordered {
                true => portal.send_by_id(&method, params, &family, &pages).await,
                false => portal.send_by_offset(&method, params, &family, &pages).await,
            };
            if let Err(error) = read {
                // Nobody listens any more when this fails.
                let _ = pages.send(Err(error)).await;
            }
        }))
    }

    async fn send_by_id(&self, method: &str, mut params: Params, family: &Family, pages: &Sender) -> Result<()> {
        let bar = self.bar(method, None);
        let above = format!(">{}", family.filter_id);
        select_too(&mut params, family.filter_id);
        set(&mut params, "order", json!({ family.filter_id: "ASC" }));
        set(&mut params, "start", json!(-1));
        let size = page_size(family);
        let mut last: Option<u64> = None;
        loop {
            if let Some(last) = last {
                filter_too(&mut params, &above, json!(last));
            }
            let envelope = self.ask(method, &params, &bar).await?;
            let chunk = rows_of(method, envelope.result(), family)?;
            let rows = Rows::from(chunk);
            bar.add(rows.len() as u64);
            let Some(end) = rows.len().checked_sub(1).and_then(|place| rows.get(place)) else { return Ok(()) };
            let highest = match end.get(family.answer_id) {
                Some(Field::Integer(id)) => u64::try_from(id).ok(),
                Some(Field::Text(id)) => id.parse().ok(),
                _ => None,
            };
            let is_last = (rows.len() as u64) < size;
            self.0.counters.rows.add(rows.len());
            if pages.send(Ok(rows)).await.is_err() || is_last {
                return Ok(());
            }
            // A portal that ignores the filter or the order would never end.
            match highest {
                Some(id) if last.is_none_or(|last| id > last) => last = Some(id),
                _ => {
                    let message = format!("{method}: the rows do not come in the order of their ids");
                    return Err(
                        Error::new(Kind::Protocol, "b24.no_order", message).hint("read the list with get_all instead")
                    );
                }
            }
        }
    }

    async fn send_by_offset(&self, method: &str, mut params: Params, family: &Family, pages: &Sender) -> Result<()> {
        let bar = self.bar(method, None);
        let mut start = 0;
        let mut last = String::new();
        loop {
            set(&mut params, "start", json!(start));
            let envelope = self.ask(method, &params, &bar).await?;
            if envelope.result() == last {
                return Ok(());
            }
            let rows = Rows::from(rows_of(method, envelope.result(), family)?);
            bar.add(rows.len() as u64);
            self.0.counters.rows.add(rows.len());
            let size = page_size(family);
            let full = rows.len() as u64 == size;
            if rows.is_empty() || pages.send(Ok(rows)).await.is_err() {
                return Ok(());
            }
            start = match envelope.next {
                Some(next) if next > start => next,
                None if full && envelope.total.unwrap_or(0) == 0 => start + size,
                _ => return Ok(()),
            };
            last = envelope.result().to_owned();
        }
    }
}

fn page_size(family: &Family) -> u64 {
    match family.pages {
        Pages::Start(size) => size,
        _ => 50,
    }
}

fn rows_of(method: &str, result: &str, family: &Family) -> Result<Chunk> {
    lists::page(result, None, Some(family))?.map(|page| page.chunk).ok_or_else(|| {
        Error::new(Kind::Protocol, "b24.no_list", format!("{method} gave something else than a list"))
            .hint("use call for it")
    })
}

/// The id among the selected fields.
fn select_too(params: &mut Params, id: &str) {
    let Some(map) = params.as_object_mut() else { return };
    let select = map.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("select"));
    if let Some((_, Params::Array(fields))) = select
        && !fields.is_empty()
        && !fields.iter().filter_map(|field| field.as_str()).any(|field| field == "*" || field.eq_ignore_ascii_case(id))
    {
        fields.push(json!(id));
    }
}

/// A further condition among those of the filter.
pub(super) fn filter_too(params: &mut Params, name: &str, value: Params) {
    if params.is_null() {
        *params = json!({});
    }
    let Some(map) = params.as_object_mut() else { return };
    let filter = match map.keys().find(|key| key.eq_ignore_ascii_case("filter")).cloned() {
        Some(key) => map.entry(key),
        None => map.entry("filter"),
    };
    let filter = filter.or_insert_with(|| json!({}));
    if !filter.is_object() {
        *filter = json!({});
    }
    if let Some(filter) = filter.as_object_mut() {
        match filter.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned() {
            Some(key) => filter.insert(key, value),
            None => filter.insert(name.to_owned(), value),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_and_fields_join_the_users() {
        let mut params = json!({"FILTER": {">id": 5, "A": 1}, "select": ["A"]});
        filter_too(&mut params, ">ID", json!(9));
        select_too(&mut params, "ID");
        assert_eq!(params.to_string(), r#"{"FILTER":{">id":9,"A":1},"select":["A","ID"]}"#);
        let mut nothing = Params::Null;
        filter_too(&mut nothing, "@ID", json!([1]));
        assert_eq!(nothing.to_string(), r#"{"filter":{"@ID":[1]}}"#);
        let mut empty = json!({"filter": []});
        filter_too(&mut empty, "@ID", json!([1]));
        assert_eq!(empty.to_string(), r#"{"filter":{"@ID":[1]}}"#);
    }
}
