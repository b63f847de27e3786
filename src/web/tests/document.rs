//! The OpenAPI document tells what is served, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Stage, request};
use crate::web::routes::{ROUTES, Verb};

async fn document(stage: &Stage) -> Value {
    let answer = stage.ask(request("GET", "/api/openapi.json", None, "")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json; charset=utf-8"));
    answer.json()
}

#[tokio::test]
async fn the_document_lists_exactly_the_routes_that_are_served() {
    let stage = Stage::with(|options| options.anyone_reads = true);
    let document = document(&stage).await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut told = BTreeSet::new();
    for (path, verbs) in document["paths"].as_object().unwrap() {
        for verb in verbs.as_object().unwrap().keys() {
            told.insert((verb.to_uppercase(), path.clone()));
        }
    }
    let verb = |verb| if verb == Verb::Get { "GET" } else { "POST" };
    let table = ROUTES.iter().map(|route| (verb(route.verb).to_owned(), route.path.replace("{*", "{")));
    assert_eq!(told, table.collect());
    for (verb, path) in &told {
        // What is served is not `nothing at this address`, whatever else is wrong with the request.
        let address = path.replace("{file}", "app.js").replace(['{', '}'], "");
        let answer = stage.reply(request(verb, &address, None, "")).await;
        let (status, body) = (answer.status().as_u16(), answer.into_body());
        if status == 404 {
            let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
            assert!(!String::from_utf8_lossy(&bytes).contains("at this address"), "{verb} {address}");
        }
        assert_ne!(status, 405, "{verb} {address}");
    }
}

#[tokio::test]
async fn every_reference_leads_to_a_schema_and_every_schema_is_used() {
    let document = document(&Stage::new()).await;
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let (mut wanted, mut ids) = (BTreeSet::new(), BTreeSet::new());
    references(&document, &mut wanted);
    assert_eq!(wanted, schemas.keys().map(String::as_str).collect());
    for verbs in document["paths"].as_object().unwrap().values() {
        for operation in verbs.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{operation}");
        }
    }
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(place)) = fields.get("$ref") {
                found.insert(place.strip_prefix("#/components/schemas/").unwrap());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn answers_have_the_fields_that_the_document_requires() {
    let stage = Stage::new();
    let id = stage.start().await;
    stage.ended(&id).await;
    let document = document(&stage).await;
    let of = |path: &str| match path {
        "/api/runs/{id}" => format!("/api/runs/{id}"),
        "/api/codes/{code}/names" => "/api/codes/0c06/names".into(),
        "/api/names/{name}" => "/api/names/payment".into(),
        "/api/checks" => "/api/checks?name=payment&code=0c06".into(),
        path => path.to_owned(),
    };
    let mut checked = 0;
    for (path, verbs) in document["paths"].as_object().unwrap() {
        let schema = &verbs["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        if schema.is_null() || verbs["get"]["tags"][0] == "compatible" || path == "/api/openapi.json" {
            continue;
        }
        let answer = stage.get(&of(path)).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        fits(&document, schema, &answer.json(), path);
        checked += 1;
    }
    assert!(checked >= 12, "{checked}");
}

/// Whether a value has the fields that its schema requires, and no others than it names.
fn fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return fits(document, &document["components"]["schemas"][name], value, place);
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        values.iter().for_each(|value| fits(document, items, value, place));
    }
    let Some(fields) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(fields.contains_key(name.as_str().unwrap()), "{place}: {name} is not in {value}");
    }
    for (name, value) in fields {
        match schema["properties"].get(name) {
            Some(schema) => fits(document, schema, value, place),
            None => assert!(schema.get("additionalProperties").is_some(), "{place}: {name} is not in the document"),
        }
    }
}
