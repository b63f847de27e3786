//! Unixes without `/proc`: the process group, and what `ps` tells.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal};

pub use super::unix::{ask_to_end, kill};
use super::{Started, unix};

/// What `ps` prints for each process of the computer, or for one.
fn ps(columns: &str, pid: Option<u32>) -> String {
    let mut command = Command::new("ps");
    match pid {
        Some(pid) => command.args(["-o", columns, "-p", &pid.to_string()]),
        None => command.args(["-A", "-o", columns]),
    };
    command.output().map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default()
}

pub fn since(pid: u32) -> Option<String> {
    let text = ps("lstart=", Some(pid));
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

pub fn leftover(started: &Started) -> BTreeSet<u32> {
    if !started.is_alive() {
        return BTreeSet::new();
    }
    let table = ps("pid=,ppid=", None);
    let pairs: Vec<(u32, u32)> = table.lines().filter_map(pair).collect();
    let mut found = BTreeSet::from([started.pid]);
    loop {
        let more: Vec<u32> = pairs
            .iter()
            .filter(|(pid, parent)| found.contains(parent) && !found.contains(pid))
            .map(|pair| pair.0)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn pair(line: &str) -> Option<(u32, u32)> {
    let mut numbers = line.split_ascii_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

pub fn die_with_parent() {}

pub struct Keeper {
    group: Option<Pid>,
}

impl Keeper {
    pub fn begin() -> io::Result<Keeper> {
        Ok(Keeper { group: None })
    }

    pub fn start(&mut self, command: &mut Command) -> io::Result<Child> {
        let (child, group) = unix::start(command)?;
        self.group = group;
        Ok(child)
    }

    /// Number and kilobytes of each process of the group.
    fn kept(&self) -> Vec<(u32, u32)> {
        let Some(group) = self.group else { return Vec::new() };
        let group = group.as_raw_nonzero().get().to_string();
        let table = ps("pgid=,pid=,rss=", None);
        let lines = table.lines().map(str::trim_start).filter_map(|line| line.split_once(' '));
        lines.filter(|(of, _)| *of == group).filter_map(|(_, rest)| pair(rest)).collect()
    }

    pub fn kill(&mut self) -> usize {
        let is_there = self.group.is_some_and(|group| rustix::process::kill_process_group(group, Signal::KILL).is_ok());
        usize::from(is_there)
    }

    pub fn count(&self) -> usize {
        self.kept().len()
    }

    pub fn memory(&self) -> u64 {
        self.kept().iter().map(|(_, kilobytes)| u64::from(*kilobytes) * 1024).sum()
    }
}

pub fn watch(mut child: Child, tell: impl FnOnce(ExitStatus)) {
    // Orphans have another parent here.
    if let Ok(status) = child.wait() {
        tell(status);
    }
}
