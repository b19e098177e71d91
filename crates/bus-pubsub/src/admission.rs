//! Checks the token in `Authorization`.

use std::time::Duration;

use http::{HeaderMap, header::AUTHORIZATION};
use runtime::Problem;

use crate::{OidcVerifier, VerifyError};

/// When to retry if Google's keys could not be fetched.
const KEYS_RETRY: Duration = Duration::from_secs(5);

/// Admits a caller with a valid token of the push account.
pub(crate) async fn admit(verifier: &OidcVerifier, headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |cause: &dyn std::fmt::Display| {
        Problem::unauthorized("Send a token of the configured service account.").with_cause(cause)
    };
    let token = bearer(headers).ok_or_else(|| refused(&"there is no bearer token"))?;
    verifier.verify(token).await.map_err(|error| match error {
        VerifyError::Refused(refusal) => refused(&refusal),
        VerifyError::KeysUnavailable(_) => Problem::unavailable(
            "Tokens cannot be verified right now. Try again.",
            KEYS_RETRY,
        )
        .with_cause(error),
    })
}

/// The one token of the request. Two of them count as none.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
