//! EXECUTE: which procedure is meant, and what it is given.

use std::sync::Arc;

use super::{Flow, Session};
use crate::sandbox::sp::sql::ast::{Execute, Expr, Formal, Insert, Name, Target};
use crate::sandbox::sp::sql::convert::{Way, convert};
use crate::sandbox::sp::sql::eval::{Env, Scope};
use crate::sandbox::sp::sql::failure::{self, Answer, Failure, Reach};
use crate::sandbox::sp::sql::out::{Sink, Stop};
use crate::sandbox::sp::sql::own::{Capture, Destination, What};
use crate::sandbox::sp::sql::parse;
use crate::sandbox::sp::sql::procedures::{self, Native};
use crate::sandbox::sp::sql::table::same_name;
use crate::sandbox::sp::sql::value::{Type, Value};
use crate::sandbox::sp::world::Thing;

/// An argument.
#[derive(Clone, Debug)]
pub struct Given {
    pub name: Option<String>,
    /// `None` is DEFAULT.
    pub value: Option<Value>,
    pub kind: Type,
    /// Where an OUTPUT value goes.
    pub output: Option<Destination>,
}

/// A parameter with its value.
#[derive(Clone, Debug)]
pub struct Bound {
    /// With `@`.
    pub name: String,
    pub kind: Type,
    pub value: Value,
    pub output: Option<Destination>,
}

/// What a procedure turns out to be.
enum Found {
    Native(Native),
    Written { database: usize, name: String, id: i32, procedure: Arc<crate::sandbox::sp::sql::ast::Procedure> },
}

/// Gives arguments to parameters.
///
/// # Errors
/// 201 for a missing one, 8145 for one that does not exist, 8144 for too many, 8146 where there are none, 8114 where a
/// value does not convert.
pub fn bind(
    procedure: &str,
    formals: &[Formal],
    defaults: Vec<Option<Value>>,
    given: Vec<Given>,
    way: Way,
) -> Answer<Vec<Bound>> {
    let at_line_0 = |failure: Failure| failure.line(0).in_procedure(procedure);
    if formals.is_empty() && !given.is_empty() {
        return Err(at_line_0(failure::no_parameters(procedure)));
    }
    let mut places: Vec<Option<Given>> = formals.iter().map(|_| None).collect();
    for (at, argument) in given.into_iter().enumerate() {
        let place = match &argument.name {
            Some(name) => formals.iter().position(|formal| same_name(&formal.name, name)),
            None => Some(at),
        };
        match (place.and_then(|place| places.get_mut(place)), &argument.name) {
            (Some(place @ None), _) => *place = Some(argument),
            (Some(_), name) => {
                let name = name.clone().unwrap_or_default();
                let text = format!("Procedure or function '{procedure}' has been given the parameter '{name}' twice.");
                return Err(at_line_0(failure::failure(8143, 16, 1, text)));
            }
            (None, Some(name)) => return Err(at_line_0(failure::foreign_parameter(procedure, name))),
            (None, None) => return Err(at_line_0(failure::too_many_parameters(procedure))),
        }
    }
    let mut bound = Vec::new();
    for ((formal, argument), default) in formals.iter().zip(places).zip(defaults) {
        let (value, output) = match argument {
            Some(Given { value: Some(value), output, .. }) => (Some(value), output),
            Some(Given { value: None, output, .. }) => (default, output),
            None => (default, None),
        };
        if output.is_some() && !formal.output {
            let text = format!(
                "The formal parameter \"{}\" was not declared as an OUTPUT parameter, but the actual parameter passed in \
                 requested output.",
                formal.name
            );
            return Err(at_line_0(failure::failure(8162, 16, 2, text)));
        }
        let Some(value) = value else { return Err(at_line_0(failure::missing_parameter(procedure, &formal.name))) };
        let from = value.kind();
        let value = convert(value, formal.kind, way).map_err(|error| {
            let text = format!("Error converting data type {} to {}.", from.name(), formal.kind.name());
            let known = matches!(error.number, 8115 | 220);
            at_line_0(if known { error } else { failure::failure(8114, 16, 5, text) })
        })?;
        bound.push(Bound { name: formal.name.clone(), kind: formal.kind, value, output });
    }
    Ok(bound)
}

