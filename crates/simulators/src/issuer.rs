//! An `OpenID` Connect issuer that people sign in at: authorization code flow with PKCE, refresh tokens, one ES256 key.
//!
//! - `GET /.well-known/openid-configuration`, `GET /keys`.
//! - `GET /authorize` shows a page that asks only for an e-mail address: whoever types one is that person. It leads back to
//!   `redirect_uri` with `code` and `state`.
//! - `POST /token`, a form with the client's id and secret in it: `authorization_code` (once, within a minute, with the
//!   verifier of its challenge and the same `redirect_uri`) and `refresh_token` (each good once).
//!
//! Control: `POST /_sim/twist` with `{"twist": "wrong_nonce"}` lets it misbehave, `{"twist": null}` ends that.
//!
//! Source: `OpenID` Connect Core 1.0 and Discovery 1.0, RFC 6749, RFC 7636. No certain issuer is meant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as P256, EcdsaKeyPair, KeyPair as _};
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::provider::{Bodies, Provider, Shared, lock};
use crate::{SimulatorSpec, Simulators};

/// What the issuer calls the product.
pub const CLIENT_ID: &str = "leads";
/// By what it knows the product.
pub const CLIENT_SECRET: &str = "simulated-client-secret";

/// How long a code is good.
const CODE_LIVES: SignedDuration = SignedDuration::from_secs(60);
/// How long an ID token is good.
const TOKEN_LIVES: SignedDuration = SignedDuration::from_mins(10);
const KEY_ID: &str = "simulated-1";

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Issuer::SLUG,
    name: "Issuer of identities",
    setting: Some("OIDC_ISSUER"),
    is_cloud_only: true,
    has_view: false,
    is_google: false,
    credential: CLIENT_SECRET,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<Issuer>,
};

/// The handle of the simulated issuer.
pub type Simulator = control::Simulator<Issuer>;

impl Simulators {
    /// The simulated issuer.
    pub fn issuer(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated issuer behaves.
#[derive(Debug, Clone, Default)]
pub struct Config {}

impl ProviderConfig for Config {}

/// How the issuer misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Twist {
    /// The ID token has another nonce than was asked for.
    WrongNonce,
    /// It is for another client.
    WrongAudience,
    /// It is for several clients, and was asked for by another one.
    ForAnotherParty,
    /// It names another issuer.
    WrongIssuer,
    /// Nobody has shown that the address is theirs.
    UnverifiedEmail,
    /// It has expired.
    Expired,
    /// Another key has signed it, under the same id.
    ForeignKey,
    /// There is none.
    NoIdToken,
    /// The token endpoint answers 503.
    Down,
    /// It takes no refresh token.
    RefusesRefresh,
}

/// The state of the simulated issuer.
pub struct Issuer {
    key: EcdsaKeyPair,
    foreign: EcdsaKeyPair,
    twist: Mutex<Option<Twist>>,
    codes: Mutex<HashMap<String, Granted>>,
    /// The refresh tokens that can be used.
    refresh: Mutex<Vec<String>>,
}

/// What a code was given for.
struct Granted {
    asked: HashMap<String, String>,
    email: String,
    at: Timestamp,
}

impl Provider for Issuer {
    const SLUG: &'static str = "issuer";
    const BODIES: Bodies = Bodies::Hidden;

    type Config = Config;
    type Caller = ();

    fn new(_config: Config, _setup: &Setup) -> Self {
        let key = || EcdsaKeyPair::generate(&P256).expect("the system has random numbers");
        Self {
            key: key(),
            foreign: key(),
            twist: Mutex::default(),
            codes: Mutex::default(),
            refresh: Mutex::default(),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(ask).post(lead_back))
            .route("/token", post(token))
            .route("/_sim/twist", post(set_twist))
    }

    /// The client's secret is a field of the body.
    fn authorize(_sim: &Shared<Self>, _request: &Parts) -> Result<(), Response> {
        Ok(())
    }

    fn error(status: StatusCode, message: &str) -> Response {
        (status, Json(json!({ "error": message }))).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            500.. => "server_error",
            429 => "slow_down",
            _ => "invalid_request",
        }
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        let refresh = lock(&sim.provider.refresh).len();
        json!({ "open_codes": lock(&sim.provider.codes).len(), "refresh_tokens": refresh })
    }
}

