//! Group B: the main loop.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::sim::{RUNS, SUCCESS};
use crate::stage::Stage;

/// What one job looks like from the other side.
const ONE_JOB: [&str; 4] = ["consume", "update 8", "update 4", "heartbeat 2"];

/// What counts how often it is asked to log off.
#[cfg(unix)]
fn doorman(stage: &Stage) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = stage.path("logoff.sh");
    std::fs::write(&path, format!("#!/bin/sh\necho asked >> {}\n", stage.quoted("logoffs"))).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// How often that was.
#[cfg(unix)]
fn logoffs(stage: &Stage) -> usize {
    std::fs::read_to_string(stage.path("logoffs")).unwrap_or_default().lines().count()
}

#[test]
#[cfg(unix)]
fn t13_without_work_one_heartbeat_and_the_log_off() {
    let mut stage = Stage::new();
    stage.set("logoff = true");
    let doorman = doorman(&stage);
    stage.agent(&["--once", "--logoff-with", &doorman]).ends_with(0);
    assert_eq!(stage.sim.story(), ["heartbeat 2"]);
    assert_eq!(logoffs(&stage), 1);
    stage.ends_well();
}

#[test]
fn t13_where_there_is_no_log_off_it_says_so() {
    let mut stage = Stage::new();
    stage.set("logoff = true");
    if cfg!(windows) {
        return;
    }
    let said = stage.once().ends_with(0);
    assert_eq!(said.matches("log off").count(), 1, "{said}");
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t14_without_the_flag_nobody_is_logged_off() {
    let mut stage = Stage::new();
    stage.set("logoff = false");
    let doorman = doorman(&stage);
    stage.agent(&["--once", "--logoff-with", &doorman]).ends_with(0);
    assert_eq!((logoffs(&stage), stage.sim.story().len()), (0, 1));
    stage.ends_well();
}

#[test]
fn t15_an_old_file_without_a_third_line_means_log_off() {
    let stage = Stage::new();
    let guid = crate::stage::GUID;
    for (lines, expected) in [
        (format!("{guid}\nhttp://192.168.1.111:4500\n"), true),
        (format!("{guid}\r\nhttp://192.168.1.111:4500\r\n1\r\n"), true),
        (format!("\u{feff}{guid}\r\nhttp://192.168.1.111:4500\r\n0"), false),
    ] {
        std::fs::write(stage.path("settings.txt"), lines).unwrap();
        let _ = std::fs::remove_file(stage.path("imported.toml"));
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pult"));
        stage.dress(&mut command);
        command.args(["robot", "import", "settings.txt"]);
        let said = stage.run(command).ends_with(0);
        let asks = said.contains("logoff = true");
        assert_eq!(asks, expected, "{said}");
        assert!(said.contains("http://192.168.1.111:4500"), "{said}");
        std::fs::remove_file(stage.path("settings.txt")).unwrap();
    }
    stage.ends_well();
}

#[test]
fn t16_one_job_from_its_beginning_to_its_end() {
    // Slow enough that no job is seen working.
    let stage = Stage::at(2.0, &[]);
    stage.script("work.rhai", "NOTE(\"ran\");");
    let job = stage.sim.job("work");
    stage.once().ends_with(0);
    assert_eq!(stage.sim.story(), ["heartbeat 2", "consume", "update 8", "update 4", "heartbeat 2"]);
    assert!(stage.sim.passage(&job).ends_with(&[RUNS, SUCCESS]), "{:?}", stage.sim.passage(&job));
    assert_eq!(stage.notes(), ["ran"]);
    stage.ends_well();
}

#[test]
fn t17_three_jobs_one_after_another() {
    let stage = Stage::at(2.0, &[]);
    for name in ["first", "second", "third"] {
        stage.script(&format!("{name}.rhai"), &format!("NOTE(\"{name}\");"));
        stage.sim.job(name);
    }
    stage.once().ends_with(0);
    let expected = [&["heartbeat 2"], &ONE_JOB[..], &ONE_JOB, &ONE_JOB].concat();
    assert_eq!(stage.sim.story(), expected);
    assert_eq!(stage.notes(), ["first", "second", "third"]);
    stage.ends_well();
}

#[test]
fn t18_the_script_named_by_the_version_runs_and_heartbeats_name_it() {
    let stage = Stage::new();
    stage.script("right.rhai", "NOTE(\"right\"); sleep(0.7);").script("wrong.rhai", "NOTE(\"wrong\");");
    let job = stage.sim.job("right");
    stage.once().ends_with(0);
    assert_eq!(stage.notes(), ["right"]);
    let working = stage.sim.working();
    assert!(!working.is_empty());
    for beat in working {
        assert_eq!((beat.field("JobName"), beat.field("JobGUID").to_lowercase()), ("right".into(), job.to_lowercase()));
        assert_eq!(beat.field("JobType"), "1");
    }
    stage.ends_well();
}

#[test]
fn t19_a_job_of_35_seconds_is_seen_three_times() {
    // Slow enough that what it takes to start a process does not count.
    let stage = Stage::at(10.0, &["spacing_tolerance_ms=150"]);
    stage.script("work.rhai", "sleep(3.4);");
    stage.sim.job("work");
    stage.once().ends_with(0);
    let beats = stage.sim.beats();
    let (ready, working) = (&beats[0], stage.sim.working());
    let end = stage.sim.asked().iter().find(|asked| asked.word() == "update 4").unwrap().at;
    // Each comes 10 to 11 s after the one before; a loaded machine makes the job longer.
    let most = ((end - ready.at) / 10.0).floor() as usize;
    let least = ((end - ready.at - 2.0) / 11.5).floor() as usize;
    assert!((least..=most).contains(&working.len()) && working.len() >= 3, "{} of {least}..={most}", working.len());
    for (earlier, later) in beats.iter().zip(&working) {
        assert!(later.at - earlier.at >= 10.0 - 1.5, "{} after {}", later.at, earlier.at);
    }
    stage.ends_well();
}

#[test]
fn t20_a_short_job_is_never_seen_working_and_ready_follows_at_once() {
    // 10 s are 5 real ones.
    let stage = Stage::at(2.0, &[]);
    stage.script("work.rhai", "sleep(1);");
    let job = stage.sim.job("work");
    let began = Instant::now();
    stage.once().ends_with(0);
    let asked = stage.sim.asked();
    let at = |word: &str| asked.iter().rfind(|asked| asked.word() == word).unwrap().at;
    if began.elapsed() < Duration::from_secs(4) {
        assert_eq!(stage.sim.working().len(), 0);
        assert!(at("heartbeat 2") - asked[0].at < 10.0, "it waited");
    }
    assert!(at("heartbeat 2") >= at("update 4"));
    assert_eq!(stage.sim.passage(&job).last(), Some(&SUCCESS));
    stage.ends_well();
}

#[test]
fn t21_with_strict_spacing_ready_waits_as_well() {
    let mut stage = Stage::with(&["strict_spacing=true"]);
    stage.set("strict_spacing = true").script("work.rhai", "1");
    stage.sim.tell("jobs", json!({ "count": 10, "version": "work" }));
    stage.once().ends_with(0);
    let beats = stage.sim.beats();
    assert!(beats.len() >= 11, "{}", beats.len());
    // The first and the last tell it most exactly: what came late does not add up.
    let whole = beats[beats.len() - 1].at - beats[0].at;
    assert!(whole >= 10.0 * (beats.len() - 1) as f64 - 4.0, "{} in {whole} s", beats.len());
    stage.ends_well();
}

#[test]
fn t22_new_work_waits_for_the_end_of_the_old() {
    let stage = Stage::new();
    stage.script("long.rhai", "NOTE(\"began\"); sleep(1.3); NOTE(\"ended\");").script("next.rhai", "NOTE(\"next\");");
    let first = stage.sim.job("long");
    let agent = stage.once();
    stage.sim.until_status(&first, RUNS);
    stage.sim.job("next");
    agent.ends_with(0);
    assert!(stage.sim.working().iter().any(|beat| beat.answer["HasNewJob"] == json!(1)), "it was never offered");
    assert_eq!(stage.notes(), ["began", "ended", "next"]);
    let story = stage.sim.story();
    let second = story.iter().rposition(|word| word == "consume").unwrap();
    assert_eq!(story[second - 1], "heartbeat 2");
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t23_a_daemon_asks_on_and_stays() {
    let stage = Stage::new();
    let mut agent = stage.daemon();
    stage
        .sim
        .until("60 s of questions", |sim| sim.beats().last().is_some_and(|last| last.at - sim.beats()[0].at >= 60.0));
    assert!(agent.is_running());
    let beats = stage.sim.beats();
    let whole = beats[beats.len() - 1].at - beats[0].at;
    assert!(whole >= 10.0 * (beats.len() - 1) as f64 - 4.0, "{} in {whole} s", beats.len());
    assert!(stage.sim.story().iter().all(|word| word == "heartbeat 2"));
    stage.leaves(agent);
}

#[test]
fn t24_parameters_in_a_text_are_a_map_for_the_script() {
    let stage = Stage::new();
    stage.script("work.rhai", "NOTE(type_of(robot.params) + \" \" + robot.params.file + \" \" + robot.params.sum);");
    let parameters = json!({ "file": "счёт.xml", "sum": 17 }).to_string();
    stage.sim.job_with("work", json!({ "task": { "name": "inv-17", "parameters": parameters } }));
    stage.once().ends_with(0);
    assert_eq!(stage.notes(), ["map счёт.xml 17"]);
    stage.ends_well();
}

#[test]
fn t25_at_the_prompt_nobody_is_logged_off() {
    let mut stage = Stage::new();
    stage.set("logoff = true");
    let said = stage.eval("import \"stdlib/robot\" as r; r::once(robot); \"over\"").ends_with(0);
    assert!(said.contains("over") && !said.contains("log off"), "{said}");
    assert_eq!(stage.sim.story(), ["heartbeat 2"]);
    stage.ends_well();
}
