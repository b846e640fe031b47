//! The OpenAPI document, made from the table of routes.

use anonicloud_proto::api::schema::{Components, Schema as _};
use anonicloud_proto::api::{ErrorBody, VERSION, VERSION_HEADER};
use serde_json::{Map, Value, json};

use super::route::{Payload, Route, Session};
use super::routes::table;
use super::spaces::RAW;

/// The document, as it is kept in `docs/spec/openapi.json`.
pub(crate) fn document() -> String {
    let mut components = Components::new();
    let mut paths: Map<String, Value> = Map::new();
    for route in table() {
        let operation = operation(&route, &mut components);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.name()] = operation;
    }
    let refusal = json!({
        "description": "The request was refused; the status is the one of the code.",
        "content": { "application/json": { "schema": ErrorBody::describe(&mut components) } },
    });
    let bearer = json!({ "type": "http", "scheme": "bearer" });
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "AnoniCloud",
            "version": VERSION,
            "description": "The rules that a schema cannot hold are in 4-http-api.md.",
            "license": { "name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later" },
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": { "Refusal": refusal },
            "parameters": { "Version": {
                "name": VERSION_HEADER, "in": "header", "required": true, "schema": { "const": VERSION },
            } },
            "securitySchemes": { "account": bearer, "space": bearer },
        },
    });
    format!("{document:#}\n")
}

fn operation(route: &Route, components: &mut Components) -> Value {
    let mut parameters = vec![json!({ "$ref": "#/components/parameters/Version" })];
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{'));
    for name in names.filter_map(|part| part.strip_suffix('}')) {
        let digits = if name == "upload" { 32 } else { 64 };
        let schema = json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$") });
        parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    for (name, required, describe) in &route.query {
        let schema = describe(components);
        parameters.push(json!({ "name": name, "in": "query", "required": required, "schema": schema }));
    }
    let (status, payload) = route.answer;
    let mut success = json!({ "description": "Done." });
    if let Some(content) = content(payload, components) {
        success["content"] = content;
    }
    let mut responses = json!({ "default": { "$ref": "#/components/responses/Refusal" } });
    responses[status.to_string()] = success;
    if route.may_be_nothing {
        responses["204"] = json!({ "description": "Nothing." });
    }
    let mut operation = json!({
        "summary": route.about,
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(content) = content(route.body, components) {
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    match route.session {
        Session::None => {}
        Session::Account => operation["security"] = json!([{ "account": [] }]),
        // Scopes of one requirement would all be needed; one right is enough, so each is a requirement.
        Session::Space(rights) => {
            operation["security"] = rights.iter().map(|right| json!({ "space": [right] })).collect();
        }
    }
    operation
}

fn content(payload: Payload, components: &mut Components) -> Option<Value> {
    match payload {
        Payload::Nothing => None,
        Payload::Empty => Some(json!({ "application/json": { "schema": { "type": "object", "maxProperties": 0 } } })),
        Payload::Json(describe) => Some(json!({ "application/json": { "schema": describe(components) } })),
        Payload::Raw(what) => Some(json!({ RAW: { "schema": { "description": what } } })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `UPDATE_SNAPSHOTS=1` the kept document is written anew.
    #[test]
    fn the_kept_document_is_the_one_of_this_server() {
        let path = "../../docs/spec/openapi.json";
        let document = document();
        if crate::config::update_snapshots() {
            fs_err::write(path, &document).unwrap();
        }
        let kept = fs_err::read_to_string(path).unwrap();
        assert!(kept == document, "stale: run the test with UPDATE_SNAPSHOTS=1");
    }
}