impl Session {
    pub(super) fn way(&self) -> Way {
        Way { format: self.own.options.date_format, style: None }
    }

    /// Works with expressions.
    pub(super) fn with_env<T>(&self, work: impl FnOnce(&Env) -> Answer<T>) -> Answer<T> {
        let state = self.world.state();
        work(&Env { world: &self.world, state: &state, own: &self.own })
    }

    /// The value of an expression that has no columns.
    pub(super) fn constant(&self, expr: &Expr) -> Answer<Value> {
        self.with_env(|env| {
            env.kind(expr, &Scope::default())?;
            env.value(expr, &Scope::default())
        })
    }

    /// EXECUTE.
    pub(super) async fn execute(&mut self, execute: &Execute, sink: &mut dyn Sink) -> Flow<()> {
        self.begin_execute(execute, None, sink).await
    }

    /// INSERT … EXECUTE.
    pub(super) async fn insert_execute(
        &mut self,
        insert: &Arc<Insert>,
        execute: &Execute,
        sink: &mut dyn Sink,
    ) -> Flow<()> {
        if !self.captures.is_empty() {
            return Err(failure::failure(8164, 16, 1, "An INSERT EXEC statement cannot be nested.").into());
        }
        self.begin_execute(execute, Some(insert), sink).await
    }

    async fn begin_execute(
        &mut self,
        execute: &Execute,
        insert: Option<&Arc<Insert>>,
        sink: &mut dyn Sink,
    ) -> Flow<()> {
        let depth = self.own.frames.len();
        let tells = insert.is_none() && self.own.frame().is_some_and(|frame| frame.what == What::Batch);
        if let Some(result) = &execute.result {
            self.own.variable(result)?;
        }
        let name = match &execute.target {
            Target::Text(text) => {
                let text = self.text_of(text)?;
                self.push_text(&text, "", Vec::new(), false)?;
                self.capture(insert, depth, false);
                return Ok(());
            }
            Target::Procedure(name) => name.clone(),
            Target::Variable(variable) => {
                let written = self.text_of(&Expr::Variable(variable.clone()))?;
                parse::name(&written).map_err(|_| failure::no_procedure(&written))?
            }
        };
        let mut given = Vec::new();
        for argument in &execute.arguments {
            let (value, kind) = match &argument.value {
                Some(expr) => {
                    let value = self.constant(expr)?;
                    let kind = self.with_env(|env| env.kind(expr, &Scope::default()))?;
                    (Some(value), kind)
                }
                None => (None, Type::Int),
            };
            let output = match (&argument.value, argument.output) {
                (Some(Expr::Variable(variable)), true) => Some(Destination::Variable(variable.clone())),
                (_, true) => {
                    let text = "Cannot use the OUTPUT option when passing a constant to a stored procedure.";
                    return Err(failure::failure(179, 15, 1, text).reach(Reach::Scope).into());
                }
                _ => None,
            };
            given.push(Given { name: argument.name.clone(), value, kind, output });
        }
        // Rows of a procedure without a frame come before it returns.
        let is_native = self.is_native(&name);
        self.capture(insert.filter(|_| is_native), depth, true);
        self.call_named(&name, given, execute.result.clone(), tells, sink).await?;
        if is_native && insert.is_some() && self.own.frames.len() == depth {
            self.end_capture(sink).await?;
        } else {
            self.captures.retain(|capture| !capture.is_native);
            self.capture(insert, depth, false);
        }
        Ok(())
    }

    fn capture(&mut self, insert: Option<&Arc<Insert>>, depth: usize, is_native: bool) {
        if let Some(insert) = insert {
            self.captures.push(Capture { insert: insert.clone(), rows: Vec::new(), depth, is_native });
        }
    }

    /// Puts what INSERT … EXECUTE has waited for into its table.
    pub(super) async fn end_capture(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let Some(capture) = self.captures.pop() else { return Ok(()) };
        match self.insert_rows(&capture.insert, capture.rows, sink).await {
            Ok(()) => Ok(()),
            Err(super::Trouble::Stop(stop)) => Err(stop),
            Err(super::Trouble::Failed(failure)) => {
                let line = self.own.frame().and_then(|frame| frame.program.code.get(frame.at.saturating_sub(1)));
                let line = line.map_or(1, |instruction| instruction.line);
                self.failed(failure, line, sink).await
            }
        }
    }

