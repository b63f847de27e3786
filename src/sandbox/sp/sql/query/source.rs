//! FROM: tables, views, derived tables, and how they are joined.

use std::collections::HashMap;

use crate::sandbox::sp::measure;
use crate::sandbox::sp::sql::ast::{Expr, Join, JoinKind, Name, Operator, Relation, Source, What};
use crate::sandbox::sp::sql::compare::key_of;
use crate::sandbox::sp::sql::eval::{Env, Field, Scope};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::locks::{Mode, Owner, Resource};
use crate::sandbox::sp::sql::out::Column;
use crate::sandbox::sp::sql::table::{MOST_ROWS, Row, Table, same_name};
use crate::sandbox::sp::sql::value::{Family, Type, Value};
use crate::sandbox::sp::sql::views;

/// The name of the hidden column that numbers the rows of a table that is changed.
pub const MARK: &str = "\0row";

/// Rows under named columns.
#[derive(Default)]
pub struct Rowset {
    pub fields: Vec<Field>,
    pub rows: Vec<Row>,
}

impl Env<'_> {
    /// All that a FROM gives. `mark` is the name of the table whose rows are to be numbered; without `full` only the
    /// columns count.
    pub fn sources(&self, sources: &[Source], mark: Option<&str>, full: bool, scope: &Scope) -> Answer<Rowset> {
        let Some((first, rest)) = sources.split_first() else {
            return Ok(Rowset { fields: Vec::new(), rows: vec![Vec::new()] });
        };
        let mut all = self.source(first, mark, full, scope)?;
        for source in rest {
            let more = self.source(source, mark, full, scope)?;
            all = self.joined(all, JoinKind::Cross, more, None, scope)?;
        }
        Ok(all)
    }

    fn source(&self, source: &Source, mark: Option<&str>, full: bool, scope: &Scope) -> Answer<Rowset> {
        let mut all = self.relation(&source.first, mark, full, scope)?;
        for Join { kind, with, on } in &source.joins {
            let more = self.relation(with, mark, full, scope)?;
            all = self.joined(all, *kind, more, on.as_ref(), scope)?;
        }
        Ok(all)
    }

    fn joined(&self, left: Rowset, kind: JoinKind, right: Rowset, on: Option<&Expr>, scope: &Scope) -> Answer<Rowset> {
        let (width, right_width) = (left.fields.len(), right.fields.len());
        let mut fields = left.fields;
        fields.extend(right.fields);
        let nothing = Scope { fields: &fields, row: &[], outer: Some(scope), ..Scope::default() };
        on.map_or(Ok(()), |on| self.check(on, &nothing))?;
        let mut rows = Vec::new();
        let mut right_used = vec![false; right.rows.len()];
        let index = on.and_then(|on| equal_columns(on, &nothing, width)).map(|pair| Index::new(pair, &right.rows));
        let everything: Vec<usize> = (0..right.rows.len()).collect();
        for row in &left.rows {
            let mut used = false;
            let candidates = index.as_ref().map_or(&everything[..], |index| index.candidates(row));
            for &at in candidates {
                let other = &right.rows[at];
                let mut both = Vec::with_capacity(width + right_width);
                both.extend(row.iter().cloned());
                both.extend(other.iter().cloned());
                let inside = Scope { fields: &fields, row: &both, outer: Some(scope), ..Scope::default() };
                if on.map_or(Ok(Some(true)), |on| self.test(on, &inside))? == Some(true) {
                    (used, right_used[at]) = (true, true);
                    rows.push(both);
                }
            }
            if !used && matches!(kind, JoinKind::Left | JoinKind::Full) {
                let empty = std::iter::repeat_n(Value::Null, right_width);
                rows.push(row.iter().cloned().chain(empty).collect());
            }
            if rows.len() > MOST_ROWS {
                return Err(failure::no_memory());
            }
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            let unused = right.rows.iter().zip(&right_used).filter(|(_, used)| !**used);
            rows.extend(
                unused.map(|(row, _)| {
                    std::iter::repeat_n(Value::Null, width).chain(row.iter().cloned()).collect::<Row>()
                }),
            );
        }
        let is_outer = |at: usize| match kind {
            JoinKind::Left => at >= width,
            JoinKind::Right => at < width,
            JoinKind::Full => true,
            _ => false,
        };
        for (at, field) in fields.iter_mut().enumerate() {
            field.nullable |= is_outer(at);
        }
        Ok(Rowset { fields, rows })
    }

    fn relation(&self, relation: &Relation, mark: Option<&str>, full: bool, scope: &Scope) -> Answer<Rowset> {
        let alias = relation.alias.as_deref();
        let mut found = match &relation.what {
            What::Joined(source) => return self.source(source, mark, full, scope),
            What::Derived(query) => self.derived(query, full, scope)?,
            What::Variable(name) => {
                let table = self.own.frame().and_then(|frame| frame.tables.get(&name.to_lowercase()));
                self.of_table(table.ok_or_else(|| failure::undeclared_table(name))?, full)
            }
            What::Function(name, arguments) => self.function(name, arguments, full, scope)?,
            What::Table(name) => match self.common(name, full, scope)? {
                Some(found) => found,
                None => self.named(name, &relation.hints, full)?,
            },
        };
        let (own_name, is_bare) = match &relation.what {
            What::Table(name) | What::Function(name, _) => (name.name.as_str(), true),
            What::Variable(name) => (name.as_str(), true),
            _ => ("", false),
        };
        let shown = alias.unwrap_or(own_name);
        if !relation.columns.is_empty() && relation.columns.len() != found.fields.len() {
            let text = format!("'{shown}' has a different number of columns than were specified in the column list.");
            return Err(failure::failure(8158, 16, 1, text).reach(failure::Reach::Scope));
        }
        for (at, field) in found.fields.iter_mut().enumerate() {
            field.table = shown.to_owned();
            if let Some(name) = relation.columns.get(at) {
                field.name.clone_from(name);
            }
            if field.name.is_empty() && !is_bare {
                let text = format!("No column name was specified for column {} of '{shown}'.", at + 1);
                return Err(failure::failure(8155, 16, 2, text).reach(failure::Reach::Scope));
            }
        }
        if mark.is_some_and(|mark| same_name(mark, shown)) {
            let (table, name) = (shown.to_owned(), MARK.to_owned());
            found.fields.push(Field { table, name, kind: Type::BigInt, nullable: false, identity: false });
            for (at, row) in found.rows.iter_mut().enumerate() {
                row.push(Value::BigInt(at as i64));
            }
        }
        Ok(found)
    }

    fn derived(&self, query: &crate::sandbox::sp::sql::ast::Query, full: bool, scope: &Scope) -> Answer<Rowset> {
        let is_ordered = !query.order.is_empty() && query.offset.is_none();
        let has_top =
            matches!(&query.first, crate::sandbox::sp::sql::ast::Body::Select(select) if select.top.is_some());
        if is_ordered && !has_top {
            let text = "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and \
                        common table expressions, unless TOP, OFFSET or FOR XML is also specified.";
            return Err(failure::failure(1033, 15, 1, text).reach(failure::Reach::Scope));
        }
        if full {
            let answered = self.query(query, scope)?;
            return Ok(Rowset { fields: fields_of(answered.columns), rows: answered.rows });
        }
        Ok(Rowset { fields: fields_of(self.shape(query, scope)?), rows: Vec::new() })
    }

    /// A query that a WITH has named.
    fn common(&self, name: &Name, full: bool, scope: &Scope) -> Answer<Option<Rowset>> {
        if name.schema.is_some() || name.database.is_some() {
            return Ok(None);
        }
        let Some(((_, columns, query), with, outer)) = scope.common_table(&name.name) else { return Ok(None) };
        let inside = Scope { with, outer, ..Scope::default() };
        let mut found = self.derived(query, full, &inside)?;
        for (field, name) in found.fields.iter_mut().zip(columns) {
            field.name.clone_from(name);
        }
        Ok(Some(found))
    }

    fn function(&self, name: &Name, arguments: &[Expr], full: bool, scope: &Scope) -> Answer<Rowset> {
        let is_split = same_name(&name.name, "STRING_SPLIT") && arguments.len() == 2;
        let is_numbers = name.schema.as_deref().is_some_and(|schema| same_name(schema, "sandbox"))
            && same_name(&name.name, "numbers")
            && arguments.len() == 1;
        if is_numbers {
            let count = self.count(&arguments[0], scope)?.min(MOST_ROWS);
            let rows = (1..=if full { count } else { 0 }).map(|number| vec![Value::Int(number as i32)]);
            return Ok(Rowset { fields: vec![field("n", Type::Int)], rows: rows.collect() });
        }
        if !is_split {
            return Err(failure::no_object(&name.written()));
        }
        let text = |at: usize| -> Answer<String> {
            let value = self.convert(self.value(&arguments[at], scope)?, Type::NVarChar(None))?;
            Ok(value.as_text().unwrap_or_default().to_owned())
        };
        let (whole, between) = (text(0)?, text(1)?);
        let rows = match between.is_empty() || !full {
            true => Vec::new(),
            false => whole.split(&between).map(|part| vec![Value::text(part)]).collect(),
        };
        Ok(Rowset { fields: vec![field("value", Type::TEXT)], rows })
    }

    fn of_table(&self, table: &Table, full: bool) -> Rowset {
        let fields = table.columns.iter().map(|column| Field {
            table: String::new(),
            name: column.name.clone(),
            kind: column.kind,
            nullable: column.nullable,
            identity: column.identity.is_some(),
        });
        Rowset { fields: fields.collect(), rows: if full { table.rows.clone() } else { Vec::new() } }
    }

    /// A table, a temporary one, or a view of the system.
    fn named(&self, name: &Name, hints: &[String], full: bool) -> Answer<Rowset> {
        if name.name.starts_with('#') {
            let found = self.own.temporary(&name.name).and_then(|temporary| temporary.object.table());
            return found.map(|table| self.of_table(table, full)).ok_or_else(|| failure::no_object(&name.written()));
        }
        if let Some((database, object)) = self.state.find(name, self.own.database)
            && let Some(table) = object.table()
        {
            let _ = database;
            self.check_lock(object.id, hints)?;
            return Ok(self.of_table(table, full));
        }
        let is_sandbox = name.schema.as_deref().is_some_and(|schema| same_name(schema, "sandbox"));
        if is_sandbox && same_name(&name.name, "rows") {
            let fields = fields_of(measure::columns());
            let rows = if full { measured(MEASURED) } else { Vec::new() };
            return Ok(Rowset { fields, rows });
        }
        views::view(self, name).ok_or_else(|| failure::no_object(&name.written()))
    }

    /// Whether the table may be read now.
    ///
    /// # Errors
    /// What it needs to be waited for.
    fn check_lock(&self, id: i32, hints: &[String]) -> Answer<()> {
        let has = |names: &[&str]| names.iter().any(|name| hints.iter().any(|hint| hint == name));
        let isolation = self.own.options.isolation;
        let is_dirty = has(&["NOLOCK", "READUNCOMMITTED"]) || isolation == 1 && hints.is_empty();
        if is_dirty {
            return Ok(());
        }
        let mode = match () {
            () if has(&["TABLOCKX", "XLOCK"]) => Mode::Exclusive,
            () if has(&["UPDLOCK"]) => Mode::Update,
            () => Mode::Shared,
        };
        let keeps = self.own.transaction.is_some()
            && (mode != Mode::Shared
                || matches!(isolation, 3 | 4)
                || has(&["HOLDLOCK", "SERIALIZABLE", "REPEATABLEREAD"]));
        let resource = Resource::Table(id);
        let held = self.state.locks.mode_of(self.own.spid, &resource, Owner::Transaction);
        let is_held = held.is_some_and(|held| held == mode || held == Mode::Exclusive || mode == Mode::Shared);
        if is_held || !keeps && self.state.locks.is_free(self.own.spid, &resource, mode) {
            return Ok(());
        }
        Err(failure::blocked(id, mode, keeps))
    }
}

