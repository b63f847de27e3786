//! Group A: what goes over the wire. Numbers 4 to 8 and 11 are scripts as well, in `tests/cases/robot`.

use base64::Engine;
use serde_json::json;

use crate::sim::{RUNS, STOPPED, SUCCESS};
use crate::stage::{GUID, Stage, side_by_side};
use crate::wire::{Proxy, Stub, beat, http, ok};

/// A job that takes long enough to be seen working: 13 s.
const SEEN: &str = "NOTE(\"began\"); sleep(0.65);";

#[test]
fn t01_the_header_is_the_bare_guid_in_every_call() {
    let mut stage = Stage::new();
    let proxy = Proxy::to(stage.sim.place());
    stage.through(proxy.address.clone()).script("work.rhai", &format!("{SEEN} robot.log(\"info\", \"done\");"));
    stage.sim.job("work");
    stage.once().ends_with(0);
    let expected = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(GUID));
    let heard = proxy.heard();
    for one in &heard {
        assert_eq!(one.header("authorization").as_ref(), Some(&expected), "{}", one.target);
    }
    for route in ["robot/heartbeat", "robot/consumeNextJob", "job/update", "log/create"] {
        assert!(heard.iter().any(|one| one.target.ends_with(route)), "{route} was not called");
    }
    stage.ends_well();
}

#[test]
fn t02_the_first_heartbeat_says_ready_and_sends_the_empty_fields_too() {
    let mut stage = Stage::new();
    stage.set("machine = \"RPA-01\"").set("ip = \"10.0.0.7\"").set("mac = \"AA-BB-CC-DD-EE-FF\"");
    let proxy = Proxy::to(stage.sim.place());
    stage.through(proxy.address.clone());
    stage.once().ends_with(0);
    let heard = proxy.heard();
    assert_eq!(heard[0].target, "POST /api/robot/heartbeat");
    let mut fields = heard[0].fields();
    fields.sort();
    let expected = [
        ("IP", "10.0.0.7"),
        ("JobGUID", ""),
        ("JobName", ""),
        ("JobType", "1"),
        ("MAC", "AA-BB-CC-DD-EE-FF"),
        ("Machine", "RPA-01"),
        ("RobotGUID", GUID),
        ("Status", "2"),
    ];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    stage.ends_well();
}

#[test]
fn t03_bodies_are_forms_and_cyrillic_comes_back_as_it_went() {
    let mut stage = Stage::new();
    let proxy = Proxy::to(stage.sim.place());
    stage.through(proxy.address.clone());
    stage.script("Счёт №17.rhai", &format!("{SEEN} robot.log(\"info\", \"Готово & 100 % = ü+\");"));
    let job = stage.sim.job("Счёт №17");
    stage.once().ends_with(0);
    assert_eq!(stage.sim.status(&job), SUCCESS);
    for one in proxy.heard() {
        assert!(one.target.starts_with("POST ") || one.target.starts_with("PUT "), "{}", one.target);
        let kind = one.header("content-type").unwrap();
        assert!(kind.starts_with("application/x-www-form-urlencoded"), "{}: {kind}", one.target);
        assert!(one.body.is_ascii() && !one.body.contains(['{', '"', ' ']), "{}", one.body);
    }
    let working = stage.sim.working();
    assert_eq!(working[0].field("JobName"), "Счёт №17");
    assert!(stage.sim.messages().contains("Готово & 100 % = ü+"), "{}", stage.sim.messages());
    stage.ends_well();
}

/// One job at a simulator with these oddities ends well, its script having seen the task.
fn one_job_with(knobs: &[&str]) {
    let stage = Stage::with(knobs);
    stage.script("work.rhai", "NOTE(robot.params.file);");
    let job = stage.sim.job_with("work", json!({ "task": { "name": "inv-17", "parameters": { "file": "a.xml" } } }));
    stage.once().ends_with(0);
    assert_eq!(stage.sim.passage(&job).last(), Some(&SUCCESS), "{knobs:?}");
    assert_eq!(stage.notes(), ["a.xml"], "{knobs:?}");
    stage.ends_well();
}

