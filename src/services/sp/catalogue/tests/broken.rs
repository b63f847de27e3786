//! Everything that is wrong with a catalogue is told at once, with its line.

use proptest::prelude::*;

use crate::error::{Error, Fault};
use crate::services::sp::catalogue::{Catalogue, SHIPPED};

fn line(fault: &Fault) -> usize {
    fault.text[..fault.span.start].matches('\n').count() + 1
}

/// `(line, message, hint)` of all faults.
fn faults(text: &str) -> Vec<(usize, String, String)> {
    let error: Error = Catalogue::read(text, "site.toml").unwrap_err();
    assert_eq!(error.code(), "sp.catalogue");
    let one = |fault: &Fault| (line(fault), fault.message.clone(), fault.hint.clone().unwrap_or_default());
    error.all_faults().iter().map(one).collect()
}

/// The shipped catalogue with some of its words replaced.
fn with(changes: &[(&str, &str)]) -> String {
    let mut text = SHIPPED.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text
}

/// The line of the shipped catalogue on which something stands.
fn line_of(words: &str) -> usize {
    SHIPPED[..SHIPPED.find(words).unwrap()].matches('\n').count() + 1
}

#[test]
fn one_mistake_is_told_with_its_line_and_a_way_out() {
    // What is changed, into what, on which line it is told, the message, and a part of the hint.
    let table: &[(&str, &str, &str, &str, &str)] = &[
        ("[timeouts] ", "[timouts] ", "[timeouts]", "unknown key `timouts`", "did you mean `timeouts`?"),
        ("host         =", "hots =", "host   ", "unknown key `hots`", "did you mean `host`?"),
        ("host         =", "hots =", "[servers.dcdb]", "the server `dcdb` has no `host`", ""),
        (
            "server = \"dcdb\",         database = \"bill_ab\"",
            "server = \"dcbd\", database = \"bill_ab\"",
            "ab    ",
            "there is no server `dcbd`",
            "did you mean `dcdb`?",
        ),
        ("target = \"ab\"", "target = \"abc\"", "target = ", "there is no database `abc`", "did you mean `ab`?"),
        (
            "shared = { hcs = \"all\" }, alias",
            "shared = { hcs = \"every\" }, alias",
            "building_characteristic ",
            "there is no code `every`",
            "known here",
        ),
        (
            "shared = { hcs = \"all\" }, alias",
            "shared = { hcs = \"stek\" }, alias",
            "building_characteristic ",
            "`shared`: the code `stek` is of the group `stack`",
            "a code of the group `hcs`",
        ),
        (
            "alias = { hcs = \"building_data\" }",
            "alias = { stack = \"building_data\" }",
            "building_characteristic ",
            "`alias`: the entity does not exist in the group `stack`",
            "",
        ),
        (
            "alias = { hcs = \"building_data\" }",
            "alias = { hcs = \"building data\" }",
            "building_characteristic ",
            "`building data` cannot be a name at the server: letters, digits and `_` alone",
            "",
        ),
        (
            "after = [\"premise\"]",
            "after = [\"premises\"]",
            "personal_account  ",
            "there is no entity `premises`",
            "did you mean `premise`?",
        ),
        (
            "[\"meter_reading\", \"payment\"]",
            "[\"meter_reading\", \"paiment\"]",
            "  [\"meter_reading\"",
            "there is no entity `paiment`",
            "did you mean `payment`?",
        ),
        (
            "[\"meter_reading\", \"payment\"]",
            "[\"meter_reading\", \"room\"]",
            "  [\"meter_reading\"",
            "`room` stands in the waves a second time",
            "",
        ),
        (
            "dbo.sp_export_to_bill_ab_{entity}",
            "dbo.sp_export_to_bill_ab_{entiti}",
            "dbo.sp_export_to",
            "unknown placeholder {entiti}",
            "did you mean `entity`?",
        ),
        (
            "crude.sp_load_datasource_{name}",
            "crude.sp_load_datasource_{code}",
            "crude.sp_load",
            "the placeholder {code} has no meaning here",
            "",
        ),
        (
            "dbo.sp_export_to_bill_ab_{entity}",
            "hcs.dbo.sp_export_{entity}",
            "dbo.sp_export_to",
            "the name of a procedure has at most two parts: schema.name",
            "database",
        ),
        (
            "dbo.sp_export_to_bill_ab_{entity}",
            "dbo.sp_x; DROP TABLE y",
            "dbo.sp_export_to",
            "this cannot be the name of a procedure",
            "",
        ),
        ("0c05        =", "0C01        =", "0c05   ", "`0c01` and `0C01` differ in capitals alone", ""),
        (
            "from = \"month\" }",
            "from = \"mouth\" }",
            "from = \"month\" }",
            "`from`: \"mouth\" is not known",
            "did you mean `month`?",
        ),
        ("format = \"%Y%m%d\"", "format = \"%Y%m%Q%!\"", "format = \"%Y", "", "like \"%Y%m%d\""),
        (
            "encrypt      = \"required\"",
            "encrypt = \"requird\"",
            "encrypt ",
            "`encrypt`: \"requird\" is not known",
            "did you mean `required`?",
        ),
        ("max_parallel = 1", "max_parallel = 0", "max_parallel", "`max_parallel`: 0 is not from 1 to 256", ""),
        (
            "max_parallel = 1",
            "max_parallel = \"1\"",
            "max_parallel",
            "`max_parallel`: expected a whole number, found a text",
            "without quotes",
        ),
        (
            "min_period = \"2018-01\"",
            "min_period = \"201801\"",
            "min_period",
            "`min_period`: \"201801\" is not a month",
            "2018-01",
        ),
        (
            "max_period = \"current\"",
            "max_period = \"2017-12\"",
            "max_period",
            "`max_period` is before `min_period`",
            "",
        ),
        (
            "backoff       = \"5s\"",
            "backoff = \"5 apples\"",
            "backoff ",
            "`backoff`: expected seconds, or a text like \"90s\", \"2m\" or \"1h\", found a text",
            "",
        ),
        (
            "stage = \"crude\"",
            "stage = \"crud\"",
            "stage = \"crude\"",
            "there is no stage `crud`",
            "did you mean `crude`?",
        ),
        (
            "${env:SP_USER}",
            "${SP_USER}",
            "${env:SP_USER}",
            "this does not name a variable of the environment",
            "${env:NAME}",
        ),
        ("trust        = \"system\"", "trust = \"anybody\"", "trust  ", "`trust`: \"anybody\" is not known", "system"),
        ("0t10 = 120", "0t11 = 120", "0t10 = 120", "there is no group and no code `0t11`", "did you mean `0t10`?"),
        (
            "hcs = [1, 2]",
            "hcs = [2, 1]",
            "hcs = [1, 2]",
            "`hcs`: expected seconds: one number, or [from, to], found a list",
            "",
        ),
    ];
    for (from, to, place, message, hint) in table {
        let found = faults(&with(&[(from, to)]));
        let told = found.iter().find(|(_, told, _)| message.is_empty() || told == message);
        let (line, _, told_hint) = told.unwrap_or_else(|| panic!("{message}: {found:?}"));
        assert_eq!(*line, line_of(place), "{message}");
        assert!(told_hint.contains(hint), "{message}: {told_hint}");
    }
}