/// The rows on the right by what they are joined by, so that not every pair has to be looked at.
struct Index {
    left: usize,
    places: HashMap<String, Vec<usize>>,
}

impl Index {
    fn new((left, right): (usize, usize), rows: &[Row]) -> Index {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            places.entry(key_of(&row[right])).or_default().push(at);
        }
        Index { left, places }
    }

    fn candidates(&self, row: &Row) -> &[usize] {
        self.places.get(&key_of(&row[self.left])).map_or(&[], |places| places)
    }
}

/// The columns left and right of a join of which a condition says that they are equal, where equal keys mean equal
/// values: both are texts, or both whole numbers.
fn equal_columns(on: &Expr, scope: &Scope, width: usize) -> Option<(usize, usize)> {
    match on {
        Expr::And(all) => all.iter().find_map(|on| equal_columns(on, scope, width)),
        Expr::Compare(Operator::Equal, one, two) => {
            let column = |expr: &Expr| match expr {
                Expr::Column(parts) => {
                    let (inside, at) = scope.find(parts).ok()?;
                    std::ptr::eq(inside.fields, scope.fields).then_some(at)
                }
                _ => None,
            };
            let (one, two) = (column(one)?, column(two)?);
            let (left, right) = (one.min(two), one.max(two));
            let families = (scope.fields[left].kind.family(), scope.fields[right].kind.family());
            let is_same = families.0 == families.1 && matches!(families.0, Family::Integer | Family::Text);
            (left < width && right >= width && is_same).then(|| (left, right - width))
        }
        _ => None,
    }
}

