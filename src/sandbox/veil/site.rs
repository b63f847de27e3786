//! A request from its arrival to its answer: faults, who asks, what is asked, whether it was asked before.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::sleep;

use super::asked::Asked;
use super::call::{Answer, Call, Fail, Reply, fail};
use super::counters::Line;
use super::ids::Id;
use super::keys::Kept;
use super::kind::Kind;
use super::out::Want;
use super::routes::{Verb, Way, way};
use super::sim::Sim;
use super::tasks::Status;
use super::text::{Lang, text};
use super::world::World;
use super::{control, list, login, media, show, swagger, upgrade};
use crate::sandbox::http::{Ending, Peer, Site};

/// An answer before it is sent.
pub struct Page {
    pub status: u16,
    pub kind: &'static str,
    pub location: Option<String>,
    pub body: Bytes,
}

impl Page {
    pub fn json(status: u16, body: Vec<u8>) -> Page {
        Page { status, kind: "application/json", location: None, body: body.into() }
    }

    pub fn html(status: u16, body: &'static str) -> Page {
        Page { status, kind: "text/html", location: None, body: Bytes::from_static(body.as_bytes()) }
    }

    pub fn value(status: u16, value: &Value) -> Page {
        Page::json(status, value.to_string().into_bytes())
    }

    pub fn fail(world: &World, fail: &Fail, lang: Lang) -> Page {
        Page::value(fail.status, &fail.body(lang, &world.knobs.field_errors))
    }

    /// A header that cannot be sent resets.
    pub fn ending(self) -> Ending<Sim> {
        let mut response = Response::builder().status(self.status).header(CONTENT_TYPE, self.kind);
        if let Some(location) = self.location {
            response = response.header(LOCATION, location);
        }
        response.body(Full::new(self.body)).map_or(Ending::Reset, Ending::Answer)
    }
}

/// What is to be said now, or when a task ends.
enum Step {
    Said(Page),
    Wait(Id, Option<Id>),
}

/// What befalls a request.
#[derive(Clone, Copy, PartialEq)]
enum Harm {
    Maintenance,
    Starting,
    Internal,
    Unauthorized,
    Hang,
    Reset,
}

impl Site for Sim {
    const TLS: bool = true;

    fn connected(&self) {
        self.world().counters.connections += 1;
    }

    fn max_body(&self) -> usize {
        self.world().knobs.max_body
    }

    fn tls(&self) -> Option<std::sync::Arc<tokio_rustls::rustls::ServerConfig>> {
        self.world().counters.tls_connections += 1;
        self.certificate().ok().map(|certificate| certificate.tls.clone())
    }

    fn too_large(&self) -> Ending<Sim> {
        Page::html(413, "<html><body><h1>413 Request Entity Too Large</h1></body></html>").ending()
    }

