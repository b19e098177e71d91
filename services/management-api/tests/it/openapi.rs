//! The description of the API: checked in, served, and true.

use std::{fs, path::Path, sync::LazyLock};

use management_api::{
    auth::Role, errors_markdown, openapi_json, openapi_yaml, request_schema_json,
};
use runtime::PROBLEM_TYPES;
use serde_json::{Map, Value};

use crate::world::{World, body, problem};

/// What is made of code and checked in: the file, and what makes what it says.
type Generated = (&'static str, fn() -> String);

const GENERATED: [Generated; 3] = [
    ("docs/api/openapi.yaml", openapi_yaml),
    ("docs/api/errors.md", errors_markdown),
    ("docs/api/request.schema.json", request_schema_json),
];

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&openapi_json()).unwrap());

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a switch for developers, not a setting of the product"
)]
fn the_checked_in_description_is_what_the_code_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (file, generate) in GENERATED {
        let path = root.join(file);
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, generate()).unwrap();
        }
        let checked_in = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            checked_in == generate(),
            "{file} is out of date. Write it anew and look at the difference:\n\
             UPDATE_OPENAPI=1 cargo test -p management-api the_checked_in_description"
        );
    }
}

#[tokio::test]
async fn the_description_is_served() {
    let world = World::start().await;
    let answer = world.get_openly("/v1/openapi.json").await;
    assert_eq!(body(&answer), *DESCRIPTION);
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

/// What readers of YAML 1.1 take for a truth value, a number or a date where it stands without quotes.
fn is_misread(text: &str) -> bool {
    let words = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "", "<<", "=",
    ];
    let is_of_number = |c: char| c.is_ascii_hexdigit() || "_:+-.xXoTtZ ".contains(c);
    words.contains(&text.to_lowercase().as_str())
        || (text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
            && text.chars().all(is_of_number))
}

