//! One administration server: its settings, its transport, its calls.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use jiff::tz::TimeZone;

use super::call::{Call, Reply};
use super::complete::{Named, Names, asking};
use super::ras::{Pool, Ras, Timeouts};
use super::utility::{self, Utility};
use crate::core::context::Context;
use crate::core::rows::Rows;
use crate::core::stats::Counters;
use crate::error::{Error, Kind, Result};
use crate::services::rac::NAME;
use crate::services::rac::table::{Answer, Thing, VERSIONS, Version, Who};
use crate::services::rac::wire::codec::Value;
use crate::services::rac::wire::packet;
use crate::services::rac::wire::parse::{Printed, Style};
use crate::settings::Settings;

/// Where `ras` listens when nobody says otherwise.
const ADDRESS: &str = "localhost";
const PORT: u16 = 1545;

/// A server; cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

pub(super) struct Inner {
    pub address: String,
    transport: Transport,
    pub cluster: Option<String>,
    /// User and password of each kind that the connection has.
    pub credentials: Vec<(Who, Option<String>, Option<String>)>,
    zone: TimeZone,
    read_only: bool,
    origin: String,
    context: Context,
    counters: Arc<Counters>,
    pub clusters: Mutex<Option<Vec<Named>>>,
}

enum Transport {
    Ras(Ras),
    Utility(Utility),
}

impl Server {
    /// Reads the settings; makes no connection.
    pub fn open(settings: &Settings, context: &Context) -> Result<Server> {
        let address =
            address(settings.text("address").unwrap_or(ADDRESS)).map_err(|why| settings.wrong("address", why))?;
        let most = settings.integer("connections").unwrap_or(8);
        let most = usize::try_from(most).ok().filter(|most| (1..=256).contains(most));
        let most = most.ok_or_else(|| settings.wrong("connections", "it is a number from 1 to 256"))?;
        let zone = match settings.text("time_zone") {
            None => TimeZone::system(),
            Some(name) => {
                TimeZone::get(name).map_err(|_| settings.wrong("time_zone", format!("there is no zone {name}")))?
            }
        };
        let credential = |who, user, password| {
            let user = settings.text(user).map(str::to_owned);
            let password = settings.secret(password).map(|secret| secret.expose().to_owned());
            (user.is_some() || password.is_some()).then_some((who, user, password))
        };
        let transport = match settings.text("transport") {
            Some("utility") => Transport::Utility(Utility::open(settings)?),
            _ => Transport::Ras(Ras::new(Pool::new(address.clone(), versions(settings), timeouts(settings), most))),
        };
        Ok(Server(Arc::new(Inner {
            address,
            transport,
            cluster: settings.text("cluster").map(str::to_owned),
            credentials: [
                credential(Who::Agent, "agent_user", "agent_pwd"),
                credential(Who::Cluster, "cluster_user", "cluster_pwd"),
                credential(Who::Infobase, "infobase_user", "infobase_pwd"),
            ]
            .into_iter()
            .flatten()
            .collect(),
            zone,
            read_only: settings.flag("read_only"),
            origin: settings.origin.clone(),
            context: context.clone(),
            counters: context.counters(NAME),
            clusters: Mutex::default(),
        })))
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Where the server's clock hangs.
    pub fn zone(&self) -> &TimeZone {
        &self.0.zone
    }

    /// Carries a command out: names become ids, the only cluster is meant where none is named.
    pub async fn run(&self, call: Call) -> Result<Reply> {
        self.run_with(call, &Names::default()).await
    }

    async fn run_with(&self, mut call: Call, names: &Names) -> Result<Reply> {
        let server = &*self.0;
        server.refuse_changes(&call)?;
        server.complete(&mut call, names).await?;
        let told = || format!("rac {}: {}", server.address, call.shown());
        if call.command.changes() && server.context.only_tells(told) {
            return Ok(Reply::Nothing);
        }
        let reply = server.ask(&call).await;
        let is_gone = reply.as_ref().is_err_and(|error| error.code() == "rac.cluster_not_found");
        if is_gone || (call.mode.name == "cluster" && call.command.changes()) {
            // Clusters may be others now.
            *server.clusters.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = None;
        }
        reply
    }

    /// Carries a command out as it stands, and gives what the utility would print.
    pub async fn print(&self, mut call: Call) -> Result<String> {
        let server = &*self.0;
        server.find_infobase(&mut call, &Names::default()).await?;
        server.count();
        let answered = match &server.transport {
            Transport::Ras(ras) => ras.run(&call, true).await?,
            Transport::Utility(utility) => {
                let text = utility.ask(&server.address, &call).await?;
                return Ok(text.replace("\r\n", "\n"));
            }
        };
        match call.command.answer {
            Answer::Nothing => Ok(String::new()),
            Answer::Text => Ok(format!("{}\n", answered.text()?)),
            Answer::Id(key) => Ok(format!("{key} : {}\n", answered.text()?)),
            Answer::One(_) | Answer::Many(_) => answered.print(&call, false),
            Answer::Columns(_) => answered.print(&call, true),
        }
    }

    /// Carries many calls out, at most `at_once` of them side by side; the outcomes stand in the order of the calls. A
    /// failed one harms no other.
    pub async fn run_many(&self, calls: Vec<Call>, at_once: usize, done: impl Fn()) -> Vec<Result<Reply>> {
        let names = &Names::default();
        let runs = calls.into_iter().map(|call| async {
            let outcome = self.run_with(call, names).await;
            done();
            outcome
        });
        futures_util::stream::iter(runs).buffered(at_once.max(1)).collect().await
    }
}

impl Inner {
    /// Refuses changes on a connection that may only read.
    fn refuse_changes(&self, call: &Call) -> Result<()> {
        if self.read_only && call.command.changes() {
            let message = format!("rac::{} changes something, and {} is read-only", call.name(), self.origin);
            return Err(Error::new(Kind::Refused, "rac.read_only", message)
                .hint("remove `read_only` from the connection, or use another one"));
        }
        Ok(())
    }

