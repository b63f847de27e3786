//! Group C: Stop and Abort. Jobs in Rhai everywhere, in the shell and in Python where those are.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::sim::{ABORTED, ABORTING, FAILED, RUNS, STOPPED, STOPPING, SUCCESS, is_final};
use crate::stage::Stage;

/// What the reference gives from the answer to the last process: the real second.
const SECOND: Duration = Duration::from_secs(1);

/// Notices the request, tells so, and ends.
const POLITE: &str = "NOTE(\"began\"); while !robot.should_stop() { sleep(0.02) } NOTE(\"asked\");";
/// Never asks, and ends well after 50 s.
const DEAF: &str = "NOTE(\"began\"); sleep(2.5); NOTE(\"ended\");";
/// Never ends.
const ENDLESS: &str = "NOTE(\"began\"); loop { }";
/// Waits in a call that is not the script's.
const WAITING: &str = "NOTE(\"began\"); sleep(3600);";

#[cfg(unix)]
fn has_python() -> bool {
    let found = std::process::Command::new("python3").arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: no Python");
    }
    found
}

/// Lets one job begin; the stage, the job, and its agent.
fn begun(stage: Stage, script: &str, text: &str) -> (Stage, String, crate::agent::Agent) {
    stage.script(script, text);
    let job = stage.sim.job(script.rsplit_once('.').map_or(script, |(name, _)| name));
    let agent = stage.once();
    stage.until_noted("began");
    stage.sim.until_status(&job, RUNS);
    (stage, job, agent)
}

/// Asks a job to stop; which final status it has then.
fn stopped(stage: Stage, script: &str, text: &str) -> (Stage, i64) {
    let (stage, job, agent) = begun(stage, script, text);
    stage.sim.stop(&job);
    agent.ends_with(0);
    let status = stage.sim.status(&job);
    let passage = stage.sim.passage(&job);
    assert!(passage.ends_with(&[RUNS, STOPPING, status]) && is_final(status), "{passage:?}");
    (stage, status)
}

/// Aborts a job; everything of it is gone within a second of the answer.
fn aborted(stage: Stage, script: &str, text: &str) -> Stage {
    let (stage, job, agent) = begun(stage, script, text);
    stage.sim.abort(&job);
    stage.sim.until_told(10);
    let answered = Instant::now();
    stage.until_no_job_runs();
    assert!(answered.elapsed() <= SECOND, "{script} lived on for {:?}", answered.elapsed());
    agent.ends_with(0);
    let passage = stage.sim.passage(&job);
    assert!(passage.ends_with(&[RUNS, ABORTING, ABORTED]), "{passage:?}");
    stage
}

