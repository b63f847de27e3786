//! What each instruction does.

use std::sync::Arc;
use std::time::Duration;

use super::{Flow, Session, Trouble};
use crate::sandbox::sp::measure;
use crate::sandbox::sp::sql::ast::{
    Body, Declaration, Expr, Item, Operator, Place, Query, RaiseError, Rows, Select, Step, What as Relation,
};
use crate::sandbox::sp::sql::eval::{Env, Scope, compute};
use crate::sandbox::sp::sql::failure::{self, Answer, Reach};
use crate::sandbox::sp::sql::moment::{DAY, Moment, SECOND, now};
use crate::sandbox::sp::sql::out::{Out, Said, Sink, command};
use crate::sandbox::sp::sql::own::{Variable, What};
use crate::sandbox::sp::sql::query::Answered;
use crate::sandbox::sp::sql::raise;
use crate::sandbox::sp::sql::table::same_name;
use crate::sandbox::sp::sql::value::{Type, Value};

impl Session {
    /// Does one instruction.
    pub(super) async fn step(&mut self, step: &Step, sink: &mut dyn Sink) -> Flow<()> {
        match step {
            Step::Jump(place) => self.jump(*place),
            Step::Unless { condition, to } => {
                let holds = self.condition(condition).await?;
                self.own.row_count = 0;
                if !holds {
                    self.jump(*to);
                }
            }
            Step::Try { catch } => {
                if let Some(frame) = self.own.frames.last_mut() {
                    frame.tries.push(*catch);
                }
                return Ok(());
            }
            Step::EndTry => {
                if let Some(frame) = self.own.frames.last_mut() {
                    frame.tries.pop();
                }
                return Ok(());
            }
            Step::EndCatch => {
                if let Some(frame) = self.own.frames.last_mut() {
                    frame.catches.pop();
                }
            }
            Step::Return(value) => self.returned(value.as_ref())?,
            Step::Print(value) => self.print(value, sink).await?,
            Step::RaiseError(raise) => return self.raise(raise, sink).await,
            Step::Throw(parts) => return self.throw(parts.as_ref()),
            Step::Declare(declaration) => self.declare(declaration).await?,
            Step::DeclareTable { name, table } => self.declare_table(name, table)?,
            Step::Assign { variable, operator, value } => self.assign(variable, *operator, value).await?,
            Step::Select(query) => self.select(query, sink).await?,
            Step::Insert(insert) => match &insert.rows {
                Rows::Execute(execute) => self.insert_execute(insert, execute, sink).await?,
                _ => self.insert(insert, sink).await?,
            },
            Step::Update(update) => self.update(update, sink).await?,
            Step::Delete(delete) => self.delete(delete, sink).await?,
            Step::Truncate(name) => self.truncate(name, sink).await?,
            Step::CreateTable { name, table } => self.create_table(name, table, sink).await?,
            Step::CreateProcedure(definition) => self.create_procedure(definition, sink).await?,
            Step::CreateSchema(name) => self.create_schema(name, sink).await?,
            Step::CreateIndex(name) => self.create_index(name, sink).await?,
            Step::Drop { kind, names, if_exists } => self.drop_objects(*kind, names, *if_exists, sink).await?,
            Step::Execute(execute) => self.execute(execute, sink).await?,
            Step::Use(name) => self.use_database(name, sink).await?,
            Step::Set(names, setting) => self.set(names, setting, sink).await?,
            Step::Begin(name) => {
                let name = name.as_ref().map(|name| self.text_of(name)).transpose()?.unwrap_or_default();
                self.begin_told(&name, sink).await?;
            }
            Step::Commit => self.commit_one(sink).await?,
            Step::Rollback(name) => {
                let name = name.as_ref().map(|name| self.text_of(name)).transpose()?;
                self.roll_back(name.as_deref(), sink).await?;
            }
            Step::Save(name) => {
                let name = self.text_of(name)?;
                self.save_point(&name)?;
            }
            Step::Wait { time, is_delay } => self.wait(time, *is_delay).await?,
            Step::Kill(spid) => self.kill(spid)?,
            Step::Nothing => {}
        }
        self.own.error = 0;
        Ok(())
    }

    fn jump(&mut self, place: Place) {
        if let Some(frame) = self.own.frames.last_mut() {
            frame.at = place.at;
            frame.tries.truncate(place.tries);
            frame.catches.truncate(place.catches);
        }
    }

