//! The management API over real HTTP, on the embedded store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod openapi;
mod requests;
mod tokens;
mod world;
