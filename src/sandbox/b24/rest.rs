//! A REST request from its address to its answer: authorization, limits, faults, parameters, the method.

use super::answer::{Answer, Fail, Reply, fail};
use super::cell::scalar_text;
use super::counters::{Line, count};
use super::http::{Outcome, Request};
use super::knobs::Knobs;
use super::oauth::Refused;
use super::params::{read_json, read_multipart, read_query};
use super::run::{Caller, envelope, print_time};
use super::sim::Sim;
use super::{methods, v3};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const NGINX: &str = "<html>\r\n<head><title>{}</title></head>\r\n<body>\r\n<center><h1>{}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// What the address says.
struct Address<'a> {
    newest: bool,
    webhook: Option<(&'a str, &'a str)>,
    method: &'a str,
}

fn read_address(path: &str) -> Option<Address<'_>> {
    let rest = path.strip_prefix("/rest/")?.trim_end_matches('/');
    let (newest, rest) = rest.strip_prefix("api/").map_or((false, rest), |rest| (true, rest));
    let segments: Vec<&str> = rest.split('/').collect();
    let (webhook, method) = match segments[..] {
        [method] => (None, method),
        [user, code] => (Some((user, code)), ""),
        [user, code, method] => (Some((user, code)), method),
        _ => return None,
    };
    let method = method.strip_suffix(".json").unwrap_or(method);
    Some(Address { newest, webhook, method })
}

impl Sim {
    /// Answers a REST request.
    pub async fn rest(&self, request: Request) -> Outcome {
        let arrived = self.now();
        let knobs = self.knobs();
        if knobs.latency_ms > 0.0 {
            sleep(Duration::from_secs_f64(knobs.latency_ms / 1000.0)).await;
        }
        let address = read_address(&request.path);
        let name = address.as_ref().map_or("(unknown)", |address| known_name(address.method));
        {
            let mut counters = self.counters();
            counters.requests += 1;
            counters.bytes_received += request.body.len() as u64;
            count(&mut counters.requests_by_method, name);
        }
        let mut commands = 0;
        let outcome = match address {
            Some(address) => self.admitted_request(&request, &address, &knobs, arrived, &mut commands).await,
            None => refusal(&fail(404, "ERROR_METHOD_NOT_FOUND", "Method not found!"), false),
        };
        let (status, bytes) = match &outcome {
            Outcome::Answer(answer) => (answer.status, answer.body.len()),
            Outcome::Reset => (0, 0),
        };
        let mut counters = self.counters();
        counters.bytes_sent += bytes as u64;
        counters.refused_401 += u64::from(status == 401);
        drop(counters);
        let ms = (self.now() - arrived) * 1000.0;
        self.log().push(Line { method: name.to_owned(), status, at: arrived, ms, commands, bytes });
        outcome
    }

    async fn admitted_request(
        &self,
        request: &Request,
        address: &Address<'_>,
        knobs: &Knobs,
        arrived: f64,
        commands: &mut u64,
    ) -> Outcome {
        if !self.admits(request.source, knobs) {
            self.counters().refused_503 += 1;
            return refusal(&fail(503, "QUERY_LIMIT_EXCEEDED", "Too many requests"), address.newest);
        }
        if let Some(outcome) = self.fault_before(request, knobs).await {
            return outcome;
        }
        let workers = self.workers();
        // The semaphore is never closed; without a permit the request would simply run unbounded.
        let permit = workers.acquire().await.ok();
        let mut outcome = match self.authorized(request, address, arrived) {
            Ok((mut caller, params)) => {
                let outcome = self.executed(request, address, &mut caller, &params).await;
                *commands = caller.commands;
                outcome
            }
            Err(refused) => refusal(&refused, address.newest),
        };
        drop(permit);
        if self.strikes("reset_after", |faults| &mut faults.reset_after) {
            return Outcome::Reset;
        }
        if self.strikes("gateway_timeout", |faults| &mut faults.gateway_timeout) {
            return html(504, "504 Gateway Time-out");
        }
        if let Outcome::Answer(answer) = &mut outcome
            && self.strikes("truncated", |faults| &mut faults.truncated)
        {
            answer.body.truncate(answer.body.len() / 2);
        }
        outcome
    }

    /// Faults that come before any work.
    async fn fault_before(&self, request: &Request, knobs: &Knobs) -> Option<Outcome> {
        if self.strikes("moved", |faults| &mut faults.moved) {
            let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
            return Some(Outcome::found(format!("{}{}{query}", knobs.moved_to.trim_end_matches('/'), request.path)));
        }
        if self.strikes("hang", |faults| &mut faults.hang) {
            std::future::pending::<()>().await;
        }
        if self.strikes("slow", |faults| &mut faults.slow) {
            sleep(Duration::from_millis(knobs.faults.slow_ms)).await;
        }
        if self.strikes("reset_before", |faults| &mut faults.reset_before) {
            return Some(Outcome::Reset);
        }
        if self.strikes("internal", |faults| &mut faults.internal) {
            return Some(refusal(&fail(500, "INTERNAL_SERVER_ERROR", "Internal server error"), false));
        }
        if self.strikes("bad_gateway", |faults| &mut faults.bad_gateway) {
            return Some(html(502, "502 Bad Gateway"));
        }
        self.strikes("html", |faults| &mut faults.html).then(|| html(200, "Портал временно недоступен"))
    }

