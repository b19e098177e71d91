//! The edge on its own, with secrets that can be made to fail, and clients of any address.
#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod answers;
mod endpoints;
mod failed_signatures;
mod flood;
mod forms;
mod further;
mod lookups;
mod memory;
mod quota;
mod reading;
mod refusal_runs;
mod refusals;
mod senders;
mod shared_app;
mod signed_as_set;
mod world;
