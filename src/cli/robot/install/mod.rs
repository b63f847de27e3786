//! `pult robot install` and `uninstall`: the agent started by the system, and again when it fails.

mod systemd;
mod task;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;

use super::robots;
use crate::cli::setup::configuration;
use crate::cli::{Global, eprint_line, print_line};
use crate::error::{Error, Kind, Result};
use crate::script::report::Report;

/// Grace of a job when nobody says otherwise, as the settings have it.
const GRACE: f64 = 30.0;

#[derive(Args, Debug)]
pub struct Options {
    /// Robots of pult.toml; all of them when none is named.
    names: Vec<String>,
    /// Print what would be installed, and do nothing.
    #[arg(long)]
    print: bool,
    /// Do what there is to do and end (with `logoff`, log off), instead of waiting for work.
    #[arg(long)]
    once: bool,
    /// A service of the computer under this user, instead of the user's own (systemd).
    #[arg(long, value_name = "USER")]
    system: Option<String>,
    /// Serve /live, /ready, /state and /metrics there.
    #[arg(long, value_name = "ADDRESS:PORT")]
    health: Option<String>,
    /// Which system's service; default: this one's.
    #[arg(long, value_enum, value_name = "SYSTEM", requires = "print")]
    r#for: Option<Target>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    Systemd,
    Windows,
}

impl Target {
    fn here() -> Target {
        if cfg!(windows) { Target::Windows } else { Target::Systemd }
    }
}

/// What is started, and how.
struct Service {
    program: PathBuf,
    config: PathBuf,
    profile: Option<String>,
    /// The folder of `pult.toml`.
    folder: PathBuf,
    names: Vec<String>,
    is_once: bool,
    health: Option<String>,
    /// The user of a service of the computer.
    system: Option<String>,
    /// The one who is logged on, as Windows names users.
    user: String,
    /// The longest that a job of these robots may take to stop.
    grace: Duration,
}

impl Service {
    /// `pult-robot`, and the names where not all robots are meant.
    fn title(&self) -> String {
        let file = |name: &String| name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect::<String>();
        let names: Vec<String> = std::iter::once("pult-robot".to_owned()).chain(self.names.iter().map(file)).collect();
        names.join("-")
    }

    /// Behind the program.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--config".to_owned(), self.config.display().to_string()];
        if let Some(profile) = &self.profile {
            arguments.extend(["--profile".to_owned(), profile.clone()]);
        }
        arguments.push("robot".to_owned());
        if self.is_once {
            arguments.push("--once".to_owned());
        }
        if let Some(health) = &self.health {
            arguments.extend(["--health".to_owned(), health.clone()]);
        }
        arguments.extend(self.names.iter().cloned());
        arguments
    }

    #[cfg(test)]
    fn example() -> Service {
        Service {
            program: "/opt/pult/pult".into(),
            config: "/srv/robots and 100%/pult.toml".into(),
            profile: None,
            folder: "/srv/robots and 100%".into(),
            names: vec!["main".into()],
            is_once: true,
            health: None,
            system: None,
            user: "robot1".into(),
            grace: Duration::from_secs(30),
        }
    }
}

pub fn install(global: &Global, options: &Options) -> Result<u8, Box<Report>> {
    let service = service(global, options)?;
    let target = options.r#for.unwrap_or_else(Target::here);
    eprint_line(
        "the service has none of the variables of your shell: keep a GUID as { file = … } or { keyring = … }, not as { env = … }",
    );
    if options.print || global.dry_run {
        print_line(
            match target {
                Target::Systemd => systemd::unit(&service),
                Target::Windows => task::xml(&service),
            }
            .trim_end(),
        )?;
        return Ok(0);
    }
    let told = match target {
        Target::Systemd => systemd::install(&service)?,
        Target::Windows => task::install(&service)?,
    };
    told.iter().try_for_each(|line| print_line(line))?;
    Ok(0)
}

pub fn uninstall(global: &Global, options: &Options) -> Result<u8, Box<Report>> {
    let service = service(global, options)?;
    if options.print || global.dry_run {
        print_line(&format!("would stop and remove {}", service.title()))?;
        return Ok(0);
    }
    let told = match Target::here() {
        Target::Systemd => systemd::uninstall(&service)?,
        Target::Windows => task::uninstall(&service)?,
    };
    told.iter().try_for_each(|line| print_line(line))?;
    Ok(0)
}

fn service(global: &Global, options: &Options) -> Result<Service> {
    let here = std::env::current_dir()
        .map_err(|error| Error::new(Kind::Usage, "folder.gone", format!("this folder cannot be used: {error}")))?;
    let config = configuration(global, &here)?;
    let Some(path) = config.path() else {
        let error = Error::new(Kind::Config, "config.missing", "there is no pult.toml, so there is no robot to start");
        return Err(error.hint("`pult robot import settings.txt --write` or `pult init` makes one"));
    };
    // What is told of robots that are not there is told here rather than by a service that does not start.
    let names = robots(&config, &options.names)?;
    let grace = |name: &String| {
        let settings = config.connection(crate::services::robot::NAME, name).ok()?;
        settings.number("shutdown_grace")
    };
    let grace = names.iter().filter_map(grace).fold(GRACE, f64::max);
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let program = std::env::current_exe().map_err(|error| {
        Error::new(Kind::Usage, "robot.install", format!("this program does not find itself: {error}"))
    })?;
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let user = variable("USERNAME").or_else(|| variable("USER")).unwrap_or_default();
    Ok(Service {
        program: dunce::simplified(&program).to_path_buf(),
        folder: path.parent().map(PathBuf::from).unwrap_or(here),
        config: path,
        profile: global.profile.clone(),
        names: options.names.clone(),
        is_once: options.once,
        health: options.health.clone(),
        system: options.system.clone(),
        user: variable("USERDOMAIN").map_or_else(|| user.clone(), |domain| format!("{domain}\\{user}")),
        grace: Duration::try_from_secs_f64(grace.min(86_400.0)).unwrap_or(Duration::from_secs(30)),
    })
}

/// Runs a program of the system to its end; what it says of a failure is the error.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    // Windows' own programs write in the code page of the console; what cannot be read is shown as such.
    let said = String::from_utf8_lossy(if done.stderr.is_empty() { &done.stdout } else { &done.stderr }).into_owned();
    Err(format!("`{program} {}` failed: {}", arguments.join(" "), said.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_its_robots_and_told_how_to_begin() {
        let all = Service { names: Vec::new(), is_once: false, ..Service::example() };
        assert_eq!(all.title(), "pult-robot");
        assert_eq!(all.arguments(), ["--config", "/srv/robots and 100%/pult.toml", "robot"]);
        let named = Service {
            names: vec!["счета".into(), "a/b".into()],
            profile: Some("test".into()),
            health: Some("127.0.0.1:9090".into()),
            ..Service::example()
        };
        assert_eq!(named.title(), "pult-robot-счета-a_b");
        let known = ["--profile", "test", "robot", "--once", "--health", "127.0.0.1:9090", "счета", "a/b"];
        assert_eq!(named.arguments()[2..], known);
    }

    #[test]
    fn what_a_program_says_of_its_failure_is_told() {
        assert!(run("pult-no-such-program", &[]).unwrap_err().contains("cannot be run"));
    }
}