impl Simulator {
    /// Lets it misbehave, or no longer.
    pub fn twist(&self, twist: Option<Twist>) {
        *lock(&self.shared.provider.twist) = twist;
    }

    /// A person signs in on its page, which was opened with these parameters; the code that leads them back.
    pub fn sign_in(&self, asked: &HashMap<String, String>, email: &str) -> String {
        self.shared.grant(asked.clone(), email)
    }
}

impl Shared<Issuer> {
    fn has(&self, twist: Twist) -> bool {
        *lock(&self.provider.twist) == Some(twist)
    }

    fn grant(&self, asked: HashMap<String, String>, email: &str) -> String {
        let code = drawn();
        let granted = Granted {
            asked,
            email: email.to_owned(),
            at: self.control.now(),
        };
        lock(&self.provider.codes).insert(code.clone(), granted);
        code
    }

    fn id_token(&self, granted: &Granted) -> String {
        let or =
            |twist, twisted: Value, usual: Value| if self.has(twist) { twisted } else { usual };
        let now = self.control.now().as_second();
        let us = json!(granted.asked.get("client_id"));
        let name = granted.email.split('@').next().unwrap_or_default();
        let subject = hex::encode(&digest(&SHA256, granted.email.as_bytes()).as_ref()[..10]);
        let lives = TOKEN_LIVES.as_secs();
        let mut claims = json!({
            "iss": or(Twist::WrongIssuer, json!("https://evil.example"), json!(self.base_url)),
            "aud": or(Twist::WrongAudience, json!("another"), us.clone()),
            "sub": subject,
            "iat": now,
            "exp": or(Twist::Expired, json!(now - 60), json!(now + lives)),
            "nonce": or(Twist::WrongNonce, json!("another"), json!(granted.asked.get("nonce"))),
            "email": granted.email,
            "email_verified": or(Twist::UnverifiedEmail, json!(false), json!(true)),
            "name": name,
        });
        if self.has(Twist::ForAnotherParty) {
            claims["aud"] = json!([us, "another"]);
            claims["azp"] = json!("another");
        }
        match self.has(Twist::ForeignKey) {
            true => signed(&self.provider.foreign, &claims),
            false => signed(&self.provider.key, &claims),
        }
    }

    /// What a call to the token endpoint gets, or the error's code.
    fn tokens(&self, form: &HashMap<String, String>) -> Result<Value, &'static str> {
        const BAD: &str = "invalid_grant";
        let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if (text("client_id"), text("client_secret")) != (CLIENT_ID, CLIENT_SECRET) {
            return Err("invalid_client");
        }
        let mut answer = json!({ "token_type": "Bearer", "expires_in": TOKEN_LIVES.as_secs() });
        match text("grant_type") {
            "authorization_code" => {
                // A code is taken once, whatever comes of it.
                let granted = lock(&self.provider.codes).remove(text("code")).ok_or(BAD)?;
                let asked = |name: &str| granted.asked.get(name).map(String::as_str);
                let verifier = digest(&SHA256, text("code_verifier").as_bytes());
                let is_late = self.control.now().duration_since(granted.at) > CODE_LIVES;
                let is_pledged =
                    asked("code_challenge") == Some(&*URL_SAFE_NO_PAD.encode(verifier));
                let is_same = asked("redirect_uri") == Some(text("redirect_uri"));
                if is_late || !is_pledged || !is_same {
                    return Err(BAD);
                }
                if !self.has(Twist::NoIdToken) {
                    answer["id_token"] = json!(self.id_token(&granted));
                }
            }
            "refresh_token" if !self.has(Twist::RefusesRefresh) => {
                let mut known = lock(&self.provider.refresh);
                let place = known
                    .iter()
                    .position(|known| known == text("refresh_token"));
                known.remove(place.ok_or(BAD)?);
            }
            "refresh_token" => return Err(BAD),
            _ => return Err("unsupported_grant_type"),
        }
        let next = drawn();
        lock(&self.provider.refresh).push(next.clone());
        answer["access_token"] = json!(drawn());
        answer["refresh_token"] = json!(next);
        Ok(answer)
    }
}

