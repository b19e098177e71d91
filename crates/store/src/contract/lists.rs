//! Lists that several indexes serve: every filter shows what agrees with it, each once and in order, page by page.

use std::collections::BTreeSet;

use domain::{ParkCause, WorkRow, WorkState};

use super::{
    handles::{park, stopped, tenant as set_up},
    *,
};
use crate::{SecurityEvent, SecurityQuery, StopKind, WorkFilter, WorkQuery};

/// Every subset of what a list can be asked for: `None`, and each of the values.
fn choices<T: Clone>(values: &[T]) -> Vec<Option<T>> {
    std::iter::once(None)
        .chain(values.iter().cloned().map(Some))
        .collect()
}

async fn walked_work(
    subject: &Subject,
    tenant: &TenantId,
    filter: WorkFilter,
    limit: u32,
) -> Vec<WorkRow> {
    let mut query = WorkQuery {
        filter,
        limit,
        after: None,
    };
    let mut rows: Vec<WorkRow> = Vec::new();
    loop {
        let page = subject.store.stopped_work(tenant, &query).await.unwrap();
        rows.extend(page.items);
        if !page.has_more {
            return rows;
        }
        let last = rows.last().map(|row| row.key.clone());
        query.after = last.map(|key| (key.request, key.stage, key.target));
    }
}

fn agrees(filter: &WorkFilter, row: &WorkRow) -> bool {
    let (stop, cause, connection) = match &row.state {
        WorkState::Held { connection, .. } => (StopKind::Held, None, Some(connection)),
        WorkState::Parked { cause } => (StopKind::Parked, Some(*cause), None),
        WorkState::Ready | WorkState::InFlight { .. } => return false,
    };
    filter.stop.is_none_or(|it| it == stop)
        && filter.stage.is_none_or(|it| it == row.key.stage)
        && filter.cause.is_none_or(|it| Some(it) == cause)
        && filter.request.is_none_or(|it| it == row.key.request)
        && filter
            .connection
            .as_ref()
            .is_none_or(|it| Some(it) == connection)
}

pub async fn every_filter_of_stopped_work_finds_what_agrees(subject: &Subject) {
    let tenant = subject.tenant("a");
    let first = stopped(subject, &tenant, "1", park(ParkCause::Permanent)).await;
    stopped(subject, &tenant, "2", hold("crm", 1)).await;
    stopped(subject, &tenant, "3", park(ParkCause::Exhausted)).await;
    stopped(
        subject,
        &subject.tenant("b"),
        "1",
        park(ParkCause::Permanent),
    )
    .await;
    let targets = ["crm", "other"];
    for (number, [of_crm, of_other]) in [
        [park(ParkCause::Permanent), hold("other", 1)],
        [hold("crm", 1), hold("other", 1)],
        [park(ParkCause::Exhausted), park(ParkCause::Permanent)],
    ]
    .into_iter()
    .enumerate()
    {
        let lead = Lead::new(&tenant, &format!("dispatched {number}"));
        let id = subject.qualified(&lead, &targets).await;
        for (target, outcome) in targets.into_iter().zip([of_crm, of_other]) {
            let job = subject.claim(&tenant, id, Stage::Dispatch, target).await;
            subject.settle(&job, outcome).await;
        }
    }
    let all = walked_work(subject, &tenant, WorkFilter::default(), 200).await;
    assert_eq!(all.len(), 9);
    let ordered = |pair: &[WorkRow]| {
        let place = |row: &WorkRow| {
            (
                row.key.request,
                row.key.stage.as_str(),
                row.key.target.clone(),
            )
        };
        place(&pair[0]) < place(&pair[1])
    };
    assert!(all.windows(2).all(ordered));

    let mut sizes = BTreeSet::new();
    for stop in choices(&[StopKind::Held, StopKind::Parked]) {
        for stage in choices(&[FIRST, Stage::Dispatch]) {
            for cause in choices(&[ParkCause::Permanent, ParkCause::Exhausted]) {
                for connection in choices(&[name("crm"), name("other")]) {
                    for request in choices(&[first]) {
                        let filter = WorkFilter {
                            stop,
                            stage,
                            cause,
                            connection: connection.clone(),
                            request,
                        };
                        let expected: Vec<_> = all
                            .iter()
                            .filter(|row| agrees(&filter, row))
                            .cloned()
                            .collect();
                        let found = walked_work(subject, &tenant, filter.clone(), 3).await;
                        assert_eq!(found, expected, "{filter:?}");
                        sizes.insert(found.len());
                    }
                }
            }
        }
    }
    assert!(
        sizes.is_superset(&BTreeSet::from([0, 1, 2, 3, 4, 5, 9])),
        "{sizes:?}"
    );
}

