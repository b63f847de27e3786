//! What the agent lets people know while it works.

use std::sync::Arc;

use super::Agent;
use crate::secret::mask;
use crate::services::robot::client::shapes::{Level, Line};

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The connection's name.
    pub robot: String,
    pub old: &'static str,
    /// Why, in a few words.
    pub event: String,
    pub new: &'static str,
    /// The GUID of the job under way, or empty.
    pub job: String,
}

pub type Watcher = Arc<dyn Fn(&Turn) + Send + Sync>;
pub type Listener = Arc<dyn Fn(&Line) + Send + Sync>;

impl Agent {
    /// From now on this is called with every change of state.
    pub fn watch(&self, watcher: Watcher) {
        self.0.ears.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).0 = Some(watcher);
    }

    /// From now on this is called with what the agent itself has to say; else warnings and what is graver go to standard
    /// error.
    pub fn listen(&self, listener: Listener) {
        self.0.ears.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).1 = Some(listener);
    }

    /// The state changes to `new` because of `event`.
    pub fn turn(&self, new: &'static str, event: &str) {
        let turn = self.now(|now| Turn {
            robot: self.0.name.clone(),
            old: std::mem::replace(&mut now.state, new),
            event: mask(event).into_owned(),
            new,
            job: now.job.as_ref().map(|job| job.guid.clone()).unwrap_or_default(),
        });
        let watcher = self.0.ears.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).0.clone();
        if let Some(watcher) = watcher {
            watcher(&turn);
        }
    }

    /// Says something to the people at this computer.
    pub(super) fn note(&self, level: Level, text: &str) {
        let (job, version) = self.now(|now| {
            let job = now.job.as_ref();
            job.map(|job| (job.guid.clone(), job.version.clone())).unwrap_or_default()
        });
        self.note_line(&Line { job, version, level, text: text.to_owned() });
    }

    pub(super) fn note_line(&self, line: &Line) {
        let line = &Line { text: mask(&line.text).into_owned(), ..line.clone() };
        let listener = self.0.ears.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).1.clone();
        match listener {
            Some(listener) => listener(line),
            None if matches!(line.level, Level::Info | Level::Debug) => {}
            None => (self.0.warn)(&line.text),
        }
    }

    /// Says something to them and to the Orchestrator's log.
    pub(super) fn tell(&self, level: Level, text: &str) {
        let line = Line { job: String::new(), version: String::new(), level, text: text.to_owned() };
        self.note_line(&line);
        self.say(&[line]);
    }

    /// Puts lines into the outbox.
    pub(super) fn say(&self, lines: &[Line]) {
        let said = self.journal().and_then(|journal| journal.say_all(lines));
        if let Err(error) = said {
            self.note(Level::Error, &format!("a line cannot be kept for the Orchestrator's log: {error}"));
        }
    }
}
