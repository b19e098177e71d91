//! What changes, as it is read by whoever watches.

use domain::{Status, StoreError, Tenant, TenantStatus};
use futures::future::join_all;

use super::*;
use crate::{
    ConfigKind, LiveCounts, LiveEvent, LiveId, NewConfig, NewConnection, WorkFilter,
    jobs::{JobStep, JobTask, NewJob},
    live::KEPT_FOR,
};

/// Everything of a tenant behind a place, read so many at a time.
async fn behind(
    subject: &Subject,
    tenant: &TenantId,
    mut place: LiveId,
    limit: u32,
) -> Vec<LiveEvent> {
    let mut all = Vec::new();
    loop {
        let read = subject.store.live_after(tenant, place, limit).await;
        let read = read.unwrap();
        assert!(read.until >= place, "nobody goes back");
        place = read.until;
        if read.events.is_empty() {
            assert_in_order(&all);
            return all;
        }
        all.extend(read.events);
    }
}

async fn all(subject: &Subject, tenant: &TenantId) -> Vec<LiveEvent> {
    let start = LiveId { major: 0, minor: 0 };
    behind(subject, tenant, start, 500).await
}

fn assert_in_order(events: &[LiveEvent]) {
    for pair in events.windows(2) {
        assert!(pair[0].id < pair[1].id, "{pair:?}");
    }
}

fn told(events: &[LiveEvent]) -> Vec<(&str, &str, &str)> {
    let told = events.iter();
    told.map(|event| (&*event.kind, &*event.object, &*event.cause))
        .collect()
}

async fn suspend(subject: &Subject, tenant: &TenantId) {
    let act = AuditAction::new("tester", "tenant.suspend", tenant);
    let suspended = subject
        .store
        .set_tenant_status(tenant, TenantStatus::Suspended, &act);
    suspended.await.unwrap();
}

async fn tenant(subject: &Subject, name: &str) -> TenantId {
    let id = subject.tenant(name);
    let tenant = Tenant {
        id: id.clone(),
        name: name.to_owned(),
        status: TenantStatus::Active,
    };
    subject.store.put_tenant(&tenant).await.unwrap();
    id
}

pub async fn a_leads_way_is_told_in_order(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    subject.accept(&Lead::new(&tenant, "1")).await; // a repeat
    subject.qualify(&tenant, id, &["crm"]).await;
    subject
        .run(&tenant, id, Stage::Dispatch, "crm", |request| {
            dispatched(request, "crm")
        })
        .await;
    subject
        .run(&tenant, id, Stage::Notification, "", notified)
        .await;
    let found = all(subject, &tenant).await;
    let id = id.to_string();
    let causes: Vec<_> = found.iter().map(|event| event.cause.as_str()).collect();
    assert_eq!(
        causes,
        [
            "received",
            "processing",
            "analysis.done",
            "dispatch.done",
            "completed"
        ]
    );
    assert!(
        found
            .iter()
            .all(|event| event.kind == "request" && event.object == id)
    );
    let versions: Vec<_> = found.iter().map(|event| event.version).collect();
    assert_eq!(versions, [Some(1), Some(1), Some(2), Some(3), Some(4)]);
}

pub async fn claims_and_polls_are_told_once(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let mut count = Vec::new();
    for _ in 0..3 {
        let job = subject.claim(&tenant, id, FIRST, "").await;
        let wait = Outcome::wait(subject.after(SECOND), "the model is slow");
        subject.settle(&job, wait).await;
        subject.wait(SECOND).await;
        count.push(all(subject, &tenant).await.len());
    }
    // Received, at work, and that it waits: neither later claims nor later waits for the same.
    assert_eq!(count, [3, 3, 3]);
}

