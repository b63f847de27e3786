//! sp_getapplock and sp_releaseapplock.

use std::time::Duration;

use crate::sandbox::sp::sql::failure;
use crate::sandbox::sp::sql::locks::{Lock, Mode, Owner, Resource};
use crate::sandbox::sp::sql::out::Sink;
use crate::sandbox::sp::sql::session::{Bound, Flow, Got, Session, acquire};
use crate::sandbox::sp::sql::value::Value;

/// Wrong parameters, or whatever else went wrong.
const REFUSED: i32 = -999;

/// The owner that is meant.
fn owner(value: &Value) -> Option<Owner> {
    match value.as_text()?.to_ascii_lowercase().as_str() {
        "session" => Some(Owner::Session),
        "transaction" => Some(Owner::Transaction),
        _ => None,
    }
}

impl Session {
    fn application(&self, name: &Value) -> Option<Resource> {
        let name = name.as_text().filter(|name| !name.is_empty())?.to_owned();
        let state = self.world.state();
        let database = state.databases.get(self.own.database).map_or(1, |database| database.id);
        Some(Resource::Application { database, name })
    }

    async fn refused(&mut self, text: &str, number: i32, sink: &mut dyn Sink) -> Flow<i32> {
        let failure = failure::failure(number, 16, 1, text).in_procedure("xp_userlock");
        self.own.error = number;
        self.tell_failure(&failure, 1, sink).await?;
        Ok(REFUSED)
    }

    pub(super) async fn get_applock(&mut self, bound: &[Bound], sink: &mut dyn Sink) -> Flow<i32> {
        let [name, mode, owned, timeout, _] = bound else { return Ok(REFUSED) };
        let mode = mode.value.as_text().and_then(Mode::named);
        let (Some(resource), Some(mode), Some(owner)) = (self.application(&name.value), mode, owner(&owned.value))
        else {
            let text = "An invalid parameter or option was specified for procedure 'sys.xp_userlock'.";
            return self.refused(text, 15600, sink).await;
        };
        if owner == Owner::Transaction && self.own.transaction.is_none() {
            let text = "The statement or function must be executed in the context of a user transaction.";
            return self.refused(text, 3918, sink).await;
        }
        let limit = match timeout.value.as_integer() {
            None => self.lock_timeout(),
            Some(-1) => None,
            Some(millis) => match u64::try_from(millis) {
                Ok(millis) => Some(Duration::from_millis(millis)),
                Err(_) => {
                    let text = "An invalid parameter or option was specified for procedure 'sys.xp_userlock'.";
                    return self.refused(text, 15600, sink).await;
                }
            },
        };
        let wanted = Lock { spid: self.own.spid, resource, mode, owner, times: 0 };
        Ok(match acquire(&self.world, &wanted, limit).await {
            Got::AtOnce => 0,
            Got::Later => 1,
            Got::TimedOut => -1,
            Got::Deadlock => -3,
        })
    }

    pub(super) async fn release_applock(&mut self, bound: &[Bound], sink: &mut dyn Sink) -> Flow<i32> {
        let [name, owned, _] = bound else { return Ok(REFUSED) };
        let (Some(resource), Some(owner)) = (self.application(&name.value), owner(&owned.value)) else {
            let text = "An invalid parameter or option was specified for procedure 'sys.xp_userlock'.";
            return self.refused(text, 15600, sink).await;
        };
        let is_held = self.world.state().locks.release(self.own.spid, &resource, owner);
        if is_held {
            self.world.freed.notify_waiters();
            return Ok(0);
        }
        let shown = name.value.as_text().unwrap_or_default();
        let text = format!(
            "Cannot release the application lock (Database Principal: 'public', Resource: '{shown}') because it is not \
             currently held."
        );
        self.refused(&text, 1223, sink).await
    }
}
