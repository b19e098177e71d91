//! What a request looks like, whatever its channel: one JSON Schema, made from the description of the API.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::openapi::openapi_json;

static SCHEMA: LazyLock<String> = LazyLock::new(request_schema_json);

/// Where the description has its schemas.
const COMPONENTS: &str = "#/components/schemas/";
/// Where a schema of its own has them.
const DEFINITIONS: &str = "#/$defs/";
/// The schema of a whole request.
const WHOLE: &str = "RequestDetail";

/// The schema as pretty-printed JSON, as it is served and checked in.
///
/// # Panics
/// Never: it is built from types alone, and a test prints it.
pub fn request_schema_json() -> String {
    let mut api: Value = serde_json::from_str(&openapi_json()).expect("the description is JSON");
    let schemas = api["components"]["schemas"].take();
    let mut wanted = vec![WHOLE.to_owned()];
    let mut seen = BTreeSet::new();
    let mut definitions = BTreeMap::new();
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let text = schemas[&name].to_string();
        let named = text.split(COMPONENTS).skip(1);
        wanted.extend(named.filter_map(|rest| Some(rest.split('"').next()?.to_owned())));
        let own: Value =
            serde_json::from_str(&text.replace(COMPONENTS, DEFINITIONS)).expect("a schema is JSON");
        definitions.insert(name, own);
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "/v1/schemas/request",
        "title": "A request, whatever its channel",
        "$ref": format!("{DEFINITIONS}{WHOLE}"),
        "$defs": definitions,
    });
    format!("{schema:#}\n")
}

/// The JSON Schema of a request: draft 2020-12.
///
/// Whatever channel a lead came by, `GET …/requests/{request_id}` answers what this describes. Later versions may add
/// fields.
#[utoipa::path(
    get,
    path = "/v1/schemas/request",
    tag = "requests",
    responses((status = OK, description = "The schema.", content_type = "application/schema+json", body = Object))
)]
pub(crate) async fn show_request_schema() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/schema+json")], SCHEMA.as_str())
}
