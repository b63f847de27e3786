//! What a person or another program gets to see: tables, files, reports.

pub mod export;
pub mod snippet;
pub mod table;
