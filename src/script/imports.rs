//! `import "…"`: `stdlib/…` from inside the program, everything else from files, relative to the importing file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use include_dir::{Dir, include_dir};
use rhai::{AST, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use crate::error::{Error, Kind, did_you_mean};
use crate::script::bridge::thrown;
use crate::script::catalogue::{self, Function};
use crate::script::folders::plain;
use crate::script::report::shown_name;
use crate::text_file;

static STDLIB: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/stdlib");

thread_local! {
    /// What this thread is loading at the moment, to tell a circle from a repetition.
    static LOADING: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

type Loaded<T> = Result<T, Box<EvalAltResult>>;

/// The texts of everything compiled so far, by the name that stands in errors; reports draw their snippets from it.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arc<RwLock<HashMap<String, Source>>>);

#[derive(Clone, Debug)]
struct Source {
    text: Arc<str>,
    functions: Vec<Function>,
}

impl Sources {
    pub fn keep(&self, name: &str, text: &str) {
        self.0
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .insert(name.to_owned(), Source { text: text.into(), functions: Vec::new() });
    }

    /// Keeps what a compiled text declares.
    pub fn learn(&self, name: &str, ast: &AST) {
        if let Some(source) = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner()).get_mut(name) {
            source.functions = catalogue::of_script(ast, "");
        }
    }

    /// The functions declared where code of this name stands, and those declared elsewhere. Lines of a dialogue
    /// (`repl:1`, `repl:2`) share theirs.
    pub fn functions(&self, name: &str) -> (Vec<Function>, Vec<Function>) {
        let all = self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let is_here = |other: &str| other == name || (name.starts_with("repl:") && other.starts_with("repl:"));
        let (here, elsewhere): (Vec<_>, Vec<_>) = all.iter().partition(|(other, _)| is_here(other));
        let functions = |sources: Vec<(&String, &Source)>| {
            let mut functions: Vec<Function> =
                sources.into_iter().flat_map(|(_, source)| source.functions.clone()).collect();
            functions.sort();
            functions.dedup();
            functions
        };
        (functions(here), functions(elsewhere))
    }

    pub fn text(&self, name: &str) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(name).map(|source| source.text.clone())
    }
}

/// Resolves imports, each file once.
#[derive(Clone)]
pub struct Imports {
    sources: Sources,
    /// The folder of the main script, which no import leaves.
    root: PathBuf,
    loaded: Arc<RwLock<HashMap<String, Shared<Module>>>>,
}

impl Imports {
    pub fn new(root: PathBuf, sources: Sources) -> Imports {
        let root = dunce::canonicalize(&root).unwrap_or(root);
        Imports { sources, root, loaded: Arc::default() }
    }

    /// Files of the library, as `stdlib/b24`.
    pub fn library() -> impl Iterator<Item = (String, &'static str)> {
        STDLIB.files().filter_map(|file| {
            let name = file.path().with_extension("");
            Some((format!("stdlib/{}", name.display()), file.contents_utf8()?))
        })
    }

    /// The name under which an import is known, and its text.
    fn find(&self, path: &str, from: Option<&str>) -> Result<(String, String), Error> {
        match path.strip_prefix("stdlib/") {
            Some(name) => library_file(name).map(|text| (path.to_owned(), text.to_owned())),
            None => self.file(path, from),
        }
    }

    fn file(&self, path: &str, from: Option<&str>) -> Result<(String, String), Error> {
        let folder = from
            .and_then(|source| Path::new(source).parent().filter(|folder| !folder.as_os_str().is_empty()))
            .map_or_else(|| self.root.clone(), Path::to_path_buf);
        let wanted = folder.join(path);
        let wanted = match wanted.extension() {
            Some(_) => wanted,
            None => wanted.with_extension("rhai"),
        };
        let found = dunce::canonicalize(&wanted).map_err(|error| {
            let shown = shown_name(&plain(&wanted).display().to_string());
            match error.kind() {
                _ if folder.join(path).is_dir() => {
                    not_found(path, "it is a folder").hint("name a file inside it: import \"folder/file\" as name;")
                }
                std::io::ErrorKind::NotFound => {
                    not_found(path, &format!("there is no file {shown}")).hint(near_files(&wanted))
                }
                _ => not_found(path, &format!("{shown} cannot be reached: {error}"))
                    .hint("check the path and its permissions"),
            }
        })?;
        if !found.starts_with(&self.root) {
            return Err(Error::new(
                Kind::Input,
                "import.outside",
                format!("`{path}` lies outside the script's folder"),
            )
            .hint(format!(
                "imports stay below {}; put shared files there",
                shown_name(&self.root.display().to_string())
            )));
        }
        let text = read_script(&found)?;
        Ok((found.display().to_string(), text))
    }

