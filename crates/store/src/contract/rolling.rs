//! Rows of a newer build, during a rollout or after a rollback: what this build cannot read stays as it is, and stops
//! nothing else.

use domain::{
    Document, EffectIntent, EffectKey, Office, ParkCause, Receipt, ReviewAction, Status,
    StoreError, WorkKey, WorkState,
};
use serde_json::Value;

use super::*;
use crate::{ConfigKind, NewConnection, RequestQuery, WorkQuery};

/// What the build before this one wrote: no section but the first.
const OLDER: &str = include_str!("fixtures/document_older.json");
/// What the next build writes where this one can go on: an unknown section, revision counter, channel and replay.
const NEWER: &str = include_str!("fixtures/document_newer.json");
/// What a later build writes where this one cannot go on. Raise its version, and those of the fixtures, with ours.
const UNREADABLE: &str = r#"{"v":2,"lead":{"person":{"name":"Ann Lee"}}}"#;
/// What the next build makes of a configuration.
const NEWER_WORKFLOW: &str = include_str!("fixtures/workflow_newer.json");

/// The columns of `work` behind its key.
const WORK: &str = "state, lane, token, due_at, next_wake_at, lease_until, wakes, claims, failures, waits, \
                    rerun_requested, deadline, held_for, held_version, park_cause, traceparent, reason, answer, \
                    created_at, shard";

const _: () = assert!(Document::VERSION == 1, "the fixtures are one version off");

impl Subject {
    /// Runs a statement that changes one row.
    async fn change(&self, sql: String) {
        let changed = (self.sql)(sql.clone()).await;
        assert_eq!(changed, 1, "{sql}");
    }

    async fn set_document(&self, tenant: &TenantId, id: RequestId, document: &str) {
        let document = one_line(document);
        self.change(format!(
            "UPDATE requests SET document = JSON '{document}' WHERE tenant_id = '{tenant}' AND request_id = '{id}'"
        ))
        .await;
    }

    /// Sets columns of a row of work; it must be there.
    async fn set_work(&self, tenant: &TenantId, id: RequestId, stage: &str, set: &str) {
        self.change(format!(
            "UPDATE work SET {set} WHERE tenant_id = '{tenant}' AND request_id = '{id}' AND stage = '{stage}'"
        ))
        .await;
    }

    /// Gives the first step's row a twin of another stage.
    async fn copy_work(&self, tenant: &TenantId, id: RequestId, stage: &str) {
        self.change(format!(
            "INSERT INTO work (tenant_id, request_id, stage, target, {WORK}) \
             SELECT tenant_id, request_id, '{stage}', target, {WORK} FROM work \
             WHERE tenant_id = '{tenant}' AND request_id = '{id}' AND stage = '{FIRST}'"
        ))
        .await;
    }
}

fn one_line(json: &str) -> String {
    let json: Value = serde_json::from_str(json).unwrap();
    json.to_string()
}

/// The document as it is stored, as far as this build reads and writes it.
async fn stored(subject: &Subject, tenant: &TenantId, id: RequestId) -> Value {
    serde_json::to_value(subject.lead(tenant, id).await.document).unwrap()
}

async fn listed(subject: &Subject, tenant: &TenantId, limit: u32) -> (Vec<RequestId>, bool) {
    let query = RequestQuery {
        limit,
        ..RequestQuery::default()
    };
    let page = subject.store.list_requests(tenant, &query).await.unwrap();
    let ids = page.items.iter().map(|request| request.id).collect();
    (ids, page.has_more)
}

/// An office with the defaults.
fn office(tenant: &TenantId) -> Office {
    offices::office(tenant, 1)
}

async fn set_workflow(subject: &Subject, tenant: &TenantId, json: &str) {
    let json = one_line(json);
    subject
        .change(format!(
            "UPDATE configs SET json = JSON '{json}' WHERE tenant_id = '{tenant}' AND kind = 'workflow'"
        ))
        .await;
}

