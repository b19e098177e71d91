//! Reading requests.

use domain::{DispatchAttempt, NotificationRecord, Record, Status, Usage};

use super::*;
use crate::RequestQuery;

async fn page(subject: &Subject, tenant: &TenantId, query: RequestQuery) -> (Vec<RequestId>, bool) {
    let page = subject.store.list_requests(tenant, &query).await.unwrap();
    let ids = page.items.iter().map(|request| request.id).collect();
    (ids, page.has_more)
}

pub async fn pages_walk_each_request_once_the_newest_first(subject: &Subject) {
    // The last page is full, or not.
    for (tenant, count) in [("a", 6), ("b", 7)] {
        walk_pages(subject, &subject.tenant(tenant), count).await;
    }
}

async fn walk_pages(subject: &Subject, tenant: &TenantId, count: u32) {
    let mut expected = Vec::new();
    for lead in 0..count {
        expected.push(subject.request(&Lead::new(tenant, &lead.to_string())).await);
    }
    expected.reverse();
    let (mut walked, mut before) = (Vec::new(), None);
    loop {
        let query = RequestQuery {
            status: None,
            channel: None,
            limit: 3,
            before,
        };
        let (ids, has_more) = page(subject, tenant, query).await;
        before = ids.last().copied();
        walked.extend(ids);
        assert_eq!(has_more, walked.len() < expected.len());
        // What comes in between is newer than every page that follows.
        subject
            .request(&Lead::new(tenant, &format!("new {}", walked.len())))
            .await;
        if !has_more {
            break;
        }
    }
    assert_eq!(walked, expected);
}

pub async fn a_page_holds_only_the_status_asked_for(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut ids = Vec::new();
    for lead in 0..5 {
        ids.push(
            subject
                .request(&Lead::new(&tenant, &lead.to_string()))
                .await,
        );
    }
    for id in [ids[1], ids[3], ids[4]] {
        subject.claim(&tenant, id, FIRST, "").await;
    }
    let of = |status, limit, before| RequestQuery {
        status: Some(status),
        channel: None,
        limit,
        before,
    };
    let received = page(subject, &tenant, of(Status::Received, 10, None)).await;
    assert_eq!(received, (vec![ids[2], ids[0]], false));
    let first = page(subject, &tenant, of(Status::Processing, 2, None)).await;
    assert_eq!(first, (vec![ids[4], ids[3]], true));
    let second = page(subject, &tenant, of(Status::Processing, 2, Some(ids[3]))).await;
    assert_eq!(second, (vec![ids[1]], false));
    let none = page(subject, &tenant, of(Status::Completed, 2, None)).await;
    assert_eq!(none, (Vec::new(), false));
}

pub async fn a_page_has_at_least_one_and_at_most_two_hundred(subject: &Subject) {
    let tenant = subject.tenant("a");
    let leads: Vec<_> = (0..201)
        .map(|lead| Lead::new(&tenant, &lead.to_string()))
        .collect();
    futures::future::join_all(leads.iter().map(|lead| subject.accept(lead))).await;
    for (limit, expected) in [(0, 1), (1, 1), (200, 200), (1_000, 200)] {
        let query = RequestQuery {
            limit,
            ..RequestQuery::default()
        };
        let (ids, has_more) = page(subject, &tenant, query).await;
        assert_eq!((ids.len(), has_more), (expected, true));
    }
}

