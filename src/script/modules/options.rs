//! The trailing map of options that many functions take.

use rhai::{Dynamic, ImmutableString, Map};

use crate::error::{Error, Result};
use crate::script::{convert, options};

/// Options whose names have been checked.
#[derive(Debug)]
pub struct Options<'a>(&'a Map);

impl<'a> Options<'a> {
    /// Refuses a name that is not in `known`, with a near one.
    pub fn read(map: &'a Map, known: &[&str]) -> Result<Options<'a>> {
        options::known(map, known).map(|()| Options(map))
    }

    /// `()` counts as not given.
    fn given(&self, name: &str) -> Option<&'a Dynamic> {
        self.0.get(name).filter(|value| !value.is_unit())
    }

    pub fn text(&self, name: &str) -> Result<Option<ImmutableString>> {
        let text = |value: &Dynamic| match value.as_char() {
            Ok(letter) => Ok(letter.to_string().into()),
            Err(_) => value.clone().into_immutable_string().map_err(|_| wrong(name, "a text", value)),
        };
        self.given(name).map(text).transpose()
    }

    pub fn flag(&self, name: &str, otherwise: bool) -> Result<bool> {
        self.given(name).map_or(Ok(otherwise), |value| value.as_bool().map_err(|_| wrong(name, "true or false", value)))
    }

    pub fn integer(&self, name: &str) -> Result<Option<i64>> {
        self.given(name).map(|value| value.as_int().map_err(|_| wrong(name, "a whole number", value))).transpose()
    }
}

fn wrong(name: &str, wanted: &str, found: &Dynamic) -> Error {
    Error::input("options.type", format!("the option `{name}` takes {wanted}, not {}", convert::type_name(found)))
        .hint(format!("write {name}: and {wanted}"))
}
