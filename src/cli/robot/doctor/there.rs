//! The way from this computer to the Orchestrator, and whether it knows the robot.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use serde_json::Value;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::{Finding, Mark};
use crate::cli::robot::exit;
use crate::core::context::Context;
use crate::core::http::{Http, Waits};
use crate::error::Error;
use crate::services::robot::client::Client;
use crate::services::robot::client::gone::Gone;
use crate::services::robot::client::http::WORDS;
use crate::services::robot::client::orchestrator::Orchestrator;
use crate::services::robot::client::shapes::Beat;
use crate::services::robot::client::trouble::code;
use crate::settings::Settings;

/// Longest wait for a name or for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A clock that is farther off makes the times of logs and deadlines misleading.
const CLOCK: Duration = Duration::from_secs(60);

/// The steps, until one of them leaves nothing to look at.
const STEPS: [&str; 6] = ["dns", "tcp", "tls", "http", "clock", "guid"];

pub async fn look(settings: &Settings, context: &Context, heartbeat: bool) -> Vec<Finding> {
    let client = match Client::open(settings, context) {
        Ok(client) => client,
        Err(error) => return vec![Finding::of("settings", &error)],
    };
    let mut found = vec![Finding::fine("settings", format!("{}, {}", settings.origin, client.address()))];
    if let Some(warning) = client.warning() {
        found.push(Finding::unwise("tls", warning, "set `ca` and remove `insecure`"));
    }
    if walk(settings, &client, heartbeat, &mut found).await.is_none() {
        let reached = STEPS.iter().rposition(|step| found.iter().any(|finding| finding.what == *step));
        let rest = &STEPS[reached.map_or(0, |reached| reached + 1)..];
        let skipped = |step: &&'static str| Finding::new(step, Mark::Skipped, "something before it has to work first");
        found.extend(rest.iter().map(skipped));
    }
    found
}

/// Nothing when a step leaves nothing to look at behind it.
async fn walk(settings: &Settings, client: &Client, heartbeat: bool, found: &mut Vec<Finding>) -> Option<()> {
    let url = Url::parse(client.address()).ok()?;
    // Behind a proxy it is the proxy that has to be found.
    let proxy = settings.text("proxy").filter(|_| !client.is_loopback());
    let whole = proxy.map(|proxy| if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") });
    let next = whole.map_or(Some(url.clone()), |proxy| Url::parse(&proxy).ok())?;
    let host = next.host_str()?.trim_matches(['[', ']']).to_owned();
    let port = next.port_or_known_default()?;
    let whom = if proxy.is_some() { "the proxy " } else { "" };
    let addresses = match timeout(PATIENCE, lookup_host((host.as_str(), port))).await {
        Ok(Ok(addresses)) => addresses.collect::<Vec<_>>(),
        Ok(Err(error)) => return nobody(found, &format!("{whom}{host}: {error}")),
        Err(_) => return nobody(found, &format!("{whom}{host}: no answer of the name server")),
    };
    let Some(first) = addresses.first() else { return nobody(found, &format!("{whom}{host} has no address")) };
    found.push(Finding::fine("dns", format!("{whom}{host} is {}", first.ip())));
    match timeout(PATIENCE, TcpStream::connect(addresses.as_slice())).await {
        Ok(Ok(_)) => found.push(Finding::fine("tcp", format!("{first} takes connections"))),
        failed => {
            let why = failed
                .map_or_else(|_| "no answer".to_owned(), |done| done.map_or_else(|e| e.to_string(), |_| String::new()));
            let next = "is the Orchestrator running, is the port right, does a firewall stand between?";
            found.push(Finding::wrong("tcp", exit::UNREACHABLE, format!("{whom}{first}: {why}"), next));
            return None;
        }
    }
    let date = http(settings, client, &url, found).await?;
    found.push(clock(date));
    let known = guid(client, heartbeat).await;
    found.extend(known);
    Some(())
}

fn nobody(found: &mut Vec<Finding>, said: &str) -> Option<()> {
    let next = "check the host in `address`, and this computer's name server";
    found.push(Finding::wrong("dns", exit::UNREACHABLE, said, next));
    None
}

/// TLS and HTTP with one request that carries no credential; the answer's date.
async fn http(settings: &Settings, client: &Client, url: &Url, found: &mut Vec<Finding>) -> Option<Option<String>> {
    let is_plain = url.scheme() == "http";
    let waits = Waits { answer: 15.0, connect: PATIENCE.as_secs_f64() };
    let asked = async {
        let http = Http::new(settings, &WORDS, waits, client.is_loopback())?;
        let sent = http.client()?.get(url.clone()).send().await;
        sent.map_err(|error| http.broken("the Orchestrator's first page", client.address(), error))
    };
    let answer = match asked.await {
        Ok(answer) => answer,
        Err(error) => {
            let is_tls = !is_plain && error.code() != code::TIMEOUT;
            found.push(Finding::of(if is_tls { "tls" } else { "http" }, &error));
            return None;
        }
    };
    found.push(match (is_plain, client.is_loopback(), settings.flag("insecure")) {
        (true, true, _) => Finding::fine("tls", "not used, and not needed on one computer"),
        (true, false, _) => {
            let said = "not used: the robot's GUID crosses the network readable for everybody";
            Finding::unwise("tls", said, "use an address with https:// where the Orchestrator has one")
        }
        (false, _, true) => Finding::new("tls", Mark::Unwise, "encrypted, but the certificate was not looked at"),
        (false, _, false) => Finding::fine("tls", "the certificate is trusted"),
    });
    let status = answer.status();
    let server = answer.headers().get("server").and_then(|server| server.to_str().ok()).unwrap_or("no name");
    let said = format!("answers {} ({server})", status.as_u16());
    found.push(match status.is_server_error() {
        true => Finding::unwise("http", said, "the Orchestrator has trouble of its own: look at its logs"),
        false => Finding::fine("http", said),
    });
    Some(answer.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned))
}

