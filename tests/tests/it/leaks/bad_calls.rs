//! Calls of the API that are wrong.

use http::Method;
use pipeline::demo;
use serde_json::{Value, json};

use super::{
    product::{Product, Reply},
    story::{Hook, Marked, Told},
};

/// Makes them, with marks in all that is wrong.
pub(super) async fn bad_calls(
    product: &Product<'_>,
    marked: &Marked,
    hook: &Hook,
    told: &mut Told,
) {
    let mark = marked.secret.of("wrong");
    let below = |path: &str| format!("/v1/tenants/{}/{path}", demo::TENANT);
    let admin = format!("Bearer {}", product.admin);
    let platform = format!("Bearer {}", product.platform);
    let nobody = uuid::Uuid::nil().simple();

    for path in [
        format!("/v1/{mark}?{mark}={mark}"),
        format!("/v1/tenants/{mark}/requests"),
        format!("/v1/tenants/{}/requests", mark.to_uppercase()),
        below(&format!("requests/{mark}")),
        below(&format!("requests/req_{nobody}?q={mark}")),
        below(&format!("requests?status={mark}")),
        below(&format!("requests?limit={mark}")),
        below(&format!("requests?cursor={mark}")),
        below(&format!("work?stage={mark}")),
        below(&format!("work?state={mark}")),
        below(&format!("work?cause={mark}")),
        below(&format!("work?request={mark}")),
        below(&format!("work?connection={}", mark.to_uppercase())),
        below(&format!("work?cursor={mark}&limit=9999")),
        below(&format!("audit?cursor={mark}")),
        below(&format!("audit?limit=%22{mark}%FF")),
    ] {
        let reply = product
            .send(Method::GET, &path, &[("authorization", &admin)], "")
            .await;
        note(told, format!("GET {path}"), reply);
    }

    let (post, put) = (Method::POST, Method::PUT);
    let secret = below("connections/hubspot/secret");
    let keys = below(&format!("sources/{}/keys", hook.id));
    let approve = |request: &str| below(&format!("requests/{request}/approve"));
    let replay = below(&format!("requests/{}/replay", told.requests[0]));
    let bodies = [
        // A secret in the wrong place or shape.
        (&put, secret.clone(), json!(mark)),
        (&put, secret.clone(), json!([mark])),
        (&put, secret.clone(), json!({ "secret": { "x": mark } })),
        (&put, secret.clone(), json!({ "secret": [mark] })),
        (
            &put,
            secret.clone(),
            json!({ "secret": format!("{mark} with white space") }),
        ),
        (
            &put,
            secret.clone(),
            json!({ "secret": mark, "provider": [mark] }),
        ),
        (
            &put,
            secret.clone(),
            json!({ "secret": mark, "provider": mark }),
        ),
        (
            &put,
            secret.clone(),
            json!({ "secret": mark, "settings": mark }),
        ),
        (
            &put,
            secret.clone(),
            json!({ "secret": mark, "settings": { "account_id": [mark] } }),
        ),
        (
            &put,
            secret.clone(),
            json!({ "secret": mark, "settings": { "account_id": mark } }),
        ),
        (
            &put,
            below(&format!("connections/{}/secret", mark.to_uppercase())),
            json!({ "secret": mark }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": mark, "signing_key": mark }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": { "x": mark } }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": format!("{mark} ü") }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": mark, "schemes": [mark] }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": mark, "accounts": [format!("{mark}!")] }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": mark, "accounts": { "x": mark } }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "callrail", "signing_key": mark, "office_id": mark }),
        ),
        (
            &post,
            below("sources"),
            json!({ "provider": "sendgrid", "signing_key": mark }),
        ),
        (&post, keys.clone(), json!({ "signing_key": [mark] })),
        (&post, keys.clone(), json!({ "signing_key": hook.key })),
        (
            &post,
            below(&format!("sources/{mark}/keys")),
            json!({ "signing_key": mark }),
        ),
        (
            &Method::DELETE,
            below(&format!("sources/{}/keys/{mark}", hook.id)),
            Value::Null,
        ),
        (&post, below("work/redrive"), json!({ "stage": mark })),
        (&post, below("work/redrive"), json!({ "request_id": mark })),
        (&post, below("jobs"), json!({ "kind": mark })),
        (
            &post,
            below("jobs"),
            json!({ "kind": "redrive", "filter": { "all": mark } }),
        ),
        (
            &post,
            below("jobs"),
            json!({ "kind": "redrive", "filter": { "connection": mark.to_uppercase(), "stage": mark } }),
        ),
        (
            &post,
            below("jobs"),
            json!({ "kind": "replay", "from_stage": mark, "filter": { "request_ids": [mark], "from": mark } }),
        ),
        (&post, replay, json!({ "from": mark })),
        (&post, approve(&mark), Value::Null),
        (&post, approve(&told.requests[0]), Value::Null),
    ];
    for (method, path, body) in bodies {
        let headers = [
            ("authorization", admin.as_str()),
            ("content-type", "application/json"),
        ];
        let body = serde_json::to_vec(&body).unwrap();
        let reply = product
            .send(method.clone(), &path, &headers, body.clone())
            .await;
        note(
            told,
            format!("{method} {path} {}", String::from_utf8_lossy(&body)),
            reply,
        );
    }
    let tenants = [
        json!(mark),
        json!({ "tenant_id": mark.to_uppercase(), "name": "x" }),
        json!({ "tenant_id": mark, "name": format!(" {mark}\n") }),
        json!({ "tenant_id": [mark], "name": { "x": mark } }),
    ];
    for body in tenants {
        let headers = [
            ("authorization", platform.as_str()),
            ("content-type", "application/json"),
        ];
        let reply = product
            .send(
                Method::POST,
                "/v1/tenants",
                &headers,
                serde_json::to_vec(&body).unwrap(),
            )
            .await;
        note(told, format!("POST /v1/tenants {body}"), reply);
    }

    let json_type = ("content-type", "application/json");
    let long_key = format!("{mark} {mark}");
    let text_type = format!("text/{mark}");
    for (what, headers, body) in [
        (
            "broken JSON",
            vec![json_type],
            format!(r#"{{"secret": "{mark}"#),
        ),
        ("no JSON", vec![json_type], mark.clone()),
        (
            "another type",
            vec![("content-type", text_type.as_str())],
            mark.clone(),
        ),
        ("no type", vec![], mark.clone()),
        (
            "too large a body",
            vec![json_type],
            format!(r#"{{"secret": "{}"}}"#, mark.repeat(1 << 17)),
        ),
        (
            "a wrong idempotency key",
            vec![json_type, ("idempotency-key", long_key.as_str())],
            mark.clone(),
        ),
    ] {
        let mut headers = headers;
        headers.push(("authorization", &admin));
        for path in [&secret, &keys, &below("sources")] {
            let method = if *path == secret {
                Method::PUT
            } else {
                Method::POST
            };
            let reply = product
                .send_large(method, path, &headers, body.as_bytes())
                .await;
            note(told, format!("{what} to {path}"), reply);
        }
    }

    let parts: Vec<_> = admin.split('.').collect();
    for token in [
        mark.clone(),
        format!("Bearer {mark}"),
        format!("Basic {mark}"),
        format!("Bearer {mark}.{mark}.{mark}"),
        format!("{}.{}.{mark}", parts[0], parts[1]),
        format!("{}.{mark}.{}", parts[0], parts[2]),
        format!("Bearer {}", mark.repeat(2_000)),
    ] {
        let reply = product
            .send(
                Method::GET,
                &below("requests"),
                &[("authorization", &token)],
                "",
            )
            .await;
        note(told, "a token that is none".to_owned(), reply);
    }
}

fn note(told: &mut Told, what: String, reply: Reply) {
    assert!(
        reply.status.is_client_error(),
        "{what}: {} {:?}",
        reply.status,
        reply.json()
    );
    let kind = reply
        .headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok());
    // Too large a head is answered before there is a problem to speak of.
    assert!(
        kind == Some("application/problem+json") || reply.body.is_empty(),
        "{what}: {kind:?}"
    );
    told.errors.push((what, reply));
}
