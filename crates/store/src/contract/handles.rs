//! What people do: tenants, sources, secrets, verdicts, stopped work; and the audit log that says who did.

use domain::{
    MAX_TOUCHES, NewTouch, ParkCause, ReviewAction, Status, StoreError, Tenant, TenantStatus,
    TouchKind, TouchOutcome, VerdictKind, WorkState,
};

use super::*;
use crate::{
    AuditEntry, FindQuery, NewConnection, RequestFilter, RequestSort, Source, SourceChange,
    SourceState, SourceUpdate, StopKind, TokenHash, WorkFilter, WorkQuery,
};

pub(super) fn park(cause: ParkCause) -> Outcome {
    Outcome::Park {
        cause,
        reason: "no".to_owned(),
        answer: None,
    }
}

/// A tenant that is set up, and its id.
pub(super) async fn tenant(subject: &Subject, name: &str) -> TenantId {
    let id = subject.tenant(name);
    let tenant = Tenant {
        id: id.clone(),
        name: "Demo".to_owned(),
        status: TenantStatus::Active,
    };
    subject.store.put_tenant(&tenant).await.unwrap();
    id
}

pub(super) fn source(subject: &Subject, tenant: &TenantId, number: u128) -> Source {
    Source {
        id: SourceId::from_uuid(Uuid::from_u128(number)),
        tenant: tenant.clone(),
        provider: "leads".to_owned(),
        office: None,
        connection: None,
        token: Some(TokenHash::of(&format!(
            "{}/{tenant}/{number}",
            subject.scope
        ))),
        accounts: Vec::new(),
        key_names: vec!["key-1".to_owned()],
        schemes: Vec::new(),
        state: SourceState::Active,
        name: None,
        version: 1,
    }
}

/// The whole log, oldest first.
async fn log(subject: &Subject, tenant: &TenantId) -> Vec<AuditEntry> {
    let (mut log, mut before) = (Vec::new(), None);
    loop {
        let query = AuditQuery {
            before,
            ..AuditQuery::newest(2)
        };
        let page = subject.store.audit_log(tenant, &query).await.unwrap();
        before = page.items.last().map(|entry| entry.id);
        log.extend(page.items);
        if !page.has_more {
            log.reverse();
            return log;
        }
    }
}

/// A lead whose first step is stopped by an outcome.
pub(super) async fn stopped(
    subject: &Subject,
    tenant: &TenantId,
    lead: &str,
    outcome: Outcome,
) -> RequestId {
    let id = subject.request(&Lead::new(tenant, lead)).await;
    let job = subject.claim(tenant, id, FIRST, "").await;
    subject.settle(&job, outcome).await;
    id
}

pub(super) async fn gated(
    subject: &Subject,
    tenant: &TenantId,
    lead: &str,
    gate: SpamGate,
) -> RequestId {
    let id = subject.request(&Lead::new(tenant, lead)).await;
    subject.judge(tenant, id, 60.0, gate, &["crm"]).await;
    id
}

pub async fn a_tenant_is_created_once_and_suspended(subject: &Subject) {
    let id = subject.tenant("new");
    let new = Tenant {
        id: id.clone(),
        name: "New".to_owned(),
        status: TenantStatus::Active,
    };
    let store = &subject.store;
    store.create_tenant(&new, &act()).await.unwrap();
    let again = store.create_tenant(&new, &act()).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    store
        .set_tenant_status(&id, TenantStatus::Suspended, &act())
        .await
        .unwrap();
    let found = store.tenant(&id).await.unwrap().unwrap();
    assert_eq!(found.status, TenantStatus::Suspended);
    store.rename_tenant(&id, "Newer", &act()).await.unwrap();
    let found = store.tenant(&id).await.unwrap().unwrap();
    assert_eq!(
        (found.name.as_str(), found.status),
        ("Newer", TenantStatus::Suspended)
    );
    let all = store.tenants_across_tenants().await.unwrap();
    assert!(all.contains(&found));
    assert!(all.is_sorted_by(|a, b| a.id < b.id));
    let other = Tenant {
        id: subject.tenant("z"),
        ..new
    };
    store.create_tenant(&other, &act()).await.unwrap();
    let (mut after, mut behind) = (Some(id.clone()), Vec::new());
    while let Some(place) = after {
        let page = store.page_of_tenants_across_tenants(Some(&place), 1).await;
        let page = page.unwrap();
        assert_eq!(page.items.len(), 1);
        behind.extend(page.items);
        let is_found = behind.last() == Some(&other);
        after = behind
            .last()
            .filter(|_| page.has_more && !is_found)
            .map(|last| last.id.clone());
    }
    assert_eq!(behind.last(), Some(&other));
    assert!(behind.iter().all(|tenant| tenant.id > id));
    assert!(behind.is_sorted_by(|a, b| a.id < b.id));
    let nobody = subject.tenant("nobody");
    let missing = store
        .set_tenant_status(&nobody, TenantStatus::Active, &act())
        .await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
    let missing = store.rename_tenant(&nobody, "Nobody", &act()).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
    // What was not done is not in the log.
    assert_eq!(log(subject, &id).await.len(), 3);
    assert_eq!(log(subject, &nobody).await.len(), 0);
}

