//! The prompt: reads a line, runs it, shows what it gave.

mod calls;
mod commands;
mod complete;
mod face;
mod help;
mod highlight;
mod hint;
mod history;
mod interrupt;
mod lines;
mod names;
mod text;
mod types;
mod validate;

use std::cell::RefCell;
use std::io::Write as _;
use std::path::PathBuf;
use std::rc::Rc;

use rustyline::config::BellStyle;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};

use crate::core::rows::{Builder, Field, Rows};
use crate::error::{Error, Kind};
use crate::render::snippet::Style;
use crate::render::table;
use crate::repl::face::Face;
use crate::repl::history::History;
use crate::repl::interrupt::Interrupts;
use crate::repl::lines::{Done, Lines};
use crate::script::report::Report;
use crate::script::session::{Ended, Session};
use crate::script::show;
use crate::secret;

/// How the prompt behaves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The file of earlier lines; without one they last for the session.
    pub history: Option<PathBuf>,
    pub colour: bool,
    /// Greets with the version and the way to help.
    pub banner: bool,
    /// Which simulator listens where; empty when the session does not run against simulators.
    pub sandbox: Vec<(String, String)>,
}

/// Whether the prompt comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    On,
    /// With this exit code.
    Leave(u8),
}

impl Flow {
    fn then(self, next: impl FnOnce() -> Flow) -> Flow {
        match self {
            Flow::On => next(),
            leave => leave,
        }
    }
}

struct Repl {
    lines: Rc<RefCell<Lines>>,
    options: Options,
    interrupts: Interrupts,
}

type LineEditor = Editor<Face, FileHistory>;

/// Reads and runs lines until the person leaves; gives the exit code. To be called on the script's thread, with a
/// terminal as standard input.
pub fn run(session: Session, options: Options) -> u8 {
    let host = session.host().clone();
    let lines = Rc::new(RefCell::new(Lines::new(session)));
    let made = editor(&lines, &options).and_then(|editor| Ok((editor, Interrupts::listen(&host)?)));
    let (mut editor, interrupts) = match made {
        Ok(made) => made,
        Err(error) => return unreadable(&error, options.colour),
    };
    let mut repl = Repl { lines, options, interrupts };
    let mut history = repl.open_history(&mut editor);
    match repl.greet() {
        Flow::On => repl.talk(&mut editor, &mut history),
        Flow::Leave(code) => code,
    }
}

fn editor(lines: &Rc<RefCell<Lines>>, options: &Options) -> rustyline::Result<LineEditor> {
    let config = Config::builder()
        .max_history_size(history::MOST)?
        .auto_add_history(false)
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .completion_prompt_limit(200)
        .bell_style(BellStyle::None)
        .color_mode(if options.colour { ColorMode::Enabled } else { ColorMode::Disabled })
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Face::new(lines.clone(), options.colour)));
    Ok(editor)
}

fn unreadable(error: &ReadlineError, colour: bool) -> u8 {
    let error = Error::new(Kind::File, "repl.terminal", format!("the terminal cannot be read: {error}"))
        .hint("run a script with `pult run`, or one expression with `pult eval`");
    eprintln!("{}", Report::of(&error).draw(Style { colour, width: None }));
    error.kind().exit_code()
}

impl Repl {
    fn open_history(&self, editor: &mut LineEditor) -> History {
        History::open(self.options.history.clone(), editor.history_mut()).unwrap_or_else(|error| {
            self.complain_of_history(&error);
            History::default()
        })
    }

    fn complain_of_history(&self, error: &ReadlineError) {
        let error = Error::new(Kind::File, "repl.history", format!("lines are not kept for later sessions: {error}"));
        self.complain(&error);
    }

    fn greet(&self) -> Flow {
        if !self.options.banner {
            return Flow::On;
        }
        let version = env!("CARGO_PKG_VERSION");
        let against = if self.options.sandbox.is_empty() { "" } else { ", against simulators" };
        self.say(&format!("pult {version}{against}. ? tells what there is, Tab completes, Ctrl-D leaves."))
    }

    fn talk(&mut self, editor: &mut LineEditor, history: &mut History) -> u8 {
        let prompt = if self.options.sandbox.is_empty() { "pult> " } else { "sandbox> " };
        loop {
            let line = match editor.readline(prompt) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => continue,
                Err(ReadlineError::Eof) => return 0,
                Err(error) => return unreadable(&error, self.options.colour),
            };
            if let Err(error) = history.keep(&line, editor.history_mut()) {
                self.complain_of_history(&error);
                history.give_up();
            }
            if let Flow::Leave(code) = self.take(&line) {
                return code;
            }
        }
    }

    /// One line: a command, a question, or code.
    fn take(&mut self, line: &str) -> Flow {
        let line = line.trim_end();
        let begun = line.trim_start();
        if let Some(command) = begun.strip_prefix(':') {
            return commands::run(self, command);
        }
        if let Some(name) = begun.strip_prefix('?') {
            let text = help::about(name, self.lines.borrow().names(), self.columns());
            return self.say(&text);
        }
        if begun.is_empty() {
            return Flow::On;
        }
        let ended = self.interrupts.during(|| self.lines.borrow_mut().run(line));
        self.show(ended)
    }

    /// What a line gave, or why it gave nothing.
    fn show(&self, ended: Ended<Done>) -> Flow {
        let exit = self.lines.borrow().session().host().exit_code();
        match (ended, exit) {
            (_, Some(code)) => Flow::Leave(code),
            (Ok(done), None) => {
                let shown = show::for_people(self.lines.borrow().session().engine(), &done.value, self.width());
                let flow = shown.map_or(Flow::On, |text| self.say(&text));
                flow.then(|| done.note.map_or(Flow::On, |note| self.say(&self.dimmed(&note))))
            }
            (Err(report), None) if report.kind == Kind::Stopped => self.say(&self.dimmed("stopped")),
            (Err(report), None) => self.tell(&report),
        }
    }

    fn complain(&self, error: &Error) -> Flow {
        self.tell(&Report::of(error))
    }

    fn tell(&self, report: &Report) -> Flow {
        let text = report.draw(Style { colour: self.options.colour, width: self.width() });
        // Nobody can be told that standard error is closed.
        let _ = writeln!(std::io::stderr(), "{text}");
        Flow::On
    }

    fn say(&self, text: &str) -> Flow {
        let lines = self.lines.borrow();
        let output = &lines.session().host().output;
        match output.line(text).and_then(|()| output.flush()) {
            Ok(()) => Flow::On,
            Err(error) => Flow::Leave(error.kind().exit_code()),
        }
    }

    fn say_rows<const N: usize>(&self, columns: [&str; N], rows: Vec<[String; N]>) -> Flow {
        let mut builder = Builder::new();
        let most = rows.len();
        for row in &rows {
            for (column, cell) in columns.iter().zip(row) {
                builder.name(column);
                // Masked here, the columns still fit.
                if builder.push(Field::Text(&secret::mask(cell))).is_err() {
                    return Flow::On;
                }
            }
            builder.end_row();
        }
        self.say(&table::rows(&Rows::from(builder.finish()), most, self.width()))
    }

    fn width(&self) -> Option<u16> {
        self.lines.borrow().session().host().output.width()
    }

    /// The width for texts that are cut to it.
    fn columns(&self) -> usize {
        self.width().map_or(100, usize::from)
    }

    fn dimmed(&self, text: &str) -> String {
        match self.options.colour {
            true => highlight::dim(text),
            false => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
