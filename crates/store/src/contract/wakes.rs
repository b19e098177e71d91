//! Finding what is due, and moving its wake-up on.

use domain::DueWake;

use super::*;

/// What is due of one tenant.
async fn due(subject: &Subject, tenant: &TenantId) -> Vec<DueWake> {
    let all = subject
        .store
        .due_wakes_across_tenants(1_000, 10_000)
        .await
        .unwrap();
    all.into_iter()
        .filter(|due| due.wake.key.tenant == *tenant)
        .collect()
}

pub async fn a_new_row_is_scanned_after_ten_seconds(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    let born = subject.after(10 * SECOND);
    assert_eq!(row.next_wake_at, Some(born));
    subject.wait(9 * SECOND).await;
    assert!(due(subject, &tenant).await.is_empty());
    subject.wait_until(born).await;
    let expected = DueWake {
        wake: row.wake(),
        next_wake_at: born,
        wakes: 0,
    };
    assert_eq!(due(subject, &tenant).await, [expected]);
}

pub async fn a_claimed_row_is_scanned_when_its_lease_ends(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    let lease_until = subject.after(LEASE);
    subject.wait(LEASE - SECOND).await;
    assert!(due(subject, &tenant).await.is_empty());
    subject.wait_until(lease_until).await;
    let found = due(subject, &tenant).await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].next_wake_at, found[0].wake.token),
        (lease_until, job.row.token)
    );
    let wakes = subject
        .store
        .move_wakes_across_tenants(found)
        .await
        .unwrap();
    assert!(
        subject
            .store
            .claim(&wakes[0], LEASE)
            .await
            .unwrap()
            .is_some()
    );
}

pub async fn a_settled_row_is_scanned_when_it_is_due(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    let until = subject.after(40 * SECOND);
    subject.settle(&job, Outcome::wait(until, "not yet")).await;
    subject.wait(39 * SECOND).await;
    assert!(due(subject, &tenant).await.is_empty());
    subject.wait_until(until).await;
    assert_eq!(due(subject, &tenant).await.len(), 1);
}

pub async fn held_and_parked_rows_are_not_scanned(subject: &Subject) {
    let tenant = subject.tenant("a");
    for (id, outcome) in [
        ("1", hold("crm", 1)),
        (
            "2",
            Outcome::Park {
                cause: domain::ParkCause::Permanent,
                reason: "no".to_owned(),
                answer: None,
            },
        ),
    ] {
        let id = subject.request(&Lead::new(&tenant, id)).await;
        let job = subject.claim(&tenant, id, FIRST, "").await;
        subject.settle(&job, outcome).await;
        let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
        assert_eq!(row.next_wake_at, None);
    }
    subject.wait(24 * 60 * 60 * SECOND).await;
    assert!(due(subject, &tenant).await.is_empty());
    let work = subject.store.due_work(&tenant, FIRST, 10).await;
    assert!(work.unwrap().is_empty());
}

pub async fn only_one_relay_moves_a_wake(subject: &Subject) {
    let tenant = subject.tenant("a");
    for id in ["1", "2", "3"] {
        subject.request(&Lead::new(&tenant, id)).await;
    }
    subject.wait(10 * SECOND).await;
    let found = due(subject, &tenant).await;
    assert_eq!(found.len(), 3);
    let relays = (0..5).map(|_| subject.store.move_wakes_across_tenants(found.clone()));
    let moved: Vec<_> = futures::future::join_all(relays).await;
    let moved: Vec<_> = moved.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(moved.len(), 3);
}

pub async fn only_what_moved_is_published(subject: &Subject) {
    let tenant = subject.tenant("a");
    let (first, second) = (
        subject.request(&Lead::new(&tenant, "1")).await,
        subject.request(&Lead::new(&tenant, "2")).await,
    );
    subject.wait(10 * SECOND).await;
    let found = due(subject, &tenant).await;
    subject.claim(&tenant, first, FIRST, "").await;
    let moved = subject
        .store
        .move_wakes_across_tenants(found)
        .await
        .unwrap();
    let requests: Vec<_> = moved.iter().map(|wake| wake.key.request).collect();
    assert_eq!(requests, [second]);
}

