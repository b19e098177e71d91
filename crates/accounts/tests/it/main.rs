//! Accounts over a real store and sealed secrets; OAuth apps against a simulated provider.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use accounts::{AccountError, Accounts};
use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    Account, ClientProof, Clock as _, ConnectionName, Disposition, Grant, RefreshSpec, StageError,
    Tenant, TenantId, TenantStatus,
};
use futures::future::join_all;
use http_client::{Client, Options};
use secrecy::ExposeSecret as _;
use secrets::{KeySource, SealedSecrets, SecretName, Secrets as _};
use simulators::{Fault, Simulators, hubspot::App, salesforce};
use store::{AuditAction, Connection, ConnectionState, Store as _};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::ManualClock;

const PROVIDER: &str = "roofbase";
const APP: &str = r#"{"client_id":"client-1","client_secret":"s3cret-1","refresh_token":"rt-1"}"#;

/// A store, secrets, and the token endpoint of a provider whose accounts OAuth apps may open.
struct World {
    accounts: Accounts,
    store: Arc<SqliteStore>,
    secrets: SealedSecrets,
    simulators: Simulators,
    clock: ManualClock,
    _folder: TempDir,
}

impl World {
    async fn start() -> Self {
        Self::with(None).await
    }

    /// One whose login server verifies assertions by this key.
    async fn with(public_key: Option<Vec<u8>>) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::at("2026-11-02T15:10:00Z".parse().unwrap());
        let path = folder.path().join("store.db");
        let store = Arc::new(SqliteStore::open(&path, Arc::new(clock.clone())).unwrap());
        let secrets = SealedSecrets::open(folder.path(), KeySource::File).await;
        let secrets = secrets.unwrap();
        let mut config = simulators::Config::default();
        let now = clock.clone();
        config.now = Arc::new(move || now.now());
        let app = |number: u8| App {
            client_id: format!("client-{number}"),
            client_secret: format!("s3cret-{number}"),
            refresh_token: format!("rt-{number}"),
        };
        config.of::<simulators::hubspot::Config>().apps = vec![app(1), app(2)];
        config.of::<salesforce::Config>().public_key = public_key;
        let simulators = Simulators::start(config).await.unwrap();
        let server = simulators.hubspot().base_url();
        let endpoint = RefreshSpec::at("/oauth/v1/token").endpoint(&server, "");
        let http = Client::new(Options {
            allow_loopback: true,
            ..Options::default()
        });
        let accounts = Accounts::new(
            store.clone(),
            Arc::new(secrets.clone()),
            http.unwrap(),
            Arc::new(clock.clone()),
            BTreeMap::from([(PROVIDER, endpoint)]),
        );
        Self {
            accounts,
            store,
            secrets,
            simulators,
            clock,
            _folder: folder,
        }
    }

    /// A tenant whose connection has this secret.
    async fn connect(&self, secret: &str) {
        self.connect_tenant("tenant_demo", PROVIDER, secret).await;
    }

    async fn connect_tenant(&self, id: &str, provider: &str, secret: &str) {
        let tenant = Tenant {
            id: TenantId::new(id).unwrap(),
            name: "Demo Company".to_owned(),
            status: TenantStatus::Active,
        };
        self.store.put_tenant(&tenant).await.unwrap();
        let name = SecretName::new("crm").unwrap();
        let secret_version = self.secrets.put(&tenant.id, &name, &secret.into()).await;
        let connection = Connection {
            tenant: tenant.id,
            name: connection(),
            provider: provider.to_owned(),
            version: 1,
            secret_version: secret_version.unwrap(),
            state: ConnectionState::Active,
            settings: BTreeMap::from([("account_id".to_owned(), "ACC1".to_owned())]),
        };
        self.store.put_connection(&connection).await.unwrap();
    }

    async fn replace_secret(&self, secret_version: u64) {
        let act = AuditAction::new("test", "secret.set", "");
        let replaced = self
            .store
            .replace_secret(&tenant(), &connection(), secret_version, None, &act)
            .await;
        assert_eq!(replaced.unwrap().version, 2);
    }

    async fn open(&self) -> Result<Account, AccountError> {
        self.accounts.open(&tenant(), &connection(), PROVIDER).await
    }

    async fn token(&self) -> String {
        let account = self.open().await.unwrap();
        account.secret.expose_secret().to_owned()
    }

    /// Why the account cannot be opened, as a stage reports it.
    async fn failure(&self) -> StageError {
        self.open().await.unwrap_err().into()
    }

    fn refreshes(&self) -> usize {
        self.simulators.hubspot().requests().len()
    }
}

fn tenant() -> TenantId {
    TenantId::new("tenant_demo").unwrap()
}

