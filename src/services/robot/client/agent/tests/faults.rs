//! A network and a server that break down.

use std::time::Duration;

use super::world::Fault;
use super::yard::{Script, Site, carry, code, once, ready, seconds, serve, take};
use crate::services::robot::client::journal::What;
use crate::services::robot::client::shapes::{JobStatus, RobotStatus};
use crate::services::robot::client::trouble;

/// Tests 49 and 50, the agent's part.
#[tokio::test(start_paused = true)]
async fn pauses_after_failures_keep_their_distance_and_end_when_the_server_is_back() {
    let site = Site::with(Script::works(1.0));
    site.world.set_down(true);
    let agent = site.agent();
    tokio::join!(async { drop(once(&agent).await.unwrap()) }, async {
        seconds(300.0).await;
        site.world.set_down(false);
    });
    let times = site.world.times("heartbeat");
    assert!(
        times.windows(2).take(times.len() - 2).all(|pair| (10.0..=60.0).contains(&(pair[1] - pair[0]))),
        "{times:?}"
    );
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    assert!(site.turns.lock().unwrap().contains(&"IDLE_HB -> BACKOFF".to_owned()));
    site.world.check();
}

/// Test 51.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_with_a_job_is_not_asked_for_again_and_is_told_of() {
    for fault in [Fault::Lost, Fault::Hangs, Fault::Fails(trouble::code::ANSWER)] {
        let is_handed_out = matches!(fault, Fault::Lost);
        let site = Site::with(Script::works(1.0));
        site.world.fault("consume", fault, 1);
        let agent = site.agent();
        assert!(ready(&agent).await.unwrap());
        assert!(agent.consume().await.is_err());
        assert_eq!(code(agent.consume().await.unwrap_err()), "robot.order", "not before a heartbeat");
        assert_eq!(ready(&agent).await.unwrap(), !is_handed_out);
        let critical = site.notes().iter().filter(|note| note.starts_with("critical: possible orphan job")).count();
        assert_eq!(critical, usize::from(is_handed_out));
        agent.flush(Duration::from_secs(5)).await.unwrap();
        assert_eq!(site.world.lines().len(), usize::from(is_handed_out));
        assert_eq!(agent.journal().unwrap().was_consuming().unwrap(), !is_handed_out);
        if !is_handed_out {
            take(&agent).await.unwrap();
            assert!(site.notes()[0].starts_with("warning: possible orphan job"), "{:?}", site.notes());
        }
        site.world.check();
    }
    // Refused connections hand nothing out.
    let site = Site::with(Script::works(1.0));
    let agent = site.agent();
    assert!(ready(&agent).await.unwrap());
    site.world.fault("consume", Fault::Fails(trouble::code::UNREACHABLE), 1);
    agent.consume().await.unwrap_err();
    site.world.ask("a", JobStatus::Aborted);
    ready(&agent).await.unwrap();
    assert!(site.notes().is_empty(), "{:?}", site.notes());
}

/// The same over the death of the agent.
#[tokio::test(start_paused = true)]
async fn an_orphan_is_told_of_by_the_next_agent() {
    let site = Site::with(Script::works(1.0));
    site.world.fault("consume", Fault::Slow(Duration::from_secs(20)), 1);
    let agent = site.agent();
    assert!(ready(&agent).await.unwrap());
    tokio::select! {
        _ = agent.consume() => panic!("it takes longer"),
        () = seconds(5.0) => {}
    }
    drop(agent);
    once(&site.agent()).await.unwrap();
    assert!(site.world.lines()[0].starts_with("critical: possible orphan job"));
    once(&site.agent()).await.unwrap();
    assert_eq!(site.world.lines().len(), 1, "once");
}

