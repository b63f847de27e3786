//! Rows that arrive page after page: read a bounded number of pages ahead, stopped when nobody listens any more.

use std::collections::VecDeque;
use std::future::Future;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::core::rows::{Row, Rows};
use crate::error::Result;

/// The producer's end: waits while the reader is behind.
pub type Pages = mpsc::Sender<Result<Rows>>;

/// Rows one by one. Dropping it ends the producer at its next wait.
#[derive(Debug)]
pub struct RowStream {
    pages: mpsc::Receiver<Result<Rows>>,
    current: VecDeque<Row>,
    producer: JoinHandle<()>,
}

impl RowStream {
    /// Starts `produce` on the runtime; it may be at most `ahead` pages ahead of the reader.
    pub fn start<Producing>(runtime: &Handle, ahead: usize, produce: impl FnOnce(Pages) -> Producing) -> RowStream
    where
        Producing: Future<Output = ()> + Send + 'static,
    {
        let (sender, pages) = mpsc::channel(ahead.max(1));
        RowStream { pages, current: VecDeque::new(), producer: runtime.spawn(produce(sender)) }
    }

    /// The next row where it has arrived already: no waiting.
    pub fn ready(&mut self) -> Option<Row> {
        self.current.pop_front()
    }

    /// Reads all that is left, and tells how many rows that were.
    pub async fn count(&mut self) -> Result<usize> {
        let mut count = std::mem::take(&mut self.current).len();
        while let Some(page) = self.pages.recv().await {
            count += page?.len();
        }
        Ok(count)
    }

    /// The rows that arrived together, or what is left of them; `None` after the last ones.
    pub async fn page(&mut self) -> Option<Result<Rows>> {
        match self.current.is_empty() {
            true => self.pages.recv().await,
            false => Some(Ok(Rows::of(std::mem::take(&mut self.current).into()))),
        }
    }

    /// The next row; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<Row>> {
        loop {
            if let Some(row) = self.current.pop_front() {
                return Some(Ok(row));
            }
            match self.pages.recv().await? {
                Ok(rows) => self.current.extend(rows.iter()),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Drop for RowStream {
    fn drop(&mut self) {
        self.producer.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rows::{Builder, Field};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn page(n: i64) -> Rows {
        let mut builder = Builder::new();
        builder.name("ID");
        builder.push(Field::Integer(n)).unwrap();
        builder.end_row();
        builder.finish().into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_holds_the_producer_back_and_leaving_stops_it() {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = made.clone();
        let mut stream = RowStream::start(&Handle::current(), 2, |pages| async move {
            for n in 0.. {
                counter.fetch_add(1, Ordering::Relaxed);
                if pages.send(Ok(page(n))).await.is_err() {
                    return;
                }
            }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(made.load(Ordering::Relaxed), 3);
        let first = stream.next().await.unwrap().unwrap();
        assert_eq!(first.get("ID"), Some(Field::Integer(0)));
        assert!(stream.ready().is_none());
        drop(stream);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(made.load(Ordering::Relaxed) <= 4);
    }

    #[tokio::test]
    async fn what_is_left_can_be_counted() {
        let mut stream = RowStream::start(&Handle::current(), 2, |pages| async move {
            for n in 0..5 {
                let _ = pages.send(Ok(page(n))).await;
            }
        });
        stream.next().await.unwrap().unwrap();
        assert_eq!(stream.count().await.unwrap(), 4);
        assert!(stream.next().await.is_none());
    }
}
