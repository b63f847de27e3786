//! The driver, connections and plain SQL against the simulator.
