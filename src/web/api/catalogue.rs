//! The catalogue: sources and entities. Titles are in the language that the caller asks for.

use axum::http::header::VARY;
use axum::http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::services::sp::catalogue::{Catalogue, Code, Entity};
use crate::web::answer::{Outcome, Refusal, json_reply};
use crate::web::order::is_in;
use crate::web::routes::Call;

/// `GET /api/catalogue`
pub async fn about(call: Call) -> Outcome {
    let catalogue = call.app.desk.catalogue();
    let (first, last) = (catalogue.min_period.to_string(), catalogue.last_period().to_string());
    titled(&json!({ "name": catalogue.name, "version": catalogue.version, "min_period": first, "max_period": last }))
}

/// `GET /api/codes`
pub async fn codes(call: Call) -> Outcome {
    let (catalogue, language) = (call.app.desk.catalogue(), call.language());
    let code = |code: &Code| {
        let group = catalogue.group(&code.group).map(|group| group.title.text(language));
        json!({
            "code": code.key,
            "title": code.title.text(language),
            "group": code.group,
            "group_title": group,
            "virtual": code.is_virtual,
        })
    };
    titled(&catalogue.codes().iter().map(code).collect::<Vec<Value>>())
}

/// `GET /api/codes/{code}/names`
pub async fn names(call: Call) -> Outcome {
    let (catalogue, language, code) = (call.app.desk.catalogue(), call.language(), call.param("code"));
    let group = catalogue.code(code).map(|code| &code.group);
    let Some(group) = group else { return Err(Refusal::not_found(format!("there is no code {code}"))) };
    let entities = catalogue.entities().iter().filter(|entity| entity.is_in(group));
    let name = |entity: &Entity| {
        json!({
            "name": entity.name,
            "title": entity.title.text(language),
            "dated": entity.dated,
            "shared": entity.shared_in(group).is_some(),
        })
    };
    titled(&entities.map(name).collect::<Vec<Value>>())
}

/// `GET /api/names/{name}`
pub async fn name(call: Call) -> Outcome {
    let (catalogue, name) = (call.app.desk.catalogue(), call.param("name"));
    let entity = catalogue.entity(name).ok_or_else(|| Refusal::not_found(format!("there is no entity {name}")))?;
    titled(&json!({
        "name": entity.name,
        "title": entity.title.text(call.language()),
        "dated": entity.dated,
        "groups": entity.groups,
        "codes": codes_of(catalogue, &entity.name),
    }))
}

fn codes_of(catalogue: &Catalogue, name: &str) -> Vec<String> {
    let has = |code: &&Code| is_in(catalogue, name, &code.key);
    catalogue.codes().iter().filter(has).map(|code| code.key.clone()).collect()
}

fn titled(value: &impl Serialize) -> Outcome {
    let mut reply = json_reply(StatusCode::OK, value);
    reply.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Language"));
    Ok(reply)
}
