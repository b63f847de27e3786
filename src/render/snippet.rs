//! Faults drawn for people: the lines around the place, a mark under it, and what to do.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};

use crate::error::Fault;
use crate::render::tame;
use crate::secret;

/// Lines of context above and below.
const CONTEXT: usize = 1;
/// The width where nobody's window gives one.
const WIDTH: usize = 100;
/// What stands left of a line: its number and a frame.
const MARGIN: usize = 8;
/// No window is so narrow that less of a line makes sense.
const NARROWEST: usize = 40;

/// Characters of a message; who wants more of it catches the error.
const LONGEST: usize = 2_000;

/// A text with the place in it that is meant.
#[derive(Clone, Debug)]
pub struct Place {
    pub source: String,
    pub text: Arc<str>,
    /// Bytes of `text`.
    pub span: Range<usize>,
}

impl Place {
    pub fn of(fault: &Fault) -> Place {
        Place { source: fault.source.clone(), text: fault.text.clone(), span: fault.span.clone() }
    }
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
    let width = style.width.map_or(WIDTH, usize::from);
    let drawn = Drawn {
        code: cut(&tame(snippet.code).replace('\n', " ")),
        message: cut(&tame(&secret::mask(snippet.message))),
        hint: snippet.hint.map(|hint| cut(&tame(&secret::mask(hint)))),
        excerpt: snippet.place.map(|place| Excerpt::new(place, width.saturating_sub(MARGIN).max(NARROWEST))),
    };
    let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(width).with_context_lines(CONTEXT).with_links(false);
    let mut text = String::new();
    // Writing into a string fails only when a span lies outside its text; the message must be seen even then.
    if handler.render_report(&mut text, &drawn).is_err() {
        text = format!("{}: {}", drawn.code, drawn.message);
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// What a script throws may be of any length.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The lines that are shown, none of them longer than a window, and where they stand in their text.
#[derive(Debug)]
struct Excerpt {
    source: String,
    lines: String,
    span: Range<usize>,
    /// Lines before the first one shown.
    lines_before: usize,
    /// Characters before the place in its line; the drawing itself would count bytes.
    column: usize,
}

impl Excerpt {
    fn new(place: &Place, longest: usize) -> Excerpt {
        // Secrets become as many stars, so that places stay where they are.
        let text = secret::blot(&place.text);
        let start = floor(&text, place.span.start);
        let end = floor(&text, place.span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let number = text[..line_start].matches('\n').count();
        let all: Vec<Cow<'_, str>> =
            text.split('\n').map(|line| tame(line.strip_suffix('\r').unwrap_or(line))).collect();
        let first = number.saturating_sub(CONTEXT);
        // The empty piece after the last line end is no line, unless it is the one that is meant.
        let last =
            (number + CONTEXT).min(all.len().saturating_sub(if text.ends_with('\n') { 2 } else { 1 })).max(number);
        let column = text[line_start..start].chars().count();
        let mut lines = String::new();
        let mut span = 0..0;
        for at in first..=last {
            let line = all.get(at).map(AsRef::as_ref).unwrap_or_default();
            if at > first {
                lines.push('\n');
            }
            if at != number {
                lines.push_str(&window(line, 0, longest).0);
                continue;
            }
            // A long line is shown around its place.
            let from = if line.chars().count() > longest { column.saturating_sub(longest / 2) } else { 0 };
            let (shown, dropped, added) = window(line, from, longest);
            let local = |byte: usize| (byte + added).saturating_sub(dropped).min(shown.len());
            let begin = lines.len() + local(start - line_start);
            let finish = lines.len() + local(end.min(line_start + line.len()).max(start) - line_start);
            span = begin..finish;
            lines.push_str(&shown);
        }
        Excerpt { source: place.source.clone(), lines, span, lines_before: first, column }
    }
}

/// The nearest beginning of a character.
fn floor(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// So many characters of a line from the one at `from` on, how many bytes were left out before them, and how many stand
/// there instead.
fn window(line: &str, from: usize, longest: usize) -> (String, usize, usize) {
    let dropped = line.char_indices().nth(from).map_or(line.len(), |(at, _)| at);
    let mut shown = String::new();
    if dropped > 0 {
        shown.push('…');
    }
    let added = shown.len();
    let mut rest = line[dropped..].chars();
    shown.extend(rest.by_ref().take(longest));
    if rest.next().is_some() {
        shown.push('…');
    }
    (shown, dropped, added)
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let read = self.lines.read_span(span, before, after)?;
        // Asked without the lines around it, it is the place of the heading.
        let column = if before == 0 && after == 0 { self.column } else { read.column() };
        Ok(Box::new(MietteSpanContents::new_named(
            self.source.clone(),
            read.data(),
            *read.span(),
            read.line() + self.lines_before,
            column,
            read.line_count(),
        )))
    }
}

#[derive(Debug)]
struct Drawn {
    code: String,
    message: String,
    hint: Option<String>,
    excerpt: Option<Excerpt>,
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
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.excerpt.as_ref()?.span.clone();
        Some(Box::new(std::iter::once(LabeledSpan::underline(span))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, span: Range<usize>) -> String {
        let place = Place { source: "x.rhai".into(), text: text.into(), span };
        draw(&Snippet { code: "c", message: "m", hint: None, place: Some(&place) }, Style::default())
    }

    #[test]
    fn columns_count_characters_and_long_lines_are_cut() {
        let text = "один\nдва = три\nчетыре\n";
        let at = text.find("три").unwrap();
        assert!(drawn(text, at..at + 6).contains("x.rhai:2:7"));
        let long = format!("{}HERE{}", "ё".repeat(500), "x".repeat(500));
        let report = drawn(&long, 1000..1004);
        assert!(report.contains("x.rhai:1:501") && report.contains("HERE") && report.contains("────"), "{report}");
        assert!(report.lines().all(|line| line.chars().count() <= WIDTH + 4), "{report}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_span_makes_it_panic(text in "[a-zё\\r\\n\\t😀]{0,40}", from in 0_usize..60, len in 0_usize..9) {
            let report = drawn(&text, from..from + len);
            proptest::prop_assert!(report.contains('m'));
        }
    }
}
