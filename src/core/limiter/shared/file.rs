//! All processes of one computer: through the state file.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Ledger, News, Rate, Told, step};
use crate::core::state::State;
use crate::error::{Error, Kind, Result};

const AREA: &str = "limits";

const TABLES: &[&str] =
    &["CREATE TABLE limits_buckets (server TEXT PRIMARY KEY, level REAL NOT NULL, at REAL NOT NULL);
     CREATE TABLE limits_closed (server TEXT, method TEXT, until REAL NOT NULL, PRIMARY KEY (server, method));"];

/// The ledger in a state file.
pub struct FileLedger(Arc<State>);

impl FileLedger {
    /// None where there is no file: then nobody shares it.
    pub fn beside(state: &State) -> Option<FileLedger> {
        state.path()?;
        Some(FileLedger(Arc::new(state.for_journals())))
    }
}

impl Ledger for FileLedger {
    fn take<'a>(&'a self, server: &'a str, rate: Rate, news: &'a News) -> BoxFuture<'a, Result<Told>> {
        let (state, server, news) = (self.0.clone(), server.to_owned(), news.clone());
        Box::pin(async move {
            // Others may be writing: that is no wait for a thread of the runtime.
            let done = tokio::task::spawn_blocking(move || {
                state.tables_once(AREA, TABLES)?;
                state.change(|db| take(db, &server, rate, &news, now()))
            });
            done.await.unwrap_or_else(|_| Err(Error::new(Kind::File, "limits.lost", "the step was given up")))
        })
    }
}

pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn take(db: &Connection, server: &str, rate: Rate, news: &News, now: f64) -> rusqlite::Result<Told> {
    let known = "SELECT level, at FROM limits_buckets WHERE server = ?1";
    let known: Option<(f64, f64)> =
        db.prepare_cached(known)?.query_row([server], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (level, at) = known.unwrap_or((0.0, now));
    let (level, wait) = step(level, now - at, rate, news);
    db.prepare_cached("INSERT OR REPLACE INTO limits_buckets VALUES (?1, ?2, ?3)")?
        .execute(params![server, level, now])?;
    for (method, until) in &news.closed {
        let put = "INSERT OR REPLACE INTO limits_closed VALUES (?1, ?2, ?3)";
        db.prepare_cached(put)?.execute(params![server, method, until])?;
    }
    let closed = "SELECT method, until FROM limits_closed WHERE server = ?1 AND until > ?2";
    let mut closed = db.prepare_cached(closed)?;
    let closed = closed.query_map(params![server, now], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Told { wait, level, closed: closed.collect::<rusqlite::Result<_>>()? })
}
