//! The rules of the house (ARCHITECTURE.md), held by reading the sources.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use rhai::Engine;

/// Nobody keeps more in mind.
const LONGEST: usize = 600;

/// A file's path with `/`, and its text with `\n`.
struct File {
    path: String,
    text: String,
}

impl File {
    fn read(path: PathBuf) -> File {
        // One of the wrong scripts is no text.
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        File { path: path.display().to_string().replace('\\', "/"), text }
    }

    /// The path's part after `src/services/NAME/`, and that name.
    fn service(&self) -> Option<(&str, &str)> {
        self.path.strip_prefix("src/services/")?.split_once('/')
    }

    /// Lines of the program itself, with their numbers: without comments, and without the tests at the end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\n#[cfg(unix)]\nmod tests {"];
        let end = tests.iter().find_map(|tests| self.text.find(tests)).unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Whether this is tests from beginning to end.
    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

/// All files with one of these endings below a folder, sorted.
fn files(folder: &str, endings: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|ending| ending.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some(ending) if endings.contains(&ending) => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {endings:?} in {folder}");
    found.into_iter().map(File::read).collect()
}

fn sources() -> Vec<File> {
    files("src", &["rs"])
}

/// Names of the services, from their folders.
fn services() -> Vec<String> {
    let folders = std::fs::read_dir("src/services").unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// A word of code, with nothing of a longer word around it.
fn says(line: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(in_word) && !line[at + word.len()..].starts_with(in_word))
}

/// Whether a line declares something that lives as long as the program.
fn is_static(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(super) ");
    line.trim_start_matches("pub(crate) ").starts_with("static ")
}

/// Fails with every line of these files in which one of the words stands.
#[track_caller]
fn never<'a>(rule: &str, files: impl IntoIterator<Item = &'a File>, words: &[&str]) {
    let (mut broken, mut read) = (String::new(), 0);
    for file in files {
        read += 1;
        for (number, line) in file.code() {
            for word in words.iter().filter(|word| says(line, word)) {
                let _ = writeln!(broken, "{}:{number}: `{word}` in: {}", file.path, line.trim());
            }
        }
    }
    assert!(broken.is_empty(), "{rule}:\n{broken}");
    assert!(read > 0, "{rule}: no file was read");
}

#[test]
fn a_word_is_a_whole_word() {
    assert!(says("use rhai::Map;", "rhai") && says("x.wire", "wire"));
    assert!(!says("let rewired = my_wire2;", "wire"));
}

#[test]
fn client_and_wire_know_nothing_of_scripts() {
    let all = sources();
    let inner = all
        .iter()
        .filter(|file| file.service().is_some_and(|(_, path)| path.starts_with("client") || path.starts_with("wire")));
    // Robots run scripts: the word alone is one of their language.
    let mut broken = Vec::new();
    for file in inner {
        let names = |line: &str| line.contains("rhai::") || says(line, "crate::script") || says(line, "bindings");
        broken.extend(
            file.code().filter(|(_, line)| names(line)).map(|(at, line)| format!("{}:{at}: {line}", file.path)),
        );
    }
    assert!(broken.is_empty(), "`client` and `wire` never name Rhai: {broken:#?}");
}

#[test]
fn bindings_know_nothing_of_the_protocol() {
    let all = sources();
    let bindings = all.iter().filter(|file| file.service().is_some_and(|(_, path)| path.starts_with("bindings")));
    never("`bindings` never names the protocol", bindings, &["wire", "reqwest", "hyper"]);
}

#[test]
fn the_core_knows_neither_scripts_nor_services() {
    let all = sources();
    let core = || all.iter().filter(|file| file.path.starts_with("src/core/"));
    let above = ["rhai", "script", "services", "sandbox", "config", "cli", "repl"];
    never("`core` knows no Rhai and nothing above it", core(), &above);
    let names = services();
    let names: Vec<&str> = names.iter().map(String::as_str).chain(["veil", "rac", "robot", "bitrix24"]).collect();
    never("`core` names no service", core(), &names);
}

