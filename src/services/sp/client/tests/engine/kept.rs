//! What is kept of runs: claims, history, what a killed process leaves, taking up again.

use std::path::Path;

use super::*;
use crate::services::sp::client::history::Filter;
use crate::services::sp::client::site::Unknown;

use StepState as S;

/// A site of a process of its own that shares a file.
fn process(fake: &Fake, file: &Path, changes: &[(&str, &str)]) -> Site {
    site_in(fake, catalogue(changes), State::at(file).for_journals())
}

#[tokio::test(start_paused = true)]
async fn of_two_starts_one_wins_and_the_other_is_told_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::quick();
    let file = folder.path().join("runs.sqlite");
    let (one, other) = (process(&fake, &file, &[]), process(&fake, &file, &[]));
    let running = one.run(dated("payment", &["0c06"]), "ivan").unwrap();
    for site in [&one, &other] {
        // Another code, but the same crude and heap.
        let error = refused(site, dated("payment", &["stek"]));
        assert_eq!(error.code(), "sp.busy");
        let expected = format!("run {} is in the way: payment of 0c06, by ivan since", running.id());
        assert!(error.message().starts_with(&expected), "{error}");
        assert!(error.details().contains(&("run", running.id().into())));
    }
    let beside = other.run(dated("meter_reading", &["0c06"]), "olga").unwrap();
    let under_way: Vec<String> = one.status().unwrap().into_iter().map(|run| run.by).collect();
    assert_eq!(under_way, ["ivan", "olga"]);
    let (run, second) = tokio::join!(running.drive(), beside.drive());
    ok(&run);
    ok(&second);
    ok(&drive(&other, dated("payment", &["stek"])).await);
}

