//! Deliveries that are not genuine, and such as nobody can read.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tests::CallBody;

use super::{
    product::Product,
    story::{Hook, Marked, Told, becomes, request_of},
};

/// What CallRail takes at most.
const TOO_LARGE: usize = (1 << 20) + 1;

/// Makes them, with marks in everything.
pub(super) async fn bad_deliveries(
    product: &Product<'_>,
    marked: &Marked,
    hook: &Hook,
    told: &mut Told,
) {
    let secret = |name: &str| marked.secret.of(name);
    let body = marked.refused_body();
    let post = Method::POST;
    let json_type = ("content-type", "application/json");
    let genuine = tests::sha1_signature(&hook.key, &body);
    let signed = ("signature", genuine.as_str());
    let wrong_key = tests::sha1_signature("another key", &body);
    let wrong = ("signature", wrong_key.as_str());
    let marked_signature = secret("signature");
    let garbage = ("signature", marked_signature.as_str());
    let header = secret("refusedheader");
    let custom = ("x-custom", header.as_str());
    let url = format!("{}/post-call?q={}", hook.path, secret("refusedquery"));
    let unknown = format!("/v1/hooks/{}/post-call", secret("unknowntoken"));
    let not_text = format!("/v1/hooks/%FF{}/post-call", secret("tokenthatisnotext"));
    let long = format!("{}/{}", hook.path, secret("event").repeat(40));
    let invented: Method = secret("method").parse().unwrap();
    let shared = "/v1/callrail/webhook";
    let of_nobody = CallBody::post_call("CALnobody")
        .with("tenant_id", json!(secret("unknowntenant")))
        .with("company_id", json!(secret("unknowncompany")))
        .with("company_resource_id", json!(secret("unknowncompany")))
        .json();
    let large = |filling: String| filling.repeat(TOO_LARGE / filling.len() + 1).into_bytes();
    let large_signature = tests::sha1_signature(&hook.key, &large(secret("oversized")));
    let large_signed = ("signature", large_signature.as_str());

    for (what, reply) in [
        (
            "a wrong signature",
            product
                .send(
                    post.clone(),
                    &url,
                    &[json_type, wrong, custom],
                    body.clone(),
                )
                .await,
        ),
        (
            "a signature that is none",
            product
                .send(post.clone(), &url, &[json_type, garbage], body.clone())
                .await,
        ),
        (
            "no signature",
            product
                .send(post.clone(), &url, &[json_type, custom], body.clone())
                .await,
        ),
        (
            "an unknown token",
            product
                .send(post.clone(), &unknown, &[json_type, signed], body.clone())
                .await,
        ),
        (
            "a token that is no text",
            product
                .send(post.clone(), &not_text, &[json_type, signed], body.clone())
                .await,
        ),
        (
            "an unknown tenant",
            product
                .send(post.clone(), shared, &[json_type, garbage], of_nobody)
                .await,
        ),
        (
            "too large a body",
            product
                .send_large(
                    post.clone(),
                    &url,
                    &[json_type, large_signed],
                    &large(secret("oversized")),
                )
                .await,
        ),
        (
            "another method",
            product
                .send(Method::PUT, &url, &[json_type, signed], body.clone())
                .await,
        ),
        (
            "a method that nobody knows",
            product
                .send(invented, &url, &[json_type, signed], body.clone())
                .await,
        ),
        (
            "a path too far",
            product
                .send(
                    post.clone(),
                    &format!("{long}/more"),
                    &[json_type],
                    body.clone(),
                )
                .await,
        ),
    ] {
        assert!(reply.status.is_client_error(), "{what}: {}", reply.status);
        told.errors.push((what.to_owned(), reply));
    }

    // Genuine, and kept as it came.
    let person = |name: &str| marked.person.of(name);
    for body in [
        format!(r#"{{"customer_name": "{}", "note": "#, person("unreadable")),
        format!(
            r#"{{"resource_id": {{"{0}": "{0}"}}}}"#,
            person("unreadable")
        ),
        format!(r#"{{"resource_id": "no id: {}"}}"#, person("unreadable")),
        format!(r#"{{"customer_name": "{}"}}"#, person("unreadable")),
        format!(r#""{}""#, person("unreadable")),
        format!(r#"{{"x": {}"{}""#, "[".repeat(10_000), person("unreadable")),
        person("unreadable"),
    ] {
        let path = format!("{}/post-call", hook.path);
        let accepted = product
            .deliver_signed(&path, &hook.key, &[], body.as_bytes())
            .await;
        let request = request_of(&accepted, told);
        becomes(product, &request, "parked").await;
    }
    let unused = format!("{}/{}", hook.path, person("event"));
    let ignored = product
        .deliver_signed(&unused, &hook.key, &[], &marked.call("CALunused").json())
        .await;
    assert_eq!(
        (ignored.status, &ignored.json()["request_id"]),
        (StatusCode::OK, &Value::Null)
    );
}