pub async fn every_filter_of_refusals_finds_what_agrees(subject: &Subject) {
    let tenant = subject.tenant("a");
    let addresses = ["192.0.2.1", "192.0.2.9"].map(|address| format!("{}{address}", subject.scope));
    let reasons = ["stale_signature", "wrong_signature"].map(str::to_owned);
    let mut all = Vec::new();
    for minute in 0..4_usize {
        for (place, address) in addresses.iter().enumerate() {
            for (kind, reason) in reasons.iter().enumerate() {
                // Not every one in every minute.
                if (minute + place + kind) % 3 == 0 {
                    continue;
                }
                for provider in ["calls", "forms"] {
                    let second = 4_000_000_000 + 60 * i64::try_from(minute).unwrap();
                    all.push(SecurityEvent {
                        minute: Timestamp::from_second(second).unwrap(),
                        address: address.clone(),
                        reason: reason.clone(),
                        provider: provider.to_owned(),
                        tenant: Some(tenant.to_string()),
                        count: 1,
                        trace_id: "trace".to_owned(),
                    });
                }
            }
        }
    }
    let recorded = subject
        .store
        .record_security_events_across_tenants(all.clone());
    recorded.await.unwrap();
    all.sort_by_key(|event| {
        let SecurityEvent {
            minute,
            address,
            reason,
            provider,
            ..
        } = event.clone();
        std::cmp::Reverse((minute, address, reason, provider))
    });
    for address in choices(&addresses) {
        for reason in choices(&reasons) {
            let mut query = SecurityQuery {
                address: address.clone(),
                reason: reason.clone(),
                limit: 3,
                after: None,
            };
            let mut found = Vec::new();
            loop {
                let page = subject
                    .store
                    .security_events(&tenant, &query)
                    .await
                    .unwrap();
                found.extend(page.items);
                query.after = found.last().map(SecurityEvent::key);
                if !page.has_more {
                    break;
                }
            }
            let agrees = |event: &&SecurityEvent| {
                address.as_ref().is_none_or(|it| *it == event.address)
                    && reason.as_ref().is_none_or(|it| *it == event.reason)
            };
            let expected: Vec<_> = all.iter().filter(agrees).cloned().collect();
            assert!(expected.len() > 3, "{query:?}");
            assert_eq!(found, expected, "{query:?}");
        }
    }
}

pub async fn every_filter_of_the_audit_log_finds_what_agrees(subject: &Subject) {
    let tenant = set_up(subject, "a").await;
    let store = &subject.store;
    let (actors, objects) = (["ann", "bob"], ["crm", "mail"]);
    let actions = ["secret.set", "connection.change"];
    for round in 0..3 {
        for (place, actor) in actors.into_iter().enumerate() {
            for (kind, action) in actions.into_iter().enumerate() {
                let object = objects[(round + place + kind) % 2];
                let act = AuditAction::new(actor, action, object);
                let status = domain::TenantStatus::Active;
                store
                    .set_tenant_status(&tenant, status, &act)
                    .await
                    .unwrap();
                subject.wait(Duration::from_millis(2)).await;
            }
        }
    }
    let all = store
        .audit_log(&tenant, &AuditQuery::newest(200))
        .await
        .unwrap()
        .items;
    assert_eq!(all.len(), 12);
    let text = |given: Option<&str>| given.map(str::to_owned);
    let (early, late) = (Some(all[9].at), Some(all[2].at));
    let times = [(None, None), (early, late), (late, None), (None, early)];
    for actor in choices(&actors) {
        for action in choices(&actions) {
            for object in choices(&objects) {
                for (from, to) in times {
                    let mut query = AuditQuery {
                        actor: text(actor),
                        action: text(action),
                        object: text(object),
                        from,
                        to,
                        ..AuditQuery::newest(4)
                    };
                    let mut found = Vec::new();
                    loop {
                        let page = store.audit_log(&tenant, &query).await.unwrap();
                        found.extend(page.items);
                        query.before = found.last().map(|entry| entry.id);
                        if !page.has_more {
                            break;
                        }
                    }
                    let expected: Vec<_> = all
                        .iter()
                        .filter(|entry| actor.is_none_or(|it| it == entry.actor))
                        .filter(|entry| action.is_none_or(|it| it == entry.action))
                        .filter(|entry| object.is_none_or(|it| it == entry.object))
                        .filter(|entry| from.is_none_or(|from| entry.at >= from))
                        .filter(|entry| to.is_none_or(|to| entry.at < to))
                        .cloned()
                        .collect();
                    assert_eq!(found, expected, "{query:?}");
                }
            }
        }
    }
}
