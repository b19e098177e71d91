//! The edge on its own, with secrets that can be made to fail, and clients of any address.
#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod failed_proofs;
mod flood;
mod lookups;
mod memory;
mod quota;
mod refusals;
mod world;
