//! The shipped catalogue gives what the reference says in words: every pair of entity and code, every check, the whole
//! source. The tables here were written from the reference, not from the catalogue.

use crate::services::sp::catalogue::{Catalogue, Per, Source, StepSpec};

/// Initials, name, dated, in STEK, shared in HCS.
const ENTITIES: &[(&str, &str, bool, bool, bool)] = &[
    ("B_C", "building_characteristic", false, false, true),
    ("B_P", "building_parameter", false, false, true),
    ("B_S", "building_service", false, false, false),
    ("C", "company", false, false, true),
    ("C_C_D", "charge_calculation_detail", true, false, false),
    ("C_D", "charge_detail", true, true, false),
    ("E", "entrance", false, true, true),
    ("M", "meter", false, true, false),
    ("M_P", "meter_parameter", false, false, false),
    ("M_R", "meter_reading", true, true, false),
    ("PA", "payment", true, true, false),
    ("PR", "premise", false, true, true),
    ("P_A", "personal_account", false, true, false),
    ("P_A_M", "personal_account_meter", false, true, false),
    ("P_A_P", "personal_account_parameter", false, true, false),
    ("P_S", "provided_service", true, true, false),
    ("RE", "recalculation", true, true, false),
    ("RO", "room", false, false, true),
    ("R_B", "receipt_balance", true, false, false),
    ("T_B_S", "turnover_balance_sheet", true, true, false),
];

const HCS: &[&str] = &["all", "0c01", "0c05", "0c06", "0c08", "0c10", "0c20", "0c21", "0c23", "0t10", "1c10", "2c10"];
const STEK: &[&str] = &["stek", "stek_mo", "stek_region", "zagser"];

/// A call as the reference writes it, for July 2019.
fn statement(step: &StepSpec) -> String {
    let params = step.params.iter().map(|param| {
        let value = match &param.from {
            Source::Code => format!("'{}'", step.code.as_deref().unwrap_or("?")),
            Source::Month => "7".to_owned(),
            Source::Year => "2019".to_owned(),
            Source::MonthStart(format) => {
                let day = jiff::civil::date(2019, 7, 1);
                format!("'{}'", day.strftime(format.as_deref().unwrap_or("%F")))
            }
        };
        format!("@{} = {value}", param.name)
    });
    let params: Vec<String> = params.collect();
    let call = format!("EXECUTE {} {}", step.procedure, params.join(", ")).trim_end().to_owned();
    let around = |statement: &Option<String>| statement.clone();
    let all = [around(&step.before), Some(call), around(&step.after)];
    all.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The export, by section 5.
fn export((initials, name, dated, ..): (&str, &str, bool, bool, bool), code: &str) -> (String, String) {
    if HCS.contains(&code) {
        let entity = if initials == "B_C" { "building_data" } else { name };
        let month = if dated { ", @period_month = 7, @period_year = 2019" } else { "" };
        let call = format!("EXECUTE dbo.sp_export_to_bill_ab_{entity} @CurDataAreaId = '{code}'{month}");
        return ("hcs".to_owned(), call);
    }
    let in_prep = code == "zagser" || ["P_A_M", "P_A_P", "RE", "T_B_S"].contains(&initials);
    let procedure = match in_prep {
        true => format!("prep.sp_export_to_prep_{name}"),
        false => format!("dbo.sp_export_to_bill_ab_{name}"),
    };
    let call = match initials {
        "C_D" | "P_S" => format!("EXECUTE {procedure} @month = '20190701'"),
        "M_R" | "PA" | "RE" | "T_B_S" => format!("EXECUTE {procedure} @date_of_month = '20190701'"),
        "P_A_P" => format!("SET FORCEPLAN ON; EXECUTE {procedure}; SET FORCEPLAN OFF"),
        _ => format!("EXECUTE {procedure}"),
    };
    (code.to_owned(), call)
}

#[test]
fn all_288_pairs_are_called_as_the_reference_says() {
    let catalogue = Catalogue::shipped();
    let mut pairs = 0;
    for entity in ENTITIES {
        let codes = HCS.iter().chain(STEK.iter().filter(|_| entity.3));
        for code in codes {
            pairs += 1;
            let name = entity.1;
            let (database, call) = export(*entity, code);
            let expected = [
                ("prep", database, call),
                ("crude", "bill_ab".to_owned(), format!("EXECUTE crude.sp_load_datasource_{name}")),
                ("heap", "bill_ab".to_owned(), format!("EXECUTE heap.sp_load_to_heap_from_crude_{name}")),
            ];
            let steps = catalogue.steps(name, code);
            let said: Vec<_> =
                steps.iter().map(|s| (s.stage.as_str(), s.real_database.clone(), statement(s))).collect();
            assert_eq!(said, expected, "{name} of {code}");
            assert!(steps.iter().all(|step| step.transaction), "{name} of {code}");
        }
    }
    assert_eq!(pairs, 288);
}

#[test]
fn what_is_valid_is_what_the_reference_lists() {
    let catalogue = Catalogue::shipped();
    let mut names: Vec<_> = catalogue.entities().iter().map(|entity| entity.name.as_str()).collect();
    names.sort_unstable();
    let mut expected: Vec<_> = ENTITIES.iter().map(|entity| entity.1).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    let codes: Vec<&str> = catalogue.valid_codes().into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, [HCS, STEK].concat());
    for (initials, name, dated, in_stek, shared) in ENTITIES {
        let entity = catalogue.entity(name).unwrap();
        assert_eq!((entity.abbr.as_deref(), entity.dated), (Some(*initials), *dated));
        assert_eq!((entity.is_in("hcs"), entity.is_in("stack")), (true, *in_stek), "{name}");
        assert_eq!((entity.shared_in("hcs"), entity.shared_in("stack")), (shared.then_some("all"), None), "{name}");
        assert!(entity.title.ru.is_some() && entity.title.text("en").is_ascii(), "{name}");
    }
    assert_eq!(catalogue.valid_names("0c06").unwrap().len(), 20);
    assert_eq!(catalogue.valid_names("stek").unwrap().len(), 12);
    assert_eq!(catalogue.valid_names("0c99"), None);
    assert_eq!(catalogue.is_dated("payment"), Some(true));
    assert_eq!(catalogue.is_dated("meter"), Some(false));
    assert_eq!(catalogue.is_dated("metre"), None);
}

