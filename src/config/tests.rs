//! The configuration, from files as people write them.

use std::ffi::OsString;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::error::Retry;
use crate::settings::Type;

const KNOWN: &[Known] = &[
    Known {
        service: "rac",
        settings: &[
            Setting { name: "address", holds: Type::Text, help: "Host and port.", example: "\"localhost:1545\"" },
            Setting { name: "utility", holds: Type::Text, help: "The program rac.", example: "'C:\\rac.exe'" },
            Setting { name: "timeout", holds: Type::Seconds, help: "How long an answer may take.", example: "60" },
        ],
    },
    Known {
        service: "b24",
        settings: &[
            Setting {
                name: "webhook",
                holds: Type::Secret,
                help: "The address.",
                example: "{ env = \"B24_WEBHOOK\" }",
            },
            Setting {
                name: "plan",
                holds: Type::Choice(&["standard", "enterprise"]),
                help: "The tariff of the portal, which decides how many requests a second it takes and how many it lets \
                       through in reserve before it refuses.",
                example: "\"standard\"",
            },
            Setting { name: "parallel", holds: Type::Integer, help: "Requests at once.", example: "4" },
        ],
    },
];

/// A file in a folder of its own, which goes when this does.
struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new(text: impl AsRef<[u8]>) -> File {
        let file = File { folder: tempfile::tempdir().unwrap() };
        file.write(FILE_NAME, text);
        file
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(FILE_NAME)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn load(&self) -> Result<Config> {
        self.load_with(None, &[])
    }

    fn load_with(&self, profile: Option<&str>, environment: &[(&str, &str)]) -> Result<Config> {
        let find = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, v)| OsString::from(v));
        Config::load_in(&self.path(), KNOWN, profile, &find)
    }

    /// What the file is told about itself: the marked text, the message and the hint of every mistake.
    fn mistakes(text: &str) -> Vec<(String, String, String)> {
        let error = File::new(text).load().unwrap_err();
        assert_eq!(error.code(), "config.invalid");
        assert_eq!(error.kind(), Kind::Config);
        assert_eq!(error.may_retry(), Retry::Useless);
        let faults = error.all_faults().iter();
        faults
            .map(|fault| {
                (text[fault.span.clone()].into(), fault.message.clone(), fault.hint.clone().unwrap_or_default())
            })
            .collect()
    }

    fn mistake(text: &str) -> (String, String, String) {
        let [one] = <[_; 1]>::try_from(File::mistakes(text)).unwrap();
        one
    }
}

fn all_marked(mistakes: &[(String, String, String)]) -> Vec<&str> {
    mistakes.iter().map(|(marked, ..)| marked.as_str()).collect()
}

#[test]
fn a_file_is_read_into_connections() {
    let text = "[rac.main]\naddress = \"localhost\"\ntimeout = 5\n\n[b24.main]\nwebhook = { env = \"HOOK\" }\n\
                read_only = true\n[b24.second]\nplan = \"enterprise\"\n";
    let config = File::new(text).load_with(None, &[("HOOK", "https://portal/rest/1/a1b2c3/")]).unwrap();
    assert_eq!(config.connection("rac", "main").unwrap().number("timeout"), Some(5.0));
    let (name, b24) = config.default_connection("b24").unwrap();
    assert_eq!(name, "main");
    assert_eq!(b24.secret("webhook").unwrap().expose(), "https://portal/rest/1/a1b2c3/");
    assert!(b24.flag("read_only"));
    assert_eq!(b24.origin, "[b24.main] in pult.toml");
    assert_eq!(config.connections("b24").collect::<Vec<_>>(), ["main", "second"]);
    assert!(config.warnings().is_empty());
}

