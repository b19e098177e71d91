//! Two instances of the API over one Spanner database, one or the other of which is dead now and then, while others
//! write.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bus::{LocalBus, LocalBusConfig};
use domain::{Clock, Tenant, TenantId, TenantStatus};
use google_cloud_auth::credentials::anonymous;
use google_cloud_spanner::{
    builder::SpannerBuilderExt as _,
    channel_pool::StaticChannelPoolConfig,
    client::{DatabaseClient, Spanner as Client},
    mutation::Mutation,
};
use management_api::{
    Deps, JobBell, LimitsConfig,
    auth::{Grant, KeyRing, Role, SigningKey, Verifier},
};
use pipeline::app::trust;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use runtime::{Listener, ServeOptions, SystemClock, with_shell};
use secrecy::ExposeSecret as _;
use secrets::{KeySource, SealedSecrets};
use sources::Sources;
use store::{AuditAction, IdSource, Store, contract::delivery};
use store_spanner::{Emulator, SpannerConfig, SpannerStore};
use testkit::emulators::Spanner;
use tokio::{
    sync::{oneshot, watch},
    task::{AbortHandle, JoinSet},
    time::sleep,
};

use super::{
    Options, Outcome, Told,
    watcher::{Habits, Servers, Watcher},
};
use crate::fleet::read_rows;

const TENANT: &str = "tenant_watched";
/// Acts and leads that come about through the store, each in a transaction of its own.
const ACTS: usize = 150;
const LEADS: usize = 50;
/// Events of one of the other transactions, as when many requests are set going again.
const AT_ONCE: std::ops::Range<usize> = 1..120;
/// How long both instances live, and how long one is dead, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 500..2_000;
const DEAD_MS: std::ops::Range<u64> = 50..500;

/// An instance of the API.
struct Instance {
    address: SocketAddr,
    serving: AbortHandle,
}

/// What instances are made of.
struct Made<'a> {
    database: &'a SpannerConfig,
    folder: &'a Path,
    clock: Arc<dyn Clock>,
}

impl Made<'_> {
    /// A process of its own has a store of its own.
    async fn instance(&self) -> Instance {
        let store = SpannerStore::open(self.database, self.clock.clone()).await;
        let store: Arc<dyn Store> = Arc::new(store.unwrap());
        let key = SigningKey::open(self.folder).unwrap();
        let secrets = SealedSecrets::open(self.folder, KeySource::File).await;
        let blobs = blobs::FolderBlobs::open(self.folder.join("blobs")).await;
        let routes = with_shell(
            management_api::service(Deps {
                api_keys: Arc::new(KeyRing::new(store.clone(), self.clock.clone())),
                sign_in: None,
                is_simulated: true,
                blobs: Arc::new(blobs.unwrap()),
                job_bell: JobBell::default(),
                limits: LimitsConfig::default(),
                outward: None,
                store,
                bus: LocalBus::new(LocalBusConfig::default()),
                sources: Sources::standard(),
                secrets: Arc::new(secrets.unwrap()),
                ids: Arc::new(IdSource::new(self.clock.clone())),
                clock: self.clock.clone(),
                verifier: Arc::new(Verifier::new(trust(), key.key_set())),
                public_url: String::new(),
            })
            .routes,
        );
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into())
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let options = ServeOptions::default();
            runtime::serve("api", listener, routes, &options, std::future::pending()).await;
        });
        Instance {
            address,
            serving: serving.abort_handle(),
        }
    }
}

