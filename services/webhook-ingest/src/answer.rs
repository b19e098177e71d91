//! The answers to senders.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use domain::Reading;
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
    request_id: Option<String>,
    processing_time_ms: u64,
    message: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
}

/// What was made of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryUse {
    Lead,
    Ignored,
    Unreadable,
    Receipts,
}

impl DeliveryUse {
    pub(crate) fn of(reading: &Result<Reading, String>) -> Self {
        match reading {
            Ok(Reading::News(_)) => Self::Lead,
            // A ping is answered before anything is stored.
            Ok(Reading::Ignored { .. } | Reading::Ping) => Self::Ignored,
            Ok(Reading::Receipts(_)) => Self::Receipts,
            Err(_) => Self::Unreadable,
        }
    }
}

/// A delivery is acknowledged only with what a store has accepted.
pub(crate) fn accepted(accepted: &Accepted, made: DeliveryUse, took: Duration) -> Response {
    let message = match made {
        _ if accepted.is_duplicate() => "received before; nothing was done twice",
        DeliveryUse::Lead => "stored; it is being worked on",
        DeliveryUse::Ignored => "stored; events of this kind are not used",
        DeliveryUse::Unreadable => "stored; it could not be read, and a person will look at it",
        DeliveryUse::Receipts => "stored",
    };
    let body = AcceptedBody {
        success: true,
        request_id: accepted.request().map(|id| id.to_string()),
        processing_time_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        message,
        duplicate: accepted.is_duplicate(),
    };
    (StatusCode::OK, Json(body)).into_response()
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
    let body = AcceptedBody {
        success: true,
        request_id: None,
        processing_time_ms: 0,
        message: "the URL works",
        duplicate: false,
    };
    (StatusCode::OK, Json(body)).into_response()
}

/// The store cannot take it now.
pub(crate) fn busy() -> Response {
    Problem::unavailable(
        "The delivery is not stored. Send it again.",
        Duration::from_secs(rand::random_range(1..=5)),
    )
    .into_response()
}
