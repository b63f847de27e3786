//! Waiting, doing several things at once, ending early.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rhai::plugin::*;
use rhai::{Array, Dynamic, EvalAltResult, FnPtr, NativeCallContext};

use crate::core::rows::Rows;
use crate::error::{Error, Kind};
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::script::closures::with_own_handles;
use crate::script::convert;
use crate::script::stop::{ChildStop, Scope};

/// More threads than this wait for each other rather than for servers; native calls do the real concurrency.
const MOST_THREADS: usize = 64;
/// The same for calls inside calls: each thread has a stack, and a function that calls itself so would take them all.
const MOST_THREADS_AT_ALL: usize = 256;
/// Scripts recurse on these threads as on the main one.
const STACK: usize = 16 * 1024 * 1024;

fn seconds(call: &NativeCallContext<'_>, seconds: f64) -> Thrown<Duration> {
    Duration::try_from_secs_f64(seconds).or_else(|_| {
        let error = Error::input("flow.seconds", format!("{seconds:?} is not a number of seconds"));
        throw(call, error.hint("0 or more; fractions are allowed"))
    })
}

fn bounded(call: &NativeCallContext<'_>, time: f64, f: &FnPtr) -> Thrown<Dynamic> {
    let outer = Scope::current();
    let time = seconds(call, time)?;
    let inner = outer.clone().within(time);
    let done = {
        let _entered = inner.clone().enter();
        f.call_within_context::<Dynamic>(call, ())
    };
    match done {
        // It was this deadline, and not one around it, that ended the function.
        Err(error) if is_end(&error) && inner.is_over() && !outer.is_over() => {
            let message = format!("not finished within {} s", time.as_secs_f64());
            throw(call, Error::new(Kind::Timeout, "timeout", message).hint("give it more time, or less to do"))
        }
        done => done,
    }
}

fn is_end(error: &EvalAltResult) -> bool {
    matches!(error.unwrap_inner(), EvalAltResult::ErrorTerminated(..))
}

/// Calls `f` with each item, at most `limit` at once. The first failure stops the others.
fn at_once(call: &NativeCallContext<'_>, items: &[Dynamic], limit: i64, f: &FnPtr) -> Thrown<Array> {
    let Ok(limit @ 1..) = usize::try_from(limit) else {
        return throw(
            call,
            Error::input("parallel.limit", format!("{limit} at once is not possible")).hint("1 or more"),
        );
    };
    let f = &with_own_handles(f);
    let threads = Threads::at_most(limit.min(items.len()).min(MOST_THREADS));
    let (scope, stop) = Scope::current().child();
    let work =
        Work { call, items, f, stop, next: AtomicUsize::new(0), done: Mutex::default(), failed: Mutex::default() };
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

/// Threads of all calls of `parallel` that run now, which may stand inside each other.
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

struct Work<'a> {
    call: &'a NativeCallContext<'a>,
    items: &'a [Dynamic],
    f: &'a FnPtr,
    stop: ChildStop,
    next: AtomicUsize,
    done: Mutex<Vec<(usize, Dynamic)>>,
    failed: Mutex<Option<Box<EvalAltResult>>>,
}

