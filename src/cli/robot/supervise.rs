//! `pult robot supervise`: looks after one job of an agent, which starts it. Not for people.

use std::io::BufReader;

use crate::script::report::Report;
use crate::services::robot::client::jobs;

pub fn supervise() -> Result<u8, Box<Report>> {
    let environment = std::env::vars_os().collect();
    jobs::supervise::supervise(BufReader::new(std::io::stdin()), std::io::stdout(), environment)?;
    Ok(0)
}
