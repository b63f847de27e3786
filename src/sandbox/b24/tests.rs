//! The portal as a client meets it.

use super::Fault;
use super::cell::ZONE;
use super::http::{Outcome, Page, Request};
use super::knobs::Knobs;
use super::sim::Sim;
use super::{Portal, control};
use bytes::Bytes;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, sleep};

fn portal(change: impl FnOnce(&mut Knobs)) -> Sim {
    let mut knobs = Knobs { limits: false, ..Knobs::default() };
    change(&mut knobs);
    Sim::new(knobs, "http://127.0.0.1:1".to_owned())
}

fn request(path: &str, body: &Value) -> Request {
    Request {
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        is_post: true,
        path: path.to_owned(),
        query: String::new(),
        content_type: "application/json".to_owned(),
        key: None,
        body: Bytes::from(body.to_string()),
    }
}

async fn page(sim: &Sim, request: Request) -> Page {
    match sim.rest(request).await {
        Outcome::Answer(page) => page,
        Outcome::Reset => panic!("the connection was reset"),
    }
}

/// Calls a method by the webhook; status and answer.
async fn ask(sim: &Sim, method: &str, params: Value) -> (u16, Value) {
    let page = page(sim, request(&format!("/rest/1/{}/{method}", sim.knobs().code), &params)).await;
    (page.status, serde_json::from_slice(&page.body).unwrap())
}

