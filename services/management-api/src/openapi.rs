//! The description of this API: OpenAPI 3.1, made from the handlers and the types that they answer with.

use std::{collections::BTreeSet, sync::LazyLock};

use axum::response::IntoResponse;
use catalogue::Provider;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use utoipa::{
    OpenApi as _,
    openapi::{
        Content, OpenApi, RefOr, Schema,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    live,
    problems::{FieldError, Problem},
    routes,
};

static DOCUMENT: LazyLock<String> = LazyLock::new(openapi_json);

/// What the description says beside the routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Multi-Tenant Ingestion Pipeline: management API",
        description = "Times are RFC 3339 in UTC. Every documented field of an answer is always there; it is `null` \
                       while its value is not known. Fields of a body that are not described are refused. Errors are \
                       problem documents (RFC 9457). What belongs to another tenant is answered as if it did not exist."
    ),
    components(schemas(
        Problem,
        FieldError,
        live::Hello,
        live::RequestChanged,
        live::Changed,
        live::Counts,
        live::Reset
    )),
    tags(
        (name = "requests", description = "Leads, from their first delivery to their last effect."),
        (name = "work", description = "Steps that stopped, and how they go on."),
        (name = "jobs", description = "Bulk work that goes on in the background."),
        (name = "sources", description = "Where a tenant's webhooks come from."),
        (name = "connections", description = "A tenant's accounts at providers."),
        (name = "live", description = "What happens, as it happens."),
        (name = "audit", description = "What people changed."),
        (name = "tenants", description = "The companies. For platform administrators."),
        (name = "service", description = "About this service itself.")
    )
)]
struct Base;

pub(crate) fn base() -> OpenApi {
    let mut api = Base::openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "A signed token. Claims: `iss`, `aud`, `exp`, `sub`, `roles` (of `platform_admin`, `tenant_admin`, \
             `operator`, `viewer`) and `tenants` (the tenants that it is for; a platform administrator's is for all).",
        ))
        .build();
    if let Some(components) = &mut api.components {
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
    api
}

/// The description as pretty-printed JSON, as it is served and checked in.
///
/// # Panics
/// Never: the description is built from types alone, and a test prints it.
pub fn openapi_json() -> String {
    let mut api = routes::routes().into_openapi();
    let bodies = bodies(&api);
    if let Some(components) = &mut api.components {
        for (name, schema) in &mut components.schemas {
            if name != Problem::NAME && !bodies.contains(name) {
                require_all(schema);
            }
        }
        for (name, example) in examples() {
            if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
                object.example = Some(example);
            }
        }
    }
    api.to_pretty_json().expect("expressible in JSON") + "\n"
}

/// Bodies that name a provider: the first of each kind stands for all.
fn examples() -> [(&'static str, Value); 2] {
    let providers = catalogue::providers();
    let slug = |is_kind: fn(&Provider) -> bool| {
        providers
            .iter()
            .find(|provider| is_kind(provider))
            .map_or("", |provider| provider.slug)
    };
    let source = json!({
        "provider": slug(|provider| provider.is_source),
        "accounts": ["481516777"],
        "signing_key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    });
    let secret = json!({
        "provider": slug(|provider| provider.is_crm),
        "secret": "0f1e2d3c4b5a6978",
    });
    [("NewSource", source), ("NewSecret", secret)]
}

/// The schemas of what callers send.
fn bodies(api: &OpenApi) -> BTreeSet<String> {
    let operations = api.paths.paths.values().flat_map(|item| {
        [&item.get, &item.put, &item.post, &item.delete, &item.patch]
            .into_iter()
            .flatten()
    });
    operations
        .filter_map(|operation| match &operation.request_body {
            Some(RefOr::T(body)) => Some(body.content.values()),
            _ => None,
        })
        .flatten()
        .filter_map(|content| match content {
            RefOr::T(Content {
                schema: Some(RefOr::Ref(schema)),
                ..
            }) => schema.ref_location.rsplit('/').next(),
            _ => None,
        })
        .map(str::to_owned)
        .collect()
}

/// Answers carry every field: one that may be null is required all the same.
fn require_all(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            object.required = object.properties.keys().cloned().collect();
        }
        RefOr::T(Schema::OneOf(choices)) => choices.items.iter_mut().for_each(require_all),
        _ => {}
    }
}

/// This description.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    tag = "service",
    responses((status = OK, description = "OpenAPI 3.1.", content_type = "application/json", body = Object))
)]
pub(crate) async fn show_openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}
