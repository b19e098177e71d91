//! Sources of website forms: a URL that is no secret, and a form to paste.

use management_api::auth::Role::{TenantAdmin, Viewer};
use serde_json::{Value, json};
use store::{Store as _, TokenHash};

use crate::{
    openapi::assert_is_as_described,
    world::{PUBLIC_URL, World, body, created, problem, wrong_fields},
};

const PATH: &str = "/v1/tenants/a/sources";

async fn add(world: &World, provider: &str) -> Value {
    let new = json!({ "provider": provider });
    let answer = world.call_as(TenantAdmin, "POST", PATH, Some(&new)).await;
    created(&answer)
}

fn id(created: &Value) -> &str {
    created["source"]["source_id"].as_str().unwrap()
}

#[tokio::test]
async fn a_forms_url_names_its_source_and_a_snippet_posts_there() {
    let world = World::start().await;
    let shown = add(&world, "webforms").await;
    let id = id(&shown);
    let url = format!("{PUBLIC_URL}/v1/forms/{id}");
    assert_eq!(shown["webhooks"], json!([{ "event": null, "url": url }]));
    let key = shown["signing_key"].as_str().unwrap();
    assert_eq!(key.len(), 64, "one is made, for page tokens and servers");
    let stored = world
        .store
        .source_by_token_across_tenants(&TokenHash::of(id))
        .await;
    assert_eq!(stored.unwrap().unwrap().id.to_string(), id);

    let path = format!("{PATH}/{id}/snippet");
    let snippet = async || {
        let shown = body(&world.call_as(Viewer, "GET", &path, None).await);
        assert_is_as_described(&shown, "Snippet");
        shown["html"].as_str().unwrap().to_owned()
    };
    let html = snippet().await;
    assert!(html.contains(&format!("action=\"{url}\"")), "{html}");
    assert!(html.contains("name=\"website\"") && !html.contains("turnstile"));
    let settings = json!({ "settings": {
        "domains": ["example.com"], "honeypots": ["fax"], "consent_text": "Call me & \"write\" to me.",
        "bot_check": { "service": "turnstile", "action": "quote" },
    } });
    let set = format!("{PATH}/{id}/settings");
    body(
        &world
            .call_as(TenantAdmin, "PUT", &set, Some(&settings))
            .await,
    );
    let html = snippet().await;
    assert!(html.contains("name=\"fax\"") && !html.contains("name=\"website\""));
    assert!(html.contains("value=\"Call me &amp; &quot;write&quot; to me.\""));
    assert!(html.contains("data-action=\"quote\""));
    let wrong = json!({ "settings": { "bot_check": { "service": "turnstile" } } });
    let refused = world.call_on(TenantAdmin, ("PUT", &set), "\"1\"", &wrong);
    assert_eq!(wrong_fields(&refused.await), ["settings.domains"]);
}

#[tokio::test]
async fn only_forms_have_a_snippet() {
    let world = World::start().await;
    let shown = add(&world, "signedwebhook").await;
    let id = id(&shown);
    let url = shown["webhooks"][0]["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{PUBLIC_URL}/v1/hooks/")) && !url.contains(id));
    assert!(shown["signing_key"].as_str().unwrap().starts_with("whsec_"));
    for source in [id, "src_0199f3a1000070008000000000000bad"] {
        let path = format!("{PATH}/{source}/snippet");
        problem(&world.call_as(Viewer, "GET", &path, None).await, 404);
    }
}

#[tokio::test]
async fn a_key_in_another_spelling_is_refused_when_it_is_entered() {
    let world = World::start().await;
    for (key, schemes) in [
        ("v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", json!([])),
        ("whsec_c2hvcnQ=", json!([])),
        ("a text of the sender's", json!(["github"])),
    ] {
        let new = json!({ "provider": "signedwebhook", "signing_key": key, "schemes": schemes });
        let refused = world.call_as(TenantAdmin, "POST", PATH, Some(&new)).await;
        assert_eq!(wrong_fields(&refused), ["signing_key"], "{key}");
    }
    let new = json!({
        "provider": "signedwebhook", "signing_key": "a-text-of-the-senders", "schemes": ["github"],
    });
    let taken = world.call_as(TenantAdmin, "POST", PATH, Some(&new)).await;
    assert_eq!(created(&taken)["signing_key"], Value::Null);
}