    fn count(&self) {
        self.counters.requests.add(1);
        self.counters.calls.add(1);
    }

    async fn ask(&self, call: &Call) -> Result<Reply> {
        self.count();
        match &self.transport {
            Transport::Ras(ras) => {
                let answered = ras.run(call, false).await?;
                match call.command.answer {
                    Answer::Nothing => Ok(Reply::Nothing),
                    Answer::Text => Ok(Reply::Text(answered.text()?)),
                    Answer::Id(_) => Ok(Reply::Id(answered.text()?)),
                    Answer::One(_) | Answer::Many(_) | Answer::Columns(_) => {
                        self.rows(call, answered.rows(call, &self.zone)?)
                    }
                }
            }
            Transport::Utility(utility) => {
                let text = utility.ask(&self.address, call).await?;
                let style = if call.raw { Style::Raw } else { Style::Typed(&self.zone) };
                match utility::read(call, &text, style)? {
                    Printed::Nothing => Ok(Reply::Nothing),
                    Printed::Text(text) => Ok(Reply::Text(text)),
                    Printed::Id(id) => Ok(Reply::Id(id.to_string())),
                    Printed::Rows(rows) => self.rows(call, rows),
                }
            }
        }
    }

    fn rows(&self, call: &Call, rows: Rows) -> Result<Reply> {
        self.counters.rows.add(rows.len());
        match (call.command.answer, call.wants_licenses()) {
            (Answer::One(record), false) => rows.get(0).map(Reply::Row).ok_or_else(|| nothing(call, record.name)),
            _ => Ok(Reply::Rows(rows)),
        }
    }

    /// Ids and names of all things of a kind.
    pub async fn named(&self, call: &Call, thing: Thing) -> Result<Vec<Named>> {
        let Some(asking) = asking(thing, call) else { return Ok(Vec::new()) };
        self.counters.requests.add(1);
        let answered = match &self.transport {
            Transport::Ras(ras) => ras.run(&asking, true).await?,
            Transport::Utility(utility) => {
                return utility::named(&asking, &utility.ask(&self.address, &asking).await?);
            }
        };
        let record = answered.record().map(|(record, _)| record);
        let place = |name: &str| record?.slots(answered.version).position(|slot| slot.name == name);
        let mut named = Vec::new();
        answered.each(|values| {
            if let (Some(Value::Uuid(id)), Some(Value::Text(name))) =
                (values.first(), place("name").map(|at| &values[at]))
            {
                named.push(Named { id: *id, name: name.to_string() });
            }
            Ok(())
        })?;
        Ok(named)
    }
}

/// The list holds none of the id or name that was asked for.
fn nothing(call: &Call, what: &str) -> Error {
    let code = format!("rac.{}_not_found", what.replace([' ', '-'], "_"));
    Error::new(Kind::NotFound, code, format!("rac::{}: there is no such {what}", call.name()))
        .hint("the list command of the same name shows what there is")
}

/// `host:port` of an address that may lack the port: `srv1`, `srv1:1545`, `[fe80::1]:1545`, `fe80::1`.
pub fn address(text: &str) -> std::result::Result<String, String> {
    let text = text.trim();
    let wrong = || format!("\"{text}\" is not host:port");
    let (host, port) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, behind) = inner.split_once(']').ok_or_else(wrong)?;
            (host, if behind.is_empty() { None } else { Some(behind.strip_prefix(':').ok_or_else(wrong)?) })
        }
        // More colons without brackets are an address of IPv6 alone.
        None if text.matches(':').count() > 1 => (text, None),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None => PORT,
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("{port} is no port"))?,
    };
    let is_strange = |c: char| c.is_whitespace() || matches!(c, '/' | '@' | '?' | '#' | '[' | ']');
    match host.contains(':') {
        _ if host.is_empty() || host.contains(is_strange) => Err(wrong()),
        true => Ok(format!("[{host}]:{port}")),
        false => Ok(format!("{host}:{port}")),
    }
}

/// What is asked for, the first wish first.
fn versions(settings: &Settings) -> Vec<Version> {
    match settings.text("protocol").and_then(packet::version_of) {
        None => VERSIONS.to_vec(),
        Some(first) => {
            std::iter::once(first).chain(VERSIONS.iter().copied().filter(|version| *version < first)).collect()
        }
    }
}

fn timeouts(settings: &Settings) -> Timeouts {
    let seconds = |name: &str, otherwise: f64| {
        Duration::try_from_secs_f64(settings.number(name).unwrap_or(otherwise)).unwrap_or(Duration::MAX)
    };
    Timeouts { connect: seconds("connect_timeout", 5.0), answer: seconds("timeout", 60.0) }
}
