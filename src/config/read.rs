//! From the text of `pult.toml` to its sections, and to every mistake in it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::error::did_you_mean;
use crate::settings::{Given, Setting, Type, lookup};

use super::serve::{self, ServeSection};
use super::veil::{self, Hidden};
use super::{Known, Mistake};

pub(super) type Key<'i> = Spanned<DeString<'i>>;
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

const PROFILES: &str = "profiles";
const FOLDERS: &str = "fs";

/// Ways to say where a value stands, in the order people should prefer them.
pub(super) const REFERENCES: [&str; 3] = ["env", "file", "keyring"];

/// What a file says. Where there are mistakes the rest is what could still be made out.
#[derive(Default)]
pub(super) struct Document {
    /// In the order of the file.
    pub sections: Vec<Section>,
    pub serve: Vec<ServeSection>,
    pub profiles: Vec<String>,
    /// Folders of `[fs] allow`, as written.
    pub allow: Vec<String>,
    /// In the order of the file, for both.
    pub mistakes: Vec<Mistake>,
    pub warnings: Vec<Mistake>,
    /// Where a secret stands in plain text, or may.
    pub hidden: Hidden,
}

/// One `[service.name]` or `[profiles.profile.service.name]`.
pub(super) struct Section {
    pub profile: Option<String>,
    pub service: &'static str,
    pub name: String,
    pub values: Vec<Entry>,
}

impl Section {
    /// Whether this one says something about a setting of the same connection, too.
    pub(super) fn replaces(&self, other: &Section, setting: &Setting) -> bool {
        let same = self.service == other.service && self.name == other.name;
        same && self.values.iter().any(|value| value.setting.name == setting.name)
    }

    pub(super) fn title(&self) -> String {
        title(self.profile.as_deref(), self.service, &self.name)
    }
}

pub(super) struct Entry {
    pub setting: &'static Setting,
    pub span: Range<usize>,
    pub source: Source,
}

/// The value, or where it is.
pub(super) enum Source {
    Here(Given),
    Reference(Reference),
}

pub(super) enum Reference {
    Env(String),
    File(String),
    Keyring { service: String, user: String },
}

/// A section as it stands in the file: `[b24.main]`.
pub(super) fn title(profile: Option<&str>, service: &str, name: &str) -> String {
    format!("[{}.{}]", profiled(profile, service), quoted(name))
}

/// A section's name with that of its profile: `profiles.test.serve`.
pub(super) fn profiled(profile: Option<&str>, section: &str) -> String {
    match profile {
        Some(profile) => format!("{PROFILES}.{}.{section}", quoted(profile)),
        None => section.to_owned(),
    }
}

fn quoted(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !name.is_empty() && name.chars().all(bare) {
        true => name.to_owned(),
        false => toml::Value::from(name).to_string(),
    }
}

pub(super) fn read(text: &str, known: &[Known]) -> Document {
    let (root, errors) = DeTable::parse_recoverable(text);
    let syntax: Vec<Mistake> = errors.iter().map(|error| syntax(text, error)).collect();
    let mut reader = Reader { text, known, found: Document::default(), open: Vec::new() };
    reader.document(root.get_ref());
    let Reader { mut found, open, .. } = reader;
    found.hidden.leaves(root.get_ref(), &open);
    found.hidden.lines(text, &veil::Rules::new(known, !syntax.is_empty()));
    found.mistakes = together(text, syntax, found.mistakes);
    found.warnings.sort_by_key(|warning| warning.span.start);
    found
}

pub(super) struct Reader<'a> {
    text: &'a str,
    known: &'a [Known],
    pub(super) found: Document,
    /// Values that everybody may see.
    open: Vec<Range<usize>>,
}

