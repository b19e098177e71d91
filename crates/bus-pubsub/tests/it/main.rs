//! Pub/Sub as the bus: the contract on the emulator, deliveries that go wrong, and who may call.
#![expect(clippy::unwrap_used, reason = "tests")]

mod contract;
mod delivery;
mod emulator;
mod keys;
mod oidc;
mod provision;
mod publish;
mod push;
mod queue;
mod tokens;
