//! A session that knows a handful of statements, until the interpreter is there.

use std::sync::Arc;
use std::time::Duration;

use super::{Column, Out, Parameter, Said, Sink, Stop, Value, command};
use crate::sandbox::sp::hub::Hub;

pub struct World {
    pub hub: Arc<Hub>,
}

impl World {
    pub fn new(hub: Arc<Hub>) -> World {
        World { hub }
    }
}

pub struct Session {
    database: String,
    transaction: u64,
}

fn said(number: i32, severity: u8, text: impl Into<String>) -> Said {
    Said { number, severity, state: 1, text: text.into(), procedure: String::new(), line: 1 }
}

impl Session {
    pub fn new(_world: Arc<World>, _spid: u16, _login: &str, database: &str) -> Result<Session, Said> {
        let database = if database.is_empty() { "master" } else { database };
        if database == "nowhere" {
            let text = format!("Cannot open database \"{database}\" requested by the login. The login failed.");
            return Err(said(4060, 11, text));
        }
        Ok(Session { database: database.to_owned(), transaction: 0 })
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    pub async fn batch(&mut self, text: &str, sink: &mut impl Sink) -> Result<(), Stop> {
        self.text(text, false, sink).await
    }

    async fn text(&mut self, text: &str, inside: bool, sink: &mut impl Sink) -> Result<(), Stop> {
        for statement in text.split(';') {
            let statement = statement.trim();
            let (word, rest) = statement.split_once(' ').unwrap_or((statement, ""));
            let rest = rest.trim().trim_matches('\'');
            match word.to_uppercase().as_str() {
                "SELECT" if rest.contains("sandbox.rows") => {
                    let count = rest.split(['(', ')']).nth(1).and_then(|n| n.parse().ok()).unwrap_or(10);
                    sink.put(Out::Columns(crate::sandbox::sp::measure::columns())).await?;
                    sink.put(Out::Rows { count, columns: (0..10).collect() }).await?;
                    sink.put(Out::Done { count: Some(count), command: command::SELECT, inside }).await?;
                }
                "SELECT" => {
                    let value = rest.parse().map_or(Value::text(rest), Value::Int);
                    sink.put(Out::Columns(vec![Column::new("", value.kind())])).await?;
                    sink.put(Out::Row(vec![value])).await?;
                    sink.put(Out::Done { count: Some(1), command: command::SELECT, inside }).await?;
                }
                "PRINT" => sink.put(Out::Info(said(0, 0, rest))).await?,
                "RAISERROR" => {
                    sink.put(Out::Error(said(50000, 16, rest))).await?;
                    sink.put(Out::Done { count: None, command: command::OTHER, inside }).await?;
                }
                "WAITFOR" => tokio::time::sleep(Duration::from_millis(rest.parse().unwrap_or(1000))).await,
                "SET" | "" => sink.put(Out::Done { count: None, command: command::OTHER, inside }).await?,
                "BEGIN" => self.begin(0, "", sink).await?,
                "COMMIT" => self.commit("", sink).await?,
                "ROLLBACK" => self.rollback("", sink).await?,
                other => {
                    sink.put(Out::Error(said(2812, 16, format!("Could not find stored procedure '{other}'.")))).await?;
                    sink.put(Out::Done { count: None, command: command::OTHER, inside }).await?;
                }
            }
        }
        Ok(())
    }

    pub async fn execute_sql(
        &mut self,
        text: &str,
        _declarations: &str,
        params: Vec<Parameter>,
        sink: &mut impl Sink,
    ) -> Result<(), Stop> {
        if params.is_empty() {
            self.text(text, true, sink).await?;
        } else {
            echo(params, sink).await?;
        }
        sink.put(Out::Return(0)).await
    }

    pub async fn call(&mut self, procedure: &str, params: Vec<Parameter>, sink: &mut impl Sink) -> Result<(), Stop> {
        if !procedure.ends_with("echo") {
            let text = format!("Could not find stored procedure '{procedure}'.");
            return sink.put(Out::Error(said(2812, 16, text))).await;
        }
        echo(params.clone(), sink).await?;
        sink.put(Out::Return(-3)).await?;
        for (at, param) in params.into_iter().enumerate().filter(|(_, param)| param.output) {
            let (name, kind, value) = (param.name, param.kind, param.value);
            sink.put(Out::OutParam { name, ordinal: at as u16, kind, value }).await?;
        }
        Ok(())
    }

    pub async fn begin(&mut self, _isolation: u8, _name: &str, sink: &mut impl Sink) -> Result<(), Stop> {
        self.transaction += 1;
        sink.put(Out::Began(self.transaction)).await
    }

    pub async fn commit(&mut self, _name: &str, sink: &mut impl Sink) -> Result<(), Stop> {
        sink.put(Out::Committed(self.transaction)).await
    }

    pub async fn rollback(&mut self, _name: &str, sink: &mut impl Sink) -> Result<(), Stop> {
        sink.put(Out::RolledBack(self.transaction)).await
    }

    pub async fn save(&mut self, _name: &str, _sink: &mut impl Sink) -> Result<(), Stop> {
        Ok(())
    }

    pub fn reset(&mut self, _keep_transaction: bool) {}

    pub fn transaction(&self) -> u64 {
        self.transaction
    }

    pub fn interrupted(&mut self) {}

    pub fn left(&mut self) {}
}

async fn echo(params: Vec<Parameter>, sink: &mut impl Sink) -> Result<(), Stop> {
    let columns = params.iter().map(|param| Column::new(param.name.trim_start_matches('@'), param.kind)).collect();
    sink.put(Out::Columns(columns)).await?;
    sink.put(Out::Row(params.into_iter().map(|param| param.value).collect())).await?;
    sink.put(Out::Done { count: Some(1), command: command::SELECT, inside: true }).await
}
