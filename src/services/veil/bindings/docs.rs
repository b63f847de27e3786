//! What is said of the functions that the table makes.

use std::fmt::Write;

use super::given::{OF_BULK, OF_CHANGE};
use super::{domain, kinds, methods, verbs};
use crate::services::Comment;
use crate::services::veil::table::{ALL, Call, Entity, Gives, Holds, Id, Known, Param, Usual};

/// Everything that is said of what the table makes.
pub fn comments() -> Vec<Comment> {
    let of_verb = |ask: &verbs::Ask| Comment { of: &["Veil"], name: ask.name.to_owned(), text: ask.help.to_owned() };
    ALL.iter().copied().flat_map(of_entity).chain(verbs::ASKS.iter().map(of_verb)).collect()
}

fn of_entity(entity: &'static Entity) -> Vec<Comment> {
    let (handles, sets) = (std::slice::from_ref(&entity.type_name), kinds::of_sets(entity));
    let said = |of: &'static [&'static str], name: String, text: String| Comment {
        of,
        name,
        text: text.trim_end().to_owned(),
    };
    let mut all = vec![
        said(&["Veil"], entity.word.to_owned(), entrance(entity)),
        said(&["Veil"], entity.plural.to_owned(), plural(entity)),
    ];
    all.extend(of_handles(entity).iter().map(|name| said(handles, (*name).to_owned(), of_handle(entity, name))));
    let properties = methods::properties(entity);
    all.extend(properties.iter().map(|(name, _)| said(handles, format!("get${name}"), of_handle(entity, name))));
    all.extend(of_sets(entity).iter().map(|name| said(sets, (*name).to_owned(), of_set(entity, name))));
    for does in entity.calls {
        all.push(said(handles, does.name.to_owned(), comment(does)));
        if does.in_bulk() {
            all.push(said(sets, does.name.to_owned(), of_bulk(entity, does)));
        }
    }
    all
}

/// Methods of handles beside the calls.
fn of_handles(entity: &Entity) -> Vec<&'static str> {
    let own: &[&str] = match entity.word {
        "domain" => &["ensure_on", "ensure_off", "wait_agent", "wait_power"],
        "task" => &["is_success", "is_failed", "is_finished", "parts", "wait"],
        "tag" => &["add", "detach"],
        "iso" | "library" => &["upload", "fetch", "download"],
        _ => &[],
    };
    let tag = methods::is_taggable(entity).then_some("ensure_tag");
    ["list", "info"].into_iter().chain(tag).chain(own.iter().copied()).collect()
}

/// Methods of sets beside the calls.
fn of_sets(entity: &Entity) -> Vec<&'static str> {
    let own: &[&str] = match entity.word {
        "domain" => &["ensure_on", "ensure_off"],
        "task" => &["wait"],
        _ => &[],
    };
    let tag = methods::is_taggable(entity).then_some("ensure_tag");
    let every = ["rows", "stream", "count", "ids", "first", "handles", "show"];
    every.into_iter().chain(tag).chain(own.iter().copied()).collect()
}

/// `veil.domain(id)`.
fn entrance(entity: &Entity) -> String {
    let id = if entity.id == Id::Number { "its number" } else { "its id" };
    let calls: Vec<String> = entity.calls.iter().map(|does| format!("`{}`", does.name)).collect();
    let mut text = format!(
        "A handle of {}: by {id}, its name, a row or another handle. Nothing is sent by that.\n\nWithout anything it is \
         for what needs no object, such as `list`. Every field is a property: the object is read when the first is \
         asked for, and anew after a change or by `info()`.\n",
        entity.named
    );
    if !calls.is_empty() {
        write_into(&mut text, format_args!("\nIt can {}.\n", calls.join(", ")));
    }
    text
}

/// `veil.domains(…)`.
fn plural(entity: &Entity) -> String {
    let mut text = format!(
        "A set of {}: all, those that a filter leaves, or those of a list of ids, names, rows or handles. Nothing is sent \
         before it is used.\n",
        entity.plural.replace('_', " ")
    );
    options(&mut text, "Filter", entity.list_params());
    text
}

/// A call of a handle.
fn comment(does: &Call) -> String {
    let mut text = said(does);
    options(&mut text, "Options", does.options());
    if does.changes() {
        general(&mut text, OF_CHANGE, does);
    }
    example(&mut text, does);
    text
}

