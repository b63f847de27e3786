//! The text around a fault, as far as a message needs it.

use std::ops::Range;

use rhai::Position;

/// The text of a script and the place in it that the engine names.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub text: &'a str,
    /// A byte of `text`.
    pub at: usize,
}

/// The engine stops counting characters here; where a longer line is wrong it does not know.
pub const COUNTED: usize = u16::MAX as usize;

impl<'a> Scene<'a> {
    /// Nothing when the engine does not know the place.
    pub fn at(text: &'a str, position: Position) -> Option<Scene<'a>> {
        let column = position.position().unwrap_or(1);
        (column < COUNTED).then(|| Some(Scene::new(text, position.line()?, column)))?
    }

    /// The engine counts lines, and characters in them, from 1.
    fn new(text: &'a str, line: usize, column: usize) -> Scene<'a> {
        let start = match line {
            0 | 1 => 0,
            line => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(at, _)| at + 1),
        };
        let content = text[start..].split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let from = content.char_indices().nth(column.saturating_sub(1)).map_or(content.len(), |(at, _)| at);
        Scene { text, at: start + from }
    }

    pub fn before(&self) -> &'a str {
        &self.text[..self.at]
    }

    pub fn after(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The word that begins here.
    pub fn word(&self) -> &'a str {
        let after = self.after();
        &after[..after.find(|c| !is_letter(c)).unwrap_or(after.len())]
    }