#[test]
fn t04_further_fields_are_ignored() {
    one_job_with(&["extra_fields=true"]);
}

#[test]
fn t05_numbers_in_texts_are_numbers() {
    one_job_with(&["numbers_as_text=true"]);
}

#[test]
fn t06_the_task_is_found_whatever_its_key_looks_like() {
    for key in ["task_key=\" Task \"", "task_key=\"Task\"", "task_key=\"task\""] {
        one_job_with(&[key]);
    }
}

#[test]
fn t07_parts_may_be_texts_with_json_or_plain_objects() {
    one_job_with(&["nested_objects=true"]);
    one_job_with(&["nested_objects=false"]);
    one_job_with(&["bom=true"]);
}

/// An Orchestrator with one job whose answer has this task in it, and nothing more after that.
fn with_answer(answer: String) -> Stub {
    Stub::start(move |one, before| {
        let has_been_taken = before.iter().any(|one| one.target.ends_with("consumeNextJob"));
        match one.target.rsplit('/').next().unwrap_or_default() {
            "heartbeat" => beat(0, i64::from(!has_been_taken)),
            "consumeNextJob" => ok(&answer),
            _ => ok("[]"),
        }
    })
}

/// What a job of such an Orchestrator is.
pub fn answer(task: &str) -> String {
    let job = json!({ "GUID": "5c1e0000-0000-4000-8000-000000000001", "status": 1 }).to_string();
    let version = json!({ "GUID": "9a0b0000-0000-4000-8000-000000000001", "Name": "work" }).to_string();
    let (job, version) = (json!(job), json!(version));
    format!("{{\"ConsumeJobErrorCode\":0,\"ErrorText\":\"\",\"Job\":{job},\"ProcessVersion\":{version}{task}}}")
}

/// The statuses that a stub was told, in order.
pub fn statuses(stub: &Stub) -> Vec<String> {
    let heard = stub.heard();
    let updates = heard.iter().filter(|one| one.target.ends_with("/api/job/update"));
    updates.map(|one| one.field("status").unwrap()).collect()
}

#[test]
fn t08_a_job_without_a_task_runs() {
    side_by_side(["", ",\"Task\":null", ",\"Task\":\"\"", ",\" Task \":null", ",\"Task\":\"null\""], |task| {
        let stub = with_answer(answer(task));
        let mut stage = Stage::new();
        stage.through(stub.address());
        stage.script("work.rhai", "if robot.task != () { throw \"a task\" } NOTE(type_of(robot.params));");
        stage.once().ends_with(0);
        assert_eq!(statuses(&stub), ["8", "4"], "{task}");
        assert_eq!(stage.notes(), ["map"], "{task}");
        stage.ends_well();
    });
}

#[test]
fn t09_whatever_comes_with_200_means_that_a_status_was_delivered() {
    side_by_side(["[]", "{}", "", "<html><body>Welcome</body></html>", "null"], |body| {
        let reply = body.to_owned();
        let stub = Stub::start(move |one, before| {
            let has_been_taken = before.iter().any(|one| one.target.ends_with("consumeNextJob"));
            match one.target.rsplit('/').next().unwrap_or_default() {
                "heartbeat" => beat(0, i64::from(!has_been_taken)),
                "consumeNextJob" => ok(&answer("")),
                _ => ok(&reply),
            }
        });
        let mut stage = Stage::new();
        stage.through(stub.address()).script("work.rhai", "1");
        stage.once().ends_with(0);
        assert_eq!(statuses(&stub), ["8", "4"], "answered with {body:?}");
        stage.ends_well();
    });
}

