//! Versioned configuration.

use domain::StoreError;
use serde_json::{Value, json};

use super::*;
use crate::{Config, ConfigKind, NewConfig};

fn new(tenant: &TenantId, number: u128, review_from: f64, expected: Option<u64>) -> NewConfig {
    NewConfig {
        tenant: tenant.clone(),
        kind: ConfigKind::Workflow,
        name: office_id(number).to_string(),
        json: json(review_from),
        expected,
        note: format!("from {review_from}"),
    }
}

fn json(review_from: f64) -> Value {
    json!({ "spam": { "review_from": review_from } })
}

async fn put(subject: &Subject, new: &NewConfig) -> Result<u64, StoreError> {
    subject.store.put_config(new, &act()).await
}

async fn newest(subject: &Subject, tenant: &TenantId, number: u128) -> Option<Config> {
    let name = office_id(number).to_string();
    let config = subject
        .store
        .config(tenant, ConfigKind::Workflow, &name, None);
    config.await.unwrap()
}

async fn audited(subject: &Subject, tenant: &TenantId) -> usize {
    let page = subject
        .store
        .audit_log(tenant, &AuditQuery::newest(100))
        .await
        .unwrap();
    page.items.len()
}

pub async fn a_change_adds_a_version(subject: &Subject) {
    let tenant = subject.tenant("a");
    assert_eq!(newest(subject, &tenant, 1).await, None);
    let began = (subject.now)();
    assert_eq!(put(subject, &new(&tenant, 1, 10.5, None)).await.unwrap(), 1);
    subject.wait(SECOND).await;
    assert_eq!(
        put(subject, &new(&tenant, 1, 20.0, Some(1))).await.unwrap(),
        2
    );
    let found = newest(subject, &tenant, 1).await.unwrap();
    let name = office_id(1).to_string();
    let expected = Config {
        tenant: tenant.clone(),
        kind: ConfigKind::Workflow,
        name: name.clone(),
        version: 2,
        json: json(20.0),
        author: act().actor,
        note: "from 20".to_owned(),
        created_at: (subject.now)(),
    };
    assert_eq!(found, expected);
    let version = async |version| {
        let config = subject
            .store
            .config(&tenant, ConfigKind::Workflow, &name, Some(version));
        config.await.unwrap()
    };
    let first = version(1).await.unwrap();
    assert_eq!((first.json, first.created_at), (json(10.5), began));
    assert_eq!(version(3).await, None);
    assert_eq!(audited(subject, &tenant).await, 2);
}

pub async fn an_equal_configuration_adds_no_version(subject: &Subject) {
    let tenant = subject.tenant("a");
    // A whole number, and one of many digits: both must come back as they are.
    for review_from in [50.0, 535.535_705_566_406_2 / 10.0] {
        let new = new(&tenant, 1, review_from, None);
        let version = put(subject, &new).await.unwrap();
        assert_eq!(put(subject, &new).await.unwrap(), version);
        let found = newest(subject, &tenant, 1).await.unwrap();
        assert_eq!((found.version, found.json), (version, new.json));
    }
    assert_eq!(audited(subject, &tenant).await, 2);
}

pub async fn a_change_of_an_older_version_is_told_the_newest(subject: &Subject) {
    let tenant = subject.tenant("a");
    for (review_from, expected) in [(10.0, Some(0)), (20.0, Some(1)), (30.0, None)] {
        put(subject, &new(&tenant, 1, review_from, expected))
            .await
            .unwrap();
    }
    for seen in [0, 2, 4] {
        let refused = put(subject, &new(&tenant, 1, 40.0, Some(seen))).await;
        let is_told = matches!(refused, Err(StoreError::Outdated { current: 3 }));
        assert!(is_told, "{refused:?}");
    }
    let nothing = put(subject, &new(&tenant, 2, 40.0, Some(1))).await;
    let is_told = matches!(nothing, Err(StoreError::Outdated { current: 0 }));
    assert!(is_told, "{nothing:?}");
    assert_eq!(newest(subject, &tenant, 1).await.unwrap().version, 3);
    assert_eq!(audited(subject, &tenant).await, 3);
}

