//! An agent as `pult.toml` describes it.

use std::fs::DirBuilder;
use std::path::Path;
use std::sync::Arc;

use super::{Agent, Habits, Parts};
use crate::core::context::Context;
use crate::core::state::State;
use crate::error::{Error, Kind, Result};
use crate::services::robot::client::failpoint::Failpoint;
use crate::services::robot::client::http::Client;
use crate::services::robot::client::jobs::Jobs;
use crate::services::robot::client::journal::system_clock;
use crate::services::robot::client::place::{Place, key};
use crate::services::robot::client::survivors::Here;
use crate::services::robot::client::timing::Timing;
use crate::services::robot::client::trouble::code;
use crate::services::robot::client::work::Limits;
use crate::settings::Settings;

const MEGABYTE: u64 = 1 << 20;

impl Agent {
    /// For the connection of this name. Connects to nothing and locks nothing.
    pub fn open(name: &str, settings: &Settings, context: &Context) -> Result<Agent> {
        Agent::open_with(name, settings, context, Client::open(settings, context)?)
    }

    /// The same over a client that is there already.
    pub fn open_with(name: &str, settings: &Settings, context: &Context, client: Client) -> Result<Agent> {
        let timing = Timing::of(settings, client.is_loopback())?;
        let (place, scratch) = match Place::of(settings, context)? {
            Some(place) => (place, None),
            None => {
                let folder = context.scratch();
                make_private(&folder)?;
                (Place::new(folder.join("state.sqlite"), key(client.guid().expose())), Some(folder))
            }
        };
        let state = match scratch.is_some() {
            true => Arc::new(State::at(&place.state)),
            // A hundred robots in one process have one connection to it.
            false => context.shared(&format!("state {}", place.state.display()), || State::at(&place.state)),
        };
        let warn = context.clone();
        Ok(Agent::with(Parts {
            name: name.into(),
            place,
            state,
            timing,
            habits: Habits::of(settings)?,
            limits: limits(settings)?,
            orchestrator: Arc::new(client.clone()),
            workshop: Arc::new(Jobs::open(name, settings, context)?),
            survivors: Arc::new(Here),
            wall: system_clock(),
            failpoint: Failpoint::of(context),
            warn: Arc::new(move |text| warn.warn(text)),
            api: Some(client),
            scratch,
        }))
    }
}

impl Habits {
    pub fn of(settings: &Settings) -> Result<Habits> {
        let is = |name: &str, word: &str| settings.text(name) == Some(word);
        let reruns = settings.integer("max_reruns").unwrap_or(1);
        let reruns = u32::try_from(reruns).map_err(|_| settings.wrong("max_reruns", "it is not a number of times"))?;
        Ok(Habits {
            strict_spacing: settings.flag("strict_spacing"),
            always_stopped: is("stop_result", "always"),
            escalate: settings.flag("stop_escalate") || !settings.has("stop_escalate"),
            reruns: if is("on_interrupt", "rerun") { reruns } else { 0 },
            run_repeats: is("on_repeat", "run"),
            take_texts: is("unreadable_task", "text"),
        })
    }
}

fn limits(settings: &Settings) -> Result<Limits> {
    let positive = |name: &str| match settings.integer(name).map(u64::try_from) {
        Some(Ok(number)) if number > 0 => Ok(Some(number)),
        None => Ok(None),
        Some(_) => Err(settings.wrong(name, "it is not a positive number")),
    };
    let memory = positive("max_memory")?.map(|megabytes| megabytes.saturating_mul(MEGABYTE));
    Ok(Limits { memory, operations: positive("max_operations")? })
}

/// A folder that nobody else may look into.
fn make_private(folder: &Path) -> Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let failed = |error| Error::new(Kind::File, code::JOURNAL, format!("{}: {error}", folder.display()));
    builder.create(folder).map_err(failed)
}