pub async fn acts_are_told_by_what_they_change(subject: &Subject) {
    let tenant = tenant(subject, "a").await;
    let connection = name("crm");
    let new = NewConnection {
        provider: "crm".to_owned(),
        settings: BTreeMap::new(),
    };
    let act = AuditAction::new("tester", "secret.set", &connection);
    let set = subject
        .store
        .replace_secret(&tenant, &connection, 1, Some(&new), &act);
    set.await.unwrap();
    let config = NewConfig {
        tenant: tenant.clone(),
        kind: ConfigKind::Workflow,
        name: office_id(1).to_string(),
        json: serde_json::json!({}),
        expected: None,
        note: String::new(),
    };
    let act = AuditAction::new("tester", "config.put", &config.name).making(1);
    for _ in 0..2 {
        // The second time nothing changes.
        subject.store.put_config(&config, &act).await.unwrap();
    }
    suspend(subject, &tenant).await;
    let found = all(subject, &tenant).await;
    assert_eq!(
        told(&found),
        [
            ("connection", "crm", "secret.set"),
            ("config", &*config.name, "config.put"),
            ("tenant", tenant.as_str(), "tenant.suspend"),
        ]
    );
    // Where who acts knows it, the version is told.
    let versions: Vec<_> = found.iter().map(|event| event.version).collect();
    assert_eq!(versions, [None, Some(1), None]);
}

pub async fn a_jobs_way_is_told(subject: &Subject) {
    let tenant = subject.tenant("a");
    let new = NewJob {
        tenant: tenant.clone(),
        task: JobTask::Redrive {
            filter: WorkFilter::default(),
        },
        by: "ann".to_owned(),
        call: None,
    };
    let job = subject.store.create_job(&new, &act()).await.unwrap().job;
    let claimed = subject.store.claim_job(&tenant, "one", LEASE).await;
    let claim = claimed.unwrap().unwrap().claim_token();
    let failed = JobStep::Fail("it cannot go on".to_owned());
    subject.store.step_job(&claim, failed, LEASE).await.unwrap();
    let found = all(subject, &tenant).await;
    let id = job.id.to_string();
    let causes = ["job.queued", "job.running", "job.failed"];
    assert_eq!(told(&found), causes.map(|cause| ("job", &*id, cause)));
}

pub async fn a_change_that_is_refused_is_not_told(subject: &Subject) {
    let tenant = subject.tenant("a");
    let nobody = name("nobody");
    let act = AuditAction::new("tester", "secret.set", &nobody);
    let refused = subject
        .store
        .replace_secret(&tenant, &nobody, 1, None, &act);
    assert!(matches!(refused.await, Err(StoreError::NotFound)));
    assert!(all(subject, &tenant).await.is_empty());
}

pub async fn a_refused_secret_is_told(subject: &Subject) {
    let tenant = tenant(subject, "a").await;
    let connection = name("crm");
    let act = AuditAction::new("tester", "secret.set", &connection);
    let new = NewConnection {
        provider: "crm".to_owned(),
        settings: BTreeMap::new(),
    };
    let set = subject
        .store
        .replace_secret(&tenant, &connection, 1, Some(&new), &act);
    set.await.unwrap();
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let place = subject.store.live_now(&tenant).await.unwrap();
    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    subject.settle(&job, hold("crm", 1)).await;
    let found = behind(subject, &tenant, place, 500).await;
    let id = id.to_string();
    let mut told = told(&found);
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("connection", "crm", "secret.refused"),
            ("request", &*id, "dispatch.held")
        ]
    );
    let counts = subject.store.live_counts(&tenant).await.unwrap();
    let expected = LiveCounts {
        held: 1,
        ..LiveCounts::default()
    };
    assert_eq!(counts, expected);
}

pub async fn who_goes_on_misses_and_repeats_nothing(subject: &Subject) {
    let tenant = subject.tenant("a");
    for number in 0..7 {
        subject
            .request(&Lead::new(&tenant, &number.to_string()))
            .await;
    }
    let whole = all(subject, &tenant).await;
    assert_eq!(whole.len(), 7);
    let start = LiveId { major: 0, minor: 0 };
    assert_eq!(behind(subject, &tenant, start, 2).await, whole);
    for (index, event) in whole.iter().enumerate() {
        assert_eq!(
            behind(subject, &tenant, event.id, 3).await,
            whole[index + 1..]
        );
        assert_eq!(event.id.to_string().parse(), Ok(event.id));
    }
    // The place behind all of them is one, too, where nothing was read.
    let place = subject.store.live_now(&tenant).await.unwrap();
    let read = subject.store.live_after(&tenant, place, 5).await.unwrap();
    assert!(read.events.is_empty());
    subject.request(&Lead::new(&tenant, "8")).await;
    for place in [place, read.until] {
        let reaches = subject.store.live_reaches(&tenant, place).await.unwrap();
        assert!(reaches, "{place}");
        assert_eq!(behind(subject, &tenant, place, 5).await.len(), 1, "{place}");
    }
}

