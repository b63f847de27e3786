//! Answers as rows: fields typed for scripts, or as the utility prints them.

use jiff::tz::TimeZone;

use super::ask::Answered;
use crate::core::rows::{Builder, Field, Rows};
use crate::error::{Error, Kind, Result};
use crate::services::rac::client::Call;
use crate::services::rac::table::Shape;
use crate::services::rac::wire::codec::{Uuid, Value};
use crate::services::rac::wire::print::Printer;
use crate::services::rac::wire::shape;

impl Answered {
    /// The printer for what the call wants to see.
    fn printer(&self, call: &Call) -> Option<Printer> {
        let licenses = call.command.licenses.filter(|_| call.wants_licenses());
        self.record().map(|(record, _)| Printer::new(record, licenses, self.version))
    }

    /// The records as the utility prints them.
    pub fn print(&self, call: &Call, columns: bool) -> Result<String> {
        let mut text = String::new();
        let Some(printer) = self.printer(call) else { return Ok(text) };
        self.each(|values| {
            match columns {
                true => printer.print_columns(values, &mut text),
                false => printer.print(values, &mut text),
            }
            Ok(())
        })?;
        if columns && !text.is_empty() {
            text.push('\n');
        }
        Ok(text)
    }

    pub fn rows(&self, call: &Call, zone: &TimeZone) -> Result<Rows> {
        let mut builder = Builder::new();
        let Some(printer) = self.printer(call) else { return Ok(Rows::default()) };
        let names: Vec<String> = printer
            .lines()
            .iter()
            .map(|(line, _)| if call.raw { line.key.to_owned() } else { line.slot.replace('-', "_") })
            .collect();
        // A lying count is bounded by the bytes: no field is smaller than one.
        let cells = self.count().saturating_mul(names.len()).min(self.body.len());
        builder.reserve(cells / names.len().max(1), cells, self.body.len());
        let mut scratch = String::new();
        self.each(|values| {
            printer.each(values, |own, license| {
                let named = builder.same_names();
                for ((line, place), name) in printer.lines().iter().zip(&names) {
                    if !named {
                        builder.name(name);
                    }
                    scratch.clear();
                    let value = place.of(own, license);
                    let field = match call.raw {
                        true => {
                            shape::print(line.shape, value, &mut scratch);
                            Field::Text(&scratch)
                        }
                        false => field(line.shape, value, zone, &mut scratch),
                    };
                    builder.push(field).map_err(|_| too_large())?;
                }
                builder.end_row();
                Ok(())
            })
        })?;
        Ok(builder.finish().into())
    }
}

/// A value as scripts see it. `scratch` is empty room for its text.
fn field<'f>(shape: Shape, value: &'f Value<'_>, zone: &'f TimeZone, scratch: &'f mut String) -> Field<'f> {
    match (shape, value) {
        (Shape::Words(words), Value::Bool(flag)) if words.is_flag => Field::Flag(*flag),
        (Shape::Words(words), Value::Int(n)) if words.is_flag => Field::Flag(*n != 0),
        (Shape::Number, Value::Text(text)) if text.is_empty() => Field::Null,
        (Shape::Number, Value::Text(text)) => match text.parse::<i64>() {
            // A process id is a number; what only looks like one keeps its form.
            Ok(n) if !text.starts_with(['0', '+']) || text == "0" => Field::Integer(n),
            _ => Field::Text(text),
        },
        (Shape::OrZero(word), Value::Int(0)) => Field::Text(word),
        (Shape::Words(words), Value::Int(n)) => words.word(*n).map_or(Field::Integer(*n), Field::Text),
        (_, Value::Int(n)) => Field::Integer(*n),
        (_, Value::Double(n)) => Field::Number(*n),
        (_, Value::Text(text)) => Field::Text(text),
        (_, Value::Uuid(uuid)) if uuid.is_nil() => Field::Null,
        (_, Value::Uuid(uuid)) => {
            scratch.push_str(uuid.text(&mut [0; Uuid::LENGTH]));
            Field::Text(scratch)
        }
        (_, Value::Time(ticks)) => match shape::milliseconds(*ticks) {
            // The utility shows whole seconds; a script sees the same over either transport.
            Some(at) => Field::Moment { at: at.div_euclid(1000) * 1000, zone },
            None => Field::Null,
        },
        (shape, value) => {
            shape::print(shape, value, scratch);
            Field::Text(scratch)
        }
    }
}

fn too_large() -> Error {
    Error::new(Kind::Limit, "rac.too_large", "the answer is larger than 4 GB")
        .hint("ask for a part: one infobase, one server")
}
