//! How the utility speaks here: language, encoding, line ends, version. Told by the environment, else by the system.

use std::io::IsTerminal;

use super::encode::{self, Encoding};
use super::texts::Language;

pub const LANG: &str = "PULT_RAC_LANG";
pub const ENCODING: &str = "PULT_RAC_ENCODING";
pub const NEWLINE: &str = "PULT_RAC_NEWLINE";
pub const PROTOCOL: &str = "PULT_RAC_PROTOCOL";
pub const VERSION: &str = "PULT_RAC_VERSION";

const LANGUAGES: &[(&str, Language)] = &[("ru", Language::Russian), ("en", Language::English)];
const NEWLINES: &[(&str, &str)] = &[("lf", "\n"), ("crlf", "\r\n")];

/// A version of the protocol with that of the utility which speaks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Protocol {
    pub name: &'static str,
    utility: &'static str,
}

/// The first is the usual one.
pub const PROTOCOLS: &[(&str, Protocol)] = &[
    ("11.0", Protocol { name: "11.0", utility: "8.3.27.1936" }),
    ("16.0", Protocol { name: "16.0", utility: "8.5.1.1150" }),
];

#[derive(Debug)]
pub struct Manner {
    pub language: Language,
    pub newline: &'static str,
    /// Of standard output and of standard error.
    output: Encoding,
    errors: Encoding,
    pub protocol: Protocol,
    /// What `--version` prints.
    pub version: String,
}

impl Manner {
    /// Of this process. The second is what is wrong in the environment.
    pub fn of_process() -> (Manner, Option<String>) {
        let is_terminal = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        Manner::new(|name| std::env::var(name).ok().filter(|value| !value.is_empty()), is_terminal)
    }

    fn new(var: impl Fn(&str) -> Option<String>, (out, err): (bool, bool)) -> (Manner, Option<String>) {
        let mut wrong = None;
        let language = told(&var, LANG, LANGUAGES, &mut wrong);
        let newline = told(&var, NEWLINE, NEWLINES, &mut wrong);
        let encoding = told(&var, ENCODING, encode::NAMES, &mut wrong);
        let protocol = told(&var, PROTOCOL, PROTOCOLS, &mut wrong).unwrap_or(PROTOCOLS[0].1);
        let encoding = encoding.unwrap_or_else(system::encoding);
        // A Windows console is written to in Unicode, whatever its page: the standard library accepts nothing else.
        let of = |is_terminal: bool| if cfg!(windows) && is_terminal { Encoding::Utf8 } else { encoding };
        let manner = Manner {
            language: language.unwrap_or_else(|| system::language(&var)),
            newline: newline.unwrap_or(system::NEWLINE),
            output: of(out),
            errors: of(err),
            protocol,
            version: var(VERSION).unwrap_or_else(|| protocol.utility.into()),
        };
        (manner, wrong)
    }

    #[cfg(test)]
    pub fn told<const N: usize>(vars: [(&str, &str); N]) -> (Manner, Option<String>) {
        let var = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        Manner::new(var, (false, false))
    }

    /// A text for standard output as its bytes.
    pub fn output(&self, text: &str) -> Vec<u8> {
        self.bytes(text, self.output)
    }

    /// A text for standard error as its bytes.
    pub fn errors(&self, text: &str) -> Vec<u8> {
        self.bytes(text, self.errors)
    }

    fn bytes(&self, text: &str, encoding: Encoding) -> Vec<u8> {
        match self.newline {
            "\n" => encoding.encode(text),
            newline => encoding.encode(&text.replace('\n', newline)),
        }
    }
}

/// What a variable says, of the words that it may say.
fn told<T: Copy>(
    var: impl Fn(&str) -> Option<String>,
    name: &str,
    words: &[(&str, T)],
    wrong: &mut Option<String>,
) -> Option<T> {
    let said = var(name)?;
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&said));
    if found.is_none() {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        *wrong = Some(format!("{name}={said}: {}", words.join(", ")));
    }
    found.map(|(_, meant)| *meant)
}

#[cfg(not(windows))]
mod system {
    use super::{Encoding, Language};

    pub const NEWLINE: &str = "\n";

    pub fn encoding() -> Encoding {
        Encoding::Utf8
    }

    /// By the first of these that is set.
    pub fn language(var: impl Fn(&str) -> Option<String>) -> Language {
        match ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(var) {
            Some(locale) if locale.to_lowercase().starts_with("ru") => Language::Russian,
            _ => Language::English,
        }
    }
}

#[cfg(windows)]
mod system {
    use super::{Encoding, Language};

    pub const NEWLINE: &str = "\r\n";

    const PAGES: &str = r"SYSTEM\CurrentControlSet\Control\Nls\CodePage";

    /// The system's OEM page. Where it is one without Russian letters, that of Russian systems.
    pub fn encoding() -> Encoding {
        let page = windows_registry::LOCAL_MACHINE.open(PAGES).and_then(|pages| pages.get_string("OEMCP"));
        match page.as_deref() {
            Ok("65001") => Encoding::Utf8,
            Ok("1251") => Encoding::Cp1251,
            _ => Encoding::Cp866,
        }
    }

    /// The language in which Windows speaks to this user.
    pub fn language(_: impl Fn(&str) -> Option<String>) -> Language {
        match sys_locale::get_locale() {
            Some(locale) if locale.to_lowercase().starts_with("ru") => Language::Russian,
            _ => Language::English,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manner<const N: usize>(vars: &[(&str, &str); N]) -> (Manner, Option<String>) {
        Manner::told(*vars)
    }

    #[test]
    fn the_environment_decides() {
        let (windows, wrong) = manner(&[(LANG, "RU"), (ENCODING, "cp866"), (NEWLINE, "crlf"), (PROTOCOL, "16.0")]);
        assert_eq!((windows.language, windows.protocol.name, wrong), (Language::Russian, "16.0", None));
        assert_eq!(windows.output("а\nб\n"), b"\xa0\r\n\xa1\r\n");
        assert_eq!(windows.version, "8.5.1.1150");
        assert_eq!(manner(&[(VERSION, "8.3.21.1895")]).0.version, "8.3.21.1895");
        assert_eq!(manner(&[(NEWLINE, "cr")]).1.unwrap(), "PULT_RAC_NEWLINE=cr: lf, crlf");
    }

    #[cfg(not(windows))]
    #[test]
    fn the_locale_decides_where_nothing_is_said() {
        for (vars, expected) in [
            ([("LANG", "ru_RU.UTF-8"), ("X", "")], Language::Russian),
            ([("LANG", "ru_RU.UTF-8"), ("LC_ALL", "C")], Language::English),
            ([("LANG", "C"), ("LC_MESSAGES", "ru_RU")], Language::Russian),
            ([("X", ""), ("Y", "")], Language::English),
        ] {
            assert_eq!(manner(&vars).0.language, expected, "{vars:?}");
        }
    }
}
