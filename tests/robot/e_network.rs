//! Group E: networks and servers that fail.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::a_protocol::{answer, statuses};
use crate::sim::{RUNS, STOPPED, STOPPING, SUCCESS};
use crate::stage::{GUID, SPEED, Stage, side_by_side};
use crate::wire::{Proxy, Stub, are_apart, beat, http, ok};

/// Ten seconds of a usual stage's clock.
const SPACING: Duration = Duration::from_millis((10_000.0 / SPEED) as u64);

/// An address on this computer where nobody listens.
fn nobody() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn t49_nobody_answers_at_the_start() {
    let mut stage = Stage::at(100.0, &[]);
    stage.through(format!("http://{}", nobody())).set("give_up = 300");
    let began = Instant::now();
    stage.once().ends_with(5);
    // 300 s, and the last pause is not begun when it would lead beyond them.
    assert!(began.elapsed() >= stage.real(200.0), "gave up after {:?}", began.elapsed());
    stage.ends_well();
}

#[test]
fn t49_the_pauses_grow_up_to_a_minute() {
    let stub = Stub::start(|_, _| Vec::new());
    let mut stage = Stage::at(40.0, &[]);
    stage.through(stub.address()).set("give_up = 360");
    stage.once().ends_with(5);
    let heard = stub.heard();
    let pauses: Vec<f64> =
        heard.windows(2).map(|two| (two[1].when - two[0].when).as_secs_f64() * stage.speed).collect();
    assert!(pauses.len() >= 8, "{pauses:?}");
    // What a loaded machine adds or takes is real time; the very first one also makes the client.
    let (late, early) = (0.5 * stage.speed, 0.12 * stage.speed);
    assert!(pauses.iter().all(|&pause| (10.0 - early..=71.0 + late).contains(&pause)), "{pauses:?}");
    let mean = |some: &[f64]| some.iter().sum::<f64>() / some.len() as f64;
    assert!(mean(&pauses[3..]) > mean(&pauses[..3]), "{pauses:?}");
    let distinct: std::collections::BTreeSet<i64> = pauses[3..].iter().map(|&pause| pause as i64).collect();
    assert!(distinct.len() > 2, "no jitter: {pauses:?}");
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t50_work_begins_when_the_server_comes_back() {
    let mut stage = Stage::new();
    stage.script("work.rhai", "NOTE(\"ran\");");
    let job = stage.sim.job("work");
    let place = nobody();
    stage.through(format!("http://{place}"));
    let agent = stage.daemon();
    stage.sleep(30.0);
    assert_eq!(stage.sim.story(), [""; 0]);
    let _proxy = Proxy::on(TcpListener::bind(place).unwrap(), stage.sim.place());
    stage.sim.until_status(&job, SUCCESS);
    stage.leaves(agent);
}

#[test]
#[cfg(unix)]
fn t51_a_lost_answer_to_consume_is_not_asked_for_again_blindly() {
    let stage = Stage::new();
    stage.script("work.rhai", "NOTE(\"ran\");");
    let lost = stage.sim.job("work");
    stage.sim.fault("consume", "drop", json!({ "times": 1, "applied": true }));
    let agent = stage.daemon();
    stage.sim.until("two heartbeats after consume", |sim| {
        let story = sim.story();
        story.iter().position(|word| word == "consume").is_some_and(|at| story.len() >= at + 3)
    });
    // The next one that is promised is taken.
    let next = stage.sim.job("work");
    stage.sim.until_status(&next, SUCCESS);
    let story = stage.sim.story();
    assert_eq!(story[..3], ["heartbeat 2", "consume", "heartbeat 2"]);
    for at in story.iter().enumerate().filter(|(_, word)| *word == "consume").map(|(at, _)| at) {
        assert_eq!(story[at - 1], "heartbeat 2");
    }
    let told = format!("{}{}", agent.said.text(), stage.sim.messages()).to_lowercase();
    assert!(told.contains("orphan"), "{told}");
    assert_eq!(stage.sim.status(&lost), crate::sim::PENDING);
    stage.leaves(agent);
}

#[test]
fn t52_no_job_after_all_is_no_error() {
    let nothing = "{\"ConsumeJobErrorCode\":102,\"ErrorText\":\"\",\"Job\":null,\"ProcessVersion\":null,\"Task\":null}";
    let stub = Stub::start(move |one, before| match one.target.rsplit('/').next().unwrap_or_default() {
        "heartbeat" => beat(0, i64::from(before.len() < 4)),
        "consumeNextJob" => ok(nothing),
        _ => ok("[]"),
    });
    let mut stage = Stage::new();
    stage.through(stub.address());
    stage.once().ends_with(0);
    assert_eq!(statuses(&stub), [""; 0]);
    assert_eq!(stub.story(), ["heartbeat", "consumeNextJob", "heartbeat", "consumeNextJob", "heartbeat"]);
    let heard = stub.heard();
    // From one heartbeat to the next.
    are_apart(heard[0].when, heard[2].when, SPACING);
    are_apart(heard[2].when, heard[4].when, SPACING);
    stage.ends_well();
}

#[test]
fn t53_an_unknown_robot_gives_up_at_the_third_time() {
    let stub = Stub::start(|_, _| beat(101, 1));
    let mut stage = Stage::new();
    stage.through(stub.address());
    stage.once().ends_with(3);
    let heard = stub.heard();
    assert_eq!(stub.story(), ["heartbeat"; 3]);
    heard.windows(2).for_each(|two| are_apart(two[0].when, two[1].when, SPACING));
    stage.ends_well();
}

#[test]
fn t54_a_robot_deleted_during_a_run_finishes_and_reports() {
    let mut stage = Stage::new();
    stage.script("work.rhai", "NOTE(\"began\"); sleep(1.5); NOTE(\"ended\");");
    let job = stage.sim.job("work");
    let agent = stage.once();
    stage.until_noted("began");
    stage.sim.until_status(&job, RUNS);
    stage.sim.tell("delete", json!({ "robot": GUID }));
    agent.ends_with(3);
    assert!(stage.sim.working().iter().any(|beat| beat.code() == 101), "it was never told");
    assert_eq!(stage.notes(), ["began", "ended"]);
    assert_eq!(stage.sim.passage(&job).last(), Some(&SUCCESS));
    stage.is_not_judged();
    stage.ends_well();
}

#[test]
fn t55_status_8_that_cannot_be_sent_does_not_hold_the_job() {
    let stage = Stage::new();
    stage.script("work.rhai", "NOTE(\"began\"); sleep(1.5);");
    let job = stage.sim.job("work");
    stage.sim.fault("update", "status", json!({ "status": 503, "for_seconds": 100_000, "applied": false }));
    let agent = stage.once();
    stage.until_noted("began");
    assert!(!stage.sim.passage(&job).contains(&RUNS));
    let asked = stage.sim.asked();
    let took = asked.iter().find(|asked| asked.route == "consume").unwrap().at;
    assert!(asked.last().unwrap().at - took >= 40.0, "it did not wait");
    assert!(!stage.sim.working().is_empty(), "it said nothing meanwhile");
    stage.sim.mend();
    agent.ends_with(0);
    let passage = stage.sim.passage(&job);
    assert!(passage.ends_with(&[RUNS, SUCCESS]), "{passage:?}");
    stage.ends_well();
}

/// Lets one job begin at a stage; the job, and a daemon.
#[cfg(unix)]
fn begun(stage: &Stage, script: &str) -> (String, crate::agent::Agent) {
    stage.script("work.rhai", script);
    let job = stage.sim.job("work");
    let agent = stage.daemon();
    stage.until_noted("began");
    stage.sim.until_status(&job, RUNS);
    (job, agent)
}

#[test]
#[cfg(unix)]
fn t56_a_result_waits_for_the_server() {
    let stage = Stage::at(100.0, &[]);
    let (job, agent) = begun(&stage, "NOTE(\"began\"); sleep(0.3); NOTE(\"ended\"); throw \"the till is locked\";");
    // Ten minutes.
    stage.sim.fault("*", "refuse", json!({ "for_seconds": 600 }));
    stage.until_noted("ended");
    stage.sleep(300.0);
    assert_eq!(stage.sim.status(&job), RUNS);
    stage.sim.until_status(&job, crate::sim::FAILED);
    stage.sim.until("the reason", |sim| sim.messages().contains("the till is locked"));
    stage.leaves(agent);
}

/// Whoever starts it by a timer would take it for done.
#[test]
fn t56_an_agent_that_ends_says_what_it_could_not_tell() {
    let stage = Stage::new();
    stage.script("work.rhai", "1");
    let job = stage.sim.job("work");
    stage.sim.fault("update", "status", json!({ "status": 500, "when": { "status": 4 } }));
    let said = stage.once().ends_with(0);
    assert!(said.contains("not told yet") && said.contains(&format!("{job} is success")), "{said}");
    assert_eq!(stage.sim.status(&job), RUNS);
    stage.sim.mend();
    let said = stage.once().ends_with(0);
    assert!(!said.contains("not told yet"), "{said}");
    assert_eq!(stage.sim.status(&job), SUCCESS);
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t57_a_result_outlives_the_agent() {
    let stage = Stage::new();
    let (job, mut agent) = begun(&stage, "NOTE(\"began\"); sleep(0.5); NOTE(\"ended\");");
    stage.sim.job("work");
    stage.sim.fault("*", "refuse", json!({ "for_seconds": 1_000_000 }));
    stage.until_noted("ended");
    // It knows of the end by now.
    stage.sleep(20.0);
    agent.kill();
    stage.until_no_job_runs();
    assert_eq!(stage.sim.status(&job), RUNS);
    stage.sim.mend();
    let before = stage.sim.story().len();
    stage.once().ends_with(0);
    let story = stage.sim.story().split_off(before);
    let (told, took) =
        (story.iter().position(|word| word == "update 4"), story.iter().position(|word| word == "consume"));
    assert!(told.is_some() && told < took, "{story:?}");
    assert_eq!(stage.sim.status(&job), SUCCESS);
    assert_eq!(stage.notes().iter().filter(|note| *note == "began").count(), 2);
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t58_a_job_is_not_disturbed_by_an_outage_and_obeys_after_it() {
    let stage = Stage::new();
    let (job, agent) = begun(&stage, "NOTE(\"began\"); while !robot.should_stop() { sleep(0.02) } NOTE(\"asked\");");
    stage.sim.fault("*", "refuse", json!({ "for_seconds": 1_000_000 }));
    stage.sim.stop(&job);
    stage.sleep(45.0);
    assert_eq!(stage.notes(), ["began"]);
    stage.sim.mend();
    stage.sim.until_status(&job, STOPPED);
    assert!(stage.sim.passage(&job).ends_with(&[RUNS, STOPPING, STOPPED]));
    stage.leaves(agent);
}

#[test]
fn t59_a_page_is_no_answer_and_passes() {
    for kind in ["html", "truncated"] {
        let stage = Stage::new();
        stage.script("work.rhai", "NOTE(\"ran\");");
        let job = stage.sim.job("work");
        stage.sim.fault("heartbeat", kind, json!({ "times": 2 }));
        stage.once().ends_with(0);
        assert_eq!(stage.sim.story()[..4], ["heartbeat 2", "heartbeat 2", "heartbeat 2", "consume"], "{kind}");
        assert_eq!(stage.sim.status(&job), SUCCESS);
        stage.ends_well();
    }
}

#[test]
fn t60_busy_servers_are_asked_again() {
    side_by_side([408, 500, 502, 503, 504], |status| {
        let stage = Stage::new();
        stage.script("work.rhai", "NOTE(\"ran\");");
        let job = stage.sim.job("work");
        for route in ["heartbeat", "consume", "update"] {
            stage.sim.fault(route, "status", json!({ "status": status, "times": 1, "applied": false }));
        }
        stage.once().ends_with(0);
        assert_eq!((stage.sim.status(&job), stage.notes()), (SUCCESS, vec!["ran".into()]), "{status}");
        stage.ends_well();
    });
}

#[test]
fn t60_retry_after_is_honoured() {
    let stub = Stub::start(|_, before| match before.len() {
        // 40 s of the server, which does not know of our clock.
        0 => b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 40\r\nContent-Length: 2\r\n\r\n[]".to_vec(),
        1 => http("503 Service Unavailable", "[]"),
        _ => beat(0, 0),
    });
    let mut stage = Stage::new();
    stage.through(stub.address());
    stage.once().ends_with(0);
    let heard = stub.heard();
    are_apart(heard[0].when, heard[1].when, stage.real(40.0));
    are_apart(heard[1].when, heard[2].when, SPACING);
    stage.ends_well();
}

#[test]
fn t61_who_is_not_let_in_does_not_hammer() {
    side_by_side(["401 Unauthorized", "403 Forbidden"], |status| {
        let stub = Stub::start(move |_, _| http(status, &format!("{{\"message\":\"No robot {GUID} here.\"}}")));
        let mut stage = Stage::new();
        stage.through(stub.address());
        let said = stage.once().ends_with(3);
        let heard = stub.heard();
        assert_eq!(heard.len(), 3, "{heard:?}");
        heard.windows(2).for_each(|two| are_apart(two[0].when, two[1].when, SPACING));
        assert!(said.contains("does not let this robot in"), "{said}");
        stage.ends_well();
    });
}

#[test]
fn t62_a_certificate_that_nobody_signed() {
    let mut stage = Stage::new();
    let secure = stage.sim.address().replace("http://", "https://");
    stage.through(secure.clone());
    let said = stage.once().ends_with(5);
    assert!(said.to_lowercase().contains("certificate"), "{said}");
    assert_eq!(stage.sim.story(), [""; 0]);
    std::fs::write(stage.path("ca.pem"), stage.sim.certificate()).unwrap();
    let line = format!("ca = {}", stage.quoted("ca.pem"));
    stage.set(&line);
    stage.once().ends_with(0);
    assert_eq!(stage.sim.story(), ["heartbeat 2"]);
    stage.ends_well();

    let mut stage = Stage::new();
    let secure = stage.sim.address().replace("http://", "https://");
    stage.through(secure).set("insecure = true");
    let said = stage.once().ends_with(0);
    assert!(said.contains("insecure"), "no warning in {said}");
    assert_eq!(stage.sim.story(), ["heartbeat 2"]);
    stage.ends_well();
}

#[test]
fn t62_nothing_is_sent_to_a_server_that_cannot_prove_itself() {
    use std::io::Read;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut all = Vec::new();
            // It speaks TLS, gets no answer that it understands, and goes.
            let mut stream = stream;
            let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut bytes) {
                all.extend_from_slice(&bytes[..read]);
            }
            let _ = tell.send(all);
        }
    });
    let mut stage = Stage::new();
    stage.through(format!("https://{place}")).set("give_up = 20");
    stage.once().ends_with(5);
    let all: Vec<u8> = told.try_iter().flatten().collect();
    assert!(!all.is_empty());
    assert!(!String::from_utf8_lossy(&all).contains("Authorization"));
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t63_a_server_that_never_answers_does_not_hold_the_job() {
    let mut stage = Stage::new();
    // 6 s are 0.3 real ones.
    stage.set("timeout = 6");
    let (job, agent) = begun(&stage, "NOTE(\"began\"); sleep(2); NOTE(\"ended\");");
    stage.sim.fault("heartbeat", "hang", json!({ "times": 2 }));
    stage.sim.until_status(&job, SUCCESS);
    assert_eq!(stage.notes(), ["began", "ended"]);
    stage.leaves(agent);
}

