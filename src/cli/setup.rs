//! What every command that runs scripts needs: the runtime, the configuration or the sandbox, the session.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::robot::stage::Stage;
use super::{Global, eprint_line};
use crate::config::Config;
use crate::core::context::Context;
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::error::{Error, Kind, Result};
use crate::render::snippet::{self, Place, Snippet};
use crate::sandbox::{Sandbox, Settings};
use crate::script::bridge::Host;
use crate::script::folders::Folders;
use crate::script::output::Output;
use crate::script::session::{Options, Session, on_deep_stack};
use crate::services::{self, Connections};

/// Network work needs few threads: they wait for most of their lives.
const WORKERS: usize = 2;

pub fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Usage, "runtime.failed", format!("the runtime does not start: {error}")))
}

/// All that outlives the session, in the order in which it is taken down.
pub struct Setup {
    pub host: Arc<Host>,
    pub sandbox: Option<Sandbox>,
    /// Kept for as long as jobs may read it.
    _stage: Option<Stage>,
    runtime: Runtime,
    root: PathBuf,
    max_operations: u64,
    quiet: bool,
    verbose: bool,
}

impl Setup {
    /// For a script in this folder.
    pub fn new(global: &Global, script_folder: Option<&Path>) -> Result<Setup> {
        let runtime = runtime()?;
        let here = std::env::current_dir()
            .map_err(|error| Error::new(Kind::Usage, "folder.gone", format!("this folder cannot be used: {error}")))?;
        let root = script_folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(&here).to_path_buf();
        let (config, sandbox, stage) = match global.sandbox {
            true => {
                let sandbox = runtime.block_on(Sandbox::start(&Settings::parse(&global.set)?))?;
                let mut config = sandbox.config()?;
                let stage = Stage::place(&mut config)?;
                (config, Some(sandbox), Some(stage))
            }
            false => {
                only_for_sandboxes(global)?;
                (configuration(global, &root)?, None, None)
            }
        };
        warn(&config, global);
        let progress = Progress::new(!global.quiet && std::io::stderr().is_terminal());
        let output = Output::standard(progress.clone(), global.style().colour);
        let would = global.dry_run.then(|| {
            let output = output.clone();
            // A closed output stops the script at its next `print`.
            Box::new(move |what: &str| drop(output.line(what))) as Box<_>
        });
        let state = match (&sandbox, state_file()) {
            (None, Some(path)) => State::at(path),
            _ => State::in_memory(),
        };
        let context = Context::new(runtime.handle().clone(), progress, state, would);
        if let Some(path) = stage.as_ref().map(Stage::file).or(config.path()) {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            context.is_configured_by(path, global.profile.clone().filter(|_| stage.is_none()));
        }
        let folders = Folders::new(here, config.folders().iter().cloned());
        let mut host = Host::new(context, output, folders, Connections::new(config));
        host.verbose = global.verbose;
        let (quiet, verbose) = (global.quiet, global.verbose);
        let max_operations = global.max_operations;
        Ok(Setup { host: Arc::new(host), sandbox, _stage: stage, runtime, root, max_operations, quiet, verbose })
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Takes everything down without waiting for a thread that still reads standard input.
    pub fn leave(self) {
        self.runtime.shutdown_background();
    }

    /// Runs `work` with a session, on a stack that is deep enough. Ctrl-C stops what runs; pressed again it ends the
    /// program.
    pub fn run<T: Send>(&self, args: Vec<String>, work: impl FnOnce(&Session) -> T + Send) -> Result<T> {
        let stopper = self.host.stopper.clone();
        let listening = self.runtime.spawn(async move {
            let mut pressed = false;
            while tokio::signal::ctrl_c().await.is_ok() {
                if pressed {
                    std::process::exit(i32::from(Kind::Stopped.exit_code()));
                }
                pressed = true;
                stopper.stop();
            }
        });
        let done = self.with_session(args, |session| work(&session));
        listening.abort();
        if self.verbose && !self.quiet {
            for (service, line) in self.host.context.summary() {
                eprint_line(&format!("{service}: {line}"));
            }
        }
        done
    }

    /// The same without listening for Ctrl-C, and handing the session over.
    pub fn with_session<T: Send>(&self, args: Vec<String>, work: impl FnOnce(Session) -> T + Send) -> Result<T> {
        self.with_session_of(None, args, work)
    }

    /// The same for scripts that use this service alone.
    pub fn with_session_of<T: Send>(
        &self,
        only: Option<&'static str>,
        args: Vec<String>,
        work: impl FnOnce(Session) -> T + Send,
    ) -> Result<T> {
        let options = Options { args, root: self.root.clone(), max_operations: self.max_operations, only };
        // Made here, because memory of the first thread comes from the system in larger pieces than that of others.
        let session = Session::new(self.host.clone(), &options);
        on_deep_stack(move || work(session))
    }
}

/// Servers of others have no switches.
fn only_for_sandboxes(global: &Global) -> Result<()> {
    let Some(first) = global.set.first() else { return Ok(()) };
    let message = format!("--set {first} is for the simulators, and this run is not against them");
    Err(Error::new(Kind::Usage, "sandbox.set", message).hint("add --sandbox; or put the value into pult.toml"))
}

pub fn configuration(global: &Global, root: &Path) -> Result<Config> {
    match Config::find(global.config.as_deref(), Some(root)) {
        Some(path) => Config::load(&path, &services::known(), global.profile.as_deref()),
        None => match &global.profile {
            Some(profile) => {
                let message = format!("there is no pult.toml, so there is no profile `{profile}`");
                Err(Error::new(Kind::Config, "config.unknown_profile", message)
                    .hint("write one with `pult init`, or name it with --config"))
            }
            None => Ok(Config::default()),
        },
    }
}

fn warn(config: &Config, global: &Global) {
    if global.quiet {
        return;
    }
    for fault in config.warnings() {
        let place = Place::of(fault);
        let snippet =
            Snippet { code: "warning", message: &fault.message, hint: fault.hint.as_deref(), place: Some(&place) };
        eprint_line(&snippet::draw(&snippet, global.style()));
    }
}

fn state_file() -> Option<PathBuf> {
    dirs::data_local_dir().map(|folder| folder.join("pult").join("state.db"))
}