/// Kills instances so often, while at least so many events come about.
///
/// # Panics
/// When the emulator or an instance does not start.
pub async fn in_a_fleet(options: Options) -> Outcome {
    let emulator = Spanner::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let database = SpannerConfig {
        project: "live-project".to_owned(),
        instance: "fleet".to_owned(),
        database: "pipeline".to_owned(),
        emulator: Some(Emulator {
            grpc: emulator.grpc.clone(),
            rest: emulator.rest.clone(),
        }),
    };
    SpannerStore::migrate(&database, clock.as_ref())
        .await
        .unwrap();
    let store = SpannerStore::open(&database, clock.clone()).await.unwrap();
    let id = TenantId::new(TENANT).unwrap();
    let tenant = Tenant {
        id: id.clone(),
        name: "Watched".to_owned(),
        status: TenantStatus::Active,
    };
    store.put_tenant(&tenant).await.unwrap();

    let made = Made {
        database: &database,
        folder: folder.path(),
        clock: clock.clone(),
    };
    let mut instances = [made.instance().await, made.instance().await];
    let alive = Arc::new(Mutex::new(
        instances.each_ref().map(|one| Some(one.address)),
    ));
    let (last_is, last) = watch::channel(None);
    let mut watchers = JoinSet::new();
    for number in 0..3 {
        let (begun, begins) = oneshot::channel();
        let alive = alive.clone();
        let servers: Servers = Arc::new(move |rng| {
            let alive = alive.lock().unwrap_or_else(PoisonError::into_inner);
            let address = alive[rng.random_range(0..2)]?;
            Some(format!("http://{address}"))
        });
        let watcher = Watcher {
            servers,
            path: format!("/v1/tenants/{TENANT}/live"),
            token: token(folder.path(), clock.as_ref()),
            habits: Habits {
                hangs_up_after: [1..900, 100_000..100_001, 1..40_000][number].clone(),
                looks_for: Duration::ZERO,
                asks_by_query: number == 0,
            },
            seed: options.seed ^ number as u64,
            last: last.clone(),
            begun: Some(begun),
        };
        watchers.spawn(async move { (number, watcher.watch().await) });
        begins.await.unwrap();
    }

    let others = options.events.saturating_sub(ACTS + LEADS);
    let writing = async {
        let acts = acts(&store, &id);
        let leads = leads(&store, &id);
        let others = write(&database, others, options.seed);
        tokio::join!(acts, leads, others);
    };
    let killing = async {
        let mut rng = StdRng::seed_from_u64(options.seed);
        for _ in 0..options.kills {
            sleep(Duration::from_millis(rng.random_range(LIFE_MS))).await;
            let index = rng.random_range(0..2);
            let set = |address| {
                alive.lock().unwrap_or_else(PoisonError::into_inner)[index] = address;
            };
            set(None);
            instances[index].serving.abort();
            sleep(Duration::from_millis(rng.random_range(DEAD_MS))).await;
            instances[index] = made.instance().await;
            set(Some(instances[index].address));
        }
    };
    tokio::join!(writing, killing);
    let kept = kept(&database).await;
    last_is.send_replace(kept.last().map(|told| told.id.clone()));
    let mut seen: Vec<_> = watchers.join_all().await;
    seen.sort_by_key(|(number, _)| *number);
    for instance in &instances {
        instance.serving.abort();
    }
    Outcome {
        kept,
        seen: seen.into_iter().map(|(_, seen)| seen).collect(),
    }
}

/// Suspends the tenant and lets it go on, again and again.
async fn acts(store: &SpannerStore, tenant: &TenantId) {
    for number in 0..ACTS {
        let (status, action) = match number % 2 {
            0 => (TenantStatus::Suspended, "tenant.suspend"),
            _ => (TenantStatus::Active, "tenant.resume"),
        };
        let act = AuditAction::new("story", action, tenant);
        store.set_tenant_status(tenant, status, &act).await.unwrap();
    }
}

async fn leads(store: &SpannerStore, tenant: &TenantId) {
    for number in 0..LEADS {
        let lead = delivery(tenant, &number.to_string());
        store.accept(lead).await.unwrap();
    }
}

/// Writes as other processes do: many events in one transaction.
async fn write(config: &SpannerConfig, events: usize, seed: u64) {
    let client = database(config).await;
    let mut rng = StdRng::seed_from_u64(seed);
    let mut written = 0;
    while written < events {
        let count = rng.random_range(AT_ONCE).min(events - written);
        let rows = (written..written + count).map(|number| {
            Mutation::new_insert_builder("live_events")
                .set("tenant_id")
                .to(TENANT)
                .set("committed_at")
                .to("spanner.commit_timestamp()")
                .set("tie")
                .to(rng.random_range(0..i64::MAX))
                .set("kind")
                .to("source")
                .set("object")
                .to(format!("src_{number}"))
                .set("cause")
                .to("source.enable")
                .build()
        });
        let rows: Vec<_> = rows.collect();
        let transaction = client.write_only_transaction().build();
        if transaction.write(rows).await.is_ok() {
            written += count;
        }
    }
}

/// The database, for a client that is not the product's.
async fn database(config: &SpannerConfig) -> DatabaseClient {
    let emulator = config.emulator.as_ref().unwrap();
    let spanner = Client::builder()
        .with_endpoint(emulator.grpc.clone())
        .with_credentials(anonymous::Builder::new().build())
        .with_channel_pool(StaticChannelPoolConfig::new(1))
        .build()
        .await
        .unwrap();
    let path = format!(
        "projects/{}/instances/{}/databases/{}",
        config.project, config.instance, config.database
    );
    spanner.database_client(path).build().await.unwrap()
}

/// The events that the table holds.
async fn kept(config: &SpannerConfig) -> Vec<Told> {
    let sql = format!(
        "SELECT UNIX_MICROS(committed_at), tie, kind, object, cause FROM live_events \
         WHERE tenant_id = '{TENANT}' ORDER BY committed_at, tie"
    );
    let rows = read_rows(config, &sql).await.unwrap();
    rows.iter()
        .map(|row| Told {
            id: format!(
                "{}-{}",
                row.get::<i64>(0).unwrap(),
                row.get::<i64>(1).unwrap()
            ),
            kind: row.get(2).unwrap(),
            object: row.get(3).unwrap(),
            cause: row.get(4).unwrap(),
        })
        .collect()
}

fn token(folder: &Path, clock: &dyn Clock) -> String {
    let grant = Grant {
        subject: "story".to_owned(),
        roles: vec![Role::Viewer],
        tenants: vec![TenantId::new(TENANT).unwrap()],
        valid_for: Duration::from_secs(3_600),
    };
    let key = SigningKey::open(folder).unwrap();
    let token = key.mint(&trust(), &grant, clock.now()).unwrap();
    token.expose_secret().to_owned()
}
