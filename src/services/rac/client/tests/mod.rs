//! The client against servers that behave as written here, byte by byte.

mod faults;
mod server;
mod versions;

use std::future::Future;

use super::{Call, Reply, Server};
use crate::core::context::Context;
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::error::{Error, Result};
use crate::services::rac::SETTINGS;
use crate::services::rac::table;
use crate::settings::{Given, Settings};

/// Runs a test on a runtime of its own, with the context of a session.
fn run<T>(test: impl AsyncFnOnce(Context) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let context = Context::new(runtime.handle().clone(), Progress::new(false), State::in_memory(), None);
    runtime.block_on(test(context))
}

fn open(context: &Context, settings: &[(&str, Given)]) -> Server {
    let mut all = Settings::new("a test");
    for (name, given) in settings {
        all.set(SETTINGS, name, given.clone()).unwrap();
    }
    Server::open(&all, context).unwrap()
}

fn at(address: &str) -> (&'static str, Given) {
    ("address", Given::Text(address.into()))
}

fn call(words: &[&str], options: &[(&str, &str)]) -> Call {
    let (mode, command) = table::command(words).unwrap();
    let mut call = Call::new(mode, command);
    for (name, text) in options {
        call.give_text(call.option(name).unwrap(), text).unwrap();
    }
    call
}

fn clusters(server: &Server) -> impl Future<Output = Result<Reply>> {
    let server = server.clone();
    async move { server.run(call(&["cluster", "list"], &[])).await }
}

async fn fails(outcome: impl Future<Output = Result<Reply>>) -> Error {
    outcome.await.expect_err("this call fails")
}

fn rows(reply: Reply) -> crate::core::rows::Rows {
    match reply {
        Reply::Rows(rows) => rows,
        other => panic!("{other:?} is no list"),
    }
}
