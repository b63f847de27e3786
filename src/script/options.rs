//! Maps of options, as scripts pass them: unknown names are refused with a near one.

use rhai::{Dynamic, ImmutableString, Map};

use crate::error::{Error, Kind, Result, did_you_mean};
use crate::script::convert;
use crate::settings::{Given, Setting, Settings};

/// The trailing map of options that many functions take, its names checked.
#[derive(Debug)]
pub struct Options<'a>(&'a Map);

impl<'a> Options<'a> {
    /// Refuses a name that is not in `known`, with a near one.
    pub fn read(map: &'a Map, known: &[&str]) -> Result<Options<'a>> {
        match map.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Options(map)),
            Some(name) => {
                let hint = did_you_mean(name, known.iter().copied())
                    .unwrap_or_else(|| format!("the options are {}", known.join(", ")));
                Err(Error::input("options.unknown", format!("there is no option `{name}`")).hint(hint))
            }
        }
    }

    /// `()` counts as not given.
    fn given(&self, name: &str) -> Option<&'a Dynamic> {
        self.0.get(name).filter(|value| !value.is_unit())
    }

    /// A value of any type.
    pub fn value(&self, name: &str) -> Option<&'a Dynamic> {
        self.given(name)
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

    /// One of these words; the first is the usual one.
    pub fn choice(&self, name: &str, words: &[&'static str]) -> Result<&'static str> {
        let Some(given) = self.text(name)? else { return Ok(words[0]) };
        words.iter().find(|word| **word == given.as_str()).copied().ok_or_else(|| {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            Error::input("options.value", format!("the option `{name}` cannot be \"{given}\""))
                .hint(format!("it is one of {}", quoted.join(", ")))
        })
    }
}

fn wrong(name: &str, wanted: &str, found: &Dynamic) -> Error {
    Error::input("options.type", format!("the option `{name}` takes {wanted}, not {}", convert::type_name(found)))
        .hint(format!("write {name}: and {wanted}"))
}

/// The settings of a connection that a script describes, checked like a section of `pult.toml`.
pub fn connection(table: &'static [Setting], given: &Map) -> Result<Settings> {
    let mut settings = Settings::new("connect(#{…})");
    for (name, value) in given {
        let given = match (value.as_bool(), value.as_int(), value.as_float()) {
            (Ok(flag), ..) => Given::Flag(flag),
            (_, Ok(n), _) => Given::Integer(n),
            (.., Ok(n)) => Given::Number(n),
            _ if value.is_string() => Given::Text(value.to_string()),
            _ => {
                let found = convert::type_name(value);
                let message = format!("`{name}`: {found} cannot be a setting");
                return Err(Error::new(Kind::Config, "config.wrong_value", message)
                    .hint("an environment variable that is not set gives (): check env(\"…\")"));
            }
        };
        settings.set(table, name, given).map_err(|(message, hint)| {
            let error = Error::new(Kind::Config, "config.wrong_value", format!("connect(#{{…}}): {message}"));
            if let Some(hint) = hint { error.hint(hint) } else { error }
        })?;
    }
    Ok(settings)
}