fn clock(date: Option<String>) -> Finding {
    let theirs = date.as_deref().and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let Some(theirs) = theirs else { return Finding::fine("clock", "the Orchestrator does not tell its time") };
    let apart = Timestamp::now().duration_since(theirs.timestamp()).unsigned_abs();
    match apart > CLOCK {
        true => Finding::unwise(
            "clock",
            format!("{} s apart from the Orchestrator's", apart.as_secs()),
            "set this computer's clock: times in logs and deadlines of tasks mislead",
        ),
        false => Finding::fine("clock", "as the Orchestrator's"),
    }
}

/// Whether the Orchestrator knows the robot: asked without making it ready, or by a heartbeat.
async fn guid(client: &Client, heartbeat: bool) -> Vec<Finding> {
    if heartbeat {
        let beat = client.heartbeat(&Beat::ready(), &Gone::default()).await;
        return vec![match beat {
            Ok(pulse) => {
                let work = if pulse.has_job { "there is a job" } else { "there is no job" };
                Finding::fine("guid", format!("the heartbeat was answered: {work} {}", pulse.text).trim_end())
            }
            Err(error) => Finding::of("guid", &error),
        }];
    }
    vec![match client.record("robot.status", client.guid().expose()).await {
        Ok(record) => Finding::fine("guid", format!("the Orchestrator knows this robot{}", shown_as(&record))),
        Err(error) => unknown(&error),
    }]
}

/// As which the Orchestrator shows the robot, by the number in its record.
fn shown_as(record: &Value) -> String {
    const WORDS: [&str; 4] = ["disconnected", "unlicensed", "ready", "working"];
    let field = record.as_object().into_iter().flatten().find(|(name, _)| name.eq_ignore_ascii_case("status"));
    let number = field.and_then(|(_, value)| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    let word = number.and_then(|number| WORDS.get(usize::try_from(number).ok()?));
    word.map(|word| format!(", as {word}")).unwrap_or_default()
}

fn unknown(error: &Error) -> Finding {
    match error.code() {
        code::NOT_FOUND => Finding::unwise(
            "guid",
            "the Orchestrator has no record of this robot, or no such question",
            "ask it by --heartbeat: the robot is shown as ready then",
        ),
        _ => Finding::of("guid", error),
    }
}
