//! What an expression gives, told from the catalogue and the variables, without running anything.

use rhai::{Dynamic, Engine, Map};

use crate::core::rows::{Row, Rows};
use crate::repl::names::Names;
use crate::repl::text::{Kind, Piece, closes, opener};

/// So many fields of a value are offered.
const MOST_FIELDS: usize = 1000;

/// A type, and the fields that a value of it is known to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// As scripts call it.
    pub name: String,
    pub fields: Vec<String>,
}

impl Typed {
    pub fn new(name: &str) -> Typed {
        Typed { name: name.to_owned(), fields: Vec::new() }
    }

    /// Of a value that is there.
    pub fn of(value: &Dynamic, engine: &Engine) -> Typed {
        let fields = if let Some(map) = value.read_lock::<Map>() {
            map.keys().take(MOST_FIELDS).map(ToString::to_string).collect()
        } else if let Some(row) = value.read_lock::<Row>() {
            row.shape().names().map(str::to_owned).collect()
        } else if let Some(rows) = value.read_lock::<Rows>() {
            rows.columns().iter().map(ToString::to_string).collect()
        } else {
            Vec::new()
        };
        Typed { name: word(engine.map_type_name(value.type_name())).to_owned(), fields }
    }

    /// Whether the fields can be written behind a dot.
    pub fn has_fields(&self) -> bool {
        self.name == "map" || self.name == "Row"
    }
}

/// Rhai's name of a type as scripts call it.
fn word(rhai: &str) -> &str {
    match rhai.rsplit("::").next().unwrap_or(rhai) {
        "string" => "text",
        "i64" => "integer",
        "f64" => "number",
        "array" => "list",
        "Fn" => "function",
        "()" => "nothing",
        other => other,
    }
}

/// The type of the expression that ends before the piece `end`; `None` when it cannot be told.
pub fn before(pieces: &[Piece<'_>], end: usize, names: &Names) -> Option<Typed> {
    let last = end.checked_sub(1)?;
    let piece = &pieces[last];
    match piece.kind {
        Kind::Text if piece.text.starts_with('\'') => Some(Typed::new("char")),
        Kind::Text => Some(Typed::new("text")),
        Kind::Number => Some(Typed::new(if piece.text.contains('.') { "number" } else { "integer" })),
        Kind::Comment => before(pieces, last, names),
        Kind::Word => of_name(pieces, last, names),
        Kind::Sign if closes(piece) => of_bracket(pieces, last, names),
        Kind::Sign => None,
    }
}

/// `name`, `value.name`, `module::NAME`.
fn of_name(pieces: &[Piece<'_>], at: usize, names: &Names) -> Option<Typed> {
    let name = pieces[at].text;
    match at.checked_sub(1).map(|before| &pieces[before]) {
        Some(sign) if sign.is("::") => None,
        Some(sign) if sign.is(".") || sign.is("?.") => {
            let receiver = before(pieces, at - 1, names)?;
            names.result(&receiver.name, &format!("get${name}"), 1)
        }
        _ => match name {
            "true" | "false" => Some(Typed::new("bool")),
            _ => given(pieces, at, names).or_else(|| names.value(name).cloned()),
        },
    }
}

/// `(…)`, `f(…)`, `value.f(…)`, `module::f(…)`, `[…]`, `value[…]`, `#{…}`.
fn of_bracket(pieces: &[Piece<'_>], close: usize, names: &Names) -> Option<Typed> {
    let open = opener(pieces, close)?;
    let before_open = open.checked_sub(1).map(|at| &pieces[at]);
    let ends_value = before_open.is_some_and(|piece| {
        closes(piece) || piece.kind == Kind::Text || (piece.is_word() && !super::text::KEYWORDS.contains(&piece.text))
    });
    match pieces[open].text {
        "#{" => Some(Typed::new("map")),
        "[" | "?[" if ends_value => {
            let indexed = before(pieces, open, names)?;
            let mut element = names.result(&indexed.name, "index$get$", 2)?;
            element.fields = indexed.fields;
            Some(element)
        }
        "[" => Some(Typed::new("list")),
        "(" if before_open.is_some_and(Piece::is_word) && ends_value => of_call(pieces, open, close, names),
        "(" => before(pieces, close, names),
        _ => None,
    }
}

fn of_call(pieces: &[Piece<'_>], open: usize, close: usize, names: &Names) -> Option<Typed> {
    let at = open - 1;
    let given = if close == open + 1 { 0 } else { super::text::commas(pieces, open, close) + 1 };
    let name = pieces[at].text;
    match at.checked_sub(1).map(|before| &pieces[before]) {
        Some(sign) if sign.is("::") => {
            names.returns(names.in_module(&module(pieces, at - 1)).filter(|f| f.name == name), given)
        }
        Some(sign) if sign.is(".") || sign.is("?.") => {
            let receiver = before(pieces, at - 1, names)?;
            let mut result = names.result(&receiver.name, name, given + 1)?;
            // What is made of rows by choosing among them has their columns.
            if result.name == receiver.name {
                result.fields = receiver.fields;
            }
            Some(result)
        }
        _ => names.returns(names.named(name), given),
    }
}

/// The path before the `::` at this place: `a::b`.
pub fn module(pieces: &[Piece<'_>], separator: usize) -> String {
    let mut first = separator;
    while first > 0 && (pieces[first - 1].is_word() || pieces[first - 1].is("::")) {
        first -= 1;
    }
    pieces[first..separator].iter().map(|piece| piece.text).collect()
}

/// A name that the text itself gives to something: by `let`, by `for`, or as the parameter of a closure.
fn given(pieces: &[Piece<'_>], at: usize, names: &Names) -> Option<Typed> {
    let name = pieces[at].text;
    let place = (0..at).rev().find(|&place| pieces[place].text == name && names_something(pieces, place))?;
    match pieces[place - 1].text {
        "let" | "const" => {
            let end =
                (place + 2..at).find(|&end| pieces[end].is(";") && opener(pieces, end) == opener(pieces, place))?;
            let is_chain = pieces[place + 2..end].iter().all(|piece| piece.kind != Kind::Sign || !is_operator(piece));
            if is_chain { before(pieces, end, names) } else { None }
        }
        "for" => {
            let body = (place + 2..at).find(|&body| pieces[body].is("{"))?;
            element(before(pieces, body, names)?)
        }
        _ => {
            let call = opener(pieces, place - 1)?;
            let method = call.checked_sub(1).filter(|&method| pieces[method].is_word())?;
            let dot = method.checked_sub(1).filter(|&dot| pieces[dot].is("."))?;
            element(before(pieces, dot, names)?)
        }
    }
}

/// `let NAME =`, `for NAME in`, `|NAME|`.
fn names_something(pieces: &[Piece<'_>], place: usize) -> bool {
    let before = place.checked_sub(1).map_or("", |before| pieces[before].text);
    let behind = pieces.get(place + 1).map_or("", |behind| behind.text);
    matches!((before, behind), ("let" | "const", "=") | ("for", "in") | ("|", "|"))
}

/// What a loop over it, or a method of it, hands out one by one.
fn element(many: Typed) -> Option<Typed> {
    let of_rows = matches!(many.name.as_str(), "Rows" | "Stream");
    of_rows.then_some(Typed { name: "Row".into(), fields: many.fields })
}

fn is_operator(piece: &Piece<'_>) -> bool {
    matches!(piece.text, "+" | "-" | "*" | "/" | "%" | "<" | ">" | "==" | "!=" | "<=" | ">=" | "&&" | "||" | "!" | "??")
}