#[test]
fn three_mistakes_are_reported_at_once_each_in_its_place() {
    let text = "[rac.main]\ntimout = 30\n[b24.main]\nplan = enterprise\nparallel = \"4\"\n";
    let mistakes = File::mistakes(text);
    assert_eq!(all_marked(&mistakes), ["timout", "enterprise", "\"4\""]);
    let [(_, unknown, near), (_, bare, _), (_, wrong, quotes)] = <[_; 3]>::try_from(mistakes).unwrap();
    assert_eq!((unknown.as_str(), near.as_str()), ("unknown setting `timout`", "did you mean `timeout`?"));
    assert_eq!(bare, "a text must stand in quotes");
    assert_eq!(wrong, "`parallel`: expected a whole number, found a text");
    assert_eq!(quotes, "write 4 without quotes");
    let error = File::new(text).load().unwrap_err();
    assert_eq!(error.message(), "pult.toml has 3 mistakes");
}

#[test]
fn names_that_are_not_known_get_near_ones() {
    let (marked, message, hint) = File::mistake("[b25.main]\nplan = \"standard\"\n");
    assert_eq!((marked.as_str(), message.as_str()), ("b25", "unknown service `b25`"));
    assert_eq!(hint, "did you mean `b24`?");
    let (marked, _, hint) = File::mistake("[profile.test.b24.main]\n");
    assert_eq!((marked.as_str(), hint.as_str()), ("profile", "did you mean `profiles`?"));
    let (marked, message, _) = File::mistake("[b24.main]\nplan = \"enterprize\"\n");
    assert_eq!(marked, "\"enterprize\"");
    assert!(message.ends_with("did you mean `enterprise`?"), "{message}");
    let (_, message, hint) = File::mistake("[b24.main]\nwebhook = { emv = \"X\" }\n");
    assert_eq!((message.as_str(), hint.as_str()), ("`webhook`: unknown reference `emv`", "did you mean `env`?"));
    let (_, _, hint) = File::mistake("[fs]\nalow = []\n");
    assert_eq!(hint, "did you mean `allow`?");
}

#[test]
fn a_setting_without_a_connection_is_told_where_to_go() {
    for text in ["webhook = { env = \"X\" }\n", "[b24]\nwebhook = { env = \"X\" }\n"] {
        let (marked, message, hint) = File::mistake(text);
        assert_eq!((marked.as_str(), message.as_str()), ("webhook", "the setting `webhook` stands in no connection"));
        assert_eq!(hint, "put it below [b24.main]");
    }
}

#[test]
fn what_is_not_a_section_or_stands_twice_is_a_mistake() {
    let (marked, message, _) = File::mistake("[rac]\nmain = 5\n");
    assert_eq!((marked.as_str(), message.as_str()), ("5", "expected a section [rac.main], found a whole number"));
    let (_, message, hint) = File::mistake("[[rac.main]]\ntimeout = 5\n");
    assert_eq!(message, "expected a section [rac.main], found a list");
    assert!(hint.contains("one pair of brackets"));
    let mistakes = File::mistakes("[rac.main]\ntimeout = 5\ntimeout = 6\n[rac.main]\n");
    assert_eq!(all_marked(&mistakes), ["timeout", "main"]);
    let (_, message, _) = File::mistake("[rac.main]\ntimeout = [5]\n");
    assert_eq!(message, "`timeout`: expected a number of seconds, found a list");
    let (_, message, _) = File::mistake("[b24.main]\nparallel = 99999999999999999999\n");
    assert_eq!(message, "`parallel`: expected a whole number, found a number that is too large");
    let (_, message, _) = File::mistake("profiles = 1\n");
    assert!(message.starts_with("expected a section [profiles."), "{message}");
    let (_, message, _) = File::mistake("[rac.main]\naddress = { file = \"x\" }\n");
    assert_eq!(message, "`address` is no secret and cannot be read from a file");
}

#[test]
fn a_colon_is_told_to_be_an_equals_sign() {
    let mistakes = File::mistakes("[rac.main]\ntimeout: 5\n");
    let messages: Vec<&str> = mistakes.iter().map(|(_, message, _)| message.as_str()).collect();
    assert_eq!(messages, ["a value is given by `=`, not by `:`"]);
}

#[test]
fn a_path_of_windows_in_double_quotes_is_explained() {
    let (_, message, hint) = File::mistake("[rac.main]\nutility = \"C:\\Program Files\\1cv8\\rac.exe\"\n");
    assert_eq!(message, "in double quotes, a backslash begins an escape");
    assert!(hint.contains("single quotes"));
}

