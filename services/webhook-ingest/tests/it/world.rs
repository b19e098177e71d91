//! A tenant with a source of each provider, its neighbour, and their edge.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bus::{LocalBus, LocalBusConfig, RelayConfig};
use domain::{Clock as _, SourceId, Tenant, TenantId, TenantStatus};
use hmac::{Hmac, KeyInit as _, Mac as _};
use runtime::ClientAddr;
use secrecy::SecretString;
use secrets::{SecretName, Secrets, SecretsError};
use serde_json::{Value, json};
use sha1::Sha1;
use sources::Sources;
use store::{RequestQuery, SecurityEvent, Source, SourceState, Store as _, TokenHash};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::{ManualClock, StoppedTime};
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt as _;
use uuid::Uuid;
use webhook_ingest::{Config, Deps};

use crate::further::FURTHER;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) const CALLRAIL: &str = "/v1/hooks/callrail-token/post-call";
pub(crate) const NEIGHBOUR: &str = "/v1/hooks/neighbour-token/post-call";
pub(crate) const SENDGRID: &str = "/v1/hooks/sendgrid-token";
pub(crate) const UNKNOWN: &str = "/v1/hooks/unknown-token/post-call";
pub(crate) const SHARED: &str = "/v1/callrail/webhook";
pub(crate) const COMPANY: &str = "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7";
/// The source of website forms.
pub(crate) const FORM_SOURCE: &str = "src_00000000000000000000000000000006";
pub(crate) const CHAT_KEY: &str = "shared-secret-0001";
const SIGNING_KEY: &str = "5f3d3ebe065cd800b8c154347437e958";

/// Neither clock moves by itself, so that no deadline of the edge passes because the machine is busy.
pub(crate) struct World {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) clock: ManualClock,
    /// What the edge measures its deadlines for store and secrets by.
    pub(crate) time: StoppedTime,
    pub(crate) tenant: TenantId,
    routes: Router,
    /// The number of the next further tenant.
    tenants: AtomicU32,
    mail_key: EcdsaKeyPair,
    _running: DropGuard,
    folder: TempDir,
}

