//! What requests and answers look like. Pure: nothing here sends or waits.

pub mod address;
pub mod answer;
pub mod console;
pub mod errors;
pub mod request;
pub mod task;
pub mod value;
