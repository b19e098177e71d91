//! Secret Manager as the store of tenants' credentials.

use std::time::Duration;

use domain::TenantId;
use google::{SecretManager, SecretManagerConfig, Tokens};
use secrecy::{ExposeSecret as _, SecretString};
use secrets::{SecretName, Secrets as _, SecretsError};
use serde_json::json;
use simulators::{Fault, Simulators};
use testkit::StoppedTime;

use crate::{bad_token, good_token, http, start};

secrets::contract_suite!(global);

mod regional {
    use super::regional;

    secrets::contract_suite!(regional);
}

mod without_cache {
    use super::uncached;

    secrets::contract_suite!(uncached);
}

fn store(
    simulators: &Simulators,
    tokens: Tokens,
    change: impl FnOnce(&mut SecretManagerConfig),
) -> SecretManager {
    let mut config = SecretManagerConfig {
        base_url: simulators.secret_manager().base_url().parse().unwrap(),
        project: "demo-project".to_owned(),
        location: None,
        prefix: "test".to_owned(),
        fresh_for: Duration::from_secs(300),
    };
    change(&mut config);
    SecretManager::new(http(), tokens, &config)
}

async fn global() -> (SecretManager, Simulators) {
    let simulators = start().await;
    (store(&simulators, good_token(), |_| {}), simulators)
}

async fn regional() -> (SecretManager, Simulators) {
    let simulators = start().await;
    let secrets = store(&simulators, good_token(), |config| {
        config.location = Some("europe-west3".to_owned());
    });
    (secrets, simulators)
}

/// Asks every time.
async fn uncached() -> (SecretManager, Simulators) {
    let simulators = start().await;
    let secrets = store(&simulators, good_token(), |config| {
        config.fresh_for = Duration::ZERO;
    });
    (secrets, simulators)
}

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).unwrap()
}

fn name(text: &str) -> SecretName {
    SecretName::new(text).unwrap()
}

async fn put(secrets: &SecretManager, value: &str) -> u64 {
    let value = SecretString::from(value);
    secrets
        .put(&tenant("acme"), &name("hubspot"), &value)
        .await
        .unwrap()
}

async fn get(secrets: &SecretManager, version: Option<u64>) -> Result<String, SecretsError> {
    let value = secrets
        .get(&tenant("acme"), &name("hubspot"), version)
        .await?;
    Ok(value.expose_secret().to_owned())
}

fn accesses(simulators: &Simulators) -> usize {
    let requests = simulators.secret_manager().requests();
    requests
        .iter()
        .filter(|request| request.path.ends_with(":access"))
        .count()
}

#[tokio::test]
async fn a_secret_has_a_name_of_its_own_and_a_label() {
    let (secrets, simulators) = global().await;
    put(&secrets, "s3cret").await;
    assert_eq!(
        simulators.secret_manager().secrets(),
        [json!({
            "name": "projects/demo-project/secrets/test-t-4-acme-hubspot",
            "labels": { "tenant": "acme" },
            "versions": ["ENABLED"],
        })]
    );
}

#[tokio::test]
async fn two_names_never_meet() {
    let (secrets, simulators) = global().await;
    let pairs = [
        ("a", "b-c"),
        ("a-b", "c"),
        ("a-1-b", "c"),
        ("a", "1-b-c"),
        ("1-a", "b-c"),
    ];
    for (of, called) in pairs {
        let value = SecretString::from(format!("{of}/{called}"));
        assert_eq!(
            secrets
                .put(&tenant(of), &name(called), &value)
                .await
                .unwrap(),
            1
        );
    }
    assert_eq!(simulators.secret_manager().secrets().len(), pairs.len());
    for (of, called) in pairs {
        let value = secrets
            .get(&tenant(of), &name(called), Some(1))
            .await
            .unwrap();
        assert_eq!(value.expose_secret(), format!("{of}/{called}"));
        assert!(
            secrets
                .list(&tenant(of))
                .await
                .unwrap()
                .contains(&name(called))
        );
    }
    assert_eq!(
        secrets.list(&tenant("a")).await.unwrap(),
        [name("1-b-c"), name("b-c")]
    );
}

#[tokio::test]
async fn the_longest_names_are_taken() {
    let simulators = start().await;
    let longest = "x".repeat(63);
    let secrets = store(&simulators, good_token(), |config| {
        config.prefix = "p".repeat(32);
    });
    let value = SecretString::from("s3cret");
    secrets
        .put(&tenant(&longest), &name(&longest), &value)
        .await
        .unwrap();
    assert_eq!(
        secrets.list(&tenant(&longest)).await.unwrap(),
        [name(&longest)]
    );
}

#[tokio::test]
async fn a_value_is_asked_for_once_while_it_is_fresh_whoever_asks() {
    let (writer, simulators) = global().await;
    let version = put(&writer, "s3cret").await;
    let reader = store(&simulators, good_token(), |_| {});
    let (a, b, c) = tokio::join!(get(&reader, None), get(&reader, None), get(&reader, None));
    assert_eq!([a.unwrap(), b.unwrap(), c.unwrap()], ["s3cret"; 3]);
    assert_eq!(get(&reader, Some(version)).await.unwrap(), "s3cret");
    assert_eq!(accesses(&simulators), 1);
}

