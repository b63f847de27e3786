//! What is wrong with a script that does not compile, in words that say what to write instead.

use rhai::{LexError, ParseErrorType};

use crate::error::Kind;
use crate::render::is_wild;
use crate::script::report::said::{Said, lower};
use crate::script::report::scene::Scene;
use crate::script::report::shapes;

/// Words of other languages, and what they are here.
const INSTEAD: &[(&str, &str)] = &[
    ("async", "calls wait by themselves; parallel(items, limit, |x| …) runs several at once"),
    ("await", "calls wait by themselves: leave it out"),
    ("case", "a case of a `switch` is written `value => …`"),
    ("go", "parallel(items, limit, |x| …) runs several things at once"),
    ("match", "write `switch value { 1 => …, _ => … }`"),
    ("new", "objects are made by calling functions; for a variable choose another name"),
    ("nil", "nothing is written `()`"),
    ("null", "nothing is written `()`"),
    ("spawn", "parallel(items, limit, |x| …) runs several things at once"),
    ("thread", "parallel(items, limit, |x| …) runs several things at once"),
    ("use", "write `import \"file\" as name;`"),
    ("var", "a variable is declared with `let`"),
    ("void", "nothing is written `()`"),
];

pub fn syntax(wrong: &ParseErrorType, scene: &Scene<'_>) -> Said {
    use ParseErrorType as P;
    let is_form = match wrong {
        P::Reserved(word) => ["with", "yield", "print"].contains(&word.as_str()) && !scene.is_member(),
        P::MissingToken(..) | P::ExprExpected(_) | P::VariableExpected => true,
        P::BadInput(LexError::UnexpectedInput(_) | LexError::MalformedChar(_)) => true,
        _ => false,
    };
    match is_form.then(|| shapes::foreign(scene)).flatten() {
        Some(said) => said,
        None => of_kind(wrong, scene),
    }
}

fn of_kind(wrong: &ParseErrorType, scene: &Scene<'_>) -> Said {
    use ParseErrorType as P;
    match wrong {
        P::Reserved(word) => reserved(word, scene),
        P::MissingToken(token, why) => missing(token, why, scene),
        P::UnexpectedEOF => match unclosed(scene) {
            Some(said) => said,
            None => said("the script ends in the middle of a statement").hint("complete it, or delete its beginning"),
        },
        P::BadInput(input) => bad_input(input, scene),
        P::UnknownOperator(operator) => sign(operator, scene),
        P::ExprExpected(_) if scene.word() == "default" => {
            said("`default` is no case").hint("the case for all other values is written `_ => …`")
        }
        P::ExprExpected(what) => said(format!("expected {} here", what.trim_start_matches("a "))),
        P::MismatchedType(wanted, found) if wanted.contains("iterable") => {
            said(format!("`for` needs something with elements, not {found}"))
                .hint("a list, Rows, a Stream or a range such as 0..10")
        }
        P::MismatchedType(wanted, found) if wanted.contains("boolean") => {
            let line = scene.after().lines().next().unwrap_or_default();
            said(format!("a condition is true or false, not {found}")).hint(match line.contains("===") {
                true => "write `==`",
                false => "compare it with something: list.len() > 0, text != \"\", value != ()",
            })
        }
        P::MismatchedType(wanted, found) => said(format!("expected {wanted}, found {found}")),
        P::AssignmentToConstant(name) if !name.is_empty() => {
            said(format!("`{name}` is a constant")).hint("declare it with `let` to change it")
        }
        P::ExprTooDeep => said("the expression is nested too deep")
            .hint("give its inner part a name with `let`, or move it into a function"),
        P::WrongFnDefinition => {
            said("a function stands inside another block").hint("move it to the top level of the file, or write |x| …")
        }
        P::LoopBreak => said("`break` and `continue` stand outside of a loop").hint("`return` leaves a function"),
        P::VariableExpected => said("expected the name of a variable").hint("a name begins with a letter or `_`"),
        P::PropertyExpected => {
            said("expected the name of a field").hint("a field that is no plain name is reached as row[\"a name\"]")
        }
        P::VariableUndefined(name) => said(format!("there is no variable `{name}`")),
        P::ModuleUndefined(name) => said(format!("there is no module `{name}`")),
        P::FnDuplicatedDefinition(name, params) => {
            said(format!("there are two functions `{name}` with {params} parameters"))
                .hint("rename or delete one of them")
        }
        P::DuplicatedProperty(name) => said(format!("the map has `{name}` twice")).hint("delete one of the two"),
        other => said(lower(&other.to_string())),
    }
}

fn said(message: impl Into<String>) -> Said {
    Said::new(Kind::Compile, "script.syntax", message)
}

fn reserved(word: &str, scene: &Scene<'_>) -> Said {
    if !word.starts_with(|c: char| c.is_alphabetic()) {
        return sign(word, scene);
    }
    let said = said(format!("`{word}` is a word that the language keeps for itself"));
    let before = scene.before().trim_end();
    if before.ends_with("log::") && word == "debug" {
        return said.hint("write log::trace(…)");
    }
    if scene.is_member() {
        return said.hint(format!("a field of this name is reached as [\"{word}\"], without the dot"));
    }
    let is_key = before.ends_with(['{', ',']) && scene.after()[word.len()..].trim_start().starts_with(':');
    if is_key {
        return said.hint(format!("put it in quotes: \"{word}\": …"));
    }
    match INSTEAD.iter().find(|(known, _)| *known == word) {
        Some((_, hint)) => said.hint(*hint),
        None => said.hint("choose another name"),
    }
}