type Sim = State<Arc<Shared<Issuer>>>;

/// Text that nobody guesses.
fn drawn() -> String {
    hex::encode(rand::random::<[u8; 24]>())
}

/// Claims as a token of this key.
fn signed(key: &EcdsaKeyPair, claims: &Value) -> String {
    let head = json!({ "typ": "JWT", "alg": "ES256", "kid": KEY_ID });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&head), part(claims));
    let signature = key.sign(&SystemRandom::new(), text.as_bytes());
    let signature = signature.expect("the system has random numbers");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn discovery(State(sim): Sim) -> Json<Value> {
    let url = &sim.base_url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize?realm=simulated"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn keys(State(sim): Sim) -> Json<Value> {
    // An uncompressed point: a byte that says so, and 32 of either coordinate.
    let point = sim.provider.key.public_key().as_ref();
    let coordinate = |range| URL_SAFE_NO_PAD.encode(point.get(range).unwrap_or_default());
    Json(json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID,
        "x": coordinate(1..33), "y": coordinate(33..65),
    }] }))
}

/// What the page was opened with, if a code may be given for it.
fn asked(query: Option<&str>) -> Result<(HashMap<String, String>, Url), Response> {
    let query = query.unwrap_or_default().as_bytes();
    let asked: HashMap<String, String> = form_urlencoded::parse(query).into_owned().collect();
    let is = |name: &str, value: &str| asked.get(name).is_some_and(|given| given == value);
    let back = asked
        .get("redirect_uri")
        .and_then(|back| Url::parse(back).ok());
    let is_good = is("client_id", CLIENT_ID)
        && is("response_type", "code")
        && is("code_challenge_method", "S256")
        && asked.contains_key("code_challenge");
    match back.filter(|back| is_good && matches!(back.scheme(), "http" | "https")) {
        Some(back) => Ok((asked, back)),
        None => Err(Issuer::refuse(StatusCode::BAD_REQUEST)),
    }
}

async fn ask(RawQuery(query): RawQuery) -> Response {
    if let Err(refused) = asked(query.as_deref()) {
        return refused;
    }
    let page = "<!doctype html><html lang=en><meta charset=utf-8><title>Simulated issuer</title>\
        <meta name=viewport content='width=device-width'>\
        <style>body{font:16px system-ui;max-width:24rem;margin:4rem auto;padding:0 1rem}input{font:inherit;width:100%}</style>\
        <h1>Simulated issuer</h1><p>Nobody is asked for a password here: whoever you say you are, you are.</p>\
        <form method=post><p><label>E-mail address <input type=email name=email required autofocus></label></p>\
        <button>Sign in</button></form>";
    Html(page).into_response()
}

async fn lead_back(State(sim): Sim, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let (asked, mut back) = match asked(query.as_deref()) {
        Ok(read) => read,
        Err(refused) => return refused,
    };
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let Some(email) = form.get("email").filter(|email| email.contains('@')) else {
        return Issuer::refuse(StatusCode::BAD_REQUEST);
    };
    let state = asked.get("state").cloned().unwrap_or_default();
    let code = sim.grant(asked, email.trim());
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &state);
    Redirect::to(back.as_str()).into_response()
}

async fn token(State(sim): Sim, body: Bytes) -> Response {
    if sim.has(Twist::Down) {
        return Issuer::refuse(StatusCode::SERVICE_UNAVAILABLE);
    }
    let form = form_urlencoded::parse(&body).into_owned().collect();
    match sim.tokens(&form) {
        Ok(tokens) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Err("invalid_client") => Issuer::error(StatusCode::UNAUTHORIZED, "invalid_client"),
        Err(code) => Issuer::error(StatusCode::BAD_REQUEST, code),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetTwist {
    twist: Option<Twist>,
}

async fn set_twist(State(sim): Sim, body: Bytes) -> Response {
    match control::read::<SetTwist>(&body) {
        Ok(set) => {
            *lock(&sim.provider.twist) = set.twist;
            pretty(&json!({}))
        }
        Err(reason) => control::invalid(&reason),
    }
}
