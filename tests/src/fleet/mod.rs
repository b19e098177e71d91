//! The fleet on one machine: Google's emulators, the simulated providers, and each service as processes of its own
//! behind a front that stands for the load balancer. For `make fleet`, and for stories.

mod database;
mod front;
mod options;
mod service;
mod story;
mod visitor;

use std::{
    fs,
    io::{
        self,
        ErrorKind::{DirectoryNotEmpty, NotFound},
    },
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use axum::{Json, Router, routing::get};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bus_pubsub::{Access, PubSubConfig, provision};
use domain::{Clock, Stage};
use google::{SecretManager, SecretManagerConfig, Tokens};
use http_client::{Client, Options};
use management_api::auth::SigningKey;
use pipeline::{
    app::trust,
    data_folder::{DataFolder, ServerFile, has_data},
    demo,
};
use runtime::SystemClock;
use secrecy::SecretString;
use simulators::{SIMULATORS, Simulators, document_ai, issuer};
use store_spanner::{Emulator, SpannerConfig, SpannerStore};
use testkit::emulators::{Probe, PubSub, Spanner};

use crate::world::post_webhooks;
pub use database::{Reader, read_rows};
use front::Front;
pub use options::StoryOptions;
pub use service::{Instance, Name};
pub use story::tell;
pub use visitor::Visitor;

/// Everything of the fleet lives in this project, on the emulators and simulators.
const PROJECT: &str = "fleet-project";
const BUCKET: &str = "fleet-recordings";
/// Who administers the platform, once they signed in at the simulated issuer.
pub const PLATFORM_ADMIN: &str = "admin@example.com";

/// How a fleet is started.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// The port of the front; 0 takes any free one.
    pub port: u16,
    /// Where the services' programs lie.
    pub programs: PathBuf,
    /// The program that takes webhooks: `webhook-ingest`, or `webhook-ingest-trial`, which has invented sources too.
    pub ingest: &'static str,
    /// Settings for every service, on top of what makes it part of this fleet.
    pub settings: Vec<(String, String)>,
    /// The simulators' own.
    pub simulators: simulators::Config,
}

/// A running fleet. Dropping it ends everything that it started.
pub struct Fleet {
    /// Where senders of webhooks and users of the API come in.
    pub address: SocketAddr,
    /// The providers.
    pub simulators: Simulators,
    /// Google's Spanner, emulated.
    pub spanner: Spanner,
    /// Google's Pub/Sub, emulated.
    pub pubsub: PubSub,
    /// The processes.
    pub instances: Vec<Instance>,
    /// Where the database is.
    pub database: SpannerConfig,
    /// What is in it.
    pub store: Arc<SpannerStore>,
    /// The tenants' credentials.
    pub secrets: Arc<SecretManager>,
    /// Holds the key that signs tokens, the services' logs, and tells commands where the fleet is.
    pub folder: DataFolder,
    front: Arc<Front>,
    probe: Probe,
    settings: Vec<(String, String)>,
    programs: PathBuf,
    ingest: &'static str,
    _endpoints: Vec<tokio::task::AbortHandle>,
}

impl Fleet {
    /// Starts one: emulators, schema, topics, demo tenant, and one process of each service; waits until all are ready.
    ///
    /// # Errors
    /// What is missing or does not start, and how to get it.
    pub async fn start(folder: &Path, options: FleetOptions) -> anyhow::Result<Self> {
        Box::pin(Self::start_of(folder, options, &Name::ALL)).await
    }