#[test]
fn every_step_is_there_once() {
    let catalogue = Catalogue::shipped();
    let steps = catalogue.every_step();
    let of = |stage: &str| steps.iter().filter(|step| step.stage == stage).count();
    assert_eq!((of("prep"), of("crude"), of("heap")), (288, 20, 20));
    assert!(steps.iter().all(|step| step.code.is_some() == (step.stage == "prep")));
    assert_eq!(catalogue.stage("crude").unwrap().per, Per::Entity);
    let room = steps.iter().find(|step| step.entity == "room" && step.stage == "crude").unwrap();
    assert_eq!(room.lock.as_deref(), Some("pult:sp:crude:room"));
    let zagser = steps.iter().find(|s| s.code.as_deref() == Some("zagser") && s.entity == "meter").unwrap();
    assert_eq!(zagser.lock.as_deref(), Some("pult:sp:prep:zagser:meter"));
    assert_eq!(zagser.server, "sql01comfort");
}

/// The query of a check for an entity of 0c06 or stek, as the reference describes it; `None` where there is none.
fn check(check: &str, (initials, name, _, _, shared): (&str, &str, bool, bool, bool), code: &str) -> Option<String> {
    let by_source = |from: &str, column: &str, join: &str| {
        Some(format!("{column} from {from}{join} where datasource_section of {code}"))
    };
    match check {
        "check_prep" if STEK.contains(&code) => Some(format!("date_modification from prep.{name}")),
        "check_prep" if shared => {
            let entity = if initials == "B_C" { "building_data" } else { name };
            Some(format!("date_modification from heap.{entity}"))
        }
        "check_prep" => Some(format!("date_modification from heap.{name} where bill_datasource_section of {code}")),
        "check_crude" if ["C", "P_A"].contains(&initials) => None,
        "check_crude" => by_source(&format!("crude.{name}"), "date_load", " with heap.list_datasource"),
        _ if ["C_C_D", "C_D", "P_A_P", "T_B_S"].contains(&initials) => by_source(
            &format!("heap.{name}"),
            "date_modification",
            " with heap.personal_account with heap.list_datasource",
        ),
        _ if ["B_P", "C"].contains(&initials) => Some(format!("date_modification from heap.{name}")),
        _ if initials == "P_S" => by_source(&format!("test.{name}"), "date_modification", " with heap.list_datasource"),
        _ => by_source(&format!("heap.{name}"), "date_modification", " with heap.list_datasource"),
    }
}