    /// The word that begins here with the words behind its dots: `Agent.Admin.list`.
    pub fn path(&self) -> &'a str {
        let after = self.after();
        let end = after.find(|c| !is_letter(c) && c != '.').unwrap_or(after.len());
        after[..end].trim_end_matches('.')
    }

    /// The word that ends before this place, spaces apart.
    pub fn word_before(&self) -> &'a str {
        let before = self.before().trim_end();
        let start =
            before.rfind(|c| !is_letter(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        &before[start..]
    }

    /// Whether a value and a dot stand before this place.
    pub fn is_member(&self) -> bool {
        let before = self.before().trim_end();
        before.ends_with('.') && !before.ends_with("..")
    }

    /// The places of a word from this one on, not those in comments and texts.
    pub fn words(self, word: &str) -> impl Iterator<Item = Scene<'a>> {
        let Scene { text, at } = self;
        tokens(&text[at..])
            .filter(move |&(start, end)| text[at..][start..end] == *word)
            .map(move |(start, _)| Scene { text, at: at + start })
    }

    /// What stands between the brackets behind the word that begins here.
    pub fn arguments(&self) -> Option<&'a str> {
        let rest = &self.after()[self.word().len()..];
        let mut depth = 0_usize;
        let mut first = None;
        for (start, end) in tokens(rest) {
            match &rest[start..end] {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if first.is_none() && !rest[start..end].starts_with('(') {
                return None;
            }
            let first = *first.get_or_insert(end);
            if depth == 0 {
                return rest.get(first..start);
            }
        }
        None
    }

    /// What stands before the dot in front of this place: `m.keys()` before `.filter`.
    pub fn chain(&self) -> Option<&'a str> {
        let before = self.before();
        let tokens: Vec<(usize, usize)> = tokens(before).collect();
        let token = |at: usize| tokens.get(at).map_or("", |&(start, end)| &before[start..end]);
        let mut at = tokens.len();
        let mut start = None;
        let mut end = None;
        while at > 0 && token(at - 1) == "." && (at < 2 || token(at - 2) != ".") {
            at -= 1;
            at -= usize::from(at > 0 && token(at - 1) == "?");
            end = end.or_else(|| tokens.get(at.checked_sub(1)?).map(|&(_, end)| end));
            at = operand(at, token)?;
            start = tokens.get(at).map(|&(start, _)| start);
        }
        before.get(start?..end?)
    }

    /// The variable that such a chain begins with.
    pub fn root(&self) -> Option<&'a str> {
        let chain = Scene { text: self.chain()?, at: 0 };
        let root = chain.word();
        let is_call = chain.text[root.len()..].trim_start().starts_with(['(', ':']);
        (!is_call && root.starts_with(|c: char| c.is_alphabetic() || c == '_')).then_some(root)
    }

    /// What to underline: a word, a text in quotes, or one character.
    pub fn span(&self) -> Range<usize> {
        let after = self.after();
        // A field that is not there is reported at the dot before it.
        if let Some(rest) = after.strip_prefix("?.").or_else(|| after.strip_prefix('.')) {
            let word = Scene { text: self.text, at: self.text.len() - rest.trim_start().len() };
            if !word.word().is_empty() {
                return word.span();
            }
        }
        let length = match (self.word().len(), after.chars().next()) {
            (0, Some(quote @ ('"' | '\'' | '`'))) => {
                let line = after.split('\n').next().unwrap_or_default().trim_end_matches('\r');
                line[1..].find(quote).map_or(line.len(), |end| end + 2)
            }
            (0, None | Some('\n' | '\r')) => 0,
            (0, Some(letter)) => letter.len_utf8(),
            (word, _) => word,
        };
        self.at..self.at + length
    }

    /// Where the code before this place ends, comments apart.
    pub fn end_before(&self) -> Option<usize> {
        tokens(self.before()).last().map(|(_, end)| end)
    }

    /// The innermost bracket that is open at the end of the text, if one is.
    pub fn open_bracket(&self) -> Option<(usize, char)> {
        let mut open = Vec::new();
        for (start, end) in tokens(self.text) {
            match &self.text[start..end] {
                "(" | "[" | "{" => open.push(start),
                ")" | "]" | "}" => drop(open.pop()),
                _ => {}
            }
        }
        let at = open.pop()?;
        Some((at, self.text[at..].chars().next()?))
    }

    /// Whether the file declares a constant of this name at its top level.
    pub fn has_constant(&self, name: &str) -> bool {
        let declared = |line: &str| {
            let rest = line.strip_prefix("export ").unwrap_or(line).strip_prefix("const ")?;
            rest.trim_start().strip_prefix(name)?.chars().next().map(|next| !is_letter(next))
        };
        self.text.lines().any(|line| declared(line) == Some(true))
    }

    /// Whether the text uses a name as a variable: not called, no field and no key.
    pub fn has_variable(&self, name: &str) -> bool {
        Scene { text: self.text, at: 0 }.words(name).any(|place| {
            let behind = place.after()[name.len()..].trim_start();
            let is_called =
                behind.starts_with('(') || behind.starts_with(':') || matches!(place.word_before(), "fn" | "as");
            !is_called && !place.is_member() && place.at != self.at
        })
    }

    /// Whether the text declares the name as a variable or a function of its own.
    pub fn has_declared(&self, name: &str) -> bool {
        Scene { text: self.text, at: 0 }.words(name).any(|place| matches!(place.word_before(), "let" | "const" | "fn"))
    }

    /// Where a comment begins that nothing ends.
    pub fn open_comment(&self) -> Option<usize> {
        // What is no token is spaces and comments.
        let gaps = tokens(self.text).map(Some).chain([None]).scan(0, |end, token| {
            let (start, next) = token.unwrap_or((self.text.len(), self.text.len()));
            Some(std::mem::replace(end, next)..start)
        });
        gaps.filter_map(|gap| comment_without_end(&self.text[gap.clone()]).map(|at| gap.start + at)).last()
    }

    /// Whether a bracket follows the word that begins here.
    pub fn is_called(&self) -> bool {
        self.after()[self.word().len()..].trim_start().starts_with('(')
    }

    /// Whether an import is given this name.
    pub fn has_import(&self, name: &str) -> bool {
        Scene { text: self.text, at: 0 }.words(name).any(|place| place.word_before() == "as")
    }

    /// The variable of a loop over answers whose field is asked for at this place.
    pub fn answer(&self) -> Option<&'a str> {
        let field = Scene { text: self.text, at: self.span().start };
        let name = field.chain().filter(|chain| chain.chars().all(is_letter))?;
        let loops = Scene { text: self.text, at: 0 }.words("for");
        let mut over = loops.filter_map(|place| place.text[place.at + 3..].trim_start().strip_prefix(name));
        let line = over.find_map(|rest| rest.trim_start().strip_prefix("in "))?.lines().next()?;
        let gives_answers =
            |code: &str| [".get_by_id(", ".get_by_ID(", ".call_each("].iter().any(|call| code.contains(call));
        let iterated: &str = Scene { text: line, at: line.len() - line.trim_start().len() }.word();
        let declared = self.text.lines().any(|line| {
            line.trim_start()
                .strip_prefix("let ")
                .and_then(|rest| rest.trim_start().strip_prefix(iterated))
                .is_some_and(gives_answers)
        });
        (gives_answers(line) || (!iterated.is_empty() && declared)).then_some(name)
    }

    /// Names of fields that the text mentions: keys of maps and what stands behind dots.
    pub fn fields(&self) -> Vec<&'a str> {
        let text = self.text;
        let tokens: Vec<&str> = tokens(text).map(|(start, end)| &text[start..end]).collect();
        let mut fields: Vec<&str> = Vec::new();
        for at in 0..tokens.len() {
            let before = at.checked_sub(1).map_or("", |before| tokens[before]);
            let after = tokens.get(at + 1).copied().unwrap_or_default();
            let is_key = matches!(before, "{" | ",") && after == ":";
            if tokens[at].starts_with(is_letter) && (is_key || (before == "." && after != "(")) {
                fields.push(tokens[at]);
            }
        }
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The place of a `/*` without `*/` in spaces and comments.
fn comment_without_end(gap: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += gap[at..].len() - gap[at..].trim_start().len();
        let rest = &gap[at..];
        at += match () {
            () if rest.starts_with("//") => rest.find('\n')?,
            () if rest.starts_with("/*") => match rest[2..].find("*/") {
                Some(end) => end + 4,
                None => return Some(at),
            },
            () => return None,
        };
    }
}

