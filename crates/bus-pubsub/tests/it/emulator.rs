//! One emulator for the test process, with a project for each test.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::Request, middleware};
use bus_pubsub::{Access, PubSubBus, PubSubConfig};
use domain::Stage;
use testkit::emulators::{PubSub, unless_missing};
use tokio::{net::TcpListener, sync::OnceCell};

/// One for all tests of the process. Its watcher stops it when the process ends.
static EMULATOR: OnceCell<Option<PubSub>> = OnceCell::const_new();
static PROJECTS: AtomicUsize = AtomicUsize::new(0);

/// A new project in the process's emulator; `None` if it is not installed.
pub(crate) async fn project() -> Option<PubSubConfig> {
    let start = async || unless_missing(PubSub::start().await);
    let emulator = EMULATOR.get_or_init(start).await.as_ref()?;
    Some(project_in(emulator))
}

/// A new project in this emulator, which has the time that it needs on a busy machine.
pub(crate) fn project_in(emulator: &PubSub) -> PubSubConfig {
    let number = PROJECTS.fetch_add(1, Ordering::Relaxed);
    let access = Access::Emulator {
        endpoint: emulator.endpoint.clone(),
    };
    PubSubConfig {
        publish_deadline: Duration::from_secs(60),
        ..PubSubConfig::new(format!("project-{number}"), access)
    }
}

/// Provisions topics and subscriptions that push these stages to these routes; returns the bus.
pub(crate) async fn connect(
    config: &PubSubConfig,
    routes: impl IntoIterator<Item = (Stage, Router)>,
) -> Arc<PubSubBus> {
    let mut pushes = Vec::new();
    for (stage, routes) in routes {
        pushes.push((stage, format!("{}/internal/push", listen(routes).await)));
    }
    bus_pubsub::provision(config, &pushes, None).await.unwrap();
    Arc::new(PubSubBus::open(config).await.unwrap())
}

/// Serves routes on a free port; returns their address.
pub(crate) async fn listen(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

/// The same routes, with a count of their requests.
pub(crate) fn counted(routes: Router) -> (Router, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let layer = middleware::from_fn(move |request: Request, next: middleware::Next| {
        counter.fetch_add(1, Ordering::Relaxed);
        next.run(request)
    });
    (routes.layer(layer), count)
}
