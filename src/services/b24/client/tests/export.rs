//! Lists into files, interrupted and gone on with, against the simulated portal.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::render::export::columns::{Holds, Types};
use crate::render::export::{Form, Format};
use crate::sandbox::b24 as sim;

/// About twelve full batches.
const ROWS: u64 = 30_000;

async fn simulated(knobs: Value) -> sim::Portal {
    let knobs = sim::Knobs { limits: false, ..sim::Knobs::default() }.merged(&knobs).unwrap();
    sim::Portal::start(knobs).await.unwrap()
}

/// A portal of a process of its own: it knows what stands in the files of the folder, and nothing else.
fn portal(simulated: &sim::Portal, folder: &Path) -> Portal {
    portal_with(simulated, folder, &[("plan", text("box"))])
}

/// One that has few requests, so that a list is read in full batches, one after another.
fn scarce(simulated: &sim::Portal, folder: &Path) -> Portal {
    portal_with(simulated, folder, &[("requests_per_second", Given::Integer(100)), ("burst", Given::Integer(3))])
}

fn portal_with(simulated: &sim::Portal, folder: &Path, more: &[(&'static str, Given)]) -> Portal {
    let state = State::at(folder.join("state/state.db"));
    let context = Context::new(Handle::current(), Progress::new(false), state, None);
    let mut pairs = vec![("webhook", text(simulated.webhook()))];
    pairs.extend(more.iter().cloned());
    Portal::open(&settings(&pairs), &context).unwrap()
}

fn list(path: PathBuf, params: Value) -> Export {
    let form = Form::new(Format::of(&path).unwrap());
    Export { method: "crm.deal.list".into(), params, path, form, types: Typing::Said(Types::new()), fresh: false }
}

/// Files that are no state.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn requests(simulated: &sim::Portal) -> u64 {
    let address = format!("http://{}/_sandbox/counters", simulated.address());
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(address).send().await.unwrap();
    let counters: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    counters["requests"].as_u64().unwrap_or_else(|| panic!("{counters}"))
}

#[tokio::test]
async fn a_list_becomes_a_file_of_every_format() {
    let simulated = simulated(json!({ "rows": { "deals": 260 } })).await;
    let folder = tempfile::tempdir().unwrap();
    let portal = portal(&simulated, folder.path());
    let params = json!({ "select": ["ID", "TITLE", "OPPORTUNITY", "OPENED", "DATE_CREATE"] });
    for (name, head) in [
        ("deals.csv", &b"ID,TITLE,OPPORTUNITY"[..]),
        ("deals.ndjson", b"{\"ID\":\""),
        ("deals.json", b"[\n{\"ID\":\""),
        ("deals.xlsx", b"PK"),
        ("deals.sqlite", b"SQLite format 3\0"),
        ("deals.parquet", b"PAR1"),
    ] {
        let path = folder.path().join("new folder").join(name);
        let done = portal.export(list(path.clone(), params.clone())).await.unwrap();
        assert_eq!((done.rows, done.resumed, done.warnings.len()), (260, 0, 0), "{name}");
        assert!(std::fs::read(&path).unwrap().starts_with(head), "{name}");
    }
    assert_eq!(files(&folder.path().join("new folder")).len(), 6);
    let none = list(folder.path().join("none.csv"), json!({ "select": ["ID", "TITLE"], "filter": { "<ID": 0 } }));
    assert_eq!(portal.export(none).await.unwrap().rows, 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("none.csv")).unwrap(), "ID,TITLE\n");
}

#[tokio::test]
async fn columns_have_the_types_of_the_list_of_fields() {
    let simulated = simulated(json!({ "rows": { "deals": 120, "tasks": 60 } })).await;
    let folder = tempfile::tempdir().unwrap();
    let portal = portal(&simulated, folder.path());
    let path = folder.path().join("all.db");
    for (method, params, table) in [
        ("crm.deal.list", json!({ "select": ["*", "UF_*"] }), "deals"),
        ("crm.item.list", json!({ "entityTypeId": 2 }), "items"),
        ("tasks.task.list", json!({}), "tasks"),
        ("user.get", json!({}), "users"),
    ] {
        let mut export = Export { method: method.into(), types: Typing::Asked, ..list(path.clone(), params) };
        export.form.table = table.to_owned();
        portal.export(export).await.unwrap();
    }
    let db = rusqlite::Connection::open(&path).unwrap();
    let types = |sql: &str| db.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    let deals = "SELECT group_concat(DISTINCT typeof(ID) || typeof(OPPORTUNITY) || typeof(OPENED) || typeof(DATE_CREATE)) FROM deals";
    assert_eq!(types(deals), "integerrealintegertext");
    let items = "SELECT group_concat(DISTINCT typeof(id) || typeof(opportunity) || typeof(assignedById)) FROM items";
    assert_eq!(types(items), "integerrealinteger");
    assert_eq!(types("SELECT group_concat(DISTINCT typeof(id) || typeof(responsibleId)) FROM tasks"), "integerinteger");
    assert_eq!(types("SELECT group_concat(DISTINCT typeof(ID)) FROM users"), "text");
}