    /// Evaluates, and waits for tables that are locked as long as it takes.
    pub(super) async fn patiently<T>(&mut self, work: impl Fn(&Env) -> Answer<T>) -> Flow<T> {
        loop {
            let outcome = self.with_env(&work);
            match outcome {
                Err(failure) => match failure.needs {
                    Some(needs) => self.wait_for_table(needs).await?,
                    None => return Err(failure.into()),
                },
                Ok(found) => {
                    self.free_statement_locks_if_any();
                    return Ok(found);
                }
            }
        }
    }

    fn free_statement_locks_if_any(&mut self) {
        let spid = self.own.spid;
        let has_any = self
            .world
            .state()
            .locks
            .held
            .iter()
            .any(|lock| lock.spid == spid && lock.owner == crate::sandbox::sp::sql::locks::Owner::Statement);
        if has_any {
            self.free_statement_locks();
        }
    }

    async fn condition(&mut self, condition: &Expr) -> Flow<bool> {
        self.patiently(|env| {
            env.check(condition, &Scope::default())?;
            Ok(env.test(condition, &Scope::default())? == Some(true))
        })
        .await
    }

    async fn evaluated(&mut self, expr: &Expr) -> Flow<Value> {
        self.patiently(|env| {
            env.kind(expr, &Scope::default())?;
            env.value(expr, &Scope::default())
        })
        .await
    }

    fn returned(&mut self, value: Option<&Expr>) -> Flow<()> {
        let code = value.map(|value| self.constant(value)).transpose()?;
        let code =
            code.map(|code| crate::sandbox::sp::sql::convert::convert(code, Type::Int, self.way())).transpose()?;
        if let Some(frame) = self.own.frames.last_mut() {
            frame.return_code = code.and_then(|code| code.as_integer()).unwrap_or(0) as i32;
            frame.at = frame.program.code.len();
            frame.tries.clear();
        }
        Ok(())
    }

    fn place(&self) -> (String, u32) {
        let Some(frame) = self.own.frame() else { return (String::new(), 1) };
        let procedure = match &frame.what {
            What::Procedure { name, .. } => name.clone(),
            _ => String::new(),
        };
        let line = frame.program.code.get(frame.at.saturating_sub(1)).map_or(1, |instruction| instruction.line);
        (procedure, line)
    }

    async fn print(&mut self, value: &Expr, sink: &mut dyn Sink) -> Flow<()> {
        let value = self.evaluated(value).await?;
        let text = crate::sandbox::sp::sql::convert::shown(&value, self.way())?;
        let text: String = text.chars().take(8000).collect();
        // Nothing is shown as a blank.
        let text = if text.is_empty() { " ".to_owned() } else { text };
        let (procedure, line) = self.place();
        self.own.row_count = 0;
        Ok(sink.put(Out::Info(Said { number: 0, severity: 0, state: 1, text, procedure, line })).await?)
    }

    async fn raise(&mut self, raise: &RaiseError, sink: &mut dyn Sink) -> Flow<()> {
        let message = self.evaluated(&raise.message).await?;
        if !raise::is_message(message.kind()) {
            return Err(failure::bad_argument(message.kind(), 1, "raiserror").into());
        }
        let severity = self.evaluated(&raise.severity).await?.as_integer().unwrap_or(0);
        let state = self.evaluated(&raise.state).await?.as_integer().unwrap_or(1);
        let mut arguments = Vec::new();
        for argument in &raise.arguments {
            arguments.push(self.evaluated(argument).await?);
        }
        let failure = raise::raised(&message, severity, state, &arguments)?;
        if failure.severity > 10 {
            return Err(failure.into());
        }
        self.own.error = if raise.set_error { failure.number } else { 0 };
        let (procedure, line) = self.place();
        // Messages of severity 0 to 9 and those of 10 alike arrive as severity 0 with the number 50000.
        let (number, severity) = (failure.number, if failure.severity == 10 { 0 } else { failure.severity });
        let said = Said { number, severity, state: failure.state, text: failure.text, procedure, line };
        sink.put(Out::Info(said)).await?;
        Ok(sink.put(Out::Flush).await?)
    }

