//! Notifies people of leads: one message to each recipient, once.

mod notification;

use std::sync::Arc;

use accounts::Accounts;
use domain::{Clock, StageHandler};
use notify::Channels;
use runtime::Service;
use store::Store;

/// What the service needs.
#[derive(Clone)]
pub struct Deps {
    /// Connections and the record of effects.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The tenants' accounts.
    pub accounts: Accounts,
    /// What messages leave by.
    pub channels: Channels,
}

/// The handlers of this service's stages.
pub fn stages(deps: Deps) -> Vec<Arc<dyn StageHandler>> {
    vec![Arc::new(notification::Notification::new(deps))]
}

/// The whole service.
pub fn service(deps: Deps) -> Service {
    Service {
        name: "notifier",
        routes: axum::Router::new(),
        stages: stages(deps),
        tasks: Vec::new(),
    }
}
