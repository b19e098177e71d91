//! The answers to senders.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use domain::RequestId;
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE},
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

/// The body of a 202.
#[derive(Debug, Serialize)]
struct TakenBody {
    lead_id: Option<RequestId>,
}

/// The answer to a script that posted a form. Whatever is thought of it, it is told the same.
pub(crate) fn taken(accepted: &Accepted) -> Response {
    let body = TakenBody {
        lead_id: accepted.request(),
    };
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

/// The answer to a browser that posted a form: on to the tenant's own page, else a word of thanks.
pub(crate) fn thanks(_: &Accepted, page: Option<&str>) -> Response {
    const THANKS: &str = concat!(
        r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Thank you</title>"#,
        "<p>Thank you. We have received your message.</p></html>"
    );
    match page.and_then(|page| HeaderValue::from_str(page).ok()) {
        Some(page) => (StatusCode::SEE_OTHER, [(LOCATION, page)]).into_response(),
        None => {
            let headers = [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CONTENT_SECURITY_POLICY, "default-src 'none'"),
            ];
            (StatusCode::ACCEPTED, headers, THANKS).into_response()
        }
    }
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

/// The answer to what an app sends of a company that nobody here is: refusing it would have the app's URL switched off for
/// those who are.
pub(crate) fn nobodys() -> Response {
    Json(AcceptedBody {
        success: true,
        request_id: None,
        processing_time_ms: 0,
        message: "dropped: no source has this account",
        duplicate: false,
    })
    .into_response()
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
