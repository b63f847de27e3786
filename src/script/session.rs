//! A session: an engine with its host, running files, texts and lines.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhai::{AST, Dynamic, Engine, EvalAltResult, Scope as Variables};

use crate::error::{Error, Kind};
use crate::script::bridge::Host;
use crate::script::catalogue::{self, Function};
use crate::script::engine;
use crate::script::imports::{Imports, Sources, without_shebang};
use crate::script::report::{Names, Report};
use crate::script::stop::Scope;

/// A script recurses on this stack as deep as the engine's limits allow.
const STACK: usize = 64 * 1024 * 1024;

/// What a session is made with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub args: Vec<String>,
    /// The main script's folder; imports stay below it.
    pub root: PathBuf,
    /// 0: no limit.
    pub max_operations: u64,
    /// The only service that is needed: a program that stays does without what it takes to know the others.
    pub only: Option<&'static str>,
}

pub struct Session {
    host: Arc<Host>,
    options: Options,
    engine: Engine,
    imports: Imports,
    sources: Sources,
}

/// How a run ended when it did not end well.
pub type Ended<T> = Result<T, Box<Report>>;

impl Session {
    pub fn new(host: Arc<Host>, options: &Options) -> Session {
        let sources = Sources::default();
        let imports = Imports::new(options.root.clone(), sources.clone());
        let engine = engine::build(&host, options, imports.clone());
        Session { host, options: options.clone(), engine, imports, sources }
    }

    /// The same session with an engine as it was at the start; connections stay open, imports are read again.
    pub fn renew(&mut self) {
        *self = Session::new(self.host.clone(), &self.options);
    }

    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn imports(&self) -> &Imports {
        &self.imports
    }

    /// For making further functions and modules visible to what is compiled from now on.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The folder that imports are relative to.
    pub fn root(&self) -> &Path {
        &self.options.root
    }

    /// Everything there is to call.
    pub fn functions(&self) -> Vec<Function> {
        catalogue::all(&self.engine)
    }

    /// The text as a syntax tree whose errors are reported under `name`.
    pub fn compile(&self, name: &str, text: &str) -> Ended<AST> {
        self.compile_as(name, text, text)
    }

    /// The same where reports show another text of the same lines and columns.
    pub fn compile_as(&self, name: &str, shown: &str, text: &str) -> Ended<AST> {
        self.compile_with(&self.engine, name, shown, text)
    }

    /// The text with every expression as it stands in it, for reading rather than running.
    pub fn compile_as_written(&self, name: &str, text: &str) -> Ended<AST> {
        self.compile_with(&engine::reader(), name, text, text)
    }

    fn compile_with(&self, engine: &Engine, name: &str, shown: &str, text: &str) -> Ended<AST> {
        self.sources.keep(name, shown);
        match engine.compile(without_shebang(text)) {
            Ok(mut ast) => {
                ast.set_source(name);
                self.sources.learn(name, &ast);
                Ok(ast)
            }
            Err(error) => {
                let position = error.position();
                let error = EvalAltResult::ErrorParsing(error.err_type().clone(), position);
                Err(self.report(&error, name, &Variables::new()))
            }
        }
    }

    /// Compiles and runs a text from beginning to end.
    pub fn run(&self, name: &str, text: &str) -> Ended<Dynamic> {
        let ast = self.compile(name, text)?;
        self.run_ast(name, &ast, &mut Variables::new())
    }

    /// Runs compiled code with these variables. Ctrl-C ends it through the host's stopper.
    pub fn run_ast(&self, name: &str, ast: &AST, variables: &mut Variables<'static>) -> Ended<Dynamic> {
        let result = {
            let _entered = self.host.stopper.fresh().enter();
            self.engine.eval_ast_with_scope::<Dynamic>(variables, ast)
        };
        self.ended(result, name, variables)
    }

    /// Calls a function of compiled code with one argument, on a thread that stands in this scope. Several threads may do
    /// so at once.
    pub fn call(&self, name: &str, ast: &AST, function: &str, argument: Dynamic, scope: Scope) -> Ended<Dynamic> {
        let mut variables = Variables::new();
        let result = {
            let _entered = scope.enter();
            self.engine.call_fn::<Dynamic>(&mut variables, ast, function, (argument,))
        };
        self.ended(result, name, &variables)
    }

    fn ended(
        &self,
        result: Result<Dynamic, Box<EvalAltResult>>,
        name: &str,
        variables: &Variables<'_>,
    ) -> Ended<Dynamic> {
        let flushed = self.host.output.flush();
        if let Some(fault) = self.host.take_fault().or(flushed.err()) {
            return Err(Box::new(Report::of(&fault)));
        }
        match result {
            Ok(value) => Ok(value),
            // `exit` inside a function that native code called.
            Err(error) if matches!(error.unwrap_inner(), EvalAltResult::Exit(..)) => Ok(Dynamic::UNIT),
            Err(error) => Err(self.report(&error, name, variables)),
        }
    }

    fn report(&self, error: &EvalAltResult, name: &str, variables: &Variables<'_>) -> Box<Report> {
        let functions = self.functions();
        let constants =
            variables.iter().filter(|(_, constant, _)| *constant).map(|(name, ..)| name.to_owned()).collect::<Vec<_>>();
        let variables: Vec<String> = variables.iter().map(|(name, ..)| name.to_owned()).collect();
        let globals: Vec<String> = self.globals();
        let names = Names { functions: &functions, globals: &globals, variables: &variables, constants: &constants };
        Box::new(Report::of_script(error, name, &self.sources, &names))
    }

    /// The objects that are visible everywhere.
    pub fn globals(&self) -> Vec<String> {
        let services = crate::services::ALL.iter().map(|service| service.name().to_owned());
        services.chain(["args".to_owned()]).collect()
    }
}

/// Runs `work` on a thread with a stack that is deep enough for scripts.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    std::thread::scope(|threads| {
        let thread = std::thread::Builder::new().name("script".into()).stack_size(STACK);
        let running = thread
            .spawn_scoped(threads, work)
            .map_err(|error| Error::new(Kind::Script, "script.thread", format!("no thread for the script: {error}")))?;
        running.join().or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The name under which a file's faults are reported.
pub fn source_name(path: &Path) -> String {
    dunce::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}