/// Exports until the portal has answered so many further requests; true when it came to its end before.
async fn stopped(simulated: &sim::Portal, portal: &Portal, export: Export, after: u64) -> Option<Exported> {
    let until = requests(simulated).await + after;
    let reached = async {
        while requests(simulated).await < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        done = portal.export(export) => Some(done.unwrap()),
        () = reached => None,
    }
}

/// Whatever the moment, nothing is missing, doubled or torn, and what was read is not asked for again.
#[tokio::test]
async fn stopped_at_any_moment_it_goes_on() {
    let simulated = simulated(json!({ "rows": { "deals": ROWS }, "latency_ms": 3 })).await;
    let folder = tempfile::tempdir().unwrap();
    let undisturbed = folder.path().join("undisturbed.csv");
    let params = json!({ "select": ["ID", "TITLE"] });
    scarce(&simulated, folder.path()).export(list(undisturbed.clone(), params.clone())).await.unwrap();
    let whole = requests(&simulated).await;
    let path = folder.path().join("deals.csv");
    let part = folder.path().join("deals.csv.rows.part");
    let (mut stops, mut resumed) = (0, 0);
    for after in (0..100).map(|n| 1 + n * 7 % 3) {
        let portal = scarce(&simulated, folder.path());
        if let Some(done) = stopped(&simulated, &portal, list(path.clone(), params.clone()), after).await {
            assert_eq!(done.rows, ROWS);
            resumed = done.resumed;
            break;
        }
        stops += 1;
        assert!(!path.exists());
        // As a killed process leaves it: something was written behind the checkpoint.
        if stops % 2 == 0 {
            use std::io::Write;
            let mut part = std::fs::OpenOptions::new().append(true).open(&part).unwrap();
            part.write_all(&b"torn".repeat(stops)).unwrap();
        }
    }
    assert!(stops >= 5 && resumed > 0, "{stops} stops, {resumed} rows");
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&undisturbed).unwrap());
    assert_eq!(files(folder.path()), ["deals.csv", "undisturbed.csv"]);
    // The batches that were under way at each stop, and the one that opens the list again.
    let again = requests(&simulated).await - 2 * whole;
    assert!(again <= 5 * stops as u64, "{again} requests more for {stops} stops");
}

#[tokio::test]
async fn another_call_or_a_wish_begins_anew_and_two_at_once_are_refused() {
    let simulated = simulated(json!({ "rows": { "deals": ROWS }, "latency_ms": 5 })).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deals.ndjson");
    let stop = async |export: Export| {
        let portal = scarce(&simulated, folder.path());
        assert!(stopped(&simulated, &portal, export, 4).await.is_none());
    };
    let portal = scarce(&simulated, folder.path());
    stop(list(path.clone(), json!({}))).await;
    let other = portal.export(list(path.clone(), json!({ "select": ["ID"] }))).await.unwrap();
    assert_eq!((other.rows, other.resumed), (ROWS, 0));
    stop(list(path.clone(), json!({}))).await;
    let fresh = portal.export(Export { fresh: true, ..list(path.clone(), json!({})) }).await.unwrap();
    assert_eq!((fresh.rows, fresh.resumed), (ROWS, 0));
    let (first, second) =
        tokio::join!(portal.export(list(path.clone(), json!({}))), portal.export(list(path.clone(), json!({}))));
    assert_eq!(first.unwrap().rows, ROWS);
    let error = second.unwrap_err();
    assert_eq!(error.code(), "export.in_use");
    assert!(error.hint_text().is_some());
    assert_eq!(files(folder.path()), ["deals.ndjson"]);
}