/// How the edge answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The seconds after which one may come back.
    pub(crate) fn retry_after(&self) -> u64 {
        let value = self.headers.get("retry-after");
        let value = value.unwrap_or_else(|| panic!("no Retry-After in {self:?}"));
        value.to_str().unwrap().parse().unwrap()
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let time = StoppedTime::begin();
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at("2026-03-17T15:00:00Z".parse().unwrap());
        let shared = Arc::new(clock.clone());
        let store = SqliteStore::open(&folder.path().join("store.db"), shared.clone()).unwrap();
        let store = Arc::new(store);
        let tenant = TenantId::new("tenant_demo").unwrap();
        let mail_key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let public: PublicKeyX509Der<'_> = mail_key.public_key().as_der().unwrap();
        let keys = Arc::new(Keys {
            more: Mutex::default(),
            keys: BTreeMap::from([
                ("callrail_key", SIGNING_KEY.to_owned()),
                ("older_key", "another key".to_owned()),
                ("sendgrid_key", STANDARD.encode(public.as_ref())),
                ("chat_key", CHAT_KEY.to_owned()),
                ("form_key", "form-hmac-key-0001".to_owned()),
                ("webforms", "bot-secret".to_owned()),
            ]),
            fault: Mutex::default(),
        });
        let source = |number, provider: &str, key: &str| Source {
            id: SourceId::from_uuid(Uuid::from_u128(number)),
            tenant: tenant.clone(),
            provider: provider.to_owned(),
            office: None,
            connection: None,
            token: Some(TokenHash::of(&format!("{provider}-token"))),
            accounts: Vec::new(),
            key_names: vec![format!("{key}@1")],
            schemes: Vec::new(),
            state: SourceState::Active,
            name: None,
            version: 1,
        };
        let callrail = Source {
            accounts: vec![COMPANY.to_owned()],
            ..source(1, "callrail", "callrail_key")
        };
        store.put_source(&callrail).await.unwrap();
        for other in [
            source(2, "sendgrid", "sendgrid_key"),
            source(4, "chat", "chat_key"),
            source(6, "webforms", "form_key"),
            Source {
                key_names: Vec::new(),
                ..source(5, "form", "")
            },
        ] {
            store.put_source(&other).await.unwrap();
        }
        let neighbour = TenantId::new("tenant_neighbour").unwrap();
        let of_neighbour = Source {
            tenant: neighbour.clone(),
            token: Some(TokenHash::of("neighbour-token")),
            ..source(3, "callrail", "callrail_key")
        };
        store.put_source(&of_neighbour).await.unwrap();
        for id in [&tenant, &neighbour] {
            store
                .put_tenant(&Tenant {
                    id: id.clone(),
                    name: id.to_string(),
                    status: TenantStatus::Active,
                })
                .await
                .unwrap();
        }
        let service = webhook_ingest::service(Deps {
            sources: Sources::with(FURTHER),
            store: store.clone(),
            queue: store.clone(),
            bus: LocalBus::new(LocalBusConfig::default()),
            relay_bus: LocalBus::new(LocalBusConfig::default()),
            secrets: keys.clone(),
            http: http_client::Client::new(http_client::Options {
                allow_loopback: true,
                ..http_client::Options::default()
            })
            .unwrap(),
            clock: shared,
            config,
            relay: RelayConfig::default(),
        });
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            runtime::run(
                Vec::new(),
                service.tasks,
                runtime::ServeOptions::default(),
                stopped,
            )
            .await
            .unwrap();
        });
        Self {
            store,
            keys,
            clock,
            time,
            tenant,
            routes: service.routes,
            tenants: AtomicU32::new(1_000),
            mail_key,
            _running: stop.drop_guard(),
            folder,
        }
    }

    /// Sends a body from an address.
    pub(crate) async fn send(
        &self,
        address: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        self.call_by(Method::POST, address, path, headers, body)
            .await
    }

    /// Calls a URL by any method.
    pub(crate) async fn call_by(
        &self,
        method: Method,
        address: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body.into()).unwrap();
        request
            .extensions_mut()
            .insert(ClientAddr(address.parse().unwrap()));
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    /// Sends a genuine call.
    pub(crate) async fn call(&self, address: &str, path: &str, call: &str) -> Answer {
        let body = call_body(call);
        let signature = signature(SIGNING_KEY, &body);
        self.send(address, path, &[("signature", &signature)], body)
            .await
    }

    /// Sends a genuine call whose body names these accounts and tenants.
    pub(crate) async fn call_with(
        &self,
        address: &str,
        path: &str,
        call: &str,
        named: &Value,
    ) -> Answer {
        let body = body_naming(call, named);
        let signature = signature(SIGNING_KEY, &body);
        self.send(address, path, &[("signature", &signature)], body)
            .await
    }

    /// Sends a genuine body.
    pub(crate) async fn signed(&self, address: &str, path: &str, body: &[u8]) -> Answer {
        let signature = signature(SIGNING_KEY, body);
        self.send(address, path, &[("signature", &signature)], body.to_vec())
            .await
    }

    /// Sends a call that no key has signed.
    pub(crate) async fn forged_call(&self, address: &str, path: &str) -> Answer {
        let body = call_body("CALforged");
        let signature = signature("the attacker's key", &body);
        self.send(address, path, &[("signature", &signature)], body)
            .await
    }

    /// Sends a genuine event of a mail.
    pub(crate) async fn mail_event(&self, address: &str, number: u32) -> Answer {
        let timestamp = self.clock.now().as_second().to_string();
        let event = json!([{ "event": "processed", "sg_event_id": format!("event-{number}") }]);
        let body = event.to_string();
        let signed = [timestamp.as_bytes(), body.as_bytes()].concat();
        let signature = self.mail_key.sign(&SystemRandom::new(), &signed).unwrap();
        let signature = STANDARD.encode(signature);
        let headers = [
            ("x-twilio-email-event-webhook-signature", signature.as_str()),
            ("x-twilio-email-event-webhook-timestamp", &timestamp),
        ];
        self.send(address, SENDGRID, &headers, body).await
    }

    /// A tenant of its own with one source of this provider, which has this key. The source's token is the tenant's name.
    pub(crate) async fn tenant_with(&self, provider: &str, key: SecretString) -> TenantId {
        let number = self.tenants.fetch_add(1, Ordering::Relaxed);
        let tenant = TenantId::new(&format!("tenant_{number}")).unwrap();
        let key_name = format!("key_{number}");
        self.keys.add(&key_name, key);
        let active = Tenant {
            id: tenant.clone(),
            name: tenant.to_string(),
            status: TenantStatus::Active,
        };
        self.store.put_tenant(&active).await.unwrap();
        let source = Source {
            id: SourceId::from_uuid(Uuid::from_u128(u128::from(number))),
            tenant: tenant.clone(),
            provider: provider.to_owned(),
            office: None,
            connection: None,
            token: Some(TokenHash::of(tenant.as_str())),
            accounts: Vec::new(),
            key_names: vec![format!("{key_name}@1")],
            schemes: Vec::new(),
            state: SourceState::Active,
            name: None,
            version: 1,
        };
        self.store.put_source(&source).await.unwrap();
        tenant
    }

    /// The store's database, as somebody else sees it.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("store.db")).unwrap()
    }

    /// Keeps the store from writing until the connection that it answers is dropped.
    pub(crate) fn stop_writing(&self) -> rusqlite::Connection {
        let blocker = self.database();
        blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
        blocker
    }

    /// How many requests are stored.
    pub(crate) async fn requests(&self) -> usize {
        let all = RequestQuery {
            limit: 200,
            ..RequestQuery::default()
        };
        let page = self.store.list_requests(&self.tenant, &all).await.unwrap();
        page.items.len()
    }

    pub(crate) async fn security_events(&self) -> Vec<SecurityEvent> {
        let events = self.store.security_events_across_tenants(1_000).await;
        events.unwrap()
    }

    /// Waits until `is_so` is true; the clock moves on meanwhile.
    pub(crate) async fn eventually(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !is_so().await {
            assert!(started.elapsed() < PATIENCE, "never: {what}");
            self.clock.advance(Duration::from_millis(100));
            self.time.breathe().await;
        }
    }
}