/// Test 52, and the warning of section 2.6.
#[tokio::test(start_paused = true)]
async fn an_offer_that_was_not_there_is_no_error_but_becomes_suspicious() {
    let site = Site::with(Script::works(1.0));
    let agent = site.agent();
    for n in 1..=3 {
        site.world.ask("a", JobStatus::Pending);
        assert!(ready(&agent).await.unwrap());
        site.world.ask("a", JobStatus::Created);
        assert_eq!(agent.consume().await.unwrap(), None);
        let warned = site.notes().iter().any(|note| note.contains("another machine"));
        assert_eq!(warned, n == 3);
    }
    site.world.check();
    assert!(site.world.times("update").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_offer_that_is_never_there_is_not_believed_for_ever() {
    let site = Site::with(Script::works(1.0));
    let agent = site.agent();
    let mut tries = 0;
    loop {
        site.world.ask("a", JobStatus::Pending);
        if !ready(&agent).await.unwrap() {
            break;
        }
        site.world.ask("a", JobStatus::Created);
        assert_eq!(take(&agent).await.unwrap(), None);
        tries += 1;
    }
    assert_eq!(tries, 5);
    site.world.check();
}

/// Test 54.
#[tokio::test(start_paused = true)]
async fn a_robot_that_is_deleted_finishes_its_job() {
    let site = Site::with(Script::works(40.0));
    let agent = site.agent();
    agent.recover().await.unwrap();
    assert!(ready(&agent).await.unwrap());
    site.world.set_unknown(true);
    take(&agent).await.unwrap();
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    assert_eq!(code(agent.heartbeat(RobotStatus::Ready).await.unwrap_err()), "robot.unknown");
    assert_eq!(code(agent.consume().await.unwrap_err()), "robot.order");
    site.world.check();
}

/// Test 55.
#[tokio::test(start_paused = true)]
async fn a_job_whose_beginning_cannot_be_reported_begins_after_a_minute() {
    let site = Site::with(Script::works(30.0));
    site.world.fault("update", Fault::Fails(trouble::code::BUSY), 1000);
    let agent = site.agent();
    tokio::join!(async { drop(once(&agent).await.unwrap()) }, async {
        seconds(80.0).await;
        site.world.clear("update");
    });
    assert_eq!(site.yard.time_of("begin a"), 60.0);
    assert!(site.world.times("heartbeat working").iter().filter(|at| **at < 60.0).count() >= 4);
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    site.world.check();
}

/// Test 56.
#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_at_the_end_gets_the_result_when_it_is_back() {
    let site = Site::with(Script::works(20.0));
    let agent = site.agent();
    let served = async {
        tokio::select! {
            done = serve(&agent) => panic!("{done:?}"),
            () = seconds(900.0) => {}
        }
    };
    tokio::join!(served, async {
        seconds(15.0).await;
        site.world.set_down(true);
        seconds(600.0).await;
        assert_eq!(site.world.history("a"), ["in_progress"]);
        site.world.set_down(false);
    });
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    assert!(agent.outbox().unwrap().is_empty());
    site.world.check();
}

/// Test 58.
#[tokio::test(start_paused = true)]
async fn a_job_is_not_disturbed_by_an_outage_and_obeys_after_it() {
    let site = Site::with(Script::obeying(1.0));
    let agent = site.agent();
    tokio::join!(async { drop(once(&agent).await.unwrap()) }, async {
        seconds(15.0).await;
        site.world.set_down(true);
        site.world.ask("a", JobStatus::Stopping);
        seconds(300.0).await;
        assert_eq!(site.yard.happened(), ["begin a"]);
        site.world.set_down(false);
    });
    assert!((315.0..=327.0).contains(&site.yard.time_of("stop a")));
    assert_eq!(site.world.history("a"), ["in_progress", "stopped"]);
    site.world.check();
}

#[tokio::test(start_paused = true)]
async fn a_job_may_be_asked_to_stop_when_nothing_is_heard_for_too_long() {
    let mut site = Site::with(Script::obeying(1.0));
    site.settings = vec![("max_offline", 120.0)];
    let agent = site.agent();
    tokio::join!(async { drop(once(&agent).await.unwrap()) }, async {
        seconds(15.0).await;
        site.world.set_down(true);
        seconds(200.0).await;
        site.world.set_down(false);
    });
    let stopped = site.yard.time_of("stop a");
    let heard = site.world.times("heartbeat working").into_iter().rfind(|at| *at < 15.0).unwrap();
    assert_eq!(stopped, heard + 120.0);
    assert_eq!(site.world.history("a"), ["in_progress", "stopped"]);
    assert!(site.world.lines()[0].contains("not reached for 120 s"), "{:?}", site.world.lines());
}

/// Tests 59 and 60.
#[tokio::test(start_paused = true)]
async fn a_busy_server_is_left_in_peace_as_long_as_it_asks() {
    let site = Site::with(Script::works(100.0));
    let agent = site.agent();
    site.world.fault("heartbeat", Fault::Fails(trouble::code::ANSWER), 1);
    site.world.fault("heartbeat", Fault::Busy(45.0), 1);
    site.world.fault("update", Fault::Busy(20.0), 1);
    once(&agent).await.unwrap();
    let times = site.world.times("heartbeat ready");
    assert!(times[1] - times[0] > 9.999 && times[2] - times[1] > 44.999, "{times:?}");
    let times = site.world.times("update");
    assert!(times[1] - times[0] > 19.999, "{times:?}");
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    site.world.check();
}

#[tokio::test(start_paused = true)]
async fn an_unknown_code_is_warned_of_once_and_counts_as_a_failure_only_without_a_job() {
    let site = Site::with(Script::works(35.0));
    site.world.fault("heartbeat", Fault::Code(77), 2);
    let agent = site.agent();
    let error = agent.heartbeat(RobotStatus::Ready).await.unwrap_err();
    assert_eq!(error.code(), "robot.answer");
    agent.heartbeat(RobotStatus::Ready).await.unwrap_err();
    agent.heartbeat(RobotStatus::Ready).await.unwrap();
    site.world.fault("heartbeat", Fault::Code(78), 2);
    take(&agent).await.unwrap();
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    assert_eq!(site.notes().iter().map(|note| note.rsplit(' ').next().unwrap()).collect::<Vec<_>>(), ["77", "78"]);
}

/// Test 61, the outbox.
#[tokio::test(start_paused = true)]
async fn refused_credentials_pause_the_outbox_until_they_are_accepted() {
    let site = Site::with(Script::works(1.0));
    let agent = site.agent();
    agent.recover().await.unwrap();
    assert!(ready(&agent).await.unwrap());
    site.world.fault("update", Fault::Refuses(trouble::code::UNAUTHORISED, 401), 2);
    site.world.fault("heartbeat", Fault::Refuses(trouble::code::UNAUTHORISED, 401), 3);
    take(&agent).await.unwrap();
    // Tried again when a heartbeat is accepted, and after each of them once.
    let (times, beats) = (site.world.times("update"), site.world.times("heartbeat working"));
    assert_eq!((times[1], times[2]), (beats[3], beats[4]), "{times:?} {beats:?}");
    ready(&agent).await.unwrap();
    agent.rest().await.unwrap();
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    site.world.check();
}

#[tokio::test(start_paused = true)]
async fn one_thing_that_is_forbidden_does_not_stand_in_the_way_for_ever() {
    let site = Site::with(Script::works(1.0));
    site.job("b", Script::works(1.0));
    let agent = site.agent();
    agent.recover().await.unwrap();
    assert!(ready(&agent).await.unwrap());
    let job = agent.consume().await.unwrap().unwrap();
    // Nobody may touch this job any more; heartbeats are good.
    site.world.fault("update", Fault::Refuses(trouble::code::UNAUTHORISED, 403), 3);
    site.world.set_mute();
    assert_eq!(carry(&agent, &job).await.unwrap().word(), "refused");
    assert!(site.yard.happened().is_empty());
    let dead = agent.journal().unwrap().dead_letters().unwrap();
    assert!(dead.iter().all(|(_, _, why)| why.starts_with("403")) && dead.len() == 1, "{dead:?}");
    ready(&agent).await.unwrap();
    take(&agent).await.unwrap();
    assert_eq!(site.world.history("b"), ["in_progress", "success"]);
    site.world.check();
}

/// Test 63.
#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_does_not_hold_a_job_up() {
    let site = Site::with(Script::works(60.0));
    let agent = site.agent();
    agent.recover().await.unwrap();
    assert!(ready(&agent).await.unwrap());
    site.world.fault("heartbeat", Fault::Hangs, 3);
    take(&agent).await.unwrap();
    let times = site.world.times("heartbeat working");
    assert!((times[1] - times[0] - 15.0).abs() < 0.01, "{times:?}");
    assert_eq!((site.world.history("a"), site.world.times("update").len()), (vec!["in_progress", "success"], 2));
    site.world.check();
}

