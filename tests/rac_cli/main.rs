//! The built program as the utility `rac`: what it prints, says and ends with, byte by byte.

mod lines;
mod program;
mod recorded;
mod sandbox;