pub async fn an_unknown_stage_takes_no_share_of_a_scan(subject: &Subject) {
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    let mut ids = Vec::new();
    for lead in ["1", "2", "3"] {
        let id = subject.request(&Lead::new(&tenant, lead)).await;
        subject.copy_work(&tenant, id, "x").await;
        // The longest due of all.
        let due_at = "wakes = 0, due_at = created_at, next_wake_at = created_at";
        subject.set_work(&tenant, id, "x", due_at).await;
        ids.push(id);
        subject.wait(SECOND).await;
    }
    let last = subject.request(&Lead::new(&other, "1")).await;
    subject.wait(10 * SECOND).await;
    for (limit, expected) in [
        (1_000, vec![ids[0], ids[1], ids[2], last]),
        (2, vec![ids[0], last]),
    ] {
        let due = subject.store.due_wakes_across_tenants(100, limit).await;
        let due = due.unwrap();
        let of_ours = due
            .iter()
            .map(|due| &due.wake.key)
            .filter(|key| [&tenant, &other].contains(&&key.tenant));
        let found: Vec<_> = of_ours.map(|key| key.request).collect();
        assert_eq!(found, expected, "of {limit}");
    }
    let due = subject.store.due_work(&tenant, FIRST, 2).await.unwrap();
    assert_eq!(due.len(), 2);
    let due = subject.store.due_wakes_across_tenants(100, 1_000).await;
    let moved = subject.store.move_wakes_across_tenants(due.unwrap()).await;
    assert!(moved.unwrap().len() >= 4);
    subject.claim(&tenant, ids[0], FIRST, "").await;
}

pub async fn an_unknown_stage_survives_a_settle(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    subject.copy_work(&tenant, id, "x").await;
    subject
        .set_work(&tenant, id, "x", "token = 77, reason = 'measuring'")
        .await;
    assert_eq!(subject.view(&tenant, id).await.work.len(), 1);
    subject.qualify(&tenant, id, &[]).await;
    subject
        .run(&tenant, id, Stage::Notification, "", notified)
        .await;
    let entry = r#"{"at":"2026-11-02T14:00:00Z","stage":"x","outcome":"done"}"#;
    subject
        .change(format!(
            "INSERT INTO request_log (tenant_id, request_id, version, position, entry) \
             VALUES ('{tenant}', '{id}', 1000, 0, JSON '{entry}')"
        ))
        .await;
    let view = subject.view(&tenant, id).await;
    assert_eq!(view.work, []);
    let last = view.timeline.last().unwrap();
    assert_eq!((last.stage, last.outcome.as_str()), (None, "done"));
    let status = view.request.status;
    assert_eq!(status, Status::Processing, "something is still to be done");
    let as_it_was =
        "wakes = wakes WHERE token = 77 AND reason = 'measuring' AND claims = 0 AND stage = 'x'";
    subject
        .change(format!(
            "UPDATE work SET {as_it_was} AND tenant_id = '{tenant}'"
        ))
        .await;
}

pub async fn an_unknown_state_is_left_alone(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1");
    let id = subject.request(&lead).await;
    let wake = subject.row(&tenant, id, FIRST, "").await.unwrap().wake();
    subject
        .set_work(&tenant, id, FIRST.as_str(), "state = 'asleep'")
        .await;
    assert!(subject.store.claim(&wake, LEASE).await.unwrap().is_none());
    assert_eq!(subject.store.open_work(&tenant, id).await.unwrap(), []);
    subject.wait(LEASE).await;
    let due = subject.store.due_wakes_across_tenants(100, 1_000).await;
    let due = due.unwrap();
    assert!(due.iter().all(|due| due.wake.key.tenant != tenant));
    // News open no second row in its place.
    let later = subject.accept(&lead.body("2").note("news")).await;
    assert_eq!(later.request(), Some(id));
    assert_eq!(later.into_wakes(), []);
    let token = wake.token;
    let awake = format!("state = CASE WHEN state = 'asleep' AND token = {token} THEN 'ready' END");
    subject.set_work(&tenant, id, FIRST.as_str(), &awake).await;
    assert!(subject.store.claim(&wake, LEASE).await.unwrap().is_some());
}

