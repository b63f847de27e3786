//! Who is let in, how often, and with what.

use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt;
use serde_json::json;

use super::{PORTAL, SCREEN, Stage, request};
use crate::web::answer::Reply;

const ORDER: &str = r#"{"name":"payment","code":"0c06","month":7,"year":2019}"#;

#[tokio::test]
async fn a_token_opens_what_it_may() {
    let stage = Stage::new();
    let cases = [
        ("GET", "/api/status", None, "", 401),
        ("GET", "/api/status", Some("guess"), "", 401),
        ("GET", "/api/status", Some(SCREEN), "", 200),
        ("GET", "/metrics", None, "", 401),
        ("POST", "/api/plan", Some(SCREEN), ORDER, 200),
        ("POST", "/api/runs", None, ORDER, 401),
        ("POST", "/api/runs", Some(SCREEN), ORDER, 403),
        ("POST", "/api/runs/x/cancel", Some(SCREEN), "", 403),
        ("POST", "/api/runs/x/resume", Some(SCREEN), "", 403),
        ("GET", "/", None, "", 200),
        ("GET", "/healthz", None, "", 200),
    ];
    for (method, path, token, body, status) in cases {
        let answer = stage.ask(request(method, path, token, body)).await;
        assert_eq!(answer.status, status, "{method} {path} {token:?}: {answer:?}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge.starts_with("Bearer"), status == 401, "{challenge}");
        assert!(!answer.text.contains("guess"));
    }
    // Where anyone may read, a wrong token is still wrong: its owner should know.
    let open = Stage::with(|options| options.anyone_reads = true);
    assert_eq!(open.ask(request("GET", "/api/status", None, "")).await.status, 200);
    assert_eq!(open.ask(request("GET", "/api/status", Some("guess"), "")).await.status, 401);
    assert_eq!(open.ask(request("POST", "/api/runs", None, ORDER)).await.status, 401);
}

#[tokio::test]
async fn a_caller_is_told_who_it_is() {
    let stage = Stage::with(|options| options.anyone_reads = true);
    for (token, told) in [
        (Some(PORTAL), json!({ "user": "portal", "may_start": true })),
        (Some(SCREEN), json!({ "user": "screen", "may_start": false })),
        (None, json!({ "user": null, "may_start": false })),
    ] {
        assert_eq!(stage.ask(request("GET", "/api/whoami", token, "")).await.json(), told);
    }
}

#[tokio::test]
async fn wrong_methods_addresses_and_parameters_are_named() {
    let stage = Stage::new();
    let delete = stage.ask(request("DELETE", "/api/runs", Some(PORTAL), "")).await;
    assert_eq!((delete.status, delete.header("allow")), (405, "POST,GET,HEAD"));
    assert_eq!(delete.json()["error"], "method");
    assert_eq!(stage.ask(request("OPTIONS", "/api/status", None, "")).await.header("allow"), "GET,HEAD");
    assert_eq!(stage.get("/api/nothing").await.json()["error"], "not_found");
    assert_eq!(stage.get("/api/runs/none").await.status, 404);
    for (query, message) in [
        ("limti=5", "there is no such parameter"),
        ("limit=0", "`limit` has to be a whole number from 1 to 500"),
        ("limit=501", "`limit` has to be a whole number from 1 to 500"),
        ("state=done", "`state` has to be one of waiting, running, ok, failed, cancelled, interrupted"),
        ("limit=5&limit=6", "`limit` is given twice"),
    ] {
        let answer = stage.get(&format!("/api/runs?{query}")).await;
        assert_eq!((answer.status, answer.json()["message"].as_str()), (400, Some(message)), "{query}");
    }
    assert_eq!(stage.get("/api/runs?limti=5").await.json()["hint"], "did you mean `limit`?");
    assert_eq!(stage.get("/api/checks?name=payment").await.json()["message"], "`code` is needed");
    let head = stage.ask(request("HEAD", "/api/status", Some(PORTAL), "")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn a_body_is_json_and_not_endless() {
    let stage = Stage::new();
    let post = |kind: Option<&str>, body: Body| {
        let request =
            Request::builder().method("POST").uri("/api/runs").header("authorization", format!("Bearer {PORTAL}"));
        let request = kind.iter().fold(request, |request, kind| request.header("content-type", *kind));
        stage.ask(request.body(body).unwrap())
    };
    assert_eq!(post(Some("text/plain"), ORDER.into()).await.status, 415);
    assert_eq!(post(None, ORDER.into()).await.status, 415);
    assert_eq!(post(Some("application/json; charset=utf-8"), "{".into()).await.status, 400);
    assert_eq!(post(Some("application/json"), "[1]".into()).await.status, 400);
    assert_eq!(post(Some("application/json"), "[".repeat(60_000).into()).await.status, 400);
    let huge = post(Some("application/json"), vec![b' '; 100 << 20].into()).await;
    assert_eq!((huge.status, &huge.json()["error"]), (413, &json!("limit.body")));
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 8192]))
        .take_until(Box::pin(tokio::time::sleep(std::time::Duration::from_millis(300))));
    assert_eq!(post(Some("application/json"), Body::from_stream(endless)).await.status, 413);
    let broken = futures_util::stream::iter([Ok(b"{".to_vec()), Err(std::io::ErrorKind::ConnectionReset)]);
    let broken = Body::from_stream(broken.map(|piece| piece.map_err(std::io::Error::from)));
    assert_eq!(post(Some("application/json"), broken).await.status, 400);
}

