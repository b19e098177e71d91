//! One app of a provider's that serves many companies: one secret, one URL.

use aws_lc_rs::hmac;
use axum::http::StatusCode;
use domain::{SourceId, Tenant, TenantId, TenantStatus};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::{
    AuditAction, ConfigKind, Deliveries as _, DeliveryQuery, NewConfig, Source, SourceState,
    Store as _, TokenHash,
};
use uuid::Uuid;

use crate::world::{Answer, World};

const ADDRESS: &str = "192.0.2.1";
const APP_SECRET: &str = "the secret of the app";
const URL: &str = "/v1/hooks/app-token";

/// Each company has a source with the app's secret and its own workspace.
async fn company(world: &World, number: u128, workspace: &str, status: TenantStatus) -> TenantId {
    let tenant = TenantId::new(&format!("tenant_{workspace}")).unwrap();
    world
        .store
        .put_tenant(&Tenant {
            id: tenant.clone(),
            name: workspace.to_owned(),
            status,
        })
        .await
        .unwrap();
    let source = Source {
        id: SourceId::from_uuid(Uuid::from_u128(number)),
        tenant: tenant.clone(),
        provider: "intercom".to_owned(),
        connection: None,
        office: None,
        token: Some(TokenHash::of(if number == 101 {
            "app-token"
        } else {
            workspace
        })),
        accounts: vec![workspace.to_owned()],
        key_names: vec!["app_secret@1".to_owned()],
        schemes: Vec::new(),
        state: SourceState::Active,
        name: None,
        version: 1,
    };
    world.store.put_source(&source).await.unwrap();
    tenant
}

async fn world(serves_many: bool) -> (World, [TenantId; 3]) {
    let world = World::start().await;
    world.keys.add("app_secret", SecretString::from(APP_SECRET));
    let tenants = [
        company(&world, 101, "first", TenantStatus::Active).await,
        company(&world, 102, "second", TenantStatus::Active).await,
        company(&world, 103, "sleeping", TenantStatus::Suspended).await,
    ];
    let new = NewConfig {
        tenant: tenants[0].clone(),
        kind: ConfigKind::Source,
        name: SourceId::from_uuid(Uuid::from_u128(101)).to_string(),
        json: json!({ "app_serves_many": serves_many }),
        expected: None,
        note: String::new(),
    };
    let act = AuditAction::new("ann", "source.set", "src");
    world.store.put_config(&new, &act).await.unwrap();
    (world, tenants)
}

fn chat(workspace: &str, id: &str) -> String {
    json!({
        "type": "notification_event", "app_id": workspace, "id": format!("notif_{id}"),
        "topic": "conversation.user.created", "created_at": 1_795_190_400,
        "data": { "item": {
            "type": "conversation", "id": id, "created_at": 1_795_190_400,
            "source": { "body": "<p>A kitchen, please.</p>", "author": { "type": "user", "id": "u1", "name": "Dana" } },
        } },
    })
    .to_string()
}

async fn send(world: &World, secret: &str, body: &str) -> Answer {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let signature = format!("sha1={hex}");
    let headers = [("x-hub-signature", signature.as_str())];
    world.send(ADDRESS, URL, &headers, body.to_owned()).await
}

/// A tenant's deliveries: whether each made a request, and what is said of it.
async fn stored(world: &World, tenant: &TenantId) -> Vec<(bool, Option<String>)> {
    let query = DeliveryQuery {
        limit: 10,
        ..DeliveryQuery::default()
    };
    let page = world.store.deliveries(tenant, &query).await.unwrap();
    let items = page.items.into_iter();
    items
        .map(|delivery| (delivery.request.is_some(), delivery.remark))
        .collect()
}

#[tokio::test]
async fn an_apps_deliveries_go_to_the_workspace_that_they_name() {
    let (world, [first, second, sleeping]) = world(true).await;
    for (workspace, id) in [("first", "21547100000001"), ("second", "21547100000002")] {
        let answer = send(&world, APP_SECRET, &chat(workspace, id)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    assert_eq!(stored(&world, &first).await, [(true, None)]);
    assert_eq!(stored(&world, &second).await, [(true, None)]);

    // A workspace that left is nobody's, and no reason to switch the URL off for all.
    let gone = send(&world, APP_SECRET, &chat("gone", "21547100000003")).await;
    assert_eq!(gone.status, StatusCode::OK);
    assert_eq!(gone.body["request_id"], Value::Null);
    assert!(gone.body["message"].as_str().unwrap().contains("dropped"));

    // Nothing of a suspended tenant is lost, and nothing is done for it.
    let kept = send(&world, APP_SECRET, &chat("sleeping", "21547100000004")).await;
    assert_eq!(kept.status, StatusCode::OK);
    let of_sleeping = stored(&world, &sleeping).await;
    assert_eq!(of_sleeping.len(), 1);
    assert!(!of_sleeping[0].0, "{of_sleeping:?}");
    assert!(of_sleeping[0].1.as_ref().unwrap().contains("suspended"));

    // Whoever does not know the secret is refused, whatever they name.
    for workspace in ["first", "second", "gone", "sleeping"] {
        let forged = send(&world, "a guess", &chat(workspace, "21547100000005")).await;
        assert_eq!(forged.status, StatusCode::UNAUTHORIZED, "{workspace}");
    }
    assert_eq!(stored(&world, &first).await.len(), 1);
}

#[tokio::test]
async fn an_app_of_one_company_hands_nothing_on() {
    let (world, [first, second, _]) = world(false).await;
    let answer = send(&world, APP_SECRET, &chat("second", "21547100000006")).await;
    assert_eq!(answer.status, StatusCode::OK);
    // Its account may be mistyped: a person looks.
    let parked = stored(&world, &first).await;
    assert!(
        parked[0].1.as_ref().unwrap().contains("another account"),
        "{parked:?}"
    );
    assert!(stored(&world, &second).await.is_empty());
}