impl Work<'_> {
    fn run(&self, scope: Scope) {
        let _entered = scope.clone().enter();
        while !scope.is_over() {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = self.items.get(at) else { return };
            let called =
                std::panic::AssertUnwindSafe(|| self.f.call_within_context::<Dynamic>(self.call, (item.clone(),)));
            match std::panic::catch_unwind(called) {
                Ok(Ok(value)) => self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((at, value)),
                Ok(Err(error)) => return self.fail(error),
                Err(_) => return self.fail("a fault inside pult itself ended one of the functions".into()),
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

#[export_module]
pub mod flow {
    /// Waits so many seconds. Ctrl-C ends the wait.
    ///
    /// ```rhai
    /// sleep(0);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn sleep(call: NativeCallContext, seconds: i64) -> Thrown<()> {
        sleep_fraction(call, seconds as f64)
    }

    /// Waits so many seconds, fractions allowed. Ctrl-C ends the wait.
    #[rhai_fn(name = "sleep", return_raw)]
    pub fn sleep_fraction(call: NativeCallContext, seconds: f64) -> Thrown<()> {
        let time = super::seconds(&call, seconds)?;
        wait(&call, async {
            tokio::time::sleep(time).await;
            Ok(())
        })
    }

    /// The result of `f()`, or the error `timeout` when it takes longer than so many seconds. Whatever it waits for is
    /// given up then.
    ///
    /// ```rhai
    /// assert_eq(timeout(5, || 7), 7);
    /// assert_throws(|| timeout(0, || sleep(10)), "timeout");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn timeout(call: NativeCallContext, seconds: i64, f: FnPtr) -> Thrown<Dynamic> {
        bounded(&call, seconds as f64, &f)
    }

    /// The same with fractions of seconds.
    #[rhai_fn(name = "timeout", return_raw)]
    pub fn timeout_fraction(call: NativeCallContext, seconds: f64, f: FnPtr) -> Thrown<Dynamic> {
        bounded(&call, seconds, &f)
    }

    /// Calls `f(item)` for each item of a list, at most `limit` of them at once; gives the results in the order of the
    /// items. The first failure stops the others and is thrown. For many calls of one service its own functions are
    /// faster; this is for mixing them.
    ///
    /// ```rhai
    /// let doubled = parallel([1, 2, 3], 2, |n| n * 2);
    /// assert_eq(doubled, [2, 4, 6]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parallel(call: NativeCallContext, items: Array, limit: i64, f: FnPtr) -> Thrown<Array> {
        at_once(&call, &items, limit, &f)
    }

    /// Calls `f(row)` for each row, at most `limit` at once; the results in the order of the rows.
    ///
    /// ```rhai
    /// let ids = rows([#{ID: 1}, #{ID: 2}]).parallel(2, |row| row.ID);
    /// assert_eq(ids, [1, 2]);
    /// ```
    #[rhai_fn(name = "parallel", return_raw)]
    pub fn parallel_rows(call: NativeCallContext, rows: Rows, limit: i64, f: FnPtr) -> Thrown<Array> {
        let items: Array = rows.into_iter().map(Dynamic::from).collect();
        at_once(&call, &items, limit, &f)
    }

    /// Ends the script with success. `try` does not hold it.
    #[rhai_fn(return_raw)]
    pub fn exit(call: NativeCallContext) -> Thrown<()> {
        exit_with(call, 0)
    }

    /// Ends the script with this exit code, 0 to 255. `try` does not hold it.
    #[rhai_fn(name = "exit", return_raw)]
    pub fn exit_with(call: NativeCallContext, code: i64) -> Thrown<()> {
        let Ok(code) = u8::try_from(code) else {
            return throw(&call, Error::input("exit.code", format!("{code} is no exit code")).hint("0 to 255"));
        };
        host(&call).exit_with(code);
        Err(Box::new(EvalAltResult::Exit(i64::from(code).into(), call.call_position())))
    }

    /// Refuses an exit code that is no whole number.
    #[rhai_fn(name = "exit", return_raw)]
    pub fn exit_other(call: NativeCallContext, code: Dynamic) -> Thrown<()> {
        let found = convert::type_name(&code).to_owned();
        throw(&call, Error::input("exit.code", format!("an exit code is a whole number, not {found}")).hint("0 to 255"))
    }

    /// The environment variable `name`, or `()` when it is not set.
    ///
    /// ```rhai
    /// assert_eq(env("NOBODY_SETS_THIS"), ());
    /// assert_eq(env("NOBODY_SETS_THIS") ?? "otherwise", "otherwise");
    /// ```
    pub fn env(name: &str) -> Dynamic {
        std::env::var(name).map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// The environment variable `name`, or `otherwise` when it is not set.
    #[rhai_fn(name = "env")]
    pub fn env_or(name: &str, otherwise: &str) -> String {
        std::env::var(name).unwrap_or_else(|_| otherwise.to_owned())
    }
}
