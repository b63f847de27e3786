//! Number 85: many jobs, random faults, agents that die. `SOAK=10000` does as many.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::sim::{ABORTED, FAILED, SUCCESS, Sim, is_final, number, text};
use crate::stage::Stage;

/// How many jobs, where the environment does not say it.
const USUAL: usize = 200;
/// So many are in the queue at a time: fewer for each robot than a journal remembers.
const BATCH: usize = 300;
/// What the robots are called in the configuration.
const NAMES: [&str; 3] = ["main", "second", "third"];

/// What jobs do, and the status each ends with.
const KINDS: [(&str, &str, i64); 5] = [
    ("good", "NOTE(env(\"PULT_JOB_GUID\"));", SUCCESS),
    ("throws", "NOTE(env(\"PULT_JOB_GUID\")); throw \"no\"", FAILED),
    ("three", "NOTE(env(\"PULT_JOB_GUID\")); exit(3)", FAILED),
    ("missing", "", FAILED),
    ("endless", "NOTE(env(\"PULT_JOB_GUID\")); loop { sleep(0.05) }", ABORTED),
];

/// What may go wrong, how, and how often.
fn faults(sim: &Sim) {
    for route in ["heartbeat", "consume", "update", "log"] {
        for (kind, more) in [
            ("status", json!({ "status": 503, "applied": false })),
            ("status", json!({ "status": 500, "applied": true })),
            ("drop", json!({ "applied": true })),
            ("refuse", json!({})),
            // A page with 200, from the Orchestrator or from somebody who never asked it.
            ("html", json!({ "applied": true })),
            ("html", json!({ "applied": false })),
            ("truncated", json!({ "applied": true })),
            ("delay", json!({ "seconds": 6 })),
        ] {
            let mut more = more;
            more["probability"] = json!(0.01);
            sim.fault(route, kind, more);
        }
    }
}

/// The final statuses that the simulator knows, by GUID.
fn server(sim: &Sim) -> BTreeMap<String, (String, Vec<i64>)> {
    let state = sim.look("state");
    let jobs = state["jobs"].as_array().unwrap().iter();
    jobs.map(|job| {
        let history = job["history"].as_array().unwrap().iter().map(|step| number(&step["to"]) as i64);
        let name = text(&job["version"]);
        (text(&job["guid"]).to_lowercase(), (name, history.collect()))
    })
    .collect()
}

/// What the journal says of the jobs that are over, by GUID: the words of their statuses.
fn client(stage: &Stage) -> BTreeMap<String, String> {
    let journal = rusqlite::Connection::open(stage.path("state.sqlite")).unwrap();
    let mut rows = journal.prepare("SELECT job, status FROM robot_jobs WHERE status IS NOT NULL").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// One batch of jobs, to the last of them.
#[cfg(unix)]
fn batch(stage: &Stage, count: usize, guids: &[String], seen: &mut BTreeMap<String, usize>) {
    let before: Vec<String> = server(&stage.sim).into_keys().collect();
    for n in 0..count {
        // Endless ones are rare: each costs a heartbeat and its answer.
        let kind = if n % 10 == 9 { 4 } else { n % 4 };
        stage.sim.job_with(KINDS[kind].0, json!({ "robot": guids[n % guids.len()] }));
    }
    let start = || stage.run(stage.command(&stage.config_of(&NAMES, "state.sqlite"), &["robot", "--quiet"]));
    let mut agent = start();
    let (began, mut killed) = (Instant::now(), Instant::now());
    let is_new = |guid: &String| !before.contains(guid);
    loop {
        let asked = Instant::now();
        let jobs = server(&stage.sim);
        let took = asked.elapsed();
        let open: Vec<&String> = jobs
            .iter()
            .filter(|(guid, (_, passage))| is_new(guid) && !passage.last().is_some_and(|&status| is_final(status)))
            .map(|(guid, _)| guid)
            .collect();
        if open.is_empty() {
            break;
        }
        for guid in &open {
            let (name, passage) = &jobs[*guid];
            if name == "endless" && passage.last() == Some(&crate::sim::RUNS) {
                stage.sim.abort(guid);
            }
        }
        if killed.elapsed() > Duration::from_secs(5) {
            agent.kill();
            killed = Instant::now();
            agent = start();
        }
        assert!(began.elapsed() < Duration::from_secs(60 + 2 * count as u64), "{} jobs are left: {open:?}", open.len());
        // The more jobs there are, the longer the answer takes; it is not what is tried here.
        std::thread::sleep(Duration::from_millis(200).max(5 * took));
    }
    // What they have still to tell.
    stage.sleep(60.0);
    agent.signal("TERM");
    agent.ends();
    let (jobs, journal) = (server(&stage.sim), client(stage));
    for (guid, (name, passage)) in jobs.iter().filter(|(guid, _)| is_new(guid)) {
        let last = passage.last().copied().unwrap_or_default();
        let finals = passage.iter().filter(|&&status| is_final(status)).count();
        let usual = KINDS.iter().find(|(kind, ..)| kind == name).unwrap().2;
        // Whoever was under way when its agent was killed has failed.
        assert!(finals == 1 && (last == usual || last == FAILED), "{name} {guid}: {passage:?}");
        let word = match last {
            SUCCESS => "success",
            FAILED => "failed",
            ABORTED => "aborted",
            _ => "stopped",
        };
        assert_eq!(journal.get(guid).map(String::as_str), Some(word), "{name} {guid}: {passage:?}");
        *seen.entry(format!("{name}: {word}")).or_default() += 1;
    }
}

#[test]
#[cfg(unix)]
fn t85_after_many_jobs_and_faults_both_sides_tell_the_same() {
    let wanted = std::env::var("SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(USUAL);
    let mut stage = Stage::at(200.0, &["redeliver_after=300", "seed=85"]);
    stage.set("timeout = 60");
    for (name, text, _) in KINDS.iter().filter(|(_, text, _)| !text.is_empty()) {
        stage.script(&format!("{name}.rhai"), text);
    }
    let guids = stage.guids();
    faults(&stage.sim);
    let (began, mut done, mut seen) = (Instant::now(), 0, BTreeMap::new());
    while done < wanted {
        let count = BATCH.min(wanted - done);
        batch(&stage, count, &guids, &mut seen);
        done += count;
    }
    let mut notes = stage.notes();
    let all = notes.len();
    notes.sort();
    notes.dedup();
    assert_eq!(notes.len(), all, "a job ran twice");
    println!("| {done} jobs in {:.0} s | {seen:?} |", began.elapsed().as_secs_f64());
    stage.sim.mend();
    stage.ends_well();
}
