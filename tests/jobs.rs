//! Jobs of other languages, with real processes: what they are told, how they end, and that nothing of them is left.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pult::core::context::Context;
use pult::core::progress::Progress;
use pult::core::state::State;
use pult::services::robot::SETTINGS;
use pult::services::robot::client::jobs::Jobs;
use pult::services::robot::client::journal::{Journal, What};
use pult::services::robot::client::place::Place;
use pult::services::robot::client::shapes::Taken;
use pult::services::robot::client::work::{Ending, Event, How, Limits, Order, Running, Workshop};
use pult::settings::{Given, Settings};
use serde_json::{Value, json};
use tokio::time::timeout;

const ROBOT: &str = "0123456789abcdef";
const JOB: &str = "5c1e0000-0000-4000-8000-000000000001";
/// A credential: no job of another language gets it.
const GUID: &str = "d5a8bc2f-8065-4385-b867-405e66b8e1ff";

/// A robot with a folder of scripts and a journal.
struct Shop {
    folder: tempfile::TempDir,
    jobs: Jobs,
    limits: Limits,
}

impl Shop {
    fn new() -> Shop {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("scripts")).unwrap();
        let context = Context::new(tokio::runtime::Handle::current(), Progress::new(false), State::in_memory(), None);
        context.is_run_by(env!("CARGO_BIN_EXE_pult").into());
        let config = folder.path().join("pult.toml");
        let robots = ["main", "other"].map(|name| {
            format!("[robot.{name}]\naddress = \"http://127.0.0.1:9\"\nguid = {{ env = \"NO_GUID_OF_{name}\" }}\n")
        });
        std::fs::write(&config, robots.concat()).unwrap();
        context.is_configured_by(config, None);
        let mut settings = Settings::new("test");
        settings.set(SETTINGS, "address", Given::Text("http://127.0.0.1:4500".into())).unwrap();
        settings.set(SETTINGS, "guid", Given::Text(GUID.into())).unwrap();
        let jobs = Jobs::open("main", &settings, &context).unwrap();
        Shop { folder, jobs, limits: Limits::default() }
    }

    fn scripts(&self) -> PathBuf {
        self.folder.path().join("scripts")
    }

    fn script(&self, name: &str, text: &str) {
        std::fs::write(self.scripts().join(name), text).unwrap();
    }

    fn place(&self) -> Place {
        Place::new(self.folder.path().join("state.db"), ROBOT)
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.place().state, ROBOT).unwrap()
    }

    /// A file in the job's folder.
    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.place().job(JOB).join(name)).unwrap_or_default()
    }

    fn order(&self, name: &str, params: Value) -> Order {
        let taken = Taken {
            guid: JOB.into(),
            name: name.into(),
            version: "9a0b".into(),
            job: json!({"GUID": JOB}),
            process_version: json!({"GUID": "9a0b", "Name": name}),
            task: json!({"guid": "77aa", "name": "inv-17"}),
            params,
            unreadable: None,
        };
        self.journal().took(&taken).unwrap();
        let Place { state, robot } = self.place();
        Order { taken, before: 0, limits: self.limits, state, robot }
    }

    async fn begin(&self, name: &str) -> Box<dyn Running> {
        self.jobs.begin(&self.order(name, Value::Null)).await.unwrap()
    }

    async fn run(&self, name: &str) -> Ending {
        end(&mut *self.begin(name).await).await
    }

    /// What is in the outbox, put together.
    fn said(&self) -> String {
        let lines = self.journal().waiting(10_000).unwrap();
        let texts = lines.into_iter().filter_map(|item| match item.what {
            What::Line(line) => Some(line.text),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// How the journal says that the job ended.
    fn recorded(&self) -> Option<Ending> {
        self.journal().record(JOB).unwrap().unwrap().ending
    }
}

async fn end(running: &mut dyn Running) -> Ending {
    timeout(Duration::from_secs(60), async {
        loop {
            if let Event::Ended(ending) = running.next().await {
                return ending;
            }
        }
    })
    .await
    .expect("the job ends")
}

/// Until the file is there; its text.
async fn wait_for(path: &Path) -> String {
    for _ in 0..2000 {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("{} does not come", path.display())
}

/// Whether a process is there and is more than an exit code.
#[cfg(target_os = "linux")]
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_told_all_about_itself_and_ends_well() {
    let shop = Shop::new();
    let code = r#"
import json, os, sys
given = json.load(sys.stdin)
assert given == json.load(open(os.environ["PULT_JOB_FILE"], encoding="utf-8"))
print(given["guid"], given["name"], given["params"]["файл"], given["robot"])
for name in ["JOB_GUID", "JOB_NAME", "TASK_GUID", "TASK_NAME", "PARAMS", "ROBOT", "ROBOT_ADDRESS"]:
    print(name, os.environ["PULT_" + name])
print(os.path.samefile(os.getcwd(), os.path.dirname(__file__)), os.path.exists(os.environ["PULT_STOP_FILE"]))
print("на русском", file=sys.stderr)
"#;
    shop.script("invoice.py", code);
    let order = shop.order("invoice", json!({"файл": "a.xml"}));
    assert_eq!(shop.jobs.fault(&order.taken), None);
    let mut running = shop.jobs.begin(&order).await.unwrap();
    let ending = end(&mut *running).await;
    assert_eq!((&ending.how, ending.observed), (&How::Returned, false), "{:?}", ending.tail);
    let expected = [
        &format!("{JOB} invoice a.xml main"),
        &format!("JOB_GUID {JOB}"),
        "JOB_NAME invoice",
        "TASK_GUID 77aa",
        "TASK_NAME inv-17",
        r#"PARAMS {"файл":"a.xml"}"#,
        "ROBOT main",
        "ROBOT_ADDRESS http://127.0.0.1:4500",
        "True False",
    ];
    let printed = ending.tail.iter().filter(|line| *line != "на русском").collect::<Vec<_>>();
    assert_eq!(printed, expected);
    assert!(shop.said().contains("на русском") && shop.file("output.log").contains("TASK_NAME inv-17"));
    assert_eq!(shop.recorded(), Some(ending.clone()));
    assert_eq!(running.next().await, Event::Ended(ending));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_is_told_as_it_was() {
    let shop = Shop::new();
    shop.script("three.py", "import sys; sys.exit(3)");
    assert_eq!(shop.run("three").await.how, How::Exited(3));
    shop.script("broken.py", "raise ValueError('boom')");
    let ending = shop.run("broken").await;
    assert_eq!(ending.how, How::Exited(1));
    assert!(ending.tail.last().unwrap().contains("boom"), "{:?}", ending.tail);
    #[cfg(unix)]
    {
        shop.script("crash.sh", "echo before; kill -SEGV $$");
        let ending = shop.run("crash").await;
        assert_eq!((ending.how, ending.tail), (How::Signal(11), vec!["before".to_owned()]));
    }
    for name in ["no such", "..\\..\\evil", "CON", "../three.py"] {
        let taken = Taken { name: name.into(), ..shop.order("x", Value::Null).taken };
        let fault = shop.jobs.fault(&taken).unwrap();
        assert!(fault.contains(name.split('\\').next_back().unwrap()), "{fault}");
        let ending = shop.run(name).await;
        assert_eq!(ending.how, How::NotStarted(fault));
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_obeys_is_stopped_one_that_does_not_goes_on_until_it_is_killed() {
    let shop = Shop::new();
    shop.script(
        "obeys.sh",
        "trap 'echo leaving; exit 143' TERM\necho ready > \"$PULT_STOP_FILE.ready\"\nwhile :; do sleep 0.05; done",
    );
    let ready = shop.place().job(JOB).join("stop.ready");
    let mut running = shop.begin("obeys").await;
    wait_for(&ready).await;
    running.stop().await.unwrap();
    let ending = end(&mut *running).await;
    assert_eq!((ending.how, ending.observed, ending.tail), (How::Stopped, true, vec!["leaving".to_owned()]));

    shop.script(
        "dies.py",
        "import os, time\nopen(os.environ['PULT_STOP_FILE'] + '.ready', 'w').write('x\\n')\ntime.sleep(1000)",
    );
    let mut running = shop.begin("dies").await;
    wait_for(&ready).await;
    running.stop().await.unwrap();
    assert_eq!(end(&mut *running).await.how, How::Stopped, "SIGTERM is how it is asked");

    let code = r#"
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
stop = os.environ["PULT_STOP_FILE"]
open(stop + ".ready", "w").write("x\n")
while not os.path.exists(stop): time.sleep(0.01)
open(stop + ".seen", "w").write("x\n")
print("I go on", flush=True)
time.sleep(1000)
"#;
    shop.script("ignores.py", code);
    let mut running = shop.begin("ignores").await;
    wait_for(&ready).await;
    running.stop().await.unwrap();
    running.stop().await.unwrap();
    wait_for(&shop.place().job(JOB).join("stop.seen")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let ordered = Instant::now();
    running.kill().await.unwrap();
    let ending = end(&mut *running).await;
    assert!(ordered.elapsed() < Duration::from_secs(1), "{:?}", ordered.elapsed());
    assert_eq!((ending.how, ending.tail), (How::Killed, vec!["I go on".to_owned()]));
}

/// Children, grandchildren in sessions of their own, one that was left behind by its parents, all deaf; each prints its pid.
#[cfg(target_os = "linux")]
const TREE: &str = r#"
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pids = os.environ["PULT_STOP_FILE"] + ".pids"
def note():
    with open(pids, "a") as file: file.write(f"{os.getpid()}\n")
def forever():
    note()
    while True: time.sleep(1000)
for depth in range(3):
    if os.fork() == 0:
        if depth == 1: os.setsid()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.environ.clear()
                forever()
            os._exit(0)
        if depth == 2: os._exit(0)
        forever()
note()
print("printed before the end", flush=True)
if len(sys.argv) > 1 or os.environ["PULT_JOB_NAME"] == "leaves":
    while open(pids).read().count("\n") < 6: time.sleep(0.01)
    sys.exit(0)
while True: pass
"#;

#[cfg(target_os = "linux")]
async fn pids(shop: &Shop) -> Vec<String> {
    let path = shop.place().job(JOB).join("stop.pids");
    loop {
        let pids: Vec<String> = wait_for(&path).await.lines().map(str::to_owned).collect();
        if pids.len() == 6 {
            return pids;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_tree_is_killed_within_a_second_and_what_it_printed_arrives() {
    let shop = Shop::new();
    shop.script("tree.py", TREE);
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let mut running = shop.begin("tree").await;
        let pids = pids(&shop).await;
        assert!(pids.iter().all(|pid| is_alive(pid)));
        let ordered = Instant::now();
        running.kill().await.unwrap();
        while pids.iter().any(|pid| is_alive(pid)) {
            assert!(ordered.elapsed() < Duration::from_secs(1), "{pids:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        slowest = slowest.max(ordered.elapsed());
        let ending = end(&mut *running).await;
        assert_eq!((ending.how, ending.tail), (How::Killed, vec!["printed before the end".to_owned()]));
    }
    println!("slowest of 5: {slowest:?}");
    assert!(shop.said().contains("printed before the end"));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_ends_takes_along_what_it_left() {
    let shop = Shop::new();
    shop.script("leaves.py", TREE);
    let mut running = shop.begin("leaves").await;
    let pids = pids(&shop).await;
    let ending = end(&mut *running).await;
    assert_eq!(ending.how, How::Returned);
    assert!(!pids.iter().any(|pid| is_alive(pid)));
    assert!(ending.tail.last().unwrap().contains("left running: 5 processes"), "{:?}", ending.tail);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_gone_leaves_nothing_but_the_truth() {
    let shop = Shop::new();
    shop.script("tree.py", TREE);
    let running = shop.begin("tree").await;
    let pids = pids(&shop).await;
    drop(running);
    let dropped = Instant::now();
    while shop.recorded().is_none() {
        assert!(dropped.elapsed() < Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!pids.iter().any(|pid| is_alive(pid)));
    let ending = shop.recorded().unwrap();
    assert_eq!((ending.how, ending.tail), (How::Orphaned, vec!["printed before the end".to_owned()]));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_that_is_killed_leaves_nothing_either() {
    use pult::core::tree::{Started, kill_if_same};
    let shop = Shop::new();
    shop.script("tree.py", TREE);
    let mut running = shop.begin("tree").await;
    let pids = pids(&shop).await;
    let process = shop.journal().processes(JOB).unwrap().pop().unwrap();
    let started = Started { pid: process.pid, since: process.since };
    assert!(started.is_alive() && !pids.contains(&process.pid.to_string()));
    assert!(kill_if_same(&started).unwrap() >= 7);
    assert!(!pids.iter().any(|pid| is_alive(pid)));
    assert_eq!(end(&mut *running).await.how, How::Orphaned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_of_output_are_cut_and_the_cut_is_told() {
    let shop = Shop::new();
    let code =
        "import sys\nline = 'x' * 999 + '\\n'\nfor n in range(100_000): sys.stdout.write(line)\nprint('the end')";
    shop.script("talks.py", code);
    let began = Instant::now();
    let mut running = shop.begin("talks").await;
    #[cfg(target_os = "linux")]
    let watched = {
        let pid = loop {
            match shop.journal().processes(JOB).unwrap().pop() {
                Some(process) => break process.pid,
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        std::thread::spawn(move || peak(pid))
    };
    let ending = end(&mut *running).await;
    println!("100 MB in {:?}", began.elapsed());
    #[cfg(target_os = "linux")]
    {
        let peak = watched.join().unwrap();
        println!("the supervisor's memory: {peak} KB at most");
        assert!(peak < 12_000, "{peak} KB");
    }
    assert_eq!((ending.how, ending.tail.len()), (How::Returned, 50));
    assert_eq!(ending.tail[49], "the end");
    let said = shop.said();
    assert!(said.len() < 300 * 1024 && said.contains("output.log"), "{}", said.len());
    let file = shop.file("output.log");
    assert!(file.len() < 65 << 20 && file.trim_end().ends_with("the file is full at 64 MB"));
}

/// Most memory of its own of a process while it lives, in KB: pages of the program itself are shared with the agent.
#[cfg(target_os = "linux")]
fn peak(pid: u32) -> u64 {
    let mut most = 0;
    while let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/status")) {
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let Some(now) = line.and_then(|line| line.split_whitespace().next()?.parse().ok()) else { break };
        most = most.max(now);
        std::thread::sleep(Duration::from_millis(20));
    }
    most
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_uses_too_much_memory_is_killed_with_the_limit_named() {
    let mut shop = Shop::new();
    shop.limits.memory = Some(100 << 20);
    shop.script("eats.py", "import time\nheld = b'x' * (300 << 20)\ntime.sleep(1000)");
    match shop.run("eats").await.how {
        How::Limit(text) => assert!(text.starts_with("memory: 100 MB are allowed, it used "), "{text}"),
        other => panic!("{other:?}"),
    }
    shop.script("modest.py", "held = b'x' * (10 << 20)");
    assert_eq!(shop.run("modest").await.how, How::Returned);
}

#[tokio::test(flavor = "multi_thread")]
async fn output_of_an_old_console_is_read_and_secrets_are_not_shown() {
    let shop = Shop::new();
    let code = format!(
        "import sys\nsys.stdout.buffer.write('Ошибка: счёт № 5\\n'.encode('cp866'))\n\
         sys.stdout.buffer.write('Готово, всё проведено\\n'.encode('cp1251'))\nsys.stdout.flush()\nprint('{GUID}')"
    );
    shop.script("old.py", &code);
    assert_eq!(shop.run("old").await.tail, ["Ошибка: счёт № 5", "Готово, всё проведено", "***"]);
    assert!(!shop.said().contains(GUID) && !shop.file("output.log").contains(GUID));
    assert!(!shop.file("job.json").contains(GUID));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folders_of_the_last_jobs_are_kept() {
    let shop = Shop::new();
    shop.script("short.py", "print('x')");
    let jobs = shop.place().jobs();
    for n in 0..30 {
        std::fs::create_dir_all(jobs.join(format!("old-{n}"))).unwrap();
    }
    assert_eq!(shop.run("short").await.how, How::Returned);
    assert_eq!(std::fs::read_dir(jobs).unwrap().count(), 20);
}

/// Runs until the file is there, asks to stop, and gives the end.
async fn stopped(shop: &Shop, name: &str) -> Ending {
    let mut running = shop.begin(name).await;
    wait_for(&shop.scripts().join("ready")).await;
    std::fs::remove_file(shop.scripts().join("ready")).unwrap();
    running.stop().await.unwrap();
    end(&mut *running).await
}

/// A script that says when it is ready, and then does this.
fn ready(code: &str) -> String {
    format!("fs::write(\"ready\", \"x\\n\");\n{code}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_ours_finds_its_job_in_robot() {
    let shop = Shop::new();
    let code = r#"
assert(robot.in_job);
assert_eq([robot.job.guid, robot.job.name, robot.job.robot, robot.job.begun_before], ["JOB", "import.py", "main", 0]);
assert_eq([robot.job.version.guid, robot.task.guid, robot.task.name], ["9a0b", "77aa", "inv-17"]);
assert_eq(robot.params, #{ file: "счёт.xml", rows: 3 });
assert(!robot.should_stop());
robot.check();
print(robot.params.file);
robot.log("error", "no number", #{ row: 2 });
robot.progress(50, "half");
sleep(1.2);
"#;
    shop.script("import.rhai", &code.replace("JOB", JOB));
    let params = json!({"file": "счёт.xml", "rows": 3});
    let mut running = shop.jobs.begin(&shop.order("import.py", params)).await.unwrap();
    let mut progress = Vec::new();
    let ending = loop {
        match timeout(Duration::from_secs(60), running.next()).await.unwrap() {
            Event::Ended(ending) => break ending,
            Event::Progress(percent, text) => progress.push((percent, text)),
            Event::Logged => {}
        }
    };
    assert_eq!((&ending.how, &ending.tail[..]), (&How::Returned, &["счёт.xml".to_owned()][..]));
    assert_eq!(progress, [(50.0, "half".to_owned())]);
    assert_eq!(shop.said(), "no number {\"row\":2}\n50 % half\nсчёт.xml");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_script_of_ours_throws_is_told_with_its_place() {
    let mut shop = Shop::new();
    shop.script("throws.rhai", "let x = 1;\nfn f() { throw \"boom\"; }\nf();");
    match shop.run("throws").await.how {
        How::Thrown(text) => assert!(text.contains("boom") && text.contains("throws.rhai:2:"), "{text}"),
        other => panic!("{other:?}"),
    }
    shop.script("wrong.rhai", "let x = ;");
    match shop.run("wrong").await.how {
        How::Thrown(text) => assert!(text.contains("wrong.rhai:1:"), "{text}"),
        other => panic!("{other:?}"),
    }
    shop.script("exits.rhai", "exit(3)");
    assert_eq!(shop.run("exits").await.how, How::Exited(3));
    shop.script("endless.rhai", "loop {}");
    shop.limits.operations = Some(10_000);
    assert_eq!(shop.run("endless").await.how, How::Limit("operations: 10000 are allowed".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_ours_stops_where_it_looks() {
    let shop = Shop::new();
    shop.script("polls.rhai", &ready("while !robot.should_stop() { sleep(0.01); }\nprint(\"done\");"));
    let ending = stopped(&shop, "polls").await;
    assert_eq!((ending.how, ending.observed, ending.tail), (How::Returned, true, vec!["done".to_owned()]));

    let code = "ensure(|| loop { robot.check(); sleep(0.01); }, || { sleep(0.1); print(\"cleared up\"); });";
    shop.script("checks.rhai", &ready(code));
    let ending = stopped(&shop, "checks").await;
    assert_eq!((ending.how, ending.observed, ending.tail), (How::Stopped, true, vec!["cleared up".to_owned()]));

    let code =
        "try { loop { robot.check(); } } catch (err) { assert_eq(err.error, \"robot.stop\"); throw \"not now\"; }";
    shop.script("catches.rhai", &ready(code));
    let ending = stopped(&shop, "catches").await;
    assert!(matches!(&ending.how, How::Thrown(text) if text.contains("not now")), "{:?}", ending.how);
    assert!(ending.observed);

    let code = "robot.on_stop(|| { print(\"asked\"); robot.check(); });\nsleep(1000);\nprint(\"never\");";
    shop.script("sleeps.rhai", &ready(code));
    let began = Instant::now();
    let ending = stopped(&shop, "sleeps").await;
    assert_eq!((ending.how, ending.tail), (How::Stopped, vec!["asked".to_owned()]));
    assert!(began.elapsed() < Duration::from_secs(5));

    shop.script("deaf.rhai", &ready("sleep(0.3); print(\"all of it\");"));
    let ending = stopped(&shop, "deaf").await;
    assert_eq!((ending.how, ending.observed), (How::Returned, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_ours_that_hangs_is_killed() {
    let shop = Shop::new();
    for (name, code) in [("endless.rhai", "loop {}"), ("waits.rhai", "sleep(1000);")] {
        shop.script(name, &ready(&format!("print(\"before\");\n{code}")));
        let mut running = shop.begin(name).await;
        wait_for(&shop.scripts().join("ready")).await;
        std::fs::remove_file(shop.scripts().join("ready")).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let ordered = Instant::now();
        running.kill().await.unwrap();
        let ending = end(&mut *running).await;
        assert!(ordered.elapsed() < Duration::from_secs(1), "{name}: {:?}", ordered.elapsed());
        assert_eq!((ending.how, ending.tail), (How::Killed, vec!["before".to_owned()]), "{name}");
    }
}
