//! One test: a simulator, a folder with configuration and scripts, agents; and what must be true at its end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::Value;

use crate::agent::{Agent, Said};
use crate::processes::{MARK, Process, marked};
use crate::sim::Sim;

/// The first robot of every simulator.
pub const GUID: &str = "da8bc2f0-8065-4385-b867-405e66b8e151";

/// How much faster both clocks run, where a test does not say otherwise.
pub const SPEED: f64 = 20.0;

/// How long a process may take to be gone.
const BURIAL: Duration = Duration::from_secs(3);

pub struct Stage {
    pub sim: Sim,
    folder: tempfile::TempDir,
    /// The further lines of `[robot.main]`.
    settings: Vec<String>,
    /// Where the agent looks for the Orchestrator, if not at the simulator itself.
    address: Option<String>,
    /// How much faster both clocks run.
    pub speed: f64,
    mark: String,
    said: Mutex<Vec<Said>>,
    /// Checked at the end.
    is_sound: bool,
}

impl Stage {
    pub fn new() -> Stage {
        Stage::with(&[])
    }

    /// With these switches of the simulator, without `robot.`.
    pub fn with(knobs: &[&str]) -> Stage {
        Stage::at(SPEED, knobs)
    }

    /// At this speed.
    pub fn at(speed: f64, knobs: &[&str]) -> Stage {
        static STAGES: AtomicU32 = AtomicU32::new(0);
        // A loaded machine delays what was sent in time.
        let usual = [
            "port=0".to_owned(),
            "jobs=0".into(),
            "tasks=0".into(),
            format!("speed={speed}"),
            "spacing_tolerance_ms=200".into(),
        ];
        let knobs = usual.into_iter().chain(knobs.iter().map(|knob| knob.to_string()));
        let sim = Sim::start(&knobs.map(|knob| format!("robot.{knob}")).collect::<Vec<_>>());
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("scripts")).unwrap();
        let mark = format!("robot-{}-{}", std::process::id(), STAGES.fetch_add(1, Ordering::Relaxed));
        Stage { sim, folder, settings: Vec::new(), address: None, speed, mark, said: Mutex::default(), is_sound: true }
    }

    /// A line of `[robot.main]`.
    pub fn set(&mut self, line: &str) -> &mut Stage {
        self.settings.push(line.to_owned());
        self
    }

    /// Something stands between agent and simulator.
    pub fn through(&mut self, address: String) -> &mut Stage {
        self.address = Some(address);
        self
    }

    /// The simulator cannot see what it takes to judge this test.
    pub fn is_not_judged(&mut self) -> &mut Stage {
        self.is_sound = false;
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as a script writes it.
    pub fn quoted(&self, name: &str) -> String {
        Value::from(self.path(name).display().to_string()).to_string()
    }

    /// A script of the robot; `FOLDER` in it becomes the stage's folder, and `NOTE("x")` a line in the notes, in Rhai as in the
    /// shell.
    pub fn script(&self, name: &str, text: &str) -> &Stage {
        let path = self.path("scripts").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let notes = self.quoted("notes");
        let note = |words: &str| match path.extension().and_then(|ending| ending.to_str()) {
            Some("rhai") => format!("fs::append({notes}, {words} + \"\\n\")"),
            Some("py") => format!("print({words}, file=open({notes}, 'a'), flush=True)"),
            _ => format!("echo {words} >> {notes}"),
        };
        let mut whole = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("NOTE(") {
            let end = closing(after);
            whole += before;
            whole += &note(&after[..end]);
            rest = &after[end + 1..];
        }
        whole += rest;
        let folder = self.folder.path().display().to_string().replace('\\', "/");
        std::fs::write(path, whole.replace("FOLDER", &folder)).unwrap();
        self
    }

    /// The lines that scripts have noted.
    pub fn notes(&self) -> Vec<String> {
        let notes = std::fs::read_to_string(self.path("notes")).unwrap_or_default();
        notes.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    pub fn until_noted(&self, word: &str) {
        self.sim.until(&format!("a note of {word}"), |_| self.notes().iter().any(|note| note == word));
    }

    /// Seconds of the sped-up clock, as the real ones.
    pub fn real(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds / self.speed)
    }

    pub fn sleep(&self, seconds: f64) {
        std::thread::sleep(self.real(seconds));
    }

    /// What `pult.toml` says of the robot.
    fn section(&self, name: &str, variable: &str, state: &str) -> String {
        let address = self.address.clone().unwrap_or_else(|| self.sim.address());
        let mut lines = format!(
            "[robot.{name}]\naddress = \"{address}\"\nguid = {{ env = \"{variable}\" }}\nscripts = {}\nstate = {}\n",
            self.quoted("scripts"),
            self.quoted(state)
        );
        for line in &self.settings {
            lines += &format!("{line}\n");
        }
        if !self.settings.iter().any(|line| line.starts_with("test_clock")) {
            lines += &format!("test_clock = {:?}\n", self.speed);
        }
        lines
    }

    /// Writes the configuration; its path.
    pub fn config(&self, state: &str) -> PathBuf {
        let path = self.path(&format!("{state}.toml"));
        std::fs::write(&path, [self.files(), self.section("main", "ROBOT_GUID", state)].concat()).unwrap();
        path
    }

    /// Scripts note what they do beside their own folder.
    fn files(&self) -> String {
        format!("[fs]\nallow = [{}]\n\n", self.quoted(""))
    }

    /// Writes one for several robots of the simulator, `main`, `second` and `third`.
    pub fn config_of(&self, names: &[&str], state: &str) -> PathBuf {
        let path = self.path(&format!("{state}.toml"));
        let sections = names.iter().map(|name| self.section(name, &variable_of(name), state));
        std::fs::write(&path, [self.files(), sections.collect::<Vec<_>>().join("\n")].concat()).unwrap();
        path
    }

    /// `pult` with this configuration.
    pub fn command(&self, config: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pult"));
        self.dress(&mut command);
        command.args(args).arg("--config").arg(config);
        command
    }

    /// What every program of this stage finds in its environment.
    pub fn dress(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).env("NO_PROXY", "*").env("RUST_BACKTRACE", "0");
        command.env(MARK, &self.mark).env("ROBOT_GUID", GUID);
        for (at, guid) in self.guids().iter().enumerate().skip(1) {
            command.env(variable_of(["main", "second", "third"][at]), guid);
        }
        for (name, place) in
            [("HOME", "home"), ("XDG_CONFIG_HOME", "home"), ("APPDATA", "home"), ("LOCALAPPDATA", "home")]
        {
            command.env(name, self.path(place));
        }
        command.env("XDG_DATA_HOME", self.path("home")).env("XDG_STATE_HOME", self.path("home"));
    }

    /// The GUIDs of the simulator's first three robots.
    pub fn guids(&self) -> Vec<String> {
        let robots = self.sim.look("state");
        let robots = robots["robots"].as_array().cloned().unwrap_or_default();
        robots.iter().take(3).map(|robot| crate::sim::text(&robot["guid"])).collect()
    }

    /// Starts a program of this stage, whose words are looked at in the end.
    pub fn run(&self, command: Command) -> Agent {
        let said = Said::default();
        self.said.lock().unwrap().push(said.clone());
        Agent::start(command, said)
    }

    pub fn agent(&self, args: &[&str]) -> Agent {
        let args = [&["robot"], args].concat();
        self.run(self.command(&self.config("state.sqlite"), &args))
    }

    /// An agent that leaves when there is no more work.
    pub fn once(&self) -> Agent {
        self.agent(&["--once"])
    }

    /// An agent that stays.
    pub fn daemon(&self) -> Agent {
        self.agent(&[])
    }

    /// `pult eval` with the same configuration.
    pub fn eval(&self, code: &str) -> Agent {
        self.run(self.command(&self.config("state.sqlite"), &["eval", code]))
    }

    /// The processes of this stage.
    pub fn processes(&self) -> Vec<Process> {
        marked(&self.mark)
    }

    /// Those of the job: all but agents and supervisors.
    pub fn working_processes(&self) -> Vec<Process> {
        let mut all = self.processes();
        all.retain(|process| !process.words.contains(" robot --once") && !process.words.contains("supervise"));
        all.retain(|process| !process.words.contains(" robot --config"));
        all
    }

    /// Until nothing of a job runs any more; how long that took.
    #[track_caller]
    pub fn until_no_job_runs(&self) -> Duration {
        let began = Instant::now();
        while !self.working_processes().is_empty() {
            assert!(began.elapsed() < BURIAL, "still there: {:?}", self.working_processes());
            std::thread::sleep(Duration::from_millis(5));
        }
        began.elapsed()
    }

    /// The end of a test whose agents have ended.
    #[track_caller]
    pub fn ends_well(self) {
        let began = Instant::now();
        while !self.processes().is_empty() {
            assert!(began.elapsed() < BURIAL, "left behind: {:?}", self.processes());
            std::thread::sleep(Duration::from_millis(10));
        }
        if self.is_sound {
            // Handed out in the moment in which somebody died, and known to nobody: the tests of that look for such jobs.
            let mut broken = self.sim.broken();
            broken.retain(|text| !text.contains("an orphan"));
            assert_eq!(broken, [""; 0], "invariants of §6.4");
        }
        let said: Vec<String> = self.said.lock().unwrap().iter().map(Said::text).collect();
        for said in said.iter().chain([&self.sim.messages()]) {
            is_silent(said.as_bytes(), "what was said");
        }
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                match entry.path() {
                    path if path.is_dir() => folders.push(path),
                    path => is_silent(&std::fs::read(&path).unwrap_or_default(), &path.display().to_string()),
                }
            }
        }
    }

    /// Tells the agents to end, which are doing nothing, and looks at the end of the test.
    #[cfg(unix)]
    #[track_caller]
    pub fn leaves(self, agent: Agent) {
        agent.signal("TERM");
        agent.ends();
        self.ends_well();
    }
}

