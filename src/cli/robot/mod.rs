//! `pult robot`: the agent, and what is needed around it.

mod job;
mod supervise;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Global;
use crate::script::report::Report;

#[derive(Args, Debug)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look after one job of an agent, which starts this.
    #[command(hide = true)]
    Supervise,
    /// Run a script as a job of an agent, whose supervisor starts this.
    #[command(hide = true)]
    Job { script: PathBuf },
}

pub fn robot(global: &Global, options: &Options) -> Result<u8, Box<Report>> {
    match &options.command {
        Command::Supervise => supervise::supervise(),
        Command::Job { script } => job::job(global, script),
    }
}
