//! The bus over Google Pub/Sub: one topic for each stage, pushed over HTTP to the service that has the stage.
//!
//! A message is a wake-up as JSON, and only a hint: Pub/Sub may deliver it twice, late, out of order or never. So nothing
//! here needs ordering, exactly-once delivery or a dead-letter topic, and a message that cannot be a wake-up is
//! acknowledged, because it would be the same on every delivery.
//!
//! - [`PubSubBus`] publishes wake-ups, [`EventTopic`] publishes rows for analytics.
//! - [`push_routes`] receives what Pub/Sub pushes, [`relay_routes`] lets a scheduler start a scan of the relay.
//! - [`OidcVerifier`] checks that both endpoints are called by the configured service account.
//! - [`provision`] makes topics and subscriptions.

mod admission;
mod config;
mod envelope;
mod oidc;
mod provision;
mod publish;
mod push;
mod relay;
mod slots;

pub use config::{Access, PubSubConfig, PushAccount};
pub use oidc::{GoogleKeys, OidcVerifier, Refusal, VerifyError};
pub use provision::{ACK_DEADLINE, LONGEST_RUN, ProvisionError, provision};
pub use publish::{EventMessage, EventTopic, OpenError, PubSubBus};
pub use push::{PushLimits, push_routes};
pub use relay::relay_routes;
