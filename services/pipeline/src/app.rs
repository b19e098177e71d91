//! Every service of the product, joined in one process.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use accounts::Accounts;
use ai_analyzer::MapLookup;
use anyhow::Context as _;
use axum::Router;
use blobs::{Blobs, FolderBlobs};
use bus::{Bus, LocalBus, LocalBusConfig, RelayConfig, Runner, RunnerConfig};
use domain::Clock;
use google::{DocumentAi, Gemini, Maps, Speech, Tokens};
use http_client::{Client, Options};
use management_api::{
    AuditConfig, Demo, JobBell, LimitsConfig, Outward,
    auth::{KeyRing, SigningKey, Trust, Verifier},
    sign_in::{Postman, SignIn, own_trust},
};
use runtime::{
    Check, Endpoint, Listener, ServeOptions, Service, Task, health_routes, install_metrics,
    metrics_routes, with_shell,
};
use secrecy::SecretString;
use secrets::{KeySource, SealedSecrets, Secrets};
use sources::{ApiSet, Sources};
use store::{IdSource, Store};
use store_sqlite::SqliteStore;

use crate::{config::Config, data_folder::DataFolder, providers::Providers, try_it::TryIt};

/// The product, built and bound, not yet serving.
pub struct App {
    /// The data folder; its lock is held as long as this lives.
    pub folder: DataFolder,
    /// Where API and webhooks are served.
    pub address: SocketAddr,
    /// Where metrics are served.
    pub metrics_address: SocketAddr,
    /// What the product keeps.
    pub store: Arc<SqliteStore>,
    /// Its secrets.
    pub secrets: Arc<dyn Secrets>,
    endpoints: Vec<Endpoint>,
    tasks: Vec<Task>,
    serve: ServeOptions,
}

impl App {
    /// Opens the data, makes every service and binds the listeners. The demo tenant is the caller's business.
    ///
    /// # Errors
    /// What could not be opened or bound, in one sentence.
    pub async fn build(
        config: &Config,
        folder: DataFolder,
        providers: &Providers,
        sources: Sources,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let metrics = install_metrics();
        let store = Arc::new(
            SqliteStore::open(&folder.database(), clock.clone()).context("opening the database")?,
        );
        let secrets = open_secrets(config, &folder).await?;
        let blobs = FolderBlobs::open(folder.blobs())
            .await
            .context("opening the folder of recordings")?;
        blobs
            .remove_leftovers()
            .await
            .context("clearing the folder of recordings")?;
        let bus = LocalBus::new(LocalBusConfig {
            workers_per_stage: config.workers_per_stage,
            ..Default::default()
        });

        let public = Listener::bind(config.listen).await.with_context(|| {
            format!(
                "listening on {}: choose another port (PORT=…, 0 takes any free one)",
                config.listen
            )
        })?;
        let address = public.local_addr()?;
        let blobs: Arc<dyn Blobs> = Arc::new(blobs);
        let management = management(
            &folder,
            store.clone(),
            blobs.clone(),
            sources,
            bus.clone(),
            secrets.clone(),
            clock.clone(),
            Reached {
                postman: postman(config, &config.webhook_base(address), &clock)?,
                public_url: config.webhook_base(address),
                is_simulated: providers.is_google_simulated,
                limits: config.limits,
                demo: demo(config, providers, address, &clock)?,
            },
        )?;
        let services = services(config, providers, management, blobs)?;

        let mut routes = Router::new();
        let (mut tasks, mut handlers) = (Vec::new(), Vec::new());
        for service in services {
            routes = routes.merge(service.routes);
            tasks.extend(service.tasks);
            handlers.extend(service.stages);
        }
        let checked = store.clone();
        let store_check = Check::new("store", move || {
            let store = checked.clone();
            async move { Ok(store.check_across_tenants().await?) }
        });
        routes = routes.merge(health_routes(env!("CARGO_PKG_VERSION"), vec![store_check]));
        let runner = Runner::new(
            store.clone(),
            bus.clone(),
            clock,
            handlers,
            RunnerConfig {
                lease: config.work_lease,
                ..RunnerConfig::default()
            },
        );
        for stage in runner.stages() {
            let (bus, runner) = (bus.clone(), runner.clone());
            tasks.push(Task::new(stage.as_str(), move |stop| async move {
                bus.work(stage, &runner, &stop).await;
                // Without workers there is nothing to wait for, and ending early would count as a fault.
                stop.cancelled().await;
            }));
        }

        let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), config.metrics_port);
        let private = Listener::bind(loopback).await.with_context(|| {
            format!("listening on {loopback} for metrics: choose another port (METRICS_PORT=…)")
        })?;
        Ok(Self {
            address,
            metrics_address: private.local_addr()?,
            endpoints: vec![
                Endpoint::new("api and webhooks", public, routes),
                Endpoint::new("metrics", private, metrics_routes(metrics)),
            ],
            tasks,
            store,
            secrets,
            folder,
            serve: config.serve.clone(),
        })
    }

    /// Serves until `shutdown`, then drains.
    ///
    /// # Errors
    /// When a background task died.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self {
            folder,
            endpoints,
            tasks,
            serve,
            ..
        } = self;
        let result = runtime::run(endpoints, tasks, serve, shutdown).await;
        folder.withdraw();
        Ok(result?)
    }
}