pub async fn an_unknown_state_of_an_effect_stops_no_other(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    let claim = job.claim_token();
    let keys = [0, 1].map(|number| EffectKey::new("email", &id, "recipient", &number));
    for key in &keys {
        subject.store.intend(&claim, key, SECOND).await.unwrap();
    }
    let newer = &keys[0];
    subject
        .change(format!(
            "UPDATE effects SET state = 'dreamt' WHERE tenant_id = '{tenant}' AND effect_key = '{}'",
            newer.as_str()
        ))
        .await;
    let receipt = |key: &EffectKey| Receipt {
        is_undelivered: false,
        effect: key.clone(),
        event: "delivered".to_owned(),
        remote_id: "m-1".to_owned(),
        at: None,
        reason: None,
    };
    let delivery = Delivery {
        reading: Ok(Reading::Receipts(keys.iter().map(receipt).collect())),
        ..Lead::new(&tenant, "receipts").delivery()
    };
    subject.store.accept(delivery).await.unwrap();
    let intent = subject
        .store
        .intend(&claim, &keys[1], SECOND)
        .await
        .unwrap();
    assert!(matches!(intent, EffectIntent::Done { .. }), "{intent:?}");
    let unknown = subject.store.intend(&claim, newer, SECOND).await;
    assert!(
        matches!(unknown, Err(StoreError::Corrupt(_))),
        "{unknown:?}"
    );
}

pub async fn a_step_waits_for_a_request_that_cannot_be_read(subject: &Subject) {
    let tenant = subject.tenant("a");
    let other = subject.request(&Lead::new(&tenant, "other")).await;
    subject.set_document(&tenant, other, UNREADABLE).await;
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    let outcome = Outcome::Done {
        sections: Vec::new(),
        aliases: vec![alias("other")],
    };
    subject.settle(&job, outcome).await;
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    assert_eq!(
        (row.state.clone(), row.waits, row.claims),
        (WorkState::Ready, 1, 0)
    );
    assert!(row.reason.unwrap().contains("cannot read"));
}

pub async fn an_unknown_park_cause_hides_from_lists_alone(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut ids = Vec::new();
    for lead in ["1", "2", "3", "4"] {
        let id = subject.request(&Lead::new(&tenant, lead)).await;
        let job = subject.claim(&tenant, id, FIRST, "").await;
        let park = Outcome::Park {
            cause: ParkCause::Permanent,
            reason: "no".to_owned(),
            answer: None,
        };
        subject.settle(&job, park).await;
        ids.push(id);
    }
    for id in &ids[..2] {
        subject
            .set_work(&tenant, *id, FIRST.as_str(), "park_cause = 'solar_flare'")
            .await;
    }
    let page = async |limit, after: Option<&WorkRow>| {
        let query = WorkQuery {
            limit,
            after: after.map(|row| (row.key.request, row.key.stage, row.key.target.clone())),
            ..WorkQuery::default()
        };
        subject.store.stopped_work(&tenant, &query).await.unwrap()
    };
    // A page is not shortened by what is skipped.
    let first = page(1, None).await;
    assert_eq!((first.items[0].key.request, first.has_more), (ids[2], true));
    let second = page(1, first.items.last()).await;
    assert_eq!(
        (second.items[0].key.request, second.has_more),
        (ids[3], false)
    );
    let counts = subject.store.stopped_counts(&tenant).await.unwrap();
    assert_eq!((counts.len(), counts[0].rows), (1, 2));
    let key = &first.items[0].key;
    let keys: Vec<_> = ids
        .iter()
        .map(|request| WorkKey {
            request: *request,
            ..key.clone()
        })
        .collect();
    let redriven = subject.store.redrive(&tenant, &keys, &act()).await.unwrap();
    assert_eq!(redriven.keys, keys[2..]);
}

pub async fn an_unknown_status_is_shown_until_the_next_settle(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    subject
        .change(format!(
            "UPDATE requests SET status = 'measuring' WHERE tenant_id = '{tenant}' AND request_id = '{id}'"
        ))
        .await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    assert_eq!(job.request.status, Status::Unrecognized);
    assert_eq!(subject.lead(&tenant, id).await.status, Status::Unrecognized);
    assert_eq!(listed(subject, &tenant, 10).await, (vec![id], false));
    // A claim writes no status that this build does not know.
    subject
        .change(format!(
            "UPDATE requests SET version = version WHERE tenant_id = '{tenant}' AND status = 'measuring'"
        ))
        .await;
    subject.settle(&job, retry()).await;
    assert_eq!(subject.lead(&tenant, id).await.status, Status::Processing);
}

