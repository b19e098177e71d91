//! Settling work.

use domain::{
    DispatchAttempt, Lane, Office, ParkCause, Record, RetryPolicy, Status, Usage, WorkState,
    WorkflowConfig,
};

use super::*;

pub async fn done_writes_the_section_and_the_next_step(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::phone(&tenant, "1")).await;
    subject.wait(SECOND).await;
    let wakes = subject
        .run(&tenant, id, Stage::Details, "", no_details)
        .await;
    let view = subject.view(&tenant, id).await;
    assert!(view.request.document.details.is_some());
    assert_eq!(view.request.version, 2);
    assert_eq!(view.request.updated_at, (subject.now)());
    let [row] = view.work.as_slice() else {
        panic!("one step is open: {:?}", view.work)
    };
    assert_eq!(
        (row.key.stage, &row.state),
        (Stage::Recording, &WorkState::Ready)
    );
    assert_eq!(wakes, [row.wake()]);
}

pub async fn a_stale_settle_writes_nothing(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let stale = subject.claim(&tenant, id, FIRST, "").await;
    subject.wait(LEASE).await;
    let valid = subject.claim(&tenant, id, FIRST, "").await;
    let before = subject.view(&tenant, id).await;
    let outcome = Outcome::Done {
        sections: vec![analysis(&stale.request, 5.0)],
        aliases: vec![alias("learned")],
    };
    let settled = subject
        .store
        .settle(&stale, outcome, vec![usage(1)], SECOND)
        .await
        .unwrap();
    assert_eq!(settled, SettleResult::Stale);
    let after = subject.view(&tenant, id).await;
    assert_eq!(after.request, before.request);
    assert_eq!(after.work, before.work);
    assert_eq!(after.timeline, before.timeline);
    assert!(after.usage.is_empty());
    let other = subject.request(&Lead::new(&tenant, "learned")).await;
    assert_ne!(other, id);
    subject.settle(&valid, retry()).await;
}

pub async fn a_repeated_settle_is_stale(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    subject.settle(&job, retry()).await;
    let before = subject.view(&tenant, id).await;
    let again = subject
        .store
        .settle(&job, retry(), Vec::new(), SECOND)
        .await;
    assert_eq!(again.unwrap(), SettleResult::Stale);
    assert_eq!(subject.view(&tenant, id).await.work, before.work);
}

pub async fn an_ended_lease_can_be_settled_until_it_is_claimed(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    subject.wait(2 * LEASE).await;
    subject.settle(&job, retry()).await;
}

/// A row is deleted when its step is done, and may be opened again: its tokens must not start over.
pub async fn a_worker_of_an_earlier_row_of_the_step_is_stale(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1").note("one");
    let id = subject.qualified(&lead, &["crm"]).await;
    let zombie = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    subject.wait(LEASE).await;
    let dispatch = |request: &LeadRequest| dispatched(request, "crm");
    subject
        .run(&tenant, id, Stage::Dispatch, "crm", dispatch)
        .await;
    for round in 0..30 {
        let note = format!("note {round}");
        subject.accept(&lead.clone().body(&note).note(&note)).await;
        let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
        assert!(job.row.token > zombie.row.token);
        let settled = subject
            .store
            .settle(&zombie, retry(), Vec::new(), SECOND)
            .await;
        assert_eq!(settled.unwrap(), SettleResult::Stale);
        subject
            .settle(&job, Outcome::done(dispatch(&job.request)))
            .await;
    }
}

pub async fn a_wait_is_due_later_and_counted(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    for waits in 1..=3 {
        let job = subject.claim(&tenant, id, FIRST, "").await;
        let until = subject.after(30 * SECOND);
        let wakes = subject
            .settle(&job, Outcome::wait(until, "it is not there yet"))
            .await;
        assert!(wakes.is_empty());
        let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
        assert_eq!(row.state, WorkState::Ready);
        assert_eq!((row.waits, row.failures, row.claims), (waits, 0, 0));
        assert_eq!((row.due_at, row.next_wake_at), (until, Some(until)));
        assert_eq!(row.reason.as_deref(), Some("it is not there yet"));
        assert!(
            subject
                .store
                .claim(&row.wake(), LEASE)
                .await
                .unwrap()
                .is_none()
        );
        subject.wait_until(until).await;
    }
    let view = subject.view(&tenant, id).await;
    let waited = view
        .timeline
        .iter()
        .filter(|entry| entry.outcome == "waiting");
    assert_eq!(
        waited.count(),
        1,
        "a row that polls does not fill the timeline"
    );
}

