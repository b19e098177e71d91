//! Bulk work: one owner, a cursor that moves with its effect, tenants in turns.

use domain::{ParkCause, Status, StoreError, Verdict, later};

use super::{
    handles::{gated, park, stopped},
    *,
};
use crate::{
    WorkFilter, WorkQuery,
    calls::KEPT_FOR,
    jobs::{
        Batch, Effect, Job, JobCursor, JobKind, JobQuery, JobState, JobStep, JobTask, NewJob,
        NotTaken, Reconciled, RequestFilter, SourceFault, Stepped,
    },
    sweeps::{DayCount, DayLine},
};

const JOB_LEASE: Duration = Duration::from_secs(30);

fn redrive_all() -> JobTask {
    JobTask::Redrive {
        filter: WorkFilter::default(),
    }
}

fn new(tenant: &TenantId, task: JobTask) -> NewJob {
    NewJob {
        tenant: tenant.clone(),
        task,
        by: "ann".to_owned(),
        call: None,
    }
}

async fn created(subject: &Subject, tenant: &TenantId, task: JobTask) -> Job {
    let made = subject.store.create_job(&new(tenant, task), &act()).await;
    let made = made.unwrap();
    assert!(made.is_new);
    made.job
}

/// Claims a job of this tenant.
async fn claimed(subject: &Subject, tenant: &TenantId, owner: &str) -> Option<Job> {
    let claimed = subject.store.claim_job(tenant, owner, JOB_LEASE).await;
    claimed.unwrap()
}

fn batch(effect: Effect, through: u64, cursor: Option<JobCursor>, is_last: bool) -> Batch {
    Batch {
        effect,
        through,
        cursor,
        is_last,
        total: None,
        dry_run: None,
        stopped: None,
        reconciled: Reconciled::default(),
    }
}

async fn step(subject: &Subject, job: &Job, batch: Batch) -> Stepped {
    let step = JobStep::Batch(Box::new(batch));
    let claim = job.claim_token();
    subject
        .store
        .step_job(&claim, step, JOB_LEASE)
        .await
        .unwrap()
}

/// The job behind a step that was written, and how much is due.
#[track_caller]
fn written(stepped: Stepped) -> (Job, usize) {
    match stepped {
        Stepped::Written { job, wakes } => (*job, wakes.len()),
        Stepped::Lost => panic!("the job was its owner's"),
    }
}

/// The next batch of a redrive of everything, as a runner reads it.
async fn next_batch(subject: &Subject, job: &Job, limit: u32) -> Batch {
    let after = match &job.cursor {
        Some(JobCursor::Step(request, stage, target)) => Some((*request, *stage, target.clone())),
        _ => None,
    };
    let query = WorkQuery {
        limit,
        after,
        ..WorkQuery::default()
    };
    let page = subject
        .store
        .stopped_work(&job.tenant, &query)
        .await
        .unwrap();
    let keys: Vec<_> = page.items.into_iter().map(|row| row.key).collect();
    let last = keys.last();
    let cursor = last.map(|key| JobCursor::Step(key.request, key.stage, key.target.clone()));
    let through = u64::try_from(keys.len()).unwrap();
    batch(Effect::Redrive(keys), through, cursor, !page.has_more)
}

/// How often a request was redriven, by its timeline.
async fn redrives(subject: &Subject, tenant: &TenantId, id: RequestId) -> usize {
    let timeline = subject.view(tenant, id).await.timeline;
    timeline
        .iter()
        .filter(|entry| entry.outcome == "redriven")
        .count()
}

pub async fn a_job_is_created_with_its_entry_in_the_audit_log(subject: &Subject) {
    let tenant = subject.tenant("a");
    let job = created(subject, &tenant, redrive_all()).await;
    assert_eq!(
        (job.state, job.done, job.total, job.by.as_str()),
        (JobState::Queued, 0, None, "ann")
    );
    let stored = subject.store.job(&tenant, job.id).await.unwrap();
    assert_eq!(stored, Some(job.clone()));
    let log = subject
        .store
        .audit_log(&tenant, &AuditQuery::newest(10))
        .await
        .unwrap();
    let objects: Vec<_> = log.items.iter().map(|entry| entry.object.clone()).collect();
    assert_eq!(objects, [job.id.to_string()]);
}

