//! Audits of sources.

use jiff::civil::date;

use super::*;
use crate::{
    DayLine, Sweep, SweepStep,
    sweeps::{DayCount, SweepState, completeness},
};

const SWEEP_LEASE: Duration = Duration::from_secs(60);

fn source(number: u128) -> SourceId {
    SourceId::from_uuid(Uuid::from_u128(number))
}

/// Claims one of the tenant's sweeps that is due.
async fn claimed(subject: &Subject, tenant: &TenantId) -> Option<Sweep> {
    for known in subject.store.sweeps(tenant).await.unwrap() {
        let claimed = subject.store.claim_sweep(&known.proof(), SWEEP_LEASE).await;
        if let Some(claimed) = claimed.unwrap() {
            return Some(claimed);
        }
    }
    None
}

fn step(state: SweepState, due_at: Timestamp) -> SweepStep {
    SweepStep {
        state,
        due_at,
        lines: Vec::new(),
        act: None,
    }
}

fn line(source: SourceId, day: i8, kind: &str, at_provider: u64) -> DayLine {
    DayLine {
        source,
        day: date(2026, 3, day),
        kind: kind.to_owned(),
        count: DayCount {
            at_provider,
            held: at_provider - 1,
            recovered: 2,
            missing: 1,
        },
        checked_at: "2026-03-20T12:00:00Z".parse().unwrap(),
    }
}

pub async fn a_sweep_is_made_once_and_claimed_by_one(subject: &Subject) {
    let (store, tenant) = (&subject.store, subject.tenant("a"));
    for _ in 0..2 {
        store
            .ensure_sweeps(&tenant, source(1), &["calls", "webhooks"])
            .await
            .unwrap();
    }
    let kinds: Vec<_> = store.sweeps(&tenant).await.unwrap();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    let first = claimed(subject, &tenant).await.unwrap();
    let second = claimed(subject, &tenant).await.unwrap();
    assert_ne!(first.kind, second.kind);
    assert_eq!(claimed(subject, &tenant).await, None);
    let due = store.due_sweeps_across_tenants().await.unwrap();
    assert!(due.iter().all(|due| due.tenant != tenant), "{due:?}");
}

pub async fn an_earlier_owner_of_a_sweep_writes_nothing(subject: &Subject) {
    let (store, tenant) = (&subject.store, subject.tenant("a"));
    store
        .ensure_sweeps(&tenant, source(1), &["calls"])
        .await
        .unwrap();
    let dead = claimed(subject, &tenant).await.unwrap();
    let mut state = dead.state.clone();
    state.went_on("0:2".to_owned());
    let until = (subject.now)().checked_add(SWEEP_LEASE).unwrap();
    assert!(
        store
            .step_sweep(&dead.proof(), step(state.clone(), until))
            .await
            .unwrap()
    );
    (subject.advance)(SWEEP_LEASE + Duration::from_secs(5)).await;

    let next = claimed(subject, &tenant).await.unwrap();
    assert_eq!(
        next.state.place.as_deref(),
        Some("0:2"),
        "it goes on where the other died"
    );
    state.went_on("0:9".to_owned());
    let mut late = step(state, (subject.now)());
    late.lines = vec![line(source(1), 17, "calls", 5)];
    assert!(!store.step_sweep(&dead.proof(), late).await.unwrap());
    let known = store.sweeps(&tenant).await.unwrap();
    assert_eq!(known[0].state.place.as_deref(), Some("0:2"));
    let lines = store
        .day_lines(&tenant, date(2026, 1, 1), date(2026, 12, 31))
        .await
        .unwrap();
    assert!(lines.is_empty());
}

pub async fn a_sweep_is_due_when_its_owner_says(subject: &Subject) {
    let (store, tenant) = (&subject.store, subject.tenant("a"));
    store
        .ensure_sweeps(&tenant, source(1), &["calls"])
        .await
        .unwrap();
    let sweep = claimed(subject, &tenant).await.unwrap();
    let due_at = (subject.now)().checked_add(Duration::from_secs(2)).unwrap();
    assert!(
        store
            .step_sweep(&sweep.proof(), step(sweep.state.clone(), due_at))
            .await
            .unwrap()
    );
    (subject.advance)(Duration::from_secs(4)).await;
    assert!(claimed(subject, &tenant).await.is_some());
}