pub async fn a_wait_ends_at_its_deadline(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let deadline = subject.after(40 * SECOND);
    let wait = || Outcome::Wait {
        until: subject.after(30 * SECOND),
        reason: "it runs".to_owned(),
        deadline: Some(deadline),
    };
    for due_at in [subject.after(30 * SECOND), deadline] {
        let job = subject.claim(&tenant, id, FIRST, "").await;
        subject.settle(&job, wait()).await;
        let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
        assert_eq!(row.due_at, due_at);
        subject.wait_until(due_at).await;
    }
    let job = subject.claim(&tenant, id, FIRST, "").await;
    subject.settle(&job, wait()).await;
    let view = subject.view(&tenant, id).await;
    let cause = ParkCause::Deadline;
    assert_eq!(view.work[0].state, WorkState::Parked { cause });
    assert_eq!(view.timeline.last().unwrap().outcome, "parked");
}

pub async fn news_while_a_step_waits_makes_it_due_now(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::phone(&tenant, "1");
    let id = subject.request(&lead).await;
    let job = subject.claim(&tenant, id, Stage::Details, "").await;
    let until = subject.after(60 * SECOND);
    subject
        .settle(&job, Outcome::wait(until, "not there yet"))
        .await;
    let waiting = subject.row(&tenant, id, Stage::Details, "").await.unwrap();

    let accepted = subject.accept(&lead.body("modified")).await;
    let row = subject.row(&tenant, id, Stage::Details, "").await.unwrap();
    assert_eq!((row.token, row.due_at), (waiting.token, (subject.now)()));
    assert_eq!(row.waits, 0, "the run that comes early does not count");
    assert_eq!(accepted.into_wakes(), [row.wake()]);
    assert_eq!(subject.lead(&tenant, id).await.status, Status::Processing);
    subject.claim(&tenant, id, Stage::Details, "").await;
}

pub async fn news_while_a_step_runs_makes_it_run_again(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1").note("one");
    let id = subject.qualified(&lead, &["crm"]).await;
    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    subject.accept(&lead.body("2").note("two")).await;
    let row = subject
        .row(&tenant, id, Stage::Dispatch, "crm")
        .await
        .unwrap();
    assert_eq!((row.token, row.rerun_requested), (job.row.token, true));

    let wakes = subject
        .settle(&job, Outcome::done(dispatched(&job.request, "crm")))
        .await;
    let row = subject
        .row(&tenant, id, Stage::Dispatch, "crm")
        .await
        .unwrap();
    assert_eq!(wakes, [row.wake()]);
    assert_eq!(
        (&row.state, row.rerun_requested),
        (&WorkState::Ready, false)
    );
    assert!(row.token > job.row.token);
    assert!(
        subject
            .row(&tenant, id, Stage::Notification, "")
            .await
            .is_none()
    );

    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    assert_eq!(
        job.request.document.facts().labels.note.as_deref(),
        Some("two")
    );
    subject
        .settle(&job, Outcome::done(dispatched(&job.request, "crm")))
        .await;
    assert!(
        subject
            .row(&tenant, id, Stage::Dispatch, "crm")
            .await
            .is_none()
    );
    assert!(
        subject
            .row(&tenant, id, Stage::Notification, "")
            .await
            .is_some()
    );
}

/// An office whose failures are tried again exactly like this.
async fn with_policy(subject: &Subject, tenant: &TenantId, retry: RetryPolicy) {
    let office = Office {
        id: office_id(1),
        tenant: tenant.clone(),
        name: "Office".to_owned(),
        address: String::new(),
        time_zone: "America/Chicago".to_owned(),
        config: WorkflowConfig {
            retry,
            ..WorkflowConfig::default()
        },
        config_version: 0,
    };
    subject.store.put_office(&office).await.unwrap();
}

