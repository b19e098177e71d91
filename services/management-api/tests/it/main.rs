//! The management API over real HTTP, on the embedded store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod audit;
mod connections;
mod decisions;
mod deliveries;
mod finding;
mod issuer;
mod jobs;
mod keys;
mod live;
mod oidc;
mod openapi;
mod outside;
mod people;
mod requests;
mod sign_in;
mod sources;
mod tenants;
mod tokens;
mod views;
mod work;
mod world;
