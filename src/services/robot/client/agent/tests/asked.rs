//! Stop and Abort, limits of time, and the agent's own end.

use std::time::Duration;

use super::world::Fault;
use super::yard::{Script, Site, carry, once, ready, seconds, serve, take};
use crate::services::robot::client::agent::{Habits, Sent};
use crate::services::robot::client::shapes::{Asked, JobStatus, RobotStatus};
use crate::services::robot::client::work::How;

/// Runs everything, while after so many seconds the operator asks for something.
async fn with_wishes(site: &Site, wishes: &[(f64, JobStatus)]) {
    let agent = site.agent();
    tokio::join!(async { drop(once(&agent).await.unwrap()) }, async {
        for (at, wish) in wishes {
            seconds(at - site.now()).await;
            site.world.ask("a", *wish);
        }
    });
    site.world.check();
}

fn count(site: &Site, what: &str) -> usize {
    site.yard.happened().iter().filter(|happened| *happened == what).count()
}

/// Tests 26 and 28.
#[tokio::test(start_paused = true)]
async fn a_script_that_looks_is_stopped_and_told_once() {
    let site = Site::with(Script::obeying(25.0));
    with_wishes(&site, &[(15.0, JobStatus::Stopping)]).await;
    assert_eq!(site.world.history("a").last(), Some(&"stopped"));
    assert_eq!((count(&site, "stop a"), count(&site, "kill a")), (1, 0));
    assert!(site.world.times("heartbeat working").len() >= 4, "they go on while it stops");
    assert_eq!(site.world.lines(), ["info: stopped on the operator's request"]);
}

/// Test 27.
#[tokio::test(start_paused = true)]
async fn a_script_that_never_looks_and_ends_well_was_a_success() {
    let site = Site::with(Script::works(30.0));
    with_wishes(&site, &[(5.0, JobStatus::Stopping)]).await;
    assert_eq!(site.world.history("a").last(), Some(&"success"));

    let mut site = Site::with(Script::works(30.0));
    site.habits = Habits { always_stopped: true, ..Habits::default() };
    with_wishes(&site, &[(5.0, JobStatus::Stopping)]).await;
    assert_eq!(site.world.history("a").last(), Some(&"stopped"));
}

/// Tests 29, 30 and 31, the agent's part.
#[tokio::test(start_paused = true)]
async fn an_abort_kills_as_soon_as_it_is_heard() {
    let site = Site::with(Script::endless());
    with_wishes(&site, &[(3.0, JobStatus::Aborting)]).await;
    assert_eq!(site.world.history("a"), ["in_progress", "aborted"]);
    let heard = site.world.times("heartbeat working")[0];
    assert!(site.yard.time_of("kill a") - heard < 0.01);
    assert!(heard < 12.0, "the worst case is the spacing, the way there and back, and a second");
}

