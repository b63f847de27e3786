//! The engine of runs on a paused clock, with a server that does what a test tells it.

mod failures;
mod fake;
mod kept;
mod locking;
mod orders;
mod running;

use std::sync::Arc;
use std::time::Duration;

use fake::{Act, Fake};
use tokio::runtime::Handle;

use crate::core::context::Context;
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::error::Error;
use crate::services::sp::catalogue::{Catalogue, SHIPPED};
use crate::services::sp::client::engine::Running;
use crate::services::sp::client::run::{Order, Run, RunState, StepState};
use crate::services::sp::client::site::{Parts, Site};

/// The shipped catalogue with a login of its own, and some of its words replaced.
fn catalogue(changes: &[(&str, &str)]) -> Arc<Catalogue> {
    let mut text =
        SHIPPED.replace("\"${env:SP_USER}\"", "\"sync\"").replace("\"${env:SP_PASSWORD}\"", "\"not-secret\"");
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    Arc::new(Catalogue::read(&text, "site.toml").unwrap())
}

fn context() -> Context {
    Context::new(Handle::current(), Progress::new(false), State::in_memory(), None)
}

fn site_in(fake: &Fake, catalogue: Arc<Catalogue>, state: State) -> Site {
    let name = catalogue.name.clone();
    let over = Arc::new(|place| place);
    let driver = Arc::new(fake.clone());
    Site::with(Parts { name, catalogue, driver, over, state, read_only: false, context: context() })
}

fn site(fake: &Fake, changes: &[(&str, &str)]) -> Site {
    site_in(fake, catalogue(changes), State::in_memory())
}

/// An entity of one code.
fn order(name: &str, code: &str) -> Order {
    Order { name: Some(name.to_owned()), codes: vec![code.to_owned()], ..Order::default() }
}

fn dated(name: &str, codes: &[&str]) -> Order {
    let codes = codes.iter().map(|code| (*code).to_owned()).collect();
    Order { name: Some(name.to_owned()), codes, month: Some(7), year: Some(2019), ..Order::default() }
}

/// All of some data sources.
fn whole(codes: &[&str]) -> Order {
    Order { name: None, ..dated("", codes) }
}

async fn drive(site: &Site, order: Order) -> Run {
    site.run(order, "ivan").unwrap().drive().await
}

/// The states of the steps.
fn states(run: &Run) -> Vec<StepState> {
    run.steps.iter().map(|step| step.state).collect()
}

fn ok(run: &Run) {
    assert_eq!((run.state, run.reason.as_deref()), (RunState::Ok, None));
}

/// Carries a run out beside something else.
async fn beside<T>(running: &Running, other: impl Future<Output = T>) -> (Run, T) {
    tokio::join!(running.drive(), other)
}

fn refused(site: &Site, order: Order) -> Error {
    site.run(order, "ivan").map(|running| running.id().to_owned()).unwrap_err()
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}
