//! What may befall a request, and what an answer may look like.

use std::time::{Duration, Instant};

use super::*;

impl Story {
    async fn fault(&self, fault: Value) {
        self.control("fault", fault).await;
    }

    /// A heartbeat as its answer came, or that there was none.
    async fn raw_beat(&self) -> Result<reqwest::Response, reqwest::Error> {
        let body = form(&[("RobotGUID", FIRST), ("Status", "2"), ("JobGUID", ""), ("JobType", "1")]);
        let request = self.request(Method::POST, "robot/heartbeat", FIRST);
        request.header("Content-Type", "application/x-www-form-urlencoded").body(body).send().await
    }
}

#[tokio::test]
async fn a_status_comes_with_its_header_and_nothing_is_done() {
    let story = story(|_| {}).await;
    let job = story.job("x").await;
    story.taken().await;
    story.fault(json!({"route": "update", "kind": "status", "status": 503, "retry_after": 7, "times": 1})).await;
    let request = story.request(Method::PUT, "job/update", FIRST).body(form(&[("guid", &job), ("status", "8")]));
    let answer = request.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"7".parse().unwrap()));
    assert_eq!(story.status(&job).await, 1);
    assert_eq!((story.update(&job, 8).await.0, story.status(&job).await), (200, 8));
    let line = &story.look("log?route=update").await[0];
    assert_eq!((&line["status"], &line["faults"], &line["auth_ok"]), (&json!(503), &json!(["status"]), &json!(true)));
}

