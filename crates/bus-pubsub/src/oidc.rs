//! Verifies that a call comes from the service account that Google was configured to call with.

use std::{sync::Arc, time::Duration};

use domain::Clock;
use http_client::Client;
use jiff::Timestamp;
use jwks::{Algorithm, FetchedKeys, Keys, check_time};
use serde::Deserialize;

use crate::PushAccount;

pub use jwks::{Refusal, VerifyError};

/// How far Google's clocks may differ from ours.
const LEEWAY: Duration = Duration::from_secs(60);
/// Both are in use. Source: Google Identity, "Validate an ID token".
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// Google's public keys. One set serves every verifier of a process.
///
/// While the endpoint is down, the last fetched keys stay in use: Google announces new ones days ahead.
#[derive(Debug)]
pub struct GoogleKeys(Keys);

impl GoogleKeys {
    /// Where Google publishes the keys of its ID tokens.
    ///
    /// Source: Pub/Sub, "Authenticate push subscriptions"; the same as in Google's discovery document.
    pub const URL: &str = "https://www.googleapis.com/oauth2/v3/certs";

    /// The keys at `url`: [`Self::URL`], except in tests. Nothing is fetched yet.
    pub fn new(client: Client, url: impl Into<String>, clock: Arc<dyn Clock>) -> Arc<Self> {
        // Google signs with nothing else.
        let keys = FetchedKeys::new(client, url, &[Algorithm::RS256], clock);
        Arc::new(Self(Keys::Fetched(keys)))
    }
}

/// Verifies tokens of the push account. Clones share the keys.
#[derive(Clone)]
pub struct OidcVerifier {
    keys: Arc<GoogleKeys>,
    account: PushAccount,
    clock: Arc<dyn Clock>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    /// Google sends one, never a list.
    aud: String,
    exp: f64,
    iat: f64,
    email: Option<String>,
    email_verified: Option<bool>,
}

impl OidcVerifier {
    pub fn new(keys: Arc<GoogleKeys>, account: PushAccount, clock: Arc<dyn Clock>) -> Self {
        Self {
            keys,
            account,
            clock,
        }
    }

    /// Verifies that a token is Google's, for this account and audience, and valid now.
    ///
    /// # Errors
    /// [`VerifyError`]: the token is refused, or Google's keys were never fetched.
    pub async fn verify(&self, token: &str) -> Result<(), VerifyError> {
        let claims = self.keys.0.verify(token).await?;
        Ok(self.check(&claims, self.clock.now())?)
    }

    fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
        if !ISSUERS.contains(&claims.iss.as_str()) {
            Err(Refusal::Issuer)
        } else if claims.aud != self.account.audience {
            Err(Refusal::Audience)
        } else if claims.email.as_ref() != Some(&self.account.email)
            || claims.email_verified != Some(true)
        {
            Err(Refusal::Account)
        } else {
            check_time(now, Some(claims.iat), claims.exp, LEEWAY)
        }
    }
}

/// Without the account: it is no secret, but no log needs it.
impl std::fmt::Debug for OidcVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcVerifier").finish_non_exhaustive()
    }
}
