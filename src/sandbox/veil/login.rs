//! `/auth/`: a session's token for a name and a password.

use serde_json::json;

use super::call::{Call, Fail, must};
use super::call::{Type, may};
use super::site::Page;
use super::text::date;
use super::world::World;

/// Seconds a session lasts when nothing else is said.
const SESSION: f64 = 86_400.0;

pub fn login(world: &mut World, call: &Call) -> Result<Page, Fail> {
    call.check(&[must("username", Type::Text), must("password", Type::Text), may("ldap", Type::Flag)])?;
    let (name, password) = (call.text("username").unwrap_or_default(), call.text("password").unwrap_or_default());
    let place = world.people.iter().position(|person| person.name == name);
    if name != world.knobs.user || password != world.knobs.password {
        if let Some(person) = place.and_then(|place| world.people.get_mut(place)) {
            person.failed += 1;
        }
        // This page is older than the rest and has no list of errors.
        let detail = super::text::text(
            "Unable to log in with provided credentials.",
            "Невозможно войти с предоставленными учетными данными.",
        );
        return Ok(Page::value(400, &json!({"detail": detail.of(call.lang)})));
    }
    let place = place.unwrap_or_default();
    let Some(person) = world.people.get_mut(place) else { return Ok(Page::value(400, &json!({}))) };
    person.failed = 0;
    let person = person.clone();
    let (knobs, now) = (world.knobs.clone(), world.now);
    let token = world.tokens.issue(&knobs, place, &person, now);
    world.counters.logins += 1;
    let life = if knobs.token_life > 0.0 { knobs.token_life } else { SESSION };
    Ok(Page::value(200, &json!({"token": token, "expires_on": date(now + life)})))
}