pub async fn a_source_has_two_keys_at_most_and_one_at_least(subject: &Subject) {
    let id = tenant(subject, "a").await;
    let store = &subject.store;
    let new = source(subject, &id, 1);
    store.create_source(&new, &act()).await.unwrap();
    let change = async |change| store.change_source(&id, new.id, change, &act()).await;
    let added = change(SourceChange::AddKey("key-2".to_owned()))
        .await
        .unwrap();
    assert_eq!(added.key_names, ["key-2", "key-1"]);
    for refused in [
        SourceChange::AddKey("key-2".to_owned()),
        SourceChange::AddKey("key-3".to_owned()),
        SourceChange::RemoveKey("key-3".to_owned()),
    ] {
        let result = change(refused).await;
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
    }
    let removed = change(SourceChange::RemoveKey("key-1".to_owned()))
        .await
        .unwrap();
    assert_eq!(removed.key_names, ["key-2"]);
    let last = change(SourceChange::RemoveKey("key-2".to_owned())).await;
    assert!(matches!(last, Err(StoreError::Conflict(_))), "{last:?}");
    let disabled = change(SourceChange::SetState(SourceState::Disabled))
        .await
        .unwrap();
    assert_eq!(store.sources(&id).await.unwrap(), [disabled]);
    assert_eq!(log(subject, &id).await.len(), 4);
}

pub async fn an_update_of_a_source_is_of_one_version(subject: &Subject) {
    let id = tenant(subject, "a").await;
    let other = tenant(subject, "b").await;
    let store = &subject.store;
    for (owner, number) in [(&id, 5), (&other, 7)] {
        let office = offices::office(owner, number);
        store.put_office(&office).await.unwrap();
    }
    let account = |name: &str| format!("{}/{name}", subject.scope);
    let new = Source {
        accounts: vec![account("old"), account("both")],
        ..source(subject, &id, 1)
    };
    let neighbour = Source {
        accounts: vec![account("taken")],
        ..source(subject, &other, 2)
    };
    for source in [&new, &neighbour] {
        store.create_source(source, &act()).await.unwrap();
    }
    let update = async |change: SourceUpdate| {
        let change = SourceChange::Update(change);
        store.change_source(&id, new.id, change, &act()).await
    };
    let wanted = SourceUpdate {
        expected: 1,
        name: Some("Website".to_owned()),
        office: Some(office_id(5)),
        accounts: vec![account("both"), account("new")],
    };
    let now = update(wanted.clone()).await.unwrap();
    let expected = Source {
        name: wanted.name.clone(),
        office: wanted.office,
        accounts: wanted.accounts.clone(),
        version: 2,
        ..new.clone()
    };
    assert_eq!(now, expected);
    assert_eq!(
        store.sources(&id).await.unwrap(),
        std::slice::from_ref(&expected)
    );
    let of_account = async |name: &str| {
        let account = account(name);
        let found = store.source_by_account_across_tenants("leads", &account);
        found.await.unwrap().map(|found| found.id)
    };
    assert_eq!(of_account("old").await, None);
    assert_eq!(of_account("new").await, Some(new.id));

    let late = update(wanted.clone()).await;
    assert!(
        matches!(late, Err(StoreError::Outdated { current: 2 })),
        "{late:?}"
    );
    let wanted = SourceUpdate {
        expected: 2,
        ..wanted
    };
    let of_another = SourceUpdate {
        office: Some(office_id(7)),
        ..wanted.clone()
    };
    let foreign = update(of_another).await;
    assert!(matches!(foreign, Err(StoreError::NotFound)), "{foreign:?}");
    let taken = SourceUpdate {
        accounts: vec![account("taken")],
        ..wanted.clone()
    };
    let taken = update(taken).await;
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    assert_eq!(store.sources(&id).await.unwrap(), [expected]);
    let bare = SourceUpdate {
        name: None,
        office: None,
        accounts: Vec::new(),
        ..wanted
    };
    let now = update(bare).await.unwrap();
    assert_eq!((now.name, now.office, now.version), (None, None, 3));
    // What was refused is not in the log, in which the office's set-up is, too.
    let log = log(subject, &id).await;
    let acts = log.iter().filter(|entry| entry.action == "test.act");
    assert_eq!(acts.count(), 3);
}

