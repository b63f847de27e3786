//! The world as it is in the beginning: databases, tables, rows and procedures of the shipped catalogue.

use std::sync::Arc;

use super::catalogue::{CatalogueProcedure, EXPORTED, Flow, LOADED, Lies, MODIFIED, NUMBERS};
use super::{State, Thing, place};
use crate::sandbox::sp::sql::moment::{Moment, SECOND, now};
use crate::sandbox::sp::sql::table::{Row, Table, TableColumn};
use crate::sandbox::sp::sql::value::{Type, Value};
use crate::services::sp::catalogue::{Catalogue, CheckSpec, Source, StepSpec};

/// Rows of each data source in each table.
const ROWS: i64 = 3;

/// The server's own databases.
const OWN: [&str; 4] = ["master", "tempdb", "model", "msdb"];

/// Fills an empty server.
pub fn fill(state: &mut State, seed: u64) {
    OWN.iter().for_each(|name| {
        state.create_database(name);
    });
    let catalogue = Catalogue::shipped();
    for database in catalogue.databases() {
        if state.database(&database.name).is_none() {
            state.create_database(&database.name);
        }
    }
    let seeder = Seeder { sources: sources(&catalogue), catalogue, seed, now: now() };
    seeder.aggregate(state);
    seeder.steps(state);
}

/// Codes of real data sources, with their numbers from 1.
fn sources(catalogue: &Catalogue) -> Vec<(String, i64)> {
    let real = catalogue.codes().iter().filter(|code| !code.is_virtual);
    real.zip(1..).map(|(code, number)| (code.key.clone(), number)).collect()
}

struct Seeder {
    catalogue: Arc<Catalogue>,
    sources: Vec<(String, i64)>,
    seed: u64,
    now: Moment,
}

impl Seeder {
    /// A moment some minutes ago.
    fn ago(&self, minutes: i64) -> Value {
        let moment = self.now.plus_ticks(-i128::from(minutes) * 60 * i128::from(SECOND));
        moment.and_then(|moment| moment.as_kind(Type::DateTime)).unwrap_or(Value::Null)
    }

    fn number(&self, code: &str) -> Option<i64> {
        self.sources.iter().find(|(known, _)| known == code).map(|(_, number)| *number)
    }

    /// How many minutes ago something was exported: a day to a month, the same for the same seed.
    fn age(&self, entity: &str, source: i64) -> i64 {
        let start = self.seed ^ source as u64;
        let hash = entity.bytes().fold(start, |hash, byte| hash.wrapping_mul(0x100_0000_01B3) ^ u64::from(byte));
        1440 + (hash % 41_760) as i64
    }

    fn put(&self, state: &mut State, database: usize, schema: &str, name: &str, thing: Thing) {
        if let Some(database) = state.databases.get_mut(database) {
            database.schemas.insert(schema.to_owned());
        }
        let object = state.object(schema, name, thing);
        if let Some(database) = state.databases.get_mut(database) {
            database.set(&place(schema, name), Some(object));
        }
    }

    /// Puts a table with some rows of each source where there is none yet.
    fn table(&self, state: &mut State, lies: &(usize, &str, &str), columns: Vec<TableColumn>, rows: Vec<Row>) -> Lies {
        let (database, schema, name) = *lies;
        let at = place(schema, name);
        let is_there = state.databases.get(database).is_some_and(|database| database.get(&at).is_some());
        if !is_there {
            let mut table = Table::new(columns);
            table.rows = rows;
            self.put(state, database, schema, name, Thing::Table(Arc::new(table)));
        }
        (database, at)
    }

    fn target(&self, state: &State) -> usize {
        let database = self.catalogue.database(&self.catalogue.target);
        database.and_then(|database| state.database(&database.name)).unwrap_or(0)
    }

    /// What the aggregate has beside the tables of entities.
    fn aggregate(&self, state: &mut State) {
        let target = self.target(state);
        let columns = vec![
            TableColumn { nullable: false, ..TableColumn::new("list_datasource_id", Type::Int) },
            TableColumn::new("datasource_section", Type::NVarChar(Some(20))),
            TableColumn::new("datasource_name", Type::NVarChar(Some(100))),
        ];
        let row = |(code, number): &(String, i64)| {
            let title = self.catalogue.code(code).map_or(String::new(), |code| code.title.text("ru").to_owned());
            vec![Value::Int(*number as i32), Value::text(code.as_str()), Value::Text(title)]
        };
        let rows = self.sources.iter().map(row).collect();
        self.table(state, &(target, "heap", "list_datasource"), columns, rows);
        let columns = vec![
            TableColumn::new("is_error", Type::Bit),
            TableColumn::new("date_journal", Type::DateTime),
            TableColumn::new("text", Type::NVarChar(Some(4000))),
        ];
        self.table(state, &(target, "mng", "journal"), columns, Vec::new());
        if let Some(database) = state.databases.get_mut(target) {
            ["crude", "heap", "test", "mng"].iter().for_each(|schema| {
                database.schemas.insert((*schema).to_owned());
            });
        }
    }

