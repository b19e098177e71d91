//! Where webhooks come from.

use domain::{StoreError, Tenant, TenantStatus};
use serde_json::json;

use super::*;
use crate::{
    Config, ConfigKind, NewConfig, Source, SourceChange, SourceState, SourceTest, SourceUpdate,
    TokenHash,
};

async fn put_tenant(subject: &Subject, id: &TenantId, status: TenantStatus) {
    let tenant = Tenant {
        id: id.clone(),
        name: "Company".to_owned(),
        status,
    };
    subject.store.put_tenant(&tenant).await.unwrap();
}

/// A source of an active tenant, not stored yet.
async fn source(subject: &Subject, tenant: &str, number: u128) -> Source {
    let tenant = subject.tenant(tenant);
    put_tenant(subject, &tenant, TenantStatus::Active).await;
    Source {
        id: SourceId::from_uuid(Uuid::from_u128(number)),
        tenant,
        provider: "leads".to_owned(),
        office: Some(office_id(1)),
        connection: None,
        token: Some(token(subject, number)),
        accounts: vec![account(subject, number)],
        key_names: vec!["new".to_owned(), "old".to_owned()],
        schemes: vec!["hmac_sha1".to_owned()],
        state: SourceState::Active,
        name: None,
        version: 1,
    }
}

fn token(subject: &Subject, number: u128) -> TokenHash {
    TokenHash::of(&format!("{}token-{number}", subject.scope))
}

fn account(subject: &Subject, number: u128) -> String {
    format!("{}COM{number}", subject.scope)
}

async fn by_token(subject: &Subject, number: u128) -> Option<Source> {
    let found = subject
        .store
        .source_by_token_across_tenants(&token(subject, number))
        .await;
    found.unwrap()
}

async fn by_account(subject: &Subject, number: u128) -> Option<Source> {
    let found = subject
        .store
        .source_by_account_across_tenants("leads", &account(subject, number))
        .await;
    found.unwrap()
}

pub async fn a_source_is_found_by_its_token_and_its_accounts(subject: &Subject) {
    let mut put = source(subject, "a", 1).await;
    // The same id in two forms, one of them twice.
    put.accounts = [1, 2, 2].map(|number| account(subject, number)).to_vec();
    subject.store.put_source(&put).await.unwrap();
    let put = Some(put);
    assert_eq!(by_token(subject, 1).await, put);
    assert_eq!(by_account(subject, 1).await, put);
    assert_eq!(by_account(subject, 2).await, put);
    assert_eq!(by_token(subject, 2).await, None);
    assert_eq!(by_account(subject, 3).await, None);
}

pub async fn a_changed_source_is_found_by_what_it_has_now(subject: &Subject) {
    let mut put = source(subject, "a", 1).await;
    subject.store.put_source(&put).await.unwrap();
    put.token = Some(token(subject, 2));
    put.accounts = vec![account(subject, 2)];
    put.key_names.clear();
    put.schemes.clear();
    put.office = None;
    subject.store.put_source(&put).await.unwrap();
    assert_eq!(by_token(subject, 1).await, None);
    assert_eq!(by_account(subject, 1).await, None);
    assert_eq!(by_token(subject, 2).await.as_ref(), Some(&put));
    assert_eq!(by_account(subject, 2).await.as_ref(), Some(&put));
    assert_eq!(subject.store.sources(&put.tenant).await.unwrap(), [put]);
}

pub async fn a_suspended_tenants_sources_are_not_found(subject: &Subject) {
    let put = source(subject, "a", 1).await;
    subject.store.put_source(&put).await.unwrap();
    put_tenant(subject, &put.tenant, TenantStatus::Suspended).await;
    assert_eq!(by_token(subject, 1).await, None);
    assert_eq!(by_account(subject, 1).await, None);
    put_tenant(subject, &put.tenant, TenantStatus::Active).await;
    assert_eq!(by_token(subject, 1).await, Some(put));
}

pub async fn a_disabled_source_is_not_found(subject: &Subject) {
    let mut put = source(subject, "a", 1).await;
    put.state = SourceState::Disabled;
    subject.store.put_source(&put).await.unwrap();
    assert_eq!(by_token(subject, 1).await, None);
    assert_eq!(by_account(subject, 1).await, None);
    assert_eq!(subject.store.sources(&put.tenant).await.unwrap(), [put]);
}

pub async fn a_source_names_the_connection_of_its_api(subject: &Subject) {
    let mut put = source(subject, "a", 1).await;
    assert_eq!(put.connection_name(), name("leads"), "its provider's");
    put.connection = Some(name("second-account"));
    subject.store.put_source(&put).await.unwrap();
    let found = by_token(subject, 1).await.unwrap();
    assert_eq!(found.connection_name(), name("second-account"));
    assert_eq!(found, put);
}

pub async fn an_account_belongs_to_one_source(subject: &Subject) {
    let first = source(subject, "a", 1).await;
    subject.store.put_source(&first).await.unwrap();
    for tenant in ["a", "b"] {
        let mut second = source(subject, tenant, 2).await;
        second.accounts.push(account(subject, 1));
        let refused = subject.store.put_source(&second).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict(_))),
            "{refused:?}"
        );
    }
    assert_eq!(by_account(subject, 1).await, Some(first));
    assert_eq!(
        by_account(subject, 2).await,
        None,
        "nothing of it was written"
    );
    assert_eq!(by_token(subject, 2).await, None);
}