#[test]
fn a_profile_replaces_settings_and_adds_connections() {
    let text = "[rac.main]\naddress = \"a\"\ntimeout = 5\n[profiles.test.rac.main]\naddress = \"b\"\n\
                [profiles.test.rac.other]\naddress = \"c\"\n[profiles.other.rac.main]\naddress = \"d\"\n";
    let file = File::new(text);
    let plain = file.load().unwrap();
    assert_eq!(plain.connection("rac", "main").unwrap().text("address"), Some("a"));
    assert_eq!(plain.connections("rac").count(), 1);
    let test = file.load_with(Some("test"), &[]).unwrap();
    let main = test.connection("rac", "main").unwrap();
    assert_eq!((main.text("address"), main.number("timeout")), (Some("b"), Some(5.0)));
    assert_eq!(main.origin_of("address"), "[profiles.test.rac.main] in pult.toml");
    assert_eq!(main.origin_of("timeout"), "[rac.main] in pult.toml");
    assert_eq!(test.connection("rac", "other").unwrap().origin, "[profiles.test.rac.other] in pult.toml");
    let error = file.load_with(Some("tset"), &[]).unwrap_err();
    assert_eq!(error.code(), "config.unknown_profile");
    assert_eq!(error.hint_text(), Some("did you mean `test`?"));
    let error = file.load_with(Some("production"), &[]).unwrap_err();
    assert_eq!(error.hint_text(), Some("profiles there: test, other"));
}

#[test]
fn mistakes_in_profiles_are_found_whichever_is_chosen() {
    let (marked, message, _) = File::mistake("[profiles.test.rac.main]\nadress = \"b\"\n");
    assert_eq!((marked.as_str(), message.as_str()), ("adress", "unknown setting `adress`"));
}

#[test]
fn a_missing_variable_hurts_only_its_own_connection() {
    let text = "[b24.main]\nwebhook = { env = \"HOOK\" }\n[b24.second]\nplan = \"standard\"\n\
                [profiles.test.b24.main]\nwebhook = { env = \"TEST_HOOK\" }\n";
    let file = File::new(text);
    let config = file.load().unwrap();
    assert!(config.connection("b24", "second").is_ok());
    let error = config.default_connection("b24").unwrap_err();
    assert_eq!((error.code(), error.kind()), ("config.unresolved", Kind::Config));
    assert_eq!(error.message(), "[b24.main] in pult.toml: `webhook`: the environment variable HOOK is not set");
    assert_eq!(error.hint_text(), Some("set HOOK before pult starts"));
    let [fault] = error.all_faults() else { panic!("one fault expected") };
    assert_eq!(&text[fault.span.clone()], "{ env = \"HOOK\" }");
    // What a profile replaces is not looked for.
    let test = file.load_with(Some("test"), &[("TEST_HOOK", "https://test/")]).unwrap();
    assert!(test.connection("b24", "main").unwrap().has("webhook"));
}

#[test]
fn settings_that_are_no_secrets_may_stand_in_the_environment_too() {
    let text = "[b24.main]\nplan = { env = \"PLAN\" }\nparallel = { env = \"PARALLEL\" }\n";
    let file = File::new(text);
    let config = file.load_with(None, &[("PLAN", "enterprise"), ("PARALLEL", "8")]).unwrap();
    let main = config.connection("b24", "main").unwrap();
    assert_eq!((main.text("plan"), main.integer("parallel")), (Some("enterprise"), Some(8)));
    let config = file.load_with(None, &[("PLAN", "Hidden-By-Mistake"), ("PARALLEL", "8")]).unwrap();
    let error = config.connection("b24", "main").unwrap_err();
    assert!(error.message().contains("what was found is not one of"), "{error}");
    assert!(!error.message().contains("Hidden-By-Mistake"));
}