pub async fn a_newer_documents_sections_survive(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    subject.set_document(&tenant, id, NEWER).await;
    subject.qualify(&tenant, id, &["crm"]).await;
    subject
        .run(&tenant, id, Stage::Dispatch, "crm", |request| {
            dispatched(request, "crm")
        })
        .await;
    subject
        .accept(&Lead::new(&tenant, "1").body("2").note("news"))
        .await;
    let written = stored(subject, &tenant, id).await;
    let newer: Value = serde_json::from_str(NEWER).unwrap();
    for unknown in ["/floor_plan", "/appointment", "/revisions/floor_plan"] {
        assert_eq!(
            written.pointer(unknown),
            newer.pointer(unknown),
            "{unknown}"
        );
    }
    let about = "/source/said/about";
    assert_eq!(written.pointer(about), newer.pointer(about));
    let note = written.pointer("/source/said/labels/note");
    assert_eq!(note, Some(&Value::from("news")));
    assert!(written.pointer("/analysis").is_some());
}

pub async fn an_older_document_is_worked_on(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    subject.set_document(&tenant, id, OLDER).await;
    subject.qualify(&tenant, id, &[]).await;
    subject
        .run(&tenant, id, Stage::Notification, "", notified)
        .await;
    let lead = subject.lead(&tenant, id).await;
    assert_eq!(lead.status, Status::Completed);
    let person = &lead.document.source.said.person;
    assert_eq!(person.name.as_deref(), Some("Ann Lee"));
}

pub async fn a_newer_document_waits_for_its_build(subject: &Subject) {
    let tenant = subject.tenant("a");
    let lead = Lead::new(&tenant, "1");
    let id = subject.request(&lead).await;
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    let readable = stored(subject, &tenant, id).await.to_string();
    for unreadable in [
        UNREADABLE,
        r#"{"v":1,"source":[]}"#,
        &readable.replace(
            r#""channel":"api""#,
            r#""channel":"phone","duration_seconds":12.5"#,
        ),
    ] {
        subject.set_document(&tenant, id, unreadable).await;
        let claimed = subject.store.claim(&row.wake(), LEASE).await.unwrap();
        assert!(claimed.is_none());
        let untouched = subject.row(&tenant, id, FIRST, "").await;
        assert_eq!(untouched.as_ref(), Some(&row));
        let shown = subject.store.request(&tenant, id).await;
        assert!(matches!(shown, Err(StoreError::Corrupt(_))), "{shown:?}");
        // A repeat was stored before, whatever became of its request.
        let repeated = subject.accept(&lead).await;
        assert!(repeated.is_duplicate());
        assert_eq!(repeated.request(), Some(id));
        // Nobody may send its news again, so they are kept, for a person to let them run.
        let news = subject.request(&lead.clone().body(unreadable)).await;
        assert_ne!(news, id);
        let kept = subject
            .row(&tenant, news, Stage::Reading, "")
            .await
            .unwrap();
        assert!(matches!(kept.state, WorkState::Parked { .. }), "{kept:?}");
        assert!(kept.reason.unwrap().contains("redrive"));
    }
    subject.set_document(&tenant, id, UNREADABLE).await;
    let Err(error) = subject.store.request(&tenant, id).await else {
        panic!("it was read")
    };
    assert!(error.to_string().contains("version 2"), "{error}");
    let decided = subject
        .store
        .decide(&tenant, id, ReviewAction::Approve, &act())
        .await;
    assert!(
        matches!(decided, Err(StoreError::Corrupt(_))),
        "{decided:?}"
    );

    // The build that wrote it is back.
    subject.set_document(&tenant, id, &readable).await;
    assert!(!subject.accept(&lead.body("news")).await.is_duplicate());
    subject.claim(&tenant, id, FIRST, "").await;
}

