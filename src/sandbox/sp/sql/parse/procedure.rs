//! Calls and definitions of procedures.

use std::sync::Arc;

use super::Parser;
use crate::sandbox::sp::sql::ast::{
    Argument, Execute, Expr, Formal, Procedure, ProcedureDefinition, Program, Step, Target,
};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::lexer::Kind;
use crate::sandbox::sp::sql::value::Value;

impl Parser<'_> {
    /// What follows EXECUTE.
    pub(super) fn execute(&mut self) -> Answer<Execute> {
        if self.is_sign("(") {
            let text = self.in_brackets(Self::expression)?.pop().ok_or_else(|| self.wrong())?;
            if self.is_word("AT") {
                return Err(failure::unsupported("EXECUTE … AT"));
            }
            return Ok(Execute { result: None, target: Target::Text(text), arguments: Vec::new() });
        }
        let is_result = matches!(self.kind_at(0), Kind::Variable(_)) && matches!(self.kind_at(1), Kind::Sign("="));
        let result = match is_result {
            true => {
                let variable = self.variable()?;
                self.need_sign("=")?;
                Some(variable)
            }
            false => None,
        };
        let call = self.call_of_procedure()?;
        Ok(Execute { result, ..call })
    }

    pub(super) fn call_of_procedure(&mut self) -> Answer<Execute> {
        let target = match self.kind_at(0) {
            Kind::Variable(_) => Target::Variable(self.variable()?),
            _ => Target::Procedure(self.name()?),
        };
        // `dbo.p;1`: a group of procedures, of which there is one.
        if self.is_sign(";") && matches!(self.kind_at(1), Kind::Integer(one) if one == "1") {
            self.at += 2;
        }
        let arguments = if self.begins_argument() { self.list(Self::argument)? } else { Vec::new() };
        if self.eat_word("WITH") {
            if self.is_word("RESULT") {
                return Err(failure::unsupported("WITH RESULT SETS"));
            }
            self.identifier()?;
        }
        let first_named = arguments.iter().position(|argument| argument.name.is_some()).unwrap_or(arguments.len());
        if arguments[first_named..].iter().any(|argument| argument.name.is_none()) {
            return Err(failure::positional_after_named().line(self.line));
        }
        Ok(Execute { result: None, target, arguments })
    }

    fn begins_argument(&self) -> bool {
        match self.kind_at(0) {
            Kind::Sign(sign) => matches!(*sign, "-" | "+"),
            Kind::Word(_) => self.is_word("NULL") || self.is_word("DEFAULT") || self.is_identifier(),
            Kind::End => false,
            _ => true,
        }
    }

    fn argument(&mut self) -> Answer<Argument> {
        let is_named = matches!(self.kind_at(0), Kind::Variable(_)) && matches!(self.kind_at(1), Kind::Sign("="));
        let name = match is_named {
            true => {
                let name = self.variable()?;
                self.need_sign("=")?;
                Some(name)
            }
            false => None,
        };
        if self.eat_word("DEFAULT") {
            return Ok(Argument { name, value: None, output: false });
        }
        let value = self.constant()?;
        let output = self.eat_word("OUTPUT") || self.eat_word("OUT");
        Ok(Argument { name, value: Some(value), output })
    }

    /// An argument and a default are a constant, a variable or a bare word, which is a text; never an expression.
    fn constant(&mut self) -> Answer<Expr> {
        match self.kind_at(0).clone() {
            Kind::Variable(name) => {
                self.next();
                Ok(Expr::Variable(name))
            }
            Kind::Global(name) => {
                self.next();
                Ok(Expr::Global(name))
            }
            Kind::Word(word) if !word.eq_ignore_ascii_case("NULL") && self.is_identifier() => {
                self.next();
                Ok(Expr::Literal(Value::Text(word)))
            }
            Kind::Quoted(word) => {
                self.next();
                Ok(Expr::Literal(Value::Text(word)))
            }
            _ => self.signed_literal(),
        }
    }

    fn signed_literal(&mut self) -> Answer<Expr> {
        let is_constant = match self.kind_at(0) {
            Kind::Sign(sign) => matches!(*sign, "-" | "+"),
            Kind::Word(word) => word.eq_ignore_ascii_case("NULL"),
            Kind::End => false,
            _ => true,
        };
        if is_constant { self.constant_value() } else { Err(self.wrong()) }
    }

    pub(super) fn is_procedure_definition(&self) -> bool {
        let is_procedure = |ahead| self.is_word_at(ahead, "PROC") || self.is_word_at(ahead, "PROCEDURE");
        (self.is_word("CREATE") || self.is_word("ALTER")) && is_procedure(1)
            || self.is_words(&["CREATE", "OR", "ALTER"]) && is_procedure(3)
    }

    /// CREATE PROCEDURE: all the rest of the batch is its body.
    pub(super) fn procedure_definition(&mut self) -> Answer<()> {
        self.line = self.token().line;
        let line = self.line;
        let must_exist = self.eat_word("ALTER");
        let may_replace = must_exist || self.eat_words(&["CREATE", "OR", "ALTER"]);
        if !may_replace {
            self.need_word("CREATE")?;
        }
        // PROC or PROCEDURE.
        self.next();
        let name = self.name()?;
        let has_bracket = self.eat_sign("(");
        let parameters = if matches!(self.kind_at(0), Kind::Variable(_)) { self.formals()? } else { Vec::new() };
        if has_bracket {
            self.need_sign(")")?;
        }
        if self.eat_word("WITH") {
            while !self.is_word("AS") || self.is_execute_as() {
                if *self.kind_at(0) == Kind::End {
                    return Err(self.wrong());
                }
                self.next();
            }
        }
        if self.eat_words(&["FOR", "REPLICATION"]) {
            return Err(failure::unsupported("FOR REPLICATION"));
        }
        self.need_word("AS")?;
        self.in_procedure = true;
        while *self.kind_at(0) != Kind::End {
            self.statement()?;
        }
        let body = Arc::new(Program { code: std::mem::take(&mut self.code) });
        let procedure = Arc::new(Procedure { parameters, body, text: self.text.to_owned() });
        self.line = line;
        self.emit(Step::CreateProcedure(ProcedureDefinition { name, procedure, may_replace, must_exist }));
        Ok(())
    }

    /// `EXECUTE AS OWNER` has an AS that does not begin the body.
    fn is_execute_as(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| &self.tokens[at].kind);
        matches!(before, Some(Kind::Word(word)) if word.eq_ignore_ascii_case("EXECUTE") || word.eq_ignore_ascii_case("EXEC"))
    }

    /// `@a int, @b varchar(10) = 'x' OUTPUT`.
    pub(super) fn formals(&mut self) -> Answer<Vec<Formal>> {
        if *self.kind_at(0) == Kind::End {
            return Ok(Vec::new());
        }
        self.list(|parser| {
            let name = parser.variable()?;
            parser.eat_word("AS");
            let kind = parser.kind()?;
            if parser.is_word("READONLY") {
                return Err(failure::unsupported("a table-valued parameter"));
            }
            let default = if parser.eat_sign("=") { Some(parser.constant()?) } else { None };
            let output = parser.eat_word("OUTPUT") || parser.eat_word("OUT");
            Ok(Formal { name, kind, default, output })
        })
    }
}
