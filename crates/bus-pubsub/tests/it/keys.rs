//! Google's endpoint of public keys, and keys to sign with.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use axum::{Router, extract::State, response::IntoResponse, routing::get};
use bus_pubsub::{GoogleKeys, OidcVerifier, PushAccount};
use http::{StatusCode, header::CACHE_CONTROL};
use http_client::{Client, Options};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, jwk::Jwk};
use serde_json::{Value, json};
use testkit::ManualClock;

use crate::emulator::listen;

pub(crate) const AUDIENCE: &str = "https://worker-abc123-uc.a.run.app";
pub(crate) const EMAIL: &str = "push@acme-leads.iam.gserviceaccount.com";
/// What the clocks of these tests begin with, in seconds.
pub(crate) const NOW: i64 = 1_795_190_700;

/// What PKCS#8 puts in front of an RSA key of 2048 bits.
const PKCS8_HEADER_BYTES: usize = 26;

/// A key that Google may have.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) private: EncodingKey,
}

impl Key {
    pub(crate) fn generate(kid: &str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        Self {
            kid: kid.to_owned(),
            private: EncodingKey::from_rsa_der(&der.as_ref()[PKCS8_HEADER_BYTES..]),
        }
    }

    /// As it is published.
    pub(crate) fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, Algorithm::RS256).unwrap();
        jwk.common.key_id = Some(self.kid.clone());
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["use"] = json!("sig");
        jwk
    }
}

/// What Google publishes, and how often it was asked.
#[derive(Default)]
pub(crate) struct Google {
    keys: Mutex<Vec<Value>>,
    is_down: Mutex<bool>,
    fetches: AtomicUsize,
}

impl Google {
    pub(crate) fn publish(&self, keys: &[&Key]) {
        *self.keys.lock().unwrap() = keys.iter().map(|key| key.public()).collect();
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        *self.is_down.lock().unwrap() = is_down;
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

async fn certs(State(google): State<Arc<Google>>) -> impl IntoResponse {
    google.fetches.fetch_add(1, Ordering::Relaxed);
    if *google.is_down.lock().unwrap() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let set = json!({ "keys": *google.keys.lock().unwrap() });
    let headers = [(CACHE_CONTROL, "public, max-age=19800, must-revalidate")];
    (headers, axum::Json(set)).into_response()
}

/// Google's endpoint with one key, and a verifier that asks it.
pub(crate) struct World {
    pub(crate) google: Arc<Google>,
    pub(crate) key: Key,
    pub(crate) clock: ManualClock,
    pub(crate) verifier: OidcVerifier,
}

impl World {
    pub(crate) async fn start() -> Self {
        let google = Arc::new(Google::default());
        let key = Key::generate("first");
        google.publish(&[&key]);
        let routes = Router::new().route("/certs", get(certs));
        let url = listen(routes.with_state(google.clone())).await + "/certs";
        let options = Options {
            allow_loopback: true,
            ..Options::default()
        };
        let clock = ManualClock::at(Timestamp::from_second(NOW).unwrap());
        let shared = Arc::new(clock.clone());
        let keys = GoogleKeys::new(Client::new(options).unwrap(), url, shared.clone());
        let account = PushAccount {
            email: EMAIL.to_owned(),
            audience: AUDIENCE.to_owned(),
        };
        Self {
            google,
            key,
            clock,
            verifier: OidcVerifier::new(keys, account, shared),
        }
    }
}
