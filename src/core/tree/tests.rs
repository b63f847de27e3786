//! What can be said of processes without being a keeper, which a test cannot be: it would wait for others' children.

use std::process::{Child, Command, Stdio};

use super::*;

#[test]
fn a_process_is_known_by_its_number_and_its_beginning() {
    let this = Started::this().unwrap();
    assert_eq!(Started::of(std::process::id()), Some(this.clone()));
    assert!(this.is_alive());
    let other = Started { since: "0.1".into(), ..this.clone() };
    assert!(!other.is_alive(), "another one had this number before");
    let text = serde_json::to_string(&this).unwrap();
    assert_eq!(serde_json::from_str::<Started>(&text).unwrap(), this);
}

/// Python, because it is everywhere where this is built, and can leave its parent.
fn python(code: &str, mark: &str) -> Child {
    let mut command = Command::new(if cfg!(windows) { "python" } else { "python3" });
    command.args(["-c", code]).env(MARK, mark).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn line(child: &mut Child) -> String {
    use std::io::{BufRead, BufReader};
    let mut text = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut text).unwrap();
    text.trim().to_owned()
}

#[test]
fn one_that_only_has_the_number_is_left_alone() {
    let mut child = python("print('here', flush=True); input()", "");
    assert_eq!(line(&mut child), "here");
    let started = Started::of(child.id()).unwrap();
    let earlier = Started { since: "a1b2c3d4.17".into(), ..started.clone() };
    assert_eq!(kill_if_same(&earlier).unwrap(), 0);
    assert!(started.is_alive());
    assert_eq!(kill_if_same(&started).unwrap(), 1);
    assert!(!started.is_alive());
    child.wait().unwrap();
    assert_eq!(Started::of(child.id()), None);
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_dead_keeper_left_is_found_by_its_mark() {
    let gone = Started { pid: 4_000_000, since: format!("{}.1", std::process::id()) };
    // Two generations, each in a session of its own, the first of them over.
    let code = "
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
print(os.getpid(), flush=True)
time.sleep(1000)";
    let mut child = python(code, &gone.mark());
    let hidden = Started::of(line(&mut child).parse().unwrap()).unwrap();
    child.wait().unwrap();
    assert!(hidden.is_alive());
    let began = Instant::now();
    assert_eq!(kill_if_same(&gone).unwrap(), 1);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(!hidden.is_alive());
}