pub async fn a_call_creates_a_job_once(subject: &Subject) {
    let (a, b) = (subject.tenant("a"), subject.tenant("b"));
    let mut call = new(&a, redrive_all());
    call.call = Some("call-1".to_owned());
    let store = &subject.store;
    let first = store.create_job(&call, &act()).await.unwrap();
    let again = store.create_job(&call, &act()).await.unwrap();
    assert!(first.is_new && !again.is_new);
    assert_eq!(again.job, first.job);
    let mut other = call.clone();
    other.task = JobTask::Release {
        filter: RequestFilter::default(),
    };
    let known = store.create_job(&other, &act()).await.unwrap();
    assert_eq!((known.job, known.is_new), (first.job, false));
    call.tenant = b;
    assert!(store.create_job(&call, &act()).await.unwrap().is_new);
    let log = store.audit_log(&a, &AuditQuery::newest(10)).await.unwrap();
    assert_eq!(log.items.len(), 1, "a repeat leaves no entry");
}

pub async fn a_call_is_its_callers_own_and_forgotten_after_a_day(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut call = new(&tenant, redrive_all());
    call.call = Some("call-1".to_owned());
    let store = &subject.store;
    let first = store.create_job(&call, &act()).await.unwrap();
    let mut bens = call.clone();
    bens.by = "ben".to_owned();
    let other = store.create_job(&bens, &act()).await.unwrap();
    assert!(other.is_new && other.job.id != first.job.id);
    subject.wait(KEPT_FOR).await;
    let anew = store.create_job(&call, &act()).await.unwrap();
    assert!(anew.is_new && anew.job.id != first.job.id);
    let again = store.create_job(&call, &act()).await.unwrap();
    assert_eq!((again.job.id, again.is_new), (anew.job.id, false));
    let old = store.job(&tenant, first.job.id).await.unwrap().unwrap();
    assert_eq!((old.task, old.call), (first.job.task, None));
}

pub async fn a_job_has_one_owner(subject: &Subject) {
    let tenant = subject.tenant("a");
    let job = created(subject, &tenant, redrive_all()).await;
    let (one, two) = futures::join!(
        claimed(subject, &tenant, "one"),
        claimed(subject, &tenant, "two")
    );
    let owned: Vec<_> = [one, two].into_iter().flatten().collect();
    assert_eq!(owned.len(), 1, "{owned:?}");
    assert_eq!((owned[0].id, owned[0].state), (job.id, JobState::Running));
    assert!(claimed(subject, &tenant, "three").await.is_none());
    // Nor is another job of the tenant begun meanwhile.
    created(subject, &tenant, redrive_all()).await;
    assert!(claimed(subject, &tenant, "three").await.is_none());
    let waiting = subject.store.tenants_with_jobs_across_tenants().await;
    assert!(!waiting.unwrap().contains(&tenant));
}

pub async fn a_job_whose_lease_ended_is_claimed_again(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = stopped(subject, &tenant, "lead", park(ParkCause::Permanent)).await;
    let job = created(subject, &tenant, redrive_all()).await;
    let before = claimed(subject, &tenant, "before").await.unwrap();
    subject.wait(JOB_LEASE).await;
    let waiting = subject.store.tenants_with_jobs_across_tenants().await;
    assert!(waiting.unwrap().contains(&tenant));
    let now = claimed(subject, &tenant, "now").await.unwrap();
    assert_eq!(now.id, job.id);
    assert!(now.token > before.token);
    // What the owner of before still does is refused whole.
    let late = next_batch(subject, &before, 10).await;
    assert!(matches!(
        step(subject, &before, late.clone()).await,
        Stepped::Lost
    ));
    assert_eq!(redrives(subject, &tenant, id).await, 0);
    let (done, due) = written(step(subject, &now, late).await);
    assert_eq!(
        (done.state, done.done, done.total, due),
        (JobState::Done, 1, Some(1), 1)
    );
    assert_eq!(done.result.changed, 1);
    assert_eq!(redrives(subject, &tenant, id).await, 1);
    // It has ended: nobody claims it, and nothing more is done for it.
    assert!(claimed(subject, &tenant, "next").await.is_none());
    let more = batch(Effect::None, 1, None, false);
    assert!(matches!(step(subject, &now, more).await, Stepped::Lost));
}