#[test]
fn a_secret_is_read_from_a_file_beside_the_configuration() {
    let file = File::new("[b24.main]\nwebhook = { file = \"hook.txt\" }\n");
    let missing = file.load().unwrap().connection("b24", "main").unwrap_err();
    assert!(missing.message().contains("hook.txt cannot be read"), "{missing}");
    file.write("hook.txt", "\u{feff}https://portal/rest/1/zzz/\r\n");
    let config = file.load().unwrap();
    let main = config.connection("b24", "main").unwrap();
    assert_eq!(main.secret("webhook").unwrap().expose(), "https://portal/rest/1/zzz/");
    file.write("hook.txt", "\n");
    let empty = file.load().unwrap().connection("b24", "main").unwrap_err();
    assert!(empty.message().ends_with("hook.txt is empty"), "{empty}");
}

#[cfg(unix)]
#[test]
fn a_secret_file_that_everybody_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;

    let file = File::new("[b24.main]\nwebhook = { file = \"hook.txt\" }\n");
    file.write("hook.txt", "https://portal/rest/1/zzz/");
    let allow = |mode| {
        let hook = file.folder.path().join("hook.txt");
        std::fs::set_permissions(hook, std::fs::Permissions::from_mode(mode)).unwrap();
        file.load().unwrap().warnings().len()
    };
    assert_eq!(allow(0o644), 1);
    assert_eq!(allow(0o640), 0);
}

#[cfg(not(windows))]
#[test]
fn a_keyring_is_refused_clearly_where_there_is_none() {
    let config = File::new("[b24.main]\nwebhook = { keyring = \"pult/b24\" }\n").load().unwrap();
    let error = config.connection("b24", "main").unwrap_err();
    assert!(error.message().ends_with("`keyring` works on Windows only"), "{error}");
    assert!(error.hint_text().unwrap().contains("env"));
    let (_, message, _) = File::mistake("[b24.main]\nwebhook = { keyring = \"pult\" }\n");
    assert_eq!(message, "`webhook`: expected \"service/user\"");
}

#[test]
fn a_plain_secret_works_with_a_warning_and_is_not_shown() {
    let text = "[b24.main]\nwebhook = \"https://portal/rest/1/plainsecret/\"\n";
    let config = File::new(text).load().unwrap();
    assert!(config.connection("b24", "main").unwrap().has("webhook"));
    let [warning] = config.warnings() else { panic!("one warning expected") };
    assert!(warning.hint.as_ref().unwrap().contains("env"));
    assert!(!warning.text.contains("plainsecret"));
    assert_eq!(crate::secret::mask("https://portal/rest/1/plainsecret/"), crate::secret::MASK);
}

/// The text that would be drawn for a file with mistakes.
fn drawn(text: &str) -> String {
    let error = File::new(text).load().unwrap_err();
    let shown = error.all_faults()[0].text.to_string();
    assert_eq!(shown.len(), text.len());
    for fault in error.all_faults() {
        assert!(shown.get(fault.span.clone()).is_some());
        assert!(!fault.message.contains("TOPSECRET"), "{}", fault.message);
    }
    shown
}

#[test]
fn a_snippet_never_shows_a_secret() {
    let snippets = [
        "[b24.main]\nwebhook = \"TOPSECRET\"\nplam = 1\n",
        "[b24.main]\nwebhok = \"TOPSECRET\"\n",
        "[b25.main]\nwebhook = \"TOPSECRET\"\n",
        "[b24.main]\nwebhook = \"TOPSECRET\nplan = 1\n",
        "[b24.main]\nwebhook = TOPSECRET\n",
        "[b24.main]\nwebhook = TOP=TOPSECRET, x\n",
        "[b24.main]\nwebhook =\n  \"TOPSECRET\"\n",
        "[b24.main]\nwebhook: \"TOPSECRET\"\n",
        "[b24.main]\n# webhook = \"TOPSECRET\"\nplam = 1\n",
        "[b24.main]\nplam = 1 # webhook = \"TOPSECRET\"\n",
        "[b24.main]\nplan = \"standard\" webhook = \"TOPSECRET\"\n",
        "[b24]\nmain = { plan = \"x\", webhook = \"TOPSECRET\" }\n",
        "[b24]\nmain = { plan = \"x\", webhook = \"TOPSECRET\"\n",
        "[b24.main]\nwebhook = { env = \"https://TOPSECRET/\" }\n",
        "[b24.main]\nwebhook = \"\"\"\nTOPSECRET\n\"\"\"\nplam = 1\n",
        "[b24.main]\nwebhook = [\"TOPSECRET\"]\n",
        "[b24.main]\nwebhook = \"a\"\nwebhook = '''\nTOPSECRET'''\n",
    ];
    for text in snippets {
        let shown = drawn(text);
        assert!(!shown.contains("TOPSECRET"), "{shown}");
    }
}

