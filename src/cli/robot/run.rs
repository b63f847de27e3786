//! `pult robot`: the agent itself, until there is no more work or somebody ends it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::crew::{CALLS, End, Member, Work};
use super::lines::{Form, Lines, Shown};
use super::logoff::{Decision, Facts, Way};
use super::notify::Manager;
use super::unhurried::Unhurried;
use super::{exit, health, robots, seeing};
use crate::cli::setup::Setup;
use crate::cli::stop::{Asked, Stop};
use crate::cli::{Global, eprint_line, fail, print_line};
use crate::error::{Error, Kind, Result};
use crate::script::imports::{Imports, read_script};
use crate::script::report::Report;
use crate::script::session::{Session, source_name};
use crate::services::robot::{self as service, NAME};

/// The algorithm that is built in.
const ALGORITHM: &str = "stdlib/robot";

/// How long reports may take after the grace of a job is over.
const REPORT: Duration = Duration::from_secs(4);

/// What ends late is given so long after it was stopped where it stands.
const LAST: Duration = Duration::from_secs(1);

/// How often `systemctl status` is told what the robots do.
const STATUS: Duration = Duration::from_secs(10);

#[derive(Args, Debug)]
pub struct Flags {
    /// Robots of pult.toml; all of them when none is named.
    names: Vec<String>,
    /// End when there is no more work, as the Python framework does; with `logoff`, log off from Windows then.
    #[arg(long)]
    once: bool,
    /// Another algorithm than stdlib/robot.rhai: a script with the functions `once(robot)` and `serve(robot)`.
    #[arg(long, value_name = "FILE")]
    algorithm: Option<PathBuf>,
    /// Serve /live, /ready, /state and /metrics there; without an address, on this computer alone.
    #[arg(long, value_name = "ADDRESS:PORT")]
    health: Option<String>,
    /// Write every change of state into this file, too; a new one is begun every 10 MB, five are kept.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// How a change of state is written.
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    log_format: Form,
    /// Run this program in place of the system's log off.
    #[arg(long, value_name = "PROGRAM")]
    logoff_with: Option<PathBuf>,
    /// Stop when standard input closes.
    #[arg(long)]
    until_eof: bool,
}

/// Its exit codes are those of the agent.
pub fn run(global: &Global, options: &Flags) -> u8 {
    begin(global, options).unwrap_or_else(|report| {
        fail(&report, global.style());
        exit::of_report(&report)
    })
}

fn begin(global: &Global, options: &Flags) -> Result<u8, Box<Report>> {
    if global.dry_run {
        let error = Error::new(Kind::Usage, "robot.dry_run", "a robot that sends nothing gets no work");
        Err(error.hint("`pult robot doctor` looks whether it would; `--sandbox` tries it against a simulator"))?;
    }
    let setup = Setup::new(global, None)?;
    let names = robots(setup.host.connections.config(), &options.names)?;
    let shown = match (global.quiet, global.verbose) {
        (true, _) => Shown::Nothing,
        (false, true) => Shown::Everything,
        (false, false) => Shown::Changes,
    };
    let lines =
        Lines::new(options.log_format, shown, Box::new(Unhurried::new(std::io::stderr())), options.log.as_deref())?;
    let lines = Arc::new(lines);
    let only = options.algorithm.is_none().then_some(NAME);
    let conducted =
        setup.with_session_of(only, Vec::new(), |session| conduct(session, &names, &lines, global, options));
    lines.show_no_more();
    let conducted = conducted??;
    let chosen = setup.host.exit_code();
    let wanted = names.iter().any(|name| {
        setup.host.connections.config().connection(NAME, name).is_ok_and(|settings| settings.flag("logoff"))
    });
    setup.leave();
    let code = chosen.unwrap_or(conducted.code);
    log_off(
        options,
        Facts {
            wanted,
            once: options.once,
            all_fine: code == exit::FINE,
            asked_to_leave: conducted.asked.is_some(),
            dry_run: global.dry_run,
        },
    );
    Ok(code)
}

fn log_off(options: &Flags, facts: Facts) {
    match facts.decide() {
        Decision::No => {}
        Decision::NotNow(why) => eprint_line(&format!("log off: not now: {why}")),
        Decision::LogOff => match Way::new(options.logoff_with.clone()).go() {
            Ok(told) => eprint_line(told),
            Err(failed) => eprint_line(&failed),
        },
    }
}