    /// Procedures, each with the tables that it reads and writes.
    fn steps(&self, state: &mut State) {
        let steps = self.catalogue.every_step();
        let mut done: Vec<(&str, &str)> = Vec::new();
        for step in &steps {
            let known = (step.real_database.as_str(), step.procedure.as_str());
            if done.contains(&known) {
                continue;
            }
            done.push(known);
            let same = steps.iter().filter(|other| (other.real_database.as_str(), other.procedure.as_str()) == known);
            let same: Vec<&StepSpec> = same.collect();
            self.procedure(state, step, &same, &steps);
        }
    }

    fn procedure(&self, state: &mut State, step: &StepSpec, same: &[&StepSpec], all: &[StepSpec]) {
        let Some(database) = state.database(&step.real_database) else { return };
        let (schema, name) = step.procedure.split_once('.').unwrap_or(("dbo", &step.procedure));
        let flow = match step.stage.as_str() {
            "prep" => self.export(state, step, same),
            "crude" => self.load(state, step, all),
            _ => self.merge(state, step),
        };
        let at = |wanted: fn(&Source) -> bool| step.params.iter().position(|param| wanted(&param.from));
        let codes: Vec<String> = same.iter().filter_map(|step| step.code.clone()).collect();
        let known =
            if codes.is_empty() { self.sources.iter().map(|(code, _)| code.clone()).collect() } else { codes.clone() };
        let usual = known.iter().filter_map(|code| {
            let span = self.catalogue.usual_seconds(&step.stage, &step.entity, code)?;
            Some((code.clone(), span))
        });
        let procedure = CatalogueProcedure {
            stage: step.stage.clone(),
            entity: step.entity.clone(),
            name: name.to_owned(),
            parameters: parameters(step),
            code_parameter: at(|from| *from == Source::Code),
            month_parameter: at(|from| *from == Source::Month),
            year_parameter: at(|from| *from == Source::Year),
            usual: usual.collect(),
            codes,
            flow,
        };
        self.put(state, database, schema, name, Thing::Step(Arc::new(procedure)));
    }

    /// The table that an export fills: with a section for each data area, or that of one source alone.
    fn prep_table(&self, state: &mut State, step: &StepSpec) -> Option<Lies> {
        let database = state.database(&step.real_database)?;
        let check = self.check("prep", &step.entity, step.code.as_deref()?);
        let (schema, name) = check.as_ref().and_then(table_of).unwrap_or(("prep".to_owned(), step.alias.clone()));
        let by_code = step.params.iter().any(|param| param.from == Source::Code);
        let codes: Vec<(String, i64)> = match by_code {
            true => self.members(step),
            false => step.code.iter().filter_map(|code| Some((code.clone(), self.number(code)?))).collect(),
        };
        let mut columns = vec![numbered(&step.alias)];
        if by_code {
            columns.push(TableColumn::new("bill_datasource_section", Type::NVarChar(Some(4))));
        }
        columns.push(TableColumn::new("note", Type::NVarChar(Some(100))));
        columns.push(TableColumn::new(MODIFIED, Type::DateTime));
        let mut rows = Vec::new();
        for (code, number) in &codes {
            for at in 1..=ROWS {
                let mut row = vec![Value::Int((number * NUMBERS + at) as i32)];
                if by_code {
                    row.push(Value::text(code.as_str()));
                }
                row.push(Value::Text(format!("{} {code} {at}", step.alias)));
                row.push(self.ago(self.age(&step.entity, *number)));
                rows.push(row);
            }
        }
        Some(self.table(state, &(database, &schema, &name), columns, rows))
    }

    /// Real codes of the group of a step's code.
    fn members(&self, step: &StepSpec) -> Vec<(String, i64)> {
        let group = step.code.as_deref().and_then(|code| self.catalogue.code(code)).map(|code| code.group.clone());
        let is_member = |code: &str| self.catalogue.code(code).map(|code| code.group.clone()) == group;
        self.sources.iter().filter(|(code, _)| is_member(code)).cloned().collect()
    }

    fn check(&self, stage: &str, entity: &str, code: &str) -> Option<CheckSpec> {
        let checks = self.catalogue.checks(entity, code);
        checks.into_iter().filter_map(|(_, check)| check).find(|check| check.stage == stage)
    }

    fn export(&self, state: &mut State, step: &StepSpec, same: &[&StepSpec]) -> Flow {
        let into = self.prep_table(state, step).unwrap_or_else(|| (0, place("prep", &step.alias)));
        let sources = same.iter().filter_map(|step| {
            let code = step.code.clone()?;
            let number = self.number(&code);
            Some((code, number))
        });
        Flow::Export { into, sources: sources.collect() }
    }

