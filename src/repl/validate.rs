//! Whether Enter runs what was typed or begins a further line. The compiler is asked.

use rhai::{Engine, Position};

use crate::repl::text::{Kind, pieces};

/// Whether the text is complete, right or wrong. Two empty lines end it in any case.
pub fn is_finished(text: &str, engine: &Engine) -> bool {
    let ends: Vec<&str> = text.rsplit('\n').take(3).map(str::trim).collect();
    if matches!(ends.as_slice(), ["", "", _]) {
        return true;
    }
    let open = pieces(text).last().filter(|last| last.open).map(|last| (last.kind, last.text.starts_with('"')));
    match open {
        // The compiler takes an open comment for a closed one.
        Some((Kind::Comment, _)) | Some((Kind::Text, false)) => return false,
        _ => {}
    }
    match engine.compile(text) {
        Ok(_) => true,
        Err(error) => !is_at_end(text, error.position()),
    }
}

/// Whether the compiler was content up to the end.
fn is_at_end(text: &str, position: Position) -> bool {
    let Some(line) = position.line() else { return true };
    let content = text.trim_end();
    let last_line = content.matches('\n').count() + 1;
    let last_column = content.rsplit('\n').next().unwrap_or(content).chars().count();
    line > last_line || (line == last_line && position.position().unwrap_or(1) > last_column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_go_on_goes_on_and_what_is_wrong_is_told() {
        let engine = Engine::new();
        for (text, finished) in [
            ("1 + 2", true),
            ("let x = 5", true),
            ("fn f(x) {", false),
            ("fn f(x) {\n    x + 1\n}", true),
            ("foo(1,", false),
            ("[1, 2", false),
            ("#{ a: 1,", false),
            ("1 +", false),
            ("1 + // more", false),
            ("for x in", false),
            ("if true", false),
            ("`open", false),
            ("`a ${1 +", false),
            ("`a ${1} b`", true),
            ("/* open", false),
            ("let x = 5 5", true),
            ("let 5", true),
            ("\"open", true),
            (")", true),
            ("", true),
            ("fn f() {\n", false),
            ("fn f() {\n\n", true),
            ("fn f() {\n\n    1\n", false),
            ("`text\n\n", true),
            ("базы +", false),
        ] {
            assert_eq!(is_finished(text, &engine), finished, "{text:?}");
        }
    }
}