#[tokio::test]
async fn what_is_dropped_was_done_and_what_is_refused_was_not() {
    let story = story(|_| {}).await;
    story.control("jobs", json!({"count": 2, "version": "x"})).await;
    for (fault, handed) in [
        (json!({"route": "consume", "kind": "drop", "times": 1}), 1),
        (json!({"route": "consume", "kind": "refuse", "times": 1}), 1),
        (json!({"route": "consume", "kind": "reset", "bytes": 10, "times": 1}), 2),
    ] {
        story.fault(fault.clone()).await;
        let request = story.request(Method::POST, "robot/consumeNextJob", FIRST).body(form(&[("RobotGUID", FIRST)]));
        let answer = async { request.send().await?.bytes().await }.await;
        assert!(answer.is_err(), "{fault}");
        assert_eq!(story.look("counters").await["jobs_handed_out"], handed, "{fault}");
    }
    // The robot cannot know of them: nothing of its is broken.
    assert_eq!(story.consume().await["ConsumeJobErrorCode"], 102);
    assert_eq!(story.broken().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_request_is_delivered_twice() {
    let story = story(|_| {}).await;
    story.control("jobs", json!({"count": 2, "version": "x"})).await;
    story.fault(json!({"route": "consume", "kind": "duplicate", "times": 1})).await;
    story.taken().await;
    assert_eq!(story.look("counters").await["jobs_handed_out"], 2);
}

#[tokio::test]
async fn bodies_that_are_no_good() {
    let story = story(|_| {}).await;
    let text = |answer: reqwest::Response| async move {
        (answer.headers()["content-type"].to_str().unwrap().to_owned(), answer.text().await.unwrap())
    };
    let fault = |kind: &str| json!({"route": "heartbeat", "kind": kind, "times": 1});
    story.fault(fault("html")).await;
    let (kind, body) = text(story.raw_beat().await.unwrap()).await;
    assert!(kind.starts_with("text/html") && body.contains("<html>"));
    story.fault(fault("truncated")).await;
    let body = text(story.raw_beat().await.unwrap()).await.1;
    assert!(body.starts_with("{\"Heart") && serde_json::from_str::<Value>(&body).is_err());
    story.fault(fault("empty")).await;
    assert_eq!(text(story.raw_beat().await.unwrap()).await.1, "");
    story.fault(fault("bom")).await;
    assert!(text(story.raw_beat().await.unwrap()).await.1.starts_with('\u{feff}'));
    story.fault(fault("text_numbers")).await;
    assert_eq!(story.beat("2", "").await["HasNewJob"], "0");
    story.fault(fault("wrong_types")).await;
    assert_eq!(story.beat("2", "").await["HasNewJob"], json!({"value": 0}));
    let set = json!({"HeartbeatErrorCode": 20, "HasNewJob": 1});
    story.fault(json!({"route": "heartbeat", "kind": "set", "times": 1, "fields": set, "unset": ["ErrorText"]})).await;
    assert_eq!(story.beat("2", "").await, set);
    story
        .fault(json!({"route": "heartbeat", "kind": "body", "times": 1, "body": "<xml/>", "content_type": "text/xml"}))
        .await;
    assert_eq!(text(story.raw_beat().await.unwrap()).await, ("text/xml".to_owned(), "<xml/>".to_owned()));
}

#[tokio::test]
async fn slow_answers_take_their_time_by_the_simulators_clock() {
    let story = story(|knobs| knobs.speed = 100.0).await;
    for (fault, least, most) in [
        (json!({"kind": "delay", "seconds": 20, "times": 1}), 200, 400),
        (json!({"kind": "drip", "bytes": 10, "seconds": 2, "times": 1}), 80, 600),
        (json!({"kind": "delay", "seconds": 10, "applied": false, "times": 1}), 100, 300),
    ] {
        story.fault(fault.clone()).await;
        let began = Instant::now();
        let body = story.raw_beat().await.unwrap().text().await.unwrap();
        let took = began.elapsed();
        assert!(body.ends_with("\"HasNewJob\":0}"), "{body}");
        let bounds = Duration::from_millis(least)..Duration::from_millis(most * 10);
        assert!(bounds.contains(&took), "{fault}: {took:?}");
    }
    story.fault(json!({"kind": "hang", "times": 1})).await;
    let waited = tokio::time::timeout(Duration::from_millis(200), story.raw_beat()).await;
    assert!(waited.is_err());
    story.fault(json!({"kind": "hang", "seconds": 10, "times": 1})).await;
    assert!(story.raw_beat().await.is_err());
}

#[tokio::test]
async fn a_redirect_leads_to_another_name_or_to_the_same_one() {
    let story = story(|_| {}).await;
    let port = story.base.rsplit_once(':').unwrap().1.to_owned();
    for (to, wanted) in [
        ("other", format!("http://localhost:{port}/api/robot/heartbeat")),
        ("same", format!("http://127.0.0.1:{port}/api/robot/heartbeat?redirected=1")),
        ("http://elsewhere/", "http://elsewhere/".to_owned()),
    ] {
        story.fault(json!({"kind": "redirect", "to": to, "status": 308, "times": 1})).await;
        let answer = story.raw_beat().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (308, wanted.as_str()));
    }
}

#[tokio::test]
async fn faults_are_over_when_their_time_is_and_controls_are_outside_of_them() {
    let story = story(|_| {}).await;
    story.fault(json!({"route": "*", "kind": "refuse", "for_seconds": 30})).await;
    assert!(story.raw_beat().await.is_err());
    assert_eq!(story.look("faults").await.as_array().unwrap().len(), 1);
    story.advance(31.0).await;
    assert!(story.raw_beat().await.is_ok());
    story.fault(json!({"kind": "drop"})).await;
    story.control("faults", json!({})).await;
    assert!(story.raw_beat().await.is_ok());
    for wrong in ["{\"kind\": \"flood\"}", "{\"kind\": \"knobs\", \"knobs\": {\"task_kye\": \"Task\"}}"] {
        let wrong = story.client.post(format!("{}/_sandbox/fault", story.base)).body(wrong);
        assert_eq!(Story::said(wrong).await.0, 400);
    }
}

#[tokio::test]
async fn the_look_of_answers_follows_the_switches() {
    let story = story(|knobs| {
        (knobs.numbers_as_text, knobs.extra_fields, knobs.upper_guids, knobs.bom) = (true, true, true, true);
        " Task ".clone_into(&mut knobs.task_key);
        knobs.absent_task = super::super::Absent::Empty;
    })
    .await;
    let job = story.job("x").await;
    let body = story.raw_beat().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(body.strip_prefix('\u{feff}').unwrap()).unwrap();
    assert_eq!((&answer["HasNewJob"], &answer["ServerVersion"]), (&json!("1"), &json!("5.10.0")));
    story.control("knobs", json!({"bom": false})).await;
    let answer = story.consume().await;
    assert_eq!((&answer["ConsumeJobErrorCode"], &answer[" Task "]), (&json!("0"), &json!("")));
    let shown = inner(&answer["Job"]);
    assert_eq!((&shown["GUID"], &shown["status"]), (&json!(job.to_uppercase()), &json!("1")));
    assert_eq!(story.update(&job.to_uppercase(), 8).await.0, 200);

    let knobs = json!({"nested_objects": true, "task_key": "Task", "absent_task": "absent", "numbers_as_text": false});
    story.control("knobs", knobs).await;
    story.job("y").await;
    let answer = story.consume().await;
    assert_eq!((&answer["ProcessVersion"]["Name"], answer.get("Task")), (&json!("y"), None));
}

#[tokio::test]
async fn a_switch_may_be_set_for_one_request() {
    let story = story(|_| {}).await;
    story.control("jobs", json!({"count": 2, "version": "x"})).await;
    let knobs = json!({"task_key": " Task ", "nested_objects": true});
    story.fault(json!({"route": "consume", "kind": "knobs", "times": 1, "knobs": knobs})).await;
    let answer = story.consume().await;
    assert_eq!((&answer["ProcessVersion"]["Name"], answer.get(" Task ")), (&json!("x"), Some(&Value::Null)));
    assert!(story.consume().await["Job"].is_string());
}

#[tokio::test]
async fn verbs_are_as_documented_or_looser() {
    let story = story(|_| {}).await;
    let job = story.job("x").await;
    story.taken().await;
    let fields = [("guid", job.as_str()), ("status", "8")];
    assert_eq!(story.post("job/update", &fields).await.0, 200);
    story.control("knobs", json!({"strict_verbs": true})).await;
    assert_eq!(story.post("job/update", &fields).await.0, 405);
    assert_eq!(story.put("job/update", &fields).await.0, 200);
    story.control("knobs", json!({"strict_verbs": false, "put_status": 405})).await;
    assert_eq!(story.put("job/update", &fields).await.0, 405);
    assert_eq!(story.post("job/update", &fields).await.0, 200);
    story.control("knobs", json!({"put_status": 404})).await;
    let (status, body) = story.put("job/update", &fields).await;
    assert_eq!((status, body["message"].as_str().unwrap()), (404, "The route api/job/update could not be found."));
    assert_eq!(story.get("job/updated").await.0, 404);
    story.control("knobs", json!({"put_status": 0, "update_body": "<html>ok</html>"})).await;
    assert_eq!(story.put("job/update", &fields).await, (200, json!("<html>ok</html>")));
}

#[tokio::test]
async fn fields_come_as_json_in_a_query_or_in_other_spellings() {
    let story = story(|_| {}).await;
    let job = story.job("x").await;
    story.taken().await;
    let request = story.request(Method::PUT, "job/update", FIRST).header("Content-Type", "application/json");
    let body = json!({"GUID": job, "Status": 8}).to_string();
    assert_eq!(Story::said(request.body(body)).await.0, 200);
    let request = story.request(Method::PUT, &format!("job/update?Guid={job}&STATUS=4"), FIRST);
    assert_eq!(Story::said(request).await.0, 200);
    let request = story.request(Method::POST, "robot/heartbeat", FIRST).header("Content-Type", "application/json");
    assert_eq!(Story::said(request.body("{no")).await.0, 401);
    let request = story.request(Method::POST, "queue/create", FIRST).header("Content-Type", "application/json");
    assert_eq!(Story::said(request.body("{no")).await.0, 400);
}

#[tokio::test]
async fn tls_is_met_with_the_certificate_that_is_wanted() {
    let story = story(|_| {}).await;
    let pem = story.orchestrator.certificate().unwrap().as_bytes();
    let trusted = reqwest::Certificate::from_pem_bundle(pem).unwrap();
    let ask = async |certificates: Vec<reqwest::Certificate>| {
        let client = Client::builder().no_proxy().tls_certs_only(certificates).build().unwrap();
        client.get(story.base.replace("http:", "https:")).send().await
    };
    assert!(ask(Vec::new()).await.is_err());
    assert_eq!(ask(trusted.clone()).await.unwrap().status(), 200);
    for certificate in ["expired", "wrong_host"] {
        story.control("knobs", json!({"certificate": certificate})).await;
        assert!(ask(trusted.clone()).await.is_err(), "{certificate}");
    }
    story.control("knobs", json!({"certificate": "own"})).await;
    for kind in ["expired", "wrong_host"] {
        story.fault(json!({"kind": kind, "times": 1})).await;
        assert!(ask(trusted.clone()).await.is_err(), "{kind}");
    }
    story.fault(json!({"route": "*", "kind": "refuse", "times": 1})).await;
    assert!(ask(trusted.clone()).await.is_err());
    assert!(ask(trusted).await.is_ok());
}