/// Test 64.
#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_goes_out_of_the_way() {
    let site = Site::with(Script { says: vec!["one".into()], ..Script::works(1.0) });
    site.world.fault("log", Fault::Refuses(trouble::code::NOT_FOUND, 404), 1);
    let agent = site.agent();
    agent.recover().await.unwrap();
    assert!(ready(&agent).await.unwrap());
    let job = agent.consume().await.unwrap().unwrap();
    agent.update("a", JobStatus::InProgress).await.unwrap();
    agent.run_job(&job).await.unwrap();
    // The server has come to an end of its own with this job.
    site.world.ask("a", JobStatus::Failed);
    agent.say(&[]);
    assert_eq!(agent.update("a", JobStatus::Success).await.unwrap().word(), "refused");
    let dead = agent.journal().unwrap().dead_letters().unwrap();
    assert_eq!(
        dead.iter().map(|(_, what, why)| (&what[..3], &why[..4])).collect::<Vec<_>>(),
        [("log", "404:"), ("sta", "409:")]
    );
    assert!(agent.outbox().unwrap().is_empty());
    assert!(site.notes().iter().any(|note| note.contains("does not accept `success`")), "{:?}", site.notes());
}

/// Test 65.
#[tokio::test(start_paused = true)]
async fn a_slow_server_never_has_two_heartbeats() {
    let site = Site::with(Script::works(100.0));
    site.world.fault("heartbeat", Fault::Slow(Duration::from_secs(12)), 100);
    once(&site.agent()).await.unwrap();
    assert_eq!(site.world.most_in_flight(), 1);
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    site.world.check();
}

