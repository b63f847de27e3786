//! Procedures of the catalogue, and how data goes on from stage to stage: what an export has handed over is loaded, and
//! what was loaded is merged. Modification times tell which data source has come how far.

use std::sync::Arc;

use super::{Object, Place, State, Thing, place};
use crate::sandbox::sp::sql::moment::now;
use crate::sandbox::sp::sql::own::TablePlace;
use crate::sandbox::sp::sql::table::{Row, Table};
use crate::sandbox::sp::sql::value::{Type, Value};

/// Rows of different data sources are told apart by their numbers: those of the first begin here, and so on.
pub const NUMBERS: i64 = 1000;

/// When a row was handed on, and when it was changed here.
pub const EXPORTED: &str = "date_export";
pub const MODIFIED: &str = "date_modification";
pub const LOADED: &str = "date_load";

/// A procedure that the catalogue knows.
#[derive(Debug)]
pub struct CatalogueProcedure {
    pub stage: String,
    pub entity: String,
    /// Without its schema.
    pub name: String,
    /// As sp_executesql declares them.
    pub parameters: String,
    pub code_parameter: Option<usize>,
    pub month_parameter: Option<usize>,
    pub year_parameter: Option<usize>,
    /// Codes that it can be called for; the first one is that of a procedure without a code.
    pub codes: Vec<String>,
    /// Usual seconds for a code.
    pub usual: Vec<(String, (f64, f64))>,
    pub flow: Flow,
}

/// A table in a database.
pub type Lies = (usize, Place);

/// Where data comes from, and where it goes.
#[derive(Debug)]
pub enum Flow {
    /// An export: the rows of these data sources, by code, or all.
    Export { into: Lies, sources: Vec<(String, Option<i64>)> },
    /// From the tables of each data source, by its number, into one.
    Load { from: Vec<(i64, Lies)>, into: Lies },
    /// From the loaded table into the clean one.
    Merge { from: Lies, into: Lies },
}

/// A table as it is after a procedure.
pub struct Load {
    pub place: TablePlace,
    /// Number of the object.
    pub id: i32,
    pub table: Table,
    /// Data sources that had something new.
    pub codes: usize,
}

fn table<'a>(state: &'a State, lies: &Lies) -> Option<(&'a Object, &'a Arc<Table>)> {
    let object = state.databases.get(lies.0)?.get(&lies.1)?;
    Some((object, object.table()?))
}

/// The number of the data source of a row.
fn source_of(row: &Row) -> i64 {
    row.first().and_then(Value::as_integer).unwrap_or(0) / NUMBERS
}

/// The newest value of a column for a data source.
fn newest(table: &Table, column: &str, source: i64) -> Option<(i32, u32)> {
    let at = table.position(column)?;
    let rows = table.rows.iter().filter(|row| source_of(row) == source);
    let moments = rows.filter_map(|row| match row.get(at)? {
        Value::DateTime { days, ticks } => Some((*days, *ticks)),
        _ => None,
    });
    moments.max()
}

impl CatalogueProcedure {
    /// What it usually takes for a code, in seconds, from and to.
    pub fn seconds(&self, code: &str) -> (f64, f64) {
        let own = self.usual.iter().find(|(known, _)| known.eq_ignore_ascii_case(code));
        own.or(self.usual.first()).map_or((1.0, 2.0), |(_, span)| *span)
    }

    /// What it makes of its table; none where somebody has dropped it.
    pub fn load(&self, state: &State, code: &str) -> Option<Load> {
        let (Flow::Export { into, .. } | Flow::Load { into, .. } | Flow::Merge { into, .. }) = &self.flow;
        let (object, old) = table(state, into)?;
        let mut new = Table::clone(old);
        let now = now().as_kind(Type::DateTime)?;
        let codes = match &self.flow {
            Flow::Export { sources, .. } => {
                let (_, wanted) = sources.iter().find(|(known, _)| known.eq_ignore_ascii_case(code))?;
                let at = new.position(MODIFIED)?;
                let mut touched = std::collections::HashSet::new();
                for row in new.rows.iter_mut().filter(|row| wanted.is_none_or(|wanted| source_of(row) == wanted)) {
                    touched.insert(source_of(row));
                    row[at] = now.clone();
                }
                touched.len()
            }
            Flow::Load { from, .. } => {
                let news = from
                    .iter()
                    .filter_map(|(source, lies)| Some((*source, newest(table(state, lies)?.1, MODIFIED, *source)?)));
                handed_on(&mut new, news.collect(), &[LOADED], &now)
            }
            Flow::Merge { from, .. } => {
                let (_, from) = table(state, from)?;
                let mut sources: Vec<i64> = from.rows.iter().map(source_of).collect();
                sources.dedup();
                let news = sources.into_iter().filter_map(|source| Some((source, newest(from, EXPORTED, source)?)));
                handed_on(&mut new, news.collect(), &[MODIFIED], &now)
            }
        };
        Some(Load { place: TablePlace::Database(into.0, into.1.clone()), id: object.id, table: new, codes })
    }

    /// Writes a line into the journal of the database that it runs in.
    pub fn journal(&self, state: &mut State, is_error: bool, text: &str) {
        let (Flow::Export { into, .. } | Flow::Load { into, .. } | Flow::Merge { into, .. }) = &self.flow;
        let journal = place("mng", "journal");
        let Some(database) = state.databases.get_mut(into.0) else { return };
        let Some(mut object) = database.get(&journal).cloned() else { return };
        let (Thing::Table(table), Some(now)) = (&mut object.what, now().as_kind(Type::DateTime)) else { return };
        Arc::make_mut(table).rows.push(vec![Value::Bit(is_error), now, Value::text(text)]);
        database.set(&journal, Some(object));
    }
}

/// Marks the rows of sources that have something newer; how many sources those are.
fn handed_on(table: &mut Table, news: Vec<(i64, (i32, u32))>, touch: &[&str], now: &Value) -> usize {
    let Some(exported) = table.position(EXPORTED) else { return 0 };
    let touch: Vec<usize> = touch.iter().filter_map(|name| table.position(name)).collect();
    let mut count = 0;
    for (source, (days, ticks)) in news {
        let new = Value::DateTime { days, ticks };
        let mut is_new = false;
        for row in table.rows.iter_mut().filter(|row| source_of(row) == source) {
            if row[exported] != new {
                row[exported] = new.clone();
                touch.iter().for_each(|at| row[*at] = now.clone());
                is_new = true;
            }
        }
        count += usize::from(is_new);
    }
    count
}