impl Reader<'_> {
    fn document(&mut self, root: &DeTable) {
        for (key, value) in entries(root) {
            match key.get_ref().as_ref() {
                PROFILES => self.profiles(value),
                FOLDERS => self.folders(value),
                serve::SECTION => self.serve(None, value),
                _ => self.service(None, key, value),
            }
        }
    }

    fn profiles(&mut self, value: &Value) {
        let Some(profiles) = self.table(value, "[profiles.NAME.SERVICE.CONNECTION]") else { return };
        for (key, value) in entries(profiles) {
            let profile = key.get_ref().as_ref();
            self.found.profiles.push(profile.to_owned());
            let expected = format!("[{PROFILES}.{}.SERVICE.CONNECTION]", quoted(profile));
            let Some(services) = self.table(value, &expected) else { continue };
            for (key, value) in entries(services) {
                match key.get_ref().as_ref() {
                    serve::SECTION => self.serve(Some(profile), value),
                    _ => self.service(Some(profile), key, value),
                }
            }
        }
    }

    fn folders(&mut self, value: &Value) {
        let Some(table) = self.table(value, "[fs]") else { return };
        for (key, value) in entries(table) {
            if key.get_ref() != "allow" {
                let hint = did_you_mean(key.get_ref(), ["allow"]).unwrap_or_else(|| "known here: allow".to_owned());
                self.wrong(key.span(), format!("unknown setting `{}`", key.get_ref()), hint);
                continue;
            }
            let Some(folders) = value.get_ref().as_array() else {
                self.wrong(
                    value.span(),
                    format!("`allow`: expected a list, found {}", named(value)),
                    "write allow = [\"folder\", …]".to_owned(),
                );
                continue;
            };
            for folder in folders {
                self.folder(folder);
            }
        }
    }

    fn folder(&mut self, value: &Value) {
        match value.get_ref() {
            DeValue::String(folder) if !folder.is_empty() => {
                self.open.push(value.span());
                self.found.allow.push(folder.as_ref().to_owned());
            }
            DeValue::String(_) => {
                let message = "`allow`: the name of a folder is empty".to_owned();
                self.wrong(value.span(), message, "write \".\" for the folder of this file".to_owned());
            }
            _ => {
                let message = format!("`allow`: expected the name of a folder, found {}", named(value));
                self.wrong(value.span(), message, "write allow = [\"folder\", …]".to_owned());
            }
        }
    }

    fn service(&mut self, profile: Option<&str>, key: &Key, value: &Value) {
        let name = key.get_ref().as_ref();
        let Some(&known) = self.known.iter().find(|known| known.service == name) else {
            return self.unknown_service(profile, key, value);
        };
        let Some(connections) = self.table(value, &title(profile, name, "main")) else { return };
        for (key, value) in entries(connections) {
            self.connection(profile, known, key, value);
        }
    }

    fn unknown_service(&mut self, profile: Option<&str>, key: &Key, value: &Value) {
        let name = key.get_ref().as_ref();
        let owner = self.known.iter().find(|known| known.settings.iter().any(|setting| setting.name == name));
        if let Some(owner) = owner {
            let hint = format!("put it below {}", title(profile, owner.service, "main"));
            return self.wrong(key.span(), format!("the setting `{name}` stands in no connection"), hint);
        }
        let sections = self.known.iter().map(|known| known.service);
        let mut sections: Vec<&str> = sections.chain([serve::SECTION]).collect();
        if profile.is_none() {
            sections.extend([FOLDERS, PROFILES]);
        }
        let hint = did_you_mean(name, sections.iter().copied())
            .unwrap_or_else(|| format!("known here: {}", sections.join(", ")));
        let message = match value.get_ref() {
            DeValue::Table(_) => format!("unknown service `{name}`"),
            _ => format!("unknown setting `{name}`, in no section"),
        };
        self.wrong(key.span(), message, hint);
    }

    fn connection(&mut self, profile: Option<&str>, known: Known, key: &Key, value: &Value) {
        let name = key.get_ref().as_ref();
        // `[b24]` with settings in it, where `[b24.main]` is meant.
        if lookup(known.settings, name).is_ok() {
            let hint = format!("put it below {}", title(profile, known.service, "main"));
            return self.wrong(key.span(), format!("the setting `{name}` stands in no connection"), hint);
        }
        let Some(settings) = self.table(value, &title(profile, known.service, name)) else { return };
        let values = entries(settings).into_iter().filter_map(|(key, value)| self.setting(known, key, value)).collect();
        self.found.sections.push(Section {
            profile: profile.map(str::to_owned),
            service: known.service,
            name: name.to_owned(),
            values,
        });
    }

    pub(super) fn setting(&mut self, known: Known, key: &Key, value: &Value) -> Option<Entry> {
        let setting = match lookup(known.settings, key.get_ref()) {
            Ok(setting) => setting,
            Err((message, hint)) => {
                self.mistake(Mistake::new(key.span(), message).hint(hint));
                return None;
            }
        };
        Some(Entry { setting, span: value.span(), source: self.source(setting, value)? })
    }

    pub(super) fn source(&mut self, setting: &'static Setting, value: &Value) -> Option<Source> {
        Some(match value.get_ref() {
            DeValue::Table(table) => Source::Reference(self.reference(setting, table, value.span())?),
            _ => Source::Here(self.given(setting, value)?),
        })
    }

    /// A value that stands in the file itself.
    fn given(&mut self, setting: &'static Setting, value: &Value) -> Option<Given> {
        if setting.holds == Type::Secret {
            self.plain_secret(setting, value);
        } else {
            self.open.push(value.span());
        }
        let given = given(value).map_err(|found| {
            let message = format!("`{}`: expected {}, found {found}", setting.name, setting.holds.named());
            Mistake::new(value.span(), message).hint(as_in(setting))
        });
        let fitting = given.and_then(|given| {
            let hint = quotes(setting.holds, &given).unwrap_or_else(|| as_in(setting));
            let wrong = |wrong| Mistake::new(value.span(), format!("`{}`: {wrong}", setting.name)).hint(hint);
            given.fit(setting.holds).map_err(wrong)
        });
        fitting.map_err(|mistake| self.mistake(mistake)).ok()
    }

    fn plain_secret(&mut self, setting: &Setting, value: &Value) {
        self.found.hidden.add(value.span());
        match value.get_ref() {
            DeValue::String(text) => self.found.hidden.add_secret(text),
            // `true` would tear holes into everything that is printed.
            DeValue::Integer(_) => self.found.hidden.add_secret(self.text.get(value.span()).unwrap_or_default()),
            _ => {}
        }
        let message = format!("`{}` stands in the file as plain text", setting.name);
        let hint = format!("write `{{ env = \"NAME\" }}` or `{{ file = \"path\" }}`, as in {}", setting.example);
        self.found.warnings.push(Mistake::new(value.span(), message).hint(hint));
    }

    /// `{ env = "NAME" }` and its like.
    fn reference(&mut self, setting: &Setting, table: &DeTable, span: Range<usize>) -> Option<Reference> {
        let secret = setting.holds == Type::Secret;
        let ways = if secret { &REFERENCES[..] } else { &REFERENCES[..1] };
        let written: Vec<String> = ways.iter().map(|way| format!("{{ {way} = … }}")).collect();
        let entries = entries(table);
        let [(key, value)] = entries[..] else {
            let hint = format!("write {}", written.join(" or "));
            self.wrong(span, format!("`{}`: expected one reference", setting.name), hint);
            return None;
        };
        let way = key.get_ref().as_ref();
        if !ways.contains(&way) {
            let message = match REFERENCES.contains(&way) {
                true => format!("`{}` is no secret and cannot be read from a {way}", setting.name),
                false => format!("`{}`: unknown reference `{way}`", setting.name),
            };
            let hint = did_you_mean(way, ways.iter().copied());
            let hint = hint.unwrap_or_else(|| format!("write the value itself, or {}", written.join(" or ")));
            self.wrong(key.span(), message, hint);
            return None;
        }
        self.followed(setting, way, value)
    }

    fn followed(&mut self, setting: &Setting, way: &str, value: &Value) -> Option<Reference> {
        let DeValue::String(text) = value.get_ref() else {
            let message = format!("`{}`: expected `{way} = \"…\"`, found {}", setting.name, named(value));
            self.wrong(value.span(), message, as_in(setting));
            return None;
        };
        let reference = match (way, text.split_once('/')) {
            ("env", _) if is_variable(text) => Ok(Reference::Env(text.to_string())),
            ("env", _) => {
                // It may be the secret itself, so it is not repeated, and stays hidden.
                self.found.hidden.add_secret(text);
                Err("this is not the name of an environment variable")
            }
            ("file", _) if !text.is_empty() => Ok(Reference::File(text.to_string())),
            ("file", _) => Err("the path is empty"),
            (_, Some((service, user))) if !service.is_empty() && !user.is_empty() => {
                Ok(Reference::Keyring { service: service.to_owned(), user: user.to_owned() })
            }
            _ => Err("expected \"service/user\""),
        };
        match reference {
            Ok(reference) => {
                self.open.push(value.span());
                Some(reference)
            }
            Err(wrong) => {
                let hint = match way {
                    "env" => "write the variable's name here, and put the secret into the variable".to_owned(),
                    "file" => "write the path of a file that holds the value alone".to_owned(),
                    _ => "write the two names under which the Credential Manager keeps it".to_owned(),
                };
                self.wrong(value.span(), format!("`{}`: {wrong}", setting.name), hint);
                None
            }
        }
    }

    /// The table behind a value that has to be one.
    pub(super) fn table<'t, 'i>(&mut self, value: &'t Value<'i>, expected: &str) -> Option<&'t DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let hint = match value.get_ref() {
                DeValue::Array(_) => format!("write {expected}, with one pair of brackets"),
                _ => format!("write {expected} on a line of its own, and the settings below it"),
            };
            let message = format!("expected a section {expected}, found {}", named(value));
            self.wrong(value.span(), message, hint);
        }
        table
    }

    pub(super) fn wrong(&mut self, span: Range<usize>, message: String, hint: String) {
        self.mistake(Mistake::new(span, message).hint(hint));
    }

    fn mistake(&mut self, mistake: Mistake) {
        self.found.mistakes.push(mistake);
    }
}

