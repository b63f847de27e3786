//! The seed's algorithm from the first heartbeat to the last, and what the operator does meanwhile.

use super::*;

#[tokio::test]
async fn the_seeds_algorithm_goes_through_and_breaks_nothing() {
    let story = story(|_| {}).await;
    assert_eq!(story.orchestrator.guid(), FIRST);
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
    assert_eq!(story.history(&job).await, [0, 1, 8, 4]);
    assert_eq!(story.broken().await, Vec::<String>::new());
    let state = story.look("state").await;
    let robot = &state["robots"][0];
    assert_eq!(
        (&robot["machine"], &robot["mac"], &robot["status"]),
        (&json!("RPA-01"), &json!("AA-BB-CC-DD-EE-FF"), &json!(2))
    );
}

#[tokio::test]
async fn nobody_knows_the_robot_and_there_is_no_work() {
    let story = story(|_| {}).await;
    let nobody = "00000000-0000-4000-8000-000000000001";
    let said = story.beat_of(nobody, "2", "").await;
    assert_eq!((&said["HeartbeatErrorCode"], &said["HasNewJob"]), (&json!(101), &json!(0)));
    let said = story.form_of(nobody, Method::POST, "robot/consumeNextJob", &[("RobotGUID", nobody)]).await.1;
    assert_eq!(said["ConsumeJobErrorCode"], 101);
    let said = story.consume().await;
    assert_eq!(said["ConsumeJobErrorCode"], 102);
    assert_eq!((&said["Job"], &said["ProcessVersion"], &said["Task"]), (&Value::Null, &Value::Null, &Value::Null));
}

#[tokio::test]
async fn the_highest_priority_goes_first_and_then_the_oldest() {
    let story = story(|_| {}).await;
    let mut wanted = Vec::new();
    for (version, priority) in [("low", 0), ("first", 1), ("second", 1), ("high", 2)] {
        story.control("job", json!({"version": version, "priority": priority})).await;
    }
    for _ in 0..4 {
        let answer = story.consume().await;
        wanted.push(inner(&answer["ProcessVersion"])["Name"].as_str().unwrap().to_owned());
    }
    assert_eq!(wanted, ["high", "first", "second", "low"]);
}