#[test]
fn of_many_starts_at_the_same_moment_exactly_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.sqlite");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let fake = Fake::quick();
    let sites: Vec<Site> = (0..4).map(|_| process(&fake, &file, &[])).collect();
    let barrier = std::sync::Barrier::new(sites.len() * 2);
    let won = std::thread::scope(|scope| {
        let starts = sites.iter().chain(&sites).map(|site| {
            scope.spawn(|| {
                barrier.wait();
                site.run(dated("payment", &["0c06"]), "ivan").map_err(|error| error.code().to_owned())
            })
        });
        let starts: Vec<_> = starts.collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(won.iter().filter(|won| won.is_ok()).count(), 1);
    assert!(won.iter().filter_map(|won| won.as_ref().err()).all(|code| code == "sp.busy"));
}

#[tokio::test(start_paused = true)]
async fn a_run_may_wait_for_what_is_in_the_way() {
    let fake = Fake::new(|_, _| Act::takes(5000));
    let site = site(&fake, &[]);
    let first = site.run(dated("payment", &["0c06"]), "ivan").unwrap();
    let second = site.run(Order { wait: true, ..dated("payment", &["0c10"]) }, "olga").unwrap();
    let look = async {
        tokio::time::sleep(ms(1000)).await;
        second.run()
    };
    let (one, two, waiting) = tokio::join!(first.drive(), second.drive(), look);
    assert_eq!((waiting.state, waiting.reason), (RunState::Waiting, Some(format!("waits for run {}", first.id()))));
    ok(&one);
    ok(&two);
    assert_eq!(fake.most_at_once("payment"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_run_can_be_cancelled() {
    let fake = Fake::new(|_, _| Act::takes(5000));
    let site = site(&fake, &[]);
    let first = site.run(dated("payment", &["0c06"]), "ivan").unwrap();
    let second = site.run(Order { wait: true, ..dated("payment", &["0c10"]) }, "olga").unwrap();
    let cancel = async {
        tokio::time::sleep(ms(1000)).await;
        site.cancel(second.id()).unwrap();
    };
    let (one, two, ()) = tokio::join!(first.drive(), second.drive(), cancel);
    ok(&one);
    assert_eq!((two.state, fake.calls().len()), (RunState::Cancelled, 3));
}

#[tokio::test(start_paused = true)]
async fn another_process_can_cancel_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::new(|_, _| Act::takes(60_000));
    let file = folder.path().join("runs.sqlite");
    let (one, other) = (process(&fake, &file, &[]), process(&fake, &file, &[]));
    let running = one.run(dated("payment", &["0c06"]), "ivan").unwrap();
    let cancel = async {
        tokio::time::sleep(ms(10_500)).await;
        other.cancel(running.id()).unwrap();
    };
    let (run, ()) = beside(&running, cancel).await;
    assert_eq!((run.state, run.seconds), (RunState::Cancelled, Some(11.0)));
}

#[tokio::test(start_paused = true)]
async fn history_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new folder/runs.sqlite");
    let fake = Fake::new(|call, _| match call.contains("room") {
        true => Act::raises(547),
        false => Act { says: vec!["done".to_owned()], ..Act::takes(1000) },
    });
    let site = process(&fake, &file, &[]);
    let first = drive(&site, Order { checks: true, ..dated("payment", &["0c06", "0c10"]) }).await;
    let second = drive(&site, order("room", "0c06")).await;
    drop(site);
    let site = process(&fake, &file, &[]);
    let all = site.history(&Filter::default()).unwrap();
    let ids: Vec<&str> = all.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, [&second.id, &first.id]);
    assert_eq!((all[1].steps.len(), all[1].steps[0].messages.len(), all[1].checks.len()), (4, 0, 6));
    let whole = site.find(&first.id).unwrap().unwrap();
    assert_eq!(whole.steps[3].messages[0].text, "done");
    assert_eq!(serde_json::to_value(&whole).unwrap(), serde_json::to_value(&first).unwrap());
    let count = |filter: Filter| site.history(&filter).unwrap().len();
    assert_eq!(count(Filter { name: Some("room".to_owned()), ..Filter::default() }), 1);
    assert_eq!(count(Filter { code: Some("0c10".to_owned()), ..Filter::default() }), 1);
    assert_eq!(count(Filter { code: Some("0c1".to_owned()), ..Filter::default() }), 0);
    assert_eq!(count(Filter { state: Some(RunState::Failed), ..Filter::default() }), 1);
    assert_eq!(count(Filter { before: Some(second.id.clone()), ..Filter::default() }), 1);
    assert_eq!(count(Filter { limit: 1, ..Filter::default() }), 1);
    assert!(site.find("nobody").unwrap().is_none());
}

/// A run whose process is killed while its steps stand like this; `None` stays pending.
fn killed(fake: &Fake, file: &Path, changes: &[(&str, &str)], states: [Option<StepState>; 3]) -> String {
    let dead = process(fake, file, changes);
    let running = dead.run(dated("payment", &["0c06"]), "ivan").unwrap();
    let id = running.id().to_owned();
    for (at, state) in states.into_iter().enumerate() {
        let Some(state) = state else { continue };
        running.live.note_step(at, |step| {
            step.state = state;
            step.attempts = 1;
            step.started = Some("2026-01-01T00:00:00Z".to_owned());
        });
    }
    // What a killed process does not do: say that it ends. Its lock on its file goes with it.
    std::mem::forget(running);
    let owner = dead.0.history.owner().to_owned();
    let mine = file.with_file_name(format!("runs.sqlite.{owner}.alive"));
    assert!(mine.exists());
    std::fs::remove_file(&mine).unwrap();
    std::fs::write(&mine, "").unwrap();
    id
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_leaves_runs_that_can_be_taken_up() {
    // How the second step stood, whether it is repeatable, whether it has a transaction; whether it is asked about.
    let cases = [
        (None, true, true, false),
        (None, false, false, false),
        (Some(S::Running), true, true, false),
        (Some(S::Running), false, true, false),
        (Some(S::Running), true, false, false),
        (Some(S::Running), false, false, true),
        (Some(S::Committing), true, true, false),
        (Some(S::Committing), false, true, true),
    ];
    for (state, repeatable, transaction, asks) in cases {
        let what = format!("{state:?} repeatable: {repeatable}, transaction: {transaction}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runs.sqlite");
        let fake = Fake::quick();
        let (manner, own) =
            (format!("share = 6\nrepeatable = {repeatable}\n"), format!("\ntransaction = {transaction}\n"));
        let changes = [
            (
                "per         = \"entity\"           # takes in what every data source has handed over; \"code\" repeats it for each of them\ntransaction = true\n",
                "per = \"entity\"",
            ),
            ("repeatable  = true               # assumed\nshare       = 6\n", &*manner),
        ];
        let first = format!("per = \"entity\"{own}");
        let changes = [(changes[0].0, &*first), changes[1]];
        let id = killed(&fake, &file, &changes, [Some(S::Ok), state, None]);
        let site = process(&fake, &file, &changes);
        let found = site.find(&id).unwrap().unwrap();
        assert_eq!(found.state, RunState::Interrupted, "{what}");
        let kept = match state {
            None => S::Pending,
            Some(S::Committing) => S::Committing,
            _ => S::Interrupted,
        };
        assert_eq!(super::states(&found), [S::Ok, kept, S::Pending], "{what}");
        let running = match asks {
            false => site.resume(&id, "olga", Unknown::Refuse).unwrap(),
            true => {
                let error = site.resume(&id, "olga", Unknown::Refuse).map(|_| ()).unwrap_err();
                assert_eq!(error.code(), "sp.unknown_outcome", "{what}");
                assert!(error.message().contains("step 2 (crude payment)"), "{error}");
                let skipped = site.resume(&id, "olga", Unknown::Skip).unwrap();
                assert_eq!(skipped.run().steps[1].state, S::Ok);
                drop(skipped);
                site.resume(&id, "olga", Unknown::Repeat).unwrap()
            }
        };
        let run = running.drive().await;
        ok(&run);
        assert_eq!((run.by.as_str(), run.resumed >= 1), ("ivan, then olga", true));
        let calls = fake.calls();
        // After `skip` it is taken as done for good.
        let expected: &[&str] = match asks {
            true => &["heap.sp_load_to_heap_from_crude_payment"],
            false => &["crude.sp_load_datasource_payment", "heap.sp_load_to_heap_from_crude_payment"],
        };
        assert_eq!(calls, expected, "{what}: no step twice, none lost");
        assert_eq!(site.resume(&id, "olga", Unknown::Refuse).map(|_| ()).unwrap_err().code(), "sp.not_resumable");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_that_take_up_the_same_run_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.sqlite");
    let fake = Fake::quick();
    let id = killed(&fake, &file, &[], [Some(S::Ok), Some(S::Running), None]);
    let (one, other) = (process(&fake, &file, &[]), process(&fake, &file, &[]));
    let running = one.resume(&id, "ivan", Unknown::Refuse).unwrap();
    assert_eq!(other.resume(&id, "olga", Unknown::Refuse).map(|_| ()).unwrap_err().code(), "sp.not_resumable");
    // Both have found it interrupted, and come to claim it one after the other.
    let claimed = other.0.history.go_on(&running.run(), &[]).unwrap();
    assert_eq!(claimed, crate::services::sp::client::history::Claimed::No(id));
    ok(&running.drive().await);
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_goes_on_where_it_failed() {
    let fake = Fake::new(|call, nth| match call.starts_with("crude") && nth == 1 {
        true => Act::raises(547),
        false => Act::takes(10),
    });
    let site = site(&fake, &[]);
    let failed = drive(&site, dated("payment", &["0c06"])).await;
    assert_eq!(failed.state, RunState::Failed);
    let running = site.resume(&failed.id, "ivan", Unknown::Refuse).unwrap();
    assert_eq!(site.resume(&failed.id, "ivan", Unknown::Refuse).map(|_| ()).unwrap_err().code(), "sp.not_resumable");
    let run = running.drive().await;
    ok(&run);
    assert_eq!((run.by.as_str(), run.resumed), ("ivan", 1));
    let calls = fake.calls();
    assert_eq!(calls.iter().filter(|call| call.contains("export")).count(), 1);
    assert_eq!(calls.iter().filter(|call| call.contains("crude.")).count(), 2);
    assert_eq!(site.resume("nobody", "ivan", Unknown::Refuse).map(|_| ()).unwrap_err().code(), "sp.no_run");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_not_taken_up_under_another_catalogue() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.sqlite");
    let fake = Fake::new(|_, _| Act::raises(547));
    let failed = drive(&process(&fake, &file, &[]), order("meter", "0c06")).await;
    let other = process(&fake, &file, &[("crude.sp_load_datasource_{name}", "crude.load_{name}")]);
    let error = other.resume(&failed.id, "ivan", Unknown::Refuse).map(|_| ()).unwrap_err();
    assert!(error.message().ends_with("the catalogue has changed since"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_told_to_be_done_costs_little() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::new(|_, _| Act::takes(0));
    let site = process(&fake, &folder.path().join("runs.sqlite"), &[]);
    let began = std::time::Instant::now();
    let run = drive(&site, whole(&["0c06"])).await;
    ok(&run);
    // Not a promise about speed, but against a mistake by an order of magnitude: sixty steps of an unoptimised build.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_end_that_could_not_be_recorded_is_recorded_before_the_next_claim() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.sqlite");
    let fake = Fake::quick();
    let site = process(&fake, &file, &[]);
    let running = site.run(order("meter", "0c06"), "ivan").unwrap();
    let db = rusqlite::Connection::open(&file).unwrap();
    let refuse = "CREATE TRIGGER full BEFORE UPDATE ON sp_runs BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    db.execute_batch(refuse).unwrap();
    ok(&running.drive().await);
    drop(running);
    db.execute_batch("DROP TRIGGER full").unwrap();
    ok(&drive(&site, order("meter", "0c06")).await);
    assert!(site.history(&Filter::default()).unwrap().iter().all(|run| run.state == RunState::Ok));
}
