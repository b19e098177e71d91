//! Brings qualified requests into CRMs, each once.

mod dispatch;

use std::sync::Arc;

use accounts::Accounts;
use crm::Connectors;
use domain::Clock;
use runtime::Service;
use store::Store;

/// What the service needs.
#[derive(Clone)]
pub struct Deps {
    /// Persons and the record of effects.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The tenants' accounts.
    pub accounts: Accounts,
    /// The connectors.
    pub connectors: Connectors,
}

/// The whole service.
pub fn service(deps: Deps) -> Service {
    Service {
        name: "crm-dispatcher",
        routes: axum::Router::new(),
        stages: vec![Arc::new(dispatch::Dispatch::new(deps))],
        tasks: Vec::new(),
    }
}
