//! Functions and inner modules behind `::`.

use super::{Offer, Place};
use crate::repl::names::Names;
use crate::repl::types;

pub fn offers(place: &Place<'_>, names: &Names) -> Vec<Offer> {
    let module = types::module(&place.pieces, place.at - 1);
    let functions = names.in_module(&module).filter(|function| function.is_callable());
    let functions = functions.map(|function| Offer::call(&function.name, function.params.is_empty()));
    let inner = names.modules().filter_map(|name| name.strip_prefix(&module)?.strip_prefix("::"));
    let inner = inner.filter(|name| !name.contains("::"));
    let inner = inner.map(|name| Offer { shown: name.to_owned(), written: format!("{name}::") });
    functions.chain(inner).collect()
}
