//! locks.