pub async fn of_changes_at_once_one_is_taken(subject: &Subject) {
    let tenant = subject.tenant("a");
    let news = [10.0, 20.0, 30.0, 40.0].map(|from| new(&tenant, 1, from, Some(0)));
    let done = futures::future::join_all(news.iter().map(|new| put(subject, new))).await;
    let taken = done.iter().filter(|result| result.is_ok());
    assert_eq!(taken.count(), 1, "{done:?}");
    let told = done
        .iter()
        .filter(|result| matches!(result, Err(StoreError::Outdated { current: 1 })));
    assert_eq!(told.count(), 3, "{done:?}");
    assert_eq!(newest(subject, &tenant, 1).await.unwrap().version, 1);
}

pub async fn the_newest_of_each_name_is_listed(subject: &Subject) {
    let tenant = subject.tenant("a");
    for (number, review_from) in [(2, 1.0), (1, 2.0), (2, 3.0), (3, 4.0), (2, 5.0)] {
        put(subject, &new(&tenant, number, review_from, None))
            .await
            .unwrap();
    }
    let listed = subject.store.configs(&tenant, ConfigKind::Workflow).await;
    let listed: Vec<_> = listed
        .unwrap()
        .into_iter()
        .map(|config| (config.name, config.version, config.json))
        .collect();
    let expected = [(1, 1, 2.0), (2, 3, 5.0), (3, 1, 4.0)];
    let expected = expected
        .map(|(number, version, from)| (office_id(number).to_string(), version, json(from)));
    assert_eq!(listed, expected);
    let of_another_kind = subject.store.configs(&tenant, ConfigKind::Office).await;
    assert_eq!(of_another_kind.unwrap(), []);
}

