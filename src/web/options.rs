//! What the service was told: `[serve]` of `pult.toml`, checked.

use std::net::IpAddr;

use super::auth::People;
use crate::config::Serve;
use crate::error::{Error, Kind, Result};
use crate::settings::Settings;

/// A shorter token is guessed sooner or later.
const SHORTEST_TOKEN: usize = 16;

/// What becomes of runs when the service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStop {
    Finish,
    Cancel,
}

pub struct Options {
    pub listen: String,
    pub people: People,
    /// Whether states and history are told to those without a token, too.
    pub anyone_reads: bool,
    /// Requests a second of each caller; 0 is no limit.
    pub rate: f64,
    pub burst: f64,
    /// In bytes.
    pub body_limit: usize,
    pub streams: usize,
    pub on_stop: OnStop,
    pub access_log: Option<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub proxy: Option<IpAddr>,
    pub origins: Vec<String>,
    pub ready_database: bool,
}

impl Options {
    /// Nobody has a token, and nobody reads without one.
    pub fn new() -> Result<Options> {
        Ok(Options {
            listen: "127.0.0.1:8080".into(),
            people: People::new()?,
            anyone_reads: false,
            rate: 50.0,
            burst: 100.0,
            body_limit: 64 << 10,
            streams: 100,
            on_stop: OnStop::Finish,
            access_log: None,
            proxy: None,
            origins: Vec::new(),
            ready_database: false,
        })
    }

    /// The error is `config.wrong_value`, or `serve.nobody` where nobody could use the service.
    pub fn read(serve: &Serve) -> Result<Options> {
        let (settings, mut options) = (&serve.settings, Options::new()?);
        if let Some(listen) = settings.text("listen") {
            options.listen = listen.to_owned();
        }
        options.anyone_reads = settings.text("reading") == Some("anyone");
        options.rate = settings.number("rate").unwrap_or(options.rate);
        if options.rate.is_nan() || options.rate < 0.0 {
            return Err(settings.wrong("rate", "it is a number of requests a second; 0 is no limit"));
        }
        options.burst = whole(settings, "burst", 1)?.map_or(options.burst, |burst| burst as f64);
        options.body_limit = whole(settings, "body_limit", 256)?.unwrap_or(options.body_limit);
        options.streams = whole(settings, "streams", 0)?.unwrap_or(options.streams);
        if settings.text("on_stop") == Some("cancel") {
            options.on_stop = OnStop::Cancel;
        }
        options.access_log = settings.text("access_log").map(str::to_owned);
        options.proxy = settings.text("proxy").map(|proxy| address(settings, proxy)).transpose()?;
        options.origins = settings.text("origins").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        options.ready_database = settings.flag("ready_database");
        people(serve, &mut options.people)?;
        match options.people.is_empty() && !options.anyone_reads {
            true => Err(nobody()),
            false => Ok(options),
        }
    }
}

fn people(serve: &Serve, people: &mut People) -> Result<()> {
    for person in &serve.people {
        let wrong = |message: &str| {
            let message = format!("{}: `{}`: {message}", serve.settings.origin, person.user);
            Error::new(Kind::Config, "config.wrong_value", message)
                .hint("make one with a random generator: 32 hexadecimal digits, say")
        };
        let token = person.token.expose();
        if token.chars().count() < SHORTEST_TOKEN {
            return Err(wrong(&format!("the token is shorter than {SHORTEST_TOKEN} characters")));
        }
        if token.trim() != token || token.chars().any(char::is_control) {
            return Err(wrong("the token has blanks at an end, or control characters: no header could carry it"));
        }
        if !people.admit(&person.user, token, person.may_start && !serve.settings.flag("read_only")) {
            return Err(wrong("the token is another user's too"));
        }
    }
    Ok(())
}

fn nobody() -> Error {
    Error::new(Kind::Config, "serve.nobody", "nobody could use the service: there is no token")
        .hint("put one below [serve.tokens] in pult.toml: name = { env = \"PULT_TOKEN\" }; or try it with --sandbox")
}

fn whole(settings: &Settings, name: &str, least: i64) -> Result<Option<usize>> {
    let Some(given) = settings.integer(name) else { return Ok(None) };
    match usize::try_from(given) {
        Ok(number) if given >= least => Ok(Some(number)),
        _ => Err(settings.wrong(name, format!("it is a whole number, and {least} at least"))),
    }
}

fn address(settings: &Settings, text: &str) -> Result<IpAddr> {
    text.parse().map_err(|_| settings.wrong("proxy", format!("`{text}` is not an address such as 10.0.0.1")))
}
