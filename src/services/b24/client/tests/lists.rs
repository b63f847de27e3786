//! Whole lists, streams and known ids.

use super::server::Seen;
use super::*;
use crate::core::rows::{Field, Row, Rows};

/// A portal with rows of these ids, and its pages.
struct Table(Vec<u64>);

impl Table {
    fn page(&self, start: usize) -> Vec<Value> {
        self.0.iter().skip(start).take(50).map(|id| json!({ "ID": id.to_string() })).collect()
    }

    fn envelope(&self, start: usize) -> Value {
        let mut envelope = json!({ "result": self.page(start), "total": self.0.len(), "time": {} });
        if start + 50 < self.0.len() {
            envelope["next"] = json!(start + 50);
        }
        envelope
    }

    /// Single pages and batches of pages.
    fn answer(&self, seen: &Seen) -> Reply {
        if seen.method() != "batch" {
            let start = seen.json()["start"].as_u64().unwrap_or(0) as usize;
            return Reply::Text(200, self.envelope(start).to_string());
        }
        let (mut results, mut totals, mut nexts) = (json!({}), json!({}), json!({}));
        for (name, command) in seen.commands() {
            let start = command.split("start=").nth(1).unwrap().parse().unwrap();
            let envelope = self.envelope(start);
            results[&name] = envelope["result"].clone();
            totals[&name] = envelope["total"].clone();
            if envelope["next"].is_u64() {
                nexts[&name] = envelope["next"].clone();
            }
        }
        ok(json!({ "result": results, "result_error": [], "result_total": totals, "result_next": nexts }))
    }
}

/// An order that only the portal can make.
fn by_title() -> Value {
    json!({ "select": ["ID"], "order": { "TITLE": "ASC" } })
}

fn rows(all: &All) -> &Rows {
    match &all.answer {
        Answer::Rows(rows) => rows,
        other => panic!("{other:?}"),
    }
}

fn ids(rows: &Rows) -> Vec<u64> {
    let id = |row: Row| match row.get("ID") {
        Some(Field::Text(id)) => id.parse().unwrap(),
        other => panic!("{other:?}"),
    };
    rows.iter().map(id).collect()
}