    pub(super) fn text_of(&self, expr: &Expr) -> Answer<String> {
        let value = self.constant(expr)?;
        let value = convert(value, Type::NVarChar(None), self.way())?;
        Ok(value.as_text().unwrap_or_default().to_owned())
    }

    fn is_native(&self, name: &Name) -> bool {
        matches!(self.find_procedure(name), Ok(Found::Native(native)) if !matches!(native, Native::ExecuteSql))
    }

    fn find_procedure(&self, name: &Name) -> Answer<Found> {
        if let Some(native) = procedures::native(name) {
            return Ok(Found::Native(native));
        }
        if let Some((name, procedure)) = procedures::written(name) {
            let database = self.own.database;
            return Ok(Found::Written { database, name: name.to_owned(), id: -1, procedure });
        }
        let state = self.world.state();
        if name.database.as_ref().is_some_and(|database| state.database(database).is_none()) {
            return Err(failure::no_database(name.database.as_deref().unwrap_or_default()));
        }
        match state.find(name, self.own.database) {
            Some((database, object)) => match &object.what {
                Thing::Procedure(procedure) => {
                    let (name, procedure) = (object.name.clone(), procedure.clone());
                    Ok(Found::Written { database, name, id: object.id, procedure })
                }
                Thing::Step(step) => Ok(Found::Native(Native::Step(step.clone()))),
                Thing::Table(_) => {
                    let text =
                        format!("The request for procedure '{}' failed because '{0}' is a table object.", object.name);
                    Err(failure::failure(2809, 16, 1, text))
                }
            },
            None => Err(failure::no_procedure(&name.written())),
        }
    }

    /// Calls a procedure: a written one gets a frame, another one is done when this returns.
    pub(super) async fn call_named(
        &mut self,
        name: &Name,
        given: Vec<Given>,
        result: Option<String>,
        tells: bool,
        sink: &mut dyn Sink,
    ) -> Flow<()> {
        match self.find_procedure(name)? {
            Found::Written { database, name, id, procedure } => {
                self.push_procedure(What::Procedure { name, id }, database, &procedure, given, result, tells)
            }
            Found::Native(Native::ExecuteSql) => self.executesql(given, result, tells),
            Found::Native(native) => {
                let formals = native.formals()?;
                let defaults =
                    formals.iter().map(|formal| formal.default.as_ref().map(|expr| self.constant(expr)).transpose());
                let defaults = defaults.collect::<Answer<Vec<Option<Value>>>>()?;
                let shown = native.name();
                let mut bound = bind(&shown, &formals, defaults, given, self.way())?;
                let code = self.run_native(&native, &mut bound, sink).await?;
                if let Some(result) = &result {
                    self.assign_quietly(result, Value::Int(code));
                }
                let mut for_client = Vec::new();
                for Bound { kind, value, output, .. } in bound {
                    match output {
                        Some(Destination::Variable(name)) => self.assign_quietly(&name, value),
                        Some(Destination::Client { name, ordinal }) => for_client.push((name, ordinal, kind, value)),
                        None => {}
                    }
                }
                if tells {
                    self.tell_return(code, for_client, sink).await?;
                }
                Ok(())
            }
        }
    }

    /// EXEC sp_executesql N'text', N'@a int', @a = 1.
    fn executesql(&mut self, given: Vec<Given>, result: Option<String>, tells: bool) -> Flow<()> {
        let mut given = given.into_iter();
        let text = |given: Option<Given>| -> Answer<Option<String>> {
            let Some(Given { value, kind, .. }) = given else { return Ok(None) };
            if !kind.is_unicode() && !value.as_ref().is_some_and(Value::is_null) {
                let text = "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.";
                return Err(failure::failure(214, 16, 2, text).in_procedure("sp_executesql"));
            }
            Ok(value.and_then(|value| value.as_text().map(str::to_owned)))
        };
        let statement = text(given.next())?;
        let declarations = text(given.next())?.unwrap_or_default();
        let Some(statement) = statement else {
            return Err(failure::missing_parameter("sp_executesql", "@statement").into());
        };
        let given: Vec<Given> = given.collect();
        self.push_text(&statement, &declarations, given, tells)?;
        if let Some(frame) = self.own.frames.last_mut() {
            frame.result = result;
        }
        Ok(())
    }
}
