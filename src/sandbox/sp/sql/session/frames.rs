//! Batches, texts and procedures that run inside each other: how each begins and ends.

use std::collections::HashMap;
use std::sync::Arc;

use super::call::{Bound, Given, bind};
use super::{Flow, Session};
use crate::sandbox::sp::sql::ast::{Procedure, Program};
use crate::sandbox::sp::sql::failure::{self, Failure, Reach};
use crate::sandbox::sp::sql::out::{Out, Sink, Stop};
use crate::sandbox::sp::sql::own::{Destination, Frame, Variable, Wanted, What};
use crate::sandbox::sp::sql::parse;
use crate::sandbox::sp::sql::value::{Type, Value};

/// Procedures inside of procedures.
const DEEPEST: usize = 32;

impl Session {
    fn new_frame(&self, what: What, program: Arc<Program>) -> Frame {
        Frame {
            what,
            program,
            at: 0,
            variables: HashMap::new(),
            tables: HashMap::new(),
            tries: Vec::new(),
            catches: Vec::new(),
            options: self.own.options.clone(),
            database: self.own.database,
            result: None,
            wanted: Vec::new(),
            return_code: 0,
            transactions: self.own.transactions(),
            tells_return: false,
            identity: None,
        }
    }

    pub(super) fn push_plain(&mut self, what: What, program: Arc<Program>) {
        let frame = self.new_frame(what, program);
        self.own.frames.push(frame);
    }

    fn check_depth(&self) -> Result<(), Failure> {
        if self.own.nest_level() >= DEEPEST { Err(failure::too_nested()) } else { Ok(()) }
    }

    /// Begins a text with parameters.
    pub(super) fn push_text(&mut self, text: &str, declarations: &str, given: Vec<Given>, tells: bool) -> Flow<()> {
        self.check_depth()?;
        // What is wrong with a text ends the text; for who runs it, it is one failed statement.
        let outside = |failure: Failure| Failure { reach: Reach::Statement, ..failure };
        let formals = parse::formals(declarations).map_err(outside)?;
        let program = parse::batch(text, self.own.options.is_on("QUOTED_IDENTIFIER")).map_err(outside)?;
        let defaults = formals.iter().map(|_| None).collect();
        let bound = bind("", &formals, defaults, given, self.way()).map_err(|error| match error.number {
            8144 => failure::too_many_parameters("sp_executesql"),
            201 => Failure { text: error.text.replacen("''", "'(@P)'", 1), ..error },
            _ => error,
        })?;
        let mut frame = self.new_frame(What::Text, Arc::new(program));
        fill(&mut frame, bound);
        frame.tells_return = tells;
        self.own.frames.push(frame);
        Ok(())
    }

    /// Begins a procedure that somebody wrote.
    pub(super) fn push_procedure(
        &mut self,
        what: What,
        database: usize,
        procedure: &Procedure,
        given: Vec<Given>,
        result: Option<String>,
        tells: bool,
    ) -> Flow<()> {
        self.check_depth()?;
        let What::Procedure { name, .. } = &what else { return Ok(()) };
        let defaults = procedure.parameters.iter().map(|formal| formal.default.as_ref());
        let defaults = defaults.map(|default| default.map(|expr| self.constant(expr)).transpose());
        let defaults = defaults.collect::<Result<Vec<Option<Value>>, Failure>>()?;
        let bound = bind(name, &procedure.parameters, defaults, given, self.way())?;
        let mut frame = self.new_frame(what, procedure.body.clone());
        fill(&mut frame, bound);
        frame.result = result;
        frame.tells_return = tells;
        self.own.frames.push(frame);
        self.own.database = database;
        Ok(())
    }

    /// Leaves the innermost frame; what it changed for itself is put back.
    pub(super) fn pop_frame(&mut self) -> Option<Frame> {
        let frame = self.own.frames.pop()?;
        if frame.what != What::Batch {
            self.own.options = frame.options.clone();
            self.own.database = frame.database;
            let level = self.own.nest_level();
            self.own.temporary.retain(|temporary| temporary.depth <= level);
        }
        Some(frame)
    }

