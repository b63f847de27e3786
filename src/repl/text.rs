//! The text of a line that may not be finished, cut into pieces. The compiler is asked wherever it can answer; it says
//! nothing about the piece under the cursor, which completion, hints and colours need.

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or a word of the language.
    Word,
    Number,
    /// A string with its quotes, or the part of a back-quoted one up to the next `${`.
    Text,
    Comment,
    Sign,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'t> {
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    pub text: &'t str,
    /// A string or comment that nothing closes.
    pub open: bool,
}

impl Piece<'_> {
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub fn is(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    pub fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }

    /// What stands between the quotes.
    pub fn inside(&self) -> &str {
        let mut letters = self.text.chars();
        letters.next();
        match self.open {
            true => letters.as_str(),
            false => {
                letters.next_back();
                letters.as_str()
            }
        }
    }
}

/// Words of the language that can stand where a name can.
pub const KEYWORDS: &[&str] = &[
    "as", "break", "catch", "const", "continue", "do", "else", "export", "false", "fn", "for", "global", "if",
    "import", "in", "let", "loop", "private", "return", "switch", "this", "throw", "true", "try", "until", "while",
];

/// Longer signs first.
const SIGNS: &[&str] = &[
    "..=", "::", "?.", "?[", "#{", "${", "=>", "..", "==", "!=", "<=", ">=", "&&", "||", "??", "+=", "-=", "*=", "/=",
];

/// The pieces of a text, without the spaces between them.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut cutter = Cutter { text, at: 0, pieces: Vec::new(), templates: Vec::new() };
    while cutter.step() {}
    cutter.pieces
}

struct Cutter<'t> {
    text: &'t str,
    at: usize,
    pieces: Vec<Piece<'t>>,
    /// For each `${` around this place, how many braces are open inside it.
    templates: Vec<usize>,
}

impl<'t> Cutter<'t> {
    fn step(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else { return false };
        match first {
            c if c.is_whitespace() => self.at += c.len_utf8(),
            '/' if rest.starts_with("//") => self.take(Kind::Comment, rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") => self.comment(rest),
            '"' | '\'' => self.quoted(rest, first),
            '`' => self.template(rest, 1),
            '}' if self.templates.last() == Some(&0) => {
                self.templates.pop();
                self.take(Kind::Sign, 1, false);
                self.template(&self.text[self.at..], 0);
            }
            c if c.is_alphabetic() || c == '_' => {
                self.take(Kind::Word, length(rest, |c| c.is_alphanumeric() || c == '_'), false);
            }
            c if c.is_ascii_digit() => self.take(Kind::Number, number(rest), false),
            _ => self.sign(rest, first),
        }
        true
    }

    fn take(&mut self, kind: Kind, length: usize, open: bool) {
        self.pieces.push(Piece { kind, start: self.at, text: &self.text[self.at..self.at + length], open });
        self.at += length;
    }

    fn sign(&mut self, rest: &str, first: char) {
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign) && **sign != "${");
        let length = sign.map_or(first.len_utf8(), |sign| sign.len());
        match (self.templates.last_mut(), &rest[..length]) {
            (Some(depth), "{" | "#{") => *depth += 1,
            (Some(depth), "}") => *depth -= 1,
            _ => {}
        }
        self.take(Kind::Sign, length, false);
    }

    /// Block comments stand inside each other.
    fn comment(&mut self, rest: &str) {
        let (mut depth, mut at) = (1, 2);
        while let Some(found) = rest[at..].find(['/', '*']) {
            at += found;
            match rest.get(at..at + 2) {
                Some("/*") => (depth, at) = (depth + 1, at + 2),
                Some("*/") => (depth, at) = (depth - 1, at + 2),
                _ => at += 1,
            }
            if depth == 0 {
                return self.take(Kind::Comment, at, false);
            }
        }
        self.take(Kind::Comment, rest.len(), true);
    }

    /// A string that ends with the line unless a backslash stands there.
    fn quoted(&mut self, rest: &str, quote: char) {
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => return self.take(Kind::Text, at + 1, false),
                '\n' => return self.take(Kind::Text, at, true),
                _ => {}
            }
        }
        self.take(Kind::Text, rest.len(), true);
    }

    /// A back-quoted string from here to its end, or to the next `${`. `skip` is 1 at the opening quote.
    fn template(&mut self, rest: &str, skip: usize) {
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(skip) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '`' => return self.take(Kind::Text, at + 1, false),
                '$' if rest[at..].starts_with("${") => {
                    self.take(Kind::Text, at, false);
                    self.take(Kind::Sign, 2, false);
                    self.templates.push(0);
                    return;
                }
                _ => {}
            }
        }
        self.take(Kind::Text, rest.len(), true);
    }
}

