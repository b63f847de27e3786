//! The agent as a task of Windows' Task Scheduler: started when the user logs on or connects.

use std::path::PathBuf;

use super::{Service, run};
use crate::error::{Error, Kind, Result};

/// The task's text, with every choice that the scheduler would make otherwise: it stops tasks on batteries, after three
/// days, and has no second try.
pub fn xml(service: &Service) -> String {
    let user = text(&service.user);
    let arguments: Vec<String> = service.arguments().iter().map(|argument| quoted(argument)).collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>pult robot: takes work from the Orchestrator</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{user}</UserId>
    </LogonTrigger>
    <SessionStateChangeTrigger>
      <Enabled>true</Enabled>
      <StateChange>RemoteConnect</StateChange>
      <UserId>{user}</UserId>
    </SessionStateChangeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <IdleSettings>
      <StopOnIdleEnd>false</StopOnIdleEnd>
      <RestartOnIdle>false</RestartOnIdle>
    </IdleSettings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{}</Command>
      <Arguments>{}</Arguments>
      <WorkingDirectory>{}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"#,
        text(&service.program.display().to_string()),
        text(&arguments.join(" ")),
        // Without quotes, whatever is in it.
        text(&service.folder.display().to_string()),
    )
}

fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An argument as programs of Windows take their command line apart: backslashes count before a quote alone.
fn quoted(argument: &str) -> String {
    if !argument.is_empty() && !argument.contains([' ', '\t', '"']) {
        return argument.to_owned();
    }
    let (mut quoted, mut backslashes) = (String::from("\""), 0);
    for c in argument.chars() {
        match c {
            '\\' => backslashes += 1,
            '"' => {
                quoted.push_str(&"\\".repeat(backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        quoted.push(c);
    }
    quoted.push_str(&"\\".repeat(backslashes));
    quoted.push('"');
    quoted
}

/// Little-endian with its mark: `schtasks` takes nothing else of a file with letters outside ASCII.
fn utf16(text: &str) -> Vec<u8> {
    let lines = text.replace('\n', "\r\n");
    std::iter::once(0xfeff).chain(lines.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Writes the task's file for as long as `schtasks` reads it. What is to be told to the person.
pub fn install(service: &Service) -> Result<Vec<String>> {
    let name = service.title();
    let file = File::place(&name, &utf16(&xml(service)))?;
    run("schtasks.exe", &["/Create", "/TN", &name, "/XML", &file.0.display().to_string(), "/F"]).map_err(failed)?;
    Ok(vec![
        format!("installed: the task {name}, for the next time {} logs on or connects", service.user),
        format!("start it now: schtasks /Run /TN {name}"),
    ])
}

/// Removes the task. One that is not there is no failure.
pub fn uninstall(service: &Service) -> Result<Vec<String>> {
    let name = service.title();
    if run("schtasks.exe", &["/Query", "/TN", &name]).is_err() {
        return Ok(vec![format!("not installed: there is no task {name}")]);
    }
    // It may not run at the moment.
    let _ = run("schtasks.exe", &["/End", "/TN", &name]);
    run("schtasks.exe", &["/Delete", "/TN", &name, "/F"]).map_err(failed)?;
    Ok(vec![format!("removed: the task {name}")])
}

/// Removed when dropped.
struct File(PathBuf);

impl File {
    fn place(name: &str, bytes: &[u8]) -> Result<File> {
        let path = std::env::temp_dir().join(format!("{name}-{}.xml", std::process::id()));
        std::fs::write(&path, bytes)
            .map_err(|error| failed(format!("{} cannot be written: {error}", path.display())))?;
        Ok(File(path))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A file that is left in the folder for temporary files harms nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn failed(message: String) -> Error {
    Error::new(Kind::File, "robot.install", message)
        .hint("the Task Scheduler has to run; --print shows the task, which can be imported there by hand")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_starts_with_the_user_and_is_never_stopped_for_nothing() {
        let text = xml(&Service {
            program: r"C:\Program Files\pult\pult.exe".into(),
            folder: r"C:\Роботы & Co".into(),
            user: r"ACME\robot1".into(),
            ..Service::example()
        });
        for part in [
            r"<Command>C:\Program Files\pult\pult.exe</Command>",
            r"<WorkingDirectory>C:\Роботы &amp; Co</WorkingDirectory>",
            r"<UserId>ACME\robot1</UserId>",
            "<StateChange>RemoteConnect</StateChange>",
            "<LogonType>InteractiveToken</LogonType>",
            "<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>",
            "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>",
            "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>",
            "<RestartOnFailure>",
            "<Arguments>--config \"/srv/robots and 100%/pult.toml\" robot --once main</Arguments>",
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
    }

    #[test]
    fn its_file_is_what_the_scheduler_reads() {
        let bytes = utf16("é\n");
        assert_eq!(bytes, [0xff, 0xfe, 0xe9, 0, 0x0d, 0, 0x0a, 0]);
    }

    #[test]
    fn arguments_survive_the_command_line_of_windows() {
        assert_eq!(quoted(r"C:\a\b"), r"C:\a\b");
        assert_eq!(quoted(r"C:\a b\"), r#""C:\a b\\""#);
        assert_eq!(quoted(r#"say "a\""#), r#""say \"a\\\"""#);
        assert_eq!(quoted(""), "\"\"");
    }
}
