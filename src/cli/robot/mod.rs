//! `pult robot`: the agent, and what is needed around it.

mod bundle;
mod crew;
mod doctor;
mod exit;
mod health;
mod import;
mod install;
mod job;
mod lines;
mod logoff;
mod notify;
mod place;
mod run;
mod seeing;
pub mod stage;
mod status;
mod supervise;
mod unhurried;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Global;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::script::report::Report;
use crate::services::robot::NAME;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look step by step whether a robot could work, and say what to do where it could not.
    Doctor(doctor::Options),
    /// What the agents of this computer do, and what waits to be delivered.
    Status(status::Options),
    /// Turn the old three-line settings.txt into a section of pult.toml.
    Import(import::Options),
    /// Have the agent started by the system: systemd, or the Task Scheduler of Windows.
    Install(install::Options),
    /// Undo that.
    Uninstall(install::Options),
    /// Write what support needs into a folder, without a secret.
    Bundle(bundle::Options),
    /// Looks after one job of an agent, which starts it.
    #[command(hide = true)]
    Supervise,
    /// Runs a script as a job of an agent, whose supervisor starts this.
    #[command(hide = true)]
    Job { script: PathBuf },
}

pub fn robot(global: &Global, options: &Options) -> Result<u8, Box<Report>> {
    match &options.command {
        None => Ok(run::run(global, &options.run)),
        Some(Command::Doctor(options)) => doctor::doctor(global, options),
        Some(Command::Status(options)) => status::status(global, options),
        Some(Command::Import(options)) => import::import(global, options),
        Some(Command::Install(options)) => install::install(global, options),
        Some(Command::Uninstall(options)) => install::uninstall(global, options),
        Some(Command::Bundle(options)) => bundle::bundle(global, options),
        Some(Command::Supervise) => supervise::supervise(),
        Some(Command::Job { script }) => job::job(global, script),
    }
}

/// The robots that are meant. One that is not there, or that lacks something, is an error.
fn robots(config: &Config, named: &[String]) -> Result<Vec<String>> {
    let names = meant(config, named)?;
    for name in &names {
        config.connection(NAME, name)?;
    }
    Ok(names)
}

/// Those named, each once, else all of the configuration.
fn meant(config: &Config, named: &[String]) -> Result<Vec<String>> {
    let mut names: Vec<String> = match named.is_empty() {
        true => config.connections(NAME).map(str::to_owned).collect(),
        false => named.to_vec(),
    };
    let mut known = std::collections::HashSet::new();
    names.retain(|name| known.insert(name.clone()));
    if names.is_empty() {
        // What has to be said of a section that is not there is known already.
        config.default_connection(NAME)?;
        return Err(Error::new(Kind::Config, "config.missing", "there is no robot in pult.toml"));
    }
    Ok(names)
}
