//! The management API over real HTTP, on the embedded store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod audit;
mod connections;
mod decisions;
mod deliveries;
mod issuer;
mod metrics;
mod openapi;
mod outside;
mod requests;
mod sources;
mod tenants;
mod tokens;
mod work;
mod world;
