//! Procedures of the schema `sandbox`: they watch and steer the simulator.

use crate::sandbox::sp::sql::failure;
use crate::sandbox::sp::sql::moment::of_unix;
use crate::sandbox::sp::sql::out::{Column, Out, Sink, command};
use crate::sandbox::sp::sql::session::{Bound, Flow, Session};
use crate::sandbox::sp::sql::table::Row;
use crate::sandbox::sp::sql::value::{Type, Value};

const LONG: Type = Type::NVarChar(None);

fn moment(seconds: f64) -> Value {
    of_unix(seconds).as_kind(Type::DateTime2(7)).unwrap_or(Value::Null)
}

impl Session {
    async fn give_rows(&mut self, columns: &[(&str, Type)], rows: Vec<Row>, sink: &mut dyn Sink) -> Flow<i32> {
        let columns = columns.iter().map(|(name, kind)| Column::new(*name, *kind)).collect();
        self.tell(Out::Columns(columns), sink).await?;
        let count = rows.len() as u64;
        for row in rows {
            self.tell(Out::Row(row), sink).await?;
        }
        self.own.row_count = count as i64;
        self.tell(Out::Done { count: Some(count), command: command::SELECT, inside: true }, sink).await?;
        Ok(0)
    }

    /// Merges changes into the switches, and gives all of them as JSON.
    pub(super) async fn knobs(&mut self, bound: &[Bound], sink: &mut dyn Sink) -> Flow<i32> {
        if let Some(changes) = bound.first().and_then(|changes| changes.value.as_text()) {
            let changes = serde_json::from_str(changes).map_err(|error| error.to_string());
            let outcome = changes.and_then(|changes| self.world.hub.change(&changes));
            if let Err(why) = outcome {
                return Err(failure::failure(50000, 16, 1, why).in_procedure("sandbox.knobs").into());
            }
        }
        let knobs = serde_json::to_string(&*self.world.hub.knobs()).unwrap_or_default();
        self.give_rows(&[("knobs", LONG)], vec![vec![Value::Text(knobs)]], sink).await
    }

    /// The log of calls, oldest first.
    pub(super) async fn calls(&mut self, sink: &mut dyn Sink) -> Flow<i32> {
        const COLUMNS: [(&str, Type); 9] = [
            ("at", Type::DateTime2(7)),
            ("spid", Type::Int),
            ("login", Type::NAME),
            ("database", Type::NAME),
            ("kind", Type::NVarChar(Some(10))),
            ("text", LONG),
            ("parameters", LONG),
            ("seconds", Type::Float),
            ("outcome", Type::NVarChar(Some(60))),
        ];
        let rows = self.world.hub.calls().into_iter().map(|call| {
            vec![
                moment(call.at),
                Value::Int(i32::from(call.spid)),
                Value::Text(call.login),
                Value::Text(call.database),
                Value::text(call.kind),
                Value::Text(call.text),
                Value::Text(call.parameters.to_string()),
                Value::Float(call.seconds),
                Value::Text(call.outcome),
            ]
        });
        self.give_rows(&COLUMNS, rows.collect(), sink).await
    }

    /// Who is connected.
    pub(super) async fn clients(&mut self, sink: &mut dyn Sink) -> Flow<i32> {
        const COLUMNS: [(&str, Type); 8] = [
            ("spid", Type::Int),
            ("login", Type::NAME),
            ("database", Type::NAME),
            ("host", Type::NAME),
            ("program", Type::NAME),
            ("encrypted", Type::Bit),
            ("since", Type::DateTime2(7)),
            ("status", Type::NVarChar(Some(20))),
        ];
        let rows = self.world.hub.clients().into_iter().map(|client| {
            vec![
                Value::Int(i32::from(client.spid)),
                Value::Text(client.login),
                Value::Text(client.database),
                Value::Text(client.host),
                Value::Text(client.program),
                Value::Bit(client.encrypted),
                moment(client.since),
                Value::text(client.status),
            ]
        });
        self.give_rows(&COLUMNS, rows.collect(), sink).await
    }
}
