//! A service of the fleet as a process of its own, on Google's engine: Spanner, Pub/Sub, Secret Manager.
//!
//! A service's `main.rs` says what it is made of; [`main`] does what all have in common: settings, logs, the engine,
//! listening, the push endpoint of its stages, health, draining.
#![warn(missing_docs)]

mod config;
mod handover;
mod outbox;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use axum::Router;
use bus::{Bus, Relay, RelayConfig, Runner, RunnerConfig};
use bus_pubsub::{
    Access, EventTopic, GoogleKeys, LONGEST_RUN, OidcVerifier, PubSubBus, PushLimits, push_routes,
    relay_routes,
};
use domain::{Clock, WorkQueue};
use google::{SecretManager, Tokens};
use http_client::{Client, Options};
use runtime::{
    Check, Endpoint, Listener, Service, SystemClock, Task, health_routes, install_metrics,
    metrics_routes,
};
use secrets::Secrets;
use settings::{Reader, Settings};
use store::Store as _;
use store_spanner::SpannerStore;

pub use config::{Config, Push, spanner};

/// What a service of the fleet stands on.
pub struct Engine {
    /// What the product keeps.
    pub store: Arc<SpannerStore>,
    /// Where wake-ups go.
    pub bus: Arc<dyn Bus>,
    /// The tenants' credentials.
    pub secrets: Arc<dyn Secrets>,
    /// The system's time.
    pub clock: Arc<dyn Clock>,
    /// The way outwards.
    pub http: Client,
    /// Tokens for Google's services.
    pub tokens: Tokens,
    config: Config,
}

impl Engine {
    async fn open(config: Config) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let http = Client::new(Options {
            allow_loopback: config.allow_loopback,
            tenants_allow_loopback: config.tenants_allow_loopback,
            ..Options::default()
        })?;
        let tokens = match &config.access_token {
            Some(token) => Tokens::fixed(token.clone()),
            None => Tokens::adc(),
        };
        let store = SpannerStore::open(&config.spanner, clock.clone())
            .await
            .context("opening the Spanner database")?;
        let bus = PubSubBus::open(&config.pubsub).await?;
        let secrets = SecretManager::new(http.clone(), tokens.clone(), &config.secrets);
        Ok(Self {
            store: Arc::new(store),
            bus: Arc::new(bus),
            secrets: Arc::new(secrets),
            clock,
            http,
            tokens,
            config,
        })
    }

    /// The bus for a service whose senders wait for its answers: hand-overs go on in the background. Only for one whose
    /// processor is not taken away between requests.
    pub fn bus_beside_answers(&self) -> Arc<dyn Bus> {
        Arc::new(handover::Handover::new(self.bus.clone()))
    }

    /// Publishes events for analytics as long as the process lives. Several at once are safe.
    ///
    /// # Errors
    /// When there are no credentials for Pub/Sub.
    pub async fn outbox_task(&self) -> anyhow::Result<Task> {
        let topic = EventTopic::open(&self.config.pubsub).await?;
        let (outbox, clock) = (self.store.clone(), self.clock.clone());
        Ok(Task::new("outbox", move |stop| {
            outbox::publish(outbox, topic, clock, stop)
        }))
    }

    /// Refuses to serve where nobody would prove the callers of `/internal`: for a service that is open to the internet,
    /// where the platform lets everybody through.
    ///
    /// # Errors
    /// When the settings leave that to the platform, and it is not an emulator's.
    pub fn must_prove_callers(&self) -> anyhow::Result<()> {
        let is_emulated = matches!(self.config.pubsub.access, Access::Emulator { .. });
        anyhow::ensure!(
            self.config.push.is_some() || is_emulated,
            "this service is open to the internet, so the platform proves nobody: set PUSH_PROOF=token"
        );
        Ok(())
    }

    /// `POST /internal/relay`, for a scheduler. There is none where the service does not check tokens itself: it is
    /// open to the internet.
    pub fn relay_routes(&self) -> Router {
        let Some(verifier) = self.verifier() else {
            return Router::new();
        };
        let queue: Arc<dyn WorkQueue> = self.store.clone();
        let relay = Relay::new(
            queue,
            self.bus.clone(),
            self.clock.clone(),
            RelayConfig::default(),
        );
        relay_routes(Arc::new(relay), verifier)
    }

    fn verifier(&self) -> Option<OidcVerifier> {
        let push = self.config.push.as_ref()?;
        let keys = GoogleKeys::new(
            self.http.clone(),
            push.keys_url.as_str(),
            self.clock.clone(),
        );
        Some(OidcVerifier::new(
            keys,
            push.account.clone(),
            self.clock.clone(),
        ))
    }

    /// The push endpoint of a service's stages.
    fn push_routes(&self, service: &mut Service) -> Router {
        let stages = std::mem::take(&mut service.stages);
        if stages.is_empty() {
            return Router::new();
        }
        let queue: Arc<dyn WorkQueue> = self.store.clone();
        let config = RunnerConfig {
            lease: self.config.work_lease,
            longest_run: LONGEST_RUN,
        };
        let runner = Runner::new(queue, self.bus.clone(), self.clock.clone(), stages, config);
        push_routes(runner, self.verifier(), PushLimits::default())
    }

    fn health(&self, version: &'static str) -> Router {
        let store = self.store.clone();
        let check = Check::new("store", move || {
            let store = store.clone();
            async move { Ok(store.check_across_tenants().await?) }
        });
        health_routes(version, vec![check])
    }
}

/// Runs a service until it is asked to end. `read` reads the service's own settings, `make` makes it.
pub fn main<C>(
    name: &'static str,
    read: impl FnOnce(&mut Reader<'_>) -> C,
    make: impl AsyncFnOnce(C, &Engine) -> anyhow::Result<Service>,
) -> ExitCode {
    runtime::use_small_pages();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(name, read, make)),
        Err(error) => Err(error.into()),
    };
    runtime::exit_code(result)
}

async fn run<C>(
    name: &'static str,
    read: impl FnOnce(&mut Reader<'_>) -> C,
    make: impl AsyncFnOnce(C, &Engine) -> anyhow::Result<Service>,
) -> anyhow::Result<()> {
    let settings = Settings::from_environment(None)?;
    let (config, own) = settings.load(|reader| (Config::read(reader), read(reader)))?;
    runtime::telemetry(name, &config.telemetry)?;
    let metrics = install_metrics();
    let public = Listener::bind(config.listen)
        .await
        .with_context(|| format!("listening on {}: choose another PORT", config.listen))?;
    let private = match config.metrics_port {
        Some(port) => {
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
            let bound = Listener::bind(address).await;
            Some(bound.with_context(|| {
                format!("listening on {address} for metrics: choose another METRICS_PORT")
            })?)
        }
        None => None,
    };
    let engine = Box::pin(Engine::open(config)).await?;
    let mut service = make(own, &engine).await?;
    let routes = engine.push_routes(&mut service);
    let routes = routes
        .merge(service.routes)
        .merge(engine.health(env!("CARGO_PKG_VERSION")));
    tracing::info!(address = %public.local_addr()?, "listening");
    let mut endpoints = vec![Endpoint::new(name, public, routes)];
    if let Some(private) = private {
        endpoints.push(Endpoint::new("metrics", private, metrics_routes(metrics)));
    }
    let serve = engine.config.serve.clone();
    runtime::run(endpoints, service.tasks, serve, runtime::shutdown_signal()).await?;
    Ok(())
}
