//! What a server says beside rows.
//!
//! The driver tells it to nobody but its log (`tracing`), so an ear listens there: one for each connection, put on only
//! while that connection is worked with, deaf to everything but the lines about what came from the server.

use std::fmt::{self, Debug, Write};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, dispatcher, span};

/// Where the driver writes what it reads.
const TARGET: &str = "tiberius::tds::stream::token";
/// How a line about the end of a statement begins; rows are written at the same level.
const DONE: &str = "Done with status";
/// How lines about a change of the session's surroundings begin: they stand among what the server says.
const CHANGES: &[&str] = &[
    "Packet size change from '",
    "Database change from '",
    "SQL collation change",
    "Begin transaction",
    "Commit transaction",
    "Rollback transaction",
    "Defect transaction",
    "Ignored env change: `",
    "Fallback mirror server: `",
    "Server requested routing to a new address: ",
];

/// One thing that was heard, in the server's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// PRINT, RAISERROR below severity 11, warnings.
    Info(String),
    Error {
        number: u32,
        text: String,
    },
    /// A statement ended, having touched so many rows.
    Done(u64),
}

/// What the session has been left in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    pub transaction: bool,
    /// Another database, another language.
    pub elsewhere: bool,
}

/// What an ear has heard and nobody has taken yet.
#[derive(Debug, Default)]
pub struct Heard {
    state: Mutex<State>,
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    said: Vec<Said>,
    left: Left,
    /// The place in the driver from which changes are told; a server may say the same words.
    changes: Option<Identifier>,
    /// The login is over.
    is_in: bool,
    /// The database of the login, and the one in use.
    home: Option<String>,
    used: Option<String>,
}

impl Heard {
    /// The login is over: what was said so far is of no interest.
    pub fn logged_in(&self) {
        let mut state = self.state();
        state.said.clear();
        state.is_in = true;
        state.left = Left::default();
        state.home = state.used.clone();
        self.any.store(false, Ordering::Relaxed);
    }

    /// Whether there is anything to take.
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    pub fn take(&self) -> Vec<Said> {
        let mut state = self.state();
        self.any.store(false, Ordering::Relaxed);
        std::mem::take(&mut state.said)
    }

    pub fn left(&self) -> Left {
        self.state().left.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn told(&self, said: Said) {
        let mut state = self.state();
        if state.is_in {
            state.said.push(said);
            self.any.store(true, Ordering::Relaxed);
        }
    }

    /// A line of the level at which messages and changes are written.
    fn line(&self, from: Identifier, text: String) {
        let mut state = self.state();
        let is_change = match &state.changes {
            Some(known) => *known == from,
            None => CHANGES.iter().any(|begin| text.starts_with(begin)),
        };
        if !is_change {
            drop(state);
            return self.told(Said::Info(text));
        }
        // Every server changes something while a login is under way.
        state.changes.get_or_insert(from);
        match text.as_str() {
            "Begin transaction" => state.left.transaction = true,
            "Commit transaction" | "Rollback transaction" | "Defect transaction" => state.left.transaction = false,
            other if other.starts_with("Ignored env change") => state.left.elsewhere |= state.is_in,
            other => {
                if let Some(database) =
                    other.strip_prefix("Database change from '").and_then(|rest| rest.split("' to '").nth(1))
                {
                    state.used = Some(database.trim_end_matches('\'').to_owned());
                    state.left.elsewhere = state.is_in && state.used != state.home;
                }
            }
        }
    }
}

/// Listens to the driver on behalf of one connection.
struct Ear {
    heard: Arc<Heard>,
    /// Ends of statements too.
    counts: bool,
}

/// An ear, to be put on by [`listening`]. One that `counts` hears of the ends of statements too, which costs a little for
/// every row.
pub fn ear(heard: &Arc<Heard>, counts: bool) -> Dispatch {
    Dispatch::new(Ear { heard: heard.clone(), counts })
}

/// Runs a job of the driver with the ear put on whenever it goes on.
pub async fn listening<T>(ear: &Dispatch, job: impl Future<Output = T>) -> T {
    let mut job = pin!(job);
    poll_fn(|context| dispatcher::with_default(ear, || job.as_mut().poll(context))).await
}

impl Subscriber for Ear {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.is_event() && metadata.target() == TARGET {
            true => Interest::sometimes(),
            false => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == TARGET && (self.counts || *metadata.level() < Level::TRACE)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.counts { LevelFilter::TRACE } else { LevelFilter::DEBUG })
    }

