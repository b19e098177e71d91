//! The description of this API: OpenAPI 3.1, made from the handlers and the types that they answer with.

mod yaml;

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use axum::response::IntoResponse;
use catalogue::Provider;
use http::header::CONTENT_TYPE;
use runtime::PROBLEM_TYPES;
use serde_json::{Map, Value, json};
use store::Scope;
use utoipa::{
    OpenApi as _, ToSchema as _,
    openapi::{
        Content, HeaderBuilder, HttpMethod, ObjectBuilder, OpenApi, RefOr, Required, Response,
        Schema, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        request_body::RequestBody,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    auth::Role,
    configs::Restoration,
    idempotency::HEADER,
    live,
    problems::{FieldError, Problem, problem},
    roles, routes, sign_in, words,
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
        .bearer_format("JWT, or an API key")
        .description(Some(
            "A signed token, or an API key. Claims of a token: `iss`, `aud`, `exp`, `sub`, `roles` (of `platform_admin`, \
             `tenant_admin`, `operator`, `viewer`) and `tenants` (the tenants that it is for; a platform administrator's is \
             for all). Whoever signs in gets one from `/v1/sign-in`. A key begins with `mip_`, is made by `POST \
             /v1/tenants/{tenant_id}/api-keys`, and opens what its scopes say in its tenant alone: `read` as much as the \
             role `viewer`, `operate` as `operator`, `admin` as `tenant_admin`, and `ingest` the posting of leads and \
             nothing else.",
        ))
        .build();
    let session = ApiKey::Cookie(ApiKeyValue::with_description(
        sign_in::SESSION_COOKIE,
        "The session of a browser, which only the routes under `/v1/sign-in` read. Signing in sets it; each \
         `POST /v1/sign-in/refresh` answers a new token and replaces it.",
    ));
    if let Some(components) = &mut api.components {
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("session", SecurityScheme::ApiKey(session));
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
    for (method, operation) in operations(&mut api) {
        complete(&method, operation);
        name_callers(operation);
        name_headers(&method, operation);
    }
    let bodies = bodies(&api);
    if let Some(components) = &mut api.components {
        if let Some(RefOr::T(Schema::Object(problem))) = components.schemas.get_mut(Problem::NAME)
            && let Some(RefOr::T(Schema::Object(kind))) = problem.properties.get_mut("type")
        {
            let kinds = PROBLEM_TYPES.iter();
            let kinds = kinds.map(|of| format!("/problems/{}", of.kind).into());
            kind.enum_values = Some(kinds.collect());
        }
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

/// Whether an operation takes a token.
fn takes_token(operation: &Operation) -> bool {
    !scopes_of(operation, "bearer").is_null()
}

/// The scopes that an operation names of a security scheme; null where it has not that scheme.
fn scopes_of(operation: &Operation, scheme: &str) -> Value {
    let asked = json!(operation.security);
    let asked = asked.as_array().into_iter().flatten();
    let mut scopes = asked.map(|asked| asked[scheme].clone());
    scopes.find(|scopes| !scopes.is_null()).unwrap_or_default()
}

/// What the gate adds to an operation: limits and the names of calls, if it takes a token; and that what takes no body
/// gets none.
fn complete(method: &HttpMethod, operation: &mut Operation) {
    let takes_token = takes_token(operation);
    let mut answers = Vec::new();
    if takes_token {
        answers.push((
            "429",
            "The caller or the tenant is over its limit: try again after `Retry-After`.",
        ));
    }
    match &mut operation.request_body {
        None if *method != HttpMethod::Get && !(takes_token && *method == HttpMethod::Post) => {
            answers.push(("413", "A body came along, and is too large."));
            answers.push(("422", "A body came along; this call takes none."));
        }
        Some(RefOr::T(body)) if names_of(&*body).any(|name| name == Restoration::name()) => {
            body.required = Some(Required::False);
        }
        _ => {}
    }
    if takes_token && *method == HttpMethod::Post {
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
            "A header is not valid, or names another call, or a body came along that the call does not take; `errors` \
             says what.",
        ));
    }
    for (status, description) in answers {
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_owned())
            .or_insert_with(|| problem(description).into());
    }
}

/// Says in words who may call an operation.
fn name_callers(operation: &mut Operation) {
    if !takes_token(operation) {
        return;
    }
    let role = operation.extensions.as_ref().map(|known| json!(known));
    let role = role.and_then(|known| known[roles::FIELD].as_str()?.parse::<Role>().ok());
    let named = scopes_of(operation, "bearer");
    let named = named.as_array().into_iter().flatten();
    let named = named.filter_map(Value::as_str);
    let opening = Scope::ALL.iter().filter(|scope| {
        let given = scope.role().map(Role::from);
        role.is_some_and(|least| given.is_some_and(|given| given >= least))
    });
    let scopes = named.chain(opening.map(|scope| scope.as_str()));
    let scopes: Vec<_> = scopes.map(|scope| format!("`{scope}`")).collect();
    let words = match (role, scopes.as_slice()) {
        (None, _) => "Who may call: whoever has a token or an API key.".to_owned(),
        (Some(Role::PlatformAdmin), _) => {
            "Who may call: the role `platform_admin`; no API key.".to_owned()
        }
        (Some(role), scopes) => format!(
            "Who may call: the role `{role}` or a higher one; an API key with the scope {}.",
            scopes.join(" or ")
        ),
    };
    operation.description = Some(match operation.description.take() {
        Some(description) if !description.is_empty() => format!("{description}\n\n{words}"),
        _ => words,
    });
}

/// Handlers whose answers set a cookie.
const SETTING_COOKIES: [&str; 5] = [
    "sign_in",
    "sign_out",
    "refresh_sign_in",
    "start_oidc",
    "finish_oidc",
];

/// Names the headers that answers carry whatever their handler says.
fn name_headers(method: &HttpMethod, operation: &mut Operation) {
    let takes_token = takes_token(operation);
    let sets_cookies = operation
        .operation_id
        .as_deref()
        .is_some_and(|id| SETTING_COOKIES.contains(&id));
    let is_named = takes_token && *method == HttpMethod::Post;
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        let is_good = status.starts_with('2') || status.starts_with('3');
        let mut headers = Vec::new();
        if takes_token && status != "401" {
            headers.push((
                "RateLimit-Policy",
                "The limits of the caller and of the tenant: so many calls (`q`) in so many seconds (`w`).",
            ));
            headers.push((
                "RateLimit",
                "What is left of each limit (`r`), and in how many seconds it is whole again (`t`).",
            ));
        }
        match status.as_str() {
            "401" => headers.push((
                "WWW-Authenticate",
                "`Bearer`; with `error=\"invalid_token\"` where a token came that is refused.",
            )),
            "429" | "503" => headers.push(("Retry-After", "In how many seconds to try again.")),
            "409" if is_named => headers.push((
                "Retry-After",
                "In how many seconds to try again, where an equal call of this name still runs.",
            )),
            "302" | "303" => headers.push(("Location", "Where the browser goes on.")),
            _ => {}
        }
        if is_named && is_good {
            headers.push((
                "Idempotent-Replayed",
                "`true` where an earlier call of this name made the answer.",
            ));
        }
        if sets_cookies && is_good {
            headers.push((
                "Set-Cookie",
                "The session of the browser, or its end; while somebody is on the way to an issuer, the attempt.",
            ));
        }
        for (name, description) in headers {
            name_header(response, name, description);
        }
    }
}

