//! Runs over the real driver against the simulator: what the paused clock cannot show.

use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::server;
use crate::core::context::Context;
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::sandbox::sp::{Knobs, SqlServer};
use crate::services::sp::SETTINGS;
use crate::services::sp::client::engine::Running;
use crate::services::sp::client::run::{Order, Run, RunState, StepState as S};
use crate::services::sp::client::site::{Site, Unknown};
use crate::settings::{Given, Settings};

/// An installation of its own at this server.
fn site(server: &SqlServer) -> Site {
    site_with(&[("address", &server.address()), ("user", &server.user()), ("password", &server.password())])
}

fn site_with(texts: &[(&str, &str)]) -> Site {
    let mut settings = Settings::new("[sp.main]");
    for (name, text) in texts {
        settings.set(SETTINGS, name, Given::Text((*text).to_owned())).unwrap();
    }
    settings.set(SETTINGS, "insecure", Given::Flag(true)).unwrap();
    let context = Context::new(tokio::runtime::Handle::current(), Progress::new(false), State::in_memory(), None);
    Site::open(&settings, &context).unwrap()
}

fn payment(codes: &[&str]) -> Order {
    let codes = codes.iter().map(|code| (*code).to_owned()).collect();
    Order { name: Some("payment".to_owned()), codes, month: Some(7), year: Some(2019), ..Order::default() }
}

fn states(run: &Run) -> Vec<S> {
    run.steps.iter().map(|step| step.state).collect()
}

fn ok(run: &Run) {
    assert_eq!((run.state, run.reason.as_deref()), (RunState::Ok, None));
}

async fn drive(site: &Site, order: Order) -> Run {
    site.run(order, "ivan").unwrap().drive().await
}

/// Waits until a step stands like this.
async fn until(running: &Running, at: usize, state: S) {
    let reached = async {
        while running.run().steps[at].state != state {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), reached).await.unwrap();
}

#[tokio::test]
async fn an_entity_goes_through_its_stages_and_the_checks_see_it() {
    let server = server(|knobs| knobs.messages = vec!["{stage} {entity}: begun".to_owned()]).await;
    let run = drive(&site(&server), Order { checks: true, ..payment(&["0c06", "stek"]) }).await;
    ok(&run);
    assert_eq!(states(&run), [S::Ok; 4]);
    let said: Vec<&str> = run.steps[0].messages.iter().map(|message| message.text.as_str()).collect();
    assert!(said.contains(&"prep payment: begun"), "{said:?}");
    assert!(run.steps.iter().all(|step| step.return_code == Some(0) && step.seconds.is_some()));
    assert_eq!(run.checks.len(), 6);
    for check in &run.checks {
        assert_eq!(check.warning, None, "{check:?}");
        assert!(check.after > check.before, "{check:?}");
    }
}

#[tokio::test]
async fn every_entity_of_two_sources_with_the_options_around_a_call() {
    let server = server(|_| {}).await;
    let order = Order { name: None, ..payment(&["zagser", "0c23"]) };
    let run = drive(&site(&server), order).await;
    ok(&run);
    let forced = run.steps.iter().find(|step| step.statement.contains("FORCEPLAN")).unwrap();
    assert_eq!(forced.return_code, Some(0));
}

#[tokio::test]
async fn what_the_server_says_of_a_failure_is_kept() {
    let server = server(|knobs| {
        let failure =
            json!({ "fail": [{ "stage": "crude", "number": 51234, "severity": 16, "state": 7, "text": "нет места" }] });
        *knobs = knobs.merged(&failure).unwrap();
    })
    .await;
    let site = site(&server);
    let run = drive(&site, payment(&["0c06"])).await;
    assert_eq!((run.state, states(&run)), (RunState::Failed, vec![S::Ok, S::Failed, S::Skipped]));
    let error = run.steps[1].error.clone().unwrap();
    let told = error.server.unwrap();
    assert_eq!((told.number, told.severity, told.state, told.message.as_str()), (51234, 16, 7, "нет места"));
    assert!(told.procedure.unwrap().ends_with("sp_load_datasource_payment"));
    // It fails once.
    ok(&site.resume(&run.id, "ivan", Unknown::Refuse).unwrap().drive().await);
}

#[tokio::test]
async fn a_lost_connection_and_a_deadlock_are_tried_again() {
    for knob in ["drop", "deadlock"] {
        let server = server(|knobs| *knobs = knobs.merged(&json!({ knob: { "next": 1 } })).unwrap()).await;
        let mut catalogue = std::fs::read_to_string("src/services/sp/catalogue/default.toml").unwrap();
        catalogue = catalogue.replace("backoff       = \"5s\"", "backoff = \"20ms\"");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("site.toml");
        std::fs::write(&file, catalogue).unwrap();
        let file = file.display().to_string();
        let (address, user, password) = (server.address(), server.user(), server.password());
        let texts = [("address", &*address), ("user", &*user), ("password", &*password), ("catalogue", &*file)];
        let run = drive(&site_with(&texts), payment(&["0c06"])).await;
        ok(&run);
        assert_eq!(run.steps[0].attempts, 2, "{knob}");
    }
}

