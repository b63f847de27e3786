//! The last requests of a simulator.

use std::collections::VecDeque;

/// So many are remembered, unless somebody wants more.
const MOST: usize = 1000;

/// Lines, the oldest first.
pub struct Log<T> {
    lines: VecDeque<T>,
    most: usize,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Log::holding(MOST)
    }
}

impl<T> Log<T> {
    /// Remembers so many.
    pub fn holding(most: usize) -> Log<T> {
        Log { lines: VecDeque::new(), most: most.max(1) }
    }

    /// Adds a line, forgetting the oldest.
    pub fn push(&mut self, line: T) {
        if self.lines.len() >= self.most {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub fn lines(&self) -> Vec<&T> {
        self.lines.iter().collect()
    }

    /// To be changed, the newest first.
    pub fn newest_first(&mut self) -> impl Iterator<Item = &mut T> {
        self.lines.iter_mut().rev()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.lines.clear();
    }
}
