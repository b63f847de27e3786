//! Lines of earlier sessions: one file, an entry of several lines kept as one, the same line only once, and no line that
//! may hold a secret.

use std::path::{Path, PathBuf};

use rustyline::history::{FileHistory, History as _};

use crate::repl::text::{Kind, pieces};
use crate::secret;

/// So many lines are remembered.
pub const MOST: usize = 2000;

/// A name that holds one of these holds a secret.
const SECRETS: &[&str] = &["password", "passwd", "pwd", "secret", "token", "webhook", "api_key", "apikey"];

#[derive(Default)]
pub struct History {
    path: Option<PathBuf>,
}

impl History {
    /// Reads the file into `lines`. A file that cannot be read is as good as none; that it cannot be written is told.
    pub fn open(path: Option<PathBuf>, lines: &mut FileHistory) -> rustyline::Result<History> {
        let history = History { path };
        let Some(path) = &history.path else { return Ok(history) };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if path.exists() {
            lines.load(path)?;
            once(lines)?;
        }
        Ok(history)
    }

    /// Remembers a line. One that begins with a space is not remembered at all, one that may hold a secret only until
    /// the end of the session.
    pub fn keep(&mut self, line: &str, lines: &mut FileHistory) -> rustyline::Result<()> {
        if line.trim().is_empty() || line.starts_with(char::is_whitespace) {
            return Ok(());
        }
        lines.add(line)?;
        once(lines)?;
        match &self.path {
            Some(path) if !may_hold_secret(line) => append(path, line),
            _ => Ok(()),
        }
    }

    /// Keeps nothing on disk any more.
    pub fn give_up(&mut self) {
        self.path = None;
    }
}

/// Adds a line to the file, which other sessions may have changed meanwhile.
fn append(path: &Path, line: &str) -> rustyline::Result<()> {
    let mut file = FileHistory::new();
    file.set_max_len(MOST)?;
    file.add(line)?;
    file.append(path)
}

/// Leaves only the latest of equal lines.
fn once(lines: &mut FileHistory) -> rustyline::Result<()> {
    let mut latest: Vec<String> = Vec::with_capacity(lines.len());
    let mut seen = std::collections::HashSet::new();
    for line in lines.iter().rev() {
        if seen.insert(line.as_str()) {
            latest.push(line.clone());
        }
    }
    if latest.len() < lines.len() {
        lines.clear()?;
        latest.into_iter().rev().try_for_each(|line| lines.add_owned(line).map(drop))?;
    }
    Ok(())
}

/// Whether the line holds a known secret, a webhook's address, or a text given to a name that sounds like a secret.
pub fn may_hold_secret(line: &str) -> bool {
    let is_webhook = line.split("/rest/").skip(1).any(|rest| {
        let mut parts = rest.split('/');
        let is_user = parts.next().is_some_and(|user| !user.is_empty() && user.chars().all(|c| c.is_ascii_digit()));
        is_user && parts.next().is_some_and(|code| code.starts_with(|c: char| c.is_alphanumeric()))
    });
    // `https://user:password@host`
    let has_login = line.split("://").skip(1).any(|rest| {
        let place = rest.split(['/', '"', ' ']).next().unwrap_or_default();
        place.split_once('@').is_some_and(|(login, _)| login.contains(':'))
    });
    is_webhook || has_login || secret::mask(line) != line || gives_secret(line)
}

/// `password: "…"`, `let token = "…"`, `"pwd": "…"`, `with_token("…")`.
fn gives_secret(line: &str) -> bool {
    let pieces = pieces(line);
    pieces.windows(3).any(|three| {
        let name = three[0].text.to_lowercase();
        let names_secret =
            matches!(three[0].kind, Kind::Word | Kind::Text) && SECRETS.iter().any(|secret| name.contains(secret));
        let gives = [":", "=", "(", "=="].iter().any(|sign| three[1].is(sign));
        names_secret && gives && three[2].kind == Kind::Text && !three[2].inside().is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_may_hold_a_secret_are_known() {
        for (line, secret) in [
            ("b24.connect(#{webhook: \"https://x.ru/rest/1/abcdef/\"})", true),
            ("let url = `https://x.ru/rest/17/k3j4h5/`", true),
            ("let password = \"x\"", true),
            ("#{ \"cluster_pwd\": \"x\" }", true),
            ("\"https://me:word@host/\"", true),
            ("let token = env(\"TOKEN\")", false),
            ("#{ password: \"\" }", false),
            ("b24.call(\"crm.deal.get\", #{ID: 1})", false),
            ("\"/rest/of/the/path\"", false),
        ] {
            assert_eq!(may_hold_secret(line), secret, "{line}");
        }
    }

    #[test]
    fn the_file_has_each_line_once_and_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/history");
        let mut lines = FileHistory::new();
        let mut history = History::open(Some(path.clone()), &mut lines).unwrap();
        for line in ["1 + 1", "fn f() {\n    2\n}", " hidden", "let pwd = \"x\"", "1 + 1"] {
            history.keep(line, &mut lines).unwrap();
        }
        let known: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(known, ["fn f() {\n    2\n}", "let pwd = \"x\"", "1 + 1"]);
        let mut later = FileHistory::new();
        History::open(Some(path), &mut later).unwrap();
        let known: Vec<&str> = later.iter().map(String::as_str).collect();
        assert_eq!(known, ["fn f() {\n    2\n}", "1 + 1"]);
    }
}