#[test]
fn a_missing_rule_is_told_at_the_entity() {
    let text =
        with(&[("  match     = { group = \"stack\", dated = false }", "  match = { code = \"stek\", dated = false }")]);
    let found = faults(&text);
    assert_eq!(found.len(), 4, "{found:?}");
    let (line, message, hint) = &found[0];
    assert_eq!(*line, line_of("entrance   "));
    assert_eq!(message, "no rule of the stage `prep` is for `entrance` of stek_mo, stek_region");
    assert!(hint.contains("[[stages.rules]]"));
}

#[test]
fn a_dated_entity_needs_a_parameter_and_no_other_may_have_one() {
    let found = faults(&with(&[(
        "procedure = \"crude.sp_load_datasource_{name}\"",
        "procedure = \"crude.x_{name}\"\n  params = [{ name = \"y\", from = \"year\" }]",
    )]));
    assert_eq!(found.len(), 12, "every entity without a month: {found:?}");
    assert_eq!(found[0].1, "`building_characteristic` is not dated, but a rule for it has a parameter from a date");
    let found = faults(&with(&[
        ("\"M_P\",   dated = false", "\"M_P\",   dated = true"),
        (
            "  match     = { group = \"hcs\", dated = true }",
            "  match = { group = \"hcs\", entity = [\"meter_parameter\"] }\n  procedure = \"dbo.x\"\n  [[stages.rules]]\n  match = { group = \"hcs\", dated = true }",
        ),
    ]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1, "`meter_parameter` is dated, but no rule for it has a parameter from a date");
}

#[test]
fn circles_are_shown() {
    let after = "room                       = { abbr = \"RO\",    dated = false,";
    let around = "premise                    = { abbr = \"PR\",    dated = false,";
    let text = with(&[
        (after, &format!("{after} after = [\"personal_account\"],")),
        (around, &format!("{around} after = [\"room\"],")),
        ("[servers.dcdb]", "[servers.dcdb]\nextends = \"server\""),
    ]);
    let found = faults(&text);
    let messages: Vec<&str> = found.iter().map(|(_, message, _)| message.as_str()).collect();
    assert!(
        messages.contains(&"`after` goes round in a circle: room → personal_account → premise → room"),
        "{messages:?}"
    );
    assert!(messages.contains(&"the server `server` extends itself, by way of `dcdb`"), "{messages:?}");
}

#[test]
fn a_wave_against_after_is_told() {
    let text = with(&[(
        "\"meter_parameter\", \"premise\", \"personal_account\",",
        "\"meter_parameter\", \"personal_account\", \"premise\",",
    )]);
    let (line, message, _) = &faults(&text)[0];
    assert_eq!(*line, line_of("\"meter_parameter\", \"premise\""));
    assert_eq!(message, "`personal_account` comes after `premise`, which stands behind it");
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_the_file() {
    let text = with(&[
        ("name       = \"billing-aggregate\"", "nmae = \"billing-aggregate\""),
        ("port         = 1433", "port = 99999"),
        ("attempts      = 3", "attempts = \"three\""),
        ("dated = true", "dated = \"yes\""),
        ("from = \"year\"", "form = \"year\""),
        ("on_error = \"skip-dependents\"", "on_error = \"skip\""),
    ]);
    let found = faults(&text);
    let lines: Vec<usize> = found.iter().map(|(line, ..)| *line).collect();
    assert!(lines.is_sorted() && found.len() >= 8, "{found:?}");
    let messages: Vec<&str> = found.iter().map(|(_, message, _)| message.as_str()).collect();
    for message in [
        "unknown key `nmae`",
        "`name` is missing here",
        "`port`: 99999 is not from 1 to 65535",
        "`attempts`: expected a whole number, found a text",
        "`dated`: expected true or false, found a text",
        "unknown key `form`",
        "`from` is missing here",
        "`on_error`: \"skip\" is not known",
    ] {
        assert!(messages.contains(&message), "{message}: {messages:?}");
    }
}

#[test]
fn broken_form_is_told_with_its_line_and_without_echoes() {
    let found = faults(&with(&[("[servers.dcdb]", "[servers.dcdb"), ("attempts      = 3", "attempts = ")]));
    let lines: Vec<usize> = found.iter().map(|(line, ..)| *line).collect();
    assert!(lines.contains(&line_of("[servers.dcdb]")) && lines.contains(&line_of("attempts ")), "{found:?}");
    assert!(found.len() <= 4, "{found:?}");
}

#[test]
fn an_empty_file_is_told_what_it_lacks() {
    let messages: Vec<String> = faults("").into_iter().map(|(_, message, _)| message).collect();
    assert_eq!(messages, ["`[catalog]` is missing here", "`[roles]` is missing here", "`[[stages]]` is missing here"]);
}

#[test]
fn a_password_in_the_file_is_masked() {
    let text = with(&[("\"${env:SP_PASSWORD}\"", "\"kT9-plain-word\"")]);
    let catalogue = Catalogue::read(&text, "site.toml").unwrap();
    assert!(!format!("{catalogue:?}").contains("kT9-plain-word"));
    assert_eq!(crate::secret::mask("x kT9-plain-word y"), "x *** y");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_catalogue_or_has_mistakes(text in "\\PC{0,200}") {
        drop(Catalogue::read(&text, "x"));
    }

    #[test]
    fn any_damage_is_survived(at in 0..SHIPPED.len(), len in 0..60usize, with in "[\\[\\]{}=\"',.a-z0-9\\n$%ж]{0,12}") {
        let at = (0..=at).rev().find(|at| SHIPPED.is_char_boundary(*at)).unwrap_or(0);
        let end = (at + len..=SHIPPED.len()).find(|at| SHIPPED.is_char_boundary(*at)).unwrap_or(SHIPPED.len());
        let text = format!("{}{with}{}", &SHIPPED[..at], &SHIPPED[end..]);
        if let Err(error) = Catalogue::read(&text, "x") {
            prop_assert!(!error.all_faults().is_empty());
            for fault in error.all_faults() {
                prop_assert!(fault.text.get(fault.span.clone()).is_some());
            }
        }
    }
}
