//! Publishing, with a Pub/Sub that hangs and one that does not.

use std::{sync::Arc, time::Duration};

use bus::{Bus as _, BusError, contract::wake};
use bus_pubsub::{EventMessage, EventTopic, PubSubBus, PubSubConfig, provision};
use domain::Stage;
use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::client::{Subscriber, SubscriptionAdmin};
use testkit::emulators::{PubSub, unless_missing};

use crate::emulator::{project, project_in};

#[tokio::test]
async fn a_hanging_pubsub_is_unavailable_until_it_answers_again() {
    let Some(pubsub) = unless_missing(PubSub::start().await) else {
        return;
    };
    let config = PubSubConfig {
        publish_deadline: Duration::from_secs(1),
        ..project_in(&pubsub)
    };
    provision(&config, &[], None).await.unwrap();
    let bus = PubSubBus::open(&config).await.unwrap();
    let wakes = || vec![wake("tenant_a", Stage::Dispatch, 1)];
    // The first call also connects, which takes long on a busy machine.
    while bus.publish(wakes()).await.is_err() {}

    pubsub.emulator.suspend().unwrap();
    let result = bus.publish(wakes()).await;
    assert!(
        matches!(result, Err(BusError::Unavailable(_))),
        "{result:?}"
    );

    pubsub.emulator.resume().unwrap();
    let again = async { while bus.publish(wakes()).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(60), again)
        .await
        .expect("publishing works again");
}

#[tokio::test]
async fn publishing_to_a_missing_topic_is_unavailable() {
    let Some(config) = project().await else {
        return;
    };
    let bus = PubSubBus::open(&config).await.unwrap();
    let result = bus
        .publish(vec![wake("tenant_a", Stage::Dispatch, 1)])
        .await;
    assert!(
        matches!(result, Err(BusError::Unavailable(_))),
        "{result:?}"
    );
    bus.publish(Vec::new()).await.unwrap();
}

#[tokio::test]
async fn nothing_ever_overflows() {
    let Some(config) = project().await else {
        return;
    };
    provision(&config, &[], None).await.unwrap();
    let bus = PubSubBus::open(&config).await.unwrap();
    let flood: Vec<_> = (0..2_500)
        .map(|number| wake("tenant_a", Stage::Dispatch, number))
        .collect();
    let tenant = flood[0].key.tenant.clone();
    bus.publish(flood).await.unwrap();
    assert!(bus.capacity(&tenant, Stage::Dispatch) > 1_000_000);
    assert!(!bus.take_overflowed(&tenant, Stage::Dispatch));
}

#[tokio::test]
async fn events_arrive_with_their_id_and_tenant() {
    let Some(config) = project().await else {
        return;
    };
    provision(&config, &[], None).await.unwrap();
    let bus_pubsub::Access::Emulator { endpoint } = &config.access else {
        panic!("tests use the emulator");
    };
    let subscription = format!("projects/{}/subscriptions/reader", config.project);
    SubscriptionAdmin::builder()
        .with_endpoint(endpoint)
        .with_credentials(anonymous::Builder::new().build())
        .build()
        .await
        .unwrap()
        .create_subscription()
        .set_name(&subscription)
        .set_topic(config.events_topic())
        .send()
        .await
        .unwrap();

    let topic = Arc::new(EventTopic::open(&config).await.unwrap());
    let row = |id: &str| EventMessage {
        event_id: id.to_owned(),
        tenant: "tenant_a".to_owned(),
        data: format!(r#"{{"id":"{id}"}}"#).into(),
    };
    topic.publish(vec![row("one"), row("two")]).await.unwrap();

    let reader = Subscriber::builder()
        .with_endpoint(endpoint)
        .with_credentials(anonymous::Builder::new().build())
        .build()
        .await
        .unwrap();
    let mut messages = reader.subscribe(&subscription).build();
    let mut missing = vec![row("one"), row("two")];
    while !missing.is_empty() {
        let next = tokio::time::timeout(Duration::from_secs(60), messages.next());
        let (message, handler) = next.await.unwrap().unwrap().unwrap();
        missing.retain(|row| {
            message.attributes.get("event_id") != Some(&row.event_id)
                || message.attributes.get("tenant_id") != Some(&row.tenant)
                || message.data != row.data
        });
        handler.ack();
    }
}
