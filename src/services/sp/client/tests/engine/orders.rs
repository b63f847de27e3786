//! What can be asked for, and what becomes of it: all that is wrong at once, and the plan of what is right.

use super::*;
use crate::error::Kind;

/// The fields of an order that are wrong, with their messages.
fn wrong(site: &Site, order: &Order) -> Vec<(String, String)> {
    let error = site.plan(order).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("sp.order", Kind::Input), "{error:?}");
    let fields = error.details().iter().find(|(name, _)| *name == "fields").unwrap().1.clone();
    let text = |(field, message): (&String, &serde_json::Value)| (field.clone(), message.as_str().unwrap().to_owned());
    fields.as_object().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn every_mistake_of_an_order_is_named_with_its_field() {
    let site = site(&Fake::quick(), &[]);
    let month = |month, year| Order { month, year, ..dated("payment", &["0c06"]) };
    let now = jiff::Zoned::now();
    let table: &[(Order, &str, &str)] = &[
        (month(Some(77), Some(2019)), "month", "77 is not a month"),
        (month(Some(0), Some(2019)), "month", "0 is not a month"),
        (month(Some(7), Some(1)), "year", "1 is before 2018-01"),
        (month(Some(12), Some(2017)), "year", "2017 is before 2018-01"),
        (month(Some(7), Some(2999)), "year", "2999 is after"),
        (month(Some(7), Some(-5)), "year", "-5 is before 2018-01"),
        (month(None, Some(2019)), "month", "it is missing beside `year`"),
        (month(Some(7), None), "year", "it is missing beside `month`"),
        (month(None, None), "month", "payment needs a month"),
        (month(None, None), "year", "payment needs a month"),
        (Order { codes: vec![], ..dated("payment", &[]) }, "codes", "the code of a data source is missing"),
        (dated("payment", &["0c6"]), "codes", "there is no code `0c6`"),
        (dated("payment", &["0C06"]), "codes", "there is no code `0C06`"),
        (dated("paiment", &["0c06"]), "name", "there is no entity `paiment`"),
        (order("room", "stek"), "name", "`room` is not available for stek: it exists in HCS alone"),
        (Order { undated_only: true, ..order("payment", "0c06") }, "undated_only", "payment needs a month"),
        (
            Order { month: None, year: None, ..whole(&["0c06"]) },
            "month",
            "a whole data source has entities that need a month",
        ),
    ];
    for (order, field, message) in table {
        let found = wrong(&site, order);
        let told = found.iter().find(|(name, _)| name == field);
        assert!(told.is_some_and(|(_, told)| told.starts_with(message)), "{order:?}: {found:?}");
    }
    if now.month() < 12 {
        let ahead = month(Some(u32::try_from(now.month()).unwrap() + 1), Some(now.year().into()));
        assert!(wrong(&site, &ahead)[0].1.contains("is in the future"));
    }
    // Several at once.
    let all = wrong(&site, &Order { month: Some(77), year: Some(1), ..dated("paiment", &["0c6", "x"]) });
    let fields: Vec<&str> = all.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["codes", "month", "name", "year"]);
    let error = site.plan(&dated("paiment", &["0c06"])).unwrap_err();
    assert_eq!(error.hint_text(), Some("did you mean `payment`?"));
}

#[tokio::test]
async fn all_of_2018_and_the_current_month_can_be_asked_for() {
    let site = site(&Fake::quick(), &[]);
    let today = jiff::Zoned::now();
    let mut months: Vec<(u32, i32)> = (1..=12).map(|month| (month, 2018)).collect();
    months.push((u32::try_from(today.month()).unwrap(), today.year().into()));
    for (month, year) in months {
        let plan = site.plan(&Order { month: Some(month), year: Some(year), ..dated("payment", &["0c06"]) });
        assert!(plan.is_ok(), "{month} {year}: {plan:?}");
    }
}

#[tokio::test]
async fn one_entity_of_one_code_is_three_steps() {
    let site = site(&Fake::quick(), &[]);
    let plan = site.plan(&dated("payment", &["0c06"])).unwrap();
    let said: Vec<_> = plan
        .steps
        .iter()
        .map(|s| (s.number, s.stage.as_str(), s.database.as_str(), s.statement.as_str(), s.after.clone()))
        .collect();
    assert_eq!(
        said,
        [
            (
                1,
                "prep",
                "hcs",
                "EXECUTE dbo.sp_export_to_bill_ab_payment @CurDataAreaId = N'0c06', @period_month = 7, @period_year = 2019",
                vec![]
            ),
            (2, "crude", "ab", "EXECUTE crude.sp_load_datasource_payment", vec![1]),
            (3, "heap", "ab", "EXECUTE heap.sp_load_to_heap_from_crude_payment", vec![2]),
        ]
    );
    let locks: Vec<&str> = plan.steps.iter().map(|step| step.locks[0].as_str()).collect();
    assert_eq!(locks, ["pult:sp:prep:hcs:payment", "pult:sp:crude:payment", "pult:sp:heap:payment"]);
    // The table of durations: 15 s to 2 min, of which the geometric middle.
    assert!((plan.estimate.unwrap() - (15.0_f64 * 120.0).sqrt()).abs() < 1e-6, "{:?}", plan.estimate);
    let forced = site.plan(&order("personal_account_parameter", "stek")).unwrap();
    assert_eq!(
        forced.steps[0].statement,
        "SET FORCEPLAN ON; EXECUTE prep.sp_export_to_prep_personal_account_parameter; SET FORCEPLAN OFF;"
    );
}

