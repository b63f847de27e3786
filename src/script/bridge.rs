//! The one way from script code into the asynchronous core and back.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rhai::{Dynamic, EvalAltResult, Map, NativeCallContext, Position};

use crate::core::context::Context;
use crate::error::{Error, Kind, Result, Retry};
use crate::render::tame;
use crate::script::convert;
use crate::script::folders::Folders;
use crate::script::output::Output;
use crate::script::stop::{Scope, Stopper};
use crate::secret;
use crate::services::Connections;

/// What native functions of a script return.
pub type Thrown<T> = std::result::Result<T, Box<EvalAltResult>>;

/// Something that has a function of the script called between two of its native calls.
pub trait Pause: Send + Sync {
    /// Called when a wait has ended well. What it throws takes the place of the wait's result.
    fn pause(&self, call: &NativeCallContext<'_>) -> Thrown<()>;
}

/// All that native functions can reach; one for a session, found through the call's context.
pub struct Host {
    pub context: Context,
    pub output: Output,
    pub folders: Folders,
    pub connections: Connections,
    /// Where `log::…` writes: standard error.
    pub log: Output,
    /// Whether `log::trace` writes at all (`--verbose`).
    pub verbose: bool,
    /// Stops what the session runs at the moment.
    pub stopper: Stopper,
    fault: Mutex<Option<Error>>,
    waited: Mutex<Duration>,
    /// What `exit(n)` asked for.
    exit: Mutex<Option<u8>>,
    pause: OnceLock<Arc<dyn Pause>>,
}

impl Host {
    pub fn new(context: Context, output: Output, folders: Folders, connections: Connections) -> Host {
        Host {
            log: Output::standard_error(context.progress().clone()),
            verbose: false,
            context,
            output,
            folders,
            connections,
            stopper: Stopper::default(),
            fault: Mutex::new(None),
            waited: Mutex::default(),
            exit: Mutex::new(None),
            pause: OnceLock::new(),
        }
    }

    /// From now on this is asked after every wait; the first one to say so.
    pub fn pauses_for(&self, pause: Arc<dyn Pause>) {
        self.pause.get_or_init(|| pause);
    }

    /// Whether anybody has something to do between waits: a long one is to be cut into short ones then.
    pub fn has_pauses(&self) -> bool {
        self.pause.get().is_some()
    }

    fn paused<T>(&self, call: &NativeCallContext<'_>, done: Thrown<T>) -> Thrown<T> {
        match self.pause.get() {
            Some(pause) if done.is_ok() => pause.pause(call).and(done),
            _ => done,
        }
    }

    /// Ends the script because of something that no call of its own can throw.
    pub fn fail(&self, fault: Error) {
        self.fault.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(fault);
        self.stopper.stop();
    }

    /// Tells the person who runs the script, on standard error. Nobody can be told when that fails.
    pub fn warn(&self, text: &str) {
        self.context.warn(&tame(text));
    }

    /// Why the script was ended, if it was ended that way.
    pub fn take_fault(&self) -> Option<Error> {
        self.fault.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }

