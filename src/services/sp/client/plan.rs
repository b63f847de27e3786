//! From an order to its steps: what is called where, under which locks, after what.
//!
//! An entity's stages follow each other. Of several entities, those at the target go one after another in the order of the
//! catalogue; exports may run ahead of them within a wave, as far as `after` and the servers' bounds allow. A wave begins
//! when all of the one before is over. A shared entity runs with its group's shared code when a whole data source is asked
//! for; an entity that is asked for by name runs with exactly the codes that were given.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::Serialize;

use super::driver::{Param, Request, Value};
use super::order::{Checked, check};
use super::run::{Order, Step, StepState};
use crate::error::{Error, Kind, Result};
use crate::services::sp::catalogue::{Catalogue, Code, Entity, OnError, Pair, Per, Period, Source, StepSpec, Succeeds};

/// What would be done.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub order: Order,
    pub steps: Vec<Step>,
    /// What the whole is expected to take, in seconds.
    pub estimate: Option<f64>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// What the steps send, in their order.
    #[serde(skip)]
    pub(super) calls: Vec<Call>,
    /// Entities and codes to look at before and after.
    #[serde(skip)]
    pub(super) looks: Vec<(String, String)>,
    #[serde(skip)]
    pub(super) on_error: OnError,
}

/// What one step sends, and when it may.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub request: Request,
    /// Sent when the call has failed.
    pub cleanup: Option<String>,
    pub transaction: bool,
    pub timeout: Duration,
    pub succeeds: Succeeds,
    /// Steps, counted from 0, that have to be good before.
    pub good: Vec<usize>,
    /// Of `good`, one is enough.
    pub any: bool,
    /// Steps that have to be over before, well or not.
    pub over: Vec<usize>,
}

/// Column and variable by which a text tells the return code.
pub(super) const RETURN: &str = "pult_return";

/// Seconds that a step is expected to take: by stage, entity and codes.
pub(super) type Expected<'a> = dyn Fn(&str, &str, &[String]) -> Option<f64> + 'a;

/// Makes the plan of an order. The errors are those of an order (`sp.order`).
pub(super) fn plan(catalogue: &Catalogue, order: &Order, expected: &Expected) -> Result<Plan> {
    let checked = check(catalogue, order)?;
    let mut builder = Builder {
        catalogue,
        period: checked.period,
        on_error: if checked.entity.is_some() { OnError::SkipDependents } else { catalogue.on_error },
        expected,
        steps: Vec::new(),
        calls: Vec::new(),
        last_at_target: None,
        done: BTreeMap::new(),
    };
    let mut looks = Vec::new();
    let mut before = 0..0;
    for wave in waves(catalogue, &checked).into_iter().filter(|wave| !wave.is_empty()) {
        let begin = builder.steps.len();
        before = before.end..begin;
        for (entity, codes) in wave {
            builder.entity(entity, &codes, before.clone())?;
            let asked = checked.codes.iter().filter(|code| entity.is_in(&code.group));
            looks.extend(asked.map(|code| (entity.name.clone(), code.key.clone())));
        }
    }
    let Builder { steps, calls, on_error, .. } = builder;
    let mut notes = checked.notes.clone();
    notes.extend(months_covered(catalogue, &steps));
    Ok(Plan { order: order.clone(), steps, estimate: None, notes, calls, looks, on_error })
}

/// Entities with the codes that they run with, wave by wave.
fn waves<'a>(catalogue: &'a Catalogue, checked: &Checked<'a>) -> Vec<Vec<(&'a Entity, Vec<&'a Code>)>> {
    if let Some(entity) = checked.entity {
        return vec![vec![(entity, checked.codes.clone())]];
    }
    let member = |name: &String| {
        let entity = catalogue.entity(name).filter(|entity| !(checked.undated_only && entity.dated))?;
        let mut codes: Vec<&Code> = Vec::new();
        for code in checked.codes.iter().filter(|code| entity.is_in(&code.group)) {
            let shared = entity.shared_in(&code.group).and_then(|key| catalogue.code(key));
            let code = shared.unwrap_or(code);
            if !codes.iter().any(|known| known.key == code.key) {
                codes.push(code);
            }
        }
        (!codes.is_empty()).then_some((entity, codes))
    };
    catalogue.waves.iter().map(|wave| wave.iter().filter_map(member).collect()).collect()
}

