//! A tenant over its quota.

use std::{num::NonZeroU32, time::Duration};

use axum::http::StatusCode;
use store::Store as _;
use webhook_ingest::{Config, QuotaConfig};

use crate::world::{CALLRAIL, World};

const ADDRESS: &str = "192.0.2.1";

async fn with_one_a_second() -> World {
    let one = NonZeroU32::MIN;
    World::with(Config {
        quota: QuotaConfig {
            per_second: one,
            burst: one,
        },
        ..Config::default()
    })
    .await
}

#[tokio::test]
async fn a_sender_that_resends_is_put_off() {
    let world = with_one_a_second().await;
    assert_eq!(world.mail_event(ADDRESS, 1).await.status, StatusCode::OK);
    let answer = world.mail_event(ADDRESS, 2).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.retry_after(), 5);
    assert_eq!(answer.body["type"], "/problems/too-many-requests");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    world.clock.advance(Duration::from_secs(5));
    let answer = world.mail_event(ADDRESS, 2).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.body.get("duplicate"),
        None,
        "it was not stored before"
    );
}

#[tokio::test]
async fn a_sender_that_does_not_resend_is_worked_last() {
    let world = with_one_a_second().await;
    let mut due = Vec::new();
    for call in ["CAL1", "CAL2"] {
        let answer = world.call(ADDRESS, CALLRAIL, call).await;
        assert_eq!(answer.status, StatusCode::OK);
        let request = answer.body["request_id"].as_str().unwrap().parse().unwrap();
        let work = world.store.open_work(&world.tenant, request).await.unwrap();
        due.push(work[0].due_at.duration_since(work[0].created_at).as_secs());
    }
    assert_eq!(due, [0, 30]);
}
