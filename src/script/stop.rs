//! Stopping: by Ctrl-C, by a deadline, by a sibling that failed. One mechanism for script loops and native waits.
//!
//! Each thread that runs script code stands in a [`Scope`]. The engine asks the scope after every operation, and a
//! native wait races against it, so both end within moments of the stop and `try` cannot hold them.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// One thing that can be stopped. The flag is for script loops, which ask millions of times a second; the token wakes
/// native waits.
#[derive(Clone, Debug, Default)]
struct Stop {
    flag: Arc<AtomicBool>,
    token: CancellationToken,
}

/// Stops whatever a session runs at the moment.
#[derive(Clone, Debug, Default)]
pub struct Stopper(Arc<Mutex<Stop>>);

impl Stopper {
    pub fn stop(&self) {
        let stop = self.current();
        stop.flag.store(true, Ordering::Relaxed);
        stop.token.cancel();
    }

    /// A scope for the next piece of work; an earlier stop does not touch it.
    pub fn fresh(&self) -> Scope {
        let stop = Stop::default();
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = stop.clone();
        Scope { token: stop.token, flags: vec![stop.flag], deadline: None }
    }

    fn current(&self) -> Stop {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

/// What bounds the code that runs on this thread.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Its own flag and those of all scopes around it.
    flags: Vec<Arc<AtomicBool>>,
    /// Cancelled with any of them.
    token: CancellationToken,
    deadline: Option<Instant>,
}

thread_local! {
    static CURRENT: RefCell<Scope> = RefCell::default();
    /// Reading the clock costs more than an operation, so it is read at every 256th.
    static TURNS: Cell<u8> = const { Cell::new(0) };
}

impl Scope {
    /// The scope of this thread.
    pub fn current() -> Scope {
        CURRENT.with_borrow(Scope::clone)
    }

    /// Puts this thread into the scope until the guard is dropped.
    pub fn enter(self) -> Entered {
        Entered { before: CURRENT.replace(self), _here: std::marker::PhantomData }
    }

    /// The same with an earlier end.
    pub fn within(mut self, time: Duration) -> Scope {
        let deadline = Instant::now() + time;
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        self
    }

    /// A scope inside this one that can be stopped alone.
    pub fn child(&self) -> (Scope, ChildStop) {
        let stop = Stop { flag: Arc::default(), token: self.token.child_token() };
        let mut flags = self.flags.clone();
        flags.push(stop.flag.clone());
        (Scope { flags, token: stop.token.clone(), deadline: self.deadline }, ChildStop(stop))
    }

    pub fn is_over(&self) -> bool {
        self.flags.iter().any(|flag| flag.load(Ordering::Relaxed))
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Ends when the scope does.
    pub async fn over(&self) {
        match self.deadline {
            Some(deadline) => tokio::select! {
                () = self.token.cancelled() => {}
                () = tokio::time::sleep_until(deadline) => {}
            },
            None => self.token.cancelled().await,
        }
    }
}

/// Whether the code on this thread must end now. Asked after every operation of a script.
pub fn must_end() -> bool {
    CURRENT.with_borrow(|scope| {
        scope.flags.iter().any(|flag| flag.load(Ordering::Relaxed))
            || scope.deadline.is_some_and(|deadline| {
                let turn = TURNS.get().wrapping_add(1);
                TURNS.set(turn);
                turn == 0 && Instant::now() >= deadline
            })
    })
}

/// Stops a child scope.
#[derive(Clone, Debug)]
pub struct ChildStop(Stop);

impl ChildStop {
    pub fn stop(&self) {
        self.0.flag.store(true, Ordering::Relaxed);
        self.0.token.cancel();
    }
}

/// Restores the scope around it. Bound to its thread.
pub struct Entered {
    before: Scope,
    _here: std::marker::PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(std::mem::take(&mut self.before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_ends_with_its_parent_and_alone() {
        let stopper = Stopper::default();
        let parent = stopper.fresh();
        let (child, stop) = parent.child();
        let (sibling, _) = parent.child();
        stop.stop();
        assert!(child.is_over() && !sibling.is_over() && !parent.is_over());
        stopper.stop();
        assert!(sibling.is_over() && parent.is_over());
        assert!(!stopper.fresh().is_over());
    }

    #[test]
    fn a_thread_is_in_the_scope_it_entered_and_back_in_the_outer_one_afterwards() {
        let stopper = Stopper::default();
        let _outer = stopper.fresh().enter();
        {
            let _inner = Scope::current().within(Duration::ZERO).enter();
            assert!((0..=256).any(|_| must_end()));
        }
        assert!(!(0..=256).any(|_| must_end()));
    }
}