pub async fn a_step_renews_the_lease_and_a_rest_ends_it(subject: &Subject) {
    let tenant = subject.tenant("a");
    created(subject, &tenant, redrive_all()).await;
    let job = claimed(subject, &tenant, "one").await.unwrap();
    subject.wait(JOB_LEASE / 2).await;
    written(step(subject, &job, batch(Effect::None, 0, None, false)).await);
    subject.wait(JOB_LEASE / 2).await;
    assert!(claimed(subject, &tenant, "two").await.is_none());
    let rested = subject
        .store
        .step_job(&job.claim_token(), JobStep::Rest, JOB_LEASE)
        .await;
    assert_eq!(written(rested.unwrap()).0.state, JobState::Running);
    let next = claimed(subject, &tenant, "two").await.unwrap();
    assert_eq!((next.id, next.owner.as_deref()), (job.id, Some("two")));
}

pub async fn a_job_that_is_put_off_goes_on_where_it_is(subject: &Subject) {
    let (a, b) = (subject.tenant("a"), subject.tenant("b"));
    let job = created(subject, &a, redrive_all()).await;
    let first = claimed(subject, &a, "one").await.unwrap();
    let place = JobCursor::Page(
        SourceId::from_uuid(Uuid::from_u128(7)),
        "calls".to_owned(),
        None,
    );
    let (moved, _) = written(
        step(
            subject,
            &first,
            batch(Effect::None, 3, Some(place.clone()), false),
        )
        .await,
    );
    let until = later((subject.now)(), JOB_LEASE * 2);
    let step_job = |job: &Job, step: JobStep| {
        let claim = job.claim_token();
        async move {
            subject
                .store
                .step_job(&claim, step, JOB_LEASE)
                .await
                .unwrap()
        }
    };
    let (put_off, _) = written(step_job(&moved, JobStep::PutOff(until)).await);
    assert_eq!(put_off.state, JobState::Queued);
    assert_eq!(put_off.result.put_off_until, Some(until));
    // It is nobody's, and neither its tenant's other jobs nor other tenants wait for it.
    let late = batch(Effect::None, 1, None, false);
    assert!(matches!(step(subject, &first, late).await, Stepped::Lost));
    let waiting = async || {
        subject
            .store
            .tenants_with_jobs_across_tenants()
            .await
            .unwrap()
    };
    assert!(!waiting().await.contains(&a));
    let other = created(subject, &a, redrive_all()).await;
    created(subject, &b, redrive_all()).await;
    assert!(waiting().await.contains(&a));
    let next = claimed(subject, &a, "two").await.unwrap();
    assert_eq!(next.id, other.id);
    written(step(subject, &next, batch(Effect::None, 0, None, true)).await);
    assert!(claimed(subject, &a, "two").await.is_none());
    subject.wait(JOB_LEASE * 2).await;
    assert!(waiting().await.contains(&a));
    let again = claimed(subject, &a, "two").await.unwrap();
    assert_eq!(
        (again.id, again.done, again.cursor.clone()),
        (job.id, 3, Some(place))
    );
    let (done, _) = written(step(subject, &again, batch(Effect::None, 1, None, true)).await);
    assert_eq!(
        (done.state, done.done, done.result.put_off_until),
        (JobState::Done, 4, None)
    );
}