pub async fn lines_are_replaced_and_stay_with_their_tenant(subject: &Subject) {
    let store = &subject.store;
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    store
        .ensure_sweeps(&tenant, source(1), &["calls"])
        .await
        .unwrap();
    let sweep = claimed(subject, &tenant).await.unwrap();
    let act = AuditAction::new("audit", "source.webhook_off", &source(1)).saying("post_call");
    let mut first = step(sweep.state.clone(), (subject.now)());
    first.lines = vec![
        line(source(1), 17, "calls", 5),
        line(source(1), 18, "calls", 7),
    ];
    first.act = Some(act);
    assert!(store.step_sweep(&sweep.proof(), first).await.unwrap());
    let mut again = step(sweep.state.clone(), (subject.now)());
    again.lines = vec![
        line(source(1), 17, "calls", 6),
        line(source(1), 17, "texts", 3),
    ];
    assert!(store.step_sweep(&sweep.proof(), again).await.unwrap());

    let of = async |tenant: &TenantId, from, to| {
        let lines = store
            .day_lines(tenant, date(2026, 3, from), date(2026, 3, to))
            .await;
        lines.unwrap()
    };
    let lines = of(&tenant, 17, 17).await;
    assert_eq!(
        lines,
        [
            line(source(1), 17, "calls", 6),
            line(source(1), 17, "texts", 3)
        ]
    );
    assert_eq!(of(&tenant, 17, 18).await.len(), 3);
    assert!(of(&other, 17, 18).await.is_empty());
    assert!(store.sweeps(&other).await.unwrap().is_empty());
    let sums = completeness(&lines);
    assert_eq!(
        (sums.len(), sums[0].count.at_provider, sums[0].count.missing),
        (1, 9, 2)
    );

    let entries = store
        .audit_log(&tenant, &AuditQuery::newest(10))
        .await
        .unwrap()
        .items;
    assert_eq!(entries[0].action, "source.webhook_off");
}

pub async fn names_that_lead_to_a_request_are_known(subject: &Subject) {
    let tenant = subject.tenant("a");
    let other = subject.tenant("b");
    let known = subject.request(&Lead::new(&tenant, "known")).await;
    let names = [alias("other"), alias("known"), alias("another")];
    let store: &dyn Store = &*subject.store;
    assert_eq!(
        store.are_known(&tenant, &names).await.unwrap(),
        [false, true, false]
    );
    assert_eq!(store.are_known(&other, &names).await.unwrap(), [false; 3]);
    assert!(store.are_known(&tenant, &[]).await.unwrap().is_empty());
    let named = async |tenant: &TenantId, name: &str| {
        let named = store.request_named(tenant, &alias(name)).await;
        named.unwrap()
    };
    assert_eq!(named(&tenant, "known").await, Some(known));
    assert_eq!(named(&tenant, "other").await, None);
    assert_eq!(named(&other, "known").await, None);
}

pub async fn an_account_has_no_more_requests_than_its_quota(subject: &Subject) {
    let store = &subject.store;
    let account = format!("{}-account", subject.scope);
    let windows = [(10, 3_600)];
    let admit = async |account: &str, wanted, share| {
        let admitted = store.admit_requests_across_tenants(account, &windows, wanted, share);
        admitted.await.unwrap()
    };
    assert_eq!(admit(&account, 7, 70).await, None);
    assert!(admit(&account, 1, 70).await.is_some());
    assert_eq!(admit(&account, 3, 100).await, None);
    let wait = admit(&account, 1, 100).await.unwrap();
    assert!(
        wait > Duration::ZERO && wait <= Duration::from_secs(3_900),
        "{wait:?}"
    );
    // Another account has its own.
    assert_eq!(admit(&format!("{account}-2"), 10, 100).await, None);

    // Of several at once all count, or none does.
    let fresh = format!("{account}-3");
    let both = vec![
        (fresh.clone(), windows.to_vec()),
        (account, windows.to_vec()),
    ];
    let wait = store
        .admit_requests_of_all_across_tenants(both, 1, 100)
        .await;
    assert!(wait.unwrap().is_some());
    let other = (format!("{fresh}-4"), vec![(1, 60)]);
    let both = vec![(fresh.clone(), windows.to_vec()), other];
    let wait = store
        .admit_requests_of_all_across_tenants(both, 1, 100)
        .await;
    assert_eq!(wait.unwrap(), None);
    assert_eq!(admit(&fresh, 9, 100).await, None, "one was counted");
    assert!(admit(&fresh, 1, 100).await.is_some());
}
