//! The bus over Google Pub/Sub: one topic for each stage, pushed over HTTP to the service that has the stage.
//!
//! A message is a wake-up as JSON, and as everywhere only a hint: Pub/Sub may deliver it twice, late, out of order or
//! never. So nothing here asks for ordering, exactly-once delivery or a dead-letter topic, and what cannot be a
//! wake-up of ours is acknowledged: delivered again it would be the same.
//!
//! - [`PubSubBus`] publishes wake-ups, [`EventTopic`] publishes rows for analytics.
//! - [`push_routes`] receives what Pub/Sub pushes, [`relay_routes`] lets a scheduler start a look of the relay.
//! - [`OidcVerifier`] proves that both are called by whom we told to.
//! - [`provision`] makes topics and subscriptions.
#![warn(missing_docs)]

mod admission;
mod config;
mod envelope;
mod oidc;
mod provision;
mod publish;
mod push;
mod relay;
mod turns;

pub use config::{Access, PubSubConfig, PushAccount};
pub use oidc::{GoogleKeys, OidcVerifier, Refusal, VerifyError};
pub use provision::{ACK_DEADLINE, LONGEST_RUN, ProvisionError, provision};
pub use publish::{EventMessage, EventTopic, OpenError, PubSubBus};
pub use push::{PushLimits, push_routes};
pub use relay::relay_routes;
