//! Tables: columns, rows, keys.

use std::collections::HashSet;
use std::sync::Arc;

use super::ast::Expr;
use super::compare::key_of;
use super::failure::{self, Answer};
use super::value::{Type, Value};

/// A row.
pub type Row = Vec<Value>;

/// The most rows that a table or an answer may have here.
pub const MOST_ROWS: usize = 2_000_000;

#[derive(Clone, Debug)]
pub struct TableColumn {
    pub name: String,
    pub kind: Type,
    pub nullable: bool,
    /// Seed and increment.
    pub identity: Option<(i64, i64)>,
    pub default: Option<Arc<Expr>>,
}

impl TableColumn {
    /// A column that may be NULL.
    pub fn new(name: &str, kind: Type) -> TableColumn {
        TableColumn { name: name.to_owned(), kind, nullable: true, identity: None, default: None }
    }
}

#[derive(Clone, Debug)]
pub struct Key {
    pub name: String,
    pub primary: bool,
    pub columns: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
pub struct Table {
    pub columns: Vec<TableColumn>,
    pub rows: Vec<Row>,
    pub keys: Vec<Key>,
    pub checks: Vec<(String, Arc<Expr>)>,
    /// The next number of the identity column, where there is one.
    pub next: i64,
}

impl Table {
    pub fn new(columns: Vec<TableColumn>) -> Table {
        let next = columns.iter().find_map(|column| column.identity).map_or(1, |(seed, _)| seed);
        Table { columns, next, ..Table::default() }
    }

    /// Number of a column, whatever its case.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| same_name(&column.name, name))
    }

    /// Whether rows are unique by every key.
    ///
    /// # Errors
    /// 2627 with the key that is there twice.
    pub fn check_keys(&self, table: &str) -> Answer<()> {
        for key in &self.keys {
            let mut seen = HashSet::new();
            for row in &self.rows {
                let parts = key.columns.iter().filter_map(|column| row.get(*column));
                let text: String = parts.clone().map(|value| key_of(value) + "\u{1}").collect();
                if !seen.insert(text) {
                    let shown: Vec<String> = parts.map(shown).collect();
                    return Err(failure::duplicate_key(&key.name, table, &shown.join(", "), key.primary));
                }
            }
        }
        Ok(())
    }

    /// # Errors
    /// 701 when it has become too large for a sandbox.
    pub fn check_size(&self) -> Answer<()> {
        if self.rows.len() > MOST_ROWS { Err(failure::no_memory()) } else { Ok(()) }
    }
}

fn shown(value: &Value) -> String {
    let way = super::convert::Way { format: super::moment::Format::Mdy, style: None };
    if value.is_null() { "<NULL>".to_owned() } else { super::convert::shown(value, way).unwrap_or_default() }
}

/// Whether two names are the same: case does not count.
pub fn same_name(one: &str, two: &str) -> bool {
    one.eq_ignore_ascii_case(two) || !one.is_ascii() && one.to_lowercase() == two.to_lowercase()
}
