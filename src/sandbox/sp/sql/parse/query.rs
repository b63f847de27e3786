//! SELECT and what it reads from.

use std::sync::Arc;

use super::{Parser, reserved};
use crate::sandbox::sp::sql::ast::{
    Body, Combine, Expr, Item, Join, JoinKind, Order, Query, Relation, Select, Source, Top, What,
};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::lexer::Kind;

/// Hints that may stand without WITH.
const BARE_HINTS: &[&str] = &["NOLOCK", "HOLDLOCK", "UPDLOCK", "TABLOCK", "TABLOCKX", "ROWLOCK", "READPAST"];

/// How a join begins.
const JOINS: &[(&[&str], JoinKind)] = &[
    (&["JOIN"], JoinKind::Inner),
    (&["INNER", "JOIN"], JoinKind::Inner),
    (&["LEFT", "JOIN"], JoinKind::Left),
    (&["LEFT", "OUTER", "JOIN"], JoinKind::Left),
    (&["RIGHT", "JOIN"], JoinKind::Right),
    (&["RIGHT", "OUTER", "JOIN"], JoinKind::Right),
    (&["FULL", "JOIN"], JoinKind::Full),
    (&["FULL", "OUTER", "JOIN"], JoinKind::Full),
    (&["CROSS", "JOIN"], JoinKind::Cross),
];

