//! Procedures and checks of the catalogue.

use std::sync::Arc;

use super::super::{Parameter, Session, Value, World};
use super::{batch, call, session, told, world};
use crate::services::sp::catalogue::{Catalogue, CheckSpec, Source, StepSpec};

/// A call of a step for July 2019.
async fn step(world: &Arc<World>, spec: &StepSpec) -> Vec<String> {
    let mut session = session(world, &spec.real_database);
    let given = spec.params.iter().map(|param| {
        let value = match &param.from {
            Source::Code => Value::Text(spec.code.clone().unwrap_or_default()),
            Source::Month => Value::Int(7),
            Source::Year => Value::Int(2019),
            Source::MonthStart(_) => Value::text("20190701"),
        };
        Parameter::new(format!("@{}", param.name), value)
    });
    call(&mut session, &spec.procedure, given.collect()).await
}

/// What a check finds, as ticks, so that a millisecond counts.
async fn check(world: &Arc<World>, spec: &CheckSpec) -> Vec<String> {
    let mut session = session(world, &spec.real_database);
    let mut outs = Vec::new();
    let given =
        spec.params.iter().map(|param| Parameter::new(format!("@{}", param.name), Value::text(spec.code.as_str())));
    let declared: Vec<String> = spec.params.iter().map(|param| format!("@{} nvarchar(4000)", param.name)).collect();
    session.execute_sql(&spec.sql, &declared.join(", "), given.collect(), &mut outs).await.unwrap();
    let exact = outs.iter().filter(|out| matches!(out, super::super::Out::Row(_))).map(|out| format!("{out:?}"));
    let found: Vec<String> = exact.collect();
    assert!(found.len() <= 1 && !told(&outs).iter().any(|line| line.starts_with("error")), "{spec:?}: {outs:?}");
    found
}

#[tokio::test]
async fn every_procedure_runs_and_every_check_finds_something() {
    let (world, catalogue) = (world(), Catalogue::shipped());
    let steps = catalogue.every_step();
    assert_eq!(steps.iter().filter(|step| step.stage == "crude").count(), 20);
    for spec in &steps {
        let told = step(&world, spec).await;
        assert_eq!(told.last().map(String::as_str), Some("return 0"), "{spec:?}: {told:?}");
        assert!(told[0].starts_with(&format!("print: {} {}", spec.stage, spec.entity)), "{told:?}");
    }
    for spec in catalogue.every_check() {
        let found = check(&world, &spec).await;
        let is_virtual = catalogue.code(&spec.code).is_some_and(|code| code.is_virtual);
        assert!(!found.is_empty() || is_virtual, "{spec:?}");
    }
}

#[tokio::test]
async fn what_one_source_hands_over_goes_through_all_stages_and_touches_no_other() {
    let (world, catalogue) = (world(), Catalogue::shipped());
    for (entity, code, other) in [
        ("payment", "0c06", "0c10"),
        ("charge_detail", "stek", "zagser"),
        ("personal_account", "zagser", "0c01"),
        ("provided_service", "0c23", "stek"),
    ] {
        let (own, foreign) = (catalogue.checks(entity, code), catalogue.checks(entity, other));
        let checks = || own.iter().filter_map(|(_, check)| check.clone());
        let mut before = Vec::new();
        for spec in checks() {
            before.push(check(&world, &spec).await);
        }
        let mut others = Vec::new();
        for spec in foreign.iter().filter_map(|(_, check)| check.clone()) {
            others.push(check(&world, &spec).await);
        }
        let steps = catalogue.steps(entity, code);
        for (number, spec) in steps.iter().enumerate() {
            step(&world, spec).await;
            for (check_spec, before) in checks().zip(&before) {
                let is_touched = steps[..=number].iter().any(|done| done.stage == check_spec.stage);
                let after = check(&world, &check_spec).await;
                assert_eq!(after != *before, is_touched, "{entity} {code}: {} after {}", check_spec.check, spec.stage);
            }
        }
        for (spec, before) in foreign.iter().filter_map(|(_, check)| check.clone()).zip(&others) {
            assert_eq!(check(&world, &spec).await, *before, "{entity} {other}: {}", spec.check);
        }
    }
}

async fn told_by(session: &mut Session, text: &str) -> Vec<String> {
    batch(session, text).await
}

