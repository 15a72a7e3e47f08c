//! The plain face as an `OpenAPI` document, made from its routes.

use serde_json::{Map, Value, json};

use super::routes::{Act, Body, Kind, Member, ROUTES, Route};

/// The document of all routes.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = format!("/v1{}", route.path);
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        methods[route.verb.name()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stepwell",
            "summary": "AWS Step Functions that runs anywhere",
            "description": "The daily operations of AWS Step Functions with names in place of ARNs and JSON in place of JSON text. All 37 operations are at `POST /`, in the protocol of the AWS SDKs.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {
                "Error": {
                    "type": "object",
                    "properties": {
                        "error": {
                            "type": "string",
                            "description": "The name of AWS's error: `ExecutionDoesNotExist`.",
                        },
                        "message": {"type": "string"},
                    },
                    "required": ["error", "message"],
                },
            },
            "responses": {
                "Refused": {
                    "description": "The request was refused, for the reason that `error` names.",
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Error"},
                        },
                    },
                },
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut responses = json!({
        "default": {"$ref": "#/components/responses/Refused"},
    });
    let answer = json!({
        "description": "What the operation of AWS answers, with JSON in place of JSON text.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    });
    if let Act::PutStateMachine = route.act {
        responses["200"] = answer.clone();
    }
    responses[route.status.as_str()] = answer;
    let names = route.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name,
            "in": "path",
            "required": true,
            "schema": {"type": "string", "minLength": 1, "maxLength": 80},
        }))
    });
    let query = route.query.iter().map(|member| {
        json!({
            "name": member.name,
            "in": "query",
            "required": member.is_required,
            "description": member.about,
            "schema": schema(member.kind),
        })
    });
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "parameters": names.chain(query).collect::<Vec<_>>(),
        "responses": responses,
    });
    if let Some(body) = body(route.body) {
        operation["requestBody"] = body;
    }
    operation
}

fn body(body: Body) -> Option<Value> {
    let (is_required, schema) = match body {
        Body::None => return None,
        Body::Whole {
            about, is_required, ..
        } => (is_required, json!({"description": about})),
        Body::Members(members) => {
            let required: Vec<&str> = members
                .iter()
                .filter(|member| member.is_required)
                .map(|member| member.name)
                .collect();
            (!required.is_empty(), object(members, &required))
        }
    };
    Some(json!({
        "required": is_required,
        "content": {"application/json": {"schema": schema}},
    }))
}

fn object(members: &[Member], required: &[&str]) -> Value {
    let mut properties = Map::new();
    for member in members {
        let mut schema = schema(member.kind);
        schema["description"] = member.about.into();
        properties.insert(member.name.to_owned(), schema);
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Integer => json!({"type": "integer"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Json => json!({}),
    }
}
