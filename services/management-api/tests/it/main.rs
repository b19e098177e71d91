//! The management API over real HTTP, on the embedded store.

mod openapi;
mod requests;
mod tokens;
mod world;
