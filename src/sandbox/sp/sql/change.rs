//! What INSERT, UPDATE and DELETE make of a table: computed as a whole, so that a statement happens or does not.

use super::ast::{
    Change as Setting, Delete, Expr, Insert, Item, Name, Order, Relation, Rows, Select, Source, Update, What,
};
use super::convert::shown;
use super::eval::{Env, Field, Scope};
use super::failure::{self, Answer};
use super::locks::{Mode, Owner, Resource};
use super::out::Column;
use super::own::TablePlace;
use super::query::{Answered, MARK};
use super::table::{Row, Table, TableColumn, same_name};
use super::value::{Type, Value};
use crate::sandbox::sp::world::{DBO, place};

/// A table as it will be.
pub struct Changed {
    pub place: TablePlace,
    pub table: Table,
    pub count: u64,
    /// What OUTPUT gives.
    pub output: Option<Answered>,
    /// The last number that the identity column took.
    pub identity: Option<i64>,
}

/// A table that is to be changed.
struct Target<'a> {
    place: TablePlace,
    /// As messages name it.
    name: String,
    table: &'a Table,
}

impl<'a> Env<'a> {
    /// Where a table lies that a statement changes; it is locked first.
    fn target(&self, name: &Name) -> Answer<Target<'a>> {
        let place = self.place_of_table(name)?;
        let table = self.own.table(&place, self.state).ok_or_else(|| failure::no_object(&name.written()))?;
        let shown = match &place {
            TablePlace::Database(database, key) => {
                let database = &self.state.databases[*database];
                if let Some(object) = database.get(key) {
                    self.check_write(object.id)?;
                }
                format!("{}.{}", name.schema.as_deref().unwrap_or(DBO), name.name)
            }
            _ => name.name.clone(),
        };
        Ok(Target { place, name: shown, table })
    }

    fn place_of_table(&self, name: &Name) -> Answer<TablePlace> {
        if name.name.starts_with('@') {
            return Ok(TablePlace::Variable(name.name.to_lowercase()));
        }
        if name.name.starts_with('#') {
            return Ok(TablePlace::Temporary(name.name.to_lowercase()));
        }
        let database =
            self.state.database_of(name, self.own.database).ok_or_else(|| failure::no_object(&name.written()))?;
        Ok(TablePlace::Database(database, place(name.schema.as_deref().unwrap_or(DBO), &name.name)))
    }

    fn check_write(&self, id: i32) -> Answer<()> {
        let (spid, resource) = (self.own.spid, Resource::Table(id));
        let keeps = self.own.transaction.is_some();
        let is_free = match keeps {
            true => self.state.locks.mode_of(spid, &resource, Owner::Transaction) == Some(Mode::Exclusive),
            false => self.state.locks.is_free(spid, &resource, Mode::Exclusive),
        };
        if is_free { Ok(()) } else { Err(failure::blocked(id, Mode::Exclusive, keeps)) }
    }

    /// INSERT of rows that are already there.
    pub fn inserted(&self, insert: &Insert, rows: Vec<Row>) -> Answer<Changed> {
        let rows = rows.into_iter().map(|row| row.into_iter().map(Some).collect()).collect();
        self.insert_values(insert, rows)
    }

    /// INSERT of VALUES or of a query.
    pub fn insert(&self, insert: &Insert) -> Answer<Changed> {
        let nothing = Scope::default();
        let rows = match &insert.rows {
            Rows::Values(rows) => {
                let value = |expr: &Option<Expr>| {
                    expr.as_ref()
                        .map(|expr| {
                            self.kind(expr, &nothing)?;
                            self.value(expr, &nothing)
                        })
                        .transpose()
                };
                let rows = rows.iter().map(|row| row.iter().map(value).collect::<Answer<Vec<Option<Value>>>>());
                rows.collect::<Answer<Vec<_>>>()?
            }
            Rows::Query(query) => {
                let rows = self.query(query, &nothing)?.rows;
                rows.into_iter().map(|row| row.into_iter().map(Some).collect()).collect()
            }
            Rows::Defaults => vec![Vec::new()],
            Rows::Execute(_) => Vec::new(),
        };
        self.insert_values(insert, rows)
    }

    fn insert_values(&self, insert: &Insert, rows: Vec<Vec<Option<Value>>>) -> Answer<Changed> {
        let target = self.target(&insert.into)?;
        let mut table = target.table.clone();
        let is_explicit = self.own.identity_insert.as_ref() == Some(&target.place);
        let columns = self.columns_of_insert(insert, &target, is_explicit)?;
        let (mut added, mut identity) = (Vec::new(), None);
        for row in rows {
            let is_default = row.is_empty() && matches!(insert.rows, Rows::Defaults);
            if row.len() != columns.len() && !is_default {
                return Err(wrong_count(row.len(), columns.len(), !insert.columns.is_empty()));
            }
            let mut full: Vec<Option<Value>> = vec![None; table.columns.len()];
            if !is_default {
                for (at, value) in columns.iter().zip(row) {
                    full[*at] = value;
                }
            }
            let mut done = Row::with_capacity(full.len());
            for (at, given) in full.into_iter().enumerate() {
                let column = &target.table.columns[at];
                let value = match (given, column.identity) {
                    (Some(given), _) if column.identity.is_none() || is_explicit => given,
                    (_, Some((_, step))) => {
                        let number = table.next;
                        table.next = number.saturating_add(step);
                        identity = Some(number);
                        Value::BigInt(number)
                    }
                    _ => self.default_of(column)?,
                };
                done.push(self.fitted(value, column, &target, "INSERT")?);
            }
            if let (true, Some(at)) = (is_explicit, table.columns.iter().position(|column| column.identity.is_some()))
                && let (Some(number), Some((_, step))) = (done[at].as_integer(), table.columns[at].identity)
            {
                table.next = table.next.max(number.saturating_add(step));
                identity = Some(number);
            }
            added.push(done);
        }
        let count = added.len() as u64;
        let output = self.output(&insert.output, &table, &added, &added)?;
        table.rows.extend(added);
        self.finish(Changed { place: target.place, table, count, output, identity }, &target.name, "INSERT")
    }

    fn columns_of_insert(&self, insert: &Insert, target: &Target, is_explicit: bool) -> Answer<Vec<usize>> {
        let table = target.table;
        if insert.columns.is_empty() {
            let free = table.columns.iter().enumerate().filter(|(_, column)| column.identity.is_none() || is_explicit);
            return Ok(free.map(|(at, _)| at).collect());
        }
        let mut columns: Vec<usize> = Vec::new();
        for name in &insert.columns {
            let at = table.position(name).ok_or_else(|| failure::no_column(name))?;
            if columns.contains(&at) {
                let text = format!(
                    "The column name '{name}' is specified more than once in the SET clause or column list of an INSERT."
                );
                return Err(failure::failure(264, 16, 1, text).reach(failure::Reach::Scope));
            }
            if table.columns[at].identity.is_some() && !is_explicit {
                return Err(failure::explicit_identity(&target.name));
            }
            columns.push(at);
        }
        Ok(columns)
    }

    fn default_of(&self, column: &TableColumn) -> Answer<Value> {
        column.default.as_ref().map_or(Ok(Value::Null), |default| self.value(default, &Scope::default()))
    }

    /// A value as a column takes it.
    fn fitted(&self, value: Value, column: &TableColumn, target: &Target, statement: &str) -> Answer<Value> {
        if value.is_null() {
            if column.nullable {
                return Ok(Value::Null);
            }
            let name = match &target.place {
                TablePlace::Database(database, _) => {
                    format!("{}.{}", self.state.databases[*database].name, target.name)
                }
                _ => target.name.clone(),
            };
            return Err(failure::null_refused(&column.name, &name, statement));
        }
        if let (Some(length), true) = (column.kind.length(), column.kind.is_text()) {
            let text = shown(&value, self.way())?;
            let text = text.trim_end_matches(' ');
            let count = if column.kind.is_unicode() { text.encode_utf16().count() } else { text.chars().count() };
            if count > usize::from(length) {
                let cut: String = text.chars().take(usize::from(length)).collect();
                return Err(failure::truncated(&target.name, &column.name, &cut));
            }
        }
        if let (Some(length), Value::Binary(bytes)) = (column.kind.length(), &value)
            && bytes.len() > usize::from(length)
        {
            return Err(failure::truncated(&target.name, &column.name, ""));
        }
        self.convert(value, column.kind)
    }

    /// A change, if the table may be so.
    fn finish(&self, changed: Changed, name: &str, statement: &str) -> Answer<Changed> {
        changed.table.check_size()?;
        if changed.count > 0 {
            changed.table.check_keys(name)?;
            self.check_conditions(&changed.table, name, statement)?;
        }
        Ok(changed)
    }

    /// CHECK constraints: false is refused, unknown is not.
    fn check_conditions(&self, table: &Table, name: &str, statement: &str) -> Answer<()> {
        if table.checks.is_empty() {
            return Ok(());
        }
        let fields = fields(table, "");
        for (constraint, condition) in &table.checks {
            for row in &table.rows {
                let scope = Scope { fields: &fields, row, ..Scope::default() };
                if self.test(condition, &scope)? == Some(false) {
                    let text = format!(
                        "The {statement} statement conflicted with the CHECK constraint \"{constraint}\". The conflict \
                         occurred in table \"{name}\"."
                    );
                    return Err(failure::failure(547, 16, 0, text));
                }
            }
        }
        Ok(())
    }

    /// OUTPUT: columns of what was put in and of what was taken out.
    fn output(&self, items: &[Item], table: &Table, inserted: &[Row], deleted: &[Row]) -> Answer<Option<Answered>> {
        if items.is_empty() {
            return Ok(None);
        }
        let mut both = fields(table, "inserted");
        both.extend(fields(table, "deleted"));
        let nothing = Scope { fields: &both, ..Scope::default() };
        let mut columns = Vec::new();
        let mut picked: Vec<Picked> = Vec::new();
        for item in items {
            match item {
                Item::Star(of) => {
                    let of = of.as_deref().unwrap_or("inserted");
                    for (at, field) in both.iter().enumerate().filter(|(_, field)| same_name(&field.table, of)) {
                        columns.push(Column::new(field.name.clone(), field.kind));
                        picked.push(Picked::Field(at));
                    }
                }
                Item::Value { value, alias } => {
                    let name = match (alias, value) {
                        (Some(alias), _) => alias.clone(),
                        (None, Expr::Column(parts)) => parts.last().cloned().unwrap_or_default(),
                        _ => String::new(),
                    };
                    columns.push(Column::new(name, self.kind(value, &nothing)?));
                    picked.push(Picked::Value(value));
                }
                Item::Assign { .. } => return Err(failure::syntax("=")),
            }
        }
        let mut rows = Vec::new();
        for (new, old) in inserted.iter().zip(deleted) {
            let row: Row = new.iter().chain(old).cloned().collect();
            let scope = Scope { row: &row, ..nothing };
            let values = picked.iter().map(|picked| match picked {
                Picked::Field(at) => Ok(row[*at].clone()),
                Picked::Value(value) => self.value(value, &scope),
            });
            rows.push(values.collect::<Answer<Row>>()?);
        }
        Ok(Some(Answered { columns, rows }))
    }

    /// The rows that UPDATE and DELETE mean: with all of FROM beside each, numbered, each row of the table once.
    fn meant(&self, name: &Name, from: &[Source], filter: Option<&Expr>) -> Answer<Meant> {
        let by_alias = from
            .iter()
            .flat_map(|source| std::iter::once(&source.first).chain(source.joins.iter().map(|join| &join.with)));
        let fits = |relation: &&Relation| match (&relation.alias, &relation.what) {
            (Some(alias), _) => same_name(alias, &name.name),
            (None, What::Table(table)) => same_name(&table.name, &name.name),
            (None, What::Variable(table)) => same_name(table, &name.name),
            _ => false,
        };
        let real = match by_alias.into_iter().find(fits).map(|relation| &relation.what) {
            Some(What::Table(table)) => table.clone(),
            Some(What::Variable(table)) => Name::plain(table),
            _ => name.clone(),
        };
        // Who is to write waits for the right to before it reads.
        self.target(&real)?;
        let own;
        let sources = if from.is_empty() {
            let what =
                if name.name.starts_with('@') { What::Variable(name.name.clone()) } else { What::Table(name.clone()) };
            let first = Relation { what, alias: None, columns: Vec::new(), hints: vec!["NOLOCK".to_owned()] };
            own = [Source { first, joins: Vec::new() }];
            &own[..]
        } else {
            from
        };
        let nothing = Scope::default();
        let found = self.sources(sources, Some(&name.name), true, &nothing)?;
        let scope = Scope { fields: &found.fields, ..Scope::default() };
        let mark =
            found.fields.iter().position(|field| field.name == MARK).ok_or_else(|| failure::no_object(&name.name))?;
        let rows = match filter {
            Some(filter) => {
                self.check(filter, &scope)?;
                self.kept(found.rows, filter, &scope)?
            }
            None => found.rows,
        };
        let mut seen = std::collections::HashSet::new();
        let numbered = rows.into_iter().filter_map(|row| Some((usize::try_from(row[mark].as_integer()?).ok()?, row)));
        let rows = numbered.filter(|(at, _)| seen.insert(*at)).collect();
        Ok(Meant { name: real, fields: found.fields, rows })
    }

    fn limited<T>(&self, mut rows: Vec<T>, top: Option<&Expr>) -> Answer<Vec<T>> {
        if let Some(top) = top {
            rows.truncate(self.count(top, &Scope::default())?);
        }
        if self.own.options.row_count > 0 {
            rows.truncate(self.own.options.row_count as usize);
        }
        Ok(rows)
    }

    pub fn update(&self, update: &Update) -> Answer<Changed> {
        let Meant { name, fields, rows } = self.meant(&update.table, &update.from, update.filter.as_ref())?;
        let target = self.target(&name)?;
        let rows = self.limited(rows, update.top.as_ref())?;
        let scope = Scope { fields: &fields, ..Scope::default() };
        let mut settings: Vec<(usize, &Setting)> = Vec::new();
        for setting in &update.set {
            if setting.column.starts_with('@') {
                return Err(failure::unsupported("UPDATE … SET @variable"));
            }
            let at = target.table.position(&setting.column).ok_or_else(|| failure::no_column(&setting.column))?;
            if target.table.columns[at].identity.is_some() {
                let text = format!("Cannot update identity column '{}'.", setting.column);
                return Err(failure::failure(8102, 16, 1, text).reach(failure::Reach::Scope));
            }
            setting.value.as_ref().map(|value| self.kind(value, &scope)).transpose()?;
            settings.push((at, setting));
        }
        let mut table = target.table.clone();
        let (mut new_rows, mut old_rows) = (Vec::new(), Vec::new());
        for (at, row) in &rows {
            let scope = Scope { row, ..scope };
            let mut new = target.table.rows[*at].clone();
            for (place, setting) in &settings {
                let column = &target.table.columns[*place];
                let value = match &setting.value {
                    Some(value) => self.value(value, &scope)?,
                    None => self.default_of(column)?,
                };
                let old = &target.table.rows[*at][*place];
                let value = match setting.operator {
                    Some(_) if value.is_null() || old.is_null() => Value::Null,
                    Some(operator) => super::eval::compute(operator, old.clone(), value, self.way())?,
                    None => value,
                };
                new[*place] = self.fitted(value, column, &target, "UPDATE")?;
            }
            old_rows.push(target.table.rows[*at].clone());
            new_rows.push(new.clone());
            table.rows[*at] = new;
        }
        let output = self.output(&update.output, &table, &new_rows, &old_rows)?;
        let count = rows.len() as u64;
        self.finish(Changed { place: target.place, table, count, output, identity: None }, &target.name, "UPDATE")
    }

    pub fn delete(&self, delete: &Delete) -> Answer<Changed> {
        let Meant { name, rows, .. } = self.meant(&delete.table, &delete.from, delete.filter.as_ref())?;
        let target = self.target(&name)?;
        let rows = self.limited(rows, delete.top.as_ref())?;
        let gone: std::collections::HashSet<usize> = rows.iter().map(|(at, _)| *at).collect();
        let mut table = target.table.clone();
        let old: Vec<Row> = rows.iter().map(|(at, _)| table.rows[*at].clone()).collect();
        let output = self.output(&delete.output, &table, &old, &old)?;
        let mut at = 0;
        table.rows.retain(|_| {
            at += 1;
            !gone.contains(&(at - 1))
        });
        Ok(Changed { place: target.place, table, count: rows.len() as u64, output, identity: None })
    }

    /// TRUNCATE TABLE: everything goes, and numbers begin anew.
    pub fn truncated(&self, name: &Name) -> Answer<Changed> {
        let target = self.target(name)?;
        let mut table = Table::new(target.table.columns.clone());
        table.keys.clone_from(&target.table.keys);
        table.checks.clone_from(&target.table.checks);
        Ok(Changed { place: target.place, table, count: 0, output: None, identity: None })
    }

    /// The rows over which `SELECT @a = …` goes, and whether they are already values of its items.
    pub fn assigned_rows(&self, select: &Select, order: &[Order]) -> Answer<(Vec<Field>, Vec<Row>, bool)> {
        let nothing = Scope::default();
        let found = self.sources(&select.from, None, true, &nothing)?;
        let scope = Scope { fields: &found.fields, ..Scope::default() };
        let columns = self.shape_of_items(select, &scope)?;
        if super::query::is_grouped(select) || select.distinct {
            let rows = self.select_rows(select, order, &nothing)?;
            return Ok((columns, rows, true));
        }
        let rows = match &select.filter {
            Some(filter) => self.kept(found.rows, filter, &scope)?,
            None => found.rows,
        };
        let mut rows = self.sorted(rows, order, &scope)?;
        if let Some(top) = &select.top {
            rows.truncate(self.count(&top.count, &nothing)?);
        }
        Ok((found.fields, rows, false))
    }

    /// The definition of a table that takes what a query gives.
    pub fn table_of(&self, answered: Answered) -> Answer<Table> {
        let mut columns: Vec<TableColumn> = Vec::new();
        for (at, column) in answered.columns.into_iter().enumerate() {
            if column.name.is_empty() {
                let text = format!(
                    "An object or column name is missing or empty. For SELECT INTO statements, verify each column has a \
                     name. Column {}.",
                    at + 1
                );
                return Err(failure::failure(1038, 15, 5, text).reach(failure::Reach::Scope));
            }
            if columns.iter().any(|known| same_name(&known.name, &column.name)) {
                let text = format!(
                    "Column names in each table must be unique. Column name '{}' is specified more than once.",
                    column.name
                );
                return Err(failure::failure(2705, 16, 3, text));
            }
            let identity = column.identity.then_some((1, 1));
            columns.push(TableColumn {
                identity,
                nullable: column.nullable,
                ..TableColumn::new(&column.name, column.kind)
            });
        }
        let mut table = Table::new(columns);
        table.rows = answered.rows;
        let identity = table.columns.iter().position(|column| column.identity.is_some());
        if let Some(at) = identity {
            let most = table.rows.iter().filter_map(|row| row[at].as_integer()).max();
            table.next = most.unwrap_or(0) + 1;
        }
        table.check_size()?;
        Ok(table)
    }
}

