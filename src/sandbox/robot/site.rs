//! A request from its arrival to its answer: who asks, what befalls it, what is done.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::asked::Asked;
use super::call::{Answer, Call, Fail, Reply, Who, fail};
use super::counters::Line;
use super::faults::{Fault, Kind};
use super::fields::Fields;
use super::knobs::Which;
use super::page::Page;
use super::routes::{self, Route, Verb};
use super::sim::Sim;
use super::world::World;
use super::{control, shape, view};
use crate::sandbox::http::{Ending, Peer, Site};

/// Characters of bodies and answers that the log keeps.
const LOGGED: usize = 4096;
/// Calls that a removed robot may still make: it reports what it was given.
const REPORTS: [&str; 2] = ["job/update", "log/create"];

impl Site for Sim {
    const TLS: bool = true;

    fn connected(&self) {
        self.world().counters.connections += 1;
    }

    fn max_body(&self) -> usize {
        self.world().knobs.max_body
    }

    fn tls(&self) -> Option<std::sync::Arc<tokio_rustls::rustls::ServerConfig>> {
        let mut world = self.world();
        world.counters.tls_connections += 1;
        let now = world.now;
        let which = match world.faults.handshake(now) {
            Some(Kind::Expired) => Which::Expired,
            Some(Kind::WrongHost) => Which::WrongHost,
            Some(_) => return None,
            None => world.knobs.certificate,
        };
        drop(world);
        self.certificates().ok().map(|certificates| certificates.tls(which))
    }

    fn too_large(&self) -> Ending<Sim> {
        Page::fail(&fail(413, "The body is too large.")).ending()
    }

    async fn answer(&self, peer: Peer, request: hyper::Request<Bytes>) -> Ending<Sim> {
        let asked = Asked::read(peer, &request);
        match asked.path.as_str() {
            "/" if asked.verb == Some(Verb::Get) => return view::page(&mut self.world()).ending(),
            path if path.starts_with("/_sandbox/") => return control::answer(self, &asked).ending(),
            _ => {}
        }
        let active = Active::enter(self);
        let page = self.befallen(&asked).await;
        drop(active);
        page.map_or(Ending::Reset, Page::ending)
    }
}

/// How many requests are worked on at this moment; leaves with the request, also when the client goes away.
struct Active<'a>(&'a Sim);

impl<'a> Active<'a> {
    fn enter(sim: &'a Sim) -> Active<'a> {
        let mut world = sim.world();
        world.counters.active += 1;
        world.counters.max_active = world.counters.max_active.max(world.counters.active);
        Active(sim)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        let mut world = self.0.world();
        world.counters.active = world.counters.active.saturating_sub(1);
    }
}

/// A request that has arrived: what it is, and what is going to befall it.
struct Arrival {
    number: u64,
    wanted: Result<(&'static Route, Call), Fail>,
    faults: Vec<Fault>,
}

impl Sim {
    /// The answer with what befalls it; none is a reset.
    async fn befallen(&self, asked: &Asked) -> Option<Page> {
        let Arrival { number, wanted, faults } = self.world().arrive(asked);
        let latency = self.world().knobs.latency_ms;
        if latency > 0.0 {
            sleep(Duration::from_secs_f64((latency / 1000.0).min(3600.0))).await;
        }
        let main = faults.iter().find(|fault| fault.kind != Kind::Delay);
        let delays = |applied| {
            let meant = faults.iter().filter(move |fault| fault.kind == Kind::Delay && fault.is_applied() == applied);
            meant.map(|fault| fault.seconds.unwrap_or(1.0)).sum()
        };
        self.rest(delays(false)).await;
        let is_done = main.is_none_or(Fault::is_applied);
        let page = match wanted {
            Ok((route, call)) if is_done => {
                let times = if main.is_some_and(|fault| fault.kind == Kind::Duplicate) { 2 } else { 1 };
                let knobs = main.map(|fault| &fault.knobs).filter(|knobs| !knobs.is_empty());
                self.world().carried_out_with(knobs, route, &call, times)
            }
            Ok(_) => Page::json(200, &json!([])),
            Err(fail) => Page::fail(&fail),
        };
        self.rest(delays(true)).await;
        let page = match main {
            Some(fault) => self.harmed(fault, page, asked).await,
            None => Some(page),
        };
        self.world().answered(number, page.as_ref());
        page
    }

    /// Waits for so many seconds of the simulator's clock.
    async fn rest(&self, seconds: f64) {
        if seconds > 0.0 {
            let real = self.world().clock.real(seconds);
            sleep(real).await;
        }
    }

