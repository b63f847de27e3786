//! Resources: texts, credentials, calendars.

use jiff::Zoned;
use jiff::civil::Date;
use rhai::plugin::*;
use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext};

use crate::error::{Error, Result};
use crate::script::bridge::{Thrown, throw, wait};
use crate::script::convert;
use crate::script::modules::time;
use crate::script::values::Moment;
use crate::secret::Secret;
use crate::services::robot::client;

/// Days that are worked and days that are not. Cheap to clone.
#[derive(Clone)]
pub struct Calendar(std::sync::Arc<client::Calendar>);

/// A moment of a script, or a text in one of the usual forms.
fn moment(given: &Dynamic) -> Result<Zoned> {
    if let Some(moment) = given.read_lock::<Moment>() {
        return Ok(moment.0.clone());
    }
    match given.read_lock::<ImmutableString>() {
        Some(text) => time::parsed(&text),
        None => Err(Error::input("robot.day", format!("{} is no day", convert::type_name(given)))
            .hint("give a moment, such as time::today(), or a text: \"2026-11-04\"")),
    }
}

fn day(call: &NativeCallContext<'_>, given: &Dynamic) -> Thrown<Zoned> {
    moment(given).or_else(|error| throw(call, error))
}

fn texts<'a>(days: impl IntoIterator<Item = &'a Date>) -> Array {
    days.into_iter().map(|day| day.to_string().into()).collect()
}

/// Resources in scripts.
#[export_module]
pub mod assets {
    pub type Robot = super::super::Robot;
    pub type RobotCalendar = super::Calendar;

    /// The text of a resource, by its name or GUID: a global variable of the robots.
    ///
    /// ```rhai
    /// assert_eq(robot.asset("base_url"), "http://1c.example/base");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn asset(call: NativeCallContext, robot: &mut Robot, name: &str) -> Thrown<String> {
        let api = robot.api(&call)?;
        wait(&call, api.asset_text(name))
    }

    /// Everything that the Orchestrator tells of a resource: a map. A password in it is masked wherever it is printed.
    ///
    /// ```rhai
    /// assert_eq(robot.asset_record("base_url").name, "base_url");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn asset_record(call: NativeCallContext, robot: &mut Robot, name: &str) -> Thrown<Dynamic> {
        let api = robot.api(&call)?;
        Ok(convert::from_value(&wait(&call, api.asset(name))?))
    }

    /// Sets the text of a resource; one that does not exist is made, for all robots.
    ///
    /// ```rhai
    /// robot.set_asset("last_run", "2026-11-22");
    /// assert_eq(robot.asset("last_run"), "2026-11-22");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn set_asset(call: NativeCallContext, robot: &mut Robot, name: &str, text: &str) -> Thrown<()> {
        let api = robot.api(&call)?;
        wait(&call, api.set_asset(name, text)).map(drop)
    }

    /// A login and its password: `#{ login, password, expires }`. From this moment on the password is masked wherever it
    /// is printed or logged; `expires` is `()` where the Orchestrator tells no date.
    ///
    /// ```rhai
    /// let account = robot.credential("1c_login");
    /// assert_eq(account.login, "robot");
    /// assert(account.password.len() > 0);
    /// print(`the password is ${account.password}`);    // the password is ***
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn credential(call: NativeCallContext, robot: &mut Robot, name: &str) -> Thrown<Map> {
        let api = robot.api(&call)?;
        let found = wait(&call, api.credential(name))?;
        let expires = if found.expires.is_empty() { Dynamic::UNIT } else { found.expires.into() };
        Ok(Map::from([
            ("login".into(), found.login.into()),
            ("password".into(), found.password.expose().into()),
            ("expires".into(), expires),
        ]))
    }

    /// Sets login and password of a resource; one that does not exist is made, for all robots.
    ///
    /// ```rhai
    /// robot.set_credential("bank_2", "cashier", "a-new-password-7");
    /// assert_eq(robot.credential("bank_2").login, "cashier");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn set_credential(
        call: NativeCallContext,
        robot: &mut Robot,
        name: &str,
        login: &str,
        password: &str,
    ) -> Thrown<()> {
        let api = robot.api(&call)?;
        let password = Secret::new(password);
        wait(&call, api.set_credential(name, login, &password)).map(drop)
    }

    /// A calendar of working days. Monday to Friday are working days unless it says otherwise.
    ///
    /// ```rhai
    /// let calendar = robot.calendar("calendar");
    /// assert(!calendar.is_working("2026-01-01"));
    /// assert(calendar.is_working("2026-02-21"), "a Saturday that is worked");
    /// assert_eq(calendar.next_working_day("2025-12-31").day, 5);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn calendar(call: NativeCallContext, robot: &mut Robot, name: &str) -> Thrown<RobotCalendar> {
        let api = robot.api(&call)?;
        Ok(Calendar(std::sync::Arc::new(wait(&call, api.calendar(name))?)))
    }

    /// Whether this day (a moment or a text) is worked.
    #[rhai_fn(return_raw, pure)]
    pub fn is_working(call: NativeCallContext, calendar: &mut RobotCalendar, day: Dynamic) -> Thrown<bool> {
        Ok(calendar.0.is_working(super::day(&call, &day)?.date()))
    }

    /// The first working day behind this one: its beginning, in the zone of what was given.
    #[rhai_fn(return_raw, pure)]
    pub fn next_working_day(call: NativeCallContext, calendar: &mut RobotCalendar, day: Dynamic) -> Thrown<Moment> {
        let from = super::day(&call, &day)?;
        let next = calendar.0.next_working(from.date());
        let next = next.and_then(|next| next.to_zoned(from.time_zone().clone()).ok());
        match next {
            Some(next) => Ok(Moment(next)),
            None => {
                let message = format!("no working day follows {} for ten years", from.date());
                throw(&call, Error::input("robot.no_working_day", message))
            }
        }
    }

    /// The days that are worked although they would not be: a list of texts.
    #[rhai_fn(get = "working", pure)]
    pub fn working(calendar: &mut RobotCalendar) -> Array {
        texts(&calendar.0.working)
    }

    /// The days that are not worked although they would be: a list of texts.
    #[rhai_fn(get = "days_off", pure)]
    pub fn days_off(calendar: &mut RobotCalendar) -> Array {
        texts(&calendar.0.off)
    }
}
