//! How long a plan will take, from how long its steps take: the clock of a run that is only thought through.

use std::collections::HashMap;

use super::plan::Plan;
use crate::services::sp::catalogue::Catalogue;

/// The middle of some durations.
pub(super) fn median(mut seconds: Vec<f64>) -> Option<f64> {
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    match seconds.len() {
        0 => None,
        n if n % 2 == 0 => Some((seconds[middle - 1] + seconds[middle]) / 2.0),
        _ => Some(seconds[middle]),
    }
}

/// What the catalogue's own table makes of a step: the geometric middle of from and to, of the slowest code.
pub(super) fn usual(catalogue: &Catalogue, stage: &str, entity: &str, codes: &[String]) -> Option<f64> {
    let of = |code: &String| catalogue.usual_seconds(stage, entity, code).map(|(from, to)| (from * to).sqrt());
    codes.iter().filter_map(of).max_by(f64::total_cmp)
}

/// The seconds from the first step's begin to the last one's end, with the bounds of the servers: always the first step
/// of the plan that is ready takes the place that is free. `None` where nothing is known of any step.
pub(super) fn whole(plan: &Plan, bound: impl Fn(&str) -> usize) -> Option<f64> {
    plan.steps.iter().any(|step| step.estimate.is_some()).then(|| {
        let mut ends: Vec<Option<f64>> = vec![None; plan.steps.len()];
        let mut places: HashMap<&str, Vec<f64>> = HashMap::new();
        while let Some((at, ready)) = next(plan, &ends, &places) {
            let step = &plan.steps[at];
            let servers = places.entry(&step.server).or_insert_with(|| vec![0.0; bound(&step.server).max(1)]);
            let end = ready + step.estimate.unwrap_or_default();
            if let Some(place) = servers.iter_mut().min_by(|a, b| a.total_cmp(b)) {
                *place = end;
            }
            ends[at] = Some(end);
        }
        ends.into_iter().flatten().fold(0.0, f64::max)
    })
}

/// The step that begins next, and when.
fn next(plan: &Plan, ends: &[Option<f64>], places: &HashMap<&str, Vec<f64>>) -> Option<(usize, f64)> {
    let begin = |at: usize| {
        let call = &plan.calls[at];
        let mut begin = 0.0_f64;
        for before in call.good.iter().chain(&call.over) {
            begin = begin.max(ends[*before]?);
        }
        let free =
            places.get(plan.steps[at].server.as_str()).and_then(|places| places.iter().copied().reduce(f64::min));
        Some((at, begin.max(free.unwrap_or_default())))
    };
    let waiting = (0..plan.steps.len()).filter(|at| ends[*at].is_none());
    waiting.filter_map(begin).min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))
}
