//! What Tab offers, by the text before the cursor.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::repl::names::Service;
use crate::repl::tests::lines;
use crate::repl::types::Typed;
use crate::repl::{highlight, hint};
use crate::script::catalogue::{Function, Param};

fn function(namespace: &str, name: &str, params: &[(&str, &str)], returns: &str, comment: &str) -> Function {
    let params = params.iter().map(|(name, holds)| Param { name: (*name).into(), holds: (*holds).into() });
    Function {
        namespace: namespace.into(),
        name: name.into(),
        params: params.collect(),
        returns: returns.into(),
        comment: comment.into(),
        scripted: false,
    }
}

const OPTIONS: &str = "All items.\n\n# Options\n\n- `filter`: what to leave out\n- `order`: `\"asc\"` | `\"desc\"`,\n  \
                       which comes first\n- `limit`: how many\n\n# Errors\n\n- `none`: none";

/// A portal as an outside system would have it.
fn portal() -> Names {
    let portal = ("portal", "Portal");
    let functions = [
        function("", "connect", &[portal, ("name", "text")], "Portal", ""),
        function("", "get_all", &[portal, ("method", "text")], "Rows", OPTIONS),
        function("", "get_all", &[portal, ("method", "text"), ("params", "map")], "Rows", OPTIONS),
        function("", "get_by_id", &[portal, ("method", "text"), ("ids", "list")], "Rows", ""),
        function("", "ping", &[portal], "", ""),
        function("", "get$plan", &[portal], "text", ""),
        function("", "filter", &[("rows", "Rows"), ("f", "function")], "Rows", ""),
        function("", "index$get$", &[("rows", "Rows"), ("at", "integer")], "Row", ""),
        function("", "keys", &[("row", "Row")], "list", ""),
        function("", "len", &[("array", "list")], "integer", ""),
        function("", "to_upper", &[("string", "text")], "text", ""),
        function("", "to_csv", &[("rows", "Rows"), ("path", "text")], "", ""),
        function("", "sleep", &[("seconds", "integer")], "", ""),
        function("", "mine", &[("x", "")], "", ""),
        function("json", "parse", &[("text", "text")], "", ""),
        function("json", "now", &[], "text", ""),
        function("b24", "connect", &[("name", "text")], "Portal", ""),
        function("fs", "read", &[("path", "text")], "text", ""),
        function("tools::deep", "dig", &[], "", ""),
    ];
    let globals = BTreeMap::from([("b24".to_owned(), Typed::new("Portal")), ("args".to_owned(), Typed::new("list"))]);
    let service = Service {
        name: "b24".into(),
        connections: vec!["main".into(), "second".into()],
        settings: vec![("webhook".into(), vec![]), ("plan".into(), vec!["standard".into(), "enterprise".into()])],
    };
    let mut names = Names::new(functions.into_iter(), globals, vec![service]);
    names.set_variables(BTreeMap::from([
        ("deals".to_owned(), Typed { name: "Rows".into(), fields: vec!["ID".into(), "TITLE".into()] }),
        ("deal".to_owned(), Typed { name: "map".into(), fields: vec!["TITLE".into(), "no name".into()] }),
    ]));
    names
}

/// The offers at the end of the text, as they are listed.
fn offered(text: &str, names: &Names, folder: &Path) -> String {
    let offers = at(text, text.len(), &Known { names, root: folder, here: folder });
    let shown: Vec<&str> = offers.offers.iter().map(|offer| offer.shown.as_str()).collect();
    shown.join(" ")
}