/// In the order of the file; the parser gives them by the alphabet.
pub(super) fn entries<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Key<'i>, &'t Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn named(value: &Value) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// The value as a table of settings takes it, or the name of what it takes none of.
fn given(value: &Value) -> Result<Given, &'static str> {
    match value.get_ref() {
        DeValue::String(text) => Ok(Given::Text(text.as_ref().to_owned())),
        DeValue::Boolean(flag) => Ok(Given::Flag(*flag)),
        DeValue::Integer(n) => {
            i64::from_str_radix(n.as_str(), n.radix()).map(Given::Integer).map_err(|_| "a number that is too large")
        }
        DeValue::Float(n) => n.as_str().parse().map(Given::Number).map_err(|_| "a number that cannot be read"),
        _ => Err(named(value)),
    }
}

/// The hint where nothing better is known.
fn as_in(setting: &Setting) -> String {
    if let Type::Choice(_) = setting.holds {
        return "write one of these words, in quotes".to_owned();
    }
    format!("write it as in: {} = {}", setting.name, setting.example)
}

/// The hint for the commonest wrong type: quotes too many or too few.
fn quotes(holds: Type, given: &Given) -> Option<String> {
    match (holds, given) {
        (Type::Flag, Given::Text(text)) if text.parse::<bool>().is_ok() => Some(format!("write {text} without quotes")),
        (Type::Integer | Type::Number | Type::Seconds, Given::Text(text)) if text.parse::<f64>().is_ok() => {
            Some(format!("write {text} without quotes"))
        }
        (Type::Text | Type::Secret, Given::Integer(_) | Given::Number(_) | Given::Flag(_)) => {
            Some("put it in quotes".to_owned())
        }
        _ => None,
    }
}