fn name_header(response: &mut Response, name: &str, description: &str) {
    let is_whole = name == "Retry-After";
    let type_name = if is_whole {
        Type::Integer
    } else {
        Type::String
    };
    let header = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(type_name)))
        .description(Some(description));
    let known = response.headers.entry(name.to_owned());
    known.or_insert_with(|| header.build().into());
}

/// Method and path of each operation that takes no body and could, and whether it takes a token.
pub(crate) fn without_a_body() -> HashMap<(String, String), bool> {
    let mut api = description();
    let paths = std::mem::take(&mut api.paths.paths).into_iter();
    let mut found = HashMap::new();
    for (path, item) in paths {
        let operations = [
            ("PUT", item.put),
            ("POST", item.post),
            ("DELETE", item.delete),
            ("PATCH", item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation.filter(|one| one.request_body.is_none()) {
                let call = (method.to_owned(), path.clone());
                found.insert(call, takes_token(&operation));
            }
        }
    }
    found
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
            Some(RefOr::T(body)) => Some(names_of(body)),
            _ => None,
        })
        .flatten()
        .map(str::to_owned)
        .collect()
}

/// The names of the schemas of a body.
fn names_of(body: &RequestBody) -> impl Iterator<Item = &str> {
    body.content.values().filter_map(|content| match content {
        RefOr::T(Content {
            schema: Some(RefOr::Ref(schema)),
            ..
        }) => schema.ref_location.rsplit('/').next(),
        _ => None,
    })
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