pub async fn a_source_is_created_once_and_for_a_tenant(subject: &Subject) {
    let id = tenant(subject, "a").await;
    let store = &subject.store;
    let new = source(subject, &id, 1);
    store.create_source(&new, &act()).await.unwrap();
    let same_token = Source {
        id: SourceId::from_uuid(Uuid::from_u128(2)),
        ..new.clone()
    };
    for taken in [&new, &same_token] {
        let result = store.create_source(taken, &act()).await;
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
    }
    let nobodys = source(subject, &subject.tenant("nobody"), 3);
    let strange = Source {
        office: Some(office_id(99)),
        ..source(subject, &id, 4)
    };
    for missing in [&nobodys, &strange] {
        let result = store.create_source(missing, &act()).await;
        assert!(matches!(result, Err(StoreError::NotFound)), "{result:?}");
    }
    let other = tenant(subject, "b").await;
    for (owner, number) in [(&id, 5), (&id, 6), (&other, 7)] {
        let office = offices::office(owner, number);
        store.put_office(&office).await.unwrap();
    }
    for (number, is_own) in [(6, true), (7, false)] {
        let of_office = Source {
            office: Some(office_id(number)),
            ..source(subject, &id, number)
        };
        let result = store.create_source(&of_office, &act()).await;
        assert_eq!(result.is_ok(), is_own, "{result:?}");
    }
    let state = SourceChange::SetState(SourceState::Disabled);
    let foreign = store.change_source(&other, new.id, state, &act()).await;
    assert!(matches!(foreign, Err(StoreError::NotFound)), "{foreign:?}");
    let sources = store.sources(&id).await.unwrap();
    assert_eq!((sources.len(), &sources[0]), (2, &new));
}

pub async fn a_first_secret_releases_what_waited_for_it(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    let held = Outcome::Hold {
        connection: name("crm"),
        version: 1,
        reason: "there is no connection".to_owned(),
        answer: None,
    };
    subject.settle(&job, held).await;
    let store = &subject.store;
    let new = NewConnection {
        provider: "sales".to_owned(),
        settings: BTreeMap::from([("portal".to_owned(), "42".to_owned())]),
    };
    let replaced = store
        .replace_secret(&tenant, &name("crm"), 7, Some(&new), &act())
        .await
        .unwrap();
    assert_eq!((replaced.version, replaced.released), (1, 1));
    assert_eq!(replaced.wakes.len(), 1);
    let connections = store.connections(&tenant).await.unwrap();
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0].settings, new.settings);
    assert_eq!(
        (connections[0].version, connections[0].secret_version),
        (1, 7)
    );
    let other = NewConnection {
        provider: "mailer".to_owned(),
        ..new
    };
    let refused = store
        .replace_secret(&tenant, &name("crm"), 8, Some(&other), &act())
        .await;
    let Err(StoreError::Conflict(reason)) = refused else {
        panic!("it was taken: {refused:?}")
    };
    let expected = "connection `crm` already belongs to sales; choose another name for mailer";
    assert_eq!(reason, expected);
    assert_eq!(store.connections(&tenant).await.unwrap(), connections);
    assert_eq!(log(subject, &tenant).await.len(), 1);
}

