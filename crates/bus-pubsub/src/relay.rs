//! The scheduler's endpoint: starts a scan of the relay, as a backstop for the relay that always runs.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    routing::post,
};
use bus::{Relay, ScanResult};
use runtime::{Json, Problem};
use serde::Serialize;
use tokio::time::Instant;

use crate::{OidcVerifier, admission::admit};

/// How long one call scans at most. A scheduler calls every minute.
const LONGEST_SCAN: Duration = Duration::from_secs(20);
/// When to retry if the store could not be asked.
const RETRY_AFTER: Duration = Duration::from_secs(10);

struct Endpoint {
    relay: Arc<Relay>,
    verifier: OidcVerifier,
}

#[derive(Serialize)]
struct Answer {
    /// Wake-ups that were published.
    published: usize,
}

/// `POST /internal/relay`: scans for due work until there is none or 20 seconds have passed, and answers
/// `{"published": <number>}`. Concurrent calls do not publish the same wake-up twice.
///
/// 401 without a valid token: the relay's host is open to the internet, so no platform has checked the caller. 503 if
/// the store or Google's keys could not be asked.
pub fn relay_routes(relay: Arc<Relay>, verifier: OidcVerifier) -> Router {
    Router::new()
        .route("/internal/relay", post(scan))
        .with_state(Arc::new(Endpoint { relay, verifier }))
}

async fn scan(
    State(endpoint): State<Arc<Endpoint>>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    admit(&endpoint.verifier, request.headers()).await?;
    let give_up_at = Instant::now() + LONGEST_SCAN;
    let mut published = 0;
    while Instant::now() < give_up_at {
        match endpoint.relay.scan().await {
            Ok(ScanResult::Published(count)) => published += count,
            Ok(ScanResult::Idle | ScanResult::Full) => break,
            Err(error) => {
                return Err(Problem::unavailable(
                    "The store could not be asked. Try again.",
                    RETRY_AFTER,
                )
                .with_cause(error));
            }
        }
    }
    Ok(Json(Answer { published }))
}
