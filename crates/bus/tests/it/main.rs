//! The local bus: the contract, and what this bus alone promises.
#![expect(clippy::unwrap_used, reason = "tests")]

mod backlog;

use std::{collections::BTreeMap, sync::Arc};

use bus::{
    Bus as _, LocalBus, LocalBusConfig,
    contract::{Subject, wake},
};
use domain::Stage;

async fn local() -> Subject {
    let bus = LocalBus::new(LocalBusConfig::default());
    let receiver = bus.clone();
    let receive = move |stage| {
        let bus = receiver.clone();
        Box::pin(async move { bus.next(stage).await.wake }) as _
    };
    Subject {
        bus,
        receive: Box::new(receive),
    }
}

bus::contract_suite!(local);

fn small() -> Arc<LocalBus> {
    LocalBus::new(LocalBusConfig {
        workers_per_stage: 4,
        running_per_tenant: 2,
        waiting_per_tenant: 3,
    })
}

#[tokio::test]
async fn tenants_are_served_round_robin() {
    let bus = LocalBus::new(LocalBusConfig::default());
    let loud = (0..20).map(|number| wake("tenant_loud", Stage::Dispatch, number));
    let quiet = (0..3).map(|number| wake("tenant_quiet", Stage::Dispatch, 100 + number));
    bus.publish(loud.chain(quiet).collect()).await.unwrap();
    let mut served = BTreeMap::new();
    for _ in 0..6 {
        let ticket = bus.next(Stage::Dispatch).await;
        *served
            .entry(ticket.wake.key.tenant.to_string())
            .or_insert(0) += 1;
    }
    assert_eq!(
        served,
        BTreeMap::from([
            ("tenant_loud".to_owned(), 3),
            ("tenant_quiet".to_owned(), 3)
        ])
    );
}

#[tokio::test]
async fn an_overflow_is_reported_once_when_capacity_is_free() {
    let bus = small();
    let tenant = wake("tenant_a", Stage::Dispatch, 0).key.tenant;
    bus.publish(
        (0..5)
            .map(|number| wake("tenant_a", Stage::Dispatch, number))
            .collect(),
    )
    .await
    .unwrap();
    assert_eq!(bus.capacity(&tenant, Stage::Dispatch), 0);
    for _ in 0..3 {
        assert!(!bus.take_overflowed(&tenant, Stage::Dispatch));
        drop(bus.next(Stage::Dispatch).await);
    }
    assert!(bus.take_overflowed(&tenant, Stage::Dispatch));
    assert!(!bus.take_overflowed(&tenant, Stage::Dispatch));
}

#[tokio::test]
async fn a_repeated_wake_up_is_queued_once() {
    let bus = small();
    let one = wake("tenant_a", Stage::Dispatch, 1);
    bus.publish(vec![one.clone(), one.clone(), one.clone()])
        .await
        .unwrap();
    assert_eq!(bus.capacity(&one.key.tenant, Stage::Dispatch), 2);
}

#[tokio::test]
async fn a_tenant_runs_no_more_steps_than_its_limit() {
    let bus = small();
    bus.publish(
        (0..3)
            .map(|number| wake("tenant_a", Stage::Dispatch, number))
            .collect(),
    )
    .await
    .unwrap();
    let first = bus.next(Stage::Dispatch).await;
    let _second = bus.next(Stage::Dispatch).await;
    let mut third = std::pin::pin!(bus.next(Stage::Dispatch));
    assert!(futures::poll!(third.as_mut()).is_pending());
    drop(first);
    assert_eq!(third.await.wake.key.tenant.as_str(), "tenant_a");
}

#[tokio::test]
async fn several_flooding_tenants_leave_workers_for_another() {
    let bus = LocalBus::new(LocalBusConfig {
        workers_per_stage: 12,
        running_per_tenant: 6,
        waiting_per_tenant: 100,
    });
    for tenant in ["tenant_a", "tenant_b"] {
        let flood = (0..50).map(|number| wake(tenant, Stage::Dispatch, number));
        bus.publish(flood.collect()).await.unwrap();
    }
    let mut running = Vec::new();
    {
        let mut next = std::pin::pin!(bus.next(Stage::Dispatch));
        while let std::task::Poll::Ready(ticket) = futures::poll!(next.as_mut()) {
            running.push(ticket);
            next.set(bus.next(Stage::Dispatch));
        }
    }
    assert_eq!(running.len(), 8, "of 12 workers");
    for number in 0..4 {
        let quiet = wake("tenant_quiet", Stage::Dispatch, number);
        bus.publish(vec![quiet.clone()]).await.unwrap();
        let ticket = bus.next(Stage::Dispatch).await;
        assert_eq!(ticket.wake, quiet);
    }
}
