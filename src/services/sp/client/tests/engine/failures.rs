//! Runs that do not go well: what is tried again, what is undone, what is left out, and what is told.

use super::fake::End;
use super::*;
use crate::error::Kind;

use RunState::{Cancelled, Failed};
use StepState as S;

fn count(fake: &Fake, what: &str) -> usize {
    fake.all().iter().filter(|known| *known == what).count()
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_ends_the_entity_and_says_what_the_server_said() {
    let fake = Fake::new(|call, _| if call.starts_with("crude") { Act::raises(50000) } else { Act::takes(10) });
    let site = site(&fake, &[]);
    let run = drive(&site, dated("payment", &["0c06"])).await;
    assert_eq!((run.state, states(&run)), (Failed, vec![S::Ok, S::Failed, S::Skipped]));
    assert_eq!(run.reason.as_deref(), Some("step 2 (crude payment): error 50000 of the server"));
    let error = run.steps[1].error.clone().unwrap();
    let server = error.server.unwrap();
    assert_eq!((error.code.as_str(), server.number, server.severity, server.state), ("sp.50000", 50000, 16, 1));
    assert_eq!((server.procedure.as_deref(), server.line), (Some("dbo.inner"), Some(12)));
    assert_eq!(run.steps[2].note.as_deref(), Some("not begun: step 2 (crude payment) was not good"));
    assert_eq!((count(&fake, "rollback"), run.steps[1].attempts), (1, 1));
    assert!(fake.state().locks.is_empty());
}

/// What happens at the first call of the export, how often it is called then, and how it ends.
#[tokio::test(start_paused = true)]
async fn what_is_tried_again() {
    let cases = [
        ("deadlock victim", End::Raises { number: 1205, severity: 13 }, true, 2, S::Ok),
        ("lock timeout", End::Raises { number: 1222, severity: 16 }, true, 2, S::Ok),
        ("snapshot conflict", End::Raises { number: 3960, severity: 16 }, true, 2, S::Ok),
        ("lost connection", End::Lost, true, 2, S::Ok),
        ("any other error", End::Raises { number: 547, severity: 16 }, true, 1, S::Failed),
        ("an error that ends the session", End::Raises { number: 50000, severity: 20 }, true, 1, S::Failed),
        ("a return code", End::Returns(-6), true, 1, S::Failed),
        ("deadlock victim, not repeatable", End::Raises { number: 1205, severity: 13 }, false, 1, S::Failed),
        ("lost connection, not repeatable", End::Lost, false, 1, S::Failed),
    ];
    for (what, first, repeatable, calls, state) in cases {
        let fake = Fake::new(move |call, nth| match call.contains("export") && nth == 1 {
            true => Act::ends(first.clone()),
            false => Act::takes(10),
        });
        let manner = format!("repeatable  = {repeatable} ");
        let site = site(&fake, &[("repeatable  = true ", &manner)]);
        let run = drive(&site, dated("payment", &["0c06"])).await;
        let exports = fake.calls().iter().filter(|call| call.contains("export")).count();
        assert_eq!((exports, run.steps[0].state), (calls, state), "{what}: {:?}", run.steps[0]);
        assert_eq!(run.steps[0].attempts as usize, calls, "{what}");
        assert_eq!(run.steps[0].error.is_some(), state == S::Failed, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn tries_are_as_many_as_the_catalogue_says_with_longer_and_longer_pauses() {
    let fake = Fake::new(|_, _| Act::raises(1205));
    let site = site(&fake, &[]);
    let run = drive(&site, dated("payment", &["0c06"])).await;
    assert_eq!((run.steps[0].state, run.steps[0].attempts), (S::Failed, 3));
    // Pauses of 5 and 10 seconds, shortened by a half at most.
    let took = run.seconds.unwrap();
    assert!((7.5..=15.1).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_reached_is_tried_again_even_for_what_must_not_be_repeated() {
    let fake = Fake::quick();
    let site =
        site(&fake, &[("enabled       = true", "enabled = false"), ("repeatable  = true ", "repeatable = false ")]);
    fake.state().refuses = 2;
    let run = drive(&site, dated("payment", &["0c06"])).await;
    ok(&run);
    assert_eq!(run.steps[0].attempts, 1, "only once was anything begun");
    fake.state().refuses = 3;
    let run = drive(&site, dated("payment", &["0c06"])).await;
    assert_eq!((run.state, run.steps[0].attempts, run.steps[0].started.is_none()), (Failed, 0, true));
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_between_two_steps_is_made_anew() {
    let fake = Fake::quick();
    let site =
        site(&fake, &[("server = \"dcdb\",         database = \"hcs\"", "server = \"server\", database = \"hcs\"")]);
    let running = site.run(dated("payment", &["0c06", "0c10"]), "ivan").unwrap();
    let cut = async {
        tokio::time::sleep(ms(15)).await;
        // The session of the exports is idle only between them; from here on it is dead.
        let mut state = fake.state();
        state.dead.push(2);
    };
    let (run, ()) = beside(&running, cut).await;
    ok(&run);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_takes_too_long_is_stopped_and_undone() {
    let fake = Fake::new(|call, _| if call.starts_with("crude") { Act::ends(End::Never) } else { Act::takes(10) });
    let site = site(&fake, &[("covers_months = { stack = 3 }", "covers_months = { stack = 3 }, timeout = \"90s\"")]);
    let run = drive(&site, dated("meter_reading", &["0c10"])).await;
    assert_eq!((run.state, states(&run)), (Failed, vec![S::Ok, S::TimedOut, S::Skipped]));
    let error = run.steps[1].error.clone().unwrap();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("sp.timeout", "it took longer than 90 s and was stopped")
    );
    assert_eq!((count(&fake, "attention"), count(&fake, "rollback")), (1, 1));
    assert_eq!(run.steps[1].seconds, Some(90.0));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_is_stopped_and_undone_at_once() {
    let fake = Fake::new(|_, _| Act::takes(60_000));
    let site = site(&fake, &[]);
    let running = site.run(dated("payment", &["0c06"]), "ivan").unwrap();
    let id = running.id().to_owned();
    let cancel = async {
        tokio::time::sleep(ms(61_000)).await;
        site.cancel(&id)
    };
    let (run, cancelled) = beside(&running, cancel).await;
    cancelled.unwrap();
    assert_eq!((run.state, states(&run)), (Cancelled, vec![S::Ok, S::Cancelled, S::Skipped]));
    assert_eq!((count(&fake, "attention"), count(&fake, "rollback")), (1, 1));
    assert_eq!(run.seconds, Some(61.0));
    assert!(fake.state().locks.is_empty());
    assert_eq!(site.cancel(&id).unwrap_err().code(), "sp.not_running");
    assert_eq!(site.cancel("x").unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_is_left_by_its_farewell() {
    let fake = Fake::new(|_, _| Act::takes(60_000));
    let site = site(&fake, &[]);
    let running = site.run(dated("payment", &["0c06"]), "ivan").unwrap();
    assert!(tokio::time::timeout(ms(5000), running.drive()).await.is_err());
    running.abandon().await;
    assert_eq!((count(&fake, "attention"), count(&fake, "rollback")), (1, 1));
    let run = site.find(running.id()).unwrap().unwrap();
    assert_eq!((run.state, states(&run)), (Cancelled, vec![S::Cancelled, S::Pending, S::Pending]));
    assert!(site.status().unwrap().is_empty());
    // It can be taken up again.
    let again = site.resume(running.id(), "olga", Default::default()).unwrap();
    ok(&again.drive().await);
}

#[tokio::test(start_paused = true)]
async fn without_a_farewell_a_dropped_run_is_interrupted() {
    let fake = Fake::new(|_, _| Act::takes(60_000));
    let site = site(&fake, &[]);
    let running = site.run(dated("payment", &["0c06"]), "ivan").unwrap();
    let id = running.id().to_owned();
    assert!(tokio::time::timeout(ms(5000), running.drive()).await.is_err());
    drop(running);
    let run = site.find(&id).unwrap().unwrap();
    assert_eq!((run.state, run.steps[0].state), (RunState::Interrupted, S::Interrupted));
    assert_eq!(count(&fake, "left in the middle"), 1);
    ok(&drive(&site, dated("payment", &["0c06"])).await);
}

#[tokio::test(start_paused = true)]
async fn on_error_decides_what_becomes_of_the_other_entities() {
    let cases = [
        // `personal_account` and what comes after it are left out.
        ("skip-dependents", 12 - 4, 1 + 2 * 3),
        ("continue", 12 - 2, 1),
        // Everything that is not under way yet.
        ("stop", 0, 0),
    ];
    for (on_error, _, _) in cases {
        let fake = Fake::new(|call, _| match call.contains("export_to_bill_ab_premise") {
            true => Act::raises(547),
            false => Act::takes(10),
        });
        let site = site(&fake, &[("on_error = \"skip-dependents\"", &format!("on_error = \"{on_error}\""))]);
        let run = drive(&site, Order { undated_only: true, month: None, year: None, ..whole(&["stek"]) }).await;
        assert_eq!(run.state, Failed, "{on_error}");
        let good: Vec<&str> =
            run.steps.iter().filter(|s| s.stage == "heap" && s.state == S::Ok).map(|s| s.entity.as_str()).collect();
        match on_error {
            "skip-dependents" => assert_eq!(good, ["entrance", "meter"]),
            "continue" => assert_eq!(
                good,
                ["entrance", "meter", "personal_account", "personal_account_meter", "personal_account_parameter"]
            ),
            _ => {
                assert!(good.len() <= 1, "{good:?}");
                let note = run.steps.last().unwrap().note.clone().unwrap();
                assert!(note.ends_with("was not good, and the plan stops there"), "{note}");
            }
        }
        assert!(run.steps.iter().all(|step| step.state != S::Pending), "{on_error}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_source_that_fails_keeps_the_others_from_the_target_unless_the_plan_continues() {
    for (on_error, expected) in [("skip-dependents", S::Skipped), ("continue", S::Ok)] {
        let fake = Fake::new(|call, _| if call.ends_with("meter 0c06") { Act::raises(547) } else { Act::takes(10) });
        let site = site(&fake, &[("on_error = \"skip-dependents\"", &format!("on_error = \"{on_error}\""))]);
        let run = drive(&site, Order { undated_only: true, month: None, year: None, ..whole(&["0c06", "0c10"]) }).await;
        let heap = run.steps.iter().find(|step| step.stage == "heap" && step.entity == "meter").unwrap();
        assert_eq!((run.state, heap.state), (Failed, expected), "{on_error}");
    }
}

#[tokio::test(start_paused = true)]
async fn which_return_codes_are_good_is_said_by_the_stage() {
    for (setting, state) in
        [("return_codes = [0, 4]", RunState::Ok), ("return_codes = \"any\"", RunState::Ok), ("", Failed)]
    {
        let fake = Fake::new(|_, _| Act::ends(End::Returns(4)));
        let share = format!("share       = 6\n{setting}");
        let site = site(
            &fake,
            &[
                ("share       = 6", &share),
                ("share       = 1\n", "share = 1\nreturn_codes = \"any\"\n"),
                ("share       = 3\n", "share = 3\nreturn_codes = [4]\n"),
            ],
        );
        let run = drive(&site, order("meter", "0c06")).await;
        assert_eq!(run.state, state, "{setting}");
        if state == Failed {
            let error = run.steps[1].error.clone().unwrap();
            assert_eq!((error.code.as_str(), error.message.as_str()), ("sp.return_code", "the procedure returned 4"));
            assert_eq!(run.steps[1].return_code, None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_statement_after_a_failed_call_is_sent_all_the_same() {
    let fake = Fake::new(|_, _| Act::raises(547));
    let run = drive(&site(&fake, &[]), order("personal_account_parameter", "stek")).await;
    assert_eq!(run.steps[0].state, S::Failed);
    assert_eq!(count(&fake, "batch SET FORCEPLAN OFF"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_commit_without_an_answer_is_repeated_only_where_that_does_no_harm() {
    for (repeatable, state, attempts) in [(true, S::Ok, 2), (false, S::Failed, 1)] {
        let fake = Fake::quick();
        fake.state().commits_lost = 1;
        let site = site(&fake, &[("repeatable  = true ", &format!("repeatable = {repeatable} "))]);
        let run = drive(&site, order("meter", "0c06")).await;
        assert_eq!((run.steps[0].state, run.steps[0].attempts), (state, attempts));
        if !repeatable {
            assert_eq!(run.steps[0].error.as_ref().unwrap().code, "sp.commit_unknown");
        }
    }
}

#[tokio::test]
async fn a_connection_that_only_reads_runs_nothing() {
    let fake = Fake::quick();
    let catalogue = catalogue(&[]);
    let site = Site::with(Parts {
        name: "x".to_owned(),
        catalogue,
        driver: Arc::new(fake.clone()),
        over: Arc::new(|place| place),
        state: State::in_memory(),
        read_only: true,
        context: context(),
    });
    assert_eq!(refused(&site, order("meter", "0c06")).code(), "sp.read_only");
    assert!(site.plan(&order("meter", "0c06")).is_ok());
}

#[tokio::test]
async fn a_login_that_is_not_set_is_named() {
    let fake = Fake::quick();
    let shipped = Arc::new(Catalogue::read(&SHIPPED.replace("SP_USER", "PULT_TEST_NOBODY_SETS_THIS"), "x").unwrap());
    let site = site_in(&fake, shipped, State::in_memory());
    let error = site.place(Some("hcs")).unwrap_err();
    let message = error.message();
    assert!(message.contains("PULT_TEST_NOBODY_SETS_THIS") && message.contains("`dcdb`"), "{message}");
    let run = drive(&site, order("meter", "0c06")).await;
    assert_eq!(run.steps[0].error.as_ref().unwrap().code, "sp.login");
    assert_eq!(site.place(Some("hsc")).unwrap_err().hint_text(), Some("did you mean `hcs`?"));
}
