//! `pult sandbox`: the simulators on loopback addresses until stopped.

use clap::Args;

use super::setup::runtime;
use super::stop::Stop;
use super::{Global, eprint_line, print_line};
use crate::error::{Error, Kind, Result};
use crate::sandbox::{Sandbox, Settings};
use crate::script::report::Report;

/// Where somebody came to see robots at work, there is some; a script finds none that it did not order.
pub const WORK: &str = "robot.jobs=1";

#[derive(Args, Debug)]
pub struct Options {
    /// Print one line of JSON when everything is ready.
    #[arg(long)]
    json: bool,
    /// Stop when standard input closes.
    #[arg(long)]
    until_eof: bool,
    /// List the switches and their usual values.
    #[arg(long)]
    knobs: bool,
}

pub fn sandbox(global: &Global, options: &Options) -> Result<u8, Box<Report>> {
    let settings = Settings::parse(&global.set)?;
    if options.knobs {
        print_line(&settings.listed())?;
        return Ok(0);
    }
    let runtime = runtime()?;
    runtime.block_on(async {
        let mut sandbox = Sandbox::start(&settings).await?;
        let program = std::env::current_exe().map_err(|error| {
            Error::new(Kind::Usage, "sandbox.utility", format!("this program does not find itself: {error}"))
        })?;
        sandbox.place_utility(&program)?;
        sandbox.place_certificates()?;
        if options.json {
            print_line(&sandbox.json().to_string())?;
        } else {
            for (name, address) in sandbox.addresses() {
                print_line(&format!("{name}: {address}"))?;
            }
            eprint_line("Ctrl-C stops");
        }
        let mut stop = Stop::new()?;
        stop.asked_or_eof(options.until_eof).await;
        Ok::<_, Error>(())
    })?;
    // A thread that still reads standard input must not hold the program.
    runtime.shutdown_background();
    Ok(0)
}
