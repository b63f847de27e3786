//! Faults on request.

use super::*;

#[tokio::test]
async fn each_fault_strikes_as_often_as_it_is_told() {
    let story = story(|_| ()).await;
    for (fault, status) in [("maintenance", 418), ("starting", 503), ("internal", 500), ("unauthorized", 401)] {
        story.knobs(json!({"faults": {fault: {"next": 1}}})).await;
        let answer = story.request(Method::GET, "domains/").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{fault}");
        let is_json = answer.headers()["content-type"] == "application/json";
        assert_eq!(is_json, fault != "starting");
        let text = answer.text().await.unwrap();
        assert_eq!(text.starts_with("\"{'errors'"), fault == "unauthorized", "{text}");
        assert_eq!(story.get("domains/").await.0, 200, "{fault}");
    }
    story.knobs(json!({"faults": {"internal": {"probability": 1.0}, "path": "/nodes/", "verb": "GET"}})).await;
    assert_eq!((story.get("domains/").await.0, story.get("nodes/").await.0), (200, 500));
    let counters = story.counters().await;
    assert_eq!(counters["faults"], json!({"internal": 2, "maintenance": 1, "starting": 1, "unauthorized": 1}));
    assert_eq!(story.post("/_sandbox/knobs", json!({"faults": {"no_such": {}}})).await.0, 400);
}

#[tokio::test]
async fn an_answer_gets_lost_before_or_after_the_work() {
    let story = story(|_| ()).await;
    let id = story.off().await;
    let start = || story.request(Method::POST, &format!("domains/{id}/start/?async=1")).body("{}").send();
    story.knobs(json!({"faults": {"reset_before": {"next": 1}, "path": "/start/"}})).await;
    assert!(start().await.is_err());
    assert_eq!(story.counters().await["tasks"], 0);
    story.knobs(json!({"faults": {"reset_after": {"next": 1}}})).await;
    assert!(start().await.is_err());
    tokio::time::sleep(Duration::from_millis(30)).await;
    let counters = story.counters().await;
    assert_eq!((&counters["actions"][&id]["start"], &counters["statuses"]["0"]), (&json!(1), &json!(2)));
    assert_eq!(start().await.unwrap().status().as_u16(), 400, "it is on already");
}

#[tokio::test]
async fn tasks_end_otherwise() {
    let story = story(|_| ()).await;
    let id = story.off().await;
    let path = format!("domains/{id}/start/?async=1");
    for (fault, status) in [("task_failed", "FAILED"), ("task_lost", "LOST")] {
        story.knobs(json!({"faults": {fault: {"next": 1}}})).await;
        let (_, said) = story.post(&path, json!({})).await;
        let task = story.over(&said).await;
        assert_eq!(task["status"], status);
        assert!(!task["error_message"].as_str().unwrap().is_empty());
    }
    story.knobs(json!({"faults": {"task_stuck": {"next": 1}}})).await;
    let (_, said) = story.post(&path, json!({})).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    let task = format!("tasks/{}/", said["_task"]["id"].as_str().unwrap());
    assert_eq!(story.good(&task).await["status"], "IN_PROGRESS");
    story.knobs(json!({"faults": {"task_vanishes": {"next": 1}}})).await;
    assert_eq!(story.get(&task).await.0, 404);
    assert_eq!(story.get(&task).await.0, 404);
    assert_eq!(story.good(&format!("domains/{id}/")).await["user_power_state"], 1);
    let others = story.ids("domains/?power_state=OFF&template=0").await;
    story.knobs(json!({"faults": {"task_partial": {"next": 1}}})).await;
    let ids: Vec<&String> = others.iter().filter(|other| **other != id).take(4).collect();
    let body = json!({"entity_ids": ids, "action": "start", "options": {}});
    let (_, said) = story.post("domains/multi-manager/?async=1", body).await;
    assert_eq!(story.over(&said).await["status"], "PARTIAL");
    let actions = story.counters().await["actions_total"].clone();
    assert_eq!(actions, json!({"start": 2}));
}

#[tokio::test]
async fn the_world_changes_under_way() {
    let story = story(|_| ()).await;
    story.knobs(json!({"faults": {"shrink": {"next": 1}, "domain_vanishes": {"next": 1}}})).await;
    let all = story.good("domains/?limit=5").await["count"].as_i64().unwrap();
    assert_eq!(story.good("domains/?limit=5&offset=5").await["count"], all - 1);
    let id = story.off().await;
    assert_eq!(story.post(&format!("domains/{id}/start/"), json!({})).await.0, 404);
    story.knobs(json!({"faults": {"full_pool": {"next": 1}}})).await;
    let body = json!({"verbose_name": "x", "parent": story.template().await});
    let (status, said) = story.post("domains/multi-create-domain/", body).await;
    assert_eq!(status, 400);
    assert!(error(&said).contains("free space"));
    story.knobs(json!({"pool_gb": 0, "no_agent": true})).await;
    let on = story.on().await;
    assert_eq!(story.good(&format!("domains/{on}/")).await["guest_utils"], json!({}));
    assert_eq!(story.post(&format!("domains/{on}/guest-command/"), json!({"veil_cmd": "echo"})).await.0, 400);
    story.knobs(json!({"shutdown_needs_agent": true})).await;
    let (status, said) = story.post(&format!("domains/{on}/shutdown/"), json!({"force": false})).await;
    assert_eq!((status, error(&said)), (400, "The guest agent does not answer."));
    assert_eq!(story.post(&format!("domains/{on}/shutdown/"), json!({"force": true})).await.0, 200);
}

#[tokio::test]
async fn tokens_wear_out() {
    let story = story(|knobs| knobs.token_requests = 2).await;
    assert_eq!((story.get("domains/").await.0, story.get("domains/").await.0), (200, 200));
    assert_eq!(story.get("domains/").await.0, 401);
    let (_, said) = story.post("/auth/", json!({"username": "admin", "password": "sandbox"})).await;
    assert!(said["token"].is_string());
    story.knobs(json!({"token_requests": 0, "token_life": 0.02})).await;
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert_eq!(story.get("domains/").await.0, 401);
}

#[tokio::test]
async fn refusals_of_fields_have_three_shapes() {
    let story = story(|_| ()).await;
    let why = json!(["Tag with this verbose name already exists."]);
    for (place, expected) in [
        ("item", json!({"errors": [{"verbose_name": why}]})),
        ("errors", json!({"errors": {"verbose_name": why}})),
        ("top", json!({"verbose_name": why})),
    ] {
        story.knobs(json!({"field_errors": place})).await;
        assert_eq!(story.post("tags/", json!({"verbose_name": "office"})).await, (400, expected));
    }
}
