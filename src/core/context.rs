//! What a service is given to work with, and all it is given.

use std::any::Any;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::runtime::Handle;

use crate::core::limiter::Limits;
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::core::stats::Counters;

/// Called with each line that a dry run tells.
pub type Would = dyn Fn(&str) + Send + Sync;

/// One for the process; cheap to clone. Stopping is not here: a wait that is to end is dropped by whoever waits.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    runtime: Handle,
    progress: Progress,
    state: State,
    /// Set in a dry run.
    would: Option<Box<Would>>,
    limits: Mutex<HashMap<String, Arc<Limits>>>,
    counters: Mutex<HashMap<&'static str, Arc<Counters>>>,
    shared: Mutex<HashMap<String, Arc<dyn Any + Send + Sync>>>,
    program: OnceLock<PathBuf>,
    configured: OnceLock<(PathBuf, Option<String>)>,
}

impl Context {
    pub fn new(runtime: Handle, progress: Progress, state: State, would: Option<Box<Would>>) -> Context {
        Context(Arc::new(Inner {
            runtime,
            progress,
            state,
            would,
            limits: Mutex::default(),
            counters: Mutex::default(),
            shared: Mutex::default(),
            program: OnceLock::new(),
            configured: OnceLock::new(),
        }))
    }

    pub fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    pub fn progress(&self) -> &Progress {
        &self.0.progress
    }

    pub fn state(&self) -> &State {
        &self.0.state
    }

    /// Tells the person who runs the program, on standard error. Nobody can be told when that fails.
    pub fn warn(&self, text: &str) {
        use std::io::Write;
        let line = crate::secret::mask(text);
        self.progress().suspend(|| drop(writeln!(std::io::stderr(), "warning: {line}")));
    }

    /// Shows the person a line that a server said while it works, above the bars; nobody sees it where no bars are shown.
    pub fn say(&self, text: &str) {
        use std::io::Write;
        if self.progress().is_shown() {
            let line = crate::secret::mask(text);
            self.progress().suspend(|| drop(writeln!(std::io::stderr(), "{line}")));
        }
    }

    /// In a dry run, tells what would be sent and answers true; else answers false. To be asked before every call that
    /// changes something.
    pub fn only_tells(&self, what: impl FnOnce() -> String) -> bool {
        match &self.0.would {
            Some(would) => {
                would(&format!("would send: {}", what()));
                true
            }
            None => false,
        }
    }

    /// In a dry run, tells what is going to be done all the same, since it changes nothing.
    pub fn foretells(&self, what: &str) {
        if let Some(would) = &self.0.would {
            would(&format!("plan: {what}"));
        }
    }

    /// Whether changes are only told of.
    pub fn is_dry_run(&self) -> bool {
        self.0.would.is_some()
    }

    /// The value of a variable of the environment that a file of the user names: `${env:NAME}`. Empty counts as unset. What
    /// is a secret is made one by whoever knows that it is.
    pub fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    /// This program, for work that needs a process of its own.
    pub fn program(&self) -> std::io::Result<PathBuf> {
        self.0.program.get().map_or_else(std::env::current_exe, |program| Ok(program.clone()))
    }

    /// Another program is meant, from the first time this is said: a test is not `pult`, but has one beside it.
    pub fn is_run_by(&self, program: PathBuf) {
        self.0.program.get_or_init(|| program);
    }

    /// The configuration's file and the profile in use, for work that needs a process of its own.
    pub fn configured(&self) -> Option<(&Path, Option<&str>)> {
        self.0.configured.get().map(|(path, profile)| (path.as_path(), profile.as_deref()))
    }

    /// Says which they are; the first time counts.
    pub fn is_configured_by(&self, path: PathBuf, profile: Option<String>) {
        self.0.configured.get_or_init(|| (path, profile));
    }

    /// The limits of a server, shared by everything in this process that talks to it.
    pub fn limits(&self, server: &str, first: impl FnOnce() -> Limits) -> Arc<Limits> {
        let mut limits = self.0.limits.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        limits.entry(server.to_owned()).or_insert_with(|| Arc::new(first())).clone()
    }

    /// What one of is enough for this process, by its name; made when first asked for. The same name is always for the same
    /// type.
    pub fn shared<T: Any + Send + Sync>(&self, name: &str, first: impl FnOnce() -> T) -> Arc<T> {
        let mut shared = self.0.shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = shared.get(name).and_then(|known| known.clone().downcast().ok()) {
            return known;
        }
        let made = Arc::new(first());
        shared.insert(name.to_owned(), made.clone());
        made
    }

    /// The name of a new folder for what nobody needs when this process is gone. Whoever makes it removes it.
    pub fn scratch(&self) -> PathBuf {
        std::env::temp_dir().join(format!("pult-{}", uuid::Uuid::new_v4().simple()))
    }

    /// The counters of a service.
    pub fn counters(&self, service: &'static str) -> Arc<Counters> {
        let mut counters = self.0.counters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        counters.entry(service).or_default().clone()
    }

    /// A copy of all counters as they stand, to be compared with later ones.
    pub fn counted(&self) -> HashMap<&'static str, Counters> {
        let counters = self.0.counters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        counters.iter().map(|(service, counters)| (*service, counters.since(&Counters::default()))).collect()
    }

    /// One line for each service that did something.
    pub fn summary(&self) -> Vec<(&'static str, String)> {
        let counters = self.0.counters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut lines: Vec<(&str, String)> =
            counters.iter().map(|(service, counters)| (*service, counters.summary())).collect();
        lines.retain(|(_, line)| !line.is_empty());
        lines.sort();
        lines
    }
}
