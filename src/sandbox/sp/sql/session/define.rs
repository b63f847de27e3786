//! CREATE and DROP.

use std::sync::Arc;

use super::{Flow, Session};
use crate::sandbox::sp::sql::ast::{
    ColumnDefinition, Droppable, KeyDefinition, Name, ProcedureDefinition, TableDefinition,
};
use crate::sandbox::sp::sql::change::can_be_numbered;
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::locks::{Lock, Mode, Owner, Resource};
use crate::sandbox::sp::sql::moment::now;
use crate::sandbox::sp::sql::out::{Out, Sink, command};
use crate::sandbox::sp::sql::own::TablePlace;
use crate::sandbox::sp::sql::table::{Key, Table, TableColumn, same_name};
use crate::sandbox::sp::world::{DBO, Object, State, Thing, place};

/// An empty table of this definition.
fn built(name: &str, definition: &TableDefinition) -> Answer<Table> {
    let mut columns: Vec<TableColumn> = Vec::new();
    for ColumnDefinition { name, kind, nullable, identity, default } in &definition.columns {
        if columns.iter().any(|column| same_name(&column.name, name)) {
            let text =
                format!("Column names in each table must be unique. Column name '{name}' is specified more than once.");
            return Err(failure::failure(2705, 16, 3, text));
        }
        if identity.is_some() && !can_be_numbered(*kind) {
            let text = format!(
                "Identity column '{name}' must be of data type int, bigint, smallint, tinyint, or decimal or numeric with \
                 a scale of 0, unencrypted, and constrained to be nonnullable."
            );
            return Err(failure::failure(2749, 16, 2, text));
        }
        let nullable = nullable.unwrap_or(true);
        let (name, default) = (name.clone(), default.clone());
        columns.push(TableColumn { name, kind: *kind, nullable, identity: *identity, default });
    }
    let mut table = Table::new(columns);
    for (number, KeyDefinition { name: named, primary, columns }) in definition.keys.iter().enumerate() {
        let places = columns.iter().map(|column| table.position(column).ok_or_else(|| failure::no_column(column)));
        let places = places.collect::<Answer<Vec<usize>>>()?;
        if *primary {
            places.iter().for_each(|at| table.columns[*at].nullable = false);
        }
        let usual = || {
            let short: String = name.chars().take(9).collect();
            format!(
                "{}__{short}__{:08X}",
                if *primary { "PK" } else { "UQ" },
                0x3213_E83F_u32.wrapping_add(number as u32)
            )
        };
        table.keys.push(Key { name: named.clone().unwrap_or_else(usual), primary: *primary, columns: places });
    }
    for (number, (named, condition)) in definition.checks.iter().enumerate() {
        let usual = || format!("CK__{name}__{:08X}", 0x24927208_u32.wrapping_add(number as u32));
        table.checks.push((named.clone().unwrap_or_else(usual), condition.clone()));
    }
    Ok(table)
}

impl Session {
    pub(super) fn declare_table(&mut self, name: &str, definition: &TableDefinition) -> Flow<()> {
        let table = built(name, definition)?;
        if let Some(frame) = self.own.frames.last_mut() {
            frame.tables.insert(name.to_lowercase(), Arc::new(table));
        }
        Ok(())
    }

    /// Puts a new object into its database; a name with `#` is a temporary table.
    pub(super) fn create(&mut self, name: &Name, what: impl FnOnce(&mut State) -> Thing) -> Flow<()> {
        let world = self.world.clone();
        let mut state = world.state();
        if name.name.starts_with('#') {
            let key = name.name.to_lowercase();
            let level = self.own.nest_level();
            let is_there = self.own.temporary.iter().any(|known| known.name == key && known.depth == level);
            if is_there {
                return Err(failure::exists_already(&name.name).into());
            }
            let thing = what(&mut state);
            let object = state.object(DBO, &name.name, thing);
            let place = TablePlace::Temporary(key);
            self.own.remember_absence(&place);
            self.own.temporary.push(crate::sandbox::sp::sql::own::Temporary {
                name: name.name.to_lowercase(),
                object,
                depth: level,
            });
            return Ok(());
        }
        let (database, schema) = place_for(name, &state, self.own.database)?;
        let key = place(&schema, &name.name);
        if state.databases[database].get(&key).is_some() {
            return Err(failure::exists_already(&name.name).into());
        }
        let thing = what(&mut state);
        let object = state.object(&schema, &name.name, thing);
        let id = object.id;
        self.own.put_object(&TablePlace::Database(database, key), Some(object), &mut state);
        if self.own.transaction.is_some() {
            let (spid, resource, owner) = (self.own.spid, Resource::Table(id), Owner::Transaction);
            state.locks.take(&Lock { spid, resource, mode: Mode::Exclusive, owner, times: 0 });
        }
        Ok(())
    }

    pub(super) async fn create_table(
        &mut self,
        name: &Name,
        definition: &TableDefinition,
        sink: &mut dyn Sink,
    ) -> Flow<()> {
        self.check_not_doomed()?;
        self.begin_implicitly(sink).await?;
        let table = built(&name.name, definition)?;
        self.create(name, |_| Thing::Table(Arc::new(table)))?;
        Ok(self.done(None, command::CREATE, sink).await?)
    }

