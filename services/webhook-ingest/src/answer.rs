//! What a sender is told.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{
    StatusCode,
    header::{CONTENT_TYPE, WWW_AUTHENTICATE},
};
use runtime::{Json, Problem};
use serde::Serialize;
use store::Accepted;

/// The answer to a delivery that is durable.
#[derive(Debug, Serialize)]
struct Receipt {
    success: bool,
    request_id: Option<String>,
    processing_time_ms: u64,
    message: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
}

/// What was made of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Lead,
    Ignored,
    Unreadable,
    Receipts,
}

/// A 200 cannot be made of anything but what a store has accepted.
pub(crate) fn accepted(accepted: &Accepted, made: Use, took: Duration) -> Response {
    let message = match made {
        _ if accepted.is_duplicate() => "received before; nothing was done twice",
        Use::Lead => "stored; it is being worked on",
        Use::Ignored => "stored; events of this kind are not used",
        Use::Unreadable => "stored; it could not be read, and a person will look at it",
        Use::Receipts => "stored",
    };
    let receipt = Receipt {
        success: true,
        request_id: accepted.request().map(|id| id.to_string()),
        processing_time_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        message,
        duplicate: accepted.is_duplicate(),
    };
    (StatusCode::OK, Json(receipt)).into_response()
}

/// What every delivery that is not proven is told, to the byte, whatever is wrong with it.
const NOT_PROVEN: &str = r#"{"type":"/problems/unauthorized","title":"The delivery is not proven genuine","status":401,"detail":"Check the webhook's URL and the signing key at the sender."}"#;

/// The answer to a delivery that is not proven.
pub(crate) fn not_proven() -> Response {
    let headers = [
        (CONTENT_TYPE, "application/problem+json"),
        (WWW_AUTHENTICATE, "Signature"),
    ];
    (StatusCode::UNAUTHORIZED, headers, NOT_PROVEN).into_response()
}

/// The store cannot take it now.
pub(crate) fn busy() -> Response {
    Problem::unavailable(
        "The delivery is not stored. Send it again.",
        Duration::from_secs(rand::random_range(1..=5)),
    )
    .into_response()
}
