//! Every route of the service. All are called by the senders of webhooks.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    response::Response,
    routing::post,
};

use crate::deliver::{Address, Ingest};

/// The routes.
pub(crate) fn routes(ingest: Arc<Ingest>) -> Router {
    Router::new()
        .route("/v1/hooks/{token}", post(hook))
        .route("/v1/hooks/{token}/{event}", post(hook_of_event))
        .route("/v1/callrail/webhook", post(callrail))
        .with_state(ingest)
}

async fn hook(
    State(ingest): State<Arc<Ingest>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    ingest
        .deliver(Address::Token { token, event: None }, request)
        .await
}

async fn hook_of_event(
    State(ingest): State<Arc<Ingest>>,
    Path((token, event)): Path<(String, String)>,
    request: Request,
) -> Response {
    ingest
        .deliver(
            Address::Token {
                token,
                event: Some(event),
            },
            request,
        )
        .await
}

async fn callrail(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    ingest
        .deliver(
            Address::Body {
                provider: "callrail",
            },
            request,
        )
        .await
}
