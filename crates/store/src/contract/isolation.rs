//! Another tenant's ids are not found, whatever is asked.

use domain::{
    DueWake, E164, EffectEnd, EffectIntent, EffectKey, Status, StoreError, Tenant, TenantStatus,
};

use super::*;
use crate::{Connection, ConnectionState, PersonIdentity, RequestQuery};

fn two(subject: &Subject) -> (TenantId, TenantId) {
    (subject.tenant("a"), subject.tenant("b"))
}

pub async fn another_tenants_ids_are_not_found(subject: &Subject) {
    let (owner, other) = two(subject);
    let accepted = subject.accept(&Lead::new(&owner, "1")).await;
    let (event, id) = (accepted.event(), accepted.request().unwrap());
    let connection = Connection {
        tenant: owner.clone(),
        name: name("crm"),
        provider: "crm".to_owned(),
        version: 0,
        secret_version: 1,
        state: ConnectionState::Active,
        settings: BTreeMap::new(),
    };
    let store = &subject.store;
    store.put_connection(&connection).await.unwrap();
    let office = offices::office(&owner, 1);
    store.put_office(&office).await.unwrap();

    assert!(store.connections(&other).await.unwrap().is_empty());
    assert!(store.tenant(&other).await.unwrap().is_none());
    assert!(store.offices(&other).await.unwrap().is_empty());
    assert!(store.sources(&other).await.unwrap().is_empty());
    assert!(store.event(&other, event).await.unwrap().is_none());
    assert!(store.request(&other, id).await.unwrap().is_none());
    assert!(store.open_work(&other, id).await.unwrap().is_empty());
    let query = RequestQuery {
        limit: 10,
        ..RequestQuery::default()
    };
    assert!(
        store
            .list_requests(&other, &query)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let person = store
        .person_for_request(&other, id, &[], Duration::ZERO)
        .await;
    assert!(matches!(person, Err(StoreError::NotFound)), "{person:?}");
    assert!(
        store
            .connection(&other, &name("crm"))
            .await
            .unwrap()
            .is_none()
    );
    let replaced = store
        .replace_secret(&other, &name("crm"), 2, None, &act())
        .await;
    assert!(
        matches!(replaced, Err(StoreError::NotFound)),
        "{replaced:?}"
    );
    assert_eq!(subject.lead(&owner, id).await.person, None);
}

pub async fn another_tenants_work_cannot_be_touched(subject: &Subject) {
    let (owner, other) = two(subject);
    let id = subject.request(&Lead::new(&owner, "1")).await;
    let row = subject.row(&owner, id, FIRST, "").await.unwrap();
    let store = &subject.store;
    let mut wake = row.wake();
    wake.key.tenant = other.clone();
    assert!(store.claim(&wake, LEASE).await.unwrap().is_none());
    let due = DueWake {
        wake,
        next_wake_at: row.next_wake_at.unwrap(),
        wakes: 0,
    };
    assert!(
        store
            .move_wakes_across_tenants(vec![due])
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.due_work(&other, FIRST, 10).await.unwrap().is_empty());
    assert_eq!(subject.row(&owner, id, FIRST, "").await, Some(row));

    let mut job = subject.claim(&owner, id, FIRST, "").await;
    let before = subject.view(&owner, id).await;
    job.row.key.tenant = other.clone();
    job.request.tenant = other;
    assert!(!store.renew(&job.claim_token(), LEASE * 2).await.unwrap());
    let settled = store
        .settle(&job, retry(), Vec::new(), SECOND)
        .await
        .unwrap();
    assert_eq!(settled, SettleResult::Stale);
    let after = subject.view(&owner, id).await;
    assert_eq!((after.request, after.work), (before.request, before.work));
}

pub async fn another_tenants_effects_are_its_own(subject: &Subject) {
    let (owner, other) = two(subject);
    let id = subject.request(&Lead::new(&owner, "1")).await;
    let job = subject.claim(&owner, id, FIRST, "").await;
    let key = EffectKey::new("note", &id, "crm", &"0");
    let store = &subject.store;
    let mut claim = job.claim_token();
    claim.key.tenant = other.clone();
    assert_eq!(
        store.intend(&claim, &key, SECOND).await.unwrap(),
        EffectIntent::Stale
    );
    assert_eq!(
        store.intend_again(&claim, &key, SECOND).await.unwrap(),
        EffectIntent::Stale
    );
    assert_eq!(
        store
            .intend(&job.claim_token(), &key, SECOND)
            .await
            .unwrap(),
        EffectIntent::Begin
    );
    let end = EffectEnd::Done {
        remote_id: "r".to_owned(),
    };
    store.conclude(&claim, &key, end).await.unwrap();
    let intent = store
        .intend(&job.claim_token(), &key, SECOND)
        .await
        .unwrap();
    assert!(matches!(intent, EffectIntent::Unknown { .. }), "{intent:?}");
    // The same key is another effect there.
    let foreign = subject.request(&Lead::new(&other, "1")).await;
    let foreign = subject.claim(&other, foreign, FIRST, "").await;
    let intent = store
        .intend(&foreign.claim_token(), &key, SECOND)
        .await
        .unwrap();
    assert_eq!(intent, EffectIntent::Begin);
}

pub async fn equal_deliveries_of_two_tenants_are_two_requests(subject: &Subject) {
    let (owner, other) = two(subject);
    let first = subject.accept(&Lead::new(&owner, "1")).await;
    let second = subject.accept(&Lead::new(&other, "1")).await;
    assert!(!second.is_duplicate());
    assert_ne!(second.request(), first.request());
    let later = subject.accept(&Lead::new(&other, "1").body("2")).await;
    assert_eq!(later.request(), second.request());
    let lead = subject.lead(&owner, first.request().unwrap()).await;
    assert_eq!(lead.document.source.events, 1);
    // Each tenant's repeat is one of its own delivery.
    for (tenant, known) in [(&owner, &first), (&other, &second)] {
        let again = subject.accept(&Lead::new(tenant, "1")).await;
        assert!(again.is_duplicate());
        assert_eq!(
            (again.event(), again.request()),
            (known.event(), known.request())
        );
    }
}

pub async fn a_new_secret_changes_no_other_tenants_connection(subject: &Subject) {
    let (owner, other) = two(subject);
    let mut put = Vec::new();
    for tenant in [&owner, &other] {
        let connection = Connection {
            tenant: tenant.clone(),
            name: name("crm"),
            provider: "crm".to_owned(),
            version: 1,
            secret_version: 1,
            state: ConnectionState::Active,
            settings: BTreeMap::new(),
        };
        subject.store.put_connection(&connection).await.unwrap();
        put.push(connection);
    }
    let replaced = subject
        .store
        .replace_secret(&owner, &name("crm"), 2, None, &act())
        .await;
    assert_eq!(replaced.unwrap().version, 2);
    let found = subject.store.connections(&other).await.unwrap();
    assert_eq!(found, put[1..]);
}

pub async fn each_tenants_audit_log_is_a_chain_of_its_own(subject: &Subject) {
    let tenants = two(subject);
    let tenants = [&tenants.0, &tenants.1];
    for tenant in tenants {
        let tenant = Tenant {
            id: tenant.clone(),
            name: "Demo".to_owned(),
            status: TenantStatus::Active,
        };
        subject.store.put_tenant(&tenant).await.unwrap();
    }
    for status in [TenantStatus::Suspended, TenantStatus::Active] {
        for tenant in tenants {
            let act = act();
            let set = subject.store.set_tenant_status(tenant, status, &act);
            set.await.unwrap();
        }
    }
    for tenant in tenants {
        let page = subject
            .store
            .audit_log(tenant, &AuditQuery::newest(10))
            .await
            .unwrap();
        let [newer, older] = page.items.try_into().unwrap();
        assert!(older.follows(None) && newer.follows(Some(&older)));
    }
}

pub async fn a_merge_does_not_reach_another_tenant(subject: &Subject) {
    let (owner, other) = two(subject);
    let foreign = subject.request(&Lead::new(&other, "long-1")).await;
    let id = subject.request(&Lead::new(&owner, "111")).await;
    let job = subject.claim(&owner, id, FIRST, "").await;
    subject
        .settle(&job, Outcome::Merge { other: foreign })
        .await;
    assert_eq!(subject.lead(&owner, id).await.id, id);
    let both = Lead::new(&owner, "").body("both").named(&["111", "long-1"]);
    assert_eq!(subject.request(&both).await, id);
    let untouched = subject.lead(&other, foreign).await;
    assert_eq!((untouched.status, untouched.version), (Status::Received, 1));
}

pub async fn equal_identities_of_two_tenants_are_two_people(subject: &Subject) {
    let (owner, other) = two(subject);
    let phone = [PersonIdentity::Phone(E164::parse("+15125550142").unwrap())];
    let mut people = Vec::new();
    for tenant in [&owner, &other] {
        let id = subject.request(&Lead::new(tenant, "1")).await;
        let found = subject
            .store
            .person_for_request(tenant, id, &phone, Duration::from_secs(60))
            .await;
        people.push(found.unwrap().person);
    }
    assert_ne!(people[0], people[1]);
}
