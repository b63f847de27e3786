//! Commands of the prompt: lines that begin with a colon.

use std::path::Path;
use std::time::Instant;

use crate::error::{Error, Kind, did_you_mean};
use crate::repl::text::pieces;
use crate::repl::types::{self, Typed};
use crate::repl::{Flow, Repl, help};
use crate::services;

/// What stands behind a command's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    File,
    Expression,
}

pub struct Command {
    pub name: &'static str,
    pub takes: Takes,
    pub help: &'static str,
    run: fn(&mut Repl, &str) -> Flow,
}

/// All of them. This is the only list.
pub static ALL: &[Command] = &[
    Command {
        name: "load",
        takes: Takes::File,
        help: "runs a script here: its variables, functions and imports stay",
        run: load,
    },
    Command {
        name: "time",
        takes: Takes::Expression,
        help: "runs it and tells how long it took and what was called",
        run: time,
    },
    Command { name: "type", takes: Takes::Expression, help: "tells its type without running it", run: type_of },
    Command {
        name: "connections",
        takes: Takes::Nothing,
        help: "lists connections, where each comes from, and whether it was used",
        run: connections,
    },
    Command {
        name: "sandbox",
        takes: Takes::Nothing,
        help: "tells whether this session runs against simulators, and where they listen",
        run: sandbox,
    },
    Command {
        name: "clear",
        takes: Takes::Nothing,
        help: "forgets variables, functions and imports; connections stay",
        run: clear,
    },
    Command { name: "help", takes: Takes::Nothing, help: "tells what there is, as ? does", run: overview },
    Command { name: "quit", takes: Takes::Nothing, help: "leaves, as Ctrl-D does", run: |_, _| Flow::Leave(0) },
];

impl Command {
    /// `:load FILE`.
    pub fn usage(&self) -> String {
        match self.takes {
            Takes::Nothing => format!(":{}", self.name),
            Takes::File => format!(":{} FILE", self.name),
            Takes::Expression => format!(":{} EXPR", self.name),
        }
    }
}

pub fn find(name: &str) -> Option<&'static Command> {
    ALL.iter().find(|command| command.name == name)
}

/// Runs the command of a line, the colon taken off.
pub fn run(repl: &mut Repl, line: &str) -> Flow {
    let line = line.trim();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let Some(command) = find(name) else {
        let hint = did_you_mean(name, ALL.iter().map(|command| command.name));
        let error = Error::new(Kind::Usage, "repl.command", format!("there is no command `:{name}`"));
        return repl.complain(&error.hint(hint.unwrap_or_else(|| "`:help` lists the commands".into())));
    };
    let rest = rest.trim();
    match (command.takes, rest.is_empty()) {
        (Takes::File | Takes::Expression, true) => {
            let error = Error::new(Kind::Usage, "repl.argument", format!("`:{name}` needs something to work on"));
            repl.complain(&error.hint(format!("write {}", command.usage())))
        }
        (Takes::Nothing, false) => {
            let error = Error::new(Kind::Usage, "repl.argument", format!("`:{name}` takes nothing"));
            repl.complain(&error.hint(format!("write {}", command.usage())))
        }
        _ => (command.run)(repl, rest),
    }
}

fn load(repl: &mut Repl, path: &str) -> Flow {
    let path = path.trim_matches('"');
    let loaded = repl.interrupts.during(|| repl.lines.borrow_mut().load(Path::new(path)));
    match loaded {
        Ok(ended) => repl.show(ended),
        Err(error) => repl.complain(&error),
    }
}

fn time(repl: &mut Repl, text: &str) -> Flow {
    let host = repl.lines.borrow().session().host().clone();
    let (counted, waited) = (host.context.counted(), host.waited());
    let began = Instant::now();
    let ended = repl.interrupts.during(|| repl.lines.borrow_mut().run(text));
    let took = began.elapsed();
    let flow = repl.show(ended);
    let waited = host.waited().saturating_sub(waited);
    let mut parts =
        vec![format!("{:.3} s, of which {:.3} s in native calls", took.as_secs_f64(), waited.as_secs_f64())];
    let mut done: Vec<_> = host.context.counted().into_iter().collect();
    done.sort_by_key(|(service, _)| *service);
    for (service, now) in done {
        let summary = counted.get(service).map_or_else(|| now.summary(), |then| now.since(then).summary());
        if !summary.is_empty() {
            parts.push(format!("{service}: {summary}"));
        }
    }
    flow.then(|| repl.say(&parts.join("\n")))
}

