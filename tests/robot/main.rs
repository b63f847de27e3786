//! The robot as a program, against the simulated Orchestrator: the tests of `reference/robot.md` §5 by their numbers, agents
//! that are killed, and long runs with faults. A number may be a script in `tests/cases/robot` instead.
//!
//! Both clocks run faster by the same factor. `CRASHES=20 cargo test --test robot crash -- --nocapture` kills an agent so
//! often at each point and prints a table; `SOAK=10000` makes the long run longer.

mod a_protocol;
mod agent;
mod b_loop;
mod c_stop;
mod crash;
mod d_faults;
mod e_network;
mod f_durability;
mod f_identity;
mod g_surroundings;
mod g_work;
mod processes;
mod sim;
mod soak;
mod stage;
mod wire;

use std::collections::BTreeSet;
use std::path::Path;

/// The number of a file or function that is called `17_…`.
fn number(name: &str) -> Option<u32> {
    name.split_once('_')?.0.parse().ok()
}

#[test]
fn every_number_of_the_reference_has_a_case() {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir("tests/robot").unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let functions = text.lines().filter_map(|line| line.strip_prefix("fn t"));
        found.extend(functions.filter_map(number));
    }
    if Path::new("tests/cases/robot").is_dir() {
        let scripts = std::fs::read_dir("tests/cases/robot").unwrap();
        found.extend(scripts.filter_map(|entry| number(&entry.unwrap().file_name().to_string_lossy())));
    }
    let missing: Vec<u32> = (1..=85).filter(|number| !found.contains(number)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    assert_eq!(found.range(86..).next(), None, "a number that the reference does not have");
}
