//! reading.