    async fn answer(&self, peer: Peer, mut request: hyper::Request<Bytes>) -> Ending<Sim> {
        let asked = Asked::read(peer, &request);
        if asked.path.starts_with("/_sandbox/") {
            return control::answer(self, &asked).ending();
        }
        let active = Active::enter(self);
        let latency = self.world().knobs.latency_ms;
        pause(latency).await;
        if asked.path == "/ws/" || asked.path == "/ws" {
            return upgrade::upgraded(self, &asked, &mut request);
        }
        let arrived = self.now();
        let page = self.befallen(&asked).await;
        let mut world = self.world();
        let (status, bytes) = page.as_ref().map_or((0, 0), |page| (page.status, page.body.len()));
        *world.counters.statuses.entry(status).or_insert(0) += 1;
        world.counters.bytes_sent += bytes as u64;
        world.counters.bytes_received += asked.bytes() as u64;
        let ms = (self.now() - arrived) * 1000.0;
        world.log.push(Line { verb: asked.word.clone(), path: asked.logged(), status, at: arrived, ms, bytes });
        drop(world);
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

async fn pause(ms: f64) {
    if ms > 0.0 {
        sleep(Duration::from_secs_f64(ms / 1000.0)).await;
    }
}

impl Sim {
    /// The answer with what befalls it; none is a reset.
    async fn befallen(&self, asked: &Asked) -> Option<Page> {
        let (harm, slow) = {
            let mut world = self.world();
            let pattern = pattern(asked);
            world.counters.asked(&asked.word, &pattern);
            let slow = world.befalls(asked) && world.strikes("slow", |faults| &mut faults.slow);
            (world.harm(asked), if slow { world.knobs.faults.slow_ms as f64 } else { 0.0 })
        };
        pause(slow).await;
        match harm {
            None => {}
            Some(Harm::Hang) => std::future::pending().await,
            Some(Harm::Reset) => return None,
            Some(harm) => return Some(harmed(harm, asked.lang)),
        }
        let mut page = self.done(asked).await;
        let mut world = self.world();
        if world.befalls(asked) {
            if world.strikes("reset_after", |faults| &mut faults.reset_after) {
                return None;
            }
            if world.strikes("truncated", |faults| &mut faults.truncated) {
                page.body.truncate(page.body.len() / 2);
            }
        }
        Some(page)
    }

    /// Does what is asked, and waits for it when the caller does.
    async fn done(&self, asked: &Asked) -> Page {
        let step = self.world().step(asked);
        let (task, entity) = match step {
            Step::Said(page) => return page,
            Step::Wait(task, entity) => (task, entity),
        };
        loop {
            let left = {
                let world = self.world();
                match world.tasks.get(task).filter(|task| task.is_running()) {
                    None => return world.finished(task, entity, asked.lang),
                    Some(task) => task.ends - world.now,
                }
            };
            // A group has no end of its own, and any task may be canceled.
            const LONGEST: f64 = 0.05;
            sleep(Duration::from_secs_f64(left.clamp(0.001, LONGEST))).await;
        }
    }
}

/// The pattern of a request's address, for the counters.
fn pattern(asked: &Asked) -> String {
    let api = asked.path.strip_prefix("/api/").zip(asked.verb);
    match api.and_then(|(path, verb)| way(verb, path)) {
        Some((way, _)) => way.pattern(),
        None => match asked.path.split('/').nth(1) {
            Some("api") => "(unknown)".to_owned(),
            Some(first @ ("auth" | "upload" | "download")) => format!("/{first}/"),
            _ => "(unknown)".to_owned(),
        },
    }
}

fn harmed(harm: Harm, lang: Lang) -> Page {
    let said = match harm {
        Harm::Maintenance => fail(418, "418", text("The controller is being upgraded.", "Контроллер обновляется.")),
        Harm::Starting => return Page::html(503, "<html><body><h1>503 Service Unavailable</h1></body></html>"),
        Harm::Unauthorized => {
            let said = "{'errors': [{'detail': 'Signature has expired.', 'code': 'invalid'}]}";
            return Page::value(401, &json!(said));
        }
        _ => fail(500, "50000", text("Internal server error.", "Внутренняя ошибка сервера.")),
    };
    Page::value(said.status, &said.body(lang, ""))
}

impl World {
    /// Whether this request is one of those that faults befall.
    fn befalls(&self, asked: &Asked) -> bool {
        let faults = &self.knobs.faults;
        asked.path.contains(&faults.path) && (faults.verb.is_empty() || faults.verb.eq_ignore_ascii_case(&asked.word))
    }

    /// What befalls a request before anything is done.
    fn harm(&mut self, asked: &Asked) -> Option<Harm> {
        if !self.befalls(asked) {
            return None;
        }
        if self.strikes("hang", |faults| &mut faults.hang) {
            return Some(Harm::Hang);
        }
        if self.strikes("reset_before", |faults| &mut faults.reset_before) {
            return Some(Harm::Reset);
        }
        if self.strikes("maintenance", |faults| &mut faults.maintenance) {
            return Some(Harm::Maintenance);
        }
        if self.strikes("starting", |faults| &mut faults.starting) {
            return Some(Harm::Starting);
        }
        if self.strikes("internal", |faults| &mut faults.internal) {
            return Some(Harm::Internal);
        }
        self.strikes("unauthorized", |faults| &mut faults.unauthorized).then_some(Harm::Unauthorized)
    }

    /// The first step of a request: all of it, unless the caller waits for a task.
    fn step(&mut self, asked: &Asked) -> Step {
        self.tried(asked).unwrap_or_else(|fail| Step::Said(Page::fail(self, &fail, asked.lang)))
    }

    fn tried(&mut self, asked: &Asked) -> Result<Step, Fail> {
        let mut parts = asked.path.strip_prefix('/').unwrap_or_default().splitn(2, '/');
        let (first, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let id = rest.trim_end_matches('/');
        match (first, asked.verb) {
            ("api", _) => self.api(asked, rest),
            ("auth", Some(Verb::Post)) => login::login(self, &asked.call(None, asked.fields()?, 0)).map(Step::Said),
            // Addresses of files are secrets of their own.
            ("upload", Some(Verb::Post)) => self.said(media::upload, &asked.call(Some(id), Map::new(), 0)),
            ("download", Some(Verb::Get)) => self.said(media::download, &asked.call(Some(id), Map::new(), 0)),
            _ => Ok(Step::Said(Page::html(404, "<html><body><h1>404 Not Found</h1></body></html>"))),
        }
    }

    fn said(&mut self, act: fn(&mut World, &Call) -> Answer, call: &Call) -> Result<Step, Fail> {
        Ok(Step::Said(match act(self, call)? {
            Reply::File(body) => Page { status: 200, kind: "application/octet-stream", location: None, body },
            Reply::Json(body) => Page::json(200, body),
            Reply::Job(..) => Page::json(200, b"{}".to_vec()),
        }))
    }

    fn api(&mut self, asked: &Asked, path: &str) -> Result<Step, Fail> {
        let (knobs, now) = (self.knobs.clone(), self.now);
        let user = self.tokens.check(&asked.authorization, &knobs, now)?;
        let Some((way, id)) = asked.verb.and_then(|verb| way(verb, path)) else { return self.nowhere(asked, path) };
        if asked.verb != Some(Verb::Get) && self.people.get(user).is_none_or(|person| person.read_only) {
            let (en, ru) =
                ("You do not have permission to perform this action.", "Недостаточно прав для этого действия.");
            return Err(fail(403, "permission_denied", text(en, ru)));
        }
        let call = asked.call(id, asked.fields()?, user);
        match way {
            Way::Swagger => Ok(Step::Said(Page::value(200, &swagger::document(self)))),
            Way::List(kind) => list::list(self, &call, kind).map(said),
            Way::Info(kind) => {
                let id = call.target(self, kind)?;
                Reply::object(self, &call, kind, id).map(said)
            }
            Way::To(route) if route.verb == Verb::Get => (route.act)(self, &call).map(said),
            Way::To(route) => {
                if let Some(step) = self.replayed(asked, &call) {
                    return Ok(step);
                }
                call.check(route.body)?;
                self.vanish(route.path, &call);
                let reply = (route.act)(self, &call)?;
                self.counters.writes += 1;
                Ok(self.written(asked, &call, reply))
            }
        }
    }

    /// No such address, or not with this verb.
    fn nowhere(&self, asked: &Asked, path: &str) -> Result<Step, Fail> {
        if asked.verb == Some(Verb::Get) && !path.ends_with('/') && way(Verb::Get, &format!("{path}/")).is_some() {
            let location = Some(asked.with_slash());
            return Ok(Step::Said(Page { status: 301, kind: "text/html", location, body: Bytes::new() }));
        }
        let other = [Verb::Get, Verb::Post, Verb::Put].into_iter().any(|verb| way(verb, path).is_some());
        if other {
            let word = &asked.word;
            let (en, ru) = (format!("Method \"{word}\" not allowed."), format!("Метод \"{word}\" не разрешен."));
            return Err(fail(405, "method_not_allowed", text(en, ru)));
        }
        let status = self.knobs.unknown_url_status;
        Err(fail(status, "50004", text("URL is not found.", "URL не найден.")))
    }

    /// A machine may be gone when something is to be done to it.
    fn vanish(&mut self, path: &str, call: &Call) {
        if path.starts_with("domains/{id}/")
            && let Ok(id) = call.target(self, Kind::Domain)
            && self.strikes("domain_vanishes", |faults| &mut faults.domain_vanishes)
        {
            self.remove_domain(id, true);
        }
    }

    /// The key of a request whose key counts.
    fn key<'a>(&self, asked: &Asked, call: &'a Call) -> Option<&'a str> {
        let counts = asked.verb == Some(Verb::Post) || self.knobs.key_on_put;
        call.text("idempotency_key").filter(|key| counts && !key.is_empty())
    }

    /// What the same request was answered before.
    fn replayed(&mut self, asked: &Asked, call: &Call) -> Option<Step> {
        let key = self.key(asked, call)?;
        let kept = self.keys.get(call.user, key, self.now, self.knobs.key_life)?;
        self.counters.replays += 1;
        Some(match kept {
            Kept::Said { status, body } => Step::Said(Page::json(status, body)),
            Kept::Doing { task, entity } => Step::Wait(task, entity),
        })
    }

    /// The first step after a write, remembered by its key.
    fn written(&mut self, asked: &Asked, call: &Call, reply: Reply) -> Step {
        let is_async = asked.param("async").and_then(super::call::truth_word) == Some(true);
        let (kept, step) = match reply {
            Reply::File(body) => {
                return Step::Said(Page { status: 200, kind: "application/octet-stream", location: None, body });
            }
            Reply::Json(body) => (Kept::Said { status: 200, body: body.clone() }, Step::Said(Page::json(200, body))),
            Reply::Job(job, entity) => {
                let task = self.begin(job, call.user);
                match is_async {
                    false => (Kept::Doing { task, entity }, Step::Wait(task, entity)),
                    true => {
                        let body = self.accepted(task, entity, call);
                        (Kept::Said { status: 202, body: body.clone() }, Step::Said(Page::json(202, body)))
                    }
                }
            }
        };
        if let Some(key) = self.key(asked, call) {
            let key = key.to_owned();
            self.keys.keep(call.user, key, self.now, self.knobs.key_life, kept);
        }
        step
    }

    /// The body of a 202.
    fn accepted(&self, task: Id, entity: Option<Id>, call: &Call) -> Vec<u8> {
        let mut body = b"{".to_vec();
        if let Some(entity) = entity {
            body.extend(b"\"entity\":");
            super::out::id(&mut body, Some(entity));
            body.push(b',');
        }
        body.extend(b"\"_task\":");
        show::object(self, Kind::Task, task, &call.want(self, true), &mut body);
        body.push(b'}');
        body
    }

    /// The answer to a caller who waited for a task: the object the work was about.
    fn finished(&self, task: Id, entity: Option<Id>, lang: Lang) -> Page {
        let Some(task) = self.tasks.get(task) else { return Page::value(200, &json!({})) };
        if !matches!(task.status, Status::Success) {
            let why = if task.error.of(lang).is_empty() {
                text("The task was stopped.", "Задача остановлена.")
            } else {
                task.error.clone()
            };
            return Page::fail(self, &fail(400, "50001", why), lang);
        }
        let about = task
            .result
            .or(entity.and_then(|id| task.on.iter().find(|(on, _)| *on == id)).map(|(id, kind)| (*kind, *id)));
        let want = Want { full: true, lang, permission_flags: self.knobs.permission_flags, ..Want::default() };
        let mut body = Vec::new();
        if !about.is_some_and(|(kind, id)| show::object(self, kind, id, &want, &mut body)) {
            body.extend(b"{}");
        }
        Page::json(200, body)
    }
}

fn said(reply: Reply) -> Step {
    Step::Said(match reply {
        Reply::Json(body) => Page::json(200, body),
        _ => Page::json(200, b"{}".to_vec()),
    })
}
