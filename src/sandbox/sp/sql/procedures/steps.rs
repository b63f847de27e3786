//! Procedures of the catalogue: they take their time, say what they do, and hand data on from stage to stage.

use std::time::Duration;

use crate::sandbox::sp::knobs::{Failure as Told, Knobs};
use crate::sandbox::sp::sql::failure::{self, Failure, Needs, Reach};
use crate::sandbox::sp::sql::locks::{Mode, Owner, Resource};
use crate::sandbox::sp::sql::moment::day;
use crate::sandbox::sp::sql::out::{Out, Said, Sink, Stop, command};
use crate::sandbox::sp::sql::session::{Bound, Flow, Session};
use crate::sandbox::sp::world::{CatalogueProcedure, Load};

/// What a call is about.
struct Asked {
    code: String,
}

impl Session {
    pub(super) async fn run_step(
        &mut self,
        step: &CatalogueProcedure,
        bound: &[Bound],
        sink: &mut dyn Sink,
    ) -> Flow<i32> {
        let inside = |failure: Failure, line: u32| failure.in_procedure(&step.name).line(line);
        let asked = asked(step, bound).map_err(|failure| inside(failure, 14))?;
        let knobs = self.world.hub.knobs().clone();
        self.say_step(step, &format!("{} {}: started", step.stage, step.entity), 9, sink).await?;
        for message in &knobs.messages {
            let text = message
                .replace("{stage}", &step.stage)
                .replace("{entity}", &step.entity)
                .replace("{code}", &asked.code);
            self.say_step(step, &text, 21, sink).await?;
        }
        if self.world.hub.strikes(|knobs| &mut knobs.hang) {
            std::future::pending::<()>().await;
        }
        let duration = self.duration(step, &asked.code, &knobs);
        let half = duration / 2;
        tokio::time::sleep(half).await;
        if self.world.hub.strikes(|knobs| &mut knobs.drop) {
            return Err(Stop::Disconnect.into());
        }
        if self.world.hub.strikes(|knobs| &mut knobs.deadlock) {
            return Err(inside(failure::deadlock(self.own.spid, 51), 33).into());
        }
        if let Some(told) = self.told_to_fail(step, &asked.code) {
            self.journal(step, true, &told.text);
            let reach = if told.severity >= 20 { Reach::Connection } else { Reach::Statement };
            let failure = failure::failure(told.number, told.severity, told.state, told.text).reach(reach);
            return Err(inside(failure, 37).into());
        }
        tokio::time::sleep(duration.saturating_sub(half)).await;
        let count = self.load(step, &asked.code).await?;
        self.tell(Out::Done { count: Some(count), command: command::INSERT, inside: true }, sink).await?;
        self.say_step(step, &format!("{} {}: {count} rows", step.stage, step.entity), 58, sink).await?;
        self.own.row_count = count as i64;
        self.journal(step, false, &format!("{}: {count} rows", step.name));
        Ok(0)
    }

    async fn say_step(&mut self, step: &CatalogueProcedure, text: &str, line: u32, sink: &mut dyn Sink) -> Flow<()> {
        let (text, procedure) = (text.to_owned(), step.name.clone());
        sink.put(Out::Info(Said { number: 0, severity: 0, state: 1, text, procedure, line })).await?;
        Ok(sink.put(Out::Flush).await?)
    }

    /// A fixed time for the stage, or one out of the table of durations.
    fn duration(&self, step: &CatalogueProcedure, code: &str, knobs: &Knobs) -> Duration {
        let millis = match knobs.durations.get(&step.stage) {
            Some(millis) => *millis,
            None => {
                let (from, to) = step.seconds(code);
                let part = (self.world.hub.draw() >> 11) as f64 / (1u64 << 53) as f64;
                (from + (to - from) * part) * knobs.scale * 1000.0
            }
        };
        let millis = (millis + knobs.slow_ms).clamp(0.0, 1e9);
        Duration::from_micros((millis * 1000.0) as u64)
    }

    /// The fault that was ordered for this step, if any; it is used up.
    fn told_to_fail(&self, step: &CatalogueProcedure, code: &str) -> Option<Told> {
        let mut knobs = self.world.hub.knobs();
        let fits = |told: &Told| {
            let among = |wanted: &str, own: &str| wanted.is_empty() || wanted.eq_ignore_ascii_case(own);
            among(&told.stage, &step.stage) && among(&told.entity, &step.entity) && among(&told.code, code)
        };
        let at = knobs.fail.iter().position(fits)?;
        let told = knobs.fail[at].clone();
        match told.times {
            0 => {}
            1 => {
                knobs.fail.remove(at);
            }
            _ => knobs.fail[at].times -= 1,
        }
        Some(told)
    }

    /// Hands data on; rows that were touched.
    async fn load(&mut self, step: &CatalogueProcedure, code: &str) -> Flow<u64> {
        self.check_not_doomed()?;
        let world = self.world.clone();
        loop {
            let needs = {
                let mut state = world.state();
                let Some(Load { place, id, table, codes }) = step.load(&state, code) else { return Ok(0) };
                let keeps = self.own.transaction.is_some();
                let resource = Resource::Table(id);
                let is_free = match keeps {
                    true => state.locks.mode_of(self.own.spid, &resource, Owner::Transaction) == Some(Mode::Exclusive),
                    false => state.locks.is_free(self.own.spid, &resource, Mode::Exclusive),
                };
                if is_free {
                    self.own.put_table(&place, table, &mut state);
                    // As many as such a table may well have, and the same every time.
                    let rows = step.entity.bytes().fold(7u64, |sum, byte| (sum * 31 + u64::from(byte)) % 9973);
                    break Ok(codes as u64 * (rows + 120));
                }
                Needs { table: id, mode: Mode::Exclusive, keeps }
            };
            self.wait_for_table(needs).await?;
        }
        .inspect(|_| self.free_statement_locks())
    }

    /// A line in the journal of the aggregate, for what runs there. It is no part of the transaction.
    fn journal(&self, step: &CatalogueProcedure, is_error: bool, text: &str) {
        if step.stage != "prep" {
            step.journal(&mut self.world.state(), is_error, text);
        }
    }
}

/// What the arguments say.
fn asked(step: &CatalogueProcedure, bound: &[Bound]) -> Result<Asked, Failure> {
    let text = |at: Option<usize>| at.and_then(|at| bound.get(at)).and_then(|bound| bound.value.as_text());
    let number = |at: Option<usize>| at.and_then(|at| bound.get(at)).and_then(|bound| bound.value.as_integer());
    let code = match step.code_parameter {
        Some(_) => {
            let code = text(step.code_parameter).unwrap_or_default().trim();
            let known = step.codes.iter().find(|known| known.eq_ignore_ascii_case(code));
            let known =
                known.ok_or_else(|| failure::failure(50000, 16, 1, format!("There is no data area '{code}'.")))?;
            known.clone()
        }
        None => step.codes.first().cloned().unwrap_or_default(),
    };
    if let (Some(month), Some(year)) = (number(step.month_parameter), number(step.year_parameter)) {
        let first =
            i32::try_from(year).ok().zip(u32::try_from(month).ok()).and_then(|(year, month)| day(year, month, 1));
        if first.is_none() {
            let text = "Cannot construct data type date, some of the arguments have values which are not valid.";
            return Err(failure::failure(289, 16, 1, text));
        }
    }
    Ok(Asked { code })
}
