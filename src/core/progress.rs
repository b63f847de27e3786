//! Progress bars on standard error, only when it is a terminal, and only for what takes over a second.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::core::stats::grouped;

/// Quicker work shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where bars are drawn, or nowhere.
#[derive(Clone, Debug)]
pub struct Progress {
    bars: MultiProgress,
    shown: bool,
}

impl Progress {
    /// `shown` is false when standard error is no terminal or the user asked for quiet.
    pub fn new(shown: bool) -> Progress {
        let target = match shown {
            true => ProgressDrawTarget::stderr_with_hz(10),
            false => ProgressDrawTarget::hidden(),
        };
        Progress { bars: MultiProgress::with_draw_target(target), shown }
    }

    /// Begins a bar for `total` things, or for an unknown number.
    pub fn start(&self, label: impl Into<String>, total: Option<u64>) -> Bar {
        Bar(Arc::new(Inner {
            progress: self.clone(),
            began: Instant::now(),
            label: label.into(),
            state: Mutex::new(State { done: 0, total, note: String::new(), bar: None }),
        }))
    }

    /// Whether a person sees bars.
    pub fn is_shown(&self) -> bool {
        self.shown
    }

    /// Runs `print` with the bars out of the way.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match self.shown {
            true => self.bars.suspend(print),
            false => print(),
        }
    }
}

/// One piece of work under way. The bar goes away when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Bar(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    progress: Progress,
    began: Instant,
    label: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: u64,
    total: Option<u64>,
    note: String,
    bar: Option<ProgressBar>,
}

impl Bar {
    pub fn add(&self, n: u64) {
        self.change(|state| state.done += n);
    }

    /// Now it is known how many there are.
    pub fn expect(&self, total: u64) {
        self.change(|state| state.total = Some(total));
    }

    /// Why it does not move: "waiting 12 s for the portal's limit".
    pub fn note(&self, note: impl Into<String>) {
        self.change(|state| state.note = note.into());
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        if !self.0.progress.shown {
            return;
        }
        let mut state = self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        change(&mut state);
        if state.bar.is_none() && self.0.began.elapsed() >= PATIENCE {
            let bar = self.0.progress.bars.add(ProgressBar::no_length().with_elapsed(self.0.began.elapsed()));
            bar.set_prefix(self.0.label.clone());
            bar.enable_steady_tick(Duration::from_millis(200));
            state.bar = Some(bar);
        }
        if let Some(bar) = &state.bar {
            if let Some(total) = state.total
                && bar.length() != Some(total)
            {
                bar.set_length(total);
                bar.set_style(style(true));
            } else if state.total.is_none() {
                bar.set_style(style(false));
            }
            bar.set_position(state.done);
            bar.set_message(state.note.clone());
        }
    }
}

fn style(with_total: bool) -> ProgressStyle {
    let template = match with_total {
        true => "{prefix} {bar:24} {human_pos}/{human_len} {rate}/s left {left} {msg}",
        false => "{prefix} {spinner} {human_pos} {rate}/s {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // Work that comes in heaps with waits between them has no speed of the moment.
    style
        .with_key("rate", |bar: &ProgressState, to: &mut dyn std::fmt::Write| {
            // A text cannot refuse to be written into.
            let _ = to.write_str(&rate(bar.pos(), bar.elapsed()));
        })
        .with_key("left", |bar: &ProgressState, to: &mut dyn std::fmt::Write| {
            let _ = to.write_str(&left(bar.pos(), bar.len().unwrap_or_default(), bar.elapsed()));
        })
}

/// Things a second, from the beginning on.
fn rate(done: u64, took: Duration) -> String {
    match done as f64 / took.as_secs_f64().max(0.001) {
        rate if rate < 10.0 => format!("{rate:.1}"),
        rate => grouped(rate as u64),
    }
}

/// How long the rest takes at that rate: `45s`, `12m`, `3h`.
fn left(done: u64, total: u64, took: Duration) -> String {
    if done == 0 {
        return "?".to_owned();
    }
    match took.as_secs_f64() * total.saturating_sub(done) as f64 / done as f64 {
        seconds if seconds < 100.0 => format!("{seconds:.0}s"),
        seconds if seconds < 6000.0 => format!("{:.0}m", seconds / 60.0),
        seconds => format!("{:.0}h", seconds / 3600.0),
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_are_those_of_the_whole_work() {
        let second = Duration::from_secs(1);
        assert_eq!(
            (rate(0, second), rate(3, second * 2), rate(90_000, second)),
            ("0.0".into(), "1.5".into(), "90,000".into())
        );
        assert_eq!((left(0, 10, second), left(50_000, 100_000, second * 30)), ("?".into(), "30s".into()));
        assert_eq!((left(1, 601, second), left(1, 40_001, second)), ("10m".into(), "11h".into()));
        assert_eq!(left(20, 10, second), "0s");
    }
}
