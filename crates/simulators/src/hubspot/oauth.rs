//! `POST /oauth/v1/token`: access tokens for OAuth apps, which open the account of the first token.
//!
//! Source: HubSpot, "OAuth tokens" (read 2026-11). UNCONFIRMED: the body of refusals.

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;
use url::form_urlencoded;

use super::Sim;
use crate::provider::lock;

/// How long an access token is accepted.
const LIFETIME: Duration = Duration::from_secs(1_800);

/// An OAuth app that a user has connected with an account.
#[derive(Debug, Clone)]
pub struct App {
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: String,
    /// The user's grant.
    pub refresh_token: String,
}

/// The access tokens that were granted, and until when they are accepted.
#[derive(Default)]
pub(super) struct Granted(HashMap<String, Timestamp>);

impl Granted {
    fn add(&mut self, now: Timestamp) -> String {
        let token = format!("CPT-simulated-{}", self.0.len() + 1);
        self.0.insert(token.clone(), now + LIFETIME);
        token
    }

    pub(super) fn contains(&self, token: &str, now: Timestamp) -> bool {
        self.0.get(token).is_some_and(|until| now < *until)
    }
}

pub(super) async fn token(State(sim): Sim, body: Bytes) -> Response {
    let asked: HashMap<_, _> = form_urlencoded::parse(&body).collect();
    let asks = |name: &str, value: &str| asked.get(name).is_some_and(|asked| asked == value);
    let is_asking = |app: &&App| {
        asks("client_id", &app.client_id)
            && asks("client_secret", &app.client_secret)
            && asks("refresh_token", &app.refresh_token)
            && asks("grant_type", "refresh_token")
    };
    let Some(app) = sim.provider.config.apps.iter().find(is_asking) else {
        let body = json!({
            "status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token",
            "error": "invalid_grant", "error_description": "refresh token is invalid, expired or revoked",
        });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    };
    let token = lock(&sim.provider.granted).add(sim.control.now());
    Json(json!({
        "token_type": "bearer", "refresh_token": app.refresh_token, "access_token": token,
        "expires_in": LIFETIME.as_secs(),
    }))
    .into_response()
}
