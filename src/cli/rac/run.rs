//! Carries one command out: one process, one connection, one command.

use std::error::Error as _;

use tokio::runtime::Builder;

use super::manner::Manner;
use super::texts as t;
use crate::core::context::Context;
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::error::{Error, Kind, Result};
use crate::services::rac::client::{Call, Server};
use crate::services::rac::{NAME, SETTINGS};
use crate::settings::{Given, Settings};

/// The utility waits as long as a command takes, and databases are created slowly.
const PATIENCE: f64 = 3600.0;

/// What the utility would print, or the message of the failure.
pub fn run(address: &str, call: Call, manner: &Manner) -> Result<String, String> {
    print(address, call, manner).map_err(|error| message(&error, manner))
}

fn print(address: &str, call: Call, manner: &Manner) -> Result<String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(Kind::Usage, "runtime.failed", error.to_string()))?;
    let context = Context::new(runtime.handle().clone(), Progress::new(false), State::in_memory(), None);
    let server = Server::open(&settings(address, manner)?, &context)?;
    runtime.block_on(server.print(call))
}

fn settings(address: &str, manner: &Manner) -> Result<Settings> {
    let mut settings = Settings::new(NAME);
    for (name, given) in [
        ("address", Given::Text(address.into())),
        ("protocol", Given::Text(manner.protocol.name.into())),
        ("timeout", Given::Number(PATIENCE)),
    ] {
        settings.set(SETTINGS, name, given).map_err(|(wrong, _)| Error::new(Kind::Usage, "rac.settings", wrong))?;
    }
    Ok(settings)
}

/// A server's text as it came; anything else as the utility says it.
fn message(error: &Error, manner: &Manner) -> String {
    let said = error.details().iter().find(|(name, _)| *name == "text").and_then(|(_, text)| text.as_str());
    if let Some(said) = said {
        return said.into();
    }
    match (error.kind(), error.code()) {
        (_, "rac.infobase_not_found") => manner.language.of(t::NO_INFOBASE).into(),
        (Kind::Unavailable | Kind::Protocol | Kind::Timeout, code) => {
            // What the system says of a connection; the rest says itself what is wrong.
            let system = error.source().filter(|_| code == "rac.unreachable").map(ToString::to_string);
            format!("{}\n{}", manner.language.of(t::NO_SERVER), system.unwrap_or_else(|| error.to_string()))
        }
        _ => error.to_string(),
    }
}
