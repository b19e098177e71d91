//! What came in, as people look at it.

use std::collections::BTreeSet;

use domain::{EventId, ParkCause, StoreError};

use super::*;
use crate::{DeliveryOutcome, DeliveryQuery, DeliverySummary, SecurityEvent, SecurityQuery};

async fn listed(
    subject: &Subject,
    tenant: &TenantId,
    query: DeliveryQuery,
) -> Vec<DeliverySummary> {
    let (mut all, mut query) = (Vec::new(), query);
    query.limit = 2;
    loop {
        let page = subject.store.deliveries(tenant, &query).await.unwrap();
        assert!(page.items.len() <= 2);
        query.before = page.items.last().map(|last| last.id);
        all.extend(page.items);
        if !page.has_more {
            return all;
        }
    }
}

fn ids(deliveries: &[DeliverySummary]) -> Vec<EventId> {
    deliveries.iter().map(|delivery| delivery.id).collect()
}

fn source(number: u128) -> SourceId {
    SourceId::from_uuid(Uuid::from_u128(number))
}

fn unused(tenant: &TenantId, id: &str) -> Delivery {
    Delivery {
        reading: Ok(Reading::Ignored {
            reason: "a receipt".into(),
        }),
        ..Lead::new(tenant, id).delivery()
    }
}

pub async fn deliveries_are_walked_newest_first(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut events = Vec::new();
    for number in 0..7 {
        let lead = Lead::new(&tenant, &number.to_string());
        let delivery = Delivery {
            source: source(number % 3),
            ..lead.delivery()
        };
        events.push(subject.store.accept(delivery).await.unwrap().event());
        subject.wait(SECOND).await;
    }
    subject.accept(&Lead::new(&subject.tenant("b"), "1")).await;
    events.reverse();
    let all = listed(subject, &tenant, DeliveryQuery::default()).await;
    assert_eq!(ids(&all), events);
    assert_eq!((all[0].repeats, all[0].body_bytes), (0, 9));
    assert_eq!(all[0].source, source(0));

    let of = |numbers: &[u128]| DeliveryQuery {
        sources: Some(numbers.iter().copied().map(source).collect::<BTreeSet<_>>()),
        ..DeliveryQuery::default()
    };
    let of_two = listed(subject, &tenant, of(&[0, 2])).await;
    let expected = [0, 1, 3, 4, 6].map(|index: usize| events[index]);
    assert_eq!(ids(&of_two), expected);
    assert!(listed(subject, &tenant, of(&[9])).await.is_empty());
    assert!(listed(subject, &tenant, of(&[])).await.is_empty());

    let between = DeliveryQuery {
        from: Some(all[4].received_at),
        to: Some(all[1].received_at),
        ..DeliveryQuery::default()
    };
    assert_eq!(ids(&listed(subject, &tenant, between).await), events[2..=4]);
}

pub async fn deliveries_are_found_by_what_became_of_them(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1");
    let first = subject.accept(&lead).await;
    let later = subject.accept(&lead.clone().body("more of it")).await;
    let other = subject.accept(&Lead::new(&tenant, "2")).await;
    let unreadable = Delivery {
        reading: Err("broken".to_owned()),
        ..Lead::new(&tenant, "3").delivery()
    };
    let unread = subject.store.accept(unreadable).await.unwrap();
    let not_used = subject.store.accept(unused(&tenant, "4")).await.unwrap();
    for _ in 0..2 {
        assert!(subject.accept(&lead).await.is_duplicate());
    }
    let outcome = |outcome| DeliveryQuery {
        outcome: Some(outcome),
        ..DeliveryQuery::default()
    };
    for (wanted, expected) in [
        (
            DeliveryOutcome::Request,
            vec![other.event(), later.event(), first.event()],
        ),
        (DeliveryOutcome::Unread, vec![unread.event()]),
        (DeliveryOutcome::Unused, vec![not_used.event()]),
    ] {
        let found = listed(subject, &tenant, outcome(wanted)).await;
        assert_eq!(ids(&found), expected, "{wanted:?}");
        for delivery in found {
            let of = DeliveryOutcome::of(delivery.request.is_some(), delivery.remark.is_some());
            assert_eq!(of, wanted);
        }
    }
    let of_request = DeliveryQuery {
        request: first.request(),
        ..DeliveryQuery::default()
    };
    let of_request = listed(subject, &tenant, of_request).await;
    assert_eq!(ids(&of_request), [later.event(), first.event()]);
    let repeated = DeliveryQuery {
        is_repeated: true,
        ..DeliveryQuery::default()
    };
    let repeated = listed(subject, &tenant, repeated).await;
    assert_eq!(ids(&repeated), [first.event()]);
    assert_eq!(repeated[0].repeats, 2);
}

pub async fn a_replayed_delivery_is_read_by_its_request(subject: &Subject) {
    let tenant = subject.tenant("a");
    let unreadable = Delivery {
        reading: Err("broken".to_owned()),
        ..Lead::new(&tenant, "1").delivery()
    };
    let accepted = subject.store.accept(unreadable).await.unwrap();
    let (event, request) = (accepted.event(), accepted.request().unwrap());
    let replay = async || {
        let (store, act) = (&subject.store, act());
        store.replay_delivery(&tenant, event, None, &act).await
    };
    let replayed = replay().await.unwrap();
    assert_eq!(replayed.request, request);
    assert_eq!(replayed.wakes.len(), 1);
    let job = subject.claim(&tenant, request, Stage::Reading, "").await;
    let parked = Outcome::Park {
        cause: ParkCause::Unreadable,
        reason: "still broken".to_owned(),
        answer: None,
    };
    subject.settle(&job, parked).await;
    assert_eq!(replay().await.unwrap().request, request);
    let all = listed(subject, &tenant, DeliveryQuery::default()).await;
    assert_eq!(ids(&all), [event], "it stays one event");
}