/// Does the same with each, all at once: most of the time somebody waits.
pub fn side_by_side<T: Send>(all: impl IntoIterator<Item = T>, work: impl Fn(T) + Sync) {
    std::thread::scope(|threads| {
        for one in all {
            threads.spawn(|| work(one));
        }
    });
}

/// Where the bracket is closed that was opened before this.
fn closing(text: &str) -> usize {
    let mut depth = 1;
    let end = text.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    end.unwrap()
}

/// Where the GUID of a robot stands in the environment.
fn variable_of(name: &str) -> String {
    match name {
        "main" => "ROBOT_GUID".into(),
        name => format!("ROBOT_GUID_{}", name.to_uppercase()),
    }
}

/// Neither a GUID nor the header made of it.
#[track_caller]
fn is_silent(bytes: &[u8], place: &str) {
    let header = base64::engine::general_purpose::STANDARD.encode(GUID);
    for secret in [GUID, &GUID.to_uppercase(), header.trim_end_matches('='), &GUID.replace('-', "")] {
        let at = memchr::memmem::find(bytes, secret.as_bytes());
        let around = at.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at]).into_owned());
        assert_eq!(around, None, "the GUID stands behind this in {place}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let story: Vec<String> = self
                .sim
                .asked()
                .iter()
                .map(|asked| format!("{:8.1} {} {}", asked.at, asked.word(), asked.answer))
                .collect();
            let said: Vec<String> = self.said.lock().unwrap().iter().map(Said::text).collect();
            eprintln!(
                "── asked\n{}\n── messages\n{}── said\n{}\n── notes\n{:?}",
                story.join("\n"),
                self.sim.messages(),
                said.join("\n"),
                self.notes()
            );
        }
        #[cfg(unix)]
        for process in self.processes() {
            crate::processes::signal(process.id, "KILL");
        }
    }
}