async fn good(sim: &Sim, method: &str, params: Value) -> Value {
    let (status, answer) = ask(sim, method, params).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn batch(sim: &Sim, cmd: Value, halt: u8) -> Value {
    good(sim, "batch", json!({"halt": halt, "cmd": cmd})).await["result"].clone()
}

fn ids(rows: &Value, name: &str) -> Vec<i64> {
    let id = |row: &Value| row[name].as_str().map_or_else(|| row[name].as_i64(), |id| id.parse().ok());
    rows.as_array().unwrap().iter().map(|row| id(row).unwrap()).collect()
}

#[tokio::test]
async fn pages_of_fifty_with_total_and_next() {
    let sim = portal(|knobs| knobs.rows.deals = 120);
    let first = good(&sim, "crm.deal.list", json!({})).await;
    assert_eq!((&first["total"], &first["next"]), (&json!(120), &json!(50)));
    assert_eq!(first["result"].as_array().unwrap().len(), 50);
    let last = good(&sim, "crm.deal.list", json!({"start": 100})).await;
    assert_eq!((&last["total"], last.get("next")), (&json!(120), None));
    assert_eq!(last["result"].as_array().unwrap().len(), 20);
    let uncounted = good(&sim, "crm.deal.list", json!({"start": -1})).await;
    assert_eq!((&uncounted["total"], uncounted.get("next")), (&json!(0), None));
    let down = good(&sim, "crm.deal.list", json!({"order": {"ID": "DESC"}, "start": 100, "filter": {">ID": 0}})).await;
    assert_eq!(ids(&down["result"], "ID"), ids(&first["result"], "ID")[..20].iter().rev().copied().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_official_export_sees_every_row_once() {
    let sim = portal(|knobs| knobs.rows.deals = 730);
    let (mut last, mut seen) = (0, Vec::<i64>::new());
    loop {
        let params = json!({"order": {"ID": "ASC"}, "filter": {">ID": last}, "start": -1, "select": ["ID"]});
        let page = ids(&good(&sim, "crm.deal.list", params).await["result"], "ID");
        seen.extend(&page);
        last = page.last().copied().unwrap_or(last);
        if page.len() < 50 {
            break;
        }
    }
    assert_eq!(seen.len(), 730);
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
}

#[tokio::test]
async fn rows_differ_by_family() {
    let sim = portal(|_| ());
    let old = good(&sim, "crm.deal.list", json!({"select": ["*", "UF_*"]})).await["result"][0].clone();
    assert_eq!(old.as_object().unwrap().len(), 23);
    assert!(old["ID"].is_string() && old["OPPORTUNITY"].as_str().unwrap().contains('.'));
    let plain = good(&sim, "crm.deal.list", json!({})).await["result"][0].clone();
    assert!(plain.get("UF_CRM_CHANNEL").is_none());
    let item = good(&sim, "crm.item.list", json!({"entityTypeId": 2})).await["result"]["items"][0].clone();
    assert!(item["id"].is_i64() && item["opportunity"].is_number());
    assert_eq!(old["TITLE"], item["title"]);
    let contact = good(&sim, "crm.contact.list", json!({"select": ["PHONE"]})).await["result"][0].clone();
    assert_eq!(contact.as_object().unwrap().keys().collect::<Vec<_>>(), ["ID", "PHONE"]);
    let task = good(&sim, "tasks.task.list", json!({"select": ["ID"]})).await["result"]["tasks"].clone();
    let newest = ids(&task, "id");
    assert!(newest.windows(2).all(|pair| pair[0] > pair[1]), "tasks come newest first");
    let logs = good(&sim, "crm.timeline.logmessage.list", json!({})).await;
    assert_eq!(logs["result"]["logMessages"].as_array().unwrap().len(), 10);
    assert!(good(&sim, "crm.address.list", json!({})).await.get("total").is_none());
}

#[tokio::test]
async fn what_one_call_changes_the_next_shows() {
    let sim = portal(|_| ());
    let fields = json!({"title": "Новая", "OPPORTUNITY": 10.5, "ORIGIN_ID": "x-1", "NO_SUCH": 1});
    let id = good(&sim, "crm.deal.add", json!({"FIELDS": fields})).await["result"].as_i64().unwrap();
    let deal = good(&sim, "crm.deal.get", json!({"ID": id})).await["result"].clone();
    assert_eq!((&deal["TITLE"], &deal["OPPORTUNITY"]), (&json!("Новая"), &json!("10.50")));
    let found = good(&sim, "crm.deal.list", json!({"filter": {"ORIGIN_ID": "x-1"}})).await;
    assert_eq!((&found["total"], ids(&found["result"], "ID")), (&json!(1), vec![id]));
    good(&sim, "crm.deal.update", json!({"id": id, "fields": {"ORIGIN_ID": null, "STAGE_ID": "WON"}})).await;
    let deal = good(&sim, "crm.item.get", json!({"entityTypeId": 2, "id": id})).await["result"]["item"].clone();
    assert_eq!((&deal["originId"], &deal["stageId"]), (&Value::Null, &json!("WON")));
    good(&sim, "crm.deal.delete", json!({"id": id})).await;
    let gone = ask(&sim, "crm.deal.get", json!({"id": id})).await;
    assert_eq!(gone, (400, json!({"error": "", "error_description": "Not found"})));
    let nothing = ask(&sim, "crm.deal.get", json!({})).await;
    assert_eq!(nothing.1["error_description"], "ID is not defined or invalid.");
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let sim = portal(|_| ());
    let status = |path: &str| request(path, &json!({}));
    for (path, expected) in [
        ("/rest/1/wrong/profile", (401, "INVALID_CREDENTIALS")),
        ("/rest/profile", (401, "NO_AUTH_FOUND")),
        ("/rest/1/sandbox0webhook0code/no.such", (404, "ERROR_METHOD_NOT_FOUND")),
        ("/rest/1/sandbox0webhook0code/disk.folder.uploadfile", (400, "100")),
    ] {
        let page = page(&sim, status(path)).await;
        let answer: Value = serde_json::from_slice(&page.body).unwrap();
        assert_eq!((page.status, answer["error"].as_str().unwrap()), expected, "{path}");
    }
    assert_eq!(
        ask(&sim, "disk.file.get", json!({"ID": 1})).await.1["error"],
        "100",
        "this module wants a lower-case id"
    );
    assert_eq!(
        ask(&sim, "crm.item.list", json!({"entityTypeId": 128, "filter": {"NOPE": 1}})).await.1["error"],
        "INVALID_ARG_VALUE"
    );
    let mut broken = request("/rest/1/sandbox0webhook0code/profile", &json!({}));
    for body in [&b"{\"a\":"[..], b"\xff\xfe", b"[[[["] {
        broken.body = Bytes::from_static(body);
        let (path, kind) = (broken.path.clone(), broken.content_type.clone());
        let next =
            Request { path, content_type: kind, body: broken.body.clone(), query: String::new(), key: None, ..broken };
        assert_eq!(page(&sim, next).await.status, 400);
    }
}

#[tokio::test]
async fn a_token_expires_and_is_refreshed() {
    let sim = portal(|_| ());
    let call = |token: Value| request("/rest/crm.deal.get.json", &json!({"ID": 1, "auth": token}));
    assert_eq!(page(&sim, call(json!("sandbox-access"))).await.status, 200);
    sim.oauth().expire();
    let page_ = page(&sim, call(json!("sandbox-access"))).await;
    assert!(String::from_utf8(page_.body).unwrap().contains("expired_token"));
    let knobs = sim.knobs();
    let refresh = json!({"grant_type": "refresh_token", "client_id": knobs.client_id, "client_secret": knobs.client_secret, "refresh_token": "sandbox-refresh"});
    let Outcome::Answer(answer) = control::token(&sim, &refresh) else { panic!("reset") };
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(page(&sim, call(answer["access_token"].clone())).await.status, 200);
}

#[tokio::test]
async fn a_batch_answers_in_five_maps() {
    let sim = portal(|knobs| knobs.rows.deals = 120);
    let cmd = json!({"a": "crm.deal.list?select[]=ID", "bad": "crm.deal.get?ID=99999999", "b": "crm.deal.get?ID=$result[a][0][ID]"});
    let result = batch(&sim, cmd.clone(), 0).await;
    assert_eq!(result["result"]["a"][0]["ID"], result["result"]["b"]["ID"]);
    assert_eq!(result["result_error"], json!({"bad": {"error": "", "error_description": "Not found"}}));
    assert_eq!((&result["result_total"], &result["result_next"]), (&json!({"a": 120}), &json!({"a": 50})));
    assert!(result["result_time"]["b"]["operating"].is_number());
    let halted = batch(&sim, cmd, 1).await;
    assert!(halted["result"].get("b").is_none());
    let listed = batch(&sim, json!(["profile", "no.such"]), 0).await;
    assert!(listed["result"].is_array() && listed["result_error"].is_object() && listed["result_total"] == json!([]));
}

#[tokio::test]
async fn a_batch_has_bounds() {
    let sim = portal(|_| ());
    let cmd: serde_json::Map<String, Value> = (0..52).map(|number| (format!("c{number}"), json!("profile"))).collect();
    let result = batch(&sim, Value::Object(cmd), 0).await;
    assert_eq!(result["result"].as_object().unwrap().len(), 50);
    assert_eq!(result["result_error"]["c51"]["error"], "ERROR_BATCH_LENGTH_EXCEEDED");
    let nested = batch(&sim, json!({"b": "batch?cmd[a]=profile", "f": "disk.folder.uploadfile?id=1"}), 0).await;
    assert_eq!(nested["result_error"]["b"]["error"], "ERROR_BATCH_METHOD_NOT_ALLOWED");
    assert_eq!(nested["result_error"]["f"]["error"], "ERROR_BATCH_METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn references_reach_into_earlier_results() {
    let sim = portal(|knobs| knobs.rows.deals = 120);
    let next = "crm.deal.list?start=-1&order[ID]=ASC&filter[>ID]=";
    let encoded = "filter%5B%3EID%5D=%24result%5Bc1%5D%5B49%5D%5BID%5D";
    let cmd = json!({
        "c0": format!("{next}0"),
        "c1": format!("{next}$result[c0][49][ID]"),
        "c2": format!("crm.deal.list?start=-1&order[ID]=ASC&{encoded}"),
        "c3": format!("{next}$result[c2][49][ID]"),
        "i": "crm.item.list?entityTypeId=2&order[id]=ASC",
        "i2": "crm.deal.get?id=$result[i][items][3][id]",
    });
    let result = batch(&sim, cmd, 0).await["result"].clone();
    let pages: Vec<Vec<i64>> = ["c0", "c1", "c2", "c3"].iter().map(|name| ids(&result[name], "ID")).collect();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 20, 50]);
    assert!(pages[0][49] < pages[1][0] && pages[1][49] < pages[2][0]);
    assert_eq!(pages[3], pages[0], "a reference to a row that is not there reads from the start again");
    assert_eq!(result["i2"]["ID"].as_str(), Some(result["i"]["items"][3]["id"].to_string().as_str()));
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_may_stay() {
    for (keep, expected) in [(false, json!("")), (true, json!("$result[no][0][ID]"))] {
        let sim = portal(|knobs| knobs.keep_unresolved = keep);
        let cmd = json!({"a": "crm.deal.add?fields[TITLE]=$result[no][0][ID]", "b": "crm.deal.get?id=$result[a]"});
        let title = batch(&sim, cmd, 0).await["result"]["b"]["TITLE"].clone();
        assert_eq!(title.as_str().unwrap_or_default(), expected);
    }
}

#[tokio::test]
async fn positional_methods_count_their_parameters() {
    let sim = portal(|_| ());
    let task = good(&sim, "tasks.task.list", json!({"select": ["ID"]})).await["result"]["tasks"][0]["id"].clone();
    let id =
        good(&sim, "task.elapseditem.add", json!([task, {"SECONDS": 60, "COMMENT_TEXT": "т"}])).await["result"].clone();
    let rows = good(
        &sim,
        "task.elapseditem.getlist",
        json!([task, {"ID": "desc"}, {}, ["ID"], {"NAV_PARAMS": {"nPageSize": 1}}]),
    )
    .await;
    assert_eq!(rows["result"], json!([{"ID": id.to_string()}]));
    let by_name = good(&sim, "task.elapseditem.getlist", json!({"TASKID": task, "ORDER": {"ID": "desc"}})).await;
    assert_eq!(by_name["result"][0]["ID"], id.to_string());
    let shifted = ask(&sim, "task.elapseditem.getlist", json!({"__order": "x", "TASKID": task})).await;
    assert_eq!((shifted.0, &shifted.1["error"]), (400, &json!("ERROR_CORE")));
}

#[tokio::test]
async fn people_are_filtered_at_the_top_level() {
    let sim = portal(|_| ());
    let users = good(&sim, "user.get", json!({"ID": [3, 1], "sort": "ID", "order": "DESC"})).await;
    assert_eq!((ids(&users["result"], "ID"), &users["total"]), (vec![3, 1], &json!(2)));
    assert!(users["result"][0]["ACTIVE"].is_boolean());
}

#[tokio::test(start_paused = true)]
async fn the_rate_bucket_refuses_and_recovers() {
    let sim = portal(|knobs| knobs.limits = true);
    for _ in 0..50 {
        assert_eq!(ask(&sim, "profile", json!({})).await.0, 200);
    }
    let (status, answer) = ask(&sim, "profile", json!({})).await;
    assert_eq!((status, &answer["error"]), (503, &json!("QUERY_LIMIT_EXCEEDED")));
    sleep(Duration::from_millis(1100)).await;
    assert_eq!(ask(&sim, "profile", json!({})).await.0, 200);
    assert_eq!(sim.counters().refused_503, 1);
}

#[tokio::test(start_paused = true)]
async fn work_is_waited_for_and_billed_to_each_method() {
    let sim = portal(|knobs| {
        (knobs.limits, knobs.command_ms, knobs.count_ms, knobs.operating_limit) = (true, 100.0, 900.0, 2.0);
    });
    let began = Instant::now();
    let first = batch(
        &sim,
        json!({"a": "crm.deal.list", "b": "crm.deal.list", "c": "crm.lead.list?start=-1", "d": "crm.deal.list"}),
        0,
    )
    .await;
    assert_eq!(began.elapsed(), Duration::from_millis(2100));
    assert_eq!(first["result_time"]["b"]["operating"], json!(2.0));
    assert_eq!(first["result_time"]["c"]["operating"], json!(0.1));
    assert_eq!(first["result_error"]["d"]["error"], "OPERATION_TIME_LIMIT");
    assert_eq!(ask(&sim, "crm.deal.list", json!({})).await.0, 429);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(ask(&sim, "crm.deal.list", json!({})).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_batch_may_be_billed_as_a_whole() {
    let sim = portal(|knobs| {
        (knobs.limits, knobs.command_ms, knobs.operating_limit, knobs.operating_bill_batch) = (true, 500.0, 1.0, true);
    });
    let answer = good(&sim, "batch", json!({"cmd": {"a": "profile", "b": "profile"}})).await;
    assert_eq!(answer["time"]["operating"], json!(1.0));
    assert_eq!(answer["result"]["result_time"]["a"]["operating"], json!(1.0));
    assert_eq!(ask(&sim, "batch", json!({"cmd": {"a": "profile"}})).await.0, 429);
    assert_eq!(ask(&sim, "profile", json!({})).await.0, 200);
}

#[tokio::test]
async fn faults_strike_as_often_as_told() {
    let sim = portal(|knobs| {
        knobs.faults.internal = Fault { next: 1, probability: 0.0 };
        knobs.faults.bad_gateway.next = 1;
        knobs.faults.moved.next = 1;
        knobs.moved_to = "http://127.0.0.1:9".to_owned();
    });
    let call = || request("/rest/1/sandbox0webhook0code/crm.deal.add", &json!({"fields": {}}));
    let moved = page(&sim, call()).await;
    assert_eq!(
        (moved.status, moved.location.as_deref()),
        (302, Some("http://127.0.0.1:9/rest/1/sandbox0webhook0code/crm.deal.add"))
    );
    assert_eq!(page(&sim, call()).await.status, 500);
    let gateway = page(&sim, call()).await;
    assert_eq!((gateway.status, gateway.content_type), (502, "text/html"));
    assert!(sim.counters().writes_by_method.is_empty(), "all of them came before the work");
    assert_eq!(page(&sim, call()).await.status, 200);
    sim.set_knobs(sim.knobs().merged(&json!({"faults": {"reset_after": {"next": 1}}})).unwrap());
    assert!(matches!(sim.rest(call()).await, Outcome::Reset));
    assert_eq!(sim.counters().writes_by_method["crm.deal.add"], 2, "the work was done all the same");
}

#[tokio::test]
async fn single_commands_fail_inside_a_batch() {
    let sim = portal(|knobs| {
        knobs.faults.command.next = 1;
        knobs.faults.command_method = "crm.deal.get".to_owned();
        knobs.faults.no_time.next = 1;
    });
    let answer = good(&sim, "batch", json!({"cmd": {"a": "profile", "b": "crm.deal.get?id=1", "c": "profile"}})).await;
    assert_eq!(answer["result"]["result_error"]["b"]["error"], "ERROR_CORE");
    assert_eq!(answer["result"]["result"].as_object().unwrap().len(), 2);
    assert!(answer.get("time").is_none());
}

#[tokio::test(start_paused = true)]
async fn rows_come_and_go_while_an_export_runs() {
    let sim = portal(|_| ());
    sim.set_knobs(Knobs { changes_per_second: 20.0, ..(*sim.knobs()).clone() });
    let before = good(&sim, "crm.deal.list", json!({"order": {"ID": "DESC"}})).await;
    sleep(Duration::from_secs(3)).await;
    let after = good(&sim, "crm.deal.list", json!({"order": {"ID": "DESC"}})).await;
    assert_eq!(before["total"], after["total"]);
    assert_eq!(ids(&after["result"], "ID")[0] - ids(&before["result"], "ID")[0], 60);
    assert_eq!(sim.counters().changes, 60);
    sim.set_knobs(Knobs { changes_per_second: 0.0, ..(*sim.knobs()).clone() });
    sleep(Duration::from_secs(3)).await;
    good(&sim, "profile", json!({})).await;
    assert_eq!(sim.counters().changes, 60, "stopped");
}

#[tokio::test]
async fn rest_3_lists_tasks() {
    let sim = portal(|_| ());
    let path = "/rest/api/1/sandbox0webhook0code/";
    let call = |method: &str, body: Value| request(&format!("{path}{method}"), &body);
    let answer = async |request: Request| -> (u16, Value) {
        let page = page(&sim, request).await;
        (page.status, serde_json::from_slice(&page.body).unwrap())
    };
    let query = json!({"filter": [["id", ">", 100], {"logic": "or", "conditions": [["status", 5], ["status", "in", [2, 3]]]}],
        "order": {"id": "ASC"}, "select": ["id", "status", "creator.name"], "pagination": {"limit": 1000}});
    let items = answer(call("tasks.task.list", query)).await.1["result"]["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 50, "the page is capped");
    assert!(items.as_array().unwrap().iter().all(|task| task["id"].as_i64() > Some(100) && task["status"] != 4));
    assert_eq!(items[0]["creator"].as_object().unwrap().len(), 1);
    let zero = answer(call("tasks.task.list", json!({"pagination": {"limit": 0}}))).await;
    assert_eq!(
        (zero.0, &zero.1["error"]["code"]),
        (400, &json!("BITRIX_REST_V3_EXCEPTION_INVALIDPAGINATIONEXCEPTION"))
    );
    assert_eq!(answer(call("tasks.task.list", json!({"pagination": {"limit": -1}}))).await.0, 500);
    let tail = answer(call("tasks.task.tail", json!({"cursor": {"field": "id", "value": 5, "limit": 2}}))).await.1;
    assert!(tail["result"]["items"][0]["id"].as_i64() > Some(5));
    let unknown = answer(call("tasks.task.get", json!({"id": 99_999_999}))).await.1;
    assert_eq!(unknown["error"]["code"], "BITRIX_REST_V3_EXCEPTION_ENTITYNOTFOUNDEXCEPTION");
    let invalid = answer(call("tasks.task.add", json!({"fields": {}}))).await.1;
    assert_eq!(invalid["error"]["validation"][0]["field"], "title");
}

#[tokio::test]
async fn rest_3_batches_refer_and_repeats_are_replayed() {
    let sim = portal(|_| ());
    let path = "/rest/api/1/sandbox0webhook0code/";
    let commands = json!([
        {"method": "tasks.task.list", "query": {"pagination": {"limit": 2}, "order": {"id": "ASC"}}, "as": "first"},
        {"method": "tasks.task.get", "query": {"id": {"$ref": "first.items.1.id"}}},
        {"method": "tasks.task.list", "query": {"filter": [["id", "in", {"$refArray": "first.id"}]]}},
        {"method": "tasks.task.get", "query": {"id": {"$ref": "nobody.item.id"}}},
    ]);
    let answer = page(&sim, request(&format!("{path}batch"), &commands)).await;
    let results = serde_json::from_slice::<Value>(&answer.body).unwrap()["result"].clone();
    assert_eq!(results[1]["item"]["id"], results[0]["items"][1]["id"]);
    assert_eq!(results[2]["items"].as_array().unwrap().len(), 2);
    assert!(results[3]["error"]["code"].is_string());
    let add = || {
        let body = json!({"fields": {"title": "Т", "responsibleId": 1}});
        Request { key: Some("k1".to_owned()), ..request(&format!("{path}tasks.task.add"), &body) }
    };
    let (first, second) = (page(&sim, add()).await, page(&sim, add()).await);
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!(first.body, second.body);
    assert_eq!(sim.counters().writes_by_method["tasks.task.add"], 1);
}

#[tokio::test]
async fn the_clock_is_the_portals() {
    let sim = portal(|_| ());
    let told = good(&sim, "server.time", json!({})).await["result"].as_str().unwrap().to_owned();
    let at = super::cell::read_moment(&told).unwrap();
    assert!(told.ends_with("+03:00") && (at as f64 - sim.now()).abs() < 2.0 && ZONE == 10_800);
}

/// One exchange over a real connection; everything the portal sent.
async fn exchange(portal: &Portal, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(portal.address()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // A reset ends the reading with an error: then what came before it counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn real_connections_are_served_reset_and_closed() {
    let mut knobs = Knobs { max_body: 1000, ..Knobs::default() };
    knobs.faults.reset_before.next = 1;
    let portal = Portal::start(knobs).await.unwrap();
    let path = portal.webhook().split_once("/rest/").map(|(_, path)| format!("/rest/{path}")).unwrap();
    let get = format!("GET {path}crm.deal.get?id=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(exchange(&portal, get.as_bytes()).await, "", "the first one is reset");
    let answer = exchange(&portal, get.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\\u"), "{answer}");
    let form = "fields%5BTITLE%5D=%D0%AF";
    let head = format!(
        "POST {path}crm.deal.add HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    assert!(exchange(&portal, head.as_bytes()).await.contains("{\"result\":1"));
    let big = format!(
        "POST {path}profile HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n{}",
        "x".repeat(2000)
    );
    assert!(exchange(&portal, big.as_bytes()).await.starts_with("HTTP/1.1 413"));
    let counters = exchange(&portal, b"GET /_sandbox/counters HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(counters.contains("\"reset_before\":1") && counters.contains("\"crm.deal.add\":1"), "{counters}");
    let address = portal.address();
    drop(portal);
    sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn odd_parameters_are_answered_by_every_method() {
    let sim = portal(|knobs| {
        knobs.rows.deals = 300;
        knobs.rows.users = 0;
    });
    let names = good(&sim, "methods", json!({})).await["result"].clone();
    let odd = [
        json!(null),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!("юю"),
        json!([]),
        json!({"0": {"0": []}}),
        json!("9".repeat(30)),
    ];
    let keys = [
        "id",
        "entityTypeId",
        "start",
        "taskId",
        "filter",
        "order",
        "select",
        "fields",
        "rows",
        "data",
        "LIMIT",
        "OFFSET",
        "LAST_ID",
        "cmd",
    ];
    for name in names.as_array().unwrap() {
        for value in &odd {
            let mut params: serde_json::Map<String, Value> =
                keys.iter().map(|key| ((*key).to_owned(), value.clone())).collect();
            for known in [json!({}), json!({"entityTypeId": 2, "IBLOCK_TYPE_ID": "lists"})] {
                params.extend(known.as_object().unwrap().clone());
                let (status, _) = ask(&sim, name.as_str().unwrap(), Value::Object(params.clone())).await;
                assert!(matches!(status, 200 | 400), "{name} {value}: {status}");
            }
            ask(&sim, name.as_str().unwrap(), json!([value, value, value, value, value])).await;
            let filter = json!({"entityTypeId": 2, "filter": {">=ID": value, "!%TITLE": value, ">DATE_CREATE": value, "OPPORTUNITY": value, "@ID": value}});
            ask(&sim, name.as_str().unwrap(), filter).await;
            let fields = json!({"TITLE": value, "OPPORTUNITY": value, "DATE_CREATE": value, "BEGINDATE": value, "RESPONSIBLE_ID": value, "PHONE": value});
            ask(&sim, name.as_str().unwrap(), json!({"entityTypeId": 2, "id": 1, "fields": fields})).await;
        }
    }
    good(&sim, "crm.deal.list", json!({"select": ["*", "UF_*"]})).await;
}