#[test]
fn tab_follows_types_and_places() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["robot.rhai", "report.csv", ".hidden"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    std::fs::create_dir(folder.path().join("lib")).unwrap();
    std::fs::write(folder.path().join("lib/a.rhai"), "").unwrap();
    let names = portal();
    for (text, expected) in [
        ("b24.ge", "get_all get_by_id"),
        ("let x = b24.connect(\"second\").ge", "get_all get_by_id"),
        ("b24.connect(\"x\").connect(f(1, [2])).pi", "ping"),
        ("b24.", "connect get_all get_by_id ping plan"),
        ("b24.plan.", "to_upper"),
        ("b24.get_all(\"x\").", "filter to_csv"),
        ("b24.get_all(\"x\", #{limit: 1}).filter(|r| r.ID > 1)[0].k", "keys"),
        ("deals[0].", "ID TITLE keys"),
        ("deals.filter(|d| d.T", "TITLE"),
        ("deal.", "TITLE"),
        ("for d in deals.filter(|x| true) { d.I", "ID"),
        ("fn f(x) { let p = b24.connect(\"second\"); let n = 1 + p.len(); p.ge", "get_all get_by_id"),
        ("let b24 = b24.connect(\"x\"); b24.pi", "ping"),
        ("let n = 1 + b24.plan; n.", ""),
        ("\"abc\".to", "to_upper"),
        ("[1, 2].", "len"),
        ("(b24).pi", "ping"),
        ("args.l", "len"),
        ("unknown.", ""),
        ("mine(1).", ""),
        ("json::", "now parse"),
        ("json::p", "parse"),
        ("tools::", "deep"),
        ("tools::deep::", "dig"),
        ("js", "json"),
        ("dea", "deal deals"),
        ("sl", "sleep"),
        ("whi", "while"),
        ("let de", ""),
        ("", "args b24 b24:: deal deals fs json"),
        ("b24.get_all(\"x\", #{", "filter limit order"),
        ("b24.get_all(\"x\", #{ li", "limit"),
        ("b24.get_all(\"x\", #{ limit: 5, filter: #{ a: 1 }, ", "order"),
        ("b24.get_all(\"x\", #{ filter: #{ ", "args b24 b24:: deal deals fs json"),
        ("b24.get_all(\"x\", #{ order: ", "\"asc\" \"desc\""),
        ("b24.get_all(\"x\", #{ order: \"d", "desc"),
        ("b24.connect(#{ ", "plan webhook"),
        ("b24.connect(#{ plan: \"", "enterprise standard"),
        ("b24.connect(\"", "main second"),
        ("b24.connect(\"s", "second"),
        ("b24::connect(\"s", "second"),
        ("b24::connect(#{ pl", "plan"),
        ("b24::connect(\"x\").ge", "get_all get_by_id"),
        ("deals.to_csv(\"re", "report.csv"),
        ("fs::read(\"", "lib/ report.csv robot.rhai"),
        ("fs::read(\".h", ".hidden"),
        ("import \"", "lib/ robot stdlib/"),
        ("import \"lib/", "a"),
        ("b24.get_all(\"crm", ""),
        ("// b24.ge", ""),
        (":l", ":load"),
        (":", ":clear :connections :help :load :quit :sandbox :time :type"),
        (":load ro", "robot.rhai"),
        (":time b24.ge", "get_all get_by_id"),
        ("?b24.ge", "get_all get_by_id"),
        ("?sle", "sleep"),
        ("`${b24.ge", "get_all get_by_id"),
        ("`${b24}", ""),
        ("fs::read(`${b24}re", ""),
    ] {
        assert_eq!(offered(text, &names, folder.path()), expected, "{text}");
    }
}

#[test]
fn what_is_written_fits_what_stands_around_it() {
    let names = portal();
    for (before, behind, expected) in [
        ("b24.get_a", "", "b24.get_all("),
        ("b24.pi", "", "b24.ping()"),
        ("b24.get_a", "(\"x\")", "b24.get_all(\"x\")"),
        ("?b24.get_a", "", "?b24.get_all"),
        ("b24.connect(\"s", "", "b24.connect(\"second\""),
        ("b24.connect(\"s", "\")", "b24.connect(\"second\")"),
        ("js", "", "json::"),
        ("  :ty", "", "  :type"),
        ("b24.get_all(\"базы\", #{ li", "", "b24.get_all(\"базы\", #{ limit: "),
    ] {
        let here = Path::new(".");
        let offers = at(&format!("{before}{behind}"), before.len(), &Known { names: &names, root: here, here });
        let written = format!("{}{}{behind}", &before[..offers.from], offers.offers[0].written);
        assert_eq!(written, expected);
    }
}

