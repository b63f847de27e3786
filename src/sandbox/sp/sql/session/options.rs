//! SET.

use super::{Flow, Session};
use crate::sandbox::sp::sql::ast::{Expr, Name, Setting};
use crate::sandbox::sp::sql::failure::{self, Reach};
use crate::sandbox::sp::sql::moment::Format;
use crate::sandbox::sp::sql::out::{Out, Said, Sink};
use crate::sandbox::sp::sql::own::TablePlace;
use crate::sandbox::sp::sql::value::Value;
use crate::sandbox::sp::world::{DBO, place};

/// Options that are on or off.
const SWITCHES: [&str; 24] = [
    "ANSI_DEFAULTS",
    "ANSI_NULLS",
    "ANSI_NULL_DFLT_OFF",
    "ANSI_NULL_DFLT_ON",
    "ANSI_PADDING",
    "ANSI_WARNINGS",
    "ARITHABORT",
    "ARITHIGNORE",
    "CONCAT_NULL_YIELDS_NULL",
    "CURSOR_CLOSE_ON_COMMIT",
    "FMTONLY",
    "FORCEPLAN",
    "IMPLICIT_TRANSACTIONS",
    "IO",
    "NOCOUNT",
    "NOEXEC",
    "NUMERIC_ROUNDABORT",
    "PROFILE",
    "QUOTED_IDENTIFIER",
    "REMOTE_PROC_TRANSACTIONS",
    "TIME",
    "XACT_ABORT",
    "XML",
    "SHOWPLAN_TEXT",
];

/// Languages with their format of dates and the first day of their week.
const LANGUAGES: [(&str, &str, Format, u8); 8] = [
    ("us_english", "us_english", Format::Mdy, 7),
    ("English", "us_english", Format::Mdy, 7),
    ("British", "British", Format::Dmy, 1),
    ("British English", "British", Format::Dmy, 1),
    ("Deutsch", "Deutsch", Format::Dmy, 1),
    ("German", "Deutsch", Format::Dmy, 1),
    ("русский", "русский", Format::Dmy, 1),
    ("Russian", "русский", Format::Dmy, 1),
];

/// Levels from 1.
const LEVELS: [&str; 5] = ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "SNAPSHOT"];

impl Session {
    pub(super) async fn set(&mut self, names: &[String], setting: &Setting, sink: &mut dyn Sink) -> Flow<()> {
        match setting {
            Setting::IdentityInsert(table, on) => self.identity_insert(table, *on)?,
            Setting::Switch(on) => {
                for name in names {
                    self.switch(name, *on)?;
                }
            }
            Setting::Value(value) => {
                for name in names {
                    self.set_value(name, value, sink).await?;
                }
            }
        }
        self.own.row_count = 0;
        Ok(())
    }

    fn switch(&mut self, name: &str, on: bool) -> Flow<()> {
        if !SWITCHES.contains(&name) {
            let text = format!("'{name}' is not a recognized SET option.");
            return Err(failure::failure(195, 15, 5, text).reach(Reach::Scope).into());
        }
        if on && matches!(name, "NOEXEC" | "FMTONLY" | "SHOWPLAN_TEXT") {
            return Err(failure::unsupported(&format!("SET {name} ON")).into());
        }
        let all: &[&str] = match name {
            "ANSI_DEFAULTS" => {
                &["ANSI_NULLS", "ANSI_PADDING", "ANSI_WARNINGS", "QUOTED_IDENTIFIER", "IMPLICIT_TRANSACTIONS"]
            }
            _ => &[],
        };
        for name in all.iter().copied().chain([name]) {
            self.own.options.switch(name, on);
        }
        Ok(())
    }

