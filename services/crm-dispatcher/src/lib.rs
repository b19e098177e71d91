//! Brings qualified requests into CRMs: one contact for the person, one deal for the request, once.

mod dispatch;

use std::sync::Arc;

use crm::Connectors;
use domain::{Clock, StageHandler};
use runtime::Service;
use secrets::Secrets;
use store::Store;

/// What the service needs.
#[derive(Clone)]
pub struct Deps {
    /// Connections, persons and the record of effects.
    pub store: Arc<dyn Store>,
    /// The tenants' credentials.
    pub secrets: Arc<dyn Secrets>,
    /// Time.
    pub clock: Arc<dyn Clock>,
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