    /// What a fault makes of an answer; none is a reset.
    async fn harmed(&self, fault: &Fault, mut page: Page, asked: &Asked) -> Option<Page> {
        let kind = fault.content_type.clone();
        match fault.kind {
            Kind::Refuse | Kind::Drop => return None,
            Kind::Hang => {
                match fault.seconds {
                    Some(seconds) => self.rest(seconds).await,
                    None => std::future::pending().await,
                }
                return None;
            }
            Kind::Status => {
                let status = fault.status.unwrap_or(500);
                let body = fault.body.clone();
                page = Page::fail(&fail(status, "A fault of the simulator."));
                if let Some(body) = body {
                    page.body = body.into();
                }
            }
            Kind::Html => {
                let body = fault.body.clone();
                page = Page::html(fault.status.unwrap_or(200));
                if let Some(body) = body {
                    page.body = body.into();
                }
            }
            Kind::Empty => page.body = Bytes::new(),
            Kind::Body => {
                let body = fault.body.clone().unwrap_or_default();
                page = Page::text(fault.status.unwrap_or(200), "application/json", body);
            }
            Kind::Set => change(&mut page, |value| put_over(value, fault)),
            Kind::WrongTypes => change(&mut page, shape::wrong_types),
            Kind::TextNumbers => change(&mut page, shape::numbers_as_text),
            Kind::Truncated => page.body.truncate(fault.bytes.unwrap_or(page.body.len() / 2)),
            Kind::Bom => page.body = with_mark(&page.body),
            Kind::Reset => page.cut(fault.bytes.unwrap_or(0)),
            Kind::Drip => {
                let pause = self.world().clock.real(fault.seconds.unwrap_or(1.0));
                page.drip(fault.bytes.unwrap_or(8), pause);
            }
            Kind::Redirect => page = redirect(fault, asked),
            Kind::Delay | Kind::Duplicate | Kind::Knobs | Kind::Expired | Kind::WrongHost => {}
        }
        if let Some(kind) = kind {
            page.kind = kind;
        }
        if let Some(after) = &fault.retry_after {
            let after = after.as_str().map_or_else(|| after.to_string(), str::to_owned);
            page.headers.push(("Retry-After", after));
        }
        Some(page)
    }
}

fn change(page: &mut Page, change: impl FnOnce(&mut Value)) {
    if let Ok(mut value) = serde_json::from_slice(&page.body) {
        change(&mut value);
        page.body = value.to_string().into();
    }
}

fn put_over(value: &mut Value, fault: &Fault) {
    if let Value::Object(fields) = value {
        fields.retain(|name, _| !fault.unset.contains(name));
        fields.extend(fault.fields.clone());
    }
}

fn with_mark(body: &Bytes) -> Bytes {
    [b"\xef\xbb\xbf", &body[..]].concat().into()
}

/// To this server under its other name, to itself, or to where the fault says.
fn redirect(fault: &Fault, asked: &Asked) -> Page {
    let port = asked.host.rsplit_once(':').map_or("80", |(_, port)| port);
    let scheme = if asked.tls { "https" } else { "http" };
    let to = match fault.to.as_deref().unwrap_or("other") {
        "other" if asked.host.starts_with("localhost") => format!("{scheme}://127.0.0.1:{port}{}", asked.path),
        "other" => format!("{scheme}://localhost:{port}{}", asked.path),
        "same" => format!("{scheme}://{}{}?redirected=1", asked.host, asked.path),
        to => to.to_owned(),
    };
    let mut page = Page::text(fault.status.unwrap_or(307), "text/html", "");
    page.headers.push(("Location", to));
    page
}

impl World {
    /// Looks at a request, writes it down and says what will befall it.
    fn arrive(&mut self, asked: &Asked) -> Arrival {
        let is_there = |name: &str| self.knobs.lists || !routes::UNDOCUMENTED.contains(&name);
        let found = routes::find(&asked.path).filter(|(route, _)| is_there(route.name));
        let name = found.as_ref().map_or("(unknown)", |(route, _)| route.name);
        let (fields, unreadable) = match asked.fields() {
            Ok(fields) => (fields, None),
            Err(why) => (Fields::default(), Some(fail(400, why))),
        };
        let credential = asked.credential();
        let who = self.who(name, &credential, &fields);
        let robot = fields.any(&["RobotGUID"]).or(credential.clone().ok()).unwrap_or_default();
        let now = self.now;
        let faults = self.faults.struck(name, &robot, &fields, now);
        let line = self.line(asked, name, &robot, &fields, who.is_ok(), &faults);
        let number = line.number;
        self.log.push(line);
        self.counters.requests += 1;
        *self.counters.requests_by_route.entry(name.to_owned()).or_insert(0) += 1;
        for fault in &faults {
            *self.counters.faults.entry(fault.kind.word()).or_insert(0) += 1;
        }
        let is_lost = faults.iter().any(|fault| !fault.is_harmless());
        let is_last_word = faults.iter().any(Fault::is_last_word);
        let wanted = match (who, found, unreadable) {
            (Err(why), ..) => {
                self.watch_unauthorized(name, &why.message);
                Err(why)
            }
            (_, None, _) => Err(absent_route(&asked.path)),
            (Ok(who), Some((route, keys)), unreadable) => {
                let call = Call { who, keys, fields, now, is_lost };
                self.watch_arrival(name, &call, is_last_word);
                self.verb(asked, route).and(unreadable.map_or(Ok(()), Err)).map(|()| (route, call))
            }
        };
        Arrival { number, wanted, faults }
    }

