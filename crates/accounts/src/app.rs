//! OAuth apps as tenants enter them, and the forms by which they ask for access tokens.
//!
//! Source: RFC 6749, sections 4.4 and 6; RFC 7523, section 2.1; Salesforce, "OAuth 2.0 JWT Bearer Flow" (read 2026-11):
//! RS256, `iss` the app, `sub` the user, `aud` the login server, `exp` within a few minutes.

use aws_lc_rs::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use domain::{ClientProof, Grant, TokenEndpoint};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

/// How long an assertion may be used, in seconds.
const ASSERTION_SECONDS: i64 = 180;
/// The grant of a signed assertion.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An OAuth app, as a tenant's secret names it.
#[derive(Deserialize)]
pub(crate) struct App {
    client_id: String,
    client_secret: Option<String>,
    refresh_token: Option<String>,
    private_key: Option<String>,
    username: Option<String>,
    /// Whom an assertion is for, if not the login server by its address.
    audience: Option<String>,
}

/// What is sent to the token endpoint.
pub(crate) struct Asked {
    pub(crate) form: Vec<(&'static str, String)>,
    /// `Authorization`, where the app proves itself so.
    pub(crate) proof: Option<SecretString>,
}

impl App {
    /// Reads a secret; `None` if it is no app that could get a token there.
    pub(crate) fn parse(secret: &SecretString, endpoint: &TokenEndpoint) -> Option<Self> {
        let app: Self = serde_json::from_str(secret.expose_secret()).ok()?;
        let grant = app.grant();
        let is_whole = match grant {
            Grant::RefreshToken => true,
            Grant::JwtBearer => app.username.is_some(),
            Grant::ClientCredentials => app.client_secret.is_some(),
        };
        (is_whole && endpoint.spec.grants.contains(&grant)).then_some(app)
    }

    fn grant(&self) -> Grant {
        match (&self.refresh_token, &self.private_key) {
            (Some(_), _) => Grant::RefreshToken,
            (None, Some(_)) => Grant::JwtBearer,
            (None, None) => Grant::ClientCredentials,
        }
    }

    /// What to ask with. `renewed` is the refresh token that the last answer brought, `server` the login server. `None` if
    /// the key cannot sign.
    pub(crate) fn ask(
        &self,
        endpoint: &TokenEndpoint,
        server: &str,
        renewed: Option<&SecretString>,
        now: Timestamp,
    ) -> Option<Asked> {
        let grant = self.grant();
        let mut form = Vec::new();
        match grant {
            Grant::RefreshToken => {
                let renewed = renewed.map(ExposeSecret::expose_secret);
                let token = renewed.or(self.refresh_token.as_deref())?;
                form.push(("grant_type", "refresh_token".to_owned()));
                form.push(("refresh_token", token.to_owned()));
            }
            Grant::JwtBearer => {
                form.push(("grant_type", JWT_BEARER.to_owned()));
                form.push(("assertion", self.assertion(server, now)?));
                return Some(Asked { form, proof: None });
            }
            Grant::ClientCredentials => {
                form.push(("grant_type", "client_credentials".to_owned()));
            }
        }
        let secret = self.client_secret.as_deref();
        let proof = match endpoint.spec.proof {
            ClientProof::InForm => {
                form.push(("client_id", self.client_id.clone()));
                form.extend(secret.map(|secret| ("client_secret", secret.to_owned())));
                None
            }
            ClientProof::Basic => {
                let pair = format!("{}:{}", self.client_id, secret.unwrap_or_default());
                Some(format!("Basic {}", STANDARD.encode(pair)).into())
            }
        };
        Some(Asked { form, proof })
    }

    fn assertion(&self, server: &str, now: Timestamp) -> Option<String> {
        let claims = json!({
            "iss": self.client_id, "sub": self.username,
            "aud": self.audience.as_deref().unwrap_or(server),
            "exp": now.as_second() + ASSERTION_SECONDS,
        });
        let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(json!({ "alg": "RS256" })), encode(claims));
        let key = key(self.private_key.as_deref()?)?;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A key in PEM, in either of its two forms.
fn key(pem: &str) -> Option<KeyPair> {
    let lines = pem.lines().map(str::trim);
    let body: String = lines.filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).ok()?;
    KeyPair::from_pkcs8(&der)
        .or_else(|_| KeyPair::from_der(&der))
        .ok()
}
