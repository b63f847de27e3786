//! The call that a place in the text stands in.

use crate::repl::names::Names;
use crate::repl::text::{KEYWORDS, Piece, commas, opener};
use crate::repl::types::{self, Typed};
use crate::script::catalogue::{Function, Param};

/// A call that is being written.
#[derive(Debug)]
pub struct Call<'n> {
    pub name: String,
    pub overloads: Vec<&'n Function>,
    /// Something stands before the name and a dot.
    pub is_method: bool,
    /// Its type, where it can be told.
    pub receiver: Option<Typed>,
    /// The module before `::`, or nothing.
    pub module: String,
    /// Which argument the place stands in, the receiver not counted.
    pub argument: usize,
}

impl<'n> Call<'n> {
    /// The call whose argument list holds the place before the piece `at` directly.
    pub fn around(pieces: &[Piece<'_>], at: usize, names: &'n Names) -> Option<Call<'n>> {
        let open = opener(pieces, at).filter(|&open| pieces[open].is("("))?;
        let callee = open.checked_sub(1).filter(|&callee| {
            pieces[callee].is_word()
                && !KEYWORDS.contains(&pieces[callee].text)
                && callee.checked_sub(1).is_none_or(|before| pieces[before].text != "fn")
        })?;
        let name = pieces[callee].text.to_owned();
        let argument = commas(pieces, open, at);
        let before = callee.checked_sub(1).map(|before| (before, &pieces[before]));
        let (module, is_method, receiver, overloads) = match before {
            Some((at, sign)) if sign.is("::") => {
                let module = types::module(pieces, at);
                let overloads = names.in_module(&module).filter(|function| function.name == name).collect();
                (module, false, None, overloads)
            }
            Some((at, sign)) if sign.is(".") || sign.is("?.") => {
                let receiver = types::before(pieces, at, names);
                let overloads = match &receiver {
                    Some(typed) => names.methods(&typed.name, &name).collect(),
                    // Inside a function nothing is known of its parameters.
                    None => names.named(&name).filter(|function| function.receiver().is_some()).collect(),
                };
                (String::new(), true, receiver, overloads)
            }
            _ => (
                String::new(),
                false,
                None,
                names.named(&name).filter(|function| function.receiver().is_none()).collect(),
            ),
        };
        Some(Call { name, overloads, is_method, receiver, module, argument })
    }

    /// The parameters that stand between the brackets.
    pub fn params<'f>(&self, function: &'f Function) -> &'f [Param] {
        function.params.get(usize::from(self.is_method)..).unwrap_or_default()
    }

    /// The parameter that the place stands in, by the first overload that has so many.
    pub fn param(&self) -> Option<&'n Param> {
        self.overloads.iter().find_map(|function| {
            let skip = usize::from(self.is_method);
            function.params.get(skip + self.argument)
        })
    }
}