/// The rows of a table that a statement means.
struct Meant {
    /// The table itself, where an alias was given.
    name: Name,
    /// Everything of FROM.
    fields: Vec<Field>,
    /// Their numbers in the table, each with everything of FROM beside it.
    rows: Vec<(usize, Row)>,
}

/// What OUTPUT takes for a column.
enum Picked<'a> {
    Field(usize),
    Value(&'a Expr),
}

fn fields(table: &Table, name: &str) -> Vec<Field> {
    let field = |column: &TableColumn| Field {
        table: name.to_owned(),
        name: column.name.clone(),
        kind: column.kind,
        nullable: column.nullable,
        identity: column.identity.is_some(),
    };
    table.columns.iter().map(field).collect()
}

fn wrong_count(given: usize, wanted: usize, has_list: bool) -> failure::Failure {
    if !has_list {
        return failure::column_count();
    }
    let (number, more) = if given < wanted { (109, "more") } else { (110, "fewer") };
    let text = format!(
        "There are {more} columns in the INSERT statement than values specified in the VALUES clause. The number of \
         values in the VALUES clause must match the number of columns specified in the INSERT statement."
    );
    failure::failure(number, 15, 1, text).reach(failure::Reach::Scope)
}

/// The kind of a number that an identity column may have.
pub fn can_be_numbered(kind: Type) -> bool {
    matches!(kind, Type::TinyInt | Type::SmallInt | Type::Int | Type::BigInt | Type::Decimal { scale: 0, .. })
}
