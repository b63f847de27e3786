//! What was done: counted where it happens, summed up at the end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The counters of one service.
#[derive(Debug, Default)]
pub struct Counters {
    pub requests: Count,
    /// Calls inside the requests; a batch is one request and many calls.
    pub calls: Count,
    pub rows: Count,
    pub repeats: Count,
    /// Refusals because of a limit.
    pub refusals: Count,
    waited_ms: Count,
}

#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// A wait that a limit made.
    pub fn waited(&self, wait: Duration) {
        self.waited_ms.add(wait.as_millis() as usize);
    }

    /// What was counted since `earlier`, a copy made then; the copy itself is `since` nothing.
    pub fn since(&self, earlier: &Counters) -> Counters {
        let more = |now: &Count, then: &Count| Count(AtomicU64::new(now.get().saturating_sub(then.get())));
        Counters {
            requests: more(&self.requests, &earlier.requests),
            calls: more(&self.calls, &earlier.calls),
            rows: more(&self.rows, &earlier.rows),
            repeats: more(&self.repeats, &earlier.repeats),
            refusals: more(&self.refusals, &earlier.refusals),
            waited_ms: more(&self.waited_ms, &earlier.waited_ms),
        }
    }

    /// One line, of what is not zero: `12 requests, 560 calls, 28,000 rows, waited 3.2 s for a limit`.
    pub fn summary(&self) -> String {
        let waited = self.waited_ms.get();
        let mut parts: Vec<String> = [
            (&self.requests, "request"),
            (&self.calls, "call"),
            (&self.rows, "row"),
            (&self.repeats, "repeat"),
            (&self.refusals, "refusal"),
        ]
        .into_iter()
        .map(|(count, word)| (count.get(), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{} {word}{}", grouped(n), if n == 1 { "" } else { "s" }))
        .collect();
        if waited > 0 {
            parts.push(format!("waited {:.1} s for a limit", waited as f64 / 1000.0));
        }
        parts.join(", ")
    }
}

/// 1234567 as `1,234,567`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_what_happened_and_nothing_else() {
        let counters = Counters::default();
        counters.requests.add(1);
        counters.rows.add(28_000);
        counters.waited(Duration::from_millis(3210));
        assert_eq!(counters.summary(), "1 request, 28,000 rows, waited 3.2 s for a limit");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
    }

    #[test]
    fn what_happened_since_a_copy_is_counted_apart() {
        let counters = Counters::default();
        counters.calls.add(3);
        let copy = counters.since(&Counters::default());
        counters.calls.add(2);
        assert_eq!(copy.summary(), "3 calls");
        assert_eq!(counters.since(&copy).summary(), "2 calls");
    }
}
