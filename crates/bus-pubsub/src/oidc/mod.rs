//! Verifies that a call comes from the service account that Google was configured to call with.

mod keys;

use std::{sync::Arc, time::Duration};

use domain::Clock;
use jiff::Timestamp;
use jwks::check_time;
use serde::Deserialize;

use crate::PushAccount;

pub use jwks::{Refusal, VerifyError};
pub use keys::GoogleKeys;

/// How far Google's clocks may differ from ours.
const LEEWAY: Duration = Duration::from_secs(60);
/// Both are in use. Source: Google Identity, "Validate an ID token".
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

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
        let claims = self.keys.verify(token).await?;
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
