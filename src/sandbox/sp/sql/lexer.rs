//! Text into words: nested comments, `N''`, `[quoted]`, `"quoted"`, `0x`, money, variables.

use super::failure::{self, Answer};

/// A word of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: Kind,
    /// From 1.
    pub line: u32,
    /// Where it stands in the text, in bytes.
    pub from: usize,
    pub to: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A bare word: keyword or name.
    Word(String),
    /// `[name]`, or `"name"` under QUOTED_IDENTIFIER.
    Quoted(String),
    /// `@name`.
    Variable(String),
    /// `@@name`, without the signs.
    Global(String),
    /// `'text'`.
    Text(String),
    /// `N'text'`.
    Unicode(String),
    /// Digits alone.
    Integer(String),
    /// Digits with a point.
    Decimal(String),
    /// Digits with an exponent.
    Float(String),
    /// `$1.5`, without the sign.
    Money(String),
    /// `0x0A`.
    Binary(Vec<u8>),
    /// `+`, `<=`, `(` and so on.
    Sign(&'static str),
    End,
}

/// Signs, longer ones first.
const SIGNS: &[&str] = &[
    "<=", ">=", "<>", "!=", "!<", "!>", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "::", "(", ")", ",", ";", ".",
    "=", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "~", ":", "{", "}",
];

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    quoted_identifier: bool,
}

/// Whether a name may begin with it.
fn begins(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '#'
}

/// Whether a name may go on with it.
fn goes_on(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '#' | '@' | '$')
}

/// All words of a text; the last one is `End`.
pub fn tokens(text: &str, quoted_identifier: bool) -> Answer<Vec<Token>> {
    let mut lexer = Lexer { text, at: 0, line: 1, quoted_identifier };
    let mut all = Vec::new();
    loop {
        lexer.skip_blanks()?;
        let (from, line) = (lexer.at, lexer.line);
        let kind = lexer.next().map_err(|error| error.line(line))?;
        let is_end = kind == Kind::End;
        all.push(Token { kind, line, from, to: lexer.at });
        if is_end {
            return Ok(all);
        }
    }
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.text.len());
        self.line += self.text[self.at..end].matches('\n').count() as u32;
        self.at = end;
    }

    fn skip_blanks(&mut self) -> Answer<()> {
        loop {
            let rest = self.rest();
            let blank =
                rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0').len();
            if blank > 0 {
                self.skip(blank);
            } else if rest.starts_with("--") {
                let end = rest.find('\n').unwrap_or(rest.len());
                self.skip(end);
            } else if rest.starts_with("/*") {
                self.skip_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn skip_comment(&mut self) -> Answer<()> {
        let line = self.line;
        let bytes = self.rest().as_bytes();
        let (mut depth, mut at) = (0, 0);
        while at < bytes.len() {
            match &bytes[at..(at + 2).min(bytes.len())] {
                b"/*" => (depth, at) = (depth + 1, at + 2),
                b"*/" => (depth, at) = (depth - 1, at + 2),
                _ => at += 1,
            }
            if depth == 0 {
                self.skip(at);
                return Ok(());
            }
        }
        Err(failure::missing_end_comment().line(line))
    }

    fn next(&mut self) -> Answer<Kind> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Kind::End) };
        match first {
            '\'' => Ok(Kind::Text(self.enclosed('\'', 1)?)),
            'N' | 'n' if rest[1..].starts_with('\'') => Ok(Kind::Unicode(self.enclosed('\'', 2)?)),
            '[' => Ok(Kind::Quoted(self.enclosed(']', 1)?)),
            '"' if self.quoted_identifier => Ok(Kind::Quoted(self.enclosed('"', 1)?)),
            '"' => Ok(Kind::Text(self.enclosed('"', 1)?)),
            '@' => Ok(self.variable()),
            '$' => Ok(self.money()),
            '0'..='9' => Ok(self.number()),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => Ok(self.number()),
            c if begins(c) => Ok(self.word()),
            _ => {
                let found = SIGNS.iter().find(|sign| rest.starts_with(*sign));
                let Some(sign) = found else { return Err(failure::syntax(&first.to_string())) };
                self.skip(sign.len());
                Ok(Kind::Sign(sign))
            }
        }
    }

    /// Text up to the closing sign, which is written twice inside.
    fn enclosed(&mut self, close: char, opening: usize) -> Answer<String> {
        let rest = &self.rest()[opening..];
        let mut text = String::new();
        let mut chars = rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c != close {
                text.push(c);
            } else if chars.next_if(|&(_, next)| next == close).is_some() {
                text.push(close);
            } else {
                self.skip(opening + at + close.len_utf8());
                return Ok(text);
            }
        }
        Err(failure::unclosed(&text))
    }

    /// How many bytes from the beginning satisfy it.
    fn span(&self, fits: impl Fn(char) -> bool) -> usize {
        self.rest().find(|c: char| !fits(c)).unwrap_or(self.rest().len())
    }

    fn take(&mut self, bytes: usize) -> String {
        let taken = self.rest()[..bytes].to_owned();
        self.skip(bytes);
        taken
    }

    fn word(&mut self) -> Kind {
        let length = self.span(goes_on);
        Kind::Word(self.take(length))
    }

    fn variable(&mut self) -> Kind {
        let length = self.span(goes_on);
        let name = self.take(length);
        match name.strip_prefix("@@") {
            Some(global) if !global.is_empty() => Kind::Global(global.to_owned()),
            _ => Kind::Variable(name),
        }
    }

    fn money(&mut self) -> Kind {
        self.skip(1);
        let length = self.span(|c| c.is_ascii_digit() || c == '.');
        Kind::Money(self.take(length))
    }

    fn number(&mut self) -> Kind {
        let rest = self.rest();
        if rest.starts_with("0x") || rest.starts_with("0X") {
            self.skip(2);
            let length = self.span(|c| c.is_ascii_hexdigit());
            let digits = self.take(length);
            return Kind::Binary(bytes_of_hex(&digits));
        }
        let mut length = self.span(|c| c.is_ascii_digit());
        let has_point = rest[length..].starts_with('.');
        if has_point {
            length += 1;
            length += rest[length..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - length);
        }
        let mantissa = length;
        if rest[length..].starts_with(['e', 'E']) {
            let after = &rest[length + 1..];
            let sign = usize::from(after.starts_with(['+', '-']));
            let digits = after[sign..].find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len() - sign);
            length += 1 + sign + digits;
        }
        let has_exponent = length > mantissa;
        let text = self.take(length);
        match (has_exponent, has_point) {
            (true, _) => Kind::Float(text),
            (false, true) => Kind::Decimal(text),
            (false, false) => Kind::Integer(text),
        }
    }
}

/// The bytes of hexadecimal digits; an odd number of them begins with half a byte.
pub fn bytes_of_hex(digits: &str) -> Vec<u8> {
    let nibbles: Vec<u8> = digits.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    let (odd, rest) = nibbles.split_at(nibbles.len() % 2);
    odd.iter().copied().chain(rest.chunks(2).map(|pair| pair[0] << 4 | pair[1])).collect()
}
