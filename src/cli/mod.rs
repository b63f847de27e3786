//! The command line: one small file for each command.

mod check;
mod docs;
mod eval;
mod init;
mod rac;
mod repl;
mod robot;
mod run;
mod sandbox;
mod serve;
mod setup;
mod stop;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ColorChoice, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::error::{Error, Kind};
use crate::render::snippet::Style;
use crate::script::output;
use crate::script::report::Report;
use crate::secret;

/// Scripts for 1C clusters, VeiL, Bitrix24, SQL Server procedures and RPA robots.
///
/// Without a command: an interactive session when the input is a terminal, else the script on standard input.
#[derive(Debug, Parser)]
#[command(name = "pult", version, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Flags of every command.
#[derive(Args, Debug)]
struct Global {
    /// The configuration; else pult.toml beside the script, in this folder, or in the user's configuration folder.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A profile of the configuration, whose values replace the usual ones.
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// Run against simulators inside this process, with data in them; no configuration is needed.
    #[arg(long, global = true)]
    sandbox: bool,
    /// Set a switch of a simulator: `b24.latency_ms=100`. `pult sandbox --knobs` lists them.
    #[arg(long, global = true, value_name = "KNOB=VALUE")]
    set: Vec<String>,
    /// Send nothing that changes anything; print what would be sent.
    #[arg(long, global = true)]
    dry_run: bool,
    /// Stop a script after so many operations; 0 is no limit.
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    max_operations: u64,
    /// No progress bars and no summary.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Tell more: debug lines of scripts, a summary of what was sent.
    #[arg(long, short, global = true)]
    verbose: bool,
    /// Colours in reports and tables.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

impl Global {
    /// How reports on standard error are drawn.
    fn style(&self) -> Style {
        let terminal = std::io::stderr().is_terminal();
        let colour = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && std::env::var_os("NO_COLOR").is_none(),
        };
        Style { colour, width: terminal.then(|| console::Term::stderr().size().1) }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a script.
    Run {
        script: PathBuf,
        /// What the script finds in `args`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Evaluate one expression and print its value.
    Eval {
        code: String,
        /// What the code finds in `args`.
        args: Vec<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Read scripts without running them: syntax, unknown functions, wrong numbers of arguments, usual slips.
    Check {
        #[arg(required = true)]
        scripts: Vec<PathBuf>,
    },
    /// Write a commented pult.toml and a first script into this folder.
    Init {
        /// Another folder.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// The web service over stored procedures, and its page.
    Serve(serve::Options),
    /// Run the simulators until stopped; print where each listens.
    Sandbox(sandbox::Options),
    /// The agent of an Orchestrator: takes work, does it by scripts, tells how it ended.
    Robot(robot::Options),
    /// The utility `rac` of the platform, with its own options: `pult rac help`.
    #[command(disable_help_flag = true)]
    Rac {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// The reference of every function.
    Docs {
        /// A function, a module or an object; everything when left out.
        name: Option<String>,
        #[arg(long, value_enum, default_value_t = DocsForm::Text)]
        form: DocsForm,
        /// Write the pages of docs/reference into this folder.
        #[arg(long, value_name = "FOLDER", conflicts_with_all = ["name", "form"])]
        write: Option<PathBuf>,
    },
}

/// How a value is printed.
#[derive(Args, Debug)]
#[group(multiple = false)]
struct Form {
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// As CSV.
    #[arg(long)]
    csv: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DocsForm {
    Text,
    Markdown,
    Json,
}

/// Runs the program; the result is its exit code.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    if let Some(args) = rac::asked(&args) {
        return rac::main(args);
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(asked) => {
            // Help and version are printed by the same path; only a wrong command line is a failure. A closed output
            // cannot be told to anybody.
            let _ = asked.print();
            if let Some(script) = args.get(1).filter(|arg| arg.to_string_lossy().ends_with(".rhai")) {
                eprint_line(&format!("To run a script: pult run {}", script.to_string_lossy()));
            }
            return ExitCode::from(if asked.use_stderr() { 2 } else { 0 });
        }
    };
    let style = cli.global.style();
    let separated = args.iter().any(|arg| arg == "--");
    let code = match own_flags_are_ours(&cli, separated).and_then(|()| dispatch(cli)) {
        Ok(code) => code,
        Err(report) => fail(&report, style),
    };
    ExitCode::from(code)
}

/// Refuses a flag of ours among a script's arguments: `pult run x.rhai 5 --dry-run` would change things for real.
fn own_flags_are_ours(cli: &Cli, separated: bool) -> Result<(), Box<Report>> {
    let Some(Command::Run { args, .. } | Command::Eval { args, .. }) = &cli.command else { return Ok(()) };
    let ours = Cli::command();
    let is_ours = |arg: &&String| {
        let name = arg.split('=').next().unwrap_or(arg);
        ours.get_arguments().filter_map(clap::Arg::get_long).any(|long| name.strip_prefix("--") == Some(long))
    };
    match args.iter().find(is_ours) {
        Some(flag) if !separated => {
            let message = format!("`{flag}` stands behind the script's arguments and would go to the script");
            Err(Error::new(Kind::Usage, "usage.flag_behind", message)
                .hint(format!("write it before the script, or `--` before the arguments if `{flag}` is one of them"))
                .into())
        }
        _ => Ok(()),
    }
}

fn dispatch(mut cli: Cli) -> Result<u8, Box<Report>> {
    let is_for_robots = match &cli.command {
        Some(Command::Sandbox(_)) => true,
        Some(Command::Robot(_)) => cli.global.sandbox,
        _ => false,
    };
    if is_for_robots {
        cli.global.set.insert(0, sandbox::WORK.to_owned());
    }
    let global = &cli.global;
    match cli.command {
        None if std::io::stdin().is_terminal() => repl::repl(global),
        None => run::standard_input(global),
        Some(Command::Run { script, args }) => run::file(global, &script, args),
        Some(Command::Eval { code, args, form }) => eval::eval(global, &code, args, &form),
        Some(Command::Check { scripts }) => check::check(global, &scripts),
        Some(Command::Init { folder }) => init::init(&folder),
        Some(Command::Serve(options)) => serve::serve(global, &options),
        Some(Command::Sandbox(options)) => sandbox::sandbox(global, &options),
        Some(Command::Robot(options)) => robot::robot(global, &options),
        Some(Command::Rac { .. }) => Err(rac::not_first()),
        Some(Command::Docs { name, form, write }) => docs::docs(global, name.as_deref(), form, write.as_deref()),
    }
}

impl From<Error> for Box<Report> {
    fn from(error: Error) -> Box<Report> {
        Box::new(Report::of(&error))
    }
}

/// Draws the report on standard error and gives its exit code.
fn fail(report: &Report, style: Style) -> u8 {
    match report.code.as_str() {
        // Whoever writes `| head` knows; a line is enough.
        output::CLOSED => eprint_line(&format!("pult: {}", report.message)),
        _ => eprint_line(&report.draw(style)),
    }
    report.kind.exit_code()
}

/// A line on standard error, masked. Nobody can be told when even that fails.
fn eprint_line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{}", secret::mask(text));
}

/// A line on standard output, masked.
fn print_line(text: &str) -> Result<(), Error> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{}", secret::mask(text)).map_err(output::unwritable)
}
