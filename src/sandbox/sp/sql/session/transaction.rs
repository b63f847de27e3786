//! BEGIN, COMMIT, ROLLBACK, SAVE: from T-SQL and as requests of their own.

use super::{Flow, Session, Trouble};
use crate::sandbox::sp::sql::failure::{self, Failure};
use crate::sandbox::sp::sql::locks::Owner;
use crate::sandbox::sp::sql::moment::now;
use crate::sandbox::sp::sql::out::{Out, Sink, Stop};
use crate::sandbox::sp::sql::own::Transaction;

fn no_transaction(statement: &str) -> Failure {
    let text = format!("The {statement} TRANSACTION request has no corresponding BEGIN TRANSACTION.");
    failure::failure(if statement == "COMMIT" { 3902 } else { 3903 }, 16, 1, text)
}

impl Session {
    /// A request of the client: begins a transaction. Isolation 0 is as it is, 1 read uncommitted, … 5 snapshot.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn begin(&mut self, isolation: u8, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        if isolation > 0 {
            self.own.options.isolation = i16::from(isolation.min(5));
        }
        let id = self.begin_one(name);
        self.rest();
        sink.put(Out::Began(id)).await
    }

    /// A request of the client.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn commit(&mut self, _name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        let outcome = self.commit_one(sink).await;
        self.answer(outcome, sink).await
    }

    /// A request of the client; a name may be that of a savepoint.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn rollback(&mut self, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        let outcome = self.roll_back(Some(name).filter(|name| !name.is_empty()), sink).await;
        self.answer(outcome, sink).await
    }

    /// A request of the client.
    ///
    /// # Errors
    /// The client has gone.
    pub async fn save(&mut self, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        let outcome = self.save_point(name).map_err(Trouble::from);
        self.answer(outcome, sink).await
    }

    async fn answer(&mut self, outcome: Flow<()>, sink: &mut dyn Sink) -> Result<(), Stop> {
        match outcome {
            Ok(()) => {}
            Err(Trouble::Stop(stop)) => return Err(stop),
            Err(Trouble::Failed(failure)) => self.tell_failure(&failure, 1, sink).await?,
        }
        self.rest();
        Ok(())
    }

    /// One BEGIN; the number of the transaction.
    pub(super) fn begin_one(&mut self, name: &str) -> u64 {
        if let Some(transaction) = &mut self.own.transaction {
            transaction.count += 1;
            return transaction.id;
        }
        let id = self.world.next_transaction();
        self.own.transaction = Some(Transaction {
            id,
            name: name.to_owned(),
            count: 1,
            undo: Vec::new(),
            saves: Vec::new(),
            is_doomed: false,
            began: now(),
        });
        id
    }

    pub(super) async fn begin_told(&mut self, name: &str, sink: &mut dyn Sink) -> Flow<()> {
        let is_first = self.own.transaction.is_none();
        let id = self.begin_one(name);
        if is_first {
            sink.put(Out::Began(id)).await?;
        }
        Ok(())
    }

    /// IMPLICIT_TRANSACTIONS: a statement that touches data begins one.
    pub(super) async fn begin_implicitly(&mut self, sink: &mut dyn Sink) -> Flow<()> {
        if self.own.options.is_on("IMPLICIT_TRANSACTIONS") && self.own.transaction.is_none() {
            self.begin_told("implicit_transaction", sink).await?;
        }
        Ok(())
    }

    pub(super) async fn commit_one(&mut self, sink: &mut dyn Sink) -> Flow<()> {
        let Some(transaction) = &mut self.own.transaction else { return Err(no_transaction("COMMIT").into()) };
        if transaction.is_doomed {
            let text = "The current transaction cannot be committed and cannot support operations that write to the \
                        log file. Roll back the transaction.";
            return Err(failure::failure(3930, 16, 1, text).into());
        }
        transaction.count -= 1;
        if transaction.count > 0 {
            return Ok(());
        }
        let id = transaction.id;
        self.own.transaction = None;
        self.free_transaction_locks();
        sink.put(Out::Committed(id)).await?;
        Ok(())
    }

    /// All of the transaction, or what came after a savepoint.
    pub(super) async fn roll_back(&mut self, name: Option<&str>, sink: &mut dyn Sink) -> Flow<()> {
        let Some(transaction) = &mut self.own.transaction else { return Err(no_transaction("ROLLBACK").into()) };
        let savepoint = name.filter(|name| !transaction.name.eq_ignore_ascii_case(name) || transaction.name.is_empty());
        let Some(savepoint) = savepoint else {
            return Ok(self.roll_back_all(sink).await?);
        };
        let found = transaction.saves.iter().rposition(|(name, _)| name.eq_ignore_ascii_case(savepoint));
        let Some(at) = found else {
            let text = format!("Cannot roll back {savepoint}. No transaction or savepoint of that name was found.");
            return Err(failure::failure(6401, 16, 1, text).into());
        };
        if transaction.is_doomed {
            let text =
                "The current transaction cannot be rolled back to a savepoint. Roll back the entire transaction.";
            return Err(failure::failure(3931, 16, 1, text).into());
        }
        let down_to = transaction.saves[at].1;
        transaction.saves.truncate(at + 1);
        let world = self.world.clone();
        self.own.undo(down_to, &mut world.state());
        Ok(())
    }

    pub(super) fn save_point(&mut self, name: &str) -> Result<(), Failure> {
        let Some(transaction) = &mut self.own.transaction else {
            let text = "Cannot issue SAVE TRANSACTION when there is no active transaction.";
            return Err(failure::failure(628, 16, 0, text));
        };
        let at = transaction.undo.len();
        transaction.saves.push((name.chars().take(32).collect(), at));
        Ok(())
    }

    /// Rolls everything back and says so, if there is anything.
    pub(super) async fn roll_back_all(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        match self.undo_all() {
            Some(id) => sink.put(Out::RolledBack(id)).await,
            None => Ok(()),
        }
    }

    /// Rolls everything back; the number of the transaction, if there was one.
    pub(super) fn undo_all(&mut self) -> Option<u64> {
        let id = self.own.transaction.as_ref()?.id;
        let world = self.world.clone();
        self.own.undo(0, &mut world.state());
        self.own.transaction = None;
        self.free_transaction_locks();
        Some(id)
    }

    fn free_transaction_locks(&mut self) {
        self.world.state().locks.free(self.own.spid, |owner| owner != Owner::Session);
        self.world.freed.notify_waiters();
    }
}
