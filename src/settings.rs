//! Tables of settings: what a connection may be told, declared once by each service.
//!
//! The same table reads a section of `pult.toml`, checks a map given to `connect(#{…})`, writes the commented file of
//! `pult init`, completes names in the REPL and prints the reference.

use std::collections::BTreeMap;

use crate::error::{Error, Kind, Result, did_you_mean};
use crate::secret::{self, Secret};

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    Text,
    /// A text that is never shown. In a file it is a reference (`{ env = "NAME" }`), or a plain text, with a warning.
    Secret,
    Flag,
    Integer,
    Number,
    /// Seconds, fractions allowed.
    Seconds,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Type {
    /// As a person would name it in a message: "a number".
    pub fn named(self) -> String {
        match self {
            Type::Text => "a text".into(),
            Type::Secret => "a secret".into(),
            Type::Flag => "true or false".into(),
            Type::Integer => "a whole number".into(),
            Type::Number => "a number".into(),
            Type::Seconds => "a number of seconds".into(),
            Type::Choice(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                format!("one of {}", quoted.join(", "))
            }
        }
    }
}

/// One line of a service's table.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub holds: Type,
    /// What it is for, with the default, as one sentence.
    pub help: &'static str,
    /// As it would stand in `pult.toml`.
    pub example: &'static str,
}

/// A line of a table.
pub const fn setting(name: &'static str, holds: Type, help: &'static str, example: &'static str) -> Setting {
    Setting { name, holds, help, example }
}

/// What every connection of every service may be told besides the service's own table.
pub const COMMON: &[Setting] = &[Setting {
    name: "read_only",
    holds: Type::Flag,
    help: "Refuses every call that changes something. Default: false.",
    example: "true",
}];

/// The line for a name in a service's table or in [`COMMON`]; else what is wrong, and how it may be put right.
pub fn lookup(table: &'static [Setting], name: &str) -> Result<&'static Setting, (String, Option<String>)> {
    let all = || table.iter().chain(COMMON);
    if let Some(setting) = all().find(|setting| setting.name == name) {
        return Ok(setting);
    }
    let hint = did_you_mean(name, all().map(|setting| setting.name)).unwrap_or_else(|| {
        let names: Vec<&str> = all().map(|setting| setting.name).collect();
        format!("known here: {}", names.join(", "))
    });
    Err((format!("unknown setting `{name}`"), Some(hint)))
}

/// A value that has passed its table.
#[derive(Clone, Debug)]
pub enum Given {
    Text(String),
    Secret(Secret),
    Flag(bool),
    Integer(i64),
    Number(f64),
}

impl Given {
    fn named(&self) -> &'static str {
        match self {
            Given::Text(_) => "a text",
            Given::Secret(_) => "a secret",
            Given::Flag(_) => "true or false",
            Given::Integer(_) => "a whole number",
            Given::Number(_) => "a number",
        }
    }

    /// The value as the table wants it, or what is wrong with it.
    pub fn fit(self, holds: Type) -> Result<Given, String> {
        match (holds, self) {
            (Type::Secret, Given::Text(text)) => Ok(Given::Secret(Secret::new(text))),
            (Type::Number | Type::Seconds, Given::Integer(n)) => Given::Number(n as f64).fit(holds),
            (Type::Seconds, Given::Number(n)) if !(n.is_finite() && n >= 0.0) => {
                Err(format!("{n} is not a number of seconds"))
            }
            (Type::Choice(words), Given::Text(text)) if !words.contains(&text.as_str()) => {
                let near = did_you_mean(&text, words.iter().copied()).unwrap_or_default();
                Err(format!("\"{text}\" is not {}; {near}", holds.named()).trim_end_matches("; ").to_owned())
            }
            (Type::Text, Given::Text(text)) => {
                secret::hide_login(&text);
                Ok(Given::Text(text))
            }
            (Type::Choice(_), given @ Given::Text(_))
            | (Type::Secret, given @ Given::Secret(_))
            | (Type::Flag, given @ Given::Flag(_))
            | (Type::Integer, given @ Given::Integer(_))
            | (Type::Number | Type::Seconds, given @ Given::Number(_)) => Ok(given),
            (_, given) => Err(format!("expected {}, found {}", holds.named(), given.named())),
        }
    }
}

/// The settings of one connection, each checked against the service's table.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where they come from, for messages: `[b24.main] in pult.toml`, `connect(#{…})`.
    pub origin: String,
    values: BTreeMap<&'static str, Given>,
    /// Where those settings come from that do not stand with the others.
    elsewhere: BTreeMap<&'static str, String>,
}

