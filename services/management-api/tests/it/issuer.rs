//! An issuer outside of the product: its keys, its endpoint, its tokens.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING as P256, EcdsaKeyPair, Ed25519KeyPair},
};
use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, header::CACHE_CONTROL};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// What PKCS#8 puts in front of an RSA key of 2048 bits.
const PKCS8_HEADER_BYTES: usize = 26;

/// A key that an issuer signs with.
pub(crate) struct Key {
    kid: String,
    algorithm: Algorithm,
    private: EncodingKey,
}

impl Key {
    pub(crate) fn ed25519(kid: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
        Self::new(
            kid,
            Algorithm::EdDSA,
            EncodingKey::from_ed_der(pkcs8.as_ref()),
        )
    }

    pub(crate) fn p256(kid: &str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&P256, &SystemRandom::new()).unwrap();
        Self::new(
            kid,
            Algorithm::ES256,
            EncodingKey::from_ec_der(pkcs8.as_ref()),
        )
    }

    pub(crate) fn rsa(kid: &str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let private = EncodingKey::from_rsa_der(&der.as_ref()[PKCS8_HEADER_BYTES..]);
        Self::new(kid, Algorithm::RS256, private)
    }

    fn new(kid: &str, algorithm: Algorithm, private: EncodingKey) -> Self {
        Self {
            kid: kid.to_owned(),
            algorithm,
            private,
        }
    }

    /// As it is published.
    pub(crate) fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.clone());
        serde_json::to_value(jwk).unwrap()
    }

    /// A token of this key.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(self.algorithm, claims)
    }

    /// The same with another algorithm.
    pub(crate) fn sign_as(&self, algorithm: Algorithm, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        header.kid = Some(self.kid.clone());
        encode(&header, claims, &self.private).unwrap()
    }
}

/// What the issuer publishes, and how often it was asked. Clones are the same issuer.
#[derive(Clone)]
pub(crate) struct Issuer(Arc<Published>);

struct Published {
    keys: Mutex<Vec<Value>>,
    cache_control: Option<&'static str>,
    is_down: Mutex<bool>,
    fetches: AtomicUsize,
    /// One for each answer that may go out.
    answers: Semaphore,
}

impl Issuer {
    /// One that answers with these keys, to be used for so long.
    pub(crate) fn new(keys: &[&Key], cache_control: Option<&'static str>) -> Self {
        let issuer = Self(Arc::new(Published {
            keys: Mutex::default(),
            cache_control,
            is_down: Mutex::default(),
            fetches: AtomicUsize::new(0),
            answers: Semaphore::new(1_000),
        }));
        issuer.publish(keys);
        issuer
    }

    /// Serves on a free port; answers the URL of the keys.
    pub(crate) fn serve(&self) -> String {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/keys", get(keys))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        url
    }

    pub(crate) fn publish(&self, keys: &[&Key]) {
        *self.0.keys.lock().unwrap() = keys.iter().map(|key| key.public()).collect();
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        *self.0.is_down.lock().unwrap() = is_down;
    }

    /// Lets its answers wait until [`let_go`](Self::let_go).
    pub(crate) fn hold(&self) {
        self.0.answers.forget_permits(usize::MAX);
    }

    pub(crate) fn let_go(&self) {
        self.0.answers.add_permits(1_000);
    }

    pub(crate) fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::Relaxed)
    }
}

async fn keys(State(Issuer(published)): State<Issuer>) -> impl IntoResponse {
    published.fetches.fetch_add(1, Ordering::Relaxed);
    published.answers.acquire().await.unwrap().forget();
    if *published.is_down.lock().unwrap() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let set = axum::Json(json!({ "keys": *published.keys.lock().unwrap() }));
    match published.cache_control {
        Some(value) => ([(CACHE_CONTROL, value)], set).into_response(),
        None => set.into_response(),
    }
}