pub async fn failures_walk_the_lanes(subject: &Subject) {
    let tenant = subject.tenant("a");
    let exact = RetryPolicy {
        jitter: 0.0,
        ..RetryPolicy::default()
    };
    with_policy(subject, &tenant, exact).await;
    let id = subject.request(&Lead::phone(&tenant, "1")).await;
    let mut failures = 0;
    for (lane, seconds) in [
        (Lane::Fast, 1),
        (Lane::Fast, 2),
        (Lane::Fast, 4),
        (Lane::Fast, 8),
        (Lane::Slow, 60),
        (Lane::Slow, 300),
    ] {
        let job = subject.claim(&tenant, id, Stage::Details, "").await;
        subject.settle(&job, retry()).await;
        failures += 1;
        let row = subject.row(&tenant, id, Stage::Details, "").await.unwrap();
        let due_at = subject.after(seconds * SECOND);
        assert_eq!(
            (row.lane, row.failures, row.due_at),
            (lane, failures, due_at)
        );
        assert_eq!(row.next_wake_at, Some(due_at));
        subject.wait_until(due_at).await;
    }
    // News do not hurry a step that fails.
    let job = subject.claim(&tenant, id, Stage::Details, "").await;
    subject.settle(&job, retry()).await;
    let row = subject.row(&tenant, id, Stage::Details, "").await.unwrap();
    subject.accept(&Lead::phone(&tenant, "1").body("2")).await;
    assert_eq!(
        subject.row(&tenant, id, Stage::Details, "").await,
        Some(row)
    );
}

pub async fn a_setting_of_three_attempts_parks_the_third_failure(subject: &Subject) {
    let tenant = subject.tenant("a");
    let three = RetryPolicy {
        fast_ms: vec![1_000, 1_000],
        slow_lane: false,
        jitter: 0.0,
    };
    with_policy(subject, &tenant, three).await;
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    for _ in 0..3 {
        let job = subject.claim(&tenant, id, FIRST, "").await;
        subject.settle(&job, retry()).await;
        subject.wait(SECOND).await;
    }
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    let cause = ParkCause::Exhausted;
    assert_eq!(row.state, WorkState::Parked { cause });
    assert_eq!(row.reason.as_deref(), Some("it did not answer"));
    let lead = subject.lead(&tenant, id).await;
    assert_eq!(lead.status, Status::Parked);
}

pub async fn a_providers_wish_is_kept(subject: &Subject) {
    let tenant = subject.tenant("a");
    let exact = RetryPolicy {
        jitter: 0.0,
        ..RetryPolicy::default()
    };
    with_policy(subject, &tenant, exact).await;
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    let outcome = Outcome::Retry {
        after: Some(90 * SECOND),
        reason: "too fast".to_owned(),
        answer: Some("429".to_owned()),
    };
    subject.settle(&job, outcome).await;
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    assert_eq!(row.due_at, subject.after(90 * SECOND));
    assert_eq!(row.answer.as_deref(), Some("429"));
}

pub async fn a_parked_step_waits_for_a_person(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    let outcome = Outcome::Park {
        cause: ParkCause::Permanent,
        reason: "a field is missing".to_owned(),
        answer: Some("400".to_owned()),
    };
    subject.settle(&job, outcome).await;
    let view = subject.view(&tenant, id).await;
    assert_eq!(view.request.status, Status::Parked);
    let section = &view.request.document.dispatches[&name("crm")];
    assert_eq!(section.state, DispatchState::Parked);
    assert_eq!(section.reason.as_deref(), Some("a field is missing"));
    let row = subject
        .row(&tenant, id, Stage::Dispatch, "crm")
        .await
        .unwrap();
    assert_eq!(
        (row.next_wake_at, row.answer.as_deref()),
        (None, Some("400"))
    );
    // People are notified: the dispatch has ended, for now.
    assert!(
        subject
            .row(&tenant, id, Stage::Notification, "")
            .await
            .is_some()
    );
}

pub async fn learned_names_find_the_request(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::phone(&tenant, "111")).await;
    let job = subject.claim(&tenant, id, Stage::Details, "").await;
    let outcome = Outcome::Done {
        sections: vec![no_details(&job.request)],
        aliases: vec![alias("long-1"), alias("111")],
    };
    subject.settle(&job, outcome).await;
    assert_eq!(subject.request(&Lead::phone(&tenant, "long-1")).await, id);
}

