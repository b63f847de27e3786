//! SQL text: values as literals, names in brackets, and a light reading of what a text does.

use super::value;
use crate::services::sp::client::driver::{Param, Value};

/// A value as it would stand in a text. For people: nothing that is sent is put together of it.
pub fn literal(shown: &Value) -> String {
    match shown {
        Value::Null => "NULL".into(),
        Value::Flag(flag) => if *flag { "1" } else { "0" }.into(),
        Value::Integer(n) => n.to_string(),
        Value::Number(n) => format!("{n:e}"),
        Value::Decimal(text) => text.clone(),
        Value::Text(text) => format!("N'{}'", text.replace('\'', "''")),
        Value::Binary(bytes) => {
            let mut text = String::new();
            value::binary(&mut text, bytes);
            text
        }
        Value::Date(date) => format!("'{}'", date.strftime("%Y%m%d")),
        Value::Moment(moment) => format!("'{moment}'"),
        Value::Zoned(zoned) => format!("'{}'", zoned.strftime("%Y-%m-%dT%H:%M:%S%.f%:z")),
    }
}

/// A call as a person would write it: `EXECUTE dbo.p @code = N'0c06', @total = @total OUTPUT`.
pub fn call(name: &str, params: &[Param]) -> String {
    let shown = params.iter().map(|param| match param.out {
        true => format!("@{0} = @{0} OUTPUT", param.name),
        false => format!("@{} = {}", param.name, literal(&param.value)),
    });
    let shown: Vec<String> = shown.collect();
    format!("EXECUTE {name} {}", shown.join(", ")).trim_end().to_owned()
}

/// Words that begin what changes something, or let a text do anything. They are refused wherever they stand.
const CHANGES: &[&str] = &[
    "insert",
    "update",
    "delete",
    "merge",
    "truncate",
    "create",
    "alter",
    "drop",
    "exec",
    "execute",
    "into",
    "grant",
    "revoke",
    "deny",
    "backup",
    "restore",
    "kill",
    "shutdown",
    "dbcc",
    "bulk",
    "writetext",
    "updatetext",
    "openrowset",
    "openquery",
    "opendatasource",
    "reconfigure",
    "commit",
    "rollback",
    "save",
    "begin",
    "use",
    "set",
    "declare",
    "waitfor",
    "go",
    "receive",
    "conversation",
    "signature",
    "send",
    "enable",
    "disable",
    "checkpoint",
    "revert",
    "setuser",
    "goto",
    "while",
    "if",
    "return",
    "throw",
    "raiserror",
    "print",
    "open",
    "close",
    "deallocate",
    "updlock",
    "xlock",
    "tablockx",
];

/// Whether a text is one plain SELECT (or `WITH … SELECT`). Read lightly: whatever is not surely reading is not.
pub fn only_reads(sql: &str) -> bool {
    let words = words(sql);
    let Some(words) = words else { return false };
    let statements = words.split(|word| word == ";").filter(|part| !part.is_empty()).count();
    let begins = matches!(words.first().map(String::as_str), Some("select" | "with"));
    let selects = words.iter().any(|word| word == "select");
    // The next number of a sequence is gone once it was read.
    let counts = words.windows(2).any(|pair| pair[0] == "next" && pair[1] == "value");
    begins && selects && statements == 1 && !counts && !words.iter().any(|word| CHANGES.contains(&word.as_str()))
}

/// What leaves something behind in a session, however it is said.
const LEAVES: &[&str] = &[
    "sp_getapplock",
    "sp_releaseapplock",
    "sp_set_session_context",
    "context_info",
    "sp_setapprole",
    "setuser",
    "cursor",
    "execute",
    "exec",
    "use",
    "begin",
    "language",
];

/// Whether a text may leave something behind in the session that runs it: locks, cursors, an identity, a global table.
pub fn leaves_something(sql: &str) -> bool {
    match words(sql) {
        Some(words) => words.iter().any(|word| LEAVES.contains(&word.as_str()) || word.starts_with("##")),
        None => true,
    }
}

/// The length of a comment to the end of the line; nothing where readers may differ on where the line ends.
fn line(rest: &str) -> Option<usize> {
    let length = rest.find('\n').unwrap_or(rest.len());
    let is_sure = !rest[..length].trim_end_matches('\r').contains('\r');
    is_sure.then_some(length)
}

