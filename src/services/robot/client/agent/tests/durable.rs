//! The agent dies at every moment, and the next one puts right what it has left.

use super::world::Fault;
use super::yard::{Script, Site, carry, code, once, ready, seconds, serve, until_death};
use crate::services::robot::client::journal::Phase;
use crate::services::robot::client::shapes::{JobStatus, RobotStatus};
use crate::services::robot::client::trouble;
use crate::services::robot::client::work::How;

const POINTS: [&str; 7] =
    ["after_consume", "after_journal", "after_8", "in_run", "after_end", "after_outbox", "after_send"];

async fn dies(site: &Site, after: f64) -> bool {
    let agent = site.agent();
    until_death(async { once(&agent).await.map(drop) }, after).await
}

/// Test 66: at each of the crash points every job has one true end, and none runs twice.
#[tokio::test(start_paused = true)]
async fn wherever_the_agent_dies_every_job_has_one_true_end() {
    for point in POINTS {
        for is_silent in [false, true] {
            let mut site = Site::with(Script { says: vec!["works".into()], ..Script::works(2.0) });
            *site.yard.silent.lock().unwrap() = is_silent;
            site.failpoint = Some(point);
            assert!(dies(&site, 1000.0).await, "{point}");
            site.failpoint = None;
            site.job("b", Script::works(1.0));
            let recovered = once(&site.agent()).await.unwrap();

            let begun = site.yard.happened().iter().filter(|what| *what == "begin a").count();
            let expected: &[&str] = match point {
                // Nobody knows of it but the Orchestrator.
                "after_consume" => &[],
                "after_journal" => &["failed"],
                "after_8" | "in_run" => &["in_progress", "failed"],
                _ => &["in_progress", "success"],
            };
            assert_eq!(site.world.history("a"), expected, "{point}");
            assert_eq!(begun, usize::from(!matches!(point, "after_consume" | "after_journal" | "after_8")), "{point}");
            assert_eq!(site.world.history("b"), ["in_progress", "success"], "{point}");
            let was_left = !matches!(point, "after_consume" | "after_outbox" | "after_send");
            assert_eq!(recovered.len(), usize::from(was_left), "{point}");
            if expected.last() == Some(&"failed") {
                let lines = site.world.lines();
                assert!(lines.iter().any(|line| line.contains("interrupted by restart")), "{point}: {lines:?}");
            }
            // The end of the old job was reported before the new one was asked for.
            let words = site.world.words();
            let end = words.iter().rposition(|what| what.starts_with("update a"));
            assert!(end < words.iter().rposition(|what| what == "consume"), "{point}: {words:?}");
            assert!(site.journal().unfinished().unwrap().is_empty() && site.journal().depth().unwrap() == 0, "{point}");
            site.world.check();
        }
    }
}

/// The same at any moment at all, with a server that loses answers.
#[tokio::test(start_paused = true)]
async fn whenever_the_agent_dies_every_job_that_it_knew_has_one_end() {
    for n in 0..60 {
        let site = Site::with(Script::works(12.0));
        site.world.fault("update", Fault::Lost, n % 3);
        site.world.fault("log", Fault::Fails(trouble::code::BUSY), n % 2);
        dies(&site, n as f64 * 0.45).await;
        let knew = site.journal().record("a").unwrap().is_some();
        dies(&site, n as f64 * 0.3).await;
        once(&site.agent()).await.unwrap();
        let finals = site.world.history("a").iter().filter(|word| !matches!(**word, "in_progress")).count();
        assert!(finals == 1 || !knew, "{n}: {:?}", site.world.words());
        let begun = site.yard.happened().iter().filter(|what| *what == "begin a").count();
        assert!(begun <= 1, "{n}");
        site.world.check();
    }
}

/// Test 57.
#[tokio::test(start_paused = true)]
async fn a_result_of_before_goes_out_before_the_next_job_is_taken() {
    let site = Site::with(Script::works(5.0));
    let agent = site.agent();
    tokio::join!(
        async {
            until_death(serve(&agent), 20.0).await;
        },
        async {
            seconds(4.0).await;
            site.world.set_down(true);
        }
    );
    drop(agent);
    site.job("b", Script::works(1.0));
    let agent = site.agent();
    tokio::join!(async { drop(once(&agent).await.unwrap()) }, async {
        seconds(100.0).await;
        site.world.set_down(false);
    });
    let words = site.world.words();
    let last = |what: &str| words.iter().rposition(|word| word == what).unwrap();
    assert!(last("update a success") < last("consume"), "{words:?}");
    assert_eq!(
        (site.world.history("a"), site.world.history("b")),
        (vec!["in_progress", "success"], vec!["in_progress", "success"])
    );
    site.world.check();
}

