//! What Tab offers. Here it is found out what sort of thing stands under the cursor; each sort has its own file.

mod connections;
mod files;
mod members;
mod modules;
mod options;
mod words;

use std::path::Path;

use rustyline::completion::Pair;

use crate::repl::commands;
use crate::repl::names::Names;
use crate::repl::text::{Kind, Piece, pieces};

/// What completion looks things up in.
pub struct Known<'a> {
    pub names: &'a Names,
    /// The folder that imports are relative to.
    pub root: &'a Path,
    /// The folder that other files are relative to.
    pub here: &'a Path,
}

/// What may stand at a place: from which byte on the text is replaced, and by what.
#[derive(Debug, Default, PartialEq)]
pub struct Offers {
    pub from: usize,
    pub offers: Vec<Offer>,
}

/// One possibility: as it is listed, and as it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offer {
    pub shown: String,
    pub written: String,
}

impl Offer {
    fn plain(name: impl Into<String>) -> Offer {
        let shown = name.into();
        Offer { written: shown.clone(), shown }
    }

    /// A function, with its opening bracket, and the closing one when it takes nothing.
    fn call(name: &str, takes_nothing: bool) -> Offer {
        let brackets = if takes_nothing { "()" } else { "(" };
        Offer { shown: name.to_owned(), written: format!("{name}{brackets}") }
    }

    /// The end of a string.
    fn ending(name: &str, quote: &str) -> Offer {
        Offer { shown: name.to_owned(), written: format!("{name}{quote}") }
    }
}

impl From<Offer> for Pair {
    fn from(offer: Offer) -> Pair {
        Pair { display: offer.shown, replacement: offer.written }
    }
}

/// The offers for the cursor at this byte of the line.
pub fn at(line: &str, cursor: usize, known: &Known<'_>) -> Offers {
    let text = &line[..cursor];
    let begun = text.trim_start();
    let indent = text.len() - begun.len();
    let mut offers = match begun.chars().next() {
        Some(':') => command(begun, known),
        // Help wants names, not calls.
        Some('?') => without_brackets(shifted(expression(&begun[1..], known), 1)),
        _ => expression(begun, known),
    };
    if line[cursor..].starts_with('(') {
        offers = without_brackets(offers);
    }
    if line[cursor..].starts_with('"') {
        offers.offers.iter_mut().for_each(|offer| offer.written.truncate(offer.written.trim_end_matches('"').len()));
    }
    offers.offers.sort();
    offers.offers.dedup();
    shifted(offers, indent)
}

fn shifted(offers: Offers, by: usize) -> Offers {
    Offers { from: offers.from + by, ..offers }
}

fn without_brackets(mut offers: Offers) -> Offers {
    for offer in &mut offers.offers {
        offer.written.truncate(offer.written.trim_end_matches(['(', ')']).len());
    }
    offers
}

/// `:name` and what stands behind it.
fn command(text: &str, known: &Known<'_>) -> Offers {
    let Some(space) = text.find(char::is_whitespace) else {
        let offers = commands::ALL.iter().map(|command| format!(":{}", command.name));
        return Offers { from: 0, offers: beginning_with(text, offers.map(Offer::plain)) };
    };
    let (name, rest) = text.split_at(space + 1);
    match commands::find(name[1..].trim()).map(|command| command.takes) {
        Some(commands::Takes::File) => shifted(files::any(rest, known.here, ""), name.len()),
        Some(commands::Takes::Expression) => shifted(expression(rest, known), name.len()),
        _ => Offers::default(),
    }
}

/// The piece under the cursor, and what stands before it.
struct Place<'t> {
    pieces: Vec<Piece<'t>>,
    /// How many pieces stand before the word that is being written.
    at: usize,
    word: &'t str,
    from: usize,
}

impl Place<'_> {
    /// The piece before the word.
    fn previous(&self) -> Option<&Piece<'_>> {
        self.at.checked_sub(1).map(|at| &self.pieces[at])
    }
}

fn expression(text: &str, known: &Known<'_>) -> Offers {
    let pieces = pieces(text);
    let (at, word, from) = match pieces.last() {
        Some(last) if last.kind == Kind::Comment && (last.open || last.text.starts_with("//")) => {
            return Offers::default();
        }
        Some(last) if last.kind == Kind::Text && last.open => return string(&pieces, known),
        Some(last) if last.is_word() && last.end() == text.len() => (pieces.len() - 1, last.text, last.start),
        _ => (pieces.len(), "", text.len()),
    };
    let place = Place { pieces, at, word, from };
    let previous = place.previous();
    let offers = if previous.is_some_and(|sign| sign.is(".") || sign.is("?.")) {
        members::offers(&place, known.names)
    } else if previous.is_some_and(|sign| sign.is("::")) {
        modules::offers(&place, known.names)
    } else if let Some(offers) = options::offers(&place, known.names) {
        offers
    } else {
        words::offers(&place, known.names)
    };
    Offers { from: place.from, offers: beginning_with(place.word, offers.into_iter()) }
}

/// Inside a string that is not closed yet.
fn string(pieces: &[Piece<'_>], known: &Known<'_>) -> Offers {
    let at = pieces.len() - 1;
    let text = &pieces[at];
    let previous = at.checked_sub(1).map(|before| &pieces[before]);
    // The rest of a back-quoted string behind a `${…}`.
    if previous.is_some_and(|before| before.is("}") && before.end() == text.start) {
        return Offers::default();
    }
    let written = text.inside();
    let from = text.start + 1;
    let quote = &text.text[..1];
    if previous.is_some_and(|word| word.is_word() && word.text == "import") {
        return shifted(files::imports(written, known.root, quote), from);
    }
    let names = connections::offers(pieces, at, known.names).or_else(|| options::choices(pieces, at, known.names));
    if let Some(names) = names {
        let offers = names.iter().map(|name| Offer::ending(name, quote));
        return Offers { from, offers: beginning_with(written, offers) };
    }
    match files::are_wanted(pieces, at, known.names) {
        true => shifted(files::any(written, known.here, quote), from),
        false => Offers::default(),
    }
}

fn beginning_with(word: &str, offers: impl Iterator<Item = Offer>) -> Vec<Offer> {
    offers.filter(|offer| offer.shown.starts_with(word)).collect()
}

#[cfg(test)]
mod tests;