pub async fn what_a_comparison_found_is_written_with_its_batch(subject: &Subject) {
    let tenant = subject.tenant("a");
    let source = SourceId::from_uuid(Uuid::from_u128(7));
    created(subject, &tenant, redrive_all()).await;
    let job = claimed(subject, &tenant, "one").await.unwrap();
    let count = DayCount {
        at_provider: 2,
        held: 2,
        ..DayCount::default()
    };
    let day = jiff::civil::date(2026, 3, 17);
    let found = |reconciled: Reconciled, is_last: bool| Batch {
        reconciled,
        ..batch(Effect::None, 2, None, is_last)
    };
    let lines = async || {
        let lines = subject.store.day_lines(&tenant, day, day).await;
        lines.unwrap()
    };
    let mut young = NotTaken::default();
    young.wait(Some((subject.now)()));
    let so_far = Reconciled {
        days: [(day, count)].into(),
        not_taken: young,
        ..Reconciled::default()
    };
    let (job, _) = written(step(subject, &job, found(so_far.clone(), false)).await);
    let stored = subject.store.job(&tenant, job.id).await.unwrap().unwrap();
    assert_eq!(stored.result.days, so_far.days, "the next owner counts on");
    assert!(lines().await.is_empty());
    let fault = SourceFault {
        source_id: source,
        reason: "the provider refuses the credential".to_owned(),
    };
    let line = DayLine {
        source,
        day,
        kind: "calls".to_owned(),
        count,
        checked_at: (subject.now)(),
    };
    let end = Reconciled {
        not_taken: young,
        lines: vec![line.clone()],
        fault: Some(fault.clone()),
        ..Reconciled::default()
    };
    let (done, _) = written(step(subject, &job, found(end, true)).await);
    assert!(done.result.days.is_empty());
    let stored = subject.store.job(&tenant, job.id).await.unwrap().unwrap();
    assert_eq!(stored.result.faults, [fault]);
    assert_eq!(stored.result.not_taken.too_young, 2);
    assert_eq!(stored.result.not_taken.old_enough_at, young.old_enough_at);
    let lines = lines().await;
    assert_eq!(
        (lines.len(), lines[0].count, &*lines[0].kind),
        (1, count, "calls")
    );
}

pub async fn a_job_that_cannot_go_on_fails(subject: &Subject) {
    let tenant = subject.tenant("a");
    created(subject, &tenant, redrive_all()).await;
    let job = claimed(subject, &tenant, "one").await.unwrap();
    let fail = JobStep::Fail("the office is gone".to_owned());
    let failed = subject
        .store
        .step_job(&job.claim_token(), fail, JOB_LEASE)
        .await;
    let (failed, _) = written(failed.unwrap());
    assert_eq!(failed.state, JobState::Failed);
    assert_eq!(failed.failure.as_deref(), Some("the office is gone"));
    assert!(failed.finished_at.is_some());
    assert!(claimed(subject, &tenant, "two").await.is_none());
}

pub async fn tenants_take_turns(subject: &Subject) {
    let (a, b) = (subject.tenant("a"), subject.tenant("b"));
    for tenant in [&a, &a, &a, &b, &b] {
        created(subject, tenant, redrive_all()).await;
    }
    let mut order = Vec::new();
    while order.len() < 5 {
        let next = subject
            .store
            .claim_job_across_tenants("one", JOB_LEASE)
            .await;
        let Some(job) = next.unwrap() else { break };
        // Each job takes one batch, and ends with it.
        written(step(subject, &job, batch(Effect::None, 0, None, true)).await);
        if [&a, &b].contains(&&job.tenant) {
            order.push(job.tenant);
        }
    }
    assert_eq!(order, [&a, &b, &a, &b, &a].map(Clone::clone));
}