/// Rows of `sandbox.rows` where they meet other SQL.
const MEASURED: u64 = 100_000;

/// The same rows that are otherwise made straight into bytes.
fn measured(count: u64) -> Vec<Row> {
    const DAY: u64 = 86_400;
    let row = |number: u64| {
        let id = number + 1;
        let sign = if number % 3 == 2 { -1 } else { 1 };
        let (day, second) = ((number / DAY % 10_000) as i32, number % DAY);
        let mut code = [0; 16];
        code[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
        code[8..].copy_from_slice(&number.to_le_bytes());
        // The wire has the first three parts of a GUID the other way round.
        code[..4].reverse();
        code[4..6].reverse();
        code[6..8].reverse();
        vec![
            Value::Int(id as i32),
            Value::BigInt((id * 1_000_000_007) as i64),
            Value::Decimal { digits: sign * i128::from(number * 101 + 99), precision: 18, scale: 2 },
            Value::Money((number * 12_345) as i64),
            Value::Text(format!("Абонент {id}")),
            Value::Char(format!("лицевой счёт № {id}")),
            Value::DateTime { days: 43_829 + day, ticks: (second * 300 + number % 300) as u32 },
            Value::DateTime2 { days: 737_424 + day, ticks: second * 10_000_000 + number % 10_000_000, scale: 7 },
            Value::Bit(number % 2 == 1),
            Value::Guid(code),
        ]
    };
    (0..count).map(row).collect()
}

fn field(name: &str, kind: Type) -> Field {
    Field { table: String::new(), name: name.to_owned(), kind, nullable: false, identity: false }
}

fn fields_of(columns: Vec<Column>) -> Vec<Field> {
    let field = |column: Column| Field {
        table: String::new(),
        name: column.name,
        kind: column.kind,
        nullable: column.nullable,
        identity: column.identity,
    };
    columns.into_iter().map(field).collect()
}
