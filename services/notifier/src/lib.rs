//! Notifies people of leads: one message to each recipient, once.

mod chat;
mod mail;
mod notification;

use std::sync::Arc;

use accounts::Accounts;
use domain::Clock;
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

/// The whole service.
pub fn service(deps: Deps) -> Service {
    Service {
        name: "notifier",
        routes: axum::Router::new(),
        stages: vec![Arc::new(notification::Notification::new(deps))],
        tasks: Vec::new(),
    }
}