pub async fn an_outranked_delivery_is_not_replayed(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1");
    let first = subject.accept(&lead).await;
    subject.accept(&lead.clone().body("newer")).await;
    let before = subject.view(&tenant, first.request().unwrap()).await;
    let act = act();
    let replayed = subject
        .store
        .replay_delivery(&tenant, first.event(), None, &act);
    assert!(matches!(replayed.await, Err(StoreError::Conflict(_))));
    let after = subject.view(&tenant, first.request().unwrap()).await;
    assert_eq!(before.request, after.request);
    let log = subject
        .store
        .audit_log(&tenant, &AuditQuery::newest(10))
        .await
        .unwrap();
    assert!(log.items.is_empty());
}

pub async fn a_delivery_that_was_not_used_makes_one_request(subject: &Subject) {
    let tenant = subject.tenant("a");
    let event = subject
        .store
        .accept(unused(&tenant, "1"))
        .await
        .unwrap()
        .event();
    let replay = async |read: Option<Delivery>| {
        let (store, act) = (&subject.store, act());
        store.replay_delivery(&tenant, event, read, &act).await
    };
    let still = replay(Some(unused(&tenant, "1"))).await;
    assert!(matches!(still, Err(StoreError::Conflict(_))), "{still:?}");
    let now = Lead::new(&tenant, "1").delivery();
    let first = replay(Some(now.clone())).await.unwrap();
    let again = replay(Some(now)).await.unwrap();
    assert_eq!(first.request, again.request);
    let stored = subject.store.event(&tenant, event).await.unwrap().unwrap();
    assert_eq!((stored.request, stored.remark), (Some(first.request), None));
    let lead = subject.lead(&tenant, first.request).await;
    assert_eq!(lead.document.source.last_event, event);
    let later = subject.accept(&Lead::new(&tenant, "1").body("later")).await;
    assert_eq!(
        later.request(),
        Some(first.request),
        "it has the lead's names"
    );
    let log = subject
        .store
        .audit_log(&tenant, &AuditQuery::newest(10))
        .await
        .unwrap();
    assert_eq!(log.items.len(), 2, "what changed nothing is no entry");
}

pub async fn another_tenants_delivery_is_neither_seen_nor_replayed(subject: &Subject) {
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    let accepted = subject.accept(&Lead::new(&tenant, "1")).await;
    assert!(
        listed(subject, &other, DeliveryQuery::default())
            .await
            .is_empty()
    );
    let of_request = DeliveryQuery {
        request: accepted.request(),
        ..DeliveryQuery::default()
    };
    assert!(listed(subject, &other, of_request).await.is_empty());
    let read = Some(Lead::new(&other, "1").delivery());
    let act = act();
    let replayed = subject
        .store
        .replay_delivery(&other, accepted.event(), read, &act);
    assert!(matches!(replayed.await, Err(StoreError::NotFound)));
}

pub async fn refusals_are_walked_by_tenant(subject: &Subject) {
    let tenant = subject.tenant("a");
    let refusal =
        |minute: i64, address: &str, reason: &str, tenant: Option<&TenantId>| SecurityEvent {
            minute: Timestamp::from_second(4_000_000_000 + 60 * minute).unwrap(),
            address: format!("{}{address}", subject.scope),
            reason: reason.to_owned(),
            provider: "leads".to_owned(),
            tenant: tenant.map(ToString::to_string),
            count: 2,
            trace_id: "trace".to_owned(),
        };
    let of_tenant: Vec<_> = [
        (3, "192.0.2.9", "wrong_signature"),
        (3, "192.0.2.1", "wrong_signature"),
        (3, "192.0.2.1", "stale_signature"),
        (1, "192.0.2.9", "missing_signature"),
    ]
    .map(|(minute, address, reason)| refusal(minute, address, reason, Some(&tenant)))
    .into();
    let mut events = of_tenant.clone();
    events.push(refusal(9, "192.0.2.7", "unknown_tenant", None));
    events.push(refusal(
        2,
        "192.0.2.9",
        "wrong_signature",
        Some(&subject.tenant("b")),
    ));
    let recorded = subject.store.record_security_events_across_tenants(events);
    recorded.await.unwrap();
    let mut query = SecurityQuery {
        limit: 2,
        ..SecurityQuery::default()
    };
    let first = subject
        .store
        .security_events(&tenant, &query)
        .await
        .unwrap();
    query.after = first.items.last().map(SecurityEvent::key);
    let second = subject
        .store
        .security_events(&tenant, &query)
        .await
        .unwrap();
    assert!(first.has_more && !second.has_more);
    assert_eq!([first.items, second.items].concat(), of_tenant);
    let narrow = SecurityQuery {
        limit: 10,
        address: Some(of_tenant[1].address.clone()),
        reason: Some("wrong_signature".to_owned()),
        after: None,
    };
    let found = subject
        .store
        .security_events(&tenant, &narrow)
        .await
        .unwrap();
    assert_eq!(found.items, of_tenant[1..2]);
    let unknown = SecurityQuery {
        limit: 10,
        address: Some(format!("{}192.0.2.7", subject.scope)),
        ..SecurityQuery::default()
    };
    let nobody = subject
        .store
        .security_events_of_nobody_across_tenants(&unknown)
        .await
        .unwrap();
    assert_eq!(nobody.items.len(), 1);
    assert_eq!(nobody.items[0].tenant, None);
}