#[tokio::test]
async fn a_run_that_hangs_is_cancelled_and_another_one_goes_through() {
    let server = server(|knobs| *knobs = knobs.merged(&json!({ "hang": { "next": 1 } })).unwrap()).await;
    let site = site(&server);
    let running = site.run(payment(&["0c06"]), "ivan").unwrap();
    let cancel = async {
        until(&running, 0, S::Running).await;
        sleep(Duration::from_millis(50)).await;
        site.cancel(running.id()).unwrap();
    };
    let (run, ()) = tokio::join!(running.drive(), cancel);
    assert_eq!((run.state, states(&run)), (RunState::Cancelled, vec![S::Cancelled, S::Skipped, S::Skipped]));
    ok(&drive(&site, payment(&["0c06"])).await);
}

#[tokio::test]
async fn a_farewell_leaves_nothing_behind() {
    let server = server(|knobs| *knobs = knobs.merged(&json!({ "hang": { "next": 1 } })).unwrap()).await;
    let site = site(&server);
    let running = site.run(payment(&["0c06"]), "ivan").unwrap();
    tokio::select! {
        _ = running.drive() => unreachable!("it hangs"),
        () = async { until(&running, 0, S::Running).await; sleep(Duration::from_millis(50)).await } => {}
    }
    running.abandon().await;
    assert_eq!(running.run().state, RunState::Cancelled);
    ok(&drive(&site, payment(&["0c06"])).await);
}

#[tokio::test]
async fn two_installations_wait_for_each_other_and_name_the_holder() {
    let server = server(|knobs| knobs.durations = [("crude".to_owned(), 400.0)].into()).await;
    let (one, other) = (site(&server), site(&server));
    let first = one.run(payment(&["0c06"]), "ivan").unwrap();
    let second = other.run(payment(&["stek"]), "olga").unwrap();
    let look = async {
        until(&first, 1, S::Running).await;
        sleep(Duration::from_millis(150)).await;
        second.run().steps[1].note.clone().unwrap_or_default()
    };
    let later = async {
        until(&first, 1, S::Running).await;
        second.drive().await
    };
    let (run, late, note) = tokio::join!(first.drive(), later, look);
    ok(&run);
    ok(&late);
    assert!(note.starts_with("waits for the lock pult:sp:crude:payment, held by session "), "{note}");
    assert!(note.contains(&format!("pult {} ivan", first.id())), "{note}");
}

#[tokio::test]
async fn preps_run_side_by_side_over_real_connections() {
    let server = server(|knobs| {
        knobs.durations =
            [("prep", 200.0), ("crude", 20.0), ("heap", 20.0)].map(|(stage, ms)| (stage.to_owned(), ms)).into()
    })
    .await;
    // Three servers of the catalogue have one place each.
    let run = drive(&site(&server), payment(&["0c06", "stek", "zagser"])).await;
    ok(&run);
    let seconds = run.seconds.unwrap();
    assert!((0.24..0.55).contains(&seconds), "{seconds}");
}

/// What the killed process is told: where the server and the history are.
const VICTIM: &str = "PULT_TEST_VICTIM";

/// Not a test by itself: what the process does that the next test kills.
#[tokio::test]
async fn the_process_that_is_killed() {
    let Ok(told) = std::env::var(VICTIM) else { return };
    let texts: Vec<&str> = told.split('|').collect();
    let site = site_with(&[("address", texts[0]), ("user", texts[1]), ("password", texts[2]), ("state", texts[3])]);
    drive(&site, payment(&["0c06"])).await;
}

#[tokio::test]
async fn a_killed_process_is_seen_to_be_gone_and_its_run_goes_on() {
    let server = server(|knobs| knobs.durations = [("crude".to_owned(), 60_000.0)].into()).await;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("runs.sqlite").display().to_string();
    let (address, user, password) = (server.address(), server.user(), server.password());
    let site = site_with(&[("address", &address), ("user", &user), ("password", &password), ("state", &state)]);
    let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["the_process_that_is_killed", "--nocapture"])
        .env(VICTIM, [&*address, &*user, &*password, &*state].join("|"))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let under_way = async {
        loop {
            let runs = site.status().unwrap();
            if runs.iter().any(|run| run.steps[1].state == S::Running) {
                break runs;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let runs = timeout(Duration::from_secs(60), under_way).await.unwrap();
    let error = site.run(payment(&["stek"]), "olga").map(|running| running.id().to_owned()).unwrap_err();
    assert_eq!(error.code(), "sp.busy");
    victim.kill().unwrap();
    victim.wait().unwrap();
    let left = site.find(&runs[0].id).unwrap().unwrap();
    assert_eq!((left.state, states(&left)), (RunState::Interrupted, vec![S::Ok, S::Interrupted, S::Pending]));
    *server.hub().knobs() = Knobs::default();
    ok(&site.resume(&left.id, "olga", Unknown::Refuse).unwrap().drive().await);
    let calls = server.hub().calls();
    let count = |word: &str| calls.iter().filter(|call| call.text.contains(word)).count();
    assert_eq!((count("export_to_bill_ab_payment"), count("load_datasource_payment")), (1, 2));
    ok(&drive(&site, payment(&["stek"])).await);
}
