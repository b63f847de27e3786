//! Runs that go well: what is sent, in which order, how much at once, and what is told of it.

use super::*;
use crate::services::sp::client::run::{Happened, Step};

const ELEVEN: [&str; 11] = ["0c01", "0c05", "0c06", "0c08", "0c10", "0c20", "0c21", "0c23", "0t10", "1c10", "2c10"];

#[tokio::test(start_paused = true)]
async fn three_steps_in_their_own_transactions() {
    let fake = Fake::new(|_, _| Act { says: vec!["100 rows".to_owned()], ..Act::takes(8000) });
    let site = site(&fake, &[]);
    let mut events = site.follow();
    let run = drive(&site, dated("payment", &["0c06"])).await;
    ok(&run);
    let done = |call: &str| vec![format!("call {call}"), format!("done {call}"), "commit".to_owned()];
    let expected = [
        vec!["connect bill_ab".to_owned(), "connect hcs".to_owned()],
        done("dbo.sp_export_to_bill_ab_payment 0c06, 7, 2019"),
        vec!["connect bill_ab".to_owned()],
        done("crude.sp_load_datasource_payment"),
        done("heap.sp_load_to_heap_from_crude_payment"),
    ];
    assert_eq!(fake.all(), expected.concat());
    for step in &run.steps {
        assert_eq!((step.seconds, step.rows, step.return_code, step.attempts), (Some(8.0), Some(3), Some(0), 1));
        assert_eq!(step.messages[0].text, "100 rows");
        assert!(step.started.is_some() && step.ended.is_some());
    }
    assert_eq!(run.seconds, Some(24.0));
    let program = format!("pult {} ivan", run.id);
    assert!(fake.state().programs.iter().all(|known| *known == program), "{:?}", fake.state().programs);
    assert!(fake.state().locks.is_empty());
    let mut told = Vec::new();
    while let Ok((sequence, happened)) = events.try_recv() {
        assert_eq!(sequence, told.len() as u64 + 1);
        told.push(match &*happened {
            Happened::Run { state, .. } => format!("run {state:?}"),
            Happened::Step { step, .. } => format!("{} {:?}", step.number, step.state),
            Happened::Message { step, message, .. } => format!("{step}: {}", message.text),
            Happened::Check { .. } => "check".to_owned(),
        });
    }
    let of =
        |n: u32| vec![format!("{n} Running"), format!("{n}: 100 rows"), format!("{n} Committing"), format!("{n} Ok")];
    let expected = [vec!["run Running".to_owned()], of(1), of(2), of(3), vec!["run Ok".to_owned()]].concat();
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn settings_around_a_call_travel_in_one_text_with_its_return_code() {
    let fake = Fake::quick();
    let run = drive(&site(&fake, &[]), order("personal_account_parameter", "stek")).await;
    ok(&run);
    assert_eq!(
        fake.calls()[0],
        "DECLARE @pult_return int; SET FORCEPLAN ON; EXECUTE @pult_return = \
         [prep].[sp_export_to_prep_personal_account_parameter]; SET FORCEPLAN OFF; SELECT @pult_return AS pult_return;"
    );
    assert_eq!(run.steps[0].return_code, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_stage_may_do_without_a_transaction() {
    let fake = Fake::quick();
    let site = site(&fake, &[("transaction = true  ", "transaction = false ")]);
    ok(&drive(&site, order("meter", "zagser")).await);
    assert_eq!(fake.all().iter().filter(|what| *what == "commit").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn preps_go_side_by_side_within_the_bound_and_the_rest_once() {
    for (bound, seconds) in [(1, 11.0), (4, 3.0), (11, 1.0)] {
        let fake = Fake::new(|_, _| Act::takes(1000));
        let site = site(&fake, &[("max_parallel = 1 ", &format!("max_parallel = {bound} "))]);
        let run = drive(&site, dated("payment", &ELEVEN)).await;
        ok(&run);
        assert_eq!(fake.most_at_once("export"), bound);
        assert_eq!(fake.calls().len(), 13);
        // And one second each for crude and heap.
        assert_eq!(run.seconds, Some(seconds + 2.0), "{bound}");
        assert_eq!(run.estimate.map(|estimate| estimate > 0.0), Some(true));
    }
}

#[tokio::test(start_paused = true)]
async fn servers_work_side_by_side_and_the_target_in_the_catalogues_order() {
    let fake = Fake::new(|_, _| Act::takes(1000));
    let site = site(&fake, &[]);
    let run = drive(&site, Order { undated_only: true, month: None, year: None, ..whole(&["stek", "zagser"]) }).await;
    ok(&run);
    let at_target: Vec<String> = fake.calls().into_iter().filter(|call| !call.contains("export")).collect();
    let entities =
        ["entrance", "meter", "premise", "personal_account", "personal_account_meter", "personal_account_parameter"];
    let expected = entities.iter().flat_map(|entity| {
        [format!("crude.sp_load_datasource_{entity}"), format!("heap.sp_load_to_heap_from_crude_{entity}")]
    });
    assert_eq!(at_target, expected.collect::<Vec<_>>());
    // Six entities: an export of each of the two servers beside the target; the first export is before, 12 s at the target.
    assert_eq!(run.seconds, Some(13.0));
    assert!(fake.began("export_to_bill_ab_premise") < fake.began("export_to_bill_ab_personal_account"));
}

#[tokio::test(start_paused = true)]
async fn a_wave_begins_when_the_one_before_is_over() {
    let fake = Fake::new(|_, _| Act::takes(1000));
    ok(&drive(&site(&fake, &[]), whole(&["stek"])).await);
    let last = fake.began("heap.sp_load_to_heap_from_crude_personal_account_parameter");
    assert!(fake.began("export_to_bill_ab_meter_reading") >= last + 1000);
    assert!(
        fake.began("export_to_bill_ab_charge_detail") >= fake.began("heap.sp_load_to_heap_from_crude_payment") + 1000
    );
}

#[tokio::test(start_paused = true)]
async fn eleven_sources_take_no_longer_than_their_critical_path() {
    let takes = |call: &str| 500 + (call.len() as u64 * 97) % 1500;
    let fake = Fake::new(move |call, _| Act::takes(takes(call)));
    let site = site(
        &fake,
        &[
            ("max_parallel = 1 ", "max_parallel = 4 "),
            ("server = \"dcdb\",         database = \"bill_ab\"", "server = \"server\", database = \"bill_ab\""),
        ],
    );
    let codes: Vec<&str> = ELEVEN.to_vec();
    let run = drive(&site, whole(&codes)).await;
    ok(&run);
    // The target takes in one entity after another, each when its exports are there, for which there are four places. So no
    // order is shorter, wave by wave, than the exports up to some entity and the target's work from that one on.
    let seconds = |stages: &[&str], entities: &[String]| -> f64 {
        let of = |step: &&Step| stages.contains(&step.stage.as_str()) && entities.contains(&step.entity);
        run.steps.iter().filter(of).filter_map(|step| step.seconds).sum()
    };
    let wave = |entities: &[String]| -> f64 {
        let from =
            |at: usize| seconds(&["prep"], &entities[..=at]) / 4.0 + seconds(&["crude", "heap"], &entities[at..]);
        (0..entities.len()).map(from).fold(0.0, f64::max)
    };
    let least: f64 = site.catalogue().waves.iter().map(|entities| wave(entities)).sum();
    let took = run.seconds.unwrap();
    assert!(took <= least * 1.05, "{took} s, where {least} s is the least");
}

#[tokio::test(start_paused = true)]
async fn checks_before_and_after_inform() {
    let fake = Fake::quick();
    fake.state().newest = Some("2026-11-22 10:00:00".to_owned());
    let site = site(&fake, &[]);
    let running = site.run(Order { checks: true, ..dated("payment", &["0c06"]) }, "ivan").unwrap();
    let run = running.drive().await;
    ok(&run);
    let all = fake.all();
    assert!(all[0].starts_with("connect") && all.iter().position(|what| what.starts_with("call")).unwrap() >= 5);
    assert_eq!(all.iter().filter(|what| what.starts_with("look")).count(), 6);
    let said: Vec<_> = run.checks.iter().map(|c| (c.check.as_str(), c.before.is_some(), c.after.is_some())).collect();
    assert_eq!(said, [("check_prep", true, true), ("check_crude", true, true), ("check_heap", true, true)]);
    // One that cannot be made is a warning.
    fake.state().refuses = 2;
    let run = drive(&site, Order { checks: true, ..order("company", "0c06") }).await;
    ok(&run);
    assert_eq!(run.checks.len(), 3);
    assert!(run.checks.iter().any(|check| check.warning.as_deref() == Some("no connection")));
    let crude = run.checks.iter().find(|check| check.check == "check_crude").unwrap();
    assert_eq!((&crude.before, &crude.after, &crude.warning), (&None, &None, &None));
}

#[tokio::test(start_paused = true)]
async fn a_check_alone_and_of_all_areas() {
    let fake = Fake::quick();
    fake.state().newest = Some("2026-11-22 10:00:00".to_owned());
    let site = site(&fake, &[]);
    let checks = site.check("payment", "0c06").await.unwrap();
    assert_eq!(
        checks.iter().map(|check| check.check.as_str()).collect::<Vec<_>>(),
        ["check_prep", "check_crude", "check_heap"]
    );
    assert!(checks.iter().all(|check| check.after.as_deref() == Some("2026-11-22 10:00:00")));
    let before = fake.all().iter().filter(|what| what.starts_with("look")).count();
    site.check("payment", "all").await.unwrap();
    let looks = fake.all().iter().filter(|what| what.starts_with("look")).count() - before;
    assert_eq!(looks, 33, "each of eleven areas in each of three stages");
    assert_eq!(site.check("paiment", "0c06").await.unwrap_err().code(), "sp.order");
}

#[tokio::test(start_paused = true)]
async fn estimates_follow_what_was_seen() {
    let fake = Fake::new(|call, nth| Act::takes(if call.starts_with("crude") { 1000 * u64::from(nth) } else { 2000 }));
    let site = site(&fake, &[]);
    for _ in 0..3 {
        ok(&drive(&site, dated("payment", &["0c06"])).await);
    }
    let plan = site.plan(&dated("payment", &["0c06"])).unwrap();
    let estimates: Vec<f64> = plan.steps.iter().map(|step| step.estimate.unwrap()).collect();
    assert_eq!(estimates, [2.0, 2.0, 2.0], "the middle of 1, 2 and 3 seconds");
    assert_eq!(plan.estimate, Some(6.0));
    // Another code has its own exports, and the same crude and heap.
    let other = site.plan(&dated("payment", &["0c10"])).unwrap();
    assert!(other.steps[0].estimate.unwrap() > 2.0 && other.steps[1].estimate == Some(2.0));
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_every_step_tells_the_whole() {
    let fake = Fake::new(|call, _| Act::takes(500 + (call.len() as u64 * 97) % 1500));
    let site = site(&fake, &[("max_parallel = 1 ", "max_parallel = 2 ")]);
    let order = || whole(&["0c06", "0c10", "stek"]);
    ok(&drive(&site, order()).await);
    let estimate = site.plan(&order()).unwrap().estimate.unwrap();
    let run = drive(&site, order()).await;
    let took = run.seconds.unwrap();
    assert_eq!(run.estimate, Some(estimate));
    assert!((took - estimate).abs() < took * 0.03, "it took {took} s, and {estimate} s were expected");
}

#[tokio::test(start_paused = true)]
async fn a_procedure_that_talks_too_much_is_cut_short() {
    let fake = Fake::new(|call, _| match call.contains("export") {
        true => Act { says: (0..2500).map(|n| format!("row {n}")).collect(), ..Act::takes(10) },
        false => Act::takes(10),
    });
    let site = site(&fake, &[]);
    let run = drive(&site, dated("payment", &["0c06"])).await;
    ok(&run);
    let said = &run.steps[0].messages;
    assert_eq!((said.len(), said[1999].text.as_str()), (2001, "row 1999"));
    assert_eq!(said[2000].text, "… what the server says from here on is not kept");
    assert_eq!(site.find(&run.id).unwrap().unwrap().steps[0].messages.len(), 2001);
}