    fn authorized(&self, request: &Request, address: &Address, arrived: f64) -> Result<(Caller, Value), Fail> {
        let knobs = self.knobs();
        if knobs.overload {
            return Err(fail(503, "OVERLOAD_LIMIT", "REST API is blocked due to overload."));
        }
        if knobs.deleted {
            return Err(fail(500, "PORTAL_DELETED", "Portal deleted"));
        }
        let mut params = parameters(request)?;
        let subject = match address.webhook {
            Some((user, code)) if user.parse() == Ok(knobs.user) && code == knobs.code => "webhook",
            Some(_) => return Err(fail(401, "INVALID_CREDENTIALS", "Invalid request credentials")),
            None => {
                self.check_token(&mut params, &request.query)?;
                "application"
            }
        };
        let caller = Caller {
            user: knobs.user,
            subject: subject.to_owned(),
            arrived,
            until: Instant::now(),
            commands: 0,
            knobs,
        };
        Ok((caller, params))
    }

    /// Takes `auth` out of the parameters: positional methods must not see it. Beside a JSON list it stands in the address.
    fn check_token(&self, params: &mut Value, query: &str) -> Result<(), Fail> {
        let token = match params {
            Value::Object(map) => map.shift_remove("auth"),
            _ => read_query(query.as_bytes()).ok().and_then(|mut query| query.shift_remove("auth")),
        };
        let token = token.map(|token| scalar_text(&token).into_owned()).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| fail(401, "NO_AUTH_FOUND", "Wrong authorization data"))?;
        self.oauth().check(&token, self.now()).map_err(|refused| match refused {
            Refused::Expired => fail(401, "expired_token", "The access token provided has expired."),
            Refused::Unknown => fail(401, "invalid_token", "Unable to get application by token"),
        })
    }

    async fn executed(&self, request: &Request, address: &Address<'_>, caller: &mut Caller, params: &Value) -> Outcome {
        if address.newest {
            return v3::answer(self, request, caller, address.method, params).await;
        }
        let (reply, spent): (Reply, _) = if address.method.eq_ignore_ascii_case("batch") {
            match self.batch(caller, params).await {
                Ok((answer, spent)) => (Ok(answer), spent),
                Err(refused) => (Err(refused), None),
            }
        } else {
            let done = self.command(caller, address.method, params, false, true).await;
            (done.reply, done.spent)
        };
        match reply {
            Ok(answer) => {
                let mut time = Vec::new();
                print_time(&mut time, caller.arrived, self.now(), spent);
                let time = (!self.strikes("no_time", |faults| &mut faults.no_time)).then_some(&time[..]);
                Outcome::json(200, envelope(answer, time))
            }
            Err(refused) => refusal(&refused, false),
        }
    }
}

/// The method's name as the counters know it: what no method has is counted together, so that the map stays small.
fn known_name(name: &str) -> &str {
    if name.eq_ignore_ascii_case("batch") {
        "batch"
    } else {
        methods::find(name).map_or("(unknown)", |method| &method.name)
    }
}

/// Query and body as one map; a JSON list stays a list, for positional methods.
fn parameters(request: &Request) -> Result<Value, Fail> {
    let unreadable = |error: super::params::Unreadable| {
        fail(400, "INVALID_REQUEST", format!("Request could not be read: {}", error.0))
    };
    let mut all: Map<String, Value> = read_query(request.query.as_bytes()).map_err(unreadable)?;
    let kind = request.content_type.to_ascii_lowercase();
    if !request.is_post {
        return Ok(Value::Object(all));
    }
    if kind.contains("json") {
        match read_json(&request.body).map_err(unreadable)? {
            Value::Object(map) => all.extend(map),
            Value::Array(list) => return Ok(Value::Array(list)),
            _ => return Err(fail(400, "INVALID_REQUEST", "Request could not be read: not a map")),
        }
    } else if kind.starts_with("multipart/") {
        all.extend(read_multipart(&request.body, &request.content_type).map_err(unreadable)?);
    } else {
        all.extend(read_query(&request.body).map_err(unreadable)?);
    }
    Ok(Value::Object(all))
}

fn html(status: u16, title: &str) -> Outcome {
    Outcome::html(status, NGINX.replace("{}", title))
}

/// An error answer; it has no `time`.
pub fn refusal(refused: &Fail, newest: bool) -> Outcome {
    let mut body = Vec::new();
    if newest {
        v3::print_error(&mut body, &refused.code, &refused.text, &[]);
    } else {
        refused.print(&mut body);
    }
    Outcome::json(refused.status, body)
}

/// A result of a call that has no list: used by REST 3.0 too.
pub fn plain(value: &Value, time: &[u8]) -> Vec<u8> {
    envelope(Answer::of(value), Some(time))
}