#[test]
fn a_snippet_shows_what_is_harmless() {
    let text = "# Портал\n[b24.main]\nplan = \"enterprize\" # dear\nparallel = 4\nwebhook = { env = \"HOOK\" }\n";
    assert_eq!(drawn(text), text);
    let broken = "[b24.main]\nplan = enterprise\nwebhook = \"https://мой/\"\n";
    let stars = "*".repeat("https://мой/".len());
    assert_eq!(drawn(broken), broken.replace("https://мой/", &stars));
}

#[test]
fn a_mark_at_the_start_and_line_ends_of_windows_are_fine() {
    let file = File::new("\u{feff}[rac.main]\r\ntimeout = 5\r\n");
    assert_eq!(file.load().unwrap().connection("rac", "main").unwrap().number("timeout"), Some(5.0));
    let error = File::new("\u{feff}[rac.main]\r\ntimout = 5\r\n").load().unwrap_err();
    let fault = &error.all_faults()[0];
    assert_eq!(&fault.text[fault.span.clone()], "timout");
}

#[test]
fn a_file_in_another_encoding_is_told_to_be_saved_as_utf_8() {
    let cp1251 = b"[rac.main]\n# \xcf\xf0\xe8\xe2\xe5\xf2\n";
    let error = File::new(cp1251).load().unwrap_err();
    assert_eq!(error.code(), "config.not_utf8");
    assert!(error.message().ends_with("is not UTF-8: see byte 13, in line 2; it looks like Windows-1251"), "{error}");
    assert!(error.hint_text().unwrap().contains("UTF-8"));
    for mark in ["\u{feff}", ""] {
        let utf16: Vec<u8> = format!("{mark}[rac.main]\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = File::new(utf16).load().unwrap_err();
        assert!(error.message().ends_with("is saved as UTF-16"), "{error}");
    }
    let error = File::new(b"x = \"\x81\x82\"").load().unwrap_err();
    assert!(error.message().ends_with("see byte 5, in line 1"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let error = Config::load(folder.path(), KNOWN, None).unwrap_err();
    assert_eq!(error.code(), "config.unreadable");
    assert!(error.message().ends_with("is a folder, not a file"), "{error}");
    let error = Config::load(&folder.path().join("none.toml"), KNOWN, None).unwrap_err();
    assert!(error.message().ends_with("none.toml does not exist"), "{error}");
    assert!(error.hint_text().unwrap().contains("pult init"));
}

#[test]
fn the_file_that_is_named_wins_then_the_one_beside_the_script() {
    let beside = File::new("");
    let script_folder = beside.folder.path();
    let named = PathBuf::from("named.toml");
    assert_eq!(Config::find(Some(&named), Some(script_folder)), Some(named));
    assert_eq!(Config::find(None, Some(script_folder)), Some(beside.path()));
}

#[test]
fn what_is_missing_is_named() {
    let error = Config::default().default_connection("b24").unwrap_err();
    assert_eq!(error.code(), "config.missing");
    assert!(error.hint_text().unwrap().contains("pult init"));
    let file = File::new("[b24.main]\n[rac.east]\n[rac.west]\n");
    let config = file.load().unwrap();
    let error = config.connection("b24", "mian").unwrap_err();
    assert_eq!(error.message(), format!("there is no [b24.mian] in {}", file.path().display()));
    assert_eq!(error.hint_text(), Some("did you mean `main`?"));
    assert_eq!(config.default_connection("veil").unwrap_err().hint_text(), Some("add the section [veil.main]"));
    let error = config.default_connection("rac").unwrap_err();
    assert_eq!(error.code(), "config.ambiguous");
    assert_eq!(error.message(), "rac has several connections and none is called `main`: east, west");
}

#[test]
fn the_only_connection_is_the_default_one() {
    let mut config = Config::default();
    config.add("b24", "portal", Settings::new("the sandbox"));
    assert_eq!(config.default_connection("b24").unwrap().0, "portal");
    config.add("b24", "main", Settings::new("the sandbox"));
    assert_eq!(config.default_connection("b24").unwrap().0, "main");
}

#[test]
fn folders_begin_where_the_file_is() {
    let absolute = if cfg!(windows) { "C:/exchange" } else { "/exchange" };
    let file = File::new(format!("[fs]\nallow = [\"reports\", \"{absolute}\"]\n"));
    let config = file.load().unwrap();
    assert_eq!(config.folders(), [file.folder.path().join("reports"), PathBuf::from(absolute)]);
    let (marked, message, _) = File::mistake("[fs]\nallow = [\"a\", 5]\n");
    assert_eq!(marked, "5");
    assert_eq!(message, "`allow`: expected the name of a folder, found a whole number");
    let (_, message, _) = File::mistake("[fs]\nallow = \"reports\"\n");
    assert_eq!(message, "`allow`: expected a list, found a text");
}

#[test]
fn the_web_service_has_people_instead_of_connections() {
    let text = "[serve]\nlisten = \"0.0.0.0:80\"\nrate = 5\n[serve.tokens]\nportal = { env = \"PORTAL\" }\n\
                [serve.readers]\nscreen = { env = \"SCREEN\" }\n[profiles.test.serve]\nrate = 7\n\
                [profiles.test.serve.tokens]\nportal = { env = \"TEST\" }\n";
    let environment = [("PORTAL", "portal-secret"), ("SCREEN", "screen-secret"), ("TEST", "test-secret")];
    let people = |config: &Config| {
        let people = &config.serve().unwrap().people;
        let shown = |person: &Person| (person.user.clone(), person.token.expose().to_owned(), person.may_start);
        people.iter().map(shown).collect::<Vec<_>>()
    };
    let person = |user: &str, token: &str, may_start| (user.to_owned(), token.to_owned(), may_start);
    let config = File::new(text).load_with(None, &environment).unwrap();
    assert_eq!(config.serve().unwrap().settings.text("listen"), Some("0.0.0.0:80"));
    assert_eq!(people(&config), [person("portal", "portal-secret", true), person("screen", "screen-secret", false)]);
    let config = File::new(text).load_with(Some("test"), &environment[1..]).unwrap();
    assert_eq!(config.serve().unwrap().settings.number("rate"), Some(7.0));
    assert_eq!(people(&config), [person("screen", "screen-secret", false), person("portal", "test-secret", true)]);
    let error = File::new(text).load().unwrap().serve().unwrap_err();
    assert_eq!((error.code(), error.all_faults().len()), ("config.unresolved", 2));
    assert!(error.message().contains("`portal`: the environment variable PORTAL is not set"), "{error}");
}

#[test]
fn mistakes_about_the_web_service_are_all_named() {
    let text = "[serve]\nlisen = \"x\"\ntoken = \"TOPSECRET-1\"\nreading = \"all\"\n[serve.tokens]\nann = 5\n\
                bob = { env = \"BOB\" }\n[serve.readers]\nbob = { file = \"bob\" }\n[profiles.x]\nserve = 5\n";
    let mistakes = File::mistakes(text);
    assert_eq!(all_marked(&mistakes), ["lisen", "token", "\"all\"", "5", "bob", "5"]);
    assert_eq!(mistakes[0].2, "did you mean `listen`?");
    assert_eq!(mistakes[1].2, "people stand in [serve.tokens] or [serve.readers]");
    assert_eq!(mistakes[4].1, "the user `bob` stands here a second time");
    assert_eq!(mistakes[5].1, "expected a section [profiles.x.serve], found a whole number");
    let shown = File::new(text).load().unwrap_err().all_faults()[0].text.clone();
    assert!(!shown.contains("TOPSECRET"), "{shown}");
}

#[test]
fn the_first_file_loads_as_written_and_with_everything_switched_on() {
    let written = commented(KNOWN);
    assert!(written.lines().all(|line| line.chars().count() <= 105), "{written}");
    assert!(File::new(&written).load().unwrap().connections("b24").next().is_none());
    let lines = written.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
        _ => line,
    });
    let file = File::new(lines.collect::<Vec<_>>().join("\n"));
    let config = file.load_with(Some("test"), &[("B24_TEST_WEBHOOK", "https://test/")]).unwrap();
    let b24 = config.connection("b24", "main").unwrap();
    assert_eq!((b24.text("plan"), b24.flag("read_only")), (Some("standard"), true));
    assert!(config.connection("rac", "main").is_ok());
}

/// Pieces of which wrong files are made.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "[b24.main]\n",
        "[[b24.main]]",
        "[rac",
        ".main",
        "]",
        "[profiles.test.b24.main]\n",
        "[fs]\n",
        "allow = [",
        "webhook",
        "plan",
        " = ",
        "=",
        "\"std\"",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "{",
        "}",
        ",",
        "\n",
        "\r\n",
        "#",
        "env",
        "\\",
        "ё",
        "1",
        "0x",
        "1903-02-28",
        "true",
        ".",
        " ",
    ])
}

