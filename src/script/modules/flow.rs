//! Waiting, doing several things at once, ending early.

use std::time::Duration;

use rhai::plugin::*;
use rhai::{Array, Dynamic, EvalAltResult, FnPtr, NativeCallContext};

use crate::core::rows::Rows;
use crate::error::{Error, Kind};
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::script::closures::with_own_handles;
use crate::script::convert;
use crate::script::report;
use crate::script::stop::Scope;
use crate::script::threads;

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

/// A sleep in which something may have to be done comes up for it this often.
const PIECE: Duration = Duration::from_millis(500);

/// What is done in the end may take this long when everything else was stopped already.
const GRACE: Duration = Duration::from_secs(60);

/// Calls `work`, then `after` whatever came of it. A stop ends the first and not the second.
fn ensured(call: &NativeCallContext<'_>, work: &FnPtr, after: &FnPtr) -> Thrown<Dynamic> {
    let done = work.call_within_context::<Dynamic>(call, ());
    let is_over = Scope::current().is_over();
    let _entered = is_over.then(|| Scope::default().within(GRACE).enter());
    let cleared = after.call_within_context::<Dynamic>(call, ());
    match (done, cleared) {
        (Ok(value), Ok(_)) => Ok(value),
        (Ok(_), Err(error)) => Err(error),
        (Err(error), Ok(_)) => Err(error),
        (Err(error), Err(second)) => {
            let message = report::thrown_map(&second).remove("message").unwrap_or_default();
            host(call).warn(&format!("what was to be done in the end failed: {message}"));
            Err(error)
        }
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
    let done = threads::each(call, items, limit, threads::Failing::Stops, |_, item| {
        f.call_within_context::<Dynamic>(call, (item.clone(),))
    })?;
    done.into_iter().collect()
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
        let mut left = time;
        loop {
            let piece = if host(&call).has_pauses() { left.min(super::PIECE) } else { left };
            wait(&call, async {
                tokio::time::sleep(piece).await;
                Ok(())
            })?;
            left -= piece;
            if left.is_zero() {
                return Ok(());
            }
        }
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

    /// Calls `work()`, then `after()` whatever came of it: also after an error, a deadline or Ctrl-C. Gives what `work`
    /// gave, or throws what it threw.
    ///
    /// ```rhai
    /// let steps = [];
    /// assert_throws(|| ensure(|| { steps.push("work"); throw "broken" }, || steps.push("after")), "script.thrown");
    /// assert_eq(steps, ["work", "after"]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn ensure(call: NativeCallContext, work: FnPtr, after: FnPtr) -> Thrown<Dynamic> {
        super::ensured(&call, &work, &after)
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
