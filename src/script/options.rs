//! Maps of options, as scripts pass them: unknown names are refused with a near one.

use rhai::Map;

use crate::error::{Error, Kind, Result, did_you_mean};
use crate::script::convert;
use crate::settings::{Given, Setting, Settings};

/// Refuses names that are not among these.
pub fn known(options: &Map, names: &[&str]) -> Result<()> {
    match options.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let hint = did_you_mean(name, names.iter().copied())
                .unwrap_or_else(|| format!("the options are {}", names.join(", ")));
            Err(Error::input("options.unknown", format!("there is no option `{name}`")).hint(hint))
        }
    }
}

/// An option that is one of some words; the first is the usual one.
pub struct Choice {
    pub name: &'static str,
    pub words: &'static [&'static str],
}

impl Choice {
    pub fn of(&self, options: &Map) -> Result<&'static str> {
        let Some(given) = text(options, self.name)? else { return Ok(self.words[0]) };
        self.words.iter().find(|word| **word == given).copied().ok_or_else(|| {
            let quoted: Vec<String> = self.words.iter().map(|word| format!("\"{word}\"")).collect();
            Error::input("options.value", format!("the option `{}` cannot be \"{given}\"", self.name))
                .hint(format!("it is one of {}", quoted.join(", ")))
        })
    }
}

/// An option that is a text.
pub fn text(options: &Map, name: &str) -> Result<Option<String>> {
    match options.get(name) {
        None => Ok(None),
        Some(value) if value.is_unit() => Ok(None),
        Some(value) if value.is_string() => Ok(Some(value.to_string())),
        Some(value) => {
            let found = convert::type_name(value);
            Err(Error::input("options.value", format!("the option `{name}` is a text, found {found}"))
                .hint(format!("write {name}: \"…\"")))
        }
    }
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
