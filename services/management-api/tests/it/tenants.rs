//! Creating, listing and suspending tenants.

use domain::TenantStatus;
use management_api::auth::Role::{PlatformAdmin, TenantAdmin};
use serde_json::{Value, json};
use store::Store as _;

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, created, problem, tenant, wrong_fields},
};

const PATH: &str = "/v1/tenants";

fn acme() -> Value {
    json!({ "tenant_id": "acme", "name": "Acme Remodeling" })
}

#[tokio::test]
async fn a_tenant_is_created_listed_suspended_and_resumed() {
    let world = World::start().await;
    let answer = world
        .call_as(PlatformAdmin, "POST", PATH, Some(&acme()))
        .await;
    let shown = created(&answer);
    assert_is_as_described(&shown, "Tenant");
    let expected = json!({ "tenant_id": "acme", "name": "Acme Remodeling", "status": "active" });
    assert_eq!(shown, expected);

    let list = body(&world.call_as(PlatformAdmin, "GET", PATH, None).await);
    assert_is_as_described(&list, "TenantList");
    let ids: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["tenant_id"])
        .collect();
    assert_eq!(ids, ["a", "acme", "b"]);

    for (verb, status) in [
        ("suspend", TenantStatus::Suspended),
        ("resume", TenantStatus::Active),
    ] {
        let path = format!("{PATH}/acme/{verb}");
        let shown = body(&world.call_as(PlatformAdmin, "POST", &path, None).await);
        assert_eq!(shown["status"], status.as_str());
        let stored = world.store.tenant(&tenant("acme")).await.unwrap().unwrap();
        assert_eq!(stored.status, status);
    }
    let path = format!("{PATH}/acme");
    let renamed = json!({ "name": "Acme Kitchens" });
    let shown = body(
        &world
            .call_as(PlatformAdmin, "PUT", &path, Some(&renamed))
            .await,
    );
    assert_eq!(shown["name"], "Acme Kitchens");
    let again = world.call_as(PlatformAdmin, "GET", &path, None).await;
    assert_eq!(body(&again), shown);
    let stored = world.store.tenant(&tenant("acme")).await.unwrap().unwrap();
    assert_eq!(stored.name, "Acme Kitchens");
    let blank = json!({ "name": " " });
    let refused = world.call_as(PlatformAdmin, "PUT", &path, Some(&blank));
    assert_eq!(wrong_fields(&refused.await), ["name"]);
    let acts: Vec<_> = world
        .audit("acme")
        .await
        .into_iter()
        .map(|e| (e.actor, e.action, e.object))
        .collect();
    let act = |verb: &str| {
        (
            "ann".to_owned(),
            format!("tenant.{verb}"),
            "acme".to_owned(),
        )
    };
    let all = ["create", "suspend", "resume", "rename"].map(act);
    assert_eq!(acts, all);
    let unknown = format!("{PATH}/nobody/suspend");
    problem(
        &world.call_as(PlatformAdmin, "POST", &unknown, None).await,
        404,
    );
}

#[tokio::test]
async fn a_tenant_that_exists_is_a_conflict_unless_repeated() {
    let world = World::start().await;
    let post = async |body: &Value, key| {
        world
            .call_with(PlatformAdmin, "POST", PATH, Some(body), key)
            .await
    };
    let first = created(&post(&acme(), Some("k-1")).await);
    assert_eq!(created(&post(&acme(), Some("k-1")).await), first);
    let shown = problem(&post(&acme(), None).await, 409);
    assert!(
        shown["detail"].as_str().unwrap().contains("`acme`"),
        "{shown}"
    );
    let renamed = json!({ "tenant_id": "acme", "name": "Another" });
    problem(&post(&renamed, Some("k-1")).await, 422);
    problem(&post(&renamed, Some("k-2")).await, 409);
    assert_eq!(world.audit("acme").await.len(), 1);
}

#[tokio::test]
async fn the_list_of_tenants_has_pages() {
    let world = World::start().await;
    for slug in ["c", "d", "e"] {
        let new = json!({ "tenant_id": slug, "name": slug });
        created(&world.call_as(PlatformAdmin, "POST", PATH, Some(&new)).await);
    }
    let (mut ids, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("{PATH}?limit=2{next}");
        let page = body(&world.call_as(PlatformAdmin, "GET", &path, None).await);
        ids.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| t["tenant_id"].clone()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(ids, ["a", "b", "c", "d", "e"]);
    let path = format!("{PATH}?limit=0&cursor=x");
    let answer = world.call_as(PlatformAdmin, "GET", &path, None).await;
    assert_eq!(wrong_fields(&answer), ["limit", "cursor"]);
    let path = format!("{PATH}?order=name");
    let answer = world.call_as(PlatformAdmin, "GET", &path, None).await;
    assert_eq!(wrong_fields(&answer), ["order"]);
}

#[tokio::test]
async fn what_cannot_be_a_tenant_is_refused_by_its_field() {
    let world = World::start().await;
    for (body, field) in [
        (json!({ "tenant_id": "A b", "name": "x" }), "tenant_id"),
        (json!({ "tenant_id": "acme", "name": "" }), "name"),
        (json!({ "tenant_id": "acme", "name": " x" }), "name"),
        (json!({ "tenant_id": "acme", "name": "a\nb" }), "name"),
        (
            json!({ "tenant_id": "acme", "name": "x".repeat(201) }),
            "name",
        ),
        (
            json!({ "tenant_id": "acme", "name": "x", "plan": "gold" }),
            "plan",
        ),
    ] {
        let answer = world
            .call_as(PlatformAdmin, "POST", PATH, Some(&body))
            .await;
        assert_eq!(wrong_fields(&answer), [field], "{body}");
    }
    for key in ["", "two words", "é", &"k".repeat(256)] {
        let answer = world
            .call_with(PlatformAdmin, "POST", PATH, Some(&acme()), Some(key))
            .await;
        assert_eq!(wrong_fields(&answer), ["Idempotency-Key"], "{key}");
    }
    problem(&world.call_as(PlatformAdmin, "POST", PATH, None).await, 415);
    problem(
        &world
            .call_as(TenantAdmin, "POST", PATH, Some(&acme()))
            .await,
        403,
    );
}