    /// The syntax tree of an import that is not run, or what is wrong with it and what to do.
    pub fn read(&self, engine: &Engine, path: &str, from: Option<&str>) -> Result<AST, (String, Option<String>)> {
        let found = self.find(path, from);
        let (_, text) =
            found.map_err(|error| (error.message().to_owned(), error.hint_text().map(ToOwned::to_owned)))?;
        let broken = |error: rhai::ParseError| (format!("`{path}` does not compile: {error}"), None);
        engine.compile(without_shebang(&text)).map_err(broken)
    }

    fn compile(&self, engine: &Engine, name: &str, text: &str, position: Position) -> Loaded<Shared<Module>> {
        self.sources.keep(name, text);
        let mut ast = engine.compile(without_shebang(text)).map_err(|error| {
            let inner = EvalAltResult::ErrorParsing(*error.0, error.1);
            EvalAltResult::ErrorInModule(name.to_owned(), inner.into(), position)
        })?;
        ast.set_source(name);
        self.sources.learn(name, &ast);
        Module::eval_ast_as_new(Scope::new(), &ast, engine)
            .map(Into::into)
            .map_err(|inner| Box::new(EvalAltResult::ErrorInModule(name.to_owned(), inner, position)))
    }
}

impl ModuleResolver for Imports {
    fn resolve(&self, engine: &Engine, source: Option<&str>, path: &str, position: Position) -> Loaded<Shared<Module>> {
        let (name, text) = self.find(path, source).map_err(|error| thrown(error, position))?;
        if let Some(module) = self.loaded.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(&name) {
            return Ok(module.clone());
        }
        if LOADING.with_borrow(|loading| loading.contains(&name)) {
            let error = Error::input("import.circle", format!("`{path}` imports itself, directly or through others"))
                .hint("move what both need into a third file");
            return Err(thrown(error, position));
        }
        LOADING.with_borrow_mut(|loading| loading.push(name.clone()));
        let module = self.compile(engine, &name, &text, position);
        LOADING.with_borrow_mut(Vec::pop);
        let module = module?;
        self.loaded.write().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(name, module.clone());
        Ok(module)
    }
}

fn library_file(name: &str) -> Result<&'static str, Error> {
    let file = STDLIB.get_file(format!("{}.rhai", name.trim_end_matches(".rhai")));
    file.and_then(|file| file.contents_utf8()).ok_or_else(|| {
        let names: Vec<String> = Imports::library().map(|(name, _)| name).collect();
        let near = did_you_mean(&format!("stdlib/{name}"), names.iter().map(String::as_str));
        not_found(&format!("stdlib/{name}"), "no such file in the library")
            .hint(near.unwrap_or_else(|| format!("the library has {}", names.join(", "))))
    })
}

fn not_found(path: &str, why: &str) -> Error {
    Error::new(Kind::Input, "import.not_found", format!("cannot import `{path}`: {why}"))
}

fn near_files(wanted: &Path) -> String {
    let folder = wanted.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".rhai"))
        .collect();
    let name = wanted.file_name().unwrap_or_default().to_string_lossy();
    let names: Vec<&str> = names.iter().map(|name| name.trim_end_matches(".rhai")).collect();
    did_you_mean(name.trim_end_matches(".rhai"), names)
        .unwrap_or_else(|| "imports are relative to the importing file; the library is `stdlib/…`".into())
}

/// A script's text, or what is wrong with the file.
pub fn read_script(path: &Path) -> Result<String, Error> {
    let shown = path.display();
    if path.is_dir() {
        return Err(Error::new(Kind::Usage, "script.folder", format!("{shown} is a folder, not a script"))
            .hint("name a file inside it"));
    }
    let bytes = std::fs::read(path).map_err(|error| {
        let hint = near_files(path);
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no file {shown}"),
            _ => format!("{shown} cannot be read: {error}"),
        };
        let error = Error::new(Kind::Usage, "script.unreadable", message);
        if hint.starts_with("did") { error.hint(hint) } else { error.hint("check the path and its permissions") }
    })?;
    text_of(bytes, &shown.to_string())
}

/// Bytes as UTF-8, without a byte order mark.
pub fn text_of(bytes: Vec<u8>, name: &str) -> Result<String, Error> {
    text_file::decode(bytes)
        .map_err(|wrong| Error::new(Kind::Usage, "script.not_utf8", format!("{name} {}", wrong.why)).hint(wrong.hint))
}

/// The text with `#!…` on its first line made empty, so that line numbers stay.
pub fn without_shebang(text: &str) -> &str {
    match text.strip_prefix("#!") {
        Some(rest) => rest.find('\n').map_or("", |end| &rest[end..]),
        None => text,
    }
}