/// Section 2.7: a status without an answer is looked up where that is allowed, and else sent again.
#[tokio::test(start_paused = true)]
async fn a_status_without_an_answer_is_looked_up_before_it_is_sent_again() {
    for is_mute in [false, true] {
        let site = Site::with(Script::works(1.0));
        site.world.fault("update", Fault::Lost, 1);
        if is_mute {
            site.world.set_mute();
        }
        once(&site.agent()).await.unwrap();
        assert_eq!(site.world.history("a"), ["in_progress", "success"]);
        let times = |what: &str| site.world.times(what).len();
        assert_eq!((times("read a"), times("update a in_progress")), (1, if is_mute { 2 } else { 1 }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_under_way_is_not_sent_twice_when_nobody_waits_for_it() {
    let site = Site::new();
    let agent = site.agent();
    agent.tell(crate::services::robot::client::shapes::Level::Info, "once");
    site.world.fault("log", Fault::Slow(Duration::from_secs(8)), 1);
    assert_eq!(agent.flush(Duration::from_secs(2)).await.unwrap(), 1);
    assert_eq!(agent.flush(Duration::from_secs(20)).await.unwrap(), 0);
    assert_eq!(site.world.times("log").len(), 1);
}

/// Test 47.
#[tokio::test(start_paused = true)]
async fn a_job_without_a_guid_is_nothing_but_an_error_in_the_log() {
    let site = Site::new();
    site.job("none-1", Script::works(1.0));
    site.job("b", Script::works(1.0));
    once(&site.agent()).await.unwrap();
    assert_eq!(site.world.history("b"), ["in_progress", "success"]);
    assert!(site.world.words().iter().all(|what| !what.starts_with("update none")));
    assert!(site.world.lines()[0].starts_with("error: a job was handed out whose GUID cannot be read"));
    site.world.check();
}

/// Test 73.
#[tokio::test(start_paused = true)]
async fn without_a_journal_no_job_is_taken() {
    let site = Site::with(Script::works(1.0));
    let agent = site.agent();
    assert!(ready(&agent).await.unwrap());
    let other = rusqlite::Connection::open(site.state()).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON robot_marks BEGIN SELECT raise(ABORT, 'disk is full'); END;
             CREATE TRIGGER full_jobs BEFORE INSERT ON robot_jobs BEGIN SELECT raise(ABORT, 'disk is full'); END;",
        )
        .unwrap();
    let error = agent.consume().await.unwrap_err();
    assert!(error.code() == "robot.journal" && error.message().contains("disk is full"), "{error:?}");
    assert!(site.world.times("consume").is_empty());
    assert!(site.notes()[0].starts_with("error: no job is taken: "), "{:?}", site.notes());

    // Room for the question, and none for the answer: the job is not run, and the Orchestrator knows.
    other.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(code(agent.consume().await.unwrap_err()), "robot.journal");
    assert_eq!((site.world.history("a"), site.yard.happened()), (vec!["failed"], vec![]));
    other.execute_batch("DROP TRIGGER full_jobs").unwrap();
    assert!(!ready(&agent).await.unwrap());
    assert!(agent.journal().unwrap().waiting(9).unwrap().iter().all(|item| !matches!(item.what, What::Status(_))));
}

/// The log and the statuses have addresses of their own: an Orchestrator without the first still learns how jobs end.
#[tokio::test(start_paused = true)]
async fn a_log_that_is_down_does_not_hold_the_ends_of_jobs_back() {
    for fault in [Fault::Fails(trouble::code::BUSY), Fault::Busy(86_400.0), Fault::Hangs] {
        let site = Site::with(Script { says: vec!["one".into(), "two".into()], ..Script::works(5.0) });
        site.job("b", Script { says: vec!["three".into()], ..Script::works(5.0) });
        site.world.fault("log", fault.clone(), 100);
        once(&site.agent()).await.unwrap();
        for job in ["a", "b"] {
            assert_eq!(site.world.history(job), ["in_progress", "success"], "{fault:?}");
        }
        assert!(site.now() < 90.0, "{fault:?}: {}", site.now());
        assert!(site.world.lines().is_empty());
        site.world.clear("log");
        once(&site.agent()).await.unwrap();
        assert_eq!(site.world.lines(), ["info: one", "info: two", "info: three"]);
    }
}

/// A page to log in to the network, or of a host that is being renewed, says nothing about the job.
#[tokio::test(start_paused = true)]
async fn a_result_that_is_sent_elsewhere_on_its_way_is_sent_again() {
    for fault in [trouble::code::REDIRECTED, trouble::code::CERTIFICATE, trouble::code::BUSY] {
        let site = Site::with(Script::works(15.0));
        site.world.fault("update", Fault::Refuses(fault, 302), 1);
        let agent = site.agent();
        agent.recover().await.unwrap();
        assert!(ready(&agent).await.unwrap());
        let job = agent.consume().await.unwrap().unwrap();
        tokio::join!(async { _ = carry(&agent, &job).await.unwrap() }, async {
            seconds(70.0).await;
            site.world.fault("update", Fault::Refuses(fault, 302), 1);
        });
        agent.flush(Duration::from_secs(300)).await.unwrap();
        assert_eq!(site.world.history("a"), ["in_progress", "success"], "{fault}");
        assert!(agent.journal().unwrap().dead_letters().unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_a_day_of_peace_is_told_of_a_jobs_end_within_minutes() {
    let site = Site::with(Script::works(5.0));
    site.world.fault("update", Fault::Busy(86_400.0), 1);
    let agent = site.agent();
    tokio::select! {
        done = serve(&agent) => panic!("{done:?}"),
        () = seconds(700.0) => {}
    }
    assert_eq!(site.world.history("a"), ["in_progress", "success"]);
    let times = site.world.times("update");
    assert!((299.0..320.0).contains(&(times[1] - times[0])), "{times:?}");
}

/// There is no better time than the last one.
#[tokio::test(start_paused = true)]
async fn an_agent_that_leaves_tries_once_more_at_once() {
    let site = Site::with(Script::works(5.0));
    let agent = site.agent();
    agent.recover().await.unwrap();
    assert!(ready(&agent).await.unwrap());
    let job = agent.consume().await.unwrap().unwrap();
    agent.update("a", JobStatus::InProgress).await.unwrap();
    agent.run_job(&job).await.unwrap();
    site.world.fault("update", Fault::Busy(200.0), 1);
    agent.update("a", JobStatus::Success).await.unwrap();
    assert_eq!(site.world.history("a"), ["in_progress"]);
    let before = site.now();
    assert_eq!(agent.leave().await.unwrap(), 0);
    assert_eq!((site.now(), site.world.history("a")), (before, vec!["in_progress", "success"]));
}
