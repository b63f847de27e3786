//! `[serve]`: the web service's own section. It has no connections; it has people, each with a token.

use std::ops::Range;

use crate::error::{Error, Fault, Kind, Result, near};
use crate::secret::Secret;
use crate::settings::{Given, Setting, Settings, Type, lookup, setting};

use super::read::{Entry, Reader, Source, Value, entries, profiled};
use super::refer::{self, Surroundings};
use super::{Known, Mistake, Shown};

/// The section's name, which no service has.
pub const SECTION: &str = "serve";

/// What the web service may be told.
pub const SETTINGS: &[Setting] = &[
    setting(
        "listen",
        Type::Text,
        "Address and port to listen on; default 127.0.0.1:8080, this machine alone. TLS is for a proxy in front.",
        "\"127.0.0.1:8080\"",
    ),
    setting("connection", Type::Text, "The connection of [sp] that is served; default the usual one.", "\"main\""),
    setting(
        "reading",
        Type::Choice(&["token", "anyone"]),
        "Who may read states and history: those with a token, or anyone. Default token.",
        "\"token\"",
    ),
    setting(
        "rate",
        Type::Number,
        "Requests a second that a user, or an address without a token, may make; 0 is no limit. Default 50.",
        "50",
    ),
    setting("burst", Type::Integer, "How many of them may come at once; default 100.", "100"),
    setting("body_limit", Type::Integer, "Longest body of a request in bytes; default 65536.", "65536"),
    setting("streams", Type::Integer, "Streams of events that are open at once at most; default 100.", "100"),
    setting(
        "on_stop",
        Type::Choice(&["finish", "cancel"]),
        "What becomes of runs when the service is told to stop; default finish. A second signal ends it at once.",
        "\"finish\"",
    ),
    setting(
        "access_log",
        Type::Text,
        "A file to which a line is written for each request, or \"-\" for standard error. Default: none is.",
        "\"access.log\"",
    ),
    setting(
        "proxy",
        Type::Text,
        "Address of a proxy whose header X-Forwarded-For is believed. Default: nobody's is.",
        "\"127.0.0.1\"",
    ),
    setting(
        "origins",
        Type::Text,
        "Origins of other sites whose pages may call this service, with blanks between. Default: none.",
        "\"https://portal.example\"",
    ),
    setting(
        "ready_database",
        Type::Flag,
        "Whether /readyz asks the target's server too, at most every ten seconds. Default: false.",
        "true",
    ),
];

/// The sections of people, and whether those named there may start something.
const PEOPLE: [(&str, bool); 2] = [("tokens", true), ("readers", false)];

/// What stands behind a user's name.
static TOKEN: Setting = setting("token", Type::Secret, "The user's token.", "{ env = \"PULT_TOKEN\" }");

/// What `[serve]` says.
#[derive(Clone, Debug, Default)]
pub struct Serve {
    pub settings: Settings,
    pub people: Vec<Person>,
    problems: Vec<Fault>,
}

/// Somebody with a token.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: String,
    pub token: Secret,
    /// Otherwise reads only.
    pub may_start: bool,
}

/// `[serve]` or `[profiles.NAME.serve]` as it stands in the file.
pub(super) struct ServeSection {
    pub profile: Option<String>,
    values: Vec<Entry>,
    people: Vec<Named>,
}

struct Named {
    user: String,
    may_start: bool,
    span: Range<usize>,
    source: Source,
}

impl Serve {
    /// The error is `config.unresolved`, with a fault for each value that is not where the file says.
    pub(super) fn usable(&self) -> Result<&Serve> {
        let Some(first) = self.problems.first() else { return Ok(self) };
        let message = match self.problems.len() {
            1 => first.message.clone(),
            several => format!("{} (and {} more)", first.message, several - 1),
        };
        let error = Error::new(Kind::Config, "config.unresolved", message);
        let error = first.hint.iter().fold(error, |error, hint| error.hint(hint));
        Err(error.faults(self.problems.clone()))
    }