#[tokio::test]
async fn wrong_fields_are_all_named() {
    let stage = Stage::new();
    let next_year = jiff::Zoned::now().year() + 1;
    let cases = [
        (
            json!({}),
            json!({ "code": "a code is needed", "month": "a whole data source needs a month", "year": "a whole data source needs a year" }),
        ),
        (
            json!({ "code": "0c66", "undated_only": true }),
            json!({ "code": "there is no code `0c66`; did you mean `0c06`?" }),
        ),
        (json!({ "codes": [], "undated_only": true }), json!({ "codes": "`codes` has to be a list of codes" })),
        (
            json!({ "codes": ["0c06", 5, "0c06"], "undated_only": true }),
            json!({ "codes": "the code `0c06` is given twice" }),
        ),
        (
            json!({ "code": "0c06", "codes": ["0c06"], "undated_only": true }),
            json!({ "codes": "give `code` or `codes`, not both" }),
        ),
        (
            json!({ "code": "0c06", "name": "paymant" }),
            json!({ "name": "there is no entity `paymant`; did you mean `payment`?" }),
        ),
        (json!({ "code": "stek", "name": "room" }), json!({ "name": "the data source `stek` has no entity `room`" })),
        (
            json!({ "code": "0c06", "name": "payment" }),
            json!({ "month": "`payment` needs a month", "year": "`payment` needs a year" }),
        ),
        (
            json!({ "code": "0c06", "name": "payment", "month": "7", "year": 2019 }),
            json!({ "month": "`month` has to be a whole number" }),
        ),
        (
            json!({ "code": "0c06", "name": "payment", "month": 77, "year": 2019 }),
            json!({ "month": "there is no month 77" }),
        ),
        (
            json!({ "code": "0c06", "name": "room", "month": 77, "year": 2019 }),
            json!({ "month": "there is no month 77" }),
        ),
        (
            json!({ "code": "0c06", "name": "payment", "month": 7, "yaer": 2019 }),
            json!({ "yaer": "there is no field `yaer`; did you mean `year`?", "year": "`payment` needs a year" }),
        ),
        (
            json!({ "code": "0c06", "name": "room", "undated_only": true }),
            json!({ "undated_only": "`undated_only` is for whole data sources, not for one entity" }),
        ),
        (
            json!({ "code": "0c06", "undated_only": "yes" }),
            json!({ "undated_only": "`undated_only` has to be true or false", "month": "a whole data source needs a month", "year": "a whole data source needs a year" }),
        ),
    ];
    for (body, fields) in cases {
        let answer = stage.post("/api/runs", &body.to_string()).await;
        assert_eq!((answer.status, &answer.json()["fields"]), (422, &fields), "{body}");
    }
    for (month, year, field) in [(7, 1, "year"), (12, 2017, "year"), (1, next_year, "year")] {
        let body = json!({ "code": "0c06", "name": "payment", "month": month, "year": year });
        let answer = stage.post("/api/plan", &body.to_string()).await;
        assert_eq!(answer.status, 422);
        assert!(answer.json()["fields"][field].as_str().unwrap().contains("is not within 2018-01 and"), "{answer:?}");
    }
    for month in 1..=12 {
        let body = json!({ "code": "0c06", "name": "payment", "month": month, "year": 2018 });
        assert_eq!(stage.post("/api/plan", &body.to_string()).await.status, 200);
    }
}