impl Parser<'_> {
    /// A whole query with its WITH and ORDER BY.
    pub(super) fn query(&mut self) -> Answer<Query> {
        let with = if self.eat_word("WITH") { self.list(Self::common_table)? } else { Vec::new() };
        let first = self.body()?;
        let mut more = Vec::new();
        while let Some(combine) = self.combine() {
            more.push((combine, self.body()?));
        }
        let order = self.order()?;
        let (mut offset, mut fetch) = (None, None);
        if self.eat_word("OFFSET") {
            offset = Some(self.sum()?);
            self.row_word()?;
            if self.eat_word("FETCH") {
                if !self.eat_word("NEXT") {
                    self.need_word("FIRST")?;
                }
                fetch = Some(self.sum()?);
                self.row_word()?;
                self.need_word("ONLY")?;
            }
        }
        if self.is_word("FOR") && !self.is_word_at(1, "UPDATE") {
            return Err(failure::unsupported("FOR XML, FOR JSON and FOR BROWSE"));
        }
        self.skip_query_hints()?;
        Ok(Query { with, first, more, order, offset, fetch })
    }

    fn row_word(&mut self) -> Answer<()> {
        if self.eat_word("ROWS") { Ok(()) } else { self.need_word("ROW") }
    }

    /// OPTION (MAXDOP 1, RECOMPILE): nothing here depends on them.
    pub(super) fn skip_query_hints(&mut self) -> Answer<()> {
        if !self.eat_word("OPTION") {
            return Ok(());
        }
        self.need_sign("(")?;
        while !self.is_sign(")") {
            if *self.kind_at(0) == Kind::End {
                return Err(self.wrong());
            }
            self.next();
        }
        self.need_sign(")")
    }

    fn common_table(&mut self) -> Answer<(String, Vec<String>, Arc<Query>)> {
        let name = self.identifier()?;
        let columns = if self.is_sign("(") { self.in_brackets(Self::identifier)? } else { Vec::new() };
        self.need_word("AS")?;
        self.need_sign("(")?;
        let query = self.deeper(Self::query)?;
        self.need_sign(")")?;
        Ok((name, columns, Arc::new(query)))
    }

    fn combine(&mut self) -> Option<Combine> {
        if self.eat_words(&["UNION", "ALL"]) {
            Some(Combine::UnionAll)
        } else if self.eat_word("UNION") {
            Some(Combine::Union)
        } else if self.eat_word("EXCEPT") {
            Some(Combine::Except)
        } else if self.eat_word("INTERSECT") {
            Some(Combine::Intersect)
        } else {
            None
        }
    }

    fn body(&mut self) -> Answer<Body> {
        if self.eat_sign("(") {
            let query = self.deeper(Self::query)?;
            self.need_sign(")")?;
            return Ok(Body::Query(Box::new(query)));
        }
        if self.eat_word("VALUES") {
            return self.list(|parser| parser.in_brackets(Self::expression)).map(Body::Values);
        }
        self.select().map(|select| Body::Select(Box::new(select)))
    }

    fn select(&mut self) -> Answer<Select> {
        self.need_word("SELECT")?;
        let distinct = self.eat_word("DISTINCT");
        if !distinct {
            self.eat_word("ALL");
        }
        let top = self.top()?;
        let items = self.list(Self::item)?;
        let into = self.optional("INTO", Self::name)?;
        let from = self.optional("FROM", |parser| parser.list(Self::source))?.unwrap_or_default();
        let filter = self.optional("WHERE", Self::condition)?;
        let group = match self.eat_words(&["GROUP", "BY"]) {
            true => self.list(Self::expression)?,
            false => Vec::new(),
        };
        let having = self.optional("HAVING", Self::condition)?;
        Ok(Select { distinct, top, items, into, from, filter, group, having })
    }

    fn top(&mut self) -> Answer<Option<Top>> {
        let Some(count) = self.top_count()? else { return Ok(None) };
        let percent = self.eat_word("PERCENT");
        let with_ties = self.eat_words(&["WITH", "TIES"]);
        Ok(Some(Top { count, percent, with_ties }))
    }

    /// `TOP (n)` or `TOP n`.
    pub(super) fn top_count(&mut self) -> Answer<Option<Expr>> {
        if !self.eat_word("TOP") {
            return Ok(None);
        }
        if self.eat_sign("(") {
            let count = self.expression()?;
            self.need_sign(")")?;
            return Ok(Some(count));
        }
        match self.kind_at(0) {
            Kind::Integer(_) | Kind::Decimal(_) | Kind::Float(_) | Kind::Variable(_) => {}
            _ => return Err(self.wrong()),
        }
        let count = match self.next() {
            Kind::Variable(name) => Expr::Variable(name),
            Kind::Integer(digits) | Kind::Decimal(digits) | Kind::Float(digits) => {
                let number = digits.parse().map_err(|_| failure::syntax(&digits))?;
                Expr::Literal(crate::sandbox::sp::sql::value::Value::BigInt(number))
            }
            _ => return Err(self.wrong()),
        };
        Ok(Some(count))
    }

    /// OUTPUT of INSERT, UPDATE and DELETE.
    pub(super) fn output(&mut self) -> Answer<Vec<Item>> {
        let items = self.optional("OUTPUT", |parser| parser.list(Self::item))?.unwrap_or_default();
        if !items.is_empty() && self.is_word("INTO") {
            return Err(failure::unsupported("OUTPUT … INTO"));
        }
        Ok(items)
    }

    fn item(&mut self) -> Answer<Item> {
        if self.eat_sign("*") {
            return Ok(Item::Star(None));
        }
        let is_name = matches!(self.kind_at(0), Kind::Word(_) | Kind::Quoted(_));
        if is_name && matches!((self.kind_at(1), self.kind_at(2)), (Kind::Sign("."), Kind::Sign("*"))) {
            let table = self.identifier()?;
            self.at += 2;
            return Ok(Item::Star(Some(table)));
        }
        if matches!(self.kind_at(0), Kind::Variable(_)) && self.is_assignment_at(1) {
            let variable = self.variable()?;
            let operator = self.assignment()?;
            let value = self.expression()?;
            return Ok(Item::Assign { variable, operator, value });
        }
        if self.is_alias_of_assignment() {
            let alias = self.alias_text()?;
            self.need_sign("=")?;
            let value = self.expression()?;
            return Ok(Item::Value { value, alias: Some(alias) });
        }
        let value = self.expression()?;
        let alias = if self.eat_word("AS") { Some(self.alias_text()?) } else { self.implicit_alias()? };
        Ok(Item::Value { value, alias })
    }

    /// `alias = value`.
    fn is_alias_of_assignment(&self) -> bool {
        let is_name = match self.kind_at(0) {
            Kind::Word(word) => !reserved::is_reserved(word),
            Kind::Quoted(_) | Kind::Text(_) | Kind::Unicode(_) => true,
            _ => false,
        };
        is_name && matches!(self.kind_at(1), Kind::Sign("="))
    }

    /// An alias of a column may be a text, too.
    fn alias_text(&mut self) -> Answer<String> {
        match self.kind_at(0).clone() {
            Kind::Text(text) | Kind::Unicode(text) => {
                self.next();
                Ok(text)
            }
            _ => self.identifier(),
        }
    }

    fn implicit_alias(&mut self) -> Answer<Option<String>> {
        let is_alias = self.is_identifier() || matches!(self.kind_at(0), Kind::Text(_) | Kind::Unicode(_));
        if is_alias { self.alias_text().map(Some) } else { Ok(None) }
    }

    pub(super) fn order(&mut self) -> Answer<Vec<Order>> {
        if !self.eat_words(&["ORDER", "BY"]) {
            return Ok(Vec::new());
        }
        self.list(|parser| {
            let by = parser.expression()?;
            let descending = parser.eat_word("DESC");
            if !descending {
                parser.eat_word("ASC");
            }
            Ok(Order { by, descending })
        })
    }

    /// A table with what is joined to it.
    pub(super) fn source(&mut self) -> Answer<Source> {
        let first = self.relation()?;
        let mut joins = Vec::new();
        loop {
            if self.is_words(&["CROSS", "APPLY"]) || self.is_words(&["OUTER", "APPLY"]) {
                return Err(failure::unsupported("APPLY"));
            }
            let found = JOINS.iter().find(|(words, _)| self.is_words(words));
            let Some(&(words, kind)) = found else { return Ok(Source { first, joins }) };
            self.at += words.len();
            let with = self.relation()?;
            let on = match kind {
                JoinKind::Cross => None,
                _ => {
                    self.need_word("ON")?;
                    Some(self.condition()?)
                }
            };
            joins.push(Join { kind, with, on });
        }
    }

    fn relation(&mut self) -> Answer<Relation> {
        let mut hints = Vec::new();
        let what = if self.is_sign("(") {
            self.derived()?
        } else if matches!(self.kind_at(0), Kind::Variable(_)) {
            What::Variable(self.variable()?)
        } else {
            let name = self.name()?;
            if self.is_sign("(") && !self.is_hints_at(1) {
                self.need_sign("(")?;
                let arguments = if self.is_sign(")") { Vec::new() } else { self.list(Self::expression)? };
                self.need_sign(")")?;
                What::Function(name, arguments)
            } else {
                What::Table(name)
            }
        };
        self.hints(&mut hints)?;
        let mut alias = if self.eat_word("AS") { Some(self.identifier()?) } else { None };
        if alias.is_none() && self.is_identifier() {
            alias = Some(self.identifier()?);
        }
        let is_derived = matches!(what, What::Derived(_));
        if is_derived && alias.is_none() {
            return Err(self.wrong());
        }
        let columns = match self.is_sign("(") && alias.is_some() && !self.is_hints_at(1) {
            true => self.in_brackets(Self::identifier)?,
            false => Vec::new(),
        };
        self.hints(&mut hints)?;
        Ok(Relation { what, alias, columns, hints })
    }

    fn is_hints_at(&self, ahead: usize) -> bool {
        BARE_HINTS.iter().any(|hint| self.is_word_at(ahead, hint))
    }

    fn hints(&mut self, into: &mut Vec<String>) -> Answer<()> {
        let is_with = self.is_word("WITH") && matches!(self.kind_at(1), Kind::Sign("("));
        if is_with {
            self.next();
        } else if !(self.is_sign("(") && self.is_hints_at(1)) {
            return Ok(());
        }
        self.need_sign("(")?;
        while !self.eat_sign(")") {
            match self.next() {
                Kind::Word(word) => into.push(word.to_ascii_uppercase()),
                Kind::End => return Err(self.wrong()),
                _ => {}
            }
        }
        Ok(())
    }

    fn derived(&mut self) -> Answer<What> {
        if self.begins_query(1) {
            self.need_sign("(")?;
            let query = self.deeper(Self::query)?;
            self.need_sign(")")?;
            return Ok(What::Derived(Box::new(query)));
        }
        self.need_sign("(")?;
        let source = self.deeper(Self::source)?;
        self.need_sign(")")?;
        Ok(What::Joined(Box::new(source)))
    }
}
