//! Group D: jobs that cannot be done.

use serde_json::json;

use crate::a_protocol::{answer, statuses};
use crate::sim::{FAILED, RUNS, SUCCESS};
use crate::stage::{Stage, side_by_side};
use crate::wire::{Stub, beat, ok};

/// The end of a job, after which another one is done.
fn fails_and_goes_on(stage: &Stage, name: &str) -> String {
    stage.script("good.rhai", "NOTE(\"good\");");
    let (bad, good) = (stage.sim.job(name), stage.sim.job("good"));
    stage.once().ends_with(0);
    assert_eq!(stage.sim.passage(&bad).last(), Some(&FAILED), "{name}: {:?}", stage.sim.passage(&bad));
    assert_eq!(stage.sim.passage(&good).last(), Some(&SUCCESS));
    assert_eq!(stage.notes().last().map(String::as_str), Some("good"));
    stage.sim.messages()
}

#[test]
fn t41_a_script_that_is_not_there() {
    let stage = Stage::new();
    let told = fails_and_goes_on(&stage, "nobody wrote this");
    // An error, by its usual number.
    assert!(told.lines().any(|line| line.starts_with("3: ") && line.contains("nobody wrote this")), "{told}");
    assert!(!stage.sim.story()[..4].contains(&"update 8".to_owned()), "it was never begun: {:?}", stage.sim.story());
    stage.ends_well();
}