pub async fn a_history_is_walked_newest_first(subject: &Subject) {
    let tenant = subject.tenant("a");
    for review_from in 1..=12 {
        put(subject, &new(&tenant, 1, f64::from(review_from), None))
            .await
            .unwrap();
    }
    put(subject, &new(&tenant, 2, 1.0, None)).await.unwrap();
    let name = office_id(1).to_string();
    let (mut walked, mut before) = (Vec::new(), None);
    loop {
        let page = subject
            .store
            .config_history(&tenant, ConfigKind::Workflow, &name, before, 5);
        let page = page.await.unwrap();
        before = page.items.last().map(|config| config.version);
        walked.extend(page.items.into_iter().map(|config| config.version));
        assert_eq!(page.has_more, walked.len() < 12);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(walked, (1..=12).rev().collect::<Vec<_>>());
}

pub async fn a_fault_is_named_and_nothing_is_written(subject: &Subject) {
    let tenant = subject.tenant("a");
    let valid = new(&tenant, 1, 10.0, None);
    let faulty = |kind, name: &str, json: Value| NewConfig {
        kind,
        name: name.to_owned(),
        json,
        ..valid.clone()
    };
    let id = office_id(1).to_string();
    for (new, fault) in [
        (
            faulty(ConfigKind::Workflow, &id, json!({ "spma": 1 })),
            "spma",
        ),
        (
            faulty(ConfigKind::Workflow, &id, json(101.0)),
            "spam.review_from",
        ),
        (
            faulty(
                ConfigKind::Office,
                &id,
                json!({ "name": "Austin", "zone": 1 }),
            ),
            "zone: not a field",
        ),
        (faulty(ConfigKind::Office, &id, json!([])), "an object with"),
        (
            faulty(
                ConfigKind::Office,
                &id,
                json!({ "name": "Austin", "time_zone": "America/Austin" }),
            ),
            "time_zone",
        ),
        (
            faulty(ConfigKind::Office, "austin", json!({ "name": "Austin" })),
            "ofc_",
        ),
        (
            faulty(ConfigKind::Workflow, &"n".repeat(129), json(1.0)),
            "128 characters",
        ),
    ] {
        let refused = put(subject, &new).await;
        let Err(StoreError::Conflict(reason)) = refused else {
            panic!("it was taken: {refused:?}")
        };
        assert!(reason.contains(fault), "{reason}");
    }
    assert_eq!(newest(subject, &tenant, 1).await, None);
    assert_eq!(audited(subject, &tenant).await, 0);
}

pub async fn a_configuration_is_its_tenants_own(subject: &Subject) {
    let (owner, other) = (subject.tenant("a"), subject.tenant("b"));
    let (kind, name) = (ConfigKind::Workflow, office_id(1).to_string());
    for review_from in [10.0, 20.0] {
        put(subject, &new(&owner, 1, review_from, None))
            .await
            .unwrap();
    }
    let store = &subject.store;
    assert_eq!(newest(subject, &other, 1).await, None);
    assert_eq!(store.configs(&other, kind).await.unwrap(), []);
    let history = store.config_history(&other, kind, &name, None, 10).await;
    assert!(history.unwrap().items.is_empty());
    // Versions are counted within a tenant.
    let first = put(subject, &new(&other, 1, 10.0, Some(0))).await;
    assert_eq!(first.unwrap(), 1);
    assert_eq!(newest(subject, &owner, 1).await.unwrap().version, 2);
}

/// Only the source knows the shape of its settings; here they are an object, named by the source.
pub async fn settings_of_a_source_have_versions_of_their_own(subject: &Subject) {
    let tenant = subject.tenant("a");
    let source = domain::SourceId::from_uuid(uuid::Uuid::from_u128(7));
    let settings = |json: Value, expected| NewConfig {
        tenant: tenant.clone(),
        kind: ConfigKind::Source,
        name: source.to_string(),
        json,
        expected,
        note: String::new(),
    };
    let read = async || {
        let read = crate::configs::source_settings(&*subject.store, &tenant, source);
        read.await.unwrap()
    };
    assert_eq!(read().await, json!({}), "nobody has saved any");
    let first = settings(json!({ "mapping": { "name": ["who"] } }), Some(0));
    assert_eq!(put(subject, &first).await.unwrap(), 1);
    assert_eq!(put(subject, &first).await.unwrap_err().to_string(), {
        StoreError::Outdated { current: 1 }.to_string()
    });
    let second = settings(json!({ "mapping": {} }), Some(1));
    assert_eq!(put(subject, &second).await.unwrap(), 2);
    assert_eq!(read().await, second.json);
    for refused in [
        settings(json!([]), None),
        settings(json!({ "mapping": "x".repeat(70_000) }), None),
        NewConfig {
            name: office_id(1).to_string(),
            ..second.clone()
        },
    ] {
        let error = put(subject, &refused).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    }
    assert_eq!(read().await, second.json);
    let workflow = subject.store.configs(&tenant, ConfigKind::Workflow).await;
    assert_eq!(workflow.unwrap(), []);
}

/// Only the connector knows the shape of a mapping; here it is an object, named by the connection.
pub async fn a_mapping_has_versions_of_its_own(subject: &Subject) {
    let tenant = subject.tenant("a");
    let mapping = |json: Value, expected| NewConfig {
        tenant: tenant.clone(),
        kind: ConfigKind::Mapping,
        name: "crm".to_owned(),
        json,
        expected,
        note: "why".to_owned(),
    };
    let first = mapping(
        json!({ "fields": { "deals": { "city": "property.city" } } }),
        Some(0),
    );
    assert_eq!(put(subject, &first).await.unwrap(), 1);
    let second = mapping(json!({ "fields": {} }), Some(1));
    assert_eq!(put(subject, &second).await.unwrap(), 2);
    let read = |version| {
        subject
            .store
            .config(&tenant, ConfigKind::Mapping, "crm", version)
    };
    assert_eq!(read(None).await.unwrap().unwrap().json, second.json);
    let old = read(Some(1)).await.unwrap().unwrap();
    assert_eq!((&old.json, old.note.as_str()), (&first.json, "why"));
    let another = subject.tenant("b");
    let other = subject
        .store
        .config(&another, ConfigKind::Mapping, "crm", None);
    assert_eq!(
        other.await.unwrap(),
        None,
        "another tenant's connection of the same name"
    );
    for refused in [
        mapping(json!([]), None),
        mapping(json!({ "fields": "x".repeat(300_000) }), None),
        NewConfig {
            name: "No Connection".to_owned(),
            ..second.clone()
        },
    ] {
        let error = put(subject, &refused).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    }
    assert_eq!(read(None).await.unwrap().unwrap().version, 2);
}