#[test]
fn the_hint_shows_the_parameter_that_comes_next() {
    let names = portal();
    for (text, expected) in [
        ("sleep(", Some("  sleep(‹seconds: integer›)")),
        ("b24.get_all(", Some("  get_all(‹method: text›) -> Rows  (+1)")),
        ("b24.get_all(\"crm", Some("  get_all(‹method: text›) -> Rows  (+1)")),
        ("b24.get_all(\"a, b\", ", Some("  get_all(method: text, ‹params: map›) -> Rows  (+1)")),
        ("b24.get_by_id(f(1, 2), [1, 2", None),
        ("b24.get_by_id(f(1, 2), ", Some("  get_by_id(method: text, ‹ids: list›) -> Rows")),
        ("fn f(p) { p.get_by_id(", Some("  get_by_id(‹method: text›, ids: list) -> Rows")),
        ("json::parse(", Some("  parse(‹text: text›)")),
        (":time sleep(", Some("  sleep(‹seconds: integer›)")),
        ("sleep(1)", None),
        ("fn sleep(", None),
        ("if (", None),
        ("?sleep(", None),
    ] {
        assert_eq!(hint::of(text, &names).as_deref(), expected, "{text}");
    }
}

#[test]
fn names_of_the_session_are_offered_as_soon_as_they_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let (_runtime, mut lines) = lines(folder.path());
    for line in ["let table = rows([#{city: \"Omsk\"}])", "fn tabulate(x) { x }", "let nested = #{deep: 1}"] {
        lines.run(line).unwrap();
    }
    let names = lines.names();
    for (text, expected) in [
        ("tab", "table tabulate"),
        ("table.fil", "filter"),
        ("table.filter(|r| true).to_", "to_array to_csv to_json to_ndjson to_xlsx"),
        ("table[0].ci", "city"),
        ("nested.de", "deep"),
    ] {
        let found = offered(text, names, folder.path());
        for word in expected.split(' ').filter(|word| *word != "to_xlsx") {
            assert!(found.split(' ').any(|offer| offer == word), "{text}: {found}");
        }
    }
}

/// Scraps of code, put together without sense.
fn nonsense() -> impl Strategy<Value = String> {
    let scraps = prop::sample::select(vec![
        "b24", ".", "get_all", "connect", "(", ")", "[", "]", "{", "}", "#{", "${", "`", "\"", "'", "\\", "::", "json",
        ",", ":", "|", "r", "let ", "for ", " in ", "=", ";", "?.", "?[", "/*", "*/", "//", "\n", "база", "é", "1.5",
        "0x", "..", "import ", "deals", ":load ", "?", ":", "e\u{301}", "\u{2cd}", "_", "=>",
    ]);
    prop::collection::vec(scraps, 0..16).prop_map(|scraps| scraps.concat())
}

proptest! {
    #[test]
    fn nothing_that_is_typed_is_too_odd(text in nonsense()) {
        let names = portal();
        let known = Known { names: &names, root: Path::new("."), here: Path::new(".") };
        for cursor in (0..=text.len()).filter(|&cursor| text.is_char_boundary(cursor)) {
            let offers = at(&text, cursor, &known);
            prop_assert!(offers.from <= cursor && text.is_char_boundary(offers.from));
            let drawn = highlight::line(&text, Some(cursor), &names);
            prop_assert_eq!(console::strip_ansi_codes(&drawn), text.as_str());
        }
        hint::of(&text, &names);
        let pieces = pieces(&text);
        let whole: String = pieces.iter().map(|piece| piece.text).collect();
        let visible = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(visible(&whole), visible(&text));
    }
}
