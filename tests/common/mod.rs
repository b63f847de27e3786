//! What every test of scripts needs: a session of its own over a folder of its own.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use pult::config::Config;
use pult::core::context::Context;
use pult::core::progress::Progress;
use pult::core::state::State;
use pult::sandbox::{Sandbox, Settings};
use pult::script::bridge::Host;
use pult::script::folders::Folders;
use pult::script::output::Output;
use pult::script::session::{Options, Session};
use pult::services::Connections;

/// A text that several hands write into.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A session, and what it wrote.
pub struct Stage {
    pub session: Session,
    /// What it printed and, in lines that begin with the time, what it logged.
    pub written: Written,
    /// What relative paths of the script lie in; removed with the stage.
    _folder: tempfile::TempDir,
    /// Simulators of its own: what one script changes, no other one sees.
    _sandbox: Sandbox,
    _runtime: tokio::runtime::Runtime,
}

/// A session for a script that lies in `root`.
pub fn stage(root: &Path, args: &[&str]) -> Stage {
    stage_with(root, args, &Settings::default(), |sandbox| sandbox.config().unwrap())
}

/// The same with these switches of the simulators, and with connections of the caller's.
pub fn stage_with(root: &Path, args: &[&str], switches: &Settings, config: impl FnOnce(&Sandbox) -> Config) -> Stage {
    staged(root, args, switches, config, false)
}

/// The same; in a dry run, what would be sent stands among what was written.
pub fn staged(
    root: &Path,
    args: &[&str],
    switches: &Settings,
    config: impl FnOnce(&Sandbox) -> Config,
    is_dry_run: bool,
) -> Stage {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let written = Written::default();
    let told = written.clone();
    let tell = move |line: &str| writeln!(told.clone(), "{line}").unwrap();
    let would: Option<Box<pult::core::context::Would>> = if is_dry_run { Some(Box::new(tell)) } else { None };
    let context = Context::new(runtime.handle().clone(), Progress::new(false), State::in_memory(), would);
    context.is_run_by(env!("CARGO_BIN_EXE_pult").into());
    let folders = Folders::new(folder.path().to_path_buf(), []);
    let sandbox = runtime.block_on(Sandbox::start(switches)).unwrap();
    let connections = Connections::new(config(&sandbox));
    let mut host = Host::new(context, Output::to(Box::new(written.clone())), folders, connections);
    host.log = Output::to(Box::new(written.clone()));
    let options = Options {
        args: args.iter().map(ToString::to_string).collect(),
        root: root.to_path_buf(),
        ..Default::default()
    };
    let session = Session::new(Arc::new(host), &options);
    Stage { session, written, _folder: folder, _sandbox: sandbox, _runtime: runtime }
}