impl Settings {
    pub fn new(origin: impl Into<String>) -> Settings {
        Settings { origin: origin.into(), ..Settings::default() }
    }

    /// Takes one value, or says what is wrong: an unknown name (with a near one), or a value of the wrong type.
    pub fn set(&mut self, table: &'static [Setting], name: &str, given: Given) -> Result<(), (String, Option<String>)> {
        let setting = lookup(table, name)?;
        let given = given.fit(setting.holds).map_err(|wrong| (format!("`{name}`: {wrong}"), None))?;
        self.values.insert(setting.name, given);
        self.elsewhere.remove(setting.name);
        Ok(())
    }

    /// Takes a value that fits its setting already ([`Given::fit`]), and where it stands: a profile replaces single
    /// settings of a connection.
    pub fn put(&mut self, setting: &Setting, given: Given, origin: &str) {
        self.values.insert(setting.name, given);
        if origin == self.origin {
            self.elsewhere.remove(setting.name);
        } else {
            self.elsewhere.insert(setting.name, origin.to_owned());
        }
    }

    /// Where this setting comes from; for one that is not given, where it would be looked for.
    pub fn origin_of(&self, name: &str) -> &str {
        self.elsewhere.get(name).unwrap_or(&self.origin)
    }

    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// All that is given, by name.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Given)> {
        self.values.iter().map(|(name, given)| (*name, given))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Given::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn secret(&self, name: &str) -> Option<&Secret> {
        match self.values.get(name) {
            Some(Given::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    pub fn flag(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Given::Flag(true)))
    }

    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.values.get(name) {
            Some(Given::Integer(n)) => Some(*n),
            _ => None,
        }
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        match self.values.get(name) {
            Some(Given::Number(n)) => Some(*n),
            _ => None,
        }
    }

    /// An error about one of these settings, naming where they stand.
    pub fn wrong(&self, name: &str, message: impl std::fmt::Display) -> Error {
        Error::new(Kind::Config, "config.wrong_value", format!("{}: `{name}`: {message}", self.origin_of(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Setting] = &[
        Setting { name: "webhook", holds: Type::Secret, help: "The address.", example: "{ env = \"B24_WEBHOOK\" }" },
        Setting {
            name: "plan",
            holds: Type::Choice(&["standard", "enterprise"]),
            help: "The plan.",
            example: "\"standard\"",
        },
        Setting { name: "timeout", holds: Type::Seconds, help: "How long.", example: "60" },
    ];

    #[test]
    fn a_table_takes_what_fits_and_names_what_does_not() {
        let mut settings = Settings::new("test");
        settings.set(TABLE, "timeout", Given::Integer(30)).unwrap();
        assert_eq!(settings.number("timeout"), Some(30.0));
        let (message, hint) = settings.set(TABLE, "webhok", Given::Text("x".into())).unwrap_err();
        assert_eq!(message, "unknown setting `webhok`");
        assert_eq!(hint.unwrap(), "did you mean `webhook`?");
        let (message, _) = settings.set(TABLE, "plan", Given::Text("enterprize".into())).unwrap_err();
        assert!(message.contains("did you mean `enterprise`?"), "{message}");
        let (message, _) = settings.set(TABLE, "timeout", Given::Text("long".into())).unwrap_err();
        assert_eq!(message, "`timeout`: expected a number of seconds, found a text");
    }

    #[test]
    fn every_connection_may_be_told_to_read_only() {
        let mut settings = Settings::new("test");
        settings.set(TABLE, "read_only", Given::Flag(true)).unwrap();
        assert!(settings.flag("read_only"));
        let (_, hint) = settings.set(TABLE, "readonly", Given::Flag(true)).unwrap_err();
        assert_eq!(hint.unwrap(), "did you mean `read_only`?");
    }

    #[test]
    fn an_error_names_the_place_of_its_setting() {
        let mut settings = Settings::new("[b24.main]");
        settings.put(&TABLE[1], Given::Text("standard".into()), "[b24.main]");
        settings.put(&TABLE[2], Given::Number(1.0), "[profiles.test.b24.main]");
        assert_eq!(settings.wrong("plan", "x").message(), "[b24.main]: `plan`: x");
        assert_eq!(settings.wrong("timeout", "x").message(), "[profiles.test.b24.main]: `timeout`: x");
    }
}