pub async fn a_view_shows_the_timeline_in_order(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1");
    let id = subject.request(&lead).await;
    subject.wait(SECOND).await;
    subject.accept(&lead.body("2")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    subject.settle(&job, retry()).await;
    subject.wait(2 * SECOND).await;
    subject.qualify(&tenant, id, &["crm"]).await;
    subject
        .run(&tenant, id, Stage::Dispatch, "crm", |request| {
            dispatched(request, "crm")
        })
        .await;
    subject
        .run(&tenant, id, Stage::Notification, "", notified)
        .await;
    let timeline = subject.view(&tenant, id).await.timeline;
    let lines: Vec<_> = timeline
        .iter()
        .map(|entry| {
            let stage = entry.stage.map_or("", Stage::as_str);
            format!("{stage} {} {}", entry.target, entry.outcome)
        })
        .collect();
    assert_eq!(
        lines,
        [
            "  received",
            "  received",
            "analysis  retry",
            "analysis  done",
            "dispatch crm done",
            "notification  done",
            "  completed",
        ]
    );
    assert!(timeline.is_sorted_by_key(|entry| entry.at));
    assert_eq!(timeline[2].duration_ms, Some(1_000));
    assert_eq!(timeline[2].detail.as_deref(), Some("it did not answer"));
}

pub async fn a_view_shows_records_in_order(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let at = (subject.now)();
    let attempt = |outcome: &str| DispatchAttempt {
        connector: "crm".to_owned(),
        connection: name("crm"),
        at,
        latency_ms: 5,
        outcome: outcome.to_owned(),
        external_ids: RemoteIds::default().with("deal", "9"),
        answer: None,
        status: Some(200),
        sent: None,
        bytes_cut: 0,
        mapping_version: 0,
    };
    let message = |recipient: &str| NotificationRecord {
        channel: "email".to_owned(),
        recipient: recipient.to_owned(),
        template: "lead-1".to_owned(),
        at,
        outcome: "sent".to_owned(),
        provider_id: Some("m".to_owned()),
        latency_ms: None,
        status: None,
        answer: None,
        bytes_cut: 0,
    };
    let usage = |amount| Usage {
        unit: "emails".to_owned(),
        amount,
        by: "mailer".to_owned(),
    };
    let (attempts, messages) = (
        [attempt("timeout"), attempt("done")],
        [message("a@example.com"), message("b@example.com")],
    );
    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    for (attempt, message) in attempts.iter().zip(&messages) {
        job.record(Record::Dispatch(attempt.clone()));
        job.record(Record::Notification(message.clone()));
    }
    (1..=3).for_each(|amount| job.record(Record::Usage(usage(amount))));
    subject
        .settle(&job, Outcome::done(dispatched(&job.request, "crm")))
        .await;
    // At the same time, in another step.
    let job = subject.claim(&tenant, id, Stage::Notification, "").await;
    job.record(Record::Usage(usage(4)));
    subject
        .settle(&job, Outcome::done(notified(&job.request)))
        .await;

    let view = subject.view(&tenant, id).await;
    assert_eq!(view.attempts, attempts);
    assert_eq!(view.notifications, messages);
    assert_eq!(view.usage, [1, 2, 3, 4].map(|amount| (at, usage(amount))));
}

pub async fn a_merged_request_leads_to_the_one_that_goes_on(subject: &Subject) {
    let tenant = subject.tenant("a");
    let first = subject.request(&Lead::new(&tenant, "1")).await;
    let second = subject.request(&Lead::new(&tenant, "2")).await;
    subject
        .request(&Lead::new(&tenant, "").body("both").named(&["2", "1"]))
        .await;
    assert_eq!(subject.view(&tenant, second).await.request.id, first);
    let query = RequestQuery {
        status: Some(Status::Merged),
        channel: None,
        limit: 10,
        before: None,
    };
    assert_eq!(page(subject, &tenant, query).await, (vec![second], false));
}

pub async fn a_request_that_is_not_there_is_none(subject: &Subject) {
    let tenant = subject.tenant("a");
    let nobody = RequestId::from_uuid(Uuid::from_u128(7));
    assert!(
        subject
            .store
            .request(&tenant, nobody)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        subject
            .store
            .open_work(&tenant, nobody)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn a_requests_channel_has_a_column(subject: &Subject) {
    let tenant = subject.tenant("a");
    let unreadable = Delivery {
        reading: Err("broken JSON".to_owned()),
        ..Lead::new(&tenant, "1").delivery()
    };
    let accepted = subject.store.accept(unreadable).await.unwrap();
    let id = accepted.request().unwrap();
    let stored = async |channel: &str| {
        let sql = format!(
            "UPDATE requests SET version = version WHERE tenant_id = '{tenant}' AND request_id = '{id}' \
             AND channel = '{channel}'"
        );
        (subject.sql)(sql).await == 1
    };
    assert!(stored("api").await);
    // Read at last, it turns out to be a call.
    let row = subject.row(&tenant, id, Stage::Reading, "").await.unwrap();
    let keys = [row.key];
    subject.store.redrive(&tenant, &keys, &act()).await.unwrap();
    let read = |request: &LeadRequest| {
        let mut source = request.document.source.clone();
        source.unread = None;
        source.said = Facts::nothing(Channel::Phone);
        Section::Source(Box::new(source))
    };
    subject.run(&tenant, id, Stage::Reading, "", read).await;
    assert!(stored("phone").await);
}