fn type_of(repl: &mut Repl, text: &str) -> Flow {
    let typed = {
        let lines = repl.lines.borrow();
        let pieces = pieces(text);
        match text {
            "_" => Some(lines.last()),
            _ if is_chain(text) => types::before(&pieces, pieces.len(), lines.names()),
            _ => None,
        }
    };
    repl.say(&match typed {
        Some(Typed { name, fields }) if fields.is_empty() => name,
        Some(Typed { name, fields }) => format!("{name}: {}", fields.join(", ")),
        None => format!("not known before it runs; type_of({text}) runs it"),
    })
}

/// Whether the whole text is one value with calls behind it: the end of `a + b.len()` says nothing about the sum.
fn is_chain(text: &str) -> bool {
    let pieces = pieces(text);
    let mut depth = 0usize;
    pieces.iter().enumerate().all(|(at, piece)| {
        if super::text::closes(piece) {
            depth = depth.saturating_sub(1);
        }
        let inner = depth > 0;
        if super::text::opens(piece) {
            depth += 1;
        }
        let joins = [".", "?.", "::"].iter().any(|sign| piece.is(sign));
        let bracket = super::text::opens(piece) || super::text::closes(piece);
        let value = piece.kind != super::text::Kind::Sign && (at == 0 || !ends_value(&pieces[at - 1]));
        inner || joins || bracket || value
    })
}

fn ends_value(piece: &super::text::Piece<'_>) -> bool {
    piece.kind != super::text::Kind::Sign || super::text::closes(piece)
}

fn connections(repl: &mut Repl, _: &str) -> Flow {
    let table = {
        let lines = repl.lines.borrow();
        let connections = &lines.session().host().connections;
        let opened = connections.opened();
        let mut table = Vec::new();
        for service in services::ALL.iter().map(|service| service.name()) {
            for name in connections.config().connections(service) {
                let origin = match connections.config().connection(service, name) {
                    Ok(settings) => settings.origin.clone(),
                    Err(error) => error.message().to_owned(),
                };
                let is_open = opened.iter().any(|(of, open)| *of == service && open == name);
                table.push([
                    service.to_owned(),
                    name.to_owned(),
                    origin,
                    if is_open { "yes" } else { "no" }.to_owned(),
                ]);
            }
        }
        table
    };
    match table.is_empty() {
        true => repl.say("no connection is configured; `pult init` writes a commented pult.toml"),
        false => repl.say_rows(["service", "name", "from", "opened"], table),
    }
}

fn sandbox(repl: &mut Repl, _: &str) -> Flow {
    let addresses = repl.options.sandbox.clone();
    match addresses.is_empty() {
        true => repl.say("this session runs against the configured systems; `pult --sandbox` runs against simulators"),
        false => {
            let flow = repl.say("this session runs against simulators inside this process; nothing leaves it");
            let rows =
                addresses.into_iter().map(|(service, address)| [service, reachable(&address).to_owned()]).collect();
            flow.then(|| repl.say_rows(["service", "address"], rows))
        }
    }
}

/// An address without its path, which may hold a webhook's code.
fn reachable(address: &str) -> &str {
    let host = address.find("://").map_or(0, |scheme| scheme + 3);
    address[host..].find('/').map_or(address, |path| &address[..host + path])
}

fn clear(repl: &mut Repl, _: &str) -> Flow {
    repl.lines.borrow_mut().clear();
    repl.say("variables, functions and imports are forgotten")
}

fn overview(repl: &mut Repl, _: &str) -> Flow {
    let text = help::overview(repl.lines.borrow().names(), repl.columns());
    repl.say(&text)
}