#[tokio::test]
async fn several_codes_are_a_prep_each_and_one_crude_and_one_heap() {
    let site = site(&Fake::quick(), &[]);
    let codes = ["0c01", "0c05", "0c06", "0c08", "0c10", "0c20", "0c21", "0c23", "0t10", "1c10", "2c10", "0c01"];
    let plan = site.plan(&dated("payment", &codes)).unwrap();
    assert_eq!(plan.steps.len(), 13);
    assert_eq!(plan.steps[11].after, (1..=11).collect::<Vec<u32>>());
    assert_eq!(plan.steps[12].after, [12]);
    let by_code = self::site(
        &Fake::quick(),
        &[("per         = \"entity\"", "per = \"code\""), ("per         = \"entity\"", "per = \"code\"")],
    );
    let plan = by_code.plan(&dated("payment", &["0c01", "0c06"])).unwrap();
    let said: Vec<_> = plan
        .steps
        .iter()
        .map(|step| (step.stage.as_str(), step.code.as_deref().unwrap(), step.after.clone()))
        .collect();
    assert_eq!(
        said,
        [
            ("prep", "0c01", vec![]),
            ("prep", "0c06", vec![]),
            ("crude", "0c01", vec![1]),
            ("crude", "0c06", vec![2]),
            ("heap", "0c01", vec![3]),
            ("heap", "0c06", vec![4])
        ]
    );
}

/// The entities of a whole source, by initials, with the code of their export where that is not the one asked for.
fn sequence(site: &Site, order: &Order) -> String {
    let catalogue = site.catalogue();
    let plan = site.plan(order).unwrap();
    let preps = plan.steps.iter().filter(|step| step.stage == "prep");
    let said = preps.map(|step| {
        let abbr = catalogue.entity(&step.entity).unwrap().abbr.clone().unwrap();
        let code = step.code.clone().unwrap();
        if order.codes == [code.clone()] { abbr } else { format!("{abbr}:{code}") }
    });
    said.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_whole_source_is_what_the_reference_says() {
    let site = site(&Fake::quick(), &[]);
    assert_eq!(
        sequence(&site, &whole(&["0c06"])),
        "B_C:all B_P:all B_S C:all E:all M M_P PR:all P_A P_A_M P_A_P RO:all M_R PA C_C_D C_D P_S RE R_B T_B_S"
    );
    // Shared inside its group alone: STEK exports E and PR with its own code.
    assert_eq!(sequence(&site, &whole(&["stek"])), "E M PR P_A P_A_M P_A_P M_R PA C_D P_S RE T_B_S");
    let undated = Order { month: None, year: None, undated_only: true, ..whole(&["stek"]) };
    assert_eq!(sequence(&site, &undated), "E M PR P_A P_A_M P_A_P");
    let both = sequence(&site, &whole(&["0c06", "0c10", "stek"]));
    assert!(both.starts_with("B_C:all B_P:all B_S:0c06 B_S:0c10 C:all E:all E:stek M:0c06 M:0c10 M:stek"), "{both}");
    let plan = site.plan(&whole(&["stek"])).unwrap();
    assert_eq!(plan.steps.len(), 36);
    assert_eq!(
        plan.notes,
        [
            "meter_reading of stek loads 3 months in one call",
            "turnover_balance_sheet of stek loads 3 months in one call"
        ]
    );
    let estimate = plan.estimate.unwrap();
    assert!((21.0 * 60.0..130.0 * 60.0).contains(&estimate), "{estimate}");
}

#[tokio::test]
async fn a_month_for_what_has_none_is_not_used_and_that_is_said() {
    let site = site(&Fake::quick(), &[]);
    let plan = site.plan(&Order { month: Some(7), year: Some(2019), ..order("room", "0c06") }).unwrap();
    assert_eq!(plan.notes, ["the month is not used: room has none"]);
    assert_eq!(plan.steps[0].statement, "EXECUTE dbo.sp_export_to_bill_ab_room @CurDataAreaId = N'0c06'");
    assert_eq!(wrong(&site, &Order { month: Some(77), year: Some(2019), ..order("room", "0c06") })[0].0, "month");
}

#[tokio::test]
async fn a_plan_runs_nothing_and_goes_out_as_json() {
    let fake = Fake::quick();
    let site = site(&fake, &[]);
    let plan = serde_json::to_value(site.plan(&dated("payment", &["0c06"])).unwrap()).unwrap();
    assert_eq!(plan["steps"][2]["stage"], "heap");
    assert!(plan.get("calls").is_none());
    assert!(fake.all().is_empty());
    assert_eq!(site.status().unwrap().len(), 0);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_order_is_a_plan_or_has_mistakes(
        name in proptest::option::of("[a-z_]{0,8}|payment|room"),
        codes in proptest::collection::vec("\\PC{0,5}|0c06|stek|all", 0..4),
        month in proptest::option::of(0..=u32::MAX),
        year in proptest::option::of(i32::MIN..=i32::MAX),
        undated_only: bool,
    ) {
        let catalogue = catalogue(&[]);
        let order = Order { name, codes, month, year, undated_only, ..Order::default() };
        if let Err(error) = crate::services::sp::client::plan::plan(&catalogue, &order, &|_, _, _| None) {
            proptest::prop_assert_eq!(error.code(), "sp.order");
        }
    }
}
