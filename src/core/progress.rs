//! Progress bars on standard error, only when it is a terminal, and only for what takes over a second.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

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
            let bar = self.0.progress.bars.add(ProgressBar::no_length());
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
        true => "{prefix} {bar:24} {human_pos}/{human_len} {per_sec:.0} left {eta} {msg}",
        false => "{prefix} {spinner} {human_pos} {per_sec:.0} {msg}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Inner {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
    }
}