/// A call of a set.
fn of_bulk(entity: &Entity, does: &Call) -> String {
    let mut text = said(does);
    write_into(
        &mut text,
        format_args!(
            "\nFor each of the {}, several at once. Gives rows `id`, `verbose_name`, `done`, `changed`, `seconds`, `task`, \
             `error`, `message`.\n",
            entity.plural.replace('_', " ")
        ),
    );
    options(&mut text, "Options", does.options());
    general(&mut text, OF_BULK, does);
    text
}

fn said(does: &Call) -> String {
    let mut text = format!("{}\n", does.help);
    let gives = match does.gives {
        Gives::Task => "Gives a task: a finished one where the controller did the work at once.",
        Gives::Rows => "Gives rows.",
        Gives::Object(_) => "Gives a handle.",
        _ => "",
    };
    if !gives.is_empty() {
        write_into(&mut text, format_args!("\n{gives}\n"));
    }
    if does.known == Known::Assumed {
        text.push_str("\nNobody has described this call: its address follows from the name of a right.\n");
    }
    text
}

fn options(text: &mut String, title: &str, params: impl Iterator<Item = &'static Param>) {
    let mut is_first = true;
    for param in params {
        if std::mem::take(&mut is_first) {
            write_into(text, format_args!("\n# {title}\n"));
        }
        let usual = match param.usual {
            Usual::Required => " (required)".to_owned(),
            Usual::Flag(flag) => format!(" (usually {flag})"),
            Usual::Integer(n) => format!(" (usually {n})"),
            Usual::Text(word) => format!(" (usually \"{word}\")"),
            _ => String::new(),
        };
        let values = match param.holds {
            Holds::Flag | Holds::One => "; true or false".to_owned(),
            Holds::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
                format!("; {}", words.join(", "))
            }
            Holds::Of(_) => "; its id, its name, a row or a handle".to_owned(),
            Holds::ManyOf(_) => "; a list, rows or a set".to_owned(),
            Holds::Colour => "; `\"#rrggbb\"`".to_owned(),
            _ => String::new(),
        };
        let assumed = match param.assumed {
            true => "; nobody has described it, so before a change the rows have to show that it works",
            false => "",
        };
        write_into(text, format_args!("- `{}`{usual}: {}{values}{assumed}\n", param.name, param.help));
    }
}

/// Options of every change, in a few words each.
const GENERAL: &[(&str, &str)] = &[
    ("limit", "requests at once; usually 8"),
    ("wait", "wait until the work is done"),
    ("timeout", "wait so many seconds at most"),
    ("interval", "ask so often, in seconds"),
    ("via", "`\"multi\"` sends one request for all, where the controller has one"),
    ("errors", "`\"return\"` or `\"throw\"`"),
    ("cancel", "have the controller end what is waited for when the script is stopped or the time is up"),
    ("retry", "send it so often at most"),
    ("dry_run", "only give the text of what would be sent"),
    ("no_task", "have the work done inside the request"),
];

fn general(text: &mut String, known: &[&str], does: &Call) {
    let names = known.iter().filter(|name| does.option(name).is_none());
    let said = names.filter_map(|name| GENERAL.iter().find(|(known, _)| known == name));
    let said: Vec<String> = said.map(|(name, help)| format!("`{name}`: {help}")).collect();
    write_into(text, format_args!("\nBeside these: {}.\n", said.join("; ")));
}

/// What the words of examples stand for.
const STANDING: &[(&str, &str)] = &[
    ("vm", "let vm = veil.domains(#{ power_state: \"ON\" }).first();"),
    ("off", "let off = veil.domains(#{ power_state: \"OFF\", template: false }).first();"),
    ("template", "let template = veil.domains(#{ template: true }).first();"),
];

fn example(text: &mut String, does: &Call) {
    if does.example.is_empty() {
        return;
    }
    text.push_str("\n```rhai\n");
    let words: Vec<&str> = does.example.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for (_, line) in STANDING.iter().filter(|(word, _)| words.contains(word)) {
        write_into(text, format_args!("{line}\n"));
    }
    write_into(text, format_args!("{};\n```\n", does.example.trim_end_matches(';')));
}