/// A call of the tenant's, as CallRail sends it.
pub(crate) fn call_body(call: &str) -> Vec<u8> {
    body_naming(call, &json!({ "company_resource_id": COMPANY }))
}

fn body_naming(call: &str, named: &Value) -> Vec<u8> {
    let mut body = json!({
        "resource_id": call,
        "answered": true,
        "duration": "31",
        "start_time": "2026-03-17T09:41:02.101-05:00",
        "customer_phone_number": "+15125550142",
    });
    let fields = body.as_object_mut().unwrap();
    fields.extend(named.as_object().unwrap().clone());
    body.to_string().into_bytes()
}

fn signature(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A body that never comes.
pub(crate) fn endless() -> Body {
    Body::from_stream(futures::stream::once(
        pending::<Result<Vec<u8>, axum::Error>>(),
    ))
}

/// Secrets that can be made to fail.
pub(crate) struct Keys {
    keys: BTreeMap<&'static str, String>,
    more: Mutex<BTreeMap<String, SecretString>>,
    fault: Mutex<Fault>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// They never answer.
    Silent,
    /// They cannot be reached.
    Unreachable,
    /// This one is not there.
    Missing(&'static str),
}

impl Keys {
    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Keeps a further key, of whichever tenant.
    pub(crate) fn add(&self, name: &str, key: SecretString) {
        self.more.lock().unwrap().insert(name.to_owned(), key);
    }
}

#[async_trait]
impl Secrets for Keys {
    async fn get(
        &self,
        _: &TenantId,
        name: &SecretName,
        _: Option<u64>,
    ) -> Result<SecretString, SecretsError> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::Silent => pending().await,
            Fault::Unreachable => Err(SecretsError::Store("unreachable".into())),
            Fault::Missing(missing) if missing == name.as_str() => Err(SecretsError::NotFound),
            Fault::Missing(_) | Fault::None => {
                if let Some(key) = self.more.lock().unwrap().get(name.as_str()) {
                    return Ok(key.clone());
                }
                let key = self.keys.get(name.as_str()).ok_or(SecretsError::NotFound)?;
                Ok(SecretString::from(key.as_str()))
            }
        }
    }

    async fn put(
        &self,
        _: &TenantId,
        _: &SecretName,
        _: &SecretString,
    ) -> Result<u64, SecretsError> {
        unreachable!("the edge writes no secrets")
    }

    async fn delete(&self, _: &TenantId, _: &SecretName) -> Result<(), SecretsError> {
        unreachable!("the edge deletes no secrets")
    }

    async fn list(&self, _: &TenantId) -> Result<Vec<SecretName>, SecretsError> {
        unreachable!("the edge lists no secrets")
    }
}
