//! The product in this process, on a free port and a data folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::Clock;
use management_api::auth::SigningKey;
use pipeline::{
    app::App,
    config::Config,
    data_folder::DataFolder,
    demo,
    providers::{self, Providers},
};
use runtime::{CapturedLogs, SystemClock};
use settings::Settings;
use simulators::Simulators;
use sources::Sources;
use tempfile::TempDir;
use testkit::ManualClock;
use tokio::{sync::oneshot, task::JoinHandle};
use tracing::subscriber::DefaultGuard;

use super::{Parts, post_webhooks};
use crate::sources::TRIAL;

/// What lasts while the product does not run.
pub(super) struct Stopped {
    folder: TempDir,
    settings: Settings,
    clock: Option<ManualClock>,
}

/// The running product. It is stopped before it is dropped.
pub(super) struct OneProcess {
    providers: Providers,
    clock: Option<ManualClock>,
    logs: CapturedLogs,
    #[expect(dead_code, reason = "captures as long as it lives")]
    capturing: DefaultGuard,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    folder: Option<TempDir>,
    settings: Settings,
}

/// Stories call the API as one person, as fast as they can.
/// Sources are audited in the stories about it: elsewhere, what a story puts at a provider is no lead that was missed.
pub(super) const NO_LIMITS: [(&str, &str); 3] = [
    ("AUDIT_SOURCES", "false"),
    ("API_CALLS_PER_MINUTE", "1000000"),
    ("API_CALLS_PER_MINUTE_OF_TENANT", "1000000"),
];

impl Stopped {
    /// A product that never ran. Without a manual clock it is on the machine's.
    pub(super) fn new(settings: &[(&str, &str)], clock: Option<ManualClock>) -> Self {
        let free_ports = Settings::from_pairs([("PORT", "0"), ("METRICS_PORT", "0")]);
        let settings = NO_LIMITS
            .iter()
            .chain(settings)
            .fold(free_ports, |all, (key, value)| all.with(key, value));
        Self {
            folder: tempfile::tempdir().unwrap(),
            settings,
            clock,
        }
    }

    /// The folder of its data, which is all its own now.
    pub(super) fn data_folder(&self) -> PathBuf {
        data_folder(&self.folder)
    }

    pub(super) async fn start(self) -> (OneProcess, Parts) {
        let Self {
            folder,
            settings,
            clock,
        } = self;
        let (logs, capturing) = CapturedLogs::begin();
        let time: Arc<dyn Clock> = match &clock {
            Some(clock) => Arc::new(clock.clone()),
            None => Arc::new(SystemClock::default()),
        };
        let data = DataFolder::open(&data_folder(&folder)).unwrap();
        let simulated = time.clone();
        let config = simulators::Config {
            now: Arc::new(move || simulated.now()),
            ..Default::default()
        };
        let (filled, providers) = providers::simulate(settings.clone(), &data.blobs(), config)
            .await
            .unwrap();
        let config = filled.load(Config::read).unwrap();
        let sources = Sources::with(TRIAL);
        let app = App::build(&config, data, &providers, sources, time)
            .await
            .unwrap();
        demo::ensure(app.store.as_ref(), app.secrets.as_ref(), |spec| {
            providers.webhook_key(spec.slug)
        })
        .await
        .unwrap();
        let base = format!("http://{}", app.address);
        post_webhooks(&providers.simulators, &base);
        let parts = Parts {
            base,
            store: app.store.clone(),
            secrets: app.secrets.clone(),
            key: SigningKey::open(app.folder.path()).unwrap(),
        };
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            app.run(async move {
                // A dropped sender ends the product as well.
                let _ended = stopped.await;
            })
            .await
            .unwrap();
        });
        let product = OneProcess {
            providers,
            clock,
            logs,
            capturing,
            running: Some((stop, running)),
            folder: Some(folder),
            settings,
        };
        (product, parts)
    }
}

impl OneProcess {
    pub(super) async fn stop(&mut self) {
        if let Some((stop, running)) = self.running.take() {
            stop.send(()).ok();
            running.await.unwrap();
        }
    }

    /// What lasts of a product that was stopped.
    pub(super) fn into_stopped(mut self) -> Stopped {
        Stopped {
            folder: self.folder.take().expect("it is taken here alone"),
            settings: self.settings.clone(),
            clock: self.clock.clone(),
        }
    }

    pub(super) fn data_folder(&self) -> PathBuf {
        data_folder(self.folder.as_ref().expect("it is there while this lives"))
    }

    pub(super) fn database(&self) -> PathBuf {
        self.data_folder().join("pipeline.sqlite3")
    }

    pub(super) fn recordings(&self) -> Vec<String> {
        let blobs = self.data_folder().join("blobs");
        let mut names = Vec::new();
        for tenant in fs::read_dir(&blobs).unwrap() {
            for recording in fs::read_dir(tenant.unwrap().path()).unwrap() {
                let path = recording.unwrap().path();
                let name = path.strip_prefix(&blobs).unwrap();
                names.push(name.to_str().unwrap().to_owned());
            }
        }
        names
    }

    pub(super) fn simulators(&self) -> &Simulators {
        &self.providers.simulators
    }

    pub(super) const fn clock(&self) -> Option<&ManualClock> {
        self.clock.as_ref()
    }

    pub(super) fn logs(&self) -> String {
        self.logs.text()
    }
}

impl Drop for OneProcess {
    fn drop(&mut self) {
        assert!(
            self.running.is_none() || std::thread::panicking(),
            "a story ends with `finish` or `restart`"
        );
    }
}

fn data_folder(folder: &TempDir) -> PathBuf {
    let folder: &Path = folder.path();
    folder.join("data")
}