/// Whose tokens count in embedded mode: our own.
pub fn trust() -> Trust {
    own_trust()
}

/// The secrets of a data folder.
async fn open_secrets(config: &Config, folder: &DataFolder) -> anyhow::Result<Arc<dyn Secrets>> {
    let key = match &config.sealing_key {
        Some(key) => KeySource::Given(key.clone()),
        None => KeySource::File,
    };
    let secrets = SealedSecrets::open(folder.path(), key).await;
    Ok(Arc::new(secrets.context("opening the secrets")?))
}

/// The management API alone, over the data of a folder that no server has. What it hands over is found by the relay of
/// the next server. Its tasks do the jobs of a command that waits for them; else the next server does.
///
/// # Errors
/// What could not be opened, in one sentence.
pub(crate) async fn management_alone(
    config: &Config,
    folder: &DataFolder,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Service> {
    let store =
        SqliteStore::open(&folder.database(), clock.clone()).context("opening the database")?;
    let secrets = open_secrets(config, folder).await?;
    let blobs = FolderBlobs::open(folder.blobs())
        .await
        .context("opening the folder of recordings")?;
    let bus = LocalBus::new(LocalBusConfig::default());
    let base = config.webhook_base(config.listen);
    let sources = Sources::standard();
    let mut deps = management(
        folder,
        Arc::new(store),
        Arc::new(blobs),
        sources,
        bus,
        secrets,
        clock,
        // It reaches no provider: whoever calls it hands codes over.
        Reached {
            public_url: base,
            is_simulated: false,
            limits: config.limits,
            postman: None,
            demo: None,
        },
    )?;
    let http = http_client(config)?;
    let accounts = accounts(config, &deps, &http);
    deps.outward = Some(Outward {
        apis: ApiSet::new(&http, &sources, &config.sources),
        crms: crm::Connectors::new(&http, &deps.clock, &config.crm),
        channels: notify::Channels::new(&http, &deps.clock, &config.notify),
        accounts,
        http,
        // A command has no time for it.
        config: AuditConfig { is_on: false },
    });
    let service = management_api::service(deps);
    Ok(Service {
        routes: with_shell(service.routes),
        ..service
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is a part of the product, and they are put together here alone"
)]
fn management(
    folder: &DataFolder,
    store: Arc<dyn Store>,
    blobs: Arc<dyn Blobs>,
    sources: Sources,
    bus: Arc<dyn Bus>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    reached: Reached,
) -> anyhow::Result<management_api::Deps> {
    let key = SigningKey::open(folder.path()).context("opening the key that signs tokens")?;
    let keys = key.key_set();
    let sign_in = SignIn::new(key, trust(), clock.clone()).with_mail(reached.postman);
    Ok(management_api::Deps {
        api_keys: Arc::new(KeyRing::new(store.clone(), clock.clone())),
        sign_in: Some(Arc::new(sign_in)),
        is_simulated: reached.is_simulated,
        job_bell: JobBell::default(),
        store,
        sources,
        blobs,
        bus,
        secrets,
        ids: Arc::new(IdSource::new(clock.clone())),
        clock,
        verifier: Arc::new(Verifier::new(trust(), keys)),
        public_url: reached.public_url,
        limits: reached.limits,
        outward: None,
        demo: reached.demo,
    })
}

/// How people reach the API, and it them.
struct Reached {
    public_url: String,
    is_simulated: bool,
    limits: LimitsConfig,
    postman: Option<Postman>,
    demo: Option<Arc<dyn Demo>>,
}

/// What drives the simulated providers: none where one that costs money is real.
fn demo(
    config: &Config,
    providers: &Providers,
    address: SocketAddr,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Arc<dyn Demo>>> {
    if !providers.is_google_simulated {
        return Ok(None);
    }
    // It listens on every address of this machine, loopback among them.
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let server = SocketAddr::new(ip, address.port());
    let urls = providers.urls.clone();
    let demo = TryIt::new(http_client(config)?, clock.clone(), server, urls)?;
    Ok(Some(Arc::new(demo)))
}

/// Who mails people the links that they sign in by.
fn postman(
    config: &Config,
    public_url: &str,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Postman>> {
    let Some(sender) = config.sign_in_mail.clone() else {
        return Ok(None);
    };
    let http = http_client(config)?;
    let channels = notify::Channels::new(&http, clock, &config.notify);
    Ok(Postman::new(sender, public_url, &channels))
}

/// The way to providers. Simulated ones are on loopback; a URL that a tenant enters leads there only if that is allowed.
fn http_client(config: &Config) -> anyhow::Result<Client> {
    Ok(Client::new(Options {
        allow_loopback: true,
        tenants_allow_loopback: config.tenants_allow_loopback,
        ..Options::default()
    })?)
}

/// What opens tenants' accounts.
fn accounts(config: &Config, deps: &management_api::Deps, http: &Client) -> Accounts {
    let mut token_endpoints = config.crm.token_endpoints();
    token_endpoints.extend(config.sources.token_endpoints(deps.sources));
    Accounts::new(
        deps.store.clone(),
        deps.secrets.clone(),
        http.clone(),
        deps.clock.clone(),
        token_endpoints,
    )
}

/// Every service: they share what the API works with.
fn services(
    config: &Config,
    providers: &Providers,
    management: management_api::Deps,
    blobs: Arc<dyn Blobs>,
) -> anyhow::Result<Vec<Service>> {
    let management_api::Deps {
        store,
        bus,
        sources,
        secrets,
        clock,
        ..
    } = management.clone();
    let http = http_client(config)?;
    let tokens = if providers.is_google_simulated {
        Tokens::fixed(SecretString::from(simulators::GOOGLE_TOKEN))
    } else {
        Tokens::adc()
    };
    let accounts = accounts(config, &management, &http);
    let apis = ApiSet::new(&http, &sources, &config.sources);
    let crms = crm::Connectors::new(&http, &clock, &config.crm);
    let channels = notify::Channels::new(&http, &clock, &config.notify);
    let outward = Outward {
        accounts: accounts.clone(),
        crms: crms.clone(),
        channels: channels.clone(),
        apis: apis.clone(),
        http: http.clone(),
        config: config.audit,
    };
    Ok(vec![
        webhook_ingest::service(webhook_ingest::Deps {
            store: store.clone(),
            sources,
            queue: store.clone(),
            relay_bus: bus.clone(),
            bus,
            secrets,
            http: http.clone(),
            clock: clock.clone(),
            config: config.ingest.clone(),
            relay: RelayConfig::default(),
        }),
        media_processor::service(media_processor::Deps {
            store: store.clone(),
            effects: store.clone(),
            blobs,
            accounts: accounts.clone(),
            clock: clock.clone(),
            apis,
            sources,
            speech: Speech::new(http.clone(), tokens.clone(), config.speech.clone()),
            documents: DocumentAi::new(http.clone(), tokens.clone(), config.documents.clone()),
        }),
        ai_analyzer::service(ai_analyzer::Deps {
            gemini: Gemini::new(http.clone(), tokens, config.gemini.clone()),
            map: config.maps.clone().map(|maps| {
                let map = Arc::new(Maps::new(http.clone(), maps));
                MapLookup::new(map, store.clone(), clock.clone(), config.analyzer.map)
            }),
            config: config.analyzer.clone(),
        }),
        crm_dispatcher::service(crm_dispatcher::Deps {
            store: store.clone(),
            accounts: accounts.clone(),
            connectors: crms,
            clock: clock.clone(),
        }),
        notifier::service(notifier::Deps {
            store,
            accounts,
            channels,
            clock,
        }),
        management_api::service(management_api::Deps {
            outward: Some(outward),
            ..management
        }),
    ])
}
