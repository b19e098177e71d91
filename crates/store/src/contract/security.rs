//! Refused deliveries.

use domain::StoreError;

use super::*;
use crate::SecurityEvent;

fn refusal(subject: &Subject, minute: i64, reason: &str, count: u64) -> SecurityEvent {
    SecurityEvent {
        minute: Timestamp::from_second(4_000_000_000 + 60 * minute).unwrap(),
        address: format!("{}192.0.2.1", subject.scope),
        reason: reason.to_owned(),
        provider: "leads".to_owned(),
        tenant: None,
        count,
        trace_id: format!("trace-{count}"),
    }
}

async fn newest(subject: &Subject) -> Vec<SecurityEvent> {
    let all = subject
        .store
        .security_events_across_tenants(1_000)
        .await
        .unwrap();
    let address = format!("{}192.0.2.1", subject.scope);
    all.into_iter()
        .filter(|event| event.address == address)
        .collect()
}

pub async fn refusals_of_one_minute_are_counted_together(subject: &Subject) {
    let of_tenant = SecurityEvent {
        tenant: Some(subject.tenant("a").to_string()),
        ..refusal(subject, 0, "wrong_signature", 7)
    };
    for events in [
        vec![refusal(subject, 0, "wrong_signature", 2), of_tenant.clone()],
        vec![
            refusal(subject, 0, "wrong_signature", 3),
            refusal(subject, 0, "stale_signature", 1),
        ],
        Vec::new(),
    ] {
        let recorded = subject.store.record_security_events_across_tenants(events);
        recorded.await.unwrap();
    }
    let mut found = newest(subject).await;
    found.sort_by_key(|event| event.count);
    let together = SecurityEvent {
        trace_id: "trace-2".to_owned(),
        ..refusal(subject, 0, "wrong_signature", 5)
    };
    assert_eq!(
        found,
        [
            refusal(subject, 0, "stale_signature", 1),
            together,
            of_tenant
        ]
    );
}

pub async fn the_newest_refusals_come_first(subject: &Subject) {
    let events = [1, 3, 2].map(|minute| refusal(subject, minute, "unknown_tenant", 1));
    let recorded = subject
        .store
        .record_security_events_across_tenants(events.to_vec());
    recorded.await.unwrap();
    let found = newest(subject).await;
    assert_eq!(
        found,
        [3, 2, 1].map(|minute| refusal(subject, minute, "unknown_tenant", 1))
    );
    let one = subject
        .store
        .security_events_across_tenants(1)
        .await
        .unwrap();
    assert_eq!(one.len(), 1);
}

pub async fn the_oldest_refusals_are_removed_first(subject: &Subject) {
    // So long ago that no other test's refusals are older.
    let at = |minute: i64| SecurityEvent {
        minute: Timestamp::from_second(60 * minute).unwrap(),
        ..refusal(subject, 0, "wrong_signature", 1)
    };
    let recorded = subject
        .store
        .record_security_events_across_tenants((0..5).map(at).collect());
    recorded.await.unwrap();
    let prune = async |before: i64, limit| {
        let before = Timestamp::from_second(60 * before).unwrap();
        let pruned = subject
            .store
            .prune_security_events_across_tenants(before, limit);
        pruned.await.unwrap()
    };
    assert_eq!(prune(4, 3).await, 3);
    assert_eq!(newest(subject).await, [at(4), at(3)]);
    assert_eq!(prune(4, 3).await, 1);
    assert_eq!(prune(4, 3).await, 0);
    assert_eq!(newest(subject).await, [at(4)]);
}

pub async fn a_check_passes_and_leaves_nothing_behind(subject: &Subject) {
    for has_failed in [false, true] {
        if has_failed {
            let failed = async { Err::<(), _>(StoreError::Failed("for the test".to_owned())) };
            let watched = subject.store.last_write().watch(failed).await;
            watched.unwrap_err();
        }
        subject.store.check_across_tenants().await.unwrap();
    }
    let all = subject.store.security_events_across_tenants(1_000).await;
    let mut all = all.unwrap().into_iter();
    assert!(!all.any(|event| event.address == "readiness"));
}
