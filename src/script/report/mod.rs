//! What went wrong, in one shape, whether the script did not compile, threw, or a native call failed.

pub mod call;
pub mod foreign;
pub mod race;
pub mod said;
pub mod scene;
mod shapes;
mod syntax;

use std::sync::Arc;

use rhai::{Dynamic, EvalAltResult, Map, Position};

use crate::error::{Error, Kind};
use crate::render::snippet::{self, Place, Snippet, Style};
use crate::script::catalogue::Function;
use crate::script::imports::Sources;
use said::{Said, Scripted};
use scene::{COUNTED, Scene};

/// A longer way to the fault is shown by its two ends.
const LONGEST_TRAIL: usize = 10;

/// One step of the way to the fault.
#[derive(Debug)]
struct Step {
    /// Nothing for a function without a name.
    what: Option<String>,
    source: String,
    position: Position,
}

/// A fault with its place and the calls that led there.
#[derive(Debug)]
pub struct Report {
    pub code: String,
    pub kind: Kind,
    pub message: String,
    pub hint: Option<String>,
    place: Option<Place>,
    /// Innermost first.
    trail: Vec<String>,
    /// Further faults of the same thing, each with its own place (a configuration's).
    others: Vec<crate::error::Fault>,
}

/// What is known about names, for hints.
pub struct Names<'a> {
    pub functions: &'a [Function],
    /// Objects such as `b24`, and the variables of a session.
    pub globals: &'a [String],
    /// Variables that exist at top level, which functions do not see.
    pub variables: &'a [String],
    /// The constants among them.
    pub constants: &'a [String],
}

impl Report {
    /// Of an error that is not the script's.
    pub fn of(error: &Error) -> Report {
        let report = Report {
            code: error.code().to_owned(),
            kind: error.kind(),
            message: error.message().to_owned(),
            hint: error.hint_text().map(ToOwned::to_owned),
            place: None,
            trail: Vec::new(),
            others: Vec::new(),
        };
        match error.all_faults() {
            // The only one says it all.
            [only] => Report {
                message: only.message.clone(),
                hint: only.hint.clone().or(report.hint),
                place: Some(Place::of(only)),
                ..report
            },
            faults => Report { others: faults.to_vec(), ..report },
        }
    }

    /// Of what the engine returned for the text named `source`.
    pub fn of_script(error: &EvalAltResult, source: &str, sources: &Sources, names: &Names<'_>) -> Report {
        let (steps, inner, source, position) = unwind(error, source);
        let text = sources.text(&source);
        let scene = text.as_deref().and_then(|text| match inner {
            EvalAltResult::ErrorDataRace(what, place) if place.is_none() => race::scene(what, text),
            _ => Scene::at(text, position),
        });
        let (here, elsewhere) = sources.functions(&source);
        let said = Said::of(inner, names, &Scripted { here, elsewhere }, scene.as_ref());
        let span = scene.map(|scene| said.at.clone().unwrap_or_else(|| scene.span()));
        let place = text.clone().zip(span).map(|(text, span)| Place { source: shown_name(&source), text, span });
        let mut trail = shortened(told(&steps, sources));
        // A fault without a known text still tells where it is.
        if place.is_none() && !position.is_none() {
            trail.insert(0, at(&source, position));
        }
        Report {
            code: said.code,
            kind: said.kind,
            message: said.message,
            hint: said.hint,
            place,
            trail,
            others: Vec::new(),
        }
    }

