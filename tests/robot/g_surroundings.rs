//! Group G: services, health, support.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::json;

use crate::sim::{FAILED, RUNS, STOPPED};
use crate::stage::{GUID, Stage};

#[test]
#[cfg(unix)]
fn t76_a_service_that_is_stopped_lets_the_job_end_itself() {
    let mut stage = Stage::new();
    stage.set("shutdown_grace = 60");
    stage.script(
        "work.rhai",
        "NOTE(\"began\"); while !robot.should_stop() { sleep(0.02) } sleep(1.2); NOTE(\"asked\");",
    );
    let (job, next) = (stage.sim.job("work"), stage.sim.job("work"));
    let agent = stage.daemon();
    stage.until_noted("began");
    stage.sim.until_status(&job, RUNS);
    let before = stage.sim.working().len();
    agent.signal("TERM");
    let ended = agent.ends();
    assert!(matches!(ended.code, Some(0 | 143)), "{:?} {}", ended.code, ended.said);
    assert_eq!(stage.notes(), ["began", "asked"]);
    assert_eq!((stage.sim.status(&job), stage.sim.status(&next)), (STOPPED, crate::sim::PENDING));
    assert!(stage.sim.working().len() > before, "no heartbeat while it was ending");
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t76_after_its_grace_the_job_is_killed() {
    let mut stage = Stage::new();
    stage.set("shutdown_grace = 15");
    stage.script("work.rhai", "NOTE(\"began\"); loop { }");
    let job = stage.sim.job("work");
    let agent = stage.daemon();
    stage.until_noted("began");
    stage.sim.until_status(&job, RUNS);
    let told = Instant::now();
    agent.signal("TERM");
    agent.ends();
    // Grace and 5 s, of whichever clock.
    assert!(told.elapsed() >= stage.real(12.0) && told.elapsed() < Duration::from_secs(20), "{:?}", told.elapsed());
    assert_eq!(stage.sim.status(&job), FAILED);
    assert!(stage.sim.messages().contains("shut down"), "{}", stage.sim.messages());
    stage.ends_well();
}

#[test]
#[cfg(unix)]
fn t76_a_second_signal_kills_at_once() {
    let mut stage = Stage::at(1.0, &[]);
    stage.set("shutdown_grace = 3600").script("work.rhai", "NOTE(\"began\"); loop { }");
    let job = stage.sim.job("work");
    let agent = stage.daemon();
    stage.until_noted("began");
    stage.sim.until_status(&job, RUNS);
    agent.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
    assert!(!stage.working_processes().is_empty(), "it was killed too early");
    agent.signal("TERM");
    agent.ends();
    assert_eq!(stage.sim.status(&job), FAILED);
    stage.ends_well();
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn t78_what_support_is_given_holds_no_secret() {
    let password = "Pa55-of-the-bank";
    let mut stage = Stage::new();
    stage.sim.tell("asset", json!({ "name": "bank", "type": 1, "text": "clerk", "password": password }));
    stage.script("work.rhai", "print(robot.credential(\"bank\").password); throw \"no\"");
    stage.sim.job("work");
    stage.once().ends_with(0);
    // Whoever wrote a secret into the file itself.
    let config = stage.config("state.sqlite");
    let text = std::fs::read_to_string(&config).unwrap().replace("{ env = \"ROBOT_GUID\" }", &format!("\"{GUID}\""));
    let text = text.replace("[robot.main]", &format!("[robot.main]\napi_key = \"{password}\""));
    // And who is in need of help because one of the robots is not set up well.
    let text = text + "\n[robot.second]\naddress = \"http://127.0.0.1:9\"\nguid = { env = \"NOBODY_SET_THIS\" }\n";
    std::fs::write(&config, text).unwrap();
    let bundle = stage.path("bundle");
    let command = stage.command(&config, &["robot", "bundle", &bundle.display().to_string()]);
    stage.run(command).ends_with(0);
    let gathered = files(&bundle);
    assert!(gathered.len() > 5, "{gathered:?}");
    assert!(std::fs::read_to_string(bundle.join("second-settings.toml")).unwrap().contains("NOBODY_SET_THIS"));
    let header = base64::engine::general_purpose::STANDARD.encode(GUID);
    for path in gathered {
        let bytes = std::fs::read(&path).unwrap();
        for secret in [GUID, &GUID.to_uppercase(), password, header.trim_end_matches('='), "Authorization"] {
            assert_eq!(memchr::memmem::find(&bytes, secret.as_bytes()), None, "{secret} in {}", path.display());
        }
    }
    std::fs::remove_file(config).unwrap();
    // The password is not the key it was said to be.
    stage.is_not_judged();
    stage.ends_well();
}

/// A question to the health address: the status, and the body.
fn ask(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

#[test]
#[cfg(unix)]
fn t79_who_has_not_been_heard_for_three_intervals_is_not_ready() {
    let stage = Stage::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let agent = stage.agent(&["--health", &format!("127.0.0.1:{port}")]);
    let status = |path: &str| ask(port, path).map(|(status, _)| status);
    stage.sim.until("it is ready", |_| status("/ready") == Some(200));
    stage.sim.fault("*", "refuse", json!({ "for_seconds": 1_000_000 }));
    stage.sleep(12.0);
    stage.sim.until("it is not ready", |_| status("/ready").is_some_and(|status| status != 200));
    let last = stage.sim.beats().iter().rfind(|beat| beat.status == 200).map(|beat| beat.at);
    assert!(last.is_some());
    assert_eq!(status("/live"), Some(200));
    let (_, state) = ask(port, "/state").unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&state).is_ok(), "{state}");
    let (_, metrics) = ask(port, "/metrics").unwrap();
    assert!(metrics.contains("heartbeat") && metrics.contains("# TYPE"), "{metrics}");
    assert!(!state.contains(GUID) && !metrics.contains(GUID));
    stage.sim.mend();
    stage.sim.until("it is ready again", |_| status("/ready") == Some(200));
    stage.leaves(agent);
}

#[test]
#[cfg(target_os = "linux")]
fn t80_a_watchdog_starts_a_hanging_agent_again_and_it_recovers() {
    use std::os::unix::net::UnixDatagram;
    let stage = Stage::new();
    let unit = stage.agent(&["install", "--print"]).ends_with(0);
    for word in ["Type=notify", "WatchdogSec=", "Restart=", "TimeoutStopSec=", "ExecStart="] {
        assert!(unit.contains(word), "{word} is missing in\n{unit}");
    }
    stage.script("work.rhai", "NOTE(\"began\"); sleep(3600);");
    let job = stage.sim.job("work");
    let socket = UnixDatagram::bind(stage.path("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let start = || {
        let mut command = stage.command(&stage.config("state.sqlite"), &["robot"]);
        command.env("NOTIFY_SOCKET", stage.path("notify")).env("WATCHDOG_USEC", "1000000");
        stage.run(command)
    };
    let hear = || {
        let mut bytes = [0; 4096];
        socket.recv(&mut bytes).map(|read| String::from_utf8_lossy(&bytes[..read]).into_owned())
    };
    let mut agent = start();
    let mut heard = String::new();
    while !(heard.contains("READY=1") && heard.matches("WATCHDOG=1").count() >= 2) {
        heard += &hear().unwrap_or_else(|error| panic!("{error} after {heard}"));
        heard += "\n";
    }
    stage.until_noted("began");
    stage.sim.until_status(&job, RUNS);
    agent.signal("STOP");
    // As systemd does: silence for longer than was agreed is the end.
    while hear().is_ok() {}
    agent.kill();
    let again = start();
    stage.sim.until_status(&job, FAILED);
    assert!(stage.sim.messages().contains("interrupted"), "{}", stage.sim.messages());
    assert_eq!(stage.notes(), ["began"]);
    stage.leaves(again);
}

#[test]
fn t81_of_a_flood_debug_goes_first_and_statuses_never() {
    use pult::services::robot::client::journal::{Journal, What};
    use pult::services::robot::client::shapes::{JobStatus, Level, Line};
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("state.sqlite"), "0123456789abcdef").unwrap();
    let line = |level, text: String| Line { job: "job".into(), version: String::new(), level, text };
    journal.repeat("job", JobStatus::Failed).unwrap();
    journal.say(&line(Level::Error, "the till is locked".into())).unwrap();
    // More than there is room for.
    let debug = "debug ".repeat(1300);
    for batch in 0..36 {
        let flood: Vec<Line> = (0..256).map(|n| line(Level::Debug, format!("{batch} {n} {debug}"))).collect();
        journal.say_all(&flood).unwrap();
        journal.say(&line(Level::Info, format!("step {batch} is done"))).unwrap();
    }
    let mut counts = [0; 5];
    for item in journal.waiting(1_000_000).unwrap() {
        let kind = match &item.what {
            What::Status(_) => 0,
            What::Line(line) if line.level == Level::Error => 1,
            What::Line(line) if line.level == Level::Info => 2,
            What::Line(_) => 3,
            What::Dropped(_) => 4,
        };
        counts[kind] += 1;
    }
    assert_eq!((counts[..3].to_vec(), counts[4]), (vec![1, 1, 36], 1), "statuses, errors, infos; what was dropped");
    // 64 MiB at most.
    assert!((1..=64 * 1024 * 1024 / debug.len()).contains(&counts[3]), "{}", counts[3]);
}
