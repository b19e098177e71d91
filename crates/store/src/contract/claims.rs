//! Claiming work, and keeping it.

use domain::{Office, ParkCause, Status, WorkState, WorkflowConfig};

use super::*;

pub async fn a_claim_needs_the_rows_token(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let wake = subject.row(&tenant, id, FIRST, "").await.unwrap().wake();
    for token in [0, wake.token + 1, u64::MAX] {
        let wrong = Wake {
            token,
            ..wake.clone()
        };
        assert!(subject.store.claim(&wrong, LEASE).await.unwrap().is_none());
    }
    let job = subject.store.claim(&wake, LEASE).await.unwrap().unwrap();
    assert_eq!(job.row.token, wake.token + 1);
    assert_eq!(job.request.id, id);
}

pub async fn a_row_is_claimed_once(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let wake = subject.row(&tenant, id, FIRST, "").await.unwrap().wake();
    let claims = (0..20).map(|_| subject.store.claim(&wake, LEASE));
    let claims = futures::future::join_all(claims).await;
    let taken = claims
        .into_iter()
        .filter(|claim| claim.as_ref().unwrap().is_some());
    assert_eq!(taken.count(), 1);
}

pub async fn a_row_is_not_claimed_before_it_is_due(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut lead = Lead::new(&tenant, "1");
    lead.delay = 5 * SECOND;
    let id = subject.request(&lead).await;
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    assert!(
        subject
            .store
            .claim(&row.wake(), LEASE)
            .await
            .unwrap()
            .is_none()
    );
    subject.wait_until(row.due_at).await;
    assert!(
        subject
            .store
            .claim(&row.wake(), LEASE)
            .await
            .unwrap()
            .is_some()
    );
}

pub async fn an_ended_lease_lets_another_claim(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let first = subject.claim(&tenant, id, FIRST, "").await;
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    let lease_until = subject.after(LEASE);
    assert_eq!(row.state, WorkState::InFlight { lease_until });
    assert!(
        subject
            .store
            .claim(&row.wake(), LEASE)
            .await
            .unwrap()
            .is_none()
    );
    subject.wait_until(lease_until).await;
    let second = subject
        .store
        .claim(&row.wake(), LEASE)
        .await
        .unwrap()
        .unwrap();
    assert!(second.row.token > first.row.token);
    assert_eq!(second.row.claims, 2);
    let settled = subject
        .store
        .settle(&first, retry(), Vec::new(), SECOND)
        .await;
    assert_eq!(settled.unwrap(), SettleResult::Stale);
    assert!(
        !subject
            .store
            .renew(&first.claim_token(), LEASE)
            .await
            .unwrap()
    );
}

pub async fn a_first_claim_shows_that_the_request_is_worked_on(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    assert_eq!(job.request.status, Status::Processing);
    assert_eq!(subject.lead(&tenant, id).await.status, Status::Processing);
}

pub async fn a_claim_carries_the_offices_configuration(subject: &Subject) {
    let tenant = subject.tenant("a");
    let office = |number, reviewed_from| {
        let mut config = WorkflowConfig::default();
        config.spam.review_from = reviewed_from;
        Office {
            id: office_id(number),
            tenant: tenant.clone(),
            name: "Office".to_owned(),
            address: String::new(),
            time_zone: "America/Chicago".to_owned(),
            config,
            config_version: 0,
        }
    };
    let review_from = async |id| {
        let job = subject.claim(&tenant, id, FIRST, "").await;
        (job.config.workflow.spam.review_from, job.config.version)
    };
    let first = subject.request(&Lead::new(&tenant, "1")).await;
    assert_eq!(review_from(first).await, (50.0, 0), "the defaults");

    subject.store.put_office(&office(1, 10.0)).await.unwrap();
    subject.store.put_office(&office(2, 20.0)).await.unwrap();
    let second = subject.request(&Lead::new(&tenant, "2")).await;
    assert_eq!(review_from(second).await, (10.0, 1), "the first office's");

    let delivery = Delivery {
        office: Some(office_id(2)),
        ..Lead::new(&tenant, "3").delivery()
    };
    let third = subject.store.accept(delivery.clone()).await.unwrap();
    assert_eq!(review_from(third.request().unwrap()).await, (20.0, 1));

    subject.store.put_office(&office(2, 30.0)).await.unwrap();
    let delivery = Delivery {
        office: Some(office_id(2)),
        ..Lead::new(&tenant, "4").delivery()
    };
    let fourth = subject.store.accept(delivery).await.unwrap();
    assert_eq!(review_from(fourth.request().unwrap()).await, (30.0, 2));
}

pub async fn twenty_claims_without_a_settle_park_the_row(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    for claims in 1..=20 {
        let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
        let job = subject
            .store
            .claim(&row.wake(), SECOND)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(job.row.claims, claims);
        subject.wait(SECOND).await;
    }
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    assert!(
        subject
            .store
            .claim(&row.wake(), SECOND)
            .await
            .unwrap()
            .is_none()
    );
    let view = subject.view(&tenant, id).await;
    let cause = ParkCause::CrashLoop;
    assert_eq!(view.work[0].state, WorkState::Parked { cause });
    assert_eq!(view.work[0].next_wake_at, None);
    assert_eq!(view.request.status, Status::Parked);
    let last = view.timeline.last().unwrap();
    assert_eq!((last.stage, last.outcome.as_str()), (Some(FIRST), "parked"));
}

pub async fn a_lease_is_renewed_only_with_the_claims_token(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    subject.wait(LEASE / 2).await;
    assert!(
        subject
            .store
            .renew(&job.claim_token(), LEASE)
            .await
            .unwrap()
    );
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    let lease_until = subject.after(LEASE);
    assert_eq!(row.state, WorkState::InFlight { lease_until });
    assert_eq!(
        (row.next_wake_at, row.token),
        (Some(lease_until), job.row.token)
    );
    // A shorter one takes nothing away.
    assert!(
        subject
            .store
            .renew(&job.claim_token(), SECOND)
            .await
            .unwrap()
    );
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    assert_eq!(row.state, WorkState::InFlight { lease_until });

    let mut wrong = job.claim_token();
    wrong.token += 1;
    assert!(!subject.store.renew(&wrong, LEASE).await.unwrap());
    subject.settle(&job, retry()).await;
    assert!(
        !subject
            .store
            .renew(&job.claim_token(), LEASE)
            .await
            .unwrap()
    );
}

pub async fn rows_at_work_do_not_hide_what_else_is_due(subject: &Subject) {
    let tenant = subject.tenant("a");
    let first = subject.request(&Lead::new(&tenant, "1")).await;
    subject.claim(&tenant, first, FIRST, "").await;
    let second = subject.request(&Lead::new(&tenant, "2")).await;
    let due = subject.store.due_work(&tenant, FIRST, 1).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].key.request, second);
}
