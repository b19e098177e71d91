//! A signed webhook whose tenant has said how its sender signs.

use aws_lc_rs::hmac;
use axum::http::StatusCode;
use domain::Clock as _;
use secrecy::SecretString;
use serde_json::json;
use store::{AuditAction, ConfigKind, NewConfig, Store as _};

use crate::world::World;

const KEY: &str = "acme-signing-key";
const BODY: &str = r#"{"name":"Ada Fenn","phone":"(512) 555-0171"}"#;

#[tokio::test]
async fn only_the_header_and_the_unit_of_time_that_are_set_prove_a_delivery() {
    let world = World::start().await;
    let key = SecretString::from(KEY);
    let tenant = world.tenant_with("signedwebhook", key).await;
    let source = world.store.sources(&tenant).await.unwrap().remove(0);
    let signature = json!({ "preset": "webflow", "header": "X-Acme-Sig" });
    let new = NewConfig {
        tenant: tenant.clone(),
        kind: ConfigKind::Source,
        name: source.id.to_string(),
        json: json!({ "signature": signature }),
        expected: None,
        note: String::new(),
    };
    let act = AuditAction::new("ann", "source.set", &source.id);
    world.store.put_config(&new, &act).await.unwrap();

    let millis = world.clock.now().as_millisecond().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    let signed = |text: &str| {
        let tag = hmac::sign(&key, text.as_bytes());
        let hex = tag.as_ref().iter().map(|byte| format!("{byte:02x}"));
        hex.collect::<String>()
    };
    let (timed, bare) = (signed(&format!("{millis}:{BODY}")), signed(BODY));
    let github = format!("sha256={bare}");
    let url = format!("/v1/hooks/{tenant}");
    let time = ("x-webflow-timestamp", millis.as_str());
    for (headers, status) in [
        (vec![time, ("x-acme-sig", &*timed)], StatusCode::OK),
        (
            vec![time, ("x-webflow-signature", &*timed)],
            StatusCode::UNAUTHORIZED,
        ),
        (vec![("x-acme-sig", &*timed)], StatusCode::UNAUTHORIZED),
        (vec![time, ("x-acme-sig", &*bare)], StatusCode::UNAUTHORIZED),
        (
            vec![("x-hub-signature-256", &*github)],
            StatusCode::UNAUTHORIZED,
        ),
        (vec![], StatusCode::UNAUTHORIZED),
    ] {
        let headers = [&[("content-type", "application/json")], &*headers].concat();
        let answer = world.send("192.0.2.1", &url, &headers, BODY).await;
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
    }
}