pub async fn a_verdict_lets_a_request_go_on_once(subject: &Subject) {
    let tenant = subject.tenant("a");
    let store = &subject.store;
    let id = gated(subject, &tenant, "1", SpamGate::Review).await;
    assert_eq!(subject.lead(&tenant, id).await.status, Status::InReview);
    let wakes = store
        .decide(&tenant, id, ReviewAction::Approve, &act())
        .await
        .unwrap();
    assert_eq!(wakes.len(), 1);
    assert_eq!(wakes[0].key.stage, Stage::Dispatch);
    let again = store
        .decide(&tenant, id, ReviewAction::Approve, &act())
        .await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    let verdict = subject.lead(&tenant, id).await.document.verdict.unwrap();
    assert_eq!(verdict.decision, VerdictKind::Approved);
    assert_eq!((verdict.by, verdict.at), (act().actor, (subject.now)()));

    let other = gated(subject, &tenant, "2", SpamGate::Review).await;
    store
        .decide(&tenant, other, ReviewAction::Reject, &act())
        .await
        .unwrap();
    assert_eq!(
        subject.lead(&tenant, other).await.status,
        Status::Quarantined
    );
    store
        .decide(&tenant, other, ReviewAction::Release, &act())
        .await
        .unwrap();
    let opened = subject.row(&tenant, other, Stage::Dispatch, "crm").await;
    assert!(opened.is_some());
    assert_eq!(log(subject, &tenant).await.len(), 3);
}

