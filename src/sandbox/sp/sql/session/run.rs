//! One instruction after another, and where errors lead.

use super::{Session, Trouble};
use crate::sandbox::sp::sql::failure::{Failure, Reach};
use crate::sandbox::sp::sql::out::{Out, Said, Sink, Stop, command};
use crate::sandbox::sp::sql::own::{Caught, What};

/// Instructions after which others get their turn.
const TURN: u32 = 256;

impl Session {
    /// Runs until no frame is left.
    pub(super) async fn run(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let mut turns = 0u32;
        while let Some(frame) = self.own.frames.last_mut() {
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
                if self.is_killed() {
                    return Err(Stop::Disconnect);
                }
                continue;
            }
            let (program, at) = (frame.program.clone(), frame.at);
            let Some(instruction) = program.code.get(at) else {
                self.end_frame(sink).await?;
                continue;
            };
            frame.at += 1;
            match self.step(&instruction.step, sink).await {
                Ok(()) => {}
                Err(Trouble::Stop(stop)) => return Err(stop),
                Err(Trouble::Failed(failure)) => self.failed(failure, instruction.line, sink).await?,
            }
        }
        Ok(())
    }

    fn is_killed(&self) -> bool {
        self.world.state().present.get(&self.own.spid).is_some_and(|present| present.is_killed)
    }

    /// Where and what an error is.
    fn said(&self, failure: &Failure, line: u32) -> Said {
        let current = self.own.frame().map(|frame| &frame.what);
        let procedure = match (&failure.procedure, current) {
            (Some(name), _) => name.clone(),
            (None, Some(What::Procedure { name, .. })) => name.clone(),
            _ => String::new(),
        };
        Said {
            number: failure.number,
            severity: failure.severity,
            state: failure.state,
            text: failure.text.clone(),
            procedure,
            line: failure.line.unwrap_or(line),
        }
    }

    /// Tells an error or a message to the client.
    pub(in crate::sandbox::sp::sql) async fn tell_failure(
        &mut self,
        failure: &Failure,
        line: u32,
        sink: &mut dyn Sink,
    ) -> Result<(), Stop> {
        let said = self.said(failure, line);
        let out = if said.severity > 10 { Out::Error(said) } else { Out::Info(said) };
        sink.put(out).await
    }

    /// Leads an error to the TRY that catches it, or else to the client.
    pub(super) async fn failed(&mut self, mut failure: Failure, line: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
        let said = self.said(&failure, line);
        self.own.error = failure.number;
        self.own.row_count = 0;
        if failure.reach == Reach::Connection {
            sink.put(Out::Error(said)).await?;
            return Err(Stop::Disconnect);
        }
        if self.own.options.is_on("XACT_ABORT") && !failure.raised {
            failure.reach = Reach::Transaction;
        }
        self.free_statement_locks();
        if self.caught(&failure, &said) {
            return Ok(());
        }
        sink.put(Out::Error(said)).await?;
        let inside = self.own.frame().is_none_or(|frame| frame.what != What::Batch);
        sink.put(Out::Done { count: None, command: command::OTHER, inside }).await?;
        match failure.reach {
            Reach::Statement | Reach::Connection => {}
            Reach::Scope => {
                if let Some(frame) = self.own.frames.last_mut() {
                    frame.at = frame.program.code.len();
                    frame.return_code = -6;
                    frame.tries.clear();
                }
            }
            Reach::Batch => self.drop_frames(),
            Reach::Transaction => {
                self.drop_frames();
                self.roll_back_all(sink).await?;
            }
        }
        Ok(())
    }

    /// Whether some TRY has caught it; then its CATCH is next.
    fn caught(&mut self, failure: &Failure, said: &Said) -> bool {
        // What could not be compiled is not seen by the TRY around it.
        let skipped = usize::from(failure.reach == Reach::Scope);
        let candidates = self.own.frames.len().saturating_sub(skipped);
        let Some(at) = self.own.frames[..candidates].iter().rposition(|frame| !frame.tries.is_empty()) else {
            return false;
        };
        while self.own.frames.len() > at + 1 {
            self.pop_frame();
        }
        self.captures.retain(|capture| capture.depth <= at);
        self.captures.retain(|capture| !capture.is_native);
        if let (Reach::Transaction, Some(transaction)) = (failure.reach, &mut self.own.transaction) {
            transaction.is_doomed = true;
        }
        if let Some(frame) = self.own.frames.last_mut()
            && let Some(catch) = frame.tries.pop()
        {
            frame.catches.push(Caught { said: said.clone() });
            frame.at = catch;
        }
        true
    }
}
