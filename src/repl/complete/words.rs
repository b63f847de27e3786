//! Words that begin an expression: words of the language, objects, variables, modules, functions.

use super::{Offer, Place};
use crate::repl::names::Names;
use crate::repl::text::KEYWORDS;

pub fn offers(place: &Place<'_>, names: &Names) -> Vec<Offer> {
    // A new name is being chosen.
    let declares = |word: &str| matches!(word, "let" | "const" | "fn" | "for" | "as");
    if place.previous().is_some_and(|word| word.is_word() && declares(word.text)) {
        return Vec::new();
    }
    let values = names.globals().keys().chain(names.variables().keys()).map(Offer::plain);
    let modules = names.modules().filter(|name| !name.contains("::"));
    let modules = modules.map(|name| {
        let written = format!("{name}::");
        // An object may have the name of its module.
        let shown = if names.value(name).is_some() { written.clone() } else { name.to_owned() };
        Offer { shown, written }
    });
    let mut offers: Vec<Offer> = values.chain(modules).collect();
    // Nine hundred functions are no answer to nothing.
    if !place.word.is_empty() {
        offers.extend(KEYWORDS.iter().copied().map(Offer::plain));
        offers.extend(names.callable().map(|function| Offer::call(&function.name, false)));
    }
    offers
}
