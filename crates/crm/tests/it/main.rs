//! The connectors against simulated CRMs, over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod hubspot;
mod world;
