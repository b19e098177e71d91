//! The push endpoint: runs the step that a message names, and answers once it is settled.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    routing::post,
};
use bus::{RunResult, Runner};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use runtime::Problem;

use crate::{
    OidcVerifier,
    admission::admit,
    envelope::{self, Pushed},
    slots::Slots,
};

/// When to retry if the store could not be asked or all slots are busy.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// More than Pub/Sub ever pushes: ten million bytes in base64, and the envelope. Source: Pub/Sub, quotas.
const MAX_PUSH_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug, Clone, Copy)]
pub struct PushLimits {
    /// Largest body in bytes. A wake-up takes less than one thousand.
    pub body_bytes: usize,
    /// Steps that run at once; one tenant gets at most half of these slots. About as many more are queued.
    pub running: usize,
    /// How long a message waits for a slot before it is nacked, which also makes Pub/Sub slow down.
    pub longest_wait: Duration,
}

impl Default for PushLimits {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            running: 64,
            longest_wait: Duration::from_secs(5),
        }
    }
}

struct Push {
    runner: Arc<Runner>,
    verifier: Option<OidcVerifier>,
    limits: PushLimits,
    slots: Slots,
}

/// `POST /internal/push`: receives what Pub/Sub pushes, and answers once the step is settled.
///
/// 204 acknowledges the message, whatever came of the step. 503 nacks it: the store could not be asked, keys could not be
/// fetched, or all slots are busy, of all tenants or of this one. 400 nacks it, too: the body did not arrive. 401 without
/// a valid token. A message is logged by its id and acknowledged if it is too large, no wake-up of this version, or for a
/// stage that `runner` does not have, and so is a body that is no envelope: each would be the same on every delivery.
///
/// Without a `verifier` anybody may call. That is only for platforms that check the caller, as Cloud Run does with its
/// invoker role. Cloud Run also removes the token's signature, so a verifier would refuse every push.
///
/// The answer must come within the subscription's deadline ([`ACK_DEADLINE`](crate::ACK_DEADLINE)). Otherwise Pub/Sub
/// delivers again while the step still runs; that is harmless because the row is claimed, but a waste. So give the runner
/// [`LONGEST_RUN`](crate::LONGEST_RUN). If the caller hangs up, the step is dropped where it is; its lease ends, and the
/// relay publishes the row again.
pub fn push_routes(
    runner: Arc<Runner>,
    verifier: Option<OidcVerifier>,
    limits: PushLimits,
) -> Router {
    let push = Push {
        runner,
        verifier,
        limits,
        slots: Slots::new(limits.running),
    };
    Router::new()
        .route("/internal/push", post(receive))
        .with_state(Arc::new(push))
}

async fn receive(State(push): State<Arc<Push>>, request: Request) -> Result<StatusCode, Problem> {
    if let Some(verifier) = &push.verifier {
        admit(verifier, request.headers()).await?;
    }
    let Some(body) = read(request.into_body(), push.limits.body_bytes).await? else {
        tracing::warn!("acknowledged a message that is too large for a wake-up");
        return Ok(StatusCode::NO_CONTENT);
    };
    match envelope::read(&body) {
        Ok(pushed) => push.run(pushed).await,
        Err(no_wake) => {
            tracing::warn!("acknowledged a message that is no wake-up: {no_wake}");
            Ok(StatusCode::NO_CONTENT)
        }
    }
}

/// The body; `None` if it is too large. Such a body is read to its end as well and dropped: an answer to a caller that is
/// still sending may be lost with the connection, and the same body would come again for ever.
async fn read(mut body: Body, limit_bytes: usize) -> Result<Option<Bytes>, Problem> {
    let (mut kept, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::bad_request("The body ended early. Deliver it again.").with_cause(error)
        })?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        length += piece.len();
        if length > MAX_PUSH_BYTES {
            break;
        }
        if length > limit_bytes {
            kept = BytesMut::new();
        } else {
            kept.extend_from_slice(&piece);
        }
    }
    Ok((length <= limit_bytes).then(|| kept.freeze()))
}

impl Push {
    async fn run(&self, Pushed { wake, trace }: Pushed) -> Result<StatusCode, Problem> {
        let waiting = self
            .slots
            .acquire(&wake.key.tenant, self.limits.longest_wait);
        let Some(_permit) = waiting.await else {
            return Err(Problem::unavailable(
                "All slots are busy. Deliver it again.",
                RETRY_AFTER,
            ));
        };
        // The permit is for all steps of the request that run in this push.
        let running = Box::pin(self.runner.run(&wake, Box::new(())));
        let result = match trace {
            Some(trace) => trace.child().scope(running).await,
            None => running.await,
        };
        match result {
            RunResult::Settled | RunResult::Nothing | RunResult::Lost => Ok(StatusCode::NO_CONTENT),
            RunResult::Failed => Err(Problem::unavailable(
                "The step could not be claimed or settled. Deliver it again.",
                RETRY_AFTER,
            )),
        }
    }
}
