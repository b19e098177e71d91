//! The answers to senders.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use domain::RequestId;
use http::{
    StatusCode,
    header::{CONTENT_TYPE, WWW_AUTHENTICATE},
};
use runtime::{Json, Problem};
use serde::Serialize;
use store::Accepted;

/// The body of a 200.
#[derive(Debug, Serialize)]
struct AcceptedBody {
    success: bool,
    request_id: Option<RequestId>,
    processing_time_ms: u64,
    message: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
}

/// A delivery is acknowledged only with what a store has accepted. `message` says what was made of it.
pub(crate) fn accepted(accepted: &Accepted, message: &'static str, took: Duration) -> Response {
    let is_duplicate = accepted.is_duplicate();
    Json(AcceptedBody {
        success: true,
        request_id: accepted.request(),
        processing_time_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        message: if is_duplicate {
            "received before; nothing was done twice"
        } else {
            message
        },
        duplicate: is_duplicate,
    })
    .into_response()
}

/// The answer to every delivery that is not verified: equal to the byte, whatever is wrong with it.
const NOT_VERIFIED: &str = r#"{"type":"/problems/unauthorized","title":"The signature could not be verified","status":401,"detail":"Check the webhook's URL and the signing key at the sender."}"#;

/// The answer to a delivery that is not verified.
pub(crate) fn not_verified() -> Response {
    let headers = [
        (CONTENT_TYPE, "application/problem+json"),
        (WWW_AUTHENTICATE, "Signature"),
    ];
    (StatusCode::UNAUTHORIZED, headers, NOT_VERIFIED).into_response()
}

/// The answer to a provider that tries whether the URL works. It delivers nothing, so nothing has to be durable.
pub(crate) fn ping() -> Response {
    Json(AcceptedBody {
        success: true,
        request_id: None,
        processing_time_ms: 0,
        message: "the URL works",
        duplicate: false,
    })
    .into_response()
}

/// The store cannot take it now.
pub(crate) fn busy() -> Response {
    Problem::unavailable(
        "The delivery is not stored. Send it again.",
        Duration::from_secs(rand::random_range(1..=5)),
    )
    .into_response()
}
