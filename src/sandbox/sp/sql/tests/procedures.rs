//! procedures.
