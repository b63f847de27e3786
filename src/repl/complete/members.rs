//! Methods, properties and fields behind a dot, by the type of what stands before it.

use super::{Offer, Place};
use crate::repl::names::{Names, is_offered};
use crate::repl::types;

pub fn offers(place: &Place<'_>, names: &Names) -> Vec<Offer> {
    let Some(typed) = types::before(&place.pieces, place.at - 1, names) else { return Vec::new() };
    let fields = typed.fields.iter().filter(|field| typed.has_fields() && is_name(field)).map(Offer::plain);
    let properties = names.members(&typed.name).filter_map(|function| function.property()).map(Offer::plain);
    let methods = names.members(&typed.name).filter(|function| is_offered(function)).map(|function| {
        let takes_nothing = names.methods(&typed.name, &function.name).all(|overload| overload.params.len() == 1);
        Offer::call(&function.name, takes_nothing)
    });
    let methods: Vec<Offer> = methods.collect();
    // What is both a property and a method is written as a method.
    let is_method = |offer: &Offer| methods.iter().any(|method| method.shown == offer.shown);
    let others: Vec<Offer> = fields.chain(properties).filter(|offer| !is_method(offer)).collect();
    others.into_iter().chain(methods).collect()
}

/// Whether a field can be written behind a dot at all.
fn is_name(field: &str) -> bool {
    field.starts_with(|c: char| c.is_alphabetic() || c == '_') && field.chars().all(|c| c.is_alphanumeric() || c == '_')
}
