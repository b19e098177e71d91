//! Connections, and what is held for them.

use domain::{Status, StoreError, WorkState};

use super::*;
use crate::{Connection, ConnectionState, NewConnection, Released};

fn connection(tenant: &TenantId, connection: &str) -> Connection {
    Connection {
        tenant: tenant.clone(),
        name: name(connection),
        provider: "crm".to_owned(),
        version: 0,
        secret_version: 1,
        state: ConnectionState::Active,
        settings: BTreeMap::from([("portal".to_owned(), "42".to_owned())]),
    }
}

async fn stored(subject: &Subject, tenant: &TenantId, connection: &str) -> Connection {
    let found = subject.store.connection(tenant, &name(connection)).await;
    found.unwrap().unwrap()
}

pub async fn a_connection_begins_at_version_one(subject: &Subject) {
    let tenant = subject.tenant("a");
    assert_eq!(
        subject
            .store
            .connection(&tenant, &name("crm"))
            .await
            .unwrap(),
        None
    );
    let put = connection(&tenant, "crm");
    subject.store.put_connection(&put).await.unwrap();
    let expected = Connection { version: 1, ..put };
    assert_eq!(stored(subject, &tenant, "crm").await, expected);
}

pub async fn changing_settings_keeps_version_and_state(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut put = connection(&tenant, "crm");
    subject.store.put_connection(&put).await.unwrap();
    subject
        .store
        .replace_secret(&tenant, &name("crm"), 9, None, &act())
        .await
        .unwrap();
    put.settings.insert("region".to_owned(), "eu".to_owned());
    subject.store.put_connection(&put).await.unwrap();
    let found = stored(subject, &tenant, "crm").await;
    assert_eq!((found.version, found.secret_version), (2, 9));
    assert_eq!(found.settings, put.settings);
}

pub async fn a_refused_secret_holds_the_step_and_marks_the_connection(subject: &Subject) {
    let tenant = subject.tenant("a");
    subject
        .store
        .put_connection(&connection(&tenant, "crm"))
        .await
        .unwrap();
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    let wakes = subject.settle(&job, hold("crm", 1)).await;
    assert!(
        wakes
            .iter()
            .all(|wake| wake.key.stage == Stage::Notification)
    );
    let row = subject
        .row(&tenant, id, Stage::Dispatch, "crm")
        .await
        .unwrap();
    let held = WorkState::Held {
        connection: name("crm"),
        version: 1,
    };
    assert_eq!((row.state, row.next_wake_at), (held, None));
    let lead = subject.lead(&tenant, id).await;
    assert_eq!(lead.status, Status::Held);
    let section = &lead.document.dispatches[&name("crm")];
    assert_eq!(section.state, DispatchState::Held);
    let refused = stored(subject, &tenant, "crm").await;
    assert_eq!(
        (refused.state, refused.version),
        (ConnectionState::Refused, 1)
    );
}

pub async fn a_hold_with_an_older_secret_runs_now(subject: &Subject) {
    let tenant = subject.tenant("a");
    subject
        .store
        .put_connection(&connection(&tenant, "crm"))
        .await
        .unwrap();
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    let replaced = subject
        .store
        .replace_secret(&tenant, &name("crm"), 2, None, &act())
        .await
        .unwrap();
    assert_eq!((replaced.version, replaced.released), (2, 0));
    let wakes = subject.settle(&job, hold("crm", 1)).await;
    let row = subject
        .row(&tenant, id, Stage::Dispatch, "crm")
        .await
        .unwrap();
    assert_eq!(row.state, WorkState::Ready);
    assert!(wakes.contains(&row.wake()));
    subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
}

pub async fn an_older_refusal_does_not_mark_a_newer_secret(subject: &Subject) {
    let tenant = subject.tenant("a");
    subject
        .store
        .put_connection(&connection(&tenant, "crm"))
        .await
        .unwrap();
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    subject
        .store
        .replace_secret(&tenant, &name("crm"), 2, None, &act())
        .await
        .unwrap();
    subject.settle(&job, hold("crm", 1)).await;
    let found = stored(subject, &tenant, "crm").await;
    assert_eq!(found.state, ConnectionState::Active);
}

