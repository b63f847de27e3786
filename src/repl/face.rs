//! What the line editor asks for while a line is being typed.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Context, Helper};

use crate::repl::lines::Lines;
use crate::repl::{complete, highlight, hint};

pub struct Face {
    lines: Rc<RefCell<Lines>>,
    colour: bool,
    /// The line is entered; its last picture shows no pair of brackets.
    entered: Cell<bool>,
}

impl Face {
    pub fn new(lines: Rc<RefCell<Lines>>, colour: bool) -> Face {
        Face { lines, colour, entered: Cell::new(false) }
    }
}

impl Helper for Face {}

impl Completer for Face {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let lines = self.lines.borrow();
        let known = complete::Known { names: lines.names(), root: lines.session().root(), here: Path::new(".") };
        let offers = complete::at(line, pos, &known);
        Ok((offers.from, offers.offers.into_iter().map(Pair::from).collect()))
    }
}

impl Validator for Face {
    fn validate(&self, input: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = input.input();
        let is_command = text.trim_start().starts_with([':', '?']);
        Ok(match is_command || self.lines.borrow().is_finished(text) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

/// A hint is read, not taken over.
pub struct Signature(String);

impl Hint for Signature {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Face {
    type Hint = Signature;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<Signature> {
        match pos == line.len() {
            true => hint::of(line, self.lines.borrow().names()).map(Signature),
            false => None,
        }
    }
}

impl Highlighter for Face {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        if !self.colour {
            return Cow::Borrowed(line);
        }
        let cursor = (!self.entered.get()).then_some(pos);
        Cow::Owned(highlight::line(line, cursor, self.lines.borrow().names()))
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, default: bool) -> Cow<'b, str> {
        match self.colour && default {
            true => Cow::Owned(highlight::prompt(prompt)),
            false => Cow::Borrowed(prompt),
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        match self.colour {
            true => Cow::Owned(highlight::hint(hint)),
            false => Cow::Borrowed(hint),
        }
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        Cow::Borrowed(candidate)
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.entered.set(kind == CmdKind::ForcedRefresh);
        self.colour
    }
}