#[test]
fn t26_a_script_that_looks_ends_itself() {
    let (stage, status) = stopped(Stage::new(), "polite.rhai", POLITE);
    assert_eq!((status, stage.notes()), (STOPPED, vec!["began".into(), "asked".into()]));
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t26_a_python_script_that_obeys_ends_itself() {
    if !has_python() {
        return;
    }
    for (name, text) in [
        (
            "by_signal.py",
            "import signal, sys, time\ndef stop(*_):\n    NOTE(\"asked\")\n    sys.exit(143)\n\
             signal.signal(signal.SIGTERM, stop)\nNOTE(\"began\")\ntime.sleep(3600)\n",
        ),
        (
            "by_file.py",
            "import os, signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nNOTE(\"began\")\n\
             while not os.path.exists(os.environ['PULT_STOP_FILE']):\n    time.sleep(0.02)\nNOTE(\"asked\")\nsys.exit(143)\n",
        ),
    ] {
        let (stage, status) = stopped(Stage::new(), name, text);
        assert_eq!((status, stage.notes()), (STOPPED, vec!["began".into(), "asked".into()]), "{name}");
        stage.ends_well();
    }
}

#[test]
fn t27_a_script_that_never_looks_and_ends_well_has_succeeded() {
    let (stage, status) = stopped(Stage::new(), "deaf.rhai", DEAF);
    assert_eq!((status, stage.notes()), (SUCCESS, vec!["began".into(), "ended".into()]));
    stage.ends_well();
    let mut always = Stage::new();
    always.set("stop_result = \"always\"");
    let (stage, status) = stopped(always, "deaf.rhai", DEAF);
    assert_eq!(status, STOPPED);
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t27_a_python_script_that_ignores_the_request_and_ends_well_has_succeeded() {
    if !has_python() {
        return;
    }
    let text = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nNOTE(\"began\")\ntime.sleep(2)\n\
                NOTE(\"ended\")\n";
    let (stage, status) = stopped(Stage::new(), "deaf.py", text);
    assert_eq!((status, stage.notes()), (SUCCESS, vec!["began".into(), "ended".into()]));
    stage.ends_well();
}

#[test]
fn t28_while_stopping_heartbeats_say_working_and_the_script_is_told_once() {
    let text = "robot.on_stop(|| NOTE(\"told\")); NOTE(\"began\");
        let left = 100; while left > 0 { if robot.should_stop() { left -= 1; } sleep(0.02) }";
    let (stage, status) = stopped(Stage::new(), "slow.rhai", text);
    assert_eq!(status, STOPPED);
    assert_eq!(stage.notes(), ["began", "told"]);
    let asking: Vec<_> = stage.sim.beats().into_iter().filter(|beat| beat.code() == 20).collect();
    assert!(asking.len() >= 2, "{}", asking.len());
    for beat in asking {
        assert_eq!(beat.field("Status"), "3");
    }
    stage.ends_well();
}

#[test]
fn t29_abort_ends_a_script_within_a_second() {
    let text = "NOTE(\"began\"); loop { fs::append(\"FOLDER/ticks\", \".\"); sleep(0.01) }";
    let stage = aborted(Stage::new(), "ticks.rhai", text);
    let ticks = || std::fs::metadata(stage.path("ticks")).unwrap().len();
    let before = ticks();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(ticks(), before);
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t29_abort_ends_grandchildren_that_hide() {
    // In the background, in sessions of their own, without a parent, deaf to everything, born while others die.
    let text = "trap '' TERM HUP INT\nsleep 3601 &\n(trap '' TERM HUP; sleep 3602 & sleep 3603) &\n\
        setsid sh -c 'trap \"\" TERM; sleep 3604 & sleep 3605' &\n\
        (setsid sh -c 'sleep 3606 &' &)\nnohup setsid sh -c 'while :; do sleep 0.05; done' >/dev/null 2>&1 &\n\
        NOTE(began)\nwait\n";
    aborted(Stage::new(), "tree.sh", text).ends_well();
}

#[test]
#[cfg(unix)]
fn t29_abort_ends_a_python_script_with_its_children() {
    if !has_python() {
        return;
    }
    let text = "import signal, subprocess, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
        subprocess.Popen([sys.executable, '-c', 'import subprocess, time; subprocess.Popen([\"sleep\", \"3607\"]); time.sleep(3608)'])\n\
        subprocess.Popen(['sleep', '3609'], start_new_session=True)\ntime.sleep(0.2)\nNOTE(\"began\")\n\
        while True:\n    pass\n";
    aborted(Stage::new(), "tree.py", text).ends_well();
}

/// A console in which somebody has marked a text, a collector of logs that is stuck: nobody reads what the agent writes.
#[test]
fn t29_abort_comes_through_when_nobody_reads_what_the_agent_says() {
    let stage = Stage::new();
    stage.script("endless.rhai", ENDLESS);
    let job = stage.sim.job("endless");
    let (reader, mut writer) = std::io::pipe().unwrap();
    let errors = writer.try_clone().unwrap();
    std::thread::spawn(move || while std::io::Write::write_all(&mut writer, &[b'\n'; 512]).is_ok() {});
    std::thread::sleep(Duration::from_millis(200));
    let mut command = stage.command(&stage.config("state.sqlite"), &["robot", "--once", "--verbose"]);
    let mut agent = command.stderr(errors).stdout(Stdio::null()).spawn().unwrap();
    drop(command);
    stage.until_noted("began");
    stage.sim.abort(&job);
    stage.sim.until_told(10);
    let answered = Instant::now();
    stage.until_no_job_runs();
    assert!(answered.elapsed() <= SECOND, "it lived on for {:?}", answered.elapsed());
    stage.sim.until("the end of the job", |sim| sim.status(&job) == ABORTED);
    drop(reader);
    assert!(agent.wait().unwrap().success());
    stage.ends_well();
}

#[test]
fn t30_abort_ends_a_loop_without_a_call() {
    aborted(Stage::new(), "endless.rhai", ENDLESS).ends_well();
}

#[test]
fn t31_abort_ends_a_wait_in_a_native_call() {
    aborted(Stage::new(), "waiting.rhai", WAITING).ends_well();
}

#[test]
fn t32_abort_after_stop_escalates() {
    let (stage, job, agent) = begun(Stage::new(), "endless.rhai", ENDLESS);
    stage.sim.stop(&job);
    stage.sim.until_told(20);
    stage.sim.abort(&job);
    agent.ends_with(0);
    let passage = stage.sim.passage(&job);
    assert!(passage.ends_with(&[RUNS, STOPPING, ABORTING, ABORTED]), "{passage:?}");
    stage.ends_well();
}

/// Ready heartbeats are answered with a request to stop, whatever runs.
fn idle_stop(stage: &Stage) {
    stage.sim.fault("heartbeat", "set", json!({ "when": { "status": 2 }, "fields": { "HeartbeatErrorCode": 20 } }));
}

#[test]
fn t33_stop_after_abort_changes_nothing() {
    let (stage, job, agent) = begun(Stage::new(), "endless.rhai", ENDLESS);
    // Whatever a later heartbeat asks for.
    idle_stop(&stage);
    stage.sim.abort(&job);
    agent.ends_with(0);
    let codes: Vec<i64> = stage.sim.beats().iter().map(|beat| beat.code()).filter(|&code| code != 0).collect();
    assert_eq!((codes.first(), codes.last()), (Some(&10), Some(&20)), "{codes:?}");
    assert_eq!(stage.sim.story().iter().filter(|word| **word == "update 3").count(), 1);
    assert_eq!(stage.sim.status(&job), ABORTED);
    stage.ends_well();
}

#[test]
fn t34_abort_in_the_moment_of_the_end_leaves_one_true_status() {
    let stage = Stage::new();
    // The second heartbeat comes 0.5 to 0.55 s after the first: the ends lie around that.
    let lengths = ["0.30", "0.36", "0.40", "0.43", "0.46", "0.50", "0.55"];
    let mut jobs = Vec::new();
    for length in lengths {
        let name = format!("job-{length}");
        stage.script(
            &format!("{name}.rhai"),
            &format!("NOTE(\"began {length}\"); sleep({length}); NOTE(\"ended {length}\");"),
        );
        jobs.push((length, stage.sim.job(&name)));
    }
    let agent = stage.once();
    for (length, job) in &jobs {
        stage.until_noted(&format!("began {length}"));
        if !is_final(stage.sim.status(job)) {
            stage.sim.abort(job);
        }
    }
    agent.ends_with(0);
    for (length, job) in &jobs {
        let passage = stage.sim.passage(job);
        let finals = passage.iter().filter(|&&status| is_final(status)).count();
        let has_ended = stage.notes().contains(&format!("ended {length}"));
        match passage.last() {
            Some(&SUCCESS) => assert!(has_ended, "{length}: {passage:?}"),
            // Killed on its way out at the latest.
            Some(&ABORTED) => {}
            _ => panic!("{length}: {passage:?}"),
        }
        assert_eq!(finals, 1, "{length}: {passage:?}");
    }
    stage.ends_well();
}

#[test]
fn t35_what_is_aborted_before_it_begins_never_begins() {
    for (is_abort, expected) in [(true, ABORTED), (false, STOPPED)] {
        let stage = Stage::new();
        stage.script("work.rhai", "NOTE(\"began\");");
        let job = stage.sim.job("work");
        stage.sim.fault("update", "status", json!({ "status": 503, "for_seconds": 100_000, "applied": false }));
        let agent = stage.once();
        stage.sim.until("the job is taken", |sim| sim.story().contains(&"update 8".to_owned()));
        match is_abort {
            true => stage.sim.abort(&job),
            false => stage.sim.stop(&job),
        }
        stage.sim.until_told(if is_abort { 10 } else { 20 });
        stage.sim.mend();
        agent.ends_with(0);
        let passage = stage.sim.passage(&job);
        assert_eq!((passage.contains(&RUNS), passage.last()), (false, Some(&expected)), "{passage:?}");
        assert_eq!(stage.notes(), [""; 0]);
        stage.ends_well();
    }
}

#[test]
fn t36_stop_while_idle_is_logged_and_work_is_taken() {
    let stage = Stage::new();
    idle_stop(&stage);
    stage.script("work.rhai", "NOTE(\"ran\");");
    let job = stage.sim.job("work");
    let agent = stage.agent(&["--once", "--verbose"]);
    let said = agent.ends_with(0);
    assert_eq!(stage.sim.passage(&job).last(), Some(&SUCCESS));
    assert_eq!(stage.notes(), ["ran"]);
    assert!(said.contains("20") || said.to_lowercase().contains("stop"), "{said}");
    stage.ends_well();
}

#[test]
fn t37_who_does_not_stop_in_time_is_killed() {
    let mut stage = Stage::new();
    stage.set("stop_grace = 5").set("stop_escalate = true");
    let (stage, status) = stopped(stage, "endless.rhai", ENDLESS);
    assert_eq!(status, FAILED);
    let told = stage.sim.messages();
    assert!(told.contains("did not stop in time"), "{told}");
    // 5 s after the request, and what it takes to kill.
    let asked = stage.sim.beats().iter().find(|beat| beat.code() == 20).unwrap().at;
    let ended = stage.sim.asked().iter().find(|asked| asked.word() == "update 5").unwrap().at;
    assert!(ended - asked >= 5.0 - 1.0, "killed after {} s", ended - asked);
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t37_a_python_script_that_ignores_stop_is_killed_after_its_grace() {
    if !has_python() {
        return;
    }
    let mut stage = Stage::new();
    stage.set("stop_grace = 5");
    let text = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nNOTE(\"began\")\n\
                while True:\n    time.sleep(1)\n";
    let (stage, status) = stopped(stage, "deaf.py", text);
    assert_eq!(status, FAILED);
    stage.ends_well();
}

#[test]
fn t37_without_escalation_it_may_go_on() {
    let mut stage = Stage::new();
    stage.set("stop_grace = 5").set("stop_escalate = false");
    let (stage, status) = stopped(stage, "deaf.rhai", DEAF);
    assert_eq!((status, stage.notes().last().unwrap().as_str()), (SUCCESS, "ended"));
    stage.ends_well();
}

#[test]
fn t38_what_a_script_does_in_the_end_is_done() {
    let text = "NOTE(\"began\");
        try { loop { robot.check(); sleep(0.02) } }
        catch (err) { for step in 1..4 { sleep(0.1); NOTE(\"cleaned \" + step); } throw err; }";
    let (stage, status) = stopped(Stage::new(), "cleans.rhai", text);
    assert_eq!(status, STOPPED);
    assert_eq!(stage.notes(), ["began", "cleaned 1", "cleaned 2", "cleaned 3"]);
    stage.ends_well();
}

#[test]
fn t38_another_error_while_stopping_is_a_failure() {
    let text = "NOTE(\"began\"); try { loop { robot.check(); sleep(0.02) } } catch { throw \"the till is locked\" }";
    let (stage, status) = stopped(Stage::new(), "cleans.rhai", text);
    assert_eq!(status, FAILED);
    assert!(stage.sim.messages().contains("the till is locked"), "{}", stage.sim.messages());
    stage.ends_well();
}

#[test]
fn t39_what_was_printed_before_the_kill_arrives() {
    let text = "for n in 1..=200 { print(`line ${n} of the report`); } NOTE(\"began\"); loop { }";
    let stage = aborted(Stage::new(), "prints.rhai", text);
    let told = stage.sim.messages();
    for line in ["line 1 of the report", "line 117 of the report", "line 200 of the report"] {
        assert!(told.contains(line), "{line} is missing in\n{told}");
    }
    stage.ends_well();
}

#[test]
fn t40_a_late_answer_for_one_job_does_not_touch_the_next() {
    let stage = Stage::new();
    stage.script("first.rhai", "NOTE(\"began\"); sleep(0.8); NOTE(\"first\");");
    stage.script("second.rhai", "NOTE(\"second begins\"); sleep(1.2); NOTE(\"second\");");
    let (first, second) = (stage.sim.job("first"), stage.sim.job("second"));
    let agent = stage.once();
    stage.until_noted("began");
    stage.sim.until_status(&first, RUNS);
    // The answer to the next heartbeat is on its way for longer than its job has left.
    stage.sim.fault("heartbeat", "delay", json!({ "seconds": 14, "times": 1 }));
    stage.sim.abort(&first);
    agent.ends_with(0);
    assert_eq!(stage.sim.status(&second), SUCCESS, "{:?}", stage.sim.passage(&second));
    assert!(stage.notes().contains(&"second".to_owned()));
    let passage = stage.sim.passage(&first);
    let has_ended = stage.notes().contains(&"first".to_owned());
    assert!(passage.ends_with(&[if has_ended { SUCCESS } else { ABORTED }]), "{passage:?}");
    stage.ends_well();
}
