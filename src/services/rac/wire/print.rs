//! Records as the utility prints them.

use super::codec::Value;
use super::shape;
use crate::services::rac::table::{LICENSE, Line, Record, Shape, Version};

/// What is printed of a record in one version: the lines, where their values lie, and how wide the keys are.
pub struct Printer {
    lines: Vec<(&'static Line, Place)>,
    width: usize,
    /// Where a record's licenses lie, when each of them is printed instead of the record.
    licenses: Option<usize>,
}

/// Where a line's value lies.
#[derive(Clone, Copy)]
pub enum Place {
    /// Among the record's values.
    Own(usize),
    /// Among those of its license.
    License(usize),
}

impl Printer {
    /// Of these records; with `licenses`, of the licenses that they hold.
    pub fn new(record: &'static Record, licenses: Option<&'static Record>, version: Version) -> Printer {
        let own = |name: &str| record.slots(version).position(|slot| slot.name == name);
        let of_license = |name: &str| LICENSE.slots(version).position(|slot| slot.name == name);
        let place = |line: &Line| match own(line.slot) {
            Some(at) => Some(Place::Own(at)),
            None => of_license(line.slot).filter(|_| licenses.is_some()).map(Place::License),
        };
        let lines = licenses.unwrap_or(record).lines(version);
        let lines: Vec<_> = lines.filter_map(|line| Some((line, place(line)?))).collect();
        let width = lines.iter().map(|(line, _)| line.key.len()).max().unwrap_or(0);
        Printer { lines, width, licenses: licenses.and_then(|_| own("licenses")) }
    }

    pub fn lines(&self) -> &[(&'static Line, Place)] {
        &self.lines
    }

    /// Calls with each thing that is printed for a record: the record itself, or each of its licenses.
    pub fn each<'v, E>(
        &self,
        values: &'v [Value<'v>],
        mut print: impl FnMut(&[Value<'v>], &[Value<'v>]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.licenses.map(|at| &values[at]) {
            None => print(values, &[]),
            Some(Value::Many(licenses)) => licenses.iter().try_for_each(|license| print(values, license)),
            Some(_) => Ok(()),
        }
    }

    /// Adds the lines of a record and the empty line after them.
    pub fn print(&self, values: &[Value<'_>], to: &mut String) {
        let printed: Result<(), std::convert::Infallible> = self.each(values, |own, license| {
            for (line, place) in &self.lines {
                let value = place.of(own, license);
                to.push_str(line.key);
                to.extend(std::iter::repeat_n(' ', self.width - line.key.len()));
                to.push_str(" : ");
                quoted(line.shape, value, to);
                to.push('\n');
            }
            to.push('\n');
            Ok(())
        });
        let Ok(()) = printed;
    }

    /// The same in columns: `"EventLogService" : "demo" : /old/ : /new/`. The empty line comes after all of them.
    pub fn print_columns(&self, values: &[Value<'_>], to: &mut String) {
        for (at, (line, place)) in self.lines.iter().enumerate() {
            if at > 0 {
                to.push_str(" : ");
            }
            quoted(line.shape, place.of(values, &[]), to);
        }
        to.push('\n');
    }
}

impl Place {
    pub fn of<'v, 'a>(self, own: &'v [Value<'a>], license: &'v [Value<'a>]) -> &'v Value<'a> {
        match self {
            Place::Own(at) => &own[at],
            Place::License(at) => &license[at],
        }
    }
}

/// The value as it is printed, between quotes where the utility puts them.
fn quoted(shape: Shape, value: &Value<'_>, to: &mut String) {
    match (shape, value) {
        (Shape::Quoted, Value::Text(text)) if text.is_empty() => {}
        (Shape::Quoted, Value::Text(text)) => {
            to.push('"');
            to.push_str(&text.replace('"', "\"\""));
            to.push('"');
        }
        _ => shape::print(shape, value, to),
    }
}