/// A sign of other languages.
fn sign(sign: &str, scene: &Scene<'_>) -> Said {
    let hint = match sign {
        "++" => Some("write `n += 1`"),
        "--" => Some("write `n -= 1`"),
        "===" => Some("write `==`"),
        "!==" => Some("write `!=`"),
        "->" => Some("a closure is written |x| …; a field is reached with `.`"),
        "#" => Some("a map is written #{name: value}; a comment begins with `//`"),
        "?" => Some("there is no `a ? b : c`: write if a { b } else { c }"),
        ":=" => Some("write let name = value"),
        "<>" => Some("write `!=`"),
        "@" | "$" => Some("variables have no sign in front of their names; inside a text of `…` it is ${name}"),
        _ => None,
    };
    let said = said(format!("`{sign}` means nothing here")).maybe(hint.map(ToOwned::to_owned));
    if scene.after().starts_with(sign) { said.at_range(scene.at..scene.at + sign.len()) } else { said }
}

fn missing(token: &str, why: &str, scene: &Scene<'_>) -> Said {
    let at_end = scene.after().trim().is_empty();
    if at_end && let Some(said) = unclosed(scene) {
        return said;
    }
    let quoted = why.split('\'').nth(1);
    let next = scene.after().chars().next().unwrap_or_default();
    if token == ";" && matches!(next, ')' | ']' | '}') {
        return said(format!("this `{next}` closes nothing")).hint("delete it, or open it before");
    }
    // Two values side by side: the comma belongs behind the first.
    let is_between = token == "," && (next.is_alphanumeric() || "\"'`#_".contains(next));
    if is_between && !why.contains("parameters") {
        let what = match quoted {
            Some(function) => format!("the arguments of `{function}`"),
            None if why.contains("array") => "the elements of this list".to_owned(),
            None => "the fields of this map".to_owned(),
        };
        return said(format!("`,` is missing between {what}")).hint("add it here").at(scene.end_before());
    }
    match (token, quoted) {
        (",", Some(function)) if why.contains("parameters") => {
            let said = said(format!("`,` or `)` is missing in the parameters of `{function}`"));
            if next == ':' { said.hint("parameters have no types: fn f(a, b) { … }") } else { said }
        }
        (";", _) => said("`;` is missing at the end of this statement").hint("add it here").at(scene.end_before()),
        (",", Some(function)) if why.contains("arguments") => {
            let said = said(format!("`,` or `)` is missing in the call of `{function}`"));
            match scene.after().starts_with(':') {
                true => said.hint("options travel as a map: f(value, #{name: value})"),
                false => said,
            }
        }
        (",", _) if why.contains("array") => said("`,` or `]` is missing in this list"),
        (",", _) if why.contains("map") => said("`,` or `}` is missing in this map"),
        (":", _) if why.contains("map") => {
            said("`:` is missing between a name and its value").hint("write #{name: value}")
        }
        ("{", _) => said("`{` is missing: a block stands here")
            .hint("the body of `if`, `for`, `while` and `fn` stands in { … }"),
        ("(", _) if why.contains("catch") => said("`{` is missing after `catch`").hint("write catch (err) { … }"),
        _ => said(format!("`{token}` is missing {}", why.replace('\'', "`"))),
    }
}

/// The bracket that is still open at the end.
fn unclosed(scene: &Scene<'_>) -> Option<Said> {
    let Some((at, bracket)) = scene.open_bracket() else {
        // Inside a text; the brackets of the code itself are in order.
        let at = scene.text.rfind("${")?;
        return Some(said("this `${` is never closed").hint("add `}` where it ends").at_range(at..at + 2));
    };
    let closing = match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    };
    Some(said(format!("this `{bracket}` is never closed")).hint(format!("add `{closing}` where it ends")).at(Some(at)))
}

fn bad_input(input: &LexError, scene: &Scene<'_>) -> Said {
    match input {
        LexError::UnexpectedInput(what) => match what.as_str() {
            "try" => said("`try` gives no value").hint("assign inside: let x = (); try { x = f(); } catch (err) { … }"),
            ";" | ")" | "]" | "}" | "," => said(format!("a value is missing before `{what}`")),
            other => match other.chars().next() {
                Some(c) if is_wild(c) || (c.is_whitespace() && !c.is_ascii()) || c == '\u{200b}' || c == '\u{feff}' => {
                    said(format!("there is an invisible character here (U+{:04X})", c as u32))
                        .hint("delete it and type a plain space; pages and documents bring such signs along")
                }
                _ => said(format!("`{other}` is not expected here")),
            },
        },
        LexError::MalformedChar(what) if what.chars().count() > 1 => {
            said("single quotes hold one character").hint(format!("write \"{}\"", what.trim_matches('\'')))
        }
        LexError::UnterminatedString => said("the text that begins here is not closed on its line")
            .hint("close it with the same quote; a text of several lines stands in `…`"),
        LexError::ImproperSymbol(symbol, _) if symbol == "=" => {
            said("`=` gives a value, it does not compare").hint("write `==`")
        }
        LexError::ImproperSymbol(symbol, _) if !symbol.is_empty() => sign(symbol, scene),
        LexError::MalformedNumber(number) if number.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
            said(format!("{number} is more than an integer holds")).hint("put it in quotes, or write decimal(\"…\")")
        }
        LexError::MalformedNumber(number) => said(format!("`{number}` is not a number")),
        LexError::MalformedEscapeSequence(what) => said(format!("`{what}` means nothing in a text"))
            .hint("write `\\\\` for one backslash, or put the text in `…`"),
        other => said(lower(&other.to_string())),
    }
}
