//! The commented `pult.toml` that `pult init` writes, made from the services' own tables.

use crate::settings::{COMMON, Setting, Type};

use super::{Known, serve};

/// Where lines of prose are broken.
const WIDTH: usize = 100;

const BEGINNING: &str = "\
# The configuration of pult. A line that begins with `# ` explains; a line that begins with `#` and no
# space is switched off: take the `#` away, first from the [section], then from the settings you need.
#
# A secret does not belong in this file. Say where it is:
#   { env = \"NAME\" }              an environment variable
#   { file = \"path\" }             a file, relative to this one
#   { keyring = \"service/user\" }  the Credential Manager (Windows)

[fs]
# Folders that scripts may read and write besides their own. Relative ones begin where this file is.
# allow = [\"reports\", \"C:/exchange\"]
allow = []
";

const PEOPLE: &str = "
# Who may start runs over the web service, each with a token of at least 16 characters.
#[serve.tokens]
#portal = { env = \"PULT_TOKEN_PORTAL\" }

# Who may only read.
#[serve.readers]
#monitoring = { env = \"PULT_TOKEN_MONITORING\" }";

/// A whole `pult.toml` that loads as it is: everything but an empty `[fs]` is switched off, and every setting of every
/// service is there with what it is for and an example.
pub fn commented(known: &[Known]) -> String {
    let mut file = BEGINNING.to_owned();
    for service in known {
        section(&mut file, &format!("{}.main", service.service), service.settings);
    }
    section(&mut file, serve::SECTION, serve::SETTINGS);
    push(&mut file, PEOPLE);
    profile(&mut file, known);
    file
}

fn section(file: &mut String, title: &str, settings: &[Setting]) {
    push(file, &format!("\n#[{title}]"));
    for setting in settings.iter().chain(COMMON) {
        explain(file, setting.help);
        if let Type::Choice(words) = setting.holds {
            explain(file, &format!("One of: {}.", words.join(", ")));
        }
        push(file, &format!("#{} = {}", setting.name, setting.example));
    }
}

/// What a profile is, shown by the first service that has a secret to replace.
fn profile(file: &mut String, known: &[Known]) {
    let is_secret = |setting: &&Setting| setting.holds == Type::Secret;
    let secrets = known.iter().filter_map(|known| Some((known.service, known.settings.iter().find(is_secret)?.name)));
    let Some((service, setting)) = secrets.into_iter().next() else { return };
    push(file, "");
    explain(file, "What `--profile test` replaces. Settings that are not named here stay as they are.");
    push(file, &format!("#[profiles.test.{service}.main]"));
    let variable = format!("{service}_test_{setting}").to_uppercase();
    push(file, &format!("#{setting} = {{ env = \"{variable}\" }}"));
}

/// A comment, broken between words.
fn explain(file: &mut String, prose: &str) {
    let mut line = String::from("#");
    for word in prose.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            push(file, &line);
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    push(file, &line);
}

fn push(file: &mut String, line: &str) {
    file.push_str(line);
    file.push('\n');
}