    /// Who asks, by the header and, for a robot's own calls, the field that says the same.
    fn who(&self, route: &str, credential: &Result<String, &'static str>, fields: &Fields) -> Result<Who, Fail> {
        let guid = credential.as_ref().map_err(|why| fail(401, format!("Unauthorized: {why}.")))?;
        let robot = self.robots.by_guid(guid).and_then(|id| self.robots.get(id));
        if matches!(route, "robot/heartbeat" | "robot/consumeNextJob") {
            let named = fields.text("RobotGUID").unwrap_or_default();
            if !named.trim().eq_ignore_ascii_case(guid) {
                return Err(fail(401, "Unauthorized: RobotGUID and the authorization differ."));
            }
            return Ok(robot.map_or(Who::Unknown, |robot| Who::Robot(robot.base.id)));
        }
        match robot {
            Some(robot) if !robot.deleted || REPORTS.contains(&route) => Ok(Who::Robot(robot.base.id)),
            _ if self.knobs.api_key.eq_ignore_ascii_case(guid) => Ok(Who::Account),
            _ => Err(fail(401, "Unauthorized: neither a robot's GUID nor the account's key.")),
        }
    }

    /// Whether an address is asked in one of its ways.
    fn verb(&self, asked: &Asked, route: &Route) -> Result<(), Fail> {
        let allowed = if self.knobs.strict_verbs { &route.verbs[..1] } else { route.verbs };
        let not_allowed = || {
            let allowed: Vec<&str> = allowed.iter().map(|verb| verb.word()).collect();
            let allowed = allowed.join(", ");
            fail(405, format!("The {} method is not supported for this route: {allowed}.", asked.word))
        };
        if asked.verb == Some(Verb::Put) && route.name == "job/update" && self.knobs.put_status != 0 {
            return Err(match self.knobs.put_status {
                404 => absent_route(&asked.path),
                405 => fail(405, "The PUT method is not supported for this route: POST."),
                status => fail(status, "A fault of the simulator."),
            });
        }
        asked.verb.filter(|verb| allowed.contains(verb)).map(|_| ()).ok_or_else(not_allowed)
    }

    fn line(
        &mut self,
        asked: &Asked,
        route: &str,
        robot: &str,
        fields: &Fields,
        auth_ok: bool,
        faults: &[Fault],
    ) -> Line {
        self.requests += 1;
        Line {
            number: self.requests,
            at: self.now,
            seconds: self.clock.seconds(self.now),
            took: 0.0,
            route: route.to_owned(),
            method: asked.word.clone(),
            path: asked.path.clone(),
            host: asked.host.clone(),
            tls: asked.tls,
            content_type: asked.content_type.clone(),
            robot: robot.to_owned(),
            fields: fields.listed(),
            body: cut(&asked.body),
            authorized: !asked.authorization.is_empty(),
            auth_ok,
            status: 0,
            answer: String::new(),
            faults: faults.iter().map(|fault| fault.kind.word()).collect(),
        }
    }

    /// Writes down how a request ended.
    fn answered(&mut self, number: u64, page: Option<&Page>) {
        let now = self.now;
        *self.counters.statuses.entry(page.map_or(0, |page| page.status)).or_insert(0) += 1;
        let Some(line) = self.log.newest_first().find(|line| line.number == number) else { return };
        line.took = now - line.at;
        if let Some(page) = page {
            (line.status, line.answer) = (page.status, cut(&page.body));
        }
    }

    /// The same with other knobs for once.
    fn carried_out_with(
        &mut self,
        changes: Option<&Map<String, Value>>,
        route: &Route,
        call: &Call,
        times: usize,
    ) -> Page {
        let other = changes.and_then(|changes| self.knobs.merged(&Value::Object(changes.clone())).ok());
        let usual = other.map(|knobs| std::mem::replace(&mut self.knobs, knobs));
        let page = self.carried_out(route, call, times);
        if let Some(usual) = usual {
            self.knobs = usual;
        }
        page
    }

    /// Does what is asked, and dresses the answer.
    fn carried_out(&mut self, route: &Route, call: &Call, times: usize) -> Page {
        let mut answer: Answer = Ok(Reply::Done);
        for _ in 0..times {
            answer = (route.act)(self, call);
        }
        let mut page = match answer {
            Ok(Reply::Json(value)) => Page::json(200, &shape::outer(&self.knobs, value)),
            Ok(Reply::Done) => Page::text(200, "application/json", self.knobs.update_body.clone()),
            Ok(Reply::Text(text)) => Page::text(200, "application/json", text),
            Ok(Reply::File(name, content)) => return Page::file(&name, content),
            Err(fail) => Page::fail(&fail),
        };
        if self.knobs.bom {
            page.body = with_mark(&page.body);
        }
        page
    }
}

fn absent_route(path: &str) -> Fail {
    fail(404, format!("The route {} could not be found.", path.trim_start_matches('/')))
}

fn cut(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).chars().take(LOGGED).collect()
}
