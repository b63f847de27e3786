//! The OpenAPI 2 document, made of the table of addresses.

use serde_json::{Map, Value, json};

use super::call::{Field, Type};
use super::kind::{KINDS, Kind};
use super::list::filters;
use super::routes::{ROUTES, Verb};
use super::world::World;

/// The document of all addresses.
pub fn document(world: &World) -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        add(&mut paths, route.verb, route.path, operation(route.verb, route.path, route.body));
    }
    for about in KINDS {
        let list = format!("{}/", about.prefix);
        add(&mut paths, Verb::Get, &list, listing(about.kind, &list));
        let info = format!("{}/{{id}}/", about.prefix);
        add(&mut paths, Verb::Get, &info, operation(Verb::Get, &info, &[]));
    }
    add(&mut paths, Verb::Get, "swagger/", operation(Verb::Get, "swagger/", &[]));
    json!({
        "swagger": "2.0",
        "info": {"title": "ECP VeiL API (simulated)", "version": world.knobs.version},
        "basePath": "/api",
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"JWT": {"type": "apiKey", "name": "Authorization", "in": "header"}},
        "security": [{"JWT": []}],
        "paths": paths,
        "definitions": definitions(),
    })
}

fn add(paths: &mut Map<String, Value>, verb: Verb, path: &str, operation: Value) {
    let place = paths.entry(format!("/{path}")).or_insert_with(|| json!({"parameters": path_parameters(path)}));
    let verb = verb.word().to_ascii_lowercase();
    if place.get(&verb).is_none() {
        place[verb] = operation;
    }
}

fn path_parameters(path: &str) -> Value {
    if !path.contains("{id}") {
        return json!([]);
    }
    // The ids of users are whole numbers.
    match path.starts_with("users/") {
        true => json!([{"name": "id", "in": "path", "required": true, "type": "integer"}]),
        false => json!([{"name": "id", "in": "path", "required": true, "type": "string", "format": "uuid"}]),
    }
}

/// A name made of verb and path: `domains_multi-manager_create`.
fn name(verb: Verb, path: &str) -> String {
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty() && *word != "{id}").collect();
    let end = match (verb, path.ends_with("{id}/")) {
        (Verb::Get, true) => "read",
        (Verb::Get, false) => "list",
        (Verb::Post, _) => "create",
        (Verb::Put, _) => "update",
    };
    format!("{}_{end}", words.join("_"))
}

fn operation(verb: Verb, path: &str, body: &[Field]) -> Value {
    let mut parameters = Vec::new();
    let mut responses = json!({"200": {"description": ""}, "401": error(), "404": error()});
    if verb != Verb::Get {
        parameters.push(json!({"name": "async", "in": "query", "required": false, "type": "integer", "enum": [0, 1]}));
        responses["202"] = json!({"description": "", "schema": {"$ref": "#/definitions/Accepted"}});
        responses["400"] = error();
        responses["403"] = error();
    }
    if !body.is_empty() {
        parameters.push(json!({"name": "data", "in": "body", "required": true, "schema": schema(verb, body)}));
    }
    let tag = path.split('/').next();
    json!({"operationId": name(verb, path), "tags": [tag], "parameters": parameters, "responses": responses})
}

fn error() -> Value {
    json!({"description": "", "schema": {"$ref": "#/definitions/Errors"}})
}

fn listing(kind: Kind, path: &str) -> Value {
    let text = |name: &str| json!({"name": name, "in": "query", "required": false, "type": "string"});
    let number = |name: &str| json!({"name": name, "in": "query", "required": false, "type": "integer"});
    let mut parameters =
        vec![text("ordering"), number("limit"), number("offset"), text("fields"), number("all_content")];
    parameters.extend(filters(kind).map(text));
    let mut operation = operation(Verb::Get, path, &[]);
    operation["parameters"] = Value::Array(parameters);
    operation["responses"]["200"] = json!({"description": "", "schema": {"$ref": "#/definitions/Page"}});
    operation
}

fn schema(verb: Verb, body: &[Field]) -> Value {
    let mut properties: Map<String, Value> =
        body.iter().map(|field| (field.name.to_owned(), of(field.holds))).collect();
    if verb == Verb::Post {
        properties.insert("idempotency_key".to_owned(), json!({"type": "string"}));
    }
    let needed: Vec<&str> = body.iter().filter(|field| field.is_needed).map(|field| field.name).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !needed.is_empty() {
        schema["required"] = json!(needed);
    }
    schema
}

fn of(holds: Type) -> Value {
    match holds {
        Type::Text => json!({"type": "string"}),
        Type::Id => json!({"type": "string", "format": "uuid"}),
        Type::Int => json!({"type": "integer"}),
        Type::Number => json!({"type": "number"}),
        Type::Flag => json!({"type": "boolean"}),
        Type::Ids => json!({"type": "array", "items": {"type": "string", "format": "uuid"}}),
        Type::List => json!({"type": "array", "items": {"type": "object"}}),
        Type::Map => json!({"type": "object"}),
    }
}

fn definitions() -> Value {
    json!({
        "Errors": {"type": "object", "properties": {"errors": {"type": "array", "items": {"type": "object", "properties": {
            "detail": {"type": "string"}, "code": {"type": "string"}, "msg_key": {"type": "string"}}}}}},
        "Accepted": {"type": "object", "properties": {
            "entity": {"type": "string", "format": "uuid"}, "_task": {"type": "object"}}},
        "Page": {"type": "object", "required": ["count", "results"], "properties": {
            "count": {"type": "integer"}, "next": {"type": "string", "format": "uri", "x-nullable": true},
            "previous": {"type": "string", "format": "uri", "x-nullable": true},
            "results": {"type": "array", "items": {"type": "object"}}}},
    })
}