    pub(super) async fn create_procedure(&mut self, definition: &ProcedureDefinition, sink: &mut dyn Sink) -> Flow<()> {
        self.check_not_doomed()?;
        let ProcedureDefinition { name, procedure, may_replace, must_exist } = definition;
        let thing = Thing::Procedure(procedure.clone());
        let existing = {
            let state = self.world.state();
            state.find(name, self.own.database).map(|(database, object)| (database, object.clone()))
        };
        match existing {
            Some((database, object)) if *may_replace && object.is_procedure() => {
                let world = self.world.clone();
                let mut state = world.state();
                let key = place(&object.schema, &object.name);
                let object = Object { what: thing, modified: now(), ..object };
                self.own.put_object(&TablePlace::Database(database, key), Some(object), &mut state);
            }
            None if *must_exist => {
                let text = format!("Invalid object name '{}'.", name.written());
                return Err(failure::failure(208, 16, 6, text).into());
            }
            _ => self.create(name, |_| thing)?,
        }
        Ok(self.done(None, command::CREATE, sink).await?)
    }

    pub(super) async fn create_schema(&mut self, name: &str, sink: &mut dyn Sink) -> Flow<()> {
        {
            let mut state = self.world.state();
            let Some(database) = state.databases.get_mut(self.own.database) else { return Ok(()) };
            if database.schema(name).is_some() {
                return Err(failure::exists_already(name).into());
            }
            database.schemas.insert(name.to_owned());
        }
        Ok(self.done(None, command::CREATE, sink).await?)
    }

    pub(super) async fn create_index(&mut self, name: &Name, sink: &mut dyn Sink) -> Flow<()> {
        let is_there = {
            let state = self.world.state();
            self.own.temporary(&name.name).is_some()
                || state.find(name, self.own.database).is_some_and(|(_, object)| object.table().is_some())
        };
        if !is_there {
            let text = format!(
                "Cannot find the object \"{}\" because it does not exist or you do not have permissions.",
                name.written()
            );
            return Err(failure::failure(1088, 16, 12, text).into());
        }
        Ok(self.done(None, command::CREATE, sink).await?)
    }

    pub(super) async fn drop_objects(
        &mut self,
        kind: Droppable,
        names: &[Name],
        if_exists: bool,
        sink: &mut dyn Sink,
    ) -> Flow<()> {
        self.check_not_doomed()?;
        self.begin_implicitly(sink).await?;
        for name in names {
            let is_done = match kind {
                Droppable::Schema => self.drop_schema(&name.name)?,
                _ => self.drop_object(kind == Droppable::Table, name).await?,
            };
            if !is_done && !if_exists {
                let what = match kind {
                    Droppable::Table => "table",
                    Droppable::Procedure => "procedure",
                    Droppable::Schema => "schema",
                };
                return Err(failure::cannot_drop(what, &name.written()).into());
            }
        }
        Ok(self.done(None, command::DROP, sink).await?)
    }

    fn drop_schema(&mut self, name: &str) -> Flow<bool> {
        let mut state = self.world.state();
        let Some(database) = state.databases.get_mut(self.own.database) else { return Ok(false) };
        let Some(name) = database.schema(name).map(str::to_owned) else { return Ok(false) };
        if let Some(object) = database.objects().find(|object| same_name(&object.schema, &name)) {
            let text =
                format!("Cannot drop schema '{name}' because it is being referenced by object '{}'.", object.name);
            return Err(failure::failure(3729, 16, 1, text).into());
        }
        database.schemas.remove(&name);
        Ok(true)
    }

    /// Whether there was something to drop.
    async fn drop_object(&mut self, is_table: bool, name: &Name) -> Flow<bool> {
        if name.name.starts_with('#') {
            let is_there = self.own.temporary(&name.name).is_some();
            if is_there {
                let world = self.world.clone();
                let place = TablePlace::Temporary(name.name.to_lowercase());
                self.own.put_object(&place, None, &mut world.state());
            }
            return Ok(is_there);
        }
        let found = {
            let state = self.world.state();
            let found = state.find(name, self.own.database);
            found
                .filter(|(_, object)| object.is_procedure() != is_table)
                .map(|(database, object)| (database, object.clone()))
        };
        let Some((database, object)) = found else { return Ok(false) };
        self.wait_for_table(failure::Needs {
            table: object.id,
            mode: Mode::Exclusive,
            keeps: self.own.transaction.is_some(),
        })
        .await?;
        let key = place(&object.schema, &object.name);
        let world = self.world.clone();
        self.own.put_object(&TablePlace::Database(database, key), None, &mut world.state());
        self.free_statement_locks();
        Ok(true)
    }

    pub(super) async fn use_database(&mut self, name: &str, sink: &mut dyn Sink) -> Flow<()> {
        let found = {
            let state = self.world.state();
            state.database(name).map(|place| (place, state.databases[place].name.clone()))
        };
        let Some((place, name)) = found else { return Err(failure::no_database(name).into()) };
        self.own.database = place;
        sink.put(Out::Database(name)).await?;
        Ok(())
    }
}

/// The database and the schema for a new object.
fn place_for(name: &Name, state: &State, current: usize) -> Answer<(usize, String)> {
    let database = state.database_of(name, current);
    let database = database.ok_or_else(|| failure::no_database(name.database.as_deref().unwrap_or_default()))?;
    let schema = name.schema.as_deref().unwrap_or(DBO);
    let known = state.databases[database].schema(schema).map(str::to_owned);
    let known = known.ok_or_else(|| {
        let text = format!(
            "The specified schema name \"{schema}\" either does not exist or you do not have permission to use it."
        );
        failure::failure(2760, 16, 1, text)
    })?;
    Ok((database, known))
}