#[test]
fn t10_post_stands_in_for_put_where_put_is_refused_and_nowhere_else() {
    for (knob, expected) in
        [("put_status=405", ["PUT", "POST", "POST", "POST", "POST"].as_slice()), ("seed=1", &["PUT"; 4])]
    {
        let stage = Stage::with(&[knob]);
        stage.script("work.rhai", "1");
        let jobs = [stage.sim.job("work"), stage.sim.job("work")];
        stage.once().ends_with(0);
        let asked = stage.sim.asked();
        let methods: Vec<&str> =
            asked.iter().filter(|asked| asked.route == "update").map(|asked| asked.method.as_str()).collect();
        assert_eq!(methods, expected, "{knob}");
        for job in jobs {
            assert_eq!(stage.sim.passage(&job).last(), Some(&SUCCESS));
        }
        stage.ends_well();
    }
}

#[test]
fn t11_guids_in_upper_case_are_the_same_guids() {
    let stage = Stage::with(&["upper_guids=true"]);
    stage.script("work.rhai", "NOTE(\"ran\");").script("waits.rhai", "loop { robot.check(); sleep(0.02) }");
    let (first, second) = (stage.sim.job("work"), stage.sim.job("waits"));
    let agent = stage.once();
    stage.sim.until_status(&second, RUNS);
    stage.sim.stop(&second);
    agent.ends_with(0);
    // The same job once more, this time as it is.
    stage.sim.tell("knobs", json!({ "upper_guids": false }));
    stage.sim.tell("redeliver", json!({ "job": first }));
    stage.once().ends_with(0);
    assert_eq!(stage.notes(), ["ran"]);
    assert_eq!(stage.sim.passage(&second).last(), Some(&STOPPED));
    stage.ends_well();
}

#[test]
fn t12_who_is_pointed_to_another_host_does_not_show_the_guid_there() {
    side_by_side(
        ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"],
        |status| {
            let stranger = Stub::start(|_, _| beat(0, 0));
            let place = format!("http://localhost:{}/api/robot/heartbeat", stranger.place.port());
            let door = Stub::start(move |_, _| {
                let head = format!("HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n");
                head.into_bytes()
            });
            let mut stage = Stage::new();
            stage.through(door.address()).set("give_up = 20");
            let ended = stage.once().ends();
            assert!(ended.code != Some(0), "{}", ended.said);
            for one in stranger.heard() {
                assert_eq!(one.header("authorization"), None);
                assert!(!one.body.contains(GUID) && !one.head.contains(GUID), "{one:?}");
            }
            stage.ends_well();
        },
    );
}

#[test]
fn t12_a_redirection_within_the_host_is_followed() {
    let stub = Stub::start(|one, _| match one.target.as_str() {
        "POST /here/heartbeat" => beat(0, 0),
        _ => b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /here/heartbeat\r\nContent-Length: 0\r\n\r\n".to_vec(),
    });
    let mut stage = Stage::new();
    stage.through(stub.address());
    stage.once().ends_with(0);
    let heard = stub.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(heard[1].field("RobotGUID").as_deref(), Some(GUID));
    assert!(heard[1].header("authorization").is_some());
    stage.ends_well();
}

#[test]
fn a_status_that_is_refused_for_good_leaves_the_agent_at_work() {
    let stub = Stub::start(|one, before| {
        let taken = before.iter().filter(|one| one.target.ends_with("consumeNextJob")).count();
        match one.target.rsplit('/').next().unwrap_or_default() {
            "heartbeat" => beat(0, i64::from(taken == 0)),
            "consumeNextJob" => ok(&answer("")),
            "update" => http("410 Gone", "{\"message\":\"The job is gone.\"}"),
            _ => ok("[]"),
        }
    });
    let mut stage = Stage::new();
    stage.through(stub.address()).script("work.rhai", "NOTE(\"ran\");");
    stage.once().ends_with(0);
    // Nobody wants it any more: it is not begun, and nothing more is said of it.
    assert_eq!((statuses(&stub), stage.notes()), (vec!["8".to_owned()], Vec::new()));
    stage.ends_well();
}
