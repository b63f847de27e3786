//! Words into instructions.

mod expression;
mod procedure;
mod query;
mod reserved;
mod statement;
mod table;
mod types;

use super::ast::{Expr, Instruction, Name, Place, Program, Step};
use super::failure::{self, Answer, Failure};
use super::lexer::{Kind, Token, tokens};

/// How deep anything may be nested.
const DEEPEST: usize = 50;

/// Reads a batch. Nothing of it runs when this fails.
///
/// # Errors
/// 102, 156 and the like, with the line.
pub fn batch(text: &str, quoted_identifier: bool) -> Answer<Program> {
    let mut parser = Parser::new(text, quoted_identifier)?;
    parser.whole_batch()?;
    Ok(Program { code: parser.code })
}

/// Reads `@a int, @b nvarchar(10) = N'x' OUTPUT`: what sp_executesql is told of its parameters.
pub fn formals(text: &str) -> Answer<Vec<super::ast::Formal>> {
    let mut parser = Parser::new(text, true)?;
    let formals = parser.formals()?;
    parser.end()?;
    Ok(formals)
}

/// Reads a name like `[bill_ab].dbo.[a b]`.
pub fn name(text: &str) -> Answer<Name> {
    let mut parser = Parser::new(text, true)?;
    let name = parser.name()?;
    parser.end()?;
    Ok(name)
}

/// A WHILE under way.
struct Loop {
    begin: Place,
    /// Jumps to its end, which are filled in there.
    breaks: Vec<usize>,
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    code: Vec<Instruction>,
    loops: Vec<Loop>,
    tries: usize,
    catches: usize,
    /// Line of the statement that is read.
    line: u32,
    in_procedure: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, quoted_identifier: bool) -> Answer<Parser<'a>> {
        let tokens = tokens(text, quoted_identifier)?;
        Ok(Parser {
            text,
            tokens,
            at: 0,
            depth: 0,
            code: Vec::new(),
            loops: Vec::new(),
            tries: 0,
            catches: 0,
            line: 1,
            in_procedure: false,
        })
    }

    fn token(&self) -> &Token {
        // The last one is always there, and never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn kind_at(&self, ahead: usize) -> &Kind {
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)].kind
    }

    fn next(&mut self) -> Kind {
        let kind = self.token().kind.clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        kind
    }

    /// Whether the word ahead is this keyword.
    fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        matches!(self.kind_at(ahead), Kind::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    fn is_words(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| self.is_word_at(ahead, word))
    }

    /// Takes the keyword if it is next.
    fn eat_word(&mut self, word: &str) -> bool {
        let is_next = self.is_word(word);
        if is_next {
            self.next();
        }
        is_next
    }

    fn eat_words(&mut self, words: &[&str]) -> bool {
        let are_next = self.is_words(words);
        if are_next {
            self.at += words.len();
        }
        are_next
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.kind_at(0), Kind::Sign(found) if *found == sign)
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        let is_next = self.is_sign(sign);
        if is_next {
            self.next();
        }
        is_next
    }

    fn need_word(&mut self, word: &str) -> Answer<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.wrong()) }
    }

    fn need_sign(&mut self, sign: &str) -> Answer<()> {
        if self.eat_sign(sign) { Ok(()) } else { Err(self.wrong()) }
    }

    fn end(&mut self) -> Answer<()> {
        if *self.kind_at(0) == Kind::End { Ok(()) } else { Err(self.wrong()) }
    }

    /// The word that stands here is wrong here.
    fn wrong(&self) -> Failure {
        let token = match self.token().kind {
            // Nothing more: the server names the last word there was.
            Kind::End => &self.tokens[self.tokens.len().saturating_sub(2)],
            _ => self.token(),
        };
        let near = match &token.kind {
            Kind::Word(word) if reserved::is_reserved(word) => {
                return failure::syntax_keyword(word).line(token.line);
            }
            Kind::Word(text) | Kind::Quoted(text) | Kind::Text(text) | Kind::Unicode(text) => text.clone(),
            Kind::Global(name) => format!("@@{name}"),
            Kind::Variable(name) => name.clone(),
            _ => self.text.get(token.from..token.to).unwrap_or_default().to_owned(),
        };
        failure::syntax(&near.chars().take(128).collect::<String>()).line(token.line)
    }

    /// Does something one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Answer<T>) -> Answer<T> {
        if self.depth >= DEEPEST {
            return Err(failure::too_deep().line(self.token().line));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// A name of one part: a word that is no keyword, or a quoted one.
    fn identifier(&mut self) -> Answer<String> {
        match self.kind_at(0) {
            Kind::Quoted(_) => {}
            Kind::Word(word) if !reserved::is_reserved(word) => {}
            _ => return Err(self.wrong()),
        }
        match self.next() {
            Kind::Word(name) | Kind::Quoted(name) => Ok(name),
            _ => Err(self.wrong()),
        }
    }

    fn is_identifier(&self) -> bool {
        match self.kind_at(0) {
            Kind::Quoted(_) => true,
            Kind::Word(word) => !reserved::is_reserved(word),
            _ => false,
        }
    }

    fn variable(&mut self) -> Answer<String> {
        match self.kind_at(0) {
            Kind::Variable(_) => {}
            _ => return Err(self.wrong()),
        }
        match self.next() {
            Kind::Variable(name) => Ok(name),
            _ => Err(self.wrong()),
        }
    }

    /// A name of one to three parts; the schema may be left out (`db..name`).
    fn name(&mut self) -> Answer<Name> {
        let mut parts = vec![Some(self.identifier()?)];
        while self.eat_sign(".") {
            let is_empty = self.is_sign(".");
            parts.push(if is_empty { None } else { Some(self.identifier()?) });
        }
        let name = parts.pop().flatten().ok_or_else(|| self.wrong())?;
        let schema = parts.pop().flatten();
        let database = parts.pop().flatten();
        if !parts.is_empty() {
            return Err(failure::unsupported("a linked server"));
        }
        Ok(Name { database, schema, name })
    }

    /// Items between commas.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Answer<T>) -> Answer<Vec<T>> {
        let mut all = vec![item(self)?];
        while self.eat_sign(",") {
            all.push(item(self)?);
        }
        Ok(all)
    }

    /// Items between commas, in brackets.
    fn in_brackets<T>(&mut self, item: impl FnMut(&mut Self) -> Answer<T>) -> Answer<Vec<T>> {
        self.need_sign("(")?;
        let all = self.list(item)?;
        self.need_sign(")")?;
        Ok(all)
    }

    fn optional<T>(&mut self, word: &str, read: impl FnOnce(&mut Self) -> Answer<T>) -> Answer<Option<T>> {
        if self.eat_word(word) { read(self).map(Some) } else { Ok(None) }
    }

    fn emit(&mut self, step: Step) -> usize {
        self.code.push(Instruction { line: self.line, step });
        self.code.len() - 1
    }

    /// The place after everything that was read.
    fn here(&self) -> Place {
        Place { at: self.code.len(), tries: self.tries, catches: self.catches }
    }

    /// Lets a jump that was left open lead here.
    fn land(&mut self, jump: usize) {
        let here = self.here();
        match &mut self.code[jump].step {
            Step::Jump(to) | Step::Unless { to, .. } => *to = here,
            Step::Try { catch } => *catch = here.at,
            _ => {}
        }
    }

    fn condition(&mut self) -> Answer<Expr> {
        self.expression()
    }
}
