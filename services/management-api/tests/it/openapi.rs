//! The description of the API: checked in, served, and true.

use std::{fs, sync::LazyLock};

use management_api::{auth::Role, openapi_json};
use serde_json::{Map, Value};

use crate::world::{World, body, problem};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../openapi/management-api.json"
);

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&openapi_json()).unwrap());

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a switch for developers, not a setting of the product"
)]
fn the_checked_in_description_is_what_the_code_says() {
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(FILE, openapi_json()).unwrap();
    }
    let checked_in = fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        checked_in == openapi_json(),
        "openapi/management-api.json is out of date. Write it anew and look at the difference:\n\
         UPDATE_OPENAPI=1 cargo test -p management-api the_checked_in_description"
    );
}

#[tokio::test]
async fn the_description_is_served() {
    let world = World::start().await;
    let answer = world.get_openly("/v1/openapi.json").await;
    assert_eq!(body(&answer), *DESCRIPTION);
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
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
        let is_good = |status: &str| matches!(status, "200" | "201" | "202" | "302");
        assert!(
            answers.keys().any(|status| is_good(status)),
            "{method} {path}"
        );
        for (status, answer) in answers.iter().filter(|(status, _)| !is_good(status)) {
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
            for status in ["401", "403", "404", "500", "503"] {
                assert!(answers.contains_key(status), "{method} {path} {status}");
            }
        }
    }
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
    assert!(bodies >= 12, "{bodies}");
}

#[tokio::test]
async fn every_described_route_of_a_tenant_hides_what_is_anothers() {
    let world = World::start().await;
    let request = world.call_of("b", 1).await;
    let ids = [
        ("{request_id}", request.to_string()),
        ("{event_id}", world.delivery_of("b", request).await),
        ("{source_id}", world.source_of("b").await.to_string()),
        ("{key}", "signing_key@1".to_owned()),
        ("{connection}", world.connection_of("b").await),
        ("{user_id}", format!("usr_{}", "0".repeat(32))),
        ("{invitation_id}", format!("inv_{}", "0".repeat(32))),
        ("{key_id}", format!("key_{}", "0".repeat(32))),
        ("{view_id}", "kitchens".to_owned()),
        ("{job_id}", world.job_of("b").await.to_string()),
        ("{office_id}", world.office_of("b").await.to_string()),
    ];
    let token = world.token(&Role::ALL[..3], &["a"]);
    let mut tried = 0;
    for (path, method, operation) in operations().filter(|(path, ..)| path.contains("{tenant_id}"))
    {
        let filled = ids
            .iter()
            .fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
        assert!(
            !filled.replace("{tenant_id}", "").contains('{'),
            "fill in {path}"
        );
        let method = method.to_uppercase();
        let call = async |tenant: &str| {
            let path = filled.replace("{tenant_id}", tenant);
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

#[tokio::test]
async fn every_change_takes_its_role() {
    use Role::{Operator, PlatformAdmin, TenantAdmin, Viewer};
    let world = World::start().await;
    let id = "0".repeat(32);
    let mut tried = 0;
    for (path, method, operation) in
        operations().filter(|(path, ..)| path.starts_with("/v1/tenants"))
    {
        let least = match (method, path.rsplit('/').next().unwrap()) {
            (_, "tenants" | "suspend" | "resume") => PlatformAdmin,
            // It shows what a person wrote, as it came.
            ("get", "{event_id}") => Operator,
            (_, "{view_id}") => Viewer,
            (_, "people" | "{user_id}" | "invitations" | "{invitation_id}") => TenantAdmin,
            (_, "api-keys" | "{key_id}") => TenantAdmin,
            ("get", _) => Viewer,
            (_, "jobs" | "{job_id}") => Operator,
            (_, "dry-run") => TenantAdmin,
            (_, "approve" | "reject" | "release" | "replay" | "redrive") => Operator,
            (_, "sources" | "disable" | "enable" | "keys" | "{key}" | "secret") => TenantAdmin,
            _ => panic!("who may call {method} {path}?"),
        };
        let path = path
            .replace("{tenant_id}", "a")
            .replace("{request_id}", &format!("req_{id}"))
            .replace("{event_id}", &format!("evt_{id}"))
            .replace("{source_id}", &format!("src_{id}"))
            .replace("{job_id}", &format!("job_{id}"))
            .replace("{office_id}", &format!("ofc_{id}"))
            .replace("{key}", "signing_key@1")
            .replace("{connection}", "hubspot")
            .replace("{user_id}", &format!("usr_{id}"))
            .replace("{invitation_id}", &format!("inv_{id}"))
            .replace("{key_id}", &format!("key_{id}"))
            .replace("{view_id}", "kitchens");
        let body = example(operation);
        // Without an issuer to sign in at, only the operator has the code of an invitation.
        let least = match (method, path.as_str()) {
            ("post", "/v1/tenants/a/invitations") => PlatformAdmin,
            _ => least,
        };
        for role in Role::ALL {
            let token = world.token(&[role], &["a"]);
            let answer = world
                .call_by(&token, &method.to_uppercase(), &path, &body)
                .await;
            let is_refused = answer.status == 403;
            assert_eq!(is_refused, role < least, "{method} {path} as {role}");
            if is_refused {
                let shown = problem(&answer, 403);
                let detail = shown["detail"].as_str().unwrap();
                let is_named = [least, TenantAdmin]
                    .iter()
                    .any(|role| detail.contains(role.as_str()));
                assert!(is_named, "{detail}");
            }
        }
        tried += 1;
    }
    assert!(tried >= 22);
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
