//! Processes that carry a mark in their environment, wherever they have gone.

/// The variable that every process of a stage inherits.
pub const MARK: &str = "PULT_TEST_MARK";

/// A process with this mark: its id, and how it was called.
#[derive(Clone, Debug)]
pub struct Process {
    pub id: u32,
    pub words: String,
}

/// Those that are there now.
#[cfg(target_os = "linux")]
pub fn marked(mark: &str) -> Vec<Process> {
    let wanted = format!("{MARK}={mark}").into_bytes();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse() else { continue };
        // Whoever has ended meanwhile, or is none of ours.
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        if environment.split(|&byte| byte == 0).any(|variable| variable == wanted) {
            let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            found.push(Process { id, words });
        }
    }
    found
}

/// Nobody tells here what processes carry.
#[cfg(not(target_os = "linux"))]
pub fn marked(_: &str) -> Vec<Process> {
    Vec::new()
}

/// Sends a signal, by the name that `kill` knows.
#[cfg(unix)]
pub fn signal(id: u32, name: &str) {
    let told = std::process::Command::new("kill").args([format!("-{name}"), id.to_string()]).output().unwrap();
    assert!(told.status.success() || name == "KILL", "{told:?}");
}

/// The most memory that a process has used so far, in MB.
#[cfg(target_os = "linux")]
pub fn peak(id: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