/// The bare words of a text in lower case, and `;`; without comments, texts in quotes and names in brackets. `None` where
/// one of them is not closed.
fn words(sql: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '\'' => Some(quoted(rest, '\'')?),
            '"' => Some(quoted(rest, '"')?),
            '[' => Some(quoted(rest, ']')?),
            '-' if rest.starts_with("--") => Some(line(rest)?),
            '/' if rest.starts_with("/*") => Some(comment(rest)?),
            _ => None,
        };
        let is_of_word = c.is_alphanumeric() || matches!(c, '_' | '@' | '#' | '$');
        if skipped.is_none() && is_of_word {
            word.extend(c.to_lowercase());
        } else {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            if c == ';' {
                words.push(";".into());
            }
        }
        rest = &rest[skipped.unwrap_or(c.len_utf8())..];
    }
    if !word.is_empty() {
        words.push(word);
    }
    Some(words)
}

/// The length of what stands in quotes or brackets, with them; the closing one is doubled inside.
fn quoted(text: &str, end: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == end && chars.next_if(|(_, next)| *next == end).is_none() {
            return Some(at + c.len_utf8());
        }
    }
    None
}

/// The length of a comment; they can stand inside each other.
fn comment(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_reading_is_told_from_the_rest() {
        for sql in [
            "SELECT 1",
            "select * from [dbo].[update] where a = 'delete; drop' -- exec\n;",
            "WITH a AS (SELECT 1 AS b) SELECT b FROM a",
            "/* insert /* nested */ into */ SELECT \"into\" FROM t",
            "SELECT TOP (10) * FROM sandbox.rows WHERE id > @from ORDER BY id",
            "SELECT a FROM t ORDER BY a OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY",
        ] {
            assert!(only_reads(sql), "{sql}");
        }
        for sql in [
            "",
            "-- SELECT",
            "SELECT * INTO t FROM s",
            "SELECT 1; DELETE FROM t",
            "SELECT 1; SELECT 2",
            "WITH a AS (SELECT 1 AS b) DELETE FROM a",
            "EXEC p",
            "UPDATE t SET a = 1",
            "SELECT 'not closed",
            "SELECT [not closed",
            "SELECT /* not closed",
            "SELECT * FROM OPENROWSET('x', 'y', 'DELETE')",
            "SELECT NEXT VALUE FOR s",
            "SELECT @a = 1 UPDATE t SET a = 1",
            "DECLARE @a int SELECT @a",
            "сделай",
            "SELECT 1 -- for a reader that ends lines here\rDELETE FROM t",
            "SELECT 1 END CONVERSATION @h",
        ] {
            assert!(!only_reads(sql), "{sql}");
        }
    }

    #[test]
    fn what_outlasts_a_text_is_seen() {
        for sql in [
            "EXEC sp_getapplock 'x'",
            "SELECT * INTO ##all FROM t",
            "BEGIN TRAN",
            "USE master",
            "DECLARE c CURSOR FOR SELECT 1",
        ] {
            assert!(leaves_something(sql), "{sql}");
        }
        for sql in ["SELECT 1", "CREATE TABLE #own (a int)", "SET NOCOUNT ON SELECT 'use'", "UPDATE t SET a = 1"] {
            assert!(!leaves_something(sql), "{sql}");
        }
    }

    #[test]
    fn a_call_is_shown_as_it_would_be_typed() {
        let param = |name: &str, value: Value, out: bool| Param { name: name.into(), value, out };
        let params = [
            param("code", Value::Text("o'k".into()), false),
            param("month", Value::Integer(7), false),
            param("from", Value::Date(jiff::civil::date(2019, 7, 1)), false),
            param("at", Value::Moment(jiff::civil::date(2019, 7, 1).at(15, 43, 9, 943_000_000)), false),
            param("sum", Value::Decimal("10.50".into()), false),
            param("raw", Value::Binary(vec![255]), false),
            param("none", Value::Null, false),
            param("total", Value::Integer(0), true),
        ];
        assert_eq!(
            call("dbo.p", &params),
            "EXECUTE dbo.p @code = N'o''k', @month = 7, @from = '20190701', @at = '2019-07-01T15:43:09.943', @sum = 10.50, @raw = \
             0xFF, @none = NULL, @total = @total OUTPUT"
        );
        assert_eq!(call("dbo.p", &[]), "EXECUTE dbo.p");
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reading(text in "\\PC*") {
            let _ = (only_reads(&text), leaves_something(&text));
        }
    }
}
