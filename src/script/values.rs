//! Small value types of the script language that Rhai has not.

use rhai::{Dynamic, ImmutableString};

use crate::core::clock;
use crate::core::rows::Field;

/// A map that keeps the order in which it was written. Rhai's own maps sort their names, and some calls of outside
/// systems mean something by the order.
#[derive(Clone, Debug, Default)]
pub struct Ordered(Vec<(ImmutableString, Dynamic)>);

impl Ordered {
    pub fn new(fields: Vec<(ImmutableString, Dynamic)>) -> Ordered {
        Ordered(fields)
    }

    pub fn fields(&self) -> &[(ImmutableString, Dynamic)] {
        &self.0
    }
}

/// A moment in time, in some zone.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub struct Moment(pub jiff::Zoned);

impl Moment {
    /// As a cell of a row, to the millisecond.
    pub fn field(&self) -> Field<'_> {
        Field::Moment { at: clock::of(self.0.datetime()), zone: self.0.time_zone() }
    }
}

impl std::fmt::Display for Moment {
    /// As most systems want it: `2026-11-21T23:44:00+03:00`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%S%:z"))
    }
}