    /// How long scripts stood in native calls so far, all their threads together.
    pub fn waited(&self) -> Duration {
        *self.waited.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Remembers the exit code that the script chose.
    pub fn exit_with(&self, code: u8) {
        *self.exit.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(code);
    }

    pub fn exit_code(&self) -> Option<u8> {
        *self.exit.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The engine's tag, which every native call can see.
#[derive(Clone)]
pub struct Tag(pub Arc<Host>);

/// The session's host.
pub fn host(call: &NativeCallContext<'_>) -> Arc<Host> {
    let tag = call.tag().and_then(|tag| tag.read_lock::<Tag>().map(|tag| tag.0.clone()));
    tag.unwrap_or_else(|| unreachable!("`engine::build` sets the tag of every engine"))
}

/// Runs a native job to its end, or until this thread's scope ends; then the job is dropped where it stands.
pub fn wait<T>(call: &NativeCallContext<'_>, job: impl Future<Output = Result<T>>) -> Thrown<T> {
    wait_with_farewell(call, job, std::future::ready(()))
}

/// The same for callers that have no call context, such as the steps of a `for` loop.
pub fn wait_at<T>(host: &Host, position: Position, job: impl Future<Output = Result<T>>) -> Thrown<T> {
    wait_with(host, position, job, std::future::ready(()))
}

/// The same for a job that leaves something behind when it is dropped: `farewell` may then put that right, for at most
/// [`FAREWELL`].
pub fn wait_with_farewell<T>(
    call: &NativeCallContext<'_>,
    job: impl Future<Output = Result<T>>,
    farewell: impl Future<Output = ()>,
) -> Thrown<T> {
    let host = host(call);
    host.paused(call, wait_with(&host, call.call_position(), job, farewell))
}

/// Nobody who has pressed Ctrl-C waits for longer.
const FAREWELL: Duration = Duration::from_secs(5);

fn wait_with<T>(
    host: &Host,
    position: Position,
    job: impl Future<Output = Result<T>>,
    farewell: impl Future<Output = ()>,
) -> Thrown<T> {
    let scope = Scope::current();
    // What was printed so far should be seen before a wait, not after it.
    host.output.flush().map_err(|error| thrown(error, position))?;
    let began = Instant::now();
    let done = host.context.runtime().block_on(async {
        let done = tokio::select! {
            biased;
            () = scope.over() => None,
            done = job => Some(done),
        };
        match done {
            Some(done) => done.map_err(|error| thrown(error, position)),
            None => {
                // What is late stays undone.
                let _ = tokio::time::timeout(FAREWELL, farewell).await;
                Err(ended(position))
            }
        }
    });
    *host.waited.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) += began.elapsed();
    done
}

/// What ends a script and cannot be caught.
pub fn ended(position: Position) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorTerminated(Dynamic::UNIT, position))
}

/// An error as scripts meet it: a map, with the place of the call.
pub fn thrown(error: Error, position: Position) -> Box<EvalAltResult> {
    if error.kind() == Kind::Stopped {
        return ended(position);
    }
    Box::new(EvalAltResult::ErrorRuntime(error_map(&error, position).into(), position))
}

/// Throws at the place of this call.
pub fn throw<T>(call: &NativeCallContext<'_>, error: Error) -> Thrown<T> {
    Err(thrown(error, call.call_position()))
}

/// The message, and behind it each of several faults with its line: a thrown error is all that a script sees of them.
fn with_faults(error: &Error) -> String {
    let mut message = error.message().to_owned();
    for fault in error.all_faults() {
        let before = &fault.text[..fault.span.start.min(fault.text.len())];
        let line = before.matches('\n').count() + 1;
        message.push_str(&format!("\n{}, line {line}: {}", fault.source, fault.message));
        if let Some(hint) = &fault.hint {
            message.push_str(&format!(" ({hint})"));
        }
    }
    message
}

/// `#{ error, kind, message, hint, retry, unknown, status, line, position, … }`; the names are those of Rhai's own errors.
pub fn error_map(error: &Error, position: Position) -> Map {
    let text = |text: &str| Dynamic::from(secret::mask(text).into_owned());
    let mut map = Map::new();
    // A password may be a word that stands in codes; scripts compare them.
    let code = if error.is_own_code() { error.code().into() } else { text(error.code()) };
    map.insert("error".into(), code);
    map.insert("kind".into(), error.kind().word().into());
    map.insert("message".into(), text(&with_faults(error)));
    map.insert("hint".into(), error.hint_text().map_or(Dynamic::UNIT, text));
    map.insert("retry".into(), (error.may_retry() == Retry::Safe).into());
    map.insert("unknown".into(), (error.may_retry() == Retry::Unknown).into());
    map.insert("status".into(), error.http_status().map_or(Dynamic::UNIT, |status| i64::from(status).into()));
    map.insert("line".into(), position.line().map_or(Dynamic::UNIT, |line| (line as i64).into()));
    map.insert("position".into(), position.position().map_or(Dynamic::UNIT, |column| (column as i64).into()));
    for (name, value) in error.details() {
        map.insert((*name).into(), convert::from_value(value));
    }
    map
}
