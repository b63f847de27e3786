//! Windows: job objects hold all that is started inside them, and what they hold ends with them.

use std::collections::BTreeSet;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::os::windows::process::CommandExt;
use std::process::{Child, Command, ExitStatus};

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};
use win32job::{ExtendedLimitInfo, Job, JobError};

use super::Started;

/// In a group of its own, so that keys pressed in a console do not reach it.
const CREATE_NEW_PROCESS_GROUP: u32 = 0x0200;

/// What the system tells of some processes, or of all.
fn look(at: ProcessesToUpdate<'_>, memory: bool) -> System {
    let mut system = System::new();
    let kind = if memory { ProcessRefreshKind::nothing().with_memory() } else { ProcessRefreshKind::nothing() };
    system.refresh_processes_specifics(at, true, kind);
    system
}

/// Does something with one process, if it is there.
fn with<T>(pid: u32, work: impl FnOnce(&Process) -> T) -> Option<T> {
    let pid = Pid::from_u32(pid);
    look(ProcessesToUpdate::Some(&[pid]), false).process(pid).map(work)
}

pub fn since(pid: u32) -> Option<String> {
    with(pid, |process| process.start_time().to_string())
}

pub fn leftover(started: &Started) -> BTreeSet<u32> {
    let system = look(ProcessesToUpdate::All, false);
    let root = system.process(Pid::from_u32(started.pid));
    if !root.is_some_and(|root| root.start_time().to_string() == started.since) {
        // Its job object was closed with it, and so nothing is left.
        return BTreeSet::new();
    }
    let mut found = BTreeSet::from([started.pid]);
    loop {
        let more: Vec<u32> = system
            .processes()
            .values()
            .filter(|process| process.parent().is_some_and(|parent| found.contains(&parent.as_u32())))
            .map(|process| process.pid().as_u32())
            .filter(|pid| !found.contains(pid))
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

pub fn kill(pid: u32) {
    // One that is gone needs no killing.
    let _ = with(pid, Process::kill);
}

pub fn die_with_parent() {}

pub fn ask_to_end(_child: u32) -> bool {
    false
}

fn failed(error: JobError) -> io::Error {
    io::Error::other(error)
}

fn job() -> io::Result<Job> {
    Job::create_with_limit_info(ExtendedLimitInfo::new().limit_kill_on_job_close()).map_err(failed)
}

pub struct Keeper {
    /// This process and all below it: they end together.
    all: Job,
    /// What is kept, without this process: closing it kills.
    kept: Option<Job>,
}

impl Keeper {
    pub fn begin() -> io::Result<Keeper> {
        let all = job()?;
        all.assign_current_process().map_err(failed)?;
        Ok(Keeper { all, kept: None })
    }

    pub fn start(&mut self, command: &mut Command) -> io::Result<Child> {
        let kept = job()?;
        let mut child = command.creation_flags(CREATE_NEW_PROCESS_GROUP).spawn()?;
        // What it starts before this is in the outer one alone, where `kill` finds it.
        if let Err(error) = kept.assign_process(child.as_raw_handle() as isize) {
            child.kill()?;
            return Err(failed(error));
        }
        self.kept = Some(kept);
        Ok(child)
    }

    fn others(&self) -> Vec<u32> {
        let numbers = self.all.query_process_id_list().unwrap_or_default();
        let numbers = numbers.into_iter().filter_map(|pid| u32::try_from(pid).ok());
        numbers.filter(|&pid| pid != std::process::id()).collect()
    }

    pub fn kill(&mut self) -> usize {
        let found = self.others().len();
        match self.kept.take() {
            Some(kept) => drop(kept),
            None => self.others().into_iter().for_each(kill),
        }
        found
    }

    pub fn count(&self) -> usize {
        self.others().len()
    }

    pub fn memory(&self) -> u64 {
        let others: Vec<Pid> = self.others().into_iter().map(Pid::from_u32).collect();
        look(ProcessesToUpdate::Some(&others), true).processes().values().map(Process::memory).sum()
    }
}

pub fn watch(mut child: Child, tell: impl FnOnce(ExitStatus)) {
    if let Ok(status) = child.wait() {
        tell(status);
    }
}