#[test]
fn t42_names_that_lead_elsewhere_are_refused() {
    let stage = Stage::new();
    for place in ["evil.rhai", "scripts/../evil.py", "evil.sh", "evil"] {
        std::fs::write(stage.path(place), "touch FOLDER/evil-was-here").unwrap();
    }
    std::fs::write(stage.path("evil.rhai"), format!("fs::append({}, \"evil\\n\")", stage.quoted("notes"))).unwrap();
    let absolute = stage.path("evil").display().to_string();
    let names = [
        "..\\..\\evil",
        "../evil",
        "..\\evil",
        "CON",
        "con.rhai",
        "NUL.txt",
        "COM1",
        "lpt9.py",
        "evil. ",
        "a/b",
        "a\\b",
        "C:evil",
        "C:\\evil",
        "\\\\server\\share\\evil",
        &absolute,
        ".",
        "..",
        "~/evil",
        "CON ",
        "x:y",
    ];
    let jobs = names.map(|name| (name, stage.sim.job(name)));
    stage.once().ends_with(0);
    for (name, job) in jobs {
        let passage = stage.sim.passage(&job);
        assert!(!passage.contains(&RUNS) && passage.last() == Some(&FAILED), "{name:?}: {passage:?}");
    }
    assert_eq!(stage.notes(), [""; 0]);
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t42_links_do_not_lead_out_of_the_folder() {
    let stage = Stage::new();
    std::fs::write(stage.path("evil.rhai"), format!("fs::append({}, \"evil\\n\")", stage.quoted("notes"))).unwrap();
    std::os::unix::fs::symlink(stage.path("evil.rhai"), stage.path("scripts/link.rhai")).unwrap();
    fails_and_goes_on(&stage, "link");
    assert_eq!(stage.notes(), ["good"]);
    stage.ends_well();
}

#[test]
fn t43_a_script_that_throws() {
    let stage = Stage::new();
    stage.script("throws.rhai", "let rows = 17;\n\nthrow \"the till is locked\";\n");
    let told = fails_and_goes_on(&stage, "throws");
    assert!(told.contains("the till is locked"), "{told}");
    assert!(told.contains("throws.rhai:3") || told.contains("line 3"), "no position in {told}");
    stage.ends_well();
}

#[test]
fn t43_a_script_that_does_not_parse() {
    let stage = Stage::new();
    stage.script("half.rhai", "let x = ;\n");
    let told = fails_and_goes_on(&stage, "half");
    assert!(told.contains("half.rhai"), "{told}");
    stage.ends_well();
}

#[test]
fn t44_a_script_that_ends_with_3() {
    let stage = Stage::new();
    stage.script("three.rhai", "exit(3)");
    let told = fails_and_goes_on(&stage, "three");
    assert!(told.contains('3'), "{told}");
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t44_a_script_that_dies_of_a_signal() {
    for signal in ["SEGV", "KILL", "TERM"] {
        let stage = Stage::new();
        stage.script("dies.sh", &format!("NOTE(began)\nkill -{signal} $$\nsleep 5\n"));
        let told = fails_and_goes_on(&stage, "dies");
        assert!(told.to_lowercase().contains("signal"), "{signal}: {told}");
        stage.ends_well();
    }
}

#[test]
fn t45_limits_end_a_job_and_are_named() {
    let cases = [
        ("max_operations = 100000", "loop { }", "operations"),
        ("job_timeout = 10", "loop { }", "time"),
        ("job_timeout = 10", "sleep(3600)", "time"),
        (
            "max_memory = 300",
            "let all = []; for n in 0..400 { let b = blob(4000000, 1 + n % 7); all.push(b); } sleep(20);",
            "memory",
        ),
    ];
    side_by_side(cases, |(setting, script, word)| {
        let mut stage = Stage::new();
        stage.set(setting).script("greedy.rhai", script);
        let told = fails_and_goes_on(&stage, "greedy");
        assert!(told.to_lowercase().contains(word), "{setting}: {told}");
        stage.ends_well();
    });
}

#[test]
#[cfg(target_os = "linux")]
fn t46_a_flood_of_output_stays_bounded() {
    let stage = Stage::new();
    stage.script(
        "flood.sh",
        "yes 'a line of a script that has far too much to say about everything' | head -c 100000000\n",
    );
    let job = stage.sim.job("flood");
    let agent = stage.once();
    let mut most = 0.0_f64;
    stage.sim.until("the end of the flood", |sim| {
        for process in stage.processes().iter().filter(|process| process.words.contains("pult")) {
            most = most.max(crate::processes::peak(process.id));
        }
        crate::sim::is_final(sim.status(&job))
    });
    agent.ends_with(0);
    assert_eq!(stage.sim.status(&job), SUCCESS);
    assert!(most < 200.0, "{most} MB");
    let told = stage.sim.messages();
    assert!(["dropped", "cut", "left out"].iter().any(|word| told.contains(word)), "{}", told.len());
    assert!(folder_size(stage.path("")) < 200_000_000, "{}", folder_size(stage.path("")));
    stage.ends_well();
}

#[cfg(target_os = "linux")]
fn folder_size(path: std::path::PathBuf) -> u64 {
    let entries = std::fs::read_dir(path).unwrap().flatten();
    entries
        .map(|entry| if entry.path().is_dir() { folder_size(entry.path()) } else { entry.metadata().unwrap().len() })
        .sum()
}

/// An Orchestrator that hands out this answer, and after it a good job.
fn handing_out(first: String) -> Stub {
    Stub::start(move |one, before| {
        let taken = before.iter().filter(|one| one.target.ends_with("consumeNextJob")).count();
        match one.target.rsplit('/').next().unwrap_or_default() {
            "heartbeat" => beat(0, i64::from(taken < 2)),
            "consumeNextJob" if taken == 0 => ok(&first),
            "consumeNextJob" => ok(&answer("").replace("000000000001", "000000000002")),
            _ => ok("[]"),
        }
    })
}

#[test]
fn t47_a_job_without_a_guid_is_nothing_to_report_about() {
    let version = json!(json!({ "GUID": "9a0b", "Name": "work" }).to_string());
    side_by_side(
        ["\"{\\\"status\\\":1}\"", "null", "\"\"", "\"{\\\"GUID\\\":\\\"\\\"}\"", "17", "\"{\\\"GUID\""],
        |job| {
            let whole =
                format!("{{\"ConsumeJobErrorCode\":0,\"ErrorText\":\"\",\"Job\":{job},\"ProcessVersion\":{version}}}");
            let stub = handing_out(whole);
            let mut stage = Stage::new();
            stage.through(stub.address()).script("work.rhai", "NOTE(\"ran\");");
            let said = stage.once().ends_with(0);
            // The good one alone.
            assert_eq!((statuses(&stub), stage.notes()), (vec!["8".into(), "4".into()], vec!["ran".into()]), "{job}");
            assert!(said.to_lowercase().contains("guid"), "{job}: {said}");
            stage.ends_well();
        },
    );
}

#[test]
fn t48_a_task_that_cannot_be_read_fails_the_job_or_is_given_as_it_is() {
    let broken = ",\"Task\":\"{\\\"name\\\": \\\"inv-17\\\", \"";
    for (setting, expected, notes) in [
        ("unreadable_task = \"fail\"", ["5", "8", "4"].as_slice(), ["string"; 0].as_slice()),
        ("unreadable_task = \"text\"", &["8", "4", "8", "4"], &["string"]),
    ] {
        let stub = handing_out(answer(broken));
        let mut stage = Stage::new();
        let script = "if type_of(robot.params) == \"string\" { NOTE(\"string\"); }";
        stage.through(stub.address()).set(setting).script("work.rhai", script);
        stage.once().ends_with(0);
        assert_eq!(statuses(&stub), expected, "{setting}");
        assert_eq!(stage.notes(), notes, "{setting}");
        stage.ends_well();
    }
}