    async fn set_value(&mut self, name: &str, value: &Expr, sink: &mut dyn Sink) -> Flow<()> {
        let value = self.constant(value)?;
        let text = value.as_text().unwrap_or_default().to_owned();
        let number = value.as_integer();
        let wrong =
            || failure::failure(1074, 15, 1, format!("'{}' is not a valid value for SET {name}.", shown(&value)));
        let number = || number.ok_or_else(wrong);
        let small = || number().and_then(|number| i32::try_from(number).map_err(|_| wrong()));
        match name {
            "LANGUAGE" => return self.set_language(&text, sink).await,
            "DATEFORMAT" => {
                let format = Format::named(&text).ok_or_else(|| {
                    failure::failure(2741, 16, 1, format!("SET DATEFORMAT date order '{text}' is invalid."))
                })?;
                self.own.options.date_format = format;
            }
            "DATEFIRST" => {
                let first = small()?;
                if !(1..=7).contains(&first) {
                    return Err(failure::failure(2744, 16, 1, format!("SET DATEFIRST {first} is out of range.")).into());
                }
                self.own.options.date_first = first as u8;
            }
            "TEXTSIZE" => self.own.options.text_size = if small()? <= 0 { i32::MAX } else { small()? },
            "LOCK_TIMEOUT" => self.own.options.lock_timeout = small()?.max(-1),
            "ROWCOUNT" => self.own.options.row_count = u64::try_from(number()?).map_err(|_| wrong())?,
            "ISOLATION" => {
                let level = LEVELS.iter().position(|known| *known == text).unwrap_or(1);
                self.own.options.isolation = level as i16 + 1;
            }
            "DEADLOCK_PRIORITY" => {
                self.own.options.deadlock_priority = match text.to_ascii_uppercase().as_str() {
                    "LOW" => -5,
                    "NORMAL" => 0,
                    "HIGH" => 5,
                    _ => small()?,
                };
            }
            "CONTEXT_INFO" => match value {
                Value::Binary(bytes) => self.own.options.context_info = bytes.into_iter().take(128).collect(),
                _ => return Err(wrong().into()),
            },
            "QUERY_GOVERNOR_COST_LIMIT" => {}
            _ => {
                let text = format!("'{name}' is not a recognized SET option.");
                return Err(failure::failure(195, 15, 5, text).reach(Reach::Scope).into());
            }
        }
        Ok(())
    }

    async fn set_language(&mut self, name: &str, sink: &mut dyn Sink) -> Flow<()> {
        let folded = name.to_lowercase();
        let found = LANGUAGES.iter().find(|(known, ..)| known.to_lowercase() == folded);
        let Some((_, language, format, first)) = found else {
            let text = format!("The requested language '{name}' is not an official name or alias in this sandbox.");
            return Err(failure::failure(2740, 16, 1, text).into());
        };
        self.own.options.language = (*language).to_owned();
        self.own.options.date_format = *format;
        self.own.options.date_first = *first;
        let text = format!("Changed language setting to {language}.");
        sink.put(Out::Language((*language).to_owned())).await?;
        let said = Said { number: 5703, severity: 0, state: 1, text, procedure: String::new(), line: 1 };
        Ok(sink.put(Out::Info(said)).await?)
    }

    fn identity_insert(&mut self, name: &Name, on: bool) -> Flow<()> {
        let table = match name.name.starts_with('#') {
            true => TablePlace::Temporary(name.name.to_lowercase()),
            false => {
                let state = self.world.state();
                let database =
                    state.database_of(name, self.own.database).ok_or_else(|| failure::no_object(&name.written()))?;
                TablePlace::Database(database, place(name.schema.as_deref().unwrap_or(DBO), &name.name))
            }
        };
        let is_there = self.own.table(&table, &self.world.state()).is_some();
        if !is_there {
            let text = format!(
                "Cannot find the object \"{}\" because it does not exist or you do not have permissions.",
                name.written()
            );
            return Err(failure::failure(1088, 16, 11, text).into());
        }
        self.own.identity_insert = on.then_some(table);
        Ok(())
    }
}

fn shown(value: &Value) -> String {
    value.as_text().map_or_else(|| value.as_integer().unwrap_or_default().to_string(), str::to_owned)
}
