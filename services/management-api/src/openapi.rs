//! The description of this API: OpenAPI 3.1, made from the handlers and the types that they answer with.

mod yaml;

use std::{collections::BTreeSet, sync::LazyLock};

use axum::response::IntoResponse;
use catalogue::Provider;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};
use utoipa::{
    OpenApi as _,
    openapi::{
        Content, HttpMethod, ObjectBuilder, OpenApi, RefOr, Required, Schema, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    idempotency::HEADER,
    live,
    problems::{FieldError, Problem, problem},
    routes, words,
};

static DOCUMENT: LazyLock<String> = LazyLock::new(openapi_json);

/// What the description says beside the routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Multi-Tenant Ingestion Pipeline: management API",
        description = "Times are RFC 3339 in UTC. Every documented field of an answer is always there; it is `null` \
                       while its value is not known. Fields of a body that are not described are refused. Errors are \
                       problem documents (RFC 9457). What belongs to another tenant is answered as if it did not exist.\n\n\
                       Each operation that takes a role names the least one in `x-role`: `viewer`, `operator`, \
                       `tenant_admin`, `platform_admin`; each may do what those before may. A scope of API keys that opens \
                       an operation, too, stands in its `security`.\n\nA `POST` with an \
                       `Idempotency-Key` is done once: for 24 hours a repeat gets the same answer. Calls are limited by \
                       caller and by tenant; `RateLimit-Policy` and `RateLimit` in each answer tell the limits, and what \
                       is left of them. Each process counts for itself.\n\nNot described here are the URLs that webhooks and \
                       forms are posted to: the answer that creates a source shows them, and what is posted is up to the \
                       provider. Every service also answers `GET /v1/health` (200 while the process lives) and \
                       `GET /v1/health/ready` (200, or 503 with what is not ready), without a token."
    ),
    components(schemas(
        Problem,
        FieldError,
        live::Hello,
        live::RequestChanged,
        live::Changed,
        live::Counts,
        live::Reset,
        words::RequestSort
    )),
    tags(
        (name = "requests", description = "Leads, from their first delivery to their last effect."),
        (name = "leads", description = "Leads that other systems post."),
        (name = "work", description = "Steps that stopped, and how they go on."),
        (name = "deliveries", description = "What came in: stored deliveries, and refused ones."),
        (name = "jobs", description = "Bulk work that goes on in the background."),
        (name = "sources", description = "Where a tenant's webhooks come from."),
        (name = "offices", description = "Where a tenant is, and when somebody is there."),
        (name = "configuration", description = "What happens with an office's leads, version by version."),
        (name = "connections", description = "A tenant's accounts at providers."),
        (name = "live", description = "What happens, as it happens."),
        (name = "audit", description = "What people changed."),
        (name = "metrics", description = "Figures: what leads, deliveries and steps sum up to."),
        (name = "demo", description = "Trying the product where providers are simulated; nothing of it is there where they are real."),
        (name = "people", description = "Who may see a tenant, and by which keys programs call."),
        (name = "me", description = "Who calls: what they may do, prefer and have saved."),
        (name = "sign-in", description = "Signing in by a code or at an issuer, and the devices where somebody is signed in."),
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
    description().to_pretty_json().expect("expressible in JSON") + "\n"
}

/// The same as YAML, as it is checked in: every reader reads it alike, also one of YAML 1.1.
///
/// # Panics
/// As [`openapi_json`].
pub fn openapi_yaml() -> String {
    let yaml = description().to_yaml().expect("expressible in YAML");
    yaml::for_every_reader(&yaml)
}

fn description() -> OpenApi {
    let mut api = routes::routes().into_openapi();
    for operation in operations(&mut api) {
        complete(operation);
    }
    let bodies = bodies(&api);
    if let Some(components) = &mut api.components {
        for (name, schema) in &mut components.schemas {
            let is_told_in_part = [Problem::NAME, FieldError::NAME].contains(&name.as_str());
            if !is_told_in_part && !bodies.contains(name) {
                require_all(schema);
            }
        }
        for (name, example) in examples() {
            if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
                object.example = Some(example);
            }
        }
    }
    api
}