/// How all of it ended.
struct Conducted {
    code: u8,
    /// Somebody asked the agent to end.
    asked: Option<Asked>,
}

/// Runs all robots to their ends.
fn conduct(
    mut session: Session,
    names: &[String],
    lines: &Arc<Lines>,
    global: &Global,
    options: &Flags,
) -> Result<Conducted, Box<Report>> {
    session.engine_mut().set_max_call_levels(CALLS);
    let (algorithm, text) = algorithm(options.algorithm.as_deref())?;
    let ast = session.compile(&algorithm, &text)?;
    let function = if options.once { "once" } else { "serve" };
    if !ast.iter_functions().any(|known| known.name == function && known.params.len() == 1) {
        let error =
            Error::new(Kind::Config, "robot.algorithm", format!("{algorithm} has no function {function}(robot)"));
        Err(error.hint("copy stdlib/robot.rhai and change it: `once` and `serve` are what is called"))?;
    }
    let crew = Arc::new(crew(&session, names, lines)?);
    let runtime = session.host().context.runtime().clone();
    let mut beside = JoinSet::new();
    // Signals are listened for before anything begins.
    let asks = runtime.block_on(async { listen(&mut beside, options.until_eof) })?;
    let manager = Manager::of_environment().map(Arc::new);
    runtime.block_on(health(&mut beside, options.health.as_deref(), &crew))?;
    let (ends, ended) = unbounded_channel();
    let scope = session.host().stopper.fresh();
    let work = Work {
        session: &session,
        ast: &ast,
        algorithm: &algorithm,
        function,
        lines,
        runtime: runtime.clone(),
        begins_again: !options.once && crew.len() > 1,
        scope,
        ends,
    };
    std::thread::scope(|threads| {
        for (place, member) in crew.iter().enumerate() {
            if let Err(error) = work.begin(threads, place, member) {
                // Those that have begun are waited for.
                crew.iter().for_each(|member| member.agent.ask_to_leave());
                return Err(error.into());
            }
        }
        if let Some(manager) = &manager {
            manager.ready();
            runtime.block_on(async { watch_over(&mut beside, manager.clone(), crew.clone()) });
        }
        let conductor = Conductor { crew: &crew, session: &session, global, manager: manager.as_deref() };
        Ok(runtime.block_on(conductor.until_the_end(ended, asks)))
    })
}

/// Its name in reports, and its text.
fn algorithm(file: Option<&Path>) -> Result<(String, String)> {
    match file {
        Some(file) => {
            // What is wrong with this file is a mistake of whoever configured the agent.
            let text = read_script(file)?;
            Ok((source_name(file), text))
        }
        None => {
            let found = Imports::library().find(|(name, _)| name == ALGORITHM);
            let (name, text) = found.ok_or_else(|| {
                Error::new(Kind::Config, "robot.algorithm", "this program was built without its algorithm")
            })?;
            Ok((name, text.to_owned()))
        }
    }
}

fn crew(session: &Session, names: &[String], lines: &Arc<Lines>) -> Result<Vec<Member>> {
    let member = |name: &String| {
        let (robot, agent) = service::scripted(session.host(), name)?;
        Ok(Member::new(name.clone(), agent, robot, lines))
    };
    names.iter().map(member).collect()
}

/// Whoever asks the agent to end, one after the other.
fn listen(beside: &mut JoinSet<()>, until_eof: bool) -> Result<UnboundedReceiver<Asked>> {
    let mut stop = Stop::new()?;
    let (ask, asks) = unbounded_channel();
    beside.spawn(async move {
        let mut asked = stop.asked_or_eof(until_eof).await;
        while ask.send(asked).is_ok() {
            asked = stop.asked().await;
        }
    });
    Ok(asks)
}

