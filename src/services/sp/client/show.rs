//! What a person sees of a run under way: a bar with its steps, what they are expected to take, what the server says.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::engine::Running;
use super::run::{Happened, Run, Step, StepState};
use super::site::Site;
use crate::core::context::Context;
use crate::core::progress::Bar;
use crate::render::tame;

/// How often the times are drawn anew.
const TICK: Duration = Duration::from_secs(1);

/// Does the work, and shows it where a person looks.
pub async fn watched(site: &Site, running: &Running, context: &Context) -> Run {
    if !context.progress().is_shown() {
        return running.drive().await;
    }
    let mut events = site.follow();
    let mut shown = Shown::new(running.run(), context);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut drive = std::pin::pin!(running.drive());
    loop {
        tokio::select! {
            biased;
            event = events.recv() => match event {
                Ok((_, event)) => shown.take(&event),
                // The bar shows how it stands; lines that were missed are in the history.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return drive.await,
            },
            run = &mut drive => {
                while let Ok((_, event)) = events.try_recv() {
                    shown.take(&event);
                }
                return run;
            }
            _ = ticks.tick() => shown.draw(),
        }
    }
}

struct Shown {
    run: Run,
    context: Context,
    bar: Bar,
    /// Steps under way, and since when.
    busy: Vec<(u32, Instant)>,
    done: u64,
}

impl Shown {
    fn new(run: Run, context: &Context) -> Shown {
        let what = run.order.name.clone().unwrap_or_else(|| "all".to_owned());
        let label = format!("{what} of {}", run.order.codes.join(", "));
        let bar = context.progress().start(label, Some(run.steps.len() as u64));
        let done = run.steps.iter().filter(|step| is_over(step.state)).count() as u64;
        bar.add(done);
        Shown { run, context: context.clone(), bar, busy: Vec::new(), done }
    }

    fn take(&mut self, event: &Arc<Happened>) {
        match &**event {
            Happened::Message { run, step, message } if *run == self.run.id => {
                let title = self.step(*step).map(title).unwrap_or_default();
                self.context.say(&format!("{title}: {}", tame(&message.text)));
            }
            Happened::Step { run, step } if *run == self.run.id => self.step_changed(step),
            Happened::Check { run, check } if *run == self.run.id => {
                if let Some(warning) = &check.warning {
                    self.context.say(&format!("{} {}: {}", check.check, check.entity, tame(warning)));
                }
            }
            _ => {}
        }
    }

    fn step(&self, number: u32) -> Option<&Step> {
        self.run.steps.iter().find(|step| step.number == number)
    }

    fn step_changed(&mut self, step: &Step) {
        let number = step.number;
        let Some(known) = self.run.steps.iter_mut().find(|known| known.number == number) else { return };
        let was_over = is_over(known.state);
        *known = step.clone();
        match step.state {
            StepState::Running if !self.busy.iter().any(|(busy, _)| *busy == number) => {
                self.busy.push((number, Instant::now()));
            }
            state if is_over(state) && !was_over => {
                self.busy.retain(|(busy, _)| *busy != number);
                self.done += 1;
                self.bar.add(1);
                self.context.say(&ended(step));
            }
            _ => {}
        }
        self.draw();
    }

    /// `crude payment 12 s of about 30 s`.
    fn draw(&self) {
        let busy = self.busy.iter().filter_map(|(number, since)| Some((self.step(*number)?, since)));
        let busy = busy.map(|(step, since)| {
            let about = step.estimate.map(|seconds| format!(" of about {seconds:.0} s")).unwrap_or_default();
            format!("{} {:.0} s{about}", title(step), since.elapsed().as_secs_f64())
        });
        self.bar.note(busy.collect::<Vec<_>>().join(", "));
    }
}

fn is_over(state: StepState) -> bool {
    !matches!(state, StepState::Pending | StepState::Running | StepState::Committing)
}

/// `prep payment 0c06`.
fn title(step: &Step) -> String {
    format!("{} {} {}", step.stage, step.entity, step.code.as_deref().unwrap_or_default()).trim_end().to_owned()
}

/// A line about a step that is over.
fn ended(step: &Step) -> String {
    let title = title(step);
    let seconds = step.seconds.map(|seconds| format!(" in {seconds:.1} s")).unwrap_or_default();
    let rows = step.rows.map(|rows| format!(", {rows} rows")).unwrap_or_default();
    let why = step.error.as_ref().map(|error| &error.message).or(step.note.as_ref());
    let why = why.map(|why| format!(": {}", tame(why))).unwrap_or_default();
    match step.state {
        StepState::Ok => format!("{title}: ok{seconds}{rows}"),
        StepState::Failed => format!("{title}: failed{seconds}{why}"),
        StepState::Skipped => format!("{title}: skipped{why}"),
        StepState::Cancelled => format!("{title}: cancelled{seconds}"),
        StepState::TimedOut => format!("{title}: timed out{seconds}"),
        _ => format!("{title}: interrupted{seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::sp::client::run::StepError;

    fn step(state: StepState) -> Step {
        serde_json::from_value(serde_json::json!({
            "number": 1, "stage": "prep", "entity": "payment", "code": "0c06", "server": "dcdb", "database": "hcs",
            "statement": "EXECUTE dbo.p", "locks": [], "after": [], "repeatable": true, "state": state, "attempts": 1,
            "seconds": 3.21, "rows": 12, "messages": []
        }))
        .unwrap()
    }

    #[test]
    fn a_step_that_is_over_is_one_line() {
        assert_eq!(ended(&step(StepState::Ok)), "prep payment 0c06: ok in 3.2 s, 12 rows");
        let error = StepError { code: "sp.1205".into(), message: "deadlock".into(), hint: None, server: None };
        let failed = Step { error: Some(error), code: None, ..step(StepState::Failed) };
        assert_eq!(ended(&failed), "prep payment: failed in 3.2 s: deadlock");
        let skipped = Step { note: Some("prep failed".into()), seconds: None, ..step(StepState::Skipped) };
        assert_eq!(ended(&skipped), "prep payment 0c06: skipped: prep failed");
    }
}