fn operations(api: &mut OpenApi) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    api.paths.paths.values_mut().flat_map(|item| {
        [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Delete, &mut item.delete),
            (HttpMethod::Patch, &mut item.patch),
        ]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
    })
}

/// What the gate adds to an operation that takes a token: limits, and the names of calls.
fn complete((method, operation): (HttpMethod, &mut Operation)) {
    if operation.security.as_ref().is_none_or(Vec::is_empty) {
        return;
    }
    let mut answers = vec![(
        "429",
        "The caller or the tenant is over its limit: try again after `Retry-After`.",
    )];
    if method == HttpMethod::Post {
        let parameters = operation.parameters.get_or_insert_default();
        let is_key =
            |known: &RefOr<Parameter>| matches!(known, RefOr::T(known) if known.name == HEADER);
        if !parameters.iter().any(is_key) {
            let key = ParameterBuilder::new()
                .name(HEADER)
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(
                    "Any text that names this call: a repeat within 24 hours gets the same answer.",
                ))
                .schema(Some(
                    ObjectBuilder::new()
                        .schema_type(Type::String)
                        .min_length(Some(1))
                        .max_length(Some(255))
                        .pattern(Some("^[!-~]+$")),
                ));
            parameters.push(key.build().into());
        }
        answers.push((
            "409",
            "The state does not allow it, or an equal call of this name still runs.",
        ));
        answers.push(("413", "The body is too large."));
        answers.push((
            "422",
            "A header is not valid, or names another call; `errors` says what.",
        ));
    }
    for (status, description) in answers {
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_owned())
            .or_insert_with(|| problem(description).into());
    }
}

/// Bodies that name a provider: the first of each kind stands for all.
fn examples() -> [(&'static str, Value); 4] {
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
    let connected = json!({
        "provider": slug(|provider| provider.is_source),
        "secret": "0f1e2d3c4b5a6978",
        "accounts": ["481516777"],
    });
    let needs_no_settings = |provider: &Provider| {
        let account = provider.account.as_ref();
        let settings = account.map_or(&[][..], |account| account.settings);
        provider.is_crm && !settings.iter().any(|setting| setting.is_required)
    };
    let secret = json!({
        "provider": slug(needs_no_settings),
        "secret": "0f1e2d3c4b5a6978",
    });
    let redrive = json!({
        "request_id": "req_0199f3a100007000800000000000002a",
        "stage": "dispatch",
        "target": slug(|provider| provider.is_crm),
    });
    [
        ("NewSource", source),
        ("NewConnectedSource", connected),
        ("NewSecret", secret),
        ("Redrive", redrive),
    ]
}

/// The schemas of what callers send, and of its parts, by name.
pub(crate) fn schemas_of_bodies() -> Map<String, Value> {
    let api = description();
    let bodies = bodies(&api);
    let components = api.components.unwrap_or_default();
    let schemas = components.schemas.into_iter();
    schemas
        .filter(|(name, _)| bodies.contains(name))
        .map(|(name, schema)| (name, json!(schema)))
        .collect()
}

/// The names of the same.
fn bodies(api: &OpenApi) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut further: Vec<_> = whole_bodies(api).into_iter().collect();
    while let Some(name) = further.pop() {
        if !found.insert(name.clone()) {
            continue;
        }
        let schemas = api.components.iter().flat_map(|all| &all.schemas);
        let of_name = schemas.filter(|(known, _)| **known == name);
        for (_, schema) in of_name {
            let text = serde_json::to_string(schema).unwrap_or_default();
            let parts = text.split("\"#/components/schemas/").skip(1);
            further.extend(
                parts
                    .filter_map(|part| part.split('"').next())
                    .map(str::to_owned),
            );
        }
    }
    found
}

fn whole_bodies(api: &OpenApi) -> BTreeSet<String> {
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