pub async fn a_learned_name_of_another_request_merges_them(subject: &Subject) {
    let tenant = subject.tenant("a");
    let first = subject.request(&Lead::phone(&tenant, "long-1")).await;
    let second = subject.request(&Lead::phone(&tenant, "111")).await;
    let job = subject.claim(&tenant, second, Stage::Details, "").await;
    let outcome = Outcome::Done {
        sections: vec![no_details(&job.request)],
        aliases: vec![alias("long-1"), alias("111"), alias("new")],
    };
    subject.settle(&job, outcome).await;
    let lead = subject.lead(&tenant, second).await;
    assert_eq!(lead.id, first);
    assert!(lead.document.details.is_some(), "what is known is kept");
    assert!(
        subject
            .row(&tenant, first, Stage::Details, "")
            .await
            .is_none()
    );
    assert!(
        subject
            .row(&tenant, first, Stage::Recording, "")
            .await
            .is_some()
    );
    assert!(
        subject
            .store
            .open_work(&tenant, second)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(subject.request(&Lead::phone(&tenant, "new")).await, first);
}

fn usage(amount: u64) -> Record {
    Record::Usage(Usage {
        unit: "speech_seconds".to_owned(),
        amount,
        by: "chirp_3".to_owned(),
    })
}

fn attempt(subject: &Subject, outcome: &str) -> Record {
    Record::Dispatch(DispatchAttempt {
        connector: "crm".to_owned(),
        connection: name("crm"),
        at: (subject.now)(),
        latency_ms: 12,
        outcome: outcome.to_owned(),
        external_ids: RemoteIds::default(),
        answer: None,
        status: Some(200),
        sent: None,
        bytes_cut: 0,
        mapping_version: 0,
    })
}

pub async fn a_merge_moves_records_and_stops_the_others_work(subject: &Subject) {
    let tenant = subject.tenant("a");
    let first = subject.request(&Lead::phone(&tenant, "1")).await;
    let second = subject.request(&Lead::phone(&tenant, "2")).await;
    for (id, amount) in [(first, 1), (second, 2)] {
        let job = subject.claim(&tenant, id, Stage::Details, "").await;
        job.record(usage(amount));
        job.record(usage(amount + 10));
        subject
            .settle(&job, Outcome::done(no_details(&job.request)))
            .await;
    }
    let working = subject.claim(&tenant, second, Stage::Recording, "").await;
    let merging = subject.claim(&tenant, first, Stage::Recording, "").await;
    merging.record(usage(3));
    subject
        .settle(&merging, Outcome::Merge { other: second })
        .await;

    let settled = subject
        .store
        .settle(&working, retry(), Vec::new(), SECOND)
        .await;
    assert_eq!(settled.unwrap(), SettleResult::Stale);
    let view = subject.view(&tenant, second).await;
    assert_eq!(view.request.id, first);
    let mut amounts: Vec<_> = view.usage.iter().map(|(_, usage)| usage.amount).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [1, 2, 3, 11, 12]);
    assert!(view.timeline.iter().any(|entry| entry.outcome == "merged"));
    assert!(
        subject
            .row(&tenant, first, Stage::Recording, "")
            .await
            .is_some()
    );
}

pub async fn a_merge_with_nothing_asks_a_person(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let nobody = RequestId::from_uuid(Uuid::from_u128(7));
    let job = subject.claim(&tenant, id, FIRST, "").await;
    subject.settle(&job, Outcome::Merge { other: nobody }).await;
    assert_eq!(subject.lead(&tenant, id).await.status, Status::Parked);
}

pub async fn records_are_kept_whatever_the_outcome(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    for outcome in [retry(), hold("crm", 1)] {
        let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
        job.record(attempt(subject, outcome.word()));
        job.record(usage(1));
        subject.settle(&job, outcome).await;
        subject.wait(2 * SECOND).await;
    }
    let view = subject.view(&tenant, id).await;
    let words: Vec<_> = view.attempts.iter().map(|a| a.outcome.as_str()).collect();
    assert_eq!(words, ["retry", "held"]);
    assert_eq!(view.usage.len(), 2);
}