fn check_every_fault(text: &str) {
    let document = read::read(text, KNOWN);
    let shown = veil::veil(text, &document.hidden);
    assert_eq!(shown.len(), text.len());
    for mistake in document.mistakes.iter().chain(&document.warnings) {
        assert!(text.get(mistake.span.clone()).is_some(), "{mistake:?} in {text:?}");
        assert!(shown.get(mistake.span.clone()).is_some(), "{mistake:?} in {shown:?}");
    }
}

#[test]
fn connections_are_written_as_they_are_read() {
    let mut settings = Settings::new("somewhere");
    for (name, given) in [
        ("webhook", Given::Text("https://portal/rest/1/k9\"q\\8/".into())),
        ("plan", Given::Text("standard".into())),
        ("parallel", Given::Integer(4)),
    ] {
        settings.set(KNOWN[1].settings, name, given).unwrap();
    }
    let mut config = Config::default();
    config.add("b24", "main", settings.clone());
    config.add("b24", "of \"others\"", settings);
    let file = File::new(config.written());
    let read = Config::load(&file.path(), KNOWN, None).unwrap();
    for name in ["main", "of \"others\""] {
        let settings = read.connection("b24", name).unwrap();
        assert_eq!(settings.secret("webhook").unwrap().expose(), "https://portal/rest/1/k9\"q\\8/");
        assert_eq!((settings.text("plan"), settings.integer("parallel")), (Some("standard"), Some(4)));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = file::decoded(Path::new(FILE_NAME), bytes) {
            check_every_fault(&text);
        }
    }

    #[test]
    fn any_wrong_file_has_its_faults_in_their_places(pieces in prop::collection::vec(piece(), 0..40)) {
        check_every_fault(&pieces.concat());
    }

    #[test]
    fn no_wrong_file_shows_its_secret(
        before in prop::collection::vec(piece(), 0..12),
        secret in prop::sample::select(vec![
            "webhook = \"TOPSECRET\"", "webhook = TOPSECRET", "webhok='TOPSECRET'", "webhook: \"TOPSECRET\"",
        ]),
        after in prop::collection::vec(piece(), 0..12),
    ) {
        let text = format!("{}{secret}{}", before.concat(), after.concat());
        let document = read::read(&text, KNOWN);
        let shown = veil::veil(&text, &document.hidden);
        prop_assert!(document.mistakes.is_empty() || !shown.contains("TOPSECRET"), "{text:?} is shown as {shown:?}");
    }
}
