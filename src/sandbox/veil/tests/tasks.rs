//! Tasks: their progress, their ends, their locks, and the same request sent twice.

use super::*;

#[tokio::test]
async fn a_task_takes_its_time_and_holds_a_lock() {
    let story = story(|knobs| (knobs.task_ms, knobs.task_jitter) = (300.0, 0.0)).await;
    let id = story.off().await;
    let (status, said) = story.post(&format!("domains/{id}/start/?async=1"), json!({"force": false})).await;
    assert_eq!(status, 202);
    let task = &said["_task"];
    assert_eq!(
        (&task["status"], &task["executed"], &task["is_cancellable"]),
        (&json!("IN_PROGRESS"), &json!(0), &json!(true))
    );
    let domain = story.good(&format!("domains/{id}/")).await;
    assert_eq!((&domain["locked_by"], &domain["user_power_state"]), (&task["id"], &json!(1)));
    let (status, locked) = story.post(&format!("domains/{id}/start/"), json!({})).await;
    assert_eq!((status, &locked["errors"][0]["code"]), (400, &json!("50009")));
    let task = story.over(&said).await;
    assert_eq!(
        (&task["status"], &task["progress"], &task["error_message"]),
        (&json!("SUCCESS"), &json!(100), &json!(""))
    );
    let took: f64 = task["executed"].as_str().unwrap().parse().unwrap();
    assert!((0.29..0.32).contains(&took), "{took}");
    assert!(task["finished_time"].as_str().unwrap().ends_with('Z'));
    let domain = story.good(&format!("domains/{id}/")).await;
    assert_eq!((&domain["locked_by"], &domain["user_power_state"]), (&Value::Null, &json!(3)));
    assert_eq!(story.counters().await["actions"][&id], json!({"start": 1}));
}

#[tokio::test]
async fn a_canceled_task_changes_nothing() {
    let story = story(|knobs| knobs.task_ms = 60_000.0).await;
    let id = story.off().await;
    let (_, said) = story.post(&format!("domains/{id}/start/?async=1"), json!({})).await;
    let task = said["_task"]["id"].as_str().unwrap();
    let (status, canceled) = story.put(&format!("tasks/{task}/cancel/"), json!({"force": true})).await;
    assert_eq!((status, &canceled["status"]), (200, &json!("CANCELED")));
    assert_eq!(story.put(&format!("tasks/{task}/cancel/"), json!({"force": true})).await.0, 400);
    let domain = story.good(&format!("domains/{id}/")).await;
    assert_eq!((&domain["locked_by"], &domain["user_power_state"]), (&Value::Null, &json!(1)));
    assert_eq!(story.counters().await["actions"], json!({}));
    let (_, said) = story.post(&format!("domains/{id}/start/?async=1"), json!({})).await;
    let task = said["_task"]["id"].as_str().unwrap();
    story.put(&format!("tasks/{task}/release-locks/"), json!({})).await;
    assert_eq!(story.good(&format!("domains/{id}/")).await["locked_by"], Value::Null);
    let counts = story.good("tasks/count/").await;
    assert_eq!((&counts["CANCELED"], &counts["IN_PROGRESS"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn a_group_ends_as_its_parts_do() {
    let story = story(|knobs| knobs.failing_child = 2).await;
    let ids = story.ids("domains/?power_state=OFF&template=0").await;
    let start =
        |ids: &[String]| json!({"entity_ids": ids, "action": "start", "options": {"full": true, "force": false}});
    let (status, said) = story.post("domains/multi-manager/?async=1", start(&ids)).await;
    assert_eq!((status, &said["_task"]["is_multitask"]), (202, &json!(true)));
    let task = story.over(&said).await;
    assert_eq!(task["status"], "PARTIAL");
    let parent = task["id"].as_str().unwrap();
    let good = story.good(&format!("tasks/?parent={parent}&status=SUCCESS")).await;
    assert_eq!(good["count"], json!(ids.len() - 1));
    assert_eq!(story.good(&format!("domains/{}/", ids[1])).await["user_power_state"], 1);
    story.knobs(json!({"failing_child": 0})).await;
    let (status, said) = story.post("domains/multi-manager/", start(&ids)).await;
    assert_eq!((status, error(&said)), (400, "1 of 6 done"));
    let counters = story.counters().await;
    assert!(ids.iter().all(|id| counters["actions"][id]["start"] == 1), "nobody was started twice: {counters}");
    let mut unknown = start(&ids);
    unknown["action"] = json!("explode");
    assert_eq!(story.post("domains/multi-manager/", unknown).await.0, 400);
}

#[tokio::test]
async fn the_same_key_is_the_same_request() {
    let story = story(|knobs| knobs.task_ms = 50.0).await;
    let body = json!({"verbose_name": "one", "parent": story.template().await, "idempotency_key": "k1"});
    let path = "domains/multi-create-domain/?async=1";
    let (first, second) = (story.post(path, body.clone()).await, story.post(path, body.clone()).await);
    assert_eq!(first, second);
    story.over(&first.1).await;
    assert_eq!(story.post(path, body).await, first, "the first answer, even when the task is over");
    // Two that wait for the same work.
    let body = json!({"verbose_name": "two", "parent": story.template().await, "idempotency_key": "k2"});
    let path = "domains/multi-create-domain/";
    let (one, two) = tokio::join!(story.post(path, body.clone()), story.post(path, body.clone()));
    assert_eq!((one.0, &one.1["id"]), (200, &two.1["id"]));
    assert_eq!(story.good("domains/?name=one").await["count"], 1);
    assert_eq!(story.good("domains/?name=two").await["count"], 1);
    assert_eq!(story.counters().await["replays"], 3);
    // Nothing is known of keys in a PUT.
    let off = story.off().await;
    let put = json!({"description": "a", "idempotency_key": "k3"});
    story.put(&format!("domains/{off}/"), put.clone()).await;
    story.put(&format!("domains/{off}/"), put).await;
    assert_eq!(story.counters().await["actions"][&off]["update"], 2);
    // A refusal is not remembered.
    let (status, _) = story.post("tags/", json!({"verbose_name": "office", "idempotency_key": "k4"})).await;
    assert_eq!(status, 400);
    assert_eq!(story.post("tags/", json!({"verbose_name": "free", "idempotency_key": "k4"})).await.0, 200);
}

#[tokio::test]
async fn events_speak_both_languages() {
    let story = story(|_| ()).await;
    let id = story.off().await;
    story.done(&format!("domains/{id}/start/"), json!({})).await;
    let event = story.good("events/?limit=1&user=robot&type=info").await["results"][0].clone();
    assert!(event["message"].as_str().unwrap().starts_with("Starting the virtual machine vm-"), "{event}");
    assert_eq!(
        (&event["entities"][0]["entity_uuid"], &event["entities"][0]["entity_class"]),
        (&json!(id), &json!("domain"))
    );
    let path = format!("events/{}/", event["id"].as_str().unwrap());
    let (_, said) = Story::said(story.request(Method::GET, &path).header("Accept-Language", "ru")).await;
    assert!(said["message"].as_str().unwrap().starts_with("Включение"), "{said}");
    let task = story.good(&format!("tasks/{}/", event["task"].as_str().unwrap())).await;
    assert_eq!(task["events"][0]["id"], event["id"]);
    let (_, said) = Story::said(story.request(Method::GET, "nope/").header("Accept-Language", "ru-RU")).await;
    assert_eq!(error(&said), "URL не найден.");
}
