//! The shipped catalogue against the reference, and broken ones against their readers.

mod broken;
mod shipped;