pub async fn a_job_that_rests_lets_another_tenant_go_first(subject: &Subject) {
    let (a, b) = (subject.tenant("a"), subject.tenant("b"));
    let long = created(subject, &a, redrive_all()).await;
    created(subject, &b, redrive_all()).await;
    let store = &subject.store;
    let claim = async || {
        store
            .claim_job_across_tenants("one", JOB_LEASE)
            .await
            .unwrap()
            .unwrap()
    };
    let first = claim().await;
    assert_eq!(first.id, long.id);
    store
        .step_job(&first.claim_token(), JobStep::Rest, JOB_LEASE)
        .await
        .unwrap();
    let second = claim().await;
    assert_eq!(second.tenant, b);
    assert_eq!(claim().await.id, long.id);
}

/// Redrives everything while owners die at every point: before a batch, and behind one whose answer they never hear.
pub async fn a_redrive_survives_its_owners(subject: &Subject) {
    const STEPS: u64 = 100;
    let tenant = subject.tenant("a");
    let mut requests = Vec::new();
    for number in 0..STEPS {
        let lead = format!("lead{number}");
        requests.push(stopped(subject, &tenant, &lead, park(ParkCause::Permanent)).await);
    }
    created(subject, &tenant, redrive_all()).await;
    let mut owners = 0;
    let done = loop {
        let Some(job) = claimed(subject, &tenant, &format!("owner{owners}")).await else {
            panic!("the job is lost");
        };
        owners += 1;
        let batch = next_batch(subject, &job, 15).await;
        if owners % 3 == 0 {
            // Dies with the batch in hand.
            subject.wait(JOB_LEASE).await;
            continue;
        }
        let (after, _) = written(step(subject, &job, batch.clone()).await);
        if after.state == JobState::Done {
            break after;
        }
        // Dies behind the commit. Its twin, which never heard of it, does the same again.
        if owners % 2 == 0 {
            subject.wait(JOB_LEASE).await;
            assert!(claimed(subject, &tenant, "twin").await.is_some());
            assert!(matches!(step(subject, &job, batch).await, Stepped::Lost));
        }
        subject.wait(JOB_LEASE).await;
    };
    assert_eq!((done.done, done.result.changed), (STEPS, STEPS));
    for request in requests {
        assert_eq!(redrives(subject, &tenant, request).await, 1, "{request}");
    }
}

pub async fn a_request_is_replayed_once_by_a_job(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "lead");
    let id = subject.request(&lead).await;
    subject
        .judge(&tenant, id, 60.0, SpamGate::Quarantine, &["crm"])
        .await;
    let filter = RequestFilter {
        status: Some(Status::Quarantined),
        ..RequestFilter::default()
    };
    let task = JobTask::Replay {
        from_stage: FIRST,
        filter: filter.clone(),
    };
    created(subject, &tenant, task).await;
    let job = claimed(subject, &tenant, "one").await.unwrap();
    let replay = || Effect::Replay(vec![id], FIRST, filter.clone());
    let (_, due) = written(step(subject, &job, batch(replay(), 1, None, false)).await);
    assert_eq!(due, 1);
    let revision = async || subject.lead(&tenant, id).await.document.revisions.of(FIRST);
    assert_eq!(revision().await, 1);
    // It is quarantined again; a batch that is repeated meets the job's mark.
    subject
        .judge(&tenant, id, 60.0, SpamGate::Quarantine, &["crm"])
        .await;
    let (job, due) = written(step(subject, &job, batch(replay(), 1, None, true)).await);
    assert_eq!((due, job.result.changed, job.result.skipped), (0, 1, 0));
    assert_eq!(revision().await, 1);
    // Another job may do so again.
    created(
        subject,
        &tenant,
        JobTask::Replay {
            from_stage: FIRST,
            filter: filter.clone(),
        },
    )
    .await;
    let other = claimed(subject, &tenant, "one").await.unwrap();
    written(step(subject, &other, batch(replay(), 1, None, true)).await);
    assert_eq!(revision().await, 2);
}

