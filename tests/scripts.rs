//! The script tests. `tests/cases/**/*.rhai` must end well; `tests/wrong/*.rhai` must end with the report beside them.
//!
//! `CASES=text cargo test --test scripts` runs those whose path contains the text; `UPDATE_REPORTS=1` writes the
//! reports anew. Files that begin with `_` are imported by others.

mod common;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use common::Stage;
use pult::config::Config;
use pult::render::snippet::Style;
use pult::script::imports::read_script;
use pult::script::report::Report;
use pult::script::session::{on_deep_stack, source_name};
use pult::services::rac::SETTINGS;
use pult::settings::Given;

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

const ARGUMENTS: [&str; 2] = ["first", "второй"];

/// Runs a file as `pult run` does; what it printed, and the report when it did not end well.
fn run(path: &Path) -> (String, Option<String>) {
    run_on(&common::stage(path.parent().unwrap(), &ARGUMENTS), path)
}

fn run_on(stage: &Stage, path: &Path) -> (String, Option<String>) {
    let ended = on_deep_stack(|| {
        let text = read_script(path).map_err(|error| Box::new(Report::of(&error)))?;
        stage.session.run(&source_name(path), &text).map(drop)
    });
    let folder = stage.session.host().folders.resolve(".").unwrap().display().to_string();
    let report = ended.unwrap().err().map(|report| report.draw(STYLE).replace(&folder, "FOLDER"));
    (stage.written.text(), report)
}

#[test]
fn every_case_ends_well() {
    let mut failures = String::new();
    let cases = scripts("cases");
    for path in &cases {
        if let (printed, Some(report)) = run(path) {
            write!(failures, "\n── {}\n{printed}{report}\n", slashed(path)).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(!cases.is_empty() || std::env::var("CASES").is_ok());
}

/// This program under the name `rac` stands for the utility.
#[test]
fn cases_of_clusters_end_well_over_the_utility_too() {
    let folder = tempfile::tempdir().unwrap();
    let rac = folder.path().join(if cfg!(windows) { "rac.exe" } else { "rac" });
    std::fs::copy(env!("CARGO_BIN_EXE_pult"), &rac).unwrap();
    let over_utility = |config: &mut Config| {
        let mut connection = config.connection("rac", "main").unwrap().clone();
        for (name, value) in [("transport", "utility"), ("utility", rac.to_str().unwrap())] {
            connection.set(SETTINGS, name, Given::Text(value.into())).unwrap();
        }
        config.add("rac", "main", connection);
    };
    let mut failures = String::new();
    for path in scripts("cases").iter().filter(|path| slashed(path).contains("/rac/")) {
        if let (printed, Some(report)) =
            run_on(&common::stage_where(path.parent().unwrap(), &ARGUMENTS, over_utility), path)
        {
            write!(failures, "\n── {}\n{printed}{report}\n", slashed(path)).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_wrong_script_ends_with_the_report_beside_it() {
    let update = std::env::var("UPDATE_REPORTS").is_ok();
    let mut failures = String::new();
    for path in scripts("wrong") {
        let beside = path.with_extension("report");
        let Some(report) = run(&path).1 else {
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