    /// What the sections say together, those of the profile over the others. Warnings are about references that can be
    /// followed, but should not be as they are.
    pub(super) fn assembled(
        sections: Vec<ServeSection>,
        profile: Option<&str>,
        shown: &Shown,
        surroundings: &Surroundings,
    ) -> (Serve, Vec<Fault>) {
        let (general, special): (Vec<_>, Vec<_>) = sections.into_iter().partition(|section| section.profile.is_none());
        let chosen: Vec<_> = special.into_iter().filter(|section| section.profile.as_deref() == profile).collect();
        let mut serve =
            Serve { settings: Settings::new(format!("[{SECTION}] in {}", shown.name())), ..Serve::default() };
        let mut warnings = Vec::new();
        for mut section in general {
            let replaced = |name: &str| chosen.iter().flat_map(|one| &one.values).any(|v| v.setting.name == name);
            section.values.retain(|value| !replaced(value.setting.name));
            let renamed = |user: &str| chosen.iter().flat_map(|one| &one.people).any(|other| other.user == user);
            section.people.retain(|person| !renamed(&person.user));
            serve.take(section, shown, surroundings, &mut warnings);
        }
        for section in chosen {
            serve.take(section, shown, surroundings, &mut warnings);
        }
        (serve, warnings)
    }

    fn take(&mut self, section: ServeSection, shown: &Shown, surroundings: &Surroundings, warnings: &mut Vec<Fault>) {
        let origin = format!("[{}] in {}", profiled(section.profile.as_deref(), SECTION), shown.name());
        for value in section.values {
            let found = self.followed(value.setting.name, value.source, value.setting, value.span, shown, surroundings);
            if let Some(given) = found {
                self.settings.put(value.setting, given, &origin);
            }
        }
        for Named { user, may_start, span, source } in section.people {
            if let Source::Reference(reference) = &source {
                let warning = refer::warning(reference, surroundings);
                let warning = warning.map(|(message, hint)| Mistake::new(span.clone(), message).hint(hint));
                warnings.extend(warning.map(|mistake| shown.fault(mistake)));
            }
            if let Some(Given::Secret(token)) = self.followed(&user, source, &TOKEN, span, shown, surroundings) {
                self.people.push(Person { user, token, may_start });
            }
        }
    }

    fn followed(
        &mut self,
        name: &str,
        source: Source,
        setting: &Setting,
        span: Range<usize>,
        shown: &Shown,
        surroundings: &Surroundings,
    ) -> Option<Given> {
        let wrong = |(message, hint)| Mistake::new(span, format!("[{SECTION}]: `{name}`: {message}")).hint(hint);
        match refer::resolve(source, setting, surroundings) {
            Ok(given) => Some(given),
            Err(problem) => {
                self.problems.push(shown.fault(wrong(problem)));
                None
            }
        }
    }
}

impl Reader<'_> {
    pub(super) fn serve(&mut self, profile: Option<&str>, value: &Value) {
        let title = profiled(profile, SECTION);
        let Some(table) = self.table(value, &format!("[{title}]")) else { return };
        let mut section = ServeSection { profile: profile.map(str::to_owned), values: Vec::new(), people: Vec::new() };
        for (key, value) in entries(table) {
            let name = key.get_ref().as_ref();
            if let Some((table, may_start)) = PEOPLE.into_iter().find(|(table, _)| *table == name) {
                self.people(&format!("[{title}.{table}]"), may_start, value, &mut section.people);
            } else if lookup(SETTINGS, name).is_err() && !near(name, PEOPLE.map(|(table, _)| table)).is_empty() {
                let tables = PEOPLE.map(|(table, _)| format!("[{title}.{table}]")).join(" or ");
                self.wrong(key.span(), format!("unknown setting `{name}`"), format!("people stand in {tables}"));
            } else {
                section.values.extend(self.setting(Known { service: SECTION, settings: SETTINGS }, key, value));
            }
        }
        self.found.serve.push(section);
    }

    /// The people of one table; somebody who stands in both has to be one or the other.
    fn people(&mut self, title: &str, may_start: bool, value: &Value, people: &mut Vec<Named>) {
        let Some(table) = self.table(value, title) else { return };
        for (key, value) in entries(table) {
            let user = key.get_ref().as_ref();
            if user.trim().is_empty() || user.chars().any(char::is_control) {
                self.wrong(key.span(), "this is not the name of a user".into(), "write name = { env = \"…\" }".into());
            } else if people.iter().any(|known| known.user == user) {
                let hint = "keep it in [serve.tokens] to let the user start runs, else in [serve.readers]".into();
                self.wrong(key.span(), format!("the user `{user}` stands here a second time"), hint);
            } else if let Some(source) = self.source(&TOKEN, value) {
                people.push(Named { user: user.to_owned(), may_start, span: value.span(), source });
            }
        }
    }
}
