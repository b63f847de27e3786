//! Where a test may let the process die as if its power had gone. Does nothing outside debug builds.

use crate::core::context::Context;

/// The variable that names the place.
const NAMED_BY: &str = "PULT_ROBOT_CRASH";

/// The place, if any.
#[derive(Clone, Debug, Default)]
pub struct Failpoint(Option<String>);

impl Failpoint {
    pub fn of(context: &Context) -> Failpoint {
        Failpoint(if cfg!(debug_assertions) { context.variable(NAMED_BY) } else { None })
    }

    /// The process ends here if this is the place: nothing is written, nobody is told.
    pub fn reached(&self, place: &str) {
        if self.0.as_deref() == Some(place) {
            die();
        }
    }

    /// At this place, in a test of this crate: what is dropped there is all that is lost.
    #[cfg(test)]
    pub fn at(place: &str) -> Failpoint {
        Failpoint(Some(place.into()))
    }
}

#[cfg(not(test))]
fn die() {
    std::process::abort();
}

#[cfg(test)]
fn die() {
    std::panic::resume_unwind(Box::new("the power is gone"));
}
