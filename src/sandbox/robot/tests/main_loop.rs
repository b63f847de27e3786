//! The seed's algorithm from the first heartbeat to the last, and what the operator does meanwhile.

use super::*;

#[tokio::test]
async fn the_seeds_algorithm_goes_through_and_breaks_nothing() {
    let story = story(|_| {}).await;
    assert_eq!(story.beat("2", "").await, json!({"HeartbeatErrorCode": 0, "ErrorText": "", "HasNewJob": 0}));
    let made = json!({"version": "invoice_import", "task": {"name": "inv-17", "parameters": {"file": "a.xml"}}});
    let job = story.control("job", made).await["guid"].as_str().unwrap().to_owned();
    story.advance(10.0).await;
    assert_eq!(story.beat("2", "").await["HasNewJob"], 1);
    let answer = story.consume().await;
    assert_eq!((&answer["ConsumeJobErrorCode"], &answer["ErrorText"]), (&json!(0), &json!("")));
    assert_eq!(inner(&answer["Job"])["GUID"], json!(job));
    assert_eq!(inner(&answer["ProcessVersion"])["Name"], "invoice_import");
    let task = inner(&answer["Task"]);
    assert_eq!((&task["name"], inner(&task["parameters"])), (&json!("inv-17"), json!({"file": "a.xml"})));
    assert_eq!(story.status(&job).await, 1);
    assert_eq!(story.update(&job, 8).await, (200, json!([])));
    story.advance(10.0).await;
    assert_eq!(story.beat("3", &job).await["HeartbeatErrorCode"], 0);
    assert_eq!(story.update(&job, 4).await.0, 200);
    assert_eq!(story.beat("2", "").await["HasNewJob"], 0);
    let shown = story.look(&format!("job?guid={job}")).await;
    let history: Vec<_> =
        shown["history"].as_array().unwrap().iter().map(|step| step["to"].as_i64().unwrap()).collect();
    assert_eq!(history, [0, 1, 8, 4]);
    assert_eq!(story.broken().await, Vec::<String>::new());
}