pub async fn who_reads_beside_writers_misses_nothing(subject: &Subject) {
    const WRITERS: usize = 4;
    const LEADS: usize = 10;
    let tenant = subject.tenant("a");
    let place = subject.store.live_now(&tenant).await.unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let tenant = &tenant;
        async move {
            for number in 0..LEADS {
                let id = format!("{writer}/{number}");
                subject.request(&Lead::new(tenant, &id)).await;
            }
        }
    });
    let reader = async {
        let (mut seen, mut place) = (Vec::new(), place);
        while seen.len() < WRITERS * LEADS {
            let read = subject.store.live_after(&tenant, place, 3).await.unwrap();
            place = read.until;
            seen.extend(read.events);
            tokio::task::yield_now().await;
        }
        seen
    };
    let (_, seen) = futures::join!(join_all(writers), reader);
    assert_in_order(&seen);
    assert_eq!(seen, behind(subject, &tenant, place, 500).await);
}

pub async fn a_place_that_never_was_is_not_reached(subject: &Subject) {
    let tenant = subject.tenant("a");
    subject.request(&Lead::new(&tenant, "1")).await;
    let first = all(subject, &tenant).await[0].id;
    let future = LiveId {
        major: first.major + u64::try_from(KEPT_FOR.as_micros()).unwrap(),
        minor: 0,
    };
    for (place, is_there) in [(first, true), (future, false)] {
        let reaches = subject.store.live_reaches(&tenant, place).await.unwrap();
        assert_eq!(reaches, is_there, "{place}");
    }
}

pub async fn what_changes_is_told_to_its_tenant_alone(subject: &Subject) {
    let (a, b) = (subject.tenant("a"), subject.tenant("b"));
    let id = subject.request(&Lead::new(&a, "1")).await;
    subject.request(&Lead::new(&b, "1")).await;
    let found = all(subject, &a).await;
    assert_eq!(told(&found), [("request", &*id.to_string(), "received")]);
    let requests = subject.store.live_requests(&a, &[id]).await.unwrap();
    assert_eq!(requests, [subject.lead(&a, id).await]);
    assert_eq!(requests[0].status, Status::Received);
    let others = subject.store.live_requests(&b, &[id]).await.unwrap();
    assert!(others.is_empty());
}

pub async fn what_waits_for_people_is_counted(subject: &Subject) {
    let tenant = subject.tenant("a");
    for (lead, gate) in [
        ("1", SpamGate::Review),
        ("2", SpamGate::Quarantine),
        ("3", SpamGate::Quarantine),
        ("4", SpamGate::Pass),
    ] {
        let id = subject.request(&Lead::new(&tenant, lead)).await;
        subject.judge(&tenant, id, 60.0, gate, &["crm"]).await;
    }
    let id = subject.request(&Lead::new(&tenant, "5")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    let park = Outcome::Park {
        cause: domain::ParkCause::Permanent,
        reason: "no".to_owned(),
        answer: None,
    };
    subject.settle(&job, park).await;
    let counts = subject.store.live_counts(&tenant).await.unwrap();
    let expected = LiveCounts {
        call_now: 0,
        in_review: 1,
        quarantined: 2,
        held: 0,
        parked: 1,
    };
    assert_eq!(counts, expected);
    let others = subject.tenant("b");
    let counts = subject.store.live_counts(&others).await.unwrap();
    assert_eq!(counts, LiveCounts::default());
}

pub async fn what_is_young_is_not_pruned(subject: &Subject) {
    let tenant = subject.tenant("a");
    for number in 0..3 {
        subject
            .request(&Lead::new(&tenant, &number.to_string()))
            .await;
    }
    let whole = all(subject, &tenant).await;
    let before = whole[0].at.min((subject.now)());
    let pruned = subject.store.prune_live_events_across_tenants(before, 10);
    assert_eq!(pruned.await.unwrap(), 0);
    assert_eq!(all(subject, &tenant).await, whole);
}
