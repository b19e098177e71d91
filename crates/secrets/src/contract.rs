//! What every [`Secrets`] must do, as tests. [`contract_suite!`](crate::contract_suite) runs them against an adapter.
#![expect(clippy::unwrap_used, reason = "tests")]

use domain::TenantId;
use secrecy::{ExposeSecret, SecretString};

use crate::{SecretName, Secrets, SecretsError};

/// Expands to a module of `#[tokio::test]`s. `$make` is the path of an async function without parameters that returns
/// an empty store and whatever must outlive it: `async fn make() -> (impl Secrets, impl Sized)`.
#[macro_export]
macro_rules! contract_suite {
    ($make:path) => {
        $crate::contract_suite!(@tests $make;
            a_stored_secret_is_returned,
            versions_rise_and_old_ones_stay,
            a_missing_secret_is_not_found,
            tenants_do_not_see_each_others_secrets,
            names_are_listed_sorted_and_once,
            a_deleted_secrets_versions_are_never_reused,
            any_text_is_a_secret,
            concurrent_writers_get_different_versions,
        );
    };
    (@tests $make:path; $($name:ident),+ $(,)?) => {
        mod secrets_contract {
            use super::*;
            $(
                #[tokio::test]
                async fn $name() {
                    let (secrets, _guard) = $make().await;
                    $crate::contract::$name(&secrets).await;
                }
            )+
        }
    };
}

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).unwrap()
}

fn name(text: &str) -> SecretName {
    SecretName::new(text).unwrap()
}

async fn put(secrets: &impl Secrets, of: &str, called: &str, value: &str) -> u64 {
    secrets
        .put(&tenant(of), &name(called), &SecretString::from(value))
        .await
        .unwrap()
}

async fn get(
    secrets: &impl Secrets,
    of: &str,
    called: &str,
    version: Option<u64>,
) -> Option<String> {
    match secrets.get(&tenant(of), &name(called), version).await {
        Ok(value) => Some(value.expose_secret().to_owned()),
        Err(SecretsError::NotFound) => None,
        Err(error) => panic!("{error}"),
    }
}

pub async fn a_stored_secret_is_returned(secrets: &impl Secrets) {
    let version = put(secrets, "a", "key", "s3cret").await;
    assert_eq!(
        get(secrets, "a", "key", None).await.as_deref(),
        Some("s3cret")
    );
    assert_eq!(
        get(secrets, "a", "key", Some(version)).await.as_deref(),
        Some("s3cret")
    );
}

pub async fn versions_rise_and_old_ones_stay(secrets: &impl Secrets) {
    let first = put(secrets, "a", "key", "old").await;
    let second = put(secrets, "a", "key", "new").await;
    let third = put(secrets, "a", "key", "new").await;
    assert!(first < second && second < third, "{first} {second} {third}");
    assert_eq!(
        get(secrets, "a", "key", Some(first)).await.as_deref(),
        Some("old")
    );
    assert_eq!(
        get(secrets, "a", "key", Some(second)).await.as_deref(),
        Some("new")
    );
    assert_eq!(get(secrets, "a", "key", None).await.as_deref(), Some("new"));
}

pub async fn a_missing_secret_is_not_found(secrets: &impl Secrets) {
    assert_eq!(get(secrets, "a", "key", None).await, None);
    let version = put(secrets, "a", "key", "s3cret").await;
    assert_eq!(get(secrets, "a", "other", None).await, None);
    assert_eq!(get(secrets, "a", "key", Some(version + 1)).await, None);
    assert_eq!(get(secrets, "a", "key", Some(0)).await, None);
}

pub async fn tenants_do_not_see_each_others_secrets(secrets: &impl Secrets) {
    put(secrets, "a", "key", "of a").await;
    assert_eq!(get(secrets, "b", "key", None).await, None);
    assert_eq!(secrets.list(&tenant("b")).await.unwrap(), []);
    put(secrets, "b", "key", "of b").await;
    secrets.delete(&tenant("b"), &name("key")).await.unwrap();
    assert_eq!(
        get(secrets, "a", "key", None).await.as_deref(),
        Some("of a")
    );
}

pub async fn names_are_listed_sorted_and_once(secrets: &impl Secrets) {
    for called in ["phone", "crm", "phone"] {
        put(secrets, "a", called, "s3cret").await;
    }
    assert_eq!(
        secrets.list(&tenant("a")).await.unwrap(),
        [name("crm"), name("phone")]
    );
}

pub async fn a_deleted_secrets_versions_are_never_reused(secrets: &impl Secrets) {
    let before = put(secrets, "a", "key", "old").await;
    for _ in 0..2 {
        secrets.delete(&tenant("a"), &name("key")).await.unwrap();
        assert_eq!(get(secrets, "a", "key", None).await, None);
        assert_eq!(secrets.list(&tenant("a")).await.unwrap(), []);
    }
    let after = put(secrets, "a", "key", "new").await;
    assert!(after > before, "{before} {after}");
    assert_eq!(get(secrets, "a", "key", Some(before)).await, None);
}

pub async fn any_text_is_a_secret(secrets: &impl Secrets) {
    let long = "x".repeat(60_000);
    for value in [
        "",
        " ",
        "ключ\n\0\"\\",
        "-----BEGIN PRIVATE KEY-----\nMC4=\n",
        long.as_str(),
    ] {
        put(secrets, "a", "key", value).await;
        assert_eq!(get(secrets, "a", "key", None).await.as_deref(), Some(value));
    }
}

pub async fn concurrent_writers_get_different_versions(secrets: &impl Secrets) {
    let (a, b, c) = tokio::join!(
        put(secrets, "a", "key", "1"),
        put(secrets, "a", "key", "2"),
        put(secrets, "a", "key", "3")
    );
    for (version, value) in [(a, "1"), (b, "2"), (c, "3")] {
        assert_eq!(
            get(secrets, "a", "key", Some(version)).await.as_deref(),
            Some(value)
        );
    }
}
