//! Tenants and their offices.

use domain::{Destination, Office, StoreError, Tenant, TenantStatus, WorkflowConfig};

use super::*;
use crate::{ConfigKind, NewConfig, Source, SourceChange, SourceState};

pub(super) fn office(tenant: &TenantId, number: u128) -> Office {
    Office {
        id: office_id(number),
        tenant: tenant.clone(),
        name: "Austin".to_owned(),
        address: "1 Congress Ave".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        config: WorkflowConfig::default(),
        config_version: 0,
    }
}

async fn version(subject: &Subject, tenant: &TenantId) -> u64 {
    subject.store.offices(tenant).await.unwrap()[0].config_version
}

pub async fn a_tenant_is_created_and_changed(subject: &Subject) {
    let id = subject.tenant("a");
    assert_eq!(subject.store.tenant(&id).await.unwrap(), None);
    for (name, status) in [
        ("One", TenantStatus::Active),
        ("Two", TenantStatus::Suspended),
    ] {
        let tenant = Tenant {
            id: id.clone(),
            name: name.to_owned(),
            status,
        };
        subject.store.put_tenant(&tenant).await.unwrap();
        assert_eq!(subject.store.tenant(&id).await.unwrap(), Some(tenant));
    }
}

pub async fn a_configurations_version_grows_only_with_a_change(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mut put = office(&tenant, 1);
    subject.store.put_office(&put).await.unwrap();
    assert_eq!(version(subject, &tenant).await, 1);
    put.name = "Round Rock".to_owned();
    subject.store.put_office(&put).await.unwrap();
    assert_eq!(version(subject, &tenant).await, 1);
    put.config.destinations.push(Destination {
        connector: "crm".to_owned(),
        connection: name("crm"),
    });
    subject.store.put_office(&put).await.unwrap();
    subject.store.put_office(&put).await.unwrap();
    put.config_version = 2;
    assert_eq!(subject.store.offices(&tenant).await.unwrap(), [put]);
}

pub async fn a_configuration_that_is_not_valid_is_refused(subject: &Subject) {
    let tenant = subject.tenant("a");
    let valid = office(&tenant, 1);
    subject.store.put_office(&valid).await.unwrap();
    let mut broken = valid.clone();
    broken.name = "Broken".to_owned();
    broken.config.spam.review_from = 101.0;
    let refused = subject.store.put_office(&broken).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    let offices = subject.store.offices(&tenant).await.unwrap();
    assert_eq!((offices.len(), &offices[0].name), (1, &valid.name));
}

pub async fn a_removed_office_is_listed_no_more_and_its_requests_keep_it(subject: &Subject) {
    let tenant = subject.tenant("a");
    subject
        .store
        .put_tenant(&Tenant {
            id: tenant.clone(),
            name: "One".to_owned(),
            status: TenantStatus::Active,
        })
        .await
        .unwrap();
    for (number, zone) in [(1, "America/Chicago"), (2, "America/Denver")] {
        let put = Office {
            time_zone: zone.to_owned(),
            ..office(&tenant, number)
        };
        subject.store.put_office(&put).await.unwrap();
    }
    let name = office_id(1).to_string();
    let known = subject
        .store
        .config(&tenant, ConfigKind::Office, &name, None);
    let known = known.await.unwrap().unwrap();
    let new = NewConfig {
        tenant: tenant.clone(),
        kind: ConfigKind::Office,
        name,
        json: known.removed(),
        expected: Some(known.version),
        note: String::new(),
    };
    subject.store.put_config(&new, &act()).await.unwrap();
    let offices = subject.store.offices(&tenant).await.unwrap();
    let ids: Vec<_> = offices.iter().map(|office| office.id).collect();
    assert_eq!(ids, [office_id(2)]);
    for (office, zone) in [
        (Some(office_id(1)), "America/Chicago"),
        (None, "America/Denver"),
    ] {
        let delivery = Delivery {
            office,
            ..Lead::new(&tenant, zone).delivery()
        };
        let accepted = subject.store.accept(delivery).await.unwrap();
        let id = accepted.request().unwrap();
        let job = subject.claim(&tenant, id, FIRST, "").await;
        assert_eq!(job.config.time_zone, zone, "{office:?}");
    }
}

