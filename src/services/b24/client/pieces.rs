//! A list in pieces, in the order of its ids, each with the place behind it: what a file is made of.

use serde_json::json;

use super::Params;
use super::portal::Portal;
use super::stream::filter_too;
use crate::core::rows::{Field, Rows};
use crate::core::stream::RowStream;
use crate::error::{Error, Result};
use crate::services::b24::wire::check;
use crate::services::b24::wire::methods;

/// Rows that follow those of the piece before.
#[derive(Debug)]
pub struct Piece {
    pub rows: Rows,
    /// Where to go on behind them, in this process or another; `None` when that is not possible.
    pub position: Option<String>,
}

/// The pieces, one after another. Dropping it ends the reading.
#[derive(Debug)]
pub struct Pieces {
    rows: RowStream,
    /// The id's name in the rows of a list that goes by it.
    id: Option<&'static str>,
}

impl Portal {
    /// The rows of a list in pieces, from the beginning or from where a piece has ended.
    pub fn pieces(&self, method: &str, mut params: Params, from: Option<&str>) -> Result<Pieces> {
        let family = methods::family(method).filter(|family| family.goes_by_id());
        let family = family.filter(|_| check::parameter(&params, "order").is_none());
        if let Some(from) = from {
            let last = from.parse::<u64>().ok();
            let (Some(last), Some(family)) = (last, family) else {
                return Err(Error::input("b24.position", format!("{method} cannot go on at `{from}`")));
            };
            filter_too(&mut params, &format!(">{}", family.filter_id), json!(last));
        }
        Ok(Pieces { rows: self.stream(method, params)?, id: family.map(|family| family.answer_id) })
    }
}

impl Pieces {
    pub async fn next(&mut self) -> Option<Result<Piece>> {
        Some(self.rows.page().await?.map(|rows| {
            let last = rows.len().checked_sub(1).and_then(|last| rows.get(last));
            let position = last.as_ref().zip(self.id).and_then(|(row, id)| match row.get(id)? {
                Field::Integer(id) => Some(id.to_string()),
                Field::Text(id) => Some(id.to_owned()),
                _ => None,
            });
            Piece { rows, position }
        }))
    }
}
