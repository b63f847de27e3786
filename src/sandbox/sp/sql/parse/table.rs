//! Definitions of tables.

use std::sync::Arc;

use super::Parser;
use crate::sandbox::sp::sql::ast::{ColumnDefinition, KeyDefinition, TableDefinition};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::lexer::Kind;

impl Parser<'_> {
    /// `(a int NOT NULL, PRIMARY KEY (a))`.
    pub(super) fn table_definition(&mut self) -> Answer<TableDefinition> {
        let mut table = TableDefinition { columns: Vec::new(), keys: Vec::new(), checks: Vec::new() };
        self.need_sign("(")?;
        loop {
            if !self.table_constraint(&mut table)? {
                self.column_definition(&mut table)?;
            }
            if self.eat_sign(",") {
                // A comma too many before the bracket is forgiven, as the server does.
                if !self.is_sign(")") {
                    continue;
                }
            }
            self.need_sign(")")?;
            return Ok(table);
        }
    }

    fn constraint_name(&mut self) -> Answer<Option<String>> {
        self.optional("CONSTRAINT", Self::identifier)
    }

    /// Whether it was a constraint of the whole table.
    fn table_constraint(&mut self, table: &mut TableDefinition) -> Answer<bool> {
        let named = self.constraint_name()?;
        if self.is_word("PRIMARY") || self.is_word("UNIQUE") {
            let primary = self.key_words()?;
            let columns = self.key_columns()?;
            table.keys.push(KeyDefinition { name: named, primary, columns });
            return Ok(true);
        }
        if self.eat_word("CHECK") {
            self.need_sign("(")?;
            let condition = self.condition()?;
            self.need_sign(")")?;
            table.checks.push((named, Arc::new(condition)));
            return Ok(true);
        }
        if self.is_word("FOREIGN") {
            return Err(failure::unsupported("FOREIGN KEY"));
        }
        if self.is_word("INDEX") {
            self.next();
            self.identifier()?;
            self.clustered();
            self.key_columns()?;
            return Ok(true);
        }
        if named.is_some() { Err(self.wrong()) } else { Ok(false) }
    }

    /// PRIMARY KEY or UNIQUE; whether it was the former.
    fn key_words(&mut self) -> Answer<bool> {
        let primary = self.eat_word("PRIMARY");
        self.need_word(if primary { "KEY" } else { "UNIQUE" })?;
        self.clustered();
        Ok(primary)
    }

    fn clustered(&mut self) {
        if !self.eat_word("CLUSTERED") {
            self.eat_word("NONCLUSTERED");
        }
    }

    pub(super) fn key_columns(&mut self) -> Answer<Vec<String>> {
        self.in_brackets(|parser| {
            let column = parser.identifier()?;
            if !parser.eat_word("DESC") {
                parser.eat_word("ASC");
            }
            Ok(column)
        })
    }

    fn column_definition(&mut self, table: &mut TableDefinition) -> Answer<()> {
        let name = self.identifier()?;
        if self.is_word("AS") {
            return Err(failure::unsupported("a computed column"));
        }
        let kind = self.kind()?;
        let mut column = ColumnDefinition { name, kind, nullable: None, identity: None, default: None };
        loop {
            let named = self.constraint_name()?;
            if self.eat_words(&["NOT", "NULL"]) {
                column.nullable = Some(false);
            } else if self.eat_word("NULL") {
                column.nullable = Some(true);
            } else if self.eat_word("IDENTITY") {
                column.identity = Some(self.identity()?);
                column.nullable = Some(false);
            } else if self.eat_word("COLLATE") {
                self.identifier()?;
            } else if self.eat_word("DEFAULT") {
                column.default = Some(Arc::new(self.sum()?));
            } else if self.is_word("PRIMARY") || self.is_word("UNIQUE") {
                let primary = self.key_words()?;
                table.keys.push(KeyDefinition { name: named, primary, columns: vec![column.name.clone()] });
            } else if self.eat_word("CHECK") {
                self.need_sign("(")?;
                table.checks.push((named, Arc::new(self.condition()?)));
                self.need_sign(")")?;
            } else if self.is_word("REFERENCES") || self.is_word("FOREIGN") {
                return Err(failure::unsupported("FOREIGN KEY"));
            } else if named.is_some() {
                return Err(self.wrong());
            } else {
                table.columns.push(column);
                return Ok(());
            }
        }
    }

    fn identity(&mut self) -> Answer<(i64, i64)> {
        if !self.eat_sign("(") {
            return Ok((1, 1));
        }
        let seed = self.whole_number()?;
        self.need_sign(",")?;
        let increment = self.whole_number()?;
        self.need_sign(")")?;
        Ok((seed, increment))
    }

    fn whole_number(&mut self) -> Answer<i64> {
        let is_negative = self.eat_sign("-");
        let number = match self.kind_at(0) {
            Kind::Integer(digits) => digits.parse::<i64>().ok(),
            _ => None,
        };
        let Some(number) = number else { return Err(self.wrong()) };
        self.next();
        Ok(if is_negative { -number } else { number })
    }
}