/// Whether a text can be the name of an environment variable.
pub(super) fn is_variable(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A mistake of the file's form. The parser's words are kept where they help, and put plainly where they do not.
fn syntax(text: &str, error: &toml::de::Error) -> Mistake {
    let span = error.span().unwrap_or(0..0);
    let span = span.start.min(text.len())..span.end.min(text.len());
    let written = text.get(span.clone()).unwrap_or_default();
    let message = error.message();
    if message.starts_with("duplicate key") {
        Mistake::new(span, format!("`{written}` stands here a second time")).hint("keep one of the two".to_owned())
    } else if message.starts_with("string values must be quoted") && written.is_empty() {
        Mistake::new(span, "there is no value after `=`").hint("write one, or delete the line".to_owned())
    } else if message.starts_with("string values must be quoted") {
        Mistake::new(span, "a text must stand in quotes").hint("write name = \"value\"".to_owned())
    } else if message.contains("escape") {
        Mistake::new(span, "in double quotes, a backslash begins an escape")
            .hint("write a path of Windows in single quotes: 'C:\\Program Files'".to_owned())
    } else if message.starts_with("invalid unquoted key") && written == ":" {
        Mistake::new(span, "a value is given by `=`, not by `:`").hint("write name = value".to_owned())
    } else if message.starts_with("invalid unquoted key") {
        Mistake::new(span, message).hint("put the name in quotes".to_owned())
    } else {
        Mistake::new(span, message)
            .hint("the file consists of [section] lines with name = value lines below".to_owned())
    }
}

/// The mistakes of form and of meaning in the order of the file: one of form for each line, and none of meaning where
/// the form is broken, for there it would only be an echo.
fn together(text: &str, mut syntax: Vec<Mistake>, meaning: Vec<Mistake>) -> Vec<Mistake> {
    let line = |at: usize| text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count();
    syntax.sort_by_key(|mistake| mistake.span.start);
    syntax.dedup_by_key(|mistake| line(mistake.span.start));
    let broken: Vec<usize> = syntax.iter().map(|mistake| line(mistake.span.start)).collect();
    let is_echo = |mistake: &Mistake| {
        let lines = line(mistake.span.start)..=line(mistake.span.end);
        broken.iter().any(|broken| lines.contains(broken))
    };
    syntax.extend(meaning.into_iter().filter(|mistake| !is_echo(mistake)));
    syntax.sort_by_key(|mistake| mistake.span.start);
    syntax
}