pub async fn a_token_belongs_to_one_source(subject: &Subject) {
    let first = source(subject, "a", 1).await;
    subject.store.put_source(&first).await.unwrap();
    let mut second = source(subject, "b", 2).await;
    second.token = first.token;
    let refused = subject.store.put_source(&second).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    assert_eq!(by_token(subject, 1).await, Some(first));
}

pub async fn the_same_account_at_another_provider_is_another(subject: &Subject) {
    let first = source(subject, "a", 1).await;
    let mut second = source(subject, "b", 2).await;
    second.provider = "bookings".to_owned();
    second.accounts = first.accounts.clone();
    subject.store.put_source(&first).await.unwrap();
    subject.store.put_source(&second).await.unwrap();
    let found = subject
        .store
        .source_by_account_across_tenants("bookings", &account(subject, 1))
        .await;
    assert_eq!(found.unwrap(), Some(second));
    assert_eq!(by_account(subject, 1).await, Some(first));
}

pub async fn the_last_test_of_a_source_is_kept_beside_it(subject: &Subject) {
    let store = &subject.store;
    let put = source(subject, "a", 1).await;
    store.put_source(&put).await.unwrap();
    let (tenant, id) = (put.tenant.clone(), put.id);
    assert_eq!(store.source_test(&tenant, id).await.unwrap(), None);
    let test = |fault: Option<&str>| SourceTest {
        at: (subject.now)(),
        fault: fault.map(str::to_owned),
    };
    for noted in [test(Some("nobody answers")), test(None)] {
        store.note_source_test(&tenant, id, &noted).await.unwrap();
        // A change of the source is none of its test, nor the other way round.
        store.put_source(&put).await.unwrap();
        let last = store.source_test(&tenant, id).await.unwrap();
        assert_eq!(last, Some(noted));
    }
    assert_eq!(by_token(subject, 1).await, Some(put));
    let other = subject.tenant("b");
    let foreign = store.note_source_test(&other, id, &test(None)).await;
    assert!(matches!(foreign, Err(StoreError::NotFound)), "{foreign:?}");
    assert_eq!(store.source_test(&other, id).await.unwrap(), None);
}

pub async fn each_version_of_a_source_is_kept(subject: &Subject) {
    let store = &subject.store;
    let tenant = super::handles::tenant(subject, "a").await;
    let made = Source {
        office: None,
        ..super::handles::source(subject, &tenant, 1)
    };
    let (kind, name) = (ConfigKind::SourceVersion, made.id.to_string());
    let act = act();
    store.create_source(&made, &act).await.unwrap();
    subject.wait(SECOND).await;
    let update = |expected, name: &str| {
        SourceChange::Update(SourceUpdate {
            expected,
            name: Some(name.to_owned()),
            office: None,
            accounts: made.accounts.clone(),
        })
    };
    for change in [
        update(1, "Website"),
        SourceChange::SetState(SourceState::Disabled),
    ] {
        let changed = store.change_source(&tenant, made.id, change, &act).await;
        changed.unwrap();
    }
    let refused = store.change_source(&tenant, made.id, update(1, "Late"), &act);
    assert!(matches!(
        refused.await,
        Err(StoreError::Outdated { current: 3 })
    ));
    let history = store.config_history(&tenant, kind, &name, None, 10).await;
    let history = history.unwrap().items;
    let said = |config: &Config| {
        let (name, state) = (config.json["name"].clone(), config.json["state"].clone());
        (config.version, name, state, config.author.clone())
    };
    let actor = act.actor.clone();
    assert_eq!(
        history.iter().map(said).collect::<Vec<_>>(),
        [
            (3, json!("Website"), json!("disabled"), actor.clone()),
            (2, json!("Website"), json!("active"), actor.clone()),
            (1, json!(null), json!("active"), actor),
        ]
    );
    assert!(history[2].created_at < history[1].created_at);
    // What an older build made has no history: what it was before its first change is kept then.
    let older = super::handles::source(subject, &tenant, 2);
    let older = Source {
        office: None,
        version: 4,
        ..older
    };
    store.put_source(&older).await.unwrap();
    let disabled = SourceChange::SetState(SourceState::Disabled);
    store
        .change_source(&tenant, older.id, disabled, &act)
        .await
        .unwrap();
    let before = store
        .config(&tenant, kind, &older.id.to_string(), Some(4))
        .await;
    let before = before.unwrap().unwrap();
    assert_eq!(
        (&before.json["state"], &*before.author),
        (&json!("active"), "")
    );
    // Nobody writes it beside the source.
    let new = NewConfig {
        tenant: tenant.clone(),
        kind,
        name,
        json: json!({}),
        expected: None,
        note: String::new(),
    };
    let beside = store.put_config(&new, &act).await;
    assert!(matches!(beside, Err(StoreError::Conflict(_))), "{beside:?}");
}