/// Test 67, and what the supervisor still wrote is believed.
#[tokio::test(start_paused = true)]
async fn a_job_that_had_ended_by_itself_keeps_its_true_end() {
    for (how, status) in [(How::Returned, "success"), (How::Exited(3), "failed")] {
        let site = Site::with(Script::endless());
        assert!(dies(&site, 30.0).await);
        // The supervisor outlived the agent, and the job came to its own end first.
        let db = rusqlite::Connection::open(site.state()).unwrap();
        db.execute("UPDATE robot_jobs SET ending = NULL", []).unwrap();
        let record = site.journal().unfinished().unwrap().remove(0);
        assert_eq!((record.phase, record.begun), (Phase::Begun, 1));
        let ending = crate::services::robot::client::work::Ending {
            how,
            observed: false,
            took: std::time::Duration::from_secs(31),
            tail: vec![],
        };
        site.journal().ended("a", &ending).unwrap();
        let recovered = once(&site.agent()).await.unwrap();
        assert_eq!(recovered[0].status.word(), status);
        assert_eq!(site.world.history("a"), ["in_progress", status]);
    }
}

/// Test 68.
#[tokio::test(start_paused = true)]
async fn an_interrupted_job_is_run_once_more_where_that_is_wanted_and_no_more_often() {
    let mut site = Site::with(Script::works(30.0));
    site.habits.reruns = 1;
    assert!(dies(&site, 15.0).await);
    let recovered = once(&site.agent()).await.unwrap();
    assert!(recovered[0].rerun && recovered[0].status == JobStatus::Success);
    assert_eq!(site.yard.happened(), ["begin a", "begin a"]);
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);

    let mut site = Site::with(Script::works(30.0));
    site.habits.reruns = 1;
    assert!(dies(&site, 15.0).await && dies(&site, 15.0).await);
    let recovered = once(&site.agent()).await.unwrap();
    assert!(!recovered[0].rerun && recovered[0].status == JobStatus::Failed);
    assert_eq!(site.yard.happened(), ["begin a", "begin a"]);
    site.world.check();
}

/// Test 71: what survived is killed by number and time of its start together; a killed supervisor's ending is ours.
#[tokio::test(start_paused = true)]
async fn what_survived_the_agent_is_killed_and_nothing_else() {
    let site = Site::with(Script::endless());
    *site.yard.silent.lock().unwrap() = true;
    assert!(dies(&site, 15.0).await);
    let at = site.now();
    once(&site.agent()).await.unwrap();
    assert!((5.0..7.0).contains(&(site.world.times("update a failed")[0] - at)), "it was given its time");
    assert_eq!(site.yard.happened()[1], "survivor 1000 of a");
    assert_eq!(site.world.history("a"), ["in_progress", "failed"]);
}

/// Test 72.
#[tokio::test(start_paused = true)]
async fn a_job_that_is_handed_out_again_is_not_run_again() {
    let mut site = Site::with(Script::works(1.0));
    once(&site.agent()).await.unwrap();
    site.world.hand_out_again("a");
    once(&site.agent()).await.unwrap();
    assert_eq!(site.world.history("a"), ["in_progress", "success", "success"]);
    assert_eq!(site.yard.happened(), ["begin a"]);
    assert!(site.world.lines()[0].contains("not run again"));

    site.habits.run_repeats = true;
    site.world.hand_out_again("a");
    once(&site.agent()).await.unwrap();
    assert_eq!(site.yard.happened(), ["begin a", "begin a"]);
}

/// Test 74, the agent's part.
#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_brought_to_its_end_all_the_same() {
    let mut site = Site::with(Script::works(30.0));
    site.habits.reruns = 1;
    assert!(dies(&site, 15.0).await);
    let db = rusqlite::Connection::open(site.state()).unwrap();
    db.execute("UPDATE robot_jobs SET taken = substr(taken, 1, 30), ending = '{\"how\"'", []).unwrap();
    once(&site.agent()).await.unwrap();
    assert_eq!(site.world.history("a"), ["in_progress", "failed"], "what cannot be read cannot be run again");
    assert_eq!(site.journal().aside().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_script_gives_up_is_put_right_without_a_restart() {
    let site = Site::with(Script::works(30.0));
    site.job("b", Script::works(1.0));
    let agent = site.agent();
    agent.recover().await.unwrap();
    assert!(ready(&agent).await.unwrap());
    let job = agent.consume().await.unwrap().unwrap();
    tokio::select! {
        _ = carry(&agent, &job) => panic!("it takes longer"),
        () = seconds(5.0) => {}
    }
    assert_eq!(code(agent.heartbeat(RobotStatus::Ready).await.unwrap_err()), "robot.order");
    let recovered = agent.recover().await.unwrap();
    assert_eq!((recovered[0].job.as_str(), recovered[0].status), ("a", JobStatus::Failed));
    assert!(ready(&agent).await.unwrap());
    super::yard::take(&agent).await.unwrap();
    assert_eq!(site.world.history("b"), ["in_progress", "success"]);
    site.world.check();
}

#[tokio::test(start_paused = true)]
async fn without_recovery_no_job_is_taken_while_another_is_unfinished() {
    let site = Site::with(Script::works(30.0));
    assert!(dies(&site, 15.0).await);
    site.job("b", Script::works(1.0));
    let agent = site.agent();
    assert!(ready(&agent).await.unwrap());
    let error = agent.consume().await.unwrap_err();
    assert!(error.code() == "robot.order" && error.hint_text().unwrap().contains("recover"), "{error:?}");
}