#[tokio::test]
async fn a_list_that_ids_cannot_lead_through_is_read_by_offsets_and_says_why() {
    let table = Table((1..=1234).collect());
    let server = Server::start(move |_, seen| table.answer(seen)).await;
    let portal = portal(&server);
    let all = portal.get_all("crm.deal.list", by_title()).await.unwrap();
    assert_eq!(ids(rows(&all)), (1..=1234).collect::<Vec<_>>());
    assert!(all.warnings[0].contains("sorted by `TITLE`, which is not in `select`"), "{:?}", all.warnings);
    let seen = server.seen();
    assert_eq!(seen[0].body, r#"{"select":["ID"],"order":{"TITLE":"ASC"}}"#);
    assert_eq!(seen[1].commands()[0].1, "crm.deal.list?select[0]=ID&order[TITLE]=ASC&start=50");
    assert_eq!(portal.0.counters.rows.get(), 1234);
}

#[tokio::test]
async fn rows_that_shift_while_they_are_read_are_kept_once_and_told_of() {
    let table = Table((1..=50).chain(50..=120).collect());
    let server = Server::start(move |_, seen| table.answer(seen)).await;
    let all = portal(&server).get_all("crm.deal.list", by_title()).await.unwrap();
    assert_eq!(ids(rows(&all)), (1..=120).collect::<Vec<_>>());
    assert!(all.warnings.iter().any(|warning| warning.contains("1 rows came twice")), "{:?}", all.warnings);
}

#[tokio::test]
async fn a_list_without_a_total_is_read_until_a_page_is_short() {
    let table = Table((1..=130).collect());
    let server = Server::start(move |_, seen| {
        let start = seen.json()["start"].as_u64().unwrap_or(0) as usize;
        ok(json!(table.page(start)))
    })
    .await;
    let all = portal(&server).get_all("crm.address.list", Value::Null).await.unwrap();
    assert_eq!(rows(&all).len(), 130);
    assert_eq!(server.seen().len(), 3);
    assert_eq!(server.seen()[0].body, "{}");
}

#[tokio::test]
async fn a_method_that_ignores_start_does_not_go_on_for_ever() {
    let server = Server::start(|_, _| ok(json!((1..=50).map(|id| json!({ "ID": id })).collect::<Vec<_>>()))).await;
    let all = portal(&server).get_all("crm.address.list", Value::Null).await.unwrap();
    assert!(rows(&all).len() <= 100);
    assert!(server.seen().len() <= 3);
}

#[tokio::test]
async fn what_is_no_list_comes_as_it_is() {
    let server = Server::start(|_, seen| match seen.method() {
        "crm.deal.fields" => ok(json!({ "ID": { "type": "integer" }, "TITLE": {} })),
        _ => super::server::batch(seen, |command| match command.starts_with("crm.deal.list") {
            true => Some(Ok(json!([]))),
            false => Some(Ok(json!({ "tasks": [] }))),
        }),
    })
    .await;
    let portal = portal(&server);
    let fields = portal.get_all("crm.deal.fields", Value::Null).await.unwrap();
    assert_eq!(value(&fields.answer)["ID"]["type"], "integer");
    assert!(fields.warnings.is_empty());
    assert!(rows(&portal.get_all("crm.deal.list", Value::Null).await.unwrap()).is_empty());
    assert!(rows(&portal.get_all("tasks.task.list", Value::Null).await.unwrap()).is_empty());
}

/// Answers `filter[@ID][n]=…` with the even ids.
fn even_ids(seen: &Seen) -> Reply {
    super::server::batch(seen, |command| {
        let wanted =
            command.split('&').filter_map(|part| part.split_once("[%40ID][")?.1.split_once("]=")).map(|(_, id)| id);
        let found = wanted.filter_map(|id| id.parse::<u64>().ok()).filter(|id| id % 2 == 0);
        Some(Ok(json!(found.map(|id| json!({ "ID": id.to_string(), "T": "x" })).rev_list())))
    })
}

trait Reversed {
    fn rev_list(self) -> Vec<Value>;
}

impl<I: Iterator<Item = Value>> Reversed for I {
    fn rev_list(self) -> Vec<Value> {
        let mut list: Vec<Value> = self.collect();
        list.reverse();
        list
    }
}

#[tokio::test]
async fn known_ids_come_by_fifties_and_stand_in_the_order_of_the_ids() {
    let server = Server::start(|_, seen| even_ids(seen)).await;
    let given: Vec<String> =
        ["4", "3", "8", "4", "x"].map(String::from).into_iter().chain((100..300).map(|id| id.to_string())).collect();
    let options = ById { via: Via::List, ..ById::default() };
    let outcomes = portal(&server).get_by_id("crm.deal.get", given.clone(), options).await.unwrap();
    let shown = summary(&outcomes);
    assert_eq!(shown[..5], ["Text(\"4\")", "b24.NOT_FOUND", "Text(\"8\")", "Text(\"4\")", "b24.NOT_FOUND"]);
    assert_eq!(shown[5], "Text(\"100\")");
    assert_eq!(outcomes.ids.as_deref(), Some(&given[..]));
    let commands: Vec<String> =
        server.seen().iter().flat_map(|seen| seen.commands()).map(|(_, command)| command).collect();
    // 204 different ids.
    assert_eq!(commands.len(), 5);
    assert!(commands[0].starts_with("crm.deal.list?select[0]=%2A&select[1]=UF_%2A&start=-1&filter[%40ID][0]=4&"));
}

#[tokio::test]
async fn one_id_one_command_where_there_is_no_list() {
    let server = Server::start(|_, seen| super::server::batch(seen, |command| Some(Ok(json!([command]))))).await;
    let portal = portal(&server);
    let ids = || vec!["8".to_owned(), "9".to_owned()];
    let outcomes = portal.get_by_id("task.elapseditem.getlist", ids(), ById { params: json!([{}]), ..ById::default() });
    assert_eq!(summary(&outcomes.await.unwrap())[0], r#"["task.elapseditem.getlist?0=8&1="]"#);
    let options = ById { params: json!({ "entityTypeId": 2 }), ..ById::default() };
    let outcomes = portal.get_by_id("crm.item.get", ids(), options).await.unwrap();
    assert_eq!(summary(&outcomes)[1], r#"["crm.item.get?id=9&entityTypeId=2"]"#);
    let options = ById { id_field: Some("entityId".into()), ..ById::default() };
    let outcomes = portal.get_by_id("crm.dealcategory.stage.list", ids(), options).await.unwrap();
    assert_eq!(summary(&outcomes)[0], r#"["crm.dealcategory.stage.list?entityId=8"]"#);
}

#[tokio::test]
async fn list_and_get_reads_the_ids_and_then_each() {
    let server = Server::start(|_, seen| {
        super::server::batch(seen, |command| match command.split_once('?') {
            Some(("crm.deal.list", asked)) if asked.contains("DESC") => Some(Ok(json!([{ "ID": "2" }, { "ID": "1" }]))),
            Some(("crm.deal.list", _)) => Some(Ok(json!([{ "ID": "1" }, { "ID": "2" }]))),
            _ => Some(Ok(json!(command))),
        })
    })
    .await;
    let outcomes = portal(&server).list_and_get("crm.deal", json!({ "filter": { "A": 1 } }), None).await.unwrap();
    assert_eq!(summary(&outcomes), [r#""crm.deal.get?ID=1""#, r#""crm.deal.get?ID=2""#]);
    let asked = &server.seen()[0].commands()[1].1;
    assert_eq!(asked, "crm.deal.list?filter[A]=1&select[0]=ID&start=-1&order[ID]=ASC&filter[%3EID]=0");
}
