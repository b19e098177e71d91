//! Tells people of leads: one message to each recipient, once.

mod notification;

use std::sync::Arc;

use domain::{Clock, StageHandler};
use notify::sendgrid::SendGrid;
use runtime::Service;
use secrets::Secrets;
use store::Store;

/// What the service needs.
#[derive(Clone)]
pub struct Deps {
    /// Connections and the record of effects.
    pub store: Arc<dyn Store>,
    /// The tenants' credentials.
    pub secrets: Arc<dyn Secrets>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who carries e-mail.
    pub sendgrid: Arc<SendGrid>,
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
