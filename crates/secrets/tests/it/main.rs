//! Secrets in a sealed file.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use domain::TenantId;
use secrecy::{ExposeSecret as _, SecretString};
use secrets::{
    KeyFileError, KeySource, OpenError, SealedSecrets, SecretName, Secrets as _, SecretsError,
};
use tempfile::TempDir;

secrets::contract_suite!(open);

async fn open() -> (SealedSecrets, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (
        SealedSecrets::open(folder.path(), KeySource::File)
            .await
            .unwrap(),
        folder,
    )
}

/// A folder that holds one secret, and is closed again.
async fn with_a_secret() -> TempDir {
    let (secrets, folder) = open().await;
    put(&secrets, "s3cret").await;
    folder
}

async fn put(secrets: &SealedSecrets, value: &str) {
    secrets
        .put(&tenant(), &name(), &SecretString::from(value))
        .await
        .unwrap();
}

async fn get(secrets: &SealedSecrets) -> String {
    secrets
        .get(&tenant(), &name(), None)
        .await
        .unwrap()
        .expose_secret()
        .to_owned()
}

fn tenant() -> TenantId {
    TenantId::new("tenant_demo").unwrap()
}

fn name() -> SecretName {
    SecretName::new("hubspot").unwrap()
}

fn key_file(folder: &TempDir) -> PathBuf {
    folder.path().join("keys/sealing.key")
}

fn sealed_file(folder: &TempDir) -> PathBuf {
    folder.path().join("secrets/sealed.json")
}

fn given(byte: u8) -> KeySource {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    KeySource::Given(STANDARD.encode([byte; 32]).into())
}

async fn refusal(folder: &TempDir, key: KeySource) -> OpenError {
    SealedSecrets::open(folder.path(), key).await.unwrap_err()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_first_start_creates_a_key_for_its_owner_alone() {
    let folder = with_a_secret().await;
    assert_eq!(mode(&key_file(&folder)), 0o600);
    assert_eq!(mode(&folder.path().join("keys")), 0o700);
    assert_eq!(mode(&sealed_file(&folder)), 0o600);
    assert_eq!(mode(&folder.path().join("secrets")), 0o700);
}

#[tokio::test]
async fn secrets_survive_a_restart() {
    let folder = with_a_secret().await;
    let again = SealedSecrets::open(folder.path(), KeySource::File)
        .await
        .unwrap();
    assert_eq!(get(&again).await, "s3cret");
}

#[tokio::test]
async fn a_key_from_a_setting_leaves_no_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = SealedSecrets::open(folder.path(), given(7)).await.unwrap();
    put(&secrets, "s3cret").await;
    let again = SealedSecrets::open(folder.path(), given(7)).await.unwrap();
    assert_eq!(get(&again).await, "s3cret");
    assert!(!key_file(&folder).exists());
}

#[tokio::test]
async fn no_file_holds_a_secret_in_the_clear() {
    let folder = with_a_secret().await;
    let text = fs::read_to_string(sealed_file(&folder)).unwrap();
    assert!(
        text.contains("hubspot") && !text.contains("s3cret"),
        "{text}"
    );
}

#[tokio::test]
async fn data_without_its_key_is_not_opened() {
    let folder = with_a_secret().await;
    fs::remove_file(key_file(&folder)).unwrap();
    let error = refusal(&folder, KeySource::File).await;
    assert!(matches!(error, OpenError::KeyMissing { .. }), "{error}");
    assert!(error.to_string().contains("from your backup"), "{error}");
    assert!(
        !key_file(&folder).exists(),
        "a new key would hide that the old one is missing"
    );
}

#[tokio::test]
async fn a_wrong_key_is_noticed_even_without_secrets() {
    let folder = with_a_secret().await;
    assert!(matches!(
        refusal(&folder, given(1)).await,
        OpenError::WrongKey { .. }
    ));
    let (_, empty) = open().await;
    assert!(matches!(
        refusal(&empty, given(1)).await,
        OpenError::WrongKey { .. }
    ));
}

#[tokio::test]
async fn a_key_that_others_may_read_is_refused_with_a_remedy() {
    let folder = with_a_secret().await;
    for mode in [0o640, 0o604, 0o660, 0o666] {
        fs::set_permissions(key_file(&folder), Permissions::from_mode(mode)).unwrap();
        let error = refusal(&folder, KeySource::File).await;
        assert!(
            matches!(error, OpenError::KeyFile(KeyFileError::Exposed { .. }))
                && error.to_string().contains("chmod 600"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_key_of_another_form_is_refused_without_repeating_it() {
    let folder = with_a_secret().await;
    for text in ["", "c2hvcnQ=", "not base64 at all"] {
        fs::write(key_file(&folder), text).unwrap();
        let error = refusal(&folder, KeySource::File).await;
        assert!(
            matches!(error, OpenError::KeyFileMalformed { .. }),
            "{error}"
        );
        let error = refusal(&folder, KeySource::Given(text.into())).await;
        assert!(matches!(error, OpenError::KeyGivenMalformed), "{error}");
        assert!(
            text.is_empty() || !error.to_string().contains(text),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let folder = with_a_secret().await;
    let text = fs::read_to_string(sealed_file(&folder)).unwrap();
    for damaged in [
        text.replace("\"format\": 1", "\"format\": 2"),
        text.chars().take(100).collect(),
        String::new(),
    ] {
        fs::write(sealed_file(&folder), damaged).unwrap();
        assert!(matches!(
            refusal(&folder, KeySource::File).await,
            OpenError::Damaged { .. }
        ));
    }
}

#[tokio::test]
async fn a_secret_moved_to_another_tenant_does_not_open_there() {
    let folder = with_a_secret().await;
    let text = fs::read_to_string(sealed_file(&folder)).unwrap();
    fs::write(
        sealed_file(&folder),
        text.replace("tenant_demo", "tenant_else"),
    )
    .unwrap();
    let secrets = SealedSecrets::open(folder.path(), KeySource::File)
        .await
        .unwrap();
    let error = secrets
        .get(&TenantId::new("tenant_else").unwrap(), &name(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, SecretsError::Damaged), "{error}");
}

#[tokio::test]
async fn secrets_of_another_process_are_seen_and_kept() {
    let (one, folder) = open().await;
    let other = SealedSecrets::open(folder.path(), KeySource::File)
        .await
        .unwrap();
    put(&one, "first").await;
    assert_eq!(get(&other).await, "first");
    put(&other, "second").await;
    assert_eq!(get(&one).await, "second");
    assert_eq!(
        one.get(&tenant(), &name(), Some(1))
            .await
            .unwrap()
            .expose_secret(),
        "first"
    );
}

#[tokio::test]
async fn debug_prints_nothing() {
    let (secrets, _folder) = open().await;
    put(&secrets, "s3cret").await;
    assert_eq!(format!("{secrets:?}"), "SealedSecrets { .. }");
    assert!(!format!("{:?}", KeySource::Given("s3cret".into())).contains("s3cret"));
}