    fn throw(&mut self, parts: Option<&[Expr; 3]>) -> Flow<()> {
        let Some([number, text, state]) = parts else {
            let caught = self.own.frame().and_then(|frame| frame.catches.last()).cloned();
            let Some(caught) = caught else { return Err(failure::syntax("THROW").into()) };
            let said = caught.said;
            let failure = failure::failure(said.number, said.severity, said.state, said.text).reach(Reach::Batch);
            let failure = failure::Failure { procedure: Some(said.procedure), ..failure };
            return Err(failure.line(said.line).into());
        };
        let number = self.constant(number)?.as_integer().unwrap_or(0);
        let text = self.text_of(text)?;
        let state = self.constant(state)?.as_integer().unwrap_or(1);
        Err(raise::thrown(number, &text, state)?.into())
    }

    async fn declare(&mut self, declaration: &Declaration) -> Flow<()> {
        let Declaration { name, kind, value } = declaration;
        let key = name.to_lowercase();
        let is_known = self.own.frame().is_some_and(|frame| frame.variables.contains_key(&key));
        // In a loop the same DECLARE comes by again.
        if is_known && value.is_none() {
            return Ok(());
        }
        let value = match value {
            Some(value) => {
                let value = self.evaluated(value).await?;
                crate::sandbox::sp::sql::convert::convert(value, *kind, self.way())?
            }
            None => Value::Null,
        };
        if let Some(frame) = self.own.frames.last_mut() {
            frame.variables.insert(key, Variable { kind: *kind, value });
        }
        Ok(())
    }

    async fn assign(&mut self, variable: &str, operator: Option<Operator>, value: &Expr) -> Flow<()> {
        self.own.variable(variable)?;
        let value = self.evaluated(value).await?;
        self.give(variable, operator, value)?;
        self.own.row_count = 1;
        Ok(())
    }

    /// Gives a variable a value, by itself or with a sign.
    pub(super) fn give(&mut self, name: &str, operator: Option<Operator>, value: Value) -> Answer<()> {
        let way = self.way();
        let variable = self.own.frames.last_mut().and_then(|frame| frame.variables.get_mut(&name.to_lowercase()));
        let variable = variable.ok_or_else(|| failure::undeclared(name))?;
        let value = match operator {
            Some(_) if value.is_null() || variable.value.is_null() => Value::Null,
            Some(operator) => compute(operator, variable.value.clone(), value, way)?,
            None => value,
        };
        variable.value = crate::sandbox::sp::sql::convert::convert(value, variable.kind, way)?;
        Ok(())
    }

    async fn select(&mut self, query: &Query, sink: &mut dyn Sink) -> Flow<()> {
        if let Body::Select(select) = &query.first {
            let assigns = select.items.iter().filter(|item| matches!(item, Item::Assign { .. })).count();
            if assigns > 0 {
                if assigns < select.items.len() {
                    let text = "A SELECT statement that assigns a value to a variable must not be combined with \
                                data-retrieval operations.";
                    return Err(failure::failure(141, 15, 1, text).reach(Reach::Scope).into());
                }
                return self.select_into_variables(select, query).await;
            }
            if let Some(into) = &select.into {
                return self.select_into(into, query, sink).await;
            }
            if self.captures.is_empty()
                && let Some(()) = self.measured(select, query, sink).await?
            {
                return Ok(());
            }
        }
        let Answered { columns, mut rows } = match self.patiently(|env| env.query(query, &Scope::default())).await {
            Ok(answered) => answered,
            Err(trouble) => {
                self.tell_columns(&trouble, query, sink).await?;
                return Err(trouble);
            }
        };
        if self.own.options.row_count > 0 {
            rows.truncate(self.own.options.row_count as usize);
        }
        self.begin_implicitly(sink).await?;
        let count = rows.len() as u64;
        self.tell(Out::Columns(columns), sink).await?;
        for row in rows {
            self.tell(Out::Row(row), sink).await?;
        }
        self.own.row_count = count as i64;
        Ok(self.done(Some(count), command::SELECT, sink).await?)
    }

    /// A SELECT that fails under way has already told its columns; for a TRY around it, it is an empty result.
    async fn tell_columns(&mut self, trouble: &Trouble, query: &Query, sink: &mut dyn Sink) -> Flow<()> {
        let Trouble::Failed(failure) = trouble else { return Ok(()) };
        if failure.reach == Reach::Scope || matches!(failure.number, 1205 | 1222) {
            return Ok(());
        }
        let Ok(columns) = self.with_env(|env| env.shape(query, &Scope::default())) else { return Ok(()) };
        self.tell(Out::Columns(columns), sink).await?;
        if self.own.frames.iter().any(|frame| !frame.tries.is_empty()) {
            self.done(Some(0), command::SELECT, sink).await?;
        }
        Ok(())
    }

