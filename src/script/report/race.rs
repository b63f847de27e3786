//! A chain of calls whose beginning is named again in a function that is passed to it: the engine holds the variable
//! for the whole chain, so that the function cannot read it.

use crate::error::Kind;
use crate::script::method_call;
use crate::script::report::said::Said;
use crate::script::report::scene::Scene;

/// A longer beginning is not repeated in a hint.
const LONGEST: usize = 40;

/// What the engine says, `argument #2 of function 'filter'`, in words that name the variable.
pub fn said(what: &str, scene: Option<&Scene<'_>>) -> Said {
    let code = "script.data_race";
    let caller = caller(what).unwrap_or("the call");
    match scene.and_then(|scene| Some((scene, scene.root()?))) {
        Some((scene, root)) if scene.arguments().is_some_and(|given| mentions(given, root)) => {
            Said::new(Kind::Script, code, message(root, caller)).hint(hint(scene))
        }
        _ => Said::new(Kind::Script, code, format!("a function given to `{caller}` uses what `{caller}` works on"))
            .hint("put the beginning of the chain, or what the function needs, into a variable of its own before"),
    }
}

fn caller(what: &str) -> Option<&str> {
    what.split('\'').nth(1).map(method_call::written)
}

/// The place of the call, which the engine does not tell.
pub fn scene<'a>(what: &str, text: &'a str) -> Option<Scene<'a>> {
    let caller = caller(what)?;
    let calls = || Scene { text, at: 0 }.words(caller).filter(|scene| scene.is_member() && scene.arguments().is_some());
    let is_race = |scene: &Scene<'_>| {
        scene.root().is_some_and(|root| scene.arguments().is_some_and(|given| mentions(given, root)))
    };
    let mut found = calls().filter(is_race);
    found.next().or_else(|| {
        let mut all = calls();
        all.next().filter(|_| all.next().is_none())
    })
}

pub fn message(root: &str, caller: &str) -> String {
    format!("`{root}` begins this chain and is used in the function given to `{caller}`, too")
}

/// What to write, at the name of the call.
pub fn hint(scene: &Scene<'_>) -> String {
    let call = scene.word();
    let beginning = scene.chain().unwrap_or_default();
    let root = scene.root().unwrap_or_default();
    if beginning == root {
        return format!("give the function a copy: let own = {root}; before, and `own` in the function");
    }
    let last = beginning.rsplit('.').next().unwrap_or_default();
    let name: String = last.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let name = if name.is_empty() || name == root || last.contains(['[', '"']) { "own" } else { &name };
    let shown: String = beginning.lines().map(str::trim).collect();
    let shown = if shown.len() > LONGEST || shown.contains("//") { "…" } else { &shown };
    format!("put the beginning into a variable of its own: let {name} = {shown}; then {name}.{call}(…)")
}

/// Whether the code names the variable; templates count, fields do not.
fn mentions(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let is_letter = |c: char| c.is_alphanumeric() || c == '_';
        let before = code[..at].trim_end();
        !code[..at].ends_with(is_letter)
            && !code[at + name.len()..].starts_with(is_letter)
            && (!before.ends_with('.') || before.ends_with(".."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_and_the_variable_are_found_in_the_text() {
        for (text, caller, root) in [
            ("let a = b.map(|x| x); deals.map(|d| deals.len())", "map", "deals"),
            ("for i in 0..m.keys().filter(|k| m[k] == 1).len() {}", "filter", "m"),
            ("m[\"a\"].b?.map(|x| `${m.c}`)", "map", "m"),
        ] {
            let scene = scene(&format!("argument #1 of function '{caller}'"), text).unwrap();
            assert_eq!((scene.word(), scene.root()), (caller, Some(root)), "{text}");
        }
        assert!(!mentions("a.deals + my_deals", "deals"));
    }
}
