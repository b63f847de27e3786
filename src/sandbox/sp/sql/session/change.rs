//! INSERT, UPDATE, DELETE, TRUNCATE, SELECT INTO: waiting for the table, changing it, telling so.

use super::{Flow, Session};
use crate::sandbox::sp::sql::ast::{Delete, Insert, Name, Query, Update};
use crate::sandbox::sp::sql::change::Changed;
use crate::sandbox::sp::sql::eval::{Env, Scope};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::out::{Out, Sink, command};
use crate::sandbox::sp::sql::table::Row;
use crate::sandbox::sp::world::Thing;

impl Session {
    pub(super) async fn insert(&mut self, insert: &Insert, sink: &mut dyn Sink) -> Flow<()> {
        self.change(|env| env.insert(insert), command::INSERT, sink).await
    }

    /// The rows of INSERT … EXECUTE.
    pub(super) async fn insert_rows(&mut self, insert: &Insert, rows: Vec<Row>, sink: &mut dyn Sink) -> Flow<()> {
        self.change(|env| env.inserted(insert, rows.clone()), command::INSERT, sink).await
    }

    pub(super) async fn update(&mut self, update: &Update, sink: &mut dyn Sink) -> Flow<()> {
        self.change(|env| env.update(update), command::UPDATE, sink).await
    }

    pub(super) async fn delete(&mut self, delete: &Delete, sink: &mut dyn Sink) -> Flow<()> {
        self.change(|env| env.delete(delete), command::DELETE, sink).await
    }

    pub(super) async fn truncate(&mut self, name: &Name, sink: &mut dyn Sink) -> Flow<()> {
        self.change(|env| env.truncated(name), command::OTHER, sink).await
    }

    /// Computes a change and makes it, with nobody else in between.
    async fn change(
        &mut self,
        compute: impl Fn(&Env) -> Answer<Changed>,
        command: u16,
        sink: &mut dyn Sink,
    ) -> Flow<()> {
        self.check_not_doomed()?;
        self.begin_implicitly(sink).await?;
        let changed = loop {
            let world = self.world.clone();
            let needs = {
                let mut state = world.state();
                let outcome = compute(&Env { world: &world, state: &state, own: &self.own });
                match outcome {
                    Ok(Changed { place, table, count, output, identity }) => {
                        self.own.put_table(&place, table, &mut state);
                        break (count, output, identity);
                    }
                    Err(failure) => match failure.needs {
                        Some(needs) => needs,
                        None => return Err(failure.into()),
                    },
                }
            };
            self.wait_for_table(needs).await?;
        };
        let (count, output, identity) = changed;
        self.free_statement_locks();
        if let Some(number) = identity {
            self.own.identity = Some(i128::from(number));
            if let Some(frame) = self.own.frames.last_mut() {
                frame.identity = Some(i128::from(number));
            }
        }
        if let Some(output) = output {
            self.tell(Out::Columns(output.columns), sink).await?;
            for row in output.rows {
                self.tell(Out::Row(row), sink).await?;
            }
        }
        self.own.row_count = count as i64;
        let count = (command != command::OTHER).then_some(count);
        Ok(self.done(count, command, sink).await?)
    }

    /// A transaction that can only be rolled back takes no changes.
    pub(in crate::sandbox::sp::sql) fn check_not_doomed(&self) -> Answer<()> {
        if !self.is_doomed() {
            return Ok(());
        }
        let text = "The current transaction cannot be committed and cannot support operations that write to the log \
                    file. Roll back the transaction.";
        Err(failure::failure(3930, 16, 1, text))
    }

    pub(super) async fn select_into(&mut self, into: &Name, query: &Query, sink: &mut dyn Sink) -> Flow<()> {
        self.check_not_doomed()?;
        self.begin_implicitly(sink).await?;
        let table = self.patiently(|env| env.table_of(env.query(query, &Scope::default())?)).await?;
        let count = table.rows.len() as u64;
        self.create(into, |_| Thing::Table(table.into()))?;
        self.own.row_count = count as i64;
        Ok(self.done(Some(count), command::INSERT, sink).await?)
    }
}
