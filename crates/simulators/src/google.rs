//! How Google's REST services say no.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The bearer token that the simulated Google services accept when nothing else is configured.
pub const TOKEN: &str = "simulated-google-token";

/// An error with the usual message of its status.
pub(crate) fn error(status: StatusCode) -> Response {
    let message = match status {
        StatusCode::UNAUTHORIZED => "Request had invalid authentication credentials.",
        StatusCode::FORBIDDEN => "The caller does not have permission",
        StatusCode::NOT_FOUND => "Requested entity was not found.",
        StatusCode::TOO_MANY_REQUESTS => "Resource exhausted. Please try again later.",
        StatusCode::INTERNAL_SERVER_ERROR => "Internal error encountered.",
        StatusCode::SERVICE_UNAVAILABLE => "The service is currently unavailable.",
        StatusCode::GATEWAY_TIMEOUT => "Deadline expired before operation could complete.",
        _ => "The request could not be served.",
    };
    refuse(status, message)
}

/// 400 with a reason.
pub(crate) fn invalid(message: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, message)
}

pub(crate) fn refuse(status: StatusCode, message: &str) -> Response {
    let name = match status.as_u16() {
        400 | 413 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    };
    refuse_as(status, name, message)
}

/// An error whose name does not follow from its status.
pub(crate) fn refuse_as(status: StatusCode, name: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": status.as_u16(), "message": message, "status": name } });
    (status, Json(body)).into_response()
}
