//! The last requests of a simulator.

use std::collections::VecDeque;

/// So many are remembered.
const MOST: usize = 1000;

/// Lines, the oldest first.
pub struct Log<T>(VecDeque<T>);

impl<T> Default for Log<T> {
    fn default() -> Self {
        Log(VecDeque::new())
    }
}

impl<T> Log<T> {
    /// Adds a line, forgetting the oldest.
    pub fn push(&mut self, line: T) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub fn lines(&self) -> Vec<&T> {
        self.0.iter().collect()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