pub async fn replacing_a_secret_releases_exactly_what_is_held_for_it(subject: &Subject) {
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    for tenant in [&tenant, &other] {
        for name in ["crm", "second"] {
            subject
                .store
                .put_connection(&connection(tenant, name))
                .await
                .unwrap();
        }
    }
    let parked = Outcome::Park {
        cause: domain::ParkCause::Permanent,
        reason: "no".to_owned(),
        answer: None,
    };
    let mut ids = Vec::new();
    for (number, (owner, crm, second)) in [
        (&tenant, hold("crm", 1), hold("second", 1)),
        (&tenant, hold("crm", 1), parked),
        (&other, hold("crm", 1), hold("second", 1)),
    ]
    .into_iter()
    .enumerate()
    {
        let lead = Lead::new(owner, &number.to_string());
        let id = subject.qualified(&lead, &["crm", "second"]).await;
        for (target, outcome) in [("crm", crm), ("second", second)] {
            let job = subject.claim(owner, id, Stage::Dispatch, target).await;
            subject.settle(&job, outcome).await;
        }
        ids.push(id);
    }
    let before = subject
        .row(&tenant, ids[0], Stage::Dispatch, "crm")
        .await
        .unwrap();
    let replaced = subject
        .store
        .replace_secret(&tenant, &name("crm"), 2, None, &act())
        .await
        .unwrap();
    assert_eq!((replaced.version, replaced.released), (2, 2));
    let wakes = replaced.wakes;
    let mut released: Vec<_> = wakes.iter().map(|wake| wake.key.request).collect();
    released.sort_unstable();
    assert_eq!(released, ids[..2]);
    assert!(wakes.iter().all(|wake| wake.key.target == "crm"));

    let row = subject
        .row(&tenant, ids[0], Stage::Dispatch, "crm")
        .await
        .unwrap();
    assert!(row.token > before.token);
    assert_eq!(
        (&row.state, row.claims, row.reason),
        (&WorkState::Ready, 0, None)
    );
    assert_eq!(subject.lead(&tenant, ids[0]).await.status, Status::Held);
    assert_eq!(subject.lead(&tenant, ids[1]).await.status, Status::Parked);
    let untouched = subject
        .row(&other, ids[2], Stage::Dispatch, "crm")
        .await
        .unwrap();
    assert!(matches!(untouched.state, WorkState::Held { .. }));
    let found = stored(subject, &tenant, "crm").await;
    assert_eq!(
        (found.state, found.secret_version),
        (ConnectionState::Active, 2)
    );
    assert_eq!(
        stored(subject, &tenant, "second").await.state,
        ConnectionState::Refused
    );
    let again = subject
        .store
        .replace_secret(&tenant, &name("crm"), 3, None, &act())
        .await
        .unwrap();
    assert_eq!((again.released, again.wakes), (0, Vec::new()));
}

pub async fn a_new_secret_changes_only_the_settings_it_brings(subject: &Subject) {
    let tenant = subject.tenant("a");
    let put = connection(&tenant, "crm");
    subject.store.put_connection(&put).await.unwrap();
    let other = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
    for (secret_version, brought, expected) in [
        (2, BTreeMap::new(), &put.settings),
        (3, other.clone(), &other),
    ] {
        let new = NewConnection {
            provider: "crm".to_owned(),
            settings: brought,
        };
        subject
            .store
            .replace_secret(&tenant, &name("crm"), secret_version, Some(&new), &act())
            .await
            .unwrap();
        let found = stored(subject, &tenant, "crm").await;
        assert_eq!(
            (found.version, found.secret_version),
            (secret_version, secret_version)
        );
        assert_eq!(&found.settings, expected);
    }
}

pub async fn a_connection_that_is_not_there_is_not_replaced(subject: &Subject) {
    let tenant = subject.tenant("a");
    let replaced = subject
        .store
        .replace_secret(&tenant, &name("crm"), 2, None, &act())
        .await;
    assert!(
        matches!(replaced, Err(StoreError::NotFound)),
        "{replaced:?}"
    );
}

pub async fn a_secret_that_is_taken_again_releases_what_it_held(subject: &Subject) {
    let tenant = subject.tenant("a");
    let (crm, store) = (name("crm"), &subject.store);
    store
        .put_connection(&connection(&tenant, "crm"))
        .await
        .unwrap();
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let nothing = Released::default();
    let accepted = store.accept_secret(&tenant, &crm, 1).await.unwrap();
    assert_eq!(accepted, nothing, "it never counted as refused");
    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    subject.settle(&job, hold("crm", 1)).await;
    for (name, version) in [("crm", 2), ("other", 1)] {
        let accepted = store
            .accept_secret(&tenant, &self::name(name), version)
            .await;
        assert_eq!(
            accepted.unwrap(),
            nothing,
            "another secret, or no connection"
        );
    }
    let state = stored(subject, &tenant, "crm").await.state;
    assert_eq!(state, ConnectionState::Refused);

    let accepted = store.accept_secret(&tenant, &crm, 1).await.unwrap();
    let row = subject
        .row(&tenant, id, Stage::Dispatch, "crm")
        .await
        .unwrap();
    assert_eq!((accepted.rows, accepted.wakes), (1, vec![row.wake()]));
    assert_eq!(row.state, WorkState::Ready);
    let after = stored(subject, &tenant, "crm").await;
    assert_eq!((after.state, after.version), (ConnectionState::Active, 1));
    assert_eq!(
        store.accept_secret(&tenant, &crm, 1).await.unwrap(),
        nothing
    );
}

pub async fn a_connection_that_is_removed_is_gone_and_holds_nothing(subject: &Subject) {
    let (tenant, other) = (subject.tenant("a"), subject.tenant("b"));
    let (crm, store) = (name("crm"), &subject.store);
    for tenant in [&tenant, &other] {
        store
            .put_connection(&connection(tenant, "crm"))
            .await
            .unwrap();
    }
    let id = subject.qualified(&Lead::new(&tenant, "1"), &["crm"]).await;
    let job = subject.claim(&tenant, id, Stage::Dispatch, "crm").await;
    subject.settle(&job, hold("crm", 1)).await;
    let removed = store
        .remove_connection(&tenant, &crm, &act())
        .await
        .unwrap();
    assert_eq!(removed.rows, 1);
    let row = subject
        .row(&tenant, id, Stage::Dispatch, "crm")
        .await
        .unwrap();
    assert_eq!(row.state, WorkState::Ready);
    assert_eq!(store.connection(&tenant, &crm).await.unwrap(), None);
    assert_eq!(store.connections(&tenant).await.unwrap(), []);
    assert!(store.connection(&other, &crm).await.unwrap().is_some());
    let again = store.remove_connection(&tenant, &crm, &act()).await;
    assert!(matches!(again, Err(StoreError::NotFound)), "{again:?}");
}