/// An order of the user's has no place to go on at.
#[tokio::test]
async fn what_cannot_be_gone_on_with_begins_anew_and_is_whole() {
    let simulated = simulated(json!({ "rows": { "deals": ROWS }, "latency_ms": 5 })).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deals.ndjson");
    let params = json!({ "order": { "ID": "DESC" }, "select": ["ID"] });
    let portal = portal(&simulated, folder.path());
    assert!(stopped(&simulated, &portal, list(path.clone(), params.clone()), 4).await.is_none());
    let done = portal.export(list(path.clone(), params)).await.unwrap();
    assert_eq!((done.rows, done.resumed), (ROWS, 0));
    let written = std::fs::read_to_string(&path).unwrap();
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["ID"].as_str().unwrap().parse::<u64>().unwrap();
    let ids: Vec<u64> = written.lines().map(id).collect();
    assert!(ids.len() as u64 == ROWS && ids.windows(2).all(|pair| pair[0] > pair[1]));
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_types_can_be_said() {
    let simulated = simulated(json!({ "rows": { "deals": 60 } })).await;
    let folder = tempfile::tempdir().unwrap();
    let told: std::sync::Arc<std::sync::Mutex<Vec<String>>> = Default::default();
    let log = told.clone();
    let dry = context(Some(Box::new(move |what| log.lock().unwrap().push(what.to_owned()))));
    let pairs = [("webhook", text(simulated.webhook())), ("plan", text("box"))];
    let path = folder.path().join("deals.ndjson");
    Portal::open(&settings(&pairs), &dry).unwrap().export(list(path.clone(), json!({}))).await.unwrap();
    assert!(told.lock().unwrap()[0].contains("crm.deal.list into "));
    assert_eq!(files(folder.path()), [""; 0]);
    let said = Types::from([("ID".to_owned(), Holds::Integer)]);
    let export = Export { types: Typing::Said(said), ..list(path.clone(), json!({ "select": ["ID"] })) };
    portal(&simulated, folder.path()).export(export).await.unwrap();
    let line = std::fs::read_to_string(path).unwrap();
    assert!(serde_json::from_str::<Value>(line.lines().next().unwrap()).unwrap()["ID"].is_u64());
    let types = portal(&simulated, folder.path()).types("crm.deal.list", &Value::Null).await.unwrap();
    assert_eq!(types["OPPORTUNITY"], Holds::Number);
}

#[tokio::test]
async fn what_cannot_come_to_an_end_is_refused_before_anything_is_asked_or_written() {
    let simulated = simulated(json!({ "rows": { "deals": 60 } })).await;
    let folder = tempfile::tempdir().unwrap();
    let portal = portal(&simulated, &folder.path().join("state"));
    let deals = folder.path().join("deals");
    std::fs::create_dir(&deals).unwrap();
    let no_database = deals.join("notes.db");
    std::fs::write(&no_database, "what was to be done, and by whom ".repeat(50)).unwrap();
    let csv = deals.join("deals.csv");
    let form = Form::new(Format::Csv);
    for (export, code) in [
        (Export { path: deals.clone(), ..list(csv.clone(), json!({})) }, "fs.write"),
        (list(no_database, json!({})), "fs.write"),
        (list(csv.clone(), json!({ "start": 5 })), "b24.wrong_parameter"),
        (Export { method: "crm.deal.get".into(), form, ..list(csv.clone(), json!({})) }, "b24.no_list"),
    ] {
        let error = portal.export(export).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.hint_text().is_some(), "{error}");
    }
    assert_eq!((files(&deals), requests(&simulated).await), (vec!["notes.db".to_owned()], 0));
}

#[tokio::test]
async fn a_column_that_was_asked_for_is_there_although_no_row_has_it() {
    let simulated = simulated(json!({ "rows": { "deals": 3 } })).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deals.csv");
    let portal = portal(&simulated, folder.path());
    portal.export(list(path.clone(), json!({ "select": ["ID", "NO_SUCH"] }))).await.unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("ID,NO_SUCH\n1,"));
    let items = json!({ "entityTypeId": 2, "select": ["id", "STAGE_ID"] });
    let export = Export { method: "crm.item.list".into(), ..list(path.clone(), items) };
    portal.export(export).await.unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("id,stageId\n1,"));
}

#[tokio::test]
async fn another_user_of_the_portal_is_another_call() {
    let of = |webhook: &str| {
        let context = Context::new(Handle::current(), Progress::new(false), State::in_memory(), None);
        Portal::open(&settings(&[("webhook", text(webhook))]), &context).unwrap().seen_by()
    };
    let [one, other, again] = ["rest/1/aaaaaaaabbbbbbbb/", "rest/77/ccccccccdddddddd/", "rest/1/aaaaaaaabbbbbbbb/"]
        .map(|path| of(&format!("https://p.bitrix24.ru/{path}")));
    assert!(one == again && one != other && !one.contains("aaaabbbb"), "{one} {other}");
}
