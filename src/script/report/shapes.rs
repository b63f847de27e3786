//! Forms of other languages that do not compile here.

use crate::error::Kind;
use crate::script::report::said::Said;
use crate::script::report::scene::Scene;

/// Words that begin or join statements elsewhere.
const WORDS: &[(&[&str], &str)] = &[
    (&["elif", "elsif", "elseif"], "write `else if`"),
    (FUNCTION, "a function is written fn name(a, b) { … }, one without a name |a, b| …"),
    (&["lambda"], "a function without a name is written |x| x + 1"),
    (&["and"], "write `&&`"),
    (&["or"], "write `||`"),
    (&["not"], "write `!value`; 1 !in list"),
    (&["is"], "write value == (), value != () or value == other"),
    (&["foreach"], "write for x in list { … }"),
    (&["each"], "write for x in list { … }"),
    (&["of"], "write for x in list { … }"),
    (&["unless"], "write if !condition { … }"),
    (&["then"], "the body of `if` stands in { … }"),
    (&["except", "rescue"], "write try { … } catch (err) { … }"),
    (&["finally"], "write what must happen in any case behind try { … } catch (err) { … }"),
    (&["raise"], "write throw \"what went wrong\""),
    (&["assert"], "write assert(condition) or assert_eq(found, expected)"),
    (&["del", "delete"], "write map.remove(\"name\"), list.remove(0), or value = ()"),
    (&["class", "struct", "interface"], "there are no classes: a map holds values, and functions take it as `this`"),
    (&["from"], "write import \"file\" as name;"),
    (&["with", "using"], "nothing needs closing: fs::read(path) gives the text of a file"),
    (&["yield"], "put the values into a list: list.push(value)"),
    (&["global", "nonlocal"], "a function sees its parameters and constants: global::NAME"),
    (&["echo", "puts", "printf"], "write print(…)"),
    (&["print"], "a call has brackets: print(…)"),
    (&["case"], "a case of a `switch` is written `value => …`"),
];

/// How functions are declared elsewhere.
const FUNCTION: &[&str] = &["function", "def", "func"];

/// A form of another language at the place where reading stopped.
pub fn foreign(scene: &Scene<'_>) -> Option<Said> {
    shape(scene).or_else(|| word(scene))
}

fn said(message: impl Into<String>) -> Said {
    Said::new(Kind::Compile, "script.syntax", message)
}

/// The word at the place, the one before it, the one that begins the line, or a `function` in it.
fn word(scene: &Scene<'_>) -> Option<Said> {
    let before = scene.before();
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let first = line + before[line..].len() - before[line..].trim_start().len();
    let last = before.trim_end().len() - scene.word_before().len();
    let function = before[line..].rfind("function").map(|at| line + at);
    [scene.at, last, first].into_iter().chain(function).find_map(|at| {
        let place = Scene { text: scene.text, at };
        let word = place.word();
        let (_, hint) = WORDS.iter().find(|(words, _)| words.contains(&word))?;
        let is_call = place.is_called() && !FUNCTION.contains(&word);
        let is_meant = !place.is_member() && !place.has_declared(word) && !is_call;
        let message = match word {
            "print" | "assert" => format!("`{word}` is a function"),
            _ => format!("`{word}` is no word of this language"),
        };
        is_meant.then(|| said(message).hint(*hint).at_range(at..at + word.len()))
    })
}