#[test]
fn a_service_touches_its_own_folder_alone() {
    let all = sources();
    let names = services();
    for name in &names {
        let own = || all.iter().filter(|file| !file.is_test() && file.service().is_some_and(|(of, _)| of == name));
        let words = [
            "std::env",
            "env::var",
            "env::var_os",
            "println!",
            "eprintln!",
            "print!",
            "eprint!",
            "dbg!",
            "io::stdout",
            "io::stderr",
        ];
        never("a service reads no environment and prints nothing", own(), &words);
        never("a service has no global state", own(), &["static mut", "thread_local", "lazy_static"]);
        let changeable = ["Mutex", "RwLock", "OnceLock", "LazyLock", "Atomic", "Cell", "OnceCell"];
        let globals = own().flat_map(File::code).filter(|(_, line)| is_static(line));
        let globals = globals.filter(|(_, line)| changeable.iter().any(|kind| line.contains(kind)));
        assert_eq!(globals.collect::<Vec<_>>(), [], "a service has no global state: {name}");
        let others: Vec<String> = names.iter().filter(|other| *other != name).cloned().collect();
        let others: Vec<String> = others.iter().map(|other| format!("services::{other}")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        never("a service does not use another one", own(), &others);
        let words = ["sandbox", "cli", "repl", "tokio::spawn", "spawn_blocking"];
        never("a service uses nothing above it and leaves no task behind", own(), &words);
    }
}

#[test]
fn a_simulator_uses_no_client_of_ours() {
    let all = sources();
    let simulators = || all.iter().filter(|file| file.path.starts_with("src/sandbox/"));
    never("a simulator follows the reference and knows no scripts", simulators(), &["rhai", "script"]);
    for name in services() {
        let words = ["client", "wire", "bindings"].map(|part| format!("services::{name}::{part}"));
        let words = words.each_ref().map(String::as_str);
        never("a simulator follows the reference, not our client", simulators(), &words);
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut broken = String::new();
    for file in sources() {
        let lines = file.text.lines().count();
        if lines > LONGEST {
            let _ =
                writeln!(broken, "{} has {lines} lines: a file that needs a table of contents is two files", file.path);
        }
        let first = file.text.lines().next().unwrap_or_default();
        if !first.starts_with("//! ") {
            let _ = writeln!(broken, "{} does not begin with `//!` and what it is", file.path);
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn nothing_is_left_for_later_and_no_lint_is_silenced() {
    // Put together, so that this file does not break its own rule.
    let words: Vec<String> =
        ["to|do!", "unimple|mented!", "TO|DO", "FIX|ME", "X|XX", "#[ig|nore", "#[al|low(", "#![al|low("]
            .iter()
            .map(|word| word.replace('|', ""))
            .collect();
    let mut broken = String::new();
    for folder in ["src", "tests", "stdlib", "scripts", "benches"] {
        for file in files(folder, &["rs", "rhai", "py", "md", "sh"]) {
            for (at, line) in file.text.lines().enumerate() {
                if let Some(word) = words.iter().find(|word| line.contains(word.as_str())) {
                    let _ = writeln!(broken, "{}:{}: {word}", file.path, at + 1);
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn outside_input_is_never_unwrapped() {
    let all = sources();
    let program = all.iter().filter(|file| !file.is_test());
    never("no `unwrap` in the program", program, &["unwrap", "expect_err", "unwrap_err"]);
    let calls = [".expect(\"", ".expect(&", "panic!(", "unsafe "];
    let mut broken = String::new();
    for file in all.iter().filter(|file| !file.is_test()) {
        for (number, line) in file.code().filter(|(_, line)| calls.iter().any(|call| line.contains(call))) {
            let _ = writeln!(broken, "{}:{number}: {}", file.path, line.trim());
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn every_function_of_the_library_is_explained() {
    let mut broken = String::new();
    let mut engine = Engine::new();
    engine.set_max_expr_depths(0, 0);
    for file in files("stdlib", &["rhai"]) {
        if !file.text.starts_with("//") {
            let _ = writeln!(broken, "{} does not say what it is", file.path);
        }
        let ast = engine.compile(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path));
        for function in ast.iter_functions().filter(|function| is_bare(function.name, &function.comments)) {
            let _ = writeln!(broken, "{}: {} has no doc comment", file.path, function.name);
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

/// Whether a function has a name and no comment.
fn is_bare(name: &str, comments: &[&str]) -> bool {
    !name.starts_with("anon$") && comments.is_empty()
}

/// What two versions of a page must have in common.
#[derive(Debug, PartialEq)]
struct Page {
    /// The depths of the headings.
    headings: Vec<usize>,
    /// Code without its comments, which are in the language of the page.
    code: Vec<String>,
    links: Vec<String>,
}

fn page(path: &str) -> Page {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut page = Page { headings: Vec::new(), code: Vec::new(), links: Vec::new() };
    let mut inside = false;
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(language) => {
                inside = !inside;
                if inside {
                    page.code.push(format!("{language}\n"));
                }
            }
            None if inside => {
                let code = line.split("  // ").next().unwrap_or_default();
                let code = code.split("  # ").next().unwrap_or_default().trim_end();
                let block = page.code.last_mut().unwrap_or_else(|| panic!("{path}: code without a beginning"));
                let _ = writeln!(block, "{code}");
            }
            None => {
                let depth = line.chars().take_while(|&c| c == '#').count();
                if depth > 0 {
                    page.headings.push(depth);
                }
                let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
                page.links.extend(links.filter(|link| !link.starts_with("README")).map(str::to_owned));
            }
        }
    }
    page.links.sort();
    page
}

#[test]
fn both_readmes_say_the_same() {
    let (english, russian) = (page("README.md"), page("README.ru.md"));
    assert_eq!(english.headings, russian.headings);
    assert_eq!(english.links, russian.links);
    for (english, russian) in english.code.iter().zip(&russian.code) {
        assert_eq!(english, russian);
    }
    assert_eq!(english.code.len(), russian.code.len());
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    assert!(text("README.md").contains("](README.ru.md)") && text("README.ru.md").contains("](README.md)"));
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut broken = String::new();
    let mut pages = files("docs", &["md"]);
    pages.extend(["README.md", "README.ru.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|path| File::read(path.into())));
    for file in pages {
        let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
        for link in page(&file.path).links {
            let place = link.split('#').next().unwrap_or_default();
            let is_here = !place.is_empty() && !place.contains("://");
            if is_here && !folder.join(place).exists() {
                let _ = writeln!(broken, "{}: {link}", file.path);
            }
        }
    }
    assert!(broken.is_empty(), "{broken}");
}
