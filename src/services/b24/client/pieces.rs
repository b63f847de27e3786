//! A list as pieces in the order of its ids, each with a position from which another process can go on.

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use serde_json::{Value, json};

use super::Params;
use super::portal::Portal;
use super::read::{Ahead, Block, NO_ORDER, Query, Reader, Unfit, out_of_order};
use super::sorting::Order;
use super::stream;
use crate::core::progress::Bar;
use crate::core::rows::Rows;
use crate::error::{Error, Result};
use crate::services::b24::wire::check;
use crate::services::b24::wire::methods::{self, Family};

/// Bytes read ahead of a file, under way and waiting.
pub const FOR_FILES: Ahead = Ahead::Bytes(16 << 20);
/// The same for a script, which may stop in the middle and is to stay small.
pub const FOR_SCRIPTS: Ahead = Ahead::Bytes(9 << 20);

/// Rows that arrived together.
#[derive(Clone, Debug)]
pub struct Piece {
    pub rows: Rows,
    /// Where the list goes on behind these rows; `None` when it cannot: it is then to be read anew.
    pub position: Option<String>,
}

/// Pieces of a list, read while they are used. Dropping it ends the reading.
pub struct Pieces {
    pieces: mpsc::Receiver<Result<Piece>>,
    producer: JoinHandle<()>,
}

impl Pieces {
    /// The next piece; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<Piece>> {
        self.pieces.recv().await
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.producer.abort();
    }
}

impl Portal {
    /// The rows of a list in the order of their ids, some thousand at a time at most; `from` is the position of a piece
    /// that came before (`b24.position` when it is none). Rows that the list gets under way are left out or at its end.
    /// A list that cannot be read by ids is read by offsets, in its own order and without positions.
    pub fn pieces(&self, method: &str, params: Params, from: Option<&str>, ahead: Ahead) -> Result<Pieces> {
        let (params, family) = self.readable(method, params)?;
        let after = from.map(after).transpose()?;
        let (portal, method) = (self.clone(), method.to_owned());
        let (sender, pieces) = mpsc::channel(1);
        let producer = self.0.context.runtime().spawn(async move {
            if let Err(error) = portal.send_pieces(&method, params, &family, (after, ahead), &sender).await {
                // Nobody listens any more when this fails.
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(Pieces { pieces, producer })
    }

    /// The parameters of a list that can be read page after page.
    pub(super) fn readable(&self, method: &str, params: Params) -> Result<(Params, Family)> {
        let (params, family) = whole_list(method, params)?;
        if params.is_array() || !matches!(family.pages, methods::Pages::Start(_)) {
            return Err(Error::input("b24.no_list", format!("{method} cannot be read page after page"))
                .hint("use get_all for it"));
        }
        Ok((params, family))
    }

    /// The list by its ids, above `after`; or why that cannot be.
    pub(super) async fn reader(
        &self,
        method: &str,
        params: &Params,
        family: &Family,
        bar: &Bar,
        (after, ahead): (u64, Ahead),
    ) -> Result<std::result::Result<Reader, Unfit>> {
        let mut query = match Query::new(method, params, family) {
            Ok(query) => query,
            Err(why) => return Ok(Err(Unfit(why))),
        };
        query.low = query.low.max(after);
        Reader::open(self, query, bar.clone(), ahead).await
    }

    async fn send_pieces(
        &self,
        method: &str,
        params: Params,
        family: &Family,
        (from, ahead): (Option<u64>, Ahead),
        sender: &mpsc::Sender<Result<Piece>>,
    ) -> Result<()> {
        self.tell_plan(method, &params).await;
        let bar = self.bar(method, None);
        let opened = match Order::of(&params, family) {
            Ok(Order::ById) => self.reader(method, &params, family, &bar, (from.unwrap_or(0), ahead)).await?,
            Ok(_) => {
                Err(Unfit("it is to be in another order than that of its ids (without `order` it is safe)".to_owned()))
            }
            Err(why) => Err(Unfit(why)),
        };
        let mut reader = match opened {
            Ok(reader) => reader,
            Err(Unfit(why)) if from.is_some() => return Err(unreadable(&why)),
            Err(unfit) => return self.send_by_offsets(method, params, family, bar, unfit, sender).await,
        };
        let mut begun = from.is_some();
        while let Some(block) = reader.next().await {
            let block = match block {
                Err(error) if error.code() == NO_ORDER && !begun => {
                    return self.send_by_offsets(method, params, family, bar, out_of_order(), sender).await;
                }
                block => block?,
            };
            begun = true;
            let piece = piece(block);
            self.0.counters.rows.add(piece.rows.len());
            tokio::select! {
                biased;
                sent = sender.reserve() => match sent {
                    Ok(place) => place.send(Ok(piece)),
                    Err(_) => return Ok(()),
                },
                // What is under way must not grow old while the reader is slow.
                () = reader.work() => {}
            }
        }
        Ok(())
    }

    async fn send_by_offsets(
        &self,
        method: &str,
        params: Params,
        family: &Family,
        bar: Bar,
        Unfit(why): Unfit,
        sender: &mpsc::Sender<Result<Piece>>,
    ) -> Result<()> {
        let mut pages = stream::Offsets::new(self, method, params, family, bar);
        let mut read = 0;
        while let Some(rows) = pages.next().await? {
            read += 1;
            if read == 2 {
                self.0.context.warn(&by_offsets(method, &why));
            }
            if sender.send(Ok(Piece { rows, position: None })).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// The parameters of a list that is to be read to its end, and how it is paged.
pub(super) fn whole_list(method: &str, params: Params) -> Result<(Params, Family)> {
    methods::check_name(method)?;
    let params = check::checked(method, params)?;
    check::whole_list(method, &params)?;
    let family = methods::family(method)
        .filter(|_| !methods::changes(method))
        .ok_or_else(|| Error::input("b24.no_list", format!("{method} gives no list")).hint("use call for it"))?;
    Ok((params, family))
}

fn piece(block: Block) -> Piece {
    Piece { rows: block.rows.into(), position: Some(json!({ "after": block.upto }).to_string()) }
}

/// The id of a position.
fn after(position: &str) -> Result<u64> {
    let position: Value = serde_json::from_str(position).unwrap_or_default();
    position["after"].as_u64().ok_or_else(|| unreadable("it is not one of this program"))
}

fn unreadable(why: &str) -> Error {
    Error::input("b24.position", format!("the list cannot be gone on with at this position: {why}"))
        .hint("read the list from its beginning; an export with the option `fresh: true`")
}

/// What the reader of a list by offsets should know.
pub(super) fn by_offsets(method: &str, why: &str) -> String {
    format!(
        "{method} was read by offsets, since {why}: where others changed the list meanwhile, rows may be missing or come \
         twice"
    )
}
