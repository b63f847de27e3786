//! The main loop: what is asked in which order, and when.

use std::time::Duration;

use super::world::Fault;
use super::yard::{Script, Site, code, once, ready, seconds, serve, take};
use crate::services::robot::client::agent::Habits;
use crate::services::robot::client::shapes::{JobStatus, RobotStatus};

/// Test 13.
#[tokio::test(start_paused = true)]
async fn without_work_there_is_one_heartbeat_and_nothing_else() {
    let site = Site::new();
    once(&site.agent()).await.unwrap();
    assert_eq!(site.world.words(), ["heartbeat ready"]);
}

/// Tests 16 and 20.
#[tokio::test(start_paused = true)]
async fn one_job_is_taken_begun_run_and_reported_in_order() {
    let site = Site::with(Script::works(2.0));
    once(&site.agent()).await.unwrap();
    let expected = ["heartbeat ready", "consume", "update a in_progress", "update a success", "heartbeat ready"];
    assert_eq!(site.world.words(), expected);
    assert_eq!(site.world.times("heartbeat ready"), [0.0, 2.0], "the second one follows at once");
    let expected = [
        "BOOT -> RECOVER",
        "RECOVER -> DRAIN",
        "DRAIN -> IDLE_HB",
        "IDLE_HB -> CONSUME",
        "CONSUME -> ACCEPT",
        "ACCEPT -> REPORT_START",
        "REPORT_START -> RUN",
        "RUN -> REPORT_END",
        "REPORT_END -> IDLE_HB",
        "IDLE_HB -> EXIT",
    ];
    assert_eq!(*site.turns.lock().unwrap(), expected);
    site.world.check();
}

/// Test 17.
#[tokio::test(start_paused = true)]
async fn three_jobs_have_one_ready_heartbeat_and_one_question_each() {
    let site = Site::new();
    for guid in ["a", "b", "c"] {
        site.job(guid, Script::works(0.5));
    }
    once(&site.agent()).await.unwrap();
    assert_eq!((site.world.times("heartbeat").len(), site.world.times("consume").len()), (4, 3));
    for guid in ["a", "b", "c"] {
        assert_eq!(site.world.history(guid), ["in_progress", "success"]);
    }
    assert_eq!(site.yard.happened(), ["begin a", "begin b", "begin c"]);
    site.world.check();
}

/// Tests 18 and 19.
#[tokio::test(start_paused = true)]
async fn a_job_of_35_seconds_has_three_working_heartbeats_and_none_too_near() {
    let site = Site::with(Script::works(35.0));
    once(&site.agent()).await.unwrap();
    let times = site.world.times("heartbeat working a");
    assert_eq!(times.len(), 3, "{times:?}");
    let mut last = 0.0;
    for time in &times {
        assert!((10.0..=11.0).contains(&(time - last)), "{times:?}");
        last = *time;
    }
    assert_eq!(site.world.times("heartbeat ready")[1], 35.0);
    site.world.check();
}

/// Test 21.
#[tokio::test(start_paused = true)]
async fn strict_spacing_keeps_short_jobs_apart() {
    let mut site = Site::new();
    site.habits = Habits { strict_spacing: true, ..Habits::default() };
    for n in 0..10 {
        site.job(&n.to_string(), Script::works(0.1));
    }
    once(&site.agent()).await.unwrap();
    let times = site.world.times("heartbeat");
    assert_eq!(times.len(), 11);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 10.0), "{times:?}");
}

/// Test 22.
#[tokio::test(start_paused = true)]
async fn work_that_comes_while_a_job_runs_waits_for_its_end() {
    let site = Site::with(Script::works(25.0));
    let agent = site.agent();
    agent.recover().await.unwrap();
    assert!(ready(&agent).await.unwrap());
    tokio::join!(async { assert!(take(&agent).await.unwrap().is_some()) }, async {
        seconds(5.0).await;
        site.job("b", Script::works(1.0));
        seconds(1.0).await;
        assert_eq!(code(agent.consume().await.unwrap_err()), "robot.order");
    });
    assert_eq!(site.world.times("consume").len(), 1);
    assert_eq!(code(agent.consume().await.unwrap_err()), "robot.order", "that was a Working heartbeat's answer");
    assert!(ready(&agent).await.unwrap());
    take(&agent).await.unwrap();
    assert_eq!(site.world.history("b"), ["in_progress", "success"]);
    site.world.check();
}

/// Test 23.
#[tokio::test(start_paused = true)]
async fn a_daemon_asks_every_ten_seconds_and_stays() {
    let site = Site::new();
    let agent = site.agent();
    let asked = tokio::select! {
        done = serve(&agent) => panic!("{done:?}"),
        () = seconds(60.0) => site.world.times("heartbeat"),
    };
    assert!((6..=7).contains(&asked.len()), "{asked:?}");
    site.world.check();
}

