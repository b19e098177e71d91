//! The management API: what people and programs see and change, over HTTP with a bearer token.
//!
//! Everything of a tenant lives under `/v1/tenants/{tenant_id}`. Who may call a route is an extractor of its handler
//! (see [`auth`]); a handler without one does not learn of a tenant. The shapes on the wire are types of this crate,
//! not the stored document: they change only on purpose, and `openapi/management-api.json` shows every change.
#![warn(missing_docs)]

pub mod auth;
mod jwks;
mod openapi;
mod problems;
mod requests;
mod routes;

use std::sync::Arc;

use domain::Clock;
use runtime::Service;
use store::Store;

use crate::auth::Verifier;
pub use crate::openapi::openapi_json;

/// What the service works with.
#[derive(Clone)]
pub struct Deps {
    /// What the product keeps.
    pub store: Arc<dyn Store>,
    /// The time by which tokens are judged.
    pub clock: Arc<dyn Clock>,
    /// Tells genuine tokens from others.
    pub verifier: Arc<Verifier>,
}

/// The service: all its routes; no stage, no background task.
pub fn service(deps: Deps) -> Service {
    Service {
        name: "management-api",
        routes: routes::routes().with_state(deps).into(),
        stages: Vec::new(),
        tasks: Vec::new(),
    }
}
