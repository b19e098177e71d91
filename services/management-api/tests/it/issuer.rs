//! An issuer outside of the product: its keys, its endpoint, its tokens.

use std::{
    collections::HashMap,
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
use axum::{
    Router,
    body::Bytes,
    extract::State,
    response::IntoResponse,
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
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

/// How an issuer misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twist {
    WrongNonce,
    WrongAudience,
    ForAnotherParty,
    WrongIssuer,
    UnverifiedEmail,
    Expired,
    ForeignKey,
    NoIdToken,
    /// Its token endpoint answers 503.
    Down,
    RefusesRefresh,
}

/// An issuer that people sign in at: `OpenID` Connect with PKCE. Clones are the same.
#[derive(Clone)]
pub(crate) struct Provider(Arc<SigningIn>);

struct SigningIn {
    key: Key,
    foreign: Key,
    now: i64,
    url: String,
    twist: Mutex<Option<Twist>>,
    /// What a code was given for.
    codes: Mutex<HashMap<String, Granted>>,
    /// The refresh tokens that can be used.
    refresh: Mutex<Vec<String>>,
    drawn: AtomicUsize,
}

struct Granted {
    asked: HashMap<String, String>,
    email: String,
}

impl Provider {
    /// Serves on a free port, and signs with this key; its clock stands.
    pub(crate) fn start(key: Key, now: &str) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let now: jiff::Timestamp = now.parse().unwrap();
        let foreign = Key {
            kid: key.kid.clone(),
            ..Key::p256("foreign")
        };
        let provider = Self(Arc::new(SigningIn {
            key,
            foreign,
            now: now.as_second(),
            url: format!("http://{}", listener.local_addr().unwrap()),
            twist: Mutex::default(),
            codes: Mutex::default(),
            refresh: Mutex::default(),
            drawn: AtomicUsize::new(0),
        }));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(provider_keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        provider
    }

    pub(crate) fn url(&self) -> String {
        self.0.url.clone()
    }

    pub(crate) fn twist(&self, twist: Twist) {
        *self.0.twist.lock().unwrap() = Some(twist);
    }

    fn has(&self, twist: Twist) -> bool {
        *self.0.twist.lock().unwrap() == Some(twist)
    }

    /// A person signs in on its page, which was asked for this; the code that leads them back.
    pub(crate) fn authorize(&self, asked: &HashMap<String, String>, email: &str) -> String {
        let code = self.draw("code");
        let granted = Granted {
            asked: asked.clone(),
            email: email.to_owned(),
        };
        self.0.codes.lock().unwrap().insert(code.clone(), granted);
        code
    }

    fn draw(&self, what: &str) -> String {
        let number = self.0.drawn.fetch_add(1, Ordering::Relaxed);
        format!("{what}-{number}")
    }

    fn id_token(&self, granted: &Granted) -> String {
        let or =
            |twist, twisted: Value, usual: Value| if self.has(twist) { twisted } else { usual };
        let us = json!(granted.asked["client_id"]);
        let mut claims = json!({
            "iss": or(Twist::WrongIssuer, json!("https://evil.example"), json!(self.0.url)),
            "aud": or(Twist::WrongAudience, json!("another"), us.clone()),
            "sub": "1234",
            "exp": or(Twist::Expired, json!(self.0.now - 60), json!(self.0.now + 600)),
            "nonce": or(Twist::WrongNonce, json!("another"), json!(granted.asked["nonce"])),
            "email": granted.email,
            "email_verified": or(Twist::UnverifiedEmail, json!(false), json!(true)),
            "name": "Maria Example",
        });
        if self.has(Twist::ForAnotherParty) {
            claims["aud"] = json!([us, "another"]);
            claims["azp"] = json!("another");
        }
        match self.has(Twist::ForeignKey) {
            true => self.0.foreign.sign(&claims),
            false => self.0.key.sign(&claims),
        }
    }

    /// What a call to the token endpoint gets; none for a refusal.
    fn tokens(&self, form: &HashMap<String, String>) -> Option<Value> {
        let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if (text("client_id"), text("client_secret")) != ("leads", "client-secret") {
            return None;
        }
        let mut refresh = self.0.refresh.lock().unwrap();
        let id_token = match text("grant_type") {
            "authorization_code" => {
                // A code is taken once.
                let granted = self.0.codes.lock().unwrap().remove(text("code"))?;
                let digest = aws_lc_rs::digest::digest(
                    &aws_lc_rs::digest::SHA256,
                    text("code_verifier").as_bytes(),
                );
                let is_pledged = granted.asked["code_challenge"] == URL_SAFE_NO_PAD.encode(digest);
                let is_same = granted.asked["redirect_uri"] == text("redirect_uri");
                if !is_pledged || !is_same {
                    return None;
                }
                Some(self.id_token(&granted)).filter(|_| !self.has(Twist::NoIdToken))
            }
            "refresh_token" if !self.has(Twist::RefusesRefresh) => {
                let known = refresh
                    .iter()
                    .position(|known| known == text("refresh_token"))?;
                refresh.remove(known);
                None
            }
            _ => return None,
        };
        let next = self.draw("refresh");
        refresh.push(next.clone());
        Some(json!({ "token_type": "Bearer", "id_token": id_token, "refresh_token": next }))
    }
}

async fn discovery(State(provider): State<Provider>) -> impl IntoResponse {
    let url = provider.url();
    axum::Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize?realm=x"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
    }))
}

async fn provider_keys(State(provider): State<Provider>) -> impl IntoResponse {
    axum::Json(json!({ "keys": [provider.0.key.public()] }))
}

async fn token(State(provider): State<Provider>, body: Bytes) -> impl IntoResponse {
    if provider.has(Twist::Down) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    match provider.tokens(&form) {
        Some(tokens) => axum::Json(tokens).into_response(),
        None => (
            StatusCode::BAD_REQUEST,
            axum::Json(json!({ "error": "invalid_grant" })),
        )
            .into_response(),
    }
}