pub async fn what_no_longer_agrees_is_skipped_with_its_reason(subject: &Subject) {
    let tenant = subject.tenant("a");
    let quarantined = gated(subject, &tenant, "one", SpamGate::Quarantine).await;
    let in_review = gated(subject, &tenant, "two", SpamGate::Review).await;
    let nobody = RequestId::from_uuid(Uuid::from_u128(7));
    let ids = vec![quarantined, in_review, nobody];
    let filter = RequestFilter {
        request_ids: ids.clone(),
        ..RequestFilter::default()
    };
    created(
        subject,
        &tenant,
        JobTask::Release {
            filter: filter.clone(),
        },
    )
    .await;
    let job = claimed(subject, &tenant, "one").await.unwrap();
    let release = Effect::Release(ids, filter);
    let (job, due) = written(step(subject, &job, batch(release, 3, None, true)).await);
    assert_eq!((job.result.changed, job.result.skipped), (1, 2));
    assert!(due > 0);
    let skipped: Vec<_> = job
        .result
        .first_skipped
        .iter()
        .map(|skipped| skipped.request_id)
        .collect();
    assert_eq!(skipped, [in_review, nobody]);
    let reason = &job.result.first_skipped[0].reason;
    assert!(reason.contains("approve"), "{reason}");
    let released = subject.lead(&tenant, quarantined).await.document.verdict;
    assert!(matches!(released, Some(Verdict { by, .. }) if by == "ann"));
}

pub async fn a_cancelled_job_does_no_further_batch(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = stopped(subject, &tenant, "lead", park(ParkCause::Permanent)).await;
    let queued = created(subject, &tenant, redrive_all()).await;
    let store = &subject.store;
    let job = claimed(subject, &tenant, "one").await.unwrap();
    let cancelled = store.cancel_job(&tenant, queued.id, &act()).await.unwrap();
    assert_eq!(cancelled.state, JobState::Cancelled);
    assert!(cancelled.finished_at.is_some());
    let next = next_batch(subject, &job, 10).await;
    assert!(matches!(step(subject, &job, next).await, Stepped::Lost));
    assert_eq!(redrives(subject, &tenant, id).await, 0);
    assert!(claimed(subject, &tenant, "two").await.is_none());
    // Once more changes nothing, and is not written down.
    let again = store.cancel_job(&tenant, queued.id, &act()).await.unwrap();
    assert_eq!(again, cancelled);
    let log = store
        .audit_log(&tenant, &AuditQuery::newest(10))
        .await
        .unwrap();
    assert_eq!(log.items.len(), 2);
    // What has ended otherwise is not cancelled.
    let other = created(subject, &tenant, redrive_all()).await;
    let owned = claimed(subject, &tenant, "one").await.unwrap();
    written(step(subject, &owned, batch(Effect::None, 0, None, true)).await);
    let late = store.cancel_job(&tenant, other.id, &act()).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
}