pub async fn a_newer_document_breaks_no_list(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut ids = Vec::new();
    for lead in 0..6 {
        ids.push(
            subject
                .request(&Lead::new(&tenant, &lead.to_string()))
                .await,
        );
    }
    for unreadable in [5, 4, 2] {
        subject
            .set_document(&tenant, ids[unreadable], UNREADABLE)
            .await;
    }
    assert_eq!(listed(subject, &tenant, 1).await, (vec![ids[3]], true));
    assert_eq!(
        listed(subject, &tenant, 2).await,
        (vec![ids[3], ids[1]], true)
    );
    let all = vec![ids[3], ids[1], ids[0]];
    assert_eq!(listed(subject, &tenant, 3).await, (all.clone(), false));
    assert_eq!(listed(subject, &tenant, 10).await, (all.clone(), false));
    let received = RequestQuery {
        status: Some(Status::Received),
        channel: None,
        limit: 10,
        before: None,
    };
    let page = subject.store.list_requests(&tenant, &received).await;
    assert_eq!(page.unwrap().items.len(), all.len());
}

pub async fn a_newer_document_stays_held_and_parked(subject: &Subject) {
    let tenant = subject.tenant("a");
    let new = NewConnection {
        provider: "crm".to_owned(),
        settings: BTreeMap::new(),
    };
    let (crm, act) = (name("crm"), act());
    let secret = async |version| {
        let replaced = subject
            .store
            .replace_secret(&tenant, &crm, version, Some(&new), &act);
        replaced.await.unwrap()
    };
    secret(1).await;
    let mut keys = Vec::new();
    for lead in ["1", "2", "3"] {
        let id = subject.request(&Lead::new(&tenant, lead)).await;
        let job = subject.claim(&tenant, id, FIRST, "").await;
        subject.settle(&job, hold("crm", 1)).await;
        keys.push(job.row.key.clone());
    }
    subject
        .set_document(&tenant, keys[0].request, UNREADABLE)
        .await;
    // Held for the same connection, in a stage of the newer build.
    let second = keys[1].request;
    subject.copy_work(&tenant, second, "x").await;
    let released = secret(2).await;
    assert_eq!((released.version, released.released), (2, 2));
    assert_eq!(secret(3).await.released, 0);
    let held = subject.row(&tenant, keys[0].request, FIRST, "").await;
    assert!(matches!(held.unwrap().state, WorkState::Held { .. }));
    let redriven = subject.store.redrive(&tenant, &keys, &act).await.unwrap();
    assert_eq!(redriven.keys, []);
    let is_held = "state = 'held'";
    subject.set_work(&tenant, second, "x", is_held).await;
}

pub async fn an_unknown_setting_stops_nobody(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut office = office(&tenant);
    subject.store.put_office(&office).await.unwrap();
    set_workflow(subject, &tenant, NEWER_WORKFLOW).await;
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let job = subject.claim(&tenant, id, FIRST, "").await;
    let config = &job.config.workflow;
    assert_eq!(config.spam.review_from, 40.0);
    assert_eq!(config.destinations[0].connection, name("crm"));
    // Whoever renames the office keeps what the newer build wrote.
    let found = subject.store.offices(&tenant).await.unwrap();
    office.config = found[0].config.clone();
    office.name = "Round Rock".to_owned();
    subject.store.put_office(&office).await.unwrap();
    let name = office.id.to_string();
    let workflow = subject
        .store
        .config(&tenant, ConfigKind::Workflow, &name, None);
    let workflow = workflow.await.unwrap().unwrap();
    let newer: Value = serde_json::from_str(NEWER_WORKFLOW).unwrap();
    assert_eq!((workflow.version, workflow.json), (1, newer));
    office.config_version = 1;
    assert_eq!(subject.store.offices(&tenant).await.unwrap(), [office]);
}

pub async fn an_unreadable_setting_stops_its_tenant_alone(subject: &Subject) {
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    subject.store.put_office(&office(&tenant)).await.unwrap();
    set_workflow(subject, &tenant, r#"{"spam":"model"}"#).await;
    let id = subject.request(&Lead::new(&tenant, "1")).await;
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    let claimed = subject.store.claim(&row.wake(), LEASE).await.unwrap();
    assert!(claimed.is_none(), "the defaults would decide otherwise");
    assert_eq!(subject.row(&tenant, id, FIRST, "").await, Some(row));
    assert_eq!(subject.store.offices(&tenant).await.unwrap(), []);
    let neighbor = subject.request(&Lead::new(&other, "1")).await;
    subject.claim(&other, neighbor, FIRST, "").await;
    set_workflow(subject, &tenant, "{}").await;
    subject.claim(&tenant, id, FIRST, "").await;
}