/// A query in the words of the table above.
fn in_words(sql: &str, code: &str, by_code: bool) -> String {
    let bare = |word: &str| word.rsplit('.').next().unwrap_or_default().to_owned();
    let words: Vec<&str> = sql.split_whitespace().collect();
    assert_eq!(words[..2], ["SELECT", "TOP(1)"]);
    let after =
        |key: &str| -> Vec<&str> { words.windows(2).filter(|pair| pair[0] == key).map(|pair| pair[1]).collect() };
    let mut said = format!("{} from {}", bare(words[2]), after("FROM")[0]);
    after("JOIN").iter().for_each(|table| said.push_str(&format!(" with {table}")));
    if let Some(column) = after("WHERE").first() {
        assert!(by_code && sql.contains("= @code"));
        said.push_str(&format!(" where {} of {code}", bare(column)));
    }
    assert!(sql.ends_with(&format!("ORDER BY {} DESC", after("BY")[0])));
    said
}

#[test]
fn checks_ask_what_the_reference_says() {
    let catalogue = Catalogue::shipped();
    for entity in ENTITIES {
        for code in ["0c06", "stek", "zagser"].iter().filter(|code| entity.3 || **code == "0c06") {
            let checks = catalogue.checks(entity.1, code);
            let ids: Vec<&str> = checks.iter().map(|(id, _)| *id).collect();
            assert_eq!(ids, ["check_prep", "check_crude", "check_heap"]);
            for (id, spec) in checks {
                let said = spec.as_ref().map(|spec| in_words(&spec.sql, code, catalogue.is_by_code(spec)));
                assert_eq!(said, check(id, *entity, code), "{id} of {} of {code}", entity.1);
                let database = spec.map(|spec| spec.real_database);
                let expected = match (id, STEK.contains(code)) {
                    ("check_prep", true) => (*code).to_owned(),
                    ("check_prep", false) => "hcs".to_owned(),
                    _ => "bill_ab".to_owned(),
                };
                assert!(database.is_none_or(|database| database == expected));
            }
        }
    }
}

#[test]
fn a_whole_source_goes_in_the_references_order() {
    let waves = "B_C B_P B_S C E M M_P PR P_A P_A_M P_A_P RO, M_R PA, C_C_D C_D P_S RE R_B T_B_S";
    let catalogue = Catalogue::shipped();
    let abbr = |name: &String| catalogue.entity(name).and_then(|entity| entity.abbr.clone()).unwrap();
    let said: Vec<String> =
        catalogue.waves.iter().map(|wave| wave.iter().map(abbr).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(said.join(", "), waves);
}

#[test]
fn usual_durations_are_those_that_were_seen() {
    let catalogue = Catalogue::shipped();
    let whole = |entity: &str, code: &str| {
        let parts = ["prep", "crude", "heap"].map(|stage| catalogue.usual_seconds(stage, entity, code).unwrap());
        parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
    };
    let close = |(from, to): (f64, f64), expected: (f64, f64)| {
        assert!((from - expected.0).abs() < 1e-9 && (to - expected.1).abs() < 1e-9, "{from} {to}");
    };
    close(whole("charge_detail", "0c06"), (27.0, 660.0));
    close(whole("charge_detail", "0c21"), (2160.0, 2160.0));
    close(whole("premise", "zagser"), (74.0, 1140.0));
    close(whole("room", "all"), (1.0, 2.0));
    assert_eq!(catalogue.usual_seconds("prep", "room", "stek"), None);
    for (_, name, _, in_stek, _) in ENTITIES {
        assert!(catalogue.usual_seconds("heap", name, "0c06").is_some(), "{name}");
        assert_eq!(catalogue.usual_seconds("heap", name, "stek").is_some(), *in_stek, "{name}");
    }
}
