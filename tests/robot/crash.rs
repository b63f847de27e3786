//! Number 66: agents that are killed. `CRASHES=20` kills so often at each point and prints a table.

use serde_json::json;

use crate::sim::{FAILED, SUCCESS, is_final};
use crate::stage::Stage;

/// Where an agent can be made to die, and what then becomes of its job: how often its script began at most, whether it
/// ended, and the final status.
const POINTS: [(&str, usize, usize, i64); 7] = [
    // Handed out, and known to nobody: the server hands it out again.
    ("after_consume", 1, 1, SUCCESS),
    ("after_journal", 0, 0, FAILED),
    ("after_8", 0, 0, FAILED),
    // Its processes are being started: the script may have come to its first line, or not.
    ("in_run", 1, 0, FAILED),
    ("after_end", 1, 1, SUCCESS),
    ("after_outbox", 1, 1, SUCCESS),
    ("after_send", 1, 1, SUCCESS),
];

/// How often, where the environment does not say it.
const USUAL: usize = 2;

fn times() -> usize {
    std::env::var("CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(USUAL)
}

/// The script of the job `name`: notes by which one can tell.
fn work(stage: &Stage, name: &str) -> String {
    let text = format!("NOTE(\"began {name}\"); sleep(0.5); NOTE(\"ended {name}\");");
    stage.script(&format!("{name}.rhai"), &text);
    stage.sim.job(name)
}

fn noted(stage: &Stage, word: &str, name: &str) -> usize {
    stage.notes().iter().filter(|note| **note == format!("{word} {name}")).count()
}

/// Kills an agent at a point; then another one goes on.
#[cfg(debug_assertions)]
fn killed_at((point, began, ended, status): (&str, usize, usize, i64)) {
    let stage = Stage::at(10.0, &["redeliver_after=60", "spacing_tolerance_ms=250"]);
    let jobs = ["first", "second"].map(|name| (name, work(&stage, name)));
    let mut command = stage.command(&stage.config("state.sqlite"), &["robot", "--once"]);
    command.env("PULT_ROBOT_CRASH", point);
    let dead = stage.run(command).ends();
    assert_eq!(dead.code, None, "{point}: it did not die: {}", dead.said);
    stage.until_no_job_runs();
    // A handed out job is handed out again after its time.
    stage.sim.tell("advance", json!({ "seconds": 61 }));
    stage.once().ends_with(0);
    let (name, job) = &jobs[0];
    assert!(noted(&stage, "began", name) <= began, "{point}: it ran twice, or should not have begun");
    assert_eq!(noted(&stage, "ended", name), ended, "{point}");
    assert_eq!(stage.sim.status(job), status, "{point}: {:?}", stage.sim.passage(job));
    let (name, job) = &jobs[1];
    assert_eq!((noted(&stage, "ended", name), stage.sim.status(job)), (1, SUCCESS), "{point}");
    for (_, job) in &jobs {
        let finals = stage.sim.passage(job).into_iter().filter(|&status| is_final(status)).count();
        assert_eq!(finals, 1, "{point}: {:?}", stage.sim.passage(job));
    }
    stage.ends_well();
}

#[test]
#[cfg(all(unix, debug_assertions))]
fn t66_an_agent_killed_at_each_point_leaves_no_job_without_its_end() {
    let times = times();
    std::thread::scope(|threads| {
        let all: Vec<_> = POINTS
            .iter()
            .map(|&point| (point.0, threads.spawn(move || (0..times).for_each(|_| killed_at(point)))))
            .collect();
        for (point, thread) in all {
            let outcome = thread.join();
            println!("| killed {point} | {times} times | {} |", if outcome.is_ok() { "all good" } else { "WRONG" });
            assert!(outcome.is_ok(), "{point}");
        }
    });
}

#[test]
#[cfg(unix)]
fn t66_an_agent_killed_at_any_time_leaves_no_job_without_its_end() {
    let times = times();
    let mut outcomes = [0, 0];
    for round in 0..times {
        let stage = Stage::at(10.0, &["redeliver_after=60", "spacing_tolerance_ms=250", &format!("seed={round}")]);
        let names = ["first", "second", "third", "fourth"];
        let jobs = names.map(|name| (name, work(&stage, name)));
        // Spread over the whole life of an agent, and never the same twice.
        for kill in 0..4 {
            let mut agent = stage.once();
            let pause = 150 + (round * 97 + kill * 233) as u64 % 1400;
            std::thread::sleep(std::time::Duration::from_millis(pause));
            agent.kill();
            if kill % 2 == 0 {
                // The next one comes while the supervisor of the dead one still works.
                stage.until_no_job_runs();
            }
        }
        stage.sim.tell("advance", json!({ "seconds": 61 }));
        stage.once().ends_with(0);
        for (name, job) in &jobs {
            let (began, ended) = (noted(&stage, "began", name), noted(&stage, "ended", name));
            assert!(began <= 1, "{name} ran twice");
            let passage = stage.sim.passage(job);
            assert_eq!(passage.iter().filter(|&&status| is_final(status)).count(), 1, "{name}: {passage:?}");
            match stage.sim.status(job) {
                SUCCESS => assert_eq!(ended, 1, "{name}: {passage:?}"),
                // Killed on its way out at the latest.
                FAILED => {}
                status => panic!("{name}: {status}"),
            }
            outcomes[usize::from(stage.sim.status(job) == FAILED)] += 1;
        }
        stage.ends_well();
    }
    println!("| killed at any time | {} times | {} good, {} interrupted |", times * 4, outcomes[0], outcomes[1]);
}