/// What every handle has.
fn of_handle(entity: &Entity, name: &str) -> String {
    if let Some((.., help)) = domain::PROPERTIES.iter().find(|(known, ..)| *known == name)
        && entity.word == "domain"
    {
        return (*help).to_owned();
    }
    let fixed = match name {
        "list" => "One page of the list, as the controller gives it: a hundred rows unless `limit` says otherwise.",
        "info" => "Reads the object anew; gives the handle back.",
        "id" => "The id; `()` where no object is named. A name is looked up.",
        "uuid_" => "The id where it is a UUID.",
        "value" => "All fields: a map.",
        "public_attrs" => "The names of everything that can be asked of it.",
        "status" => "The controller's word for how the task stands; asked anew while it runs.",
        "outcome" => "How it ended: `success`, `failed`, `partial`, `canceled`, `lost`, `gone`, or `running`.",
        "progress" => "How far it is, from 0 to 100.",
        "error_message" => "What went wrong; empty where nothing did.",
        "is_success" => "Whether it ended well.",
        "is_failed" => "Whether it failed.",
        "is_finished" => "Whether it is over, in whichever way.",
        "entity" => "The id of what it makes.",
        "first_entity" => "The first id that it is about.",
        "domains" => "The machines that it makes or is about: handles.",
        "domain" => "The first of them, or `()`.",
        "parts" => "The tasks that it consists of: rows.",
        "wait" => {
            "Waits until it is over; gives the task back. One that does not end well is thrown: `veil.task_failed`, \
             `veil.task_canceled`, `veil.task_lost`, `veil.task_partial`, `veil.task_gone`, `veil.task_timeout`.\n\n# \
             Options\n- `timeout`: seconds; usually as the connection says\n- `interval`: seconds between two \
             questions\n- `errors`: `\"return\"` throws nothing of the kind\n- `cancel`: true has the controller end the \
             task when the script is stopped or the time is up"
        }
        "ensure_on" => "Switches it on if it is not, and waits; gives a row that says what was `changed`.",
        "ensure_off" => {
            "Shuts it down if it is not off, and waits; gives a row that says what was `changed`. `force` switches it off."
        }
        "ensure_tag" => "Gives it the tag of this name, which is made if there is none; gives a row.",
        "wait_agent" => "Waits until the agent inside can be asked (`timeout`, `interval`); gives the handle back.",
        "wait_power" => "Waits until it is switched so: `\"ON\"`, `\"OFF\"`, `\"SUSPENDED\"`; gives the handle back.",
        "add" => {
            "Puts the tag on things: handles, rows, sets, ids, and lists of them; gives how many. `class` says what bare \
             ids are; usually \"domain\"."
        }
        "detach" => "Takes the tag off things; the same as `add` otherwise.",
        "upload" => "Sends a file of this computer to a data pool; gives a handle of it. `name` calls it otherwise.",
        "fetch" => "Has the controller fetch a file from an address; gives a handle of it.",
        "download" => "Keeps the file on this computer; gives its size in bytes.",
        _ => "",
    };
    match fixed {
        "" => format!("Whether its `status` is {}.", name.to_uppercase()),
        fixed => format!("{fixed}\n"),
    }
}

/// What every set has.
fn of_set(entity: &Entity, name: &str) -> String {
    let all = entity.plural.replace('_', " ");
    match name {
        "rows" => format!("The {all} as rows, all pages of them.\n"),
        "stream" => format!("The {all} one by one, read while they are used.\n"),
        "count" => "How many there are.\n".into(),
        "ids" => "The ids: a list.\n".into(),
        "first" => "A handle of the first, or `()`.\n".into(),
        "handles" => format!("A list of handles ({}) with what the list says of each.\n", entity.type_name),
        "show" => "Prints them as a table.\n".into(),
        "ensure_on" => "Switches those on that are not, several at once, and waits; gives a row for each.\n".into(),
        "ensure_off" => {
            "Shuts those down that are not off, several at once, and waits; gives a row for each. `force` switches them \
             off.\n"
                .into()
        }
        "ensure_tag" => "Gives the tag of this name to those that lack it; gives a row for each.\n".into(),
        "wait" => "Waits until all are over; gives rows `task`, `name`, `outcome`, `seconds`, `error`, `message`.\n".into(),
        _ => format!("Of {}.\n", kinds::set_name(entity)),
    }
}

fn write_into(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = text.write_fmt(arguments);
}
