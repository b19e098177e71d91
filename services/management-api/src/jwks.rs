//! The public keys of tokens.

use axum::{extract::State, response::IntoResponse};
use http::header::CACHE_CONTROL;
use runtime::Json;

use crate::Deps;

/// The public keys that tokens are checked with, as a JSON Web Key Set (RFC 7517).
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "service",
    responses((status = OK, description = "The keys.", content_type = "application/json", body = Object))
)]
pub(crate) async fn show_jwks(State(deps): State<Deps>) -> impl IntoResponse {
    let is_public = [(CACHE_CONTROL, "public, max-age=300")];
    (is_public, Json(deps.verifier.keys().jwks().clone()))
}
