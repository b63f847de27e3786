//! The process between agent and job: it starts the job, takes its output, passes on what is asked of it, kills it with
//! everything it has started, and writes how it ended into the journal before it tells. So the truth outlives the agent.
//!
//! It is small on purpose (threads, no runtime, no engine): there is one for each job.

mod lines;
mod output;
mod verdict;

use std::ffi::OsString;
use std::io::{BufRead, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use self::lines::Lines;
use self::output::{Output, Stream};
use self::verdict::{Doom, Verdict};
use super::order::{self, Errand, KILL, Progress, STOP, Told, not_started};
use crate::core::tree::{self, Keeper, Started};
use crate::error::{Error, Kind, Result};
use crate::secret;
use crate::services::robot::client::journal::Journal;
use crate::services::robot::client::shapes::{Level, Line};
use crate::services::robot::client::work::Ending;

/// How often what was printed is sent on, and progress is looked for.
const TURN: Duration = Duration::from_secs(1);

/// How often memory is looked at.
const MEMORY: Duration = Duration::from_millis(200);

/// Between two rounds of killing.
const ROUND: Duration = Duration::from_millis(5);

/// What does not die in this time hangs in the system, and what holds the output then is not ours.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the journal is tried when it cannot be written, and the pause between two tries.
const TRIES: u32 = 25;
const PAUSE: Duration = Duration::from_millis(200);

/// What the supervisor waits for.
enum Heard {
    Stop,
    Kill,
    /// The agent's end of the pipe is closed.
    Alone,
    Ended(ExitStatus),
    /// One of the two streams of output is over.
    Closed,
}

/// Carries out one errand: read from `orders`, told of on `tell`. `environment` is what the job inherits.
pub fn supervise(
    orders: impl BufRead + Send + 'static,
    tell: impl Write,
    environment: Vec<(OsString, OsString)>,
) -> Result<()> {
    let mut orders = orders;
    let mut line = String::new();
    let unreadable = |why: String| Error::new(Kind::Usage, "robot.errand", format!("no errand of an agent: {why}"));
    orders.read_line(&mut line).map_err(|error| unreadable(error.to_string()))?;
    let errand: Errand = serde_json::from_str(&line).map_err(|error| unreadable(error.to_string()))?;
    drop(line);
    errand.secrets.iter().for_each(|secret| secret::hide(secret));
    let mut tell = Teller(tell);
    let (heard, hears) = channel();
    // It ends with the process: nobody can be waited for who may never say anything.
    let commands = heard.clone();
    std::thread::spawn(move || listen(orders, &commands));
    let ending = match Supervisor::begin(&errand, environment, heard, &mut tell) {
        Ok(mut supervisor) => supervisor.run(&hears, &mut tell),
        Err(why) => not_started(why),
    };
    record(&errand, &ending);
    tell.say(&Told::Ended(ending));
    Ok(())
}

/// Hands on each command until nobody is there to give one.
fn listen(orders: impl BufRead, heard: &Sender<Heard>) {
    for line in orders.lines() {
        let sent = match line.as_deref().map(str::trim) {
            Ok(STOP) => heard.send(Heard::Stop),
            Ok(KILL) => heard.send(Heard::Kill),
            Ok(_) => Ok(()),
            Err(_) => break,
        };
        if sent.is_err() {
            return;
        }
    }
    // Nobody hears it when the errand is done.
    let _ = heard.send(Heard::Alone);
}

/// Writes the end into the journal, patiently: another process may hold it.
fn record(errand: &Errand, ending: &Ending) {
    for _ in 0..TRIES {
        let written =
            Journal::open(&errand.state, &errand.robot).and_then(|journal| journal.ended(&errand.job, ending));
        if written.is_ok() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Tells the agent, as long as there is one.
struct Teller<W>(W);

impl<W: Write> Teller<W> {
    fn say(&mut self, told: &Told) {
        if let Ok(mut line) = serde_json::to_vec(told) {
            line.push(b'\n');
            // An agent that is gone is heard of on the other pipe.
            let _ = self.0.write_all(&line).and_then(|()| self.0.flush());
        }
    }
}

struct Supervisor<'a> {
    errand: &'a Errand,
    journal: Journal,
    keeper: Keeper,
    output: Arc<Mutex<Output>>,
    /// The job's own process.
    pid: u32,
    began: Instant,
    verdict: Verdict,
    /// Streams of output that may still bring something.
    open: usize,
    progress: Option<Progress>,
}

impl<'a> Supervisor<'a> {
    /// Starts the job, or says why it cannot be.
    fn begin<W: Write>(
        errand: &'a Errand,
        environment: Vec<(OsString, OsString)>,
        heard: Sender<Heard>,
        tell: &mut Teller<W>,
    ) -> Result<Supervisor<'a>, String> {
        let journal = Journal::open(&errand.state, &errand.robot).map_err(|error| error.to_string())?;
        let this = Started::this().map_err(|error| error.to_string())?;
        journal.process(&errand.job, this.pid, &this.since).map_err(|error| error.to_string())?;
        tell.say(&Told::Started(this));
        let mut keeper = Keeper::begin().map_err(|error| format!("its processes cannot be kept together: {error}"))?;
        let path = errand.files.output();
        let output = Output::new(&path, errand.log_output).map_err(|error| format!("{}: {error}", path.display()))?;
        let output = Arc::new(Mutex::new(output));
        let input = std::fs::read(errand.files.job()).map_err(|error| format!("job.json: {error}"))?;
        let mut command = command(errand, environment);
        let mut child = keeper
            .start(&mut command)
            .map_err(|error| format!("{} does not start: {error}", errand.program.display()))?;
        let began = Instant::now();
        let pid = child.id();
        attend(&mut child, input, &output, &heard);
        std::thread::spawn(move || Keeper::watch(child, |status| drop(heard.send(Heard::Ended(status)))));
        let verdict = Verdict::new(errand.is_own);
        Ok(Supervisor { errand, journal, keeper, output, pid, began, verdict, open: 2, progress: None })
    }

    /// Sees the job through to its end.
    fn run<W: Write>(&mut self, hears: &Receiver<Heard>, tell: &mut Teller<W>) -> Ending {
        let (mut next_turn, mut next_look) = (Instant::now() + TURN, Instant::now() + MEMORY);
        while !self.verdict.is_over() {
            let memory = self.errand.limits.memory.filter(|_| !self.verdict.is_doomed());
            let until = if memory.is_some() { next_turn.min(next_look) } else { next_turn };
            let wait = until.saturating_duration_since(Instant::now());
            match hears.recv_timeout(if self.verdict.is_doomed() { wait.min(ROUND) } else { wait }) {
                Ok(heard) => self.heard(heard),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = Instant::now();
            if let Some(most) = memory.filter(|_| now >= next_look) {
                self.look_at_memory(most);
                next_look = Instant::now() + MEMORY;
            }
            if now >= next_turn {
                self.turn(tell);
                next_turn = Instant::now() + TURN;
            }
            if self.verdict.is_doomed() {
                self.keeper.kill();
            }
        }
        let took = self.began.elapsed();
        self.sweep();
        self.drain(hears);
        self.close(took, tell)
    }

    fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Stop => self.stop(),
            Heard::Kill => self.verdict.doom(Doom::Killed),
            Heard::Alone => self.verdict.doom(Doom::Orphaned),
            Heard::Ended(status) => self.verdict.ended(status),
            Heard::Closed => self.open = self.open.saturating_sub(1),
        }
    }

    /// Tells the job once that it is to stop.
    fn stop(&mut self) {
        if !self.verdict.ask() {
            return;
        }
        // A job that cannot be told will be killed by whoever loses patience.
        let _ = std::fs::write(self.errand.files.stop(), "");
        if !self.errand.is_own {
            tree::ask_to_end(self.pid);
        }
    }

    fn look_at_memory(&mut self, most: u64) {
        let used = self.keeper.memory();
        if used > most {
            let text = format!("memory: {} MB are allowed, it used {} MB", most >> 20, used.div_ceil(1 << 20));
            self.verdict.doom(Doom::Limit(text));
        }
    }

    /// Sends on what was printed, and how far the job is.
    fn turn<W: Write>(&mut self, tell: &mut Teller<W>) {
        let messages = locked(&self.output).messages();
        if self.say(messages) {
            tell.say(&Told::Logged);
        }
        let progress: Option<Progress> = order::read(&self.errand.files.progress());
        if let Some(progress) = progress.filter(|now| self.progress.as_ref() != Some(now)) {
            tell.say(&Told::Progress(progress.clone()));
            self.progress = Some(progress);
        }
    }

    /// Puts messages into the outbox. One that finds no place there is in the file.
    fn say(&self, messages: Vec<(Level, String)>) -> bool {
        let mut said = false;
        for (level, text) in messages {
            let (job, version) = (self.errand.job.clone(), self.errand.version.clone());
            said |= self.journal.say(&Line { job, version, level, text }).is_ok();
        }
        said
    }

    /// Kills what the job has left.
    fn sweep(&mut self) {
        let began = Instant::now();
        let mut left = self.keeper.kill();
        if left > 0 && !self.verdict.is_doomed() {
            let text = format!("pult: the job is over, and was killed with what it had left running: {left} processes");
            locked(&self.output).line(Stream::Err, &text);
        }
        while left > 0 && began.elapsed() < PATIENCE {
            std::thread::sleep(ROUND);
            left = self.keeper.kill();
        }
        if left > 0 {
            locked(&self.output).line(Stream::Err, &format!("pult: {left} processes of the job cannot be killed"));
        }
    }

    /// What was printed before the end arrives after it.
    fn drain(&mut self, hears: &Receiver<Heard>) {
        let until = Instant::now() + PATIENCE;
        while self.open > 0 {
            match hears.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Heard::Closed) => self.open -= 1,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    fn close<W: Write>(&mut self, took: Duration, tell: &mut Teller<W>) -> Ending {
        self.turn(tell);
        let tail = locked(&self.output).end();
        loop {
            let messages = locked(&self.output).messages();
            if messages.is_empty() {
                break;
            }
            self.say(messages);
        }
        let (how, observed) = self.verdict.judge(&self.errand.files);
        Ending { how, observed, took, tail }
    }
}

/// The job's program as it is to be started.
fn command(errand: &Errand, environment: Vec<(OsString, OsString)>) -> Command {
    let mut command = Command::new(&errand.program);
    command.args(&errand.args).current_dir(&errand.folder).env_clear();
    let is_withheld = |value: &OsString| {
        let value = value.to_string_lossy().to_lowercase();
        errand.withheld.iter().any(|secret| value.contains(&secret.to_lowercase()))
    };
    command.envs(environment.into_iter().filter(|(_, value)| !is_withheld(value)));
    // The service manager's matters are the agent's own.
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
        command.env_remove(name);
    }
    command.envs(errand.variables.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Gives the job its input, and takes its output, each on a thread of its own.
fn attend(child: &mut Child, input: Vec<u8>, output: &Arc<Mutex<Output>>, heard: &Sender<Heard>) {
    if let Some(mut stdin) = child.stdin.take() {
        // A job need not read it.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let take = |stream: Stream, from: Option<Box<dyn Read + Send>>| {
        let (output, heard) = (output.clone(), heard.clone());
        std::thread::spawn(move || {
            if let Some(from) = from {
                read(from, stream, &output);
            }
            drop(heard.send(Heard::Closed));
        });
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    take(Stream::Out, out.map(|out| Box::new(out) as Box<dyn Read + Send>));
    take(Stream::Err, err.map(|err| Box::new(err) as Box<dyn Read + Send>));
}

fn read(mut from: impl Read, stream: Stream, output: &Mutex<Output>) {
    let mut lines = Lines::default();
    let mut piece = vec![0; 32 * 1024];
    loop {
        match from.read(&mut piece) {
            Ok(0) => break,
            Ok(size) => {
                let mut output = locked(output);
                lines.take(&piece[..size], |line| output.line(stream, line));
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    lines.end(|line| locked(output).line(stream, line));
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::services::robot::client::jobs::order::Files;
    use crate::services::robot::client::work::Limits;

    #[test]
    fn a_job_inherits_the_environment_but_no_credential_of_the_robot() {
        let guid = "DA8BC2F0-8065-4385-b867-405e66b8e1aa";
        let errand = Errand {
            job: "5c1e".into(),
            version: String::new(),
            program: "python3".into(),
            args: vec!["x.py".into()],
            folder: "/".into(),
            variables: vec![("PULT_JOB_GUID".into(), "5c1e".into()), ("LANG".into(), "C".into())],
            withheld: vec![guid.to_lowercase()],
            secrets: Vec::new(),
            is_own: false,
            files: Files { folder: "/".into() },
            limits: Limits::default(),
            log_output: true,
            state: "/state.db".into(),
            robot: "0123".into(),
        };
        let given = [
            ("ROBOT_GUID", guid),
            ("LANG", "ru"),
            ("PATH", "/bin"),
            ("NOTIFY_SOCKET", "/s"),
            ("X", &format!("a {guid}")),
        ];
        let environment = given.map(|(name, value)| (name.into(), value.into())).to_vec();
        let command = command(&errand, environment);
        let found: BTreeMap<_, _> =
            command.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?))).collect();
        assert_eq!(found, BTreeMap::from([("LANG", "C"), ("PATH", "/bin"), ("PULT_JOB_GUID", "5c1e")]));
    }

    #[test]
    fn whoever_is_no_agent_is_told_so() {
        for given in ["", "{}\n", "hello\n"] {
            let error = supervise(given.as_bytes(), Vec::new(), Vec::new()).unwrap_err();
            assert_eq!(error.code(), "robot.errand", "{given:?}");
        }
    }
}