/// Where the value begins that ends before the token `at`: a word, a text, or brackets with what they belong to.
fn operand<'a>(mut at: usize, token: impl Fn(usize) -> &'a str) -> Option<usize> {
    loop {
        let last = token(at.checked_sub(1)?);
        let is_closing = matches!(last, ")" | "]" | "}");
        let mut depth = 0_usize;
        while at > 0 {
            at -= 1;
            match token(at) {
                ")" | "]" | "}" => depth += 1,
                "(" | "[" | "{" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        let before = at.checked_sub(1).map_or("", &token);
        let continues = before.starts_with(is_letter) || matches!(before, ")" | "]");
        if !is_closing || !continues {
            return Some(at);
        }
    }
}

/// The places of words, quoted texts and single signs; comments and spaces are left out. Good enough for hints: code
/// inside a `…${…}…` counts as text.
fn tokens(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = &text[at..];
            let first = rest.chars().next()?;
            let length = match first {
                _ if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                _ if rest.starts_with("/*") => rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
                '"' | '`' | '\'' => quoted(rest, first),
                c if is_letter(c) => rest.find(|c| !is_letter(c)).unwrap_or(rest.len()),
                c => c.len_utf8(),
            };
            let start = at;
            at += length;
            let is_comment = rest.starts_with("//") || rest.starts_with("/*");
            if !is_comment && !first.is_whitespace() {
                return Some((start, at));
            }
        }
    })
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            '\n' if quote != '`' => return at,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_characters() {
        let scene = Scene::new("один\r\nдва три\r\n", 2, 5);
        assert_eq!(scene.word(), "три");
        assert_eq!(scene.word_before(), "два");
        assert_eq!(&scene.text[scene.span()], "три");
        assert_eq!(Scene::new("a", 9, 9).at, 1);
    }

    #[test]
    fn brackets_in_texts_and_comments_do_not_count() {
        let scene = Scene { text: "f({ // (\n \"}\" `]\n`, '(' /* [ */", at: 0 };
        assert_eq!(scene.open_bracket(), Some((2, '{')));
        assert_eq!(Scene { text: "f(1)", at: 0 }.open_bracket(), None);
    }

    #[test]
    fn the_code_before_a_place_ends_before_its_comment() {
        let text = "let a = 5 // five; \"\n\nlet b";
        assert_eq!(Scene { text, at: text.len() - 5 }.end_before(), Some(9));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-zё(){}\\[\\]?\"'`/*.\\n\\r\\\\ ]{0,40}", line in 0_usize..5, column in 0_usize..30) {
            let scene = Scene::new(&text, line, column);
            let _ = (scene.word(), scene.word_before(), scene.end_before(), scene.open_bracket(), scene.fields());
            let _ = scene.open_comment();
            let _ = (scene.chain(), scene.root(), scene.arguments(), scene.answer(), scene.has_variable("a"));
            proptest::prop_assert!(text.get(scene.span()).is_some());
        }
    }
}
