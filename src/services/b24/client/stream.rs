//! A list as a stream: read ahead within bounds, held back while nobody reads.

use serde_json::json;

use super::Params;
use super::lists::{self, set};
use super::pieces::FOR_SCRIPTS;
use super::portal::Portal;
use crate::core::progress::Bar;
use crate::core::rows::{Chunk, Rows};
use crate::core::stream::RowStream;
use crate::error::{Error, Kind, Result};
use crate::services::b24::wire::methods::{Family, Pages};

/// Pieces that wait for the reader.
const AHEAD: usize = 1;

impl Portal {
    /// The rows of a list, read while they are used. By ids (which neither loses nor doubles a row when others change
    /// the list, and costs the portal no count) unless the parameters name another order or the method cannot; then by
    /// offset, with a warning. A `select` without the id gets it as well.
    pub fn stream(&self, method: &str, params: Params) -> Result<RowStream> {
        let mut pieces = self.pieces(method, params, None, FOR_SCRIPTS)?;
        Ok(RowStream::start(self.0.context.runtime(), AHEAD, move |rows| async move {
            while let Some(piece) = pieces.next().await {
                let failed = piece.is_err();
                if rows.send(piece.map(|piece| piece.rows)).await.is_err() || failed {
                    return;
                }
            }
        }))
    }
}

/// A list page after page by offsets.
pub(super) struct Offsets<'a> {
    portal: &'a Portal,
    method: &'a str,
    params: Params,
    family: &'a Family,
    bar: Bar,
    /// Where the next page begins; `None` behind the last.
    start: Option<u64>,
    last: String,
}

impl<'a> Offsets<'a> {
    pub fn new(portal: &'a Portal, method: &'a str, params: Params, family: &'a Family, bar: Bar) -> Offsets<'a> {
        Offsets { portal, method, params, family, bar, start: Some(0), last: String::new() }
    }

    pub async fn next(&mut self) -> Result<Option<Rows>> {
        let Some(start) = self.start else { return Ok(None) };
        set(&mut self.params, "start", json!(start));
        let envelope = self.portal.ask(self.method, &self.params, &self.bar).await?;
        // A method that ignores `start` gives the same page for ever.
        if envelope.result() == self.last {
            return Ok(None);
        }
        let rows = Rows::from(rows_of(self.method, envelope.result(), self.family)?);
        if rows.is_empty() {
            return Ok(None);
        }
        self.bar.add(rows.len() as u64);
        self.portal.0.counters.rows.add(rows.len());
        let size = page_size(self.family);
        let full = rows.len() as u64 == size;
        self.start = match envelope.next {
            Some(next) if next > start => Some(next),
            None if full && envelope.total.unwrap_or(0) == 0 => Some(start + size),
            _ => None,
        };
        self.last = envelope.result().to_owned();
        Ok(Some(rows))
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
