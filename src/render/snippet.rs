//! Faults drawn for people: the lines around the place, a mark under it, and what to do.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::secret;

/// Lines of context above and below.
const CONTEXT: usize = 1;
/// The width where nobody's window gives one.
const WIDTH: usize = 100;

/// A text with the place in it that is meant.
#[derive(Clone, Debug)]
pub struct Place {
    pub source: String,
    pub text: Arc<str>,
    /// Bytes of `text`.
    pub span: Range<usize>,
}

/// One fault, ready to be drawn.
#[derive(Debug)]
pub struct Snippet<'a> {
    pub code: &'a str,
    pub message: &'a str,
    pub hint: Option<&'a str>,
    pub place: Option<&'a Place>,
}

/// How it is drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    pub colour: bool,
    pub width: Option<u16>,
}

pub fn draw(snippet: &Snippet<'_>, style: Style) -> String {
    let drawn = Drawn {
        code: snippet.code.to_owned(),
        message: secret::mask(snippet.message).into_owned(),
        hint: snippet.hint.map(|hint| secret::mask(hint).into_owned()),
        source: snippet.place.map(|place| NamedSource::new(&place.source, masked(&place.text))),
        span: snippet.place.map(|place| place.span.clone()),
    };
    let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width.map_or(WIDTH, usize::from))
        .with_context_lines(CONTEXT)
        .with_links(false);
    let mut text = String::new();
    // Writing into a string fails only when a span lies outside its text; the message must be seen even then.
    if handler.render_report(&mut text, &drawn).is_err() {
        text = format!("{}: {}", drawn.code, drawn.message);
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The text with secrets replaced by as many stars, so that places stay where they are.
fn masked(text: &str) -> String {
    secret::blot(text).into_owned()
}

#[derive(Debug)]
struct Drawn {
    code: String,
    message: String,
    hint: Option<String>,
    source: Option<NamedSource<String>>,
    span: Option<Range<usize>>,
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

impl Diagnostic for Drawn {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::underline(span))))
    }
}