#[tokio::test]
async fn many_robots_never_take_the_same_job() {
    let story = story(|_| {}).await;
    story.control("jobs", json!({"count": 20, "version": "x"})).await;
    let asked = (0..30).map(|_| story.consume());
    let answers = futures_util::future::join_all(asked).await;
    let mut guids: Vec<String> = answers
        .iter()
        .filter(|answer| answer["ConsumeJobErrorCode"] == 0)
        .map(|answer| inner(&answer["Job"])["GUID"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(guids.len(), 20);
    guids.sort();
    guids.dedup();
    assert_eq!(guids.len(), 20);
}

#[tokio::test]
async fn stop_and_abort_are_told_by_the_heartbeats_of_that_job() {
    let story = story(|knobs| knobs.spacing_tolerance_ms = 1e9).await;
    let job = story.job("x").await;
    story.taken().await;
    story.update(&job, 8).await;
    assert_eq!(story.beat("3", &job).await["HeartbeatErrorCode"], 0);
    assert_eq!(story.control("stop", json!({"job": job})).await["status"], 6);
    assert_eq!(story.beat("3", &job.to_uppercase()).await["HeartbeatErrorCode"], 20);
    assert_eq!(story.beat("2", "").await["HeartbeatErrorCode"], 0);
    assert_eq!(story.control("abort", json!({"job": job})).await["status"], 2);
    // Abort is not taken back.
    assert_eq!(story.control("stop", json!({"job": job})).await["status"], 2);
    assert_eq!(story.beat("3", &job).await["HeartbeatErrorCode"], 10);
    story.control("knobs", json!({"stale_codes": true})).await;
    assert_eq!(story.beat("2", "").await["HeartbeatErrorCode"], 10);
    assert_eq!(story.update(&job, 3).await.0, 200);
    assert_eq!(story.beat("2", "").await["HeartbeatErrorCode"], 0);
    assert_eq!(story.history(&job).await, [0, 1, 8, 6, 2, 3]);
    let again = story.client.post(format!("{}/_sandbox/stop", story.base)).body(json!({"job": job}).to_string());
    assert_eq!(Story::said(again).await.0, 409);
}

#[tokio::test]
async fn a_job_that_nobody_took_ends_at_once_and_a_taken_one_is_asked() {
    let story = story(|_| {}).await;
    let (first, second, third) = (story.job("a").await, story.job("b").await, story.job("c").await);
    assert_eq!(story.control("stop", json!({"job": first})).await["status"], 7);
    assert_eq!(story.control("abort", json!({"job": second})).await["status"], 3);
    assert_eq!(story.taken().await, third);
    assert_eq!(story.control("abort", json!({"job": third})).await["status"], 2);
    assert_eq!(story.beat("3", &third).await["HeartbeatErrorCode"], 10);
    // Its start is not refused, but the wish stays.
    assert_eq!(story.update(&third, 8).await.0, 200);
    assert_eq!(story.status(&third).await, 2);
    story.control("knobs", json!({"start_while_asked": "refuse"})).await;
    assert_eq!(story.update(&third, 8).await.0, 409);
    assert_eq!(story.update(&third, 3).await.0, 200);
}

#[tokio::test]
async fn only_the_changes_of_the_reference_are_taken() {
    let story = story(|_| {}).await;
    // From, wanted, answer: the life of a job as far as robots write it.
    for (way, wanted, status) in [
        (&[][..], 8, 409),
        (&["take"], 4, 409),
        (&["take"], 5, 200),
        (&["take"], 7, 200),
        (&["take", "8"], 4, 200),
        (&["take", "8"], 5, 200),
        (&["take", "8"], 7, 200),
        (&["take", "8"], 3, 409),
        (&["take", "8"], 1, 409),
        (&["take", "8", "stop"], 7, 200),
        (&["take", "8", "stop"], 4, 200),
        (&["take", "8", "stop"], 3, 409),
        (&["take", "8", "abort"], 3, 200),
        (&["take", "8", "abort"], 4, 200),
        (&["take", "8", "abort"], 7, 200),
        (&["take", "8", "4"], 4, 200),
        (&["take", "8", "4"], 5, 409),
        (&["take", "8", "4"], 8, 409),
    ] {
        story.control("reset", json!({"data": true})).await;
        let job = story.job("x").await;
        for step in way {
            match *step {
                "take" => assert_eq!(story.taken().await, job),
                "stop" | "abort" => {
                    story.control(step, json!({"job": job})).await;
                }
                status => assert_eq!(story.update(&job, status.parse().unwrap()).await.0, 200),
            }
        }
        assert_eq!(story.update(&job, wanted).await.0, status, "{way:?} {wanted}");
    }
}

#[tokio::test]
async fn a_forbidden_change_may_be_ignored_instead() {
    let story = story(|knobs| {
        (knobs.strict_order, knobs.late_results, knobs.stopped_unasked) = (false, false, false);
    })
    .await;
    let job = story.job("x").await;
    story.taken().await;
    story.update(&job, 8).await;
    assert_eq!(story.update(&job, 7).await, (200, json!([])));
    assert_eq!(story.status(&job).await, 8);
    story.control("stop", json!({"job": job})).await;
    assert_eq!((story.update(&job, 4).await.0, story.status(&job).await), (200, 6));
    assert_eq!((story.update(&job, 7).await.0, story.status(&job).await), (200, 7));
}

#[tokio::test]
async fn a_job_belongs_to_the_robot_that_took_it() {
    let story = story(|_| {}).await;
    let other = story.look("state").await["robots"][1]["guid"].as_str().unwrap().to_owned();
    let job = story.job("x").await;
    story.taken().await;
    let fields = [("guid", job.as_str()), ("status", "8")];
    assert_eq!(story.form_of(&other, Method::PUT, "job/update", &fields).await.0, 403);
    story.control("knobs", json!({"lenient_owner": true})).await;
    assert_eq!(story.form_of(&other, Method::PUT, "job/update", &fields).await.0, 200);
    assert_eq!(story.update("00000000-0000-4000-8000-000000000001", 8).await.0, 404);
    assert_eq!(story.put("job/update", &[("guid", &job)]).await.0, 422);
    assert_eq!(story.put("job/update", &[("status", "8")]).await.0, 422);
}

#[tokio::test]
async fn inactive_unlicensed_and_deleted_robots_get_no_work() {
    let story = story(|_| {}).await;
    let job = story.job("x").await;
    story.control("activate", json!({"active": false})).await;
    assert_eq!(story.beat("2", "").await["HasNewJob"], 0);
    assert_eq!(story.consume().await["ConsumeJobErrorCode"], 102);
    story.control("activate", json!({"active": true, "licensed": false})).await;
    let said = story.beat("2", "").await;
    assert_eq!((&said["HasNewJob"], &said["ErrorText"]), (&json!(0), &json!("Robot is not licensed")));
    story.control("activate", json!({"active": true, "licensed": true})).await;
    story.taken().await;
    story.update(&job, 8).await;
    story.control("delete", json!({"robot": FIRST})).await;
    assert_eq!(story.beat("3", &job).await["HeartbeatErrorCode"], 101);
    assert_eq!(story.consume().await["ConsumeJobErrorCode"], 101);
    // What it was given it may still report.
    assert_eq!(story.update(&job, 4).await.0, 200);
    assert_eq!(story.get("queue/read/invoices").await.0, 401);
}

#[tokio::test]
async fn the_clock_redelivers_stops_disconnects_and_fails() {
    let story = story(|knobs| (knobs.redeliver_after, knobs.fail_silent_after) = (30.0, 100.0)).await;
    let job =
        story.control("job", json!({"version": "x", "stop_after": 20})).await["guid"].as_str().unwrap().to_owned();
    assert_eq!(story.taken().await, job);
    assert_eq!(story.consume().await["ConsumeJobErrorCode"], 102);
    story.advance(31.0).await;
    assert_eq!(story.taken().await, job);
    story.update(&job, 8).await;
    story.advance(19.0).await;
    assert_eq!(story.beat("3", &job).await["HeartbeatErrorCode"], 0);
    story.advance(2.0).await;
    assert_eq!(story.beat("3", &job).await["HeartbeatErrorCode"], 20);
    story.advance(59.0).await;
    assert_eq!(story.look("state").await["robots"][0]["status"], 3);
    story.advance(2.0).await;
    assert_eq!(story.look("state").await["robots"][0]["status"], 0);
    story.advance(40.0).await;
    assert_eq!(story.history(&job).await, [0, 1, 8, 6, 5]);
}

#[tokio::test]
async fn a_job_is_handed_out_once_more_when_a_test_wants_it() {
    let story = story(|_| {}).await;
    let job = story.job("x").await;
    story.taken().await;
    story.update(&job, 8).await;
    story.update(&job, 4).await;
    story.control("redeliver", json!({"job": job})).await;
    assert_eq!(story.beat("2", "").await["HasNewJob"], 1);
    assert_eq!(story.taken().await, job);
    assert_eq!(story.update(&job, 4).await.0, 200);
    assert_eq!(story.beat("2", "").await["HasNewJob"], 0);
    assert_eq!(story.broken().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_page_and_the_table_show_robots_jobs_and_history() {
    let story = story(|knobs| knobs.jobs = 2).await;
    story.beat("2", "").await;
    story.taken().await;
    story.job("<b>").await;
    let page = story.client.get(&story.base).send().await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let page = page.text().await.unwrap();
    for word in [FIRST, "invoices", "Pending", "&lt;b&gt;", "http-equiv=\"refresh\""] {
        assert!(page.contains(word), "{word}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"));
    let table = Story::said(story.client.get(format!("{}/_sandbox/table", story.base))).await.1;
    let table = table.as_str().unwrap();
    assert!(table.contains("robot-1") && table.contains("Jobs (3 of 3)") && table.contains("Ready"));
}
