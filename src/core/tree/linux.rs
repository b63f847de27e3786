//! Linux: all is in `/proc`, and orphans come to whoever asks for them.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, WaitOptions};

use super::unix::named;
pub use super::unix::{ask_to_end, kill};
use super::{MARK, Started, unix};

/// A line of `/proc/PID/stat`.
struct Process {
    pid: u32,
    parent: u32,
    /// In clock ticks since the computer's start.
    began: u64,
    /// In memory.
    pages: u64,
}

impl Process {
    /// None when there is none, or nothing but its exit code is left of it.
    fn look(pid: u32) -> Option<Process> {
        let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets and may hold anything, brackets too.
        let behind = &text[text.iter().rposition(|&byte| byte == b')')? + 1..];
        let fields: Vec<&str> = std::str::from_utf8(behind).ok()?.split_ascii_whitespace().collect();
        let number = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok());
        let is_over = matches!(*fields.first()?, "Z" | "X");
        let parent = u32::try_from(number(1)?).ok()?;
        (!is_over).then_some(Process { pid, parent, began: number(19)?, pages: number(21)? })
    }

    /// All that this computer runs.
    fn all() -> Vec<Process> {
        let Ok(folder) = std::fs::read_dir("/proc") else { return Vec::new() };
        let numbers = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        numbers.filter_map(Process::look).collect()
    }
}

/// Those below any of these processes.
fn below(roots: &BTreeSet<u32>, all: &[Process]) -> BTreeSet<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process.pid);
    }
    let mut found = BTreeSet::new();
    let mut open: Vec<u32> = roots.iter().copied().collect();
    while let Some(pid) = open.pop() {
        for &child in children.get(&pid).into_iter().flatten() {
            if found.insert(child) {
                open.push(child);
            }
        }
    }
    found
}

/// The computer's start and the process' own: ticks alone come again after a restart.
pub fn since(pid: u32) -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot = boot.split('-').next().unwrap_or_default();
    Process::look(pid).map(|process| format!("{boot}.{}", process.began))
}

pub fn leftover(started: &Started) -> BTreeSet<u32> {
    let all = Process::all();
    let mark = format!("{MARK}={}", started.mark());
    let is_marked = |pid: u32| {
        let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        variables.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
    };
    let mut roots: BTreeSet<u32> = all.iter().map(|process| process.pid).filter(|&pid| is_marked(pid)).collect();
    if started.is_alive() {
        roots.insert(started.pid);
    }
    let mut doomed = below(&roots, &all);
    doomed.append(&mut roots);
    doomed.remove(&std::process::id());
    doomed
}

pub fn die_with_parent() {
    // Where it is not to be had, the mark leads to this process all the same.
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

pub struct Keeper {
    group: Option<Pid>,
}

impl Keeper {
    pub fn begin() -> io::Result<Keeper> {
        // Any process but none switches it on.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        Ok(Keeper { group: None })
    }

    pub fn start(&mut self, command: &mut Command) -> io::Result<Child> {
        let (child, group) = unix::start(command)?;
        self.group = group;
        Ok(child)
    }

    fn kept() -> BTreeSet<u32> {
        below(&BTreeSet::from([std::process::id()]), &Process::all())
    }

    pub fn kill(&mut self) -> usize {
        let kept = Keeper::kept();
        // All of the group at one moment first: most are there, and none of them can start another meanwhile.
        if let Some(group) = self.group.filter(|_| !kept.is_empty()) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        kept.iter().copied().for_each(kill);
        kept.len()
    }

    pub fn count(&self) -> usize {
        Keeper::kept().len()
    }

    pub fn memory(&self) -> u64 {
        let all = Process::all();
        let kept = below(&BTreeSet::from([std::process::id()]), &all);
        let pages: u64 = all.iter().filter(|process| kept.contains(&process.pid)).map(|process| process.pages).sum();
        pages.saturating_mul(rustix::param::page_size() as u64)
    }
}

pub fn watch(child: Child, tell: impl FnOnce(ExitStatus)) {
    let main = named(child.id());
    let mut tell = Some(tell);
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if Some(pid) == main => {
                if let Some(tell) = tell.take() {
                    tell(ExitStatus::from_raw(status.as_raw()));
                }
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // There is no child any more.
            Err(_) => return,
        }
    }
}
