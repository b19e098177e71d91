//! Credentials and errors of Google's REST services.

use axum::Json;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use url::form_urlencoded;

use crate::provider::bearer;

/// The bearer token that the simulated Google services accept unless configured otherwise.
pub const TOKEN: &str = "simulated-google-token";

/// The parameters that every method of Google's APIs takes. Google's generated clients send those with a dollar.
///
/// Source: discovery documents; "System parameters" (read 2026-11). Only the default format is answered: with
/// `$alt=json;enum-encoding=int` the real ones answer numbers for words, and clients read both.
const STANDARD_PARAMETERS: &[&str] = &[
    "$.xgafv",
    "$alt",
    "$callback",
    "$ct",
    "$fields",
    "access_token",
    "alt",
    "callback",
    "fields",
    "key",
    "oauth_token",
    "prettyPrint",
    "quotaUser",
    "uploadType",
    "upload_protocol",
];

/// Whether the request carries one of these bearer tokens, or any token if the list is empty.
pub(crate) fn has_token(headers: &HeaderMap, tokens: &[String]) -> bool {
    let sent = bearer(headers).filter(|token| !token.is_empty());
    sent.is_some_and(|sent| tokens.is_empty() || tokens.iter().any(|token| token == sent))
}

/// Checks the token of a request, and that its query has only standard parameters and those of the API's own methods.
pub(crate) fn authorize(
    request: &Parts,
    tokens: &[String],
    own_parameters: &[&str],
) -> Result<(), Response> {
    if !has_token(&request.headers, tokens) {
        let status = StatusCode::UNAUTHORIZED;
        return Err(error(status, usual_message(status)));
    }
    let query = request.uri.query().unwrap_or_default();
    let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    let known = [STANDARD_PARAMETERS, own_parameters].concat();
    match names.find(|name| !known.contains(&name.as_ref())) {
        None => Ok(()),
        Some(name) => Err(invalid(&format!(
            "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. Field '{name}' could \
             not be found in request message."
        ))),
    }
}

/// The usual message of a status.
pub(crate) fn usual_message(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Request had invalid authentication credentials.",
        StatusCode::FORBIDDEN => "The caller does not have permission",
        StatusCode::NOT_FOUND => "Requested entity was not found.",
        StatusCode::METHOD_NOT_ALLOWED => "The method is not supported for this resource.",
        StatusCode::PAYLOAD_TOO_LARGE => "Request payload size exceeds the limit.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "Invalid JSON payload received. The content type must be application/json."
        }
        StatusCode::TOO_MANY_REQUESTS => "Resource exhausted. Please try again later.",
        StatusCode::INTERNAL_SERVER_ERROR => "Internal error encountered.",
        StatusCode::SERVICE_UNAVAILABLE => "The service is currently unavailable.",
        StatusCode::GATEWAY_TIMEOUT => "Deadline expired before operation could complete.",
        _ => "The request could not be served.",
    }
}

/// 400 with a reason.
pub(crate) fn invalid(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, message)
}

/// The error for a body that is not the expected JSON.
pub(crate) fn bad_json(reason: &str) -> Response {
    invalid(&format!("Invalid JSON payload received. {reason}"))
}

/// An error with the usual name of its status.
pub(crate) fn error(status: StatusCode, message: &str) -> Response {
    // Google has no 415: a body of another type is JSON that cannot be read.
    let status = match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => StatusCode::BAD_REQUEST,
        other => other,
    };
    let name = match status.as_u16() {
        400 | 413 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 => "UNIMPLEMENTED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    };
    error_named(status, name, message)
}

/// An error whose name does not follow from its status.
pub(crate) fn error_named(status: StatusCode, name: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": status.as_u16(), "message": message, "status": name } });
    (status, Json(body)).into_response()
}
