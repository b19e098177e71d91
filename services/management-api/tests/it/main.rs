//! The management API over real HTTP, on the embedded store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod audit;
mod bodies;
mod configs;
mod connections;
mod dashboard;
mod decisions;
mod deliveries;
mod finding;
mod forms;
mod gate;
mod issuer;
mod jobs;
mod keys;
mod leads;
mod links;
mod live;
mod mapping;
mod metrics;
mod offices;
mod oidc;
mod one_shape;
mod openapi;
mod outside;
mod people;
mod recordings;
mod requests;
mod sign_in;
mod sources;
mod tenants;
mod tokens;
mod views;
mod work;
mod world;