#[test]
fn older_readers_of_yaml_read_the_same() {
    fn texts(json: &Value, found: &mut Vec<String>) {
        match json {
            Value::String(text) => found.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            Value::Object(members) => {
                found.extend(members.keys().cloned());
                members.values().for_each(|member| texts(member, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    texts(&DESCRIPTION, &mut found);
    found.retain(|text| is_misread(text));
    // A value may be null as well as the word: which of the two, the fuzzer of the description finds out.
    found.retain(|text| text != "null");
    for known in ["off", "17:30", "2026-11-01", "200"] {
        assert!(found.iter().any(|text| text == known), "{known}");
    }
    let yaml = openapi_yaml();
    for line in yaml.lines() {
        let line = line.trim_start_matches([' ', '-']);
        let plain = |text: &&String| {
            let (as_key, as_value) = (format!("{text}:"), format!(": {text}"));
            line == **text || line.starts_with(&as_key) || line.ends_with(&as_value)
        };
        let is_number = |text: &&String| text.parse::<f64>().is_ok();
        let plain = found
            .iter()
            .filter(|text| !text.is_empty() && !is_number(text))
            .find(plain);
        assert_eq!(plain, None, "it stands without quotes: {line}");
    }
}

fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

#[test]
fn every_shape_that_is_named_is_there() {
    let text = management_api::openapi_json();
    let api: Value = serde_json::from_str(&text).unwrap();
    let named = text.split("\"#/components/schemas/").skip(1);
    for name in named.filter_map(|rest| rest.split('"').next()) {
        assert!(api["components"]["schemas"][name].is_object(), "{name}");
    }
}

#[test]
fn every_operation_says_what_it_does_and_answers() {
    assert_eq!(DESCRIPTION["openapi"], "3.1.0");
    let bearer = &DESCRIPTION["components"]["securitySchemes"]["bearer"];
    assert_eq!(
        (&bearer["type"], &bearer["scheme"]),
        (&"http".into(), &"bearer".into())
    );
    for (path, method, operation) in operations() {
        assert!(operation["summary"].is_string(), "{method} {path}");
        assert!(operation["operationId"].is_string(), "{method} {path}");
        let answers = operation["responses"].as_object().unwrap();
        let is_good = |status: &str| status.starts_with('2');
        let is_going_on = |status: &str| is_good(status) || status.starts_with('3');
        assert!(
            answers.keys().any(|status| is_going_on(status)),
            "{method} {path}"
        );
        for (status, answer) in answers
            .iter()
            .filter(|(status, _)| !is_good(status) && !status.starts_with('3'))
        {
            let schema = &answer["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(
                schema, "#/components/schemas/Problem",
                "{method} {path} {status}"
            );
        }
        if path.contains("{tenant_id}") {
            assert!(
                operation["security"][0]["bearer"].is_array(),
                "{method} {path}"
            );
            for status in ["401", "403", "404", "429", "500", "503"] {
                assert!(answers.contains_key(status), "{method} {path} {status}");
            }
        }
    }
}

#[test]
fn every_answer_with_a_version_carries_it_as_etag() {
    // What is gone, what is not the newest, what is tried, and what is replaced whatever it was.
    const WITHOUT: [&str; 5] = [
        "remove_office",
        "show_config_version",
        "show_mapping_version",
        "preview_mapping",
        "set_connection_secret",
    ];
    let has_version = |schema: &Value| {
        let name = schema["$ref"].as_str().unwrap_or_default();
        let schema = DESCRIPTION.pointer(name.trim_start_matches('#'));
        let fields = schema.map(|schema| &schema["properties"]);
        fields.is_some_and(|fields| fields["version"].is_object() || fields["source"].is_object())
    };
    let mut seen = 0;
    // A request changes by itself: no change of one is of a version.
    let configured = operations().filter(|(.., operation)| operation["tags"][0] != "requests");
    for (path, method, operation) in configured {
        let name = operation["operationId"].as_str().unwrap();
        for status in ["200", "201"] {
            let answer = &operation["responses"][status];
            if has_version(&answer["content"]["application/json"]["schema"]) {
                let is_tagged = answer["headers"]["ETag"].is_object();
                assert_eq!(is_tagged, !WITHOUT.contains(&name), "{method} {path}");
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn every_type_of_problem_is_described() {
    let kinds = &DESCRIPTION["components"]["schemas"]["Problem"]["properties"]["type"]["enum"];
    let known = PROBLEM_TYPES.iter();
    let known: Vec<_> = known.map(|of| format!("/problems/{}", of.kind)).collect();
    assert_eq!(*kinds, serde_json::json!(known));
}

#[test]
fn every_operation_says_who_may_call_and_what_its_answers_carry() {
    let schemes = &DESCRIPTION["components"]["securitySchemes"];
    assert_eq!(schemes["session"]["in"], "cookie");
    assert_eq!(schemes["session"]["name"], "pipeline_session");
    let bearer = schemes["bearer"]["description"].as_str().unwrap();
    for word in ["mip_", "`ingest`", "`read`", "`operate`", "`admin`"] {
        assert!(bearer.contains(word), "{word}");
    }
    for (path, method, operation) in operations() {
        let name = format!("{method} {path}");
        let description = operation["description"].as_str().unwrap_or_default();
        assert_eq!(
            description.contains("Who may call"),
            !is_open(operation),
            "{name}"
        );
        let scope = match role_of(operation) {
            Some(Role::Viewer) => "`read`",
            Some(Role::Operator) => "`operate`",
            Some(Role::TenantAdmin) => "`admin`",
            Some(Role::PlatformAdmin) => "no API key",
            None => "",
        };
        assert!(description.contains(scope), "{name}: {description}");
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let has = |header: &str| answer["headers"][header]["description"].is_string();
            let is_limited = !is_open(operation) && status != "401";
            assert_eq!(has("RateLimit"), is_limited, "{name} {status}");
            assert_eq!(has("RateLimit-Policy"), is_limited, "{name} {status}");
            assert_eq!(has("WWW-Authenticate"), status == "401", "{name} {status}");
            if ["429", "503"].contains(&status.as_str()) {
                assert!(has("Retry-After"), "{name} {status}");
            }
            if status.starts_with('3') {
                assert!(has("Location"), "{name} {status}");
            }
        }
    }
    for (path, method) in [
        ("/v1/sign-in", "post"),
        ("/v1/sign-in", "delete"),
        ("/v1/sign-in/refresh", "post"),
    ] {
        let good = &DESCRIPTION["paths"][path][method]["responses"]["200"];
        assert!(good["headers"]["Set-Cookie"].is_object(), "{method} {path}");
    }
    for (path, method) in [
        ("/v1/sign-in", "delete"),
        ("/v1/sign-in/refresh", "post"),
        ("/v1/sign-in/devices", "get"),
        ("/v1/sign-in/devices/{device_id}", "delete"),
    ] {
        let asked = DESCRIPTION["paths"][path][method]["security"]
            .as_array()
            .unwrap();
        assert!(
            asked.iter().any(|asked| asked["session"].is_array()),
            "{method} {path}"
        );
    }
}

/// What the description says of headers is so.
#[tokio::test]
async fn answers_carry_the_headers_that_are_described() {
    let world = World::start().await;
    let answer = world.get("/v1/tenants/a/requests?limit=0").await;
    for header in ["ratelimit", "ratelimit-policy"] {
        assert!(answer.header(header).is_some(), "{header}");
    }
    let unnamed = world.get_openly("/v1/tenants/a/requests").await;
    assert_eq!(unnamed.header("www-authenticate"), Some("Bearer"));
    let limited = World::start_limited(1, 1).await;
    limited.get("/v1/tenants/a/requests").await;
    let answer = limited.get("/v1/tenants/a/requests").await;
    problem(&answer, 429);
    assert!(answer.header("retry-after").is_some());
}

/// A body for an operation: its example; null when it takes none.
fn example(operation: &Value) -> Value {
    let content = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let name = content.as_str().and_then(|name| name.rsplit('/').next());
    name.map_or(Value::Null, |name| {
        DESCRIPTION["components"]["schemas"][name]["example"].clone()
    })
}

#[test]
fn every_body_has_an_example_and_is_closed() {
    let mut bodies = 0;
    for (path, method, operation) in operations() {
        if operation["requestBody"].is_null() {
            continue;
        }
        assert!(example(operation).is_object(), "{method} {path}");
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let name = schema.as_str().unwrap().rsplit('/').next().unwrap();
        let schema = &DESCRIPTION["components"]["schemas"][name];
        assert_eq!(schema["additionalProperties"], false, "{method} {path}");
        bodies += 1;
    }
    assert!(bodies >= 15, "{bodies}");
}

/// The path with the examples of the description in the places of its parameters.
fn filled(path: &str, operation: &Value, known: &[(&str, String)]) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let of_path = parameters.filter(|parameter| parameter["in"] == "path");
    of_path.fold(path.to_owned(), |path, parameter| {
        let name = parameter["name"].as_str().unwrap();
        let known = known.iter().find(|(known, _)| *known == name);
        let example = match (known, &parameter["example"]) {
            (Some((_, value)), _) => value.clone(),
            (None, Value::String(example)) => example.clone(),
            (None, Value::Number(example)) => example.to_string(),
            _ => panic!(
                "{path}: describe `{name}` with an example (`#[param(example = …)]`), or add it to `known`"
            ),
        };
        path.replace(&format!("{{{name}}}"), &example)
    })
}

#[tokio::test]
async fn every_described_route_of_a_tenant_hides_what_is_anothers() {
    let world = World::start().await;
    let request = world.call_of("b", 1).await;
    let mut ids = vec![
        ("request_id", request.to_string()),
        ("event_id", world.delivery_of("b", request).await),
        ("source_id", world.source_of("b").await.to_string()),
        ("key", "signing_key@1".to_owned()),
        ("connection", world.connection_of("b").await),
        ("job_id", world.job_of("b").await.to_string()),
        ("office_id", world.office_of("b").await.to_string()),
        ("user_id", format!("usr_{}", "0".repeat(32))),
        ("invitation_id", format!("inv_{}", "0".repeat(32))),
        ("key_id", format!("key_{}", "0".repeat(32))),
        ("view_id", "kitchens".to_owned()),
        ("version", "1".to_owned()),
        ("tenant_id", String::new()),
    ];
    let token = world.token(&Role::ALL[..3], &["a"]);
    let mut tried = 0;
    for (path, method, operation) in operations().filter(|(path, ..)| path.contains("{tenant_id}"))
    {
        let method = method.to_uppercase();
        let mut call = async |tenant: &str| {
            tenant.clone_into(&mut ids.last_mut().unwrap().1);
            let path = filled(path, operation, &ids);
            let body = example(operation);
            world.call_by(&token, &method, &path, &body).await
        };
        // As somebody else's tenant, and as one's own that does not have the thing.
        problem(&call("b").await, 404);
        let of_a_thing = [
            "{request_id}",
            "{source_id}",
            "{event_id}",
            "{job_id}",
            "{office_id}",
        ];
        if of_a_thing.iter().any(|name| path.contains(name)) {
            problem(&call("a").await, 404);
        }
        tried += 1;
    }
    assert!(tried >= 20, "the description names the tenant's routes");
    // What the token may make of its own without naming a thing.
    let made = world.acts().await.into_iter().map(|(_, action, _)| action);
    let may_make = ["api_key.create", "view.put", "view.remove"];
    assert!(
        made.into_iter()
            .all(|action| may_make.contains(&action.as_str()))
    );
    let of_b = world.audit("b").await;
    assert!(of_b.iter().all(|entry| entry.actor == "set-up"));
}

/// The least role that the description says an operation takes.
fn role_of(operation: &Value) -> Option<Role> {
    let role = operation["x-role"].as_str()?;
    Some(role.parse().unwrap())
}

fn is_open(operation: &Value) -> bool {
    let mut asked = operation["security"].as_array().into_iter().flatten();
    !asked.any(|asked| asked["bearer"].is_array())
}

#[test]
fn every_route_of_a_tenant_says_its_role() {
    for (path, method, operation) in operations() {
        if is_open(operation) {
            assert_eq!(role_of(operation), None, "{method} {path}");
        } else if path.contains("{tenant_id}") {
            assert!(
                role_of(operation).is_some(),
                "{method} {path}: its handler takes none of the extractors that `roles::of` knows"
            );
        }
    }
}

#[tokio::test]
async fn every_route_is_for_exactly_the_roles_that_it_says() {
    let world = World::start().await;
    let known = [("tenant_id", "a".to_owned())];
    let mut tried = 0;
    for (path, method, operation) in operations().filter(|(_, _, operation)| !is_open(operation)) {
        let (path, body) = (filled(path, operation, &known), example(operation));
        let method = method.to_uppercase();
        for role in Role::ALL {
            let token = world.token(&[role], &["a"]);
            let answer = world.call_by(&token, &method, &path, &body).await;
            let least = match operation["operationId"].as_str().unwrap() {
                // Without an issuer to sign in at, only the operator has the code of an invitation.
                "create_invitation" => Some(Role::PlatformAdmin),
                _ => role_of(operation),
            };
            let is_refused = answer.status == 403;
            assert_eq!(
                is_refused,
                least.is_some_and(|least| role < least),
                "{method} {path} as {role}: {}",
                answer.status
            );
            if let (true, Some(least)) = (is_refused, least) {
                let shown = problem(&answer, 403);
                let detail = shown["detail"].as_str().unwrap();
                let is_named = [least, Role::TenantAdmin]
                    .iter()
                    .any(|role| detail.contains(role.as_str()));
                assert!(is_named, "{detail}");
            }
        }
        let unnamed = world.send(&method, &path, None).await;
        problem(&unnamed, 401);
        tried += 1;
    }
    assert!(tried >= 25, "{tried}");
}

#[tokio::test]
async fn the_description_is_a_page_without_anything_from_elsewhere() {
    let world = World::start().await;
    let page = world.get_openly("/v1/docs").await;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    let html = std::str::from_utf8(&page.body).unwrap();
    for (path, _, operation) in operations() {
        assert!(
            html.contains(&format!("<code>{}</code>", path.replace('/', "&#x2f;")))
                || html.contains(&format!("<code>{path}</code>")),
            "{path}"
        );
        let id = operation["operationId"].as_str().unwrap();
        assert!(html.contains(&format!("<section id=\"{id}\">")), "{id}");
    }
    for outside in [
        "<script", "<link", "<img", "src=", "http://", "https://", "@import", "url(",
    ] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[tokio::test]
async fn every_type_of_problem_has_its_page() {
    let world = World::start().await;
    for of in PROBLEM_TYPES {
        let page = world.get_openly(&format!("/problems/{}", of.kind)).await;
        assert_eq!(page.status, 200);
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(html.contains(of.title), "{html}");
    }
    problem(&world.get_openly("/problems/nothing-known").await, 404);
}

#[tokio::test]
async fn what_is_no_route_or_no_json_is_a_problem_too() {
    let world = World::start().await;
    problem(&world.get("/v1/nowhere").await, 404);
    problem(&world.get("/v1/tenants/a/requests/not-an-id").await, 404);
    let token = world.token(&[Role::PlatformAdmin], &["a"]);
    let patched = world
        .call_by(&token, "PATCH", "/v1/tenants", &Value::Null)
        .await;
    problem(&patched, 405);
    let bodiless = world
        .call_by(&token, "POST", "/v1/tenants", &Value::Null)
        .await;
    problem(&bodiless, 415);
    let misshapen = world
        .call_by(&token, "POST", "/v1/tenants", &"text".into())
        .await;
    problem(&misshapen, 422);
    let long = Value::from("x".repeat(3 * 1024 * 1024));
    problem(
        &world.call_by(&token, "POST", "/v1/tenants", &long).await,
        413,
    );
}

#[tokio::test]
async fn a_problem_is_as_described() {
    let world = World::start().await;
    for path in ["/v1/tenants/a/requests?limit=0", "/v1/tenants/b/requests"] {
        let shown: Value = world.get(path).await.json().unwrap();
        assert_is_as_described(&shown, "Problem");
    }
}

/// Checks a value against a schema of the description, and that it has no field which is not described.
#[track_caller]
pub(crate) fn assert_is_as_described(value: &Value, name: &str) {
    let mut faults = Vec::new();
    check(
        value,
        &DESCRIPTION["components"]["schemas"][name],
        name,
        &mut faults,
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn check(value: &Value, schema: &Value, at: &str, faults: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches("#/components/schemas/");
        return check(
            value,
            &DESCRIPTION["components"]["schemas"][name],
            at,
            faults,
        );
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = |choice: &&Value| {
            let mut faults = Vec::new();
            check(value, choice, at, &mut faults);
            faults.is_empty()
        };
        if choices.iter().filter(fits).count() != 1 {
            faults.push(format!("{at}: {value} is not one of the choices"));
        }
        return;
    }
    // Any JSON.
    if schema["type"].is_null() {
        return;
    }
    let type_of_value = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    let is_allowed = types.iter().any(|allowed| {
        allowed == type_of_value || (allowed == "number" && type_of_value == "integer")
    });
    if !is_allowed {
        faults.push(format!("{at}: {type_of_value} in place of {types:?}"));
    }
    if let (Some(words), false) = (schema["enum"].as_array(), value.is_null())
        && !words.contains(value)
    {
        faults.push(format!("{at}: {value} is not one of the words"));
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(item, &schema["items"], &format!("{at}[{index}]"), faults);
            }
        }
        Value::Object(fields) => check_fields(fields, schema, at, faults),
        _ => {}
    }
}

fn check_fields(fields: &Map<String, Value>, schema: &Value, at: &str, faults: &mut Vec<String>) {
    for name in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(name.as_str().unwrap()) {
            faults.push(format!("{at}: lacks {name}"));
        }
    }
    for (name, value) in fields {
        let of_map = &schema["additionalProperties"];
        match schema["properties"].get(name) {
            Some(schema) => check(value, schema, &format!("{at}.{name}"), faults),
            None if of_map.is_object() => check(value, of_map, &format!("{at}.{name}"), faults),
            None => faults.push(format!("{at}: {name} is not described")),
        }
    }
}
