//! Bitrix24: a native client of its REST.
//!
//! [`wire`] knows what requests and answers look like and is pure; [`client`] sends them, within the portal's limits,
//! and repeats what may be repeated.

mod bindings;
pub mod client;
pub mod wire;

use rhai::{Engine, Module};

use crate::services::Service;
use crate::settings::{Setting, Type, setting};

/// The section of `pult.toml`, and the object in scripts.
const NAME: &str = "b24";

/// Bitrix24 portals.
pub struct Bitrix24;

impl Service for Bitrix24 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "Bitrix24 portals: lists, calls and batches at the speed their limits allow"
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn page(&self) -> &'static str {
        include_str!("page.md")
    }

    fn register(&self, engine: &mut Engine, globals: &mut Module) {
        bindings::register(engine, globals);
    }
}

/// What a connection may be told, beside what all services take (`read_only`).
pub const SETTINGS: &[Setting] = &[
    setting(
        "webhook",
        Type::Secret,
        "The address of an incoming webhook, as the portal shows it, without a method.",
        "{ env = \"B24_WEBHOOK\" }",
    ),
    setting(
        "plan",
        Type::Choice(&["standard", "enterprise", "box"]),
        "The portal's plan, which sets its limits: 2 requests a second and 50 at once, enterprise 5 and 250, a box none; \
         default standard.",
        "\"standard\"",
    ),
    setting("requests_per_second", Type::Number, "Sustained rate, where it differs from the plan's.", "2"),
    setting("burst", Type::Number, "Requests that may go at once, where they differ from the plan's.", "50"),
    setting(
        "limits",
        Type::Text,
        "With whom the limits are shared: \"file\" (default) with all programs of this computer through the state file, \
         \"alone\" with none, or the address of a Redis or Valkey that all computers behind one address use.",
        "\"redis://redis.company.ru:6379\"",
    ),
    setting(
        "operating_limit",
        Type::Seconds,
        "Seconds of the portal's time that a method may use in ten minutes; default 480, a box none.",
        "480",
    ),
    setting(
        "timeout",
        Type::Seconds,
        "Longest wait for one answer; default 65, since the cloud allows itself 60.",
        "65",
    ),
    setting("insecure", Type::Flag, "Talk to a portal whose certificate cannot be verified, or without one.", "false"),
    setting("ca", Type::Text, "A file with further certificates (PEM) to trust, for a box.", "\"company-ca.pem\""),
    setting("portal", Type::Text, "With OAuth instead of a webhook: the portal.", "\"https://portal.bitrix24.ru\""),
    setting("client_id", Type::Text, "OAuth: the application's id.", "\"local.5f0c8a1d2e3b47\""),
    setting("client_secret", Type::Secret, "OAuth: the application's key.", "{ env = \"B24_CLIENT_SECRET\" }"),
    setting("access_token", Type::Secret, "OAuth: the token of the first login.", "{ env = \"B24_ACCESS_TOKEN\" }"),
    setting(
        "refresh_token",
        Type::Secret,
        "OAuth: renews the access token; renewed pairs are kept in the state file.",
        "{ env = \"B24_REFRESH_TOKEN\" }",
    ),
    setting(
        "auth_server",
        Type::Text,
        "OAuth: where tokens are renewed; default https://oauth.bitrix.info.",
        "\"https://oauth.bitrix.info\"",
    ),
];
