//! `POST /services/oauth2/token`: sessions without a named end.
//!
//! Source: Salesforce, "OAuth Authorization Flows" (read 2026-11): fields of each grant, errors `invalid_grant` and
//! `invalid_client`.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, Salesforce, Sim};
use crate::provider::{Shared, lock};

/// The sessions that are open, and until when.
pub(super) struct Sessions {
    open: BTreeMap<String, Option<Timestamp>>,
    count: u32,
}

impl Sessions {
    pub(super) fn new(first: &str) -> Self {
        Self {
            open: BTreeMap::from([(first.to_owned(), None)]),
            count: 0,
        }
    }

    pub(super) fn is_open(&self, token: &str, now: Timestamp) -> bool {
        let until = self.open.get(token);
        until.is_some_and(|until| until.is_none_or(|until| now < until))
    }

    pub(super) fn end_all(&mut self) {
        self.open.clear();
    }

    fn begin(&mut self, until: Option<Timestamp>) -> String {
        self.count += 1;
        let token = format!("00Dsimulated!{}", self.count);
        self.open.insert(token.clone(), until);
        token
    }
}

pub(super) async fn token(State(sim): Sim, body: Bytes) -> Response {
    let asked: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    if let Err((error, description)) = check(&sim, &asked) {
        let body = json!({ "error": error, "error_description": description });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let now = sim.control.now();
    let until = sim.provider.config.session.map(|session| now + session);
    let token = lock(&sim.provider.sessions).begin(until);
    Json(json!({
        "access_token": token, "signature": "c2lnbmF0dXJl", "scope": "refresh_token api",
        "instance_url": sim.base_url, "id": format!("{}/id/00Dsimulated/005simulated", sim.base_url),
        "token_type": "Bearer", "issued_at": now.as_millisecond().to_string(),
    }))
    .into_response()
}

type Refused = (&'static str, &'static str);

fn check(sim: &Shared<Salesforce>, asked: &BTreeMap<String, String>) -> Result<(), Refused> {
    let get = |name: &str| asked.get(name).map_or("", String::as_str);
    let names: BTreeSet<&str> = asked.keys().map(String::as_str).collect();
    let only = |allowed: &[&str]| names.iter().all(|name| allowed.contains(name));
    let client = [("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    let is_client = client.iter().all(|(name, value)| get(name) == *value);
    let unknown = ("invalid_request", "unknown parameter");
    match get("grant_type") {
        "refresh_token" => {
            if !only(&["grant_type", "client_id", "client_secret", "refresh_token"]) {
                return Err(unknown);
            }
            if !is_client {
                return Err(("invalid_client", "invalid client credentials"));
            }
            if get("refresh_token") != REFRESH_TOKEN {
                return Err(("invalid_grant", "expired access/refresh token"));
            }
            Ok(())
        }
        "client_credentials" if !only(&["grant_type", "client_id", "client_secret"]) => {
            Err(unknown)
        }
        "client_credentials" if !is_client => Err(("invalid_client", "invalid client credentials")),
        "client_credentials" => Ok(()),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
            if !only(&["grant_type", "assertion"]) {
                return Err(unknown);
            }
            check_assertion(sim, get("assertion")).ok_or(("invalid_grant", "invalid assertion"))
        }
        _ => Err(("unsupported_grant_type", "grant type not supported")),
    }
}

fn check_assertion(sim: &Shared<Salesforce>, assertion: &str) -> Option<()> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let decode = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let (head, claims) = (decode(head)?, decode(claims)?);
    let key = sim.provider.config.public_key.as_ref()?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    key.verify(signed.as_bytes(), &signature).ok()?;
    let left = claims["exp"].as_i64()? - sim.control.now().as_second();
    let is_good = head["alg"] == "RS256"
        && claims["iss"] == CLIENT_ID
        && claims["sub"]
            .as_str()
            .is_some_and(|user| user.contains('@'))
        && claims["aud"] == json!(sim.base_url)
        && (1..=300).contains(&left);
    is_good.then_some(())
}