pub async fn several_destinations_make_one_notification(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1").note("one");
    let id = subject.request(&lead).await;
    let wakes = subject.qualify(&tenant, id, &["crm", "second"]).await;
    assert_eq!(wakes.len(), 2);
    let first = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    let second = subject.claim(&tenant, id, Stage::Dispatch, "second").await;
    subject
        .settle(&first, Outcome::done(dispatched(&first.request, "crm")))
        .await;
    assert!(
        subject
            .row(&tenant, id, Stage::Notification, "")
            .await
            .is_none()
    );
    subject
        .settle(
            &second,
            Outcome::done(dispatched(&second.request, "second")),
        )
        .await;
    assert_eq!(subject.lead(&tenant, id).await.document.dispatches.len(), 2);
    subject
        .run(&tenant, id, Stage::Notification, "", notified)
        .await;
    subject.accept(&lead.body("2").note("two")).await;
    for connection in ["crm", "second"] {
        let section = |request: &LeadRequest| dispatched(request, connection);
        subject
            .run(&tenant, id, Stage::Dispatch, connection, section)
            .await;
    }
    assert!(subject.view(&tenant, id).await.work.is_empty());
}

pub async fn a_request_ends_with_nothing_left_to_do(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let dispatch = |request: &LeadRequest| dispatched(request, "crm");
    subject
        .run(&tenant, id, Stage::Dispatch, "crm", dispatch)
        .await;
    subject
        .run(&tenant, id, Stage::Notification, "", notified)
        .await;
    let view = subject.view(&tenant, id).await;
    assert_eq!(view.request.status, Status::Completed);
    assert!(view.work.is_empty());

    for (likelihood, gate, status) in [
        (99.0, SpamGate::Quarantine, Status::Quarantined),
        (60.0, SpamGate::Review, Status::InReview),
    ] {
        let lead = Lead::new(&tenant, status.as_str());
        let id = subject.request(&lead).await;
        let wakes = subject.judge(&tenant, id, likelihood, gate, &["crm"]).await;
        assert!(wakes.is_empty());
        // A later event is stored only.
        subject
            .accept(&lead.body(&format!("later {status:?}")).note("news"))
            .await;
        let view = subject.view(&tenant, id).await;
        assert_eq!((view.request.status, view.work.len()), (status, 0));
        assert_eq!(view.request.document.source.events, 2);
    }
}

pub async fn a_settle_claims_the_step_that_is_wanted(subject: &Subject) {
    let tenant = subject.tenant("a");
    let settle = async |id, stage| {
        let job = subject.claim(&tenant, id, FIRST, "").await;
        let outcome = Outcome::done(no_details(&job.request));
        let wanted = Some(Wanted {
            stage,
            lease: LEASE,
        });
        let settled = subject
            .store
            .settle_and_claim(&job, outcome, Vec::new(), SECOND, wanted);
        match settled.await.unwrap() {
            (SettleResult::Written(wakes), claimed) => (wakes, claimed),
            (SettleResult::Stale, _) => panic!("the claim was stale"),
        }
    };
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let (wakes, claimed) = settle(id, Stage::Analysis).await;
    assert_eq!(wakes, [], "it needs no wake-up");
    let claimed = claimed.unwrap();
    let row = subject.row(&tenant, id, Stage::Analysis, "").await.unwrap();
    assert_eq!(claimed.row, row);
    assert_eq!(claimed.request.status, Status::Processing);
    assert!(claimed.request.document.details.is_some());
    let lease_until = subject.after(LEASE);
    assert_eq!(row.state, WorkState::InFlight { lease_until });
    // The hint that the row had when it was opened is stale by now.
    let mut early = row.wake();
    early.token -= 1;
    let again = subject.store.claim(&early, LEASE).await.unwrap();
    assert!(again.is_none());
    subject.settle(&claimed, retry()).await;

    // What opens is not what was wanted: then its wake-up is as ever.
    let id = subject.request(&Lead::new(&tenant, "2")).await;
    let (wakes, claimed) = settle(id, Stage::Dispatch).await;
    assert!(claimed.is_none());
    assert_eq!(wakes[0].key.stage, Stage::Analysis);
    let job = subject.claim(&tenant, id, Stage::Analysis, "").await;
    assert_eq!(job.row.token, wakes[0].token + 1);
}
