//! Who is a robot on this computer, and when it was last heard, without asking its agent.

use std::fs::{File, TryLockError};

use crate::core::context::Context;
use crate::error::Result;
use crate::services::robot::client::agent::Agent;
use crate::services::robot::client::place::Place;
use crate::settings::Settings;

/// Where a robot's lock and journal are. Nothing is made and nothing is locked.
pub fn place_of(name: &str, settings: &Settings, context: &Context) -> Result<Place> {
    Ok(Agent::open(name, settings, context)?.place().clone())
}

/// Whose a robot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    Nobody,
    /// An agent, with its process where that is known.
    Process(Option<u32>),
    /// It cannot be found out, and why.
    Unknown(String),
}

/// Looks at the lock without taking it: another agent may begin meanwhile.
pub fn holder(place: &Place) -> Holder {
    let file = match File::open(place.folder().join("lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Holder::Nobody,
        Err(error) => return Holder::Unknown(error.to_string()),
    };
    match file.try_lock_shared() {
        Ok(()) => Holder::Nobody,
        Err(TryLockError::WouldBlock) => {
            let pid = std::fs::read_to_string(place.folder().join("pid")).ok();
            Holder::Process(pid.and_then(|pid| pid.trim().parse().ok()))
        }
        Err(TryLockError::Error(error)) => Holder::Unknown(error.to_string()),
    }
}

/// When the last heartbeat was sent. Windows shows nothing of a file that is locked.
pub fn last_heartbeat(place: &Place) -> Option<jiff::Timestamp> {
    let text = std::fs::read_to_string(place.folder().join("lock")).ok()?;
    jiff::Timestamp::from_millisecond(text.trim().parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::robot::client::lock::Lock;

    #[test]
    fn a_robot_is_looked_at_without_being_taken() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path().join("state.sqlite"), "0123456789abcdef");
        assert_eq!(holder(&place), Holder::Nobody);
        let lock = Lock::new(&place);
        lock.take().unwrap();
        assert_eq!(holder(&place), Holder::Process(Some(std::process::id())));
        lock.note(1_772_076_744_000);
        assert!(cfg!(windows) || last_heartbeat(&place).is_some());
        lock.release();
        assert_eq!(holder(&place), Holder::Nobody);
        lock.take().unwrap();
    }
}
