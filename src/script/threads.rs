//! Script functions on several threads at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rhai::{Dynamic, EvalAltResult, NativeCallContext};

use crate::script::bridge::Thrown;
use crate::script::stop::{ChildStop, Scope};

/// More threads than this wait for each other rather than for servers; native calls do the real concurrency.
const MOST_THREADS: usize = 64;
/// The same for calls inside calls: each thread has a stack, and a function that calls itself so would take them all.
const MOST_THREADS_AT_ALL: usize = 256;
/// Scripts recurse on these threads as on the main one.
const STACK: usize = 16 * 1024 * 1024;

/// What the failure of one item means for the others.
#[derive(Clone, Copy, PartialEq)]
pub enum Failing {
    /// It stops them and is the failure of all.
    Stops,
    /// What was thrown stands among the results. A slip of the script, which would fail everywhere, stops all.
    Stays,
}

/// Does `work` with each item and its place, at most `limit` of them at once; the results in the order of the items.
pub fn each(
    call: &NativeCallContext<'_>,
    items: &[Dynamic],
    limit: usize,
    failing: Failing,
    does: impl Fn(usize, &Dynamic) -> Thrown<Dynamic> + Sync,
) -> Thrown<Vec<Thrown<Dynamic>>> {
    let threads = Threads::at_most(limit.min(items.len()).min(MOST_THREADS));
    let (scope, stop) = Scope::current().child();
    let (next, done, failed) = (AtomicUsize::new(0), Mutex::default(), Mutex::default());
    let work = Work { call, items, does, failing, stop, next, done, failed };
    std::thread::scope(|spawner| {
        for _ in 0..threads.0 {
            let (work, scope) = (&work, scope.clone());
            let thread = std::thread::Builder::new().stack_size(STACK);
            if let Err(error) = thread.spawn_scoped(spawner, move || work.run(scope)) {
                work.fail(Box::new(EvalAltResult::from(format!("no further thread can be started: {error}"))));
            }
        }
    });
    if threads.0 == 0 {
        work.run(scope);
    }
    let failed = work.failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(error) = failed {
        return Err(error);
    }
    let mut done = work.done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, value)| value).collect())
}

fn is_thrown(error: &EvalAltResult) -> bool {
    matches!(error.unwrap_inner(), EvalAltResult::ErrorRuntime(..))
}

/// Threads of all such calls that run now, which may stand inside each other.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// So many threads, given back when dropped. None when there are enough already: then the caller's own has to do.
struct Threads(usize);

impl Threads {
    fn at_most(wanted: usize) -> Threads {
        let mut granted = 0;
        let _ = RUNNING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |running| {
            granted = wanted.min(MOST_THREADS_AT_ALL.saturating_sub(running));
            Some(running + granted)
        });
        Threads(granted)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        RUNNING.fetch_sub(self.0, Ordering::Relaxed);
    }
}

struct Work<'a, F> {
    call: &'a NativeCallContext<'a>,
    items: &'a [Dynamic],
    does: F,
    failing: Failing,
    stop: ChildStop,
    next: AtomicUsize,
    done: Mutex<Vec<(usize, Thrown<Dynamic>)>>,
    failed: Mutex<Option<Box<EvalAltResult>>>,
}

impl<F: Fn(usize, &Dynamic) -> Thrown<Dynamic> + Sync> Work<'_, F> {
    fn run(&self, scope: Scope) {
        let _entered = scope.clone().enter();
        while !scope.is_over() {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = self.items.get(at) else { return };
            let called = std::panic::AssertUnwindSafe(|| (self.does)(at, item));
            let done = match std::panic::catch_unwind(called) {
                Ok(done) => done,
                Err(_) => Err("a fault inside pult itself ended one of the functions".into()),
            };
            match done {
                Err(error) if self.failing == Failing::Stops || !is_thrown(&error) => return self.fail(error),
                done => self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((at, done)),
            }
        }
        // Stopped from outside: nobody's failure, but the list is not complete.
        if self.next.load(Ordering::Relaxed) < self.items.len() {
            self.fail(Box::new(EvalAltResult::ErrorTerminated(Dynamic::UNIT, self.call.call_position())));
        }
    }

    /// Keeps the first failure; those that follow from stopping the others tell nothing.
    fn fail(&self, error: Box<EvalAltResult>) {
        self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(error);
        self.stop.stop();
    }
}