    fn event(&self, event: &Event<'_>) {
        let level = *event.metadata().level();
        let mut line = Line { text: Beginning::new(if level == Level::TRACE { DONE } else { "" }), code: 0 };
        event.record(&mut line);
        let Some(text) = line.text.whole() else { return };
        match level {
            Level::ERROR => self.heard.told(Said::Error { number: line.code, text }),
            Level::DEBUG => self.heard.line(event.metadata().callsite(), text),
            Level::TRACE => {
                if let Some(count) = count(&text) {
                    self.heard.told(Said::Done(count));
                }
            }
            _ => {}
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The fields of a line.
struct Line {
    text: Beginning,
    code: u32,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // A text with another beginning is given up early.
            let _ = write!(self.text, "{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            let _ = self.text.write_str(value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "code" {
            self.code = u32::try_from(value).unwrap_or_default();
        }
    }
}

/// A text that is written no further once it is known to begin otherwise.
struct Beginning {
    wanted: &'static str,
    text: String,
    is_other: bool,
}

impl Beginning {
    fn new(wanted: &'static str) -> Beginning {
        Beginning { wanted, text: String::new(), is_other: false }
    }

    fn whole(self) -> Option<String> {
        (!self.is_other && self.text.starts_with(self.wanted)).then_some(self.text)
    }
}

impl Write for Beginning {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.text.push_str(part);
        let common = self.text.len().min(self.wanted.len());
        self.is_other = self.text.as_bytes()[..common] != self.wanted.as_bytes()[..common];
        if self.is_other { Err(fmt::Error) } else { Ok(()) }
    }
}

/// The rows that a statement touched, of `Done with status … (5 rows left)`; `None` where it does not count any.
fn count(done: &str) -> Option<u64> {
    if !done.contains("Count") {
        return None;
    }
    let number = done.rsplit_once('(').filter(|(_, last)| last.contains("left")).map(|(_, last)| last);
    number.map_or(Some(0), |last| last.split(' ').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(counts: bool, say: impl FnOnce()) -> (Vec<Said>, Left) {
        let heard = Arc::new(Heard::default());
        heard.logged_in();
        dispatcher::with_default(&ear(&heard, counts), say);
        (heard.take(), heard.left())
    }

    #[test]
    fn messages_errors_and_counts_come_in_the_order_of_the_server() {
        let (said, left) = hear(true, || {
            tracing::event!(target: TARGET, Level::DEBUG, "{}", "готово 50 %");
            tracing::event!(target: TARGET, Level::TRACE, "{}", "TokenRow { data: [] }");
            tracing::event!(target: TARGET, Level::TRACE, "{}", "Done with status BitFlags(0b10001, More | Count) (5 rows left)");
            tracing::event!(target: TARGET, Level::TRACE, "{}", "Done with status BitFlags(0b1, More)");
            tracing::event!(target: TARGET, Level::ERROR, message = %"gone", code = 50_000u32);
            tracing::event!(target: "tiberius::client", Level::ERROR, "not a word of the server's");
        });
        let error = Said::Error { number: 50_000, text: "gone".into() };
        assert_eq!(said, [Said::Info("готово 50 %".into()), Said::Done(5), error]);
        assert_eq!(left, Left::default());
    }

    #[test]
    fn changes_of_the_session_are_no_messages() {
        let heard = Arc::new(Heard::default());
        let change = |text: &str| tracing::event!(target: TARGET, Level::DEBUG, "{}", text);
        let ear = ear(&heard, false);
        dispatcher::with_default(&ear, || change("Database change from 'master' to 'bill_ab'"));
        heard.logged_in();
        dispatcher::with_default(&ear, || {
            change("Begin transaction");
            change("Database change from 'bill_ab' to 'hcs'");
            // A procedure may print the very same words.
            tracing::event!(target: TARGET, Level::DEBUG, "{}", "Begin transaction");
        });
        assert_eq!(heard.take(), [Said::Info("Begin transaction".into())]);
        assert_eq!(heard.left(), Left { transaction: true, elsewhere: true });
        dispatcher::with_default(&ear, || {
            change("Rollback transaction");
            change("Database change from 'hcs' to 'bill_ab'");
        });
        assert_eq!(heard.left(), Left::default());
    }

    #[test]
    fn what_is_said_while_logging_in_is_not_kept() {
        let heard = Arc::new(Heard::default());
        dispatcher::with_default(
            &ear(&heard, false),
            || tracing::event!(target: TARGET, Level::DEBUG, "{}", "Welcome"),
        );
        heard.logged_in();
        assert!(!heard.any() && heard.take().is_empty());
    }

    #[test]
    fn counts_are_read_from_the_line() {
        let status = "Done with status BitFlags<DoneStatus>(0b10000, Count)";
        assert_eq!(count(status), Some(0));
        assert_eq!(count(&format!("{status} (1 row left)")), Some(1));
        assert_eq!(count(&format!("{status} (1000000 rows left)")), Some(1_000_000));
        assert_eq!(count("Done with status BitFlags<DoneStatus>(<empty>)"), None);
    }
}
