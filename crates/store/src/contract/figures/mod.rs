//! Figures: kept by what changes requests, and equal to what an oracle counts over all of them.

mod oracle;
mod random_run;

use domain::{
    ParkCause, Status,
    figures::{Dimension, FIGURES, FiguresQuery, Slot},
};

use self::{oracle::Oracle, random_run::Run};
use super::*;
use crate::SecurityEvent;

/// Folds everything that waits.
async fn fold(subject: &Subject) {
    while subject.store.fold_figures_across_tenants(50).await.unwrap() > 0 {}
}

/// A figure of all leads, over everything.
async fn figure(subject: &Subject, tenant: &TenantId, key: &str) -> i64 {
    let figure = FIGURES.iter().find(|figure| figure.key == key).unwrap();
    let query = FiguresQuery {
        dimension: Dimension::All,
        bounds: vec![Slot(0), Slot(10_000_000)],
        metrics: figure.metrics(),
    };
    let sums = subject.store.figures(tenant, &query).await.unwrap();
    figure.value(sums.of(""), 0).numerator.unwrap()
}

async fn statuses(subject: &Subject, tenant: &TenantId) -> [i64; 3] {
    let mut counts = [0; 3];
    for (count, key) in counts.iter_mut().zip(["came_in", "in_progress", "parked"]) {
        *count = figure(subject, tenant, key).await;
    }
    counts
}

pub async fn figures_equal_an_oracle_after_a_random_run(subject: &Subject) {
    let mut seen = std::collections::BTreeSet::new();
    let unseen = |seen: &std::collections::BTreeSet<&str>| -> Vec<&str> {
        let figures = FIGURES.iter().map(|figure| figure.key);
        figures.filter(|key| !seen.contains(key)).collect()
    };
    // Two runs, and more where some figure has not come about yet.
    for seed in 1..=6 {
        if seed > 2 && unseen(&seen).is_empty() {
            break;
        }
        let mut run = Run::new(subject, seed);
        for part in 0..4 {
            run.acts(40).await;
            let oracle = Oracle::of(&run).await;
            oracle.agrees(&run).await;
            oracle.agrees_on_histograms(&run).await;
            if part % 2 == 1 {
                fold(subject).await;
                Oracle::of(&run).await.agrees(&run).await;
            }
        }
        seen.extend(run.seen.into_inner().unwrap());
    }
    let unseen = unseen(&seen);
    assert!(unseen.is_empty(), "the runs never counted {unseen:?}");
}

pub async fn several_fold_figures_at_once(subject: &Subject) {
    let tenant = subject.tenant("a");
    for number in 0..12 {
        subject
            .request(&Lead::new(&tenant, &format!("lead-{number}")))
            .await;
    }
    let folds = (0..4).map(|_| subject.store.fold_figures_across_tenants(1_000));
    let folded = futures::future::join_all(folds).await;
    let folded: u32 = folded.into_iter().map(Result::unwrap).sum();
    assert_eq!(folded, 12);
    assert_eq!(figure(subject, &tenant, "came_in").await, 12);
    assert_eq!(figure(subject, &tenant, "deliveries").await, 12);
    let left = subject.store.fold_figures_across_tenants(1_000).await;
    assert_eq!(left.unwrap(), 0);
}

pub async fn figures_are_their_tenants_own(subject: &Subject) {
    let [one, other] = ["a", "b"].map(|name| subject.tenant(name));
    for lead in ["1", "2"] {
        subject.request(&Lead::new(&one, lead)).await;
    }
    subject.request(&Lead::new(&other, "1")).await;
    for _ in 0..2 {
        assert_eq!(figure(subject, &one, "came_in").await, 2);
        assert_eq!(figure(subject, &other, "came_in").await, 1);
        fold(subject).await;
    }
}

pub async fn what_an_older_build_changed_is_counted_with_the_next_change(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "lead")).await;
    // It writes requests, and not what figures count of them.
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    (subject.sql)(format!(
        "UPDATE requests SET status = 'parked' WHERE tenant_id = '{tenant}'"
    ))
    .await;
    assert_eq!(statuses(subject, &tenant).await, [1, 1, 0]);
    let job = subject.store.claim(&row.wake(), LEASE).await.unwrap();
    let outcome = Outcome::Park {
        cause: ParkCause::Permanent,
        reason: "no".to_owned(),
        answer: None,
    };
    subject.settle(&job.unwrap(), outcome).await;
    assert_eq!(statuses(subject, &tenant).await, [1, 0, 1]);
}

pub async fn a_recount_counts_what_was_never_counted(subject: &Subject) {
    let tenant = subject.tenant("a");
    for number in 0..5 {
        subject
            .request(&Lead::new(&tenant, &format!("lead-{number}")))
            .await;
    }
    let store = &subject.store;
    let nothing = store.recount_figures(&tenant, None, 200, &act()).await;
    assert_eq!(nothing.unwrap().corrected, 0);
    let log = store
        .audit_log(&tenant, &AuditQuery::newest(10))
        .await
        .unwrap();
    assert_eq!(log.items, []);
    // As figures find a database that was there before them.
    for table in ["metric_additions", "metric_sums"] {
        (subject.sql)(format!("DELETE FROM {table} WHERE tenant_id = '{tenant}'")).await;
    }
    (subject.sql)(format!(
        "UPDATE requests SET counted = NULL WHERE tenant_id = '{tenant}'"
    ))
    .await;
    assert_eq!(figure(subject, &tenant, "came_in").await, 0);
    let (mut before, mut pages) = (None, Vec::new());
    loop {
        let page = store.recount_figures(&tenant, before, 2, &act()).await;
        let page = page.unwrap();
        pages.push((page.looked_at, page.corrected));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(pages, [(2, 2), (2, 2), (1, 1)]);
    assert_eq!(statuses(subject, &tenant).await, [5, 5, 0]);
    let again = store.recount_figures(&tenant, None, 200, &act()).await;
    assert_eq!(again.unwrap().corrected, 0);
    let log = store
        .audit_log(&tenant, &AuditQuery::newest(10))
        .await
        .unwrap();
    assert_eq!(log.items.len(), 3);
}

pub async fn refusals_count_for_the_tenant_that_is_known(subject: &Subject) {
    let tenant = subject.tenant("a");
    let refusal = |tenant: Option<&TenantId>, count| SecurityEvent {
        minute: (subject.now)(),
        address: "192.0.2.7".to_owned(),
        reason: "wrong_signature".to_owned(),
        provider: "leads".to_owned(),
        tenant: tenant.map(ToString::to_string),
        count,
        trace_id: String::new(),
    };
    for events in [
        vec![refusal(Some(&tenant), 2), refusal(None, 5)],
        vec![refusal(Some(&tenant), 1)],
    ] {
        let recorded = subject.store.record_security_events_across_tenants(events);
        recorded.await.unwrap();
    }
    assert_eq!(figure(subject, &tenant, "refused").await, 3);
}
