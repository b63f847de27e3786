//! Words in both languages of the controller, and moments as it writes them.

use jiff::Timestamp;

/// A sentence in English and Russian.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    en: String,
    ru: String,
}

/// The language somebody asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Lang {
    #[default]
    En,
    Ru,
}

impl Lang {
    /// Of a header `Accept-Language`.
    pub fn read(header: &str) -> Lang {
        if header.trim_start().to_ascii_lowercase().starts_with("ru") { Lang::Ru } else { Lang::En }
    }
}

pub fn text(en: impl Into<String>, ru: impl Into<String>) -> Text {
    Text { en: en.into(), ru: ru.into() }
}

impl Text {
    pub fn of(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Ru => &self.ru,
        }
    }

    /// The same with a name behind it.
    pub fn about(&self, name: &str) -> Text {
        text(format!("{} {name}", self.en), format!("{} {name}", self.ru))
    }
}

/// A moment of Unix time, in seconds, as `2026-01-02T03:04:05.000006Z`.
pub fn moment(at: f64) -> String {
    let at = Timestamp::from_microsecond((at * 1e6) as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// A moment as the login page writes it.
pub fn date(at: f64) -> String {
    let at = Timestamp::from_microsecond((at * 1e6) as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%d.%m.%Y %H:%M:%S UTC").to_string()
}