fn length(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// `1_000`, `0xff`, `1.5`, `1e-3`, but not the dot of `1.max(2)` and of `0..10`.
fn number(text: &str) -> usize {
    let whole = length(text, |c| c.is_ascii_alphanumeric() || c == '_');
    match text[whole..].strip_prefix('.').and_then(|rest| rest.chars().next()) {
        Some(c) if c.is_ascii_digit() => whole + 1 + length(&text[whole + 1..], |c| c.is_ascii_alphanumeric()),
        _ => whole,
    }
}

/// The place of the bracket that opens what stands at `at`, counted in pieces; none at the top.
pub fn opener(pieces: &[Piece<'_>], at: usize) -> Option<usize> {
    let mut closed = 0usize;
    for (place, piece) in pieces[..at].iter().enumerate().rev() {
        if closes(piece) {
            closed += 1;
        } else if opens(piece) {
            match closed.checked_sub(1) {
                Some(fewer) => closed = fewer,
                None => return Some(place),
            }
        }
    }
    None
}

pub fn opens(piece: &Piece<'_>) -> bool {
    piece.kind == Kind::Sign && matches!(piece.text, "(" | "[" | "{" | "#{" | "${" | "?[")
}

pub fn closes(piece: &Piece<'_>) -> bool {
    piece.kind == Kind::Sign && matches!(piece.text, ")" | "]" | "}")
}

/// How many commas stand between this bracket and `at`, not counting those inside further brackets.
pub fn commas(pieces: &[Piece<'_>], opener: usize, at: usize) -> usize {
    let mut depth = 0usize;
    let mut commas = 0;
    for piece in &pieces[opener + 1..at] {
        match piece {
            piece if opens(piece) => depth += 1,
            piece if closes(piece) => depth = depth.saturating_sub(1),
            piece if piece.is(",") && depth == 0 => commas += 1,
            _ => {}
        }
    }
    commas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_as_a_person_reads_it() {
        for (text, expected) in [
            ("a.b::c", "a . b :: c"),
            ("f(\"x, y\", 1.5)", "f ( \"x, y\" , 1.5 )"),
            ("0..10 1.max(2)", "0 .. 10 1 . max ( 2 )"),
            ("`a ${x + `b`} c` d", "`a |${|x|+|`b`|}| c`|d"),
            ("`${#{a: 1}.a}` b", "`|${|#{|a|:|1|}|.|a|}|`|b"),
            ("x // y", "x|// y"),
            ("'\"' \"\\\"\" базы", "'\"' \"\\\"\" базы"),
        ] {
            let by = if expected.contains('|') { "|" } else { " " };
            let found: Vec<&str> = pieces(text).iter().map(|piece| piece.text).collect();
            assert_eq!(found.join(by), expected, "{text}");
        }
    }

    #[test]
    fn what_nothing_closes_is_open() {
        for (text, open) in [("\"ab", true), ("`a\nb", true), ("/* a /* b */", true), ("`a`", false), ("/**/", false)] {
            assert_eq!(pieces(text).last().map(|piece| piece.open), Some(open), "{text}");
        }
    }

    #[test]
    fn the_bracket_around_a_place_is_found_over_those_that_are_closed() {
        let pieces = pieces("f(g(1, 2), [3], ");
        let opener = opener(&pieces, pieces.len()).unwrap();
        assert_eq!(pieces[opener].start, 1);
        assert_eq!(commas(&pieces, opener, pieces.len()), 2);
    }
}
