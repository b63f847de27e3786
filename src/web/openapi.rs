//! The OpenAPI document, made of the table of routes.

use std::sync::LazyLock;

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::{Outcome, json_bytes};
use super::routes::{Access, Call, Content, Holds, Param, ROUTES, Route, Verb};

/// The shapes of bodies and answers, as JSON Schema.
const SCHEMAS: &str = include_str!("schemas.json");

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| whole().to_string().into());

/// `GET /api/openapi.json`
pub async fn document(_call: Call) -> Outcome {
    Ok(json_bytes(StatusCode::OK, DOCUMENT.clone()))
}

fn whole() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        // A path that takes the rest of an address is written as any other.
        let path = route.path.replace("{*", "{");
        let verbs = paths.entry(path).or_insert_with(|| json!({}));
        let verb = match route.verb {
            Verb::Get => "get",
            Verb::Post => "post",
        };
        verbs[verb] = operation(route);
    }
    // A test reads the schemas; a document without them would still tell the routes.
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or_default();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "pult serve",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Synchronisation of a billing aggregate by stored procedures.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(route: &Route) -> Value {
    let in_path = route.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let in_path = in_path.map(|name| {
        let name = name.trim_start_matches('*');
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    let mut operation = json!({
        "summary": route.about,
        "tags": [route.tag],
        "operationId": id(route),
        "parameters": in_path.chain(route.query.iter().map(parameter)).collect::<Vec<_>>(),
        "responses": answers(route),
    });
    if let Some(body) = route.body {
        let is_needed = route.access != Access::Start || body == "Order";
        operation["requestBody"] =
            json!({ "required": is_needed, "content": { "application/json": { "schema": reference(body) } } });
    }
    match route.access {
        Access::Start => operation["security"] = json!([{ "token": [] }]),
        // With a token, or without where the configuration says so.
        Access::Read => operation["security"] = json!([{ "token": [] }, {}]),
        Access::Open | Access::InBody => operation["security"] = json!([]),
    }
    operation
}

/// `get_api_runs_id_events`
fn id(route: &Route) -> String {
    let verb = match route.verb {
        Verb::Get => "get",
        Verb::Post => "post",
    };
    let parts = route.path.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    [verb].into_iter().chain(parts).collect::<Vec<_>>().join("_")
}

fn parameter(param: &Param) -> Value {
    let schema = match param.holds {
        Holds::Text => json!({ "type": "string" }),
        Holds::UpTo(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Holds::Word(words) => json!({ "type": "string", "enum": words }),
    };
    json!({ "name": param.name, "in": "query", "required": param.is_needed, "description": param.about, "schema": schema })
}

fn answers(route: &Route) -> Value {
    let mut answers = Map::new();
    answers.insert(route.status.to_string(), good(route));
    let refusals = [
        (400, "the query, the path or the body cannot be read", !route.query.is_empty() || route.body.is_some()),
        (401, "a token is needed, or the one given is nobody's", matches!(route.access, Access::Read | Access::Start)),
        (403, "the token only reads", route.access == Access::Start),
        (404, "there is no such thing", route.path.contains('{') && route.tag != "compatible"),
        (409, "a run is in the way, and named", route.access == Access::Start),
        (413, "the body is too long", route.body.is_some()),
        (415, "the body is not JSON by its type", route.body.is_some() && route.access != Access::InBody),
        (422, "fields are wrong, and named", route.body.is_some() && route.access != Access::InBody),
        (429, "too many requests; Retry-After tells when", route.tag != "service" || route.access != Access::Open),
        (503, "the service is stopping, or not ready", route.access == Access::Start || route.path == "/readyz"),
    ];
    for (status, about, _) in refusals.into_iter().filter(|(_, _, applies)| *applies) {
        let schema = json!({ "schema": reference("Refusal") });
        let answer = json!({ "description": about, "content": { "application/json": schema } });
        answers.insert(status.to_string(), answer);
    }
    Value::Object(answers)
}

fn good(route: &Route) -> Value {
    let (kind, schema) = match route.content {
        Content::None => return json!({ "description": "done" }),
        Content::Text => ("text/plain", json!({ "type": "string" })),
        Content::Html => ("text/html", json!({ "type": "string" })),
        Content::Asset => ("*/*", json!({ "type": "string" })),
        Content::Events => ("text/event-stream", json!({ "type": "string" })),
        Content::Json(name) => ("application/json", reference(name)),
        Content::Many(name) => ("application/json", json!({ "type": "array", "items": reference(name) })),
    };
    let mut content = Map::new();
    content.insert(kind.to_owned(), json!({ "schema": schema }));
    json!({ "description": "as asked", "content": content })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
