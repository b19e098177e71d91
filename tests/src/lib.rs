//! What whole-product stories are told with: a [`World`] runs every service on a free port and a data folder of its
//! own, with simulated providers over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod callrail;
mod company;
pub mod crash;
pub mod fleet;
pub mod simulation;
mod world;

pub use callrail::{CallBody, brief, form_encoded, sha1_signature, sha256_signature};
pub use company::Company;
pub use world::{Answer, World};
