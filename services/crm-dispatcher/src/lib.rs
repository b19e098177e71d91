//! Brings qualified requests into CRMs, each once.

mod dispatch;

use std::sync::Arc;

use accounts::Accounts;
use crm::Connectors;
use domain::{Clock, StageHandler};
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

/// The handlers of this service's stages.
pub fn stages(deps: Deps) -> Vec<Arc<dyn StageHandler>> {
    vec![Arc::new(dispatch::Dispatch::new(deps))]
}

/// The whole service.
pub fn service(deps: Deps) -> Service {
    Service {
        name: "crm-dispatcher",
        routes: axum::Router::new(),
        stages: stages(deps),
        tasks: Vec::new(),
    }
}
