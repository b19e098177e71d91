//! Proving that a call comes from the account that we told Google to call with.

mod keys;

use std::sync::Arc;

use domain::Clock;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;

use crate::PushAccount;

pub use keys::GoogleKeys;

/// Google's clocks may differ from ours by this much, in seconds.
const LEEWAY_SECONDS: f64 = 60.0;
/// A longer token is not read. Google's take about a thousand bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Both are in use. Source: Google Identity, "Validate an ID token".
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// Tells the push account's tokens from all others. Clones share the keys.
#[derive(Clone)]
pub struct OidcVerifier {
    keys: Arc<GoogleKeys>,
    account: PushAccount,
    clock: Arc<dyn Clock>,
}

/// Why a token is refused. Holds nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No JWT, or with an algorithm or a critical header that nobody knows.
    #[error("it is no token of a kind that is taken here")]
    Malformed,
    /// Not signed with RS256, the only one that Google uses.
    #[error("its algorithm is not RS256")]
    Algorithm,
    /// Google has no key with its `kid`, as far as we know.
    #[error("it is signed with a key that is not Google's")]
    UnknownKey,
    /// The signature is wrong. Also where the platform has checked and removed it.
    #[error("its signature is not valid")]
    Signature,
    /// A claim is missing or of a wrong type.
    #[error("it lacks a claim, or has one of a wrong type")]
    Claims,
    /// From somebody else.
    #[error("it is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("it is for another audience")]
    Audience,
    /// Another account's, or of an address that is not verified.
    #[error("it is another account's, or its address is not verified")]
    Account,
    /// Too old.
    #[error("it has expired")]
    Expired,
    /// Issued in the future.
    #[error("it is not valid yet")]
    NotYet,
}

/// Why a token was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is not genuine, or not for us.
    #[error("the token is refused: {0}")]
    Refused(#[from] Refusal),
    /// Google's keys could not be fetched yet, so nothing can be said about any token. Try again.
    #[error("Google's keys could not be fetched")]
    KeysUnavailable,
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
    /// A verifier of this account's tokens.
    pub fn new(keys: Arc<GoogleKeys>, account: PushAccount, clock: Arc<dyn Clock>) -> Self {
        Self {
            keys,
            account,
            clock,
        }
    }

    /// Proves that a token is Google's, for this account and audience, and valid now.
    ///
    /// The key is one of Google's, and the algorithm is fixed: nothing in the token can bring a key or change what a
    /// key is for.
    ///
    /// # Errors
    /// [`VerifyError`]: refused, or not decided because the keys could not be fetched.
    pub async fn verify(&self, token: &str) -> Result<(), VerifyError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Malformed.into());
        }
        let header = decode_header(token).map_err(|_| Refusal::Malformed)?;
        if header.crit.is_some() {
            return Err(Refusal::Malformed.into()); // the library would let it pass
        }
        if header.alg != Algorithm::RS256 {
            return Err(Refusal::Algorithm.into());
        }
        let kid = header.kid.ok_or(Refusal::UnknownKey)?;
        let key = self.keys.find(&kid).await;
        let key = key.map_err(|_| VerifyError::KeysUnavailable)?;
        let key = key.ok_or(Refusal::UnknownKey)?;
        let claims = decode::<Claims>(token, key.decoding(), &signature_alone())
            .map_err(|error| refusal(error.kind()))?
            .claims;
        Ok(self.check(&claims, self.clock.now())?)
    }

    fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
        let now = now.as_duration().as_secs_f64();
        if !ISSUERS.contains(&claims.iss.as_str()) {
            Err(Refusal::Issuer)
        } else if claims.aud != self.account.audience {
            Err(Refusal::Audience)
        } else if claims.email.as_ref() != Some(&self.account.email)
            || claims.email_verified != Some(true)
        {
            Err(Refusal::Account)
        } else if now >= claims.exp + LEEWAY_SECONDS {
            Err(Refusal::Expired)
        } else if now < claims.iat - LEEWAY_SECONDS {
            Err(Refusal::NotYet)
        } else {
            Ok(())
        }
    }
}

/// What the library is to check. Claims are compared here, with our clock.
fn signature_alone() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn refusal(kind: &ErrorKind) -> Refusal {
    match kind {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::InvalidAlgorithm => Refusal::Algorithm,
        ErrorKind::Json(_) => Refusal::Claims,
        _ => Refusal::Malformed,
    }
}

/// Without the account: it is no secret, but no log needs it.
impl std::fmt::Debug for OidcVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcVerifier").finish_non_exhaustive()
    }
}
