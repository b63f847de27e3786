//! What a server says to statements: tables of them with the answers of SQL Server.

mod catalogue;
mod errors;
mod expressions;
mod locks;
mod procedures;
mod queries;
mod reading;
mod sessions;
mod transactions;

use std::sync::Arc;

use super::{Out, Parameter, Session, Stop, Value, World};
use crate::sandbox::sp::hub::{Client, Hub};
use crate::sandbox::sp::knobs::Knobs;

/// A server with the shipped catalogue.
pub fn world() -> Arc<World> {
    world_with(Knobs { scale: 0.0, ..Knobs::default() })
}

pub fn world_with(knobs: Knobs) -> Arc<World> {
    Arc::new(World::new(Arc::new(Hub::new(knobs))))
}

/// Somebody who has logged in.
pub fn session(world: &Arc<World>, database: &str) -> Session {
    let client = Client {
        spid: 0,
        login: "sa".to_owned(),
        database: database.to_owned(),
        host: "desk".to_owned(),
        program: "tests".to_owned(),
        encrypted: false,
        since: 1_560_000_000.0,
        status: "sleeping",
    };
    let spid = world.hub.enter(client);
    Session::new(world.clone(), spid, "sa", database).unwrap()
}

/// What was told, in short: rows as `a|b`, `print: …`, `error 208 16.1 line 1: …`, `3 rows`.
pub fn told(outs: &[Out]) -> Vec<String> {
    let way = super::convert::Way { format: super::moment::Format::Mdy, style: None };
    let value = |value: &Value| match value {
        Value::Null => "NULL".to_owned(),
        Value::Binary(bytes) => format!("0x{}", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>()),
        other => super::convert::shown(other, way).unwrap(),
    };
    let line = |out: &Out| {
        Some(match out {
            Out::Columns(_) | Out::Flush => return None,
            Out::Row(row) => row.iter().map(value).collect::<Vec<_>>().join("|"),
            Out::Rows { count, columns } => format!("{count} rows of {} columns", columns.len()),
            Out::Done { count: Some(count), .. } => format!("{count} rows"),
            Out::Done { .. } => return None,
            Out::Info(said) if said.number == 0 => format!("print: {}", said.text),
            Out::Info(said) => format!("info {} {}.{}: {}", said.number, said.severity, said.state, said.text),
            Out::Error(said) => {
                let place = if said.procedure.is_empty() { String::new() } else { format!(" in {}", said.procedure) };
                format!(
                    "error {} {}.{}{place} line {}: {}",
                    said.number, said.severity, said.state, said.line, said.text
                )
            }
            Out::OutParam { name, value: found, .. } => format!("out {name} = {}", value(found)),
            Out::Return(code) => format!("return {code}"),
            Out::Database(name) => format!("database {name}"),
            Out::Language(name) => format!("language {name}"),
            Out::Began(_) => "began".to_owned(),
            Out::Committed(_) => "committed".to_owned(),
            Out::RolledBack(_) => "rolled back".to_owned(),
        })
    };
    outs.iter().filter_map(line).collect()
}

pub async fn batch(session: &mut Session, text: &str) -> Vec<String> {
    let mut outs = Vec::new();
    match session.batch(text, &mut outs).await {
        Ok(()) => told(&outs),
        Err(stop) => told(&outs).into_iter().chain([format!("stop {stop:?}")]).collect(),
    }
}

pub async fn call(session: &mut Session, name: &str, parameters: Vec<Parameter>) -> Vec<String> {
    let mut outs = Vec::new();
    let outcome: Result<(), Stop> = session.call(name, parameters, &mut outs).await;
    match outcome {
        Ok(()) => told(&outs),
        Err(stop) => told(&outs).into_iter().chain([format!("stop {stop:?}")]).collect(),
    }
}

/// Runs statements of a table, each in a session of its own, and compares what is told.
#[track_caller]
pub fn check(table: &[(&str, &[&str])]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut broken = String::new();
    let world = world();
    for (statements, wanted) in table {
        let found = runtime.block_on(async {
            let mut session = session(&world, "bill_ab");
            let found = batch(&mut session, statements).await;
            session.left();
            world.hub.clients().iter().for_each(|client| world.hub.leave(client.spid));
            found
        });
        if found != *wanted {
            broken += &format!("\n{statements}\n  wanted: {wanted:#?}\n  found: {found:#?}\n");
        }
    }
    assert!(broken.is_empty(), "{broken}");
}