/// Tests 32 and 33.
#[tokio::test(start_paused = true)]
async fn an_abort_stands_above_a_stop_and_is_done_once() {
    let site = Site::with(Script::endless());
    with_wishes(&site, &[(3.0, JobStatus::Stopping), (25.0, JobStatus::Aborting)]).await;
    assert_eq!(site.world.history("a"), ["in_progress", "aborted"]);
    assert_eq!((count(&site, "stop a"), count(&site, "kill a")), (1, 1));

    let site = Site::with(Script::endless());
    site.world.fault("heartbeat", Fault::Code(0), 1);
    for code in [10, 20, 10] {
        site.world.fault("heartbeat", Fault::Code(code), 1);
    }
    with_wishes(&site, &[]).await;
    assert_eq!(site.world.history("a"), ["in_progress", "aborted"]);
    assert_eq!((count(&site, "stop a"), count(&site, "kill a")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_not_taken_back() {
    let site = Site::with(Script::obeying(30.0));
    site.world.fault("heartbeat", Fault::Code(0), 1);
    site.world.fault("heartbeat", Fault::Code(20), 1);
    site.world.fault("heartbeat", Fault::Code(0), 1);
    with_wishes(&site, &[]).await;
    assert_eq!(site.world.history("a"), ["in_progress", "stopped"]);
    assert_eq!(count(&site, "stop a"), 1);
}

/// Test 34.
#[tokio::test(start_paused = true)]
async fn a_script_that_ends_in_the_moment_of_its_abort_has_its_true_status() {
    let site = Site::with(Script { escapes: true, ..Script::endless() });
    with_wishes(&site, &[(3.0, JobStatus::Aborting)]).await;
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    assert!(site.world.lines()[0].contains("too late"), "{:?}", site.world.lines());
    let site = Site::with(Script { escapes: true, how: How::Exited(3), ..Script::endless() });
    with_wishes(&site, &[(3.0, JobStatus::Aborting)]).await;
    assert_eq!(site.world.history("a"), ["in_progress", "failed"]);
}

/// Test 35: while status 8 is tried, a heartbeat says that the job is to be aborted; or its refusal does.
#[tokio::test(start_paused = true)]
async fn a_job_that_is_aborted_before_it_begins_never_begins() {
    for (wish, status) in [(JobStatus::Aborting, "aborted"), (JobStatus::Stopping, "stopped")] {
        let site = Site::with(Script::endless());
        site.world.fault("update", Fault::Fails("robot.busy"), 1000);
        let agent = site.agent();
        tokio::join!(async { drop(once(&agent).await.unwrap()) }, async {
            seconds(5.0).await;
            site.world.ask("a", wish);
            seconds(7.0).await;
            site.world.clear("update");
        });
        assert_eq!((site.world.history("a"), site.yard.happened()), (vec![status], vec![]));
        site.world.check();
    }
    let site = Site::with(Script::endless());
    let agent = site.agent();
    assert!(ready(&agent).await.unwrap());
    let job = agent.consume().await.unwrap().unwrap();
    site.world.ask("a", JobStatus::Aborting);
    assert_eq!(agent.update("a", JobStatus::InProgress).await.unwrap(), Sent::Asked(Asked::Abort));
    carry(&agent, &job).await.unwrap();
    assert_eq!((site.world.history("a"), site.yard.happened()), (vec!["aborted"], vec![]));
}

/// The same when nobody may read what status a job has.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_explained_by_a_heartbeat() {
    let site = Site::with(Script::endless());
    site.world.set_mute();
    let agent = site.agent();
    assert!(ready(&agent).await.unwrap());
    let job = agent.consume().await.unwrap().unwrap();
    site.world.ask("a", JobStatus::Stopping);
    carry(&agent, &job).await.unwrap();
    assert_eq!((site.world.history("a"), site.yard.happened()), (vec!["stopped"], vec![]));
    site.world.check();
}

#[tokio::test(start_paused = true)]
async fn a_job_that_the_orchestrator_takes_back_is_not_begun() {
    let site = Site::with(Script::endless());
    let agent = site.agent();
    assert!(ready(&agent).await.unwrap());
    let job = agent.consume().await.unwrap().unwrap();
    site.world.ask("a", JobStatus::Failed);
    assert_eq!(carry(&agent, &job).await.unwrap(), Sent::Refused);
    assert!(site.yard.happened().is_empty() && site.journal().unfinished().unwrap().is_empty());
    assert!(!ready(&agent).await.unwrap());
    assert_eq!(site.world.history("a"), [""; 0]);
}

/// Test 36.
#[tokio::test(start_paused = true)]
async fn a_code_without_a_job_is_noted_and_the_work_is_taken() {
    let site = Site::with(Script::works(1.0));
    site.world.fault("heartbeat", Fault::Code(20), 1);
    once(&site.agent()).await.unwrap();
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    assert!(site.notes()[0].contains("code 20 without a job"), "{:?}", site.notes());
}

/// Test 37.
#[tokio::test(start_paused = true)]
async fn a_script_that_ignores_a_stop_is_killed_when_its_time_is_over() {
    let mut site = Site::with(Script::endless());
    site.settings = vec![("stop_grace", 5.0)];
    with_wishes(&site, &[(1.0, JobStatus::Stopping)]).await;
    assert_eq!(site.world.history("a"), ["in_progress", "failed"]);
    assert_eq!(site.yard.time_of("kill a") - site.yard.time_of("stop a"), 5.0);
    assert!(site.world.lines()[0].contains("did not stop in time, which was 5 s"), "{:?}", site.world.lines());

    let mut site = Site::with(Script::works(60.0));
    site.settings = vec![("stop_grace", 5.0)];
    site.habits.escalate = false;
    with_wishes(&site, &[(1.0, JobStatus::Stopping)]).await;
    assert_eq!((site.world.history("a"), count(&site, "kill a")), (vec!["in_progress", "success"], 0));
}

/// Test 39, the agent's part.
#[tokio::test(start_paused = true)]
async fn what_a_script_wrote_goes_out_before_its_last_status() {
    let site = Site::with(Script { says: vec!["one".into(), "two".into()], ..Script::endless() });
    site.world.fault("log", Fault::Fails("robot.busy"), 2);
    with_wishes(&site, &[(3.0, JobStatus::Aborting)]).await;
    assert_eq!(site.world.lines(), ["info: one", "info: two", "info: aborted on the operator's request"]);
    let words = site.world.words();
    let last = words.iter().rposition(|what| what.starts_with("log")).unwrap();
    assert!(last < words.iter().position(|what| what == "update a aborted").unwrap(), "{words:?}");
}

/// Test 40.
#[tokio::test(start_paused = true)]
async fn a_late_answer_for_one_job_does_not_touch_the_next() {
    let site = Site::with(Script::works(12.0));
    site.job("b", Script::works(5.0));
    let agent = site.agent();
    agent.recover().await.unwrap();
    // The answer to the only heartbeat of `a` takes until `b` runs; it is an abort.
    tokio::join!(
        async {
            assert!(ready(&agent).await.unwrap());
            take(&agent).await.unwrap();
            assert!(ready(&agent).await.unwrap());
            take(&agent).await.unwrap();
        },
        async {
            seconds(5.0).await;
            site.world.fault("heartbeat", Fault::Slow(Duration::from_secs(14)), 1);
            site.world.ask("a", JobStatus::Aborting);
        }
    );
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    assert_eq!(site.world.history("b"), ["in_progress", "success"]);
    assert_eq!(count(&site, "kill b") + count(&site, "kill a"), 0);
    assert!(site.notes().iter().any(|note| note.contains("is over already")), "{:?}", site.notes());
    site.world.check();
}

/// Test 45, time.
#[tokio::test(start_paused = true)]
async fn a_job_that_takes_too_long_is_killed() {
    let mut site = Site::with(Script::endless());
    site.settings = vec![("job_timeout", 90.0)];
    with_wishes(&site, &[]).await;
    assert_eq!((site.world.history("a"), site.yard.time_of("kill a")), (vec!["in_progress", "failed"], 90.0));
    assert!(site.world.lines()[0].starts_with("error: limit exceeded: time of 90 s\nlast lines:\nthe last line"));
}

/// Tests 41 and 43, the agent's part: the reason goes out before the status.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_begun_and_what_fails_is_reported_with_the_reason() {
    let site = Site::with(Script { how: How::Thrown("no such file (line 3)".into()), ..Script::works(1.0) });
    site.world.add("b", "nowhere");
    site.world.add("c", "unreadable");
    once(&site.agent()).await.unwrap();
    assert_eq!(site.world.history("a"), ["in_progress", "failed"]);
    assert_eq!((site.world.history("b"), site.world.history("c")), (vec!["failed"], vec!["failed"]));
    assert_eq!(
        site.world.lines(),
        [
            "error: no such file (line 3)\nlast lines:\nthe last line",
            "error: not started: there is no script `nowhere`",
            "error: not started: the task is no JSON",
        ]
    );
    assert_eq!(site.yard.happened(), ["begin a"]);
    let words = site.world.words();
    let place = |what: &str| words.iter().position(|word| word == what).unwrap();
    assert!(place("log b") < place("update b failed"));
    site.world.check();
}

/// Test 48, the other choice.
#[tokio::test(start_paused = true)]
async fn a_task_that_is_a_text_is_given_to_the_job_when_that_is_wanted() {
    let mut site = Site::new();
    site.habits.take_texts = true;
    site.yard.set("unreadable", Script::works(1.0));
    site.world.add("c", "unreadable");
    once(&site.agent()).await.unwrap();
    assert_eq!(site.world.history("c"), ["in_progress", "success"]);
}

/// Test 76.
#[tokio::test(start_paused = true)]
async fn an_agent_that_is_told_to_leave_gives_its_job_time_and_reports_it() {
    for (script, status, leaves, text) in [
        (Script::obeying(12.0), "stopped", 27.0, "info: stopped: the agent was shut down"),
        (Script::endless(), "failed", 45.0, "error: the agent was shut down"),
    ] {
        let site = Site::with(script);
        let agent = site.agent();
        tokio::join!(async { serve(&agent).await.unwrap() }, async {
            seconds(15.0).await;
            site.job("b", Script::works(1.0));
            agent.ask_to_leave();
        });
        assert_eq!((site.world.history("a"), site.now()), (vec!["in_progress", status], leaves));
        assert!(site.world.lines()[0].starts_with(text), "{:?}", site.world.lines());
        assert!(site.world.times("heartbeat working").iter().any(|at| *at > 15.0), "they go on");
        assert!(site.world.history("b").is_empty(), "no new job");
        site.world.check();
    }
}

#[tokio::test(start_paused = true)]
async fn asked_twice_to_leave_it_kills_at_once_and_waits_five_seconds_for_a_dead_server() {
    let site = Site::with(Script::endless());
    let agent = site.agent();
    tokio::join!(async { serve(&agent).await.unwrap() }, async {
        seconds(15.0).await;
        site.world.set_down(true);
        agent.ask_to_leave();
        seconds(1.0).await;
        agent.ask_to_leave();
    });
    assert_eq!(site.yard.time_of("kill a"), 16.0);
    assert!(site.now() <= 26.0, "{}", site.now());
    let waiting: Vec<String> = agent.outbox().unwrap().into_iter().map(|waits| waits.what).collect();
    assert_eq!(waiting.last().map(String::as_str), Some("failed"));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_without_a_job_is_let_go_when_the_agent_leaves() {
    let site = Site::new();
    let agent = site.agent();
    agent.heartbeat(RobotStatus::Ready).await.unwrap();
    let leave = async {
        seconds(1.0).await;
        agent.ask_to_leave();
    };
    let (beat, paused, rested, ()) =
        tokio::join!(agent.heartbeat(RobotStatus::Ready), agent.pause(60.0), agent.rest(), leave);
    assert_eq!((beat.unwrap_err().code(), paused.unwrap_err().code()), ("stopped", "stopped"));
    rested.unwrap();
    assert_eq!(site.now(), 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_job_between_its_taking_and_its_beginning_is_not_begun_when_the_agent_leaves() {
    let site = Site::with(Script::works(1.0));
    let agent = site.agent();
    assert!(ready(&agent).await.unwrap());
    let job = agent.consume().await.unwrap().unwrap();
    agent.ask_to_leave();
    carry(&agent, &job).await.unwrap();
    assert!(site.yard.happened().is_empty());
    assert_eq!(site.world.history("a").last(), Some(&"failed"));
    assert!(site.world.lines()[0].contains("shut down"));
}
