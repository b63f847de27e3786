//! Running one command: limits, faults, the work, its cost; and the envelope of an answer.

use super::answer::{Answer, Fail, Reply, fail};
use super::counters::count;
use super::knobs::Knobs;
use super::limits::Spent;
use super::methods::{self, Act, Call, Method};
use super::php;
use super::sim::Sim;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A request that is being worked on.
pub struct Caller {
    pub user: u64,
    /// The application or webhook: operating time is billed to it.
    pub subject: String,
    pub knobs: Arc<Knobs>,
    /// When the request came, unix seconds.
    pub arrived: f64,
    /// The work is waited for up to here; kept as a sum so that many short waits do not add up their rounding.
    pub until: Instant,
    pub commands: u64,
}

/// What came of a command.
pub struct Done {
    pub reply: Reply,
    pub started: f64,
    pub finished: f64,
    pub spent: Option<Spent>,
    pub cost: f64,
}

impl Sim {
    /// Runs one command. In a batch file methods are refused; `bill` is off when the batch is billed as a whole.
    pub async fn command(&self, caller: &mut Caller, name: &str, params: &Value, in_batch: bool, bill: bool) -> Done {
        let knobs = caller.knobs.clone();
        let started = self.now();
        caller.commands += 1;
        self.disturb();
        let method = methods::find(name);
        let key = format!("{} {}", caller.subject, name.to_ascii_lowercase());
        let outcome = self.admitted(method, &key, &knobs, in_batch, bill).and_then(|method| {
            let call = Call {
                name: &method.name.to_ascii_lowercase(),
                params,
                view: method.view,
                user: caller.user,
                now: started as i64,
                hidden_every: knobs.hidden_every,
            };
            methods::run(&self.world, method.act, &call)
        });
        let cost = match &outcome {
            Err(refused) if refused.status == 429 => 0.0,
            Ok(answer) if answer.counted => knobs.command_ms + knobs.count_ms,
            _ => knobs.command_ms,
        } / 1000.0;
        // Unknown names are not billed: the books must not grow with whatever a client makes up.
        if bill && method.is_some() {
            self.bill(&key, cost, &knobs);
        }
        self.tally(method, name, &outcome);
        caller.work(cost).await;
        let spent = (knobs.operating && bill).then(|| self.spent(&key, &knobs));
        Done { reply: outcome, started, finished: self.now(), spent, cost }
    }

    fn admitted(
        &self,
        method: Option<&'static Method>,
        key: &str,
        knobs: &Knobs,
        in_batch: bool,
        bill: bool,
    ) -> Result<&'static Method, Fail> {
        let method = method.ok_or_else(|| fail(404, "ERROR_METHOD_NOT_FOUND", "Method not found!"))?;
        if in_batch && method.alone {
            return Err(fail(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage"));
        }
        if bill {
            self.within_budget(key, knobs)?;
        }
        let wanted = &knobs.faults.command_method;
        if (wanted.is_empty() || wanted.eq_ignore_ascii_case(&method.name))
            && self.strikes("command", |faults| &mut faults.command)
        {
            return Err(fail(400, knobs.faults.command_code.clone(), "Injected failure of a single command"));
        }
        Ok(method)
    }

    /// Checked before a call: the one that crosses the limit is finished, the next are refused.
    pub fn within_budget(&self, key: &str, knobs: &Knobs) -> Result<(), Fail> {
        if !knobs.limits || self.spent(key, knobs).seconds < knobs.operating_limit {
            return Ok(());
        }
        self.counters().refused_429 += 1;
        Err(fail(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit."))
    }

    fn tally(&self, method: Option<&Method>, name: &str, outcome: &Reply) {
        let mut counters = self.counters();
        counters.commands += 1;
        let name = method
            .map_or("(unknown)", |method| if method.name.eq_ignore_ascii_case(name) { &method.name } else { name });
        count(&mut counters.commands_by_method, name);
        match outcome {
            Ok(answer) => {
                counters.rows_sent += answer.rows.len() as u64;
                if method.is_some_and(|method| matches!(method.act, Act::Write(_))) {
                    count(&mut counters.writes_by_method, name);
                }
            }
            Err(_) => counters.failed_commands += 1,
        }
    }
}

impl Caller {
    /// Works for so many seconds.
    pub async fn work(&mut self, seconds: f64) {
        if seconds > 0.0 {
            self.until += Duration::from_secs_f64(seconds);
            sleep_until(self.until).await;
        }
    }
}

/// Prints the `time` of an answer or of one command.
pub fn print_time(out: &mut Vec<u8>, started: f64, finished: f64, spent: Option<Spent>) {
    let duration = finished - started;
    let numbers = format!(
        "{{\"start\":{started:.6},\"finish\":{finished:.6},\"duration\":{duration:.6},\"processing\":{duration:.6}"
    );
    out.extend(numbers.bytes());
    for (name, at) in [("date_start", started), ("date_finish", finished)] {
        out.extend(b",\"");
        out.extend(name.bytes());
        out.extend(b"\":\"");
        php::moment(out, at as i64);
        out.push(b'"');
    }
    if let Some(spent) = spent {
        out.extend(format!(",\"operating_reset_at\":{},\"operating\":", spent.reset_at as i64).bytes());
        // A portal that billed nothing prints the integer 0.
        let billed = if spent.seconds == 0.0 { "0".to_owned() } else { format!("{:.6}", spent.seconds) };
        out.extend(billed.bytes());
    }
    out.push(b'}');
}

/// Prints the envelope around a result, in the result's own buffer: a full batch is two megabytes.
pub fn envelope(answer: Answer, time: Option<&[u8]>) -> Vec<u8> {
    let mut out = answer.body;
    out.reserve(400);
    out.splice(0..0, *b"{\"result\":");
    if let Some(next) = answer.next {
        out.extend(format!(",\"next\":{next}").bytes());
    }
    if let Some(total) = answer.total {
        out.extend(format!(",\"total\":{total}").bytes());
    }
    if let Some(time) = time {
        out.extend(b",\"time\":");
        out.extend(time);
    }
    out.push(b'}');
    out
}
