//! Wake-ups that Pub/Sub repeats, reorders or loses, and messages that are none.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::Router;
use bus::{Bus as _, LocalBus, LocalBusConfig, Relay, RelayConfig, ScanResult, contract::wake};
use bus_pubsub::{PubSubBus, PubSubConfig, PushLimits, push_routes};
use domain::{Stage, Wake};
use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::{client::Publisher, model::Message};
use runtime::{SystemClock, TraceContext};

use crate::{
    emulator::{connect, counted, project},
    queue::{Counting, Rows, eventually, runner},
};

/// A service that has the stage `recording`, behind a push subscription.
struct World {
    config: PubSubConfig,
    rows: Arc<Rows>,
    stage: Arc<Counting>,
    bus: Arc<PubSubBus>,
    pushes: Arc<AtomicUsize>,
}

impl World {
    async fn start() -> Option<Self> {
        let config = project().await?;
        let (rows, stage) = (Arc::new(Rows::default()), Counting::new(Stage::Recording));
        let (routes, pushes) = counted(routes(&rows, &stage));
        let bus = connect(&config, [(Stage::Recording, routes)]).await;
        Some(Self {
            config,
            rows,
            stage,
            bus,
            pushes,
        })
    }

    async fn handled(&self, number: usize) {
        let all = || self.stage.handled().len() >= number;
        eventually("every step is handled", all).await;
    }

    fn pushes(&self) -> usize {
        self.pushes.load(Ordering::Relaxed)
    }
}

fn routes(rows: &Arc<Rows>, stage: &Arc<Counting>) -> Router {
    let nowhere = LocalBus::new(LocalBusConfig::default());
    push_routes(runner(rows, nowhere, stage), None, PushLimits::default())
}

#[tokio::test]
async fn a_step_runs_once_although_its_wake_up_is_repeated() {
    let Some(world) = World::start().await else {
        return;
    };
    let wakes: Vec<_> = (1..=10)
        .map(|number| world.rows.add(number, false))
        .collect();
    let backwards: Vec<Wake> = wakes.iter().rev().cloned().collect();
    for round in [backwards, wakes.clone(), wakes] {
        world.bus.publish(round).await.unwrap();
    }
    eventually("every wake-up has come", || world.pushes() >= 30).await;
    world.handled(10).await;
    let handled = world.stage.handled();
    assert_eq!(handled.len(), 10, "{handled:?}");
    assert_eq!(handled.iter().collect::<BTreeSet<_>>().len(), 10);
}

#[tokio::test]
async fn a_wake_up_with_an_old_token_does_nothing() {
    let Some(world) = World::start().await else {
        return;
    };
    let fresh = world.rows.add(1, false);
    let stale = Wake {
        token: fresh.token - 1,
        ..fresh.clone()
    };
    world.bus.publish(vec![stale]).await.unwrap();
    eventually("the stale one has come", || world.rows.claims() == 1).await;
    assert!(world.stage.handled().is_empty());
    world.bus.publish(vec![fresh]).await.unwrap();
    world.handled(1).await;
}

#[tokio::test]
async fn the_relay_finds_steps_whose_wake_ups_were_lost() {
    let Some(world) = World::start().await else {
        return;
    };
    for number in 1..=3 {
        world.rows.add(number, true);
    }
    let relay = Relay::new(
        world.rows.clone(),
        world.bus.clone(),
        Arc::new(SystemClock::new()),
        RelayConfig::default(),
    );
    assert_eq!(relay.scan().await.unwrap(), ScanResult::Published(3));
    assert_eq!(relay.scan().await.unwrap(), ScanResult::Idle);
    world.handled(3).await;
}

#[tokio::test]
async fn a_failed_step_is_redelivered_and_a_foreign_message_is_not() {
    let Some(world) = World::start().await else {
        return;
    };
    let foreign = wake("tenant_a", Stage::Dispatch, 1);
    let newer = Wake {
        v: 2,
        ..wake("tenant_a", Stage::Recording, 1)
    };
    let nothing_of_ours = [
        b"no JSON".to_vec(),
        br#"{"v":2,"rows":[]}"#.to_vec(),
        vec![b'x'; 200_000],
        serde_json::to_vec(&foreign).unwrap(),
        serde_json::to_vec(&newer).unwrap(),
    ];
    let publisher = strangers_publisher(&world.config).await;
    for data in &nothing_of_ours {
        let message = Message::new().set_data(data.clone());
        publisher.publish(message).await.unwrap();
    }
    let all = nothing_of_ours.len();
    eventually("each was pushed", || world.pushes() == all).await;

    // Two failing deliveries take some seconds. Meanwhile no other message is delivered again.
    let ours = world.rows.add(1, false);
    world.rows.fail_claims(2);
    world.bus.publish(vec![ours]).await.unwrap();
    world.handled(1).await;
    assert_eq!(
        world.rows.claims(),
        3,
        "two that failed, and one that did not"
    );
    assert_eq!(world.pushes(), all + 3);
}

#[tokio::test]
async fn a_step_runs_in_the_trace_of_its_wake_up() {
    let Some(world) = World::start().await else {
        return;
    };
    let wakes = vec![world.rows.add(1, false)];
    let trace = TraceContext::generate();
    trace.scope(world.bus.publish(wakes)).await.unwrap();
    world.handled(1).await;
    let id = trace.trace_id().to_string();
    assert_eq!(world.stage.traces(), [Some(id)]);
}

/// Publishes to the stage's topic, as anybody with the right may.
async fn strangers_publisher(config: &PubSubConfig) -> Publisher {
    let bus_pubsub::Access::Emulator { endpoint } = &config.access else {
        panic!("tests use the emulator");
    };
    Publisher::builder(config.work_topic(Stage::Recording))
        .with_endpoint(endpoint)
        .with_credentials(anonymous::Builder::new().build())
        .build()
        .await
        .unwrap()
}
