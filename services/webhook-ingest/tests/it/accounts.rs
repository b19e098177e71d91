//! Whose a delivery is, by what its body names.

use axum::http::StatusCode;
use domain::{Status, Tenant, TenantId, TenantStatus};
use serde_json::json;
use store::{Source, SourceState, Store as _};

use crate::world::{Answer, CALLRAIL, COMPANY, NEIGHBOUR, SHARED, World};

const ADDRESS: &str = "192.0.2.1";
const OTHER_COMPANY: &str = "COM00000000000000000000000000000000";

/// The status of the request that a delivery made.
async fn status(world: &World, tenant: &TenantId, answer: &Answer) -> Status {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let id = answer.body["request_id"].as_str().unwrap().parse().unwrap();
    let request = world.store.request(tenant, id).await.unwrap();
    request.unwrap().request.status
}

#[tokio::test]
async fn a_genuine_body_of_another_account_is_parked() {
    let world = World::start().await;
    let neighbour = TenantId::new("tenant_neighbour").unwrap();
    for (call, path, tenant, accounts, expected) in [
        (
            "CALown",
            CALLRAIL,
            &world.tenant,
            json!({ "company_resource_id": COMPANY }),
            Status::Received,
        ),
        (
            "CALforeign",
            CALLRAIL,
            &world.tenant,
            json!({ "company_resource_id": OTHER_COMPANY }),
            Status::Parked,
        ),
        (
            "CALboth",
            CALLRAIL,
            &world.tenant,
            json!({ "company_resource_id": OTHER_COMPANY, "company_id": COMPANY }),
            Status::Received,
        ),
        (
            "CALnone",
            CALLRAIL,
            &world.tenant,
            json!({}),
            Status::Received,
        ),
        // The neighbour's source has no accounts: it accepts what its key verifies.
        (
            "CALany",
            NEIGHBOUR,
            &neighbour,
            json!({ "company_resource_id": OTHER_COMPANY }),
            Status::Received,
        ),
    ] {
        let answer = world.call_with(ADDRESS, path, call, &accounts).await;
        assert_eq!(status(&world, tenant, &answer).await, expected, "{call}");
        let is_parked = answer.body["message"]
            .as_str()
            .unwrap()
            .contains("a person will look at it");
        assert_eq!(is_parked, expected == Status::Parked, "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_may_name_its_tenant() {
    let world = World::start().await;
    let named = json!({ "tenant_id": "tenant_neighbour" });
    let neighbour = TenantId::new("tenant_neighbour").unwrap();
    let answer = world.call_with(ADDRESS, SHARED, "CAL1", &named).await;
    assert_eq!(status(&world, &neighbour, &answer).await, Status::Received);

    // An account that is known comes first.
    let both = json!({ "tenant_id": "tenant_neighbour", "company_resource_id": COMPANY });
    let answer = world.call_with(ADDRESS, SHARED, "CAL2", &both).await;
    assert_eq!(
        status(&world, &world.tenant, &answer).await,
        Status::Received
    );

    for nobody in [json!({ "tenant_id": "tenant_unknown" }), json!({})] {
        let answer = world.call_with(ADDRESS, SHARED, "CAL3", &nobody).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{nobody}");
    }
}

#[tokio::test]
async fn a_tenant_without_an_active_source_is_unknown() {
    let neighbour = TenantId::new("tenant_neighbour").unwrap();
    let named = json!({ "tenant_id": "tenant_neighbour" });
    let send = async |world: &World| {
        world
            .call_with(ADDRESS, SHARED, "CAL1", &named)
            .await
            .status
    };

    let world = World::start().await;
    let suspended = Tenant {
        id: neighbour.clone(),
        name: neighbour.to_string(),
        status: TenantStatus::Suspended,
    };
    world.store.put_tenant(&suspended).await.unwrap();
    assert_eq!(send(&world).await, StatusCode::UNAUTHORIZED);

    let world = World::start().await;
    let source = world.store.sources(&neighbour).await.unwrap().remove(0);
    let disabled = Source {
        state: SourceState::Disabled,
        ..source.clone()
    };
    world.store.put_source(&disabled).await.unwrap();
    assert_eq!(send(&world).await, StatusCode::UNAUTHORIZED);

    // Another provider's source does not stand in for it, though its key would verify the body.
    let world = World::start().await;
    let of_mail = Source {
        provider: "sendgrid".to_owned(),
        ..source
    };
    world.store.put_source(&of_mail).await.unwrap();
    assert_eq!(send(&world).await, StatusCode::UNAUTHORIZED);
}