async fn health(beside: &mut JoinSet<()>, place: Option<&str>, crew: &Arc<Vec<Member>>) -> Result<()> {
    let Some(place) = place else { return Ok(()) };
    let listener = health::bind(place).await?;
    let address: SocketAddr = listener
        .local_addr()
        .map_err(|error| Error::new(Kind::Usage, "robot.health", format!("{place} cannot be listened on: {error}")))?;
    print_line(&format!("health: http://{address}"))?;
    if let Some(warning) = health::warning(address) {
        eprint_line(&format!("warning: {warning}"));
    }
    let crew = crew.clone();
    beside.spawn(health::serve(listener, Arc::new(move || crew.iter().map(Member::seen).collect())));
    Ok(())
}

/// Tells the manager that the agent is alive, as long as each of its robots gets on.
fn watch_over(beside: &mut JoinSet<()>, manager: Arc<Manager>, crew: Arc<Vec<Member>>) {
    let mut tick = tokio::time::interval(manager.period().map_or(STATUS, |period| period.min(STATUS)));
    beside.spawn(async move {
        loop {
            tick.tick().await;
            let seen: Vec<_> = crew.iter().map(Member::seen).collect();
            if seen.iter().all(|seen| seen.alive) {
                manager.alive();
            }
            manager.status(&seeing::summary(&seen));
        }
    });
}

struct Conductor<'a> {
    crew: &'a [Member],
    session: &'a Session,
    global: &'a Global,
    manager: Option<&'a Manager>,
}

impl Conductor<'_> {
    /// Waits for the ends of all robots; sees to it that they come when somebody asks.
    async fn until_the_end(&self, mut ended: UnboundedReceiver<End>, mut asks: UnboundedReceiver<Asked>) -> Conducted {
        let mut codes = vec![None; self.crew.len()];
        let mut asked = None;
        let mut deadline = Instant::now();
        let (mut times, mut stopped) = (0, false);
        while codes.iter().any(Option::is_none) {
            tokio::select! {
                Some(end) = ended.recv() => {
                    self.tell(&end);
                    codes[end.place] = Some(end.code);
                }
                Some(again) = asks.recv() => {
                    times += 1;
                    asked = asked.or(Some(again));
                    deadline = Instant::now() + match times {
                        1 => self.ask_to_leave(),
                        2 => self.kill_jobs(),
                        // The supervisors of jobs see the end of this process, and end theirs.
                        _ => std::process::exit(i32::from(exit::INTERRUPTED)),
                    };
                }
                () = sleep_until(deadline), if asked.is_some() && !stopped => {
                    stopped = true;
                    eprint_line("not everything ended in time; it is ended where it stands");
                    self.session.host().stopper.stop();
                    deadline = Instant::now() + LAST;
                }
                () = sleep_until(deadline), if stopped => std::process::exit(i32::from(exit::INTERNAL)),
            }
        }
        let code = match (exit::worst(codes.into_iter().flatten()), asked) {
            // What was under way is put right by the next agent.
            _ if stopped => exit::INTERNAL,
            (exit::FINE, Some(Asked::Interrupt)) => exit::INTERRUPTED,
            (code, _) => code,
        };
        Conducted { code, asked }
    }

    /// How long it may take.
    fn ask_to_leave(&self) -> Duration {
        if let Some(manager) = self.manager {
            manager.stopping();
        }
        if !self.global.quiet {
            let busy = self.crew.iter().filter(|member| member.seen().job.is_some()).count();
            let jobs = match busy {
                0 => String::new(),
                1 => ": a job has its grace".to_owned(),
                many => format!(": {many} jobs have their grace"),
            };
            eprint_line(&format!("stopping{jobs}; asked again, jobs are killed"));
        }
        self.crew.iter().for_each(|member| member.agent.ask_to_leave());
        let grace = self.crew.iter().map(|member| member.agent.timing().shutdown_grace).max().unwrap_or_default();
        grace + REPORT
    }

    /// Nobody wants to wait: jobs are killed, and what became of them is reported where that is quickly done.
    fn kill_jobs(&self) -> Duration {
        if !self.global.quiet {
            eprint_line("jobs are killed; asked again, it ends at once");
        }
        self.crew.iter().for_each(|member| member.agent.ask_to_leave());
        REPORT
    }

    fn tell(&self, end: &End) {
        let Some(report) = &end.report else { return };
        if self.crew.len() > 1 {
            eprint_line(&format!("the robot {} has ended with code {}:", self.crew[end.place].name, end.code));
        }
        fail(report, self.global.style());
    }
}
