//! Group F: who is who. Two agents with one GUID, on one machine and on two.

use crate::sim::{RUNS, SUCCESS};
use crate::stage::Stage;
use crate::wire::Proxy;

#[test]
#[cfg(unix)]
fn t69_a_second_agent_with_the_same_guid_ends_without_a_word() {
    let mut stage = Stage::new();
    let agent = stage.daemon();
    stage.sim.until("the first one is there", |sim| !sim.beats().is_empty());
    let proxy = Proxy::to(stage.sim.place());
    stage.through(proxy.address.clone());
    // The same file of the journal: the same machine.
    let second = stage.config("other.sqlite");
    let text = std::fs::read_to_string(&second).unwrap().replace("other.sqlite", "state.sqlite");
    std::fs::write(&second, text).unwrap();
    for args in [["robot", "--once"].as_slice(), &["robot"]] {
        stage.run(stage.command(&second, args)).ends_with(4);
    }
    assert_eq!(proxy.heard().len(), 0);
    stage.leaves(agent);
}

#[test]
#[cfg(unix)]
fn t69_the_lock_dies_with_its_agent() {
    let stage = Stage::new();
    let mut agent = stage.daemon();
    stage.sim.until("the first one is there", |sim| !sim.beats().is_empty());
    agent.kill();
    stage.once().ends_with(0);
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t70_two_machines_with_one_guid_do_one_job_once() {
    let mut stage = Stage::new();
    stage.script("work.rhai", "NOTE(\"ran\"); sleep(1);");
    let machines = ["one/state.sqlite", "two/state.sqlite"];
    let agents = machines.map(|state| {
        std::fs::create_dir(stage.path(state.split('/').next().unwrap())).unwrap();
        stage.run(stage.command(&stage.config(state), &["robot"]))
    });
    stage.sim.until("both are there", |sim| sim.beats().len() >= 2);
    let job = stage.sim.job("work");
    stage.sim.until_status(&job, SUCCESS);
    stage.sleep(25.0);
    assert_eq!(stage.notes(), ["ran"]);
    assert_eq!(stage.sim.passage(&job).iter().filter(|&&status| status == RUNS).count(), 1);
    // Two robots that are one look like one that asks too often.
    stage.is_not_judged();
    for agent in agents {
        agent.signal("TERM");
        agent.ends();
    }
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn several_robots_in_one_agent_work_side_by_side() {
    let stage = Stage::new();
    let names = ["main", "second", "third"];
    stage.script("work.rhai", "NOTE(robot.name + \" began\"); sleep(1); NOTE(robot.name + \" ended\");");
    let guids = stage.guids();
    let jobs: Vec<String> =
        guids.iter().map(|guid| stage.sim.job_with("work", serde_json::json!({ "robot": guid }))).collect();
    stage.run(stage.command(&stage.config_of(&names, "state.sqlite"), &["robot", "--once"])).ends_with(0);
    for job in jobs {
        assert_eq!(stage.sim.status(&job), SUCCESS);
    }
    let notes = stage.notes();
    assert_eq!(notes.len(), 6);
    assert!(notes[..3].iter().all(|note| note.ends_with("began")), "one after another: {notes:?}");
    stage.ends_well();
}
