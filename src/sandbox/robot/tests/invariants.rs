//! What the simulator itself finds wrong with its robots.

use super::*;

impl Story {
    /// The numbers of the broken invariants so far.
    async fn numbers(&self) -> Vec<u8> {
        let broken: Vec<String> = serde_json::from_value(self.look("broken").await).unwrap();
        broken.iter().map(|text| text.split(':').next().unwrap().parse().unwrap()).collect()
    }
}

#[tokio::test]
async fn authorization_is_the_bare_guid_and_nothing_else() {
    let story = story(|_| {}).await;
    let header = |text: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    let url = format!("{}/api/robot/heartbeat", story.base);
    for (authorization, why) in [
        (header(&format!("{FIRST}:")), "a colon"),
        (header(&format!("user:{FIRST}")), "a colon"),
        ("Digest x".to_owned(), "neither Basic nor Bearer"),
        (FIRST.to_owned(), "no scheme"),
        ("Basic !".to_owned(), "no Base64"),
        (basic("00000000-0000-4000-8000-000000000001"), "differ"),
        (String::new(), "no authorization"),
    ] {
        story.control("reset", json!({})).await;
        let mut request = story.client.post(&url).body(form(&[("RobotGUID", FIRST), ("Status", "2")]));
        if !authorization.is_empty() {
            request = request.header("Authorization", &authorization);
        }
        let (status, said) = Story::said(request).await;
        assert_eq!(status, 401, "{authorization}");
        assert!(said["message"].as_str().unwrap().contains(why), "{said}");
        assert_eq!(story.numbers().await, [8], "{authorization}");
        assert_eq!(story.look("log").await[0]["auth_ok"], false);
    }
    // The account's key, in either form; it is no robot.
    let key = story.orchestrator.api_key();
    assert_eq!(Story::said(story.request(Method::GET, "queue/read/invoices", &key)).await.0, 200);
    let bearer = basic(&key.to_uppercase()).replace("Basic", "Bearer");
    let request = story.client.get(format!("{}/api/queue/read/invoices", story.base)).header("Authorization", bearer);
    assert_eq!(Story::said(request).await.0, 200);
    assert_eq!(story.request(Method::POST, "robot/heartbeat", &key).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn heartbeats_that_come_too_soon_are_seen() {
    let story = story(|_| {}).await;
    story.beat("2", "").await;
    story.advance(9.0).await;
    story.beat("2", "").await;
    assert_eq!(story.numbers().await, [4]);
    story.control("reset", json!({})).await;
    story.job("x").await;
    story.advance(10.0).await;
    story.beat("2", "").await;
    let job = story.taken().await;
    // After a job at once, but a Working one never.
    story.beat("2", "").await;
    assert_eq!(story.numbers().await, [0u8; 0]);
    story.update(&job, 8).await;
    story.advance(5.0).await;
    story.beat("3", &job).await;
    assert_eq!(story.numbers().await, [4]);
    story.advance(9.98).await;
    story.beat("3", &job).await;
    assert_eq!(story.numbers().await, [4]);
    story.control("knobs", json!({"strict_spacing": true})).await;
    story.update(&job, 4).await;
    story.beat("2", "").await;
    assert_eq!(story.numbers().await, [4, 4]);
}

#[tokio::test]
async fn a_fast_clock_has_fast_spacing() {
    let story = story(|knobs| (knobs.speed, knobs.spacing_tolerance_ms) = (1000.0, 0.0)).await;
    story.beat("2", "").await;
    tokio::time::sleep(std::time::Duration::from_millis(15)).await;
    story.beat("2", "").await;
    assert_eq!(story.numbers().await, [0u8; 0]);
}

#[tokio::test]
async fn heartbeats_name_the_job_that_is_under_way() {
    let story = story(|_| {}).await;
    let job = story.job("x").await;
    story.taken().await;
    story.update(&job, 8).await;
    for wrong in ["", "no-guid", &story.job("y").await] {
        story.advance(10.0).await;
        story.beat("3", wrong).await;
    }
    assert_eq!(story.numbers().await, [5, 5, 5]);
    story.update(&job, 4).await;
    story.advance(10.0).await;
    story.beat("3", &job).await;
    assert_eq!(story.numbers().await, [5, 5, 5, 5]);
}

#[tokio::test]
async fn no_job_is_taken_while_another_is_not_over() {
    let story = story(|_| {}).await;
    story.control("jobs", json!({"count": 3, "version": "x"})).await;
    let first = story.taken().await;
    story.taken().await;
    assert_eq!(story.numbers().await, [9]);
    assert!(story.broken().await[0].contains("orphan"));
    story.update(&first, 8).await;
    let broken = story.broken().await;
    assert_eq!(broken.len(), 3, "{broken:?}");
    assert!(broken[1].starts_with("1: ") && broken[2].contains("orphan"));
    // A report that cannot get through is not the robot's fault.
    story.control("reset", json!({"data": true})).await;
    story.control("jobs", json!({"count": 2, "version": "x"})).await;
    let first = story.taken().await;
    story.update(&first, 8).await;
    story.control("fault", json!({"route": "update", "kind": "status", "status": 500, "times": 1})).await;
    story.update(&first, 4).await;
    story.taken().await;
    assert_eq!(story.numbers().await, [0u8; 0]);
    // But it has to come in the end, unless it was refused for good.
    assert!(story.broken().await.iter().any(|text| text.starts_with("1: ") && text.contains(&first)));
    story.control("fault", json!({"route": "update", "kind": "status", "status": 410, "times": 1})).await;
    story.update(&first, 4).await;
    assert!(!story.broken().await.iter().any(|text| text.contains(&first)));
}

#[tokio::test]
async fn a_job_has_one_end_and_a_beginning_and_somebody_who_took_it() {
    let story = story(|_| {}).await;
    let job = story.job("x").await;
    story.update(&job, 8).await;
    assert_eq!(story.numbers().await, [3]);
    story.taken().await;
    story.control("reset", json!({})).await;
    let job = story.job("y").await;
    story.taken().await;
    story.control("reset", json!({})).await;
    story.update(&job, 4).await;
    assert_eq!(story.numbers().await, [2]);
    story.update(&job, 8).await;
    story.update(&job, 5).await;
    story.update(&job, 4).await;
    assert_eq!(story.numbers().await, [2, 1]);
}

#[tokio::test]
async fn scripts_tell_what_they_do_and_are_held_to_it() {
    let story = story(|_| {}).await;
    let job = story.job("x").await;
    story.control("effect", json!({"job": job, "text": "begin"})).await;
    assert_eq!(story.numbers().await, [3]);
    story.taken().await;
    story.update(&job, 8).await;
    story.control("effect", json!({"job": job, "text": "begin"})).await;
    assert_eq!(story.numbers().await, [3, 3]);
    story.control("abort", json!({"job": job})).await;
    story.advance(10.0).await;
    story.beat("3", &job).await;
    story.control("effect", json!({"job": job, "text": "step"})).await;
    assert_eq!(story.numbers().await, [3, 3]);
    story.advance(2.0).await;
    story.control("effect", json!({"job": job, "text": "step"})).await;
    assert_eq!(story.numbers().await, [3, 3, 6]);
}

#[tokio::test]
async fn nothing_comes_after_the_log_off_and_no_secret_in_a_message() {
    let story = story(|_| {}).await;
    for text in [FIRST.to_uppercase(), "пароль S3cret-Пароль".to_owned()] {
        story.post("log/create", &[("RobotGUID", FIRST), ("Message", &text)]).await;
    }
    assert_eq!(story.numbers().await, [10, 10]);
    story.control("logoff", json!({"robot": FIRST})).await;
    story.beat("2", "").await;
    assert_eq!(story.numbers().await, [10, 10, 7]);
    story.control("logon", json!({})).await;
    story.advance(10.0).await;
    story.beat("2", "").await;
    assert_eq!(story.numbers().await, [10, 10, 7]);
}
