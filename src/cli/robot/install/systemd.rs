//! The agent as a service of systemd, of one user or of the computer.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Service, run};
use crate::error::{Error, Kind, Result};

/// How long systemd waits for a sign of life. The agent gives one twice as often, as long as all its robots get on.
const WATCHDOG: Duration = Duration::from_secs(120);

/// What the end may take besides the grace of a job.
const REPORT: Duration = Duration::from_secs(10);

/// The unit's text.
pub fn unit(service: &Service) -> String {
    let mut command = quoted(&service.program.display().to_string());
    for argument in service.arguments() {
        let _ = write!(command, " {}", quoted(&argument));
    }
    let stop = (service.grace + REPORT).as_secs_f64().ceil();
    let mut text = format!(
        "\
# Written by `pult robot install`. The agent says itself when it is ready and that it is alive; when it is not, it is
# started again and puts right what was under way.
[Unit]
Description=pult robot{}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
WorkingDirectory={}
Restart=on-failure
RestartSec=10
# A mistake in the configuration is not put right by starting again.
RestartPreventExitStatus=2
WatchdogSec={}
# The agent alone is told to end: it asks its job to stop, waits and reports. The grace of jobs is {} s.
KillMode=mixed
TimeoutStopSec={stop}
# A job that uses up the memory is killed alone.
OOMPolicy=continue
# One arena for the memory of all threads: a thread for each robot would have its own.
Environment=MALLOC_ARENA_MAX=2
# Secrets stay out of core dumps, and files of the agent and of its jobs are the user's own.
LimitCORE=0
UMask=0077
",
        service.names.iter().map(|name| format!(" {name}")).collect::<String>(),
        path(&service.folder),
        WATCHDOG.as_secs(),
        service.grace.as_secs_f64(),
    );
    if let Some(user) = &service.system {
        // Whatever implies NoNewPrivileges would take `sudo` away from jobs.
        let _ = writeln!(text, "User={}\nProtectControlGroups=yes", user.replace('%', "%%"));
    }
    let target = if service.system.is_some() { "multi-user.target" } else { "default.target" };
    let _ = write!(text, "\n[Install]\nWantedBy={target}\n");
    text
}

/// An argument of `ExecStart=`.
fn quoted(argument: &str) -> String {
    let escaped = argument.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=+,@".contains(c);
    match !argument.is_empty() && argument.chars().all(plain) {
        true => escaped,
        false => format!("\"{escaped}\""),
    }
}

/// A path of a setting that takes one alone, and no quotes.
fn path(path: &Path) -> String {
    path.display().to_string().replace('%', "%%")
}

/// Where the unit's file lies.
fn file(service: &Service) -> Result<PathBuf> {
    let folder = match service.system {
        Some(_) => PathBuf::from("/etc/systemd/system"),
        None => dirs::config_dir()
            .map(|folder| folder.join("systemd/user"))
            .ok_or_else(|| failed("this user has no folder for configuration").hint("set HOME, or use --system"))?,
    };
    Ok(folder.join(format!("{}.service", service.title())))
}

/// Writes the unit and starts it. What is to be told to the person.
pub fn install(service: &Service) -> Result<Vec<String>> {
    let file = file(service)?;
    let written = std::fs::create_dir_all(file.parent().unwrap_or(Path::new("/")))
        .and_then(|()| std::fs::write(&file, unit(service)));
    written.map_err(|error| {
        failed(format!("{} cannot be written: {error}", file.display())).hint(match service.system {
            Some(_) => "a service of the computer is installed by root",
            None => "check the folder's permissions",
        })
    })?;
    let name = format!("{}.service", service.title());
    systemctl(service, &["daemon-reload"])?;
    systemctl(service, &["enable", "--now", &name])?;
    let mut told = vec![format!("installed: {}", file.display())];
    match service.system {
        Some(_) => told.push(format!("look at it: systemctl status {name}; journalctl -u {name}")),
        None => {
            told.push(format!("look at it: systemctl --user status {name}; journalctl --user -u {name}"));
            told.push("it runs while you are logged in; always: loginctl enable-linger".to_owned());
        }
    }
    Ok(told)
}

/// Stops the service and removes its unit. One that is not there is no failure.
pub fn uninstall(service: &Service) -> Result<Vec<String>> {
    let file = file(service)?;
    if !file.exists() {
        return Ok(vec![format!("not installed: there is no {}", file.display())]);
    }
    systemctl(service, &["disable", "--now", &format!("{}.service", service.title())])?;
    std::fs::remove_file(&file).map_err(|error| failed(format!("{} cannot be removed: {error}", file.display())))?;
    systemctl(service, &["daemon-reload"])?;
    Ok(vec![format!("removed: {}", file.display())])
}

fn systemctl(service: &Service, arguments: &[&str]) -> Result<()> {
    let of_user = service.system.is_none().then_some("--user");
    let arguments: Vec<&str> = of_user.into_iter().chain(arguments.iter().copied()).collect();
    run("systemctl", &arguments).map_err(|message| {
        failed(message).hint("without systemd: `pult robot install --print` shows what another manager would need")
    })
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(Kind::File, "robot.install", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_waits_for_the_end_of_a_job_and_watches_the_agent() {
        let service = Service::example();
        let text = unit(&service);
        for line in [
            "Type=notify",
            "WatchdogSec=120",
            "TimeoutStopSec=40",
            "Restart=on-failure",
            "KillMode=mixed",
            "OOMPolicy=continue",
            "Description=pult robot main",
            "WorkingDirectory=/srv/robots and 100%%",
            "ExecStart=/opt/pult/pult --config \"/srv/robots and 100%%/pult.toml\" robot --once main",
            "WantedBy=default.target",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in:\n{text}");
        }
        assert!(!text.contains("User="));
        let system = unit(&Service { system: Some("rpa".into()), ..service });
        assert!(system.contains("\nUser=rpa\n") && system.contains("WantedBy=multi-user.target"));
        // They would keep jobs from what their users may do.
        assert!(!system.contains("NoNewPrivileges") && !system.contains("ProtectHome"));
    }

    #[test]
    fn arguments_reach_the_agent_as_they_are() {
        assert_eq!(quoted("plain/path-1.toml"), "plain/path-1.toml");
        assert_eq!(quoted("a \"b\" $HOME 5% \\"), r#""a \"b\" $$HOME 5%% \\""#);
        assert_eq!(quoted(""), "\"\"");
    }
}
