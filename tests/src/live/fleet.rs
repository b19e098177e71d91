//! Two processes of the API over one Spanner database, one or the other of which is killed now and then, while others
//! write.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{Clock as _, Tenant, TenantId, TenantStatus};
use google_cloud_auth::credentials::anonymous;
use google_cloud_spanner::{
    builder::SpannerBuilderExt as _,
    channel_pool::StaticChannelPoolConfig,
    client::{DatabaseClient, Spanner as Client},
    mutation::Mutation,
};
use management_api::auth::{Grant, Role, SigningKey};
use pipeline::app::trust;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use runtime::SystemClock;
use secrecy::ExposeSecret as _;
use store::{AuditAction, Store as _, contract::delivery};
use store_spanner::{SpannerConfig, SpannerStore};
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
    time::sleep,
};

use super::{
    Options, Outcome, Told,
    watcher::{Habits, Servers, Watcher},
};
use crate::fleet::{Fleet, FleetOptions, Name, read_rows};

/// Watchers come back faster than any browser does.
const SETTINGS: [(&str, &str); 3] = [
    ("API_CALLS_PER_MINUTE", "1000000"),
    ("API_CALLS_PER_MINUTE_OF_TENANT", "1000000"),
    ("LOG", "warn"),
];
const TENANT: &str = "tenant_watched";
/// Acts and leads that come about through the store, each in a transaction of its own.
const ACTS: usize = 150;
const LEADS: usize = 50;
/// Events of one of the other transactions, as when many requests are set going again.
const AT_ONCE: std::ops::Range<usize> = 1..120;
/// How long both processes live, and how long one is dead, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 500..2_000;
const DEAD_MS: std::ops::Range<u64> = 50..500;

/// Kills processes so often, while at least so many events come about. `programs` is where the services' programs lie.
///
/// # Panics
/// When the emulators or a process do not start.
pub async fn in_a_fleet(programs: PathBuf, options: Options) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let fleet_options = FleetOptions {
        port: 0,
        programs,
        ingest: Name::WebhookIngest.as_str(),
        settings: SETTINGS
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        simulators: simulators::Config::default(),
    };
    // Nobody works on the leads, so that nothing comes about once the writers are done.
    let services = [Name::ManagementApi; 2];
    let started = Box::pin(Fleet::start_of(folder.path(), fleet_options, &services)).await;
    let mut fleet = started.unwrap_or_else(|error| panic!("{error:#}"));
    let (store, database) = (fleet.store.clone(), fleet.database.clone());
    let id = TenantId::new(TENANT).unwrap();
    let tenant = Tenant {
        id: id.clone(),
        name: "Watched".to_owned(),
        status: TenantStatus::Active,
    };
    store.put_tenant(&tenant).await.unwrap();

    let addresses = |fleet: &Fleet| [0, 1].map(|index: usize| fleet.instances[index].address());
    let alive = Arc::new(Mutex::new(addresses(&fleet)));
    let token = token(fleet.folder.path());
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
            token: token.clone(),
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
        let set = |addresses| {
            *alive.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
        };
        for _ in 0..options.kills {
            sleep(Duration::from_millis(rng.random_range(LIFE_MS))).await;
            let index = rng.random_range(0..2);
            let mut left = addresses(&fleet);
            left[index] = None;
            set(left);
            let dead_for = Duration::from_millis(rng.random_range(DEAD_MS));
            fleet.kill_and_restart(index, dead_for).await.unwrap();
            set(addresses(&fleet));
        }
    };
    tokio::join!(writing, killing);
    let kept = kept(&database).await;
    last_is.send_replace(kept.last().map(|told| told.id.clone()));
    let mut seen: Vec<_> = watchers.join_all().await;
    seen.sort_by_key(|(number, _)| *number);
    fleet.stop();
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

fn token(folder: &Path) -> String {
    let grant = Grant {
        subject: "story".to_owned(),
        roles: vec![Role::Viewer],
        tenants: vec![TenantId::new(TENANT).unwrap()],
        valid_for: Duration::from_secs(3_600),
    };
    let key = SigningKey::open(folder).unwrap();
    let now = SystemClock::default().now();
    let token = key.mint(&trust(), &grant, now).unwrap();
    token.expose_secret().to_owned()
}
