//! The management API: what people and programs see and change, over HTTP with a bearer token.
//!
//! Everything of a tenant lives under `/v1/tenants/{tenant_id}`. Who may call a route is an extractor of its handler
//! (see [`auth`]); a handler without one does not learn of a tenant. The shapes on the wire are types of this crate,
//! not the stored document: they change only on purpose, and `docs/api/openapi.yaml` shows every change.

mod audit;
pub mod auth;
mod bodiless;
mod body;
mod configs;
mod connection_test;
mod connections;
#[doc(hidden)]
pub mod cursor;
#[doc(hidden)]
pub mod dashboard;
mod deliveries;
mod demo;
mod docs;
mod faults;
mod gate;
mod idempotency;
mod indexing;
mod jobs;
mod jwks;
mod leads;
mod limits;
mod live;
mod mapping;
mod me;
mod metrics;
mod needs;
mod offices;
mod openapi;
mod people;
mod period;
mod preconditions;
mod problem_pages;
mod problems;
mod providers;
mod query;
mod reconcile;
mod requests;
mod roles;
mod routes;
mod secret_text;
pub mod sign_in;
mod sources;
mod tenants;
mod views;
mod words;
mod work;

use std::sync::Arc;

use ::sources::Sources;
use aws_lc_rs::rand;
use axum::{Extension, Router, middleware};
use blobs::Blobs;
use bus::Bus;
use domain::{Clock, Wake};
use runtime::{Problem, Service, Task};
use secrets::Secrets;
use store::{IdSource, Store};

use crate::{
    auth::{KeyRing, Verifier},
    dashboard::Files,
    gate::Gate,
    live::Hub,
    sign_in::SignIn,
};
pub use crate::{
    demo::{Demo, DemoError, DemoProvider, DemoSample},
    jobs::JobBell,
    limits::LimitsConfig,
    openapi::{openapi_json, openapi_yaml},
    problem_pages::errors_markdown,
    reconcile::{AuditConfig, Outward},
    requests::schema::request_schema_json,
};

/// What the service works with.
#[derive(Clone)]
pub struct Deps {
    /// What the product keeps.
    pub store: Arc<dyn Store>,
    /// Where wake-ups go.
    pub bus: Arc<dyn Bus>,
    /// Where webhooks can come from.
    pub sources: Sources,
    /// Where the files of forms are kept.
    pub blobs: Arc<dyn Blobs>,
    /// Credentials and signing keys.
    pub secrets: Arc<dyn Secrets>,
    /// Rung when a job is created.
    pub job_bell: JobBell,
    /// Makes the ids of what is created.
    pub ids: Arc<IdSource>,
    /// The time by which tokens are judged.
    pub clock: Arc<dyn Clock>,
    /// Tells genuine tokens from others.
    pub verifier: Arc<Verifier>,
    /// Tells genuine keys of programs from others.
    pub api_keys: Arc<KeyRing>,
    /// Lets people sign in; none where they bring tokens of an outside issuer.
    pub sign_in: Option<Arc<SignIn>>,
    /// Whether providers are simulated, which people are told.
    pub is_simulated: bool,
    /// What webhooks' URLs begin with: `https://leads.example.com`. Empty where nobody knows; then they begin with
    /// their path.
    pub public_url: String,
    /// How much may be asked.
    pub limits: LimitsConfig,
    /// The way to providers; none where nobody may be asked.
    pub outward: Option<Outward>,
    /// What drives the simulated providers of whoever tries the product; none where they are real.
    pub demo: Option<Arc<dyn Demo>>,
}

impl Deps {
    /// Hands over what is due. What is lost here is found by the relay.
    async fn hand_over(&self, wakes: Vec<Wake>) {
        if let Err(error) = self.bus.publish(wakes).await {
            tracing::warn!("{error}: the relay will publish them");
        }
    }
}

/// Bytes that nobody can guess.
fn random_bytes<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Problem::internal("the system gives no random bytes"))?;
    Ok(bytes)
}

/// The service: all its routes, the tasks that do jobs, keep the search up to date and remove old live
/// events; no stage.
pub fn service(deps: Deps) -> Service {
    let gate = Gate::new(&deps);
    let jobs = jobs::runner::Runner::new(deps.clone());
    let audited = deps.clone();
    let (store, clock) = (deps.store.clone(), deps.clock.clone());
    let search = (store.clone(), clock.clone());
    let pages = dashboard::routes(
        Arc::new(Files::embedded()),
        deps.public_url.starts_with("https:"),
    );
    let hub = Arc::new(Hub::new(store.clone(), clock.clone()));
    let routes: Router = routes::routes().with_state(deps).into();
    let routes = routes.layer(Extension(hub));
    Service {
        name: "management-api",
        routes: routes
            .route_layer(middleware::from_fn_with_state(gate, gate::pass))
            // Files that everybody may have: no caller, no limits.
            .merge(pages),
        stages: Vec::new(),
        tasks: vec![
            Task::new("indexing", move |stop| async move {
                let (store, clock) = search;
                stop.run_until_cancelled(indexing::run(store, clock)).await;
            }),
            Task::new("jobs", move |stop| jobs.run(stop)),
            Task::new("audit of sources", move |stop| {
                reconcile::run(audited, stop)
            }),
            Task::new("live events", move |stop| live::prune(store, clock, stop)),
        ],
    }
}