pub async fn offices_are_listed_as_they_were_created(subject: &Subject) {
    let tenant = subject.tenant("a");
    for number in [3, 1, 2] {
        subject
            .store
            .put_office(&office(&tenant, number))
            .await
            .unwrap();
        subject.wait(SECOND).await;
    }
    // A change makes none younger.
    let mut moved = office(&tenant, 3);
    moved.time_zone = "America/Denver".to_owned();
    subject.store.put_office(&moved).await.unwrap();
    let offices = subject.store.offices(&tenant).await.unwrap();
    let ids: Vec<_> = offices.iter().map(|office| office.id).collect();
    assert_eq!(ids, [office_id(3), office_id(1), office_id(2)]);
    // Requests of a source without an office are the first one's, too.
    let accepted = subject
        .store
        .accept(Lead::new(&tenant, "lead").delivery())
        .await
        .unwrap();
    let id = accepted.request().unwrap();
    let job = subject.claim(&tenant, id, FIRST, "").await;
    assert_eq!(job.config.time_zone, "America/Denver");
}

pub async fn an_office_is_not_removed_while_something_leads_to_it(subject: &Subject) {
    let store = &subject.store;
    let tenant = super::handles::tenant(subject, "a").await;
    let (first, second) = (office(&tenant, 1), office(&tenant, 2));
    let act = act();
    for office in [&first, &second] {
        store.put_office(office).await.unwrap();
    }
    let known = async |kind, id: &Office| {
        let found = store.config(&tenant, kind, &id.id.to_string(), None).await;
        found.unwrap().unwrap()
    };
    let write = async |kind, id: &Office, json| {
        let new = NewConfig {
            tenant: tenant.clone(),
            kind,
            name: id.id.to_string(),
            json,
            expected: None,
            note: String::new(),
        };
        store.put_config(&new, &act).await
    };
    let remove = async |id| {
        let json = known(ConfigKind::Office, id).await.removed();
        write(ConfigKind::Office, id, json).await
    };
    let source = |number, office: &Office| Source {
        office: Some(office.id),
        ..super::handles::source(subject, &tenant, number)
    };
    store
        .create_source(&source(1, &second), &act)
        .await
        .unwrap();
    let refused = remove(&second).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    // Of a source that is made and a removal at the same moment, one is refused.
    let (made, removed) = (source(2, &first), remove(&first));
    let (made, removed) = futures::join!(store.create_source(&made, &act), removed);
    assert!(made.is_ok() != removed.is_ok(), "{made:?} {removed:?}");
    if removed.is_ok() {
        // The one that is left stays, whatever leads to it.
        store
            .change_source(
                &tenant,
                source(1, &second).id,
                SourceChange::SetState(SourceState::Disabled),
                &act,
            )
            .await
            .unwrap();
        let last = remove(&second).await;
        assert!(matches!(last, Err(StoreError::Conflict(_))), "{last:?}");
        let later = store.create_source(&source(3, &first), &act).await;
        assert!(matches!(later, Err(StoreError::NotFound)), "{later:?}");
        let json = serde_json::json!({});
        let configured = write(ConfigKind::Workflow, &first, json).await;
        assert!(
            matches!(configured, Err(StoreError::Conflict(_))),
            "{configured:?}"
        );
    }
}

pub async fn an_office_is_not_removed_while_a_request_of_it_is_under_way(subject: &Subject) {
    let store = &subject.store;
    let tenant = super::handles::tenant(subject, "a").await;
    let (first, second) = (office(&tenant, 1), office(&tenant, 2));
    for office in [&first, &second] {
        store.put_office(office).await.unwrap();
    }
    let delivery = Delivery {
        office: Some(second.id),
        ..Lead::new(&tenant, "lead").delivery()
    };
    let accepted = store.accept(delivery).await.unwrap();
    let name = second.id.to_string();
    let known = store.config(&tenant, ConfigKind::Office, &name, None).await;
    let removal = NewConfig {
        tenant: tenant.clone(),
        kind: ConfigKind::Office,
        name,
        json: known.unwrap().unwrap().removed(),
        expected: None,
        note: String::new(),
    };
    let refused = store.put_config(&removal, &act()).await;
    let Err(StoreError::Conflict(reason)) = refused else {
        panic!("it was removed: {refused:?}");
    };
    assert!(reason.contains("under way, 1 in all"), "{reason}");
    let id = accepted.request().unwrap();
    subject.qualify(&tenant, id, &["crm"]).await;
    let pushed = |request: &_| dispatched(request, "crm");
    subject
        .run(&tenant, id, Stage::Dispatch, "crm", pushed)
        .await;
    subject
        .run(&tenant, id, Stage::Notification, "", notified)
        .await;
    store.put_config(&removal, &act()).await.unwrap();
}