/// Calls that load more than the month that was asked for.
fn months_covered(catalogue: &Catalogue, steps: &[Step]) -> Vec<String> {
    let mut notes = Vec::new();
    for step in steps {
        let code = step.code.as_deref().and_then(|code| catalogue.code(code));
        let months = code.zip(catalogue.entity(&step.entity)).and_then(|(code, entity)| {
            entity.covers_months.iter().find(|(group, months)| *group == code.group && *months > 1)
        });
        if let (Some((_, months)), Some(code)) = (months, code) {
            notes.push(format!("{} of {} loads {months} months in one call", step.entity, code.key));
        }
    }
    notes.dedup();
    notes
}

struct Builder<'a> {
    catalogue: &'a Catalogue,
    period: Option<Period>,
    on_error: OnError,
    expected: &'a Expected<'a>,
    steps: Vec<Step>,
    calls: Vec<Call>,
    last_at_target: Option<usize>,
    /// The steps of each entity so far, stage by stage.
    done: BTreeMap<String, Vec<Vec<usize>>>,
}

impl Builder<'_> {
    /// The steps of an entity, after those of the wave before.
    fn entity(&mut self, entity: &Entity, codes: &[&Code], wave: Range<usize>) -> Result<()> {
        let catalogue = self.catalogue;
        let mut stages: Vec<Vec<usize>> = Vec::new();
        for (place, stage) in catalogue.stages.iter().enumerate() {
            let used = if stage.per == Per::Entity { &codes[..1] } else { codes };
            let mut numbers = Vec::new();
            for code in used {
                let spec = catalogue.step(stage, Pair { entity, code }).ok_or_else(|| no_database(entity, code))?;
                let before = stages.last().map_or(&[][..], Vec::as_slice);
                let mut good = self.same_code(before, spec.code.as_deref());
                let any = spec.code.is_none() && self.on_error == OnError::Continue;
                let mut over = Vec::new();
                let afters = self.after(entity, place, spec.code.as_deref());
                match self.on_error == OnError::Continue {
                    true => over.extend(afters),
                    false => good.extend(afters),
                }
                if place == 0 {
                    over.extend(wave.clone());
                }
                if spec.database == catalogue.target {
                    over.extend(self.last_at_target.replace(self.steps.len()));
                }
                let links = Links { good, any, over };
                numbers.push(self.step(&spec, codes, links));
            }
            stages.push(numbers);
        }
        self.done.insert(entity.name.clone(), stages);
        Ok(())
    }

    /// Of some steps those for this code; all where there is none.
    fn same_code(&self, among: &[usize], code: Option<&str>) -> Vec<usize> {
        let fits = |at: &&usize| {
            let other = self.steps[**at].code.as_deref();
            code.is_none() || other.is_none() || other == code
        };
        among.iter().filter(fits).copied().collect()
    }

    /// The steps of the same stage of what the entity comes after, and in a stage without codes the last of all of it.
    fn after(&self, entity: &Entity, stage: usize, code: Option<&str>) -> Vec<usize> {
        let mut found = Vec::new();
        for name in &entity.after {
            let Some(stages) = self.done.get(name) else { continue };
            let same = stages.get(stage).map_or(&[][..], Vec::as_slice);
            // A shared entity has been exported with the code that serves all of the group.
            let shared = self.catalogue.entity(name).zip(code.and_then(|code| self.catalogue.code(code)));
            let shared = shared.and_then(|(entity, code)| entity.shared_in(&code.group));
            let of_code = self.same_code(same, code);
            found.extend(match shared {
                Some(shared) if of_code.is_empty() => self.same_code(same, Some(shared)),
                _ => of_code,
            });
            if code.is_none() {
                found.extend(stages.last().into_iter().flatten());
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn step(&mut self, spec: &StepSpec, codes: &[&Code], links: Links) -> usize {
        let codes: Vec<String> = match &spec.code {
            Some(code) => vec![code.clone()],
            None => codes.iter().map(|code| code.key.clone()).collect(),
        };
        let params = spec.params.iter().filter_map(|param| value(&param.from, spec, self.period).map(|v| (param, v)));
        let param = |name: &str, value| Param { name: name.to_owned(), value, out: false };
        let params: Vec<Param> = params.map(|(rule, value)| param(&rule.name, value)).collect();
        let mut after: Vec<u32> = links.good.iter().map(|at| number(*at)).collect();
        after.sort_unstable();
        after.dedup();
        self.steps.push(Step {
            number: number(self.steps.len()),
            stage: spec.stage.clone(),
            entity: spec.entity.clone(),
            code: spec.code.clone(),
            server: spec.server.clone(),
            database: spec.database.clone(),
            statement: statement(spec, &params),
            locks: spec.lock.iter().cloned().collect(),
            after,
            repeatable: spec.repeatable,
            estimate: (self.expected)(&spec.stage, &spec.entity, &codes),
            state: StepState::Pending,
            attempts: 0,
            started: None,
            ended: None,
            seconds: None,
            rows: None,
            return_code: None,
            messages: Vec::new(),
            error: None,
            note: None,
        });
        self.calls.push(Call {
            request: request(spec, params),
            cleanup: spec.after.clone(),
            transaction: spec.transaction,
            timeout: spec.timeout,
            succeeds: spec.succeeds.clone(),
            good: links.good,
            any: links.any,
            over: links.over,
        });
        self.steps.len() - 1
    }
}

/// What a step waits for.
struct Links {
    good: Vec<usize>,
    any: bool,
    over: Vec<usize>,
}

fn number(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}

fn no_database(entity: &Entity, code: &Code) -> Error {
    let message = format!("`codes`: {} of {} has no database to be exported from", entity.name, code.key);
    let fields = serde_json::json!({ "codes": "it has no database to be exported from" });
    Error::new(Kind::Input, "sp.order", message).detail("fields", fields)
}

/// The value of a parameter. The order has been seen to have a month where one is needed.
fn value(from: &Source, spec: &StepSpec, period: Option<Period>) -> Option<Value> {
    Some(match from {
        Source::Code => Value::Text(spec.code.clone()?),
        Source::Month => Value::Integer(period?.month.into()),
        Source::Year => Value::Integer(period?.year.into()),
        Source::MonthStart(None) => Value::Date(period?.start()),
        Source::MonthStart(Some(format)) => Value::Text(jiff::fmt::strtime::format(format, period?.start()).ok()?),
    })
}

/// A call by name; where statements surround it, one text, so that settings end with it.
fn request(spec: &StepSpec, params: Vec<Param>) -> Request {
    if spec.before.is_none() && spec.after.is_none() {
        return Request::Procedure { name: spec.procedure.clone(), params };
    }
    let given: Vec<String> = params.iter().map(|param| format!(" @{0} = @{0}", param.name)).collect();
    let call = format!("EXECUTE @{RETURN} = {}{}", quoted(&spec.procedure), given.join(","));
    let declared = format!("DECLARE @{RETURN} int");
    let told = format!("SELECT @{RETURN} AS {RETURN}");
    let sql = in_a_row([Some(declared), spec.before.clone(), Some(call), spec.after.clone(), Some(told)]);
    Request::Text { sql, params }
}

fn in_a_row(statements: [Option<String>; 5]) -> String {
    let statements = statements.iter().flatten().map(|statement| statement.trim().trim_end_matches(';'));
    statements.collect::<Vec<_>>().join("; ") + ";"
}

/// `[schema].[name]`.
fn quoted(procedure: &str) -> String {
    let bare = |part: &str| part.trim_start_matches('[').trim_end_matches(']').replace(']', "]]");
    let parts: Vec<String> = procedure.split('.').map(|part| format!("[{}]", bare(part))).collect();
    parts.join(".")
}

/// As a person reads it.
fn statement(spec: &StepSpec, params: &[Param]) -> String {
    let params: Vec<String> =
        params.iter().map(|param| format!(" @{} = {}", param.name, literal(&param.value))).collect();
    let call = format!("EXECUTE {}{}", spec.procedure, params.join(","));
    match spec.before.is_none() && spec.after.is_none() {
        true => call,
        false => in_a_row([None, spec.before.clone(), Some(call), spec.after.clone(), None]),
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("N'{}'", text.replace('\'', "''")),
        Value::Integer(n) => n.to_string(),
        Value::Date(date) => format!("'{}'", date.strftime("%Y%m%d")),
        other => format!("{other:?}"),
    }
}
