//! Expressions and conditions.

use super::{Parser, reserved};
use crate::sandbox::sp::sql::ast::{Call, Expr, Operator, Sign};
use crate::sandbox::sp::sql::decimal;
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::lexer::Kind;
use crate::sandbox::sp::sql::value::{Type, Value};

/// Functions that are written like keywords, without brackets.
const BARE_FUNCTIONS: &[&str] = &["CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "USER"];

/// Keywords that are functions when a bracket follows.
const KEYWORD_FUNCTIONS: &[&str] = &["COALESCE", "NULLIF", "LEFT", "RIGHT"];

/// Functions whose first argument is a part of a date, not a column.
const DATE_PARTS: &[&str] = &["DATEADD", "DATEDIFF", "DATEDIFF_BIG", "DATEPART", "DATENAME", "DATETRUNC"];

/// Signs of comparison.
const COMPARISONS: &[(&str, Operator)] = &[
    ("=", Operator::Equal),
    ("<>", Operator::Different),
    ("!=", Operator::Different),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("!>", Operator::LessOrEqual),
    ("!<", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

const SUMS: &[(&str, Operator)] =
    &[("+", Operator::Add), ("-", Operator::Subtract), ("&", Operator::And), ("|", Operator::Or), ("^", Operator::Xor)];

const PRODUCTS: &[(&str, Operator)] = &[("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Modulo)];

/// The signs of `+=` and the like.
const ASSIGNMENTS: &[(&str, Operator)] = &[
    ("+=", Operator::Add),
    ("-=", Operator::Subtract),
    ("*=", Operator::Multiply),
    ("/=", Operator::Divide),
    ("%=", Operator::Modulo),
    ("&=", Operator::And),
    ("|=", Operator::Or),
    ("^=", Operator::Xor),
];

/// One item where there is one, else all of them together.
fn joined(mut all: Vec<Expr>, together: impl FnOnce(Vec<Expr>) -> Expr) -> Option<Expr> {
    if all.len() == 1 { all.pop() } else { Some(together(all)) }
}

impl Parser<'_> {
    /// An expression or a condition.
    pub(super) fn expression(&mut self) -> Answer<Expr> {
        self.deeper(Self::any_of)
    }

    fn any_of(&mut self) -> Answer<Expr> {
        let mut all = vec![self.all_of()?];
        while self.eat_word("OR") {
            all.push(self.all_of()?);
        }
        joined(all, Expr::Or).ok_or_else(|| self.wrong())
    }

    fn all_of(&mut self) -> Answer<Expr> {
        let mut all = vec![self.negation()?];
        while self.eat_word("AND") {
            all.push(self.negation()?);
        }
        joined(all, Expr::And).ok_or_else(|| self.wrong())
    }

    fn negation(&mut self) -> Answer<Expr> {
        let mut is_not = false;
        while self.eat_word("NOT") {
            is_not = !is_not;
        }
        let condition = self.predicate()?;
        Ok(if is_not { Expr::Not(Box::new(condition)) } else { condition })
    }

    fn predicate(&mut self) -> Answer<Expr> {
        let left = self.sum()?;
        if let Some(operator) = self.eat_one_of(COMPARISONS) {
            let right = self.sum()?;
            return Ok(Expr::Compare(operator, Box::new(left), Box::new(right)));
        }
        if self.eat_word("IS") {
            let not = self.eat_word("NOT");
            self.need_word("NULL")?;
            return Ok(Expr::IsNull { value: Box::new(left), not });
        }
        let not = self.is_word("NOT")
            && ["BETWEEN", "IN", "LIKE"].iter().any(|word| self.is_word_at(1, word))
            && self.eat_word("NOT");
        if self.eat_word("BETWEEN") {
            let low = self.sum()?;
            self.need_word("AND")?;
            let high = self.sum()?;
            return Ok(Expr::Between { value: Box::new(left), low: Box::new(low), high: Box::new(high), not });
        }
        if self.eat_word("LIKE") {
            let pattern = Box::new(self.sum()?);
            let escape = self.optional("ESCAPE", Self::sum)?.map(Box::new);
            return Ok(Expr::Like { value: Box::new(left), pattern, escape, not });
        }
        if self.eat_word("IN") {
            return self.membership(left, not);
        }
        Ok(left)
    }

    fn membership(&mut self, value: Expr, not: bool) -> Answer<Expr> {
        let value = Box::new(value);
        if self.begins_query(1) {
            self.need_sign("(")?;
            let query = Box::new(self.query()?);
            self.need_sign(")")?;
            return Ok(Expr::InQuery { value, query, not });
        }
        let list = self.in_brackets(Self::expression)?;
        Ok(Expr::In { value, list, not })
    }

    /// The operator of the sign that is next, taken.
    fn eat_one_of(&mut self, signs: &[(&str, Operator)]) -> Option<Operator> {
        let Kind::Sign(sign) = self.kind_at(0) else { return None };
        let (_, operator) = *signs.iter().find(|(written, _)| written == sign)?;
        self.next();
        Some(operator)
    }

    /// `=`, or `+=` and the like with its operator.
    pub(super) fn assignment(&mut self) -> Answer<Option<Operator>> {
        if self.eat_sign("=") {
            return Ok(None);
        }
        self.eat_one_of(ASSIGNMENTS).map(Some).ok_or_else(|| self.wrong())
    }

    /// Whether an assignment sign stands so far ahead.
    pub(super) fn is_assignment_at(&self, ahead: usize) -> bool {
        let Kind::Sign(sign) = self.kind_at(ahead) else { return false };
        *sign == "=" || ASSIGNMENTS.iter().any(|(written, _)| written == sign)
    }

    pub(super) fn sum(&mut self) -> Answer<Expr> {
        let first = self.product()?;
        let mut rest = Vec::new();
        while let Some(operator) = self.eat_one_of(SUMS) {
            rest.push((operator, self.product()?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Chain(Box::new(first), rest) })
    }

    fn product(&mut self) -> Answer<Expr> {
        let first = self.signed()?;
        let mut rest = Vec::new();
        while let Some(operator) = self.eat_one_of(PRODUCTS) {
            rest.push((operator, self.signed()?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Chain(Box::new(first), rest) })
    }

    fn signed(&mut self) -> Answer<Expr> {
        let sign = match self.kind_at(0) {
            Kind::Sign("-") => Sign::Minus,
            Kind::Sign("+") => Sign::Plus,
            Kind::Sign("~") => Sign::Not,
            _ => return self.primary(),
        };
        self.next();
        let value = self.deeper(Self::signed)?;
        Ok(Expr::Signed(sign, Box::new(value)))
    }

    fn primary(&mut self) -> Answer<Expr> {
        let value = match self.kind_at(0).clone() {
            Kind::Sign("(") => self.bracket()?,
            Kind::Word(word) => self.word(&word)?,
            Kind::Quoted(_) => self.column_or_call()?,
            Kind::Variable(name) => {
                self.next();
                Expr::Variable(name)
            }
            Kind::Global(name) => {
                self.next();
                Expr::Global(name)
            }
            _ => self.literal()?,
        };
        if self.eat_word("COLLATE") {
            self.identifier()?;
        }
        if self.is_words(&["AT", "TIME", "ZONE"]) {
            return Err(failure::unsupported("AT TIME ZONE"));
        }
        Ok(value)
    }

    /// A number, a text, bytes.
    fn literal(&mut self) -> Answer<Expr> {
        let value = match self.kind_at(0) {
            Kind::Text(text) => Value::Char(text.clone()),
            Kind::Unicode(text) => Value::Text(text.clone()),
            Kind::Binary(bytes) => Value::Binary(bytes.clone()),
            Kind::Integer(digits) => match digits.parse() {
                Ok(number) => Value::Int(number),
                Err(_) => {
                    decimal::read(digits).ok_or_else(|| failure::overflow(Type::Decimal { precision: 38, scale: 0 }))?
                }
            },
            Kind::Decimal(digits) => {
                decimal::read(digits).ok_or_else(|| failure::overflow(Type::Decimal { precision: 38, scale: 0 }))?
            }
            Kind::Float(digits) => Value::Float(digits.parse().map_err(|_| failure::syntax(digits))?),
            Kind::Money(digits) => {
                Value::Money(decimal::ten_thousandths(digits).ok_or_else(|| failure::overflow(Type::Money))?)
            }
            _ => return Err(self.wrong()),
        };
        self.next();
        Ok(Expr::Literal(value))
    }

    /// Whether a query begins so far ahead.
    pub(super) fn begins_query(&self, ahead: usize) -> bool {
        let mut ahead = ahead;
        if !matches!(self.kind_at(ahead - 1), Kind::Sign("(")) {
            return false;
        }
        while matches!(self.kind_at(ahead), Kind::Sign("(")) {
            ahead += 1;
        }
        self.is_word_at(ahead, "SELECT") || self.is_word_at(ahead, "VALUES")
    }

    /// A literal with its sign.
    pub(super) fn constant_value(&mut self) -> Answer<Expr> {
        let is_negative = self.eat_sign("-");
        if !is_negative {
            self.eat_sign("+");
        }
        if self.is_word("NULL") {
            self.next();
            return Ok(Expr::Literal(Value::Null));
        }
        let value = self.literal()?;
        Ok(if is_negative { Expr::Signed(Sign::Minus, Box::new(value)) } else { value })
    }

    fn bracket(&mut self) -> Answer<Expr> {
        if self.begins_query(1) && self.is_word_at(1, "SELECT") {
            self.need_sign("(")?;
            let query = self.deeper(Self::query)?;
            self.need_sign(")")?;
            return Ok(Expr::Subquery(Box::new(query)));
        }
        self.need_sign("(")?;
        let value = self.expression()?;
        self.need_sign(")")?;
        Ok(value)
    }

    fn word(&mut self, word: &str) -> Answer<Expr> {
        let capitals = word.to_ascii_uppercase();
        match capitals.as_str() {
            "NULL" => {
                self.next();
                return Ok(Expr::Literal(Value::Null));
            }
            "CASE" => return self.deeper(Self::case),
            "EXISTS" => return self.exists(),
            "CAST" | "TRY_CAST" if self.is_call() => return self.cast(capitals == "TRY_CAST"),
            "CONVERT" | "TRY_CONVERT" if self.is_call() => return self.convert(capitals == "TRY_CONVERT"),
            "PARSE" | "TRY_PARSE" if self.is_call() => return Err(failure::unsupported(&capitals)),
            _ => {}
        }
        if BARE_FUNCTIONS.contains(&capitals.as_str()) {
            self.next();
            return Ok(call(&capitals, Vec::new()));
        }
        if KEYWORD_FUNCTIONS.contains(&capitals.as_str()) && self.is_call() {
            self.next();
            let arguments = self.in_brackets(Self::expression)?;
            return Ok(call(&capitals, arguments));
        }
        if reserved::is_reserved(word) {
            return Err(self.wrong());
        }
        self.column_or_call()
    }

    fn is_call(&self) -> bool {
        matches!(self.kind_at(1), Kind::Sign("("))
    }

    fn column_or_call(&mut self) -> Answer<Expr> {
        let mut parts = vec![self.identifier()?];
        if self.is_sign("(") {
            return self.call(&parts[0].to_ascii_uppercase());
        }
        while self.eat_sign(".") {
            // `db..table.column` leaves the schema out.
            parts.push(if self.is_sign(".") { String::new() } else { self.identifier()? });
        }
        if self.is_sign("(") {
            return Err(failure::unsupported(&format!("the function {}", parts.join("."))));
        }
        Ok(Expr::Column(parts))
    }

    fn call(&mut self, name: &str) -> Answer<Expr> {
        self.need_sign("(")?;
        let mut found = Call { name: name.to_owned(), arguments: Vec::new(), distinct: false, star: false, over: None };
        if self.eat_sign("*") {
            found.star = true;
        } else if !self.is_sign(")") {
            found.distinct = self.eat_word("DISTINCT");
            if DATE_PARTS.contains(&name) {
                let part = self.identifier()?;
                found.arguments.push(Expr::Literal(Value::Text(part)));
                self.need_sign(",")?;
            }
            found.arguments.extend(self.list(Self::expression)?);
        }
        self.need_sign(")")?;
        if self.is_words(&["WITHIN", "GROUP"]) {
            return Err(failure::unsupported("WITHIN GROUP"));
        }
        if self.eat_word("OVER") {
            found.over = Some(self.window()?);
        }
        Ok(Expr::Call(Box::new(found)))
    }

    fn window(&mut self) -> Answer<(Vec<Expr>, Vec<crate::sandbox::sp::sql::ast::Order>)> {
        self.need_sign("(")?;
        let parts = match self.eat_words(&["PARTITION", "BY"]) {
            true => self.list(Self::expression)?,
            false => Vec::new(),
        };
        let order = self.order()?;
        if self.is_word("ROWS") || self.is_word("RANGE") {
            return Err(failure::unsupported("a frame of OVER"));
        }
        self.need_sign(")")?;
        Ok((parts, order))
    }

    fn case(&mut self) -> Answer<Expr> {
        self.need_word("CASE")?;
        let operand = if self.is_word("WHEN") { None } else { Some(Box::new(self.expression()?)) };
        let mut whens = Vec::new();
        while self.eat_word("WHEN") {
            let condition = self.condition()?;
            self.need_word("THEN")?;
            whens.push((condition, self.expression()?));
        }
        let otherwise = self.optional("ELSE", Self::expression)?.map(Box::new);
        if whens.is_empty() {
            return Err(self.wrong());
        }
        self.need_word("END")?;
        Ok(Expr::Case { operand, whens, otherwise })
    }

    fn exists(&mut self) -> Answer<Expr> {
        self.need_word("EXISTS")?;
        self.need_sign("(")?;
        let query = self.deeper(Self::query)?;
        self.need_sign(")")?;
        Ok(Expr::Exists(Box::new(query)))
    }

    fn cast(&mut self, attempt: bool) -> Answer<Expr> {
        self.next();
        self.need_sign("(")?;
        let value = Box::new(self.expression()?);
        self.need_word("AS")?;
        let kind = self.kind_in_cast()?;
        self.need_sign(")")?;
        Ok(Expr::Cast { value, kind, style: None, attempt })
    }

    fn convert(&mut self, attempt: bool) -> Answer<Expr> {
        self.next();
        self.need_sign("(")?;
        let kind = self.kind_in_cast()?;
        self.need_sign(",")?;
        let value = Box::new(self.expression()?);
        let style = if self.eat_sign(",") { Some(Box::new(self.expression()?)) } else { None };
        self.need_sign(")")?;
        Ok(Expr::Cast { value, kind, style, attempt })
    }
}

fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    Expr::Call(Box::new(Call { name: name.to_owned(), arguments, distinct: false, star: false, over: None }))
}
