//! Pictures of the screen for whoever looks at the Orchestrator's log.

use rhai::plugin::*;
use rhai::{Dynamic, Map, NativeCallContext};
use serde_json::json;

use super::job::say;
use crate::core::screen as seen;
use crate::render::export;
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::services::robot::client;

/// The screen in scripts.
#[export_module]
pub mod screen {
    pub type Robot = super::super::Robot;

    /// Takes a picture of the screen: keeps it as `screenshot-….png` in the working folder, sends it to the Orchestrator's
    /// storage and says in the log where it is. Gives `#{file, guid}`; `guid` is `()` where the storage did not take it,
    /// which the log then says. All monitors are on it; on Linux those of an X11 display.
    #[rhai_fn(return_raw, pure)]
    pub fn screenshot(call: NativeCallContext, robot: &mut Robot) -> Thrown<Map> {
        screenshot_of(call, robot, "screenshot")
    }

    /// The same with a text for the log: what is to be seen.
    #[rhai_fn(name = "screenshot", return_raw, pure)]
    pub fn screenshot_of(call: NativeCallContext, robot: &mut Robot, text: &str) -> Thrown<Map> {
        let png = wait(&call, seen::png())?;
        let name = jiff::Zoned::now().strftime("screenshot-%Y%m%d-%H%M%S-%3f.png").to_string();
        let full = host(&call).folders.resolve(&name).or_else(|error| throw(&call, error))?;
        export::write_whole(&full, |to| to.write_all(&png))
            .or_else(|error| throw(&call, export::failed(&name, &error)))?;
        let api = robot.api(&call)?;
        let options = client::options(json!({ "name": name, "file": full.to_string_lossy() }));
        // The picture is there; that it could not be sent must not hide what it was taken for.
        let (stored, guid) = match wait(&call, async { Ok(api.make("file.create", &options).await) })? {
            Ok(Some(guid)) => (format!("file {guid} of the storage"), Dynamic::from(guid)),
            Ok(None) => ("in the storage".to_owned(), Dynamic::UNIT),
            Err(error) => (format!("on this computer alone: {error}"), Dynamic::UNIT),
        };
        say(&call, robot, "info", format!("{text} ({name}, {stored})"))?;
        Ok(Map::from([("file".into(), full.to_string_lossy().into_owned().into()), ("guid".into(), guid)]))
    }
}
