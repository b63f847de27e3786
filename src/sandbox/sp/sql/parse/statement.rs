//! Statements, and the jumps of control flow.

use std::sync::Arc;

use super::{Loop, Parser, reserved};
use crate::sandbox::sp::sql::ast::{
    Change, Declaration, Delete, Droppable, Expr, Insert, Name, Place, RaiseError, Rows, Setting, Step, Update,
};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::lexer::Kind;
use crate::sandbox::sp::sql::value::Value;

/// Statements that the server has and the sandbox has not.
const UNSUPPORTED: &[&str] = &[
    "BACKUP",
    "BULK",
    "CHECKPOINT",
    "CLOSE",
    "DBCC",
    "DEALLOCATE",
    "DENY",
    "FETCH",
    "GOTO",
    "GRANT",
    "MERGE",
    "OPEN",
    "RECONFIGURE",
    "RESTORE",
    "REVERT",
    "REVOKE",
    "SHUTDOWN",
    "DISABLE",
    "ENABLE",
];

impl Parser<'_> {
    pub(super) fn whole_batch(&mut self) -> Answer<()> {
        if self.is_procedure_definition() {
            return self.procedure_definition();
        }
        // The name of a procedure may stand alone at the very beginning.
        if self.is_call_without_execute() {
            self.line = self.token().line;
            let call = self.call_of_procedure()?;
            self.emit(Step::Execute(call));
        }
        while *self.kind_at(0) != Kind::End {
            self.statement()?;
        }
        Ok(())
    }

    fn is_call_without_execute(&self) -> bool {
        const NOT_RESERVED: &[&str] = &["THROW", "WAITFOR", "DISABLE", "ENABLE"];
        let is_statement = NOT_RESERVED.iter().any(|word| self.is_word(word));
        let is_label = matches!(self.kind_at(1), Kind::Sign(":"));
        self.is_identifier() && !is_statement && !is_label
    }

    pub(super) fn statement(&mut self) -> Answer<()> {
        self.deeper(Self::one_statement)?;
        while self.eat_sign(";") {}
        Ok(())
    }

    fn one_statement(&mut self) -> Answer<()> {
        self.line = self.token().line;
        if self.is_sign(";") {
            self.emit(Step::Nothing);
            return Ok(());
        }
        let word = match self.kind_at(0) {
            Kind::Word(word) => word.to_ascii_uppercase(),
            Kind::Sign("(") if self.begins_query(1) => "SELECT".to_owned(),
            _ => return Err(self.wrong()),
        };
        match word.as_str() {
            "SELECT" | "WITH" => self.select_statement(),
            "INSERT" => self.insert(),
            "UPDATE" => self.update(),
            "DELETE" => self.delete(),
            "SET" => self.set(),
            "DECLARE" => self.declare(),
            "IF" => self.conditional(),
            "WHILE" => self.looped(),
            "BEGIN" => self.begin(),
            "BREAK" | "CONTINUE" => self.leave_loop(word == "BREAK"),
            "RETURN" => self.returned(),
            "PRINT" => self.single(|parser| Ok(Step::Print(parser.expression()?))),
            "RAISERROR" => self.raise_error(),
            "THROW" => self.throw(),
            "EXEC" | "EXECUTE" => {
                self.next();
                let call = self.execute()?;
                self.emit(Step::Execute(call));
                Ok(())
            }
            "USE" => self.single(|parser| Ok(Step::Use(parser.identifier()?))),
            "COMMIT" | "ROLLBACK" | "SAVE" => self.end_transaction(&word),
            "WAITFOR" => self.wait(),
            "TRUNCATE" => self.single(|parser| {
                parser.need_word("TABLE")?;
                Ok(Step::Truncate(parser.name()?))
            }),
            "KILL" => self.single(|parser| Ok(Step::Kill(parser.expression()?))),
            "CREATE" | "ALTER" | "DROP" => self.definition(&word),
            _ if UNSUPPORTED.contains(&word.as_str()) => Err(failure::unsupported(&word)),
            _ => Err(self.wrong()),
        }
    }

    /// A statement of one step; its first word is taken.
    fn single(&mut self, read: impl FnOnce(&mut Self) -> Answer<Step>) -> Answer<()> {
        self.next();
        let step = read(self)?;
        self.emit(step);
        Ok(())
    }

    fn select_statement(&mut self) -> Answer<()> {
        let is_change = self.is_word("WITH");
        let query = self.query().map_err(|error| match is_change && error.number == 156 {
            true => failure::unsupported("WITH before INSERT, UPDATE, DELETE and MERGE"),
            false => error,
        })?;
        self.emit(Step::Select(query));
        Ok(())
    }

    fn insert(&mut self) -> Answer<()> {
        self.next();
        self.eat_word("INTO");
        let into = self.table_target()?;
        let mut columns = Vec::new();
        if self.is_sign("(") && !self.begins_query(1) {
            columns = self.in_brackets(Self::identifier)?;
        }
        let output = self.output()?;
        let rows = if self.eat_words(&["DEFAULT", "VALUES"]) {
            Rows::Defaults
        } else if self.eat_word("VALUES") {
            Rows::Values(self.list(|parser| parser.in_brackets(Self::value_or_default))?)
        } else if self.eat_word("EXEC") || self.eat_word("EXECUTE") {
            Rows::Execute(self.execute()?)
        } else {
            Rows::Query(self.query()?)
        };
        self.emit(Step::Insert(Arc::new(Insert { into, columns, output, rows })));
        Ok(())
    }

    /// A table, or a table variable under its name with `@`.
    fn table_target(&mut self) -> Answer<Name> {
        let name = match self.kind_at(0) {
            Kind::Variable(_) => Name::plain(&self.variable()?),
            _ => self.name()?,
        };
        if self.is_word("WITH") && matches!(self.kind_at(1), Kind::Sign("(")) {
            self.next();
            self.in_brackets(|parser| Ok(parser.next()))?;
        }
        Ok(name)
    }

    /// `None` is DEFAULT.
    fn value_or_default(&mut self) -> Answer<Option<Expr>> {
        if self.eat_word("DEFAULT") { Ok(None) } else { self.expression().map(Some) }
    }

    fn update(&mut self) -> Answer<()> {
        self.next();
        let top = self.top_count()?;
        let table = self.table_target()?;
        self.need_word("SET")?;
        let set = self.list(|parser| {
            let column = match parser.kind_at(0) {
                Kind::Variable(_) => parser.variable()?,
                _ => parser.name()?.name,
            };
            let operator = parser.assignment()?;
            let value = parser.value_or_default()?;
            Ok(Change { column, operator, value })
        })?;
        let output = self.output()?;
        let from = self.optional("FROM", |parser| parser.list(Self::source))?.unwrap_or_default();
        let filter = self.optional("WHERE", Self::condition)?;
        self.skip_query_hints()?;
        self.emit(Step::Update(Update { table, top, set, output, from, filter }));
        Ok(())
    }

    fn delete(&mut self) -> Answer<()> {
        self.next();
        let top = self.top_count()?;
        self.eat_word("FROM");
        let table = self.table_target()?;
        let output = self.output()?;
        let from = self.optional("FROM", |parser| parser.list(Self::source))?.unwrap_or_default();
        let filter = self.optional("WHERE", Self::condition)?;
        self.skip_query_hints()?;
        self.emit(Step::Delete(Delete { table, top, output, from, filter }));
        Ok(())
    }

    fn declare(&mut self) -> Answer<()> {
        self.next();
        loop {
            let name = self.variable()?;
            self.eat_word("AS");
            if self.eat_word("TABLE") {
                let table = self.table_definition()?;
                self.emit(Step::DeclareTable { name, table });
            } else if self.is_word("CURSOR") {
                return Err(failure::unsupported("CURSOR"));
            } else {
                let kind = self.kind()?;
                let value = if self.eat_sign("=") { Some(self.expression()?) } else { None };
                self.emit(Step::Declare(Declaration { name, kind, value }));
            }
            if !self.eat_sign(",") {
                return Ok(());
            }
        }
    }

    fn set(&mut self) -> Answer<()> {
        self.next();
        if matches!(self.kind_at(0), Kind::Variable(_)) {
            let variable = self.variable()?;
            let operator = self.assignment()?;
            let value = self.expression()?;
            self.emit(Step::Assign { variable, operator, value });
            return Ok(());
        }
        if self.eat_word("IDENTITY_INSERT") {
            let table = self.name()?;
            let on = self.switch()?;
            self.emit(Step::Set(Vec::new(), Setting::IdentityInsert(table, on)));
            return Ok(());
        }
        if self.eat_words(&["TRANSACTION", "ISOLATION", "LEVEL"]) {
            let level = self.words()?;
            let value = Expr::Literal(Value::Text(level));
            self.emit(Step::Set(vec!["ISOLATION".to_owned()], Setting::Value(value)));
            return Ok(());
        }
        self.eat_word("STATISTICS");
        let names = self.list(|parser| match parser.next() {
            Kind::Word(word) => Ok(word.to_ascii_uppercase()),
            _ => {
                parser.at -= 1;
                Err(parser.wrong())
            }
        })?;
        let setting = if self.is_word("ON") || self.is_word("OFF") {
            Setting::Switch(self.switch()?)
        } else if self.is_identifier() {
            // SET LANGUAGE us_english, SET DATEFORMAT dmy.
            Setting::Value(Expr::Literal(Value::Text(self.identifier()?)))
        } else {
            Setting::Value(self.sum()?)
        };
        self.emit(Step::Set(names, setting));
        Ok(())
    }

    fn switch(&mut self) -> Answer<bool> {
        let on = self.eat_word("ON");
        if !on {
            self.need_word("OFF")?;
        }
        Ok(on)
    }

    /// Words up to the end of the statement, with single blanks.
    fn words(&mut self) -> Answer<String> {
        const LEVELS: &[&[&str]] = &[
            &["READ", "UNCOMMITTED"],
            &["READ", "COMMITTED"],
            &["REPEATABLE", "READ"],
            &["SERIALIZABLE"],
            &["SNAPSHOT"],
        ];
        let found = LEVELS.iter().find(|words| self.is_words(words));
        let Some(words) = found else { return Err(self.wrong()) };
        self.at += words.len();
        Ok(words.join(" "))
    }

    fn conditional(&mut self) -> Answer<()> {
        // ELSE IF after ELSE IF is a list, not a tree.
        let mut overs = Vec::new();
        while self.eat_word("IF") {
            let condition = self.condition()?;
            let unless = self.emit(Step::Unless { condition, to: Place::default() });
            self.statement()?;
            let has_else = self.eat_word("ELSE");
            if has_else {
                overs.push(self.emit(Step::Jump(Place::default())));
            }
            self.land(unless);
            if has_else && self.is_word("IF") {
                self.line = self.token().line;
                continue;
            }
            if has_else {
                self.statement()?;
            }
            break;
        }
        for over in overs {
            self.land(over);
        }
        Ok(())
    }

    fn looped(&mut self) -> Answer<()> {
        self.next();
        let begin = self.here();
        let condition = self.condition()?;
        let unless = self.emit(Step::Unless { condition, to: Place::default() });
        self.loops.push(Loop { begin, breaks: vec![unless] });
        self.statement()?;
        self.emit(Step::Jump(begin));
        let breaks = self.loops.pop().map(|ended| ended.breaks).unwrap_or_default();
        for jump in breaks {
            self.land(jump);
        }
        Ok(())
    }

    fn leave_loop(&mut self, is_break: bool) -> Answer<()> {
        let word = if is_break { "BREAK" } else { "CONTINUE" };
        let Some(begin) = self.loops.last().map(|inner| inner.begin) else {
            let (number, line) = (if is_break { 135 } else { 136 }, self.line);
            let text = format!("Cannot use a {word} statement outside the scope of a WHILE statement.");
            return Err(failure::failure(number, 15, 1, text).reach(failure::Reach::Scope).line(line));
        };
        self.next();
        let jump = self.emit(Step::Jump(begin));
        if let (true, Some(inner)) = (is_break, self.loops.last_mut()) {
            inner.breaks.push(jump);
        }
        Ok(())
    }

    fn begin(&mut self) -> Answer<()> {
        self.next();
        if self.eat_word("TRY") {
            return self.try_block();
        }
        self.eat_word("DISTRIBUTED");
        if self.eat_word("TRAN") || self.eat_word("TRANSACTION") {
            let name = self.transaction_name()?;
            if self.eat_words(&["WITH", "MARK"]) && matches!(self.kind_at(0), Kind::Text(_) | Kind::Unicode(_)) {
                self.next();
            }
            self.emit(Step::Begin(name));
            return Ok(());
        }
        while self.eat_sign(";") {}
        loop {
            self.statement()?;
            if self.eat_word("END") {
                return Ok(());
            }
        }
    }

    fn try_block(&mut self) -> Answer<()> {
        let begins = self.emit(Step::Try { catch: 0 });
        self.tries += 1;
        self.block_until("TRY")?;
        self.tries -= 1;
        self.emit(Step::EndTry);
        let over = self.emit(Step::Jump(Place::default()));
        while self.eat_sign(";") {}
        if !self.eat_words(&["BEGIN", "CATCH"]) {
            return Err(self.wrong());
        }
        self.land(begins);
        self.catches += 1;
        self.block_until("CATCH")?;
        self.catches -= 1;
        self.emit(Step::EndCatch);
        self.land(over);
        Ok(())
    }

    fn block_until(&mut self, word: &str) -> Answer<()> {
        while self.eat_sign(";") {}
        while !self.eat_words(&["END", word]) {
            self.statement()?;
        }
        Ok(())
    }

    fn returned(&mut self) -> Answer<()> {
        self.next();
        let begins_value = match self.kind_at(0) {
            Kind::Word(word) => {
                let starts = ["CASE", "NULL", "NULLIF", "COALESCE", "CAST", "CONVERT"];
                starts.iter().any(|start| word.eq_ignore_ascii_case(start)) || !reserved::is_reserved(word)
            }
            Kind::Sign(sign) => matches!(*sign, "(" | "-" | "+" | "~"),
            Kind::End => false,
            _ => true,
        };
        let value = if begins_value { Some(self.expression()?) } else { None };
        if value.is_some() && !self.in_procedure {
            let text = "A RETURN statement with a return value cannot be used in this context.";
            return Err(failure::failure(178, 15, 1, text).reach(failure::Reach::Scope).line(self.line));
        }
        self.emit(Step::Return(value));
        Ok(())
    }

    fn raise_error(&mut self) -> Answer<()> {
        self.next();
        self.need_sign("(")?;
        let message = self.sum()?;
        self.need_sign(",")?;
        let severity = self.sum()?;
        self.need_sign(",")?;
        let state = self.sum()?;
        let arguments = if self.eat_sign(",") { self.list(Self::sum)? } else { Vec::new() };
        self.need_sign(")")?;
        let mut set_error = false;
        if self.eat_word("WITH") {
            let options = self.list(Self::identifier)?;
            if let Some(wrong) = options
                .iter()
                .find(|option| !["NOWAIT", "LOG", "SETERROR"].iter().any(|known| option.eq_ignore_ascii_case(known)))
            {
                return Err(failure::syntax(wrong).line(self.line));
            }
            set_error = options.iter().any(|option| option.eq_ignore_ascii_case("SETERROR"));
        }
        self.emit(Step::RaiseError(RaiseError { message, severity, state, arguments, set_error }));
        Ok(())
    }

    fn throw(&mut self) -> Answer<()> {
        self.next();
        let is_bare = matches!(self.kind_at(0), Kind::End | Kind::Sign(";")) || self.is_word("END");
        if is_bare && self.catches == 0 {
            let text = "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW \
                        statement inside a CATCH block, or add error parameters to the THROW statement.";
            return Err(failure::failure(10704, 15, 1, text).reach(failure::Reach::Scope).line(self.line));
        }
        let parts = if is_bare {
            None
        } else {
            let number = self.sum()?;
            self.need_sign(",")?;
            let text = self.sum()?;
            self.need_sign(",")?;
            Some([number, text, self.sum()?])
        };
        self.emit(Step::Throw(parts));
        Ok(())
    }

    fn transaction_name(&mut self) -> Answer<Option<Expr>> {
        if self.is_identifier() {
            return Ok(Some(Expr::Literal(Value::Text(self.identifier()?))));
        }
        match self.kind_at(0) {
            Kind::Variable(_) => Ok(Some(Expr::Variable(self.variable()?))),
            _ => Ok(None),
        }
    }

    fn end_transaction(&mut self, word: &str) -> Answer<()> {
        self.next();
        let is_named = self.eat_word("TRAN") || self.eat_word("TRANSACTION");
        if !is_named {
            self.eat_word("WORK");
        }
        let name = if is_named { self.transaction_name()? } else { None };
        let step = match (word, name) {
            ("COMMIT", _) => Step::Commit,
            ("ROLLBACK", name) => Step::Rollback(name),
            (_, Some(name)) => Step::Save(name),
            (_, None) => return Err(self.wrong()),
        };
        self.emit(step);
        Ok(())
    }

    fn wait(&mut self) -> Answer<()> {
        self.single(|parser| {
            let is_delay = parser.eat_word("DELAY");
            if !is_delay {
                parser.need_word("TIME")?;
            }
            Ok(Step::Wait { time: parser.primary_value()?, is_delay })
        })
    }

    /// A literal or a variable.
    fn primary_value(&mut self) -> Answer<Expr> {
        match self.kind_at(0) {
            Kind::Text(_) | Kind::Unicode(_) | Kind::Variable(_) => self.sum(),
            _ => Err(self.wrong()),
        }
    }

    fn definition(&mut self, word: &str) -> Answer<()> {
        if self.is_procedure_definition() {
            let text = "'CREATE/ALTER PROCEDURE' must be the first statement in a query batch.";
            return Err(failure::failure(111, 15, 1, text).reach(failure::Reach::Scope).line(self.line));
        }
        self.next();
        if word == "DROP" {
            return self.drop();
        }
        if word == "CREATE" && self.eat_word("TABLE") {
            let name = self.name()?;
            let table = self.table_definition()?;
            self.emit(Step::CreateTable { name, table });
            return Ok(());
        }
        if word == "CREATE" && self.eat_word("SCHEMA") {
            let name = self.identifier()?;
            self.optional("AUTHORIZATION", Self::identifier)?;
            self.emit(Step::CreateSchema(name));
            return Ok(());
        }
        if word == "CREATE" && self.is_index() {
            self.identifier()?;
            self.need_word("ON")?;
            let table = self.name()?;
            self.key_columns()?;
            if self.eat_word("INCLUDE") {
                self.key_columns()?;
            }
            self.emit(Step::CreateIndex(table));
            return Ok(());
        }
        match self.kind_at(0) {
            Kind::Word(what) => Err(failure::unsupported(&format!("{word} {}", what.to_ascii_uppercase()))),
            _ => Err(self.wrong()),
        }
    }

    /// Whether it is an index that changes no answer; its words are taken.
    fn is_index(&mut self) -> bool {
        let is_kind = |parser: &Self| parser.is_word("CLUSTERED") || parser.is_word("NONCLUSTERED");
        if is_kind(self) && self.is_word_at(1, "INDEX") {
            self.next();
        }
        self.eat_word("INDEX")
    }

    fn drop(&mut self) -> Answer<()> {
        let kind = if self.eat_word("TABLE") {
            Droppable::Table
        } else if self.eat_word("PROC") || self.eat_word("PROCEDURE") {
            Droppable::Procedure
        } else if self.eat_word("SCHEMA") {
            Droppable::Schema
        } else {
            return match self.kind_at(0) {
                Kind::Word(what) => Err(failure::unsupported(&format!("DROP {}", what.to_ascii_uppercase()))),
                _ => Err(self.wrong()),
            };
        };
        let if_exists = self.eat_words(&["IF", "EXISTS"]);
        let names = self.list(Self::name)?;
        self.emit(Step::Drop { kind, names, if_exists });
        Ok(())
    }
}
