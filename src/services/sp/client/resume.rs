//! What becomes of the steps of a run that is taken up again.

use super::plan::Call;
use super::run::{Step, StepState};
use super::site::Unknown;
use crate::error::{Error, Kind, Result};

/// What a step says when its commit got no answer.
pub(super) const COMMIT_UNKNOWN: &str = "sp.commit_unknown";

/// Makes a step ready to be gone through again; a good one stays as it is. What was begun in a transaction that was not
/// being committed was undone by the server. The error `sp.unknown_outcome` asks what to do where that is not so, and
/// doing it twice may do harm.
pub(super) fn prepare(run: &str, step: &mut Step, call: &Call, unknown: Unknown) -> Result<()> {
    if step.state == StepState::Ok {
        return Ok(());
    }
    match (is_unknown(step, call), unknown) {
        (true, Unknown::Refuse) => return Err(ask(run, step)),
        (true, Unknown::Skip) => {
            step.state = StepState::Ok;
            step.note = Some("taken as done: nobody knows whether it was".to_owned());
            step.error = None;
        }
        _ => {
            step.state = StepState::Pending;
            (step.note, step.error, step.ended, step.seconds) = (None, None, None, None);
            (step.rows, step.return_code, step.estimate) = (None, None, step.estimate);
        }
    }
    Ok(())
}

/// Whether it may have been carried out, in whole or in part, and must not be twice.
fn is_unknown(step: &Step, call: &Call) -> bool {
    let committing =
        step.state == StepState::Committing || step.error.as_ref().is_some_and(|error| error.code == COMMIT_UNKNOWN);
    let begun = step.started.is_some() && !matches!(step.state, StepState::Pending | StepState::Skipped);
    !step.repeatable && (committing || begun && !call.transaction)
}

fn ask(run: &str, step: &Step) -> Error {
    let of = step.code.as_ref().map(|code| format!(" of {code}")).unwrap_or_default();
    let message = format!(
        "run {run}: nobody knows whether step {} ({} {}{of}) was carried out, and it must not be repeated",
        step.number, step.stage, step.entity
    );
    let error = Error::new(Kind::Refused, "sp.unknown_outcome", message);
    let error = error.detail("run", run).detail("step", step.number).detail("statement", step.statement.clone());
    error.hint("look at the data, then resume with `unknown` as \"repeat\" or \"skip\"")
}