fn connection() -> ConnectionName {
    ConnectionName::new("crm").unwrap()
}

#[tokio::test]
async fn an_account_has_its_secret_and_its_settings() {
    let world = World::start().await;
    world.connect("pat-1").await;
    let account = world.open().await.unwrap();
    assert_eq!(account.secret.expose_secret(), "pat-1");
    assert_eq!(account.setting("account_id"), "ACC1");
    assert_eq!(account.held_by(), (connection(), 1));
    assert!(
        !world.accounts.invalidate(&account).await,
        "it has no other"
    );
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn a_missing_or_other_connection_parks_the_work() {
    let world = World::start().await;
    let failure = world.failure().await;
    assert_eq!(failure.disposition, Disposition::Park);
    assert!(
        failure.reason.starts_with("there is no connection `crm`"),
        "{failure}"
    );

    world.connect_tenant("tenant_demo", "other", "pat-1").await;
    let failure = world.failure().await;
    assert_eq!(failure.disposition, Disposition::Park);
    let words = "the connection `crm` belongs to other, not to roofbase";
    assert!(failure.reason.starts_with(words), "{failure}");
}

#[tokio::test]
async fn a_missing_secret_holds_the_work_for_its_version() {
    let world = World::start().await;
    world.connect("pat-1").await;
    world.replace_secret(99).await;
    let failure = world.failure().await;
    assert_eq!(failure.disposition, Disposition::Hold);
    assert_eq!(failure.connection, Some((connection(), 2)));
    assert!(failure.reason.contains("enter it again"), "{failure}");
}

#[tokio::test]
async fn an_access_token_is_kept_until_shortly_before_it_expires() {
    let world = World::start().await;
    world.connect(APP).await;
    let first = world.token().await;
    world.clock.advance(Duration::from_secs(1_600));
    assert_eq!(world.token().await, first);
    assert_eq!(world.refreshes(), 1);

    world.clock.advance(Duration::from_secs(100));
    assert_ne!(world.token().await, first);
    assert_eq!(world.refreshes(), 2);
}

#[tokio::test]
async fn many_openings_at_once_refresh_once() {
    let world = World::start().await;
    world.connect(APP).await;
    let slow = Fault::Slow(Duration::from_millis(100));
    world.simulators.hubspot().answer_next(slow);
    let tokens = join_all((0..50).map(|_| world.token())).await;
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_refused_access_token_is_refreshed_once() {
    let world = World::start().await;
    world.connect(APP).await;
    let refused = world.open().await.unwrap();
    let retry = async || {
        assert!(world.accounts.invalidate(&refused).await);
        world.token().await
    };
    let tokens = join_all((0..20).map(|_| retry())).await;
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_ne!(tokens[0], refused.secret.expose_secret());
    assert_eq!(world.refreshes(), 2);
}

#[tokio::test]
async fn a_revoked_grant_holds_the_work_until_a_new_one_is_entered() {
    let world = World::start().await;
    world.connect(&APP.replace("rt-1", "rt-revoked")).await;
    let failure = world.failure().await;
    assert_eq!(failure.disposition, Disposition::Hold);
    assert_eq!(failure.connection, Some((connection(), 1)));
    assert!(failure.answer.unwrap().contains("invalid_grant"));

    let name = SecretName::new("crm").unwrap();
    let version = world.secrets.put(&tenant(), &name, &APP.into()).await;
    world.replace_secret(version.unwrap()).await;
    assert!(world.token().await.starts_with("CPT-"));
}

#[tokio::test]
async fn an_unavailable_token_endpoint_is_tried_again() {
    let world = World::start().await;
    world.connect(APP).await;
    for (fault, after) in [
        (Fault::Status(503), None),
        (Fault::ResetAfterWrite, None),
        (Fault::Malformed, None),
        (
            Fault::Answer {
                status: 429,
                retry_after_seconds: Some(7),
                body: None,
            },
            Some(Duration::from_secs(7)),
        ),
    ] {
        world.simulators.hubspot().answer_next(fault.clone());
        let failure = world.failure().await;
        let retry = Disposition::Retry { after };
        assert_eq!(failure.disposition, retry, "{fault:?}: {failure}");
    }
    assert!(world.token().await.starts_with("CPT-"));
}

#[tokio::test]
async fn a_secret_that_names_no_app_holds_the_work() {
    let world = World::start().await;
    world.connect(r#"{"client_id":"client-1"}"#).await;
    let failure = world.failure().await;
    assert_eq!(failure.disposition, Disposition::Hold);
    assert!(failure.reason.contains("client_secret"), "{failure}");
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn tenants_have_tokens_of_their_own() {
    let world = World::start().await;
    world.connect(APP).await;
    let other = APP.replace("-1", "-2");
    world.connect_tenant("tenant_other", PROVIDER, &other).await;
    let own = world.token().await;
    let tenant = TenantId::new("tenant_other").unwrap();
    let account = world.accounts.open(&tenant, &connection(), PROVIDER).await;
    assert_ne!(account.unwrap().secret.expose_secret(), own);
    assert_eq!(world.refreshes(), 2);
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_secret() {
    let world = World::start().await;
    world
        .connect(&APP.replace("client-1", "client-unknown"))
        .await;
    let error = world.open().await.unwrap_err();
    let shown = format!("{error} {error:?} {:?}", world.accounts);
    for secret in ["s3cret-1", "rt-1"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// Another login server: its answers name where the account is, and no end of the session.
async fn logged_in(
    world: &World,
    secret: &str,
    settings: BTreeMap<String, String>,
) -> Result<Account, AccountError> {
    let endpoint = RefreshSpec {
        path: "/services/oauth2/token",
        grants: &[
            Grant::RefreshToken,
            Grant::JwtBearer,
            Grant::ClientCredentials,
        ],
        server: Some("https://login.example.com"),
        server_setting: Some("login_url"),
        proof: ClientProof::InForm,
        address: Some("instance_url"),
    };
    let server = world.simulators.salesforce().base_url();
    let http = Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    });
    let accounts = Accounts::new(
        world.store.clone(),
        Arc::new(world.secrets.clone()),
        http.unwrap(),
        Arc::new(world.clock.clone()),
        BTreeMap::from([(
            PROVIDER,
            endpoint.endpoint(&server, "https://api.example.com"),
        )]),
    );
    let name = SecretName::new("crm").unwrap();
    let secret_version = world.secrets.put(&tenant(), &name, &secret.into()).await;
    let connection = Connection {
        tenant: tenant(),
        name: connection(),
        provider: PROVIDER.to_owned(),
        version: 1,
        secret_version: secret_version.unwrap(),
        state: ConnectionState::Active,
        settings,
    };
    let first = accounts.open_connection(connection.clone()).await?;
    let again = accounts.open_connection(connection.clone()).await?;
    assert_eq!(first.secret.expose_secret(), again.secret.expose_secret());
    assert!(accounts.invalidate(&first).await);
    let next = accounts.open_connection(connection).await?;
    assert_ne!(first.secret.expose_secret(), next.secret.expose_secret());
    Ok(next)
}

#[tokio::test]
async fn an_app_opens_an_account_by_each_of_its_grants() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let public_key = key.public_key().as_ref().to_vec();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----",
        STANDARD.encode(der.as_ref())
    );
    let by_key = format!(
        r#"{{"client_id":"3MVG9simulated","username":"ann@example.com","private_key":"{pem}"}}"#
    );
    let by_itself =
        r#"{"client_id":"3MVG9simulated","client_secret":"simulated-salesforce-secret"}"#;
    let world = World::with(Some(public_key)).await;
    for secret in [salesforce::APP, by_key.as_str(), by_itself] {
        let account = logged_in(&world, secret, BTreeMap::new()).await.unwrap();
        let server = world.simulators.salesforce().base_url();
        assert_eq!(account.setting("instance_url"), server);
        let known = BTreeMap::from([(
            "instance_url".to_owned(),
            "https://own.example.com".to_owned(),
        )]);
        let account = logged_in(&world, secret, known).await.unwrap();
        assert_eq!(account.setting("instance_url"), "https://own.example.com");
    }
    for secret in [
        r#"{"client_id":"x"}"#,
        r#"{"client_id":"x","private_key":"no key","username":"a@b"}"#,
        r#"{"client_id":"x","private_key":"no key"}"#,
    ] {
        let error = logged_in(&world, secret, BTreeMap::new())
            .await
            .unwrap_err();
        assert!(matches!(error, AccountError::NoApp { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_login_server_that_is_busy_is_asked_again_and_one_inside_never() {
    let world = World::start().await;
    let busy = Fault::Answer {
        status: 429,
        retry_after_seconds: Some(9),
        body: None,
    };
    world.simulators.salesforce().answer_next(busy);
    let error = logged_in(&world, salesforce::APP, BTreeMap::new())
        .await
        .unwrap_err();
    let after = Some(Duration::from_secs(9));
    assert_eq!(
        StageError::from(error).disposition,
        Disposition::Retry { after }
    );

    let calls = world.simulators.hubspot().requests().len();
    let inside = world.simulators.hubspot().base_url();
    let settings = BTreeMap::from([("login_url".to_owned(), inside)]);
    let error = logged_in(&world, salesforce::APP, settings)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("must not be called"), "{error}");
    assert_eq!(world.simulators.hubspot().requests().len(), calls);
}