fn shape(scene: &Scene<'_>) -> Option<Said> {
    let (before, after) = (scene.before().trim_end(), scene.after());
    let line = before.rsplit('\n').next().unwrap_or_default();
    let statement = line.rsplit([';', '{', '}']).next().unwrap_or_default().trim_start();
    let word = scene.word_before();
    let is_joined = scene.before().ends_with(word) && matches!(word, "f" | "r" | "b" | "u" | "rb" | "rf");
    let next = after.chars().next().unwrap_or_default();
    let here = |message: &str, hint: &str| Some(said(message).hint(hint));
    match next {
        '"' | '\'' if is_joined && word == "f" => Some(
            said("a text has no letter in front")
                .hint("values are put into a text by `… ${x} …`")
                .at_word_before(scene),
        ),
        '"' | '\'' if is_joined => Some(
            said("a text has no letter in front").hint("write `…` for a text without escapes").at_word_before(scene),
        ),
        ':' if is_map(scene) => Some(said("a map begins with `#{`").hint("write #{name: value}").at(map_start(scene))),
        ':' if before.ends_with("else") || block_word(statement) => here(
            "no `:` stands before a block",
            "the body stands in { … }: if x { … } else { … }, try { … } catch (err) { … }",
        ),
        ':' if statement.starts_with("let ") || statement.starts_with("const ") => {
            if statement.contains('=') {
                None
            } else {
                here("variables have no types", "write let x = 5")
            }
        }
        ':' if is_part(before) => {
            here("a part is not chosen with `:`", "write list.extract(0..2) or text.sub_string(0, 2)")
        }
        ',' if statement.starts_with("let ") && !statement.contains('=') => {
            here("one `let` declares one variable", "write let a = 1; let b = 2;")
        }
        '(' | '[' if statement == "let" => {
            here("one `let` declares one variable", "write let a = list[0]; let b = list[1];")
        }
        ',' if statement.starts_with("for ") && !statement.contains(" in ") => here(
            "two variables of a loop stand in brackets",
            "the element comes first, its index second: for (element, index) in list",
        ),
        '=' if after.starts_with("=>") && !in_switch_or_map(scene) => {
            here("`=>` makes no function", "write |x| … or |a, b| …")
        }
        _ => of_words(scene, statement),
    }
}

fn of_words(scene: &Scene<'_>, statement: &str) -> Option<Said> {
    let here = |message: &str, hint: &str| Some(said(message).hint(hint));
    match scene.word() {
        "for" if !statement.is_empty() => {
            here("a list is not made by `for` inside it", "write list.map(|x| …), and list.filter(|x| …) for an `if`")
        }
        "if" if scene.after().lines().next().is_some_and(|line| line.contains(" else ")) && !statement.is_empty() => {
            here("`if` stands before its values", "write if condition { a } else { b }")
        }
        "if" if !statement.is_empty() => here("`if` stands before what it decides", "write if condition { … }"),
        "let" if statement.starts_with("for") => here("`for` counts otherwise here", "write for i in 0..10 { … }"),
        "fn" => here("a function as a value has no `fn`", "write |x| … or |a, b| { … }"),
        _ => None,
    }
}

/// Whether a name or a text stands behind a `{` that begins a map without `#`.
fn is_map(scene: &Scene<'_>) -> bool {
    map_start(scene).is_some()
}

fn map_start(scene: &Scene<'_>) -> Option<usize> {
    let (start, bracket) = Scene { text: scene.before(), at: 0 }.open_bracket()?;
    let inside = scene.before()[start + 1..].trim();
    let is_name = !inside.is_empty() && inside.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_text = inside.len() > 1 && inside.starts_with(['"', '\'']) && inside.ends_with(['"', '\'']);
    let is_plain = bracket == '{' && !scene.text[..start].ends_with('#');
    (is_plain && (is_name || is_text) && inside != "else").then_some(start)
}

fn block_word(statement: &str) -> bool {
    ["if ", "while ", "for ", "elif ", "switch "].iter().any(|word| statement.starts_with(word))
        || ["try", "else", "finally", "except", "loop"].contains(&statement.trim())
}

/// Whether the place stands inside `value[…`.
fn is_part(before: &str) -> bool {
    Scene { text: before, at: 0 }.open_bracket().is_some_and(|(at, bracket)| {
        bracket == '[' && before[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']' | '"'))
    })
}

fn in_switch_or_map(scene: &Scene<'_>) -> bool {
    Scene { text: scene.before(), at: 0 }.open_bracket().is_some_and(|(at, bracket)| {
        let line = scene.text[..at].rsplit('\n').next().unwrap_or_default();
        bracket == '{' && (line.contains("switch") || line.ends_with('#'))
    })
}