#[tokio::test(start_paused = true)]
async fn a_job_is_taken_only_when_it_was_offered_and_only_once() {
    let site = Site::with(Script::works(1.0));
    let agent = site.agent();
    assert_eq!(code(agent.consume().await.unwrap_err()), "robot.order");
    agent.heartbeat(RobotStatus::Ready).await.unwrap();
    let job = agent.consume().await.unwrap().unwrap();
    assert_eq!(code(agent.heartbeat(RobotStatus::Ready).await.unwrap_err()), "robot.order", "it is not finished");
    assert_eq!(code(agent.update("a", JobStatus::Stopping).await.unwrap_err()), "robot.order");
    assert_eq!(code(agent.update("x", JobStatus::Failed).await.unwrap_err()), "robot.order");
    let ended = agent.run_job(&job).await.unwrap();
    assert_eq!(ended.status, JobStatus::Success);
    assert_eq!(code(agent.run_job(&job).await.unwrap_err()), "robot.order", "it ran already");
    assert_eq!(code(agent.update("a", JobStatus::Failed).await.unwrap_err()), "robot.order", "it was a success");
    agent.update("a", JobStatus::Success).await.unwrap();
    // The script never said `in_progress`: that is said for it.
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    assert_eq!(code(agent.heartbeat(RobotStatus::Working).await.unwrap_err()), "robot.order");
}

#[tokio::test(start_paused = true)]
async fn a_job_may_be_finished_by_hand() {
    let site = Site::with(Script::endless());
    let agent = site.agent();
    agent.heartbeat(RobotStatus::Ready).await.unwrap();
    let job = agent.consume().await.unwrap().unwrap();
    agent.update(&job.taken.guid, JobStatus::InProgress).await.unwrap();
    agent.heartbeat(RobotStatus::Working).await.unwrap();
    agent.update(&job.taken.guid, JobStatus::Success).await.unwrap();
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    assert!(site.yard.happened().is_empty());
    site.world.check();
}

#[tokio::test(start_paused = true)]
async fn the_spacing_outlives_the_agent() {
    let site = Site::new();
    let agent = site.agent();
    agent.heartbeat(RobotStatus::Ready).await.unwrap();
    drop(agent);
    seconds(4.0).await;
    let agent = site.agent();
    agent.heartbeat(RobotStatus::Ready).await.unwrap();
    assert!((10.0..=11.0).contains(&site.world.times("heartbeat")[1]));
    site.world.check();
}

/// A name that is looked up and a connection that is made take their time before the Orchestrator sees anything.
#[tokio::test(start_paused = true)]
async fn the_spacing_counts_from_when_a_heartbeat_went_out() {
    let site = Site::with(Script::works(60.0));
    for way in [0.0, 3.0, 1.5, 6.0] {
        site.world.slow_way(Duration::from_secs_f64(way));
    }
    let agent = site.agent();
    agent.recover().await.unwrap();
    assert!(ready(&agent).await.unwrap());
    take(&agent).await.unwrap();
    site.world.check();
    // Over the agent's end as well.
    site.world.slow_way(Duration::from_secs(4));
    agent.heartbeat(RobotStatus::Ready).await.unwrap();
    drop(agent);
    site.agent().heartbeat(RobotStatus::Ready).await.unwrap();
    let times = site.world.times("heartbeat ready");
    let gap = times[times.len() - 1] - times[times.len() - 2];
    assert!((10.0..=11.01).contains(&gap), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_leaves_no_second_heartbeat_behind() {
    let site = Site::new();
    site.world.fault("heartbeat", Fault::Slow(Duration::from_secs(12)), 1);
    let agent = site.agent();
    tokio::select! {
        _ = agent.heartbeat(RobotStatus::Ready) => panic!("it takes twelve seconds"),
        () = seconds(3.0) => {}
    }
    agent.heartbeat(RobotStatus::Ready).await.unwrap();
    assert_eq!(site.world.times("heartbeat").len(), 1, "the first one was waited for");
    assert_eq!(site.now(), 12.0);
    site.world.check();
}

/// Test 69.
#[tokio::test(start_paused = true)]
async fn a_second_agent_asks_nothing() {
    let site = Site::new();
    let (one, other) = (site.agent(), site.agent());
    one.recover().await.unwrap();
    let error = other.recover().await.unwrap_err();
    assert_eq!((error.code(), error.kind().exit_code()), ("robot.locked", 4));
    assert!(site.world.words().is_empty());
    one.leave().await.unwrap();
    other.recover().await.unwrap();
}

/// Test 75.
#[tokio::test(start_paused = true)]
async fn after_an_hour_of_sleep_a_heartbeat_goes_out_within_a_second() {
    let site = Site::with(Script::works(60.0));
    let agent = site.agent();
    tokio::join!(async { drop(once(&agent).await.unwrap()) }, async {
        seconds(12.5).await;
        site.skew.fetch_add(3_600_000, std::sync::atomic::Ordering::Relaxed);
    });
    let times = site.world.times("heartbeat working");
    assert!((12.5..=13.5).contains(&times[1]), "{times:?}");
}

/// A paused clock stands still between two looks at it; the real one does not.
#[tokio::test]
async fn on_a_real_clock_what_is_due_at_once_goes_out_at_once() {
    let mut site = Site::with(Script::works(0.5));
    site.settings = vec![("test_clock", 50.0)];
    let agent = site.agent();
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        once(&agent).await.unwrap();
        agent.rest().await.unwrap();
        agent.heartbeat(RobotStatus::Ready).await.unwrap();
    })
    .await
    .unwrap();
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    let times = site.world.times("heartbeat working");
    assert!(!times.is_empty() && times.windows(2).all(|pair| pair[1] - pair[0] >= 0.2), "{times:?}");
}
