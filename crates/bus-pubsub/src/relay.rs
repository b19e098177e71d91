//! The scheduler's door: lets the relay look, as a backstop where the relay that always runs does not.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    routing::post,
};
use bus::{Looked, Relay};
use runtime::{Json, Problem};
use serde::Serialize;
use tokio::time::Instant;

use crate::{OidcVerifier, admission::admit};

/// How long one call looks at most. A scheduler calls each minute.
const LONGEST_LOOK: Duration = Duration::from_secs(20);
/// When to come again where the store could not be asked.
const RETRY_AFTER: Duration = Duration::from_secs(10);

struct Door {
    relay: Arc<Relay>,
    verifier: OidcVerifier,
}

#[derive(Serialize)]
struct Answer {
    /// Wake-ups that were published.
    published: usize,
}

/// `POST /internal/relay`: looks for due work until there is none, or 20 seconds have passed, and answers
/// `{"published": <number>}`. Several calls at once do not publish the same twice.
///
/// 401 without a genuine token: the relay's host is open to the internet, so no platform has checked the caller. 503
/// when the store or Google's keys could not be asked.
pub fn relay_routes(relay: Arc<Relay>, verifier: OidcVerifier) -> Router {
    Router::new()
        .route("/internal/relay", post(look))
        .with_state(Arc::new(Door { relay, verifier }))
}

async fn look(State(door): State<Arc<Door>>, request: Request) -> Result<Json<Answer>, Problem> {
    admit(&door.verifier, request.headers()).await?;
    let give_up_at = Instant::now() + LONGEST_LOOK;
    let mut published = 0;
    while Instant::now() < give_up_at {
        match door.relay.look().await {
            Ok(Looked::Published(count)) => published += count,
            Ok(Looked::Idle | Looked::NoRoom) => break,
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
