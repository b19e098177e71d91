//! The push endpoint: runs the step that a message hints at, and answers when it is settled.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    routing::post,
};
use bus::{Ran, Runner};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use runtime::Problem;

use crate::{
    OidcVerifier,
    admission::admit,
    envelope::{self, Pushed},
    turns::Turns,
};

/// When to come again where the store could not be asked, or everything is busy.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// More than Pub/Sub ever pushes: ten million bytes in base64, and what is around them. Source: Pub/Sub, quotas.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Limits of the push endpoint.
#[derive(Debug, Clone, Copy)]
pub struct PushLimits {
    /// Largest body in bytes. A wake-up takes less than one thousand.
    pub body_bytes: usize,
    /// Steps that run at once, of one tenant at most half as many. About as many more wait for their turn.
    pub running: usize,
    /// How long a message waits for its turn before it is given back to Pub/Sub, which then slows down.
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
    turns: Turns,
}

/// `POST /internal/push`: takes what Pub/Sub pushes, and answers when the step is settled.
///
/// Answers: 204 when the message is done with, whatever came of it; 503 when the store could not be asked, keys could
/// not be fetched or too much runs, of all or of its tenant, and 400 when the body did not arrive, so that it is
/// delivered again; 401 without a genuine token. A message that is no wake-up of this version, too large, or for a stage
/// that `runner` does not have is logged with its id and acknowledged, as is a body that is no envelope: delivered again,
/// each would be the same for ever.
///
/// Without a `verifier` anybody may call: only where the platform has checked the caller, as Cloud Run does with its
/// invoker role. There it also removes the token's signature, so that a verifier would refuse every push.
///
/// The answer must come within the subscription's deadline ([`ACK_DEADLINE`](crate::ACK_DEADLINE)), or Pub/Sub
/// delivers again while the step still runs: harmless, as the claim is taken, but in vain. Give the runner
/// [`LONGEST_RUN`](crate::LONGEST_RUN). When the caller hangs up, the step is dropped where it stands; its lease ends,
/// and the relay comes again.
pub fn push_routes(
    runner: Arc<Runner>,
    verifier: Option<OidcVerifier>,
    limits: PushLimits,
) -> Router {
    let push = Push {
        runner,
        verifier,
        limits,
        turns: Turns::new(limits.running),
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
            tracing::warn!("acknowledged what is no wake-up: {no_wake}");
            Ok(StatusCode::NO_CONTENT)
        }
    }
}

/// The body; none when it is too large. That one is read to its end too, and forgotten: an answer to a caller that
/// still sends may be lost with the connection, and then the same body would come again for ever.
async fn read(mut body: Body, limit_bytes: usize) -> Result<Option<Bytes>, Problem> {
    let (mut kept, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::bad_request("The body broke off. Deliver it again.").with_cause(error)
        })?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        length += piece.len();
        if length > MOST_BYTES {
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
        let waiting = self.turns.take(&wake.key.tenant, self.limits.longest_wait);
        let Some(_turn) = waiting.await else {
            return Err(Problem::unavailable(
                "Too many steps run at once. Deliver it again.",
                RETRY_AFTER,
            ));
        };
        let running = self.runner.run(&wake);
        let ran = match trace {
            Some(trace) => trace.child().scope(running).await,
            None => running.await,
        };
        match ran {
            Ran::Settled | Ran::Nothing | Ran::Lost => Ok(StatusCode::NO_CONTENT),
            Ran::Failed => Err(Problem::unavailable(
                "The step could not be claimed or settled. Deliver it again.",
                RETRY_AFTER,
            )),
        }
    }
}