#[test]
fn t64_what_is_refused_for_good_is_set_aside() {
    let stage = Stage::new();
    stage.script("work.rhai", "robot.log(\"info\", \"said\"); NOTE(\"ran\"); sleep(0.2);");
    let (refused, next) = (stage.sim.job("work"), stage.sim.job("work"));
    let agent = stage.once();
    stage.sim.until_status(&refused, RUNS);
    stage.sim.fault("update", "status", json!({ "status": 400, "times": 1, "applied": false }));
    agent.ends_with(0);
    assert_eq!((stage.sim.status(&refused), stage.sim.status(&next)), (RUNS, SUCCESS));
    let said = stage.run(stage.command(&stage.config("state.sqlite"), &["robot", "status"])).ends().said;
    assert!(said.contains(&refused[..8]), "the dead letter is not shown: {said}");
    stage.ends_well();
}

#[test]
fn t65_with_a_slow_server_heartbeats_never_overlap() {
    static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let slow = Stub::start(|one, before| {
        let has_been_taken = before.iter().any(|one| one.target.ends_with("consumeNextJob"));
        match one.target.rsplit('/').next().unwrap_or_default() {
            "heartbeat" => {
                MOST.fetch_max(UNDER_WAY.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // 12 s.
                std::thread::sleep(Duration::from_millis(600));
                UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
                beat(0, i64::from(!has_been_taken))
            }
            "consumeNextJob" => ok(&answer("")),
            _ => ok("[]"),
        }
    });
    let mut stage = Stage::new();
    stage.through(slow.address()).script("work.rhai", "sleep(3);");
    stage.once().ends_with(0);
    let beats = slow.heard().iter().filter(|one| one.field("Status").as_deref() == Some("3")).count();
    assert!(beats >= 3, "{beats}");
    assert_eq!(MOST.load(Ordering::SeqCst), 1);
    stage.ends_well();
}
