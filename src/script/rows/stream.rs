//! `Stream`: rows that arrive while they are being read.

use std::sync::{Arc, Mutex, MutexGuard};

use rhai::plugin::*;
use rhai::{Dynamic, FnPtr, NativeCallContext, Position};

use crate::core::rows::{Row, Rows};
use crate::core::stream::RowStream;
use crate::script::bridge::{Host, Thrown, wait_at};

/// A handle to rows under way. Clones read from the same source: a row goes to whoever asks first.
#[derive(Clone)]
pub struct Stream {
    host: Arc<Host>,
    rows: Arc<Mutex<RowStream>>,
}

impl Stream {
    pub fn new(host: Arc<Host>, rows: RowStream) -> Stream {
        Stream { host, rows: Arc::new(Mutex::new(rows)) }
    }

    /// The source, for as long as somebody reads all of it.
    pub(super) fn rows(&self) -> MutexGuard<'_, RowStream> {
        self.rows.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn pull(&self, position: Position) -> Thrown<Option<Row>> {
        let mut rows = self.rows();
        // Most rows came with one before them.
        if let Some(row) = rows.ready() {
            return Ok(Some(row));
        }
        wait_at(&self.host, position, async { rows.next().await.transpose() })
    }
}

impl IntoIterator for Stream {
    type Item = Thrown<Dynamic>;
    type IntoIter = Reading;

    fn into_iter(self) -> Reading {
        Reading { stream: self, over: false }
    }
}

/// The steps of `for row in stream`.
pub struct Reading {
    stream: Stream,
    over: bool,
}

impl Iterator for Reading {
    type Item = Thrown<Dynamic>;

    fn next(&mut self) -> Option<Thrown<Dynamic>> {
        if self.over {
            return None;
        }
        let next = self.stream.pull(Position::NONE).map(|row| row.map(Dynamic::from)).transpose();
        // After a fault nothing follows, however often it is asked.
        self.over = !matches!(next, Some(Ok(_)));
        next
    }
}

#[export_module]
pub mod stream {
    pub type Stream = super::Stream;

    /// The next row, or `()` after the last one.
    #[rhai_fn(return_raw, pure)]
    pub fn next(call: NativeCallContext, stream: &mut Stream) -> Thrown<Dynamic> {
        Ok(stream.pull(call.call_position())?.map_or(Dynamic::UNIT, Dynamic::from))
    }

    /// The next rows, `n` at most.
    #[rhai_fn(return_raw, pure)]
    pub fn take(call: NativeCallContext, stream: &mut Stream, n: i64) -> Thrown<Rows> {
        let mut taken = Vec::new();
        while taken.len() < n.max(0) as usize {
            match stream.pull(call.call_position())? {
                Some(row) => taken.push(row),
                None => break,
            }
        }
        Ok(Rows::of(taken))
    }

    /// How many rows are left; reads them all and keeps none.
    ///
    /// ```rhai
    /// assert(b24.stream("crm.deal.list", #{ select: ["ID"], filter: #{ "<ID": 120 } }).count() > 50);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn count(call: NativeCallContext, stream: &mut Stream) -> Thrown<i64> {
        let mut rows = stream.rows();
        wait_at(&stream.host, call.call_position(), async { rows.count().await.map(|count| count as i64) })
    }

    /// Calls `f(row)` for each row that is left; returns how many there were.
    #[rhai_fn(return_raw, pure)]
    pub fn each(call: NativeCallContext, stream: &mut Stream, f: FnPtr) -> Thrown<i64> {
        let stream = stream.clone();
        let mut count = 0;
        while let Some(row) = stream.pull(call.call_position())? {
            f.call_within_context::<Dynamic>(&call, (row,)).map(drop)?;
            count += 1;
        }
        Ok(count)
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(_stream: &mut Stream) -> String {
        "Stream".into()
    }
}