#[tokio::test]
async fn who_asks_too_often_waits_and_others_do_not() {
    let stage = Stage::with(|options| (options.rate, options.burst) = (0.5, 3.0));
    for _ in 0..3 {
        assert_eq!(stage.get("/api/status").await.status, 200);
    }
    let refused = stage.get("/api/status").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "2"));
    assert_eq!(stage.ask(request("GET", "/api/status", Some(SCREEN), "")).await.status, 200);
    // Guesses are counted by address, whatever is guessed.
    for n in 0..3 {
        assert_eq!(stage.ask(request("GET", "/api/status", Some(&format!("guess-{n}")), "")).await.status, 401);
    }
    assert_eq!(stage.ask(request("GET", "/api/status", Some("guess-4"), "")).await.status, 429);
    assert_eq!(stage.ask(request("POST", "/entity_sync", None, "{}")).await.status, 429);
    assert_eq!(stage.ask(request("GET", "/healthz", None, "")).await.status, 200);
}

#[tokio::test]
async fn a_proxy_is_believed_only_where_it_is_named() {
    let told = |header: &'static str| {
        let mut request = request("GET", "/sync_status", Some("guess"), "");
        request.headers_mut().insert("x-forwarded-for", header.parse().unwrap());
        request
    };
    let burst_of_one = |proxy: Option<&str>| {
        let proxy = proxy.map(|proxy| proxy.parse().unwrap());
        Stage::with(move |options| (options.rate, options.burst, options.proxy) = (0.001, 1.0, proxy))
    };
    let stage = burst_of_one(Some("127.0.0.1"));
    assert_eq!(stage.ask(told("6.6.6.6, 10.0.0.1")).await.status, 401);
    assert_eq!(stage.ask(told("7.7.7.7, 10.0.0.1")).await.status, 429);
    assert_eq!(stage.ask(told("10.0.0.2")).await.status, 401);
    let stage = burst_of_one(None);
    assert_eq!(stage.ask(told("10.0.0.1")).await.status, 401);
    assert_eq!(stage.ask(told("10.0.0.2")).await.status, 429);
}

#[tokio::test]
async fn pages_of_other_sites_may_call_only_where_they_are_named() {
    async fn asked(stage: &Stage, method: &str, origin: &str) -> Reply {
        let mut request = request(method, "/api/status", Some(PORTAL), "");
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request.headers_mut().insert("access-control-request-method", "GET".parse().unwrap());
        stage.reply(request).await
    }
    let closed = Stage::new();
    let answer = asked(&closed, "GET", "https://portal.example").await;
    assert_eq!(answer.headers().get("access-control-allow-origin"), None);
    let open = Stage::with(|options| options.origins = vec!["https://portal.example".into()]);
    let preflight = asked(&open, "OPTIONS", "https://portal.example").await;
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-headers"], "Authorization, Content-Type, Last-Event-ID");
    assert_eq!(
        asked(&open, "GET", "https://portal.example").await.headers()["access-control-allow-origin"],
        "https://portal.example"
    );
    let other = asked(&open, "GET", "https://evil.example").await;
    assert_eq!(other.headers().get("access-control-allow-origin"), None);
}

#[tokio::test]
async fn the_page_is_in_the_program_and_asked_for_once() {
    let stage = Stage::new();
    let page = stage.ask(request("GET", "/", None, "")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!((page.header("x-frame-options"), page.header("x-content-type-options")), ("DENY", "nosniff"));
    let script = stage.ask(request("GET", "/assets/app.js", None, "")).await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    let mut again = request("GET", "/assets/app.js", None, "");
    again.headers_mut().insert("if-none-match", format!("\"x\", W/{}", script.header("etag")).parse().unwrap());
    let again = stage.ask(again).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    // Everything that the page names is there.
    for name in page.text.split('"').filter(|part| part.starts_with("assets/")) {
        assert_eq!(stage.ask(request("GET", &format!("/{name}"), None, "")).await.status, 200, "{name}");
    }
    for wrong in ["/assets/", "/assets/nothing.js", "/assets/../mod.rs", "/assets/%2e%2e/mod.rs", "/assets/..%5cmod.rs"]
    {
        assert_eq!(stage.ask(request("GET", wrong, None, "")).await.status, 404, "{wrong}");
    }
}