pub async fn jobs_are_listed_newest_first(subject: &Subject) {
    let tenant = subject.tenant("a");
    let release = JobTask::Release {
        filter: RequestFilter::default(),
    };
    let mut expected = Vec::new();
    for task in [redrive_all(), release, redrive_all(), redrive_all()] {
        expected.push(created(subject, &tenant, task).await.id);
    }
    expected.reverse();
    let store = &subject.store;
    let (mut walked, mut before) = (Vec::new(), None);
    loop {
        let query = JobQuery {
            limit: 3,
            before,
            ..JobQuery::default()
        };
        let page = store.jobs(&tenant, &query).await.unwrap();
        walked.extend(page.items.iter().map(|job| job.id));
        before = walked.last().copied();
        if !page.has_more {
            break;
        }
    }
    assert_eq!(walked, expected);
    let job = claimed(subject, &tenant, "one").await.unwrap();
    let ids = async |query: JobQuery| {
        let page = store.jobs(&tenant, &query).await.unwrap();
        page.items.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let of_kind = JobQuery {
        kind: Some(JobKind::Release),
        limit: 10,
        ..JobQuery::default()
    };
    assert_eq!(ids(of_kind).await, [expected[2]]);
    let running = JobQuery {
        state: Some(JobState::Running),
        limit: 10,
        ..JobQuery::default()
    };
    assert_eq!(ids(running).await, [job.id]);
}

pub async fn what_stopped_again_is_counted(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut requests = Vec::new();
    for lead in ["one", "two", "three"] {
        requests.push(stopped(subject, &tenant, lead, park(ParkCause::Permanent)).await);
    }
    created(subject, &tenant, redrive_all()).await;
    let job = claimed(subject, &tenant, "one").await.unwrap();
    let all = next_batch(subject, &job, 2).await;
    let (job, _) = written(step(subject, &job, all).await);
    let store = &subject.store;
    let stopped_again = store.stopped_again(&job).await.unwrap();
    assert_eq!(stopped_again.steps, 0, "the third was not set going");
    for request in &requests[..2] {
        let claim = subject.claim(&tenant, *request, FIRST, "").await;
        let outcome = match *request == requests[0] {
            true => park(ParkCause::Exhausted),
            false => Outcome::done(analysis(&claim.request, 5.0)),
        };
        subject.settle(&claim, outcome).await;
    }
    let stopped_again = store.stopped_again(&job).await.unwrap();
    assert_eq!(stopped_again.steps, 1);
    // Of a job that changed more than one count goes over, what is stopped leads.
    let mut large = job.clone();
    large.result.changed = u64::MAX;
    assert_eq!(store.stopped_again(&large).await.unwrap(), stopped_again);
    let first = &stopped_again.first[0];
    assert_eq!(
        (first.request_id, first.stage.as_str()),
        (requests[0], FIRST.as_str())
    );
    assert_eq!(first.reason.as_deref(), Some("no"));
}

pub async fn requests_of_a_filter_are_counted_up_to_a_limit(subject: &Subject) {
    let tenant = subject.tenant("a");
    for lead in ["one", "two", "three"] {
        gated(subject, &tenant, lead, SpamGate::Quarantine).await;
    }
    subject.request(&Lead::phone(&tenant, "call")).await;
    subject.wait(SECOND).await;
    let later = (subject.now)();
    subject.wait(SECOND).await;
    subject.request(&Lead::new(&tenant, "last")).await;
    let store = &subject.store;
    let all = RequestFilter::default();
    for (filter, count) in [
        (all.clone(), 5),
        (
            RequestFilter {
                status: Some(Status::Quarantined),
                ..all.clone()
            },
            3,
        ),
        (
            RequestFilter {
                status: Some(Status::Received),
                ..all.clone()
            },
            2,
        ),
        (
            RequestFilter {
                channel: Some(Channel::Phone),
                ..all.clone()
            },
            1,
        ),
        (
            RequestFilter {
                from: Some(later),
                ..all.clone()
            },
            1,
        ),
        (
            RequestFilter {
                to: Some(later),
                ..all.clone()
            },
            4,
        ),
    ] {
        let counted = store.count_for_job(&tenant, &filter, 5).await.unwrap();
        assert_eq!(counted, Some(count), "{filter:?}");
    }
    assert_eq!(store.count_for_job(&tenant, &all, 4).await.unwrap(), None);
}

pub async fn a_tenants_open_jobs_are_limited(subject: &Subject) {
    let tenant = subject.tenant("a");
    for _ in 0..crate::jobs::MAX_OPEN_JOBS {
        created(subject, &tenant, redrive_all()).await;
    }
    let store = &subject.store;
    let refused = store.create_job(&new(&tenant, redrive_all()), &act()).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    // Another tenant's do not count.
    created(subject, &subject.tenant("b"), redrive_all()).await;
}

pub async fn a_newer_builds_job_is_left_alone(subject: &Subject) {
    let tenant = subject.tenant("a");
    let newer = created(subject, &tenant, redrive_all()).await;
    let ours = created(subject, &tenant, redrive_all()).await;
    let sql = format!(
        "UPDATE jobs SET kind = 'erase', task = JSON '{{\"kind\":\"erase\"}}' \
         WHERE tenant_id = '{tenant}' AND job_id = '{}'",
        newer.id
    );
    assert_eq!((subject.sql)(sql).await, 1);
    let store = &subject.store;
    let page = store
        .jobs(
            &tenant,
            &JobQuery {
                limit: 10,
                ..JobQuery::default()
            },
        )
        .await;
    let ids: Vec<_> = page.unwrap().items.iter().map(|job| job.id).collect();
    assert_eq!(ids, [ours.id]);
    let claimed = claimed(subject, &tenant, "one").await.unwrap();
    assert_eq!(claimed.id, ours.id);
}

pub async fn old_jobs_are_removed_with_their_marks(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = stopped(subject, &tenant, "lead", park(ParkCause::Permanent)).await;
    let old = created(subject, &tenant, redrive_all()).await;
    let job = claimed(subject, &tenant, "one").await.unwrap();
    let all = next_batch(subject, &job, 10).await;
    let (job, _) = written(step(subject, &job, all).await);
    assert_eq!(redrives(subject, &tenant, id).await, 1);
    let open = created(subject, &tenant, redrive_all()).await;
    let store = &subject.store;
    let end = job.finished_at.unwrap();
    assert_eq!(store.prune_jobs_across_tenants(end, 10).await.unwrap(), 0);
    subject.wait(SECOND).await;
    let now = (subject.now)();
    assert_eq!(store.prune_jobs_across_tenants(now, 1).await.unwrap(), 1);
    assert!(
        store.job(&tenant, old.id).await.unwrap().is_some(),
        "its marks go first"
    );
    assert_eq!(store.prune_jobs_across_tenants(now, 10).await.unwrap(), 1);
    assert_eq!(store.job(&tenant, old.id).await.unwrap(), None);
    assert!(store.job(&tenant, open.id).await.unwrap().is_some());
}

pub async fn another_tenants_job_is_not_found(subject: &Subject) {
    let (a, b) = (subject.tenant("a"), subject.tenant("b"));
    let job = created(subject, &a, redrive_all()).await;
    let theirs = stopped(subject, &b, "lead", park(ParkCause::Permanent)).await;
    let store = &subject.store;
    assert_eq!(store.job(&b, job.id).await.unwrap(), None);
    let cancelled = store.cancel_job(&b, job.id, &act()).await;
    assert!(
        matches!(cancelled, Err(StoreError::NotFound)),
        "{cancelled:?}"
    );
    let page = store
        .jobs(
            &b,
            &JobQuery {
                limit: 10,
                ..JobQuery::default()
            },
        )
        .await
        .unwrap();
    assert!(page.items.is_empty());
    assert!(claimed(subject, &b, "one").await.is_none());
    // Nor does a job reach another tenant's requests and steps, whatever it is handed.
    let mut owned = claimed(subject, &a, "one").await.unwrap();
    let row = subject.row(&b, theirs, FIRST, "").await.unwrap();
    let filter = RequestFilter::default();
    for effect in [
        Effect::Redrive(vec![row.key.clone()]),
        Effect::Replay(vec![theirs], FIRST, filter.clone()),
        Effect::Release(vec![theirs], filter),
    ] {
        owned = written(step(subject, &owned, batch(effect, 1, None, false)).await).0;
    }
    assert_eq!(owned.result.changed, 0);
    assert_eq!(subject.row(&b, theirs, FIRST, "").await, Some(row));
    let mut claim = owned.claim_token();
    claim.tenant = b;
    let foreign = store
        .step_job(&claim, JobStep::Rest, JOB_LEASE)
        .await
        .unwrap();
    assert!(matches!(foreign, Stepped::Lost));
}
