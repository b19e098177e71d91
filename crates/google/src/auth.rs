//! Bearer tokens for Google's services.

use std::{fmt, sync::Arc, time::Duration};

use gcp_auth::TokenProvider;
use secrecy::SecretString;
use tokio::{sync::OnceCell, time::timeout};

const SCOPES: &[&str] = &["https://www.googleapis.com/auth/cloud-platform"];

/// Longest time to a token. Looking for credentials where there are none takes seconds, and callers queue up for it.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where bearer tokens come from. Cheap to clone; clones share what they found.
#[derive(Clone)]
pub struct Tokens(Origin);

#[derive(Clone)]
enum Origin {
    Adc(Arc<OnceCell<Arc<dyn TokenProvider>>>),
    Fixed(SecretString),
}

/// Why there is no token. Nothing was sent to the service that it was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Neither a key file, nor a user's login, nor a metadata server.
    #[error(
        "there are no Google credentials: attach a service account or set up application default credentials"
    )]
    NoCredentials,
    /// There are credentials, but no token for them.
    #[error("no token for the Google credentials: {0}")]
    Failed(&'static str),
    /// It took too long.
    #[error("no token for the Google credentials within {} s", DEADLINE.as_secs())]
    Late,
}

impl Tokens {
    /// Application default credentials. They are looked for with the first token, so that a program starts without
    /// them, and again until they are found.
    pub fn adc() -> Self {
        Self(Origin::Adc(Arc::default()))
    }

    /// Always the same token: for simulators and emulators.
    pub fn fixed(token: SecretString) -> Self {
        Self(Origin::Fixed(token))
    }

    /// A token that is good now.
    ///
    /// # Errors
    /// [`TokenError`] when there is none.
    pub async fn bearer(&self) -> Result<SecretString, TokenError> {
        match &self.0 {
            Origin::Fixed(token) => Ok(token.clone()),
            Origin::Adc(provider) => timeout(DEADLINE, fetch(provider))
                .await
                .map_err(|_| TokenError::Late)?,
        }
    }
}

async fn fetch(provider: &OnceCell<Arc<dyn TokenProvider>>) -> Result<SecretString, TokenError> {
    // The provider keeps its tokens for as long as they are good.
    let token = provider
        .get_or_try_init(gcp_auth::provider)
        .await?
        .token(SCOPES)
        .await?;
    Ok(SecretString::from(token.as_str()))
}

impl From<gcp_auth::Error> for TokenError {
    /// Keeps what failed, never the cause: that may quote a credentials file.
    fn from(error: gcp_auth::Error) -> Self {
        match error {
            gcp_auth::Error::NoAuthMethod(..) => Self::NoCredentials,
            gcp_auth::Error::Http(what, _)
            | gcp_auth::Error::Io(what, _)
            | gcp_auth::Error::Json(what, _)
            | gcp_auth::Error::Other(what, _)
            | gcp_auth::Error::Str(what) => Self::Failed(what),
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Origin::Adc(_) => "Tokens(application default credentials)",
            Origin::Fixed(_) => "Tokens(fixed)",
        })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[tokio::test]
    async fn a_fixed_token_is_given_out_and_never_printed() {
        let tokens = Tokens::fixed("s3cret".to_owned().into());
        assert_eq!(tokens.bearer().await.unwrap().expose_secret(), "s3cret");
        assert!(!format!("{tokens:?}").contains("s3cret"));
    }

    #[test]
    fn the_cause_of_a_failure_is_not_repeated() {
        let cause = serde_json::from_str::<u8>("\"s3cret\"").unwrap_err();
        let error = TokenError::from(gcp_auth::Error::Json("failed to parse credentials", cause));
        assert_eq!(error, TokenError::Failed("failed to parse credentials"));
        assert!(!error.to_string().contains("s3cret"));
    }
}