pub async fn who_should_be_called_is_counted_and_found(subject: &Subject) {
    let tenant = subject.tenant("a");
    let store = &subject.store;
    let with_number = |lead: &str| {
        let mut lead = Lead::new(&tenant, lead);
        lead.facts.person.phone = Some("+15125550142".to_owned());
        lead
    };
    let new = subject.request(&with_number("new")).await;
    let ann = subject.qualified(&with_number("ann"), &["crm"]).await;
    let beth = subject.qualified(&with_number("beth"), &["crm"]).await;
    // Nobody can be called without a number, and nobody calls spam.
    subject.qualified(&Lead::new(&tenant, "mute"), &[]).await;
    let spam = subject.request(&with_number("spam")).await;
    subject
        .judge(&tenant, spam, 99.0, SpamGate::Quarantine, &[])
        .await;
    let filter = RequestFilter {
        needs_call: true,
        ..RequestFilter::default()
    };
    let to_call = async || {
        let query = FindQuery {
            filter: filter.clone(),
            sort: RequestSort::Oldest,
            limit: 10,
            after: None,
        };
        let page = store.find_requests(&tenant, &query).await.unwrap();
        let counted = store.live_counts(&tenant).await.unwrap().call_now;
        assert_eq!(usize::try_from(counted).unwrap(), page.items.len());
        page.items
            .iter()
            .map(|request| request.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(to_call().await, [ann, beth]);

    let touch = || NewTouch {
        kind: TouchKind::Call,
        outcome: Some(TouchOutcome::NoAnswer),
        note: Some("the mailbox is full".to_owned()),
    };
    store.touch(&tenant, ann, touch(), &act()).await.unwrap();
    assert_eq!(to_call().await, [beth]);
    let touched = subject.lead(&tenant, ann).await;
    assert_eq!(touched.document.touches.len(), 1);
    let first = &touched.document.touches[0];
    assert_eq!((&first.by, first.at), (&act().actor, (subject.now)()));
    // What is spam or not judged yet can be touched, too; of what nobody has, nothing is noted.
    store.touch(&tenant, new, touch(), &act()).await.unwrap();
    let of_others = store
        .touch(&subject.tenant("b"), beth, touch(), &act())
        .await;
    assert!(
        matches!(of_others, Err(StoreError::NotFound)),
        "{of_others:?}"
    );
    for _ in 1..MAX_TOUCHES {
        store.touch(&tenant, ann, touch(), &act()).await.unwrap();
    }
    let one_more = store.touch(&tenant, ann, touch(), &act()).await;
    assert!(
        matches!(one_more, Err(StoreError::Conflict(_))),
        "{one_more:?}"
    );
}

pub async fn two_verdicts_at_once_are_one(subject: &Subject) {
    let tenant = subject.tenant("a");
    let id = gated(subject, &tenant, "1", SpamGate::Review).await;
    let act = act();
    let decided = (0..10).map(|number| {
        let action = if number % 2 == 0 {
            ReviewAction::Reject
        } else {
            ReviewAction::Approve
        };
        subject.store.decide(&tenant, id, action, &act)
    });
    let decided = futures::future::join_all(decided).await;
    let done = decided.iter().filter(|result| result.is_ok()).count();
    assert_eq!(done, 1, "{decided:?}");
    assert_eq!(log(subject, &tenant).await.len(), done);
}

pub async fn stopped_work_is_listed_by_reason(subject: &Subject) {
    let tenant = subject.tenant("a");
    let permanent = || park(ParkCause::Permanent);
    let first = stopped(subject, &tenant, "1", permanent()).await;
    let second = stopped(subject, &tenant, "2", park(ParkCause::Exhausted)).await;
    let third = stopped(subject, &tenant, "3", hold("account", 1)).await;
    let fourth = stopped(subject, &tenant, "4", permanent()).await;
    stopped(subject, &subject.tenant("b"), "1", permanent()).await;
    stopped(subject, &tenant, "5", retry()).await;

    let ids = async |filter: WorkFilter| {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let query = WorkQuery {
                filter: filter.clone(),
                limit: 2,
                after,
            };
            let page = subject.store.stopped_work(&tenant, &query).await.unwrap();
            assert!(page.items.len() <= 2);
            // Whoever said that there is more had more.
            assert!(query.after.is_none() || !page.items.is_empty());
            ids.extend(page.items.iter().map(|row| row.key.request));
            let last = page.items.last().map(|row| row.key.clone());
            after = last.map(|key| (key.request, key.stage, key.target));
            if !page.has_more {
                return ids;
            }
        }
    };
    let any = WorkFilter::default();
    assert_eq!(ids(any.clone()).await, [first, second, third, fourth]);
    let held = WorkFilter {
        stop: Some(StopKind::Held),
        ..any.clone()
    };
    assert_eq!(ids(held).await, [third]);
    let exhausted = WorkFilter {
        cause: Some(ParkCause::Exhausted),
        ..any.clone()
    };
    assert_eq!(ids(exhausted).await, [second]);
    let of_connection = WorkFilter {
        connection: Some(name("account")),
        ..any.clone()
    };
    assert_eq!(ids(of_connection).await, [third]);
    let of_request = WorkFilter {
        request: Some(fourth),
        stage: Some(FIRST),
        ..any.clone()
    };
    assert_eq!(ids(of_request).await, [fourth]);
    let of_stage = WorkFilter {
        stage: Some(Stage::Dispatch),
        ..any
    };
    assert_eq!(ids(of_stage).await, []);

    let counts = subject.store.stopped_counts(&tenant).await.unwrap();
    let shown: Vec<_> = counts
        .iter()
        .map(|count| {
            (
                count.stop,
                count.cause,
                count.connection.clone(),
                count.rows,
            )
        })
        .collect();
    assert_eq!(shown.len(), 3);
    assert_eq!(
        shown[0],
        (StopKind::Parked, Some(ParkCause::Permanent), None, 2)
    );
    assert!(shown.contains(&(StopKind::Held, None, Some(name("account")), 1)));
    assert!(shown.contains(&(StopKind::Parked, Some(ParkCause::Exhausted), None, 1)));
}

pub async fn what_is_redriven_runs_again_every_time(subject: &Subject) {
    let tenant = subject.tenant("a");
    let store = &subject.store;
    let id = stopped(subject, &tenant, "1", park(ParkCause::Exhausted)).await;
    for round in 1..=3 {
        let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
        let keys = [row.key.clone()];
        let redriven = store.redrive(&tenant, &keys, &act()).await.unwrap();
        assert_eq!(redriven.keys, keys);
        assert_eq!(redriven.wakes.len(), 1);
        // It runs: there is nothing to redrive.
        let nothing = store.redrive(&tenant, &keys, &act()).await.unwrap();
        assert_eq!((nothing.keys.len(), nothing.wakes.len()), (0, 0));
        let claimed = store
            .claim(&redriven.wakes[0], LEASE)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((claimed.row.claims, claimed.row.failures), (1, 0));
        subject.settle(&claimed, park(ParkCause::Exhausted)).await;
        assert_eq!(log(subject, &tenant).await.len(), round);
    }
    let view = subject.view(&tenant, id).await;
    let words = view
        .timeline
        .iter()
        .filter(|entry| entry.outcome == "redriven");
    assert_eq!(words.count(), 3);
    assert_eq!(view.request.status, Status::Parked);
}

pub async fn a_redrive_reaches_no_other_tenants_work(subject: &Subject) {
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    let id = stopped(subject, &tenant, "1", park(ParkCause::Permanent)).await;
    let row = subject.row(&tenant, id, FIRST, "").await.unwrap();
    let mut renamed = row.key.clone();
    renamed.tenant = other.clone();
    for keys in [[row.key.clone()], [renamed]] {
        let redriven = subject.store.redrive(&other, &keys, &act()).await.unwrap();
        assert_eq!((redriven.keys.len(), redriven.wakes.len()), (0, 0));
    }
    let after = subject.row(&tenant, id, FIRST, "").await.unwrap();
    assert_eq!(after, row);
    for action in [
        ReviewAction::Approve,
        ReviewAction::Reject,
        ReviewAction::Release,
    ] {
        let decided = subject.store.decide(&other, id, action, &act()).await;
        assert!(matches!(decided, Err(StoreError::NotFound)), "{decided:?}");
    }
    let replayed = subject.store.replay(&other, id, FIRST, &act()).await;
    assert!(
        matches!(replayed, Err(StoreError::NotFound)),
        "{replayed:?}"
    );
    assert_eq!(log(subject, &other).await, []);
}

pub async fn a_replay_runs_a_stage_again(subject: &Subject) {
    let tenant = subject.tenant("a");
    let store = &subject.store;
    let id = gated(subject, &tenant, "1", SpamGate::Quarantine).await;
    assert!(store.open_work(&tenant, id).await.unwrap().is_empty());
    let wakes = store
        .replay(&tenant, id, Stage::Analysis, &act())
        .await
        .unwrap();
    assert_eq!(wakes.len(), 1);
    let claimed = store.claim(&wakes[0], LEASE).await.unwrap().unwrap();
    assert_eq!(claimed.request.document.revisions.of(Stage::Analysis), 1);
    let refused = store.replay(&tenant, id, Stage::Dispatch, &act()).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    let view = subject.view(&tenant, id).await;
    let replayed = view
        .timeline
        .iter()
        .find(|entry| entry.outcome == "replayed");
    let detail = replayed.unwrap().detail.clone().unwrap();
    assert!(
        detail.contains("tester") && detail.contains("analysis"),
        "{detail}"
    );
    let row = subject.row(&tenant, id, Stage::Analysis, "").await.unwrap();
    assert!(matches!(row.state, WorkState::InFlight { .. }));
    assert_eq!(log(subject, &tenant).await.len(), 1);
}

pub async fn the_audit_log_is_a_chain_of_what_was_done(subject: &Subject) {
    let id = tenant(subject, "a").await;
    let store = &subject.store;
    let acts: Vec<_> = (0..5)
        .map(|number| {
            AuditAction::new(format!("actor {number}"), "tenant.suspend", &id)
                .saying(format!("n {number}"))
        })
        .collect();
    for act in &acts {
        store
            .set_tenant_status(&id, TenantStatus::Suspended, act)
            .await
            .unwrap();
    }
    let log = log(subject, &id).await;
    let written: Vec<_> = log
        .iter()
        .map(|entry| AuditAction {
            actor: entry.actor.clone(),
            action: "tenant.suspend",
            object: entry.object.clone(),
            detail: entry.detail.clone(),
            version: None,
        })
        .collect();
    assert_eq!(written, acts);
    for (index, entry) in log.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| &log[index]);
        assert!(entry.follows(before), "{entry:?}");
        assert_eq!(entry.action, "tenant.suspend");
        let changed = AuditEntry {
            actor: "somebody else".to_owned(),
            ..entry.clone()
        };
        assert!(!changed.follows(before));
    }
    assert!(!log[2].follows(Some(&log[0])), "one was taken out");
}
