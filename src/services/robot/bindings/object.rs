//! `robot` itself: which robot of which Orchestrator.

use rhai::plugin::*;

/// The functions on `robot`.
#[export_module]
pub mod robot {
    use rhai::{Array, ImmutableString, Map};

    use crate::script::bridge::{Thrown, host, throw};
    use crate::services::robot::NAME;
    use crate::services::robot::bindings;

    pub type Robot = super::super::Robot;

    /// The robot that has this name in `pult.toml`.
    ///
    /// ```rhai
    /// let accounts = robot.connect("main");
    /// assert_eq(accounts.name, "main");
    /// ```
    #[rhai_fn(name = "connect", return_raw, pure)]
    pub fn connect(call: NativeCallContext, _robot: &mut Robot, name: &str) -> Thrown<Robot> {
        let opened = bindings::open(&host(&call), Some(name)).or_else(|error| throw(&call, error))?;
        Ok(bindings::Robot(Some(opened)))
    }

    /// A robot described here, with the settings of `pult.toml`.
    ///
    /// ```rhai
    /// let other = robot.connect(#{ address: "http://192.168.1.111:4500", guid: "0f0e0d0c-0b0a-0908-0706-050403020100" });
    /// assert_eq(other.address, "http://192.168.1.111:4500");
    /// ```
    #[rhai_fn(name = "connect", return_raw, pure)]
    pub fn connect_with(call: NativeCallContext, _robot: &mut Robot, settings: Map) -> Thrown<Robot> {
        Robot::described(&host(&call), &settings).or_else(|error| throw(&call, error))
    }

    /// The names of the robots in `pult.toml`.
    ///
    /// ```rhai
    /// assert("main" in robot.connections());
    /// ```
    #[rhai_fn(pure)]
    pub fn connections(call: NativeCallContext, _robot: &mut Robot) -> Array {
        let host = host(&call);
        host.connections.config().connections(NAME).map(|name| ImmutableString::from(name).into()).collect()
    }

    /// The connection's name.
    #[rhai_fn(get = "name", return_raw, pure)]
    pub fn name(call: NativeCallContext, robot: &mut Robot) -> Thrown<String> {
        Ok(robot.opened(&call)?.name.clone())
    }

    /// The Orchestrator: scheme, host and port.
    #[rhai_fn(get = "address", return_raw, pure)]
    pub fn address(call: NativeCallContext, robot: &mut Robot) -> Thrown<String> {
        Ok(robot.opened(&call)?.settings.text("address").unwrap_or_default().to_owned())
    }

    /// As it is printed.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn to_string(_robot: &mut Robot) -> String {
        "robot".into()
    }
}