    /// What the checks of a stage say of the table of an entity.
    fn clean_table(&self, stage: &str, step: &StepSpec) -> (String, String, String) {
        let checks = self.sources.iter().filter_map(|(code, _)| self.check(stage, &step.entity, code));
        let check = checks.into_iter().next();
        let (schema, name) = check.as_ref().and_then(table_of).unwrap_or((stage.to_owned(), step.entity.clone()));
        (schema, name, check.map_or(String::new(), |check| check.sql))
    }

    /// The table of a stage of the aggregate; which columns it has, its checks tell.
    fn stage_table(&self, state: &mut State, stage: &str, step: &StepSpec) -> Lies {
        let target = self.target(state);
        let (schema, name, sql) = self.clean_table(stage, step);
        let is_crude = stage == "crude";
        let is_account = step.entity == "personal_account";
        let by_account = sql.contains("personal_account_id") && !is_account;
        let by_source = is_account || is_crude || sql.contains("list_datasource") && !by_account;
        let mut columns = vec![numbered(&step.entity)];
        if by_account {
            columns.push(TableColumn::new("personal_account_id", Type::Int));
        }
        if by_source {
            columns.push(TableColumn::new("datasource_id", Type::Int));
        }
        columns.push(TableColumn::new("note", Type::NVarChar(Some(100))));
        columns.push(TableColumn::new(EXPORTED, Type::DateTime));
        let dates: &[&str] = match is_crude {
            true if sql.is_empty() => &[],
            true => &[LOADED],
            false => &[MODIFIED],
        };
        columns.extend(dates.iter().map(|name| TableColumn::new(name, Type::DateTime)));
        let mut rows = Vec::new();
        for (code, number) in &self.sources {
            let exists = self.catalogue.code(code).zip(self.catalogue.entity(&step.entity));
            if !exists.is_some_and(|(code, entity)| entity.is_in(&code.group)) {
                continue;
            }
            let age = self.age(&step.entity, *number);
            for at in 1..=ROWS {
                let mut row = vec![Value::Int((number * NUMBERS + at) as i32)];
                if by_account {
                    row.push(Value::Int((number * NUMBERS + at) as i32));
                }
                if by_source {
                    row.push(Value::Int(*number as i32));
                }
                row.push(Value::Text(format!("{} {code} {at}", step.entity)));
                row.push(self.ago(age));
                row.extend(dates.iter().map(|_| self.ago(age - if is_crude { 20 } else { 40 })));
                rows.push(row);
            }
        }
        self.table(state, &(target, &schema, &name), columns, rows)
    }

    fn load(&self, state: &mut State, step: &StepSpec, all: &[StepSpec]) -> Flow {
        let mut from = Vec::new();
        for prep in all.iter().filter(|other| other.stage == "prep" && other.entity == step.entity) {
            let Some(lies) = self.prep_table(state, prep) else { continue };
            if let Some(number) = prep.code.as_deref().and_then(|code| self.number(code)) {
                from.push((number, lies));
            }
        }
        // An entity that is exported for all areas at once has rows of each.
        let is_shared = all.iter().filter(|other| other.stage == "prep" && other.entity == step.entity);
        for prep in is_shared.filter(|prep| prep.code.as_deref().is_some_and(|code| self.number(code).is_none())) {
            let Some(lies) = self.prep_table(state, prep) else { continue };
            for (_, number) in self.members(prep) {
                if !from.iter().any(|(known, _)| *known == number) {
                    from.push((number, lies.clone()));
                }
            }
        }
        Flow::Load { from, into: self.stage_table(state, "crude", step) }
    }

    fn merge(&self, state: &mut State, step: &StepSpec) -> Flow {
        Flow::Merge { from: self.stage_table(state, "crude", step), into: self.stage_table(state, "heap", step) }
    }
}

fn numbered(entity: &str) -> TableColumn {
    TableColumn { nullable: false, ..TableColumn::new(&format!("{entity}_id"), Type::Int) }
}

/// Schema and name of the table that a check reads first.
fn table_of(check: &CheckSpec) -> Option<(String, String)> {
    let mut words = check.sql.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case("FROM"));
    let (schema, name) = words.nth(1)?.split_once('.')?;
    let bare = |name: &str| name.trim_matches(['[', ']']).to_owned();
    Some((bare(schema), bare(name)))
}

/// The parameters of a procedure as T-SQL declares them.
fn parameters(step: &StepSpec) -> String {
    let one = step.params.iter().map(|param| {
        let kind = match param.from {
            Source::Code => "nvarchar(20)",
            Source::Month | Source::Year => "int",
            Source::MonthStart(_) => "date",
        };
        format!("@{} {kind}", param.name)
    });
    one.collect::<Vec<_>>().join(", ")
}
