//! The client against an Orchestrator that answers what it is told to.

mod simulated;
mod tasks;
mod wire;

use tokio::runtime::Handle;

use super::orchestrator::Orchestrator;
use super::shapes::{Beat, Pulse};
use super::*;
use crate::core::context::{Context, Would};
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::core::tests::server::{Reply as Told, Seen, Server};
use crate::services::robot::SETTINGS;
use crate::settings::{Given, Settings};

const GUID: &str = "da8bc2f0-8065-4385-b867-405e66b8e151";
const HEADER: &str = "Basic ZGE4YmMyZjAtODA2NS00Mzg1LWI4NjctNDA1ZTY2YjhlMTUx";

fn context(would: Option<Box<Would>>) -> Context {
    Context::new(Handle::current(), Progress::new(false), State::in_memory(), would)
}

fn settings(address: &str, more: &[(&str, Given)]) -> Settings {
    let mut settings = Settings::new("[robot.main] in pult.toml");
    let usual = [("address", Given::Text(address.into())), ("guid", Given::Text(GUID.into()))];
    for (name, given) in usual.iter().chain(more) {
        settings.set(SETTINGS, name, given.clone()).unwrap();
    }
    settings
}

fn client_with(server: &Server, more: &[(&str, Given)]) -> Client {
    Client::open(&settings(&format!("http://{}", server.address), more), &context(None)).unwrap()
}

fn client(server: &Server) -> Client {
    client_with(server, &[])
}

impl Client {
    async fn hears(&self, beat: &Beat) -> crate::error::Result<Pulse> {
        self.heartbeat(beat, &Default::default()).await
    }
}