#[tokio::test]
async fn a_rotation_needs_no_restart() {
    let (writer, simulators) = global().await;
    let reader = store(&simulators, good_token(), |config| {
        config.fresh_for = Duration::from_millis(1);
    });
    put(&writer, "old").await;
    assert_eq!(get(&reader, None).await.unwrap(), "old");
    put(&writer, "new").await;
    assert_eq!(get(&writer, None).await.unwrap(), "new");
    let seen = async { while get(&reader, None).await.unwrap() != "new" {} };
    tokio::time::timeout(Duration::from_secs(60), seen)
        .await
        .unwrap();
    assert_eq!(get(&reader, Some(1)).await.unwrap(), "old");
}

#[tokio::test]
async fn an_older_value_is_used_while_secret_manager_is_out_of_order() {
    // The pause does not end.
    let _time = StoppedTime::begin();
    let (secrets, simulators) = uncached().await;
    let version = put(&secrets, "s3cret").await;
    let simulator = simulators.secret_manager();
    for fault in [Fault::Status(503), Fault::RateLimit, Fault::ResetAfterWrite] {
        simulator.always(fault.clone());
        assert_eq!(get(&secrets, None).await.unwrap(), "s3cret", "{fault:?}");
        let asked = accesses(&simulators);
        assert_eq!(
            get(&secrets, Some(version)).await.unwrap(),
            "s3cret",
            "{fault:?}"
        );
        assert_eq!(accesses(&simulators), asked, "it is left alone for a while");
        let error = secrets
            .get(&tenant("acme"), &name("other"), None)
            .await
            .unwrap_err();
        assert!(matches!(error, SecretsError::Store(_)), "{error:?}");
        simulator.clear_faults();
        put(&secrets, "s3cret").await;
    }
}

#[tokio::test]
async fn a_lost_permission_ends_the_use_and_names_the_role() {
    let (secrets, simulators) = uncached().await;
    put(&secrets, "s3cret").await;
    simulators.secret_manager().always(Fault::Status(403));
    let text = get(&secrets, None).await.unwrap_err().to_string();
    assert!(
        text.contains("roles/secretmanager.secretAccessor"),
        "{text}"
    );
    assert!(text.contains("`test-t-4-acme-hubspot`"), "{text}");

    let strict = start_strict().await;
    let stranger = store(&strict, bad_token(), |_| {});
    let value = SecretString::from("s3cret");
    let error = stranger
        .put(&tenant("acme"), &name("hubspot"), &value)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("roles/secretmanager.admin"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
}

async fn start_strict() -> Simulators {
    let mut config = simulators::Config::default();
    config.of::<simulators::secret_manager::Config>().tokens =
        vec![simulators::GOOGLE_TOKEN.to_owned()];
    Simulators::start(config).await.unwrap()
}

#[tokio::test]
async fn an_altered_value_is_fetched_again_and_never_returned() {
    let (secrets, simulators) = uncached().await;
    put(&secrets, "s3cret").await;
    let simulator = simulators.secret_manager();
    simulator.answer_next(Fault::Altered);
    assert_eq!(get(&secrets, None).await.unwrap(), "s3cret");
    simulator.answer_next_to("GET", Fault::Altered, 2);
    let error = get(&secrets, None).await.unwrap_err();
    assert!(matches!(error, SecretsError::Damaged), "{error:?}");
    simulator.answer_next_to("POST", Fault::Altered, 1);
    let value = SecretString::from("other");
    let error = secrets
        .put(&tenant("acme"), &name("hubspot"), &value)
        .await
        .unwrap_err();
    assert!(matches!(error, SecretsError::Store(_)), "{error:?}");
    assert_eq!(get(&secrets, None).await.unwrap(), "s3cret");
}

#[tokio::test]
async fn a_version_that_is_disabled_elsewhere_is_not_given_out() {
    let (secrets, simulators) = uncached().await;
    let version = put(&secrets, "s3cret").await;
    let url = format!(
        "{}/v1/projects/demo-project/secrets/test-t-4-acme-hubspot/versions/{version}:disable",
        simulators.secret_manager().base_url()
    );
    let token = good_token().bearer().await.unwrap();
    let answer = http()
        .post(url)
        .bearer(&token)
        .json(&json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status.as_u16(), 200);
    for asked in [None, Some(version)] {
        let error = get(&secrets, asked).await.unwrap_err();
        assert!(matches!(error, SecretsError::NotFound), "{error:?}");
    }
}

#[tokio::test]
async fn a_value_that_is_too_long_is_refused_here() {
    let (secrets, simulators) = global().await;
    let value = SecretString::from("x".repeat(64 * 1024 + 1));
    let error = secrets
        .put(&tenant("acme"), &name("hubspot"), &value)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("65536 bytes"), "{error}");
    assert_eq!(simulators.secret_manager().requests(), []);
}

#[tokio::test]
async fn nothing_that_is_shown_holds_a_value() {
    let (secrets, simulators) = global().await;
    put(&secrets, "s3cret").await;
    get(&secrets, None).await.unwrap();
    let simulator = simulators.secret_manager();
    let shown = format!(
        "{secrets:?} {:?} {:?}",
        simulator.requests(),
        simulator.secrets()
    );
    assert!(
        !shown.contains("s3cret") && !shown.contains("czNjcmV0"),
        "{shown}"
    );
}