    /// `SELECT @a = x, @b = y FROM …`: row after row, so that `@a = @a + x` adds up.
    async fn select_into_variables(&mut self, select: &Select, query: &Query) -> Flow<()> {
        let rows = self.patiently(|env| env.assigned_rows(select, &query.order)).await?;
        let count = rows.1.len();
        let (fields, rows, is_grouped) = rows;
        for row in rows {
            for (at, item) in select.items.iter().enumerate() {
                let Item::Assign { variable, operator, value } = item else { continue };
                let found = match is_grouped {
                    true => row.get(at).cloned().unwrap_or(Value::Null),
                    false => self
                        .with_env(|env| env.value(value, &Scope { fields: &fields, row: &row, ..Scope::default() }))?,
                };
                self.give(variable, *operator, found)?;
            }
        }
        self.own.row_count = count as i64;
        Ok(())
    }

    /// `SELECT TOP (n) columns FROM sandbox.rows`: made by whoever sends them. `None`: something else is asked for.
    async fn measured(&mut self, select: &Select, query: &Query, sink: &mut dyn Sink) -> Flow<Option<()>> {
        let [source] = &select.from[..] else { return Ok(None) };
        let Relation::Table(name) = &source.first.what else { return Ok(None) };
        let is_rows =
            name.schema.as_deref().is_some_and(|schema| same_name(schema, "sandbox")) && same_name(&name.name, "rows");
        let is_plain = source.joins.is_empty()
            && select.filter.is_none()
            && select.group.is_empty()
            && select.having.is_none()
            && !select.distinct
            && query.more.is_empty()
            && query.order.is_empty()
            && query.offset.is_none();
        let Some(top) = select.top.as_ref().filter(|top| is_rows && is_plain && !top.percent) else { return Ok(None) };
        let all = measure::columns();
        let mut chosen = Vec::new();
        for item in &select.items {
            match item {
                Item::Star(_) => chosen.extend(0..all.len()),
                Item::Value { value: Expr::Column(parts), alias: None } => {
                    let at = parts.last().and_then(|name| all.iter().position(|column| same_name(&column.name, name)));
                    let Some(at) = at else { return Ok(None) };
                    chosen.push(at);
                }
                _ => return Ok(None),
            }
        }
        let count = self.with_env(|env| env.count(&top.count, &Scope::default()))? as u64;
        let columns = chosen.iter().filter_map(|at| all.get(*at).cloned()).collect();
        self.tell(Out::Columns(columns), sink).await?;
        self.tell(Out::Rows { count, columns: chosen }, sink).await?;
        self.own.row_count = count as i64;
        self.done(Some(count), command::SELECT, sink).await?;
        Ok(Some(()))
    }

    async fn wait(&mut self, time: &Expr, is_delay: bool) -> Flow<()> {
        let text = self.text_of(time)?;
        let wrong = || {
            failure::failure(148, 15, 1, format!("Incorrect time syntax in time string '{text}' used with WAITFOR."))
        };
        let value =
            crate::sandbox::sp::sql::moment::read(&text, self.own.options.date_format, true).map_err(|_| wrong())?;
        let ticks = match is_delay {
            true => value.ticks,
            false => {
                let Moment { ticks, .. } = now();
                (value.ticks + DAY - ticks) % DAY
            }
        };
        let duration = Duration::from_micros(ticks / (SECOND / 1_000_000));
        tokio::time::sleep(duration).await;
        Ok(())
    }

    fn kill(&mut self, spid: &Expr) -> Flow<()> {
        let spid = self.constant(spid)?.as_integer().and_then(|spid| u16::try_from(spid).ok()).unwrap_or_default();
        if spid == self.own.spid {
            return Err(failure::failure(6104, 16, 1, "Cannot use KILL to kill your own process.").into());
        }
        let world = Arc::clone(&self.world);
        let mut state = world.state();
        match state.present.get_mut(&spid) {
            Some(present) => {
                present.is_killed = true;
                Ok(())
            }
            None => {
                Err(failure::failure(6106, 16, 2, format!("Process ID {spid} is not an active process ID.")).into())
            }
        }
    }
}