    /// The message and where it is from, on one line.
    pub fn brief(&self) -> String {
        let place = self.place.as_ref().map(|place| {
            let before = &place.text[..place.span.start.min(place.text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
            format!("{}:{line}:{column}", place.source)
        });
        match place.or_else(|| self.trail.first().cloned()) {
            Some(place) => format!("{} ({place})", self.message),
            None => self.message.clone(),
        }
    }

    /// The report as text.
    pub fn draw(&self, style: Style) -> String {
        let snippet = Snippet {
            code: &self.code,
            message: &self.message,
            hint: self.hint.as_deref(),
            place: self.place.as_ref(),
        };
        let mut text = snippet::draw(&snippet, style);
        for (at, step) in self.trail.iter().enumerate() {
            text.push_str(if at == 0 { "\n  from: " } else { "\n        " });
            text.push_str(step);
        }
        for fault in &self.others {
            let place = Place::of(fault);
            let snippet =
                Snippet { code: &self.code, message: &fault.message, hint: fault.hint.as_deref(), place: Some(&place) };
            text.push_str("\n\n");
            text.push_str(&snippet::draw(&snippet, style));
        }
        text
    }
}

/// An error as a map with the code and the words that a report would have.
pub fn thrown_map(error: &EvalAltResult) -> Map {
    let inner = error.unwrap_inner();
    if let EvalAltResult::ErrorRuntime(value, _) = inner
        && let Some(map) = value.read_lock::<Map>()
    {
        return map.clone();
    }
    let said = Said::of(
        inner,
        &Names { functions: &[], globals: &[], variables: &[], constants: &[] },
        &Scripted::default(),
        None,
    );
    let mut map = Map::new();
    map.insert("error".into(), said.code.into());
    map.insert("kind".into(), said.kind.word().into());
    map.insert("message".into(), said.message.into());
    map.insert("hint".into(), said.hint.map_or(Dynamic::UNIT, Into::into));
    let place = |n: Option<usize>| n.and_then(|n| i64::try_from(n).ok()).map_or(Dynamic::UNIT, Into::into);
    map.insert("line".into(), place(inner.position().line()));
    map.insert("position".into(), place(inner.position().position()));
    map
}

/// The chain of calls (outermost first), the error at its end, and where that is. The place of a step lies in the text
/// of the step around it.
fn unwind<'e>(error: &'e EvalAltResult, source: &str) -> (Vec<Step>, &'e EvalAltResult, String, Position) {
    let mut steps = Vec::new();
    let mut source = source.to_owned();
    let mut error = error;
    loop {
        let (what, inside, inner, position) = match error {
            EvalAltResult::ErrorInFunctionCall(name, inside, inner, position) => {
                let what = (!name.starts_with("anon$")).then(|| format!("in `{name}`, called"));
                (what, inside, inner, *position)
            }
            EvalAltResult::ErrorInModule(name, inner, position) => {
                (Some("imported".to_owned()), name, inner, *position)
            }
            last => return (steps, last, source, last.position()),
        };
        if !position.is_none() {
            steps.push(Step { what, source: source.clone(), position });
        }
        if !inside.is_empty() {
            source.clone_from(inside);
        }
        error = inner;
    }
}

fn at(source: &str, position: Position) -> String {
    match (position.line(), position.position()) {
        (Some(line), Some(column @ ..COUNTED)) => format!("{}:{line}:{column}", shown_name(source)),
        (Some(line), _) => format!("{}:{line}", shown_name(source)),
        _ => shown_name(source),
    }
}

/// A file's path as short as it is clear: relative to where `pult` was started when it lies below.
pub fn shown_name(source: &str) -> String {
    let here = std::env::current_dir().ok().and_then(|here| dunce::canonicalize(here).ok());
    here.and_then(|here| std::path::Path::new(source).strip_prefix(here).ok().map(|path| path.display().to_string()))
        .unwrap_or_else(|| source.to_owned())
}

/// What to underline at a position of a text.
pub fn place(source: &str, text: Arc<str>, position: Position) -> Option<Place> {
    let span = Scene::at(&text, position)?.span();
    Some(Place { source: shown_name(source), text, span })
}

/// The steps in words, innermost first.
fn told(steps: &[Step], sources: &Sources) -> Vec<String> {
    let mut told = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        // A closure is called where its caller is: one of the two lines is enough.
        let around = n.checked_sub(1).map(|before| &steps[before]);
        let is_double =
            |around: &Step| step.what.is_none() && around.source == step.source && around.position == step.position;
        if around.is_some_and(is_double) {
            continue;
        }
        let place = at(&step.source, step.position);
        told.push(match &step.what {
            Some(what) => format!("{what} ({place})"),
            None => match caller(step, sources) {
                Some(caller) => format!("in the function given to `{caller}` ({place})"),
                None => format!("in a function without a name, called ({place})"),
            },
        });
    }
    told.reverse();
    told
}

/// The native function that called a closure: the word at the place of the call.
fn caller(step: &Step, sources: &Sources) -> Option<String> {
    let text = sources.text(&step.source)?;
    let scene = Scene::at(&text, step.position)?;
    let word = scene.word();
    (!word.is_empty() && word != "call").then(|| word.to_owned())
}

fn shortened(mut trail: Vec<String>) -> Vec<String> {
    if trail.len() > LONGEST_TRAIL {
        let half = LONGEST_TRAIL / 2;
        let left_out = trail.len() - 2 * half;
        trail.splice(half..half + left_out, [format!("… {left_out} more calls …")]);
    }
    trail
}