    /// Leaves all frames at once.
    pub(super) fn drop_frames(&mut self) {
        while self.pop_frame().is_some() {}
        self.captures.clear();
    }

    /// The innermost frame has come to its end.
    pub(super) async fn end_frame(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let changed = self.own.database;
        let Some(mut frame) = self.pop_frame() else { return Ok(()) };
        if self.own.database != changed {
            let name = self.database();
            let is_use = frame.what == What::Text;
            if is_use {
                sink.put(Out::Database(name)).await?;
            }
        }
        let is_procedure = matches!(frame.what, What::Procedure { .. });
        let count = self.own.transactions();
        if is_procedure && count != frame.transactions && !self.is_doomed() {
            let failure = failure::count_mismatch(frame.transactions, count);
            let failure = match &frame.what {
                What::Procedure { name, .. } => failure.in_procedure(name),
                _ => failure,
            };
            self.own.error = failure.number;
            self.tell_failure(&failure, 0, sink).await?;
        }
        let outcome = self.give_back(&mut frame);
        if frame.tells_return {
            self.tell_return(frame.return_code, outcome, sink).await?;
        }
        let ended =
            self.captures.last().is_some_and(|capture| !capture.is_native && capture.depth == self.own.frames.len());
        if ended {
            self.end_capture(sink).await?;
        }
        Ok(())
    }

    /// The return code and OUTPUT values of a procedure that the client, or its batch, has called.
    pub(super) async fn tell_return(
        &mut self,
        code: i32,
        outputs: Vec<(String, u16, Type, Value)>,
        sink: &mut dyn Sink,
    ) -> Result<(), Stop> {
        sink.put(Out::Return(code)).await?;
        for (name, ordinal, kind, value) in outputs {
            sink.put(Out::OutParam { name, ordinal, kind, value }).await?;
        }
        Ok(())
    }

    /// Puts the return code and OUTPUT values where they are wanted; those of the client are given back.
    fn give_back(&mut self, frame: &mut Frame) -> Vec<(String, u16, Type, Value)> {
        let mut for_client = Vec::new();
        let values = frame.wanted.iter().filter_map(|wanted| {
            let variable = frame.variables.get(&wanted.parameter.to_lowercase())?;
            Some((wanted.to.clone(), variable.clone()))
        });
        for (to, Variable { kind, value }) in values {
            match to {
                Destination::Client { name, ordinal } => for_client.push((name, ordinal, kind, value)),
                Destination::Variable(name) => self.assign_quietly(&name, value),
            }
        }
        if let Some(result) = frame.result.take() {
            self.assign_quietly(&result, Value::Int(frame.return_code));
        }
        for_client
    }

    /// Sets a variable of the innermost frame; what does not convert is NULL.
    pub(super) fn assign_quietly(&mut self, name: &str, value: Value) {
        let way = self.way();
        if let Some(variable) =
            self.own.frames.last_mut().and_then(|frame| frame.variables.get_mut(&name.to_lowercase()))
        {
            let converted = crate::sandbox::sp::sql::convert::convert(value, variable.kind, way);
            variable.value = converted.unwrap_or(Value::Null);
        }
    }

    pub(super) fn is_doomed(&self) -> bool {
        self.own.transaction.as_ref().is_some_and(|transaction| transaction.is_doomed)
    }
}

/// Gives parameters to a frame as its variables.
fn fill(frame: &mut Frame, bound: Vec<Bound>) {
    for Bound { name, kind, value, output } in bound {
        if let Some(to) = output {
            frame.wanted.push(Wanted { parameter: name.clone(), to });
        }
        frame.variables.insert(name.to_lowercase(), Variable { kind, value });
    }
}