#[tokio::test]
async fn wrong_parameters_get_the_errors_of_a_server() {
    let world = world();
    let mut hcs = session(&world, "hcs");
    let cases = [
        (
            "EXECUTE dbo.sp_export_to_bill_ab_payment @CurDataAreaId = N'0c06', @period_month = 77, @period_year = 2019",
            "error 289 16.1 in sp_export_to_bill_ab_payment line 14",
        ),
        (
            "EXECUTE dbo.sp_export_to_bill_ab_payment @CurDataAreaId = N'0c06'",
            "error 201 16.4 in sp_export_to_bill_ab_payment line 0: Procedure or function 'sp_export_to_bill_ab_payment' expects parameter '@period_month'",
        ),
        ("EXECUTE dbo.sp_export_to_bill_ab_payment @code = N'0c06'", "error 8145"),
        ("EXECUTE dbo.sp_export_to_bill_ab_payment N'0c06', 7, 2019, 1", "error 8144"),
        ("EXECUTE dbo.sp_export_to_bill_ab_payment N'zz', 7, 2019", "error 50000 16.1 in sp_export_to_bill_ab_payment"),
        ("EXECUTE dbo.sp_export_to_bill_ab_nothing", "error 2812"),
    ];
    for (text, wanted) in cases {
        let found = told_by(&mut hcs, text).await;
        assert!(found[0].starts_with(wanted), "{text}: {found:?}");
    }
    let mut stek = session(&world, "stek");
    let found = told_by(&mut stek, "EXECUTE dbo.sp_export_to_bill_ab_payment @date_of_month = N'20197701'").await;
    assert!(
        found[0].starts_with(
            "error 8114 16.5 in sp_export_to_bill_ab_payment line 0: Error converting data type nvarchar to date."
        ),
        "{found:?}"
    );
    let found = told_by(&mut session(&world, "bill_ab"), "EXECUTE crude.sp_load_datasource_payment 1").await;
    assert!(found[0].starts_with("error 8146"), "{found:?}");
}

#[tokio::test]
async fn a_rollback_takes_the_modification_time_back_and_the_journal_keeps_its_line() {
    let world = world();
    let mut session = session(&world, "bill_ab");
    let newest = "SELECT CONVERT(varchar(30), MAX(date_load), 121) FROM crude.meter SELECT COUNT(*) FROM mng.journal WHERE is_error = 0";
    let before = batch(&mut session, newest).await;
    super::batch(&mut super::session(&world, "hcs"), "EXEC dbo.sp_export_to_bill_ab_meter N'0c01'").await;
    let told = batch(&mut session, "BEGIN TRAN EXEC crude.sp_load_datasource_meter ROLLBACK").await;
    assert_eq!(
        (told.first().map(String::as_str), told.last().map(String::as_str)),
        (Some("began"), Some("rolled back"))
    );
    let after = batch(&mut session, newest).await;
    assert_eq!((&before[0], before[2].as_str(), &after[0], after[2].as_str()), (&after[0], "0", &before[0], "1"));
}

#[tokio::test]
async fn faults_strike_as_ordered() {
    let world = world();
    let mut session = session(&world, "bill_ab");
    let order = |changes: &str| world.hub.change(&serde_json::from_str(changes).unwrap()).unwrap();
    let run = "EXEC heap.sp_load_to_heap_from_crude_payment";
    order(r#"{"fail": [{"stage": "heap", "entity": "payment", "number": 547, "text": "conflict", "times": 2}]}"#);
    for _ in 0..2 {
        let found = batch(&mut session, run).await;
        assert_eq!(
            found.last().map(String::as_str),
            Some("error 547 16.1 in sp_load_to_heap_from_crude_payment line 37: conflict")
        );
    }
    assert_eq!(batch(&mut session, run).await.last().map(String::as_str), Some("return 0"));
    order(r#"{"deadlock": {"next": 1}}"#);
    batch(&mut session, "BEGIN TRAN").await;
    let found = batch(&mut session, run).await;
    assert!(found[1].starts_with("error 1205 13.51 in sp_load") && found[2] == "rolled back", "{found:?}");
    order(r#"{"fail": [{"severity": 20, "text": "fatal"}]}"#);
    assert_eq!(batch(&mut session, run).await.last().map(String::as_str), Some("stop Disconnect"));
    order(r#"{"drop": {"next": 1}}"#);
    assert_eq!(batch(&mut session, run).await.last().map(String::as_str), Some("stop Disconnect"));
    order(r#"{"hang": {"next": 1}, "messages": ["{stage} of {entity}"]}"#);
    let hung = tokio::time::timeout(std::time::Duration::from_millis(100), batch(&mut session, run)).await;
    assert!(hung.is_err());
    session.interrupted();
    let found = batch(&mut session, run).await;
    assert!(found.contains(&"print: heap of payment".to_owned()), "{found:?}");
}
