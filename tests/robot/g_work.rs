//! Group G: queues and resources, seen from both sides.

use serde_json::{Value, json};

use crate::sim::{ABORTED, FAILED, RUNS, number, text};
use crate::stage::Stage;

/// Statuses of tasks.
const IN_PROGRESS: i64 = 1;
const DONE: i64 = 2;
const FAILED_TASK: i64 = 3;
const BUSINESS: i64 = 4;

/// The tasks of a queue: name and status.
fn tasks(stage: &Stage) -> Vec<(String, i64)> {
    let state = stage.sim.look("state");
    let found = state["tasks"].as_array().unwrap_or_else(|| panic!("tasks: {state}")).iter();
    found.map(|task: &Value| (text(&task["name"]), number(&task["status"]) as i64)).collect()
}

fn status_of(stage: &Stage, name: &str) -> i64 {
    tasks(stage).iter().find(|(task, _)| task == name).unwrap().1
}

#[test]
fn t77_a_password_is_printed_as_stars() {
    let password = "Pa55-of-the-bank";
    let stage = Stage::new();
    stage.sim.tell("asset", json!({ "name": "bank", "type": 1, "text": "clerk", "password": password }));
    stage.script(
        "work.rhai",
        "let bank = robot.credential(\"bank\");
         print(bank.login + \" with \" + bank.password);
         print(`again ${bank.password}`);
         print(bank);
         robot.log(\"info\", `logged ${bank.password}`, #{ secret: bank.password });
         NOTE(\"read\");
         throw `cannot sign in with ${bank.password}`;",
    );
    let job = stage.sim.job("work");
    let said = stage.agent(&["--once", "--verbose"]).ends_with(0);
    assert_eq!((stage.sim.status(&job), stage.notes()), (FAILED, vec!["read".into()]));
    let told = stage.sim.messages();
    assert!(
        told.contains("clerk with ***") && told.contains("logged ***") && told.contains("cannot sign in with ***"),
        "{told}"
    );
    assert!(!told.contains(password) && !said.contains(password));
    let mut folders = vec![stage.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => {
                    let found = memchr::memmem::find(&std::fs::read(&path).unwrap_or_default(), password.as_bytes());
                    assert_eq!(found, None, "{}", path.display());
                }
            }
        }
    }
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t77_jobs_of_other_languages_are_not_told_the_guid() {
    let stage = Stage::new();
    stage.script(
        "work.sh",
        "env | sort\ncat\necho\ncat \"$PULT_JOB_FILE\"\nNOTE(\"$PULT_JOB_NAME\")\nenv > FOLDER/environment\n",
    );
    stage.sim.job_with("work", json!({ "task": { "name": "inv-17", "parameters": { "file": "a.xml" } } }));
    stage.once().ends_with(0);
    assert_eq!(stage.notes(), ["work"]);
    let told = stage.sim.messages();
    assert!(told.contains("PULT_PARAMS") && told.contains("a.xml") && told.contains("inv-17"), "{told}");
    // Also what nobody has masked: `ends_well` reads that file.
    stage.ends_well();
}

/// Four tasks, and what a closure does with each.
const DRAIN: &str = "let done = robot.queue(\"bills\").each(|task| {
        NOTE(task.name);
        if task.name == \"business\" { robot.business(\"nothing to pay\"); }
        if task.name == \"broken\" { throw \"the till is locked\"; }
    });
    `${done.success} ${done.business} ${done.failed}`";

#[test]
fn t82_what_is_thrown_decides_what_becomes_of_a_task() {
    let stage = Stage::new();
    stage.sim.tell("queue", json!({ "name": "bills" }));
    for name in ["good", "business", "broken", "better"] {
        stage.sim.tell("task", json!({ "queue": "bills", "name": name, "parameters": { "n": 1 } }));
    }
    let code = DRAIN.replace("NOTE(task.name)", &format!("fs::append({}, task.name + \"\\n\")", stage.quoted("notes")));
    let said = stage.eval(&code).ends_with(0);
    assert!(said.contains("2 1 1"), "{said}");
    let found = ["good", "business", "broken", "better"].map(|name| status_of(&stage, name));
    assert_eq!(found, [DONE, BUSINESS, FAILED_TASK, DONE]);
    assert_eq!(stage.notes().len(), 4);
    stage.ends_well();
}

#[test]
fn t83_two_robots_do_each_of_a_hundred_tasks_once() {
    let stage = Stage::new();
    stage.sim.tell("queue", json!({ "name": "bills" }));
    for n in 0..100 {
        stage.sim.tell("task", json!({ "queue": "bills", "name": format!("inv-{n:03}") }));
    }
    let config = stage.config_of(&["main", "second"], "state.sqlite");
    let drains = ["main", "second"].map(|name| {
        let notes = stage.quoted("notes");
        let code = format!(
            "let me = robot.connect(\"{name}\"); me.queue(\"bills\").each(|task| {{ fs::append({notes}, task.name + \"\\n\"); }});"
        );
        stage.run(stage.command(&config, &["eval", &code]))
    });
    drains.into_iter().for_each(|drain| drop(drain.ends_with(0)));
    let mut notes = stage.notes();
    notes.sort();
    let expected: Vec<String> = (0..100).map(|n| format!("inv-{n:03}")).collect();
    assert_eq!(notes, expected);
    let left: Vec<(String, i64)> =
        tasks(&stage).into_iter().filter(|(name, status)| name.starts_with("inv-") && *status != DONE).collect();
    assert_eq!(left, []);
    stage.ends_well();
}

#[test]
fn t84_with_auto_change_the_task_of_an_aborted_job_has_failed() {
    for (auto, expected) in [(true, FAILED_TASK), (false, IN_PROGRESS)] {
        let stage = Stage::new();
        stage.sim.tell("queue", json!({ "name": "bills", "auto_change_status": auto }));
        stage.script("work.rhai", "robot.queue(\"bills\").take(); NOTE(\"began\"); loop { sleep(0.02) }");
        let task = json!({ "name": "inv-17", "parameters": {}, "queue": "bills" });
        let job = stage.sim.job_with("work", json!({ "task": task }));
        let agent = stage.once();
        stage.until_noted("began");
        stage.sim.until_status(&job, RUNS);
        assert_eq!(status_of(&stage, "inv-17"), IN_PROGRESS);
        stage.sim.abort(&job);
        agent.ends_with(0);
        assert_eq!((stage.sim.status(&job), status_of(&stage, "inv-17")), (ABORTED, expected), "{auto}");
        stage.ends_well();
    }
}
