//! What all Unixes do alike: signals, and a process in a group of its own.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal};

pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

pub fn ask_to_end(child: u32) -> bool {
    signal(child, Signal::TERM)
}

fn signal(pid: u32, signal: Signal) -> bool {
    // One that is gone needs none.
    named(pid).is_some_and(|pid| rustix::process::kill_process(pid, signal).is_ok())
}

pub fn named(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// The child, and its group.
pub fn start(command: &mut Command) -> io::Result<(Child, Option<Pid>)> {
    let child = command.process_group(0).spawn()?;
    let group = named(child.id());
    Ok((child, group))
}
