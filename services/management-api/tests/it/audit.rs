//! The audit log.

use management_api::auth::Role::{PlatformAdmin, Viewer};
use serde_json::json;

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, wrong_fields},
};

const PATH: &str = "/v1/tenants/a/audit";

#[tokio::test]
async fn the_log_is_read_page_by_page_the_newest_first() {
    let world = World::start().await;
    for _ in 0..3 {
        for verb in ["suspend", "resume"] {
            let path = format!("/v1/tenants/a/{verb}");
            body(&world.call_as(PlatformAdmin, "POST", &path, None).await);
        }
    }
    let (mut entries, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("{PATH}?limit=4{next}");
        let page = body(&world.call_as(Viewer, "GET", &path, None).await);
        assert_is_as_described(&page, "AuditLog");
        entries.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let actions: Vec<_> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["tenant.resume", "tenant.suspend"].repeat(3));
    for pair in entries.windows(2) {
        assert_eq!(pair[0]["previous"], pair[1]["hash"]);
    }
    assert_eq!(entries[5]["previous"], "");
    assert_eq!(
        (
            &entries[0]["actor"],
            &entries[0]["object"],
            &entries[0]["at"]
        ),
        (&json!("ann"), &json!("a"), &json!("2020-06-01T12:00:00Z"))
    );
    assert_eq!(world.audit("a").await.len(), 6);
    assert!(world.audit("b").await.is_empty());
}

#[tokio::test]
async fn every_parameter_that_is_wrong_is_named() {
    let world = World::start().await;
    let path = format!("{PATH}?limit=201&actor=&object=%0A&from=2020-06-02&to=2020-06-01&cursor=x");
    let answer = world.call_as(Viewer, "GET", &path, None).await;
    let wrong = ["limit", "actor", "object", "to", "cursor"];
    assert_eq!(wrong_fields(&answer), wrong);
}

#[tokio::test]
async fn the_log_is_asked_for_who_did_what_to_what_and_when() {
    let world = World::start().await;
    for verb in ["suspend", "resume", "suspend"] {
        let path = format!("/v1/tenants/a/{verb}");
        body(&world.call_as(PlatformAdmin, "POST", &path, None).await);
    }
    let counted = async |query: &str| {
        let page = world
            .call_as(Viewer, "GET", &format!("{PATH}?{query}"), None)
            .await;
        body(&page)["items"].as_array().unwrap().len()
    };
    for (query, expected) in [
        ("actor=ann", 3),
        ("actor=bob", 0),
        ("action=tenant.suspend", 2),
        ("action=tenant.suspend&object=a&actor=ann", 2),
        ("object=b", 0),
        ("from=2020-06-01&to=2020-06-01", 3),
        ("from=2020-06-02", 0),
        ("to=2020-06-01T12:00:00Z", 0),
        ("from=2020-06-01T12:00:00Z&action=tenant.resume", 1),
    ] {
        assert_eq!(counted(query).await, expected, "{query}");
    }
}