    /// The same with these services alone.
    ///
    /// # Errors
    /// As of [`Fleet::start`].
    pub async fn start_of(
        folder: &Path,
        options: FleetOptions,
        services: &[Name],
    ) -> anyhow::Result<Self> {
        ensure!(
            !has_data(folder),
            "{} holds a server's data: give the fleet a folder of its own (DATA_DIR=…)",
            folder.display()
        );
        let folder = DataFolder::open(folder)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let (spanner, pubsub) = tokio::join!(Spanner::start(), PubSub::start());
        let (spanner, pubsub) = (spanner?, pubsub?);
        let simulators = Simulators::start(options.simulators).await?;
        let database = SpannerConfig {
            project: PROJECT.to_owned(),
            instance: "fleet".to_owned(),
            database: "pipeline".to_owned(),
            emulator: Some(Emulator {
                grpc: spanner.grpc.clone(),
                rest: spanner.rest.clone(),
            }),
        };
        SpannerStore::migrate(&database, clock.as_ref()).await?;
        let store = Arc::new(SpannerStore::open(&database, clock).await?);
        let secrets = Arc::new(secrets(&simulators)?);

        let key = SigningKey::open(folder.path()).context("opening the key that signs tokens")?;
        let jwks = serde_json::to_value(key.key_set().jwks())?;
        let keys_router = Router::new().route("/jwks.json", get(async move || Json(jwks.clone())));
        let (keys_address, keys_server) = serve(0, keys_router).await?;
        let front = Arc::new(Front::new()?);
        let public = front.clone();
        let (address, public_server) = serve(options.port, public.public_routes()).await?;
        let (pushes_address, pushes_server) = serve(0, front.clone().push_routes()).await?;

        let access = Access::Emulator {
            endpoint: pubsub.endpoint.clone(),
        };
        let pushes = Stage::ALL.map(|stage| (stage, Front::push_url(pushes_address, stage)));
        provision(&PubSubConfig::new(PROJECT, access), &pushes, None).await?;

        let mut settings = settings(&spanner, &pubsub, &simulators, address, keys_address);
        settings.extend(options.settings);
        let mut fleet = Self {
            address,
            simulators,
            spanner,
            pubsub,
            instances: Vec::new(),
            database,
            store,
            secrets,
            folder,
            front,
            probe: Probe::new(),
            settings,
            programs: options.programs,
            ingest: options.ingest,
            _endpoints: vec![keys_server, public_server, pushes_server],
        };
        fleet.seed().await?;
        for name in services {
            fleet.add(*name).await?;
        }
        fleet.announce()?;
        Ok(fleet)
    }

    /// Starts one more process of a service.
    ///
    /// # Errors
    /// When its program is not there, or does not get ready.
    pub async fn add(&mut self, name: Name) -> anyhow::Result<()> {
        let number = self
            .instances
            .iter()
            .filter(|instance| instance.name == name)
            .count();
        let log = self
            .folder
            .path()
            .join(format!("{}-{number}.log", name.as_str()));
        let program = match name {
            Name::WebhookIngest => self.ingest,
            other => other.as_str(),
        };
        let program = self.programs.join(program);
        let mut instance = Instance::new(name, program, log, &self.settings)?;
        instance.start(&self.front, &self.probe).await?;
        self.instances.push(instance);
        Ok(())
    }

    /// Kills a process, as a machine that dies does, and starts it anew.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn kill_and_restart(&mut self, index: usize, down: Duration) -> anyhow::Result<()> {
        let instance = self
            .instances
            .get_mut(index)
            .context("there is no such process")?;
        instance.kill(&self.front);
        tokio::time::sleep(down).await;
        instance.start(&self.front, &self.probe).await
    }

    /// Ends every process in its own time.
    pub fn stop(&mut self) {
        for instance in &mut self.instances {
            instance.stop(&self.front);
        }
    }

    /// Ends all of it in order, and removes what it put into its folder; the folder too, when nothing else is in it.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn end(mut self) -> anyhow::Result<()> {
        self.stop();
        self.folder.withdraw();
        let path = self.folder.path();
        let logs = self.instances.iter().map(|instance| instance.log.clone());
        // The folder is this fleet's until its lock is gone.
        for file in logs.chain([path.join("keys/jwt.pk8"), path.join("lock")]) {
            removed(&file, fs::remove_file(&file))?;
        }
        for folder in [path.join("keys").as_path(), path] {
            removed(folder, fs::remove_dir(folder))?;
        }
        Ok(())
    }

    /// Starts every process anew that was stopped.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        for instance in &mut self.instances {
            instance.start(&self.front, &self.probe).await?;
        }
        Ok(())
    }

    /// The base URL of the front.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The demo tenant, with its credentials.
    async fn seed(&self) -> anyhow::Result<()> {
        let (store, secrets) = (self.store.as_ref(), self.secrets.as_ref());
        demo::ensure(store, secrets, |spec| {
            self.simulators.webhook_key(spec.slug)
        })
        .await?;
        post_webhooks(&self.simulators, &self.base());
        Ok(())
    }

    fn announce(&self) -> anyhow::Result<()> {
        Ok(self.folder.announce(&ServerFile {
            address: self.address,
            simulators: self.simulators.urls(),
        })?)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.folder.withdraw();
    }
}

