//! The driver, kept connections and plain SQL against the simulator.

mod driver;
mod engine;
mod plain;
mod runs;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::driver::{Connection, Driver, Encrypt, Event, Login, Param, Place, Request, Trust, Value};
use super::sql::{Call, How, Outcome, Sql};
use super::tds::Tds;
use crate::core::context::{Context, Would};
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::error::{Error, Kind, Result, Retry};
use crate::sandbox::sp::{Encryption, Knobs, SqlServer};
use crate::secret::Secret;
use crate::services::sp::SETTINGS;
use crate::settings::{Given, Settings};

async fn server(change: impl FnOnce(&mut Knobs)) -> SqlServer {
    let mut knobs = Knobs::default();
    change(&mut knobs);
    SqlServer::start(knobs).await.unwrap()
}

fn place(server: &SqlServer) -> Place {
    let (host, port) =
        server.address().rsplit_once(':').map(|(host, port)| (host.to_owned(), port.to_owned())).unwrap();
    Place {
        host,
        port: port.parse().ok(),
        instance: None,
        database: Some("bill_ab".into()),
        login: Login::User { user: server.user(), password: Secret::new(server.password()) },
        encrypt: Encrypt::Login,
        trust: Trust::Any,
        connect_timeout: Duration::from_secs(10),
        program: "pult".into(),
        read_only: false,
    }
}

fn text(sql: &str, params: &[(&str, Value)]) -> Request {
    let params = params.iter().map(|(name, value)| param(name, value.clone(), false)).collect();
    Request::Text { sql: sql.into(), params }
}

fn param(name: &str, value: Value, out: bool) -> Param {
    Param { name: name.into(), value, out }
}

/// All events of an answer, rows as their texts.
async fn all(connection: &mut dyn Connection, request: &Request) -> (Vec<String>, Option<Error>) {
    let mut seen = Vec::new();
    let mut answer = connection.run(request).await.unwrap();
    loop {
        match answer.next().await {
            Ok(Some(event)) => seen.push(shown(&event)),
            Ok(None) => return (seen, None),
            Err(error) => return (seen, Some(error)),
        }
    }
}

fn shown(event: &Event) -> String {
    match event {
        Event::Columns(names) => format!("columns {}", names.join(" ")),
        Event::Rows(rows) => {
            let texts = rows.iter().map(|row| {
                let cells: Vec<String> =
                    row.fields().map(|(_, field)| crate::core::order::cell_text(field).into_owned()).collect();
                cells.join(",")
            });
            format!("rows {}", texts.collect::<Vec<_>>().join(" "))
        }
        Event::Affected(count) => format!("affected {count}"),
        Event::Message(message) => format!("message {}", message.text),
        Event::Out(name, value) => format!("out {name} {value:?}"),
        Event::Returned(code) => format!("returned {code}"),
    }
}

fn context(would: Option<Box<Would>>) -> Context {
    Context::new(Handle::current(), Progress::new(false), State::in_memory(), would)
}

fn settings(server: &SqlServer, more: &[(&str, Given)]) -> Settings {
    let mut settings = Settings::new("[sp.main] in pult.toml");
    let usual = [
        ("address", Given::Text(server.address())),
        ("user", Given::Text(server.user())),
        ("password", Given::Text(server.password())),
        ("database", Given::Text("bill_ab".into())),
        ("insecure", Given::Flag(true)),
    ];
    for (name, given) in usual.iter().chain(more) {
        settings.set(SETTINGS, name, given.clone()).unwrap();
    }
    settings
}

fn sql(server: &SqlServer, more: &[(&str, Given)]) -> Sql {
    Sql::open(&settings(server, more), &context(None), Arc::new(Tds)).unwrap()
}

async fn query(sql: &Sql, request: Request) -> Result<Outcome> {
    query_how(sql, request, &How::default()).await
}

async fn query_how(sql: &Sql, request: Request, how: &How) -> Result<Outcome> {
    let place = sql.way().place().unwrap();
    sql.query(&Call::default(), &place, request, how).await
}
