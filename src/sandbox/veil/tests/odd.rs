//! What nobody should send.

use super::super::kind::KINDS;
use super::super::routes::{ROUTES, Verb};
use super::*;

#[tokio::test]
async fn odd_bodies_are_answered_at_every_address() {
    let story = story(|knobs| (knobs.task_ms, knobs.pool_gb) = (0.0, 1)).await;
    let odd = [
        json!(null),
        json!(-1),
        json!(0),
        json!(1),
        json!(u64::MAX),
        json!(1e300),
        json!("юю\"\\\u{0}"),
        json!("1"),
        json!([]),
        json!([null, {"size": -1e300, "iso": 7}]),
        json!({"0": {"0": []}}),
        json!("11111111-1111-4111-8111-111111111111"),
        json!(["11111111-1111-4111-8111-111111111111", "11111111-1111-4111-8111-111111111111"]),
    ];
    for route in ROUTES {
        let kind = KINDS.iter().find(|about| route.path.starts_with(&format!("{}/", about.prefix))).unwrap();
        let known = story.ids(&format!("{}/?limit=1&template=0", kind.prefix)).await.pop();
        let known = known.unwrap_or_else(|| "11111111-1111-4111-8111-111111111111".to_owned());
        let verb = Method::from_bytes(route.verb.word().as_bytes()).unwrap();
        for value in &odd {
            let body: serde_json::Map<String, Value> =
                route.body.iter().map(|field| (field.name.to_owned(), value.clone())).collect();
            for id in [known.as_str(), "x", "%D1%8E"] {
                let path = format!("{}?async=1", route.path.replace("{id}", id));
                let request = story.request(verb.clone(), &path).body(Value::Object(body.clone()).to_string());
                let (status, said) = Story::said(request).await;
                assert!(matches!(status, 200 | 202 | 400 | 404), "{path} {value}: {status} {said}");
            }
        }
        if route.verb != Verb::Get {
            let path = route.path.replace("{id}", &known);
            for body in ["[]", "{\"a\":", "\u{feff}"] {
                let (status, _) = Story::said(story.request(verb.clone(), &path).body(body)).await;
                assert_eq!(status, 400, "{path} {body}");
            }
        }
    }
    story.good("domains/").await;
}

#[tokio::test]
async fn odd_questions_are_answered_in_every_list() {
    let story = story(|_| ()).await;
    for about in KINDS {
        for query in [
            "limit=-1&offset=-1",
            "limit=99999999999999999999&offset=18446744073709551615",
            "limit=18446744073709551615&offset=18446744073709551614",
            "ordering=--x,-,,permissions&fields=,,&ids=,&name=",
            "ordering=-tags,created&all_content=7&async=true&ids=a,b",
            "%FF=%FF&&=&name=%",
        ] {
            story.good(&format!("{}/?{query}", about.prefix)).await;
        }
        let filters: Vec<String> =
            super::super::list::filters(about.kind).map(|name| format!("{name}=%D1%8E")).collect();
        story.good(&format!("{}/?{}", about.prefix, filters.join("&"))).await;
    }
    for path in ["/", "/api", "/api/", "//api/domains/", "/upload/x/", "/download//", "/ws/", "/_sandbox/"] {
        assert!(matches!(story.get(path).await.0, 400 | 404 | 500), "{path}");
    }
}
