//! The public keys of tokens.

use axum::{extract::State, response::IntoResponse};
use http::header::CACHE_CONTROL;
use runtime::{Json, Problem};

use crate::{
    Deps,
    problems::{self, KeysProblems},
};

/// The public keys that tokens are checked with, as a JSON Web Key Set (RFC 7517).
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "service",
    responses(
        (status = OK, description = "The keys.", content_type = "application/json", body = Object),
        KeysProblems,
    )
)]
pub(crate) async fn show_jwks(State(deps): State<Deps>) -> Result<impl IntoResponse, Problem> {
    let keys = deps.verifier.jwks().await;
    let keys = keys.map_err(problems::of_keys)?;
    let is_public = [(CACHE_CONTROL, "public, max-age=300")];
    Ok((is_public, Json(keys)))
}