/// What was not there is gone as well; what holds other things stays.
fn removed(path: &Path, result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if ![NotFound, DirectoryNotEmpty].contains(&error.kind()) => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Serves on this machine until the handle is aborted or the process ends.
async fn serve(
    port: u16,
    routes: Router,
) -> anyhow::Result<(SocketAddr, tokio::task::AbortHandle)> {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address}: choose another port (PORT=…)"))?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok((address, serving.abort_handle()))
}

/// The simulated Secret Manager, as the services use it.
fn secrets(simulators: &Simulators) -> anyhow::Result<SecretManager> {
    let http = Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    })?;
    let config = SecretManagerConfig {
        base_url: simulators.secret_manager().base_url().parse()?,
        project: PROJECT.to_owned(),
        location: None,
        prefix: "prod".to_owned(),
        // Whoever looks at the fleet from beside wants to see what the services wrote.
        fresh_for: Duration::ZERO,
    };
    let tokens = Tokens::fixed(SecretString::from(simulators::GOOGLE_TOKEN));
    Ok(SecretManager::new(http, tokens, &config))
}

/// What makes a process part of this fleet.
fn settings(
    spanner: &Spanner,
    pubsub: &PubSub,
    simulators: &Simulators,
    front: SocketAddr,
    keys_address: SocketAddr,
) -> Vec<(String, String)> {
    let trust = trust();
    let own = [
        ("HOST", "127.0.0.1".to_owned()),
        ("GOOGLE_PROJECT", PROJECT.to_owned()),
        ("GOOGLE_ACCESS_TOKEN", simulators::GOOGLE_TOKEN.to_owned()),
        ("GOOGLE_MAPS_KEY", simulators::geocoding::KEY.to_owned()),
        ("ALLOW_LOOPBACK", "true".to_owned()),
        ("SPANNER_INSTANCE", "fleet".to_owned()),
        ("SPANNER_EMULATOR_URL", spanner.grpc.clone()),
        ("SPANNER_EMULATOR_REST_URL", spanner.rest.clone()),
        ("PUBSUB_EMULATOR_URL", pubsub.endpoint.clone()),
        // The emulator sends no tokens.
        ("PUSH_PROOF", "platform".to_owned()),
        ("BLOBS_BUCKET", BUCKET.to_owned()),
        (
            "DOCUMENT_AI_FORM_PARSER",
            document_ai::FORM_PARSER.to_owned(),
        ),
        ("DOCUMENT_AI_EXTRACTOR", document_ai::EXTRACTOR.to_owned()),
        ("PUBLIC_URL", format!("http://{front}")),
        ("JWT_JWKS_URL", format!("http://{keys_address}/jwks.json")),
        ("JWT_ISSUER", trust.issuer),
        ("JWT_AUDIENCE", trust.audience),
        // People sign in at the simulated issuer, whose URL comes with those of the other providers.
        ("OIDC_CLIENT_ID", issuer::CLIENT_ID.to_owned()),
        ("OIDC_CLIENT_SECRET", issuer::CLIENT_SECRET.to_owned()),
        ("SESSION_KEY", STANDARD.encode(rand::random::<[u8; 32]>())),
        ("PLATFORM_ADMINS", PLATFORM_ADMIN.to_owned()),
    ];
    let urls = simulators.urls();
    let providers = SIMULATORS
        .iter()
        .filter_map(|spec| Some((spec.setting?, urls[spec.slug].clone())));
    own.into_iter()
        .chain(providers)
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
