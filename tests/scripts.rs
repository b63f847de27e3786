//! The script tests. `tests/cases/**/*.rhai` must end well; `tests/wrong/*.rhai` must end with the report beside them.
//!
//! `CASES=text cargo test --test scripts` runs those whose path contains the text; `UPDATE_REPORTS=1` writes the
//! reports anew. Files that begin with `_` are imported by others. A line `// sandbox: veil.domains=150 …` sets switches of
//! the simulators; a line `// dry run` has changes only told of.

mod common;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use pult::config::Config;
use pult::render::snippet::Style;
use pult::sandbox::{Sandbox, Settings};
use pult::script::imports::read_script;
use pult::script::report::Report;
use pult::script::session::{on_deep_stack, source_name};
use pult::settings::{Given, Settings as Connection};

const STYLE: Style = Style { colour: false, width: Some(100) };

/// All scripts below a folder, sorted, those of `CASES` if that is set.
fn scripts(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new("tests").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true => folders.push(path),
                false if name.ends_with(".rhai") && !name.starts_with('_') => found.push(path),
                false => {}
            }
        }
    }
    let wanted = std::env::var("CASES").unwrap_or_default();
    found.retain(|path| slashed(path).contains(&wanted));
    found.sort();
    found
}

fn slashed(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// How clusters are asked, or where SQL Server is.
#[derive(Clone, Copy, Debug)]
enum Transport {
    Protocol,
    /// By running `rac`, which is this program under that name.
    Utility,
    /// A real SQL Server: the one whose connection string is in the environment.
    RealServer,
}

/// The variable with the connection string of a real SQL Server: `Server=tcp:host,1433;Database=…;User Id=…;Password=…`.
const REAL_SERVER: &str = "SP_TEST_URL";

/// Connections to a sandbox whose clusters are asked by running `rac`, which is put into this folder.
fn through_utility(sandbox: &Sandbox, folder: &Path) -> Config {
    let path = folder.join(format!("rac{}", std::env::consts::EXE_SUFFIX));
    let program = env!("CARGO_BIN_EXE_pult");
    std::fs::hard_link(program, &path).or_else(|_| std::fs::copy(program, &path).map(drop)).unwrap();
    let mut connection = Connection::new("the utility");
    let (address, path) = (sandbox.rac().address(), path.display().to_string());
    for (name, text) in [("address", address), ("transport", "utility".into()), ("utility", path)] {
        connection.set(pult::services::rac::SETTINGS, name, Given::Text(text)).unwrap();
    }
    let mut config = sandbox.config().unwrap();
    config.add("rac", "main", connection);
    config
}

/// Connections to a sandbox whose SQL Server is a real one.
fn with_real_server(sandbox: &Sandbox) -> Config {
    let mut connection = Connection::new(REAL_SERVER);
    let text = Given::Text(std::env::var(REAL_SERVER).unwrap());
    connection.set(pult::services::sp::SETTINGS, "connection_string", text).unwrap();
    let mut config = sandbox.config().unwrap();
    config.add("sp", "main", connection);
    config
}

/// The switches that a script asks for, and whether it wants a dry run, if it says anything of the kind.
fn wanted(path: &Path) -> Option<(Settings, bool)> {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let changes = text.lines().filter_map(|line| line.strip_prefix("// sandbox: "));
    let changes: Vec<String> = changes.flat_map(str::split_whitespace).map(str::to_owned).collect();
    let is_dry_run = text.lines().any(|line| line == "// dry run");
    (is_dry_run || !changes.is_empty()).then(|| (Settings::parse(&changes).unwrap(), is_dry_run))
}

/// Runs a file as `pult run` does; what it printed, and the report when it did not end well.
fn run(path: &Path, transport: Transport) -> (String, Option<String>) {
    let utility = tempfile::tempdir().unwrap();
    let (root, args) = (path.parent().unwrap(), ["first", "второй"]);
    let stage = match transport {
        Transport::Protocol => match wanted(path) {
            None => common::stage(root, &args),
            Some((switches, is_dry_run)) => {
                common::staged(root, &args, &switches, |sandbox| sandbox.config().unwrap(), is_dry_run)
            }
        },
        Transport::Utility => {
            let config = |sandbox: &Sandbox| through_utility(sandbox, utility.path());
            common::stage_with(root, &args, &Settings::default(), config)
        }
        Transport::RealServer => common::stage_with(root, &args, &Settings::default(), with_real_server),
    };
    let ended = on_deep_stack(|| {
        let text = read_script(path).map_err(|error| Box::new(Report::of(&error)))?;
        stage.session.run(&source_name(path), &text).map(drop)
    });
    let folder = stage.session.host().folders.resolve(".").unwrap().display().to_string();
    let report = ended.unwrap().err().map(|report| report.draw(STYLE).replace(&folder, "FOLDER"));
    (stage.written.text(), report)
}

/// Runs cases and tells of those that do not end well.
fn failures(cases: &[PathBuf], transport: Transport) -> String {
    let mut failures = String::new();
    for path in cases {
        if let (printed, Some(report)) = run(path, transport) {
            write!(failures, "\n── {} ({transport:?})\n{printed}{report}\n", slashed(path)).unwrap();
        }
    }
    failures
}

#[test]
fn every_case_of_clusters_ends_well_through_the_utility_too() {
    let failures = failures(&scripts("cases/rac"), Transport::Utility);
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_case_of_sql_ends_well_at_a_real_server_too() {
    if std::env::var_os(REAL_SERVER).is_none() {
        return eprintln!("skipped: no real SQL Server, because {REAL_SERVER} holds no connection string");
    }
    let failures = failures(&scripts("cases/sp/server"), Transport::RealServer);
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_case_ends_well() {
    let cases = scripts("cases");
    let failures = failures(&cases, Transport::Protocol);
    assert!(failures.is_empty(), "{failures}");
    assert!(!cases.is_empty() || std::env::var("CASES").is_ok());
}

#[test]
fn every_wrong_script_ends_with_the_report_beside_it() {
    let update = std::env::var("UPDATE_REPORTS").is_ok();
    let mut failures = String::new();
    for path in scripts("wrong") {
        let beside = path.with_extension("report");
        let Some(report) = run(&path, Transport::Protocol).1 else {
            write!(failures, "\n── {}: ended well\n", slashed(&path)).unwrap();
            continue;
        };
        let report = portable(&report);
        if update {
            std::fs::write(&beside, format!("{report}\n")).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default().replace("\r\n", "\n");
        if portable(&expected).trim_end() != report.trim_end() {
            write!(failures, "\n── {}, expected\n{expected}── found\n{report}\n", slashed(&path)).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}\nUPDATE_REPORTS=1 writes them anew");
}

/// Paths as they are on every system.
fn portable(report: &str) -> String {
    if cfg!(windows) { report.replace('\\', "/") } else { report.to_owned() }
}
