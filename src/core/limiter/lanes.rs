//! How much work a server gets at once: begins with what it says that it takes, shrinks while answers come slower than
//! usual, halves when it breaks down, and grows again.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;

const LEAST: f64 = 1.0;
/// However small, a request counts for this much of a full one.
const LIGHTEST: f64 = 0.2;
/// Answers this much slower than the usual pace are a sign of too much at once.
const SLOWER: f64 = 2.0;

/// The open lanes, in units of a full batch.
#[derive(Debug)]
pub struct Lanes {
    state: Mutex<State>,
    freed: Notify,
    next: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    open: f64,
    most: f64,
    used: f64,
    /// The usual seconds for one command, learnt from the answers: the best pace, forgotten slowly.
    pace: Option<f64>,
}

/// The right to have one request under way; given back when dropped.
#[derive(Debug)]
pub struct Lane<'a> {
    lanes: &'a Lanes,
    weight: f64,
}

impl Lanes {
    /// All of `most` are open from the start.
    pub fn new(most: f64) -> Lanes {
        Lanes {
            state: Mutex::new(State { open: most, most, used: 0.0, pace: None }),
            freed: Notify::new(),
            next: tokio::sync::Mutex::new(()),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits for room for a request that is `weight` full batches heavy.
    pub async fn enter(&self, weight: f64) -> Lane<'_> {
        let weight = weight.clamp(LIGHTEST, 1.0);
        let _turn = self.next.lock().await;
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.state();
                if state.used == 0.0 || state.used + weight <= state.open + 1e-9 {
                    state.used += weight;
                    return Lane { lanes: self, weight };
                }
            }
            freed.await;
        }
    }

    /// How many full batches may be under way now.
    pub fn open(&self) -> f64 {
        self.state().open
    }

    /// The usual seconds for one command; none before the first answer.
    pub fn pace(&self) -> Option<f64> {
        self.state().pace
    }

    /// An answer came: `commands` took `seconds` at the server.
    pub fn went_well(&self, commands: usize, took: Duration) {
        let pace = took.as_secs_f64() / commands.max(1) as f64;
        let mut state = self.state();
        let usual = *state.pace.get_or_insert(pace);
        let slow = pace > usual * SLOWER && took > Duration::from_millis(200);
        state.pace = Some(if pace < usual { pace } else { usual + (pace - usual) * 0.05 });
        state.open = match slow {
            true => (state.open - 0.5).max(LEAST),
            // About one more lane for each round of all of them.
            false => (state.open + 1.0 / state.open).min(state.most),
        };
        drop(state);
        self.freed.notify_one();
    }

    /// The server broke down under it (5xx, a gateway's timeout).
    pub fn broke_down(&self) {
        let mut state = self.state();
        state.open = (state.open / 2.0).max(LEAST);
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        let mut state = self.lanes.state();
        state.used = (state.used - self.weight).max(0.0);
        if state.used < 1e-9 {
            state.used = 0.0;
        }
        drop(state);
        self.lanes.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn ten_full_batches_or_fifty_small_ones_begin_at_once() {
        let lanes = Lanes::new(10.0);
        let full: Vec<Lane<'_>> = futures_util::future::join_all((0..10).map(|_| lanes.enter(1.0))).await;
        assert!(lanes.enter(1.0).now_or_never().is_none());
        drop(full);
        let small: Vec<Lane<'_>> = futures_util::future::join_all((0..50).map(|_| lanes.enter(0.02))).await;
        assert!(lanes.enter(0.02).now_or_never().is_none());
        drop(small);
        assert!(lanes.enter(1.0).now_or_never().is_some());
    }

    #[tokio::test]
    async fn lanes_open_while_the_pace_holds_and_close_when_the_server_breaks_down() {
        let lanes = Lanes::new(20.0);
        lanes.broke_down();
        assert_eq!(lanes.open(), 10.0);
        for _ in 0..11 {
            lanes.went_well(50, Duration::from_secs(1));
        }
        assert!((10.9..11.2).contains(&lanes.open()), "{}", lanes.open());
        lanes.went_well(50, Duration::from_secs(5));
        assert!(lanes.open() < 10.7);
        lanes.broke_down();
        assert!(lanes.open() < 5.4);
        for _ in 0..10 {
            lanes.broke_down();
        }
        assert_eq!(lanes.open(), 1.0);
        for _ in 0..1000 {
            lanes.went_well(50, Duration::from_secs(1));
        }
        assert_eq!(lanes.open(), 20.0);
    }
}
