//! Work on storages of binary data: it is started, and then asked after until it is done.

use std::borrow::Cow;
use std::time::Duration;

use super::ask::{Answered, ask, known};
use super::connection::Connection;
use crate::error::{Error, Kind, Result};
use crate::services::rac::client::Call;
use crate::services::rac::table;
use crate::services::rac::wire::codec::{Reader, Uuid, Value};
use crate::services::rac::wire::shape::Given;

/// Between two questions whether the work is done: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Starts the work and waits for its end. Copies of large storages take long; whoever waits may stop at any time, and
/// the server goes on.
pub async fn operate(to: &mut Connection, call: &Call, kind: u8, argument: &[&str]) -> Result<Answered> {
    let id = |name: &str| match call.given(name) {
        Some(Given::Id(id)) => *id,
        _ => Uuid::NIL,
    };
    let (cluster, infobase) = (Value::Uuid(id("cluster")), Value::Uuid(id("infobase")));
    let storage = match call.given("name") {
        Some(Given::Text(name)) => named(to, call, &cluster, &infobase, name).await?,
        _ => id("storage"),
    };
    let argument: Vec<Cow<'_, str>> = argument.iter().filter_map(|name| call.given(name)).map(text).collect();
    let values = [
        cluster.clone(),
        infobase.clone(),
        Value::Uuid(storage),
        Value::Int(0),
        Value::Int(kind.into()),
        Value::Text(argument.join("\n").into()),
    ];
    let started = ask(to, known(call, table::OPERATE_STORAGE)?, &values).await?;
    let operation = Reader::new(&started.body).uuid().map_err(|malformed| to.malformed(&malformed))?;
    let mut pause = PAUSES.0;
    loop {
        let values = [cluster.clone(), infobase.clone(), Value::Uuid(operation)];
        let answered = ask(to, known(call, table::STORAGE_DONE)?, &values).await?;
        if answered.body.first().is_some_and(|done| *done != 0) {
            return Ok(answered);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// A date goes as the ticks of the protocol.
fn text(given: &Given) -> Cow<'_, str> {
    match given {
        Given::Date(ticks) => ticks.to_string().into(),
        Given::Text(text) => text.into(),
        _ => "".into(),
    }
}

async fn named(
    to: &mut Connection,
    call: &Call,
    cluster: &Value<'static>,
    infobase: &Value<'static>,
    name: &str,
) -> Result<Uuid> {
    let found = ask(to, known(call, table::STORAGES)?, &[cluster.clone(), infobase.clone()]).await?;
    let mut id = None;
    found.each(|values| {
        if let [Value::Uuid(one), Value::Text(text), ..] = values
            && text == name
        {
            id = Some(*one);
        }
        Ok(())
    })?;
    id.ok_or_else(|| {
        Error::new(Kind::NotFound, "rac.storage_not_found", format!("the infobase has no storage {name}"))
            .hint("rac::binary_data_storage_list(#{ infobase: … }) lists them")
    })
}
