//! Group F: what outlives the agent. Number 66 is in `crash`.

use std::process::Command;

use serde_json::json;

use crate::sim::{FAILED, RUNS, SUCCESS};
use crate::stage::Stage;

/// Notes that it began, works for a while, notes that it ended.
const WORK: &str = "NOTE(\"began\"); sleep(1); NOTE(\"ended\");";

/// Begins a job, and takes the power away from all of it.
#[cfg(unix)]
fn powerless(stage: &Stage, job: &str) {
    let mut agent = stage.once();
    stage.sim.until_status(job, RUNS);
    stage.sim.until("it begins", |_| stage.notes().last().is_some_and(|note| note == "began"));
    let all = stage.processes();
    agent.kill();
    for process in all {
        crate::processes::signal(process.id, "KILL");
    }
    stage.sim.until("all are gone", |_| stage.processes().is_empty());
    // What is last in the notes tells a new beginning from the old one.
    let notes = stage.notes().join("\n");
    std::fs::write(stage.path("notes"), format!("{notes}\npower\n")).unwrap();
}

/// How often the script began.
fn beginnings(stage: &Stage) -> usize {
    stage.notes().iter().filter(|note| *note == "began").count()
}

#[test]
#[cfg(unix)]
fn t67_after_a_power_loss_the_job_has_failed_before_anything_else() {
    let stage = Stage::new();
    stage.script("work.rhai", WORK);
    let job = stage.sim.job("work");
    powerless(&stage, &job);
    stage.script("next.rhai", "NOTE(\"next\");");
    stage.sim.job("next");
    let before = stage.sim.story().len();
    stage.once().ends_with(0);
    let story = stage.sim.story().split_off(before);
    let (told, took) =
        (story.iter().position(|word| word == "update 5"), story.iter().position(|word| word == "consume"));
    assert!(told.is_some() && told < took, "{story:?}");
    assert!(stage.sim.passage(&job).ends_with(&[RUNS, FAILED]));
    assert!(stage.sim.messages().contains("interrupted"), "{}", stage.sim.messages());
    assert_eq!(beginnings(&stage), 1);
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t68_an_interrupted_job_may_run_once_more_and_no_oftener() {
    let mut stage = Stage::new();
    stage.set("on_interrupt = \"rerun\"").set("max_reruns = 1").script("work.rhai", WORK);
    let job = stage.sim.job("work");
    powerless(&stage, &job);
    stage.once().ends_with(0);
    assert_eq!((beginnings(&stage), stage.sim.status(&job)), (2, SUCCESS));

    let unlucky = stage.sim.job("work");
    powerless(&stage, &unlucky);
    powerless(&stage, &unlucky);
    stage.once().ends_with(0);
    assert_eq!((beginnings(&stage), stage.sim.status(&unlucky)), (4, FAILED));
    // The invariants know no job that may run again.
    stage.is_not_judged();
    stage.ends_well();
}

/// The journal, as a stranger sees it.
fn journal(stage: &Stage) -> rusqlite::Connection {
    rusqlite::Connection::open(stage.path("state.sqlite")).unwrap()
}

#[test]
#[cfg(unix)]
fn t71_a_stranger_with_the_number_of_an_old_process_lives() {
    let stage = Stage::new();
    stage.script("work.rhai", WORK);
    let job = stage.sim.job("work");
    powerless(&stage, &job);
    let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
    let changed = journal(&stage).execute("UPDATE robot_processes SET pid = ?1", [stranger.id()]).unwrap();
    assert!(changed > 0, "no process is remembered");
    stage.once().ends_with(0);
    assert_eq!(stranger.try_wait().unwrap(), None, "it was killed");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert_eq!(stage.sim.status(&job), FAILED);
    stage.ends_well();
}

#[test]
fn t72_a_job_that_comes_again_is_reported_again_and_not_run() {
    for (how, expected) in [("report", 1), ("run", 2)] {
        // An Orchestrator that refuses to let an ended job begin again is obeyed; this one says nothing.
        let mut stage = Stage::with(&["strict_order=false"]);
        stage.set(&format!("on_repeat = \"{how}\"")).script("work.rhai", "NOTE(\"began\");");
        let job = stage.sim.job("work");
        stage.once().ends_with(0);
        stage.sim.tell("redeliver", json!({ "job": job }));
        let before = stage.sim.story().len();
        stage.once().ends_with(0);
        let story = stage.sim.story().split_off(before);
        assert!(story.contains(&"update 4".to_owned()), "{how}: {story:?}");
        assert_eq!((beginnings(&stage), stage.sim.status(&job)), (expected, SUCCESS), "{how}");
        if how == "report" {
            assert!(!story.contains(&"update 8".to_owned()), "{story:?}");
        } else {
            stage.is_not_judged();
        }
        stage.ends_well();
    }
}

#[test]
#[cfg(unix)]
fn t73_with_a_full_disk_nothing_is_taken() {
    let stage = Stage::new();
    stage.script("work.rhai", "NOTE(\"began\");");
    // The journal is there, and there is room for nothing more.
    stage.once().ends_with(0);
    let job = stage.sim.job("work");
    let mut command = Command::new("sh");
    stage.dress(&mut command);
    command.args([
        "-c",
        "trap '' XFSZ; ulimit -f 68; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_pult"),
        "robot",
        "--config",
    ]);
    let agent = stage.run({
        command.arg(stage.config("state.sqlite"));
        command
    });
    // Room for the index of the log that SQLite keeps, in units of 512 bytes, and for no log.
    stage.sim.until("the cause is named", |_| agent.said.text().contains("journal"));
    stage.sleep(40.0);
    assert!(!stage.sim.story().contains(&"consume".to_owned()));
    assert_eq!(stage.sim.status(&job), crate::sim::PENDING);
    // With room again it is done.
    agent.signal("TERM");
    agent.ends();
    stage.once().ends_with(0);
    assert_eq!(stage.sim.status(&job), SUCCESS);
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t74_a_damaged_line_of_the_journal_is_set_aside_and_the_rest_is_used() {
    let stage = Stage::new();
    let script =
        "robot.log(\"info\", \"first line\"); robot.log(\"info\", \"second line\"); NOTE(\"began\"); sleep(0.3);";
    stage.script("work.rhai", script);
    let job = stage.sim.job("work");
    let mut agent = stage.once();
    stage.sim.until_status(&job, RUNS);
    stage.sim.fault("*", "refuse", json!({ "for_seconds": 1_000_000 }));
    stage.sim.until("the end waits", |_| {
        let count = "SELECT count(*) FROM robot_outbox WHERE kind = 'status'";
        journal(&stage).query_row(count, [], |row| row.get::<_, i64>(0)).unwrap_or_default() >= 1
            && stage.notes() == ["began"]
            && stage.working_processes().is_empty()
    });
    stage.sleep(15.0);
    agent.kill();
    stage.sim.until("all are gone", |_| stage.processes().is_empty());
    let damage = "UPDATE robot_outbox SET body = '{\"tex' WHERE body LIKE '%first line%'";
    let damaged = journal(&stage).execute(damage, []).unwrap();
    stage.sim.mend();
    stage.once().ends_with(0);
    assert_eq!(stage.sim.status(&job), SUCCESS);
    if damaged > 0 {
        let aside: i64 = journal(&stage).query_row("SELECT count(*) FROM robot_aside", [], |row| row.get(0)).unwrap();
        assert_eq!(aside, 1);
        assert!(stage.sim.messages().contains("second line"), "{}", stage.sim.messages());
    }
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t75_after_a_sleep_a_heartbeat_goes_out_at_once() {
    let stage = Stage::new();
    stage.script("work.rhai", "NOTE(\"began\"); sleep(4);");
    let job = stage.sim.job("work");
    let agent = stage.once();
    stage.sim.until("it is seen working", |sim| !sim.working().is_empty());
    agent.signal("STOP");
    // An hour would be three minutes; half of a minute of its clock shows the same.
    stage.sleep(30.0);
    let before = stage.sim.beats().len();
    let woken = std::time::Instant::now();
    agent.signal("CONT");
    stage.sim.until("a heartbeat", |sim| sim.beats().len() > before);
    assert!(woken.elapsed() < std::time::Duration::from_secs(1), "{:?}", woken.elapsed());
    agent.ends_with(0);
    assert_eq!(stage.sim.status(&job), SUCCESS);
    stage.ends_well();
}
