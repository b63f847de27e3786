//! Machines: power, copies, what is set on them.

use super::*;

#[tokio::test]
async fn power_follows_its_table() {
    let story = story(|_| ()).await;
    let id = story.off().await;
    let act = |word: &str| format!("domains/{id}/{word}/");
    for (word, state) in [("start", 3), ("reboot", 3), ("reset", 3), ("suspend", 2), ("resume", 3), ("shutdown", 1)] {
        assert_eq!(story.done(&act(word), json!({"force": false})).await["user_power_state"], state, "{word}");
    }
    for word in ["reboot", "reset", "suspend", "resume", "shutdown"] {
        let (status, said) = story.post(&act(word), json!({})).await;
        assert_eq!(status, 400, "{word}");
        assert!(error(&said).contains("wrong power state"), "{said}");
    }
    let (status, _) = story.post(&format!("domains/{}/start/", story.template().await), json!({})).await;
    assert_eq!(status, 400);
    let counters = story.counters().await;
    assert_eq!(counters["actions"][&id]["start"], 1);
    assert_eq!(counters["actions_total"]["reset"], 1);
}

#[tokio::test]
async fn thin_clones_come_from_a_template() {
    let story = story(|knobs| knobs.task_ms = 150.0).await;
    let template = story.template().await;
    let ids = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
    let body = json!({"verbose_name": "class", "parent": template, "thin": true, "count": 2, "domains_ids": ids,
        "start_on": true, "remote_access": true, "set_hostname": true, "template": false,
        "add_to_ad": {"domainname": "corp.local", "login": "u", "password": "p", "restart": 1}});
    let (status, said) = story.post("domains/multi-create-domain/?async=1", body.clone()).await;
    assert_eq!((status, &said["entity"]), (202, &json!(ids[0])));
    assert_eq!(said["_task"]["entities"].as_object().unwrap().keys().next().unwrap(), ids[0]);
    assert_eq!(story.get(&format!("domains/{}/", ids[0])).await.0, 404, "not before the task ends");
    assert_eq!(story.post("domains/multi-create-domain/", body.clone()).await.0, 400, "the ids are on their way");
    let task = story.over(&said).await;
    assert_eq!((&task["status"], &task["is_multitask"]), (&json!("SUCCESS"), &json!(true)));
    let parent = format!("tasks/?parent={}&status=SUCCESS&fields=id,entities", task["id"].as_str().unwrap());
    assert_eq!(story.ids(&parent).await.len(), 2);
    let clone = story.good(&format!("domains/{}/", ids[1])).await;
    assert_eq!((&clone["verbose_name"], &clone["thin"]), (&json!("class-2"), &json!(true)));
    assert_eq!((&clone["parent"]["id"], &clone["user_power_state"]), (&json!(template), &json!(3)));
    assert_eq!(clone["guest_utils"]["hostname"], "class-2");
    let command = json!({"qemu_cmd": "guest-exec", "fargs": {"path": "hostname"}});
    let said = story.done(&format!("domains/{}/guest-command/", ids[1]), command).await;
    assert_eq!(said["guest-exec"]["out-data"], "class-2\n");
    for (path, body) in [
        (format!("domains/{template}/remove/"), json!({"force": true})),
        (format!("domains/{template}/migrate/"), json!({"node": "33333333-1111-4111-8111-111111111111"})),
        ("domains/multi-create-domain/".to_owned(), json!({"verbose_name": "x", "parent": ids[0]})),
        ("domains/backup/".to_owned(), json!({"domain": ids[0]})),
    ] {
        assert_eq!(story.post(&path, body).await.0, 400, "{path}");
    }
}
