//! What is written for people is true: examples run, reference pages are fresh, every script of `scripts/` works.

mod common;

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use pult::render::snippet::Style;
use pult::sandbox::Settings;
use pult::script::catalogue::{self, Function};
use pult::script::imports::{Imports, without_shebang};
use pult::script::reference;
use pult::script::session::on_deep_stack;
use pult::services;
use pult::services::rac::table::commands;
use pult::services::veil::table;

const STYLE: Style = Style { colour: false, width: Some(100) };

/// Runs a text in a session and a sandbox of its own; the report when it does not end well.
fn run(name: &str, text: &str, args: &[&str]) -> Option<String> {
    run_on(&common::stage(Path::new("scripts"), args), name, text)
}

fn run_on(stage: &common::Stage, name: &str, text: &str) -> Option<String> {
    let ended = on_deep_stack(|| stage.session.run(name, text).map(drop)).unwrap();
    ended.err().map(|report| format!("{}\n{}", report.draw(STYLE), stage.written.text()))
}

/// Runs every example of a text and tells of those that fail.
fn run_examples(name: &str, text: &str, failures: &mut String) -> usize {
    let examples = reference::examples(text);
    for example in &examples {
        if let Some(report) = run(name, example, &[]) {
            write!(failures, "\n── {name}\n{example}{report}\n").unwrap();
        }
    }
    examples.len()
}

#[test]
fn every_example_in_a_doc_comment_runs() {
    let functions = catalogue::own(common::stage(Path::new("."), &[]).session.engine());
    let mut failures = String::new();
    // Overloads, and methods of the same name, share one comment.
    let mut seen = HashSet::new();
    let told = functions.iter().filter(|function| seen.insert((&function.name, &function.comment)));
    let count: usize = told.map(|function| run_examples(&function.signature(), &function.comment, &mut failures)).sum();
    assert!(failures.is_empty(), "{failures}");
    assert!(count > 50, "only {count} examples were found");
}

#[test]
fn every_example_in_the_library_runs_and_every_function_has_one() {
    let stage = common::stage(Path::new("."), &[]);
    let mut failures = String::new();
    for (name, text) in Imports::library() {
        let ast = stage.session.engine().compile(without_shebang(text)).unwrap();
        for function in catalogue::of_script(&ast, &name) {
            let count = run_examples(&function.signature(), &function.comment, &mut failures);
            if count == 0 {
                write!(failures, "\n── {}: no example", function.signature()).unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_example_on_a_page_for_people_runs() {
    let mut failures = String::new();
    for service in services::ALL {
        assert!(run_examples(&format!("page of {}", service.name()), service.page(), &mut failures) > 0);
    }
    for page in [
        "README.md",
        "README.ru.md",
        "docs/from-fast-bitrix24.md",
        "docs/from-racpy.md",
        "docs/from-stored-procedures-wrapper.md",
        "docs/from-veil-api-client.md",
        "docs/scripting.md",
        "docs/b24.md",
    ] {
        let text = std::fs::read_to_string(page).unwrap().replace("\r\n", "\n");
        run_examples(page, &text, &mut failures);
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn what_a_service_says_of_its_table_is_said_of_functions_that_are_there() {
    let functions = catalogue::own(common::stage(Path::new("."), &[]).session.engine());
    for told in services::ALL.iter().flat_map(|service| service.comments()) {
        for of in told.of {
            let is_meant = |function: &&Function| function.owner() == Some(of) && function.name == told.name;
            let meant: Vec<&Function> = functions.iter().filter(is_meant).collect();
            assert!(meant.iter().any(|function| function.comment == told.text), "{of}: {}", told.name);
        }
    }
}

#[test]
fn the_reference_pages_are_fresh() {
    let pages = reference::pages(&catalogue::own(common::stage(Path::new("."), &[]).session.engine()));
    let mut stale = Vec::new();
    let mut expect = |name: String, text: String| {
        let written = std::fs::read_to_string(Path::new("docs/reference").join(&name)).unwrap_or_default();
        if written.replace("\r\n", "\n") != text {
            stale.push(name);
        }
    };
    expect("README.md".into(), reference::index(&pages));
    expect("settings.md".into(), reference::settings(&services::known()));
    for page in &pages {
        expect(page.file.clone(), page.markdown());
    }
    assert!(stale.is_empty(), "stale: {stale:?}; write them with `pult docs --write docs/reference`");
    let count = std::fs::read_dir("docs/reference").unwrap().count();
    assert_eq!(count, pages.len() + 2, "docs/reference holds pages of things that are gone");
}

#[test]
fn every_script_for_users_works_in_the_sandbox() {
    let mut failures = String::new();
    for entry in std::fs::read_dir("scripts").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let args: &[&str] = match path.file_stem().and_then(|name| name.to_str()) {
            Some("b24_reassign") => &["1", "2"],
            Some("rac_maintenance") => &["Бухгалтерия", "service", "0"],
            Some("sp_month_closing") => &["7", "2019", "0c06"],
            Some("sp_nightly") => &["-", "zagser"],
            Some("sp_stale") => &["24", "0c06"],
            Some("veil_classroom") => &["template-astra", "class-7", "2"],
            Some("veil_rolling_restart") => &["office"],
            _ => &[],
        };
        if let Some(report) = run(&path.display().to_string(), &text, args) {
            write!(failures, "\n── {}\n{report}\n", path.display()).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn an_infobase_with_hundreds_of_sessions_is_maintained() {
    let mut switches = Settings::default();
    switches.rac.sessions = 300;
    switches.rac.infobases = 1;
    let stage = common::stage_with(Path::new("scripts"), &["Бухгалтерия"], &switches, |sandbox| {
        sandbox.config().unwrap()
    });
    let text = std::fs::read_to_string("scripts/rac_maintenance.rhai").unwrap();
    assert_eq!(run_on(&stage, "scripts/rac_maintenance.rhai", &text), None);
    let printed = stage.written.text();
    assert!(printed.contains("Бухгалтерия: 300 sessions") && printed.contains("let in again"), "{printed}");
}

#[test]
fn the_page_for_users_of_racpy_names_every_command_and_nothing_else() {
    let functions = catalogue::own(common::stage(Path::new("."), &[]).session.engine());
    let exists = |name: &str| functions.iter().any(|known| known.namespace == "rac" && known.name == name);
    for page in ["docs/from-racpy.md", "src/services/rac/page.md", "README.md"] {
        let text = std::fs::read_to_string(page).unwrap();
        for named in text.split("rac::").skip(1) {
            let name: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(name.is_empty() || exists(&name), "{page}: rac::{name}");
        }
    }
    let text = std::fs::read_to_string("docs/from-racpy.md").unwrap();
    for (mode, command) in commands() {
        let name = format!("rac::{}", mode.script_name(command));
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        assert!(text.match_indices(&name).any(|(at, _)| ends(&text[at + name.len()..])), "{name} is not on the page");
    }
}

#[test]
fn the_page_for_users_of_veil_api_client_names_every_call() {
    let page = std::fs::read_to_string("docs/from-veil-api-client.md").unwrap();
    let mut missing = Vec::new();
    for (entity, call) in table::ALL.iter().flat_map(|entity| entity.calls.iter().map(|call| (entity.word, call))) {
        if call.known == table::Known::Py && !page.contains(&format!(".{}(", call.name)) {
            missing.push(format!("{entity}.{}", call.name));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