pub async fn a_backlog_does_not_feed_itself(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    subject.wait(10 * SECOND).await;
    for (published, seconds) in [10, 30, 120, 600, 600].into_iter().enumerate() {
        let found = due(subject, &tenant).await;
        assert_eq!(found.len(), 1, "scan {published}");
        let moved = subject
            .store
            .move_wakes_across_tenants(found)
            .await
            .unwrap();
        assert_eq!(moved.len(), 1);
        let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
        let next = subject.after(seconds * SECOND);
        assert_eq!(row.next_wake_at, Some(next), "scan {published}");
        assert_eq!(moved, [row.wake()]);
        assert!(due(subject, &tenant).await.is_empty());
        subject.wait_until(next).await;
    }
    // A claim resets the count.
    let job = subject.claim(&tenant, id, FIRST, "").await;
    assert_eq!(job.row.wakes, 0);
    subject.wait(LEASE).await;
    let found = due(subject, &tenant).await;
    subject
        .store
        .move_wakes_across_tenants(found)
        .await
        .unwrap();
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    assert_eq!(row.next_wake_at, Some(subject.after(10 * SECOND)));
}

pub async fn a_scan_is_limited_for_each_tenant(subject: &Subject) {
    let (flooding, other) = (subject.tenant("a"), subject.tenant("b"));
    for id in 0..5 {
        subject
            .request(&Lead::new(&flooding, &id.to_string()))
            .await;
    }
    subject.wait(SECOND).await;
    subject.request(&Lead::new(&other, "1")).await;
    subject.wait(10 * SECOND).await;
    let found = subject
        .store
        .due_wakes_across_tenants(2, 10_000)
        .await
        .unwrap();
    let count = |tenant: &TenantId| {
        found
            .iter()
            .filter(|due| due.wake.key.tenant == *tenant)
            .count()
    };
    assert_eq!((count(&flooding), count(&other)), (2, 1));
    assert!(found.is_sorted_by_key(|due| due.next_wake_at));
}

pub async fn a_full_scan_takes_every_tenants_first(subject: &Subject) {
    let (flooding, other) = (subject.tenant("a"), subject.tenant("b"));
    for id in 0..5 {
        subject
            .request(&Lead::new(&flooding, &id.to_string()))
            .await;
    }
    subject.wait(SECOND).await;
    subject.request(&Lead::new(&other, "1")).await;
    subject.wait(10 * SECOND).await;
    let found = subject
        .store
        .due_wakes_across_tenants(100, 2)
        .await
        .unwrap();
    let tenants: Vec<_> = found.iter().map(|due| &due.wake.key.tenant).collect();
    assert_eq!(tenants, [&flooding, &other]);
}

pub async fn due_work_is_one_tenants_and_one_stages(subject: &Subject) {
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    let mut ids = Vec::new();
    for id in ["1", "2", "3"] {
        ids.push(subject.request(&Lead::phone(&tenant, id)).await);
        subject.wait(SECOND).await;
    }
    subject.request(&Lead::phone(&other, "1")).await;
    let mut delayed = Lead::phone(&tenant, "4");
    delayed.delay = LEASE;
    subject.request(&delayed).await;
    subject
        .run(&tenant, ids[2], Stage::Details, "", no_details)
        .await;
    let requests = async |stage, limit| {
        let work = subject.store.due_work(&tenant, stage, limit).await.unwrap();
        Vec::from_iter(work.into_iter().map(|wake| wake.key.request))
    };
    assert_eq!(requests(Stage::Details, 10).await, [ids[0], ids[1]]);
    assert_eq!(requests(Stage::Details, 1).await, [ids[0]]);
    assert_eq!(requests(Stage::Recording, 10).await, [ids[2]]);
    assert!(requests(Stage::Dispatch, 10).await.is_empty());
}

pub async fn every_stage_of_every_tenant_is_scanned(subject: &Subject) {
    let (one, other) = (subject.tenant("a"), subject.tenant("b"));
    let mut expected = Vec::new();
    for tenant in [&one, &other] {
        let id = subject.qualified(&Lead::new(tenant, "1"), &["crm"]).await;
        expected.push((tenant.clone(), id, Stage::Dispatch));
    }
    // The last stage of all is one that only the last tenant has.
    let id = subject.request(&Lead::phone(&other, "2")).await;
    subject
        .run(&other, id, Stage::Details, "", no_details)
        .await;
    expected.push((other.clone(), id, Stage::Recording));
    subject.wait(60 * SECOND).await;
    let mut found = Vec::new();
    for tenant in [&one, &other] {
        let due = due(subject, tenant).await.into_iter();
        let mut keys: Vec<_> = due.map(|due| due.wake.key).collect();
        keys.sort_by_key(|key| key.request);
        found.extend(
            keys.into_iter()
                .map(|key| (key.tenant, key.request, key.stage)),
        );
    }
    assert_eq!(found, expected);
}
