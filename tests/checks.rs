//! `pult check`: what it finds in `tests/slips/*.rhai` stands in the reports beside them; in scripts that work it finds
//! nothing. `UPDATE_REPORTS=1` writes the reports anew.

mod common;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use pult::render::snippet::{self, Place, Snippet, Style};
use pult::script::check::check;
use pult::script::imports::read_script;
use pult::script::session::{on_deep_stack, source_name};

const STYLE: Style = Style { colour: false, width: Some(100) };

/// What is found in one script, drawn as `pult check` does.
fn found(path: &Path) -> String {
    let stage = common::stage(path.parent().unwrap(), &[]);
    let text = read_script(path).unwrap();
    let faults = on_deep_stack(|| check(&stage.session, &source_name(path), &text)).unwrap();
    assert!(stage.written.text().is_empty(), "nothing runs");
    let faults = match faults {
        Ok(faults) => faults,
        Err(report) => return report.draw(STYLE),
    };
    let drawn = faults.iter().map(|fault| {
        let place = Place { source: fault.source.clone(), text: fault.text.clone(), span: fault.span.clone() };
        let hint = fault.hint.as_deref();
        snippet::draw(&Snippet { code: "check", message: &fault.message, hint, place: Some(&place) }, STYLE)
    });
    drawn.collect::<Vec<_>>().join("\n\n").replace('\\', "/")
}

fn scripts(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_script = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".rhai") && !name.starts_with('_')
    };
    let mut scripts: Vec<PathBuf> = entries.filter(is_script).collect();
    scripts.sort();
    scripts
}

#[test]
fn slips_are_found() {
    let update = std::env::var("UPDATE_REPORTS").is_ok();
    let mut failures = String::new();
    for path in scripts("tests/slips") {
        let found = found(&path);
        let beside = path.with_extension("report");
        if update {
            std::fs::write(&beside, format!("{found}\n")).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default().replace("\r\n", "\n").replace('\\', "/");
        if expected.trim_end() != found.trim_end() {
            write!(failures, "\n── {}, expected\n{expected}── found\n{found}\n", path.display()).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}\nUPDATE_REPORTS=1 writes them anew");
}

#[test]
fn nothing_is_found_in_good_scripts() {
    let mut failures = String::new();
    for folder in ["scripts", "stdlib", "tests/cases/language", "tests/cases/modules", "tests/cases/b24"] {
        for path in scripts(folder) {
            let found = found(&path);
            if !found.is_empty() {
                write!(failures, "\n── {}\n{found}\n", path.display()).unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}
